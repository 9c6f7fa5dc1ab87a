//! Completing an object from its schema, as the API server does on every write and read: a null where the schema does not
//! allow one counts as absent, and an absent field gets its default, which is completed in turn.

use serde_json::{Map, Value};

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
        _ => {}
    }
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
