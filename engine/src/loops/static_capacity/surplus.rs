//! Which claims of a static pool are missed least: those without a machine, then those without pods that matter, then those
//! whose pods are cheapest to move and whose time is nearly up (the Karpenter specification, disruption 9.2 and 2.3).

use crate::cluster::{ClaimRecord, PodRecord};
use crate::leaving::protection;
use crate::rule::View;
use k8s_openapi::jiff::Timestamp;
use std::cmp::Ordering;

/// How much a pod is in the way of taking its node away.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Burden {
    /// There is no machine yet.
    NotLaunched,
    /// No pod, or none that would have to move.
    Empty,
    /// Pods that may be moved: what that costs, weighed by the time that the node has left.
    Movable(f64),
    /// Pods that ask not to be disturbed, and the same.
    Protected(f64),
}

/// The claims in the order in which they should go.
pub(super) fn first_to_go<'v>(view: &View<'v>, claims: &[&'v ClaimRecord]) -> Vec<&'v ClaimRecord> {
    let mut order: Vec<_> = claims.iter().map(|claim| (burden(view, claim), *claim)).collect();
    // Costs are finite, so that any two can be compared; equal ones keep the order of their names.
    order.sort_by(|(a, _), (b, _)| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    order.into_iter().map(|(_, claim)| claim).collect()
}

fn burden(view: &View<'_>, claim: &ClaimRecord) -> Burden {
    if claim.provider_id().is_none() {
        return Burden::NotLaunched;
    }
    let node = view.snapshot.node_of(claim).ok().and_then(|node| node.metadata.name.as_deref());
    let pods: Vec<_> = node.into_iter().flat_map(|node| view.snapshot.pods_on(node)).collect();
    let is_protected = pods.iter().any(|pod| protection(pod, view.now).is_active());
    if !is_protected && pods.iter().all(|pod| pod.shape.is_daemon) {
        return Burden::Empty;
    }
    let cost = pods.iter().map(|pod| eviction_cost(pod)).sum::<f64>() * lifetime_left(claim, view.now);
    if is_protected { Burden::Protected(cost) } else { Burden::Movable(cost) }
}

/// What it costs to move a pod, from -10 to 10 (specification v1.15 changes 7.1).
fn eviction_cost(pod: &PodRecord) -> f64 {
    let priority = pod.shape.spec().and_then(|spec| spec.priority).unwrap_or(0);
    let cost = 1.0 + f64::from(pod.deletion_cost) / 2_f64.powi(27) + f64::from(priority) / 2_f64.powi(25);
    cost.clamp(-10.0, 10.0)
}

/// How much of its life a claim has before it, from 0 to 1.
fn lifetime_left(claim: &ClaimRecord, now: Timestamp) -> f64 {
    let whole = claim.object.spec.expire_after.duration().map(|d| d.as_secs_f64()).filter(|s| *s > 0.0);
    let born = claim.object.metadata.creation_timestamp.as_ref().map(|at| at.0);
    let (Some(whole), Some(born)) = (whole, born) else { return 1.0 };
    ((whole - now.duration_since(born).as_secs_f64()) / whole).clamp(0.0, 1.0)
}
