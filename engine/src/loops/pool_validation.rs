//! Whether a NodePool makes sense beyond what its CRD checks, as the pool's condition `ValidationSucceeded` (the Karpenter
//! specification, disruption 7).

use super::pool_draft::PoolDraft;
use super::subjects;
use crate::cluster::Subject;
use crate::rule::{Rule, Verdict, View};
use dovetail_api::conditions::node_pool::{NODE_POOL_VALIDATION_FAILED, VALIDATION_SUCCEEDED};
use dovetail_api::validation;

/// The loop.
pub(super) const RULE: Rule = Rule { name: "nodepool.validation", of_cluster: false, concerns: subjects::pools, judge };

fn judge(view: &View<'_>, about: &Subject) -> Verdict {
    let Some(pool) = subjects::pool(view, about) else { return Verdict::nothing() };
    let mut draft = PoolDraft::of(pool, view.now);
    match validation::node_pool(pool) {
        Ok(()) => draft.conditions().set_true(VALIDATION_SUCCEEDED),
        Err(faults) => {
            let message = validation::message(&faults);
            draft.conditions().set_false(VALIDATION_SUCCEEDED, NODE_POOL_VALIDATION_FAILED, &message)
        }
    };
    draft.write(about)
}
