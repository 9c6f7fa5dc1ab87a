//! How a machine reaches its metadata (spec aws-provider 5.5).

use crate::cluster::Cluster;
use dovetail_api::ec2_node_class::{EC2NodeClassSpec, HttpTokens, Toggle};
use serde::Serialize;

/// Regions whose EC2 does not know the setting for IPv6.
const WITHOUT_IPV6: [&str; 6] =
    ["us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "us-isob-west-1", "us-isof-south-1", "us-isof-east-1"];

/// How a machine reaches its metadata, in the words of the EC2 API. Tags are never among the metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// `enabled` or `disabled`.
    pub endpoint: Option<&'static str>,
    /// `enabled` or `disabled`; not said where EC2 would not understand.
    pub ipv6: Option<&'static str>,
    /// How many hops an answer may travel.
    pub hop_limit: Option<i64>,
    /// `required` or `optional`.
    pub tokens: Option<&'static str>,
}

pub(super) fn metadata(spec: &EC2NodeClassSpec, cluster: &Cluster) -> Metadata {
    let mut metadata = match &spec.metadata_options {
        Some(options) => Metadata {
            endpoint: options.http_endpoint.map(Toggle::as_str),
            ipv6: options.http_protocol_ipv6.map(Toggle::as_str),
            hop_limit: options.http_put_response_hop_limit,
            tokens: options.http_tokens.map(HttpTokens::as_str),
        },
        None => Metadata {
            endpoint: Some(Toggle::Disabled.as_str()),
            ipv6: Some(if cluster.is_ipv6() { Toggle::Enabled } else { Toggle::Disabled }.as_str()),
            hop_limit: Some(2),
            tokens: Some(HttpTokens::Required.as_str()),
        },
    };
    if WITHOUT_IPV6.contains(&cluster.region.as_str()) {
        metadata.ipv6 = None;
    }
    metadata
}
