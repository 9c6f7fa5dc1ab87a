//! Is a plan right? Every rule that a plan has to keep, asked of the finished plan.
//!
//! Whoever launches a claim may take any of its listed types in any way of buying that its requirements leave open, so
//! every one of them must hold the pods, and the claim alone must assure what they require. Nothing is planned here and
//! nothing is taken over from the policies: only the algebra of requirements, resources and taints is shared with them,
//! so that a mistake in a policy is not made twice. Whether a better plan exists, or a pod is left out that had a place,
//! is not asked.

mod accounting;
#[cfg(test)]
mod claim_tests;
mod claims;
mod daemons;
mod nodes;
#[cfg(test)]
mod placement_tests;
#[cfg(test)]
mod random_tests;
mod selection;
mod stock;
#[cfg(test)]
mod testing;
mod violation;

use crate::plan::Plan;
use crate::problem::Problem;
pub use violation::{List, Place, Violation};

/// Checks a plan against its problem (specification "scheduling" 3 to 6, as far as the scheduler keeps them today).
///
/// The rules: every pod is accounted for once; pods with rules that cannot be kept yet are not placed; a claim is at
/// least as narrow as its pool, demands no label that nothing defines, and assures each pod's node selector and one of
/// its required terms; taints are tolerated, those that only prefer aside; every listed type has the labels, is on offer
/// and holds the pods beside the DaemonSets; types are sorted by price, and price and requests are what they should be;
/// minimum numbers of values are kept, or lowered openly under BestEffort; the claims of a pool stay within its limits
/// even if the smallest of their types are launched, and no type is listed that exceeds them alone; existing nodes have
/// the labels and the room.
///
/// It takes time in proportion to the pods, and to the claims times the types that each lists.
///
/// # Errors
/// With everything that was found wrong. A plan or problem with indexes that point at nothing is such a case.
pub fn verify(problem: &Problem, plan: &Plan) -> Result<(), Vec<Violation>> {
    let mut found = vec![];
    accounting::check(problem, plan, &mut found);
    claims::check(problem, plan, &mut found);
    nodes::check(problem, plan, &mut found);
    if let Some(bound) = plan.bound.filter(|bound| plan.cost() < *bound) {
        found.push(Violation::BelowBound { cost: plan.cost(), bound });
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}
