//! Where types can be bought, at what price, and what stays listed although it cannot.

use super::*;
use crate::ec2::request::PlacementGroup;
use crate::ec2::testing::{catalogue, node, request};
use std::collections::BTreeSet;

fn value(offering: &Offering, key: &str) -> String {
    offering.requirements.get(key).and_then(Requirement::single).map_or_else(|| "-".to_owned(), ToString::to_string)
}

fn dollars(name: &str, capacity_type: &str, request: &Ec2Request) -> BTreeSet<String> {
    let sold = node(name, request).offerings;
    let of_kind = sold.iter().filter(|o| o.available && value(o, labels::CAPACITY_TYPE) == capacity_type);
    of_kind.map(|o| format!("{:.6}", o.price.dollars())).collect()
}

fn region(name: &str) -> Ec2Request {
    Ec2Request { region: name.into(), ..request() }
}

fn zone(name: &str, id: Option<&str>) -> Zone {
    Zone { name: name.into(), id: id.map(Into::into) }
}

fn reservation(id: &str, zone: &str, remaining: u32, expiring: bool) -> Reservation {
    Reservation {
        id: id.into(),
        instance_type: "m5.large".into(),
        zone: zone.into(),
        kind: "default".into(),
        interruptible: false,
        expiring,
        remaining,
    }
}

#[test]
fn every_zone_of_the_region_is_listed_and_those_with_the_type_are_available() {
    let m5 = node("m5.large", &request()).offerings;
    let listed: BTreeSet<(String, String, bool)> =
        m5.iter().map(|o| (value(o, labels::ZONE), value(o, labels::CAPACITY_TYPE), o.available)).collect();
    let expected = ["a", "b", "c", "d", "e", "f"].into_iter().flat_map(|letter| {
        let zone = format!("us-east-1{letter}");
        [(zone.clone(), "on-demand".to_owned(), letter != "e"), (zone, "spot".to_owned(), letter != "e")]
    });
    assert_eq!(listed, expected.collect());
    assert!(m5.iter().all(|o| o.reservation_capacity.is_none()));
}

#[test]
fn prices_are_aws_s_and_spot_saves_what_the_advisor_says() {
    let price = |s: &str| BTreeSet::from([s.to_owned()]);
    assert_eq!(dollars("m5.large", "on-demand", &request()), price("0.096000"));
    assert_eq!(dollars("m5.large", "spot", &request()), price("0.032640"), "66 % less");
    assert_eq!(dollars("g4dn.12xlarge", "spot", &request()), price("1.408320"), "64 % less");
}

#[test]
fn other_regions_take_the_price_of_us_east_1_and_their_own_savings() {
    let price = |s: &str| BTreeSet::from([s.to_owned()]);
    assert_eq!(dollars("m5.large", "on-demand", &region("eu-west-1")), price("0.096000"));
    assert_eq!(dollars("m5.large", "spot", &region("eu-west-1")), price("0.041280"), "57 % less there");
    // The advisor knows c8gd in us-east-1 only.
    let saved = |r: &str| dollars("c8gd.12xlarge", "spot", &region(r));
    assert_eq!(saved("eu-west-1"), saved("us-east-1"));
    assert_ne!(saved("eu-west-1"), dollars("c8gd.12xlarge", "on-demand", &region("eu-west-1")));
}

#[test]
fn where_the_advisor_is_silent_spot_costs_what_on_demand_does() {
    let on_demand = dollars("c8a.12xlarge", "on-demand", &request());
    assert_eq!(on_demand.len(), 1);
    assert_eq!(dollars("c8a.12xlarge", "spot", &request()), on_demand);
}

#[test]
fn prices_that_are_not_known_sort_last_and_cannot_be_paid() {
    let r9g = node("r9g.large", &region("us-west-2")).offerings;
    assert!(!r9g.is_empty() && r9g.iter().all(|o| !o.launchable() && o.price == Price::MAX));
}

#[test]
fn spot_can_cost_more_than_on_demand() {
    let record = RegionRecord {
        name: "x".into(),
        zones: vec!["xa".into()],
        offered: vec![1],
        on_demand: vec![Some(50_000_000_000)],
        spot_savings: vec![Some(-62)],
    };
    assert_eq!(spot_price(&record, None, 0), Some(Price::from_dollars(81.0)));
}

#[test]
fn a_region_with_a_price_list_does_not_look_elsewhere() {
    let here = |on_demand| RegionRecord {
        name: "x".into(),
        zones: vec!["xa".into()],
        offered: vec![1],
        on_demand,
        spot_savings: vec![None],
    };
    let home = here(vec![Some(1_000_000_000)]);
    assert_eq!(on_demand_price(&here(vec![]), Some(&home), 0), Some(Price::from_dollars(1.0)));
    assert_eq!(on_demand_price(&here(vec![None]), Some(&home), 0), None);
    assert_eq!(on_demand_price(&here(vec![]), None, 0), None);
}

#[test]
fn only_zones_with_subnets_are_available_and_carry_their_id() {
    let zones =
        vec![zone("us-east-1a", Some("use1-az6")), zone("us-east-1e", Some("use1-az3")), zone("us-east-1z", None)];
    let m5 = node("m5.large", &Ec2Request { zones: Some(zones), ..request() }).offerings;
    let open: BTreeSet<String> = m5.iter().filter(|o| o.available).map(|o| value(o, labels::ZONE)).collect();
    assert_eq!(open, BTreeSet::from(["us-east-1a".to_owned()]), "e has no m5.large and z does not exist");
    let ids: BTreeSet<(String, String)> = m5.iter().map(|o| (value(o, labels::ZONE), value(o, aws::ZONE_ID))).collect();
    assert!(ids.contains(&("us-east-1a".into(), "use1-az6".into())));
    assert!(ids.contains(&("us-east-1e".into(), "use1-az3".into())));
    assert!(ids.contains(&("us-east-1b".into(), "-".into())));
}

#[test]
fn types_that_do_not_suit_the_class_stay_listed_as_not_available() {
    let a1 = node("a1.large", &request());
    assert!(!a1.offerings.is_empty() && a1.offerings.iter().all(|o| !o.available));
    assert_eq!(a1.offerings[0].price, Price::from_dollars(0.051), "the price is known all the same");
}

#[test]
fn unreserved_offerings_exclude_reservations() {
    let m5 = node("m5.large", &request()).offerings;
    let absent = Requirement::absent();
    assert!(m5.iter().all(|o| o.requirements.get(aws::CAPACITY_RESERVATION_ID) == Some(&absent)));
}

#[test]
fn reserved_capacity_is_next_to_free_and_a_full_reservation_stays_available() {
    let reservations = vec![
        reservation("cr-1", "us-east-1a", 3, false),
        reservation("cr-full", "us-east-1b", 0, false),
        reservation("cr-old", "us-east-1a", 5, true),
        reservation("cr-far", "us-east-1e", 5, false),
    ];
    let m5 = node("m5.large", &Ec2Request { reservations, ..request() }).offerings;
    let of = |id: &str| m5.iter().find(|o| value(o, aws::CAPACITY_RESERVATION_ID) == id).expect("listed");
    assert_eq!(value(of("cr-1"), labels::CAPACITY_TYPE), "reserved");
    assert_eq!(value(of("cr-1"), labels::ZONE), "us-east-1a");
    assert_eq!(value(of("cr-1"), aws::CAPACITY_RESERVATION_TYPE), "default");
    assert_eq!(value(of("cr-1"), aws::CAPACITY_RESERVATION_INTERRUPTIBLE), "false");
    assert_eq!(of("cr-1").price, Price::from_dollars(0.096 / 1e7));
    assert_eq!(of("cr-1").reservation_capacity, Some(3));
    assert!(of("cr-1").launchable());
    assert!(of("cr-full").available && !of("cr-full").launchable());
    assert!(!of("cr-old").available, "it ends too soon");
    assert!(!of("cr-far").available, "the zone does not have the type");
    let t3 =
        node("t3.large", &Ec2Request { reservations: vec![reservation("cr-1", "us-east-1a", 3, false)], ..request() });
    assert!(t3.offerings.iter().all(|o| value(o, labels::CAPACITY_TYPE) != "reserved"));
}

#[test]
fn partitions_multiply_offerings() {
    let group = PlacementGroup { id: "pg-1".into(), strategy: PlacementStrategy::Partition(3) };
    let grouped = Ec2Request { placement_group: Some(group), ..request() };
    let (one, three) = (node("m5.large", &request()).offerings, node("m5.large", &grouped).offerings);
    assert_eq!(three.len(), one.len() * 3);
    let partitions: Vec<String> = three.iter().take(3).map(|o| value(o, aws::PLACEMENT_GROUP_PARTITION)).collect();
    assert_eq!(partitions, ["1", "2", "3"]);
    assert!(
        three
            .iter()
            .zip(one.iter().flat_map(|o| [o; 3]))
            .all(|(a, b)| a.price == b.price && a.available == b.available)
    );
}

/// No offering contradicts its type: what can be bought can have the labels.
#[test]
fn available_offerings_agree_with_the_labels_of_their_type() {
    for region_name in catalogue().regions() {
        for t in catalogue().instance_types(&region(region_name)).expect("known") {
            for o in t.offerings.iter().filter(|o| o.available) {
                assert!(t.requirements.intersects(&o.requirements), "{} in {region_name}: {}", t.name, o.requirements);
            }
        }
    }
}
