//! Which types suit which node classes.

use super::*;
use crate::ec2::request::PlacementGroup;
use crate::ec2::testing::{bare_type, record, request, request_of};

fn interface(card: u32, device: u32, efa_only: bool) -> Interface {
    Interface { card, device, efa_only }
}

fn wired(interfaces: Vec<Interface>) -> Ec2Request {
    Ec2Request { network_interfaces: Some(interfaces), ..request() }
}

fn accepts(name: &str, request: &Ec2Request) -> bool {
    compatible(record(name), request)
}

#[test]
fn amazon_linux_2023_does_not_boot_on_a1() {
    assert!(!accepts("a1.large", &request()));
    assert!(accepts("a1.large", &request_of(AmiFamily::AL2)));
    assert!(accepts("a1.large", &request_of(AmiFamily::Bottlerocket)));
    assert!(accepts("m5.large", &request()));
}

#[test]
fn every_interface_needs_a_place_on_a_card() {
    let primary = interface(0, 0, false);
    assert!(accepts("m5.large", &wired(vec![primary, interface(0, 2, false)])));
    assert!(!accepts("m5.large", &wired(vec![primary, interface(0, 3, false)])), "it has three interfaces");
    assert!(!accepts("m5.large", &wired(vec![primary, interface(1, 0, false)])), "it has one card");
    assert!(accepts("p5.48xlarge", &wired(vec![primary, interface(31, 1, false)])));
    assert!(!accepts("c1.medium", &wired(vec![primary])), "it has no Elastic Network Adapter");
    assert!(accepts("c1.medium", &request_of(AmiFamily::AL2023)), "which does not matter as long as nobody wires it");
}

#[test]
fn no_more_efa_than_there_is() {
    let with_efa = |n: u32| {
        let efa = (1..=n).map(|card| interface(card, 1, true));
        wired([interface(0, 0, false)].into_iter().chain(efa).collect())
    };
    assert!(accepts("p5.48xlarge", &with_efa(31)));
    assert!(!accepts("m5.large", &with_efa(1)));
    let one_efa = |interfaces| crate::ec2::record::TypeRecord {
        network: Network { efa_interfaces: Some(1), ..record("p5.48xlarge").network.clone() },
        ..bare_type(interfaces)
    };
    assert!(compatible(&one_efa("x.large"), &with_efa(1)));
    assert!(!compatible(&one_efa("x.large"), &with_efa(2)));
}

#[test]
fn address_prefixes_must_fit_beside_the_interface_s_own_address() {
    let primary = interface(0, 0, false);
    let prefixes = |n| Ec2Request { ip_prefix_count: n, ..wired(vec![primary]) };
    assert!(accepts("m5.large", &prefixes(9)));
    assert!(!accepts("m5.large", &prefixes(10)), "ten addresses, one of them its own");
    let left_to_us = Ec2Request { ip_prefix_count: 10, ..request() };
    assert!(accepts("m5.large", &left_to_us), "checked only where the class names the interfaces");
}

#[test]
fn features_asked_for_must_be_there() {
    let nested = Ec2Request { nested_virtualization: true, ..request() };
    assert!(accepts("c7i-flex.large", &nested) && !accepts("m5.large", &nested));
    let enclaves = Ec2Request { enclaves: true, ..request() };
    assert!(accepts("g4dn.12xlarge", &enclaves) && !accepts("m5.large", &enclaves));
    let tracking = Ec2Request { connection_tracking: true, ..request() };
    assert!(accepts("m5.large", &tracking));
    assert!(!accepts("m5.metal", &tracking) && !accepts("m3.large", &tracking), "only where the hypervisor is nitro");
}

#[test]
fn a_placement_group_needs_its_strategy() {
    let grouped =
        |strategy| Ec2Request { placement_group: Some(PlacementGroup { id: "pg-1".into(), strategy }), ..request() };
    let only_spread = crate::ec2::record::TypeRecord {
        placement: Placement { spread: true, ..Placement::default() },
        ..bare_type("x.large")
    };
    assert!(compatible(&only_spread, &grouped(PlacementStrategy::Spread)));
    assert!(!compatible(&only_spread, &grouped(PlacementStrategy::Cluster)));
    assert!(!compatible(&only_spread, &grouped(PlacementStrategy::Partition(3))));
    assert!(accepts("m5.large", &grouped(PlacementStrategy::Cluster)));
    assert!(!accepts("t3.large", &grouped(PlacementStrategy::Cluster)), "burstable types cannot be close together");
}
