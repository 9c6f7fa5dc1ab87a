//! The order in which a node is emptied, as a function of its pods, its deadline and the time (the Karpenter
//! specification, disruption 5.2). It decides who has to go now; how that is asked for is decided in `eviction`.
//!
//! Pods go in tiers, those that the cluster depends on and those of DaemonSets last, and a tier waits until the one before
//! it is gone. A deadline knows no tiers: who needs longer than what is left is told to go at once.

use crate::cluster::PodRecord;
use crate::leaving;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// How far a node is from being empty.
#[derive(Debug, Default)]
pub(super) struct Drain<'a> {
    /// How many pods are waited for.
    pub(super) waiting: usize,
    /// Those whose time is up: they are deleted, whatever protects them.
    pub(super) overdue: Vec<&'a Arc<PodRecord>>,
    /// Those to be evicted, as far as disruption budgets allow.
    pub(super) evictable: Vec<&'a Arc<PodRecord>>,
    /// When this will be different although no pod changes.
    pub(super) again: Option<Timestamp>,
}

/// How far a node with these pods is from being empty.
pub(super) fn drain<'a>(
    pods: impl Iterator<Item = &'a Arc<PodRecord>>,
    deadline: Option<Timestamp>,
    now: Timestamp,
) -> Drain<'a> {
    let waiting: Vec<_> = pods.filter(|pod| leaving::is_waited_for(pod, now)).collect();
    let first = waiting.iter().map(|pod| tier(pod)).min();
    let mut drain = Drain { waiting: waiting.len(), ..Drain::default() };
    for pod in waiting {
        if is_overdue(pod, deadline, now) {
            drain.overdue.push(pod);
        } else if Some(tier(pod)) == first && leaving::is_evictable(pod, now) {
            drain.evictable.push(pod);
        }
        let times = [leaving::stuck_from(pod), overdue_from(pod, deadline), protected_until(pod, now)];
        // What counts is the time after these.
        let next = times.into_iter().flatten().filter_map(|t| t.checked_add(SignedDuration::from_millis(1)).ok());
        drain.again = next.filter(|t| *t > now).chain(drain.again).min();
    }
    drain
}

/// Ordinary pods, pods of DaemonSets, critical pods, critical pods of DaemonSets.
fn tier(pod: &PodRecord) -> u8 {
    2 * u8::from(leaving::is_critical(pod)) + u8::from(pod.shape.is_daemon)
}

fn protected_until(pod: &PodRecord, now: Timestamp) -> Option<Timestamp> {
    match leaving::protection(pod, now) {
        leaving::Protection::Until(time) => Some(time),
        _ => None,
    }
}

/// Whether the pod would, left alone, outlive the deadline.
fn is_overdue(pod: &PodRecord, deadline: Option<Timestamp>, now: Timestamp) -> bool {
    match (deadline, pod.deleted) {
        (None, _) => false,
        (Some(deadline), Some(end)) => end > deadline,
        (Some(_), None) => overdue_from(pod, deadline).is_some_and(|from| now > from),
    }
}

/// After which time a pod needs longer to end than there is.
fn overdue_from(pod: &PodRecord, deadline: Option<Timestamp>) -> Option<Timestamp> {
    let grace = pod.shape.spec()?.termination_grace_period_seconds.filter(|_| pod.deleted.is_none())?;
    deadline?.checked_sub(SignedDuration::from_secs(grace)).ok()
}
