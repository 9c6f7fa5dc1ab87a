//! The least money: column generation, rounding and repair, with a proof of how little it could be.

use super::{Policy, Search};
use crate::cost::{self, Memory};
use crate::plan::Plan;
use crate::problem::Problem;

/// The cheapest set of nodes that can be found in the time given, never dearer than Karpenter's.
#[derive(Clone, Copy, Debug)]
pub struct Cost;

impl Policy for Cost {
    fn name(&self) -> &'static str {
        "cost"
    }

    fn summary(&self) -> &'static str {
        "the cheapest set of nodes that can be found in the time given, and a proof of how cheap it could be"
    }

    fn plan(&self, problem: &Problem, search: &Search<'_>, memory: &mut Memory) -> Plan {
        cost::plan(problem, search, memory)
    }
}
