//! The end of a claim: its node goes first, then its machine, and only then the claim itself (the Karpenter specification,
//! disruption 1.6). How a node is drained is not known here.
//!
//! A machine whose launch was under way when the claim was told to end is waited for and ended too, although nothing was
//! ever written of it.

use super::launch::is_of;
use crate::action::{Effect, Patch, Verb};
use crate::cluster::{ClaimRecord, Kind, Subject};
use crate::event::Outcome;
use crate::fact::{Fact, Level};
use crate::loops::draft::Draft;
use crate::loops::saying::{self, capacity_type_label, pool_label, zone_label};
use crate::loops::subjects::{annotation, deletion, is_held};
use crate::rule::{Verdict, View};
use dovetail_api::conditions::{self, node_claim as reasons};
use dovetail_api::events::lifecycle::TERMINATION_GRACE_PERIOD_EXPIRING;
use dovetail_api::labels::{TERMINATION_FINALIZER, TERMINATION_TIMESTAMP};
use dovetail_api::node_claim::NodeClaim;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// How often a provider is asked whether a machine is gone.
const POLL: SignedDuration = SignedDuration::from_secs(5);

pub(super) fn judge(view: &View<'_>, about: &Subject, claim: &ClaimRecord) -> Verdict {
    let metadata = &claim.object.metadata;
    if !is_held(metadata) {
        return Verdict::nothing();
    }
    if let Some(deadline) = missing_deadline(&claim.object) {
        let body = json!({"metadata": {"annotations": {TERMINATION_TIMESTAMP: deadline}}});
        let values = vec![("time", deadline.clone())];
        return Verdict::nothing()
            .act(about.clone(), Effect::Patch(Patch::of(metadata, body).unless_changed(metadata)))
            .then(saying::event(&TERMINATION_GRACE_PERIOD_EXPIRING, claim, values))
            .then(saying::log(Level::Info, "annotated nodeclaim", claim, vec![(TERMINATION_TIMESTAMP, deadline)]));
    }
    if let Some(verdict) = nodes_first(view, claim) {
        return verdict;
    }
    if view.is_under_way(about, Verb::Launch) {
        return Verdict::nothing();
    }
    match machine(view, about, claim) {
        None => release(view, about, claim, vec![]),
        Some(machine) => end_machine(view, about, claim, machine),
    }
}

/// When the pods of the claim's node go at the latest, if that is limited and not written down yet.
fn missing_deadline(claim: &NodeClaim) -> Option<String> {
    let metadata = &claim.metadata;
    if annotation(metadata, TERMINATION_TIMESTAMP).is_some() {
        return None;
    }
    let grace = claim.spec.termination_grace_period.as_ref()?.to_signed();
    let deadline = metadata.deletion_timestamp.as_ref()?.0.checked_add(grace).ok()?;
    Some(deadline.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Ends the nodes of a claim that has registered, and waits until they are gone. Nodes of one that has not are left: their
/// kubelets would only make them again.
fn nodes_first(view: &View<'_>, claim: &ClaimRecord) -> Option<Verdict> {
    let status = claim.object.status.as_ref()?;
    if !conditions::is_true(&status.conditions, reasons::REGISTERED) {
        return None;
    }
    let names = view.snapshot.nodes_of_machine(claim.provider_id()?);
    let mut verdict = None;
    for node in names.iter().filter_map(|name| view.snapshot.nodes.get(name)) {
        let waiting = verdict.get_or_insert_with(Verdict::nothing);
        if node.metadata.deletion_timestamp.is_some() {
            continue;
        }
        let about = Subject::named(Kind::Node, node.metadata.name.as_deref().unwrap_or_default());
        *waiting = match deletion(view, &about, &node.metadata) {
            Ok(delete) => std::mem::take(waiting).act(about, delete),
            Err(until) => std::mem::take(waiting).again(until),
        };
    }
    verdict
}

/// The claim with its machine, if it has one that is known of.
fn machine(view: &View<'_>, about: &Subject, claim: &ClaimRecord) -> Option<NodeClaim> {
    if claim.provider_id().is_some() {
        return Some(claim.full());
    }
    match view.answer(about, Verb::Launch).map(|answer| &answer.outcome) {
        Some(Outcome::Launched(Ok(launched))) if is_of(launched, claim) => {
            let mut machine = claim.full();
            machine.status = launched.status.clone();
            Some(machine)
        }
        _ => None,
    }
}

/// Asks for the end of the machine until it is gone, and then lets the claim go.
fn end_machine(view: &View<'_>, about: &Subject, claim: &ClaimRecord, machine: NodeClaim) -> Verdict {
    let ask = Effect::Terminate(Box::new(machine));
    let Some(answer) = view.answer(about, Verb::Terminate) else { return Verdict::nothing().act(about.clone(), ask) };
    match &answer.outcome {
        Outcome::Terminated(Err(error)) if error.is_node_claim_not_found() => {
            let conditions = claim.object.status.as_ref().map_or(&[][..], |s| &s.conditions);
            let began = conditions::find(conditions, reasons::INSTANCE_TERMINATING).map(|c| c.last_transition_time.0);
            let took = began.map(|began| seconds(began, view.now));
            let name = "karpenter_nodeclaims_instance_termination_duration_seconds";
            let took = took.map(|took| Fact::observe(name, vec![pool_label(&claim.object)], took));
            release(view, about, claim, took.into_iter().collect())
        }
        Outcome::Terminated(Ok(())) => {
            let mut draft = Draft::of(claim, view.now);
            draft.conditions().set_true(reasons::INSTANCE_TERMINATING);
            let verdict = draft.write(about, claim);
            match answer.at.checked_add(POLL) {
                Ok(next) if view.now < next => verdict.again(next),
                _ => verdict.act(about.clone(), ask),
            }
        }
        _ => Verdict::nothing().act(about.clone(), ask),
    }
}

/// Nothing is left of it: the claim may go.
fn release(view: &View<'_>, about: &Subject, claim: &ClaimRecord, facts: Vec<Fact>) -> Verdict {
    let metadata = &claim.object.metadata;
    let others: Vec<_> = metadata.finalizers.iter().flatten().filter(|f| *f != TERMINATION_FINALIZER).collect();
    let patch = Patch::of(metadata, json!({"metadata": {"finalizers": others}})).unless_changed(metadata);
    let of = &claim.object;
    let took = metadata.deletion_timestamp.as_ref().map(|at| {
        let name = "karpenter_nodeclaims_termination_duration_seconds";
        Fact::observe(name, vec![pool_label(of)], seconds(at.0, view.now))
    });
    let labels = vec![pool_label(of), capacity_type_label(of), zone_label(of)];
    let said = [saying::log(Level::Info, "deleted nodeclaim", claim, vec![])];
    let counted = [Fact::count("karpenter_nodeclaims_terminated_total", labels)];
    let verdict = Verdict::nothing().act(about.clone(), Effect::Patch(patch));
    facts.into_iter().chain(took).chain(said).chain(counted).fold(verdict, Verdict::then)
}

/// From one time to another, in seconds.
fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}
