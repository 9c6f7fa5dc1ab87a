//! Catalogue files read: what they say, what they leave open, and what is wrong with them.

use super::*;
use serde_json::{Value, json};

fn offering(zone: &str, capacity_type: &str, price: f64) -> Value {
    json!({"Price": price, "Requirements": [
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": [capacity_type]},
        {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]},
    ]})
}

fn plain(name: &str) -> Value {
    json!({
        "name": name, "architecture": "amd64", "operatingSystems": ["linux"],
        "resources": {"cpu": "4", "memory": "8Gi"},
        "offerings": [offering("zone-b", "spot", 0.05), offering("zone-a", "on-demand", 0.1)],
    })
}

/// The plain type with one field more or other.
fn with(name: &str, field: &str, value: Value) -> Value {
    let mut out = plain(name);
    out[field] = value;
    out
}

fn reserved(id: &str, room: u32) -> Value {
    let mut out = offering("zone-a", "reserved", 0.000_000_01);
    out["ReservationCapacity"] = json!(room);
    let id = json!({"key": "karpenter.k8s.aws/capacity-reservation-id", "operator": "In", "values": [id]});
    out["Requirements"].as_array_mut().expect("a list").push(id);
    out
}

fn catalogue(types: &[Value]) -> KwokCatalogue {
    read(&json!(types).to_string()).expect("a catalogue")
}

fn only(value: Value) -> InstanceType {
    (*catalogue(&[value]).types[0]).clone()
}

fn label(t: &InstanceType, key: &str) -> String {
    t.requirements.get(key).map_or_else(|| "free".to_owned(), ToString::to_string)
}

fn refusal(types: Value) -> String {
    read(&types.to_string()).expect_err("no catalogue").to_string()
}

#[test]
fn a_type_of_the_kwok_provider_is_read() {
    let t = only(plain("c-4x-amd64-linux"));
    assert_eq!(label(&t, labels::INSTANCE_TYPE), "In [c-4x-amd64-linux]");
    assert_eq!(label(&t, labels::ARCH), "In [amd64]");
    assert_eq!(label(&t, labels::OS), "In [linux]");
    assert_eq!(label(&t, labels::ZONE), "In [zone-a zone-b]");
    assert_eq!(label(&t, labels::CAPACITY_TYPE), "In [on-demand spot]");
    assert_eq!(t.capacity.get("cpu"), 4000);
    assert_eq!(t.capacity.get("pods"), 110, "the kubelet's default");
    assert_eq!(t.allocatable().get("cpu"), 3900);
    assert_eq!(t.allocatable().get("memory"), (8 << 30) - (10 << 20));
    let prices: Vec<Price> = t.offerings.iter().map(|o| o.price).collect();
    assert_eq!(prices, [Price::from_dollars(0.05), Price::from_dollars(0.1)]);
    assert!(t.offerings.iter().all(|o| o.available && o.reservation_capacity.is_none()));
}

#[test]
fn the_labels_of_the_kwok_provider_come_of_the_name() {
    let t = only(plain("m5.large"));
    for (key, value) in [("size", "large"), ("family", "m5"), ("cpu", "4"), ("memory", "8Gi"), ("type", "m5.large")] {
        assert_eq!(label(&t, &format!("karpenter.kwok.sh/instance-{key}")), format!("In [{value}]"));
    }
    let told = json!({"karpenter.kwok.sh/instance-size": "huge"});
    assert_eq!(label(&only(with("m5.large", "labels", told)), "karpenter.kwok.sh/instance-size"), "In [huge]");
}

#[test]
fn labels_that_only_other_types_carry_do_not_exist() {
    let gpu = with("gpu", "labels", json!({"karpenter.k8s.aws/instance-gpu-name": "t4", "rack": "7"}));
    let both = catalogue(&[gpu, plain("plain")]);
    let by_name = |name: &str| both.types.iter().find(|t| &*t.name == name).expect("there").clone();
    assert_eq!(label(&by_name("gpu"), "rack"), "In [7]");
    assert_eq!(label(&by_name("plain"), "rack"), "DoesNotExist");
    assert_eq!(label(&by_name("plain"), "karpenter.k8s.aws/instance-gpu-name"), "DoesNotExist");
    assert_eq!(
        label(&by_name("gpu"), "karpenter.k8s.aws/instance-gpu-count"),
        "DoesNotExist",
        "well known, and nobody has it"
    );
    assert!(both.well_known.contains("rack") && both.well_known.contains("karpenter.k8s.aws/instance-gpu-name"));
}

#[test]
fn what_pools_decide_stays_free_unless_the_file_says_otherwise() {
    let silent = only(plain("a"));
    for key in [
        "topology.kubernetes.io/region",
        "node.kubernetes.io/windows-build",
        "karpenter.sh/nodepool",
        "karpenter.k8s.aws/ec2nodeclass",
    ] {
        assert_eq!(label(&silent, key), "free", "{key}");
    }
    let told = catalogue(&[with("a", "labels", json!({"topology.kubernetes.io/region": "r1"})), plain("b")]);
    assert_eq!(label(&told.types[0], labels::REGION), "In [r1]");
    assert_eq!(label(&told.types[1], labels::REGION), "DoesNotExist");
}

#[test]
fn overhead_replaces_the_default_as_a_whole() {
    let t = only(with("a", "overhead", json!({"memory": "1Gi"})));
    assert_eq!(t.allocatable().get("memory"), 7 << 30);
    assert_eq!(t.allocatable().get("cpu"), 4000);
}

#[test]
fn what_is_not_available_is_listed_but_lends_no_label() {
    let mut gone = offering("zone-c", "spot", 0.01);
    gone["Available"] = json!(false);
    let t = only(with("a", "offerings", json!([gone, offering("zone-a", "on-demand", 0.1)])));
    assert_eq!(t.offerings.iter().map(|o| o.available).collect::<Vec<_>>(), [false, true]);
    assert_eq!(label(&t, labels::ZONE), "In [zone-a]");
    assert_eq!(label(&t, labels::CAPACITY_TYPE), "In [on-demand]");
}

#[test]
fn reservations_have_room_for_so_many() {
    let both = catalogue(&[
        with("a", "offerings", json!([reserved("cr-1", 2), reserved("cr-2", 0), offering("zone-a", "on-demand", 0.1)])),
        plain("b"),
    ]);
    let [a, b] = both.types.as_ref() else { panic!("two types") };
    let room: Vec<_> = a.offerings.iter().map(|o| (o.reservation_capacity, o.launchable())).collect();
    assert_eq!(room, [(Some(2), true), (Some(0), false), (None, true)]);
    assert_eq!(label(a, aws::CAPACITY_RESERVATION_ID), "In [cr-1 cr-2]");
    assert_eq!(label(b, aws::CAPACITY_RESERVATION_ID), "DoesNotExist");
    assert_eq!(both.reservation_label.as_deref(), Some(aws::CAPACITY_RESERVATION_ID));
    assert_eq!(catalogue(&[plain("b")]).reservation_label, None, "nothing is reserved");
}

#[test]
fn reservations_may_be_named_by_another_providers_label_but_by_one_only() {
    let named = |key: &str| {
        let mut offering = reserved("r-1", 1);
        offering["Requirements"][2]["key"] = json!(key);
        offering
    };
    let file = catalogue(&[with("a", "offerings", json!([named("example.com/capacity-reservation-id")]))]);
    assert_eq!(file.reservation_label.as_deref(), Some("example.com/capacity-reservation-id"));
    assert!(file.well_known.contains("example.com/capacity-reservation-id"));
    let two = json!([
        with("a", "offerings", json!([named("example.com/capacity-reservation-id")])),
        with("b", "offerings", json!([named("example.org/capacity-reservation-id")])),
    ]);
    let needs = "needs the requirement example.com/capacity-reservation-id In exactly one value";
    assert!(refusal(two.clone()).contains(needs), "{}", refusal(two));
    let mut either = reserved("cr-1", 1);
    either["Requirements"][2]["values"] = json!(["cr-1", "cr-2"]);
    let either = refusal(json!([with("a", "offerings", json!([either]))]));
    assert!(either.contains("In exactly one value"), "{either}");
}

#[test]
fn types_come_in_the_order_of_their_names() {
    let names: Vec<String> =
        catalogue(&[plain("b"), plain("c"), plain("a")]).types.iter().map(|t| t.name.to_string()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn aliases_of_keys_mean_the_same() {
    let mut old = offering("zone-a", "on-demand", 0.1);
    old["Requirements"][1]["key"] = json!("failure-domain.beta.kubernetes.io/zone");
    assert_eq!(label(&only(with("a", "offerings", json!([old]))), labels::ZONE), "In [zone-a]");
}

#[test]
fn the_field_at_fault_is_named() {
    let missing = |field: &str| {
        let mut t = plain("a");
        t.as_object_mut().expect("a map").remove(field);
        refusal(json!([t]))
    };
    assert!(
        missing("architecture").contains("instance type a: field .: missing field `architecture`"),
        "{}",
        missing("architecture")
    );
    assert!(missing("name").contains("instance type number 0: "), "{}", missing("name"));
    let mut bad_price = offering("zone-a", "spot", 1.0);
    bad_price["Price"] = json!("cheap");
    let mut operator = offering("zone-a", "spot", 1.0);
    operator["Requirements"][0]["operator"] = json!("Is");
    let mut bound = offering("zone-a", "spot", 1.0);
    bound["Requirements"][0] = json!({"key": "x", "operator": "Gt", "values": ["a"]});
    let mut nowhere = offering("zone-a", "spot", 1.0);
    nowhere["Requirements"].as_array_mut().expect("a list").pop();
    for (field, value, place) in [
        ("resources", json!({"cpu": "four"}), "field resources.cpu: "),
        ("resources", json!({"cpu": "-4"}), "field resources.cpu: "),
        ("offerings", json!([bad_price]), "field offerings[0].Price: "),
        ("offerings", json!([offering("zone-a", "spot", -1.0)]), "field offerings[0].Price: "),
        ("offerings", json!([operator]), "field offerings[0].Requirements[0].operator: "),
        ("offerings", json!([bound]), "field offerings[0].Requirements[0]: "),
        ("offerings", json!([nowhere]), "field offerings[0].Requirements: topology.kubernetes.io/zone "),
        (
            "offerings",
            json!([offering("zone-a", "reserved", 0.0)]),
            "field offerings[0].Requirements: a reserved offering ",
        ),
    ] {
        let text = refusal(json!([with("a", field, value)]));
        assert!(text.starts_with("instance type a: ") && text.contains(place), "{text}");
    }
    assert_eq!(
        refusal(json!([plain("a"), plain("a")])),
        "instance type a is listed twice: give each type a name of its own"
    );
    assert!(refusal(json!({"types": []})).contains("no list of instance types"));
}
