//! Which sets rules speak of, told by their words.

use super::*;
use crate::objects::Objects;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read<T: DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).expect("a readable object")
}

/// Namespaces `shop` (team a), `bank` (team b), and `bare`, which has pods but no object.
fn cluster() -> PodSets {
    let namespace = |name: &str, team: &str| read(json!({"metadata": {"name": name, "labels": {"team": team}}}));
    let pod = json!({"metadata": {"name": "p", "namespace": "bare"}});
    let objects = Objects {
        namespaces: vec![namespace("shop", "a"), namespace("bank", "b")],
        pods: vec![read(pod)],
        ..Objects::default()
    };
    PodSets::among(&objects.snapshot())
}

fn in_shop(labels: Value) -> ObjectMeta {
    read(json!({"name": "web-0", "namespace": "shop", "labels": labels}))
}

fn about(changes: Value) -> PodAffinityTerm {
    let mut term = json!({"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "web"}}});
    for (field, value) in changes.as_object().expect("fields") {
        term[field] = value.clone();
    }
    read(term)
}

fn words(pod: &ObjectMeta, term: Value) -> String {
    let mut sets = cluster();
    let set = sets.of_term(pod, &about(term)).expect("readable");
    sets.text(set).to_string()
}

fn counted(pod: &ObjectMeta, constraint: Value) -> String {
    let mut sets = cluster();
    let set = sets.of_spread(pod, &read(constraint)).expect("readable");
    sets.text(set).to_string()
}

#[test]
fn a_term_is_about_the_pods_own_namespace_unless_it_names_others() {
    let pod = in_shop(json!({}));
    assert_eq!(words(&pod, json!({})), "app=web in shop");
    assert_eq!(words(&pod, json!({"namespaces": []})), "app=web in shop");
    assert_eq!(words(&pod, json!({"namespaces": ["bank"]})), "app=web in bank", "the own one is not among them");
    assert_eq!(
        words(&pod, json!({"namespaces": ["x", "bank", "a", "b", "x"]})),
        "app=web in a, b, bank and 1 other namespaces"
    );
}

#[test]
fn namespaces_are_selected_by_their_labels_and_by_their_name() {
    let pod = in_shop(json!({}));
    let selector = |selector: Value| words(&pod, json!({"namespaceSelector": selector}));
    assert_eq!(selector(json!({})), "app=web in all namespaces");
    assert_eq!(selector(json!({"matchLabels": {"team": "b"}})), "app=web in bank");
    assert_eq!(selector(json!({"matchLabels": {"team": "nobody"}})), "no pod");
    let unowned = json!({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]});
    assert_eq!(selector(unowned), "app=web in bare", "a namespace without object has no label but its name");
    assert_eq!(selector(json!({"matchLabels": {"kubernetes.io/metadata.name": "bare"}})), "app=web in bare");
    let both = json!({"namespaceSelector": {"matchLabels": {"team": "b"}}, "namespaces": ["elsewhere"]});
    assert_eq!(words(&pod, both), "app=web in bank, elsewhere");
}

#[test]
fn no_selector_is_about_no_pod_and_an_empty_one_about_any() {
    let pod = in_shop(json!({}));
    assert_eq!(words(&pod, json!({"labelSelector": null})), "no pod");
    assert_eq!(words(&pod, json!({"labelSelector": {}})), "any pod in shop");
    assert_eq!(
        counted(&pod, json!({"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"})),
        "no pod"
    );
}

#[test]
fn match_label_keys_tell_revisions_apart() {
    let pod = in_shop(json!({"app": "web", "revision": "7"}));
    let constraint = |selector: Value| {
        json!({"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": selector, "matchLabelKeys": ["revision", "not-there"]})
    };
    let app = json!({"matchLabels": {"app": "web"}});
    assert_eq!(counted(&pod, constraint(app.clone())), "app=web,revision=7 in shop");
    assert_eq!(counted(&pod, constraint(Value::Null)), "no pod");
    assert_eq!(words(&pod, json!({"matchLabelKeys": ["revision"]})), "app=web,revision=7 in shop");
    assert_eq!(words(&pod, json!({"mismatchLabelKeys": ["revision"]})), "app=web,revision!=7 in shop");
}

#[test]
fn what_the_api_server_has_merged_is_not_merged_again() {
    let relabelled = in_shop(json!({"app": "web", "revision": "8"}));
    let merged = |operator: &str| {
        json!({"matchLabels": {"app": "web"},
            "matchExpressions": [{"key": "revision", "operator": operator, "values": ["7"]}]})
    };
    let same = json!({"labelSelector": merged("In"), "matchLabelKeys": ["revision"]});
    assert_eq!(words(&relabelled, same), "app=web,revision=7 in shop");
    let other = json!({"labelSelector": merged("NotIn"), "mismatchLabelKeys": ["revision"]});
    assert_eq!(words(&relabelled, other), "app=web,revision!=7 in shop");
}

#[test]
fn the_same_pods_are_one_set_however_they_are_written() {
    let mut sets = cluster();
    let pod = in_shop(json!({}));
    let plain = sets.of_term(&pod, &about(json!({}))).expect("readable");
    let spelt = json!({"labelSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]},
        "namespaceSelector": {"matchLabels": {"team": "a"}}});
    assert_eq!(sets.of_term(&pod, &about(spelt)).expect("readable"), plain);
    let other = sets.of_term(&pod, &about(json!({"labelSelector": {}}))).expect("readable");
    assert_ne!(other, plain);
    assert_eq!(sets.sets().len(), 2);
}
