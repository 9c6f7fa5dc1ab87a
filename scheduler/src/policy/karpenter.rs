//! Karpenter's own rule: the largest pods first, each to the first node that takes it.
//!
//! It is the baseline that other policies are measured against, and the answer that is always there in time.

use super::{Policy, Search};
use crate::cost::Memory;
use crate::greedy;
use crate::plan::Plan;
use crate::problem::Problem;

/// First fit in Karpenter's order.
#[derive(Clone, Copy, Debug)]
pub struct Karpenter;

impl Policy for Karpenter {
    fn name(&self) -> &'static str {
        "karpenter"
    }

    fn summary(&self) -> &'static str {
        "Karpenter's rule: largest pods first, each to the first node that takes it"
    }

    fn plan(&self, problem: &Problem, _: &Search<'_>, _: &mut Memory) -> Plan {
        greedy::plan(problem)
    }
}
