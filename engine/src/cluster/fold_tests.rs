//! What is told of a cluster, in whatever order and however often, and what is then known of it.

use super::*;
use crate::cluster::NoPartner;
use crate::cluster::{Charge, Placing, Remember};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read<T: DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).expect("a readable manifest")
}

fn second(n: i64) -> Timestamp {
    Timestamp::from_second(n).expect("a time in range")
}

/// A replica of `web` that kube-scheduler has found no node for.
fn waiting(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "default", "uid": format!("uid-{name}"), "labels": {"app": "web"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "rs", "controller": true}]},
        "spec": {"containers": [{"name": "main", "image": "web:1", "env": [{"name": "POD", "value": name}],
            "resources": {"requests": {"cpu": "500m"}}}],
            "volumes": [{"name": format!("kube-api-access-{name}"), "projected": {"sources": []}}]},
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]},
    })
}

fn bound(name: &str, node: &str) -> Value {
    let mut pod = waiting(name);
    pod["spec"]["nodeName"] = json!(node);
    pod["status"] = json!({"phase": "Running", "conditions": [{"type": "PodScheduled", "status": "True"}]});
    pod
}

fn node(name: &str, machine: &str) -> Value {
    json!({"metadata": {"name": name, "uid": format!("uid-{name}")}, "spec": {"providerID": machine}})
}

fn claim(name: &str, machine: Option<&str>) -> Value {
    json!({
        "metadata": {"name": name, "uid": format!("uid-{name}"), "labels": {"karpenter.sh/nodepool": "default"}},
        "spec": {
            "requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["a", "b", "c"]}],
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
        },
        "status": {"providerID": machine},
    })
}

fn versioned(mut object: Value, version: u64) -> Value {
    object["metadata"]["resourceVersion"] = json!(version.to_string());
    object
}

#[derive(Default)]
struct Story(Cluster);

impl Story {
    fn told_at(&mut self, kind: Kind, object: Value, at: i64) -> Option<Change> {
        let object = match kind {
            Kind::Pod => Object::Pod(read(object)),
            Kind::Node => Object::Node(read(object)),
            Kind::NodeClaim => Object::NodeClaim(read(object)),
            Kind::Namespace => Object::Namespace(read(object)),
            other => panic!("no story has a {other}"),
        };
        self.0.apply(object, second(at))
    }

    fn told(&mut self, kind: Kind, object: Value) -> Option<Change> {
        self.told_at(kind, object, 0)
    }

    fn gone(&mut self, kind: Kind, name: &str) -> Option<Change> {
        self.0.delete(&ObjectKey::named(kind, name), second(0))
    }

    fn pods_on(&self, node: &str) -> Vec<&str> {
        self.0.snapshot().pods_on(node).map(|pod| pod.short_name()).collect()
    }

    fn waiting(&self) -> Vec<&str> {
        self.0.snapshot().waiting_pods().map(|pod| pod.short_name()).collect()
    }

    fn expect(&mut self, claim: &str, pod: &str) {
        let pods = vec![(format!("default/{pod}").into(), format!("uid-{pod}").into())];
        let charge = Charge::default();
        self.0.remember(Remember::Expected { claim: claim.into(), pods, charge }, second(1));
    }
}

#[test]
fn replicas_share_a_shape_whatever_differs_between_them() {
    let mut story = Story::default();
    story.told(Kind::Pod, waiting("web-0"));
    story.told(Kind::Pod, bound("web-1", "n1"));
    let snapshot = story.0.snapshot();
    let shapes: Vec<_> = snapshot.pods.values().map(|pod| Arc::clone(&pod.shape)).collect();
    assert!(Arc::ptr_eq(&shapes[0], &shapes[1]), "name, node, state, environment and tokens are their own");
    assert_eq!(story.0.shapes.len(), 1);
    let mut other = waiting("web-2");
    other["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("2");
    story.told(Kind::Pod, other);
    assert_eq!(story.0.shapes.len(), 2, "but not what they need");
}

#[test]
fn the_pods_of_a_daemon_set_share_a_shape_although_each_names_its_node() {
    let on = |node: &str| {
        let field = json!({"key": "metadata.name", "operator": "In", "values": [node]});
        let term = json!({"nodeSelectorTerms": [{"matchFields": [field]}]});
        let owner =
            json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "ds", "controller": true}]);
        json!({"metadata": {"name": format!("agent-{node}"), "namespace": "kube-system", "ownerReferences": owner},
            "spec": {"nodeName": node, "containers": [{"name": "agent"}],
                "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": term}}}})
    };
    let mut story = Story::default();
    story.told(Kind::Pod, on("n1"));
    story.told(Kind::Pod, on("n2"));
    assert_eq!(story.0.shapes.len(), 1);
}

#[test]
fn a_pod_is_found_where_it_is() {
    let mut story = Story::default();
    story.told(Kind::Pod, waiting("web-0"));
    story.told(Kind::Pod, waiting("web-1"));
    assert_eq!(story.waiting(), ["web-0", "web-1"]);
    story.told(Kind::Pod, bound("web-0", "n1"));
    assert_eq!((story.waiting(), story.pods_on("n1")), (vec!["web-1"], vec!["web-0"]));
    let mut ended = bound("web-0", "n1");
    ended["status"]["phase"] = json!("Succeeded");
    story.told(Kind::Pod, ended);
    assert_eq!(story.pods_on("n1"), [] as [&str; 0], "one that has ended takes no room");
    story.gone(Kind::Pod, "default/web-1");
    assert_eq!(story.waiting(), [] as [&str; 0]);
}

#[test]
fn what_says_nothing_new_changes_nothing() {
    let mut story = Story::default();
    assert!(story.told(Kind::Pod, waiting("web-0")).is_some());
    let mut chatty = waiting("web-0");
    chatty["metadata"]["resourceVersion"] = json!("77");
    chatty["metadata"]["annotations"] = json!({"note": "read by nobody here"});
    assert!(story.told(Kind::Pod, chatty).is_none());
    assert!(story.told(Kind::Node, versioned(node("n1", "m1"), 5)).is_some());
    assert!(story.told(Kind::Node, versioned(node("n1", "m1"), 5)).is_none());
}

#[test]
fn of_two_versions_the_later_counts_and_the_deleted_stay_gone() {
    let mut story = Story::default();
    story.told(Kind::Node, versioned(node("n1", "m2"), 9));
    let late = Object::Node(read(versioned(node("n1", "m1"), 8)));
    assert!(story.0.apply_answer(late, second(1)).is_none(), "an answer that a watch has overtaken");
    story.gone(Kind::Node, "n1");
    let ghost = Object::Node(read(versioned(node("n1", "m1"), 10)));
    assert!(story.0.apply_answer(ghost, second(2)).is_none(), "an answer about what is gone");
    assert!(story.0.snapshot().nodes.is_empty());
    let mut again = versioned(node("n1", "m3"), 11);
    again["metadata"]["uid"] = json!("another");
    assert!(story.told(Kind::Node, again).is_some());
}

#[test]
fn node_and_claim_find_each_other_by_the_machine_whichever_comes_first() {
    let mut story = Story::default();
    story.told(Kind::Node, node("n1", "m1"));
    story.told(Kind::NodeClaim, claim("c1", None));
    let partner = |story: &Story| {
        let snapshot = story.0.snapshot();
        let node = snapshot.nodes.get("n1").expect("it was told");
        snapshot.claim_of(node).map(|claim| claim.name().to_owned())
    };
    assert_eq!(partner(&story), Err(NoPartner::None));
    story.told(Kind::NodeClaim, claim("c1", Some("m1")));
    assert_eq!(partner(&story), Ok("c1".to_owned()));
    story.told(Kind::NodeClaim, claim("c2", Some("m1")));
    assert_eq!(partner(&story), Err(NoPartner::Several));
    story.gone(Kind::NodeClaim, "c1");
    assert_eq!(partner(&story), Ok("c2".to_owned()));
    story.told(Kind::Node, node("n2", "m1"));
    let snapshot = story.0.snapshot();
    let known = snapshot.node_claims.get("c2").expect("it was told");
    assert_eq!(snapshot.node_of(known).err(), Some(NoPartner::Several));
}

#[test]
fn a_kind_that_is_listed_anew_loses_what_is_not_told_again() {
    let mut story = Story::default();
    story.told(Kind::Pod, bound("web-0", "n1"));
    story.told(Kind::Pod, bound("web-1", "n1"));
    story.0.list_begins(Kind::Pod);
    story.told(Kind::Pod, bound("web-1", "n1"));
    assert_eq!(story.pods_on("n1"), ["web-0", "web-1"], "until the list is complete");
    let changes = story.0.list_ends(Kind::Pod, second(3));
    assert_eq!((changes.len(), story.pods_on("n1")), (1, vec!["web-1"]));
    assert!(story.0.has_listed(&[Kind::Pod]) && !story.0.has_listed(&[Kind::Pod, Kind::Node]));
}

#[test]
fn a_snapshot_stays_as_it_was() {
    let mut story = Story::default();
    story.told(Kind::Pod, bound("web-0", "n1"));
    let before = story.0.snapshot().clone();
    story.told(Kind::Pod, bound("web-1", "n1"));
    story.gone(Kind::Pod, "default/web-0");
    assert_eq!(before.pods_on("n1").map(|p| p.short_name()).collect::<Vec<_>>(), ["web-0"]);
    assert_eq!(story.pods_on("n1"), ["web-1"]);
}

#[test]
fn requirements_are_kept_once_and_given_back_whole() {
    let mut story = Story::default();
    story.told(Kind::NodeClaim, claim("c1", None));
    story.told(Kind::NodeClaim, claim("c2", None));
    let snapshot = story.0.snapshot();
    let of = |name: &str| snapshot.node_claims.get(name).expect("it was told");
    assert!(Arc::ptr_eq(&of("c1").requirements, &of("c2").requirements));
    assert_eq!(of("c1").full().spec.requirements[0].values, ["a", "b", "c"]);
}

#[test]
fn a_pod_that_wants_a_node_is_noted_with_the_time_it_was_first_seen() {
    let mut story = Story::default();
    story.told_at(Kind::Pod, waiting("web-0"), 5);
    story.told_at(Kind::Pod, waiting("web-1"), 7);
    story.told_at(Kind::Pod, waiting("web-1"), 9);
    let memory = &story.0.snapshot().memory;
    assert_eq!((memory.backlog.first, memory.backlog.last), (Some(second(5)), Some(second(7))));
    assert_eq!((memory.backlog.arrivals, memory.backlog.gap_ms), (2, 2_000));
    let times = |uid: &str| memory.pod_times.get(uid).and_then(|times| times.acknowledged);
    assert_eq!(times("uid-web-1"), Some(second(7)));
    let undecided = story.told(Kind::Pod, {
        let mut pod = waiting("web-2");
        pod["status"] = json!({});
        pod
    });
    let Some(Change::Pod { after: Some(pod), .. }) = undecided else { panic!("a pod came") };
    assert_eq!(pod.placing, Placing::Undecided);
    assert_eq!(story.0.snapshot().memory.backlog.arrivals, 2, "kube-scheduler has not spoken yet");
}

#[test]
fn a_pod_is_expected_until_it_is_bound_and_comes_back_when_its_claim_goes() {
    let mut story = Story::default();
    story.told(Kind::Pod, waiting("web-0"));
    story.told(Kind::Pod, waiting("web-1"));
    story.told(Kind::NodeClaim, claim("c1", None));
    story.0.remember(Remember::RoundBegins, second(1));
    story.expect("c1", "web-0");
    story.told_at(Kind::Pod, bound("web-0", "n1"), 2);
    assert!(story.0.snapshot().memory.expected.is_empty(), "it has arrived");
    assert_eq!(story.0.snapshot().memory.backlog.arrivals, 0);

    story.expect("c1", "web-1");
    story.gone(Kind::NodeClaim, "c1");
    let memory = &story.0.snapshot().memory;
    assert!(memory.expected.is_empty() && memory.charges.is_empty() && memory.expecting.is_empty());
    assert_eq!(memory.backlog.arrivals, 1, "it waits for another round");
}

#[test]
fn nothing_is_remembered_of_pods_that_are_gone() {
    let mut story = Story::default();
    story.told(Kind::Pod, waiting("web-0"));
    story.told(Kind::NodeClaim, claim("c1", None));
    story.expect("c1", "web-0");
    story.gone(Kind::Pod, "default/web-0");
    let memory = &story.0.snapshot().memory;
    assert!(memory.pod_times.is_empty() && memory.expected.is_empty());
    assert_eq!(memory.expecting.get("c1").map(|pods| pods.len()), Some(0));
}
