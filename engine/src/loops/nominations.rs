//! Pods on their way to nodes that were bought for them: they are told which node it is as soon as that has a name, so that
//! kube-scheduler keeps to the plan, and are let go if it does not come to that.
//!
//! The name stands in `status.nominatedNodeName`, which kube-scheduler honours from Kubernetes 1.35 on even for nodes that are
//! not there yet; an older one takes it away again, and is not told twice. After a crash the names that were told are all
//! that is left of a plan, and enough.

use crate::action::{Effect, Patch, Verb};
use crate::cluster::{Change, ClaimRecord, Kind, PodRecord, Remember, Snapshot, Subject};
use crate::event::Outcome;
use crate::rule::{Rule, Verdict, View};
use dovetail_api::conditions;
use k8s_openapi::jiff::Timestamp;
use serde_json::json;
use std::sync::Arc;

/// Tells pods which node is theirs.
pub const POD: Rule =
    Rule { name: "provisioner.nomination", of_cluster: false, concerns: concerns_pods, judge: judge_pod };

/// Lets pods go that do not come.
pub const CLAIM: Rule =
    Rule { name: "provisioner.expectation", of_cluster: false, concerns: concerns_claims, judge: judge_claim };

fn concerns_pods(snapshot: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    let mut tell_all = |claim: &str| {
        for pod in snapshot.memory.expecting.get(claim).into_iter().flat_map(|pods| pods.iter()) {
            tell(Subject::named(Kind::Pod, Arc::clone(pod)));
        }
    };
    match change {
        Change::Pod { after: Some(pod), .. } if pod.node.is_none() => tell(change.about()),
        Change::NodeClaim { after: Some(claim), .. } => tell_all(claim.name()),
        Change::Node { after: Some(node), .. } => {
            if let Ok(claim) = snapshot.claim_of(node) {
                tell_all(claim.name());
            }
        }
        Change::Node { before: Some(node), after: None } => {
            let name = node.metadata.name.as_deref().unwrap_or_default();
            let told = snapshot.waiting_pods().filter(|pod| pod.nominated.as_deref() == Some(name));
            told.for_each(|pod| tell(Subject::named(Kind::Pod, Arc::clone(&pod.name))));
        }
        Change::NodeClaim { before: Some(claim), after: None } => {
            let Some(node) = named_node(claim) else { return };
            let told = snapshot.waiting_pods().filter(|pod| pod.nominated.as_deref() == Some(node));
            told.for_each(|pod| tell(Subject::named(Kind::Pod, Arc::clone(&pod.name))));
        }
        Change::Answered(Subject::Object(key)) if key.kind == Kind::NodeClaim => tell_all(&key.name),
        _ => {}
    }
}

fn judge_pod(view: &View<'_>, about: &Subject) -> Verdict {
    let pod = about.object().and_then(|key| view.snapshot.pods.get(&key.name));
    let Some(pod) = pod.filter(|pod| view.settings.nominate_pods && pod.node.is_none() && pod.is_active()) else {
        return Verdict::nothing();
    };
    let meant = meant_for(view, pod);
    match (&meant, pod.nominated.as_deref()) {
        (Some(node), told) if told != Some(node) => {
            // Who was told and has it no more was told by us, and somebody else knew better.
            if told.is_none() && view.answer(about, Verb::PatchStatus).is_some_and(|answer| answer.outcome.is_ok()) {
                return Verdict::nothing();
            }
            tell_it(pod, about, Some(node))
        }
        (None, Some(told)) if !is_known(view.snapshot, told) => {
            tell_it(pod, about, None).forget(about.clone(), Verb::PatchStatus)
        }
        _ => Verdict::nothing(),
    }
}

fn tell_it(pod: &PodRecord, about: &Subject, node: Option<&str>) -> Verdict {
    let patch = Patch::of_status_by_uid(&pod.uid, json!({"nominatedNodeName": node}));
    Verdict::nothing().act(about.clone(), Effect::Patch(patch))
}

/// The name of the node that was bought for the pod, once that is known.
fn meant_for(view: &View<'_>, pod: &PodRecord) -> Option<String> {
    let expected = view.snapshot.memory.expected.get(&pod.name).filter(|expected| expected.uid == pod.uid)?;
    let claim = view.snapshot.node_claims.get(&expected.claim)?;
    if let Ok(node) = view.snapshot.node_of(claim) {
        return node.metadata.name.clone();
    }
    if let Some(name) = named_node(claim) {
        return Some(name.to_owned());
    }
    // The provider may know the name as soon as the machine is ordered.
    match view.answer(&Subject::named(Kind::NodeClaim, Arc::clone(&expected.claim)), Verb::Launch).map(|a| &a.outcome) {
        Some(Outcome::Launched(Ok(launched))) => launched.status.as_ref().and_then(|s| s.node_name.clone()),
        _ => None,
    }
}

fn named_node(claim: &ClaimRecord) -> Option<&str> {
    claim.object.status.as_ref().and_then(|s| s.node_name.as_deref()).filter(|name| !name.is_empty())
}

/// Whether there is such a node, or will be.
fn is_known(snapshot: &Snapshot, node: &str) -> bool {
    snapshot.nodes.contains(node) || snapshot.node_claims.values().any(|claim| named_node(claim) == Some(node))
}

fn concerns_claims(snapshot: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    match change {
        Change::NodeClaim { after: Some(claim), .. } if snapshot.memory.expecting.contains(claim.name()) => {
            tell(change.about());
        }
        _ => {}
    }
}

/// Once a node is ready for pods they should come. Those that do not for as long as the node is kept for them are on their
/// own again.
fn judge_claim(view: &View<'_>, about: &Subject) -> Verdict {
    let claim = about.object().and_then(|key| view.snapshot.node_claims.get(&key.name));
    let Some(claim) = claim else { return Verdict::nothing() };
    let Some(pods) = view.snapshot.memory.expecting.get(claim.name()).filter(|pods| !pods.is_empty()) else {
        return Verdict::nothing();
    };
    let conditions = claim.object.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    let initialized = conditions::find(conditions, conditions::node_claim::INITIALIZED);
    let Some(ready) = initialized.filter(|c| c.status == conditions::TRUE).map(|c| c.last_transition_time.0) else {
        return Verdict::nothing();
    };
    let since = pods.iter().filter_map(|pod| view.snapshot.memory.expected.get(pod)).map(|expected| expected.since);
    let since = since.max().map_or(ready, |since| since.max(ready));
    let until = since.checked_add(view.settings.nomination_window()).unwrap_or(Timestamp::MAX);
    if until > view.now {
        return Verdict::wait(until);
    }
    Verdict::nothing().remember(Remember::Unexpected(pods.to_vec()))
}
