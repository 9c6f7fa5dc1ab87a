//! Registration: the node that a claim became is found, gets what the claim says of it, and loses the taint that kept pods
//! away until then (the Karpenter specification, disruption 1.3). Done once: what is taken off the node later, such as a
//! startup taint, does not come back.

use super::with_finalizer;
use crate::action::{Effect, Patch};
use crate::cluster::{ClaimRecord, Kind, NoPartner, Remember, Snapshot, Subject};
use crate::fact::{Fact, Level};
use crate::loops::draft::Draft;
use crate::loops::saying::{self, pool_label, zone_label};
use crate::loops::subjects::{is_held, label, pool_of};
use crate::rule::{Verdict, View};
use dovetail_api::conditions::node_claim as reasons;
use dovetail_api::events::lifecycle::UNREGISTERED_TAINT_MISSING;
use dovetail_api::labels;
use dovetail_api::node_claim::NodeClaim;
use dovetail_api::node_pool::Taint;
use k8s_openapi::api::core::v1::{self as core, Node};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn step(view: &View<'_>, claim: &ClaimRecord, draft: &mut Draft) -> Verdict {
    if !draft.is_unknown(reasons::REGISTERED) {
        draft.refresh(reasons::REGISTERED);
        return Verdict::nothing();
    }
    let node = match node_of_machine(view.snapshot, draft.status.provider_id.as_deref()) {
        Ok(node) => node,
        Err(why) => {
            match why {
                NoPartner::None => draft.conditions().set_unknown_because(
                    reasons::REGISTERED,
                    reasons::NODE_NOT_FOUND,
                    reasons::NODE_NOT_FOUND_MESSAGE,
                ),
                NoPartner::Several => draft.conditions().set_false(
                    reasons::REGISTERED,
                    reasons::MULTIPLE_NODES_FOUND,
                    reasons::MULTIPLE_NODES_FOUND_MESSAGE,
                ),
            };
            return Verdict::nothing();
        }
    };
    let name = node.metadata.name.clone().unwrap_or_default();
    if !is_registered(node) {
        if node.metadata.deletion_timestamp.is_some() {
            // Nothing can hold it any more; either another node comes or time runs out.
            return Verdict::nothing();
        }
        let about = Subject::named(Kind::Node, name);
        let verdict = Verdict::nothing().act(about, Effect::Patch(marriage(&claim.object, node)));
        let is_known = has_taint(node, labels::UNREGISTERED_TAINT, labels::NO_EXECUTE)
            || label(&node.metadata, labels::REGISTERED).is_some();
        if is_known {
            return verdict;
        }
        let missing = "missing taint prevents registration related race conditions on Karpenter-managed nodes";
        let taint = vec![("taint", format!("{}:{}", labels::UNREGISTERED_TAINT, labels::NO_EXECUTE))];
        return verdict.then(saying::event(&UNREGISTERED_TAINT_MISSING, claim, vec![])).then(saying::log(
            Level::Error,
            missing,
            claim,
            taint,
        ));
    }
    draft.status.node_name = Some(name.clone());
    draft.conditions().set_true(reasons::REGISTERED);
    draft.then(saying::log(Level::Info, "registered nodeclaim", claim, vec![("Node", name)]));
    let of = &claim.object;
    draft.then(Fact::count("karpenter_nodes_created_total", vec![pool_label(of), zone_label(of)]));
    if let Some(pool) = owner_pool(view, of) {
        draft.then_remember(Remember::Registration { pool, succeeded: true, because: None });
    }
    Verdict::nothing()
}

/// The node that is this machine.
///
/// # Errors
/// When there is none, or more than one.
pub(super) fn node_of_machine<'s>(
    snapshot: &'s Snapshot,
    provider_id: Option<&str>,
) -> Result<&'s Arc<Node>, NoPartner> {
    match provider_id.filter(|id| !id.is_empty()).map_or(&[][..], |id| snapshot.nodes_of_machine(id)) {
        [] => Err(NoPartner::None),
        [name] => snapshot.nodes.get(name).ok_or(NoPartner::None),
        _ => Err(NoPartner::Several),
    }
}

/// The UID of the pool that a claim belongs to, if it still is that very pool.
pub(super) fn owner_pool(view: &View<'_>, claim: &NodeClaim) -> Option<Arc<str>> {
    let uid = pool_of(view, claim)?.metadata.uid.as_deref()?;
    claim.metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid).then(|| uid.into())
}

/// Whether the node has got everything from its claim. The label alone could have been there from the start.
fn is_registered(node: &Node) -> bool {
    is_held(&node.metadata) && label(&node.metadata, labels::REGISTERED) == Some("true")
}

fn has_taint(node: &Node, key: &str, effect: &str) -> bool {
    taints(node).iter().any(|t| t.key == key && t.effect == effect)
}

/// The taints on a node.
pub(super) fn taints(node: &Node) -> &[core::Taint] {
    node.spec.as_ref().and_then(|s| s.taints.as_deref()).unwrap_or_default()
}

/// Gives the node what its claim says: finalizer, owner, labels, annotations, taints; and declares it registered.
fn marriage(claim: &NodeClaim, node: &Node) -> Patch {
    let entries = |of: Option<&BTreeMap<String, String>>| -> Map<String, Value> {
        of.into_iter().flatten().map(|(key, value)| (key.clone(), json!(value))).collect()
    };
    let mut wanted = entries(claim.metadata.labels.as_ref());
    wanted.insert(labels::REGISTERED.to_owned(), json!("true"));
    let body = json!({
        "metadata": {
            "finalizers": with_finalizer(&node.metadata),
            "ownerReferences": owners(claim, node),
            "labels": wanted,
            "annotations": entries(claim.metadata.annotations.as_ref()),
        },
        "spec": {"taints": merged_taints(claim, node)},
    });
    Patch::of(&node.metadata, body).unless_changed(&node.metadata)
}

fn owners(claim: &NodeClaim, node: &Node) -> Vec<OwnerReference> {
    let uid = claim.metadata.uid.clone().unwrap_or_default();
    let mut owners = node.metadata.owner_references.clone().unwrap_or_default();
    if !owners.iter().any(|owner| owner.uid == uid) {
        owners.push(OwnerReference {
            api_version: "karpenter.sh/v1".to_owned(),
            kind: "NodeClaim".to_owned(),
            name: claim.metadata.name.clone().unwrap_or_default(),
            uid,
            block_owner_deletion: Some(true),
            controller: None,
        });
    }
    owners
}

fn merged_taints(claim: &NodeClaim, node: &Node) -> Vec<core::Taint> {
    let mut out = taints(node).to_vec();
    if label(&node.metadata, labels::DO_NOT_SYNC_TAINTS) != Some("true") {
        let wanted = claim.spec.taints.iter().chain(&claim.spec.startup_taints).flatten();
        for taint in wanted {
            if !out.iter().any(|t| is_same(taint, t)) {
                out.push(core::Taint {
                    key: taint.key.clone(),
                    value: taint.value.clone(),
                    effect: taint.effect.as_str().to_owned(),
                    time_added: taint.time_added.clone(),
                });
            }
        }
    }
    out.retain(|t| !(t.key == labels::UNREGISTERED_TAINT && t.effect == labels::NO_EXECUTE));
    out
}

/// Whether two taints are one: by key and effect, whatever their values.
pub(super) fn is_same(wanted: &Taint, on_node: &core::Taint) -> bool {
    wanted.key == on_node.key && wanted.effect.as_str() == on_node.effect
}
