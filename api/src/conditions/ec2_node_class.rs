//! The conditions of EC2NodeClasses (spec aws-provider 1.4, 1.7, 1.11 and Appendix B, v1.15 changes 10.4).

use super::ConditionTypes;

/// `Ready` rests on these while the gate ReservedCapacity is on, which is the default.
pub const TYPES: ConditionTypes = ConditionTypes::ready(&[
    AMIS_READY,
    SUBNETS_READY,
    SECURITY_GROUPS_READY,
    INSTANCE_PROFILE_READY,
    VALIDATION_SUCCEEDED,
    PLACEMENT_GROUP_READY,
    CAPACITY_RESERVATIONS_READY,
]);

/// `Ready` rests on these while the gate ReservedCapacity is off.
pub const TYPES_WITHOUT_RESERVED_CAPACITY: ConditionTypes = ConditionTypes::ready(&[
    AMIS_READY,
    SUBNETS_READY,
    SECURITY_GROUPS_READY,
    INSTANCE_PROFILE_READY,
    VALIDATION_SUCCEEDED,
    PLACEMENT_GROUP_READY,
]);

/// AMIs were found.
pub const AMIS_READY: &str = "AMIsReady";
/// Subnets were found.
pub const SUBNETS_READY: &str = "SubnetsReady";
/// Security groups were found.
pub const SECURITY_GROUPS_READY: &str = "SecurityGroupsReady";
/// The instance profile exists. It is never False.
pub const INSTANCE_PROFILE_READY: &str = "InstanceProfileReady";
/// Capacity reservations were looked up; that there are none is no failure.
pub const CAPACITY_RESERVATIONS_READY: &str = "CapacityReservationsReady";
/// There is no placement group, or it was found.
pub const PLACEMENT_GROUP_READY: &str = "PlacementGroupReady";
/// The class is consistent, and EC2 would launch an instance with it.
pub const VALIDATION_SUCCEEDED: &str = "ValidationSucceeded";

/// Reason of [`AMIS_READY`] False: no AMI was found.
pub const AMI_NOT_FOUND: &str = "AMINotFound";
/// Reason of [`AMIS_READY`] False: the alias's family has no AMIs for this version of Kubernetes.
pub const UNSUPPORTED_ALIAS: &str = "UnsupportedAlias";
/// Reason of [`SUBNETS_READY`] False.
pub const SUBNETS_NOT_FOUND: &str = "SubnetsNotFound";
/// Reason of [`SECURITY_GROUPS_READY`] False.
pub const SECURITY_GROUPS_NOT_FOUND: &str = "SecurityGroupsNotFound";
/// Reason of [`PLACEMENT_GROUP_READY`] False: EC2 could not be asked.
pub const PLACEMENT_GROUP_RESOLUTION_FAILED: &str = "PlacementGroupResolutionFailed";
/// Reason of [`PLACEMENT_GROUP_READY`] False.
pub const PLACEMENT_GROUP_NOT_FOUND: &str = "PlacementGroupNotFound";

/// Reason of [`VALIDATION_SUCCEEDED`] False: the cluster's service addresses could not be found out (AL2023).
pub const CLUSTER_CIDR_RESOLUTION_FAILED: &str = "ClusterCIDRResolutionFailed";
/// Reason of [`VALIDATION_SUCCEEDED`] False; the message is all errors, joined by `; `.
pub const INVALID_KUBELET_CONFIGURATION: &str = "InvalidKubeletConfiguration";
/// Reason of [`VALIDATION_SUCCEEDED`] False: the AMI family cannot apply a field of `spec.kubelet`.
pub const UNSUPPORTED_KUBELET_CONFIGURATION: &str = "UnsupportedKubeletConfiguration";
/// Reason of [`VALIDATION_SUCCEEDED`] False: an expression, and the gate NodeClassCEL is off.
pub const KUBELET_EXPRESSIONS_DISABLED: &str = "KubeletExpressionsDisabled";
/// Reason of [`VALIDATION_SUCCEEDED`] False: an expression that does not compile.
pub const KUBELET_EXPRESSION_INVALID: &str = "KubeletExpressionInvalid";
/// Reason of [`VALIDATION_SUCCEEDED`] False: an expression that fails on some instance type.
pub const KUBELET_EXPRESSION_EVALUATION_FAILED: &str = "KubeletExpressionEvaluationFailed";
/// Reason of [`VALIDATION_SUCCEEDED`] False or Unknown: what it rests on is not there yet.
pub const DEPENDENCIES_NOT_READY: &str = "DependenciesNotReady";
/// Reason of [`VALIDATION_SUCCEEDED`] False: a tag that only the provisioner may set.
pub const TAG_VALIDATION_FAILED: &str = "TagValidationFailed";
/// Reason of [`VALIDATION_SUCCEEDED`] False: launch templates may not be created.
pub const CREATE_LAUNCH_TEMPLATE_AUTH_CHECK_FAILED: &str = "CreateLaunchTemplateAuthCheckFailed";
/// Reason of [`VALIDATION_SUCCEEDED`] False: user data of more than 16 KiB.
pub const USER_DATA_SIZE_LIMIT_EXCEEDED: &str = "UserDataSizeLimitExceeded";
/// Reason of [`VALIDATION_SUCCEEDED`] False: fleets may not be created.
pub const CREATE_FLEET_AUTH_CHECK_FAILED: &str = "CreateFleetAuthCheckFailed";
/// Reason of [`VALIDATION_SUCCEEDED`] False: instances may not be run.
pub const RUN_INSTANCES_AUTH_CHECK_FAILED: &str = "RunInstancesAuthCheckFailed";
/// Reason of [`VALIDATION_SUCCEEDED`] False: there is no such instance profile.
pub const INSTANCE_PROFILE_NOT_FOUND: &str = "InstanceProfileNotFound";
/// Reason of [`VALIDATION_SUCCEEDED`] False: the annotation that says how GPUs are shared has no known value.
pub const NVIDIA_CONSUMABLE_CAPACITY_INVALID: &str = "NVIDIAConsumableCapacityInvalid";
/// Reason of [`VALIDATION_SUCCEEDED`] False: GPUs are to be shared, and the gate DRANVIDIAGPU is off.
pub const DRA_DISABLED: &str = "DRADisabled";
