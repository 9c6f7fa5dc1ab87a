//! A plan that is right, with capacity reservations: each break is found and named, and nothing else is.

use super::testing::{CAPACITY_TYPE, RESERVATION, SMALL, ZONE, broken, read, right, split};
use super::{Plan, Problem};
use crate::instance_type::{Offering, Price};
use crate::problem::Reservations;
use crate::requirements::Requirements;
use std::sync::Arc;

/// The small type can be had from reservation r-1 in zone a, which has so many units, and the claim holds one.
fn reserved(problem: &mut Problem, plan: &mut Plan, units: u32) {
    problem.reservations = Some(Reservations { label: RESERVATION.into(), strict: true });
    problem.pools[0].change_type(SMALL, |small| {
        small.requirements.replace(CAPACITY_TYPE.into(), read("In", &["on-demand", "reserved"]));
        small.requirements.add(RESERVATION, read("In", &["r-1"]));
        small.offerings.push(Offering {
            requirements: Arc::new(Requirements::from_labels([
                (ZONE, "a"),
                (CAPACITY_TYPE, "reserved"),
                (RESERVATION, "r-1"),
            ])),
            price: Price::from_dollars(0.001),
            available: true,
            reservation_capacity: Some(units),
        });
    });
    let claim = &mut plan.claims[0];
    claim.types = vec![SMALL];
    claim.requirements.add(CAPACITY_TYPE, read("In", &["reserved"]));
    claim.requirements.add(RESERVATION, read("In", &["r-1"]));
    claim.reservations = vec!["r-1".into()];
    claim.price = Price::from_dollars(0.001);
}

#[test]
fn a_claim_that_holds_a_reservation_can_be_launched_from_it_only() {
    right(|problem, plan| reserved(problem, plan, 1));
    let must = "claim 0 (pool default) holds capacity reservations and must require";
    broken(
        |problem, plan| {
            reserved(problem, plan, 1);
            plan.claims[0].requirements.remove(RESERVATION);
        },
        &[&format!("{must} reservation In [r-1]; it has nothing to say on that")],
    );
    broken(
        |problem, plan| {
            reserved(problem, plan, 1);
            plan.claims[0].requirements.replace(CAPACITY_TYPE.into(), read("In", &["on-demand", "reserved"]));
        },
        &[&format!(
            "{must} karpenter.sh/capacity-type In [reserved]; it requires karpenter.sh/capacity-type In [on-demand reserved]"
        )],
    );
}

#[test]
fn a_reservation_that_is_held_is_on_sale() {
    broken(
        |problem, plan| {
            reserved(problem, plan, 1);
            plan.claims[0].requirements.replace(RESERVATION.into(), read("In", &["r-1", "r-2"]));
            plan.claims[0].reservations.push("r-2".into());
        },
        &["claim 0 (pool default) holds capacity reservation r-2, from which none of its types can be launched"],
    );
}

#[test]
fn no_reservation_is_promised_more_often_than_it_has_units() {
    let twice = |problem: &mut Problem, plan: &mut Plan, units| {
        reserved(problem, plan, units);
        split(problem, plan);
    };
    right(|problem, plan| twice(problem, plan, 2));
    broken(
        |problem, plan| twice(problem, plan, 1),
        &["the claims hold 2 units of capacity reservation r-1, which has 1"],
    );
    // The fewest that any offering says: another type knows of one unit only.
    broken(
        |problem, plan| {
            twice(problem, plan, 2);
            let mut other = problem.pools[0].instance_types[SMALL].offerings[2].clone();
            other.reservation_capacity = Some(1);
            problem.pools[0].change_type(3, |foreign| foreign.offerings.push(other));
        },
        &["the claims hold 2 units of capacity reservation r-1, which has 1"],
    );
}

#[test]
fn what_is_sold_out_of_a_reservation_cannot_be_launched() {
    broken(
        |problem, plan| reserved(problem, plan, 0),
        &[
            "claim 0 (pool default) lists c-small, which has no launchable offering that the claim's requirements leave open",
            "claim 0 (pool default) holds capacity reservation r-1, from which none of its types can be launched",
            "the claims hold 1 units of capacity reservation r-1, which has 0",
        ],
    );
}

#[test]
fn a_claim_that_holds_nothing_is_not_launched_from_reserved_capacity() {
    let unreserved = |problem: &mut Problem, plan: &mut Plan| {
        reserved(problem, plan, 1);
        let claim = &mut plan.claims[0];
        claim.requirements.remove(RESERVATION);
        claim.requirements.remove(CAPACITY_TYPE);
        claim.reservations.clear();
        claim.price = Price::from_dollars(0.1);
    };
    right(unreserved);
    broken(
        |problem, plan| {
            unreserved(problem, plan);
            plan.claims[0].price = Price::from_dollars(0.001);
        },
        &["claim 0 (pool default) is priced at $0.0010/h; its cheapest launchable offering costs $0.1000/h"],
    );
    broken(
        |problem, plan| {
            unreserved(problem, plan);
            problem.pools[0].change_type(SMALL, |small| small.offerings.retain(|o| o.reservation_capacity.is_some()));
        },
        &[
            "claim 0 (pool default) lists c-small, which has no launchable offering that the claim's requirements leave open",
        ],
    );
}

#[test]
fn where_reservations_are_not_counted_they_are_like_any_other_capacity() {
    let uncounted = |problem: &mut Problem, plan: &mut Plan| {
        reserved(problem, plan, 1);
        problem.reservations = None;
    };
    broken(
        uncounted,
        &["claim 0 (pool default) holds capacity reservation r-1, but in this problem reservations are not held"],
    );
    right(|problem, plan| {
        uncounted(problem, plan);
        plan.claims[0].reservations.clear();
    });
}
