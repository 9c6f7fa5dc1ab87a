//! What the loops around NodeClaims say to people and dashboards: metrics, events and lines of the log by Karpenter's names
//! (the Karpenter specification, disruption 8.1, 8.4, 8.5). When something is worth saying is decided by the loops.

use super::subjects::{key, label, pool_of};
use crate::cluster::{ClaimRecord, Kind, ObjectKey};
use crate::fact::{Fact, Level, Measure, Movement};
use crate::rule::View;
use dovetail_api::duration::Duration;
use dovetail_api::events::EventKind;
use dovetail_api::labels;
use dovetail_api::node_claim::NodeClaim;

/// Values of a placeholder or label by its name.
pub(super) type Values = Vec<(&'static str, String)>;

/// An event on a claim.
pub(super) fn event(kind: &'static EventKind, claim: &ClaimRecord, values: Values) -> Fact {
    Fact::event(kind, key(claim), claim.uid(), values)
}

/// A line of the log about a claim.
pub(super) fn log(level: Level, message: &'static str, claim: &ClaimRecord, more: Values) -> Fact {
    let mut fields = vec![("NodeClaim", claim.name().to_owned())];
    fields.extend(claim.provider_id().map(|id| ("provider-id", id.to_owned())));
    let node = claim.object.status.as_ref().and_then(|s| s.node_name.clone());
    fields.extend(node.map(|name| ("Node", name)));
    fields.extend(more);
    Fact::log(level, message, fields)
}

/// The pool of a claim, as a label of metrics.
pub(super) fn pool_label(claim: &NodeClaim) -> (&'static str, String) {
    ("nodepool", text(claim, labels::NODEPOOL))
}

/// The zone of a claim, as a label of metrics.
pub(super) fn zone_label(claim: &NodeClaim) -> (&'static str, String) {
    ("zone", text(claim, labels::ZONE))
}

/// The capacity type of a claim, as a label of metrics.
pub(super) fn capacity_type_label(claim: &NodeClaim) -> (&'static str, String) {
    ("capacity_type", text(claim, labels::CAPACITY_TYPE))
}

fn text(claim: &NodeClaim, key: &str) -> String {
    label(&claim.metadata, key).unwrap_or_default().to_owned()
}

/// A claim is being deleted on our own account.
pub(super) fn disrupted(view: &View<'_>, claim: &ClaimRecord, reason: &str) -> Fact {
    Fact::count("karpenter_nodeclaims_disrupted_total", disruption_labels(view, claim, reason))
}

/// How many pods will have to find another place since a claim is being deleted on our own account; nothing if none has to.
pub(super) fn pods_disrupted(view: &View<'_>, claim: &ClaimRecord, reason: &str) -> Option<Fact> {
    let node = view.snapshot.node_of(claim).ok()?.metadata.name.as_deref()?;
    let pods = view.snapshot.pods_on(node).filter(|pod| pod.is_reschedulable()).count();
    let n = u32::try_from(pods).ok().filter(|n| *n > 0)?;
    Some(Fact::Metric(Measure {
        name: "karpenter_pods_disruption_initiated_total",
        labels: disruption_labels(view, claim, reason),
        change: Movement::Add(f64::from(n)),
    }))
}

fn disruption_labels(view: &View<'_>, claim: &ClaimRecord, reason: &str) -> Values {
    let claim = &claim.object;
    let policy = pool_of(view, claim).map(|pool| pool.spec.disruption.consolidation_policy.as_str());
    vec![
        ("reason", reason.to_owned()),
        pool_label(claim),
        capacity_type_label(claim),
        ("consolidation_policy", policy.unwrap_or_default().to_owned()),
        ("termination_mode", termination_mode(claim.spec.termination_grace_period.as_ref()).to_owned()),
    ]
}

/// How a claim ends once it has to (specification "disruption" 1.9).
pub(super) fn termination_mode(grace: Option<&Duration>) -> &'static str {
    match grace.map(Duration::nanos) {
        None => "graceful",
        Some(..=0) => "forceful",
        Some(_) => "eventual",
    }
}

/// The key of a pod.
pub(super) fn pod_key(name: &str) -> ObjectKey {
    ObjectKey::named(Kind::Pod, name)
}
