//! Claims whose machine is gone, and machines whose claim is gone: both are ended (the Karpenter specification, disruption
//! 1.7; for machines, aws-provider 8).
//!
//! A list may be late or incomplete, so nothing is ended on a single one: what is missing is looked for again a little later
//! and must be missing then too. A machine that was launched for a claim that does not name it yet is that claim's.

use super::lifecycle::is_ready;
use super::saying::{self, disrupted, pods_disrupted};
use super::subjects::{deletion, subject};
use crate::action::{Effect, Verb};
use crate::cluster::{ClaimRecord, Kind, Remember, Subject};
use crate::event::Outcome;
use crate::fact::{Fact, Level};
use crate::flights::Answer;
use crate::rule::{Rule, Verdict, View};
use dovetail_api::conditions::{self, node_claim::REGISTERED};
use dovetail_api::node_claim::NodeClaim;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How often machines are counted.
const PERIOD: SignedDuration = SignedDuration::from_mins(2);
/// How soon they are counted again when something was missing.
const CONFIRMATION: SignedDuration = SignedDuration::from_secs(15);
/// How old a machine must be to be taken for lost.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// The loop.
pub(super) const RULE: Rule =
    Rule { name: "nodeclaim.garbagecollection", of_cluster: true, concerns: |_, _, _| {}, judge };

fn judge(view: &View<'_>, about: &Subject) -> Verdict {
    let ask = || Verdict::nothing().act(about.clone(), Effect::ListMachines);
    let Some(answer) = view.answer(about, Verb::ListMachines) else { return ask() };
    let Outcome::Machines(Ok(machines)) = &answer.outcome else { return ask() };
    let missing = missing(view, machines);
    let lost = lost(view, machines);
    let known = &view.snapshot.memory.suspects;
    let since = |id: &str| known.get(id).copied().unwrap_or(answer.at);
    let suspects: BTreeMap<Arc<str>, Timestamp> =
        missing.keys().chain(lost.keys()).map(|id| (Arc::from(*id), since(id))).collect();
    let next = answer.at + if suspects.is_empty() { PERIOD } else { CONFIRMATION };
    if view.now >= next {
        return ask();
    }
    // What this list is the first to say has to be said by another.
    let is_confirmed = |id: &str| since(id) < answer.at;
    let mut verdict = Verdict::wait(next);
    for claim in missing.iter().filter(|(id, _)| is_confirmed(id)).map(|(_, claim)| claim) {
        verdict = verdict.and(collect(view, claim));
    }
    for (id, machine) in lost.iter().filter(|(id, _)| is_confirmed(id)) {
        verdict = verdict.and(end(view, id, machine, answer));
    }
    for id in known.keys().filter(|id| !suspects.contains_key(*id)) {
        verdict = verdict.forget(stray(id), Verb::Terminate);
    }
    if **known != suspects {
        verdict = verdict.remember(Remember::Suspects(suspects));
    }
    verdict
}

/// Registered claims whose machine is not listed and whose node is not up, by provider ID.
fn missing<'v>(view: &View<'v>, machines: &[NodeClaim]) -> BTreeMap<&'v str, &'v ClaimRecord> {
    let alive = machines.iter().filter(|m| m.metadata.deletion_timestamp.is_none());
    let listed: BTreeSet<&str> = alive.filter_map(machine_id).collect();
    let claims = view.snapshot.node_claims.values().filter(|claim| !claim.is_deleting());
    let claims = claims.filter(|claim| {
        let class = &claim.object.spec.node_class_ref;
        let conditions = claim.object.status.as_ref().map_or(&[][..], |s| &s.conditions);
        view.settings.manages(&class.group, &class.kind) && conditions::is_true(conditions, REGISTERED)
    });
    let gone = claims.filter_map(|claim| Some((claim.provider_id()?, claim)));
    let gone = gone.filter(|(id, _)| !listed.contains(id));
    gone.filter(|(_, claim)| !view.snapshot.node_of(claim).is_ok_and(|node| is_ready(node))).collect()
}

/// Machines that no claim knows of and that are old enough, by provider ID.
fn lost<'m>(view: &View<'_>, machines: &'m [NodeClaim]) -> BTreeMap<&'m str, &'m NodeClaim> {
    let alive = machines.iter().filter(|m| m.metadata.deletion_timestamp.is_none());
    let known = |id: &str, machine: &NodeClaim| {
        let named = machine.metadata.name.as_deref().and_then(|name| view.snapshot.node_claims.get(name));
        let of_that_name = named.is_some_and(|claim| claim.provider_id().is_none_or(|own| own == id));
        of_that_name || !view.snapshot.claims_of_machine(id).is_empty()
    };
    let is_old = |machine: &NodeClaim| {
        let launched = machine.metadata.creation_timestamp.as_ref().map(|at| at.0);
        launched.is_none_or(|at| view.now.duration_since(at) > GRACE)
    };
    alive.filter_map(|m| Some((machine_id(m)?, m))).filter(|(id, m)| is_old(m) && !known(id, m)).collect()
}

fn machine_id(machine: &NodeClaim) -> Option<&str> {
    machine.status.as_ref()?.provider_id.as_deref().filter(|id| !id.is_empty())
}

/// The claim of a machine that is gone goes.
fn collect(view: &View<'_>, claim: &ClaimRecord) -> Verdict {
    let about = subject(claim);
    let Ok(delete) = deletion(view, &about, &claim.object.metadata) else { return Verdict::nothing() };
    let line = "garbage collecting nodeclaim with no cloudprovider representation";
    let verdict = Verdict::nothing()
        .act(about, delete)
        .then(saying::log(Level::Debug, line, claim, vec![]))
        .then(disrupted(view, claim, "garbage_collected"));
    pods_disrupted(view, claim, "garbage_collected").into_iter().fold(verdict, Verdict::then)
}

/// A machine without a claim, as a subject of its own: there is no object that it could be about.
fn stray(id: &Arc<str>) -> Subject {
    Subject::named(Kind::NodeClaim, Arc::clone(id))
}

/// Ends a machine that no claim knows of, once for each list that has it.
fn end(view: &View<'_>, id: &str, machine: &NodeClaim, list: &Answer) -> Verdict {
    let about = stray(&id.into());
    let answer = view.answer(&about, Verb::Terminate).filter(|answer| answer.at >= list.at);
    if answer.is_some_and(|answer| answer.outcome.is_ok() || is_gone(&answer.outcome)) {
        return Verdict::nothing();
    }
    let line = "garbage collecting instance with no nodeclaim";
    Verdict::nothing().act(about, Effect::Terminate(Box::new(machine.clone()))).then(Fact::log(
        Level::Debug,
        line,
        vec![("provider-id", id.to_owned())],
    ))
}

fn is_gone(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Terminated(Err(error)) if error.is_node_claim_not_found())
}
