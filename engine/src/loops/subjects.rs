//! Which objects a change concerns, in the ways that several loops share: claims by their nodes, pools by what belongs to
//! them. What a loop then does about them is its own business.

use crate::action::{Delete, Effect, Verb};
use crate::cluster::{Change, ClaimRecord, Kind, ObjectKey, Snapshot, Subject, provider_id};
use crate::rule::View;
use dovetail_api::labels;
use dovetail_api::node_claim::NodeClaim;
use dovetail_api::node_pool::NodePool;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// How long after a deletion that went well the object may still be seen as though nothing had happened.
const LAG: SignedDuration = SignedDuration::from_secs(30);

/// Claims that have changed, or whose node has, or that an action about either has ended for.
pub(super) fn claims(snapshot: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    let mut of_node = |node: &Node| {
        for claim in provider_id(node).map_or(&[][..], |id| snapshot.claims_of_machine(id)) {
            tell(Subject::named(Kind::NodeClaim, Arc::clone(claim)));
        }
    };
    match change {
        Change::NodeClaim { .. } => tell(change.about()),
        Change::Node { before, after } => {
            let machine = |node: &Option<Arc<Node>>| node.as_deref().and_then(provider_id).map(str::to_owned);
            before.as_deref().filter(|_| machine(before) != machine(after)).into_iter().for_each(&mut of_node);
            after.as_deref().into_iter().for_each(of_node);
        }
        Change::Answered(Subject::Object(key)) if key.kind == Kind::NodeClaim => tell(change.about()),
        Change::Answered(Subject::Object(key)) if key.kind == Kind::Node => {
            snapshot.nodes.get(&key.name).into_iter().for_each(|node| of_node(node));
        }
        _ => {}
    }
}

/// Pools that have changed, or that an action has ended for.
pub(super) fn pools(_: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    match change {
        Change::Other { key, .. } | Change::Answered(Subject::Object(key)) if key.kind == Kind::NodePool => {
            tell(key.clone().into());
        }
        _ => {}
    }
}

/// Pools that refer to a node class that has changed.
pub(super) fn pools_of_class(snapshot: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    let Change::Other { key, .. } = change else { return };
    if !matches!(key.kind, Kind::EC2NodeClass | Kind::KWOKNodeClass) {
        return;
    }
    for (name, pool) in snapshot.node_pools.iter() {
        let class = &pool.spec.template.spec.node_class_ref;
        if class.kind == key.kind.text() && *class.name == *key.name {
            tell(Subject::named(Kind::NodePool, Arc::clone(name)));
        }
    }
}

/// The claim that a rule is asked about, if it is there and the provider is responsible for it.
pub(super) fn claim<'v>(view: &View<'v>, about: &Subject) -> Option<&'v Arc<ClaimRecord>> {
    let key = about.object().filter(|key| key.kind == Kind::NodeClaim)?;
    let claim = view.snapshot.node_claims.get(&key.name)?;
    let class = &claim.object.spec.node_class_ref;
    view.settings.manages(&class.group, &class.kind).then_some(claim)
}

/// The pool that a rule is asked about, if it is there and the provider is responsible for it.
pub(super) fn pool<'v>(view: &View<'v>, about: &Subject) -> Option<&'v Arc<NodePool>> {
    let key = about.object().filter(|key| key.kind == Kind::NodePool)?;
    let pool = view.snapshot.node_pools.get(&key.name)?;
    let class = &pool.spec.template.spec.node_class_ref;
    view.settings.manages(&class.group, &class.kind).then_some(pool)
}

/// The pool that a claim was made for, by its label.
pub(super) fn pool_of<'v>(view: &View<'v>, claim: &NodeClaim) -> Option<&'v Arc<NodePool>> {
    view.snapshot.node_pools.get(label(&claim.metadata, labels::NODEPOOL)?)
}

/// The names and claims of a pool, in the order of their names.
pub(super) fn claims_of_pool<'s>(
    snapshot: &'s Snapshot,
    pool: &'s str,
) -> impl Iterator<Item = (&'s Arc<str>, &'s Arc<ClaimRecord>)> {
    let belongs =
        move |claim: &ClaimRecord| label(&claim.object.metadata, labels::NODEPOOL).is_some_and(|name| name == pool);
    snapshot.node_claims.iter().filter(move |(_, claim)| belongs(claim))
}

/// A label of an object.
pub(super) fn label<'o>(metadata: &'o ObjectMeta, key: &str) -> Option<&'o str> {
    metadata.labels.as_ref()?.get(key).map(String::as_str)
}

/// An annotation of an object.
pub(super) fn annotation<'o>(metadata: &'o ObjectMeta, key: &str) -> Option<&'o str> {
    metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

/// Whether an object has our finalizer.
pub(super) fn is_held(metadata: &ObjectMeta) -> bool {
    metadata.finalizers.iter().flatten().any(|f| f == labels::TERMINATION_FINALIZER)
}

/// A claim as a subject.
pub(super) fn subject(claim: &ClaimRecord) -> Subject {
    Subject::named(Kind::NodeClaim, claim.name())
}

/// A claim as a key.
pub(super) fn key(claim: &ClaimRecord) -> ObjectKey {
    ObjectKey::named(Kind::NodeClaim, claim.name())
}

/// The deletion of an object, or when to see about it again because it was deleted just now and only the watch has not told
/// of it yet: what is counted with a deletion must be counted once.
pub(super) fn deletion(view: &View<'_>, about: &Subject, metadata: &ObjectMeta) -> Result<Effect, Timestamp> {
    let done = view.answer(about, Verb::Delete).filter(|answer| answer.outcome.is_ok());
    match done.and_then(|answer| answer.at.checked_add(LAG).ok()) {
        Some(until) if view.now < until => Err(until),
        _ => Ok(Effect::Delete(Delete::of(metadata))),
    }
}
