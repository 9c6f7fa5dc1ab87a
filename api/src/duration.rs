//! Durations as Kubernetes and Karpenter write them: Go's syntax (`1h30m`, `720h`, `0s`), and `Never` where a field
//! allows it. It reads and prints them exactly as Go does; what a duration is for is decided elsewhere.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// The word for a duration that never ends (spec scheduling 1.10).
pub const NEVER: &str = "Never";

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
/// The magnitude of the most negative duration.
const LIMIT: u64 = 1 << 63;

/// A span of time in nanoseconds, at most about 292 years, with the text it was read from.
///
/// Equality, order and hash go by length alone: `60m == 1h`. A duration that was read is written back word for word.
#[derive(Clone, Default)]
pub struct Duration {
    nanos: i64,
    text: Option<Box<str>>,
}

/// A text that is no duration: says what is wrong with it and what a duration looks like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a duration: {problem}; write numbers with units, such as 30s, 1h30m or 720h \
     (units: ns, us, ms, s, m, h)"
)]
pub struct DurationError {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it.
    pub problem: DurationProblem,
}

/// What is wrong with a text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationProblem {
    /// A number is missing, or what stands where one should is none.
    #[error("it is not made of numbers and units")]
    Malformed,
    /// A number without a unit.
    #[error("a number has no unit")]
    MissingUnit,
    /// A unit that Go does not know, days for instance.
    #[error("the unit {0:?} is unknown")]
    UnknownUnit(String),
    /// More than 2^63-1 nanoseconds.
    #[error("it is longer than 292 years")]
    TooLong,
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self { nanos: 0, text: None };

    /// A duration of so many nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self { nanos, text: None }
    }

    /// A duration of so many seconds, held at the ends of the range.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self { nanos: seconds.saturating_mul(SECOND as i64), text: None }
    }

    /// The length in nanoseconds.
    #[must_use]
    pub const fn nanos(&self) -> i64 {
        self.nanos
    }

    /// The length in seconds, with the fraction that an `f64` can hold.
    #[must_use]
    pub fn as_secs_f64(&self) -> f64 {
        self.nanos as f64 / SECOND as f64
    }

    /// The length, for arithmetic on timestamps.
    #[must_use]
    pub fn to_signed(&self) -> SignedDuration {
        SignedDuration::from_nanos(self.nanos)
    }

    /// What Go's `Duration.String()` prints: `90m` is `1h30m0s`. The API server writes a `metav1.Duration` like this.
    #[must_use]
    pub fn to_go_string(&self) -> String {
        print(self.nanos)
    }
}

impl From<&Duration> for SignedDuration {
    fn from(duration: &Duration) -> Self {
        duration.to_signed()
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    /// Reads what Go's `time.ParseDuration` reads, and refuses what it refuses.
    fn from_str(text: &str) -> Result<Self, DurationError> {
        match parse(text) {
            Ok(nanos) => Ok(Self { nanos, text: Some(text.into()) }),
            Err(problem) => Err(DurationError { text: text.to_owned(), problem }),
        }
    }
}

/// The text it was read from, or Go's text of a computed duration.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.pad(text),
            None => f.pad(&self.to_go_string()),
        }
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Duration({self})")
    }
}

impl PartialEq for Duration {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Duration {}

impl Hash for Duration {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.nanos.hash(state);
    }
}

impl PartialOrd for Duration {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Duration {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor("a duration such as 30s, 1h30m or 720h")).and_then(parsed)
    }
}

impl JsonSchema for Duration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A duration, or never (spec scheduling 1.10). It is written back word for word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum NillableDuration {
    /// It does not come to pass.
    #[default]
    Never,
    /// It comes to pass after this long.
    After(Duration),
}

impl NillableDuration {
    /// The duration, unless it is `Never`.
    #[must_use]
    pub fn duration(&self) -> Option<&Duration> {
        match self {
            Self::Never => None,
            Self::After(duration) => Some(duration),
        }
    }
}

impl From<Duration> for NillableDuration {
    fn from(duration: Duration) -> Self {
        Self::After(duration)
    }
}

impl FromStr for NillableDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        if text == NEVER { Ok(Self::Never) } else { text.parse().map(Self::After) }
    }
}

impl fmt::Display for NillableDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.pad(NEVER),
            Self::After(duration) => duration.fmt(f),
        }
    }
}

impl Serialize for NillableDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NillableDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor("Never, or a duration such as 30s, 1h30m or 720h")).and_then(parsed)
    }
}

impl JsonSchema for NillableDuration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "NillableDuration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// Takes the text of a duration out of a document.
struct TextVisitor(&'static str);

impl Visitor<'_> for TextVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}

fn parsed<T: FromStr<Err = DurationError>, E: de::Error>(text: String) -> Result<T, E> {
    text.parse().map_err(E::custom)
}

fn parse(text: &str) -> Result<i64, DurationProblem> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(DurationProblem::Malformed);
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (part, remainder) = leading_part(rest)?;
        total = total.checked_add(part).filter(|&total| total <= LIMIT).ok_or(DurationProblem::TooLong)?;
        rest = remainder;
    }
    match i64::try_from(total) {
        Ok(nanos) if negative => Ok(-nanos),
        Ok(nanos) => Ok(nanos),
        Err(_) if negative => Ok(i64::MIN),
        Err(_) => Err(DurationProblem::TooLong),
    }
}

/// One number with its unit, in nanoseconds, and what follows it.
fn leading_part(text: &str) -> Result<(u64, &str), DurationProblem> {
    let (whole, rest) = leading_digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), leading_digits);
    if whole.is_empty() && fraction.is_empty() {
        return Err(DurationProblem::Malformed);
    }
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    if unit.is_empty() {
        return Err(DurationProblem::MissingUnit);
    }
    let unit = match unit {
        "ns" => 1,
        // The micro sign and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        other => return Err(DurationProblem::UnknownUnit(other.to_owned())),
    };
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| DurationProblem::TooLong)? };
    let nanos = whole
        .checked_mul(unit)
        .and_then(|nanos| nanos.checked_add(fraction_of(fraction, unit)))
        .filter(|&nanos| nanos <= LIMIT)
        .ok_or(DurationProblem::TooLong)?;
    Ok((nanos, rest))
}

fn leading_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// The nanoseconds of a fraction of a unit, cut off as Go does: in floating point, digits that overflow ignored.
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let mut numerator: u64 = 0;
    let mut denominator = 1.0;
    for digit in digits.bytes().map(|digit| u64::from(digit - b'0')) {
        if numerator > (LIMIT - 1) / 10 || numerator * 10 + digit > LIMIT {
            break;
        }
        numerator = numerator * 10 + digit;
        denominator *= 10.0;
    }
    (numerator as f64 * (unit as f64 / denominator)) as u64
}

fn print(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let text = match nanos {
        0 => "0s".to_owned(),
        1..MICROSECOND => format!("{nanos}ns"),
        MICROSECOND..MILLISECOND => decimal(nanos, MICROSECOND, "\u{b5}s"),
        MILLISECOND..SECOND => decimal(nanos, MILLISECOND, "ms"),
        _ => {
            let seconds = decimal(nanos % MINUTE, SECOND, "s");
            match (nanos / HOUR, nanos / MINUTE % 60) {
                (0, 0) => seconds,
                (0, minutes) => format!("{minutes}m{seconds}"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    };
    format!("{sign}{text}")
}

/// A number of units with as many decimal places as it needs.
fn decimal(nanos: u64, unit: u64, name: &str) -> String {
    let (whole, fraction) = (nanos / unit, nanos % unit);
    if fraction == 0 {
        return format!("{whole}{name}");
    }
    let places = unit.ilog10() as usize;
    let digits = format!("{fraction:0places$}");
    format!("{whole}.{}{name}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn duration(text: &str) -> Duration {
        text.parse().expect("a duration")
    }

    /// Text, nanoseconds, what Go prints.
    const READ: &[(&str, i64, &str)] = &[
        ("0", 0, "0s"),
        ("-0", 0, "0s"),
        ("0s", 0, "0s"),
        ("720h", 2_592_000_000_000_000, "720h0m0s"),
        ("90m", 5_400_000_000_000, "1h30m0s"),
        ("1h30m", 5_400_000_000_000, "1h30m0s"),
        ("+1.5h", 5_400_000_000_000, "1h30m0s"),
        ("-1.5h", -5_400_000_000_000, "-1h30m0s"),
        (".5s", 500_000_000, "500ms"),
        ("1.s", 1_000_000_000, "1s"),
        ("1m1.25s", 61_250_000_000, "1m1.25s"),
        ("1500us", 1_500_000, "1.5ms"),
        ("1500\u{b5}s", 1_500_000, "1.5ms"),
        ("1500\u{3bc}s", 1_500_000, "1.5ms"),
        ("1500ns", 1_500, "1.5\u{b5}s"),
        ("999ns", 999, "999ns"),
        ("1s1h", 3_601_000_000_000, "1h0m1s"),
        ("0.3333333333333333333h", 1_200_000_000_000, "20m0s"),
        ("9223372036854775807ns", i64::MAX, "2562047h47m16.854775807s"),
        ("-9223372036854775808ns", i64::MIN, "-2562047h47m16.854775808s"),
    ];

    #[test]
    fn a_text_is_as_long_and_prints_as_go_says() {
        for &(text, nanos, printed) in READ {
            let read = duration(text);
            assert_eq!(read.nanos(), nanos, "length of {text}");
            assert_eq!(read.to_go_string(), printed, "String() of {text}");
            assert_eq!(read.to_string(), text, "the text is kept");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        let cases = [
            ("", DurationProblem::Malformed),
            ("-", DurationProblem::Malformed),
            ("s", DurationProblem::Malformed),
            (".s", DurationProblem::Malformed),
            ("1h-30m", DurationProblem::UnknownUnit("h-".to_owned())),
            ("3", DurationProblem::MissingUnit),
            ("1h30", DurationProblem::MissingUnit),
            ("7d", DurationProblem::UnknownUnit("d".to_owned())),
            ("1 h", DurationProblem::UnknownUnit(" h".to_owned())),
            ("9223372036854775808ns", DurationProblem::TooLong),
            ("9223372036854775807ns1ns", DurationProblem::TooLong),
            ("-9223372036854775809ns", DurationProblem::TooLong),
            ("2562048h", DurationProblem::TooLong),
            ("99999999999999999999h", DurationProblem::TooLong),
        ];
        for (text, problem) in cases {
            assert_eq!(text.parse::<Duration>().expect_err(text).problem, problem, "{text}");
        }
        let error = "7d".parse::<Duration>().expect_err("days are no unit").to_string();
        assert!(error.contains("\"7d\"") && error.contains("720h"), "{error}");
    }

    #[test]
    fn never_is_a_duration_only_where_it_may_be() {
        let read = |json: &str| serde_json::from_str::<NillableDuration>(json);
        assert_eq!(read("\"Never\"").expect("never"), NillableDuration::Never);
        assert_eq!(read("\"60m\"").expect("a duration"), NillableDuration::After(duration("1h")));
        assert!(read("\"never\"").is_err() && read("60").is_err());
        assert!("Never".parse::<Duration>().is_err());
        for json in ["\"Never\"", "\"90m\""] {
            assert_eq!(serde_json::to_string(&read(json).expect("valid")).expect("serializable"), json);
        }
    }

    proptest! {
        #[test]
        fn what_go_prints_is_read_back(nanos in any::<i64>()) {
            let printed = Duration::from_nanos(nanos).to_go_string();
            let read = duration(&printed);
            prop_assert_eq!(read.nanos(), nanos);
        }

        #[test]
        fn parts_add_up(hours in 0i64..1000, minutes in 0i64..1000, seconds in 0i64..1000) {
            let read = duration(&format!("{hours}h{minutes}m{seconds}s"));
            prop_assert_eq!(read, Duration::from_secs(hours * 3600 + minutes * 60 + seconds));
        }

        #[test]
        fn no_text_panics(text in "[-+.0-9nusmh\u{b5} ]{0,30}") {
            let _ = text.parse::<Duration>();
        }
    }
}
