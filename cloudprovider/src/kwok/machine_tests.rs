//! What becomes of claims when simulated machines are bought for them.

use super::*;
use crate::kwok::read;
use crate::repair;
use serde_json::{Value, json};

fn machine_type(name: &str, cpu: &str, offerings: &[(&str, &str, f64, bool)]) -> Value {
    let offering = |(zone, capacity, price, available): &(&str, &str, f64, bool)| {
        json!({"Price": price, "Available": available, "Requirements": [
            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": [capacity]},
            {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]},
        ]})
    };
    json!({
        "name": name, "architecture": "amd64", "operatingSystems": ["linux"],
        "resources": {"cpu": cpu, "memory": "8Gi", "pods": "20"},
        "offerings": offerings.iter().map(offering).collect::<Vec<_>>(),
    })
}

fn catalogue() -> KwokCatalogue {
    let types = json!([
        machine_type("c-2x", "2", &[("zone-a", "on-demand", 0.2, true), ("zone-b", "spot", 0.1, true)]),
        machine_type("c-4x", "4", &[("zone-a", "on-demand", 0.4, true), ("zone-b", "spot", 0.05, false)]),
        machine_type("c-8x", "8", &[("zone-a", "on-demand", 0.2, true)]),
    ]);
    read(&types.to_string()).expect("a catalogue")
}

fn wants(requirements: Value) -> NodeClaim {
    serde_json::from_value(json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
        "metadata": {"name": "default-x7", "uid": "0A1b2c3d-4e5f-6789", "labels": {"team": "a"}, "annotations": {"note": "b"}},
        "spec": {
            "requirements": requirements,
            "resources": {"requests": {"cpu": "3", "example.com/device": "1"}},
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
        },
    }))
    .expect("a readable claim")
}

fn any_type() -> Value {
    json!({"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["c-2x", "c-4x", "c-8x", "unknown"]})
}

fn label<'n>(node: &'n Node, key: &str) -> &'n str {
    &node.metadata.labels.as_ref().expect("labels")[key]
}

fn bought(requirements: Value) -> String {
    match node(&wants(requirements), &catalogue()) {
        Ok(node) => format!("{} {}", label(&node, labels::INSTANCE_TYPE), label(&node, labels::ZONE)),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_cheapest_offering_on_sale_is_bought() {
    assert_eq!(bought(json!([any_type()])), "c-2x zone-b", "the spot offering of c-4x is cheaper and not to be had");
    let on_demand = json!({"key": "karpenter.sh/capacity-type", "operator": "NotIn", "values": ["spot"]});
    assert_eq!(bought(json!([any_type(), on_demand])), "c-2x zone-a", "of two for one price the first by name");
    let large = json!({"key": "karpenter.kwok.sh/instance-cpu", "operator": "In", "values": ["4", "8"]});
    assert_eq!(bought(json!([any_type(), large.clone()])), "c-8x zone-a");
    let b = json!({"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-b"]});
    let error = bought(json!([any_type(), large, b]));
    assert_eq!(error, "insufficient capacity, no offering on sale meets the requirements of nodeclaim \"default-x7\"");
}

#[test]
fn a_claim_that_names_no_type_gets_one_with_room() {
    let mut claim = wants(json!([]));
    claim.spec.resources.requests.as_mut().expect("requests").remove("example.com/device");
    let node = node(&claim, &catalogue()).expect("a node");
    assert_eq!(label(&node, labels::INSTANCE_TYPE), "c-8x", "three cores and the overhead do not fit into two");
}

#[test]
fn a_requirement_that_cannot_be_read_says_so() {
    let error = bought(json!([any_type(), {"key": "cpu", "operator": "Gt", "values": ["many"]}]));
    assert!(error.starts_with("creating nodeclaim, requirement cpu: "), "{error}");
}

#[test]
fn a_node_carries_what_karpenter_s_kwok_provider_gives_it() {
    let one = json!({"key": "example.com/rack", "operator": "In", "values": ["r1"]});
    let two = json!({"key": "example.com/row", "operator": "In", "values": ["x", "y"]});
    let node = node(&wants(json!([any_type(), one, two])), &catalogue()).expect("a node");
    assert_eq!(node.metadata.name.as_deref(), Some("kwok-default-x7-0a1b2c3d4e"));
    let labels = node.metadata.labels.as_ref().expect("labels");
    for (key, value) in [
        ("team", "a"),
        ("example.com/rack", "r1"),
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/os", "linux"),
        ("karpenter.sh/capacity-type", "spot"),
        ("karpenter.kwok.sh/instance-family", "c"),
        ("kubernetes.io/hostname", "default-x7"),
        ("kwok-partition", "a"),
        ("kwok.x-k8s.io/node", "fake"),
        ("eks-node-viewer/instance-price", "0.100000"),
    ] {
        assert_eq!(labels.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert!(!labels.contains_key("example.com/row"));
    let annotations = node.metadata.annotations.as_ref().expect("annotations");
    assert_eq!((&*annotations["note"], &*annotations["kwok.x-k8s.io/node"]), ("b", "fake"));
    let spec = node.spec.as_ref().expect("a spec");
    assert_eq!(spec.provider_id.as_deref(), Some("kwok://kwok-default-x7-0a1b2c3d4e"));
    let taints: Vec<_> = spec.taints.iter().flatten().map(|t| (&*t.key, &*t.effect)).collect();
    assert_eq!(taints, [("karpenter.sh/unregistered", "NoExecute")]);
    let status = node.status.as_ref().expect("a status");
    let amount = |of: &Option<BTreeMap<String, Amount>>, name: &str| of.as_ref().expect("amounts")[name].0.clone();
    assert_eq!(amount(&status.capacity, "cpu"), "2");
    assert_eq!(amount(&status.allocatable, "cpu"), "1900m");
    assert_eq!(amount(&status.allocatable, "example.com/device"), "1");
}

#[test]
fn a_node_tells_what_its_machine_is() {
    let asked = wants(json!([any_type()]));
    let node = node(&asked, &catalogue()).expect("a node");
    let told = claim(&node).expect("a machine");
    let status = told.status.expect("a status");
    assert_eq!(status.node_name, node.metadata.name);
    assert_eq!(status.provider_id.as_deref(), Some(&*format!("kwok://{}", node_name(&asked))));
    assert_eq!(status.capacity.expect("amounts")["memory"].value(), 8 << 30);
    assert_eq!(told.metadata.labels, node.metadata.labels);
    let mut other = node;
    other.spec.as_mut().expect("a spec").provider_id = Some("aws:///zone-a/i-1".into());
    assert!(claim(&other).is_none());
}

#[test]
fn a_class_says_how_long_registration_takes_or_why_it_cannot_be_used() {
    let class = |value: Value| -> KWOKNodeClass { serde_json::from_value(value).expect("a class") };
    let plain = json!({"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass", "metadata": {"name": "a"}, "spec": {}});
    assert_eq!(registration_delay("a", Some(&class(plain.clone()))).expect("usable"), Duration::ZERO);
    let mut slow = plain.clone();
    slow["spec"]["nodeRegistrationDelay"] = json!("1m30s");
    assert_eq!(registration_delay("a", Some(&class(slow))).expect("usable"), Duration::from_secs(90));
    assert!(matches!(registration_delay("a", None), Err(ProviderError::InsufficientCapacity(_))));
    let mut broken = plain;
    broken["status"]["conditions"] = json!([{
        "type": "Ready", "status": "False", "reason": "Broken", "message": "no such rack", "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]);
    let error = registration_delay("a", Some(&class(broken))).expect_err("not usable");
    assert_eq!(error.to_string(), "NodeClassRef not ready, no such rack");
}

#[test]
fn the_repair_policies_make_a_sound_set() {
    assert_eq!(repair::validate(&repair_policies()), Ok(()));
}
