//! The CEL rules of a CRD, put to an object whose structure is sound.

use kube_cel::{ErrorKind, validate_compiled};
use serde_json::Value;

use super::Invalid;
use super::kind::Kind;

/// Judges an object, and the change from `old` if there is one, by the rules of its kind. Ordered by field.
pub(super) fn check(kind: &Kind, object: &Value, old: Option<&Value>) -> Vec<Invalid> {
    let Err(broken) = validate_compiled(kind.rules(), object, old) else { return Vec::new() };
    let mut found: Vec<_> = broken
        .into_iter()
        .map(|broken| {
            let what = match broken.kind {
                ErrorKind::ValidationFailure => broken.message,
                // Conversions fail rather than return false, and a failed rule is a broken rule.
                _ => format!("{} evaluating rule: {}", failure(&broken.message), kind.message(&broken.rule)),
            };
            let message = format!("Invalid value: {}{what}", shown(object, &broken.field_path));
            Invalid::new(broken.field_path, message)
        })
        .collect();
    // The rules come in no particular order of fields, but in that of the CRD for each field.
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Why a rule could not be evaluated, in the API server's words where the evaluator's are known to differ.
fn failure(message: &str) -> &str {
    let is_conversion = message.contains("function 'int'") && message.contains("string parse error");
    if is_conversion { "type conversion error from 'string' to 'int'" } else { message }
}

/// The value at a path as the API server shows it before a rule's message: only if it is short.
fn shown(object: &Value, path: &str) -> String {
    let pointer: String = path
        .split(['.', '['])
        .filter(|part| !part.is_empty())
        .map(|part| format!("/{}", part.trim_end_matches(']')))
        .collect();
    match object.pointer(&pointer) {
        Some(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => format!("{value}: "),
        Some(Value::Array(_) | Value::Object(_) | Value::Null) | None => String::new(),
    }
}
