//! Karpenter's answer to a scenario, as the Go program in `upstream/` writes it. Whether it is a good one is not asked here.

use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};

/// What Karpenter decided.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Answer {
    /// Dollars per hour: the sum of the claims' prices, of the first run.
    pub cost: f64,
    /// Dollars per hour of every run; Karpenter does not always decide the same.
    #[serde(default)]
    pub costs: Vec<f64>,
    /// How many seconds deciding took, of the first run.
    #[serde(default)]
    pub seconds: f64,
    /// How many seconds deciding took, of every run.
    #[serde(default)]
    pub times: Vec<f64>,
    /// The nodes to buy, of the first run.
    #[serde(default, deserialize_with = "nothing_is_empty")]
    pub claims: Vec<Claim>,
    /// What goes to nodes that are there.
    #[serde(default, deserialize_with = "nothing_is_empty")]
    pub existing: Vec<Existing>,
    /// Why a pod has no place, by namespace and name; `ignored` if it was refused before anything was scheduled.
    #[serde(default)]
    pub errors: BTreeMap<String, String>,
}

/// A node to buy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The NodePool that it comes from.
    pub node_pool: String,
    /// The types it may be of, cheapest first.
    #[serde(default, deserialize_with = "nothing_is_empty")]
    pub instance_types: Vec<String>,
    /// What the node must be like, a line for each label.
    #[serde(default, deserialize_with = "nothing_is_empty")]
    pub requirements: Vec<String>,
    /// Dollars per hour of its cheapest offering.
    pub price: f64,
    /// Namespaces and names of its pods.
    pub pods: Vec<String>,
}

/// Pods that go to a node that is there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Existing {
    /// The node.
    pub node: String,
    /// Namespaces and names of the pods.
    pub pods: Vec<String>,
}

/// Go writes a list without elements as null.
fn nothing_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

impl Answer {
    /// The pods that have a place.
    #[must_use]
    pub fn placed(&self) -> BTreeSet<&str> {
        let new = self.claims.iter().flat_map(|c| &c.pods);
        new.chain(self.existing.iter().flat_map(|e| &e.pods)).map(String::as_str).collect()
    }

    /// Dollars per hour of the dearest run.
    #[must_use]
    pub fn dearest(&self) -> f64 {
        self.costs.iter().copied().fold(self.cost, f64::max)
    }

    /// Dollars per hour of the mean run.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // a handful of runs
    pub fn mean(&self) -> f64 {
        if self.costs.is_empty() { self.cost } else { self.costs.iter().sum::<f64>() / self.costs.len() as f64 }
    }
}
