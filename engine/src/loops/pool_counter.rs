//! What the nodes of a NodePool come to together, as the pool's status: resources and number (the Karpenter specification,
//! disruption 7). Nodes that are going away do not count, nor claims that have not been launched.
//!
//! Karpenter counts every five seconds; here a pool is counted when something of it has changed, at most once a second.

use super::subjects::{self, label};
use crate::action::{Effect, Patch, Verb};
use crate::cluster::{Change, ClaimRecord, Kind, Snapshot, Subject, provider_id};
use crate::nodes;
use crate::rule::{Rule, Verdict, View};
use dovetail_api::conditions::{self, node_claim::INSTANCE_TERMINATING};
use dovetail_api::labels::{INITIALIZED, NODEPOOL, REGISTERED, resources as names};
use dovetail_scheduler::resources::{self, Resources};
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::jiff::SignedDuration;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The resources that are written even where there is nothing of them.
const ALWAYS: [&str; 5] = [names::CPU, names::MEMORY, names::PODS, names::EPHEMERAL_STORAGE, names::NODES];
/// How long after one count the next may be written.
const PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// The loop.
pub(super) const RULE: Rule = Rule { name: "nodepool.counter", of_cluster: false, concerns, judge };

fn concerns(snapshot: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    subjects::pools(snapshot, change, tell);
    let mut of = |name: Option<&str>| {
        if let Some(name) = name {
            tell(Subject::named(Kind::NodePool, name));
        }
    };
    match change {
        Change::Node { before, after } if !is_same(before, after, node_counts_alike) => {
            [before, after].into_iter().flatten().for_each(|node| of(label(&node.metadata, NODEPOOL)));
        }
        Change::NodeClaim { before, after } if !is_same(before, after, claim_counts_alike) => {
            [before, after].into_iter().flatten().for_each(|claim| of(label(&claim.object.metadata, NODEPOOL)));
        }
        _ => {}
    }
}

/// Whether nothing that counts has changed. Kubelets write their nodes every few minutes without a change that counts.
fn is_same<T>(before: &Option<Arc<T>>, after: &Option<Arc<T>>, alike: fn(&T, &T) -> bool) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => alike(before, after),
        _ => false,
    }
}

fn node_counts_alike(a: &Node, b: &Node) -> bool {
    let capacity = |node: &Node| node.status.as_ref().and_then(|s| s.capacity.clone());
    [NODEPOOL, REGISTERED, INITIALIZED].iter().all(|key| label(&a.metadata, key) == label(&b.metadata, key))
        && a.metadata.deletion_timestamp.is_some() == b.metadata.deletion_timestamp.is_some()
        && provider_id(a) == provider_id(b)
        && capacity(a) == capacity(b)
}

fn claim_counts_alike(a: &ClaimRecord, b: &ClaimRecord) -> bool {
    let is_ending = |claim: &ClaimRecord| {
        claim.is_deleting()
            || claim.object.status.as_ref().is_some_and(|s| conditions::is_true(&s.conditions, INSTANCE_TERMINATING))
    };
    let capacity = |claim: &ClaimRecord| claim.object.status.as_ref().and_then(|s| s.capacity.clone());
    label(&a.object.metadata, NODEPOOL) == label(&b.object.metadata, NODEPOOL)
        && a.provider_id() == b.provider_id()
        && is_ending(a) == is_ending(b)
        && capacity(a) == capacity(b)
}

fn judge(view: &View<'_>, about: &Subject) -> Verdict {
    let Some(pool) = subjects::pool(view, about) else { return Verdict::nothing() };
    let written = view.answer(about, Verb::PatchStatus).filter(|answer| answer.outcome.is_ok());
    match written.and_then(|answer| answer.at.checked_add(PAUSE).ok()) {
        Some(next) if view.now < next => return Verdict::wait(next),
        _ => {}
    }
    let sum = sum(view.snapshot, pool.metadata.name.as_deref().unwrap_or_default());
    let status = pool.status.clone().unwrap_or_default();
    let before = Resources::from_quantities(status.resources.iter().flatten());
    if status.resources.is_some() && before == sum && status.nodes == sum.get(names::NODES) {
        return Verdict::nothing();
    }
    // What is no longer there has to be taken away by name.
    let gone = before.iter().filter(|(name, _)| !sum.has(name)).map(|(name, _)| (name.to_string(), Value::Null));
    let there = sum.iter().map(|(name, amount)| (name.to_string(), json!(resources::show(name, amount))));
    let written: Map<String, Value> = gone.chain(there).collect();
    let body = json!({"resources": written, "nodes": sum.get(names::NODES)});
    Verdict::nothing().act(about.clone(), Effect::Patch(Patch::of_status(&pool.metadata, body)))
}

/// What the nodes of a pool come to.
fn sum(snapshot: &Snapshot, pool: &str) -> Resources {
    let mut sum: Resources = ALWAYS.iter().map(|name| (*name, 0)).collect();
    let states = nodes::join(snapshot);
    let counted = states.iter().filter(|s| s.pool() == Some(pool) && !s.is_deleting() && !s.is_wish());
    // One that cannot be read counts as soon as it can.
    counted.filter_map(|state| state.capacity().ok()).for_each(|capacity| sum.add(&capacity));
    sum
}
