//! How pods of a node that goes away are told to end: by eviction, which disruption budgets may refuse, or by deletion
//! when their time is up (the Karpenter specification, disruption 5.3 and v1.15 changes 8.6). Who has to go is decided in
//! `drain`; nothing is queued, since asking again is a matter of looking again.

use super::Leaving;
use crate::action::{Delete, Effect, Eviction, Fault, Verb};
use crate::cluster::{Kind, ObjectKey, PodRecord, Subject};
use crate::event::Outcome;
use crate::fact::Fact;
use crate::rule::Verdict;
use dovetail_api::events::lifecycle;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

/// How long a request that went well is given to show before it is made again.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// What the API server says when several disruption budgets select a pod.
const SEVERAL_BUDGETS: &str = "more than one PodDisruptionBudget";

/// Asks a pod to go.
pub(super) fn evict(node: &Leaving<'_>, pod: &PodRecord) -> Verdict {
    let about: Subject = ObjectKey::named(Kind::Pod, pod.name.clone()).into();
    let mut verdict = Verdict::nothing();
    match node.view.answer(&about, Verb::Evict) {
        // It is on its way, or gone, and the watch has yet to say so.
        Some(answer) if is_done(&answer.outcome) && node.view.now < answer.at + PATIENCE => {
            return Verdict::wait(answer.at + PATIENCE);
        }
        Some(answer) => {
            verdict = refusal(node, pod, &answer.outcome).forget(about.clone(), Verb::Evict);
        }
        None => {}
    }
    let effect = Effect::Evict(Eviction { uid: pod.uid.to_string(), grace_period_seconds: None });
    let reason = node.reason();
    verdict
        .act(about.clone(), effect)
        .then(requested("200"))
        .then(event(pod, &lifecycle::EVICTED, vec![("reason", reason.clone())]))
        .then(drained(reason))
}

/// Deletes a pod whose time is up, with as much time as there is.
pub(super) fn delete(node: &Leaving<'_>, pod: &PodRecord, deadline: Timestamp) -> Verdict {
    let about: Subject = ObjectKey::named(Kind::Pod, pod.name.clone()).into();
    if let Some(answer) = node.view.answer(&about, Verb::Delete)
        && is_done(&answer.outcome)
        && node.view.now < answer.at + PATIENCE
    {
        return Verdict::wait(answer.at + PATIENCE);
    }
    let granted = deadline.duration_since(node.view.now).as_secs().max(1);
    if pod.deleted.is_some_and(|end| end <= node.view.now + SignedDuration::from_secs(granted)) {
        // It ends no later than it would then.
        return Verdict::nothing();
    }
    let delete = Delete { uid: Some(pod.uid.to_string()), grace_period_seconds: Some(granted), ..Delete::default() };
    let own = pod.shape.spec().and_then(|spec| spec.termination_grace_period_seconds).unwrap_or_default();
    let values = vec![("time", deadline.to_string()), ("granted", granted.to_string()), ("own", own.to_string())];
    Verdict::nothing()
        .act(about, Effect::Delete(delete))
        .then(event(pod, &lifecycle::DISRUPTED, values))
        .then(drained(node.reason()))
}

/// Whether there is nothing more to ask for: the pod goes, or has gone, or another pod has its name.
const fn is_done(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Written(Err(error)) => matches!(error.fault, Fault::NotFound),
        Outcome::Written(Ok(_)) => true,
        _ => false,
    }
}

/// What is worth knowing about an eviction that did not come to be.
fn refusal(node: &Leaving<'_>, pod: &PodRecord, outcome: &Outcome) -> Verdict {
    let Some(error) = outcome.api_error() else { return Verdict::nothing() };
    let mut verdict = Verdict::nothing();
    if error.code != 0 {
        verdict = verdict.fact(requested(&error.code.to_string()));
    }
    let several = error.message.contains(SEVERAL_BUDGETS);
    if several || error.fault == Fault::Throttled {
        let what = if several { "eviction does not support multiple PDBs" } else { "evicting pod violates a PDB" };
        verdict = verdict.fact(node.failed_draining(format!("{what} (Pod={})", pod.name)));
    }
    verdict
}

fn requested(code: &str) -> Fact {
    Fact::count("karpenter_pods_eviction_requests_total", vec![("code", code.to_owned())])
}

fn drained(reason: String) -> Fact {
    Fact::count("karpenter_pods_drained_total", vec![("reason", reason)])
}

fn event(pod: &PodRecord, kind: &'static dovetail_api::events::EventKind, values: Vec<(&'static str, String)>) -> Fact {
    Fact::event(kind, ObjectKey::named(Kind::Pod, pod.name.clone()), &*pod.uid, values)
}
