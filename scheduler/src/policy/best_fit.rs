//! Best fit decreasing, as the literature on bin packing knows it, with the cheapest node for whoever needs a new one.
//!
//! With several resources it takes a measure to say which node is left fullest: the room of a node is the sum over all
//! resources of what is free, each as a share of what all pods together ask for, so that what is scarce weighs most.

use super::{Policy, Search};
use crate::cost::Memory;
use crate::greedy::{self, Manner, NodeOrder, PodOrder, TypeChoice};
use crate::plan::Plan;
use crate::problem::Problem;

/// Best fit decreasing: pods by their largest share of any resource, each to the node that is left fullest; a new node is of
/// the cheapest type that holds its first pod, and stays that.
#[derive(Clone, Copy, Debug)]
pub struct BestFit;

const MANNER: Manner = Manner { pods: PodOrder::LargestShare, nodes: NodeOrder::Fullest, types: TypeChoice::Cheapest };

impl Policy for BestFit {
    fn name(&self) -> &'static str {
        "best-fit"
    }

    fn summary(&self) -> &'static str {
        "Best fit decreasing: pods by largest share, each to the node that it leaves fullest, new nodes of the cheapest type that holds the pod"
    }

    fn plan(&self, problem: &Problem, _: &Search<'_>, _: &mut Memory) -> Plan {
        greedy::plan_in(MANNER, problem)
    }
}
