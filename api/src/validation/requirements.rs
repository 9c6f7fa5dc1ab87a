//! Requirements on labels, as NodePools, NodeOverlays and pods make them (spec scheduling 1.2). It does not know whether any
//! instance type meets one.

use super::names::{NameError, label_value, qualified_name};
use crate::labels::{self, RestrictedLabel};
use crate::requirement::{Operator, Requirement};

/// What is wrong with a requirement, in Karpenter's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    /// The label is the provisioner's own.
    #[error(transparent)]
    Restricted(#[from] RestrictedLabel),
    /// The label can have none of the values.
    #[error(
        "no valid values found in [{}] for {key}, expected one of: [{}], got: [{}]",
        .values.join(" "), .known.join(" "), .values.join(" ")
    )]
    NoKnownValue {
        /// The label.
        key: String,
        /// The values of the requirement.
        values: Vec<String>,
        /// The values that the label can have.
        known: &'static [&'static str],
    },
    /// The label can have too few of the values.
    #[error(
        "not enough valid values found in [{}] for {key}, expected at least {min_values} valid values from: [{}], got: {found}",
        .values.join(" "), .known.join(" ")
    )]
    TooFewKnownValues {
        /// The label.
        key: String,
        /// The values of the requirement.
        values: Vec<String>,
        /// The values that the label can have.
        known: &'static [&'static str],
        /// How many are needed.
        min_values: i32,
        /// How many there are.
        found: usize,
    },
    /// The key is no label key.
    #[error("key {key} is not a qualified name, {problem}")]
    Key {
        /// The key.
        key: String,
        /// What is wrong with it.
        problem: NameError,
    },
    /// A value is no label value.
    #[error("invalid value {value} for key {key}, {problem}")]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What is wrong with it.
        problem: NameError,
    },
    /// `In`, and in a NodeOverlay `NotIn`, without a value.
    #[error("key {key} with operator {operator} must have a value defined")]
    NoValue {
        /// The key.
        key: String,
        /// The operator.
        operator: Operator,
    },
    /// Fewer values than must stay available.
    #[error("key {key} with operator {operator} must have at least minimum number of values defined in 'values' field")]
    FewerThanMinValues {
        /// The key.
        key: String,
        /// The operator.
        operator: Operator,
    },
    /// A comparison with anything but one whole number from 0.
    #[error("key {key} with operator {operator} must have a single positive integer value")]
    NoInteger {
        /// The key.
        key: String,
        /// The operator.
        operator: Operator,
    },
}

/// Everything that is wrong with a requirement. Its key is normalised first. That the operator is one of the eight is
/// known from its type.
#[must_use]
pub fn requirement(requirement: &Requirement) -> Vec<RequirementError> {
    let Requirement { key, operator, values, min_values } = requirement;
    let (operator, key) = (*operator, labels::normalize(key).to_owned());
    let mut errors = Vec::new();
    errors.extend(labels::is_restricted(&key).err().map(RequirementError::Restricted));
    errors.extend(known_values_error(&key, requirement));
    errors.extend(qualified_name(&key).into_iter().map(|problem| RequirementError::Key { key: key.clone(), problem }));
    for value in values {
        let error = |problem| RequirementError::Value { key: key.clone(), value: value.clone(), problem };
        errors.extend(label_value(value).into_iter().map(error));
    }
    if operator == Operator::In && values.is_empty() {
        errors.push(RequirementError::NoValue { key: key.clone(), operator });
    }
    if operator == Operator::In && min_values.is_some_and(|least| fewer(values.len(), least)) {
        errors.push(RequirementError::FewerThanMinValues { key: key.clone(), operator });
    }
    if matches!(operator, Operator::Gt | Operator::Lt | Operator::Gte | Operator::Lte) && !is_one_integer(values) {
        errors.push(RequirementError::NoInteger { key, operator });
    }
    errors
}

/// The values of a requirement that the label can never have, where there are others that it can.
pub(super) fn unknown_values(requirement: &Requirement) -> Vec<&str> {
    let known =
        labels::known_values(labels::normalize(&requirement.key)).filter(|_| requirement.operator == Operator::In);
    let values = requirement.values.iter().map(String::as_str);
    known.map_or_else(Vec::new, |known| values.filter(|value| !known.contains(value)).collect())
}

/// A mix of known and unknown values is fine, as long as enough are known.
fn known_values_error(key: &str, requirement: &Requirement) -> Option<RequirementError> {
    let known = labels::known_values(key).filter(|_| requirement.operator == Operator::In)?;
    let (key, values) = (key.to_owned(), requirement.values.clone());
    let found = values.len() - unknown_values(requirement).len();
    match requirement.min_values {
        _ if found == 0 => Some(RequirementError::NoKnownValue { key, values, known }),
        Some(min_values) if fewer(found, min_values) => {
            Some(RequirementError::TooFewKnownValues { key, values, known, min_values, found })
        }
        _ => None,
    }
}

fn fewer(found: usize, least: i32) -> bool {
    usize::try_from(least).is_ok_and(|least| found < least)
}

fn is_one_integer(values: &[String]) -> bool {
    matches!(values, [value] if value.parse::<i64>().is_ok_and(|value| value >= 0))
}
