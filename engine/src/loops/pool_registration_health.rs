//! Whether the nodes of a NodePool have been joining the cluster, as the pool's condition `NodeRegistrationHealthy` (the
//! Karpenter specification, disruption 1.8). Of the last four, two that failed are too many. It only informs.
//!
//! How registrations went is told by the life of claims and remembered by this process; what was found before it began is
//! read from the condition.

use super::pool_draft::PoolDraft;
use super::subjects;
use crate::cluster::{Change, Kind, Registrations, Remember, Snapshot, Subject};
use crate::rule::{Rule, Verdict, View};
use dovetail_api::conditions::node_claim::REGISTERED;
use dovetail_api::conditions::node_pool::{
    NODE_REGISTRATION_HEALTHY, REGISTRATION_FAILED, REGISTRATION_FAILED_MESSAGE,
};
use dovetail_api::conditions::{self, FALSE, TRUE};
use dovetail_api::node_pool::NodePool;
use dovetail_cloudprovider::source::NodeClass;
use std::sync::Arc;

/// How many failures among those that are remembered are too many: half of four.
const TOO_MANY: usize = 2;

/// The loop.
pub(super) const RULE: Rule = Rule { name: "nodepool.registrationhealth", of_cluster: false, concerns, judge };

fn concerns(snapshot: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    subjects::pools(snapshot, change, tell);
    subjects::pools_of_class(snapshot, change, tell);
    if matches!(change, Change::Memory) {
        for (name, pool) in snapshot.node_pools.iter() {
            if pool.metadata.uid.as_deref().is_some_and(|uid| snapshot.memory.registrations.contains(uid)) {
                tell(Subject::named(Kind::NodePool, Arc::clone(name)));
            }
        }
    }
}

fn judge(view: &View<'_>, about: &Subject) -> Verdict {
    let Some(pool) = subjects::pool(view, about) else { return Verdict::nothing() };
    let class = &pool.spec.template.spec.node_class_ref;
    let class = view.snapshot.node_class(&class.kind, &class.name);
    let (Some(class), Some(uid)) = (class, pool.metadata.uid.as_deref()) else { return Verdict::nothing() };
    let generation = match class {
        NodeClass::Ec2(class) => class.metadata.generation,
        NodeClass::Kwok(class) => class.metadata.generation,
    };
    let known = view.snapshot.memory.registrations.get(uid);
    let begin = |known: Vec<bool>| Remember::Registrations { pool: uid.into(), known };
    if is_outdated(pool, generation) {
        let mut draft = PoolDraft::of(pool, view.now);
        draft.conditions().set_unknown(NODE_REGISTRATION_HEALTHY);
        draft.status.node_class_observed_generation = generation.or(Some(0));
        return draft.write(about).then_remember(begin(vec![]));
    }
    let mut draft = PoolDraft::of(pool, view.now);
    let Some(known) = known else {
        let before = match draft.condition(NODE_REGISTRATION_HEALTHY).map(|c| c.status.as_str()) {
            Some(TRUE) => vec![true],
            Some(FALSE) => vec![false; TOO_MANY],
            // A node may have joined without anybody having lived to write it down.
            _ if has_joined_since_asked(view.snapshot, pool) => vec![true],
            _ => vec![],
        };
        return Verdict::nothing().remember(begin(before));
    };
    match verdict_on(known) {
        Some(true) => draft.conditions().set_true(NODE_REGISTRATION_HEALTHY),
        Some(false) if draft.condition(NODE_REGISTRATION_HEALTHY).is_none_or(|c| c.status != FALSE) => {
            let unsaid = || (REGISTRATION_FAILED.to_owned(), REGISTRATION_FAILED_MESSAGE.to_owned());
            let (reason, message) = known.because.clone().unwrap_or_else(unsaid);
            draft.conditions().set_false(NODE_REGISTRATION_HEALTHY, &reason, &message)
        }
        _ => false,
    };
    draft.write(about)
}

/// Whether what was found is about another version of the pool or its node class.
fn is_outdated(pool: &NodePool, class_generation: Option<i64>) -> bool {
    let Some(status) = &pool.status else { return true };
    let Some(condition) = conditions::find(&status.conditions, NODE_REGISTRATION_HEALTHY) else { return true };
    status.node_class_observed_generation.unwrap_or_default() != class_generation.unwrap_or_default()
        || condition.observed_generation.unwrap_or_default() != pool.metadata.generation.unwrap_or_default()
}

/// Whether a node has joined since the condition is open.
fn has_joined_since_asked(snapshot: &Snapshot, pool: &NodePool) -> bool {
    let of_pool = pool.status.as_ref().map_or(&[][..], |s| &s.conditions);
    let Some(open) = conditions::find(of_pool, NODE_REGISTRATION_HEALTHY) else { return false };
    let name = pool.metadata.name.as_deref().unwrap_or_default();
    subjects::claims_of_pool(snapshot, name).any(|(_, claim)| {
        let metadata = &claim.object.metadata;
        let is_own =
            metadata.owner_references.iter().flatten().any(|owner| Some(&owner.uid) == pool.metadata.uid.as_ref());
        let of_claim = claim.object.status.as_ref().map_or(&[][..], |s| &s.conditions);
        let registered = conditions::find(of_claim, REGISTERED).filter(|c| c.status == TRUE);
        is_own && registered.is_some_and(|c| c.last_transition_time >= open.last_transition_time)
    })
}

/// Whether nodes join: yes after one that did, no after one that did not, as long as all that is remembered agrees. Nothing
/// if it changes nothing.
fn verdict_on(known: &Registrations) -> Option<bool> {
    let healthy = known.known.iter().filter(|succeeded| !**succeeded).count() < TOO_MANY;
    known.known.last().copied().filter(|succeeded| *succeeded == healthy)
}
