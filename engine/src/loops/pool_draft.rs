//! A NodePool's conditions as its loops would have them, and the write that makes it so. It decides nothing; a pool that is
//! as it should be is not written.

use crate::action::{Effect, Patch};
use crate::cluster::Subject;
use crate::rule::Verdict;
use dovetail_api::conditions::{self, ConditionSet, node_pool as pools};
use dovetail_api::node_pool::{NodePool, NodePoolStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use serde_json::json;

/// The status of a pool as it should be.
#[derive(Debug)]
pub(super) struct PoolDraft<'p> {
    pub(super) status: NodePoolStatus,
    pool: &'p NodePool,
    now: Timestamp,
}

impl<'p> PoolDraft<'p> {
    /// The pool as it is, but that every condition is there that should be.
    pub(super) fn of(pool: &'p NodePool, now: Timestamp) -> Self {
        let mut draft = Self { status: pool.status.clone().unwrap_or_default(), pool, now };
        draft.conditions();
        draft
    }

    /// The conditions, to be changed.
    pub(super) fn conditions(&mut self) -> ConditionSet<'_> {
        let metadata: &ObjectMeta = &self.pool.metadata;
        ConditionSet::new(pools::TYPES, metadata, &mut self.status.conditions, self.now)
    }

    /// A condition as it stands.
    pub(super) fn condition(&self, type_: &str) -> Option<&Condition> {
        conditions::find(&self.status.conditions, type_)
    }

    /// Writes what is different. The counts, which another loop keeps, are left out.
    pub(super) fn write(self, about: &Subject) -> Verdict {
        if self.pool.status.as_ref() == Some(&self.status) {
            return Verdict::nothing();
        }
        let mut body = json!({"conditions": self.status.conditions});
        if let Some(generation) = self.status.node_class_observed_generation {
            body["nodeClassObservedGeneration"] = json!(generation);
        }
        // Lists are written as a whole, and others write conditions too: only onto what was read.
        let patch = Patch::of_status(&self.pool.metadata, body).unless_changed(&self.pool.metadata);
        Verdict::nothing().act(about.clone(), Effect::Patch(patch))
    }
}
