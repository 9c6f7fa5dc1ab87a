//! Whether a node has been left alone by pods for so long that it may be consolidated.

use crate::cluster::ClaimRecord;
use dovetail_api::conditions::{self, TRUE, node_claim::INITIALIZED};
use dovetail_api::node_pool::NodePool;
use k8s_openapi::jiff::Timestamp;

/// Whether there has been quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quiet {
    /// The pool is static: nobody asks.
    NotAsked,
    /// For long enough.
    Yes,
    /// Not for long enough, or never enough.
    No {
        /// When it will have been, if nothing happens before.
        until: Option<Timestamp>,
    },
}

pub(super) fn judge(claim: &ClaimRecord, pool: &NodePool, now: Timestamp) -> Quiet {
    if pool.spec.replicas.is_some() {
        return Quiet::NotAsked;
    }
    let never = Quiet::No { until: None };
    let (Some(wanted), Some(status)) = (pool.spec.disruption.consolidate_after.duration(), &claim.object.status) else {
        return never;
    };
    let initialized = conditions::find(&status.conditions, INITIALIZED).filter(|c| c.status == TRUE);
    let Some(initialized) = initialized else { return never };
    let since = status.last_pod_event_time.as_ref().map_or(initialized.last_transition_time.0, |at| at.0);
    match since.checked_add(wanted.to_signed()) {
        Ok(until) if until <= now => Quiet::Yes,
        Ok(until) => Quiet::No { until: Some(until) },
        Err(_) => never,
    }
}
