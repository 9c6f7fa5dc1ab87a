//! Every CEL rule of every CRD, held up to an object that keeps it and one that breaks it. A rule without both fails.

#[path = "../crd_support/mod.rs"]
mod crd_support;

mod capacity_buffer;
mod ec2_node_class;
mod node_claim;
mod node_overlay;
mod node_pool;

use std::collections::BTreeSet;

use crd_support::{Changes, valid, with};
use dovetail_api::{admission, crd};
use serde_json::Value;

/// A rule, by the field whose schema holds it and by its message, with changes to the valid manifest of its kind.
struct Rule {
    kind: &'static str,
    field: &'static str,
    message: String,
    kept: Change,
    broken: Change,
}

/// A new object, or the change from an old one to a new one.
struct Change {
    old: Option<Changes>,
    new: Changes,
}

impl From<Changes> for Change {
    fn from(new: Changes) -> Self {
        Self { old: None, new }
    }
}

impl From<(Changes, Changes)> for Change {
    fn from((old, new): (Changes, Changes)) -> Self {
        Self { old: Some(old), new }
    }
}

impl Change {
    fn judge(&self, kind: &str) -> Result<(), Vec<admission::Invalid>> {
        let new = with(valid(kind), &self.new);
        match &self.old {
            None => admission::validate(&new),
            Some(old) => admission::validate_update(&with(valid(kind), old), &new),
        }
    }
}

fn rule(
    kind: &'static str,
    field: &'static str,
    message: impl Into<String>,
    kept: impl Into<Change>,
    broken: impl Into<Change>,
) -> Rule {
    Rule { kind, field, message: message.into(), kept: kept.into(), broken: broken.into() }
}

fn table() -> Vec<Rule> {
    [node_pool::rules(), node_claim::rules(), node_overlay::rules(), capacity_buffer::rules(), ec2_node_class::rules()]
        .into_iter()
        .flatten()
        .collect()
}

/// Kind, field (with `[]` for any item) and message of a rule.
type Name = (String, String, String);

/// The rules that the CRDs contain.
fn rules_of_the_crds() -> Vec<Name> {
    fn walk(kind: &str, schema: &Value, field: &str, found: &mut Vec<Name>) {
        for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            let message = rule["message"].as_str().expect("every rule has a message").to_owned();
            found.push((kind.to_owned(), field.to_owned(), message));
        }
        for (name, child) in schema["properties"].as_object().into_iter().flatten() {
            let field = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
            walk(kind, child, &field, found);
        }
        for (keyword, suffix) in [("items", "[]"), ("additionalProperties", ".*")] {
            if let Some(child) = schema.get(keyword) {
                walk(kind, child, &format!("{field}{suffix}"), found);
            }
        }
    }
    let mut found = Vec::new();
    for kind in crd::KINDS {
        walk(kind, &crd::schema(kind).expect("every kind has a schema"), "", &mut found);
    }
    found
}

/// A path with every index replaced by `[]`.
fn without_indices(path: &str) -> String {
    let mut parts = path.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |path, part| format!("{path}[]{}", part.split_once(']').map_or("", |(_, rest)| rest)))
}

#[test]
fn an_object_that_keeps_a_rule_is_accepted() {
    for rule in table() {
        let verdict = rule.kept.judge(rule.kind);
        assert_eq!(verdict, Ok(()), "{} {}: {}", rule.kind, rule.field, rule.message);
    }
}

#[test]
fn an_object_that_breaks_a_rule_is_refused_with_its_message_at_its_field() {
    for rule in table() {
        let found = rule.broken.judge(rule.kind).expect_err(&rule.message);
        let here = |invalid: &&admission::Invalid| {
            without_indices(&invalid.path) == rule.field && invalid.message.ends_with(&format!(": {}", rule.message))
        };
        assert!(
            found.iter().any(|invalid| here(&invalid)),
            "{} {}: {}: {found:#?}",
            rule.kind,
            rule.field,
            rule.message
        );
    }
}

#[test]
fn every_rule_of_the_crds_is_in_the_table_and_the_table_has_no_other() {
    let rules = rules_of_the_crds();
    let distinct: BTreeSet<_> = rules.iter().cloned().collect();
    assert_eq!(distinct.len(), rules.len(), "two rules of one field share a message");
    let tested: BTreeSet<Name> =
        table().into_iter().map(|rule| (rule.kind.to_owned(), rule.field.to_owned(), rule.message)).collect();
    let untested: Vec<_> = distinct.difference(&tested).collect();
    let invented: Vec<_> = tested.difference(&distinct).collect();
    assert!(untested.is_empty() && invented.is_empty(), "untested: {untested:#?}\nnot in any CRD: {invented:#?}");
    // What Karpenter's five CRDs contain.
    assert_eq!(rules.len(), 84);
}

#[test]
fn a_rule_that_cannot_be_evaluated_is_a_broken_rule_and_says_which() {
    let requirement = serde_json::json!([{ "key": "size", "operator": "Gt", "values": ["large"] }]);
    let pool = with(valid("NodePool"), &vec![("spec.template.spec.requirements", requirement)]);
    let found = admission::validate(&pool).expect_err("'large' is no number");
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].message,
        "Invalid value: type conversion error from 'string' to 'int' evaluating rule: requirements operator 'Gt', 'Lt', \
         'Gte', or 'Lte' must have a single positive integer value"
    );
}
