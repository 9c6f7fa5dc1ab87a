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
mod neighbours;
mod nodes;
#[cfg(test)]
mod placement_tests;
mod ports;
#[cfg(test)]
pub(crate) mod random_problems;
#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod reservation_tests;
mod reservations;
#[cfg(test)]
mod room_tests;
mod selection;
mod shops;
mod stock;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod town;
mod violation;
mod volumes;

use crate::plan::Plan;
use crate::problem::Problem;
use shops::Shops;
pub use violation::{List, Place, PortHolder, Violation};

/// Checks a plan against its problem (specification "scheduling" 3 to 6, "v1.15 changes" 6 and 8.1 to 8.3).
///
/// The rules: every pod is accounted for once; pods with rules that cannot be kept yet are not placed; a claim is at
/// least as narrow as its pool, demands no label that nothing defines, and assures each pod's node selector and one of
/// its required terms, and a place where its volumes can be used; taints are tolerated, those that only prefer aside;
/// every listed type has the labels, is on offer, holds the pods beside the DaemonSets, leaves them their host ports and
/// attaches their volumes; types are sorted by price, and price and requests are what they should be; minimum numbers of
/// values are kept, or lowered openly under BestEffort; the claims of a pool stay within its limits even if the smallest
/// of their types are launched, and no type is listed that exceeds them alone; existing nodes have the labels, the room,
/// the ports and the volumes, and are not going away; a claim that holds capacity reservations can be launched from them
/// and in no other way, one that holds none in another way, and no reservation is promised more often than it has units;
/// spread, affinity and anti-affinity are kept, the latter in both directions.
///
/// It takes time in proportion to the pods, to the claims times the types that each lists, and to the rules between pods
/// times the nodes. Only where spreads do not hold in the end, an order of placement is searched, which can take longer.
///
/// # Errors
/// With everything that was found wrong. A plan or problem with indexes that point at nothing is such a case.
pub fn verify(problem: &Problem, plan: &Plan) -> Result<(), Vec<Violation>> {
    let mut found = vec![];
    accounting::check(problem, plan, &mut found);
    let mut shops = Shops::new(problem);
    claims::check(problem, plan, &mut shops, &mut found);
    nodes::check(problem, plan, &mut found);
    neighbours::check(problem, plan, &mut shops, &mut found);
    if let Some(bound) = plan.certificate.as_ref().map(|c| c.bound).filter(|bound| plan.cost() < *bound) {
        found.push(Violation::BelowBound { cost: plan.cost(), bound });
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}
