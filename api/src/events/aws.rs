//! Events of the AWS provider: interruptions, zonal shifts, and node classes that are missing or wait to go.

use super::EventKind;
use super::Severity::{Normal, Warning};

const NODES: &[&str] = &["NodeClaim", "Node"];

/// An EC2NodeClass cannot go before its NodeClaims. `names` are the first five, separated by commas.
pub const WAITING_ON_NODE_CLAIM_TERMINATION: EventKind = EventKind::new(
    "WaitingOnNodeClaimTermination",
    Normal,
    &["EC2NodeClass"],
    "Waiting on NodeClaim termination for {names}",
);

/// The node class is missing or going. Upstream publishes this without a reason; here it has one.
pub const FAILED_RESOLVING_NODE_CLASS: EventKind =
    EventKind::new("FailedResolvingNodeClass", Warning, &["NodePool", "NodeClaim"], "Failed resolving NodeClass");

/// Spot capacity cannot be bought, since the account lacks the service-linked role and it may not be created.
pub const SPOT_SERVICE_LINKED_ROLE_MISSING: EventKind = EventKind::new(
    "SpotServiceLinkedRoleCreationFailed",
    Warning,
    &["NodeClaim"],
    "Attempted to launch a spot instance but failed due to \"AuthFailure.ServiceLinkedRoleCreationNotPermitted\"",
);

/// A spot instance is about to be taken back.
pub const SPOT_INTERRUPTED: EventKind =
    EventKind::new("SpotInterrupted", Warning, NODES, "Spot interruption warning was triggered");

/// A spot instance runs a higher risk of being taken back.
pub const SPOT_REBALANCE_RECOMMENDATION: EventKind =
    EventKind::new("SpotRebalanceRecommendation", Normal, NODES, "Spot rebalance recommendation was triggered");

/// An instance is being stopped by someone else.
pub const INSTANCE_STOPPING: EventKind = EventKind::new("InstanceStopping", Warning, NODES, "Instance is stopping");

/// An instance is being terminated by someone else.
pub const INSTANCE_TERMINATING: EventKind =
    EventKind::new("InstanceTerminating", Warning, NODES, "Instance is terminating");

/// EC2 finds fault with an instance, or has planned to.
pub const INSTANCE_UNHEALTHY: EventKind =
    EventKind::new("InstanceUnhealthy", Warning, NODES, "An unhealthy warning was triggered for the instance");

/// Reserved capacity is about to be taken back by its owner.
pub const CAPACITY_RESERVATION_INSTANCE_INTERRUPTED: EventKind = EventKind::new(
    "CapacityReservationInstanceInterrupted",
    Warning,
    NODES,
    "Capacity reservation instance interruption warning was triggered",
);

/// A node goes because its instance does. `kind` is that of the object, `Node` or `NodeClaim`.
pub const TERMINATING_ON_INTERRUPTION: EventKind =
    EventKind::new("TerminatingOnInterruption", Warning, NODES, "Interruption triggered termination for the {kind}");

/// A zone is shifted away from.
pub const ZONAL_SHIFT_ACTIVE: EventKind = EventKind::new(
    "ZonalShiftActive",
    Warning,
    &["NodePool"],
    "Zonal shift detected: offerings in zone {zone} ({zone_id}) are unavailable for this NodePool",
)
.same_by(&["uid", "zone_id"]);

/// A zone can be used again.
pub const ZONAL_SHIFT_CLEARED: EventKind = EventKind::new(
    "ZonalShiftCleared",
    Normal,
    &["NodePool"],
    "Zonal shift cleared: offerings in zone {zone} ({zone_id}) are restored for this NodePool",
)
.same_by(&["uid", "zone_id"]);

pub(super) const ALL: &[&EventKind] = &[
    &WAITING_ON_NODE_CLAIM_TERMINATION,
    &FAILED_RESOLVING_NODE_CLASS,
    &SPOT_SERVICE_LINKED_ROLE_MISSING,
    &SPOT_INTERRUPTED,
    &SPOT_REBALANCE_RECOMMENDATION,
    &INSTANCE_STOPPING,
    &INSTANCE_TERMINATING,
    &INSTANCE_UNHEALTHY,
    &CAPACITY_RESERVATION_INSTANCE_INTERRUPTED,
    &TERMINATING_ON_INTERRUPTION,
    &ZONAL_SHIFT_ACTIVE,
    &ZONAL_SHIFT_CLEARED,
];
