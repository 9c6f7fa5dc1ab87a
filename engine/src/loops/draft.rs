//! A claim as the steps of its life would have it, and the writes that make it so: metadata first, then status. It decides
//! nothing; a claim that is as it should be is not written.

use crate::action::{Effect, Patch};
use crate::cluster::{ClaimRecord, Remember, Subject};
use crate::fact::Fact;
use crate::rule::Verdict;
use dovetail_api::conditions::{self, ConditionSet, node_claim as claims};
use dovetail_api::node_claim::NodeClaimStatus;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A claim as it should be.
#[derive(Debug)]
pub(in crate::loops) struct Draft {
    pub(in crate::loops) status: NodeClaimStatus,
    pub(in crate::loops) labels: BTreeMap<String, String>,
    pub(in crate::loops) annotations: BTreeMap<String, String>,
    metadata: ObjectMeta,
    now: Timestamp,
    then: Vec<Fact>,
    then_remember: Vec<Remember>,
}

impl Draft {
    /// The claim as it is, but that every condition is there that should be.
    pub(in crate::loops) fn of(claim: &ClaimRecord, now: Timestamp) -> Self {
        let metadata = claim.object.metadata.clone();
        let mut draft = Self {
            status: claim.object.status.clone().unwrap_or_default(),
            labels: metadata.labels.clone().unwrap_or_default(),
            annotations: metadata.annotations.clone().unwrap_or_default(),
            metadata,
            now,
            then: vec![],
            then_remember: vec![],
        };
        draft.conditions();
        draft
    }

    /// The conditions, to be changed.
    pub(in crate::loops) fn conditions(&mut self) -> ConditionSet<'_> {
        ConditionSet::new(claims::TYPES, &self.metadata, &mut self.status.conditions, self.now)
    }

    /// A condition as it stands.
    pub(in crate::loops) fn condition(&self, type_: &str) -> Option<&Condition> {
        conditions::find(&self.status.conditions, type_)
    }

    /// Whether a condition holds.
    pub(in crate::loops) fn is_true(&self, type_: &str) -> bool {
        conditions::is_true(&self.status.conditions, type_)
    }

    /// Whether nobody knows yet about a condition.
    pub(in crate::loops) fn is_unknown(&self, type_: &str) -> bool {
        self.condition(type_).is_none_or(|c| c.status == conditions::UNKNOWN)
    }

    /// Says of a condition that is decided that it still is so at this generation of the claim.
    pub(in crate::loops) fn refresh(&mut self, type_: &str) {
        let Some(Condition { status, reason, message, .. }) = self.condition(type_).cloned() else { return };
        let mut conditions = self.conditions();
        match status.as_str() {
            conditions::TRUE => conditions.set_true_because(type_, &reason, &message),
            conditions::FALSE => conditions.set_false(type_, &reason, &message),
            _ => conditions.set_unknown_because(type_, &reason, &message),
        };
    }

    /// This is worth knowing once the status has been written.
    pub(in crate::loops) fn then(&mut self, fact: Fact) {
        self.then.push(fact);
    }

    /// This should be remembered once the status has been written.
    pub(in crate::loops) fn then_remember(&mut self, what: Remember) {
        self.then_remember.push(what);
    }

    /// Writes what is different.
    pub(in crate::loops) fn write(self, about: &Subject, claim: &ClaimRecord) -> Verdict {
        let metadata = &claim.object.metadata;
        let labels = changes(metadata.labels.as_ref(), &self.labels);
        let annotations = changes(metadata.annotations.as_ref(), &self.annotations);
        if !labels.is_empty() || !annotations.is_empty() {
            // The claim changes by that, and this is asked again for the status.
            let body = json!({"metadata": {"labels": labels, "annotations": annotations}});
            return Verdict::nothing().act(about.clone(), Effect::Patch(Patch::of(metadata, body)));
        }
        if claim.object.status.as_ref() == Some(&self.status) {
            return Verdict::nothing();
        }
        // Lists are written as a whole, and others write conditions too: only onto what was read.
        let patch = Patch::of_status(metadata, json!(self.status)).unless_changed(metadata);
        let verdict = Verdict::nothing().act(about.clone(), Effect::Patch(patch));
        let verdict = self.then.into_iter().fold(verdict, Verdict::then);
        self.then_remember.into_iter().fold(verdict, Verdict::then_remember)
    }
}

/// What of the wanted entries is missing or different.
fn changes(has: Option<&BTreeMap<String, String>>, wanted: &BTreeMap<String, String>) -> Map<String, Value> {
    let differs = |(key, value): &(&String, &String)| has.and_then(|has| has.get(*key)) != Some(*value);
    wanted.iter().filter(differs).map(|(key, value)| (key.clone(), json!(value))).collect()
}
