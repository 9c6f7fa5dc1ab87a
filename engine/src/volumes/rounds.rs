//! Whole rounds with volumes, from manifests to a plan by Karpenter's rule: what is bought where, and what is left over.

use super::stories::*;
use crate::provisioning::{self, Options, Round};
use dovetail_cloudprovider::kwok::{self, KwokCatalogue};
use dovetail_scheduler::cost::Memory;
use dovetail_scheduler::policy::{self, Search};
use serde_json::{Value, json};

/// One type of two cores in zone a, dearer in zone b.
fn catalogue() -> KwokCatalogue {
    let offering = |zone: &str, price: f64| {
        let requirements = json!([
            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
            {"key": ZONE, "operator": "In", "values": [zone]},
        ]);
        json!({"Price": price, "Available": true, "Requirements": requirements})
    };
    let machines = json!([{
        "name": "small", "architecture": "amd64", "operatingSystems": ["linux"],
        "resources": {"cpu": "2", "memory": "4Gi", "pods": "20"}, "overhead": {"cpu": "0", "memory": "0"},
        "offerings": [offering("a", 0.1), offering("b", 0.2)],
    }]);
    kwok::read(&machines.to_string()).expect("a readable catalogue")
}

fn pool() -> Value {
    json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "default"},
        "spec": {"template": {"spec": {
            "requirements": [],
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
        }}},
    })
}

/// A node with room for twenty pods.
fn node(name: &str, zone: &str) -> Value {
    let resources = json!({"cpu": "2", "memory": "4Gi", "pods": "20"});
    json!({"kind": "Node", "metadata": {"name": name, "labels": {ZONE: zone}},
        "status": {"capacity": resources, "allocatable": resources}})
}

fn limit(node: &str, count: u32) -> Value {
    let driver = json!({"name": "ebs.csi.aws.com", "nodeID": node, "allocatable": {"count": count}});
    json!({"kind": "CSINode", "metadata": {"name": node}, "spec": {"drivers": [driver]}})
}

fn in_zones(zones: &[&str]) -> Value {
    json!([within(ZONE, zones)])
}

fn on(pod: Value, node: &str) -> Value {
    and(pod, "/spec/nodeName", json!(node))
}

fn round(cluster: &Cluster) -> Round {
    provisioning::assemble(&cluster.0.snapshot(), &catalogue(), &Options::default())
}

/// What is bought, what goes onto nodes that are there, and what is left over.
fn outcome(cluster: &Cluster) -> Vec<String> {
    let round = round(cluster);
    assert_eq!(round.bad_input, []);
    let problem = &round.problem;
    let plan = policy::run(
        policy::by_name("karpenter").expect("the baseline"),
        problem,
        &Search::default(),
        &mut Memory::default(),
    );
    let names = |pods: &[usize]| {
        pods.iter().map(|p| problem.pods[*p].name.replace("default/", "")).collect::<Vec<_>>().join(" ")
    };
    let bought = plan.claims.iter().map(|c| {
        let zone = c.requirements.get(ZONE).map_or("any zone".to_owned(), |zone| format!("zone {zone}"));
        format!("buy in {zone}: {}", names(&c.pods))
    });
    let used = plan.existing.iter().map(|e| format!("use {}: {}", problem.nodes[e.node].name, names(&e.pods)));
    let left = plan.unplaced.iter().map(|(p, _)| format!("no place: {}", names(&[*p])));
    let rejected = round.rejected.iter().map(|(pod, _)| format!("rejected: {}", pod.replace("default/", "")));
    bought.chain(used).chain(left).chain(rejected).collect()
}

#[test]
fn a_node_is_bought_where_the_volume_is() {
    let cluster = Cluster::default()
        .with(pool())
        .with(bound("data", "pv-1"))
        .with(volume("pv-1", &[in_zones(&["b"])]))
        .with(pod("db", &["data"]));
    assert_eq!(outcome(&cluster), ["buy in zone In [b]: db"], "though zone a is cheaper");
}

#[test]
fn a_volume_that_is_to_be_made_goes_where_its_class_allows_and_it_is_cheapest() {
    let cluster = Cluster::default()
        .with(pool())
        .with(unbound("data", "gp3"))
        .with(class("gp3", &[in_zones(&["b"]), in_zones(&["a"])]))
        .with(pod("db", &["data"]));
    assert_eq!(outcome(&cluster), ["buy in zone In [a b]: db"]);
    assert_eq!(round(&cluster).problem.classes.len(), 1);
}

#[test]
fn volumes_with_no_place_in_common_leave_the_pod_without_one() {
    let cluster = Cluster::default()
        .with(pool())
        .with(bound("x", "pv-1"))
        .with(volume("pv-1", &[in_zones(&["a"])]))
        .with(bound("y", "pv-2"))
        .with(volume("pv-2", &[in_zones(&["b"])]))
        .with(pod("db", &["x", "y"]))
        .with(node("n", "a"));
    assert_eq!(outcome(&cluster), ["no place: db"]);
}

#[test]
fn a_volume_that_is_tied_to_a_machine_is_not_waited_for_on_a_new_one() {
    let tied = |key: &str| {
        let place = json!([within(key, &["n"])]);
        let cluster = Cluster::default().with(pool()).with(bound("data", "pv-1")).with(volume("pv-1", &[place]));
        cluster.with(pod("db", &["data"]))
    };
    let labelled = and(node("n", "a"), "/metadata/labels", json!({ZONE: "a", "storage.example.com/machine": "n"}));
    for key in ["kubernetes.io/hostname", "storage.example.com/machine"] {
        assert_eq!(outcome(&tied(key)), ["no place: db"], "by {key}");
        assert_eq!(outcome(&tied(key).with(labelled.clone())), ["use n: db"], "by {key}");
    }
}

#[test]
fn a_node_takes_no_more_volumes_than_it_can_attach() {
    let mut cluster = Cluster::default().with(pool()).with(node("n", "a")).with(limit("n", 3)).with(class("gp3", &[]));
    cluster = cluster.with(unbound("used", "gp3")).with(on(pod("running", &["used"]), "n"));
    for i in 0..4 {
        let claim = format!("data-{i}");
        cluster = cluster.with(unbound(&claim, "gp3")).with(pod(&format!("db-{i}"), &[&claim]));
    }
    assert_eq!(
        outcome(&cluster),
        ["buy in any zone: db-2 db-3", "use n: db-0 db-1"],
        "one volume is attached, two fit, and of a new node's limit nothing is known"
    );
}

#[test]
fn a_volume_that_is_attached_already_takes_no_further_place() {
    let cluster = Cluster::default()
        .with(pool())
        .with(node("n", "a"))
        .with(limit("n", 1))
        .with(class("gp3", &[]))
        .with(unbound("common", "gp3"))
        .with(on(pod("running", &["common"]), "n"))
        .with(pod("second", &["common"]))
        .with(pod("third", &["common"]));
    assert_eq!(outcome(&cluster), ["use n: second third"]);
}

#[test]
fn pods_of_a_node_that_goes_away_follow_their_volumes() {
    let leaving = and(node("old", "b"), "/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"));
    let cluster = Cluster::default()
        .with(pool())
        .with(leaving)
        .with(node("n", "a"))
        .with(bound("data", "pv-1"))
        .with(volume("pv-1", &[in_zones(&["b"])]))
        .with(on(pod("db", &["data"]), "old"))
        .with(on(pod("web", &[]), "old"))
        .with(on(pod("lost", &["gone"]), "old"));
    assert_eq!(outcome(&cluster), ["buy in zone In [b]: db", "use n: web", "rejected: lost"]);
}

#[test]
fn everything_that_is_wrong_with_a_pod_is_told() {
    let shunning = and(pod("web", &["gone"]), "/spec/nodeSelector", json!({"kubernetes.io/hostname": "n"}));
    let round = round(&Cluster::default().with(pool()).with(shunning));
    let told = round.rejected[0].1.to_string();
    assert!(told.starts_with("using label kubernetes.io/hostname is not allowed"), "{told}");
    let of_volume = "PersistentVolumeClaim \"gone\" not found (PersistentVolumeClaim=gone)";
    assert!(told.ends_with(&format!("; getting persistent volume claim, {of_volume}")), "{told}");
}

#[test]
fn pods_with_volumes_of_their_own_are_one_class() {
    let mut cluster = Cluster::default().with(pool()).with(class("gp3", &[in_zones(&["a"])]));
    for i in 0..5 {
        let claim = format!("data-db-{i}");
        cluster = cluster.with(unbound(&claim, "gp3")).with(pod(&format!("db-{i}"), &[&claim]));
    }
    assert_eq!(round(&cluster).problem.classes.len(), 1, "replicas of a StatefulSet need to be understood once");
}
