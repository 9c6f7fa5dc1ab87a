//! When something last happened to the pods of a claim's node, written on the claim so that consolidation waits for quiet
//! (the Karpenter specification, disruption 1.7).
//!
//! What counts as such an event is told by the cluster model. Unlike Karpenter's, it is the time at which a pod was bound
//! that counts for pods that were there when the controller began: a restart does not make every node look busy.

use super::subjects;
use crate::action::{Effect, Patch};
use crate::cluster::{Change, Snapshot, Subject, provider_id};
use crate::rule::{Rule, Verdict, View};
use k8s_openapi::jiff::SignedDuration;
use serde_json::json;
use std::sync::Arc;

/// Events within this time after one that is written down are the same.
const SAME: SignedDuration = SignedDuration::from_secs(10);

/// The loop.
pub(super) const RULE: Rule = Rule { name: "nodeclaim.podevents", of_cluster: false, concerns, judge };

fn concerns(snapshot: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    let Change::Pod { before, after } = change else { return subjects::claims(snapshot, change, tell) };
    let nodes = [after, before].into_iter().flatten().filter_map(|pod| pod.node.as_ref());
    for node in nodes.filter_map(|name| snapshot.nodes.get(name)) {
        for claim in provider_id(node).map_or(&[][..], |id| snapshot.claims_of_machine(id)) {
            tell(Subject::named(crate::cluster::Kind::NodeClaim, Arc::clone(claim)));
        }
    }
}

fn judge(view: &View<'_>, about: &Subject) -> Verdict {
    let Some(claim) = subjects::claim(view, about).filter(|claim| !claim.is_deleting()) else {
        return Verdict::nothing();
    };
    let Ok(node) = view.snapshot.node_of(claim) else { return Verdict::nothing() };
    // A node with two claims is nobody's.
    if view.snapshot.claim_of(node).is_err() {
        return Verdict::nothing();
    }
    let event = node.metadata.name.as_deref().and_then(|name| view.snapshot.memory.pod_events.get(name));
    let written = claim.object.status.as_ref().and_then(|s| s.last_pod_event_time.as_ref()).map(|at| at.0);
    let Some(event) = event.filter(|at| written.is_none_or(|written| at.duration_since(written) >= SAME)) else {
        return Verdict::nothing();
    };
    let time = event.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let patch = Patch::of_status(&claim.object.metadata, json!({"lastPodEventTime": time}));
    Verdict::nothing().act(about.clone(), Effect::Patch(patch))
}
