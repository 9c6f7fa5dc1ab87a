//! The launch of a claim: the provider is asked until it answers, and the answer is written down or throws the claim away
//! (the Karpenter specification, disruption 1.2; v1.15 changes 8.4).
//!
//! The answer is kept until it has been written, so a failed write does not buy twice; and what is lost in a crash is asked
//! for again with the same token, the UID of the claim.

use crate::action::{Effect, Verb};
use crate::cluster::{ClaimRecord, Subject};
use crate::event::Outcome;
use crate::fact::{Fact, Level};
use crate::loops::draft::Draft;
use crate::loops::saying::{self, disrupted};
use crate::loops::subjects::{deletion, label};
use crate::rule::{Verdict, View};
use dovetail_api::conditions::node_claim::LAUNCHED;
use dovetail_api::events::lifecycle::{INSUFFICIENT_CAPACITY, INSUFFICIENT_CAPACITY_OF_POD};
use dovetail_api::labels;
use dovetail_api::node_claim::NodeClaim;
use dovetail_cloudprovider::errors::ProviderError;

/// The longest message of the condition, in bytes, before it is cut off.
const MESSAGE_LIMIT: usize = 300;

/// How far a launch is.
#[derive(Debug)]
pub(super) enum Step {
    /// It was launched, now or before; the draft says so.
    Done,
    /// It will be asked for again; the draft says what went wrong.
    Again(Verdict),
    /// It is asked for, and there has been no answer yet.
    Ask(Verdict),
    /// It cannot be, and the claim goes.
    Discard(Verdict),
}

pub(super) fn step(view: &View<'_>, about: &Subject, claim: &ClaimRecord, draft: &mut Draft) -> Step {
    if !draft.is_unknown(LAUNCHED) {
        draft.refresh(LAUNCHED);
        return Step::Done;
    }
    let ask = || Verdict::nothing().act(about.clone(), Effect::Launch(Box::new(claim.full())));
    match view.answer(about, Verb::Launch).map(|answer| &answer.outcome) {
        Some(Outcome::Launched(Ok(launched))) if is_of(launched, claim) => {
            take(draft, launched, claim);
            Step::Done
        }
        Some(Outcome::Launched(Err(error))) if error.discards_claim() => {
            Step::Discard(discard(view, about, claim, error))
        }
        Some(Outcome::Launched(Err(error))) => {
            let message = match error {
                ProviderError::Create { message, .. } => message.clone(),
                error => shortened(&error.to_string()),
            };
            draft.conditions().set_unknown_because(LAUNCHED, error.launch_reason(), &message);
            Step::Again(ask())
        }
        Some(Outcome::Launched(Ok(_))) | None => Step::Ask(ask()),
        Some(_) => Step::Again(ask()),
    }
}

/// Whether the answer is about this very claim, and not about one of its name before it.
pub(super) fn is_of(launched: &NodeClaim, claim: &ClaimRecord) -> bool {
    launched.metadata.uid.as_deref().is_none_or(|uid| uid == claim.uid())
}

/// The claim gets what the machine is like. Its own labels win over the provider's, the provider's annotations over its own.
fn take(draft: &mut Draft, launched: &NodeClaim, claim: &ClaimRecord) {
    for (key, value) in launched.metadata.labels.iter().flatten() {
        draft.labels.entry(key.clone()).or_insert_with(|| value.clone());
    }
    draft.annotations.extend(launched.metadata.annotations.iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
    let status = launched.status.clone().unwrap_or_default();
    draft.status.provider_id = status.provider_id.clone();
    draft.status.image_id = status.image_id;
    draft.status.capacity = status.capacity;
    draft.status.allocatable = status.allocatable;
    draft.conditions().set_true(LAUNCHED);
    let of = |key: &str| label(&launched.metadata, key).unwrap_or_default().to_owned();
    let more = vec![
        ("provider-id", status.provider_id.unwrap_or_default()),
        ("instance-type", of(labels::INSTANCE_TYPE)),
        ("zone", of(labels::ZONE)),
        ("capacity-type", of(labels::CAPACITY_TYPE)),
        ("allocatable", serde_json::to_string(&draft.status.allocatable).unwrap_or_default()),
    ];
    draft.then(saying::log(Level::Info, "launched nodeclaim", claim, more));
}

fn discard(view: &View<'_>, about: &Subject, claim: &ClaimRecord, error: &ProviderError) -> Verdict {
    let delete = match deletion(view, about, &claim.object.metadata) {
        Ok(delete) => delete,
        Err(until) => return Verdict::wait(until),
    };
    let mut verdict = Verdict::nothing().act(about.clone(), delete);
    let values = || vec![("nodeclaim", claim.name().to_owned()), ("error", error.to_string())];
    let reason = match error {
        ProviderError::InsufficientCapacity(_) => {
            verdict = verdict.then(saying::event(&INSUFFICIENT_CAPACITY, claim, values()));
            verdict = pods_waiting_for(view, claim).fold(verdict, |verdict, (pod, uid)| {
                verdict.then(Fact::event(&INSUFFICIENT_CAPACITY_OF_POD, saying::pod_key(pod), uid, values()))
            });
            "insufficient_capacity"
        }
        _ => "nodeclass_not_ready",
    };
    verdict.then(disrupted(view, claim, reason))
}

/// Name and UID of the pods that the claim was made for and that have found no place meanwhile.
fn pods_waiting_for<'v>(view: &View<'v>, claim: &ClaimRecord) -> impl Iterator<Item = (&'v str, &'v str)> {
    let names = view.snapshot.memory.expecting.get(claim.name());
    let pods = names.into_iter().flat_map(|names| names.iter()).filter_map(|name| view.snapshot.pods.get(name));
    pods.filter(|pod| pod.node.is_none() && pod.is_active()).map(|pod| (&*pod.name, &*pod.uid))
}

/// The text, cut off at Karpenter's length.
fn shortened(text: &str) -> String {
    if text.len() < MESSAGE_LIMIT {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(MESSAGE_LIMIT);
    format!("{}...", text.get(..end).unwrap_or_default())
}
