//! The CRD that an object is held against, made ready for use once a process: its schema, its patterns and its CEL rules,
//! compiled. It does not judge anything.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use kube_cel::{CompiledSchema, compile_schema};
use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value;

use super::Invalid;
use crate::crd;

/// A kind, ready to judge objects with.
pub(super) struct Kind {
    schema: Value,
    patterns: BTreeMap<String, Regex>,
    rules: CompiledSchema,
    /// The message of each rule, by the rule's text.
    messages: BTreeMap<String, String>,
}

impl Kind {
    /// The kind of an object.
    pub(super) fn of(object: &Value) -> Result<&'static Self, Invalid> {
        static READY: [OnceLock<(String, Kind)>; crd::KINDS.len()] = [const { OnceLock::new() }; crd::KINDS.len()];
        let text = |field: &str| object.get(field).and_then(Value::as_str);
        let Some(name) = text("kind") else { return Err(Invalid::new("kind", "Required value")) };
        let Some(index) = crd::KINDS.iter().position(|kind| *kind == name) else {
            return Err(Invalid::new("kind", unsupported(&format!("{name:?}"), &crd::KINDS)));
        };
        let (api_version, kind) = READY[index].get_or_init(|| Self::prepare(name));
        match text("apiVersion") {
            Some(found) if found == api_version => Ok(kind),
            Some(found) => Err(Invalid::new("apiVersion", unsupported(&format!("{found:?}"), &[api_version]))),
            None => Err(Invalid::new("apiVersion", "Required value")),
        }
    }

    fn prepare(name: &str) -> (String, Self) {
        let crd = crd::by_kind(name).expect("every kind listed has a CRD");
        let schema = crd::schema_of(&crd).expect("every CRD has a schema");
        let version = crd.spec.versions.first().map_or("", |version| &version.name);
        let mut patterns = BTreeMap::new();
        let mut messages = BTreeMap::new();
        collect(&schema, &mut patterns, &mut messages);
        let rules = compile_schema(&schema);
        (format!("{}/{version}", crd.spec.group), Self { schema, patterns, rules, messages })
    }

    /// The OpenAPI schema.
    pub(super) fn schema(&self) -> &Value {
        &self.schema
    }

    /// The CEL rules, compiled.
    pub(super) fn rules(&self) -> &CompiledSchema {
        &self.rules
    }

    /// The message that goes with a rule; the rule itself if it has none.
    pub(super) fn message<'a>(&'a self, rule: &'a str) -> &'a str {
        self.messages.get(rule).map_or(rule, String::as_str)
    }

    /// Whether a pattern of the schema is found in a text.
    pub(super) fn matches(&self, pattern: &str, text: &str) -> bool {
        self.patterns.get(pattern).is_some_and(|regex| regex.is_match(text.as_bytes()))
    }
}

/// The API server's message for a value, as JSON, that is not one of those allowed.
pub(super) fn unsupported(value: &str, supported: &[impl AsRef<str>]) -> String {
    let supported: Vec<_> = supported.iter().map(|value| format!("{:?}", value.as_ref())).collect();
    format!("Unsupported value: {value}: supported values: {}", supported.join(", "))
}

/// Gathers the patterns of a schema, compiled, and the messages of its rules.
fn collect(schema: &Value, patterns: &mut BTreeMap<String, Regex>, messages: &mut BTreeMap<String, String>) {
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        patterns.entry(pattern.to_owned()).or_insert_with(|| {
            // Bytes, because `\d` and `\s` mean ASCII in Go's expressions and Unicode in this crate's.
            let regex = RegexBuilder::new(pattern).unicode(false).build();
            regex.expect("the patterns are constants, and a test compiles each")
        });
    }
    for rule in schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(Value::String(rule)), Some(Value::String(message))) = (rule.get("rule"), rule.get("message")) {
            messages.insert(rule.clone(), message.clone());
        }
    }
    let children = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|map| map.values());
    for child in children.chain(schema.get("items")).chain(schema.get("additionalProperties")) {
        collect(child, patterns, messages);
    }
}
