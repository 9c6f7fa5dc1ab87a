//! What is not offered, for whom, and for how long.

use super::*;
use proptest::prelude::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn key(capacity_type: CapacityType, instance_type: &str, zone: &str, scope: Scope) -> OfferingKey {
    OfferingKey { capacity_type, instance_type: instance_type.to_owned(), zone: zone.to_owned(), scope }
}

fn spot(zone: &str) -> Question<'_> {
    Question {
        capacity_type: CapacityType::Spot,
        instance_type: "m5.large",
        zone,
        group: None,
        partition: None,
        reservation: None,
        subnets: &[],
    }
}

fn refused(scope: Scope) -> Unavailable {
    let mut marks = Unavailable::default();
    marks.mark_offering(key(CapacityType::Spot, "m5.large", "a", scope), at(0));
    marks
}

#[test]
fn an_offering_that_was_refused_is_not_offered_for_three_minutes() {
    let marks = refused(Scope::All);
    assert!(marks.has(&spot("a"), at(0)) && marks.has(&spot("a"), at(179)));
    assert!(!marks.has(&spot("a"), at(180)));
    assert!(!marks.has(&spot("b"), at(0)), "another zone");
    assert!(!marks.has(&Question { instance_type: "m5.xlarge", ..spot("a") }, at(0)), "another type");
    assert!(!marks.has(&Question { capacity_type: CapacityType::OnDemand, ..spot("a") }, at(0)));
}

#[test]
fn to_be_refused_again_is_to_be_refused_for_longer() {
    let mut marks = refused(Scope::All);
    marks.mark_offering(key(CapacityType::Spot, "m5.large", "a", Scope::All), at(100));
    assert!(marks.has(&spot("a"), at(279)) && !marks.has(&spot("a"), at(280)));
}

#[test]
fn what_a_placement_group_has_no_room_for_can_be_had_elsewhere() {
    let group = |id: &str, partition| Scope::Group { id: id.to_owned(), partition };
    let in_group = |id, partition| Question { group: Some(id), partition, ..spot("a") };
    let marks = refused(group("pg-1", None));
    assert!(marks.has(&in_group("pg-1", None), at(0)) && marks.has(&in_group("pg-1", Some(3)), at(0)));
    assert!(!marks.has(&in_group("pg-2", None), at(0)) && !marks.has(&spot("a"), at(0)));
    assert!(refused(Scope::All).has(&in_group("pg-1", None), at(0)), "what nobody can have, no group can");
}

#[test]
fn a_full_partition_leaves_the_others() {
    let marks = refused(Scope::Group { id: "pg-1".to_owned(), partition: Some(2) });
    let partition = |n| Question { group: Some("pg-1"), partition: Some(n), ..spot("a") };
    assert!(marks.has(&partition(2), at(0)) && !marks.has(&partition(1), at(0)));
}

#[test]
fn a_refused_reservation_leaves_its_sibling() {
    let mut marks = Unavailable::default();
    let scope = Scope::Reservation("cr-1".to_owned());
    marks.mark_offering(key(CapacityType::Reserved, "m5.large", "a", scope), at(0));
    let reserved = |id| Question { capacity_type: CapacityType::Reserved, reservation: Some(id), ..spot("a") };
    assert!(marks.has(&reserved("cr-1"), at(0)) && !marks.has(&reserved("cr-2"), at(0)));
}

#[test]
fn a_whole_capacity_type_can_be_out_of_reach() {
    let mut marks = Unavailable::default();
    marks.mark_capacity_type(CapacityType::Spot, at(0));
    assert!(marks.has(&spot("a"), at(1)) && marks.has(&spot("b"), at(1)) && !marks.has(&spot("a"), at(180)));
    assert!(!marks.has(&Question { capacity_type: CapacityType::OnDemand, ..spot("a") }, at(1)));
}

#[test]
fn a_zone_is_out_when_all_of_its_subnets_are() {
    let mut marks = Unavailable::default();
    marks.mark_subnet("subnet-1", at(0));
    let with = |subnets| Question { subnets, ..spot("a") };
    assert!(marks.has(&with(&["subnet-1"]), at(1)));
    assert!(!marks.has(&with(&["subnet-1", "subnet-2"]), at(1)));
    assert!(!marks.has(&with(&[]), at(1)), "a zone without subnets is not this cache's business");
    marks.mark_subnet("subnet-2", at(100));
    assert!(marks.has(&with(&["subnet-1", "subnet-2"]), at(101)));
    assert!(!marks.has(&with(&["subnet-1", "subnet-2"]), at(180)), "the first has its addresses back");
}

#[test]
fn whoever_keeps_offerings_learns_that_they_are_stale() {
    let mut marks = Unavailable::default();
    let mut last = marks.sequence("m5.large");
    let mut moved =
        |marks: &Unavailable| std::mem::replace(&mut last, marks.sequence("m5.large")) != marks.sequence("m5.large");
    marks.mark_offering(key(CapacityType::Spot, "m5.large", "a", Scope::All), at(0));
    assert!(moved(&marks));
    marks.mark_offering(key(CapacityType::Spot, "c5.large", "a", Scope::All), at(0));
    assert!(!moved(&marks), "another type's affair");
    marks.mark_subnet("subnet-1", at(10));
    assert!(moved(&marks));
    marks.sweep(at(179));
    assert!(!moved(&marks), "nothing is over yet");
    marks.sweep(at(180));
    assert!(moved(&marks), "the offering is back");
    marks.sweep(at(190));
    assert!(moved(&marks), "the subnet is back");
    marks.sweep(at(200));
    assert!(!moved(&marks));
}

proptest! {
    /// Whether and when somebody sweeps never changes an answer.
    #[test]
    fn sweeping_changes_no_answer(marks in prop::collection::vec((0_i64..400, 0_usize..3), 0..12), sweeps in prop::collection::vec(0_i64..900, 0..6), asked in 400_i64..900) {
        let mut marks = marks;
        marks.sort_unstable();
        let zones = ["a", "b", "c"];
        let mut plain = Unavailable::default();
        let mut swept = Unavailable::default();
        for (second, zone) in marks {
            for cache in [&mut plain, &mut swept] {
                cache.mark_offering(key(CapacityType::Spot, "m5.large", zones[zone], Scope::All), at(second));
            }
            for sweep in sweeps.iter().filter(|s| **s <= second) {
                swept.sweep(at(*sweep));
            }
        }
        for sweep in sweeps.iter().filter(|s| **s <= asked) {
            swept.sweep(at(*sweep));
        }
        for zone in zones {
            prop_assert_eq!(plain.has(&spot(zone), at(asked)), swept.has(&spot(zone), at(asked)));
        }
    }
}
