//! A plan that is right, with pods forgotten or put where they must not be: each break is found and named, and nothing
//! else is.

use super::testing::{
    FAMILY, LARGE, Scene, TEAM, ZONE, broken, machine, nowhere, only, read, red, requests, right, split,
};
use super::{Place, Plan, Problem, Violation};
use crate::plan::{Placement, PlannedClaim};
use crate::problem::{NodeSelection, PodClass};
use crate::resources::{CPU, MEMORY, PODS, Resources};
use crate::taint::{Comparison, Effect, Toleration};

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
