//! Completing an object from its schema, as the API server does on every write and read: a null where the schema does not
//! allow one counts as absent, an absent field gets its default, which is completed in turn, and a whole number written with
//! a point is written without.

use serde_json::{Map, Value};

use super::structure;

/// The object, completed.
pub(super) fn complete(schema: &Value, mut value: Value) -> Value {
    complete_in_place(schema, &mut value);
    value
}

fn complete_in_place(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(object) => complete_object(schema, object),
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter_mut().for_each(|item| complete_in_place(schema, item));
            }
        }
        Value::Number(number) if structure::may_be_integer(schema) => {
            if let Some(whole) = number.as_f64().and_then(whole).filter(|_| number.is_f64()) {
                *value = Value::from(whole);
            }
        }
        _ => {}
    }
}

/// The integer that a number is, if it is one that numbers with a point hold exactly.
fn whole(number: f64) -> Option<i64> {
    const EXACT_MAX: f64 = (1_u64 << 53) as f64;
    (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i64)
}

fn complete_object(schema: &Value, object: &mut Map<String, Value>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let schema_of = |key: &str| {
        properties
            .and_then(|properties| properties.get(key))
            .or_else(|| schema.get("additionalProperties").filter(|schema| schema.is_object()))
    };
    object.retain(|key, value| !value.is_null() || schema_of(key).is_none_or(allows_null));
    for (key, schema) in properties.into_iter().flatten() {
        if let Some(default) = schema.get("default")
            && !object.contains_key(key)
        {
            object.insert(key.clone(), default.clone());
        }
    }
    for (key, value) in object.iter_mut() {
        if let Some(schema) = schema_of(key) {
            complete_in_place(schema, value);
        }
    }
}

fn allows_null(schema: &Value) -> bool {
    schema.get("nullable") == Some(&Value::Bool(true))
}
