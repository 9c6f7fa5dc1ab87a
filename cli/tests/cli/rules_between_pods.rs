//! Rules between pods, from files to nodes.

use crate::support::{Folder, Outcome, deployment, pod};

/// A Deployment of three pods that fit the smallest node together, with more lines in the spec of its pods.
fn web(more: &str) -> String {
    deployment("web", "3", "cpu: 300m") + more
}

fn claims(outcome: &Outcome) -> usize {
    outcome.json()["claims"].as_array().map_or(0, Vec::len)
}

const APART: &str = "      topologySpreadConstraints:\n      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, \
                     whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}\n";

const CONFIG: &str = "podTopologySpread:\n  defaultConstraints:\n  - maxSkew: 1\n    topologyKey: kubernetes.io/hostname\n    \
                      whenUnsatisfiable: DoNotSchedule\n";

#[test]
fn pods_are_spread_as_they_ask() {
    let plan = |manifest: &str| Folder::with_pool().file("web.yaml", manifest).plan(&[".", "-o", "json"]);
    assert_eq!(claims(&plan(&web(""))), 1);
    let spread = plan(&web(APART));
    assert_eq!((claims(&spread), spread.placed().len()), (3, 3));
}

#[test]
fn the_pods_of_a_deployment_are_spread_by_default_if_the_scheduler_does_so() {
    let folder = Folder::with_pool().file("web.yaml", &web("")).file(".scheduler.yaml", CONFIG);
    assert_eq!(claims(&folder.plan(&[".", "-o", "json", "--scheduler-config", ".scheduler.yaml"])), 3);
    assert_eq!(claims(&folder.plan(&[".", "-o", "json"])), 1);
}

#[test]
fn the_pods_of_a_service_are_spread_by_default_and_its_other_fields_may_stay_open() {
    let lone = |name: &str| pod(name, "cpu: 1").replace("metadata:\n", "metadata:\n  labels: {app: web}\n");
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: web}\n  ports:\n  - port: ${PORT}\n";
    let folder = Folder::with_pool()
        .file("a.yaml", &lone("a"))
        .file("b.yaml", &lone("b"))
        .file("c.yaml", &pod("c", "cpu: 1"))
        .file("service.yaml", service)
        .file(".scheduler.yaml", CONFIG);
    let outcome = folder.plan(&[".", "-o", "json", "--scheduler-config", ".scheduler.yaml"]);
    assert_eq!((claims(&outcome), outcome.placed().len()), (2, 3), "c goes along with one of the others");
    assert!(outcome.stderr.contains("not needed to plan: ${PORT}"), "{}", outcome.stderr);
}

#[test]
fn a_configuration_of_the_scheduler_that_cannot_be_used_is_refused_with_all_that_is_wrong() {
    let bad = "podTopologySpread:\n  defaultConstraints:\n  - topologyKey: zone\n    labelSelector: {}\n    \
               whenUnsatisfiable: Never\n";
    let folder = Folder::with_pool().file("web.yaml", &web("")).file(".scheduler.yaml", bad);
    folder.plan(&[".", "--scheduler-config", ".scheduler.yaml"]).refused(&[
        ".scheduler.yaml: podTopologySpread.defaultConstraints[0].maxSkew: 0 must be greater than 0",
        ".scheduler.yaml: podTopologySpread.defaultConstraints[0].whenUnsatisfiable: unknown \"Never\"",
        ".scheduler.yaml: podTopologySpread.defaultConstraints[0].labelSelector: must not be set",
    ]);
    folder.plan(&[".", "--scheduler-config", "nowhere.yaml"]).refused(&["nowhere.yaml: No such file"]);
}

#[test]
fn a_rule_that_makes_no_sense_is_told_once_for_its_workload_and_with_its_field() {
    let folder = Folder::with_pool().file("web.yaml", &web(&APART.replace("maxSkew: 1", "maxSkew: 0")));
    let outcome = folder.plan(&["."]);
    outcome.refused(&[
        "web.yaml, document 1 (line 1): Deployment default/web: spec.template.spec.topologySpreadConstraints[0].maxSkew: \
         must be greater than 0",
    ]);
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
}

#[test]
fn a_port_of_the_host_is_had_once_on_a_node() {
    let listening = |name: &str, ip: &str| {
        pod(name, "cpu: 100m") + &format!("    ports: [{{containerPort: 80, hostPort: 80, hostIP: {ip}}}]\n")
    };
    let folder = |second: &str| {
        Folder::with_pool().file("a.yaml", &listening("a", "10.0.0.1")).file("b.yaml", &listening("b", second))
    };
    assert_eq!(claims(&folder("10.0.0.2").plan(&[".", "-o", "json"])), 1);
    assert_eq!(claims(&folder("0.0.0.0").plan(&[".", "-o", "json"])), 2);
}
