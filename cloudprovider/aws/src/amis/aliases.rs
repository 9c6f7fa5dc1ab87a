//! Aliases such as `al2023@latest`: the SSM parameters that name their images, and what the answers come to (spec
//! aws-provider 6.2, 1.7).

use crate::faults::Fault;
use dovetail_api::ec2_node_class::{Alias, AmiFamily};
use dovetail_api::labels::aws::{INSTANCE_ACCELERATOR_COUNT, INSTANCE_GPU_COUNT};
use dovetail_api::labels::{OS, OS_WINDOWS, WINDOWS_BUILD};
use dovetail_api::requirement::{Operator, OverlayRequirement};
use dovetail_cloudprovider::ec2::family_rules;
use std::collections::BTreeMap;

/// Which machines an image is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// Those without accelerators.
    Standard,
    /// Those with GPUs.
    Nvidia,
    /// Those with Neuron devices.
    Neuron,
    /// Those that run this build of Windows.
    Windows(&'static str),
}

impl Variant {
    /// What a machine's type must be like.
    #[must_use]
    pub fn requirements(self) -> Vec<OverlayRequirement> {
        let one = |key: &str, operator, values: &[&str]| OverlayRequirement {
            key: key.to_owned(),
            operator,
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        match self {
            Self::Standard => vec![
                one(INSTANCE_GPU_COUNT, Operator::DoesNotExist, &[]),
                one(INSTANCE_ACCELERATOR_COUNT, Operator::DoesNotExist, &[]),
            ],
            Self::Nvidia => vec![one(INSTANCE_GPU_COUNT, Operator::Exists, &[])],
            Self::Neuron => vec![one(INSTANCE_ACCELERATOR_COUNT, Operator::Exists, &[])],
            Self::Windows(build) => {
                vec![one(OS, Operator::In, &[OS_WINDOWS]), one(WINDOWS_BUILD, Operator::In, &[build])]
            }
        }
    }
}

/// An SSM parameter that names an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The machines that the image is for.
    pub variants: Vec<Variant>,
    /// Whether another image may stand there tomorrow.
    pub mutable: bool,
}

/// Why an alias has no images.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AliasError {
    /// Its family has none for this version of Kubernetes.
    #[error("alias {alias:?} has no AMIs for Kubernetes {version}: {instead}")]
    Unsupported {
        /// The alias.
        alias: String,
        /// The version.
        version: String,
        /// What to do.
        instead: &'static str,
    },
    /// It is none.
    #[error("{0:?} is no alias of AMIs: write family@version, such as al2023@latest")]
    Unknown(String),
    /// None of its parameters exists.
    #[error(
        "failed to discover any AMIs for alias {0:?}: SSM has no parameter for this release and this Kubernetes version"
    )]
    NothingFound(String),
    /// SSM could not be asked. What was known before stands: to go on with some of the images would take the others for gone.
    #[error("SSM parameter {parameter} cannot be read: {fault}")]
    Ssm {
        /// The parameter.
        parameter: String,
        /// SSM's answer.
        fault: Fault,
    },
}

/// The parameters that name the images of an alias.
///
/// # Errors
/// If the alias is none, or its family has no images for the cluster's version of Kubernetes, such as `1.35`.
pub fn parameters(alias: &str, kubernetes: &str) -> Result<Vec<Parameter>, AliasError> {
    let unknown = || AliasError::Unknown(alias.to_owned());
    let parsed = Alias::parse(alias).ok_or_else(unknown)?;
    let family = parsed.family().ok_or_else(unknown)?;
    let minor: Option<u32> = kubernetes.split_once('.').and_then(|(_, minor)| minor.parse().ok());
    let unsupported =
        |instead| AliasError::Unsupported { alias: alias.to_owned(), version: kubernetes.to_owned(), instead };
    if family == AmiFamily::AL2 && minor.is_some_and(|minor| minor >= 33) {
        return Err(unsupported("Amazon Linux 2 ended with 1.32; use al2023@latest"));
    }
    if family == AmiFamily::Windows2025 && minor.is_some_and(|minor| minor < 35) {
        return Err(unsupported("Windows Server 2025 began with 1.35; use windows2022@latest"));
    }
    let release = (!parsed.is_latest()).then_some(parsed.version);
    let named = |(name, variants): (String, Vec<Variant>)| Parameter { name, variants, mutable: release.is_none() };
    Ok(names(family, release, kubernetes).into_iter().map(named).collect())
}

fn names(family: AmiFamily, release: Option<&str>, k: &str) -> Vec<(String, Vec<Variant>)> {
    use Variant::{Neuron, Nvidia, Standard, Windows};
    match family {
        AmiFamily::AL2 => {
            let path = |kind: &str, image: &str| {
                let release = release.map_or("recommended".to_owned(), |v| format!("amazon-eks-{image}-{k}-{v}"));
                format!("/aws/service/eks/optimized-ami/{k}/{kind}/{release}/image_id")
            };
            vec![
                (path("amazon-linux-2", "node"), vec![Standard]),
                (path("amazon-linux-2-arm64", "arm64-node"), vec![Standard]),
                (path("amazon-linux-2-gpu", "gpu-node"), vec![Neuron, Nvidia]),
            ]
        }
        AmiFamily::AL2023 => {
            let path = |arch: &str, kind: &str| {
                let image = format!("amazon-eks-node-al2023-{arch}-{kind}-{k}");
                let release = release.map_or("recommended".to_owned(), |v| format!("{image}-{v}"));
                format!("/aws/service/eks/optimized-ami/{k}/amazon-linux-2023/{arch}/{kind}/{release}/image_id")
            };
            vec![
                (path("x86_64", "standard"), vec![Standard]),
                (path("x86_64", "nvidia"), vec![Nvidia]),
                (path("x86_64", "neuron"), vec![Neuron]),
                (path("arm64", "standard"), vec![Standard]),
                (path("arm64", "nvidia"), vec![Nvidia]),
            ]
        }
        AmiFamily::Bottlerocket => {
            let release = release.map_or("latest", |v| v.trim_start_matches('v'));
            let path = |kind: &str, arch: &str| {
                format!("/aws/service/bottlerocket/aws-k8s-{k}{kind}/{arch}/{release}/image_id")
            };
            vec![
                (path("", "x86_64"), vec![Standard, Neuron]),
                (path("", "arm64"), vec![Standard]),
                (path("-nvidia", "x86_64"), vec![Nvidia]),
                (path("-nvidia", "arm64"), vec![Nvidia]),
            ]
        }
        AmiFamily::Windows2019 | AmiFamily::Windows2022 | AmiFamily::Windows2025 => {
            let year = family.as_str().trim_start_matches("Windows");
            let name = format!(
                "/aws/service/ami-windows-latest/Windows_Server-{year}-English-Core-EKS_Optimized-{k}/image_id"
            );
            family_rules(family).windows_build.into_iter().map(|build| (name.clone(), vec![Windows(build)])).collect()
        }
        AmiFamily::Custom => Vec::new(),
    }
}

/// The images that the parameters name, by id, with the machines that each is for. A parameter that does not exist is left
/// out: not every release has every variant.
///
/// # Errors
/// If no parameter exists, or one could not be read. Karpenter takes the latter for the former, and so takes images for gone
/// while SSM is slow, and with them every node that runs them for drifted.
pub fn resolve(
    alias: &str,
    answers: &[(Parameter, Result<String, Fault>)],
) -> Result<BTreeMap<String, Vec<Variant>>, AliasError> {
    let mut images: BTreeMap<String, Vec<Variant>> = BTreeMap::new();
    for (parameter, answer) in answers {
        match answer {
            Ok(id) => images.entry(id.clone()).or_default().extend(&parameter.variants),
            Err(fault) if fault.is_not_found() => {}
            Err(fault) => return Err(AliasError::Ssm { parameter: parameter.name.clone(), fault: fault.clone() }),
        }
    }
    if images.is_empty() { Err(AliasError::NothingFound(alias.to_owned())) } else { Ok(images) }
}
