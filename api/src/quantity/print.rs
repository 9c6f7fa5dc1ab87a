//! The canonical text of a quantity: which mantissa and which suffix stand for a number of nanos.

use super::{Format, NANOS};

/// Prints as Kubernetes does: nothing lost, no fraction, the largest suffix that allows it.
pub(super) fn canonical(nanos: i128, format: Format) -> String {
    if nanos == 0 {
        return "0".to_owned();
    }
    match format {
        // Below 1024, or with a fraction, a binary suffix cannot say it.
        Format::BinarySi if nanos.unsigned_abs() >= 1024 * NANOS.unsigned_abs() && nanos % NANOS == 0 => {
            binary(nanos / NANOS)
        }
        Format::BinarySi | Format::DecimalSi => decimal(nanos, true),
        Format::DecimalExponent => decimal(nanos, false),
    }
}

fn binary(value: i128) -> String {
    const SUFFIXES: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let mut mantissa = value;
    let mut suffix = "";
    for larger in SUFFIXES.iter().skip(1) {
        if mantissa % 1024 != 0 {
            break;
        }
        mantissa /= 1024;
        suffix = larger;
    }
    format!("{mantissa}{suffix}")
}

fn decimal(nanos: i128, si: bool) -> String {
    let mut mantissa = nanos;
    let mut exponent = -9;
    while mantissa % 1000 == 0 {
        mantissa /= 1000;
        exponent += 3;
    }
    let suffix = match exponent {
        -9 => "n",
        -6 => "u",
        -3 => "m",
        3 => "k",
        6 => "M",
        9 => "G",
        12 => "T",
        15 => "P",
        18 => "E",
        _ => "",
    };
    match exponent {
        0 => mantissa.to_string(),
        -9..=18 if si => format!("{mantissa}{suffix}"),
        // Decimal suffixes end at E: what is larger takes an exponent.
        _ => format!("{mantissa}e{exponent}"),
    }
}
