//! A plan that is right, broken in one way after the other: each break is found, named, and nothing else is.

use super::testing::{
    FAMILY, FOREIGN, GPU, LARGE, MEDIUM, SMALL, Scene, TEAM, ZONE, machine, offering, only, read, red, requests,
};
use super::{Place, Plan, Problem, Violation};
use crate::instance_type::Price;
use crate::plan::{Placement, PlannedClaim};
use crate::problem::{MinValuesPolicy, NodeSelection, PodClass};
use crate::reasons::Unplaced;
use crate::resources::{CPU, MEMORY, NODES, PODS, Resources};
use crate::taint::{Comparison, Effect, Toleration};
use std::sync::Arc;

/// The scene, changed, draws these complaints and no others.
#[track_caller]
fn broken(change: impl FnOnce(&mut Problem, &mut Plan), complaints: &[&str]) {
    assert_eq!(Scene::but(change).complaints(), complaints);
}

/// The scene, changed, is still right.
#[track_caller]
fn right(change: impl FnOnce(&mut Problem, &mut Plan)) {
    broken(change, &[]);
}

fn nowhere() -> Arc<Unplaced> {
    Arc::new(Unplaced::NoPools)
}

/// A second node for the second pod, like the first.
fn split(_: &mut Problem, plan: &mut Plan) {
    let requests = Resources::new().with(CPU, 1000).with(MEMORY, 1 << 30).with(PODS, 2);
    let one = PlannedClaim { requests, pods: vec![0], ..plan.claims[0].clone() };
    plan.claims = vec![one.clone(), PlannedClaim { pods: vec![1], ..one }];
}

#[test]
fn the_scene_itself_is_right() {
    right(|_, _| {});
    right(split);
}

#[test]
fn every_pod_is_accounted_for_once() {
    broken(
        |_, plan| plan.unplaced.clear(),
        &["pod render-0 is neither placed nor listed as unplaced: every pod must be accounted for"],
    );
    broken(
        |_, plan| plan.unplaced.insert(0, (2, nowhere())),
        &["pod web-2 is in the plan 2 times: it must be placed once or listed as unplaced once"],
    );
    broken(
        |_, plan| plan.unplaced = vec![(3, nowhere()), (3, nowhere())],
        &[
            "pod render-0 is in the plan 2 times: it must be placed once or listed as unplaced once",
            "the unplaced pods of the plan are not in the order of the problem, each once",
        ],
    );
}

#[test]
fn an_index_that_points_at_nothing_is_found_and_nothing_breaks() {
    let only_has = |len| format!("but the problem has only {len} of them");
    broken(
        |_, plan| plan.unplaced.push((9, nowhere())),
        &[&format!("the list of unplaced pods refers to number 9 of the pods, {}", only_has(4))],
    );
    broken(
        |_, plan| plan.claims[0].pods.push(7),
        &[&format!("claim 0 refers to number 7 of the pods, {}", only_has(4))],
    );
    broken(|_, plan| plan.claims[0].pool = 1, &[&format!("claim 0 refers to number 1 of the pools, {}", only_has(1))]);
    broken(
        |_, plan| plan.claims[0].types.push(4),
        &[&format!("claim 0 (pool default) refers to number 4 of the instance types of the pool, {}", only_has(4))],
    );
    broken(
        |_, plan| plan.existing[0].node = 1,
        &[&format!("placement 0 on existing nodes refers to number 1 of the nodes, {}", only_has(1))],
    );
    broken(
        |problem, _| problem.pods[3].class = 2,
        &[&format!("pod render-0 refers to number 2 of the pod classes, {}", only_has(2))],
    );
}

#[test]
fn nodes_come_in_the_order_of_the_problem_each_once() {
    let disorder = "the existing nodes of the plan are not in the order of the problem, each once";
    let another = |problem: &mut Problem| problem.nodes.push(problem.nodes[0].clone());
    broken(
        |_, plan| plan.existing.push(Placement { node: 0, pods: vec![] }),
        &[disorder, "node n1 is in the plan but takes no pod"],
    );
    let spread = |problem: &mut Problem, plan: &mut Plan, nodes: [usize; 2]| {
        another(problem);
        split(problem, plan);
        plan.claims.pop();
        plan.existing = vec![Placement { node: nodes[0], pods: vec![1] }, Placement { node: nodes[1], pods: vec![2] }];
    };
    right(|problem, plan| spread(problem, plan, [0, 1]));
    broken(|problem, plan| spread(problem, plan, [1, 0]), &[disorder]);
}

#[test]
fn a_claim_without_pods_is_waste() {
    broken(
        |problem, plan| {
            let idle =
                PlannedClaim { requests: problem.daemons[0].requests.clone(), pods: vec![], ..plan.claims[0].clone() };
            plan.claims.push(idle);
        },
        &["claim 1 (pool default) is in the plan but takes no pod"],
    );
}

#[test]
fn a_pod_with_a_rule_that_cannot_be_kept_is_not_placed() {
    let rule = "which asks for host ports: that cannot be kept yet, so it must stay unplaced";
    broken(
        |problem, _| problem.classes[0].unsupported = vec!["host ports".into()],
        &[&format!("claim 0 (pool default) takes pod web-0, {rule}"), &format!("node n1 takes pod web-2, {rule}")],
    );
}

#[test]
fn taints_keep_pods_away_unless_they_only_prefer_to() {
    for (effect, name) in [(Effect::NoSchedule, "NoSchedule"), (Effect::NoExecute, "NoExecute")] {
        // The agent does not come to a tainted pool either.
        let tainted = |problem: &mut Problem, plan: &mut Plan| {
            problem.pools[0].taints = vec![red(effect)];
            plan.claims[0].requests = Resources::new().with(CPU, 1800).with(MEMORY, 2 << 30).with(PODS, 2);
        };
        let complaint =
            format!("claim 0 (pool default) has the taint team=red:{name}, which pod web-0 does not tolerate");
        broken(tainted, &[&complaint]);
        right(|problem, plan| {
            tainted(problem, plan);
            problem.classes[0].tolerations =
                vec![Toleration { key: TEAM.into(), comparison: Comparison::Exists, value: "".into(), effect: None }];
        });
        broken(
            |problem, _| problem.nodes[0].taints = vec![red(effect)],
            &[&format!("node n1 has the taint team=red:{name}, which pod web-2 does not tolerate")],
        );
    }
    right(|problem, _| {
        problem.pools[0].taints = vec![red(Effect::PreferNoSchedule)];
        problem.nodes[0].taints = vec![red(Effect::PreferNoSchedule)];
    });
}

#[test]
fn a_label_that_nothing_defines_cannot_be_had() {
    let asking = |problem: &mut Problem, plan: &mut Plan| {
        problem.classes[1] = PodClass { requests: requests(900, 1), ..PodClass::default() };
        problem.classes[1].selection.selector = only(TEAM, "In", &["red"]);
        plan.unplaced.clear();
        plan.claims[0].pods = vec![0, 3];
        plan.unplaced = vec![(1, nowhere())];
        plan.claims[0].requirements.add(TEAM, read("In", &["red"]));
    };
    broken(
        asking,
        &[
            "claim 0 (pool default) demands team In [red], but neither its pool nor the well-known labels define team",
            "claim 0 (pool default) takes pod render-0, which asks for the label team: nothing defines it there",
        ],
    );
    right(|problem, plan| {
        asking(problem, plan);
        problem.pools[0].requirements.add(TEAM, read("Exists", &[]));
    });
    broken(
        |problem, _| problem.classes[0].selection.selector.add(FAMILY, read("In", &["c", "m"])),
        &["node n1 takes pod web-2, which asks for the label family: nothing defines it there"],
    );
}

#[test]
fn the_claim_alone_assures_what_its_pods_select() {
    broken(
        |_, plan| plan.claims[0].requirements.remove(ZONE),
        &[
            "claim 0 (pool default) takes pod web-0, which requires topology.kubernetes.io/zone In [a]; the place has nothing to say on that",
        ],
    );
    broken(
        |_, plan| plan.claims[0].requirements.replace(ZONE.into(), read("In", &["a", "b"])),
        &[
            "claim 0 (pool default) takes pod web-0, which requires topology.kubernetes.io/zone In [a]; the place has topology.kubernetes.io/zone In [a b]",
        ],
    );
    broken(
        |problem, _| problem.nodes[0].labels.replace(ZONE.into(), read("In", &["b"])),
        &[
            "node n1 takes pod web-2, which requires topology.kubernetes.io/zone In [a]; the place has topology.kubernetes.io/zone In [b]",
        ],
    );
}

#[test]
fn one_required_term_must_hold_and_preferences_need_not() {
    let zones = |problem: &mut Problem, terms: &[&str]| {
        let required = terms.iter().map(|zone| only(ZONE, "In", &[zone])).collect();
        let preferred = vec![(1, only(ZONE, "In", &["b"]))];
        problem.classes[0].selection = NodeSelection { required, preferred, ..NodeSelection::default() };
    };
    right(|problem, _| zones(problem, &["b", "a"]));
    let lacks = |place| {
        format!(
            "{place}, which requires topology.kubernetes.io/zone In [b]; the place has topology.kubernetes.io/zone In [a]"
        )
    };
    broken(
        |problem, _| zones(problem, &["b", "c"]),
        &[&lacks("claim 0 (pool default) takes pod web-0"), &lacks("node n1 takes pod web-2")],
    );
}

#[test]
fn a_pod_that_contradicts_itself_is_not_content_with_no_label_at_all() {
    let torn = |problem: &mut Problem, _: &mut Plan| {
        problem.classes[0].selection.selector.add(TEAM, read("In", &["red"]));
        problem.classes[0].selection.required = vec![only(TEAM, "In", &["blue"])];
    };
    broken(
        torn,
        &[
            "claim 0 (pool default) takes pod web-0, which asks for the label team: nothing defines it there",
            "node n1 takes pod web-2, which asks for the label team: nothing defines it there",
        ],
    );
}

#[test]
fn one_pod_cannot_have_a_label_that_another_on_the_claim_forbids() {
    let requires = |problem: &mut Problem, plan: &mut Plan, second: &str| {
        problem.pools[0].requirements.add(TEAM, read("NotIn", &["green"]));
        problem.classes[0].selection.selector.add(TEAM, read("Exists", &[]));
        problem.nodes[0].labels.add(TEAM, read("In", &["red"]));
        problem.classes[1] = PodClass { requests: requests(900, 1), ..PodClass::default() };
        problem.classes[1].selection.selector = only(TEAM, second, if second == "NotIn" { &["blue"] } else { &[] });
        plan.claims[0].pods = vec![0, 3];
        plan.unplaced = vec![(1, nowhere())];
        let merged = only(TEAM, "NotIn", &["green"]).and(&problem.classes[1].selection.selector);
        plan.claims[0].requirements.add_all(&merged);
        if second == "NotIn" {
            plan.claims[0].requirements.add(TEAM, read("Exists", &[]));
        }
    };
    right(|problem, plan| requires(problem, plan, "NotIn"));
    broken(
        |problem, plan| requires(problem, plan, "DoesNotExist"),
        &["claim 0 (pool default) takes pod web-0, which requires team Exists; the place has team DoesNotExist"],
    );
}

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
    let with = |problem: &mut Problem, change: &dyn Fn(&mut crate::instance_type::Offering)| {
        problem.pools[0].change_type(LARGE, |large| change(&mut large.offerings[0]));
    };
    broken(|problem, _| with(problem, &|in_a| in_a.available = false), &[no_offer]);
    broken(|problem, _| with(problem, &|in_a| in_a.reservation_capacity = Some(5)), &[no_offer]);
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
    let on_large_only =
        |problem: &mut Problem| problem.daemons[0].selection.selector = only(super::testing::TYPE, "In", &["c-large"]);
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
        |_, plan| plan.bound = Some(Price::from_dollars(0.2)),
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

#[test]
fn a_node_that_is_there_holds_its_pods_and_the_daemon_sets_to_come() {
    let has = |room: &str, needed: &str| {
        format!("node n1 has {room} left beside DaemonSet pods that are still to come; the pods need {needed}")
    };
    broken(|problem, _| problem.nodes[0].available.set(CPU, 800), &[&has("cpu 800m", "900m")]);
    right(|problem, _| problem.nodes[0].bound_daemons = Resources::new());
    broken(
        |problem, _| {
            problem.nodes[0].bound_daemons = Resources::new();
            problem.nodes[0].available.set(CPU, 950);
        },
        &[&has("cpu 850m", "900m")],
    );
    broken(
        |problem, _| problem.nodes[0].available.set("example.com/dongle", -1),
        &[&has("example.com/dongle -1", "0")],
    );
    // A DaemonSet that selects other nodes takes nothing of this one; nor of the claim, whose host is not named yet.
    right(|problem, plan| {
        problem.nodes[0].bound_daemons = Resources::new();
        problem.nodes[0].available.set(CPU, 900);
        problem.daemons[0].selection.required = vec![only("kubernetes.io/hostname", "In", &["n2"])];
        plan.claims[0].requests = Resources::new().with(CPU, 1800).with(MEMORY, 2 << 30).with(PODS, 2);
    });
}

#[test]
fn every_violation_names_what_it_is_about() {
    let found =
        Scene::but(|problem, _| problem.pools[0].change_type(LARGE, |large| *large = machine("c-large", 1, 32, 0.8)))
            .found();
    let [Violation::TooSmall { place, instance_type, resource, room, needed }] = &found[..] else {
        panic!("one type is too small, but found {found:?}");
    };
    assert_eq!(*place, Place::Claim { index: 0, pool: "default".into() });
    assert_eq!((&**instance_type, &**resource, *room, *needed), ("c-large", CPU, 900, 1800));
}
