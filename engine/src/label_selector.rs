//! Label selectors as a list of conditions, all of which must hold, in a form that is the same for selectors that say the
//! same. Whose labels they are put to is not known here.

use dovetail_api::validation::{NameError, label_value, qualified_name};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Expression, SelectorExt as _};
use std::collections::BTreeMap;

/// The labels of an object.
pub(crate) type Labels = BTreeMap<String, String>;

/// Why a label selector cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// An operator that Kubernetes does not know.
    #[error("key {key}: unknown operator {operator:?}: use In, NotIn, Exists or DoesNotExist")]
    Operator {
        /// The label key.
        key: String,
        /// What stands there.
        operator: String,
    },
    /// A list of values that the operator needs is missing.
    #[error("key {key}: operator {operator} needs at least one value")]
    NoValues {
        /// The label key.
        key: String,
        /// The operator.
        operator: String,
    },
    /// A list of values that the operator has no use for.
    #[error("key {key}: operator {operator} takes no values: remove them, or use In or NotIn")]
    Values {
        /// The label key.
        key: String,
        /// The operator.
        operator: String,
    },
    /// Something that cannot be the key of a label.
    #[error("{key:?} is no label key: {why}")]
    Key {
        /// What stands there.
        key: String,
        /// What is wrong with it.
        why: NameError,
    },
    /// Something that cannot be the value of a label.
    #[error("key {key}: {value:?} is no label value: {why}")]
    Value {
        /// The label key.
        key: String,
        /// What stands there.
        value: String,
        /// What is wrong with it.
        why: NameError,
    },
}

/// The conditions of a selector: sorted, none twice, and each in its shortest form. No condition selects everything.
pub(crate) type Conditions = Vec<Expression>;

/// Reads a selector.
///
/// # Errors
/// With the first thing in it that Kubernetes would not accept.
pub(crate) fn read(selector: &LabelSelector) -> Result<Conditions, SelectorError> {
    let equal = selector.match_labels.iter().flatten();
    let mut out = equal.map(|(key, value)| one_of(key, [value.clone()])).collect::<Result<Vec<_>, _>>()?;
    for requirement in selector.match_expressions.iter().flatten() {
        let (key, operator) = (&requirement.key, requirement.operator.as_str());
        let values = requirement.values.iter().flatten().cloned();
        let given = (key.clone(), operator.to_owned());
        let is_list = matches!(operator, "In" | "NotIn");
        match requirement.values.as_ref().is_some_and(|v| !v.is_empty()) {
            false if is_list => return Err(SelectorError::NoValues { key: given.0, operator: given.1 }),
            true if matches!(operator, "Exists" | "DoesNotExist") => {
                return Err(SelectorError::Values { key: given.0, operator: given.1 });
            }
            _ => {}
        }
        out.push(match operator {
            "In" => one_of(key, values)?,
            "NotIn" => none_of(key, values)?,
            "Exists" => Expression::Exists(checked_key(key)?),
            "DoesNotExist" => Expression::DoesNotExist(checked_key(key)?),
            _ => return Err(SelectorError::Operator { key: given.0, operator: given.1 }),
        });
    }
    settle(&mut out);
    Ok(out)
}

/// Brings conditions into the form that is the same for all that say the same.
pub(crate) fn settle(conditions: &mut Conditions) {
    conditions.sort();
    conditions.dedup();
}

/// Whether labels meet all the conditions. As Kubernetes has it, a label that is not there is not one of any values, so
/// that `NotIn` holds without it.
pub(crate) fn selects(conditions: &[Expression], labels: &Labels) -> bool {
    conditions.iter().all(|condition| condition.matches(labels))
}

/// The conditions as people write them on a command line, such as `app=web,tier in (a,b)`.
pub(crate) fn text(conditions: &[Expression]) -> String {
    conditions.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// The label key that a condition is about.
pub(crate) fn key(condition: &Expression) -> &str {
    match condition {
        Expression::In(key, _)
        | Expression::NotIn(key, _)
        | Expression::Equal(key, _)
        | Expression::NotEqual(key, _)
        | Expression::Exists(key)
        | Expression::DoesNotExist(key) => key,
    }
}

/// The condition that a label has one of these values.
///
/// # Errors
/// When key or value cannot be those of a label.
pub(crate) fn one_of(key: &str, values: impl IntoIterator<Item = String>) -> Result<Expression, SelectorError> {
    let (key, mut values) = checked(key, values)?;
    Ok(match (values.pop_first(), values.is_empty()) {
        (Some(only), true) => Expression::Equal(key, only),
        (first, _) => Expression::In(key, first.into_iter().chain(values).collect()),
    })
}

/// The condition that a label has none of these values, or is not there.
///
/// # Errors
/// When key or value cannot be those of a label.
pub(crate) fn none_of(key: &str, values: impl IntoIterator<Item = String>) -> Result<Expression, SelectorError> {
    let (key, mut values) = checked(key, values)?;
    Ok(match (values.pop_first(), values.is_empty()) {
        (Some(only), true) => Expression::NotEqual(key, only),
        (first, _) => Expression::NotIn(key, first.into_iter().chain(values).collect()),
    })
}

fn checked_key(key: &str) -> Result<String, SelectorError> {
    match qualified_name(key).into_iter().next() {
        Some(why) => Err(SelectorError::Key { key: key.to_owned(), why }),
        None => Ok(key.to_owned()),
    }
}

fn checked(
    key: &str,
    values: impl IntoIterator<Item = String>,
) -> Result<(String, std::collections::BTreeSet<String>), SelectorError> {
    let owned = checked_key(key)?;
    let check = |value: String| match label_value(&value).into_iter().next() {
        Some(why) => Err(SelectorError::Value { key: key.to_owned(), value, why }),
        None => Ok(value),
    };
    Ok((owned, values.into_iter().map(check).collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn reading(selector: Value) -> Result<Conditions, String> {
        read(&serde_json::from_value(selector).expect("the shape of a selector")).map_err(|e| e.to_string())
    }

    fn selecting(selector: Value, labels: Value) -> bool {
        let labels: Labels = serde_json::from_value(labels).expect("labels");
        selects(&reading(selector).expect("a readable selector"), &labels)
    }

    fn expression(key: &str, operator: &str, values: &[&str]) -> Value {
        json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]})
    }

    #[test]
    fn all_conditions_must_hold() {
        let selector = json!({
            "matchLabels": {"app": "web"},
            "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}],
        });
        assert!(selecting(selector.clone(), json!({"app": "web", "tier": "b", "other": "x"})));
        assert!(!selecting(selector.clone(), json!({"app": "web", "tier": "c"})));
        assert!(!selecting(selector, json!({"tier": "a"})));
    }

    #[test]
    fn a_label_that_is_not_there_is_none_of_the_values() {
        assert!(selecting(expression("tier", "NotIn", &["a"]), json!({})));
        assert!(selecting(expression("tier", "NotIn", &["a"]), json!({"tier": "b"})));
        assert!(!selecting(expression("tier", "NotIn", &["a"]), json!({"tier": "a"})));
        assert!(selecting(expression("tier", "DoesNotExist", &[]), json!({})));
        assert!(!selecting(expression("tier", "Exists", &[]), json!({})));
    }

    #[test]
    fn an_empty_selector_selects_everything() {
        assert!(selecting(json!({}), json!({})));
        assert!(selecting(json!({}), json!({"app": "web"})));
    }

    #[test]
    fn selectors_that_say_the_same_read_the_same() {
        let plain = reading(json!({"matchLabels": {"app": "web", "tier": "a"}}));
        let wordy = reading(json!({"matchLabels": {"tier": "a"}, "matchExpressions": [
            {"key": "app", "operator": "In", "values": ["web", "web"]},
            {"key": "tier", "operator": "In", "values": ["a"]},
        ]}));
        assert_eq!(plain, wordy);
        assert_eq!(text(&plain.expect("readable")), "app=web,tier=a");
        assert_eq!(reading(expression("k", "NotIn", &["b", "a"])), reading(expression("k", "NotIn", &["a", "b", "a"])));
    }

    #[test]
    fn what_kubernetes_would_not_accept_is_named() {
        let refusal = |selector| reading(selector).expect_err("not acceptable");
        assert_eq!(
            refusal(expression("app", "Inn", &["web"])),
            "key app: unknown operator \"Inn\": use In, NotIn, Exists or DoesNotExist"
        );
        assert_eq!(refusal(expression("app", "In", &[])), "key app: operator In needs at least one value");
        assert_eq!(
            refusal(expression("app", "Exists", &["web"])),
            "key app: operator Exists takes no values: remove them, or use In or NotIn"
        );
        assert!(refusal(expression("app", "In", &["not a value"])).starts_with("key app: \"not a value\" is no label"));
        assert!(refusal(expression("a b", "Exists", &[])).starts_with("\"a b\" is no label key: "));
        assert!(refusal(json!({"matchLabels": {"app": "-"}})).starts_with("key app: \"-\" is no label value: "));
    }
}
