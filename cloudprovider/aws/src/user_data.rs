//! The user data of a machine: the text that it reads at its first boot, in which whatever the node class brings is merged
//! with what the node needs to join the cluster. Every AMI family has a format of its own, a file each (spec aws-provider
//! 6.5 to 6.9). Which labels, taints and kubelet settings a node has was decided before.

mod al2;
mod al2023;
mod archive;
mod bottlerocket;
mod kubelet_flags;
mod windows;

pub use bottlerocket::{BottlerocketVersion, NoVersion};

use crate::cluster::Cluster;
use crate::kubelet::Kubelet;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dovetail_api::ec2_node_class::AmiFamily;
use dovetail_api::node_pool::Taint;
use std::collections::BTreeMap;

/// EC2 takes no more user data than this many bytes, before its encoding.
pub const LIMIT_BYTES: usize = 16_384;
/// From this many bytes on somebody should be told that the limit is near: nine tenths of it.
pub const NEAR_LIMIT_BYTES: usize = LIMIT_BYTES / 10 * 9 + 3;

/// Everything that goes into a machine's user data.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The family of the machine's image.
    pub family: AmiFamily,
    /// The cluster that it joins.
    pub cluster: &'a Cluster,
    /// The settings of its kubelet.
    pub kubelet: &'a Kubelet,
    /// The labels that it registers with.
    pub labels: &'a BTreeMap<String, String>,
    /// The taints that it registers with.
    pub taints: &'a [Taint],
    /// Whether its own disks are joined into one for pods and images.
    pub raid0: bool,
    /// The node class's own user data.
    pub custom: Option<&'a str>,
    /// The release of the image, which only Bottlerocket asks for; none if nobody knows it.
    pub bottlerocket: Option<&'a BottlerocketVersion>,
}

/// Why a machine has no user data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserDataError {
    /// It begins as a MIME archive and is none.
    #[error("spec.userData of the EC2NodeClass begins as a MIME archive, and {0}: correct it, or leave the header out")]
    Archive(&'static str),
    /// It is no TOML.
    #[error("spec.userData of the EC2NodeClass must be TOML for the AMI family Bottlerocket: {0}")]
    Toml(String),
    /// Something in the TOML stands where settings are merged in, and cannot be merged with.
    #[error(
        "spec.userData of the EC2NodeClass: {0} must be a table, so that the node's own settings can be added to it"
    )]
    NoTable(String),
    /// The service CIDR is missing.
    #[error(
        "the cluster's service CIDR is not known yet: AL2023 needs it to join; it is read from EKS DescribeCluster"
    )]
    NoServiceCidr,
    /// It could not be written.
    #[error("user data cannot be written: {0}")]
    Write(String),
}

/// The user data of a machine, as text.
///
/// # Errors
/// If the class's own user data cannot be merged with, or the cluster's facts do not suffice for the family.
pub fn text(request: &Request<'_>) -> Result<String, UserDataError> {
    match request.family {
        AmiFamily::AL2 => al2::text(request),
        AmiFamily::AL2023 => al2023::text(request),
        AmiFamily::Bottlerocket => bottlerocket::text(request),
        AmiFamily::Windows2019 | AmiFamily::Windows2022 | AmiFamily::Windows2025 => Ok(windows::text(request)),
        // Whoever brings an image brings what it boots with.
        AmiFamily::Custom => Ok(request.custom.unwrap_or_default().to_owned()),
    }
}

/// User data as the EC2 API takes it: base64.
#[must_use]
pub fn encode(text: &str) -> String {
    STANDARD.encode(text)
}

/// By how many bytes user data is too long for EC2, if it is.
#[must_use]
pub fn excess(text: &str) -> Option<usize> {
    text.len().checked_sub(LIMIT_BYTES).filter(|excess| *excess > 0)
}

/// `key=value` with commas between, in the order of the keys: the same input gives the same text.
fn pairs(map: &BTreeMap<String, String>, between: &str) -> String {
    map.iter().map(|(key, value)| format!("{key}{between}{value}")).collect::<Vec<_>>().join(",")
}

/// The flag with which the kubelet labels its node.
fn node_labels_flag(labels: &BTreeMap<String, String>) -> String {
    format!("--node-labels=\"{}\"", pairs(labels, "="))
}

/// A taint as flags and TOML write it: `value:effect`.
fn value_and_effect(taint: &Taint) -> String {
    format!("{}:{}", taint.value.as_deref().unwrap_or_default(), taint.effect.as_str())
}

#[cfg(test)]
#[path = "user_data/tests.rs"]
mod tests;
