//! Why a launch in EC2 failed, as the NodeClaim's condition `Launched` says it while it is Unknown (spec aws-provider 5.1
//! and 5.8). Which error of EC2 means which of these is decided by the provider.

/// The account lacks the service-linked role for spot capacity.
pub const SPOT_SERVICE_LINKED_ROLE_CREATION_FAILED: &str = "SpotSLRCreationFailed";
/// The controller may not do what the launch takes.
pub const UNAUTHORIZED: &str = "Unauthorized";
/// The account may not use the machine image.
pub const AMI_AUTHORIZATION_FAILURE: &str = "AMIAuthorizationFailure";
/// Security group and subnet are not of one VPC.
pub const SECURITY_GROUP_SUBNET_VPC_MISMATCH: &str = "SecurityGroupSubnetVPCMismatch";
/// There is no such instance profile.
pub const INSTANCE_PROFILE_NAME_INVALID: &str = "InstanceProfileNameInvalid";
/// The launch template is gone.
pub const LAUNCH_TEMPLATE_NOT_FOUND: &str = "LaunchTemplateNotFound";
/// User data of more than 16 KiB.
pub const USER_DATA_SIZE_LIMIT_EXCEEDED: &str = super::ec2_node_class::USER_DATA_SIZE_LIMIT_EXCEEDED;
/// What should be the id of a machine image is none.
pub const INVALID_AMI_ID: &str = "InvalidAMIID";
/// There is no such machine image.
pub const AMI_NOT_FOUND: &str = super::ec2_node_class::AMI_NOT_FOUND;
/// EC2 has been asked too often.
pub const REQUEST_LIMIT_EXCEEDED: &str = "RequestLimitExceeded";
/// EC2 failed by itself.
pub const INTERNAL_ERROR: &str = "InternalError";
/// The account's free tier does not cover the instance type.
pub const FREE_TIER_INELIGIBLE: &str = "FreeTierIneligible";
/// The account may have no more fleets.
pub const FLEET_QUOTA_EXCEEDED: &str = "FleetQuotaExceeded";
/// AWS has not verified the account yet.
pub const ACCOUNT_PENDING_VERIFICATION: &str = "AccountPendingVerification";
/// The account may have no more spot instances.
pub const SPOT_QUOTA_EXCEEDED: &str = "SpotQuotaExceeded";
/// The account may have no more vCPUs.
pub const VCPU_LIMIT_EXCEEDED: &str = "VCPULimitExceeded";
/// The subnet has no address left.
pub const INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET: &str = "InsufficientFreeAddressesInSubnet";
/// Anything else.
pub const OTHER: &str = super::node_claim::LAUNCH_FAILED;

/// The instance types could not be listed, so nothing was asked of EC2.
pub const INSTANCE_TYPE_RESOLUTION_FAILED: &str = "InstanceTypeResolutionFailed";
/// It is not known whether the EC2NodeClass is ready, so nothing was asked of EC2.
pub const NODE_CLASS_READINESS_UNKNOWN: &str = super::node_pool::NODE_CLASS_READINESS_UNKNOWN;

/// Every reason for which a launch fails, those that EC2 gives first, in the order in which they are looked for.
pub const ALL: [&str; 20] = [
    SPOT_SERVICE_LINKED_ROLE_CREATION_FAILED,
    UNAUTHORIZED,
    AMI_AUTHORIZATION_FAILURE,
    SECURITY_GROUP_SUBNET_VPC_MISMATCH,
    INSTANCE_PROFILE_NAME_INVALID,
    LAUNCH_TEMPLATE_NOT_FOUND,
    USER_DATA_SIZE_LIMIT_EXCEEDED,
    INVALID_AMI_ID,
    AMI_NOT_FOUND,
    REQUEST_LIMIT_EXCEEDED,
    INTERNAL_ERROR,
    FREE_TIER_INELIGIBLE,
    FLEET_QUOTA_EXCEEDED,
    ACCOUNT_PENDING_VERIFICATION,
    SPOT_QUOTA_EXCEEDED,
    VCPU_LIMIT_EXCEEDED,
    INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET,
    OTHER,
    INSTANCE_TYPE_RESOLUTION_FAILED,
    NODE_CLASS_READINESS_UNKNOWN,
];
