//! Default constraints, told by the configuration and what it comes to for a pod.

use super::*;
use crate::objects::Objects;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read<T: DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).expect("a readable object")
}

fn config(constraints: Value) -> SchedulerConfig {
    read(json!({"podTopologySpread": {"defaultConstraints": constraints}}))
}

fn zonal(changes: Value) -> Value {
    let mut out =
        json!({"maxSkew": 2, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"});
    for (field, value) in changes.as_object().expect("fields") {
        out[field] = value.clone();
    }
    out
}

fn pod(labels: Value, owner: Value) -> Pod {
    read(json!({"metadata": {
        "name": "p", "namespace": "shop", "labels": labels,
        "ownerReferences": if owner.is_null() { json!([]) } else { json!([owner]) },
    }}))
}

fn owner(api_version: &str, kind: &str, name: &str) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "name": name, "uid": "", "controller": true})
}

/// Services in `shop`: one for web, one for its front, one without selector, one for everybody. Controllers of all kinds.
fn shop() -> Objects {
    let service = |name: &str, selector: Value| {
        read(json!({"metadata": {"name": name, "namespace": "shop"}, "spec": {"selector": selector}}))
    };
    let controller = |name: &str, selector: Value| {
        json!({"metadata": {"name": name, "namespace": "shop"},
            "spec": {"selector": selector, "serviceName": "", "template": {}}})
    };
    let named = json!({"matchLabels": {"app": "web"},
        "matchExpressions": [{"key": "canary", "operator": "DoesNotExist"}]});
    Objects {
        services: vec![
            service("web", json!({"app": "web"})),
            service("front", json!({"tier": "front"})),
            service("external", Value::Null),
            service("everybody", json!({})),
        ],
        replica_sets: vec![read(controller("set", named.clone()))],
        stateful_sets: vec![read(controller("db", json!({"matchLabels": {"app": "db"}})))],
        replication_controllers: vec![read(controller("old", json!({"app": "web", "generation": "1"})))],
        ..Objects::default()
    }
}

/// The selector that the pod's constraints get, as people write it; nothing if it gets none.
fn deduced(objects: &Objects, pod: &Pod) -> String {
    let spread = DefaultSpread::of(&config(json!([zonal(json!({}))]))).expect("a valid configuration");
    let snapshot = objects.snapshot();
    let mut defaults = Defaults::of(&spread, &snapshot);
    let constraints = defaults.for_pod(pod);
    let text = |c: &TopologySpreadConstraint| {
        label_selector::text(&label_selector::read(c.label_selector.as_ref().expect("a selector")).expect("readable"))
    };
    constraints.iter().map(text).collect()
}

#[test]
fn services_that_select_a_pod_say_whom_it_belongs_with() {
    let nobody = Value::Null;
    assert_eq!(deduced(&shop(), &pod(json!({"app": "web", "x": "y"}), nobody.clone())), "app=web");
    assert_eq!(deduced(&shop(), &pod(json!({"app": "web", "tier": "front"}), nobody.clone())), "app=web,tier=front");
    assert_eq!(
        deduced(&shop(), &pod(json!({"app": "db"}), nobody.clone())),
        "",
        "a Service for all tells nobody apart"
    );
    let mut elsewhere = pod(json!({"app": "web"}), nobody);
    elsewhere.metadata.namespace = Some("bank".to_owned());
    assert_eq!(deduced(&shop(), &elsewhere), "", "Services select in their own namespace");
}

#[test]
fn controllers_add_their_selector() {
    let lone = json!({"app": "other"});
    assert_eq!(deduced(&shop(), &pod(lone.clone(), owner("apps/v1", "ReplicaSet", "set"))), "app=web,!canary");
    assert_eq!(deduced(&shop(), &pod(lone.clone(), owner("apps/v1", "StatefulSet", "db"))), "app=db");
    assert_eq!(
        deduced(&shop(), &pod(lone.clone(), owner("v1", "ReplicationController", "old"))),
        "app=web,generation=1"
    );
    for other in [
        owner("apps/v1beta2", "ReplicaSet", "set"),
        owner("batch/v1", "Job", "set"),
        owner("apps/v1", "ReplicaSet", "gone"),
    ] {
        assert_eq!(deduced(&shop(), &pod(lone.clone(), other)), "");
    }
}

#[test]
fn the_labels_of_a_replication_controller_overrule_and_a_selector_holds_in_addition() {
    let web = json!({"app": "web", "tier": "front"});
    let mut objects = shop();
    objects.replication_controllers =
        vec![read(json!({"metadata": {"name": "old", "namespace": "shop"}, "spec": {"selector": {"tier": "back"}}}))];
    assert_eq!(deduced(&objects, &pod(web.clone(), owner("v1", "ReplicationController", "old"))), "app=web,tier=back");
    assert_eq!(deduced(&objects, &pod(web, owner("apps/v1", "StatefulSet", "db"))), "app=db,app=web,tier=front");
}

#[test]
fn pods_of_the_same_kind_are_looked_up_once() {
    let objects = shop();
    let pods: Vec<Pod> = (0..3)
        .map(|i| pod(json!({"app": "web", "index": i.to_string()}), owner("apps/v1", "ReplicaSet", "set")))
        .collect();
    let spread = DefaultSpread::of(&config(json!([zonal(json!({}))]))).expect("a valid configuration");
    let snapshot = objects.snapshot();
    let mut defaults = Defaults::of(&spread, &snapshot);
    let first = defaults.for_pod(&pods[0]);
    assert!(pods.iter().all(|p| Rc::ptr_eq(&defaults.for_pod(p), &first)));
}

#[test]
fn without_a_configuration_nobody_is_spread() {
    let spread = DefaultSpread::of(&SchedulerConfig::default()).expect("a valid configuration");
    let objects = shop();
    assert!(Defaults::of(&spread, &objects.snapshot()).for_pod(&pod(json!({"app": "web"}), Value::Null)).is_empty());
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_with_all_that_is_wrong() {
    let faults = |constraints: Value| {
        let errors = DefaultSpread::of(&config(constraints)).expect_err("invalid");
        errors.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let at = |i: usize, what: &str| format!("podTopologySpread.defaultConstraints[{i}].{what}");
    let skew = "must be greater than 0: say how many more pods a domain may hold than another";
    assert_eq!(
        faults(json!([zonal(json!({})), zonal(json!({"maxSkew": 0, "topologyKey": "a"}))])),
        [at(1, &format!("maxSkew: 0 {skew}"))]
    );
    assert_eq!(
        faults(json!([{}])),
        [
            at(0, &format!("maxSkew: 0 {skew}")),
            at(0, "topologyKey: is missing: name the label that makes a domain, such as topology.kubernetes.io/zone"),
            at(0, "whenUnsatisfiable: unknown \"\": use DoNotSchedule or ScheduleAnyway"),
        ]
    );
    assert!(faults(json!([zonal(json!({"topologyKey": "a b"}))]))[0].starts_with(&at(0, "topologyKey: \"a b\" is no")));
    assert_eq!(
        faults(json!([zonal(json!({"labelSelector": {}}))])),
        [at(0, "labelSelector: must not be set: it is deduced for each pod from its Services and its controller")]
    );
    assert_eq!(
        faults(json!([zonal(json!({"matchLabelKeys": ["app"]}))])),
        [at(0, "matchLabelKeys: must not be set: which pods are counted is deduced for each pod")]
    );
    assert_eq!(
        faults(json!([zonal(json!({"minDomains": 2}))])),
        [at(0, "minDomains: can only be used with whenUnsatisfiable: DoNotSchedule")]
    );
    assert_eq!(
        faults(json!([zonal(json!({"nodeTaintsPolicy": "Maybe"}))])),
        [at(0, "nodeTaintsPolicy: unknown policy \"Maybe\": use Honor or Ignore")]
    );
    assert_eq!(
        faults(json!([zonal(json!({})), zonal(json!({"maxSkew": 1}))])),
        [at(
            1,
            "topologyKey: topology.kubernetes.io/zone with whenUnsatisfiable: ScheduleAnyway stands twice: remove one"
        )]
    );
    let both = json!([zonal(json!({})), zonal(json!({"whenUnsatisfiable": "DoNotSchedule"}))]);
    assert!(DefaultSpread::of(&config(both)).is_ok(), "a wish and a demand on the same label are two things");
}

#[test]
fn fields_that_are_not_known_are_errors() {
    let strict = |config: Value| serde_json::from_value::<SchedulerConfig>(config).is_err();
    assert!(strict(json!({"profiles": []})));
    assert!(strict(json!({"podTopologySpread": {"defaultingType": "List"}})));
    assert!(strict(json!({"podTopologySpread": {"defaultConstraints": [{"maxSkew": 1, "topologykey": "zone"}]}})));
}
