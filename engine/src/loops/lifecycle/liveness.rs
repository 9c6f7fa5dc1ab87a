//! Claims that come to nothing: one that is not launched in five minutes, or whose node does not register in fifteen, is
//! given up, and its pool remembers (the Karpenter specification, disruption 1.5).
//!
//! Unlike Karpenter, a claim that has run out of both times is counted once, and a failure is remembered when the claim has
//! been deleted, so that a deletion tried twice is no second failure.

use super::registration::owner_pool;
use crate::action::Verb;
use crate::cluster::{ClaimRecord, Remember, Subject};
use crate::fact::Level;
use crate::loops::draft::Draft;
use crate::loops::saying::{self, disrupted};
use crate::loops::subjects::deletion;
use crate::rule::{Verdict, View};
use dovetail_api::conditions::node_claim::{LAUNCHED, REGISTERED};
use dovetail_api::conditions::node_pool::{REGISTRATION_FAILED, REGISTRATION_FAILED_MESSAGE};
use k8s_openapi::jiff::{SignedDuration, Timestamp};

/// How long a launch may take.
const LAUNCH_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// How long it may take from there until the node has registered, counted from the creation of the claim.
const REGISTRATION_TIMEOUT: SignedDuration = SignedDuration::from_mins(15);

/// Whether there is still hope.
#[derive(Debug)]
pub(super) enum Step {
    /// There is, until then.
    Wait(Verdict),
    /// There is none, and the claim goes.
    GiveUp(Verdict),
}

pub(super) fn step(view: &View<'_>, about: &Subject, claim: &ClaimRecord, draft: &Draft) -> Step {
    if draft.is_true(REGISTERED) {
        return Step::Wait(Verdict::nothing());
    }
    let deadline = |type_: &str, timeout| draft.condition(type_)?.last_transition_time.0.checked_add(timeout).ok();
    let mut again: Vec<Timestamp> = vec![];
    if !draft.is_true(LAUNCHED)
        && let Some(deadline) = deadline(LAUNCHED, LAUNCH_TIMEOUT)
    {
        if deadline > view.now {
            again.push(deadline);
        } else if !view.is_under_way(about, Verb::Launch) {
            // A launch under way may still succeed; its end has this asked again.
            return give_up(view, about, claim, draft, "launch_timeout");
        }
    }
    if let Some(deadline) = deadline(REGISTERED, REGISTRATION_TIMEOUT) {
        if deadline > view.now {
            again.push(deadline);
        } else if !view.is_under_way(about, Verb::Launch) {
            return give_up(view, about, claim, draft, "registration_timeout");
        }
    }
    Step::Wait(again.into_iter().fold(Verdict::nothing(), Verdict::again))
}

fn give_up(view: &View<'_>, about: &Subject, claim: &ClaimRecord, draft: &Draft, reason: &'static str) -> Step {
    let delete = match deletion(view, about, &claim.object.metadata) {
        Ok(delete) => delete,
        Err(until) => return Step::GiveUp(Verdict::wait(until)),
    };
    let line = saying::log(Level::Debug, "terminating due to timeout", claim, vec![("reason", reason.to_owned())]);
    let mut verdict = Verdict::nothing().act(about.clone(), delete).then(line).then(disrupted(view, claim, reason));
    if let Some(pool) = owner_pool(view, &claim.object) {
        let because = match draft.condition(LAUNCHED) {
            Some(launched) if !draft.is_true(LAUNCHED) => (launched.reason.clone(), launched.message.clone()),
            _ => (REGISTRATION_FAILED.to_owned(), REGISTRATION_FAILED_MESSAGE.to_owned()),
        };
        verdict = verdict.then_remember(Remember::Registration { pool, succeeded: false, because: Some(because) });
    }
    Step::GiveUp(verdict)
}
