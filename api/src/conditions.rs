//! Status conditions: how a set of them behaves, and, kind by kind, which there are, with the reasons and messages that
//! programs and people look for (spec scheduling 1.8, disruption 0.3).
//!
//! A kind has a root condition, `Ready`, which is computed from the conditions it depends on; all others stand for
//! themselves. This module decides what setting one condition does to the list. It does not know why one is set.

pub mod capacity_buffer;
pub mod ec2_node_class;
pub mod launch_failure;
pub mod node;
pub mod node_claim;
pub mod node_overlay;
pub mod node_pool;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use jiff::{Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta, Time};

/// The root condition of every kind that has one.
pub const READY: &str = "Ready";

/// Status of a condition that holds.
pub const TRUE: &str = "True";
/// Status of a condition that does not hold.
pub const FALSE: &str = "False";
/// Status of a condition of which it is not known whether it holds.
pub const UNKNOWN: &str = "Unknown";

/// Reason of a condition that nobody has looked at yet.
pub const AWAITING_RECONCILIATION: &str = "AwaitingReconciliation";
/// Message of a condition that nobody has looked at yet.
pub const AWAITING_RECONCILIATION_MESSAGE: &str = "object is awaiting reconciliation";
/// Reason of a root condition that is False.
pub const UNHEALTHY_DEPENDENTS: &str = "UnhealthyDependents";
/// Reason of a root condition that is Unknown.
pub const RECONCILING_DEPENDENTS: &str = "ReconcilingDependents";

/// The conditions that make up the readiness of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConditionTypes {
    /// The condition that sums up the others.
    pub root: &'static str,
    /// The conditions that it sums up. They are always there and cannot be cleared.
    pub dependents: &'static [&'static str],
}

impl ConditionTypes {
    /// A kind whose condition `Ready` sums up `dependents`.
    #[must_use]
    pub const fn ready(dependents: &'static [&'static str]) -> Self {
        Self { root: READY, dependents }
    }

    fn is_vital(&self, type_: &str) -> bool {
        type_ == self.root || self.dependents.contains(&type_)
    }
}

/// Conditions of KWOKNodeClasses: nothing but the root.
pub const KWOK_NODE_CLASS: ConditionTypes = ConditionTypes::ready(&[]);

/// A condition that may not be cleared, since the root condition depends on it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("condition {0} cannot be cleared: {READY} depends on it; set it to Unknown instead")]
pub struct CannotClear(pub String);

/// The conditions of one object, to be read and changed.
#[derive(Debug)]
pub struct ConditionSet<'a> {
    types: ConditionTypes,
    conditions: &'a mut Vec<Condition>,
    generation: i64,
    created: Time,
    deleting: bool,
    now: Time,
}

impl<'a> ConditionSet<'a> {
    /// The conditions of an object with this metadata, as of `now`.
    ///
    /// A root or dependent condition that is missing is added as Unknown, its last transition being the object's creation,
    /// so that timeouts run from there.
    pub fn new(types: ConditionTypes, meta: &ObjectMeta, conditions: &'a mut Vec<Condition>, now: Timestamp) -> Self {
        // Kubernetes stores whole seconds; anything finer would differ from what is read back.
        let now = Time(
            now.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor)).unwrap_or(now),
        );
        let mut set = Self {
            types,
            conditions,
            generation: meta.generation.unwrap_or_default(),
            created: meta.creation_timestamp.clone().unwrap_or_else(|| now.clone()),
            deleting: meta.deletion_timestamp.is_some(),
            now,
        };
        for type_ in std::iter::once(&types.root).chain(types.dependents) {
            if set.get(type_).is_none() {
                set.set_unknown(type_);
            }
        }
        set
    }

    /// The condition, if there is one of this type.
    #[must_use]
    pub fn get(&self, type_: &str) -> Option<&Condition> {
        find(self.conditions, type_)
    }

    /// The root condition.
    #[must_use]
    pub fn root(&self) -> Option<&Condition> {
        self.get(self.types.root)
    }

    /// Whether every one of the conditions is there and True.
    #[must_use]
    pub fn is_true(&self, types: &[&str]) -> bool {
        types.iter().all(|type_| is_true(self.conditions, type_))
    }

    /// Sets a condition to True, with its type for a reason and no message. Returns whether anything changed, as all
    /// setters do.
    pub fn set_true(&mut self, type_: &str) -> bool {
        self.set_true_because(type_, type_, "")
    }

    /// Sets a condition to True.
    pub fn set_true_because(&mut self, type_: &str, reason: &str, message: &str) -> bool {
        self.set(type_, TRUE, reason, message)
    }

    /// Sets a condition to False.
    pub fn set_false(&mut self, type_: &str, reason: &str, message: &str) -> bool {
        self.set(type_, FALSE, reason, message)
    }

    /// Sets a condition to Unknown, since nobody has looked at it yet.
    pub fn set_unknown(&mut self, type_: &str) -> bool {
        self.set_unknown_because(type_, AWAITING_RECONCILIATION, AWAITING_RECONCILIATION_MESSAGE)
    }

    /// Sets a condition to Unknown.
    pub fn set_unknown_because(&mut self, type_: &str, reason: &str, message: &str) -> bool {
        self.set(type_, UNKNOWN, reason, message)
    }

    /// Takes a condition away. Returns whether there was one.
    ///
    /// # Errors
    /// Where the condition is the root or one that the root depends on.
    pub fn clear(&mut self, type_: &str) -> Result<bool, CannotClear> {
        if self.types.is_vital(type_) {
            return Err(CannotClear(type_.to_owned()));
        }
        let before = self.conditions.len();
        self.conditions.retain(|condition| condition.type_ != type_);
        Ok(self.conditions.len() != before)
    }

    fn set(&mut self, type_: &str, status: &str, reason: &str, message: &str) -> bool {
        let existing = self.get(type_);
        let last_transition_time = match existing {
            Some(existing) if existing.status == status => existing.last_transition_time.clone(),
            Some(_) => self.now.clone(),
            // A vital condition is missing only on an object that is new to us.
            None if self.types.is_vital(type_) => self.created.clone(),
            None => self.now.clone(),
        };
        let condition = Condition {
            last_transition_time,
            message: message.to_owned(),
            observed_generation: Some(self.generation),
            reason: reason.to_owned(),
            status: status.to_owned(),
            type_: type_.to_owned(),
        };
        if existing == Some(&condition) {
            return false;
        }
        self.conditions.retain(|existing| existing.type_ != type_);
        if self.deleting {
            // Nothing else looks at the conditions of an object that is going.
            for other in self.conditions.iter_mut() {
                other.observed_generation = Some(self.generation);
            }
        }
        self.conditions.push(condition);
        let root = self.types.root;
        self.conditions.sort_by(|a, b| {
            let by_time = || a.last_transition_time.0.cmp(&b.last_transition_time.0);
            (a.type_ == root).cmp(&(b.type_ == root)).then_with(by_time)
        });
        if type_ != root {
            self.recompute_root();
        }
        true
    }

    fn recompute_root(&mut self) {
        let mut unhealthy: Vec<&Condition> = self
            .conditions
            .iter()
            .filter(|condition| self.types.dependents.contains(&condition.type_.as_str()))
            .filter(|condition| condition.status != TRUE || !self.is_current(condition))
            .collect();
        if unhealthy.is_empty() {
            self.set_true(self.types.root);
            return;
        }
        unhealthy.sort_by_key(|condition| Reverse(condition.last_transition_time.0));
        let message: Vec<_> = unhealthy.iter().map(|c| format!("{}={}", c.type_, c.status)).collect();
        let message = message.join(", ");
        if unhealthy.iter().any(|condition| condition.status == FALSE && self.is_current(condition)) {
            self.set_false(self.types.root, UNHEALTHY_DEPENDENTS, &message);
        } else {
            self.set_unknown_because(self.types.root, RECONCILING_DEPENDENTS, &message);
        }
    }

    fn is_current(&self, condition: &Condition) -> bool {
        condition.observed_generation.unwrap_or_default() == self.generation
    }
}

/// The condition of this type in a list.
#[must_use]
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Whether a list has a condition of this type that is True.
#[must_use]
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    find(conditions, type_).is_some_and(|condition| condition.status == TRUE)
}
