//! Is reserved capacity promised only where it can be had, and no more often than there is of it?
//!
//! A claim that holds reservations can be launched from these and in no other way; each must be on sale on one of its
//! types. Whoever is launched first may take any of its reservations, so a claim counts as one unit of each. What a
//! claim costs and which types it may list, others ask (specification "scheduling" 4.13, "v1.15 changes" 6).

use super::stock::{Choice, Stock};
use super::{Place, Violation};
use crate::plan::{Plan, PlannedClaim};
use crate::problem::{Problem, Reservations};
use crate::requirement::{Name, Requirement};
use crate::requirements::Requirements;
use dovetail_api::labels::{CAPACITY_TYPE, CAPACITY_TYPE_RESERVED};
use std::collections::{BTreeMap, BTreeSet};

/// Checks what one claim holds.
pub(super) fn on_claim(
    rules: Option<&Reservations>,
    place: &Place,
    claim: &PlannedClaim,
    types: &[usize],
    (stock, choice): (&Stock<'_>, &Choice),
    found: &mut Vec<Violation>,
) {
    let Some(first) = claim.reservations.first() else { return };
    let Some(rules) = rules else {
        found.push(Violation::UnaskedReservation { place: place.clone(), reservation: first.clone() });
        return;
    };
    let held = Requirement::any_of(claim.reservations.iter().map(AsRef::as_ref));
    let reserved = Requirement::any_of([CAPACITY_TYPE_RESERVED]);
    for (key, needed) in [(CAPACITY_TYPE, &reserved), (&*rules.label, &held)] {
        let own = claim.requirements.get(key).map(|own| own.clone().with_min_values(None));
        if own.as_ref() != Some(needed) {
            let (key, needed) = (key.into(), needed.clone());
            found.push(Violation::LooseReservation { place: place.clone(), key, needed, found: own });
        }
    }
    let sold: BTreeSet<&Name> =
        types.iter().flat_map(|t| stock.ways(*t, choice)).filter_map(|way| named(way, rules)).collect();
    for reservation in claim.reservations.iter().filter(|reservation| !sold.contains(reservation)) {
        found.push(Violation::ReservationNotOnOffer { place: place.clone(), reservation: reservation.clone() });
    }
}

/// Checks that no reservation is held more often than it has units: the fewest that any offering says that is available.
pub(super) fn totals(problem: &Problem, plan: &Plan, found: &mut Vec<Violation>) {
    let Some(rules) = &problem.reservations else { return };
    let mut held: BTreeMap<&Name, (u32, u32)> = BTreeMap::new();
    for reservation in plan.claims.iter().flat_map(|claim| &claim.reservations) {
        held.entry(reservation).or_insert((0, u32::MAX)).0 += 1;
    }
    if held.is_empty() {
        return;
    }
    let offerings = problem.pools.iter().flat_map(|pool| pool.instance_types.iter()).flat_map(|t| &t.offerings);
    for offering in offerings.filter(|offering| offering.available) {
        if let (Some(units), Some(name)) = (offering.reservation_capacity, named(&offering.requirements, rules))
            && let Some((_, least)) = held.get_mut(name)
        {
            *least = units.min(*least);
        }
    }
    for (reservation, (held, units)) in held.into_iter().filter(|(_, (held, units))| held > units) {
        found.push(Violation::OverReserved { reservation: reservation.clone(), held, units });
    }
}

/// The reservation that an offering draws on.
fn named<'r>(way: &'r Requirements, rules: &Reservations) -> Option<&'r Name> {
    way.get(&rules.label)?.single()
}
