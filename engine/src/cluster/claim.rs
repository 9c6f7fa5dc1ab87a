//! NodeClaims as the cluster model keeps them: all that differs, and the list of requirements shared by all that were
//! bought alike. That list names hundreds of instance types and matters until the machine is launched only.

use dovetail_api::node_claim::NodeClaim;
use dovetail_api::requirement::Requirement;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A NodeClaim.
#[derive(Clone, Debug)]
pub struct ClaimRecord {
    /// The claim as the API server has it, but for its requirements, which are empty here.
    pub object: NodeClaim,
    /// What the node's labels must be.
    pub requirements: Arc<[Requirement]>,
}

impl ClaimRecord {
    /// The claim with its requirements, as a provider must see it.
    pub fn full(&self) -> NodeClaim {
        let mut claim = self.object.clone();
        claim.spec.requirements = self.requirements.to_vec();
        claim
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.object.metadata.name.as_deref().unwrap_or_default()
    }

    /// The UID that it was created with.
    pub fn uid(&self) -> &str {
        self.object.metadata.uid.as_deref().unwrap_or_default()
    }

    /// The machine it became, once it was launched.
    pub fn provider_id(&self) -> Option<&str> {
        self.object.status.as_ref().and_then(|s| s.provider_id.as_deref()).filter(|id| !id.is_empty())
    }

    /// Whether it has been told to end.
    pub fn is_deleting(&self) -> bool {
        self.object.metadata.deletion_timestamp.is_some()
    }
}

/// Lists of requirements, each once.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    known: FxHashMap<Vec<u8>, Arc<[Requirement]>>,
    /// How many there were when those in use were last told from the others.
    swept: usize,
}

impl Lists {
    /// The record of a claim.
    pub(crate) fn record(&mut self, mut object: NodeClaim) -> ClaimRecord {
        let requirements = std::mem::take(&mut object.spec.requirements);
        ClaimRecord { requirements: self.shared(requirements), object }
    }

    fn shared(&mut self, list: Vec<Requirement>) -> Arc<[Requirement]> {
        // A list that cannot be written down, which no list of texts is, is not shared and is right all the same.
        let Ok(text) = serde_json::to_vec(&list) else { return list.into() };
        if self.known.len() > 2 * self.swept + 64 {
            self.known.retain(|_, list| Arc::strong_count(list) > 1);
            self.swept = self.known.len();
        }
        Arc::clone(self.known.entry(text).or_insert_with(|| list.into()))
    }
}
