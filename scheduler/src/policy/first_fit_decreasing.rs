//! First fit decreasing, as the literature on bin packing knows it, with the cheapest node for whoever needs a new one.
//!
//! It settles the type of a node by the node's first pod alone. What that costs on real workloads is what it is here to show.

use super::{Policy, Search};
use crate::cost::Memory;
use crate::greedy::{self, Manner, NodeOrder, PodOrder, TypeChoice};
use crate::plan::Plan;
use crate::problem::Problem;

/// First fit decreasing: pods by their largest share of any resource, each to the first node that takes it; a new node is of
/// the cheapest type that holds its first pod, and stays that.
#[derive(Clone, Copy, Debug)]
pub struct FirstFitDecreasing;

const MANNER: Manner = Manner { pods: PodOrder::LargestShare, nodes: NodeOrder::First, types: TypeChoice::Cheapest };

impl Policy for FirstFitDecreasing {
    fn name(&self) -> &'static str {
        "ffd"
    }

    fn summary(&self) -> &'static str {
        "First fit decreasing: pods by largest share, each to the first node that takes it, new nodes of the cheapest type that holds the pod"
    }

    fn plan(&self, problem: &Problem, _: &Search<'_>, _: &mut Memory) -> Plan {
        greedy::plan_in(MANNER, problem)
    }
}
