//! Kubernetes quantities: what "500m", "1.5Gi" or "1e3" is worth, how two of them compare, and how one is printed.
//!
//! The rules are those of Kubernetes' `resource.Quantity`: nothing finer than a nano survives (it is rounded away from
//! zero, since who asks for a little must get a little), binary suffixes stop at 2^63-1, and the suffix that was
//! written decides the suffix that is printed. This module does not know which resource a quantity measures.

mod parse;
mod print;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Add, Sub};
use std::str::FromStr;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as KubernetesQuantity;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// The pattern that the API server holds a quantity against in a CRD (spec scheduling 1.1, PAT-QTY).
///
/// It admits a little more than [`Quantity::from_str`] reads (an exponent with a fraction, `1e2.5`), as upstream's does.
pub const PATTERN: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

/// Nanos in one: the unit that all quantities are held in.
const NANOS: i128 = 1_000_000_000;
/// Nanos in a thousandth.
const NANOS_PER_MILLI: i128 = 1_000_000;

/// A fixed-point number with the suffix family it was written in, and the text it was read from.
///
/// Equality, order and hash go by value alone: `1024Mi == 1Gi`. A quantity that was read is written back word for word.
/// The range is that of an `i128` in nanos (about 1.7e29); what lies outside is held at its end.
#[derive(Clone, Default)]
pub struct Quantity {
    nanos: i128,
    format: Format,
    text: Option<Box<str>>,
    text_survives: bool,
}

/// The suffix family of a quantity, which decides how it is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `n u m k M G T P E`: powers of a thousand.
    #[default]
    DecimalSi,
    /// `Ki Mi Gi Ti Pi Ei`: powers of 1024.
    BinarySi,
    /// `e3`, `E-6`: a decimal exponent.
    DecimalExponent,
}

/// A text that is no quantity: says what is wrong with it and what a quantity looks like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a quantity: {problem}; write a number with an optional suffix, such as 500m, 2, 1.5Gi or 1e3 \
     (suffixes: n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or e with a whole exponent)"
)]
pub struct QuantityError {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it.
    pub problem: QuantityProblem,
}

/// What is wrong with a text that is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityProblem {
    /// There is no text.
    #[error("it is empty")]
    Empty,
    /// A character that neither numbers nor suffixes have, or one in the wrong place.
    #[error("it is not made of a number and a suffix")]
    Malformed,
    /// The number is well formed, what follows it is unknown.
    #[error("the suffix {0:?} is unknown")]
    UnknownSuffix(String),
    /// Not a number, or an infinite one.
    #[error("it is not a finite number")]
    NotFinite,
}

impl Quantity {
    /// A quantity of so many whole units, printed with decimal suffixes.
    #[must_use]
    pub fn from_value(value: i64) -> Self {
        Self::from_nanos(i128::from(value) * NANOS, Format::DecimalSi)
    }

    /// A quantity of so many thousandths (millicores, for CPU), printed with decimal suffixes.
    #[must_use]
    pub fn from_milli(milli: i64) -> Self {
        Self::from_nanos(i128::from(milli) * NANOS_PER_MILLI, Format::DecimalSi)
    }

    /// A quantity of so many bytes, printed with binary suffixes (`Mi`, `Gi`).
    #[must_use]
    pub fn from_bytes(bytes: i64) -> Self {
        Self::from_nanos(i128::from(bytes) * NANOS, Format::BinarySi)
    }

    /// A quantity of so many billionths, printed in the given suffix family.
    #[must_use]
    pub fn from_nanos(nanos: i128, format: Format) -> Self {
        Self { nanos, format, text: None, text_survives: false }
    }

    /// The value in billionths: exact.
    #[must_use]
    pub fn nanos(&self) -> i128 {
        self.nanos
    }

    /// The suffix family it prints in.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The value in thousandths, rounded away from zero, held at the ends of `i64` (Go: `MilliValue`).
    #[must_use]
    pub fn milli(&self) -> i64 {
        saturate(divide_away_from_zero(self.nanos, NANOS_PER_MILLI))
    }

    /// The value in whole units, rounded away from zero, held at the ends of `i64` (Go: `Value`).
    #[must_use]
    pub fn value(&self) -> i64 {
        saturate(divide_away_from_zero(self.nanos, NANOS))
    }

    /// Whether it is nothing at all.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.nanos == 0
    }

    /// -1, 0 or 1.
    #[must_use]
    pub fn sign(&self) -> i32 {
        // `signum` of an i128 is one of the three.
        self.nanos.signum() as i32
    }

    /// The canonical text: no fraction, nothing lost, the largest suffix that fits (`0.5` is `500m`, `1024Ki` is `1Mi`).
    #[must_use]
    pub fn to_canonical(&self) -> String {
        print::canonical(self.nanos, self.format)
    }

    /// What Go's `Quantity.String()` prints for a quantity decoded from this one's text.
    ///
    /// Kubernetes keeps the text it parsed where it takes it for canonical (a heuristic: `1.500G` and `1e3` survive,
    /// `0.5` and `1024Ki` do not) and prints the canonical form otherwise. The drift hash of an EC2NodeClass is made
    /// over this text, so it must be the same to the letter.
    #[must_use]
    pub fn to_kubernetes_string(&self) -> Cow<'_, str> {
        match &self.text {
            Some(text) if self.text_survives => Cow::Borrowed(text),
            _ => Cow::Owned(self.to_canonical()),
        }
    }

    fn with_text(nanos: i128, format: Format, text: &str, text_survives: bool) -> Self {
        Self { nanos, format, text: Some(text.into()), text_survives }
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        match parse::parse(text) {
            Ok(parsed) => Ok(Self::with_text(parsed.nanos, parsed.format, text, parsed.text_survives)),
            Err(problem) => Err(QuantityError { text: text.to_owned(), problem }),
        }
    }
}

/// The text it was read from, or the canonical text of a computed quantity.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.pad(text),
            None => f.pad(&self.to_canonical()),
        }
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Quantity({self})")
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl Hash for Quantity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.nanos.hash(state);
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

/// The sum, in the suffix family of the left side unless that is zero, as Kubernetes does.
impl Add<&Quantity> for &Quantity {
    type Output = Quantity;

    fn add(self, other: &Quantity) -> Quantity {
        let format = if self.is_zero() { other.format } else { self.format };
        Quantity::from_nanos(self.nanos.saturating_add(other.nanos), format)
    }
}

/// The difference, in the suffix family of the left side unless that is zero, as Kubernetes does.
impl Sub<&Quantity> for &Quantity {
    type Output = Quantity;

    fn sub(self, other: &Quantity) -> Quantity {
        let format = if self.is_zero() { other.format } else { self.format };
        Quantity::from_nanos(self.nanos.saturating_sub(other.nanos), format)
    }
}

impl TryFrom<&KubernetesQuantity> for Quantity {
    type Error = QuantityError;

    fn try_from(quantity: &KubernetesQuantity) -> Result<Self, QuantityError> {
        quantity.0.trim().parse()
    }
}

impl From<&Quantity> for KubernetesQuantity {
    fn from(quantity: &Quantity) -> Self {
        Self(quantity.to_string())
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

/// Reads what Kubernetes reads: a string, or a bare JSON number whose digits are taken as the text.
struct QuantityVisitor;

impl Visitor<'_> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity: a number, or a string such as 500m, 2, 1.5Gi or 1e3")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
        text.trim().parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Quantity, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Quantity, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Quantity, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Quantity, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Quantity, E> {
        if !value.is_finite() {
            return Err(E::custom(QuantityError { text: value.to_string(), problem: QuantityProblem::NotFinite }));
        }
        self.visit_str(&value.to_string())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Quantity, E> {
        Ok(Quantity::default())
    }
}

impl JsonSchema for Quantity {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "pattern": PATTERN, "x-kubernetes-int-or-string": true })
    }
}

/// Divides by a positive divisor, rounding away from zero: what is asked for is never rounded down to nothing.
fn divide_away_from_zero(dividend: i128, divisor: i128) -> i128 {
    let quotient = dividend / divisor;
    if dividend % divisor == 0 { quotient } else { quotient + dividend.signum() }
}

/// The nearest `i64`.
fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}
