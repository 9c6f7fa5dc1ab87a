//! What an overlay says about a price: a new one, a sum more or less, or a share more or less (the Karpenter specification,
//! scheduling 1.4 and 6). Decimal fractions are exact here, to a millionth of a millionth of a dollar. Whose price is changed
//! is not known here.

use dovetail_scheduler::instance_type::Price;

/// Picodollars in a dollar, and as many parts in a per cent.
const SCALE: i128 = 1_000_000_000_000;
const DECIMALS: usize = 12;

/// Larger numbers in a text count as this one. It is far above every price, and leaves room to calculate with.
const LARGEST: i128 = SCALE * SCALE;

/// What becomes of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Adjustment {
    /// It is replaced.
    To(Price),
    /// So many picodollars are added.
    By(i128),
    /// So many parts of a [`SCALE`]th of one per cent are added.
    ByShare(i128),
}

impl Adjustment {
    /// Reads `spec.price`: a decimal number without a sign.
    pub(super) fn price(text: &str) -> Option<Self> {
        // A fraction needs a digit before its point here, and needs none in an adjustment.
        text.starts_with(|c: char| c.is_ascii_digit()).then_some(())?;
        decimal(text).map(|n| Self::To(bounded(n)))
    }

    /// Reads `spec.priceAdjustment`: a decimal number with a sign, in per cent if it says so.
    pub(super) fn change(text: &str) -> Option<Self> {
        let (sign, number) = match text.split_at_checked(1)? {
            ("+", number) => (1, number),
            ("-", number) => (-1, number),
            _ => return None,
        };
        match number.strip_suffix('%') {
            Some(share) => decimal(share).map(|n| Self::ByShare(sign * n)),
            None => decimal(number).map(|n| Self::By(sign * n)),
        }
    }

    /// The price that comes of another one; less than nothing is nothing. Where no price is known ([`Price::MAX`]) there is
    /// nothing to change, only to replace.
    pub(super) fn apply(self, price: Price) -> Price {
        let base = i128::from(price.picodollars());
        match self {
            Self::To(new) => new,
            Self::By(_) | Self::ByShare(_) if price == Price::MAX => price,
            Self::By(sum) => bounded(base + sum),
            Self::ByShare(parts) => {
                let whole = 100 * SCALE;
                let kept = (whole + parts).max(0);
                base.checked_mul(kept).map_or(Price::MAX, |n| bounded((n + whole / 2) / whole))
            }
        }
    }
}

fn bounded(picodollars: i128) -> Price {
    Price::from_picodollars(i64::try_from(picodollars.max(0)).unwrap_or(i64::MAX))
}

/// A decimal number without a sign in parts of a [`SCALE`]th; what is finer is rounded, halves upwards.
fn decimal(text: &str) -> Option<i128> {
    let (whole, fraction) = match text.split_once('.') {
        None => (text, ""),
        Some((_, "")) => return None,
        Some(parts) => parts,
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || text.is_empty() {
        return None;
    }
    let read = |digits: &mut dyn Iterator<Item = u8>| {
        digits.fold(0_i128, |n, digit| (n * 10 + i128::from(digit - b'0')).min(LARGEST))
    };
    let whole = read(&mut whole.bytes());
    let parts = read(&mut fraction.bytes().chain(std::iter::repeat(b'0')).take(DECIMALS));
    let rounded_up = fraction.as_bytes().get(DECIMALS).is_some_and(|digit| *digit >= b'5');
    Some((whole * SCALE).min(LARGEST) + parts + i128::from(rounded_up))
}

#[cfg(test)]
#[path = "adjustment_tests.rs"]
mod tests;
