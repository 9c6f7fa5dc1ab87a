//! Defaults: a manifest read offline comes out as the API server would hand it out, whichever way it is read.

use dovetail_api::admission;
use dovetail_api::capacity_buffer::CapacityBuffer;
use dovetail_api::ec2_node_class::{
    AmiFamily, CapacityReservationState, CapacityReservationType, EC2NodeClass, EC2NodeClassSpec, HttpTokens,
    MetadataOptions, Toggle,
};
use dovetail_api::kwok_node_class::KWOKNodeClass;
use dovetail_api::node_claim::{NodeClaim, NodeClaimSpec};
use dovetail_api::node_overlay::NodeOverlay;
use dovetail_api::node_pool::{Budget, ConsolidationPolicy, Disruption, NodePool, NodePoolSpec};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::at;
use crate::crd_support::{Changes, valid, with};

/// Reads a manifest with its schema's defaults, and makes sure that serde's defaults agree.
fn read<K: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(object: Value) -> K {
    let admitted: K = admission::admit(object.clone()).expect("the manifest is valid");
    let direct: K = serde_json::from_value(object).expect("the manifest is of its type");
    let text = |object: &K| serde_json::to_string(object).expect("the object serialises");
    assert_eq!(text(&admitted), text(&direct), "serde fills in other defaults than the schema");
    admitted
}

#[test]
fn a_node_pool_that_says_nothing_consolidates_at_once_within_ten_percent_and_expires_after_a_month() {
    let pool: NodePool = read(valid("NodePool"));
    assert_eq!(pool.spec.template.spec.expire_after.to_string(), "720h");
    let disruption = &pool.spec.disruption;
    assert_eq!(disruption.consolidate_after.to_string(), "0s");
    assert_eq!(disruption.consolidation_policy, ConsolidationPolicy::WhenEmptyOrUnderutilized);
    assert_eq!(disruption.budgets, [Budget { nodes: "10%".to_owned(), reasons: None, schedule: None, duration: None }]);
    assert_eq!((pool.spec.weight, pool.spec.replicas), (None, None));
    assert_eq!(pool.spec.template.spec.termination_grace_period, None);
}

#[test]
fn a_node_pool_that_says_something_keeps_the_other_defaults() {
    let changes: Changes = vec![("spec.disruption", json!({ "consolidationPolicy": "WhenEmpty" }))];
    let pool: NodePool = read(with(valid("NodePool"), &changes));
    assert_eq!(pool.spec.disruption.consolidation_policy, ConsolidationPolicy::WhenEmpty);
    assert_eq!(pool.spec.disruption.consolidate_after.to_string(), "0s");
    assert_eq!(pool.spec.disruption.budgets.len(), 1);
}

#[test]
fn no_budgets_is_not_the_same_as_none_given() {
    let pool: NodePool = read(with(valid("NodePool"), &vec![("spec.disruption.budgets", json!([]))]));
    assert_eq!(pool.spec.disruption.budgets, []);
    let given = vec![("spec.disruption.budgets", json!([{ "reasons": ["Unhealthy"] }]))];
    let pool: NodePool = read(with(valid("NodePool"), &given));
    assert_eq!(pool.spec.disruption.budgets[0].nodes, "10%");
}

#[test]
fn a_null_counts_as_nothing_said() {
    let mut manifest = valid("NodePool");
    manifest["spec"]["disruption"] = Value::Null;
    manifest["spec"]["limits"] = Value::Null;
    manifest["spec"]["template"]["spec"]["taints"] = Value::Null;
    manifest["spec"]["template"]["metadata"] =
        json!({ "labels": null, "annotations": { "kept": "a", "dropped": null } });
    let pool: NodePool = admission::admit(manifest).expect("nulls are dropped");
    assert_eq!(pool.spec.disruption, Disruption::default());
    assert_eq!(pool.spec.limits, None);
    assert_eq!(pool.spec.template.spec.taints, None);
    let annotations = pool.spec.template.metadata.annotations.expect("annotations");
    assert_eq!(annotations.into_keys().collect::<Vec<_>>(), ["kept"]);
}

#[test]
fn a_whole_number_with_a_point_is_a_whole_number() {
    let changes = vec![("spec.weight", json!(10.0)), ("spec.limits", json!({ "cpu": 1e3 }))];
    let pool: NodePool = admission::admit(with(valid("NodePool"), &changes)).expect("10.0 is 10");
    assert_eq!(pool.spec.weight, Some(10));
    assert_eq!(pool.spec.limits.expect("limits")["cpu"].value(), 1000);
}

#[test]
fn empty_and_absent_stay_apart_where_the_drift_hash_tells_them_apart() {
    let mut manifest = valid("NodePool");
    manifest["spec"]["template"]["metadata"] = json!({ "labels": {} });
    manifest["spec"]["template"]["spec"]["taints"] = json!([]);
    let pool: NodePool = read(manifest);
    assert_eq!(pool.spec.template.metadata.labels.map(|labels| labels.len()), Some(0));
    assert_eq!(pool.spec.template.spec.taints.map(|taints| taints.len()), Some(0));
    assert_eq!(pool.spec.template.spec.startup_taints, None);
}

#[test]
fn what_a_type_defaults_to_is_what_an_empty_manifest_reads_as() {
    assert_eq!(Disruption::default(), serde_json::from_value(json!({})).expect("every field has a default"));
    assert_eq!(Budget::default(), serde_json::from_value(json!({})).expect("every field has a default"));
    assert_eq!(MetadataOptions::default(), serde_json::from_value(json!({})).expect("every field has a default"));
    let pool: NodePool = read(with(
        valid("NodePool"),
        &vec![
            ("spec.template.spec.nodeClassRef", json!({ "group": "", "kind": "", "name": "" })),
            ("spec.template.spec.nodeClassRef.group", json!("g")),
            ("spec.template.spec.nodeClassRef.kind", json!("k")),
            ("spec.template.spec.nodeClassRef.name", json!("n")),
        ],
    ));
    let mut expected = NodePoolSpec::default();
    expected.template.spec.node_class_ref = pool.spec.template.spec.node_class_ref.clone();
    assert_eq!(pool.spec, expected);
}

#[test]
fn a_node_claim_expires_after_a_month() {
    let claim: NodeClaim = read(valid("NodeClaim"));
    assert_eq!(claim.spec.expire_after, NodeClaimSpec::default().expire_after);
    assert_eq!(claim.spec.expire_after.to_string(), "720h");
    let claim: NodeClaim = read(with(valid("NodeClaim"), &vec![("spec.expireAfter", json!("Never"))]));
    assert_eq!(claim.spec.expire_after.duration(), None);
}

#[test]
fn metadata_options_default_as_a_whole_and_field_by_field() {
    let class: EC2NodeClass = read(valid("EC2NodeClass"));
    let options = class.spec.metadata_options.expect("metadata options");
    assert_eq!(options.http_endpoint, Some(Toggle::Enabled));
    assert_eq!(options.http_protocol_ipv6, Some(Toggle::Disabled));
    assert_eq!(options.http_put_response_hop_limit, Some(1));
    assert_eq!(options.http_tokens, Some(HttpTokens::Required));

    let two_hops = vec![("spec.metadataOptions", json!({ "httpPutResponseHopLimit": 2 }))];
    let class: EC2NodeClass = read(with(valid("EC2NodeClass"), &two_hops));
    let expected = MetadataOptions { http_put_response_hop_limit: Some(2), ..MetadataOptions::default() };
    assert_eq!(class.spec.metadata_options, Some(expected));

    let mut manifest = valid("EC2NodeClass");
    manifest["spec"]["metadataOptions"] = Value::Null;
    let class: EC2NodeClass = admission::admit(manifest).expect("a null is dropped");
    assert_eq!(class.spec.metadata_options, EC2NodeClassSpec::default().metadata_options);
}

#[test]
fn defaults_in_the_schemas_are_those_of_the_contract() {
    for (kind, field, default) in [
        ("NodePool", "spec.disruption", json!({ "consolidateAfter": "0s" })),
        ("NodePool", "spec.disruption.consolidateAfter", json!("0s")),
        ("NodePool", "spec.disruption.consolidationPolicy", json!("WhenEmptyOrUnderutilized")),
        ("NodePool", "spec.disruption.budgets", json!([{ "nodes": "10%" }])),
        ("NodePool", "spec.disruption.budgets[].nodes", json!("10%")),
        ("NodePool", "spec.template.spec.expireAfter", json!("720h")),
        ("NodePool", "status.nodes", json!(0)),
        ("NodeClaim", "spec.expireAfter", json!("720h")),
        ("CapacityBuffer", "spec.provisioningStrategy", json!("buffer.x-k8s.io/active-capacity")),
        (
            "EC2NodeClass",
            "spec.metadataOptions",
            json!({
                "httpEndpoint": "enabled",
                "httpProtocolIPv6": "disabled",
                "httpPutResponseHopLimit": 1,
                "httpTokens": "required",
            }),
        ),
        ("EC2NodeClass", "spec.metadataOptions.httpEndpoint", json!("enabled")),
        ("EC2NodeClass", "spec.metadataOptions.httpProtocolIPv6", json!("disabled")),
        ("EC2NodeClass", "spec.metadataOptions.httpPutResponseHopLimit", json!(1)),
        ("EC2NodeClass", "spec.metadataOptions.httpTokens", json!("required")),
        ("EC2NodeClass", "status.capacityReservations[].reservationType", json!("default")),
        ("EC2NodeClass", "status.capacityReservations[].state", json!("active")),
        ("KWOKNodeClass", "spec", json!({})),
    ] {
        assert_eq!(at(kind, field)["default"], default, "{kind} {field}");
    }
}

/// Paths of all defaults under a schema.
fn defaults(path: &str, schema: &Value, found: &mut Vec<String>) {
    if schema.get("default").is_some() {
        found.push(path.to_owned());
    }
    for (name, child) in schema["properties"].as_object().into_iter().flatten() {
        defaults(&format!("{path}.{name}"), child, found);
    }
    if let Some(items) = schema.get("items") {
        defaults(&format!("{path}[]"), items, found);
    }
}

#[test]
fn nothing_else_has_a_default() {
    let mut found = Vec::new();
    for kind in dovetail_api::crd::KINDS {
        defaults(kind, &crate::schema(kind), &mut found);
    }
    // The seventeen of the table above and the status of KWOKNodeClass.
    assert_eq!(found.len(), 18, "{found:#?}");
}

#[test]
fn a_buffer_is_active_unless_it_says_otherwise() {
    let buffer: CapacityBuffer = read(valid("CapacityBuffer"));
    assert_eq!(buffer.spec.provisioning_strategy, "buffer.x-k8s.io/active-capacity");
    assert_eq!(buffer.spec, Default::default());
}

#[test]
fn a_simulated_class_needs_no_spec_and_is_ready() {
    let manifest = json!({
        "apiVersion": "karpenter.kwok.sh/v1alpha1",
        "kind": "KWOKNodeClass",
        "metadata": { "name": "default" },
    });
    let class: KWOKNodeClass = admission::admit(manifest).expect("neither spec nor status is needed");
    assert_eq!(class.spec.node_registration_delay, None);
    let conditions = class.status.expect("status").conditions;
    assert_eq!((conditions[0].type_.as_str(), conditions[0].status.as_str()), ("Ready", "True"));
}

#[test]
fn a_node_class_without_spec_is_admitted_as_karpenter_admits_it_and_read_as_empty() {
    let manifest =
        json!({ "apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": { "name": "default" } });
    assert_eq!(admission::validate(&manifest), Ok(()));
    let found = admission::admit::<EC2NodeClass>(manifest).expect_err("it selects nothing");
    assert!(found[0].message.contains("subnetSelectorTerms"), "{}", found[0]);
}

#[test]
fn statuses_default_too() {
    let mut manifest = valid("EC2NodeClass");
    manifest["status"] = json!({ "capacityReservations": [{
        "availabilityZone": "us-west-2a",
        "id": "cr-1",
        "instanceMatchCriteria": "targeted",
        "instanceType": "m5.large",
        "ownerID": "012345678901",
    }] });
    let class: EC2NodeClass = admission::admit(manifest).expect("the status is valid");
    let reservation = &class.status.expect("status").capacity_reservations[0];
    assert_eq!(reservation.reservation_type, CapacityReservationType::Default);
    assert_eq!(reservation.state, CapacityReservationState::Active);
    assert!(!reservation.interruptible);
}

#[test]
fn an_overlay_has_no_defaults() {
    let overlay: NodeOverlay = read(valid("NodeOverlay"));
    assert_eq!(overlay.spec, Default::default());
}

#[test]
fn the_ami_family_is_the_one_set_else_the_aliases_else_custom() {
    let family = |changes: Changes| {
        let class: EC2NodeClass = read(with(valid("EC2NodeClass"), &changes));
        class.spec.effective_ami_family()
    };
    let alias = |alias: &str| ("spec.amiSelectorTerms", json!([{ "alias": alias }]));
    assert_eq!(family(vec![]), AmiFamily::AL2023);
    assert_eq!(family(vec![alias("bottlerocket@v1.20.5")]), AmiFamily::Bottlerocket);
    assert_eq!(family(vec![alias("windows2025@latest")]), AmiFamily::Windows2025);
    assert_eq!(family(vec![alias("al2@latest"), ("spec.amiFamily", json!("Custom"))]), AmiFamily::Custom);
    assert_eq!(EC2NodeClassSpec::default().effective_ami_family(), AmiFamily::Custom);
}
