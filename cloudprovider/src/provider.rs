//! What a cloud must do for Dovetail: the contract that every provider keeps and every control loop relies on.
//!
//! A provider performs; it decides nothing about pods, budgets or the time at which things happen. Calls may be made
//! twice, after a crash or a lost answer, and must then have the effect of one (the Karpenter specification, scheduling 6,
//! and v1.15 changes 1.1, 10.2).

use crate::errors::ProviderError;
use crate::repair::RepairPolicy;
use dovetail_api::node_claim::NodeClaim;
use dovetail_api::node_pool::NodePool;
use dovetail_scheduler::instance_type::InstanceType;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The answer of a call that takes its time; any runtime can wait for it.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, ProviderError>> + Send + 'a>>;

/// A kind of node class by its API group, version and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeClassKind {
    /// API group, such as `karpenter.k8s.aws`.
    pub group: &'static str,
    /// API version, such as `v1`.
    pub version: &'static str,
    /// Kind, such as `EC2NodeClass`.
    pub kind: &'static str,
}

/// A cloud that machines can be had from.
pub trait CloudProvider: Send + Sync {
    /// Buys a machine for the claim and returns the claim as it became: labels that the machine has (instance type, zone,
    /// capacity type ...), provider ID, image ID, capacity and allocatable. It returns when the machine is ordered, not when
    /// it has booted.
    ///
    /// Doing it twice for the same claim (same UID) buys once. What is bought meets the claim's requirements and is
    /// cheapest by the provider's own prices.
    ///
    /// # Errors
    /// `InsufficientCapacity` and `NodeClassNotReady` throw the claim away, `Create` says why the launch will be tried
    /// again, everything else is tried again.
    fn create<'a>(&'a self, claim: &'a NodeClaim) -> Answer<'a, NodeClaim>;

    /// Asks for the machine to be ended. It is called again until it answers `NodeClaimNotFound`; `Ok` only says that the
    /// end is under way.
    ///
    /// # Errors
    /// `NodeClaimNotFound` once the machine is gone.
    fn delete<'a>(&'a self, claim: &'a NodeClaim) -> Answer<'a, ()>;

    /// The machine of that provider ID, as a claim.
    ///
    /// # Errors
    /// `NodeClaimNotFound` if there is none, or only one that has ended.
    fn get<'a>(&'a self, provider_id: &'a str) -> Answer<'a, NodeClaim>;

    /// Every machine of this cluster that was bought for a claim and has not ended, as claims. One that is being ended
    /// carries a deletion time. A machine that cannot be understood is left out rather than failing the call.
    fn list(&self) -> Answer<'_, Vec<NodeClaim>>;

    /// What can be bought for the pool, as new objects each time something changed. Types without an available offering are
    /// there too: existing nodes of such a type must still be recognised.
    ///
    /// # Errors
    /// `NodeClassNotReady` if the pool's class is missing or unusable, `UnevaluatedNodePool` while overlays are pending.
    fn instance_types<'a>(&'a self, pool: &'a NodePool) -> Answer<'a, Arc<[Arc<InstanceType>]>>;

    /// Why the machine is no longer what its node class asks for, as one CamelCase word such as `AMIDrift`; `None` if it
    /// still is, or if nobody can tell because pool or class are gone.
    fn is_drifted<'a>(&'a self, claim: &'a NodeClaim) -> Answer<'a, Option<String>>;

    /// Which node conditions mean that a machine is broken, and what to do then. Constant for the life of the provider;
    /// the whole set passes [`crate::repair::validate`] if nodes are to be repaired at all.
    fn repair_policies(&self) -> Vec<RepairPolicy>;

    /// Restarts the machine in place. `operation_id` stays the same when one reboot is asked for again, so that a provider
    /// with idempotency tokens can restart it once; without them the caller's watch on the boot ID does.
    ///
    /// # Errors
    /// `NodeRebootNotImplemented`, `NodeRebootFailed` and `NodeClaimNotFound` are final; everything else is tried again.
    fn reboot<'a>(&'a self, claim: &'a NodeClaim, operation_id: &'a str) -> Answer<'a, ()>;

    /// The provider's name, as metrics show it: `aws`, `kwok`.
    fn name(&self) -> &'static str;

    /// The kinds of node classes that pools of this provider may refer to. The first is meant when none is named.
    fn supported_node_classes(&self) -> &'static [NodeClassKind];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The control loops hold providers as trait objects shared between threads.
    #[test]
    fn a_provider_can_be_shared_as_a_trait_object() {
        fn shared<T: Send + Sync + ?Sized>() {}
        shared::<dyn CloudProvider>();
        shared::<Arc<dyn CloudProvider>>();
    }
}
