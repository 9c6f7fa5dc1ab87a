//! Static NodePools: as many nodes as `replicas` says, whether pods need them or not (the Karpenter specification,
//! disruption 9.2, scheduling 7). Too few, and claims are made from the template alone, as far as the pool's limit allows;
//! too many, and those go first that nobody misses, whatever budgets say.

mod surplus;

use super::subjects::{self, claims_of_pool, label, subject};
use crate::action::{Delete, Effect, Verb};
use crate::cluster::{Change, ClaimRecord, Kind, Remember, Snapshot, Subject};
use crate::fact::{Fact, Level};
use crate::new_claims;
use crate::pools;
use crate::rule::{Rule, Verdict, View};
use dovetail_api::conditions::{self, READY, node_claim::INSTANCE_TERMINATING};
use dovetail_api::labels::{NODEPOOL, resources::NODES};
use dovetail_api::node_pool::NodePool;
use k8s_openapi::jiff::SignedDuration;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many creations more than there can be claims may be under way at a time, for those that were asked for in vain.
const NEAR: usize = 64;
/// When a pool that is at its limit is looked at again.
const AT_LIMIT: SignedDuration = SignedDuration::from_secs(30);

/// The loop that makes claims.
pub(super) const PROVISIONING: Rule =
    Rule { name: "static.provisioning", of_cluster: false, concerns, judge: provision };
/// The loop that takes them away.
pub(super) const DEPROVISIONING: Rule =
    Rule { name: "static.deprovisioning", of_cluster: false, concerns, judge: deprovision };

fn concerns(snapshot: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    subjects::pools(snapshot, change, tell);
    let claims = match change {
        Change::NodeClaim { before, after } => [before.as_ref(), after.as_ref()],
        Change::Answered(Subject::Object(key)) if key.kind == Kind::NodeClaim => {
            // A claim that could not be made is no object; all static pools are few.
            if snapshot.node_claims.get(&key.name).is_none() {
                let of_static = snapshot.node_pools.iter().filter(|(_, pool)| pool.spec.replicas.is_some());
                of_static.for_each(|(name, _)| tell(Subject::named(Kind::NodePool, Arc::clone(name))));
            }
            [snapshot.node_claims.get(&key.name), None]
        }
        _ => [None, None],
    };
    for claim in claims.into_iter().flatten() {
        if let Some(pool) = label(&claim.object.metadata, NODEPOOL)
            && snapshot.node_pools.get(pool).is_some_and(|pool| pool.spec.replicas.is_some())
        {
            tell(Subject::named(Kind::NodePool, pool));
        }
    }
}

/// A static pool as it stands.
struct Pool<'v> {
    object: &'v Arc<NodePool>,
    name: &'v str,
    replicas: usize,
    /// Claims that stay.
    active: Vec<&'v ClaimRecord>,
    /// How many are going.
    going: usize,
    /// How many are being made.
    coming: usize,
}

impl<'v> Pool<'v> {
    fn of(view: &View<'v>, about: &Subject) -> Option<Self> {
        if !view.settings.gates.static_capacity {
            return None;
        }
        let object = subjects::pool(view, about)?;
        let replicas = usize::try_from(object.spec.replicas?).ok()?;
        let name = object.metadata.name.as_deref()?;
        let all = || claims_of_pool(view.snapshot, name).map(|(_, claim)| &**claim);
        let active: Vec<_> = all().filter(|claim| !is_going(view, claim)).collect();
        let going = all().count() - active.len();
        let is_any = view.any_under_way(Verb::Create);
        let coming = if is_any { coming(view, object, name, replicas + all().count() + NEAR) } else { 0 };
        Some(Self { object, name, replicas, active, going, coming })
    }

    /// How many more claims its limit allows, if it has one.
    fn room(&self) -> Option<usize> {
        let limit = pools::limits(self.object).filter(|limits| limits.has(NODES))?.get(NODES);
        let taken = self.active.len() + self.going + self.coming;
        Some(usize::try_from(limit).unwrap_or(0).saturating_sub(taken))
    }
}

/// Whether a claim is on its way out, or is being told.
fn is_going(view: &View<'_>, claim: &ClaimRecord) -> bool {
    let conditions = claim.object.status.as_ref().map_or(&[][..], |s| &s.conditions);
    claim.is_deleting()
        || conditions::is_true(conditions, INSTANCE_TERMINATING)
        || view.snapshot.memory.leaving.contains(claim.name())
        || view.is_under_way(&subject(claim), Verb::Delete)
}

fn is_coming(view: &View<'_>, name: &str) -> bool {
    !view.snapshot.node_claims.contains(name) && view.is_under_way(&Subject::named(Kind::NodeClaim, name), Verb::Create)
}

/// The name of the claim that is made after so many others: always the same, so that a creation whose answer is lost is asked
/// for by the same name again.
fn name_of(view: &View<'_>, pool: &NodePool, number: u64) -> String {
    let uid = pool.metadata.uid.as_deref().unwrap_or_default();
    let seed = uid.bytes().fold(view.settings.seed, |seed, byte| seed.rotate_left(7) ^ u64::from(byte));
    new_claims::name(pool.metadata.name.as_deref().unwrap_or_default(), seed, number, |_| false)
}

/// How many claims have been made for the pool since the controller began.
fn made(view: &View<'_>, pool: &str) -> u64 {
    view.snapshot.memory.static_claims.get(pool).map_or(0, |made| **made)
}

/// How many claims are being made. Creations end in any order, so some may be under way that come before one that has ended.
fn coming(view: &View<'_>, pool: &NodePool, name: &str, near: usize) -> usize {
    let near = u64::try_from(near).unwrap_or(u64::MAX);
    let made = made(view, name);
    let numbers = made.saturating_sub(near)..made.saturating_add(near);
    numbers.filter(|number| is_coming(view, &name_of(view, pool, *number))).count()
}

fn provision(view: &View<'_>, about: &Subject) -> Verdict {
    let Some(pool) = Pool::of(view, about) else { return Verdict::nothing() };
    let status = pool.object.status.as_ref();
    let is_ready = status.is_some_and(|s| conditions::is_true(&s.conditions, READY));
    if !is_ready || pool.object.metadata.deletion_timestamp.is_some() {
        return Verdict::nothing();
    }
    let wanted = pool.replicas.saturating_sub(pool.active.len() + pool.coming);
    let granted = pool.room().map_or(wanted, |room| room.min(wanted));
    let mut verdict = Verdict::nothing();
    if granted < wanted {
        let fields = vec![("NodePool", pool.name.to_owned())];
        verdict = verdict.again(view.now + AT_LIMIT);
        if granted == 0 {
            return verdict.fact(Fact::log(Level::Info, "nodepool node limit reached", fields));
        }
    }
    let mut taken = BTreeSet::new();
    let names = (made(view, pool.name)..).map(|number| (name_of(view, pool.object, number), number));
    let free = names.filter(|(name, _)| !view.snapshot.node_claims.contains(name) && !is_coming(view, name));
    for (name, number) in free.filter(|(name, _)| taken.insert(name.clone())).take(granted) {
        let claim = new_claims::of_pool(pool.object, name.clone());
        let labels = vec![
            ("reason", "provisioned".to_owned()),
            ("nodepool", pool.name.to_owned()),
            ("min_values_relaxed", "false".to_owned()),
        ];
        let fields = vec![("NodePool", pool.name.to_owned()), ("NodeClaim", name.clone())];
        verdict = verdict
            .act(Subject::named(Kind::NodeClaim, name), Effect::Create(claim.into()))
            .then(Fact::log(Level::Info, "created nodeclaim", fields))
            .then(Fact::count("karpenter_nodeclaims_created_total", labels))
            .then_remember(Remember::StaticClaim { pool: pool.name.into(), number });
    }
    verdict
}

fn deprovision(view: &View<'_>, about: &Subject) -> Verdict {
    let Some(pool) = Pool::of(view, about) else { return Verdict::nothing() };
    let excess = pool.active.len().saturating_sub(pool.replicas);
    surplus::first_to_go(view, &pool.active).into_iter().take(excess).fold(Verdict::nothing(), |verdict, claim| {
        verdict.act(subject(claim), Effect::Delete(Delete::of(&claim.object.metadata)))
    })
}
