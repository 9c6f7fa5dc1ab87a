//! When a node counts as broken, and what a provider wants done about it: repair policies and whether a set of them makes
//! sense.
//!
//! Matching conditions of nodes against policies over time is the engine's business; this module only says what a policy
//! is and which sets of policies are sound (the Karpenter specification, v1.15 changes 3.2).

use regex::Regex;
use std::time::Duration;

/// The status of a node condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // named as Kubernetes writes them
pub enum ConditionStatus {
    True,
    False,
    Unknown,
}

impl ConditionStatus {
    /// The status as it is written in a condition.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// How a broken node is put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RepairAction {
    /// Another node takes its place.
    ReplaceNode,
    /// The machine is restarted.
    RebootNode,
}

/// One rule: a node condition that, standing for so long, means that the node is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairPolicy {
    /// The type of the node condition, such as `Ready`.
    pub condition_type: String,
    /// The status that means trouble.
    pub condition_status: ConditionStatus,
    /// A regular expression (RE2, unanchored) that the condition's reason must match. Empty: this policy is the fallback for
    /// every condition that some policy names and no policy's expression matches.
    pub reason_regex: String,
    /// How long the condition may stand before the node is broken.
    pub toleration: Duration,
    /// How long the drain may take: `None` as the claim says, zero not at all.
    pub termination_grace_period: Option<Duration>,
    /// 0 to 100; what is higher goes first.
    pub priority: u8,
    /// What is done.
    pub action: RepairAction,
}

/// The highest priority a policy may have.
pub const MAX_PRIORITY: u8 = 100;

/// Why a set of repair policies cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepairPolicyError {
    /// Repair is wanted of a provider that has no policies.
    #[error("node repair requires the cloud provider to define RepairPolicies, but it defines none")]
    None,
    /// Some policies make no sense; all faults of the set together.
    #[error("node repair requires valid RepairPolicies, {}", .0.join("; "))]
    Invalid(Vec<String>),
}

/// Checks a whole set of policies at once, so that every fault is told in one message.
///
/// # Errors
/// When there is none at all; or with every fault found: an empty condition type, a priority beyond 100, an expression
/// that does not compile, not exactly one fallback, or a fallback that does anything but replace the node.
pub fn validate(policies: &[RepairPolicy]) -> Result<(), RepairPolicyError> {
    if policies.is_empty() {
        return Err(RepairPolicyError::None);
    }
    let mut faults: Vec<String> = policies.iter().enumerate().flat_map(|(i, policy)| faults_of(i, policy)).collect();
    let fallbacks: Vec<String> = policies.iter().filter(|p| p.is_fallback()).map(RepairPolicy::title).collect();
    match fallbacks.as_slice() {
        [] => faults.push("repair policy set must define one default fallback".to_owned()),
        [_] => {}
        several => faults.push(format!("repair policy set has multiple default fallbacks: {}", several.join(", "))),
    }
    if faults.is_empty() { Ok(()) } else { Err(RepairPolicyError::Invalid(faults)) }
}

fn faults_of(index: usize, policy: &RepairPolicy) -> Vec<String> {
    let at = format!("repair policy {index} ({})", policy.title());
    let mut faults = vec![];
    if policy.condition_type.is_empty() {
        faults.push(format!("{at}: the condition type may not be empty"));
    }
    if policy.priority > MAX_PRIORITY {
        faults.push(format!("{at}: priority {} is not within 0 and {MAX_PRIORITY}", policy.priority));
    }
    if let Err(error) = Regex::new(&policy.reason_regex) {
        faults.push(format!("{at}: the reason expression {:?} does not compile: {error}", policy.reason_regex));
    }
    if policy.is_fallback() && policy.action != RepairAction::ReplaceNode {
        faults.push(format!("{at}: the default fallback must use the action ReplaceNode"));
    }
    faults
}

impl RepairPolicy {
    /// Whether this policy stands in where no expression matches.
    pub fn is_fallback(&self) -> bool {
        self.reason_regex.is_empty()
    }

    /// `Ready=False`.
    fn title(&self) -> String {
        format!("{}={}", self.condition_type, self.condition_status.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(condition: &str, reason: &str) -> RepairPolicy {
        RepairPolicy {
            condition_type: condition.into(),
            condition_status: ConditionStatus::False,
            reason_regex: reason.into(),
            toleration: Duration::from_secs(1800),
            termination_grace_period: None,
            priority: 0,
            action: RepairAction::ReplaceNode,
        }
    }

    fn faults(policies: &[RepairPolicy]) -> Vec<String> {
        match validate(policies) {
            Err(RepairPolicyError::Invalid(faults)) => faults,
            other => panic!("expected faults, got {other:?}"),
        }
    }

    #[test]
    fn a_sound_set_has_exactly_one_fallback() {
        assert_eq!(validate(&[replace("Ready", ".*"), replace("AcceleratedHardwareReady", "")]), Ok(()));
        assert_eq!(
            faults(&[replace("Ready", ".*")]),
            ["repair policy set must define one default fallback"],
            "an expression that matches everything is not the fallback"
        );
        assert_eq!(
            faults(&[replace("Ready", ""), replace("DiskReady", "")]),
            ["repair policy set has multiple default fallbacks: Ready=False, DiskReady=False"]
        );
    }

    #[test]
    fn the_fallback_must_replace() {
        let rebooting = RepairPolicy { action: RepairAction::RebootNode, ..replace("Ready", "") };
        assert!(faults(&[rebooting])[0].contains("must use the action ReplaceNode"));
    }

    #[test]
    fn all_faults_are_told_together() {
        let broken = RepairPolicy { priority: 101, ..replace("", "XID(") };
        let faults = faults(&[broken]);
        assert_eq!(faults.len(), 4, "type, priority, expression and fallback: {faults:?}");
        let text = RepairPolicyError::Invalid(faults).to_string();
        assert!(text.starts_with("node repair requires valid RepairPolicies, "), "{text}");
    }

    #[test]
    fn no_policies_at_all_is_told_apart() {
        let text = validate(&[]).expect_err("nothing to repair by").to_string();
        assert_eq!(text, "node repair requires the cloud provider to define RepairPolicies, but it defines none");
    }

    #[test]
    fn the_expressions_of_the_aws_provider_compile() {
        let xid = replace("AcceleratedHardwareReady", ".*XID(64|74|79|119|120).*");
        assert_eq!(validate(&[xid, replace("AcceleratedHardwareReady", "")]), Ok(()));
    }
}
