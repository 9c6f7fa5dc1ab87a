//! Enumerations, patterns and bounds, field by field: values at the edge that are accepted and values beyond it that are
//! refused. A field of any CRD that has a bound and is not in the table fails.

mod ec2_node_class;
mod karpenter;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::crd_support::{Changes, valid, with};
use crate::{at, judge, schema};

/// The change that gives a field a value.
type SetValue = fn(Value) -> Changes;

/// A field with values that it may and may not have.
pub(crate) struct Field {
    kind: &'static str,
    /// The field as the schema has it, `[]` for items and `*` for values of maps.
    path: &'static str,
    change: SetValue,
    accepted: Vec<Value>,
    refused: Vec<Value>,
}

fn field(
    kind: &'static str,
    path: &'static str,
    change: SetValue,
    accepted: impl Into<Vec<Value>>,
    refused: impl Into<Vec<Value>>,
) -> Field {
    Field { kind, path, change, accepted: accepted.into(), refused: refused.into() }
}

/// Texts as values.
fn texts<const N: usize>(texts: [&str; N]) -> Vec<Value> {
    texts.into_iter().map(Value::from).collect()
}

/// Whole numbers as values.
fn numbers<const N: usize>(numbers: [i64; N]) -> Vec<Value> {
    numbers.into_iter().map(Value::from).collect()
}

pub(crate) fn table() -> Vec<Field> {
    karpenter::fields().into_iter().chain(ec2_node_class::fields()).collect()
}

/// Names the field as an error does: without the schema's placeholders.
fn is_about(found: &str, path: &str) -> bool {
    let stem = path.split(['[', '*']).next().unwrap_or_default().trim_end_matches('.');
    found.starts_with(stem)
}

#[test]
fn a_value_within_bounds_is_accepted() {
    for field in table() {
        for value in field.accepted {
            let object = with(valid(field.kind), &(field.change)(value.clone()));
            assert_eq!(judge(&object), Ok(()), "{} {}: {value}", field.kind, field.path);
        }
    }
}

#[test]
fn a_value_out_of_bounds_is_refused_for_its_field() {
    for field in table() {
        for value in field.refused {
            let object = with(valid(field.kind), &(field.change)(value.clone()));
            let name = format!("{} {}: {value}", field.kind, field.path);
            let found = judge(&object).expect_err(&name);
            assert!(is_about(&found[0], field.path), "{name}: {found:#?}");
        }
    }
}

/// Every field that the schema of a kind's spec bounds, by its path.
fn bounded(path: &str, schema: &Map<String, Value>, found: &mut BTreeSet<String>) {
    const BOUNDS: [&str; 9] =
        ["enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties"];
    if BOUNDS.iter().any(|keyword| schema.contains_key(*keyword)) {
        found.insert(path.to_owned());
    }
    for (name, child) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        bounded(&format!("{path}.{name}"), child.as_object().expect("a schema is an object"), found);
    }
    for (keyword, suffix) in [("items", "[]"), ("additionalProperties", ".*")] {
        if let Some(child) = schema.get(keyword) {
            bounded(&format!("{path}{suffix}"), child.as_object().expect("a schema is an object"), found);
        }
    }
}

#[test]
fn every_bounded_field_of_every_spec_is_in_the_table() {
    for kind in dovetail_api::crd::KINDS {
        let mut found = BTreeSet::new();
        let spec = &schema(kind)["properties"]["spec"];
        bounded("spec", spec.as_object().expect("a schema is an object"), &mut found);
        let tested: BTreeSet<String> =
            table().into_iter().filter(|field| field.kind == kind).map(|field| field.path.to_owned()).collect();
        let untested: Vec<_> = found.difference(&tested).collect();
        assert!(untested.is_empty(), "{kind}: {untested:#?}");
        for field in table().into_iter().filter(|field| field.kind == kind) {
            assert!(!field.accepted.is_empty() && !field.refused.is_empty(), "{kind} {}", field.path);
            at(kind, field.path);
        }
    }
}

#[test]
fn enumerations_list_what_the_contract_lists_in_its_order() {
    for (kind, field, values) in [
        (
            "NodePool",
            "spec.template.spec.requirements[].operator",
            vec!["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"],
        ),
        ("NodePool", "spec.disruption.budgets[].reasons[]", vec!["Underutilized", "Empty", "Drifted", "Unhealthy"]),
        ("NodePool", "spec.disruption.consolidationPolicy", vec!["WhenEmpty", "WhenEmptyOrUnderutilized", "Balanced"]),
        ("NodePool", "spec.template.spec.taints[].effect", vec!["NoSchedule", "PreferNoSchedule", "NoExecute"]),
        (
            "EC2NodeClass",
            "spec.amiFamily",
            vec!["AL2", "AL2023", "Bottlerocket", "Custom", "Windows2019", "Windows2022", "Windows2025"],
        ),
        (
            "EC2NodeClass",
            "spec.blockDeviceMappings[].ebs.volumeType",
            vec!["standard", "io1", "io2", "gp2", "sc1", "st1", "gp3"],
        ),
        ("EC2NodeClass", "spec.networkInterfaces[].interfaceType", vec!["interface", "efa-only"]),
        ("EC2NodeClass", "spec.instanceStorePolicy", vec!["RAID0"]),
        ("EC2NodeClass", "status.capacityReservations[].reservationType", vec!["default", "capacity-block"]),
        ("EC2NodeClass", "status.capacityReservations[].state", vec!["active", "expiring"]),
    ] {
        assert_eq!(at(kind, field)["enum"], json!(values), "{kind} {field}");
    }
}

#[test]
fn lists_and_maps_are_replaced_as_wholes_where_the_contract_says_so() {
    for (kind, field, keyword, value) in [
        ("NodePool", "spec.template.metadata.labels", "x-kubernetes-map-type", "atomic"),
        ("NodePool", "spec.template.metadata.annotations", "x-kubernetes-map-type", "granular"),
        ("NodePool", "spec.template.spec.requirements", "x-kubernetes-list-type", "atomic"),
        ("NodePool", "spec.template.spec.requirements[].values", "x-kubernetes-list-type", "atomic"),
        ("NodePool", "spec.template.spec.taints", "x-kubernetes-list-type", "atomic"),
        ("NodePool", "spec.template.spec.startupTaints", "x-kubernetes-list-type", "atomic"),
        ("NodePool", "spec.disruption.budgets", "x-kubernetes-list-type", "atomic"),
        ("NodePool", "spec.disruption.budgets[].reasons", "x-kubernetes-list-type", "set"),
        ("NodeClaim", "spec.requirements", "x-kubernetes-list-type", "atomic"),
        ("NodeOverlay", "spec.requirements", "x-kubernetes-list-type", "atomic"),
        ("NodeClaim", "status.conditions", "x-kubernetes-list-type", "map"),
        ("EC2NodeClass", "status.conditions", "x-kubernetes-list-type", "map"),
    ] {
        assert_eq!(at(kind, field)[keyword], json!(value), "{kind} {field}");
    }
}
