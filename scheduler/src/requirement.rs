//! What one label may be: the algebra of a single requirement.
//!
//! A requirement is a set of label values, either listed (`In`) or everything but a list (`NotIn`, `Exists`), narrowed
//! by integer bounds (`Gt`, `Lt`, `Gte`, `Lte`), and it may ask that at least so many distinct values stay open
//! (`minValues`). Intersection is exact, so that the order of narrowing never matters. This module knows nothing of
//! keys with a meaning, of pods or of nodes (specification "scheduling" 3.1, 3.2).

pub use dovetail_api::requirement::Operator;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A shared, immutable string: label keys and values occur in thousands of copies.
pub type Name = Arc<str>;

/// Why a requirement could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    /// A comparison needs exactly one integer.
    #[error("operator {0:?} needs exactly one integer value, got {1:?}: write for instance values: [\"4\"]")]
    NotAnInteger(Operator, Vec<String>),
}

/// The values that one label may take.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Requirement {
    /// Whether `values` are the excluded values rather than the allowed ones.
    complement: bool,
    values: BTreeSet<Name>,
    /// Whether the label has to be there. The values alone do not tell: `NotIn` does not ask for it, but `NotIn` with
    /// `Exists` does; and `In [a]` with `In [b]` leaves no value, which is not the same as content with none.
    present: bool,
    /// Inclusive bounds; only a complement has them, since they are applied to a list at once.
    gte: Option<i64>,
    lte: Option<i64>,
    min_values: Option<u32>,
}

impl Requirement {
    /// Reads a requirement as manifests write it.
    ///
    /// # Errors
    /// When a comparison does not come with exactly one integer.
    pub fn new<V: AsRef<str>>(operator: Operator, values: &[V]) -> Result<Self, RequirementError> {
        let bound = || match values {
            [one] => one.as_ref().parse::<i64>().ok(),
            _ => None,
        };
        let integer = || {
            bound().ok_or_else(|| {
                RequirementError::NotAnInteger(operator, values.iter().map(|v| v.as_ref().to_owned()).collect())
            })
        };
        Ok(match operator {
            Operator::In => Self::any_of(values.iter().map(AsRef::as_ref)),
            Operator::NotIn => Self::none_of(values.iter().map(AsRef::as_ref)),
            Operator::Exists => Self::exists(),
            Operator::DoesNotExist => Self::absent(),
            // Nothing is greater than the greatest integer, and the bound one above it cannot be written.
            Operator::Gt => integer()?.checked_add(1).map_or_else(Self::impossible, |n| Self::between(Some(n), None)),
            Operator::Lt => integer()?.checked_sub(1).map_or_else(Self::impossible, |n| Self::between(None, Some(n))),
            Operator::Gte => Self::between(Some(integer()?), None),
            Operator::Lte => Self::between(None, Some(integer()?)),
        })
    }

    /// `In`: one of these values; with none, the label must be absent.
    pub fn any_of<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let values: BTreeSet<Name> = values.into_iter().map(Name::from).collect();
        Self { complement: false, present: !values.is_empty(), values, ..Self::exists() }
    }

    /// `NotIn`: any value but these, or no label at all; with no values, the label must be there.
    pub fn none_of<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let values: BTreeSet<Name> = values.into_iter().map(Name::from).collect();
        Self { present: values.is_empty(), values, ..Self::exists() }
    }

    /// `In` with exactly this value.
    pub fn exactly(value: impl Into<Name>) -> Self {
        Self { complement: false, values: BTreeSet::from([value.into()]), ..Self::exists() }
    }

    /// `Exists`: any value at all.
    pub const fn exists() -> Self {
        Self::between(None, None)
    }

    /// `DoesNotExist`: the label must be absent.
    pub const fn absent() -> Self {
        Self::no_value(false)
    }

    /// The label must be there and no value is left for it.
    const fn impossible() -> Self {
        Self::no_value(true)
    }

    const fn no_value(present: bool) -> Self {
        Self { complement: false, values: BTreeSet::new(), present, gte: None, lte: None, min_values: None }
    }

    const fn between(gte: Option<i64>, lte: Option<i64>) -> Self {
        Self { complement: true, values: BTreeSet::new(), present: true, gte, lte, min_values: None }
    }

    /// The same requirement, asking that at least `n` distinct values stay open.
    #[must_use]
    pub fn with_min_values(mut self, n: Option<u32>) -> Self {
        self.min_values = n;
        self
    }

    /// How many distinct values must stay open, if that was asked.
    pub const fn min_values(&self) -> Option<u32> {
        self.min_values
    }

    /// The operator that comes closest: bounds count as `Exists`, an empty list as `DoesNotExist`.
    pub fn operator(&self) -> Operator {
        match (self.complement, self.values.is_empty()) {
            (true, true) => Operator::Exists,
            (true, false) => Operator::NotIn,
            (false, true) => Operator::DoesNotExist,
            (false, false) => Operator::In,
        }
    }

    /// Whether the label may be missing from an object that meets this requirement.
    pub const fn allows_absence(&self) -> bool {
        !self.present
    }

    /// Whether nothing meets this requirement, neither a value nor the absence of the label.
    pub fn is_impossible(&self) -> bool {
        self.present && self.operator() == Operator::DoesNotExist
    }

    /// The allowed values in order, if they are a list (`In`, `DoesNotExist`).
    pub fn listed(&self) -> Option<impl ExactSizeIterator<Item = &Name> + Clone> {
        (!self.complement).then(|| self.values.iter())
    }

    /// The excluded values in order (`NotIn`), empty if the allowed ones are a list.
    pub fn excluded(&self) -> impl Iterator<Item = &Name> {
        self.values.iter().filter(|_| self.complement)
    }

    /// The inclusive integer bounds.
    pub const fn bounds(&self) -> (Option<i64>, Option<i64>) {
        (self.gte, self.lte)
    }

    /// The only value that is left, if there is just one.
    pub fn single(&self) -> Option<&Name> {
        if self.complement || self.values.len() != 1 { None } else { self.values.first() }
    }

    /// Whether a label of this value meets the requirement.
    pub fn contains(&self, value: &str) -> bool {
        self.values.contains(value) != self.complement && within(value, self.gte, self.lte)
    }

    /// The values that both allow. Associative and commutative; the stricter `minValues` stays.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let gte = self.gte.max(other.gte);
        let lte = tighter_upper(self.lte, other.lte);
        let min_values = self.min_values.max(other.min_values);
        let present = self.present || other.present;
        let nothing = || Self::no_value(present).with_min_values(min_values);
        if crossed(gte, lte) {
            return nothing();
        }
        let mut values: BTreeSet<Name> = match (self.complement, other.complement) {
            (true, true) => self.values.union(&other.values).cloned().collect(),
            (true, false) => other.values.difference(&self.values).cloned().collect(),
            (false, true) => self.values.difference(&other.values).cloned().collect(),
            (false, false) => self.values.intersection(&other.values).cloned().collect(),
        };
        values.retain(|v| within(v, gte, lte));
        if !(self.complement && other.complement) {
            return Self { values, ..nothing() };
        }
        let open = Self { complement: true, values, present, gte, lte, min_values };
        if open.is_exhausted() { nothing() } else { open }
    }

    /// Whether some value meets both; the same as asking whether the intersection is empty, without building it.
    pub fn has_intersection(&self, other: &Self) -> bool {
        let gte = self.gte.max(other.gte);
        let lte = tighter_upper(self.lte, other.lte);
        if crossed(gte, lte) {
            return false;
        }
        let fits = |v: &Name| within(v, gte, lte);
        match (self.complement, other.complement) {
            // Two open sets always meet, unless the bounds leave a range so short that the exclusions cover it.
            (true, true) => {
                (gte.is_none() || lte.is_none()) || self.intersection(other).operator() != Operator::DoesNotExist
            }
            (true, false) => other.values.iter().any(|v| !self.values.contains(v) && fits(v)),
            (false, true) => self.values.iter().any(|v| !other.values.contains(v) && fits(v)),
            (false, false) => self.values.iter().any(|v| other.values.contains(v) && fits(v)),
        }
    }

    /// Whether whatever meets this requirement meets the other one too. How many values must stay open does not matter.
    pub fn is_within(&self, other: &Self) -> bool {
        self.intersection(other).with_min_values(None) == self.clone().with_min_values(None)
    }

    /// Whether exclusions cover the whole bounded range.
    fn is_exhausted(&self) -> bool {
        match (self.gte, self.lte) {
            (Some(low), Some(high)) => {
                let width = i128::from(high) - i128::from(low) + 1;
                // Exclusions inside the bounds may be written in several ways ("4", "04"): count integers, not texts.
                let integers: BTreeSet<i64> = self.values.iter().filter_map(|v| v.parse().ok()).collect();
                i128::try_from(integers.len()).is_ok_and(|n| n >= width)
                    && (low..=high).all(|n| self.values.contains(n.to_string().as_str()))
            }
            _ => false,
        }
    }

    /// The requirement as entries of a NodeSelectorRequirement list: operator and values. A bounded requirement is
    /// written as `Gte` and `Lte`, and its exclusions, which Karpenter drops here, follow as `NotIn`; exclusions from a
    /// label that must be there follow `Exists`.
    pub fn entries(&self) -> Vec<(Operator, Vec<Name>)> {
        let bound = |op, n: Option<i64>| n.map(|n| (op, vec![Name::from(n.to_string())]));
        let mut out: Vec<_> =
            bound(Operator::Gte, self.gte).into_iter().chain(bound(Operator::Lte, self.lte)).collect();
        let says_so = !out.is_empty() || matches!(self.operator(), Operator::In | Operator::Exists);
        if self.present && !says_so {
            out.push((Operator::Exists, vec![]));
        }
        if out.is_empty() || !self.values.is_empty() || self.is_impossible() {
            out.push((self.operator(), self.values.iter().cloned().collect()));
        }
        out
    }
}

/// Text for people and for plans: `In [a b]`, `Exists >=4`, at most five values and then how many others.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.operator())?;
        if !self.values.is_empty() {
            let shown: Vec<&str> = self.values.iter().take(MAX_VALUES_SHOWN).map(AsRef::as_ref).collect();
            write!(f, " [{}", shown.join(" "))?;
            if self.values.len() > MAX_VALUES_SHOWN {
                write!(f, " and {} others", self.values.len() - MAX_VALUES_SHOWN)?;
            }
            f.write_str("]")?;
        }
        if let Some(n) = self.gte {
            write!(f, " >={n}")?;
        }
        if let Some(n) = self.lte {
            write!(f, " <={n}")?;
        }
        if let Some(n) = self.min_values {
            write!(f, " minValues {n}")?;
        }
        Ok(())
    }
}

const MAX_VALUES_SHOWN: usize = 5;

fn within(value: &str, gte: Option<i64>, lte: Option<i64>) -> bool {
    if gte.is_none() && lte.is_none() {
        return true;
    }
    value.parse::<i64>().is_ok_and(|n| gte.is_none_or(|low| n >= low) && lte.is_none_or(|high| n <= high))
}

const fn crossed(gte: Option<i64>, lte: Option<i64>) -> bool {
    matches!((gte, lte), (Some(low), Some(high)) if low > high)
}

/// The lower of two upper bounds, where none means unbounded (`Option`'s own order has none below everything).
fn tighter_upper(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
#[path = "requirement_tests.rs"]
mod tests;
