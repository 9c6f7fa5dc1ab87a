//! A plan that is right, with host ports, volumes and nodes that are going away: each break is found and named, and
//! nothing else is.

use super::testing::{LARGE, MEDIUM, SMALL, TYPE, ZONE, broken, nowhere, only, port, right, split};
use super::{Plan, Problem};
use crate::problem::{HostPort, Volumes};
use crate::resources::{CPU, MEMORY, PODS, Resources};

/// The second pod of the claim is of a kind of its own, alike but for its ports.
fn with_ports(problem: &mut Problem, first: HostPort, second: HostPort) {
    problem.classes[0].ports = vec![first];
    problem.classes[1] = problem.classes[0].clone();
    problem.classes[1].ports = vec![second];
    problem.pods[1].class = 1;
}

#[test]
fn a_host_port_goes_to_one_pod_of_a_place() {
    let http = |problem: &mut Problem| problem.classes[0].ports = vec![port(None, 80, "TCP")];
    broken(
        |problem, _| http(problem),
        &["claim 0 (pool default) takes pod web-1, which wants host port 80/TCP; pod web-0 has it"],
    );
    right(|problem, plan| {
        http(problem);
        split(problem, plan);
    });
}

#[test]
fn ports_clash_on_one_address_and_protocol_and_all_addresses_mean_each() {
    let one = || port(Some("10.0.0.1"), 80, "TCP");
    for other in [port(Some("10.0.0.2"), 80, "TCP"), port(None, 80, "UDP"), port(None, 81, "TCP")] {
        right(|problem, _| with_ports(problem, one(), other));
    }
    let taken = "claim 0 (pool default) takes pod web-1, which wants host port 80/TCP; pod web-0 has it";
    broken(|problem, _| with_ports(problem, one(), port(None, 80, "TCP")), &[taken]);
    let taken = "claim 0 (pool default) takes pod web-1, which wants host port 10.0.0.1:80/TCP; pod web-0 has it";
    broken(|problem, _| with_ports(problem, one(), one()), &[taken]);
}

#[test]
fn a_pod_may_name_its_own_port_twice() {
    right(|problem, plan| {
        problem.classes[0].ports = vec![port(None, 80, "TCP"), port(Some("10.0.0.1"), 80, "TCP")];
        split(problem, plan);
    });
}

#[test]
fn ports_that_are_taken_on_a_node_stay_taken() {
    let ask = |problem: &mut Problem, plan: &mut Plan, taken: HostPort| {
        problem.classes[0].ports = vec![port(None, 80, "TCP")];
        problem.nodes[0].ports = vec![taken];
        split(problem, plan);
    };
    right(|problem, plan| ask(problem, plan, port(None, 80, "UDP")));
    broken(
        |problem, plan| ask(problem, plan, port(Some("10.0.0.1"), 80, "TCP")),
        &["node n1 takes pod web-2, which wants host port 80/TCP; a pod that runs there has it"],
    );
}

#[test]
fn a_type_where_a_daemon_set_has_the_port_may_not_be_listed() {
    let ask = |problem: &mut Problem, plan: &mut Plan| {
        problem.classes[0].ports = vec![port(None, 80, "TCP")];
        problem.daemons[0].ports = vec![port(None, 80, "TCP")];
        problem.daemons[0].selection.selector = only(TYPE, "In", &["c-large"]);
        split(problem, plan);
        let requests = Resources::new().with(CPU, 900).with(MEMORY, 1 << 30).with(PODS, 1);
        plan.claims.iter_mut().for_each(|claim| claim.requests = requests.clone());
        plan.claims[1].types = vec![SMALL, MEDIUM];
    };
    broken(
        ask,
        &[
            "claim 0 (pool default) lists c-large, where DaemonSet kube-system/agent takes host port 80/TCP; pod web-0 wants it",
        ],
    );
    right(|problem, plan| {
        ask(problem, plan);
        plan.claims[0].types = vec![SMALL, MEDIUM];
    });
}

#[test]
fn a_daemon_set_that_is_still_to_come_to_a_node_has_its_port() {
    let ask = |problem: &mut Problem, plan: &mut Plan| {
        problem.classes[0].ports = vec![port(None, 80, "TCP")];
        problem.daemons[0].ports = vec![port(None, 80, "TCP")];
        problem.daemons[0].selection.selector = only("kubernetes.io/hostname", "In", &["n1"]);
        problem.nodes[0].bound_daemons = Resources::new();
        split(problem, plan);
        let requests = Resources::new().with(CPU, 900).with(MEMORY, 1 << 30).with(PODS, 1);
        plan.claims.iter_mut().for_each(|claim| claim.requests = requests.clone());
    };
    broken(ask, &["node n1 takes pod web-2, which wants host port 80/TCP; DaemonSet kube-system/agent has it"]);
    right(|problem, plan| {
        ask(problem, plan);
        problem.daemons[0].selection.selector = only("kubernetes.io/hostname", "In", &["n2"]);
    });
}

#[test]
fn volumes_can_be_used_where_the_place_is_for_certain() {
    let usable = |problem: &mut Problem, zones: &[&[&str]]| {
        problem.classes[0].volumes.places = zones.iter().map(|zones| only(ZONE, "In", zones)).collect();
    };
    right(|problem, _| usable(problem, &[&["b"], &["a", "c"]]));
    let elsewhere = "whose volumes can be used where topology.kubernetes.io/zone In [b], or where \
                     topology.kubernetes.io/zone In [c]; that is not assured there";
    broken(
        |problem, _| usable(problem, &[&["b"], &["c"]]),
        &[
            &format!("claim 0 (pool default) takes pod web-0, {elsewhere}"),
            &format!("node n1 takes pod web-2, {elsewhere}"),
        ],
    );
}

#[test]
fn every_type_attaches_the_volumes_of_all_pods() {
    let limited = |problem: &mut Problem, own: u32, limit: u32| {
        problem.classes[0].volumes = Volumes {
            own: vec![("ebs".into(), own)],
            shared: vec![("ebs".into(), "default/data".into())],
            places: vec![],
        };
        problem.pools[0]
            .change_type(LARGE, |large| large.volume_limits = vec![("ebs".into(), limit), ("efs".into(), 0)]);
    };
    right(|problem, _| limited(problem, 2, 5));
    broken(
        |problem, _| limited(problem, 2, 4),
        &["claim 0 (pool default) lists c-large, which attaches 4 volumes of ebs; the pods need 5"],
    );
}

#[test]
fn a_node_attaches_what_is_not_attached_yet() {
    let limited = |problem: &mut Problem, room: u32, attached: &str| {
        problem.classes[0].volumes = Volumes {
            own: vec![("ebs".into(), 1)],
            shared: vec![("ebs".into(), "default/data".into())],
            places: vec![],
        };
        problem.nodes[0].attachable = vec![("ebs".into(), room)];
        problem.nodes[0].attached = vec![("ebs".into(), attached.into())];
    };
    right(|problem, _| limited(problem, 2, "default/other"));
    right(|problem, _| limited(problem, 1, "default/data"));
    broken(
        |problem, _| limited(problem, 1, "default/other"),
        &["node n1 can attach 1 more volumes of ebs; the pods need 2"],
    );
}

#[test]
fn a_node_that_is_going_away_takes_no_pod() {
    broken(
        |problem, _| problem.nodes[0].leaving = true,
        &["node n1 is going away and takes no more pods; the plan puts pod web-2 there"],
    );
    right(|problem, plan| {
        problem.nodes[0].leaving = true;
        plan.existing.clear();
        plan.unplaced.insert(0, (2, nowhere()));
    });
}
