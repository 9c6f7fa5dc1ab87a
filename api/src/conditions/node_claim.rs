//! The conditions of NodeClaims (spec scheduling 1.3, disruption 1.9, v1.15 changes 4).

use super::ConditionTypes;

/// `Ready` rests on these.
pub const TYPES: ConditionTypes = ConditionTypes::ready(&[LAUNCHED, REGISTERED, INITIALIZED]);

/// The instance has been launched.
pub const LAUNCHED: &str = "Launched";
/// The node has joined the cluster.
pub const REGISTERED: &str = "Registered";
/// The node is ready for pods.
pub const INITIALIZED: &str = "Initialized";
/// The node may be considered for consolidation.
pub const CONSOLIDATABLE: &str = "Consolidatable";
/// The node is no longer what its pool or node class asks for; reason and message say in which respect.
pub const DRIFTED: &str = "Drifted";
/// The node has no pods left that must move.
pub const DRAINED: &str = "Drained";
/// No volumes are attached to the node that must be detached.
pub const VOLUMES_DETACHED: &str = "VolumesDetached";
/// The instance has been told to terminate.
pub const INSTANCE_TERMINATING: &str = "InstanceTerminating";
/// The node is of the shape that was asked for.
pub const CONSISTENT_STATE_FOUND: &str = "ConsistentStateFound";
/// The node is being disrupted; reason and message say why.
pub const DISRUPTION_REASON: &str = "DisruptionReason";
/// The node is being rebooted.
pub const REBOOTING: &str = "Rebooting";

/// Reason of [`LAUNCHED`] Unknown: the provider failed, and gave no reason of its own.
pub const LAUNCH_FAILED: &str = "LaunchFailed";

/// Reason of [`REGISTERED`] and [`INITIALIZED`] Unknown: there is no node yet.
pub const NODE_NOT_FOUND: &str = "NodeNotFound";
/// Message to [`NODE_NOT_FOUND`].
pub const NODE_NOT_FOUND_MESSAGE: &str = "Node not registered with cluster";
/// Reason of [`REGISTERED`] Unknown: hooks of the provider hold it back; the message lists them, separated by commas.
pub const REGISTRATION_HOOK_PENDING: &str = "RegistrationHookPending";
/// Reason of [`REGISTERED`] False: several nodes claim the instance.
pub const MULTIPLE_NODES_FOUND: &str = "MultipleNodesFound";
/// Message to [`MULTIPLE_NODES_FOUND`].
pub const MULTIPLE_NODES_FOUND_MESSAGE: &str = "Invariant violated, matched multiple nodes";

/// Reason of [`INITIALIZED`] Unknown: the node is not ready.
pub const NODE_NOT_READY: &str = "NodeNotReady";
/// Message to [`NODE_NOT_READY`].
pub const NODE_NOT_READY_MESSAGE: &str = "Node status is NotReady";
/// Reason of [`INITIALIZED`] Unknown: the node still has a startup taint.
pub const STARTUP_TAINTS_EXIST: &str = "StartupTaintsExist";
/// Reason of [`INITIALIZED`] Unknown: the node still has a taint that goes away by itself.
pub const KNOWN_EPHEMERAL_TAINTS_EXIST: &str = "KnownEphemeralTaintsExist";
/// Reason of [`INITIALIZED`] Unknown: the node does not offer a resource that was asked for.
pub const RESOURCE_NOT_REGISTERED: &str = "ResourceNotRegistered";
/// Reason of [`INITIALIZED`] Unknown: a DRA driver has not published its devices.
pub const DRA_DRIVER_POOLS_NOT_PUBLISHED: &str = "DRADriverPoolsNotPublished";
/// Reason of [`INITIALIZED`] Unknown: the node is being rebooted.
pub const NODE_REBOOTING: &str = "Rebooting";
/// Message to [`NODE_REBOOTING`].
pub const NODE_REBOOTING_MESSAGE: &str = "node is rebooting";

/// Reason of [`DRAINED`] Unknown.
pub const DRAINING: &str = "Draining";
/// Reason of [`VOLUMES_DETACHED`] Unknown.
pub const AWAITING_VOLUME_DETACHMENT: &str = "AwaitingVolumeDetachment";
/// Reason of [`VOLUMES_DETACHED`] False: there was no more time.
pub const TERMINATION_GRACE_PERIOD_ELAPSED: &str = "TerminationGracePeriodElapsed";
/// Reason of [`CONSISTENT_STATE_FOUND`] False.
pub const CONSISTENCY_CHECK_FAILED: &str = "ConsistencyCheckFailed";
/// Message to [`CONSISTENCY_CHECK_FAILED`].
pub const CONSISTENCY_CHECK_FAILED_MESSAGE: &str = "Consistency Check Failed";

/// Reason of [`DRIFTED`]: the pool's template has changed.
pub const NODE_POOL_DRIFTED: &str = "NodePoolDrifted";
/// Reason of [`DRIFTED`]: the node's labels no longer meet the pool's requirements.
pub const REQUIREMENTS_DRIFTED: &str = "RequirementsDrifted";
/// Reason of [`DRIFTED`]: the instance type is no longer offered.
pub const INSTANCE_TYPE_NOT_FOUND: &str = "InstanceTypeNotFound";
/// Reason of [`DRIFTED`]: the EC2NodeClass has changed.
pub const NODE_CLASS_DRIFT: &str = "NodeClassDrift";
/// Reason of [`DRIFTED`]: the AMI is no longer one of the EC2NodeClass's.
pub const AMI_DRIFT: &str = "AMIDrift";
/// Reason of [`DRIFTED`]: the security groups are no longer the EC2NodeClass's.
pub const SECURITY_GROUP_DRIFT: &str = "SecurityGroupDrift";
/// Reason of [`DRIFTED`]: the subnet is no longer one of the EC2NodeClass's.
pub const SUBNET_DRIFT: &str = "SubnetDrift";
/// Reason of [`DRIFTED`]: the capacity reservation is no longer one of the EC2NodeClass's.
pub const CAPACITY_RESERVATION_DRIFT: &str = "CapacityReservationDrift";
/// Reason of [`DRIFTED`]: the placement group is no longer the EC2NodeClass's.
pub const PLACEMENT_GROUP_DRIFT: &str = "PlacementGroupDrift";

/// Reason of [`REBOOTING`] True: the node is being drained, the reboot not yet ordered.
pub const REBOOT_REQUESTED: &str = "RebootRequested";
/// Reason of [`REBOOTING`] True: the reboot has been ordered.
pub const REBOOT_ISSUED: &str = "RebootIssued";
/// Reason of [`REBOOTING`] False: the node is back.
pub const REBOOT_SUCCEEDED: &str = "RebootSucceeded";
/// Message to [`REBOOT_SUCCEEDED`].
pub const REBOOT_SUCCEEDED_MESSAGE: &str = "node rebooted and rejoined the cluster";
/// Reason of [`REBOOTING`] False: the request was invalid.
pub const REBOOT_FAILED: &str = "RebootFailed";
/// Message to [`REBOOT_FAILED`]: the provider cannot reboot.
pub const REBOOT_NOT_IMPLEMENTED_MESSAGE: &str = "reboot not implemented by the cloud provider";
/// Message to [`REBOOT_FAILED`]: the reboot could not be ordered in time.
pub const REBOOT_NOT_ISSUED_MESSAGE: &str = "reboot was not issued within the issuance timeout";
/// Message to [`REBOOT_FAILED`]: the node stayed away.
pub const REBOOT_NOT_RECOVERED_MESSAGE: &str = "node did not recover within the observation window";

/// Message to [`STARTUP_TAINTS_EXIST`]; `taint` in the form `key=value:Effect`.
#[must_use]
pub fn startup_taint_exists(taint: &str) -> String {
    format!("StartupTaint \"{taint}\" still exists")
}

/// Message to [`KNOWN_EPHEMERAL_TAINTS_EXIST`]; `taint` in the form `key=value:Effect`.
#[must_use]
pub fn ephemeral_taint_exists(taint: &str) -> String {
    format!("KnownEphemeralTaint \"{taint}\" still exists")
}

/// Message to [`RESOURCE_NOT_REGISTERED`].
#[must_use]
pub fn resource_not_registered(resource: &str) -> String {
    format!("Resource \"{resource}\" was requested but not registered")
}

/// Message to [`DRA_DRIVER_POOLS_NOT_PUBLISHED`].
#[must_use]
pub fn dra_driver_not_published(driver: &str) -> String {
    format!("DRA driver \"{driver}\" has not published a complete resource pool")
}

/// Message to [`REBOOT_REQUESTED`] and [`REBOOT_ISSUED`]: the condition of the node, and its reason, that ask for a reboot.
#[must_use]
pub fn rebooting_for(condition_type: &str, reason: &str) -> String {
    format!("rebooting for {condition_type}/{reason}")
}

/// Message to [`REBOOT_FAILED`]: the provider would not.
#[must_use]
pub fn reboot_rejected(error: &str) -> String {
    format!("reboot rejected by the cloud provider: {error}")
}
