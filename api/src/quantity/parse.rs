//! Reads the text of a quantity. It decides what the text is worth in nanos, its suffix family, and whether Kubernetes
//! would keep the text when it prints the quantity again. It does not print.

use super::{Format, NANOS, QuantityProblem};

/// The largest value with a binary suffix: 2^63-1 units, in nanos.
const BINARY_LIMIT: i128 = i64::MAX as i128 * NANOS;
/// Exponents beyond this many digits leave the range of an `i128` in nanos whichever number they stand behind.
const EXPONENT_LIMIT: i64 = 1 << 30;
/// Digits of a number that Kubernetes keeps in an int64; longer ones take its slow path.
const MAX_INT64_DIGITS: i64 = 18;

/// A text that was understood.
pub(super) struct Parsed {
    pub(super) nanos: i128,
    pub(super) format: Format,
    /// Whether Go's `Quantity.String()` prints the text unchanged.
    pub(super) text_survives: bool,
}

/// The parts of a text: sign, digits before and after the point (leading zeros of the former dropped), suffix.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

/// A suffix: multiplies by `10^decimal` or by `2^binary`.
struct Scale {
    format: Format,
    decimal: i64,
    binary: u32,
}

pub(super) fn parse(text: &str) -> Result<Parsed, QuantityProblem> {
    if text.is_empty() {
        return Err(QuantityProblem::Empty);
    }
    let parts = split(text)?;
    let scale = interpret(parts.suffix).ok_or_else(|| QuantityProblem::UnknownSuffix(parts.suffix.to_owned()))?;
    let mut nanos = magnitude(&parts, &scale);
    let mut format = scale.format;
    if format == Format::BinarySi {
        nanos = nanos.min(BINARY_LIMIT);
        if 0 < nanos && nanos < NANOS {
            // A fraction of one byte has no binary suffix.
            format = Format::DecimalSi;
        }
    }
    let text_survives = text == "0" || text_survives(&parts, &scale);
    Ok(Parsed { nanos: if parts.negative { -nanos } else { nanos }, format, text_survives })
}

/// Cuts the text apart. As in Kubernetes a sign or a point alone is a zero; the pattern of a CRD refuses those before.
fn split(text: &str) -> Result<Parts<'_>, QuantityProblem> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, rest) = leading_digits(rest);
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(rest) => leading_digits(rest),
        None => ("", rest),
    };
    let letters = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let exponent = letters.strip_prefix(['-', '+']).unwrap_or(letters);
    if !exponent.bytes().all(|b| b.is_ascii_digit()) {
        return Err(QuantityProblem::Malformed);
    }
    Ok(Parts { negative, whole: whole.trim_start_matches('0'), fraction, suffix })
}

fn leading_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn interpret(suffix: &str) -> Option<Scale> {
    let decimal = |decimal| Some(Scale { format: Format::DecimalSi, decimal, binary: 0 });
    let binary = |binary| Some(Scale { format: Format::BinarySi, decimal: 0, binary });
    match suffix {
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?.parse::<i64>().ok()?;
            let decimal = exponent.clamp(-EXPONENT_LIMIT, EXPONENT_LIMIT);
            Some(Scale { format: Format::DecimalExponent, decimal, binary: 0 })
        }
    }
}

/// The unsigned value in nanos, anything finer rounded up, held at the end of an `i128`.
fn magnitude(parts: &Parts<'_>, scale: &Scale) -> i128 {
    // value = digits * 2^binary * 10^shift nanos
    let shift = scale.decimal + 9 - parts.fraction.len() as i64;
    short_magnitude(parts, scale.binary, shift).unwrap_or_else(|| long_magnitude(parts, scale.binary, shift))
}

/// In machine arithmetic, for what people write; `None` where that overflows.
fn short_magnitude(parts: &Parts<'_>, binary: u32, shift: i64) -> Option<i128> {
    let digits = parts
        .whole
        .bytes()
        .chain(parts.fraction.bytes())
        .try_fold(0i128, |value, digit| value.checked_mul(10)?.checked_add(i128::from(digit - b'0')))?;
    let product = digits.checked_mul(1i128 << binary)?;
    let power = 10i128.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?)?;
    if shift >= 0 { product.checked_mul(power) } else { Some(product / power + i128::from(product % power != 0)) }
}

/// On decimal digits, for numbers of any length.
fn long_magnitude(parts: &Parts<'_>, binary: u32, shift: i64) -> i128 {
    // Least significant first.
    let mut digits: Vec<u8> =
        parts.whole.bytes().chain(parts.fraction.bytes()).map(|digit| digit - b'0').rev().collect();
    for _ in 0..binary {
        double(&mut digits);
    }
    let significant = digits.iter().rposition(|&digit| digit != 0).map_or(0, |last| last + 1);
    if significant == 0 {
        return 0;
    }
    if shift >= 0 {
        // Only reached where the product does not fit.
        return i128::MAX;
    }
    let cut = usize::try_from(shift.unsigned_abs()).unwrap_or(usize::MAX).min(significant);
    let remainder = digits.iter().take(cut).any(|&digit| digit != 0);
    let kept = digits.iter().take(significant).skip(cut).rev();
    let whole = kept.fold(0i128, |value, &digit| value.saturating_mul(10).saturating_add(i128::from(digit)));
    whole.saturating_add(i128::from(remainder))
}

fn double(digits: &mut Vec<u8>) {
    let mut carry = 0;
    for digit in digits.iter_mut() {
        let doubled = *digit * 2 + carry;
        *digit = doubled % 10;
        carry = doubled / 10;
    }
    if carry > 0 {
        digits.push(carry);
    }
}

/// Whether Kubernetes takes the text for canonical and keeps it. A heuristic of its parser's fast path, which looks at
/// the digits only; followed here because hashes are made over what it prints.
fn text_survives(parts: &Parts<'_>, scale: &Scale) -> bool {
    let whole = if parts.whole.is_empty() { "0" } else { parts.whole };
    let length = (whole.len() + parts.fraction.len()) as i64;
    match scale.format {
        Format::BinarySi => {
            let room = 15 - length - i64::from(scale.binary) * 3 / 10 - 1;
            let not_of_eights = |value: u64| !value.is_multiple_of(8);
            room >= 0 && parts.fraction.is_empty() && whole.parse().is_ok_and(not_of_eights)
        }
        Format::DecimalSi | Format::DecimalExponent => {
            let exponent = scale.decimal - parts.fraction.len() as i64;
            let ends_in_three_zeros =
                whole.bytes().chain(parts.fraction.bytes()).rev().take(3).filter(|&b| b == b'0').count() == 3;
            length <= MAX_INT64_DIGITS
                && exponent >= -9
                && exponent % 3 == 0
                && !ends_in_three_zeros
                && !whole.starts_with('0')
        }
    }
}
