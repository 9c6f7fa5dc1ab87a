//! How long and for what a policy searches: its budget, its seed, and what counts besides the price.
//!
//! A search that is bounded by steps alone gives the same plan on every machine. Whoever wants an answer by a certain
//! time hands in a clock of his own: nothing here can tell the time.

use crate::instance_type::Price;
use std::fmt;

/// The terms of a search.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// Where chance begins; the same seed finds the same plan.
    pub seed: u64,
    /// How much work may be done, in steps of some hundred nanoseconds each. Counted the same way on every machine.
    pub steps: u64,
    /// Which share of the time is spent; from 1 on time is up. Asked often: it should be quick.
    pub spent: &'a (dyn Fn() -> f64 + Sync),
    /// What a node costs besides its price, in dollars per hour: it decides between many small nodes and few large ones of
    /// the same price, and is not part of what a plan costs.
    pub node_cost: Price,
    /// How much dearer than the cheapest a type may be to stay among those that a node may be launched as, in percent.
    /// `None` keeps every type that holds the pods.
    pub price_band: Option<u32>,
    /// How many types a spot node keeps at least, where so many hold its pods, whatever the band says.
    pub spot_types: usize,
    /// What being interrupted is reckoned to add to a spot price, in percent of it. It is not part of what a plan costs.
    pub spot_risk: u32,
}

impl Search<'_> {
    /// The steps that are done in a millisecond on an ordinary machine: how a budget of time becomes one of steps where a
    /// plan must not depend on the clock.
    pub const STEPS_PER_MILLISECOND: u64 = 10_000;

    /// The budget for so many pods unless someone says otherwise: 100 ms and 1 ms for every 100 pods, at most 2 s.
    pub fn usual_milliseconds(pods: usize) -> u64 {
        (100 + u64::try_from(pods / 100).unwrap_or(u64::MAX)).min(2_000)
    }
}

impl Default for Search<'_> {
    /// Bounded by steps, as for a hundred milliseconds.
    fn default() -> Self {
        Self {
            seed: 0,
            steps: 100 * Self::STEPS_PER_MILLISECOND,
            spent: &|| 0.0,
            node_cost: Price::from_picodollars(10_000_000_000),
            price_band: Some(25),
            spot_types: 5,
            spot_risk: 5,
        }
    }
}

impl fmt::Debug for Search<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search").field("seed", &self.seed).field("steps", &self.steps).finish_non_exhaustive()
    }
}
