//! A run: one policy on one instance, from one seed within one budget, and the figures that came of it. How long it took and
//! what memory, whoever ran it says.

use crate::instance::{Instance, Kind};
use dovetail_scheduler::plan::Plan;
use serde::{Deserialize, Serialize};

/// Which run it is. Two runs with the same key are the same run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// The instance's name.
    pub instance: String,
    /// Which random subset of its pods, if it is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub draw: Option<u64>,
    /// The policy's name.
    pub policy: String,
    /// Where its chance began.
    pub seed: u64,
    /// How long it was allowed to take, in milliseconds.
    pub budget: u64,
    /// Everything else that figures depend on, in a form that only equality is asked of: the instance's content, and the
    /// terms of the search.
    pub fingerprint: String,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Which run it is.
    #[serde(flatten)]
    pub key: Key,
    /// What `cost` and `bound` count.
    pub unit: Unit,
    /// How many pods there are.
    pub pods: usize,
    /// How many have a place.
    pub placed: usize,
    /// How many nodes are bought: bins.
    pub nodes: usize,
    /// What they cost, in the unit.
    pub cost: f64,
    /// What no plan for the same pods can be below, in the unit, if the run proved anything.
    pub bound: Option<f64>,
    /// The cost of a cheapest plan, if it is known.
    pub optimum: Option<f64>,
    /// How long deciding took.
    pub seconds: f64,
    /// The most memory that the process had during the run, in bytes, if the system tells.
    pub peak_memory: Option<u64>,
    /// The rules that the plan breaks, in words; none if it is right.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub violations: Vec<String>,
}

/// What costs are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    /// Dollars per hour.
    Dollars,
    /// The costs of the file.
    Cost,
    /// Bins that all cost the same.
    Bins,
}

/// What is measured from outside of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// How long deciding took.
    pub seconds: f64,
    /// The most memory that the process had meanwhile, in bytes.
    pub peak_memory: Option<u64>,
}

impl Run {
    /// The figures of a plan for an instance.
    pub fn of(key: Key, instance: &Instance, plan: &Plan, effort: Effort, violations: Vec<String>) -> Self {
        let unit = match instance.kind {
            Kind::Cluster => Unit::Dollars,
            Kind::Priced { .. } => Unit::Cost,
            Kind::Equal { .. } => Unit::Bins,
        };
        Self {
            key,
            unit,
            pods: instance.problem.pods.len(),
            placed: plan.placed(),
            nodes: plan.claims.len(),
            cost: instance.cost(plan.cost()),
            bound: instance.bound(plan),
            optimum: instance.optimum,
            seconds: effort.seconds,
            peak_memory: effort.peak_memory,
            violations,
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A run in a line.

    use super::*;

    /// A run of a policy that placed all of ten pods.
    pub(crate) fn run(instance: &str, policy: &str, budget: u64, cost: f64, bound: Option<f64>) -> Run {
        let (instance, policy, fingerprint) = (instance.to_owned(), policy.to_owned(), String::new());
        Run {
            key: Key { instance, draw: None, policy, seed: 0, budget, fingerprint },
            unit: Unit::Dollars,
            pods: 10,
            placed: 10,
            nodes: 2,
            cost,
            bound,
            optimum: None,
            seconds: 0.01,
            peak_memory: Some(1 << 20),
            violations: vec![],
        }
    }
}
