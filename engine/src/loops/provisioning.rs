//! When a round of provisioning is made: pods that come one after the other wait for each other, and not too long
//! (specification "scheduling" 2.2, 2.3). There is one round at a time; what comes meanwhile is for the next.
//!
//! A round works with what is known. Claims on their way, however slow, hold up nobody: what they were made for is taken
//! care of, and what they turn out to be is known when it is known. What a round came to is told by `outcome`, what becomes of
//! pods until they are bound by `nominations`.

mod outcome;

use crate::action::{Effect, Verb};
use crate::cluster::{Backlog, Change, Kind, PodRecord, Remember, Snapshot, Subject};
use crate::event::Outcome;
use crate::provisioning::is_expected;
use crate::round::Ask;
use crate::rule::{Rule, Verdict, View};
use crate::settings::Settings;
use dovetail_api::labels;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// Pods that found no place are asked about again after so long (specification "scheduling" 2.2).
const AGAIN: SignedDuration = SignedDuration::from_secs(10);
/// A provider that is slow to say what it sells holds up a round for so long at most.
const PATIENCE: SignedDuration = SignedDuration::from_secs(5);
/// Of the time that a round waits for a pause, the part that it waits in any case.
const LEAST_QUIET: i64 = 4;
/// A pause is one if it is so many times as long as the longest between two pods of this backlog.
const GAPS_IN_A_PAUSE: i64 = 4;

/// The loop.
pub const RULE: Rule = Rule { name: "provisioner", of_cluster: true, concerns, judge };

/// Nodes whose pods have to move are a reason for a round, too.
pub const NODE_TRIGGER: Rule =
    Rule { name: "provisioner.trigger.node", of_cluster: false, concerns: concerns_nodes, judge: judge_node };

fn concerns(snapshot: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    let concerned = match change {
        Change::Pod { after, .. } => after.as_ref().is_some_and(|pod| pod.wants_a_node()),
        // One that goes gives back the pods that it was made for.
        Change::NodeClaim { .. } => snapshot.memory.backlog.first.is_some(),
        Change::Memory => true,
        Change::Answered(Subject::Object(key)) => key.kind == Kind::NodePool || key.kind == Kind::NodeClaim,
        Change::Node { .. } | Change::Other { .. } | Change::Answered(Subject::Cluster) => false,
    };
    if concerned {
        tell(Subject::Cluster);
    }
}

fn judge(view: &View<'_>, _: &Subject) -> Verdict {
    let ended = view.answer(&Subject::Cluster, Verb::Plan);
    let verdict = match ended.map(|answer| &answer.outcome) {
        Some(Outcome::Planned(planned)) => {
            let again = outcome::leaves_pods_waiting(view, planned).then(|| after(view.now, AGAIN));
            outcome::settle(view, planned).remember(Remember::RoundEnds { again }).forget(Subject::Cluster, Verb::Plan)
        }
        Some(_) => {
            let again = Some(after(view.now, AGAIN));
            Verdict::nothing().remember(Remember::RoundEnds { again }).forget(Subject::Cluster, Verb::Plan)
        }
        None => Verdict::nothing(),
    };
    if ended.is_some() {
        // What is remembered now has this rule asked once more, about what has come meanwhile.
        return verdict;
    }
    outcome::failed_creations(view).and(next_round(view))
}

/// Begins a round, or says when.
fn next_round(view: &View<'_>) -> Verdict {
    let backlog = &view.snapshot.memory.backlog;
    if view.is_under_way(&Subject::Cluster, Verb::Plan) {
        return Verdict::nothing();
    }
    let Some(due) = due(backlog, view.settings) else { return Verdict::nothing() };
    let wants = |pod: &Arc<PodRecord>| pod.wants_a_node() && !is_expected(view.snapshot, pod);
    if backlog.first.is_none() && !view.snapshot.waiting_pods().any(wants) {
        return Verdict::nothing().remember(Remember::RoundEnds { again: None });
    }
    if backlog.first.is_none() && due > view.now {
        return Verdict::wait(due);
    }
    let (verdict, is_current) = ask_for_offers(view, backlog);
    let patience = backlog.first.map_or(due, |first| after(after(first, view.settings.batch_max), PATIENCE));
    if due > view.now {
        return verdict.again(due);
    }
    if !is_current && view.now < patience {
        return verdict.again(patience);
    }
    if !view.may_act(&Subject::Cluster, Verb::Plan) {
        return verdict.again(after(view.now, SignedDuration::from_secs(1)));
    }
    let ask = Ask {
        snapshot: view.snapshot.clone(),
        settings: view.settings.clone(),
        memory: view.snapshot.memory.solver.as_ref().clone(),
    };
    verdict.remember(Remember::RoundBegins).act(Subject::Cluster, Effect::Plan(Box::new(ask)))
}

/// When the next round begins, if nothing comes any more.
fn due(backlog: &Backlog, settings: &Settings) -> Option<Timestamp> {
    let (Some(first), Some(last)) = (backlog.first, backlog.last) else { return backlog.again };
    let idle = settings.batch_idle;
    let quiet = if settings.early_start {
        let of_gaps = SignedDuration::from_millis(backlog.gap_ms.saturating_mul(GAPS_IN_A_PAUSE));
        SignedDuration::from_millis(i64::try_from(idle.as_millis()).unwrap_or(i64::MAX) / LEAST_QUIET)
            .max(of_gaps)
            .min(idle)
    } else {
        idle
    };
    Some(after(last, quiet).min(after(first, settings.batch_max)))
}

/// Has every pool's provider say what it sells now, and tells whether all have done so since the backlog began.
fn ask_for_offers(view: &View<'_>, backlog: &Backlog) -> (Verdict, bool) {
    let since = backlog.first.or(backlog.again).unwrap_or(view.now);
    let (mut verdict, mut is_current) = (Verdict::nothing(), true);
    for (name, pool) in view.snapshot.node_pools.iter() {
        let class = &pool.spec.template.spec.node_class_ref;
        if !view.settings.manages(&class.group, &class.kind) || crate::pools::check(pool, true).is_err() {
            continue;
        }
        if view.snapshot.memory.offers.get(name).is_some_and(|offer| offer.at >= since) {
            continue;
        }
        let about = Subject::named(Kind::NodePool, Arc::clone(name));
        // One that has just failed is not waited for: the round does with what it said before, or without the pool.
        is_current &= !view.may_act(&about, Verb::InstanceTypes) && !view.is_under_way(&about, Verb::InstanceTypes);
        verdict = verdict.act(about, Effect::InstanceTypes(Box::new(pool.as_ref().clone())));
    }
    (verdict, is_current)
}

fn after(time: Timestamp, wait: SignedDuration) -> Timestamp {
    time.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn concerns_nodes(snapshot: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    match change {
        Change::Node { after: Some(node), .. } if is_disrupted(node) => tell(change.about()),
        Change::Pod { after: Some(pod), .. } => {
            let node = pod.node.as_ref().filter(|node| snapshot.nodes.get(node).is_some_and(|node| is_disrupted(node)));
            node.into_iter().for_each(|node| tell(Subject::named(Kind::Node, Arc::clone(node))));
        }
        _ => {}
    }
}

fn is_disrupted(node: &Node) -> bool {
    let taints = node.spec.iter().flat_map(|s| s.taints.iter().flatten());
    taints.into_iter().any(|t| t.key == labels::DISRUPTED_TAINT && t.effect == labels::NO_SCHEDULE)
}

/// As long as a node that is on its way out has pods that need another place, there is a reason for a round.
fn judge_node(view: &View<'_>, about: &Subject) -> Verdict {
    let name = about.object().map_or("", |key| &key.name);
    let Some(node) = view.snapshot.nodes.get(name).filter(|node| is_disrupted(node)) else { return Verdict::nothing() };
    let homeless = |pod: &Arc<PodRecord>| pod.is_replaced() && !is_expected(view.snapshot, pod);
    if view.snapshot.claim_of(node).is_err() || !view.snapshot.pods_on(name).any(homeless) {
        return Verdict::nothing();
    }
    Verdict::nothing().remember(Remember::Arrival).again(after(view.now, AGAIN))
}

#[cfg(test)]
#[path = "provisioning_stories.rs"]
mod stories;
