//! What a NodeClaim says about being taken away on our own account: whether it may be consolidated, and whether it has
//! drifted (the Karpenter specification, disruption 1.7 and 4). Whether it then is taken away is decided elsewhere.

mod drift;
mod quiet;

use super::draft::Draft;
use super::subjects;
use crate::cluster::{Change, Kind, Snapshot, Subject};
use crate::rule::{Rule, Verdict, View};
use dovetail_api::conditions::node_claim::{CONSOLIDATABLE, DRIFTED};
use dovetail_api::labels::NODEPOOL;
use std::sync::Arc;

/// The loop.
pub(super) const RULE: Rule = Rule { name: "nodeclaim.disruption", of_cluster: false, concerns, judge };

fn concerns(snapshot: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    subjects::claims(snapshot, change, tell);
    let Change::Other { key, .. } = change else { return };
    let is_of = |claim: &crate::cluster::ClaimRecord| match key.kind {
        Kind::NodePool => subjects::label(&claim.object.metadata, NODEPOOL) == Some(&key.name),
        Kind::EC2NodeClass | Kind::KWOKNodeClass => {
            let class = &claim.object.spec.node_class_ref;
            class.kind == key.kind.text() && *class.name == *key.name
        }
        _ => false,
    };
    if matches!(key.kind, Kind::NodePool | Kind::EC2NodeClass | Kind::KWOKNodeClass) {
        for (name, _) in snapshot.node_claims.iter().filter(|(_, claim)| is_of(claim)) {
            tell(Subject::named(Kind::NodeClaim, Arc::clone(name)));
        }
    }
}

fn judge(view: &View<'_>, about: &Subject) -> Verdict {
    let Some(claim) = subjects::claim(view, about).filter(|claim| !claim.is_deleting()) else {
        return Verdict::nothing();
    };
    let Some(pool) = subjects::pool_of(view, &claim.object) else { return Verdict::nothing() };
    let mut draft = Draft::of(claim, view.now);
    let drift = drift::judge(view, about, claim, pool);
    match &drift.found {
        drift::Found::Drifted(reason) => draft.conditions().set_true_because(DRIFTED, reason, reason),
        // Independent conditions can always be cleared.
        drift::Found::AsItShouldBe => draft.conditions().clear(DRIFTED).unwrap_or_default(),
        drift::Found::NotKnown => false,
    };
    let mut verdict = drift.verdict;
    match quiet::judge(claim, pool, view.now) {
        quiet::Quiet::NotAsked => {}
        quiet::Quiet::Yes => {
            draft.conditions().set_true(CONSOLIDATABLE);
        }
        quiet::Quiet::No { until } => {
            draft.conditions().clear(CONSOLIDATABLE).unwrap_or_default();
            verdict = until.into_iter().fold(verdict, Verdict::again);
        }
    }
    verdict.and(draft.write(about, claim))
}
