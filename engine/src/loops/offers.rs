//! What providers sell for the pools: asked when a pool is new, and every hour after. A round that is about to begin asks
//! anew by itself; here the answers are taken in.

use crate::action::{Effect, Verb};
use crate::cluster::{Change, Kind, Remember, Snapshot, Subject};
use crate::event::Outcome;
use crate::rule::{Rule, Verdict, View};
use k8s_openapi::jiff::SignedDuration;
use std::sync::Arc;

/// Prices are asked for again after so long (specification "disruption" 0.4).
const REFRESH: SignedDuration = SignedDuration::from_hours(1);

/// The loop.
pub const RULE: Rule = Rule { name: "state.instancetypes", of_cluster: false, concerns, judge };

fn concerns(_: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    if let Subject::Object(key) = change.about()
        && key.kind == Kind::NodePool
    {
        tell(key.into());
    }
}

fn judge(view: &View<'_>, about: &Subject) -> Verdict {
    let Some(key) = about.object() else { return Verdict::nothing() };
    let Some(pool) = view.snapshot.node_pools.get(&key.name) else { return Verdict::nothing() };
    let class = &pool.spec.template.spec.node_class_ref;
    if !view.settings.manages(&class.group, &class.kind) {
        return Verdict::nothing();
    }
    let mut verdict = Verdict::nothing();
    let mut offered_at = view.snapshot.memory.offers.get(&key.name).map(|offer| offer.at);
    if let Some(answer) = view.answer(about, Verb::InstanceTypes) {
        if let Outcome::InstanceTypes(Ok(types)) = &answer.outcome {
            let offer = Remember::Offer { pool: Arc::clone(&key.name), types: Arc::clone(types) };
            verdict = verdict.remember(offer);
            offered_at = Some(view.now);
        }
        verdict = verdict.forget(about.clone(), Verb::InstanceTypes);
    }
    match offered_at.and_then(|at| at.checked_add(REFRESH).ok()) {
        Some(time) if time > view.now => verdict.again(time),
        _ => verdict.act(about.clone(), Effect::InstanceTypes(Box::new(pool.as_ref().clone()))),
    }
}
