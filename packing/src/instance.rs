//! An instance: a problem for the policies, and what is known about the cost of a plan for it. Where it comes from, the
//! other modules know.

use dovetail_scheduler::instance_type::Price;
use dovetail_scheduler::plan::Plan;
use dovetail_scheduler::problem::Problem;
use std::collections::BTreeMap;

/// A problem to measure policies on.
#[derive(Clone, Debug)]
pub struct Instance {
    /// What it is called in results, such as the name of its file without extension.
    pub name: String,
    /// The question.
    pub problem: Problem,
    /// What it is about, which decides how costs are told.
    pub kind: Kind,
    /// The cost of the cheapest plan, if that is known, in the kind's unit.
    pub optimum: Option<f64>,
}

/// What an instance is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pods on nodes: costs are dollars per hour, and a node has a cost besides its price.
    Cluster,
    /// Items in bins of different costs; `unit` is the price that stands for a cost of 1. Nothing but costs counts.
    Priced {
        /// The price that stands for a cost of 1.
        unit: Price,
    },
    /// Items in bins that all cost the same, `each`: the cost is told as the number of bins.
    Equal {
        /// The price of a bin.
        each: Price,
    },
}

impl Instance {
    /// What a price is in the unit in which this instance's costs are told: dollars per hour, cost, or bins.
    #[allow(clippy::cast_precision_loss)] // a ratio of two prices: 53 bits are enough for figures to read
    pub fn cost(&self, price: Price) -> f64 {
        match self.kind {
            Kind::Cluster => price.dollars(),
            Kind::Priced { unit: one } | Kind::Equal { each: one } => {
                price.picodollars() as f64 / one.picodollars().max(1) as f64
            }
        }
    }

    /// What no plan for as many pods can be below, in the unit of costs: what the plan's certificate proves. Where the number
    /// of bins is what counts, it is rounded up to a whole one, and is never below [`Instance::volume`].
    #[allow(clippy::cast_precision_loss)] // numbers of bins are far below 2^53
    pub fn bound(&self, plan: &Plan) -> Option<f64> {
        let proven = plan.certificate.as_ref().map(|c| c.bound);
        match self.kind {
            Kind::Cluster | Kind::Priced { .. } => proven.map(|p| self.cost(p)),
            Kind::Equal { each } => {
                let whole = |p: Price| p.picodollars() as u64;
                let bins = proven.map_or(0, |p| whole(p).div_ceil(whole(each).max(1)));
                // The volume of all items says nothing about a plan that leaves some out.
                let volume = if plan.unplaced.is_empty() { self.volume() } else { None };
                proven.map(|_| bins).max(volume).map(|b| b as f64)
            }
        }
    }

    /// The least number of bins by volume: of each resource, what all items need by what the largest bin has. `None` unless
    /// bins cost the same, or if something is asked for that no bin has.
    pub fn volume(&self) -> Option<u64> {
        if !matches!(self.kind, Kind::Equal { .. }) {
            return None;
        }
        let mut needed: BTreeMap<&str, i128> = BTreeMap::new();
        for pod in &self.problem.pods {
            for (resource, amount) in self.problem.classes[pod.class].requests.iter() {
                *needed.entry(resource).or_default() += i128::from(amount);
            }
        }
        let types = || self.problem.pools.iter().flat_map(|p| p.instance_types.iter());
        let mut bins = u64::from(!self.problem.pods.is_empty());
        for (resource, needed) in needed.into_iter().filter(|(_, n)| *n > 0) {
            let largest = types().map(|t| t.capacity.get(resource)).max().filter(|most| *most > 0)?;
            let largest = i128::from(largest);
            bins = bins.max(u64::try_from((needed + largest - 1) / largest).ok()?);
        }
        Some(bins)
    }
}
