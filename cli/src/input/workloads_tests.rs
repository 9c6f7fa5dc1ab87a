//! Which pods come out of which workloads.

use super::*;
use serde_json::{Value, json};

fn place() -> Place {
    Place { file: "f.yaml".into(), document: 1, line: 1, item: None }
}

fn template() -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c"}]}})
}

fn object<T: serde::de::DeserializeOwned>(value: Value) -> (Place, T) {
    (place(), serde_json::from_value(value).expect("an object"))
}

fn deployment(name: &str, replicas: Value) -> (Place, Deployment) {
    let spec = json!({"replicas": replicas, "selector": {}, "template": template()});
    object(json!({"metadata": {"name": name, "namespace": "default"}, "spec": spec}))
}

fn job(spec: Value, status: Value) -> (Place, Job) {
    let mut spec = spec;
    spec["template"] = template();
    object(json!({"metadata": {"name": "batch", "namespace": "default"}, "spec": spec, "status": status}))
}

fn pod(name: &str, owner: Option<(&str, &str)>) -> Pod {
    let owners = owner
        .map(|(kind, name)| json!([{"apiVersion": "x", "kind": kind, "name": name, "uid": "", "controller": true}]));
    let pod = json!({"metadata": {"name": name, "namespace": "default", "ownerReferences": owners,
        "labels": {"pod-template-hash": "abc"}}, "spec": {"containers": []}});
    serde_json::from_value(pod).expect("a pod")
}

/// The names of the pods after expansion, and the notes.
fn expanded(workloads: &Workloads, pods: Vec<Pod>) -> (Vec<String>, Vec<String>) {
    let mut objects = Objects { pods, ..Objects::default() };
    let notes = expand(workloads, &mut objects).expect("workloads that make sense").notes;
    (objects.pods.into_iter().filter_map(|p| p.metadata.name).collect(), notes)
}

#[test]
fn a_deployment_becomes_its_replicas_and_one_if_it_does_not_say() {
    let workloads = Workloads {
        deployments: vec![deployment("web", json!(2)), deployment("one", json!(null)), deployment("off", json!(0))],
        ..Workloads::default()
    };
    assert_eq!(expanded(&workloads, vec![]), (vec!["web-0".into(), "web-1".into(), "one-0".into()], vec![]));
}

#[test]
fn a_pod_carries_labels_namespace_and_owner_of_its_workload() {
    let workloads = Workloads { deployments: vec![deployment("web", json!(1))], ..Workloads::default() };
    let mut objects = Objects::default();
    expand(&workloads, &mut objects).expect("workloads that make sense");
    let metadata = &objects.pods[0].metadata;
    assert_eq!(metadata.labels.as_ref().and_then(|l| l.get("app")).map(String::as_str), Some("web"));
    assert_eq!(metadata.namespace.as_deref(), Some("default"));
    let owner = controller(metadata).expect("an owner");
    assert_eq!((owner.api_version.as_str(), owner.kind.as_str()), ("apps/v1", "ReplicaSet"));
}

#[test]
fn live_pods_count_towards_the_replicas_whether_their_replica_set_is_there_or_not() {
    let set = json!({"metadata": {"name": "web-x", "namespace": "default", "ownerReferences":
        [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "", "controller": true}]},
        "spec": {"replicas": 3, "selector": {}, "template": template()}});
    let workloads = Workloads {
        deployments: vec![deployment("web", json!(3))],
        replica_sets: vec![object(set)],
        ..Workloads::default()
    };
    let live = vec![pod("web-x-1", Some(("ReplicaSet", "web-x"))), pod("web-abc-1", Some(("ReplicaSet", "web-abc")))];
    let (names, notes) = expanded(&workloads, live);
    assert_eq!(names, ["web-x-1", "web-abc-1", "web-0"]);
    assert_eq!(
        notes,
        [
            "pods that are among the files count towards the replicas of 1 workload(s): added were Deployment default/web 1"
        ]
    );
}

#[test]
fn pods_that_have_ended_or_are_going_do_not_count() {
    let workloads = Workloads { deployments: vec![deployment("web", json!(1))], ..Workloads::default() };
    let mut ended = pod("web-abc-1", Some(("ReplicaSet", "web-abc")));
    ended.status = Some(serde_json::from_value(json!({"phase": "Failed"})).expect("a status"));
    let (names, notes) = expanded(&workloads, vec![ended]);
    assert_eq!((names, notes), (vec!["web-abc-1".into(), "web-0".into()], vec![]));
}

#[test]
fn names_that_are_taken_are_passed_over() {
    let workloads = Workloads { deployments: vec![deployment("web", json!(2))], ..Workloads::default() };
    let (names, _) = expanded(&workloads, vec![pod("web-0", None)]);
    assert_eq!(names, ["web-0", "web-1", "web-2"]);
}

#[test]
fn a_pod_that_leaves_its_name_to_the_server_gets_one() {
    let mut generated = pod("", None);
    generated.metadata.generate_name = Some("run-".into());
    let (names, _) = expanded(&Workloads::default(), vec![pod("run-0", None), generated.clone(), generated]);
    assert_eq!(names, ["run-0", "run-1", "run-2"]);
}

#[test]
fn a_stateful_set_has_fixed_names_and_a_claim_for_each_pod() {
    let set = json!({"metadata": {"name": "db", "namespace": "default"}, "spec": {"replicas": 2, "ordinals": {"start": 5},
        "serviceName": "db", "selector": {}, "template": template(),
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"storageClassName": "gp3"}}]}});
    let workloads = Workloads { stateful_sets: vec![object(set)], ..Workloads::default() };
    let mut objects = Objects { pods: vec![pod("db-5", Some(("StatefulSet", "db")))], ..Objects::default() };
    let notes = expand(&workloads, &mut objects).expect("workloads that make sense");
    assert_eq!(notes.notes.len(), 1);
    let made = Made { pod: "default/db-6".into(), workload: "StatefulSet default/db".into(), place: place() };
    assert_eq!(notes.made, [made]);
    let names: Vec<_> = objects.pods.iter().filter_map(|p| p.metadata.name.as_deref()).collect();
    assert_eq!(names, ["db-5", "db-6"]);
    let volumes = objects.pods[1].spec.as_ref().and_then(|s| s.volumes.as_ref()).expect("volumes");
    let claim = volumes[0].persistent_volume_claim.as_ref().expect("a claim");
    assert_eq!(claim.claim_name, "data-db-6");
    let made = &objects.persistent_volume_claims[0];
    assert_eq!(made.metadata.name.as_deref(), Some("data-db-6"));
    assert_eq!(made.spec.as_ref().and_then(|s| s.storage_class_name.as_deref()), Some("gp3"));
}

#[test]
fn a_job_runs_as_many_at_a_time_as_it_may_and_needs() {
    for (spec, status, pods, why) in [
        (json!({"parallelism": 8, "completions": 24}), json!({}), 8, "as many as may run at a time"),
        (json!({"parallelism": 8, "completions": 3}), json!({}), 3, "no more than are to complete"),
        (json!({"parallelism": 8, "completions": 24}), json!({"succeeded": 20}), 4, "what is left"),
        (json!({}), json!({}), 1, "one if nothing is said"),
        (json!({"completions": 5}), json!({}), 1, "one at a time if parallelism is not given"),
        (json!({"parallelism": 4}), json!({}), 4, "workers on a queue"),
        (json!({"parallelism": 4}), json!({"succeeded": 1}), 0, "the queue is empty"),
        (json!({"parallelism": 4, "suspend": true}), json!({}), 0, "suspended"),
        (json!({"parallelism": 4}), json!({"conditions": [{"type": "Complete", "status": "True"}]}), 0, "done"),
        (json!({"parallelism": 0}), json!({}), 0, "none may run"),
    ] {
        let workloads = Workloads { jobs: vec![job(spec, status)], ..Workloads::default() };
        assert_eq!(expanded(&workloads, vec![]).0.len(), pods, "{why}");
    }
}

#[test]
fn what_makes_no_sense_is_named() {
    let empty = object(json!({"metadata": {"name": "empty", "namespace": "default"}}));
    let workloads = Workloads {
        deployments: vec![deployment("web", json!(-1)), empty, deployment("huge", json!(2_000_000_000))],
        ..Workloads::default()
    };
    let errors = expand(&workloads, &mut Objects::default()).expect_err("nothing makes sense here");
    let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert!(
        texts[0].ends_with("Deployment default/web: spec.replicas: -1 is negative: write 0 or more"),
        "{}",
        texts[0]
    );
    assert!(texts[1].contains("Deployment default/empty: spec.template.spec: is missing"), "{}", texts[1]);
    assert!(texts[2].contains("Deployment default/huge: spec: with this there are more than"), "{}", texts[2]);
}
