//! The drift hash of every NodePool as its annotation, and the step from one version of the hash to the next: claims get the
//! new version first, so that none is taken for drifted because of how it was hashed (the Karpenter specification,
//! disruption 4.1). Whether a claim has drifted is not decided here.

use super::subjects::{self, annotation, claims_of_pool};
use crate::action::{Effect, Patch};
use crate::cluster::{Change, ClaimRecord, Kind, Snapshot, Subject};
use crate::rule::{Rule, Verdict, View};
use dovetail_api::conditions::{self, node_claim::DRIFTED};
use dovetail_api::hash::{self, NODE_POOL_VERSION};
use dovetail_api::labels::{NODEPOOL, NODEPOOL_HASH, NODEPOOL_HASH_VERSION};
use serde_json::json;

/// The loop.
pub(super) const RULE: Rule = Rule { name: "nodepool.hash", of_cluster: false, concerns, judge };

fn concerns(snapshot: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    subjects::pools(snapshot, change, tell);
    // A claim matters only as long as its pool is on its way to another version.
    let claim = match change {
        Change::NodeClaim { after: Some(claim), .. } => Some(claim),
        Change::Answered(Subject::Object(key)) if key.kind == Kind::NodeClaim => snapshot.node_claims.get(&key.name),
        _ => None,
    };
    if let Some(claim) = claim.filter(|claim| !has_version(claim))
        && let Some(pool) = subjects::label(&claim.object.metadata, NODEPOOL)
    {
        tell(Subject::named(Kind::NodePool, pool));
    }
}

fn has_version(claim: &ClaimRecord) -> bool {
    annotation(&claim.object.metadata, NODEPOOL_HASH_VERSION) == Some(NODE_POOL_VERSION)
}

fn judge(view: &View<'_>, about: &Subject) -> Verdict {
    let Some(pool) = subjects::pool(view, about) else { return Verdict::nothing() };
    let metadata = &pool.metadata;
    let hash = hash::node_pool(&pool.spec.template);
    if annotation(metadata, NODEPOOL_HASH_VERSION) != Some(NODE_POOL_VERSION) {
        let old = claims_of_pool(view.snapshot, metadata.name.as_deref().unwrap_or_default());
        let old = old.filter(|(_, claim)| !has_version(claim)).map(|(_, claim)| migrated(claim, &hash));
        let mut old = old.peekable();
        if old.peek().is_some() {
            return old.fold(Verdict::nothing(), |verdict, (about, patch)| verdict.act(about, Effect::Patch(patch)));
        }
    }
    let is_stamped = annotation(metadata, NODEPOOL_HASH) == Some(&hash)
        && annotation(metadata, NODEPOOL_HASH_VERSION) == Some(NODE_POOL_VERSION);
    if is_stamped {
        return Verdict::nothing();
    }
    let stamps = json!({NODEPOOL_HASH: hash, NODEPOOL_HASH_VERSION: NODE_POOL_VERSION});
    let patch = Patch::of(metadata, json!({"metadata": {"annotations": stamps}}));
    Verdict::nothing().act(about.clone(), Effect::Patch(patch))
}

/// The claim at the new version. One that has drifted keeps its old hash, and so stays drifted.
fn migrated(claim: &ClaimRecord, hash: &str) -> (Subject, Patch) {
    let conditions = claim.object.status.as_ref().map_or(&[][..], |s| &s.conditions);
    let mut stamps = json!({NODEPOOL_HASH_VERSION: NODE_POOL_VERSION});
    if conditions::find(conditions, DRIFTED).is_none() {
        stamps[NODEPOOL_HASH] = json!(hash);
    }
    (subjects::subject(claim), Patch::of(&claim.object.metadata, json!({"metadata": {"annotations": stamps}})))
}
