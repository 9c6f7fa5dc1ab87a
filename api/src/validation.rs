//! What a manifest must obey beyond its CRD: the checks that Karpenter runs when it reads an object, and whose outcome it
//! writes into the condition `ValidationSucceeded` (spec scheduling 1.2 and 1.4, aws-provider 1.4). All faults are found,
//! not just the first, each with its place and in Karpenter's words. What needs the AWS API to be checked is not here.

mod ec2_node_class;
mod kubelet;
mod kubelet_schema;
mod names;
mod node_overlay;
mod node_pool;
mod requirements;
mod taints;

use std::fmt;

pub use ec2_node_class::{NodeClassFault, NodeClassFindings, ec2_node_class, is_forbidden_tag};
pub use kubelet::{KubeletError, expressions as kubelet_expressions};
pub use names::{NameError, label_value, qualified_name};
pub use node_overlay::{OverlayProblem, node_overlay};
pub use node_pool::{PoolProblem, node_pool, node_pool_warnings};
pub use requirements::{RequirementError, requirement};
pub use taints::{TaintProblem, taints};

/// Something that is wrong with an object, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault<P> {
    /// The field, such as `spec.template.spec.requirements[0]`.
    pub path: String,
    /// What is wrong with it.
    pub problem: P,
}

/// Karpenter's words, which do not name the place.
impl<P: fmt::Display> fmt::Display for Fault<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl<P: std::error::Error + 'static> std::error::Error for Fault<P> {}

/// The faults as the message of a condition: joined by `; `.
#[must_use]
pub fn message<E: fmt::Display>(faults: &[E]) -> String {
    let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

fn outcome<E>(faults: Vec<E>) -> Result<(), Vec<E>> {
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}
