//! Quantities against Kubernetes' own behaviour (the vectors were produced with `k8s.io/apimachinery`), and the laws that
//! reading, printing and comparing must obey.

use proptest::prelude::*;

use super::*;

fn quantity(text: &str) -> Quantity {
    text.parse().expect("a quantity")
}

/// Text, value in nanos, canonical text, what Go's `String()` prints.
const READ: &[(&str, i128, &str, &str)] = &[
    ("0", 0, "0", "0"),
    ("0Ki", 0, "0", "0"),
    ("500m", 500_000_000, "500m", "500m"),
    ("0.5", 500_000_000, "500m", "500m"),
    (".5", 500_000_000, "500m", "500m"),
    ("1500m", 1_500_000_000, "1500m", "1500m"),
    ("1000m", 1_000_000_000, "1", "1"),
    ("1.", 1_000_000_000, "1", "1."),
    ("+5", 5_000_000_000, "5", "+5"),
    ("007", 7_000_000_000, "7", "007"),
    ("-250m", -250_000_000, "-250m", "-250m"),
    ("1k", 1_000_000_000_000, "1k", "1k"),
    ("1000", 1_000_000_000_000, "1k", "1k"),
    ("1Ki", 1_024_000_000_000, "1Ki", "1Ki"),
    ("1024Ki", 1_048_576_000_000_000, "1Mi", "1Mi"),
    ("20Gi", 20 * (1 << 30) * NANOS, "20Gi", "20Gi"),
    ("8Gi", 8 * (1 << 30) * NANOS, "8Gi", "8Gi"),
    ("1.5Gi", 1_610_612_736 * NANOS, "1536Mi", "1536Mi"),
    ("1023Mi", 1023 * (1 << 20) * NANOS, "1023Mi", "1023Mi"),
    ("0.5Ki", 512 * NANOS, "512", "512"),
    ("0.0001Ki", 102_400_000, "102400u", "102400u"),
    ("1e3", 1000 * NANOS, "1e3", "1e3"),
    ("1E3", 1000 * NANOS, "1e3", "1E3"),
    ("1500e-3", 1_500_000_000, "1500e-3", "1500e-3"),
    ("12e2", 1200 * NANOS, "1200", "1200"),
    ("1.500G", 1_500_000_000 * NANOS, "1500M", "1.500G"),
    ("1E", 1_000_000_000_000_000_000 * NANOS, "1E", "1E"),
    ("100E", 100_000_000_000_000_000_000 * NANOS, "100E", "100E"),
    ("1n", 1, "1n", "1n"),
    ("0.1n", 1, "1n", "1n"),
    ("-0.1n", -1, "-1n", "-1n"),
    ("1.0000000001", 1_000_000_001, "1000000001n", "1000000001n"),
    ("8Ei", i64::MAX as i128 * NANOS, "9223372036854775807", "9223372036854775807"),
    ("-16Ei", -(i64::MAX as i128) * NANOS, "-9223372036854775807", "-9223372036854775807"),
    ("+", 0, "0", "0"),
    (".", 0, "0", "0"),
];

#[test]
fn a_text_is_worth_and_prints_what_kubernetes_says() {
    for &(text, nanos, canonical, printed) in READ {
        let read = quantity(text);
        assert_eq!(read.nanos(), nanos, "value of {text}");
        assert_eq!(read.to_canonical(), canonical, "canonical form of {text}");
        assert_eq!(read.to_kubernetes_string(), printed, "String() of {text}");
        assert_eq!(read.to_string(), text, "the text is kept");
    }
}

#[test]
fn what_is_no_quantity_says_why() {
    let cases = [
        ("", QuantityProblem::Empty),
        ("one", QuantityProblem::Malformed),
        (" 1", QuantityProblem::Malformed),
        ("1 Gi", QuantityProblem::Malformed),
        ("1.1.M", QuantityProblem::Malformed),
        ("1+1.0M", QuantityProblem::Malformed),
        ("1e2.5", QuantityProblem::Malformed),
        ("5GiB", QuantityProblem::Malformed),
        ("-3.01e-", QuantityProblem::UnknownSuffix("e-".to_owned())),
        ("1e", QuantityProblem::UnknownSuffix("e".to_owned())),
        ("1i", QuantityProblem::UnknownSuffix("i".to_owned())),
        ("1K", QuantityProblem::UnknownSuffix("K".to_owned())),
        ("1mi", QuantityProblem::UnknownSuffix("mi".to_owned())),
        ("1ki", QuantityProblem::UnknownSuffix("ki".to_owned())),
        ("1Gi5", QuantityProblem::UnknownSuffix("Gi5".to_owned())),
        ("1e99999999999999999999", QuantityProblem::UnknownSuffix("e99999999999999999999".to_owned())),
        ("1µ", QuantityProblem::Malformed),
    ];
    for (text, problem) in cases {
        let error = text.parse::<Quantity>().expect_err(text);
        assert_eq!((error.text.as_str(), &error.problem), (text, &problem));
    }
    let error = "4 cores".parse::<Quantity>().expect_err("words are no quantity").to_string();
    assert!(error.contains("\"4 cores\"") && error.contains("1.5Gi"), "{error}");
}

#[test]
fn rounding_is_away_from_zero() {
    let given = |text| (quantity(text).milli(), quantity(text).value());
    assert_eq!(given("1n"), (1, 1));
    assert_eq!(given("-1n"), (-1, -1));
    assert_eq!(given("1001u"), (2, 1));
    assert_eq!(given("2500m"), (2500, 3));
    assert_eq!(given("0"), (0, 0));
}

#[test]
fn numbers_beyond_the_range_are_held_at_its_end() {
    assert_eq!(quantity("1e40").nanos(), i128::MAX);
    assert_eq!(quantity("-1e999999999999").nanos(), -i128::MAX);
    assert_eq!(quantity("1e30").value(), i64::MAX);
    assert_eq!(quantity("-1e30").milli(), i64::MIN);
    assert_eq!(quantity("1e-999999999").nanos(), 1);
    assert_eq!(quantity("0e999999999").nanos(), 0);
    assert_eq!(quantity(&format!("{}.{}1Ei", "9".repeat(60), "0".repeat(60))).value(), i64::MAX);
}

#[test]
fn many_digits_lose_nothing_that_counts() {
    // 2^30 bytes and a hair more than one nano's worth, which must round up and not vanish.
    let exact = quantity("1.0000000000000000000000000000000000000000000000000Gi");
    let above = quantity("1.0000000000000000000000000000000000000000000000001Gi");
    assert_eq!(exact.nanos(), (1 << 30) * NANOS);
    assert_eq!(above.nanos(), (1 << 30) * NANOS + 1);
}

#[test]
fn sums_print_in_the_family_of_the_left_side() {
    assert_eq!((&quantity("1Gi") + &quantity("512Mi")).to_string(), "1536Mi");
    assert_eq!((&quantity("0") + &quantity("1Gi")).to_string(), "1Gi");
    assert_eq!((&quantity("2") - &quantity("500m")).to_string(), "1500m");
    assert_eq!((&quantity("1e40") + &quantity("1e40")).nanos(), i128::MAX);
}

#[test]
fn a_manifest_may_write_a_string_or_a_number() {
    let read = |json: &str| serde_json::from_str::<Quantity>(json);
    assert_eq!(read("\"1.5Gi\"").expect("string"), quantity("1536Mi"));
    assert_eq!(read("\" 2 \"").expect("space is trimmed"), quantity("2"));
    assert_eq!(read("4").expect("integer"), quantity("4"));
    assert_eq!(read("-4").expect("negative integer"), quantity("-4"));
    assert_eq!(read("0.25").expect("float"), quantity("250m"));
    assert_eq!(read("1e30").expect("large float"), quantity("1e30"));
    assert_eq!(read("null").expect("null is nothing"), Quantity::default());
    assert!(read("true").is_err());
    assert!(read("\"lots\"").expect_err("words").to_string().contains("\"lots\" is not a quantity"));
    assert_eq!(serde_json::to_string(&quantity("1024Ki")).expect("serializable"), "\"1024Ki\"");
}

/// Texts of the grammar: sign, digits, point, suffix.
fn texts() -> impl Strategy<Value = String> {
    r"[+-]?(0{0,2}[0-9]{1,22}(\.[0-9]{0,22})?|\.[0-9]{1,22})(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]{1,2})?"
}

proptest! {
    #[test]
    fn canonical_text_is_worth_the_same_and_is_its_own_canonical_text(text in texts()) {
        let read = quantity(&text);
        // Held values at the end of the range have lost their magnitude; there is nothing to compare.
        prop_assume!(read.nanos().unsigned_abs() < i128::MAX.unsigned_abs());
        let canonical = read.to_canonical();
        let again = quantity(&canonical);
        prop_assert_eq!(&again, &read);
        prop_assert_eq!(again.to_canonical(), canonical);
        let printed = quantity(&read.to_kubernetes_string());
        prop_assert_eq!(printed, read);
    }

    #[test]
    fn every_number_of_nanos_survives_printing(nanos in any::<i128>(), binary in any::<bool>()) {
        prop_assume!(nanos != i128::MIN);
        let format = if binary { Format::BinarySi } else { Format::DecimalSi };
        let nanos = if binary { nanos % (1 << 90) } else { nanos };
        prop_assert_eq!(quantity(&Quantity::from_nanos(nanos, format).to_canonical()).nanos(), nanos);
    }

    #[test]
    fn serialization_keeps_text_and_value(text in texts()) {
        let read = quantity(&text);
        let json = serde_json::to_string(&read).expect("serializable");
        let again: Quantity = serde_json::from_str(&json).expect("what was written can be read");
        prop_assert_eq!(again.to_string(), text);
        prop_assert_eq!(again, read);
    }

    #[test]
    fn order_is_that_of_the_values(a in texts(), b in texts()) {
        let (a, b) = (quantity(&a), quantity(&b));
        prop_assert_eq!(a.cmp(&b), a.nanos().cmp(&b.nanos()));
        prop_assert!(a.value().cmp(&b.value()) != Ordering::Greater || a > b);
    }

    #[test]
    fn no_text_panics(text in ".{0,40}") {
        let _ = text.parse::<Quantity>();
    }
}
