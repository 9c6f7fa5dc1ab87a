//! What the API server does to a manifest before it stores it, done offline: nulls are dropped, defaults filled in, the
//! structure is held against the kind's CRD, then its CEL rules. A manifest that Karpenter's CRDs accept is accepted here
//! and one that they reject is rejected with an equivalent message. It does not know about other objects, nor about what
//! the controller checks at run time; an update is judged as a whole, so an invalid field is not excused because it was
//! invalid before.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;

mod defaults;
mod kind;
mod metadata;
mod rules;
mod structure;

use kind::Kind;

/// One reason why the API server would refuse an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub struct Invalid {
    /// Path of the field from the object's root, such as `spec.template.spec.requirements[0].operator`; empty for the
    /// object as a whole.
    pub path: String,
    /// What is wrong, in the API server's words.
    pub message: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl Invalid {
    fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

/// Judges an object that is about to be created.
///
/// # Errors
/// Every reason to refuse it, the structural ones first. If some of those make the CEL rules meaningless, the last one says
/// that the rules were not checked. An object whose `apiVersion` and `kind` no CRD of this crate has is refused.
pub fn validate(object: &Value) -> Result<(), Vec<Invalid>> {
    judge(object, None)
}

/// Judges an object that is about to replace another one; the rules on what may not change are checked too.
///
/// # Errors
/// As [`validate`]. Only `new` is judged; `old` is taken as it is.
pub fn validate_update(old: &Value, new: &Value) -> Result<(), Vec<Invalid>> {
    judge(new, Some(old))
}

fn judge(object: &Value, old: Option<&Value>) -> Result<(), Vec<Invalid>> {
    let kind = Kind::of(object).map_err(|invalid| vec![invalid])?;
    let object = defaults::complete(kind.schema(), object.clone());
    let old = old.map(|old| defaults::complete(kind.schema(), old.clone()));
    let mut found = metadata::check(&object);
    let structure = structure::check(kind, &object);
    let rules_make_sense = !structure.iter().any(|finding| finding.blocks_rules);
    found.extend(structure.into_iter().map(|finding| finding.invalid));
    if rules_make_sense {
        found.extend(rules::check(kind, &object, old.as_ref()));
    } else {
        found.push(Invalid::new(
            "",
            "some validation rules were not checked because the object was invalid; correct the existing errors to complete \
             validation",
        ));
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// The object as the API server would store it: nulls dropped where a field may not be null, defaults filled in. An object
/// of a kind that this crate does not define comes back as it was.
#[must_use]
pub fn with_defaults(object: Value) -> Value {
    match Kind::of(&object) {
        Ok(kind) => defaults::complete(kind.schema(), object),
        Err(_) => object,
    }
}

/// Judges an object, fills in its defaults and reads it as its Rust type, such as [`NodePool`](crate::node_pool::NodePool).
///
/// # Errors
/// As [`validate`]. A value that the schema admits and the type cannot hold, such as the quantity `1e2.5`, is refused too.
pub fn admit<K: DeserializeOwned>(object: Value) -> Result<K, Vec<Invalid>> {
    validate(&object)?;
    let mut object = with_defaults(object);
    // A schema may leave the spec out; the Rust types hold an empty one then.
    if let Value::Object(root) = &mut object {
        root.entry("spec").or_insert_with(|| Value::Object(serde_json::Map::new()));
    }
    serde_json::from_value(object).map_err(|error| vec![Invalid::new("", error.to_string())])
}

/// Paths of the fields that the schema does not know, in the order of the object. The API server drops them; the client
/// warns. Empty for an object of a kind that this crate does not define.
#[must_use]
pub fn unknown_fields(object: &Value) -> Vec<String> {
    match Kind::of(object) {
        Ok(kind) => structure::unknown_fields(kind.schema(), object),
        Err(_) => Vec::new(),
    }
}
