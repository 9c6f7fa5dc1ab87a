//! First fit decreasing that buys by the price of what is needed, not by the price of a node.
//!
//! The type with the lowest price for the share that dominates there: the price of a type times the largest share that
//! everything still to come would take of one. A type for which that share is less than the whole costs its price.

use super::{Policy, Search};
use crate::cost::Memory;
use crate::greedy::{self, Manner, NodeOrder, PodOrder, TypeChoice};
use crate::plan::Plan;
use crate::problem::Problem;

/// First fit decreasing with new nodes of the type that is cheapest for what is still to come.
#[derive(Clone, Copy, Debug)]
pub struct CheapestPerResource;

const MANNER: Manner =
    Manner { pods: PodOrder::LargestShare, nodes: NodeOrder::First, types: TypeChoice::CheapestForTheRest };

impl Policy for CheapestPerResource {
    fn name(&self) -> &'static str {
        "cheapest-per-resource"
    }

    fn summary(&self) -> &'static str {
        "First fit decreasing, new nodes of the type with the lowest price per dominant resource of what is still to place"
    }

    fn plan(&self, problem: &Problem, _: &Search<'_>, _: &mut Memory) -> Plan {
        greedy::plan_in(MANNER, problem)
    }
}
