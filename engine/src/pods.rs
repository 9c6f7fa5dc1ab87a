//! Pods in the scheduler's terms: which ones want a place, what they need, and which rules they ask for.
//!
//! The predicates are those of the specification ("scheduling" 2.1). A rule that the scheduler does not keep yet is
//! named here, in one place, so that such a pod is reported instead of being misplaced.

use crate::between_pods::RuleError;
use crate::cluster::PodRecord;
use crate::ports::{self, PortError};
use crate::requests::{self, BadQuantity};
use crate::selection::{self, SelectionError};
use crate::volumes::{VolumeError, VolumeIndex};
use dovetail_scheduler::problem::PodClass;
use dovetail_scheduler::reasons::RESOURCE_CLAIMS;
use dovetail_scheduler::requirement::Name;
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

/// Why a pod takes no part in a round.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PodError {
    /// A quantity cannot be read.
    #[error(transparent)]
    Quantity(#[from] BadQuantity),
    /// Its choice of nodes cannot be used.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// Its volumes cannot be had.
    #[error(transparent)]
    Volumes(#[from] VolumeError),
    /// More than one thing is wrong with it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<PodError>),
    /// A port of the node that it asks for cannot be had.
    #[error(transparent)]
    Ports(#[from] PortError),
    /// One of its rules about other pods makes no sense.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// It has no spec.
    #[error("the pod has no spec: add one with at least one container")]
    NoSpec,
}

impl PodError {
    /// Whether the manifest itself is wrong, rather than asking for something that provisioning does not do.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Quantity(_) | Self::NoSpec | Self::Ports(_) | Self::Rule(_) => true,
            Self::Selection(SelectionError::Expression { .. }) => true,
            Self::Selection(_) => false,
            Self::Volumes(error) => error.is_bad_input(),
            Self::Several(errors) => errors.iter().any(Self::is_bad_input),
        }
    }
}

/// The namespace of an object that lives in one; without a word about it that is `default`.
pub fn namespace(metadata: &ObjectMeta) -> &str {
    metadata.namespace.as_deref().unwrap_or("default")
}

/// The owner that keeps the object, if it has one.
pub fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata.owner_references.iter().flatten().find(|o| o.controller == Some(true))
}

/// Namespace and name.
pub fn name(pod: &Pod) -> String {
    format!("{}/{}", namespace(&pod.metadata), pod.metadata.name.as_deref().unwrap_or_default())
}

/// Whether an object of this kind owns the pod, by exact version and kind.
pub fn is_owned_by(pod: &Pod, api_version: &str, kind: &str) -> bool {
    pod.metadata.owner_references.iter().flatten().any(|o| o.api_version == api_version && o.kind == kind)
}

/// Whether the pod was made by a DaemonSet.
pub fn is_daemon(pod: &Pod) -> bool {
    is_owned_by(pod, "apps/v1", "DaemonSet")
}

/// Whether the pod mirrors a static pod of a kubelet.
pub(crate) fn is_mirror(pod: &Pod) -> bool {
    is_owned_by(pod, "v1", "Node")
}

/// Whether the pod has run to its end.
pub fn is_terminal(pod: &Pod) -> bool {
    matches!(pod.status.as_ref().and_then(|s| s.phase.as_deref()), Some("Failed" | "Succeeded"))
}

/// Whether the pod has been told to end.
pub fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// The node that the pod is bound to.
pub fn node_name(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref().and_then(|s| s.node_name.as_deref()).filter(|n| !n.is_empty())
}

/// Whether somebody holds the pod back from being scheduled.
pub fn is_gated(pod: &Pod) -> bool {
    pod.spec.as_ref().is_some_and(|s| s.scheduling_gates.as_ref().is_some_and(|g| !g.is_empty()))
}

/// What the pod needs by itself, whatever other pods there are.
///
/// # Errors
/// When its manifest cannot be read.
pub fn class(pod: &Pod) -> Result<PodClass, PodError> {
    let spec = pod.spec.as_ref().ok_or(PodError::NoSpec)?;
    Ok(PodClass {
        requests: requests::of_pod(spec, pod.status.as_ref())?,
        selection: selection::of_pod(spec)?,
        tolerations: selection::tolerations(spec),
        ports: ports::of_pod(spec)?,
        unsupported: unsupported(spec),
        ..PodClass::default()
    })
}

/// What the record of a pod needs by itself, as [`class`] tells, and with what it has while it is being resized.
fn class_of(pod: &PodRecord) -> Result<PodClass, PodError> {
    let class = pod.shape.class.clone()?;
    Ok(match &pod.resized {
        Some(_) => PodClass { requests: pod.requests()?.clone(), ..class },
        None => class,
    })
}

/// What a pod needs that waits for a node.
///
/// # Errors
/// With everything that provisioning does not do.
pub fn pending(pod: &PodRecord, volumes: &VolumeIndex<'_>) -> Result<PodClass, PodError> {
    let class = class_of(pod)?;
    let mut wrong: Vec<PodError> = pod.shape.refusals.iter().cloned().map(Into::into).collect();
    match volumes.of_pending(pod) {
        Ok(volumes) if wrong.is_empty() => return Ok(PodClass { volumes, ..class }),
        Ok(_) => {}
        Err(error) => wrong.push(error.into()),
    }
    Err(if wrong.len() == 1 { wrong.remove(0) } else { PodError::Several(wrong) })
}

/// What a pod needs that has to leave its node. It was let in once and is not checked again.
///
/// # Errors
/// When its manifest cannot be read, or it cannot be told where its volumes are.
pub fn leaving(pod: &PodRecord, volumes: &VolumeIndex<'_>) -> Result<PodClass, PodError> {
    Ok(PodClass { volumes: volumes.of_leaving(pod)?, ..class_of(pod)? })
}

/// What a pod asks for that the scheduler cannot give.
fn unsupported(spec: &PodSpec) -> Vec<Name> {
    if has_resource_claims(spec) { vec![Name::from(RESOURCE_CLAIMS)] } else { vec![] }
}

fn has_resource_claims(spec: &PodSpec) -> bool {
    let claimed = |c: &k8s_openapi::api::core::v1::Container| {
        c.resources.as_ref().is_some_and(|r| r.claims.as_ref().is_some_and(|c| !c.is_empty()))
    };
    spec.resource_claims.as_ref().is_some_and(|c| !c.is_empty())
        || spec.containers.iter().chain(spec.init_containers.iter().flatten()).any(claimed)
}
