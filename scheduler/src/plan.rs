//! The answer: which nodes to buy, which pods go where, and why some go nowhere.
//!
//! A plan is a value that refers to its problem by index. It leaves no choice of substance open, except the one that
//! launching wants open: which of the listed types a node will be of. How a plan is carried out is not known here.

use crate::instance_type::{Overlaid, Price};
use crate::problem::Problem;
use crate::reasons::Unplaced;
use crate::requirement::Name;
use crate::requirements::Requirements;
use crate::resources::Resources;
use std::sync::Arc;

/// What a policy decided for a problem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The nodes to buy, in the order in which they were thought of.
    pub claims: Vec<PlannedClaim>,
    /// What goes to nodes that are there, in the order of the problem's nodes; only nodes that take something.
    pub existing: Vec<Placement>,
    /// The pods that could not be placed, in the order of the problem's pods.
    pub unplaced: Vec<(usize, Arc<Unplaced>)>,
    /// How cheap it could have been, where the policy can prove it.
    pub certificate: Option<Certificate>,
}

/// A proof of how cheap a plan could have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// No plan that places the same pods costs less, in dollars per hour. Rounded down wherever arithmetic rounds.
    pub bound: Price,
    /// How it was proven.
    pub proof: Proof,
    /// The rules that the proof does not know: each of them might make the cheapest plan dearer, none cheaper. In the order
    /// of the enum.
    pub left_out: Vec<LeftOut>,
    /// What Karpenter's rule would pay for the problem.
    pub first_fit: Price,
}

/// How a bound is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proof {
    /// No way of filling any node is worth more than it costs, at prices for pods that add up to the bound (Farley 1990).
    Columns,
    /// The same, where pods may be cut up like water: each resource has a price of its own.
    Fluid,
}

/// A rule that a bound does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LeftOut {
    /// Topology spread over zones and other sets of nodes; what one node may hold is known.
    Spread,
    /// Affinity and anti-affinity between pods; what one node may hold is known.
    Affinity,
    /// Limits and weights of NodePools.
    Limits,
    /// Volumes that several pods share.
    Volumes,
    /// Minimum numbers of distinct values.
    MinValues,
    /// Wishes of pods, each of which might have been given up.
    Preferences,
}

/// A node to buy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedClaim {
    /// Which of the problem's pools it comes from.
    pub pool: usize,
    /// The types it may be of, as indexes into the pool's instance types, cheapest first. Every one holds all its pods.
    pub types: Vec<usize>,
    /// What the node must be like: pool, labels and pods together.
    pub requirements: Requirements,
    /// What its pods and DaemonSet pods ask for; of DaemonSets the least that any of the types has to carry.
    pub requests: Resources,
    /// The price of the cheapest offering.
    pub price: Price,
    /// The pods meant for it, as indexes into the problem's pods, in the order in which they were placed.
    pub pods: Vec<usize>,
    /// The capacity reservations it may be launched from: one unit of each is kept for it. Empty if it is not to be
    /// launched from reserved capacity; otherwise it can be launched in no other way.
    pub reservations: Vec<Name>,
    /// Whether a minimum number of values was lowered to make this node possible.
    pub min_values_relaxed: bool,
}

/// Pods that go to a node that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Which of the problem's nodes.
    pub node: usize,
    /// The pods, as indexes into the problem's pods, in the order in which they were placed.
    pub pods: Vec<usize>,
}

impl Plan {
    /// What the new nodes cost together.
    pub fn cost(&self) -> Price {
        self.claims.iter().map(|c| c.price).sum()
    }

    /// How many pods have a place.
    pub fn placed(&self) -> usize {
        self.claims.iter().map(|c| c.pods.len()).chain(self.existing.iter().map(|e| e.pods.len())).sum()
    }
}

impl PlannedClaim {
    /// The names of the types it may be of, cheapest first.
    pub fn type_names<'p>(&'p self, problem: &'p Problem) -> impl Iterator<Item = &'p str> {
        let types = &problem.pools[self.pool].instance_types;
        self.types.iter().map(|t| &*types[*t].name)
    }

    /// What of any of the types is an overlay's word: the annotations of the NodeClaim tell it to whoever launches
    /// (specification "scheduling" 5.3).
    pub fn overlaid(&self, problem: &Problem) -> Overlaid {
        let types = &problem.pools[self.pool].instance_types;
        self.types.iter().map(|t| types[*t].overlaid).fold(Overlaid::default(), Overlaid::or)
    }
}
