//! Whether a node is still what its pool and node class ask for (the Karpenter specification, disruption 4). The first
//! difference counts, in Karpenter's order: the pool's template, its requirements, the instance type, and at last whatever
//! the provider finds.

use crate::action::{Effect, Verb};
use crate::cluster::{ClaimRecord, Subject};
use crate::event::Outcome;
use crate::loops::subjects::{annotation, label};
use crate::rule::{Verdict, View};
use dovetail_api::conditions;
use dovetail_api::conditions::node_claim::{
    INSTANCE_TYPE_NOT_FOUND, LAUNCHED, NODE_POOL_DRIFTED, REQUIREMENTS_DRIFTED,
};
use dovetail_api::labels::{
    CAPACITY_TYPE, CAPACITY_TYPE_ON_DEMAND, CAPACITY_TYPE_RESERVED, INSTANCE_TYPE, NODEPOOL_HASH, NODEPOOL_HASH_VERSION,
};
use dovetail_api::node_pool::NodePool;
use dovetail_scheduler::requirement::Requirement;
use dovetail_scheduler::requirements::{Requirements, WellKnown};
use k8s_openapi::jiff::{SignedDuration, Timestamp};

/// How often a claim is looked at although nothing has changed.
const PERIOD: SignedDuration = SignedDuration::from_mins(5);
/// Claims younger than this are of a type that was there a moment ago.
const YOUNG: SignedDuration = SignedDuration::from_hours(1);

/// What came of it.
#[derive(Debug)]
pub(super) enum Found {
    /// It differs in this respect.
    Drifted(String),
    /// It does not differ.
    AsItShouldBe,
    /// Nobody can tell yet.
    NotKnown,
}

/// What came of it, and what has to be asked for.
#[derive(Debug)]
pub(super) struct Drift {
    pub(super) found: Found,
    pub(super) verdict: Verdict,
}

pub(super) fn judge(view: &View<'_>, about: &Subject, claim: &ClaimRecord, pool: &NodePool) -> Drift {
    let status = claim.object.status.as_ref();
    if !status.is_some_and(|s| conditions::is_true(&s.conditions, LAUNCHED)) {
        return Drift { found: Found::AsItShouldBe, verdict: Verdict::nothing() };
    }
    let own = [
        (template_differs(claim, pool), NODE_POOL_DRIFTED),
        (requirements_differ(claim, pool), REQUIREMENTS_DRIFTED),
        (type_is_gone(view, claim, pool), INSTANCE_TYPE_NOT_FOUND),
    ];
    if let Some((_, reason)) = own.into_iter().find(|(differs, _)| *differs) {
        return Drift { found: Found::Drifted(reason.to_owned()), verdict: again(view.now) };
    }
    let ask = || Effect::CheckDrift(Box::new(claim.full()));
    let Some(answer) = view.answer(about, Verb::CheckDrift) else {
        return Drift { found: Found::NotKnown, verdict: Verdict::nothing().act(about.clone(), ask()) };
    };
    let found = match &answer.outcome {
        Outcome::Drift(Ok(Some(reason))) => Found::Drifted(reason.clone()),
        Outcome::Drift(Ok(None)) => Found::AsItShouldBe,
        _ => Found::NotKnown,
    };
    let is_gone = answer.outcome.provider_error().is_some_and(|error| error.is_node_claim_not_found());
    let is_old = view.now.duration_since(answer.at) >= PERIOD || class_changed_after(view, claim, answer.at);
    let verdict = match (&found, is_old) {
        // A failure is tried again after a while; that the machine is gone is somebody else's business.
        (Found::NotKnown, false) if is_gone => Verdict::wait(answer.at + PERIOD),
        (_, true) | (Found::NotKnown, false) => Verdict::nothing().act(about.clone(), ask()),
        _ => Verdict::wait(answer.at + PERIOD),
    };
    Drift { found, verdict }
}

fn again(now: Timestamp) -> Verdict {
    Verdict::wait(now + PERIOD)
}

fn class_changed_after(view: &View<'_>, claim: &ClaimRecord, at: Timestamp) -> bool {
    let class = &claim.object.spec.node_class_ref;
    let changed = view.snapshot.memory.class_changes.get(&format!("{} {}", class.kind, class.name));
    changed.is_some_and(|changed| **changed > at)
}

/// Whether the pool's template has another hash. Hashes of different versions cannot be compared.
fn template_differs(claim: &ClaimRecord, pool: &NodePool) -> bool {
    let on = |key: &str| {
        let (pool, claim) = (annotation(&pool.metadata, key), annotation(&claim.object.metadata, key));
        pool.zip(claim)
    };
    let is_comparable = on(NODEPOOL_HASH_VERSION).is_some_and(|(pool, claim)| pool == claim);
    is_comparable && on(NODEPOOL_HASH).is_some_and(|(pool, claim)| pool != claim)
}

/// Whether the claim's labels no longer meet what the pool asks for.
fn requirements_differ(claim: &ClaimRecord, pool: &NodePool) -> bool {
    let mut asked = Requirements::new();
    for item in &pool.spec.template.spec.requirements {
        // A pool whose requirements cannot be read is not ready, and says so itself.
        let Ok(requirement) = Requirement::new(item.operator, &item.values) else { return false };
        asked.add(&item.key, requirement);
    }
    has(claim).compatible(&asked, &WellKnown::new()).is_err()
}

/// The labels of a claim, as requirements.
fn has(claim: &ClaimRecord) -> Requirements {
    Requirements::from_labels(claim.object.metadata.labels.iter().flatten())
}

/// Whether the provider no longer knows the type, or no way of buying it that the node could have been bought by. What is
/// sold out for the moment is still known.
fn type_is_gone(view: &View<'_>, claim: &ClaimRecord, pool: &NodePool) -> bool {
    let born = claim.object.metadata.creation_timestamp.as_ref().map(|at| at.0);
    if born.is_none_or(|born| view.now.duration_since(born) <= YOUNG) {
        return false;
    }
    let offer = pool.metadata.name.as_deref().and_then(|name| view.snapshot.memory.offers.get(name));
    // A provider that sells nothing at all has told us nothing.
    let Some(offer) = offer.filter(|offer| !offer.types.is_empty()) else { return false };
    let own = label(&claim.object.metadata, INSTANCE_TYPE);
    let Some(known) = own.and_then(|name| offer.types.iter().find(|t| *t.name == *name)) else { return true };
    let mut wanted = has(claim);
    if label(&claim.object.metadata, CAPACITY_TYPE) == Some(CAPACITY_TYPE_RESERVED) {
        // A reservation that has run out makes an instance on demand of it, which is no reason to replace it.
        wanted.replace(CAPACITY_TYPE.into(), Requirement::any_of([CAPACITY_TYPE_RESERVED, CAPACITY_TYPE_ON_DEMAND]));
        for key in view.settings.reservation_label.iter() {
            wanted.remove(key);
        }
    }
    !known.offerings.iter().any(|o| wanted.compatible(&o.requirements, &view.settings.well_known).is_ok())
}
