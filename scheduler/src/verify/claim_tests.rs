//! A plan that is right, with claims that are not what they should be: each break is found and named, and nothing else is.

use super::testing::{
    FAMILY, FOREIGN, GPU, LARGE, MEDIUM, SMALL, TYPE, ZONE, broken, offering, only, read, requests, right, split,
};
use super::{Plan, Problem};
use crate::instance_type::{Offering, Price};
use crate::plan::{Certificate, Proof};
use crate::problem::MinValuesPolicy;
use crate::resources::{CPU, MEMORY, NODES, PODS, Resources};
use std::sync::Arc;

#[test]
fn a_claim_is_as_narrow_as_its_pool() {
    broken(
        |_, plan| plan.claims[0].requirements.remove("karpenter.sh/nodepool"),
        &[
            "claim 0 (pool default) must be at least as narrow as its pool, which has karpenter.sh/nodepool In [default]; the claim has nothing to say on that",
        ],
    );
    broken(
        |_, plan| plan.claims[0].requirements.replace(FAMILY.into(), read("Exists", &[])),
        &[
            "claim 0 (pool default) must be at least as narrow as its pool, which has family In [c m]; the claim has family Exists",
        ],
    );
    right(|_, plan| {
        let claim = &mut plan.claims[0];
        claim.requirements.replace(FAMILY.into(), read("In", &["c"]));
        claim.types = vec![SMALL, LARGE];
    });
}

#[test]
fn a_claim_lists_types_each_once_cheapest_first_and_by_name() {
    broken(
        |_, plan| {
            plan.claims[0].types.clear();
            plan.claims[0].requests = Resources::new().with(CPU, 1800).with(MEMORY, 2 << 30).with(PODS, 2);
        },
        &["claim 0 (pool default) lists no instance type that it could be of"],
    );
    broken(
        |_, plan| plan.claims[0].types = vec![SMALL, MEDIUM, LARGE, LARGE],
        &["claim 0 (pool default) lists c-large more than once"],
    );
    let order = "types must come cheapest first, and by name where prices are equal";
    broken(
        |_, plan| plan.claims[0].types = vec![SMALL, LARGE, MEDIUM],
        &[&format!("claim 0 (pool default) lists m-medium after c-large: {order}")],
    );
    broken(
        |problem, _| {
            problem.pools[0].change_type(LARGE, |large| large.offerings = vec![offering("a", 0.25)]);
        },
        &[&format!("claim 0 (pool default) lists c-large after m-medium: {order}")],
    );
}

#[test]
fn every_type_has_the_labels_and_is_on_offer() {
    broken(
        |_, plan| plan.claims[0].types.push(FOREIGN),
        &["claim 0 (pool default) lists x-foreign, whose labels contradict the requirements of the claim"],
    );
    let no_offer = "claim 0 (pool default) lists c-large, which has no launchable offering that the claim's requirements leave open";
    let with = |problem: &mut Problem, change: &dyn Fn(&mut Offering)| {
        problem.pools[0].change_type(LARGE, |large| change(&mut large.offerings[0]));
    };
    broken(|problem, _| with(problem, &|in_a| in_a.available = false), &[no_offer]);
    broken(|problem, _| with(problem, &|in_a| in_a.reservation_capacity = Some(0)), &[no_offer]);
    broken(
        |problem, _| {
            with(problem, &|in_a| Arc::make_mut(&mut in_a.requirements).replace(ZONE.into(), read("In", &["c"])))
        },
        &[no_offer],
    );
    broken(
        |problem, _| with(problem, &|in_a| Arc::make_mut(&mut in_a.requirements).add("rack", read("In", &["9"]))),
        &[no_offer],
    );
}

#[test]
fn every_type_holds_the_pods_beside_its_daemon_sets() {
    broken(
        |problem, _| problem.pools[0].change_type(LARGE, |large| large.capacity.set(CPU, 1800)),
        &["claim 0 (pool default) lists c-large, which leaves cpu 1700m beside its DaemonSets; the pods need 1800m"],
    );
    broken(
        |problem, _| problem.pools[0].change_type(LARGE, |large| large.overhead.kube_reserved.set(MEMORY, 31 << 30)),
        &["claim 0 (pool default) lists c-large, which leaves memory 1Gi beside its DaemonSets; the pods need 2Gi"],
    );
    broken(
        |problem, _| problem.pools[0].change_type(LARGE, |large| large.capacity.set("example.com/dongle", -1)),
        &[
            "claim 0 (pool default) lists c-large, which leaves example.com/dongle -1 beside its DaemonSets; the pods need 0",
        ],
    );
    broken(
        |problem, plan| {
            problem.daemons.push(problem.daemons[0].clone());
            problem.daemons[1].requests = requests(200, 0);
            problem.daemons[1].selection.required = vec![only(FAMILY, "In", &["m"]), only(FAMILY, "In", &["c"])];
            plan.claims[0].requests.add(&problem.daemons[1].requests);
        },
        &["claim 0 (pool default) lists c-small, which leaves cpu 1700m beside its DaemonSets; the pods need 1800m"],
    );
}

#[test]
fn requests_are_those_of_the_pods_and_the_least_that_daemon_sets_take() {
    let instead = |found| format!("its pods and the least that DaemonSets take on its types make {found}");
    broken(
        |_, plan| plan.claims[0].requests.set(CPU, 1800),
        &[&format!("claim 0 (pool default) requests cpu 1800m; {}", instead("1900m"))],
    );
    broken(
        |_, plan| plan.claims[0].requests.set(GPU, 1),
        &[&format!("claim 0 (pool default) requests nvidia.com/gpu 1; {}", instead("0"))],
    );
    let on_large_only = |problem: &mut Problem| problem.daemons[0].selection.selector = only(TYPE, "In", &["c-large"]);
    right(|problem, plan| {
        on_large_only(problem);
        plan.claims[0].requests = Resources::new().with(CPU, 1800).with(MEMORY, 2 << 30).with(PODS, 2);
    });
    broken(
        |problem, _| on_large_only(problem),
        &[
            &format!("claim 0 (pool default) requests cpu 1900m; {}", instead("1800m")),
            &format!("claim 0 (pool default) requests pods 3; {}", instead("2")),
        ],
    );
}

#[test]
fn the_price_is_that_of_the_cheapest_offering_left_open() {
    broken(
        |_, plan| plan.claims[0].price = Price::from_dollars(0.25),
        &["claim 0 (pool default) is priced at $0.2500/h; its cheapest launchable offering costs $0.1000/h"],
    );
    right(|problem, _| problem.pools[0].change_type(SMALL, |small| small.offerings.push(offering("b", 0.01))));
    broken(
        |_, plan| {
            let bound = Price::from_dollars(0.2);
            plan.certificate =
                Some(Certificate { bound, proof: Proof::Fluid, left_out: vec![], first_fit: Price::from_dollars(0.3) });
        },
        &["the plan costs $0.1000/h, which is less than $0.2000/h, its own lower bound on the price of any plan"],
    );
}

#[test]
fn minimum_numbers_of_values_are_kept_or_lowered_openly() {
    let family = |n| read("In", &["c", "m"]).with_min_values(Some(n));
    let asks = |problem: &mut Problem, plan: &mut Plan, pool, claim| {
        problem.pools[0].requirements.replace(FAMILY.into(), family(pool));
        plan.claims[0].requirements.replace(FAMILY.into(), family(claim));
    };
    right(|problem, plan| asks(problem, plan, 2, 2));
    broken(
        |problem, plan| {
            asks(problem, plan, 2, 2);
            plan.claims[0].types = vec![SMALL, LARGE];
        },
        &["claim 0 (pool default) must keep 2 values of family open; its types leave 1"],
    );
    let lowered = "allowed only under BestEffort, and marked as relaxed";
    let message = |n: u32| {
        format!("claim 0 (pool default) lowers the minimum number of values of family from 2 to {n}: {lowered}")
    };
    broken(|problem, plan| asks(problem, plan, 2, 1), &[&message(1)]);
    broken(|problem, _| problem.pools[0].requirements.replace(FAMILY.into(), family(2)), &[&message(0)]);
    let best_effort = |problem: &mut Problem, plan: &mut Plan, own, marked| {
        asks(problem, plan, 2, own);
        problem.settings.min_values = MinValuesPolicy::BestEffort;
        plan.claims[0].min_values_relaxed = marked;
    };
    right(|problem, plan| best_effort(problem, plan, 1, true));
    broken(|problem, plan| best_effort(problem, plan, 1, false), &[&message(1)]);
    broken(
        |problem, plan| best_effort(problem, plan, 2, true),
        &[
            "claim 0 (pool default) is marked as having a lowered minimum number of values, but none is lower than its pool's",
        ],
    );
    // Only values that the claim still allows count.
    broken(
        |problem, plan| {
            asks(problem, plan, 2, 2);
            let zones = read("In", &["a", "b"]).with_min_values(Some(2));
            problem.pools[0].requirements.add(ZONE, zones.clone());
            plan.claims[0].requirements.add(ZONE, zones);
        },
        &["claim 0 (pool default) must keep 2 values of topology.kubernetes.io/zone open; its types leave 1"],
    );
}

#[test]
fn the_claims_of_a_pool_stay_within_its_limits() {
    let limited = |problem: &mut Problem, resource: &str, left| {
        problem.pools[0].remaining = Some(Resources::new().with(resource, left));
    };
    right(|problem, _| limited(problem, CPU, 16_000));
    broken(
        |problem, _| limited(problem, CPU, 4000),
        &["claim 0 (pool default) lists c-large with cpu 16; the limits of the pool leave 4"],
    );
    let two_small = |problem: &mut Problem, plan: &mut Plan, left| {
        split(problem, plan);
        plan.claims.iter_mut().for_each(|claim| claim.types = vec![SMALL]);
        limited(problem, CPU, left);
    };
    right(|problem, plan| two_small(problem, plan, 4000));
    broken(
        |problem, plan| two_small(problem, plan, 3999),
        &["the claims of pool default take at least cpu 4; its limits leave 3999m"],
    );
    let nodes = |problem: &mut Problem, plan: &mut Plan, left| {
        split(problem, plan);
        limited(problem, NODES, left);
    };
    right(|problem, plan| nodes(problem, plan, 2));
    broken(
        |problem, plan| nodes(problem, plan, 1),
        &["the claims of pool default take at least nodes 2; its limits leave 1"],
    );
    // Over its limit already, a pool buys nothing, not even what it has none of.
    let over = |name: &str| {
        format!("claim 0 (pool default) lists {name} with nvidia.com/gpu 0; the limits of the pool leave -1")
    };
    broken(
        |problem, _| limited(problem, GPU, -1),
        &[
            &over("c-small"),
            &over("m-medium"),
            &over("c-large"),
            "the claims of pool default take at least nvidia.com/gpu 0; its limits leave -1",
        ],
    );
}
