//! How rules between pods read, told by the manifest and what comes of it.

use super::*;
use crate::cluster::Snapshot;
use serde_json::{Value, json};

fn pod(spec: Value) -> Pod {
    let mut spec = spec;
    spec["containers"] = json!([]);
    let metadata = json!({"name": "web-0", "namespace": "default", "labels": {"app": "web"}});
    serde_json::from_value(json!({"metadata": metadata, "spec": spec})).expect("a readable pod")
}

fn rules(spec: Value) -> Result<Rules, String> {
    let mut sets = PodSets::among(&Snapshot::default());
    of_pod(&pod(spec), &[], &mut sets).map_err(|e| e.to_string())
}

fn constraint(changes: Value) -> Value {
    let mut out = json!({
        "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
    });
    for (field, value) in changes.as_object().expect("fields") {
        out[field] = value.clone();
    }
    out
}

fn spreading(changes: Value) -> Result<Spread, String> {
    let rules = rules(json!({"topologySpreadConstraints": [constraint(changes)]}))?;
    Ok(rules.spread.into_iter().next().expect("one constraint"))
}

fn web(key: &str) -> Value {
    json!({"topologyKey": key, "labelSelector": {"matchLabels": {"app": "web"}}})
}

#[test]
fn a_constraint_has_the_defaults_of_kubernetes() {
    let expected = Spread {
        key: "topology.kubernetes.io/zone".into(),
        peers: 0,
        max_skew: 1,
        min_domains: None,
        required: true,
        honors_selection: true,
        honors_taints: false,
    };
    assert_eq!(spreading(json!({})), Ok(expected));
}

#[test]
fn a_constraint_says_what_is_counted_and_how_strictly() {
    let other =
        json!({"whenUnsatisfiable": "ScheduleAnyway", "nodeAffinityPolicy": "Ignore", "nodeTaintsPolicy": "Honor"});
    let spread = spreading(other).expect("readable");
    assert!(!spread.required && !spread.honors_selection && spread.honors_taints);
    assert_eq!(spreading(json!({"minDomains": 3, "maxSkew": 2})).expect("readable").min_domains, Some(3));
}

#[test]
fn two_names_of_a_label_are_one_domain() {
    let old = spreading(json!({"topologyKey": "failure-domain.beta.kubernetes.io/zone"})).expect("readable");
    assert_eq!(&*old.key, "topology.kubernetes.io/zone");
}

#[test]
fn constraints_are_kept_apart_even_on_the_same_pods() {
    let two = json!([constraint(json!({"maxSkew": 1})), constraint(json!({"maxSkew": 5, "minDomains": 2}))]);
    let spread = rules(json!({"topologySpreadConstraints": two})).expect("readable").spread;
    assert_eq!(
        spread.iter().map(|s| (s.max_skew, s.min_domains, s.peers)).collect::<Vec<_>>(),
        [(1, None, 0), (5, Some(2), 0)]
    );
}

#[test]
fn defaults_count_only_without_constraints_of_ones_own() {
    let default: TopologySpreadConstraint =
        serde_json::from_value(constraint(json!({"maxSkew": 9}))).expect("a constraint");
    let skews = |spec: Value| {
        let mut sets = PodSets::among(&Snapshot::default());
        let rules = of_pod(&pod(spec), std::slice::from_ref(&default), &mut sets).expect("readable");
        rules.spread.iter().map(|s| s.max_skew).collect::<Vec<_>>()
    };
    assert_eq!(skews(json!({})), [9]);
    assert_eq!(skews(json!({"topologySpreadConstraints": []})), [9]);
    assert_eq!(skews(json!({"topologySpreadConstraints": [constraint(json!({}))]})), [1]);
}

#[test]
fn demands_and_wishes_are_kept_apart_in_both_directions() {
    let wish = |weight: i32, key: &str| json!({"weight": weight, "podAffinityTerm": web(key)});
    let rules = rules(json!({"affinity": {
        "podAffinity": {REQUIRED: [web("a")], PREFERRED: [wish(5, "b"), wish(70, "c")]},
        "podAntiAffinity": {REQUIRED: [web("d")], PREFERRED: [wish(1, "e")]},
    }}))
    .expect("readable");
    let term = |key: &str| PodTerm { key: key.into(), peers: 0 };
    assert_eq!(
        rules.affinity,
        PodTerms { required: vec![term("a")], preferred: vec![(5, term("b")), (70, term("c"))] }
    );
    assert_eq!(rules.anti_affinity, PodTerms { required: vec![term("d")], preferred: vec![(1, term("e"))] });
}

#[test]
fn what_an_api_server_would_refuse_is_named_with_its_place() {
    let at = |what: &str| format!("topologySpreadConstraints[0].{what}");
    assert_eq!(spreading(json!({"maxSkew": 0})), Err(at("maxSkew: must be greater than 0")));
    assert_eq!(spreading(json!({"minDomains": -1})), Err(at("minDomains: must be greater than 0")));
    assert_eq!(
        spreading(json!({"minDomains": 1, "whenUnsatisfiable": "ScheduleAnyway"})),
        Err(at("minDomains: can only be used with whenUnsatisfiable: DoNotSchedule"))
    );
    assert_eq!(
        spreading(json!({"whenUnsatisfiable": "Never"})),
        Err(at("whenUnsatisfiable: unknown \"Never\": use DoNotSchedule or ScheduleAnyway"))
    );
    assert_eq!(
        spreading(json!({"nodeTaintsPolicy": "honor"})),
        Err(at("nodeTaintsPolicy: unknown policy \"honor\": use Honor or Ignore"))
    );
    assert!(spreading(json!({"topologyKey": ""})).expect_err("no key").starts_with(&at("topologyKey: is missing")));
    let odd = json!({"labelSelector": {"matchExpressions": [{"key": "app", "operator": "In"}]}});
    assert_eq!(
        spreading(odd.clone()),
        Err("topologySpreadConstraints[0]: key app: operator In needs at least one value".to_owned())
    );
    let mut term = odd;
    term["topologyKey"] = json!("zone");
    assert_eq!(
        rules(json!({"affinity": {"podAntiAffinity": {REQUIRED: [web("zone"), term]}}})),
        Err("affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[1]: key app: operator In needs at least one value".to_owned())
    );
}

#[test]
fn a_running_pod_keeps_the_terms_that_can_be_read() {
    let mut sets = PodSets::among(&Snapshot::default());
    let odd = json!({"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "not a value"}}});
    let runs = pod(json!({"affinity": {"podAntiAffinity": {REQUIRED: [odd, web("zone"), web("zone")]}}}));
    let (terms, errors) = repelled_by(&runs, &mut sets);
    assert_eq!(terms, [PodTerm { key: "zone".into(), peers: 0 }]);
    assert_eq!(errors.len(), 1);
}
