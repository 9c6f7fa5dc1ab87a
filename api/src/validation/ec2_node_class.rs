//! EC2NodeClasses, as far as they can be checked without AWS: the kubelet's configuration, what the AMI family can apply of
//! it, tags, and selector terms that admission lets through although part of them is ignored (spec aws-provider 1.2, 1.4, 1.11).

use std::fmt;

use serde_json::{Map, Value};

use super::kubelet::{self, KubeletError};
use super::message;
use crate::conditions::ec2_node_class as reasons;
use crate::ec2_node_class::{AmiFamily, EC2NodeClassSpec};
use crate::labels::aws;

/// The fields of the kubelet's configuration that every AMI family can apply.
const MANAGED_FIELDS: [&str; 12] = [
    "clusterDNS",
    "maxPods",
    "podsPerCore",
    "systemReserved",
    "kubeReserved",
    "evictionHard",
    "evictionSoft",
    "evictionSoftGracePeriod",
    "evictionMaxPodGracePeriod",
    "imageGCHighThresholdPercent",
    "imageGCLowThresholdPercent",
    "cpuCFSQuota",
];

/// What was found out about an EC2NodeClass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeClassFindings {
    /// Why the class cannot be used, if it cannot.
    pub fault: Option<NodeClassFault>,
    /// What is odd about it without being wrong.
    pub warnings: Vec<String>,
}

/// Why an EC2NodeClass cannot be used: what its condition `ValidationSucceeded` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeClassFault {
    /// The condition's reason, one of [`crate::conditions::ec2_node_class`].
    pub reason: &'static str,
    /// What is wrong.
    pub problems: Vec<NodeClassProblem>,
}

/// The condition's message.
impl fmt::Display for NodeClassFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&message(&self.problems))
    }
}

impl std::error::Error for NodeClassFault {}

/// What is wrong with an EC2NodeClass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeClassProblem {
    /// The kubelet's configuration makes no sense.
    #[error(transparent)]
    Kubelet(#[from] KubeletError),
    /// An expression, and the gate is off.
    #[error(
        "spec.kubelet{path} is an expression ({expression:?}), and expressions need the AWS feature gate NodeClassCEL"
    )]
    ExpressionsDisabled {
        /// The place below `spec.kubelet`.
        path: String,
        /// The expression.
        expression: String,
    },
    /// A field that the AMI family cannot apply.
    #[error("spec.kubelet.{field} is not supported by AMI family {}", .family.as_str())]
    UnsupportedField {
        /// The field.
        field: String,
        /// The family.
        family: AmiFamily,
    },
    /// More name servers than the AMI family can apply.
    #[error("spec.kubelet.clusterDNS has {count} entries, and AMI family {} supports one", .family.as_str())]
    TooManyNameServers {
        /// How many there are.
        count: usize,
        /// The family.
        family: AmiFamily,
    },
    /// A tag that only the provisioner may set.
    #[error("{0:?} tag does not pass tag validation requirements")]
    Tag(String),
}

/// Runs the checks that need no AWS, in the order in which Karpenter runs them: the first that fails is the fault.
///
/// `expressions_enabled` is the AWS feature gate NodeClassCEL. Expressions are not compiled here.
#[must_use]
pub fn ec2_node_class(spec: &EC2NodeClassSpec, expressions_enabled: bool) -> NodeClassFindings {
    let empty = Map::new();
    let kubelet = spec.kubelet.as_ref().unwrap_or(&empty);
    let family = spec.effective_ami_family();
    let (errors, mut warnings) = kubelet::structural(kubelet);
    warnings.extend(ignored_selectors(spec));
    let disabled = || match expressions_enabled {
        true => Vec::new(),
        false => expressions_disabled(kubelet),
    };
    let checks: [(&'static str, &dyn Fn() -> Vec<NodeClassProblem>); 4] = [
        (reasons::INVALID_KUBELET_CONFIGURATION, &|| errors.iter().cloned().map(Into::into).collect()),
        (reasons::KUBELET_EXPRESSIONS_DISABLED, &disabled),
        (reasons::UNSUPPORTED_KUBELET_CONFIGURATION, &|| unsupported(kubelet, family)),
        (reasons::TAG_VALIDATION_FAILED, &|| forbidden_tags(spec)),
    ];
    let mut faults = checks.iter().map(|(reason, check)| NodeClassFault { reason, problems: check() });
    let fault = faults.find(|fault| !fault.problems.is_empty());
    NodeClassFindings { fault, warnings }
}

fn expressions_disabled(kubelet: &Map<String, Value>) -> Vec<NodeClassProblem> {
    let found = kubelet::expressions(kubelet).into_iter();
    found.map(|(path, expression)| NodeClassProblem::ExpressionsDisabled { path, expression }).collect()
}

/// AL2023 takes any configuration, and with the family Custom the user applies it.
fn unsupported(kubelet: &Map<String, Value>, family: AmiFamily) -> Vec<NodeClassProblem> {
    if matches!(family, AmiFamily::AL2023 | AmiFamily::Custom) {
        return Vec::new();
    }
    let cannot =
        |field: &str| !MANAGED_FIELDS.contains(&field) || (family == AmiFamily::Bottlerocket && field == "podsPerCore");
    let fields = kubelet.keys().filter(|field| cannot(field));
    let mut problems: Vec<_> =
        fields.map(|field| NodeClassProblem::UnsupportedField { field: field.clone(), family }).collect();
    let name_servers = kubelet.get("clusterDNS").and_then(Value::as_array).map_or(0, Vec::len);
    if name_servers > 1 {
        problems.push(NodeClassProblem::TooManyNameServers { count: name_servers, family });
    }
    problems
}

fn forbidden_tags(spec: &EC2NodeClassSpec) -> Vec<NodeClassProblem> {
    let keys = spec.tags.iter().flatten().map(|(key, _)| key);
    keys.filter(|key| is_forbidden_tag(key)).cloned().map(NodeClassProblem::Tag).collect()
}

/// Whether only the provisioner may set this tag: those by which it knows what is its own (spec aws-provider 1.3).
#[must_use]
pub fn is_forbidden_tag(key: &str) -> bool {
    let reserved = [aws::TAG_CLUSTER_NAME, aws::TAG_NODEPOOL, aws::TAG_NODECLAIM, aws::TAG_EC2_NODE_CLASS];
    reserved.contains(&key) || is_cluster_tag(key)
}

/// `^kubernetes\.io/cluster/[0-9A-Za-z][A-Za-z0-9\-_]*$`
fn is_cluster_tag(key: &str) -> bool {
    key.strip_prefix(aws::TAG_CLUSTER_PREFIX).is_some_and(|cluster| {
        cluster.starts_with(|c: char| c.is_ascii_alphanumeric())
            && cluster.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    })
}

/// Terms that name a resource in two ways. Admission means to refuse them, but lets one through beside a proper term; then
/// the more exact way counts and the rest is ignored.
fn ignored_selectors(spec: &EC2NodeClassSpec) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |field: &str, i: usize, set: &[(&str, bool)]| {
        let mut names = set.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| *name);
        let Some(first) = names.next() else { return };
        let ignored: Vec<_> = names.collect();
        if !ignored.is_empty() {
            let ignored = ignored.join(" and ");
            warnings.push(format!("spec.{field}[{i}]: only {first} counts, {ignored} is ignored"));
        }
    };
    for (i, term) in spec.subnet_selector_terms.iter().enumerate() {
        if term.id.is_some() {
            warn("subnetSelectorTerms", i, &[("id", true), ("tags", term.tags.is_some())]);
        }
    }
    for (i, term) in spec.security_group_selector_terms.iter().enumerate() {
        let tags = ("tags", term.tags.is_some());
        warn("securityGroupSelectorTerms", i, &[("id", term.id.is_some()), ("name", term.name.is_some()), tags]);
    }
    for (i, term) in spec.capacity_reservation_selector_terms.iter().enumerate() {
        if term.id.is_some() {
            let others = [
                ("id", true),
                ("tags", term.tags.is_some()),
                ("ownerID", term.owner_id.is_some()),
                ("instanceMatchCriteria", term.instance_match_criteria.is_some()),
            ];
            warn("capacityReservationSelectorTerms", i, &others);
        }
    }
    for (i, term) in spec.ami_selector_terms.iter().enumerate() {
        if term.id.is_some() || term.ssm_parameter.is_some() {
            let others = [
                ("id", term.id.is_some()),
                ("ssmParameter", term.ssm_parameter.is_some()),
                ("name", term.name.is_some()),
                ("tags", term.tags.is_some()),
                ("owner", term.owner.is_some()),
            ];
            warn("amiSelectorTerms", i, &others);
        }
    }
    warnings
}
