//! The life of a NodeClaim: it is launched, its node registers and is initialized; or that takes too long, and it is given
//! up; and when it is told to end, its machine is ended before it goes (the Karpenter specification, disruption 1.1).
//!
//! Here is the order of these steps and how their outcome is written down. Each step knows only itself. Nothing is launched
//! before the claim has our finalizer, so that no machine can outlive its claim unseen.

mod finalization;
mod initialization;
mod launch;
mod liveness;
mod registration;
#[cfg(test)]
mod stories;

pub(super) use self::initialization::is_ready;

use super::draft::Draft;
use super::subjects::{self, is_held};
use crate::action::{Effect, Patch};
use crate::cluster::Subject;
use crate::rule::{Rule, Verdict, View};
use dovetail_api::labels::TERMINATION_FINALIZER;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

/// The loop.
pub(super) const RULE: Rule =
    Rule { name: "nodeclaim.lifecycle", of_cluster: false, concerns: subjects::claims, judge };

fn judge(view: &View<'_>, about: &Subject) -> Verdict {
    let Some(claim) = subjects::claim(view, about) else { return Verdict::nothing() };
    if claim.is_deleting() {
        return finalization::judge(view, about, claim);
    }
    let metadata = &claim.object.metadata;
    if !is_held(metadata) {
        let hold = Patch::of(metadata, json!({"metadata": {"finalizers": with_finalizer(metadata)}}));
        return Verdict::nothing().act(about.clone(), Effect::Patch(hold.unless_changed(metadata)));
    }
    let mut draft = Draft::of(claim, view.now);
    let launch = match launch::step(view, about, claim, &mut draft) {
        launch::Step::Discard(verdict) => return verdict,
        // A claim that waits for its first answer has nothing to tell yet.
        launch::Step::Ask(verdict) => return verdict,
        launch::Step::Again(verdict) => verdict,
        launch::Step::Done => Verdict::nothing(),
    };
    let registration = registration::step(view, claim, &mut draft);
    let initialization = initialization::step(view, claim, &mut draft);
    match liveness::step(view, about, claim, &draft) {
        liveness::Step::GiveUp(verdict) => verdict,
        liveness::Step::Wait(verdict) => {
            launch.and(registration).and(initialization).and(verdict).and(draft.write(about, claim))
        }
    }
}

/// The finalizers of an object, ours among them.
fn with_finalizer(metadata: &ObjectMeta) -> Vec<String> {
    let others = metadata.finalizers.iter().flatten().filter(|f| *f != TERMINATION_FINALIZER);
    others.cloned().chain([TERMINATION_FINALIZER.to_owned()]).collect()
}
