//! The checks on an object's metadata that decide whether it can be created at all: that it has a name, and a well formed
//! one. The API server makes them apart from the CRD.

use serde_json::Value;

use super::Invalid;

/// The longest name of an object, in bytes.
const NAME_BYTES_MAX: usize = 253;

/// Judges the metadata of an object.
pub(super) fn check(object: &Value) -> Vec<Invalid> {
    let text = |field: &str| {
        let value = object.get("metadata").and_then(|metadata| metadata.get(field));
        value.and_then(Value::as_str).filter(|text| !text.is_empty())
    };
    let Some(name) = text("name") else {
        // The API server makes up a name that starts like this.
        return match text("generateName") {
            Some(_) => Vec::new(),
            None => vec![Invalid::new("metadata.name", "Required value: name or generateName is required")],
        };
    };
    let mut found = Vec::new();
    if name.len() > NAME_BYTES_MAX {
        let message = format!("Invalid value: {name:?}: must be no more than {NAME_BYTES_MAX} characters");
        found.push(Invalid::new("metadata.name", message));
    }
    if !name.split('.').all(is_label) {
        found.push(Invalid::new(
            "metadata.name",
            format!(
                "Invalid value: {name:?}: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
                 '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com')"
            ),
        ));
    }
    found
}

/// Whether a part of a name, between dots, is well formed.
fn is_label(part: &str) -> bool {
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = part.as_bytes();
    alphanumeric(bytes.first())
        && alphanumeric(bytes.last())
        && bytes.iter().all(|byte| alphanumeric(Some(byte)) || *byte == b'-')
}
