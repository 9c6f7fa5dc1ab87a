//! The schemas are structural in the API server's sense, use no keyword that offline admission would overlook, and say
//! something about every field.

use std::collections::BTreeSet;

use dovetail_api::crd;
use serde_json::{Map, Value, json};

use crate::{at, schema};

/// What offline admission understands, and what needs no understanding.
const KEYWORDS: [&str; 25] = [
    "additionalProperties",
    "default",
    "description",
    "enum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "properties",
    "required",
    "type",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
    // Nothing carries these, but they would be understood.
    "nullable",
    "x-kubernetes-embedded-resource",
];

/// Calls `judge` with the path and the schema of every node of every CRD.
fn every_node(mut judge: impl FnMut(&str, &Map<String, Value>)) {
    fn walk(path: &str, node: &Value, judge: &mut impl FnMut(&str, &Map<String, Value>)) {
        let node = node.as_object().unwrap_or_else(|| panic!("{path} is not an object"));
        judge(path, node);
        for (name, child) in node.get("properties").and_then(Value::as_object).into_iter().flatten() {
            walk(&format!("{path}.{name}"), child, judge);
        }
        for (keyword, suffix) in [("items", "[]"), ("additionalProperties", ".*")] {
            if let Some(child) = node.get(keyword) {
                walk(&format!("{path}{suffix}"), child, judge);
            }
        }
    }
    for kind in crd::KINDS {
        walk(kind, &schema(kind), &mut judge);
    }
}

fn list<'a>(node: &'a Map<String, Value>, keyword: &str) -> Vec<&'a str> {
    node.get(keyword).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn no_schema_uses_a_keyword_that_admission_does_not_know() {
    every_node(|path, node| {
        for keyword in node.keys() {
            assert!(KEYWORDS.contains(&keyword.as_str()), "{path} has {keyword}");
        }
    });
}

#[test]
fn an_option_is_a_field_that_may_be_missing_and_never_one_that_may_be_null() {
    every_node(|path, node| assert!(!node.contains_key("nullable"), "{path} may be null"));
}

#[test]
fn every_node_has_one_type_and_the_parts_that_belong_to_it() {
    every_node(|path, node| {
        if node.get("x-kubernetes-int-or-string") == Some(&json!(true)) {
            assert!(!node.contains_key("type"), "{path} is both");
            return;
        }
        let kind = node.get("type").and_then(Value::as_str).unwrap_or_else(|| panic!("{path} has no type"));
        assert_eq!(kind == "array", node.contains_key("items"), "{path}: items");
        let fields = ["properties", "additionalProperties", "x-kubernetes-preserve-unknown-fields"];
        let described = fields.iter().filter(|keyword| node.contains_key(**keyword)).count();
        let is_metadata = path.matches('.').count() == 1 && path.ends_with(".metadata");
        match kind {
            "object" if is_metadata => assert_eq!(described, 0, "{path}"),
            "object" => assert_eq!(described, 1, "{path} describes its fields in {described} ways"),
            _ => assert_eq!(described, 0, "{path} has fields"),
        }
        assert!(["object", "array", "string", "integer", "boolean"].contains(&kind), "{path} is a {kind}");
    });
}

#[test]
fn formats_are_those_that_the_api_server_checks() {
    every_node(|path, node| {
        let format = node.get("format").and_then(Value::as_str);
        match node.get("type").and_then(Value::as_str) {
            Some("integer") => assert!(matches!(format, None | Some("int32" | "int64")), "{path}: {format:?}"),
            Some("string") => assert!(matches!(format, None | Some("date-time")), "{path}: {format:?}"),
            _ => assert_eq!(format, None, "{path}"),
        }
    });
}

#[test]
fn integers_are_as_wide_as_karpenters() {
    let width = |kind: &str, field: &str| at(kind, field).get("format").and_then(Value::as_str).map(ToOwned::to_owned);
    for (kind, field, expected) in [
        ("NodePool", "spec.weight", Some("int32")),
        ("NodePool", "spec.replicas", Some("int64")),
        ("NodePool", "spec.template.spec.requirements[].minValues", None),
        ("NodePool", "status.nodes", Some("int64")),
        ("NodePool", "status.nodeClassObservedGeneration", Some("int64")),
        ("NodeClaim", "spec.requirements[].minValues", None),
        ("NodeOverlay", "spec.weight", Some("int32")),
        ("CapacityBuffer", "spec.replicas", Some("int32")),
        ("CapacityBuffer", "spec.percentage", Some("int32")),
        ("CapacityBuffer", "status.replicas", Some("int32")),
        ("CapacityBuffer", "status.podTemplateGeneration", Some("int64")),
        ("EC2NodeClass", "spec.ipPrefixCount", Some("int32")),
        ("EC2NodeClass", "spec.metadataOptions.httpPutResponseHopLimit", Some("int64")),
        ("EC2NodeClass", "spec.blockDeviceMappings[].ebs.iops", Some("int64")),
        ("EC2NodeClass", "spec.blockDeviceMappings[].ebs.throughput", Some("int64")),
        ("EC2NodeClass", "spec.blockDeviceMappings[].ebs.volumeInitializationRate", Some("int32")),
        ("EC2NodeClass", "spec.connectionTracking.tcpEstablishedTimeout", Some("int32")),
    ] {
        assert_eq!(width(kind, field).as_deref(), expected, "{kind} {field}");
    }
}

#[test]
fn lists_that_are_sets_or_maps_have_items_that_can_be_compared() {
    let mut kinds = BTreeSet::new();
    every_node(|path, node| {
        let items = node.get("items");
        let field = |name: &str| items.and_then(|items| items["properties"].get(name)).cloned();
        match node.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("set") => assert_eq!(items.expect("items")["type"], "string", "{path}"),
            Some("map") => {
                let keys = list(node, "x-kubernetes-list-map-keys");
                assert!(!keys.is_empty(), "{path} has no keys");
                let required =
                    items.and_then(Value::as_object).map(|items| list(items, "required")).unwrap_or_default();
                for key in keys {
                    assert!(required.contains(&key), "{path}: key {key} may be missing");
                    assert_eq!(field(key).expect("the key is a field")["type"], "string", "{path}");
                }
            }
            Some("atomic") | None => assert!(!node.contains_key("x-kubernetes-list-map-keys"), "{path}"),
            Some(other) => panic!("{path} is a list of type {other}"),
        }
        kinds.extend(node.get("x-kubernetes-list-type").map(ToString::to_string));
    });
    assert_eq!(kinds.len(), 3, "all three types are in use");
}

#[test]
fn required_fields_exist() {
    every_node(|path, node| {
        for name in list(node, "required") {
            assert!(node["properties"].get(name).is_some(), "{path} requires {name}");
        }
    });
    assert_eq!(schema("NodePool")["required"], json!(["spec"]));
    assert_eq!(schema("EC2NodeClass").get("required"), None);
    assert_eq!(schema("KWOKNodeClass").get("required"), None);
}

#[test]
fn every_field_is_described_without_line_breaks() {
    every_node(|path, node| {
        let is_field = path.contains('.') && !path.ends_with(['*', ']']) && !path.ends_with(".metadata");
        let description = node.get("description").and_then(Value::as_str);
        assert!(!is_field || path.ends_with(".reason") || description.is_some(), "{path} is not described");
        assert!(!description.unwrap_or_default().contains('\n'), "{path} is described over several lines");
    });
}

#[test]
fn every_rule_says_what_is_wrong_on_one_line() {
    every_node(|path, node| {
        for rule in node.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
            let message = rule["message"].as_str().unwrap_or_else(|| panic!("{path}: a rule has no message"));
            assert!(!message.is_empty() && !message.contains('\n'), "{path}: {message:?}");
        }
    });
}

#[test]
fn what_was_removed_is_gone() {
    let text = serde_json::to_string(&crd::all()).expect("CRDs serialise");
    assert!(!text.contains("nitro-sandbox"));
    assert!(!text.contains("$ref"));
    assert!(text.contains("capacity-reservation-interruptible"));
}
