//! What counts as something happening to the pods of a node: one is bound to it, comes to its end there, is told to end, or
//! is gone. Pods of DaemonSets do not count, since they come and go with the node (the Karpenter specification, disruption
//! 1.7). Who wants to know is not known here.

use super::pod::PodRecord;
use k8s_openapi::jiff::Timestamp;
use std::sync::Arc;

/// Node and time of the event that a change of a pod is, if it is one.
pub(super) fn of(
    before: Option<&PodRecord>,
    after: Option<&PodRecord>,
    now: Timestamp,
) -> Option<(Arc<str>, Timestamp)> {
    let pod = after.or(before).filter(|pod| !pod.shape.is_daemon)?;
    let node = Arc::clone(pod.node.as_ref()?);
    let before = before.filter(|before| before.uid == pod.uid);
    let at = match (before, after) {
        // Seen for the first time: what happened, happened when it was bound.
        (None, Some(after)) => after.bound.or(after.started).or(after.created)?.min(now),
        (Some(before), Some(after)) => {
            let bound = before.node.is_none();
            let ended = after.is_terminal() && !before.is_terminal();
            let told = after.is_terminating() && !before.is_terminating();
            (bound || ended || told).then_some(now)?
        }
        // One that was known to be ending is no news.
        (Some(before), None) => before.is_active().then_some(now)?,
        (None, None) => return None,
    };
    Some((node, at))
}
