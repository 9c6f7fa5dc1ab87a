//! Initialization: a node that has registered is ready for pods once its kubelet says so, the taints that it starts with are
//! gone, and it offers everything that it was bought for (the Karpenter specification, disruption 1.4). There is no time
//! limit. Devices of DRA drivers are not looked at: resource claims are ignored, as is Karpenter's default.

use super::registration::{is_same, node_of_machine, taints};
use crate::action::{Effect, Patch};
use crate::cluster::{ClaimRecord, Kind, Subject};
use crate::fact::Level;
use crate::loops::draft::Draft;
use crate::loops::saying;
use crate::loops::subjects::label;
use crate::requests;
use crate::rule::{Verdict, View};
use dovetail_api::conditions::{self, node_claim as reasons};
use dovetail_api::labels;
use dovetail_api::node_claim::NodeClaim;
use k8s_openapi::api::core::v1::{self as core, Node};
use serde_json::json;

pub(super) fn step(view: &View<'_>, claim: &ClaimRecord, draft: &mut Draft) -> Verdict {
    if !draft.is_unknown(reasons::INITIALIZED) {
        draft.refresh(reasons::INITIALIZED);
        return Verdict::nothing();
    }
    // A node that is being rebooted says so itself, and is looked at again when it is back.
    if !draft.is_true(reasons::REGISTERED) || draft.is_true(reasons::REBOOTING) {
        return Verdict::nothing();
    }
    let node = node_of_machine(view.snapshot, draft.status.provider_id.as_deref());
    let obstacle = match node {
        Ok(node) => obstacle(&claim.object, node),
        Err(_) => Some((reasons::NODE_NOT_FOUND, reasons::NODE_NOT_FOUND_MESSAGE.to_owned())),
    };
    if let Some((reason, message)) = obstacle {
        draft.conditions().set_unknown_because(reasons::INITIALIZED, reason, &message);
        return Verdict::nothing();
    }
    let Ok(node) = node else { return Verdict::nothing() };
    if label(&node.metadata, labels::INITIALIZED) != Some("true") {
        let about = Subject::named(Kind::Node, node.metadata.name.as_deref().unwrap_or_default());
        let body = json!({"metadata": {"labels": {labels::INITIALIZED: "true"}}});
        return Verdict::nothing().act(about, Effect::Patch(Patch::of(&node.metadata, body)));
    }
    draft.conditions().set_true(reasons::INITIALIZED);
    let allocatable = node.status.as_ref().and_then(|s| s.allocatable.as_ref());
    let more = vec![("allocatable", serde_json::to_string(&allocatable).unwrap_or_default())];
    draft.then(saying::log(Level::Info, "initialized nodeclaim", claim, more));
    Verdict::nothing()
}

/// Why the node is not ready for pods yet, if it is not: reason and message.
fn obstacle(claim: &NodeClaim, node: &Node) -> Option<(&'static str, String)> {
    if !is_ready(node) {
        return Some((reasons::NODE_NOT_READY, reasons::NODE_NOT_READY_MESSAGE.to_owned()));
    }
    let startup = claim.spec.startup_taints.as_deref().unwrap_or_default();
    if let Some(taint) = taints(node).iter().find(|t| startup.iter().any(|s| is_same(s, t))) {
        return Some((reasons::STARTUP_TAINTS_EXIST, reasons::startup_taint_exists(&text(taint))));
    }
    if let Some(taint) = taints(node).iter().find(|t| labels::is_ephemeral_taint(&t.key, &t.effect)) {
        return Some((reasons::KNOWN_EPHEMERAL_TAINTS_EXIST, reasons::ephemeral_taint_exists(&text(taint))));
    }
    let missing = unregistered_resource(claim, node)?;
    Some((reasons::RESOURCE_NOT_REGISTERED, reasons::resource_not_registered(missing)))
}

/// Whether the kubelet takes pods.
pub(in crate::loops) fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|s| s.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|c| c.type_ == conditions::READY && c.status == conditions::TRUE)
}

/// The first resource that was asked for and that the node has nothing of.
fn unregistered_resource<'c>(claim: &'c NodeClaim, node: &Node) -> Option<&'c str> {
    let offered = node.status.as_ref().and_then(|s| s.allocatable.as_ref());
    let offered = offered.and_then(|a| requests::read("status.allocatable", a).ok()).unwrap_or_default();
    let asked = claim.spec.resources.requests.iter().flatten();
    asked.filter(|(name, amount)| !amount.is_zero() && offered.get(name) == 0).map(|(name, _)| name.as_str()).next()
}

/// A taint as people write it: `key=value:Effect`, or `key:Effect`.
fn text(taint: &core::Taint) -> String {
    match taint.value.as_deref().filter(|value| !value.is_empty()) {
        Some(value) => format!("{}={value}:{}", taint.key, taint.effect),
        None => format!("{}:{}", taint.key, taint.effect),
    }
}
