//! What can go wrong between Dovetail and a cloud, told apart by what must happen next.
//!
//! The variant is the contract: the control loops act on it and never on the text. The texts begin as Karpenter's do,
//! because events and conditions carry them (the Karpenter specification, scheduling 6 and v1.15 changes 4.3).

use std::error::Error;

/// Why a call of a [`CloudProvider`](crate::provider::CloudProvider) failed.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// There is no such machine (any more). After `delete` this is the sign that the machine is gone for good.
    #[error("nodeclaim not found, {0}")]
    NodeClaimNotFound(String),
    /// Nothing that meets the claim can be had at the moment. The claim is thrown away and its pods are planned anew; the
    /// provider has marked what it could not get, so that the next plan avoids it.
    #[error("insufficient capacity, {0}")]
    InsufficientCapacity(String),
    /// The node class cannot be used. The claim is thrown away.
    #[error("NodeClassRef not ready, {0}")]
    NodeClassNotReady(String),
    /// The launch failed for a reason worth showing: it becomes reason and message of the claim's `Launched` condition,
    /// and the launch is tried again.
    #[error("creating nodeclaim, {message}")]
    Create {
        /// The condition's reason, one CamelCase word such as `InstanceTypeResolutionFailed`.
        reason: String,
        /// The condition's message.
        message: String,
    },
    /// Node overlays have not been evaluated for this pool yet; it sits out this round.
    #[error("nodepool \"{0}\" is awaiting evaluation")]
    UnevaluatedNodePool(String),
    /// The provider cannot reboot machines.
    #[error("node reboot not implemented")]
    NodeRebootNotImplemented,
    /// The machine was not rebooted, and asking again will not help.
    #[error("node reboot failed, {0}")]
    NodeRebootFailed(String),
    /// Anything else, such as a time-out or throttling: the call is repeated with back-off.
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
}

impl ProviderError {
    /// Any other failure, to be tried again.
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    /// Whether the machine is gone.
    pub const fn is_node_claim_not_found(&self) -> bool {
        matches!(self, Self::NodeClaimNotFound(_))
    }

    /// Whether a launch failed in such a way that the claim must be thrown away rather than tried again.
    pub const fn discards_claim(&self) -> bool {
        matches!(self, Self::InsufficientCapacity(_) | Self::NodeClassNotReady(_))
    }

    /// Whether asking for the same reboot again can not succeed.
    pub const fn ends_reboot(&self) -> bool {
        matches!(self, Self::NodeRebootNotImplemented | Self::NodeRebootFailed(_) | Self::NodeClaimNotFound(_))
    }

    /// The reason that the claim's `Launched` condition gets while the launch is being tried again.
    pub fn launch_reason(&self) -> &str {
        match self {
            Self::Create { reason, .. } => reason,
            _ => "LaunchFailed",
        }
    }

    /// The value of the label `error` on `karpenter_cloudprovider_errors_total` (v1.15 changes 9).
    pub const fn metric_label(&self) -> &'static str {
        match self {
            Self::NodeClaimNotFound(_) => "NodeClaimNotFoundError",
            Self::InsufficientCapacity(_) => "InsufficientCapacityError",
            Self::NodeClassNotReady(_) => "NodeClassNotReadyError",
            _ => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_begin_as_karpenter_s_do() {
        let create = ProviderError::Create { reason: "AMINotFound".into(), message: "no image for arm64".into() };
        for (error, text) in [
            (ProviderError::NodeClaimNotFound("i-1 is gone".into()), "nodeclaim not found, i-1 is gone"),
            (ProviderError::InsufficientCapacity("all sold out".into()), "insufficient capacity, all sold out"),
            (ProviderError::NodeClassNotReady("no subnets".into()), "NodeClassRef not ready, no subnets"),
            (create, "creating nodeclaim, no image for arm64"),
            (ProviderError::UnevaluatedNodePool("default".into()), "nodepool \"default\" is awaiting evaluation"),
            (ProviderError::other("timed out"), "timed out"),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn only_a_lack_of_capacity_or_of_a_class_throws_a_claim_away() {
        assert!(ProviderError::InsufficientCapacity(String::new()).discards_claim());
        assert!(ProviderError::NodeClassNotReady(String::new()).discards_claim());
        assert!(!ProviderError::other("timed out").discards_claim());
        assert!(!ProviderError::Create { reason: String::new(), message: String::new() }.discards_claim());
    }

    #[test]
    fn a_reboot_is_given_up_when_it_cannot_ever_succeed() {
        assert!(ProviderError::NodeRebootNotImplemented.ends_reboot());
        assert!(ProviderError::NodeClaimNotFound(String::new()).ends_reboot());
        assert!(!ProviderError::other("throttled").ends_reboot());
    }

    #[test]
    fn a_launch_being_retried_shows_the_provider_s_reason_if_it_gave_one() {
        let named = ProviderError::Create { reason: "AMINotFound".into(), message: String::new() };
        assert_eq!(named.launch_reason(), "AMINotFound");
        assert_eq!(ProviderError::other("timed out").launch_reason(), "LaunchFailed");
    }
}
