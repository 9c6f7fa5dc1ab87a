//! Events of disruption: what is to go, what may not, and why.

use super::EventKind;
use super::Severity::{Normal, Warning};

/// A node may not be disrupted. `reason` is a sentence; a changed one goes unnoticed within the window, as upstream.
pub const BLOCKED: EventKind = EventKind::new("DisruptionBlocked", Normal, &["Node", "NodeClaim"], "{reason}");

/// A pool's budgets allow no disruption for a reason.
pub const BLOCKED_BY_BUDGET: EventKind = EventKind::new(
    "DisruptionBlocked",
    Normal,
    &["NodePool"],
    "No allowed disruptions for disruption reason {reason} due to blocking budget",
)
.same_by(&["uid", "reason"])
.window_seconds(60);

/// A node cannot be consolidated. `reason` is a sentence.
pub const UNCONSOLIDATABLE: EventKind =
    EventKind::new("Unconsolidatable", Normal, &["Node", "NodeClaim"], "{reason}").window_seconds(900);

/// A node is part of a consolidation that is being considered. `savings` is in $/h with two decimals.
pub const CONSOLIDATION_CANDIDATE: EventKind = EventKind::new(
    "ConsolidationCandidate",
    Normal,
    &["Node", "NodeClaim"],
    "Consolidation candidate: {command} (savings: ${savings})",
)
.same_by(&["uid", "command"]);

/// A consolidation that was considered did not hold. `savings` is in $/h with two decimals.
pub const CONSOLIDATION_REJECTED: EventKind = EventKind::new(
    "ConsolidationRejected",
    Normal,
    &["Node", "NodeClaim"],
    "Consolidation rejected: {command}, reason: {reason} (savings: ${savings})",
)
.same_by(&["uid", "command", "reason"]);

/// A consolidation is worth its disruption (policy Balanced).
pub const CONSOLIDATION_APPROVED: EventKind = EventKind::new(
    "ConsolidationApproved",
    Normal,
    &["Node", "NodeClaim", "NodePool"],
    "score {score} >= threshold {threshold} (k: {k}, savings {savings}%, disruption {disruption}%)",
);

/// A replacement is being launched.
pub const LAUNCHING: EventKind =
    EventKind::new("DisruptionLaunching", Normal, &["NodeClaim"], "Launching NodeClaim: {reason}")
        .same_by(&["uid", "reason"]);

/// A replacement is not ready yet.
pub const WAITING_READINESS: EventKind =
    EventKind::new("DisruptionWaitingReadiness", Normal, &["NodeClaim"], "Waiting on readiness to continue disruption");

/// A node is being taken away. `kind` is that of the object, `Node` or `NodeClaim`.
pub const TERMINATING: EventKind =
    EventKind::new("DisruptionTerminating", Normal, &["Node", "NodeClaim"], "Disrupting {kind}: {reason}")
        .same_by(&["uid", "reason"]);

/// So many nodes of a pool are unhealthy that none is repaired.
pub const NODE_REPAIR_BLOCKED: EventKind = EventKind::new(
    "NodeRepairBlocked",
    Warning,
    &["Node", "NodeClaim", "NodePool"],
    "more than 20% of nodes in nodepool \"{nodepool}\" are unhealthy",
)
.window_seconds(900);

/// A pod's `karpenter.sh/do-not-disrupt` says nothing that can be understood.
pub const INVALID_DO_NOT_DISRUPT: EventKind = EventKind::new(
    "InvalidDoNotDisruptAnnotation",
    Warning,
    &["Pod"],
    "Invalid karpenter.sh/do-not-disrupt annotation: {error}, ignoring annotation",
)
.same_by(&["uid", "error"]);

/// A pod may not be disrupted until a time, in RFC 3339.
pub const DO_NOT_DISRUPT_UNTIL: EventKind = EventKind::new(
    "DoNotDisruptUntil",
    Normal,
    &["Pod"],
    "The karpenter.sh/do-not-disrupt grace period will elapse at {time}",
)
.same_by(&["uid", "time"]);

/// A pod may be disrupted from now on.
pub const DO_NOT_DISRUPT_ELAPSED: EventKind = EventKind::new(
    "DoNotDisruptGracePeriodElapsed",
    Normal,
    &["Pod"],
    "The karpenter.sh/do-not-disrupt grace period has elapsed, pod is now disruptable",
);

pub(super) const ALL: &[&EventKind] = &[
    &BLOCKED,
    &BLOCKED_BY_BUDGET,
    &UNCONSOLIDATABLE,
    &CONSOLIDATION_CANDIDATE,
    &CONSOLIDATION_REJECTED,
    &CONSOLIDATION_APPROVED,
    &LAUNCHING,
    &WAITING_READINESS,
    &TERMINATING,
    &NODE_REPAIR_BLOCKED,
    &INVALID_DO_NOT_DISRUPT,
    &DO_NOT_DISRUPT_UNTIL,
    &DO_NOT_DISRUPT_ELAPSED,
];

/// Sentences of [`BLOCKED`], before the first letter is made a capital (spec disruption 2.1, v1.15 changes 3.4, 3.5, 5.3).
pub mod blocked {
    /// The NodeClaim has no node yet.
    pub const NO_NODE: &str = "nodeclaim does not have an associated node";
    /// The node has joined but is not ready for pods yet.
    pub const NOT_INITIALIZED: &str = "node isn't initialized";
    /// The node has not even joined.
    pub const NOT_REGISTERED: &str = "node isn't initialized nor registered";
    /// The node is being rebooted.
    pub const REBOOTING: &str = "node is rebooting";
    /// The node is going already.
    pub const DELETING: &str = "node is deleting or marked for deletion";
    /// The node is about to get pods.
    pub const NOMINATED: &str = "node is nominated for a pending pod";
    /// The node's annotation forbids it.
    pub const DO_NOT_DISRUPT: &str = "disruption is blocked through the \"karpenter.sh/do-not-disrupt\" annotation";
    /// The node belongs to no pool.
    pub const NO_NODE_POOL: &str = "node doesn't have required label (label=karpenter.sh/nodepool)";
    /// Repair: the node belongs to no pool.
    pub const REPAIR_NEEDS_NODE_POOL: &str = "repair requires a NodePool to construct and budget a safe replacement";
    /// Repair: the node's annotation forbids it.
    pub const DO_NOT_REPAIR: &str = "repair is blocked through the \"karpenter.sh/do-not-repair\" annotation";
    /// Repair: pods block it, and nothing says for how long they may.
    pub const REPAIR_NEEDS_GRACE_PERIOD: &str = "repair requires a termination grace period to bypass blocking pods";
    /// A static pool has all the nodes that it may have.
    pub const STATIC_LIMIT: &str = "static NodePool is at its node limit and cannot stage a replacement";
    /// A static pool buys reserved capacity only, and that is used up.
    pub const STATIC_RESERVATIONS_FULL: &str =
        "static NodePool's capacity reservations are full and cannot stage a replacement";
}

/// A sentence that begins with a capital.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
