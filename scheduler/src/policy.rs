//! Policies: ways to answer a problem with a plan.
//!
//! A policy is one file that implements [`Policy`] and one line in [`POLICIES`]; then it can be planned with, simulated
//! and compared. What is a valid plan does not depend on the policy.

use crate::plan::Plan;
use crate::problem::Problem;

mod karpenter;

pub use karpenter::Karpenter;

/// A way to answer a problem with a plan.
pub trait Policy: Sync {
    /// The name it is asked for by.
    fn name(&self) -> &'static str;

    /// What it does, in a line, for people who choose.
    fn summary(&self) -> &'static str;

    /// Decides. The same problem always gives the same plan.
    fn plan(&self, problem: &Problem) -> Plan;
}

/// Every policy there is.
pub const POLICIES: &[&dyn Policy] = &[&Karpenter];

/// The policy of that name.
pub fn by_name(name: &str) -> Option<&'static dyn Policy> {
    POLICIES.iter().copied().find(|p| p.name() == name)
}
