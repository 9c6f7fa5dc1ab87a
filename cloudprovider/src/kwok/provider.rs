//! The KWOK provider: the contract of a cloud provider kept with Node objects alone. Which Node a claim becomes is decided
//! in [`super::machine`]; how Nodes are written and read, and how time passes until one joins, is [`Nodes`]' business.

use super::{KwokCatalogue, machine};
use crate::errors::ProviderError;
use crate::provider::{Answer, CloudProvider, NodeClassKind};
use crate::repair::RepairPolicy;
use dovetail_api::kwok_node_class::KWOKNodeClass;
use dovetail_api::labels::kwok;
use dovetail_api::node_claim::NodeClaim;
use dovetail_api::node_pool::NodePool;
use dovetail_scheduler::instance_type::InstanceType;
use k8s_openapi::api::core::v1::Node;
use std::sync::Arc;
use std::time::Duration;

/// Where simulated machines live: the Node objects of a cluster, and those that are about to join it.
pub trait Nodes: Send + Sync {
    /// Has the Node join after some time, and returns at once. One that is there or about to join already is left as it is.
    fn join(&self, node: Node, after: Duration) -> Answer<'_, ()>;

    /// Deletes the Node of that name, in the background; one that has not joined yet does not. There being none, or one
    /// that is deleted already, is no error.
    fn remove<'a>(&'a self, name: &'a str) -> Answer<'a, ()>;

    /// The Node of that name, also if it has not joined yet.
    fn get<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Node>>;

    /// Every Node, also those that have not joined yet.
    fn list(&self) -> Answer<'_, Vec<Node>>;

    /// The node class of that name.
    fn class<'a>(&'a self, name: &'a str) -> Answer<'a, Option<KWOKNodeClass>>;

    /// Sets the boot ID of a Node, as a restart would.
    fn set_boot_id<'a>(&'a self, name: &'a str, boot_id: String) -> Answer<'a, ()>;
}

/// The KWOK provider.
#[derive(Debug)]
pub struct KwokProvider<N> {
    catalogue: KwokCatalogue,
    nodes: N,
}

/// The node classes of the KWOK provider.
pub const NODE_CLASSES: &[NodeClassKind] =
    &[NodeClassKind { group: kwok::GROUP, version: "v1alpha1", kind: "KWOKNodeClass" }];

impl<N: Nodes> KwokProvider<N> {
    /// A provider that sells what the catalogue lists and keeps its machines there.
    pub const fn new(catalogue: KwokCatalogue, nodes: N) -> Self {
        Self { catalogue, nodes }
    }

    /// What it sells.
    pub const fn catalogue(&self) -> &KwokCatalogue {
        &self.catalogue
    }

    /// Where its machines live.
    pub const fn nodes(&self) -> &N {
        &self.nodes
    }

    /// Has the machine of a launched claim join, if the controller was killed before it did. `waited` is how long ago the
    /// claim was launched.
    ///
    /// # Errors
    /// As for a launch.
    pub async fn resume(&self, claim: &NodeClaim, waited: Duration) -> Result<(), ProviderError> {
        let launched =
            claim.status.as_ref().and_then(|status| status.provider_id.as_deref()).and_then(machine::node_of);
        if launched != Some(machine::node_name(claim).as_str()) {
            return Ok(());
        }
        self.launch(claim, waited).await.map(drop)
    }

    async fn launch(&self, claim: &NodeClaim, waited: Duration) -> Result<Node, ProviderError> {
        let name = machine::node_name(claim);
        if let Some(node) = self.nodes.get(&name).await? {
            return Ok(node);
        }
        let class = &claim.spec.node_class_ref.name;
        let delay = machine::registration_delay(class, self.nodes.class(class).await?.as_ref())?;
        let node = machine::node(claim, &self.catalogue)?;
        self.nodes.join(node.clone(), delay.saturating_sub(waited)).await?;
        Ok(node)
    }
}

impl<N: Nodes> CloudProvider for KwokProvider<N> {
    fn create<'a>(&'a self, claim: &'a NodeClaim) -> Answer<'a, NodeClaim> {
        Box::pin(async move {
            let node = self.launch(claim, Duration::ZERO).await?;
            let other = || ProviderError::other(format!("node {} is no simulated machine", machine::node_name(claim)));
            machine::claim(&node).ok_or_else(other)
        })
    }

    /// The machine is gone as soon as it is said: its Node goes when nobody holds on to it.
    fn delete<'a>(&'a self, claim: &'a NodeClaim) -> Answer<'a, ()> {
        Box::pin(async move {
            let id = claim.status.as_ref().and_then(|status| status.provider_id.as_deref());
            let name = id.and_then(machine::node_of).map_or_else(|| machine::node_name(claim), str::to_owned);
            self.nodes.remove(&name).await?;
            Err(ProviderError::NodeClaimNotFound(format!("the machine of node {name} is terminated")))
        })
    }

    fn get<'a>(&'a self, provider_id: &'a str) -> Answer<'a, NodeClaim> {
        Box::pin(async move {
            let gone = || ProviderError::NodeClaimNotFound(format!("there is no machine {provider_id:?}"));
            let node = self.nodes.get(machine::node_of(provider_id).ok_or_else(gone)?).await?.ok_or_else(gone)?;
            if node.metadata.deletion_timestamp.is_some() {
                return Err(gone());
            }
            machine::claim(&node).ok_or_else(gone)
        })
    }

    fn list(&self) -> Answer<'_, Vec<NodeClaim>> {
        Box::pin(async move { Ok(self.nodes.list().await?.iter().filter_map(machine::claim).collect()) })
    }

    fn instance_types<'a>(&'a self, _pool: &'a NodePool) -> Answer<'a, Arc<[Arc<InstanceType>]>> {
        Box::pin(async move { Ok(Arc::clone(&self.catalogue.types)) })
    }

    /// Simulated machines are always what was asked for.
    fn is_drifted<'a>(&'a self, _claim: &'a NodeClaim) -> Answer<'a, Option<String>> {
        Box::pin(async move { Ok(None) })
    }

    fn repair_policies(&self) -> Vec<RepairPolicy> {
        machine::repair_policies()
    }

    fn reboot<'a>(&'a self, claim: &'a NodeClaim, operation_id: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let id = claim.status.as_ref().and_then(|status| status.provider_id.as_deref()).unwrap_or_default();
            let gone = || ProviderError::NodeClaimNotFound(format!("there is no machine {id:?}"));
            let name = machine::node_of(id).ok_or_else(gone)?;
            self.nodes.get(name).await?.ok_or_else(gone)?;
            self.nodes.set_boot_id(name, machine::boot_id(operation_id)).await
        })
    }

    fn name(&self) -> &'static str {
        "kwok"
    }

    fn supported_node_classes(&self) -> &'static [NodeClassKind] {
        NODE_CLASSES
    }
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
