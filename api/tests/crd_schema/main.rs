//! What the generated CRDs are: names, columns and subresources, schemas that an API server takes, defaults that the Rust
//! types share, and the bounds on every field.

#[path = "../crd_support/mod.rs"]
mod crd_support;

mod bounds;
mod defaults;
mod identity;
mod objects;
mod structural;

use dovetail_api::{admission, crd};
use serde_json::Value;

/// The schema of a kind.
fn schema(kind: &str) -> Value {
    crd::schema(kind).expect("every kind has a schema")
}

/// The schema of a field: names joined by dots, `[]` for the items of a list, `*` for the values of a map.
fn at(kind: &str, field: &str) -> Value {
    let mut schema = schema(kind);
    for part in field.replace("[]", ".[]").split('.') {
        let child = match part {
            "[]" => &schema["items"],
            "*" => &schema["additionalProperties"],
            name => &schema["properties"][name],
        };
        schema = child.clone();
    }
    assert!(schema.is_object(), "{kind} has no field {field}");
    schema
}

/// The verdict on a new object, as text.
fn judge(object: &Value) -> Result<(), Vec<String>> {
    admission::validate(object).map_err(|found| found.iter().map(ToString::to_string).collect())
}
