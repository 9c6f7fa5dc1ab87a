//! The CustomResourceDefinitions, generated from the types of this crate: which kinds there are, and what their schemas
//! say once everything that is Rust's own way of speaking has been put into the API server's. It does not print, install
//! or compare anything.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceValidation, JSONSchemaProps,
};
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use crate::capacity_buffer::CapacityBuffer;
use crate::ec2_node_class::EC2NodeClass;
use crate::kwok_node_class::KWOKNodeClass;
use crate::node_claim::NodeClaim;
use crate::node_overlay::NodeOverlay;
use crate::node_pool::NodePool;

pub(crate) mod fragments;
pub mod patterns;

/// The kinds that this crate defines, in the order in which [`all`] lists them.
pub const KINDS: [&str; 6] =
    ["NodePool", "NodeClaim", "NodeOverlay", "CapacityBuffer", "EC2NodeClass", "KWOKNodeClass"];

/// Every CRD, in the order of [`KINDS`].
#[must_use]
pub fn all() -> Vec<CustomResourceDefinition> {
    KINDS.into_iter().filter_map(by_kind).collect()
}

/// The CRD of a kind, named as in a manifest; none if the kind is not one of [`KINDS`].
#[must_use]
pub fn by_kind(kind: &str) -> Option<CustomResourceDefinition> {
    Some(match kind {
        "NodePool" => finish(NodePool::crd(), |_| {}),
        "NodeClaim" => finish(NodeClaim::crd(), |_| {}),
        "NodeOverlay" => finish(NodeOverlay::crd(), |_| {}),
        "CapacityBuffer" => finish(CapacityBuffer::crd(), |_| {}),
        "EC2NodeClass" => finish(EC2NodeClass::crd(), spec_is_optional),
        "KWOKNodeClass" => finish(KWOKNodeClass::crd(), |root| {
            spec_is_optional(root);
            default_of(root, "spec", json!({}));
            // Nothing reconciles simulated machines' classes: one is ready as soon as it exists.
            default_of(
                root,
                "status",
                json!({ "conditions": [{
                "type": "Ready",
                "status": "True",
                "reason": "Ready",
                "message": "",
                "lastTransitionTime": "2024-01-01T01:01:01Z",
            }] }),
            );
        }),
        _ => return None,
    })
}

/// The OpenAPI schema of a kind's only version; none if the kind is not one of [`KINDS`].
#[must_use]
pub fn schema(kind: &str) -> Option<Value> {
    schema_of(&by_kind(kind)?)
}

/// The OpenAPI schema of a CRD's first version.
pub(crate) fn schema_of(crd: &CustomResourceDefinition) -> Option<Value> {
    let schema = crd.spec.versions.first()?.schema.as_ref()?.open_api_v3_schema.as_ref()?;
    Some(serde_json::to_value(schema).expect("a schema that was read from JSON serialises to JSON"))
}

type Object = Map<String, Value>;

/// Completes a derived CRD: the parts that the derive cannot express, then `adjust` for what is peculiar to the kind.
fn finish(mut crd: CustomResourceDefinition, adjust: impl Fn(&mut Object)) -> CustomResourceDefinition {
    crd.spec.names.list_kind = Some(format!("{}List", crd.spec.names.kind));
    for version in &mut crd.spec.versions {
        let derived = version.schema.take().and_then(|schema| schema.open_api_v3_schema);
        let mut schema = serde_json::to_value(derived).expect("a derived schema serialises to JSON");
        speak_kubernetes(&mut schema);
        if let Value::Object(root) = &mut schema {
            describe_object(root);
            adjust(root);
        }
        let schema: JSONSchemaProps = serde_json::from_value(schema).expect("only known keywords were added");
        version.schema = Some(CustomResourceValidation { open_api_v3_schema: Some(schema) });
    }
    crd
}

/// Rewrites what schemars says about Rust types into what the API server expects, throughout the schema.
fn speak_kubernetes(schema: &mut Value) {
    let Value::Object(node) = schema else { return };
    // An `Option` is a field that may be missing. Were it nullable, an explicit null would be stored instead of dropped.
    node.remove("nullable");
    node.remove("title");
    if let Some(Value::String(description)) = node.get_mut("description") {
        // Doc comments are wrapped at the width of the source.
        *description = description.split("\n\n").map(|text| text.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(child) = node.get_mut(keyword) {
            speak_kubernetes(child);
        }
    }
    if let Some(Value::Object(properties)) = node.get_mut("properties") {
        properties.values_mut().for_each(speak_kubernetes);
    }
}

/// Adds what every object has; it is skipped in the derive because the API server checks it on its own.
fn describe_object(root: &mut Object) {
    if let Some(Value::Object(properties)) = root.get_mut("properties") {
        let text = |description| json!({ "type": "string", "description": description });
        properties.insert("apiVersion".to_owned(), text("Group and version of the object's schema."));
        properties.insert("kind".to_owned(), text("Kind of the object."));
        properties.insert("metadata".to_owned(), json!({ "type": "object" }));
    }
}

fn spec_is_optional(root: &mut Object) {
    root.remove("required");
}

fn default_of(root: &mut Object, property: &str, default: Value) {
    if let Some(Value::Object(schema)) = root.get_mut("properties").and_then(|properties| properties.get_mut(property))
    {
        schema.insert("default".to_owned(), default);
    }
}
