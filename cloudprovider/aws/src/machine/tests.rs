//! Machines as claims, and machines without one.

use super::leaks::leaked;
use super::*;
use crate::testing::{claim, class, kind};
use jiff::SignedDuration;
use serde_json::json;
use std::sync::Arc;

fn instance() -> Instance {
    let tags = [
        ("karpenter.sh/nodepool", "default"),
        ("karpenter.k8s.aws/ec2nodeclass", "default"),
        ("eks:eks-cluster-name", "demo"),
        ("kubernetes.io/cluster/demo", "owned"),
    ];
    Instance {
        id: "i-1".to_owned(),
        instance_type: "m5.large".to_owned(),
        zone: "us-west-2a".to_owned(),
        image: "ami-1".to_owned(),
        state: "running".to_owned(),
        tags: tags.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        ..Instance::default()
    }
}

fn node_class() -> EC2NodeClass {
    let reservation = json!({
        "id": "cr-1", "availabilityZone": "us-west-2a", "instanceMatchCriteria": "open", "instanceType": "m5.large",
        "ownerID": "123456789012", "interruptible": true
    });
    let subnets = json!([{"id": "s", "zone": "us-west-2a", "zoneID": "usw2-az1"}]);
    class(&json!({}), &json!({"subnets": subnets, "capacityReservations": [reservation]}))
}

fn bought(reservation: Option<&str>) -> Bought {
    Bought {
        id: "i-1".to_owned(),
        instance_type: "m5.large".to_owned(),
        zone: "us-west-2a".to_owned(),
        subnet: "s".to_owned(),
        image: "ami-1".to_owned(),
        capacity_type: if reservation.is_some() { CapacityType::Reserved } else { CapacityType::Spot },
        reservation: reservation.map(str::to_owned),
    }
}

fn label<'a>(claim: &'a NodeClaim, key: &str) -> Option<&'a str> {
    claim.metadata.labels.as_ref()?.get(key).map(String::as_str)
}

#[test]
fn a_provider_id_names_zone_and_machine() {
    let id = provider_id("us-west-2a", "i-1");
    assert_eq!((id.as_str(), instance_id(&id)), ("aws:///us-west-2a/i-1", Some("i-1")));
    for foreign in ["", "i-1", "kind://docker/kind/node", "aws:///", "gce:///x"] {
        assert_eq!(instance_id(foreign), None, "{foreign}");
    }
}

#[test]
fn a_machine_is_reserved_only_if_it_insists_on_it() {
    let in_reservation = |preference: &str| Instance {
        reservation: Some("cr-1".to_owned()),
        reservation_preference: Some(preference.to_owned()),
        ..instance()
    };
    assert_eq!(instance().capacity_type(true), CapacityType::OnDemand);
    assert_eq!(in_reservation("open").capacity_type(true), CapacityType::OnDemand);
    assert_eq!(in_reservation("capacity-reservations-only").capacity_type(true), CapacityType::Reserved);
    assert_eq!(in_reservation("capacity-reservations-only").capacity_type(false), CapacityType::OnDemand);
    let spot = Instance { spot_request: Some("sir-1".to_owned()), ..instance() };
    assert_eq!(spot.capacity_type(true), CapacityType::Spot);
}

#[test]
fn a_claim_learns_what_its_machine_is() {
    let mut machine = kind("m5.large", vec![]);
    Arc::make_mut(&mut machine).capacity.set("vpc.amazonaws.com/efa", 1);
    let class = node_class();
    let launch = Launch {
        class: &class,
        instance_type: Some(&machine),
        tenancy: "default",
        placement_group: Some(("pg-1", true)),
        partition: None,
        wants_efa: false,
    };
    let claim = launched(&claim("default-1"), &bought(None), &launch);
    for (key, value) in [
        ("karpenter.sh/nodepool", "default"),
        ("node.kubernetes.io/instance-type", "m5.large"),
        ("kubernetes.io/arch", "amd64"),
        ("topology.kubernetes.io/zone", "us-west-2a"),
        ("topology.k8s.aws/zone-id", "usw2-az1"),
        ("karpenter.sh/capacity-type", "spot"),
        ("karpenter.k8s.aws/instance-tenancy", "default"),
        ("karpenter.k8s.aws/placement-group-id", "pg-1"),
        ("karpenter.k8s.aws/placement-group-partition", ""),
    ] {
        assert_eq!(label(&claim, key), Some(value), "{key}");
    }
    assert_eq!(label(&claim, "karpenter.k8s.aws/capacity-reservation-id"), None);
    let status = claim.status.expect("a status");
    assert_eq!(
        (status.provider_id.as_deref(), status.image_id.as_deref()),
        (Some("aws:///us-west-2a/i-1"), Some("ami-1"))
    );
    let capacity = status.capacity.expect("a capacity");
    let show = |name: &str| capacity.get(name).map(|q| q.to_canonical());
    assert_eq!((show("cpu"), show("memory"), show("pods")), (Some("2".into()), Some("8Gi".into()), Some("10".into())));
    assert_eq!(show("vpc.amazonaws.com/efa"), None, "nobody asked for it, so it was not attached");
}

#[test]
fn a_claim_in_a_reservation_says_which() {
    let class = node_class();
    let machine = kind("m5.large", vec![]);
    let launch = Launch {
        class: &class,
        instance_type: Some(&machine),
        tenancy: "default",
        placement_group: None,
        partition: None,
        wants_efa: false,
    };
    let claim = launched(&claim("default-1"), &bought(Some("cr-1")), &launch);
    assert_eq!(label(&claim, "karpenter.k8s.aws/capacity-reservation-id"), Some("cr-1"));
    assert_eq!(label(&claim, "karpenter.k8s.aws/capacity-reservation-type"), Some("default"));
    assert_eq!(label(&claim, "karpenter.k8s.aws/capacity-reservation-interruptible"), Some("true"));
}

#[test]
fn a_machine_of_an_unknown_type_is_listed_all_the_same() {
    let listed = listed(&instance(), None, None, true);
    assert_eq!(label(&listed, "node.kubernetes.io/instance-type"), Some("m5.large"));
    assert_eq!(label(&listed, "karpenter.sh/nodepool"), Some("default"));
    assert_eq!(listed.status.expect("a status").capacity, None);
    assert!(listed.metadata.deletion_timestamp.is_none());
    let ending = Instance { state: "shutting-down".to_owned(), ..instance() };
    assert!(super::listed(&ending, None, None, true).metadata.deletion_timestamp.is_some());
}

#[test]
fn a_node_registers_once_its_partition_is_known() {
    let mut claim = claim("default-1");
    assert_eq!(registration(&claim, None), Registration::Proceed);
    let key = aws::PLACEMENT_GROUP_PARTITION.to_owned();
    claim.metadata.labels = Some([(key.clone(), String::new())].into());
    assert_eq!(registration(&claim, None), Registration::ReadMachine);
    assert_eq!(registration(&claim, Some(3)), Registration::SetPartition("3".to_owned()));
    claim.metadata.labels = Some([(key, "2".to_owned())].into());
    assert_eq!(registration(&claim, Some(3)), Registration::Proceed);
}

#[test]
fn only_machines_that_are_provably_ours_and_nobody_s_are_ended() {
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(31);
    let ids = |instances: &[Instance], claims: &[NodeClaim]| {
        leaked(instances, claims, "demo", now).into_iter().map(|one| one.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&[instance()], &[]), ["i-1"]);
    let mut owner = claim("default-1");
    owner.status =
        Some(NodeClaimStatus { provider_id: Some(provider_id("us-west-2a", "i-1")), ..NodeClaimStatus::default() });
    assert!(ids(&[instance()], &[owner]).is_empty(), "it has a claim");
    let young = Instance { launched: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1), ..instance() };
    assert!(ids(&[young], &[]).is_empty(), "its claim may be told in a moment");
    let ending = Instance { state: "shutting-down".to_owned(), ..instance() };
    assert!(ids(&[ending], &[]).is_empty());
    let mut foreign = instance();
    foreign.tags.insert("eks:eks-cluster-name".to_owned(), "other".to_owned());
    assert!(ids(&[foreign], &[]).is_empty());
    let mut named = instance();
    named.tags.insert("karpenter.sh/nodeclaim".to_owned(), "default-2".to_owned());
    assert!(ids(&[named.clone()], &[claim("default-2")]).is_empty(), "its claim is waiting for it");
    assert_eq!(ids(&[named], &[claim("default-3")]), ["i-1"]);
}
