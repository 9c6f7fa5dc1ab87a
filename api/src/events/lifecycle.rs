//! Events of nodes as they come and go: launch, registration, consistency, reboot, drain, termination.

use super::EventKind;
use super::Severity::{Normal, Warning};

/// A launch failed for want of capacity.
pub const INSUFFICIENT_CAPACITY: EventKind =
    EventKind::new("InsufficientCapacityError", Warning, &["NodeClaim"], "NodeClaim {nodeclaim} event: {error}");

/// The same, told to the pods that were to run there.
pub const INSUFFICIENT_CAPACITY_OF_POD: EventKind = EventKind::new(
    "InsufficientCapacityError",
    Warning,
    &["Pod"],
    "NodeClaim {nodeclaim} nominated for this pod failed to launch: {error}",
)
.limit(5, 10);

/// A launch was refused since the node class is not ready. Declared upstream and never published there.
pub const NODE_CLASS_NOT_READY: EventKind =
    EventKind::new("NodeClassNotReady", Warning, &["NodeClaim"], "NodeClaim {nodeclaim} event: {error}");

/// A node joined without the taint that keeps pods away until it is registered.
pub const UNREGISTERED_TAINT_MISSING: EventKind = EventKind::new(
    "UnregisteredTaintMissing",
    Warning,
    &["NodeClaim"],
    "Missing karpenter.sh/unregistered taint which prevents registration related race conditions on Karpenter-managed nodes",
);

/// A node has less of a resource than its instance type promised.
pub const FAILED_CONSISTENCY_CHECK: EventKind = EventKind::new(
    "FailedConsistencyCheck",
    Warning,
    &["NodeClaim"],
    "expected {expected} of resource {resource}, but found {found} ({percent}% of expected)",
)
.same_by(&["uid", "expected", "resource", "found", "percent"]);

/// A node that was told to reboot has started again. `requested` is the time at which the reboot was requested: it tells
/// one reboot from the next, and does not show in the message.
pub const REBOOT_OBSERVED: EventKind = EventKind::new(
    "RebootObserved",
    Normal,
    &["NodeClaim"],
    "New boot observed (bootID changed); awaiting node readiness",
)
.same_by(&["uid", REQUESTED])
.window_seconds(1800);

/// A reboot failed. `requested` is as for [`REBOOT_OBSERVED`].
pub const REBOOT_FAILED: EventKind = EventKind::new("RebootFailed", Warning, &["NodeClaim"], "{message}")
    .same_by(&["uid", REQUESTED])
    .window_seconds(1800);

/// A value that tells events apart without showing in their message.
pub(super) const REQUESTED: &str = "requested";

/// A pod was evicted. `reason` is why its node is disrupted. Told apart by UID: upstream takes pods of one name for one.
pub const EVICTED: EventKind = EventKind::new("Evicted", Normal, &["Pod"], "Evicted pod: {reason}");

/// A pod was deleted since its node's time is up.
pub const DISRUPTED: EventKind = EventKind::new(
    "Disrupted",
    Normal,
    &["Pod"],
    "Deleting the pod to accommodate the terminationTime {time} of the node. The pod was granted {granted} seconds of \
     grace-period of its {own} terminationGracePeriodSeconds. This bypasses the PDB of the pod and the do-not-disrupt annotation.",
);

/// A node cannot be drained yet.
pub const FAILED_DRAINING: EventKind =
    EventKind::new("FailedDraining", Warning, &["Node"], "Failed to drain node, {error}").same_by(&["name"]);

/// The time is set at which all pods of a node go.
pub const TERMINATION_GRACE_PERIOD_EXPIRING: EventKind = EventKind::new(
    "TerminationGracePeriodExpiring",
    Warning,
    &["Node", "NodeClaim"],
    "All pods will be deleted by {time}",
)
.same_by(&["name"]);

/// A node waits until volumes are detached. `names` are the first five, separated by commas.
pub const AWAITING_VOLUME_DETACHMENT: EventKind = EventKind::new(
    "AwaitingVolumeDetachment",
    Normal,
    &["Node"],
    "Awaiting deletion of bound volumeattachments ({names})",
)
.same_by(&["name"]);

/// Declared upstream and never published there.
pub const FAILED_TERMINATION: EventKind =
    EventKind::new("FailedTermination", Warning, &["Node"], "Failed to terminate node, {error}");

pub(super) const ALL: &[&EventKind] = &[
    &INSUFFICIENT_CAPACITY,
    &INSUFFICIENT_CAPACITY_OF_POD,
    &NODE_CLASS_NOT_READY,
    &UNREGISTERED_TAINT_MISSING,
    &FAILED_CONSISTENCY_CHECK,
    &REBOOT_OBSERVED,
    &REBOOT_FAILED,
    &EVICTED,
    &DISRUPTED,
    &FAILED_DRAINING,
    &TERMINATION_GRACE_PERIOD_EXPIRING,
    &AWAITING_VOLUME_DETACHMENT,
    &FAILED_TERMINATION,
];
