//! The structure of an object, held against its OpenAPI schema: types, required fields, enumerations, patterns, bounds,
//! uniqueness. Unknown fields are listed, not refused. It knows the keywords that this crate's CRDs use; a test makes sure
//! that they use no others.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Invalid;
use super::kind::{Kind, unsupported};

/// Something wrong with the structure of an object.
pub(super) struct Finding {
    pub(super) invalid: Invalid,
    /// Whether the CEL rules can no longer be relied on: they presume types, required fields and bounds on sizes.
    pub(super) blocks_rules: bool,
}

/// Judges the structure of an object.
pub(super) fn check(kind: &Kind, object: &Value) -> Vec<Finding> {
    let mut check = Check { kind, found: Vec::new() };
    check.value(kind.schema(), object, "");
    check.found
}

struct Check<'a> {
    kind: &'a Kind,
    found: Vec<Finding>,
}

impl Check<'_> {
    fn report(&mut self, path: &str, message: String, blocks_rules: bool) {
        self.found.push(Finding { invalid: Invalid::new(path, message), blocks_rules });
    }

    fn value(&mut self, schema: &Value, value: &Value, path: &str) {
        self.enumeration(schema, value, path);
        if !has_type(schema, value) {
            let (found, expected) = (type_name(value), expected_type(schema));
            let message = format!("Invalid value: {found:?}: {path} in body must be of type {expected}: {found:?}");
            return self.report(path, message, true);
        }
        match value {
            Value::String(text) => self.text(schema, text, path),
            Value::Number(_) => self.number(schema, value, path),
            Value::Array(items) => self.array(schema, items, path),
            Value::Object(object) => self.object(schema, object, path),
            Value::Bool(_) | Value::Null => {}
        }
    }

    fn enumeration(&mut self, schema: &Value, value: &Value, path: &str) {
        let Some(allowed) = schema.get("enum").and_then(Value::as_array) else { return };
        if !allowed.contains(value) {
            let allowed: Vec<_> = allowed.iter().filter_map(Value::as_str).collect();
            self.report(path, unsupported(&value.to_string(), &allowed), true);
        }
    }

    /// Reports the first thing that is wrong with a text, and its format besides.
    fn text(&mut self, schema: &Value, text: &str, path: &str) {
        let length = text.chars().count() as u64;
        let pattern = schema.get("pattern").and_then(Value::as_str);
        if let Some(max) = bound(schema, "maxLength").filter(|max| length > *max) {
            self.report(path, format!("Too long: may not be more than {max} bytes"), true);
        } else if let Some(min) = bound(schema, "minLength").filter(|min| length < *min) {
            let message = format!("Invalid value: {text:?}: {path} in body should be at least {min} chars long");
            self.report(path, message, false);
        } else if let Some(pattern) = pattern.filter(|pattern| !self.kind.matches(pattern, text)) {
            let message = format!("Invalid value: {text:?}: {path} in body should match '{pattern}'");
            self.report(path, message, false);
        }
        if schema.get("format").and_then(Value::as_str) == Some("date-time") && !is_date_time(text) {
            let message = format!("Invalid value: {text:?}: {path} in body must be of type date-time: {text:?}");
            self.report(path, message, true);
        }
    }

    /// A number must fit its format and lie within its bounds; one that does neither is reported for both.
    fn number(&mut self, schema: &Value, value: &Value, path: &str) {
        let Some(number) = value.as_f64() else { return };
        let is_narrow = schema.get("format").and_then(Value::as_str) == Some("int32");
        if is_narrow && value.as_i64().is_none_or(|number| i32::try_from(number).is_err()) {
            let message =
                format!("Invalid value: {value}: Checked value must be of type integer with format int32 in {path}");
            self.report(path, message, false);
        }
        let limit = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
        if let Some(max) = limit("maximum").filter(|max| number > *max) {
            let message = format!("Invalid value: {value}: {path} in body should be less than or equal to {max}");
            self.report(path, message, false);
        }
        if let Some(min) = limit("minimum").filter(|min| number < *min) {
            let message = format!("Invalid value: {value}: {path} in body should be greater than or equal to {min}");
            self.report(path, message, false);
        }
    }

    fn array(&mut self, schema: &Value, items: &[Value], path: &str) {
        let count = items.len() as u64;
        if let Some(max) = bound(schema, "maxItems").filter(|max| count > *max) {
            self.report(path, format!("Too many: {count}: must have at most {max} items"), true);
        }
        if let Some(min) = bound(schema, "minItems").filter(|min| count < *min) {
            let message = format!("Invalid value: {count}: {path} in body should have at least {min} items");
            self.report(path, message, false);
        }
        if let Some(schema) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.value(schema, item, &format!("{path}[{index}]"));
            }
        }
        self.uniqueness(schema, items, path);
    }

    /// Items of a set must differ; items of a list that is a map must differ in their keys.
    fn uniqueness(&mut self, schema: &Value, items: &[Value], path: &str) {
        let keys: Vec<Value> = match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("set") => items.to_vec(),
            Some("map") => {
                let names = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
                let names: Vec<_> = names.into_iter().flatten().filter_map(Value::as_str).collect();
                let key = |item: &Value| -> Map<String, Value> {
                    let part = |name: &&str| Some(((*name).to_owned(), item.get(*name)?.clone()));
                    names.iter().filter_map(part).collect()
                };
                items.iter().map(|item| Value::Object(key(item))).collect()
            }
            _ => return,
        };
        for (index, key) in keys.iter().enumerate() {
            // Once for each value, however often it comes again.
            if keys.iter().take(index).filter(|earlier| *earlier == key).count() == 1 {
                self.report(&format!("{path}[{index}]"), format!("Duplicate value: {key}"), false);
            }
        }
    }

    fn object(&mut self, schema: &Value, object: &Map<String, Value>, path: &str) {
        let count = object.len() as u64;
        if let Some(max) = bound(schema, "maxProperties").filter(|max| count > *max) {
            self.report(path, format!("Too many: {count}: must have at most {max} items"), true);
        }
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                self.report(&join(path, name), "Required value".to_owned(), true);
            }
        }
        for (name, value) in object {
            if let Some(schema) = child(schema, name) {
                self.value(schema, value, &join(path, name));
            }
        }
    }
}

/// Paths of the fields that the schema does not know.
pub(super) fn unknown_fields(schema: &Value, object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    gather_unknown(schema, object, "", &mut found);
    found
}

fn gather_unknown(schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(schema) = schema.get("items") {
                    gather_unknown(schema, item, &format!("{path}[{index}]"), found);
                }
            }
        }
        Value::Object(object) if !is_open(schema, path) => {
            for (name, value) in object {
                match child(schema, name) {
                    Some(schema) => gather_unknown(schema, value, &join(path, name), found),
                    None => found.push(join(path, name)),
                }
            }
        }
        _ => {}
    }
}

/// Whether an object may have fields that the schema does not list. The API server has its own schema for metadata.
fn is_open(schema: &Value, path: &str) -> bool {
    path == "metadata" || schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true))
}

/// The schema of a field or of a map's value.
fn child<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let property = schema.get("properties").and_then(|properties| properties.get(name));
    property.or_else(|| schema.get("additionalProperties"))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn bound(schema: &Value, keyword: &str) -> Option<u64> {
    schema.get(keyword).and_then(Value::as_u64)
}

/// Whether the schema lets a value be an integer.
pub(super) fn may_be_integer(schema: &Value) -> bool {
    is_int_or_string(schema) || schema.get("type").and_then(Value::as_str) == Some("integer")
}

/// Whether a text is a moment as RFC 3339 writes it; the parser would also take a space between date and time.
fn is_date_time(text: &str) -> bool {
    text.get(10..11).is_some_and(|separator| separator.eq_ignore_ascii_case("t")) && text.parse::<Timestamp>().is_ok()
}

fn is_int_or_string(schema: &Value) -> bool {
    schema.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true))
}

fn has_type(schema: &Value, value: &Value) -> bool {
    if is_int_or_string(schema) {
        return value.is_string() || is_integer(value);
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("integer") => is_integer(value),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    }
}

/// Whether a value is an integer to the API server, which reads one beyond 64 bits with sign as a number with a point.
fn is_integer(value: &Value) -> bool {
    value.is_i64()
}

fn expected_type(schema: &Value) -> &str {
    if is_int_or_string(schema) {
        return "integer,string";
    }
    schema.get("type").and_then(Value::as_str).unwrap_or("any")
}

/// The type of a value as the API server names it.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) if is_integer(value) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
