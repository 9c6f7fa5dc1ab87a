//! What becomes of prices: the specification's examples, exactness, and the algebra.

use super::*;
use proptest::prelude::*;

fn dollars(amount: f64) -> Price {
    Price::from_dollars(amount)
}

/// The price that `text` makes of another, as whichever field takes such a text.
fn adjusted(base: Price, text: &str) -> Price {
    let adjustment = if text.starts_with(['+', '-']) { Adjustment::change(text) } else { Adjustment::price(text) };
    adjustment.unwrap_or_else(|| panic!("{text} can be read")).apply(base)
}

/// Worked example 15 of the specification, scheduling 11.
#[test]
fn the_worked_example_comes_out() {
    let base = dollars(1.0);
    assert_eq!(adjusted(base, "-15%"), dollars(0.85));
    assert_eq!(adjusted(base, "+0.5"), dollars(1.5));
    assert_eq!(adjusted(base, "-2"), Price::ZERO);
    assert_eq!(adjusted(base, "3"), dollars(3.0));
}

#[test]
fn fractions_that_no_float_can_hold_are_exact() {
    let base = Price::from_picodollars(100_000_000_001);
    assert_eq!(adjusted(base, "+0.000000000001").picodollars(), 100_000_000_002);
    assert_eq!(adjusted(base, "-0.1").picodollars(), 1);
    assert_eq!(adjusted(Price::from_picodollars(3_000_000_000), "+33.3333%").picodollars(), 3_999_999_000);
    assert_eq!(adjusted(base, "0.1234567890123").picodollars(), 123_456_789_012, "finer than a picodollar is rounded");
    assert_eq!(adjusted(base, "0.1234567890125").picodollars(), 123_456_789_013);
}

#[test]
fn a_share_is_rounded_once_to_the_nearest_picodollar() {
    assert_eq!(adjusted(Price::from_picodollars(10), "+5%").picodollars(), 11, "10.5");
    assert_eq!(adjusted(Price::from_picodollars(10), "+4%").picodollars(), 10, "10.4");
    assert_eq!(adjusted(Price::from_picodollars(10), "-5%").picodollars(), 10, "9.5");
}

#[test]
fn nothing_is_cheaper_than_free() {
    for text in ["-1", "-100%", "-99999999999999999999999999999999"] {
        assert_eq!(adjusted(dollars(1.0), text), Price::ZERO, "{text}");
    }
}

#[test]
fn enormous_numbers_stop_at_the_largest_price() {
    let digits = "9".repeat(400);
    for text in [digits.clone(), format!("+{digits}"), format!("+{digits}%"), format!("{digits}.{digits}")] {
        assert_eq!(adjusted(dollars(1.0), &text), Price::MAX);
    }
    assert_eq!(adjusted(Price::ZERO, &format!("+{digits}%")), Price::ZERO);
}

#[test]
fn a_price_that_is_not_known_can_be_given_but_not_changed() {
    for text in ["-15%", "-1", "+1"] {
        assert_eq!(adjusted(Price::MAX, text), Price::MAX, "{text}");
    }
    assert_eq!(adjusted(Price::MAX, "0.5"), dollars(0.5));
}

#[test]
fn every_text_that_the_api_server_lets_through_can_be_read() {
    for text in ["0", "007", "1.50", "12345678901234567890"] {
        assert!(Adjustment::price(text).is_some(), "{text}");
    }
    for text in ["+1", "-1", "+.5", "-.5", "+0.5", "+10%", "+.5%", "-15%", "-9.75%", "-100%", "+1000%"] {
        assert!(Adjustment::change(text).is_some(), "{text}");
    }
}

#[test]
fn what_is_no_number_is_not_taken_for_one() {
    for text in ["", "+1", "-1", "1.", ".5", "1e3", "0x1", "1,5", "10%", " 1", "1 ", "NaN", "1.5.2", "٣", "1.-5"] {
        assert_eq!(Adjustment::price(text), None, "{text}");
    }
    for text in ["", "1", "+", "-", "+%", "+.", "+.%", "++1", "+-1", "+1.", "+1.%", "+1%%", "+1 %", "%", "é1", "+٣"] {
        assert_eq!(Adjustment::change(text), None, "{text}");
    }
}

fn price() -> impl Strategy<Value = Price> {
    (0..=10_000_000_000_000_000_i64).prop_map(Price::from_picodollars)
}

/// A decimal number with up to twelve decimals.
fn number() -> impl Strategy<Value = String> {
    (0..10_000_u32, 0..1_000_000_000_000_u64).prop_map(|(whole, parts)| format!("{whole}.{parts:012}"))
}

fn change() -> impl Strategy<Value = String> {
    let signed = (prop_oneof![Just("+"), Just("-")], number()).prop_map(|(sign, n)| format!("{sign}{n}"));
    (signed, any::<bool>()).prop_map(|(n, share)| if share { format!("{n}%") } else { n })
}

proptest! {
    #[test]
    fn a_price_is_what_was_written(a in price(), picodollars in 0..i64::MAX) {
        let (whole, parts) = (picodollars / 1_000_000_000_000, picodollars % 1_000_000_000_000);
        prop_assert_eq!(adjusted(a, &format!("{whole}.{parts:012}")).picodollars(), picodollars);
    }

    #[test]
    fn changes_keep_the_order_of_prices(a in price(), b in price(), text in change()) {
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(adjusted(low, &text) <= adjusted(high, &text));
    }

    #[test]
    fn more_never_lowers_a_price_and_less_never_raises_it(a in price(), n in number()) {
        for unit in ["", "%"] {
            let [more, less] = ["+", "-"].map(|sign| adjusted(a, &format!("{sign}{n}{unit}")));
            prop_assert!(less <= a && a <= more);
        }
    }

    #[test]
    fn what_is_added_can_be_taken_away(a in price(), n in number()) {
        prop_assert_eq!(adjusted(adjusted(a, &format!("+{n}")), &format!("-{n}")), a);
    }

    #[test]
    fn a_share_of_a_sum_is_the_sum_of_the_shares_but_for_rounding(a in price(), b in price(), n in number()) {
        let text = format!("+{n}%");
        let apart = adjusted(a, &text).picodollars() + adjusted(b, &text).picodollars();
        prop_assert!((adjusted(a + b, &text).picodollars() - apart).abs() <= 1);
    }

    #[test]
    fn nothing_more_and_a_hundred_per_cent_less(a in price()) {
        for text in ["+0", "-0", "+0%", "-0%"] {
            prop_assert_eq!(adjusted(a, text), a);
        }
        prop_assert_eq!(adjusted(a, "-100%"), Price::ZERO);
        prop_assert_eq!(adjusted(a, "+100%"), a.times(2));
    }
}
