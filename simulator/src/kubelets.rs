//! What kubelets and the scheduler write on pods and nodes: that a pod has a place or finds none, that it runs, that a node
//! is ready or has fallen silent. When that happens is decided in `world`.

use crate::api_server::seconds;
use k8s_openapi::api::core::v1::{Node, NodeCondition, Pod, PodCondition};
use k8s_openapi::jiff::Timestamp;

/// The pod is bound to a node.
pub(crate) fn bind(pod: &mut Pod, node: &str, now: Timestamp) {
    pod.spec.get_or_insert_default().node_name = Some(node.to_owned());
    set(pod, "PodScheduled", "True", None, now);
}

/// There is no node for the pod.
pub(crate) fn find_no_place(pod: &mut Pod, now: Timestamp) {
    set(pod, "PodScheduled", "False", Some("Unschedulable"), now);
}

/// Whether it has been said that there is no node for the pod.
pub(crate) fn has_no_place(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|c| c.type_ == "PodScheduled" && c.reason.as_deref() == Some("Unschedulable"))
}

/// The containers of the pod run.
pub(crate) fn start(pod: &mut Pod, now: Timestamp) {
    let status = pod.status.get_or_insert_default();
    status.phase = Some("Running".to_owned());
    status.start_time = Some(seconds(now));
    set(pod, "Ready", "True", None, now);
}

/// Whether the pod runs.
pub(crate) fn is_running(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    phase == Some("Running") && pod.metadata.deletion_timestamp.is_none()
}

fn set(pod: &mut Pod, type_: &str, value: &str, reason: Option<&str>, now: Timestamp) {
    let conditions = pod.status.get_or_insert_default().conditions.get_or_insert_default();
    conditions.retain(|c| c.type_ != type_);
    conditions.push(PodCondition {
        type_: type_.to_owned(),
        status: value.to_owned(),
        reason: reason.map(str::to_owned),
        last_transition_time: Some(seconds(now)),
        ..PodCondition::default()
    });
}

/// The kubelet says whether it takes pods, or nobody has heard of it (`Unknown`).
pub(crate) fn set_ready(node: &mut Node, value: &str, now: Timestamp) {
    let conditions = node.status.get_or_insert_default().conditions.get_or_insert_default();
    conditions.retain(|c| c.type_ != "Ready");
    conditions.push(NodeCondition {
        type_: "Ready".to_owned(),
        status: value.to_owned(),
        last_transition_time: Some(seconds(now)),
        ..NodeCondition::default()
    });
}
