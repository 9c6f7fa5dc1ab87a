//! Sets of requirements: what goes with what, and what is said when it does not.

use super::*;
use crate::requirement::Operator;
use proptest::prelude::*;

const ZONE: &str = "topology.kubernetes.io/zone";
const REGION: &str = "topology.kubernetes.io/region";

fn set(entries: &[(&str, &str, &[&str])]) -> Requirements {
    let read = |op: &str, v: &[&str]| Requirement::new(Operator::parse(op).expect("known"), v).expect("readable");
    entries.iter().map(|(key, op, values)| (*key, read(op, values))).collect()
}

fn well_known() -> WellKnown {
    [ZONE, REGION, "kubernetes.io/arch"].into_iter().map(Name::from).collect()
}

#[test]
fn a_label_that_nobody_defines_cannot_be_asked_for() {
    let pool = set(&[(ZONE, "In", &["a"])]);
    let none = WellKnown::new();
    let verdict = |asked: &Requirements, known: &WellKnown| pool.compatible(asked, known).map_err(|e| e.to_string());
    let team = "label \"team\" does not have known values".to_owned();
    assert_eq!(verdict(&set(&[("team", "Exists", &[])]), &well_known()), Err(team));
    assert_eq!(verdict(&set(&[("team", "NotIn", &["x"])]), &well_known()), Ok(()));
    assert_eq!(verdict(&set(&[("team", "DoesNotExist", &[])]), &well_known()), Ok(()));
    assert_eq!(verdict(&set(&[(REGION, "In", &["r"])]), &well_known()), Ok(()), "a new node may have it");
    assert!(verdict(&set(&[(REGION, "In", &["r"])]), &none).is_err(), "a node that is there has what it has");
}

#[test]
fn a_slip_of_the_pen_is_pointed_out() {
    let error = Requirements::new().compatible(&set(&[("zone", "In", &["a"])]), &well_known()).expect_err("unknown");
    assert_eq!(error.to_string(), format!("label \"zone\" does not have known values (typo of \"{ZONE}\"?)"));
}

#[test]
fn a_contradiction_goes_with_nothing_not_even_with_absence() {
    let torn = set(&[(ZONE, "In", &["a"]), (ZONE, "In", &["b"])]);
    assert_eq!(torn.get(ZONE).map(Requirement::operator), Some(Operator::DoesNotExist));
    let error = set(&[(ZONE, "In", &["a"])]).compatible(&torn, &well_known()).expect_err("no common value");
    assert_eq!(error.to_string(), format!("key {ZONE}, {ZONE} DoesNotExist not in {ZONE} In [a]"));
    assert!(set(&[(ZONE, "NotIn", &["c"])]).compatible(&torn, &well_known()).is_err());
    assert!(set(&[(ZONE, "DoesNotExist", &[])]).compatible(&torn, &well_known()).is_err());
    assert!(Requirements::new().compatible(&torn, &well_known()).is_err(), "nor where the label is still open");
}

#[test]
fn aliases_of_a_key_are_one_key() {
    let old = set(&[("beta.kubernetes.io/arch", "In", &["arm64"]), ("kubernetes.io/arch", "In", &["amd64", "arm64"])]);
    assert_eq!(old.to_string(), "kubernetes.io/arch In [arm64]");
}

fn requirements() -> impl Strategy<Value = Requirements> {
    let key = prop::sample::select(vec!["a", "b", "c"]);
    let values = prop::collection::vec("[1-4]", 0..3);
    let operator = prop::sample::select(vec!["In", "NotIn", "Exists", "DoesNotExist"]);
    let entry = (key, operator, values).prop_map(|(k, op, v)| {
        (k, Requirement::new(Operator::parse(op).expect("known"), &v).expect("no integers needed"))
    });
    prop::collection::vec(entry, 0..4).prop_map(|entries| entries.into_iter().collect())
}

proptest! {
    #[test]
    fn meeting_is_mutual(a in requirements(), b in requirements()) {
        prop_assert_eq!(a.intersects(&b), b.intersects(&a));
    }

    #[test]
    fn narrowing_never_opens_anything(a in requirements(), b in requirements(), c in requirements()) {
        let both = a.and(&b);
        prop_assert_eq!(&both, &b.and(&a));
        prop_assert_eq!(both.and(&c), a.and(&b.and(&c)));
    }

    #[test]
    fn labels_that_meet_a_set_meet_each_part_of_it(
        a in requirements(),
        b in requirements(),
        v in "[1-4]",
        labels in prop::sample::subsequence(vec!["a", "b", "c"], 0..=3),
    ) {
        let node = Requirements::from_labels(labels.into_iter().map(|key| (key, &v)));
        let none = WellKnown::new();
        let both = node.compatible(&a, &none).is_ok() && node.compatible(&b, &none).is_ok();
        prop_assert_eq!(node.compatible(&a.and(&b), &none).is_ok(), both);
    }
}
