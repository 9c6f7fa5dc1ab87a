//! What the error codes of EC2 and its neighbours mean: which say that something cannot be had now, which that it does not
//! exist, which that one should ask more slowly, and what a NodeClaim's condition calls them (spec aws-provider 5.8; v1.15
//! changes 10.5). What is done about it is decided by those who asked.

use dovetail_api::conditions::launch_failure as reasons;

/// An error as AWS answers it, to a whole call or to a part of a fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Fault {
    /// The code.
    pub code: String,
    /// The text.
    pub message: String,
}

/// The account lacks the service-linked role for spot capacity, and it may not be created.
const SPOT_ROLE: &str = "AuthFailure.ServiceLinkedRoleCreationNotPermitted";
const SUBNET_FULL: &str = "InsufficientFreeAddressesInSubnet";
const RESERVATION_FULL: &str = "ReservationCapacityExceeded";
/// In the text of an error about a placement group of the strategy spread that is full in a zone.
const SPREAD_LIMIT: &str = "limit of instances in this spread placement group";

const UNFULFILLABLE: [&str; 10] = [
    "InsufficientInstanceCapacity",
    "MaxSpotInstanceCountExceeded",
    "VcpuLimitExceeded",
    "UnfulfillableCapacity",
    "Unsupported",
    SUBNET_FULL,
    "MaxFleetCountExceeded",
    RESERVATION_FULL,
    "SpotMaxPriceTooLow",
    "InvalidCapacityReservationState.Unavailable",
];
const NOT_FOUND: [&str; 7] = [
    "InvalidCapacityReservationId.NotFound",
    "InvalidInstanceID.NotFound",
    "InvalidLaunchTemplateName.NotFoundException",
    "InvalidLaunchTemplateId.NotFound",
    "QueueDoesNotExist",
    "NoSuchEntity",
    "ParameterNotFound",
];

impl Fault {
    /// An error of that code and text.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    /// Whether what was asked for cannot be had at the moment, so that something else should be.
    #[must_use]
    pub fn is_unfulfillable(&self) -> bool {
        UNFULFILLABLE.contains(&self.code.as_str())
    }

    /// Whether a subnet has no address left.
    #[must_use]
    pub fn is_subnet_full(&self) -> bool {
        self.code == SUBNET_FULL
    }

    /// Whether a capacity reservation takes no more in.
    #[must_use]
    pub fn is_reservation_full(&self) -> bool {
        self.code == RESERVATION_FULL
    }

    /// Whether spot capacity is out of reach for the account.
    #[must_use]
    pub fn is_spot_role_missing(&self) -> bool {
        self.code == SPOT_ROLE
    }

    /// Whether a spread placement group takes no more machines in a zone.
    #[must_use]
    pub fn is_spread_limit(&self) -> bool {
        self.message.contains(SPREAD_LIMIT)
    }

    /// Whether a launch template went away between its look-up and the launch.
    #[must_use]
    pub fn is_template_gone(&self) -> bool {
        self.code == "InvalidLaunchTemplateName.NotFoundException"
    }

    /// Whether what was asked about does not exist. SQS puts a namespace before its code.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        NOT_FOUND.contains(&self.code.as_str()) || self.code.ends_with(".NonExistentQueue")
    }

    /// Whether one has asked too often.
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        self.code == "RequestLimitExceeded"
    }

    /// Whether the caller may not do what it asked for.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.code == "UnauthorizedOperation" || self.code.starts_with("AccessDenied")
    }

    /// Whether a dry run would have been carried out, had it been none.
    #[must_use]
    pub fn is_dry_run_passed(&self) -> bool {
        self.code == "DryRunOperation"
    }

    /// Whether a request with the same client token, and other content, has been answered before.
    #[must_use]
    pub fn is_token_reused(&self) -> bool {
        self.code == "IdempotentParameterMismatch"
    }

    /// Whether an instance profile is not there, or not yet: it takes a while until EC2 knows of a new one.
    #[must_use]
    pub fn is_profile_unknown(&self) -> bool {
        self.code == "InvalidParameterValue" && self.message.contains("Invalid IAM Instance Profile name")
    }

    /// Whether user data is longer than EC2 takes.
    #[must_use]
    pub fn is_user_data_too_long(&self) -> bool {
        self.code == "InvalidUserData.Malformed" && self.message.contains("limited to")
            || self.message.contains("User data is limited to")
    }

    /// What the condition `Launched` of a NodeClaim calls the error: one of [`dovetail_api::conditions::launch_failure`].
    #[must_use]
    pub fn launch_reason(&self) -> &'static str {
        let has = |text: &str| self.code.contains(text) || self.message.contains(text);
        if self.is_spot_role_missing() {
            return reasons::SPOT_SERVICE_LINKED_ROLE_CREATION_FAILED;
        }
        if has("Not authorized for images") {
            return reasons::AMI_AUTHORIZATION_FAILURE;
        }
        if self.is_unauthorized() || has("UnauthorizedOperation") {
            return reasons::UNAUTHORIZED;
        }
        if has("different networks") || has("belong to different networks") || has("not in the same VPC") {
            return reasons::SECURITY_GROUP_SUBNET_VPC_MISMATCH;
        }
        if self.is_profile_unknown() || has("Invalid IAM Instance Profile") {
            return reasons::INSTANCE_PROFILE_NAME_INVALID;
        }
        if self.is_user_data_too_long() {
            return reasons::USER_DATA_SIZE_LIMIT_EXCEEDED;
        }
        BY_TEXT.iter().find(|(text, _)| has(text)).map_or(reasons::OTHER, |(_, reason)| *reason)
    }
}

/// Texts in codes or messages and what they mean; the first that is found counts.
const BY_TEXT: [(&str, &str); 12] = [
    ("InvalidLaunchTemplateId.NotFound", reasons::LAUNCH_TEMPLATE_NOT_FOUND),
    ("InvalidAMIID.Malformed", reasons::INVALID_AMI_ID),
    ("InvalidAMIID.NotFound", reasons::AMI_NOT_FOUND),
    ("RequestLimitExceeded", reasons::REQUEST_LIMIT_EXCEEDED),
    ("InternalError", reasons::INTERNAL_ERROR),
    ("not eligible for Free Tier", reasons::FREE_TIER_INELIGIBLE),
    ("MaxFleetCountExceeded", reasons::FLEET_QUOTA_EXCEEDED),
    ("PendingVerification", reasons::ACCOUNT_PENDING_VERIFICATION),
    ("MaxSpotInstanceCountExceeded", reasons::SPOT_QUOTA_EXCEEDED),
    ("VcpuLimitExceeded", reasons::VCPU_LIMIT_EXCEEDED),
    ("vCPU limit", reasons::VCPU_LIMIT_EXCEEDED),
    (SUBNET_FULL, reasons::INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_now_is_told_from_what_went_wrong() {
        let unfulfillable = |code: &str| Fault::new(code, "").is_unfulfillable();
        for code in UNFULFILLABLE {
            assert!(unfulfillable(code), "{code}");
        }
        for code in ["RequestLimitExceeded", "UnauthorizedOperation", "InternalError", SPOT_ROLE, ""] {
            assert!(!unfulfillable(code), "{code}");
        }
    }

    #[test]
    fn every_service_says_in_its_own_way_that_something_is_not_there() {
        for code in NOT_FOUND {
            assert!(Fault::new(code, "").is_not_found(), "{code}");
        }
        assert!(Fault::new("AWS.SimpleQueueService.NonExistentQueue", "").is_not_found());
        assert!(!Fault::new("InvalidSubnetID.NotFound", "").is_not_found(), "a subnet that is gone is a wrong request");
    }

    #[test]
    fn a_claim_shows_why_its_launch_failed() {
        for (code, message, reason) in [
            (SPOT_ROLE, "", "SpotSLRCreationFailed"),
            ("UnauthorizedOperation", "no identity-based policy allows it", "Unauthorized"),
            ("UnauthorizedOperation", "Not authorized for images: [ami-1]", "AMIAuthorizationFailure"),
            ("AuthFailure", "Not authorized for images: [ami-1]", "AMIAuthorizationFailure"),
            (
                "InvalidParameter",
                "Security group sg-1 and subnet subnet-1 belong to different networks",
                "SecurityGroupSubnetVPCMismatch",
            ),
            (
                "InvalidParameterValue",
                "Value (x) is invalid. Invalid IAM Instance Profile name",
                "InstanceProfileNameInvalid",
            ),
            ("InvalidLaunchTemplateId.NotFound", "", "LaunchTemplateNotFound"),
            ("InvalidUserData.Malformed", "User data is limited to 16384 bytes", "UserDataSizeLimitExceeded"),
            ("InvalidAMIID.Malformed", "", "InvalidAMIID"),
            ("InvalidAMIID.NotFound", "", "AMINotFound"),
            ("RequestLimitExceeded", "", "RequestLimitExceeded"),
            ("InternalError", "", "InternalError"),
            (
                "InvalidParameterCombination",
                "The specified instance type is not eligible for Free Tier",
                "FreeTierIneligible",
            ),
            ("MaxFleetCountExceeded", "", "FleetQuotaExceeded"),
            ("PendingVerification", "", "AccountPendingVerification"),
            ("MaxSpotInstanceCountExceeded", "", "SpotQuotaExceeded"),
            ("VcpuLimitExceeded", "", "VCPULimitExceeded"),
            (SUBNET_FULL, "", "InsufficientFreeAddressesInSubnet"),
            ("Whatever", "", "LaunchFailed"),
        ] {
            assert_eq!(Fault::new(code, message).launch_reason(), reason, "{code}: {message}");
        }
    }
}
