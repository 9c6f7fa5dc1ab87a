//! The algebra of one label, example by example and as laws.

use super::*;
use proptest::prelude::*;

fn read(operator: &str, values: &[&str]) -> Requirement {
    Requirement::new(Operator::parse(operator).expect("a known operator"), values).expect("readable values")
}

#[test]
fn what_each_operator_allows() {
    for (operator, values, allowed, refused) in [
        ("In", &["a", "b"][..], &["a", "b"][..], &["c", ""][..]),
        ("NotIn", &["a"], &["b", "7"], &["a"]),
        ("Exists", &[], &["a", ""], &[]),
        ("DoesNotExist", &[], &[], &["a", ""]),
        ("Gt", &["5"], &["6", "700"], &["5", "4", "six"]),
        ("Lt", &["5"], &["4", "-1"], &["5", "6", "x"]),
        ("Gte", &["5"], &["5"], &["4"]),
        ("Lte", &["5"], &["5"], &["6"]),
    ] {
        let requirement = read(operator, values);
        for value in allowed {
            assert!(requirement.contains(value), "{operator} {values:?} should allow {value:?}");
        }
        for value in refused {
            assert!(!requirement.contains(value), "{operator} {values:?} should refuse {value:?}");
        }
    }
}

#[test]
fn bounds_and_exclusions_meet_in_what_is_left() {
    let open = read("Gt", &["5"]).intersection(&read("NotIn", &["7", "x"]));
    assert_eq!(open.to_string(), "NotIn [7] >=6", "x is no number and was out anyway");
    let entries: Vec<String> = open.entries().into_iter().map(|(op, v)| format!("{op:?} {}", v.join(","))).collect();
    assert_eq!(entries, ["Gte 6", "NotIn 7"], "the exclusion is kept when it is written out");
    assert_eq!(read("In", &["3", "7", "x"]).intersection(&read("Gte", &["6"])).to_string(), "In [7]");
}

#[test]
fn crossed_bounds_and_disjoint_lists_leave_nothing() {
    for (one, other) in [
        (read("Gt", &["5"]), read("Lt", &["6"])),
        (read("In", &["a"]), read("In", &["b"])),
        (read("Exists", &[]), read("DoesNotExist", &[])),
        (read("NotIn", &["a"]), read("In", &["a"])),
    ] {
        let both = one.intersection(&other);
        assert_eq!(both.operator(), Operator::DoesNotExist, "{one} and {other}");
        assert!(
            both.is_impossible() && !both.allows_absence(),
            "the absence of the label does not meet {one} and {other}"
        );
    }
    let short = read("Gte", &["5"]).intersection(&read("Lte", &["6"]));
    assert!(!short.has_intersection(&read("NotIn", &["5", "6"])), "the exclusions cover the whole range");
}

#[test]
fn the_greatest_integer_has_nothing_above_it() {
    assert!(read("Gt", &[&i64::MAX.to_string()]).is_impossible());
    assert!(read("Lt", &[&i64::MIN.to_string()]).is_impossible());
}

#[test]
fn only_exclusions_and_absence_are_content_without_the_label() {
    assert!(read("NotIn", &["a"]).allows_absence() && read("DoesNotExist", &[]).allows_absence());
    assert!(read("NotIn", &["a"]).intersection(&read("DoesNotExist", &[])).allows_absence());
    let wanted = read("NotIn", &["a"]).intersection(&read("Exists", &[]));
    assert!(!wanted.allows_absence() && !wanted.is_impossible());
    assert!(!read("NotIn", &["7"]).intersection(&read("Gt", &["5"])).allows_absence());
    let entries: Vec<String> = wanted.entries().into_iter().map(|(op, v)| format!("{op:?} {}", v.join(","))).collect();
    assert_eq!(entries, ["Exists ", "NotIn a"]);
}

#[test]
fn comparisons_need_one_integer() {
    for values in [&["four"][..], &[], &["1", "2"]] {
        let error = Requirement::new(Operator::Gt, values).expect_err("no single integer");
        assert!(error.to_string().contains("exactly one integer"), "{error}");
    }
}

#[test]
fn the_stricter_minimum_stays_even_when_nothing_is_left() {
    let two = read("In", &["a"]).with_min_values(Some(2));
    let three = read("In", &["b"]).with_min_values(Some(3));
    assert_eq!(two.intersection(&three).min_values(), Some(3));
    assert_eq!(two.intersection(&Requirement::exists()).min_values(), Some(2));
}

#[test]
fn long_lists_are_cut_in_text() {
    let many = read("In", &["a", "b", "c", "d", "e", "f", "g"]);
    assert_eq!(many.to_string(), "In [a b c d e and 2 others]");
}

/// Values from a small world, so that random requirements meet.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![(0..8i64).prop_map(|n| n.to_string()), "[xyz]"]
}

fn requirement() -> impl Strategy<Value = Requirement> {
    let values = prop::collection::vec(value(), 0..4);
    let operator = prop::sample::select(vec!["In", "NotIn", "Exists", "DoesNotExist"]);
    let plain = (operator, values).prop_map(|(op, values)| {
        Requirement::new(Operator::parse(op).expect("known"), &values).expect("no integers needed")
    });
    let bound = (prop::sample::select(vec!["Gt", "Lt", "Gte", "Lte"]), -2..9i64).prop_map(|(op, n)| {
        Requirement::new(Operator::parse(op).expect("known"), &[n.to_string()]).expect("an integer")
    });
    prop_oneof![3 => plain, 1 => bound]
        .prop_flat_map(|r| prop::option::of(1..4u32).prop_map(move |n| r.clone().with_min_values(n)))
}

/// Every value that could tell two requirements over the small world apart.
fn probes() -> impl Iterator<Item = String> {
    (-5..15i64).map(|n| n.to_string()).chain(["x", "y", "z", "other", ""].map(str::to_owned))
}

proptest! {
    #[test]
    fn the_intersection_allows_exactly_what_both_allow(a in requirement(), b in requirement()) {
        let both = a.intersection(&b);
        for value in probes() {
            prop_assert_eq!(both.contains(&value), a.contains(&value) && b.contains(&value), "{} on {} and {}", value, a, b);
        }
        prop_assert_eq!(both.allows_absence(), a.allows_absence() && b.allows_absence());
    }

    #[test]
    fn the_order_of_narrowing_does_not_matter(a in requirement(), b in requirement(), c in requirement()) {
        prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        prop_assert_eq!(a.intersection(&b).intersection(&c), a.intersection(&b.intersection(&c)));
        prop_assert_eq!(a.intersection(&a), a.intersection(&a.intersection(&a)));
    }

    #[test]
    fn the_quick_question_agrees_with_the_intersection(a in requirement(), b in requirement()) {
        let left = a.intersection(&b).operator() != Operator::DoesNotExist;
        prop_assert_eq!(a.has_intersection(&b), left, "{} and {}", a, b);
    }

    #[test]
    fn writing_out_and_reading_back_changes_nothing(a in requirement(), b in requirement()) {
        let both = a.intersection(&b);
        let read_back = both.entries().into_iter().map(|(op, v)| Requirement::new(op, &v).expect("just written"))
            .reduce(|all, one| all.intersection(&one)).expect("every requirement is written somehow");
        prop_assert_eq!(read_back.with_min_values(both.min_values()), both);
    }
}
