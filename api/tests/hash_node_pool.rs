//! The NodePool hash against Karpenter's own. A wrong one replaces a user's whole fleet.
//!
//! The figures come from the Karpenter specification (scheduling 1.9, disruption 4.1) and, where it is silent, from the
//! hashing library that Karpenter uses, run on types of the same names and fields.

use dovetail_api::hash::{self, node_pool};
use dovetail_api::node_pool::NodeClaimTemplate;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A template that refers to the default EC2NodeClass and expires after 720 hours, with more in metadata and spec.
fn template(metadata: Value, spec: Value) -> NodeClaimTemplate {
    template_of(json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}), metadata, spec)
}

/// The same on KWOK's node class.
fn kwok_template(metadata: Value, spec: Value) -> NodeClaimTemplate {
    template_of(json!({"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}), metadata, spec)
}

fn template_of(reference: Value, metadata: Value, more: Value) -> NodeClaimTemplate {
    let mut spec = json!({"nodeClassRef": reference, "requirements": [], "expireAfter": "720h"});
    let Value::Object(more) = more else { panic!("a spec is an object") };
    spec.as_object_mut().expect("a spec is an object").extend(more);
    serde_json::from_value(json!({"metadata": metadata, "spec": spec})).expect("a template")
}

fn none() -> Value {
    json!({})
}

#[test]
fn hashes_are_karpenters() {
    let gpu = json!([{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]);
    let k1_twice = json!([{"key": "k1", "effect": "NoExecute"}, {"key": "k1", "effect": "NoExecute"}]);
    let k1_and_k2 = json!([
        {"key": "k1", "effect": "NoExecute"},
        {"key": "k2", "value": "v", "effect": "PreferNoSchedule"},
    ]);
    let timed = json!([{"key": "k", "effect": "NoSchedule", "timeAdded": "2026-01-02T03:04:05Z"}]);
    let several = json!({"labels": {"team": "a", "env": "p"}, "annotations": {"x/y": "z"}});
    let cases = [
        ("reference and 720h", none(), none(), "6821555240594823858"),
        ("expires never", none(), json!({"expireAfter": "Never"}), "17369979337536258260"),
        ("a label", json!({"labels": {"team": "a"}}), none(), "1617844334411263980"),
        ("a taint", none(), json!({"taints": gpu}), "13579916569126205748"),
        ("a startup taint", none(), json!({"startupTaints": gpu}), "10086292261070021787"),
        ("a grace period", none(), json!({"terminationGracePeriod": "5m"}), "10273107103804485302"),
        ("no grace at all", none(), json!({"terminationGracePeriod": "0s"}), "10356118934572431967"),
        (
            "nearly everything",
            several,
            json!({"taints": k1_and_k2, "terminationGracePeriod": "1h"}),
            "9595684425846202659",
        ),
        ("a taint twice, which cancels out", none(), json!({"taints": k1_twice}), "17700736223175069915"),
        ("a list without taints, which is not no list", none(), json!({"taints": []}), "17700736223175069915"),
        ("labels without a label", json!({"labels": {}}), none(), "1287117484082965808"),
        ("expires at once", none(), json!({"expireAfter": "0s"}), "15640125381500602090"),
        ("a taint with a time", none(), json!({"taints": timed}), "13425324752680102820"),
    ];
    for (name, metadata, spec, expected) in cases {
        assert_eq!(node_pool(&template(metadata, spec)), expected, "{name}");
    }
}

#[test]
fn hashes_are_karpenters_on_kwok_too() {
    let gpu = || json!({"key": "dedicated", "value": "gpu", "effect": "NoSchedule"});
    let x = || json!({"key": "x", "effect": "NoExecute"});
    let several = json!({"labels": {"team": "a", "env": "prod"}, "annotations": {"foo": "bar"}});
    let cases = [
        ("expires never", none(), json!({"expireAfter": "Never"}), "7428780003907761376"),
        ("reference and 720h", none(), none(), "12745407319442031341"),
        ("a label", json!({"labels": {"team": "a"}}), none(), "10172464548043488983"),
        ("two taints", none(), json!({"taints": [gpu(), x()]}), "4416643001332674879"),
        ("two taints, the other way round", none(), json!({"taints": [x(), gpu()]}), "4416643001332674879"),
        ("the same taint twice", none(), json!({"taints": [gpu(), gpu()]}), "845502862369909111"),
        ("a grace period", none(), json!({"terminationGracePeriod": "30m"}), "1360483597026239722"),
        ("no grace at all", none(), json!({"terminationGracePeriod": "0s"}), "16848824146983765585"),
        ("labels, annotation, startup taint", several, json!({"startupTaints": [x()]}), "14592960304380411560"),
    ];
    for (name, metadata, spec, expected) in cases {
        assert_eq!(node_pool(&kwok_template(metadata, spec)), expected, "{name}");
    }
}

#[test]
fn the_empty_template_hashes_to_its_name() {
    // given a template without anything, which no API server lets through
    let mut empty = NodeClaimTemplate::default();
    empty.spec.expire_after = "Never".parse().expect("never");
    // then its hash is that of the type's name
    assert_eq!(node_pool(&empty), "17307646073972311821");
}

#[test]
fn versions_are_those_that_karpenter_writes() {
    assert_eq!((hash::NODE_POOL_VERSION, hash::EC2_NODE_CLASS_VERSION), ("v3", "v6"));
}

#[test]
fn requirements_do_not_count() {
    let with = template(none(), json!({"requirements": [{"key": "kubernetes.io/arch", "operator": "Exists"}]}));
    assert_eq!(node_pool(&with), node_pool(&template(none(), none())));
}

#[test]
fn the_spelling_of_a_duration_does_not_count() {
    let spelt = |text: &str| node_pool(&template(none(), json!({"expireAfter": text, "terminationGracePeriod": text})));
    assert_eq!(spelt("1h30m"), spelt("90m"));
    assert_eq!(spelt("1h30m"), spelt("5400s"));
    assert_ne!(spelt("1h30m"), spelt("91m"));
}

fn taints() -> impl Strategy<Value = Vec<Value>> {
    let effect = prop::sample::select(vec!["NoSchedule", "NoExecute", "PreferNoSchedule"]);
    let taint = ("[a-z]{1,4}", "[a-z]{0,4}", effect)
        .prop_map(|(key, value, effect)| json!({"key": key, "value": value, "effect": effect}));
    prop::collection::vec(taint, 0..5)
}

proptest! {
    #[test]
    fn the_order_of_taints_does_not_count(mut taints in taints()) {
        let there = node_pool(&template(none(), json!({"taints": taints})));
        taints.reverse();
        prop_assert_eq!(node_pool(&template(none(), json!({"taints": taints}))), there);
    }

    #[test]
    fn every_label_counts(key in "[a-z]{1,8}", value in "[a-z]{0,8}", other in "[a-z]{0,8}") {
        let labelled = |value: &str| node_pool(&template(json!({"labels": {key.clone(): value}}), none()));
        prop_assert_eq!(labelled(&value) == labelled(&other), value == other);
        prop_assert_ne!(labelled(&value), node_pool(&template(none(), none())));
    }
}
