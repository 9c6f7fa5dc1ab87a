//! The cloud: machines that are launched, take a while to boot and a while to end, and cost money meanwhile. What a
//! machine is like is what the KWOK provider makes of its claim; unlike there it lives apart from its Node, as real ones do.

use dovetail_api::node_claim::NodeClaim;
use dovetail_cloudprovider::errors::ProviderError;
use dovetail_cloudprovider::kwok::{KwokCatalogue, machine};
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::jiff::Timestamp;
use std::collections::BTreeMap;

/// A machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// UID of the claim that it was launched for.
    pub claim_uid: String,
    /// As the provider tells of it.
    pub claim: NodeClaim,
    /// The Node that it joins the cluster as.
    pub node: Node,
    /// Since when it costs money.
    pub launched: Timestamp,
    /// When it is gone, if it has been told to go.
    pub ends: Option<Timestamp>,
}

/// The cloud.
#[derive(Debug)]
pub struct Cloud {
    /// What it sells.
    pub catalogue: KwokCatalogue,
    machines: BTreeMap<String, Machine>,
    /// How many machines were launched in all.
    pub launched: usize,
}

impl Cloud {
    /// A cloud that sells this.
    pub const fn new(catalogue: KwokCatalogue) -> Self {
        Self { catalogue, machines: BTreeMap::new(), launched: 0 }
    }

    /// The machines that have not ended, by provider ID.
    pub fn machines(&self) -> impl Iterator<Item = (&str, &Machine)> {
        self.machines.iter().map(|(id, machine)| (id.as_str(), machine))
    }

    /// A machine that has not ended.
    pub fn machine(&self, provider_id: &str) -> Option<&Machine> {
        self.machines.get(provider_id)
    }

    /// Launches a machine for the claim, once. Says also whether it is a new one.
    ///
    /// # Errors
    /// If nothing on sale meets the claim.
    pub fn launch(&mut self, claim: &NodeClaim, now: Timestamp) -> Result<(NodeClaim, bool), ProviderError> {
        let uid = claim.metadata.uid.clone().unwrap_or_default();
        if let Some(known) = self.machines.values().find(|machine| machine.claim_uid == uid) {
            return Ok((known.claim.clone(), false));
        }
        let node = machine::node(claim, &self.catalogue)?;
        let mut told =
            machine::claim(&node).ok_or_else(|| ProviderError::other("a simulated machine is not understood"))?;
        // The provider tells a machine's claim by a tag.
        told.metadata.name.clone_from(&claim.metadata.name);
        let id = told.status.as_ref().and_then(|status| status.provider_id.clone()).unwrap_or_default();
        self.launched += 1;
        let machine = Machine { claim_uid: uid, claim: told.clone(), node, launched: now, ends: None };
        self.machines.insert(id, machine);
        Ok((told, true))
    }

    /// Tells a machine to end, which it does at that time unless it was told so before. Nothing if it is gone.
    pub fn terminate(&mut self, provider_id: &str, ends: Timestamp) -> Option<Timestamp> {
        let machine = self.machines.get_mut(provider_id)?;
        Some(*machine.ends.get_or_insert(ends))
    }

    /// A machine is gone.
    pub fn remove(&mut self, provider_id: &str) -> Option<Machine> {
        self.machines.remove(provider_id)
    }
}
