//! The labels of representative types, and that no label is left undefined.

use super::*;
use crate::ec2::request::Zone;
use crate::ec2::testing::{catalogue, node, request, request_of};
use dovetail_api::ec2_node_class::AmiFamily;

/// The only value of a label; `-` where the label is absent.
fn label(name: &str, key: &str, request: &Ec2Request) -> String {
    let requirements = node(name, request).requirements;
    let requirement = requirements.get(key).unwrap_or_else(|| panic!("{name} leaves {key} open"));
    assert!(requirement.listed().is_some(), "{name}: {key} is a list of values");
    if *requirement == Requirement::absent() {
        "-".to_owned()
    } else {
        requirement.single().expect("one value").to_string()
    }
}

/// Labels by the last part of their key, as AWS' figures have them.
fn check(name: &str, region: &str, expected: &[(&str, &str)]) {
    let request = Ec2Request { region: region.into(), ..request() };
    for (short, value) in expected {
        assert_eq!(label(name, &format!("karpenter.k8s.aws/instance-{short}"), &request), *value, "{name}: {short}");
    }
}

#[test]
fn an_ordinary_type() {
    check(
        "m5.large",
        "us-east-1",
        &[
            ("category", "m"),
            ("generation", "5"),
            ("family", "m5"),
            ("size", "large"),
            ("capability-flex", "false"),
            ("cpu", "2"),
            ("cpu-manufacturer", "intel"),
            ("cpu-sustained-clock-speed-mhz", "3100"),
            ("memory", "8192"),
            ("ebs-bandwidth", "4750"),
            ("network-bandwidth", "750"),
            ("gpu-name", "-"),
            ("gpu-manufacturer", "-"),
            ("gpu-count", "-"),
            ("gpu-memory", "-"),
            ("accelerator-name", "-"),
            ("accelerator-manufacturer", "-"),
            ("accelerator-count", "-"),
            ("local-nvme", "-"),
            ("hypervisor", "nitro"),
            ("encryption-in-transit-supported", "false"),
        ],
    );
    for (key, value) in [
        ("node.kubernetes.io/instance-type", "m5.large"),
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/os", "linux"),
        ("topology.kubernetes.io/region", "us-east-1"),
        ("node.kubernetes.io/windows-build", "-"),
        ("karpenter.k8s.aws/capacity-reservation-id", "-"),
        ("karpenter.k8s.aws/capacity-reservation-type", "-"),
        ("karpenter.k8s.aws/capacity-reservation-interruptible", "-"),
        ("karpenter.k8s.aws/placement-group-id", "-"),
        ("karpenter.k8s.aws/placement-group-partition", "-"),
    ] {
        assert_eq!(label("m5.large", key, &request()), value, "{key}");
    }
}

#[test]
fn types_with_gpus() {
    check(
        "g4dn.12xlarge",
        "us-east-1",
        &[
            ("category", "g"),
            ("generation", "4"),
            ("family", "g4dn"),
            ("gpu-name", "t4"),
            ("gpu-manufacturer", "nvidia"),
            ("gpu-count", "4"),
            ("gpu-memory", "16384"),
            ("local-nvme", "900"),
            ("network-bandwidth", "50000"),
            ("accelerator-name", "-"),
        ],
    );
    check(
        "p5.48xlarge",
        "us-east-1",
        &[("category", "p"), ("gpu-name", "h100"), ("gpu-count", "8"), ("local-nvme", "30400")],
    );
    check("g6f.large", "us-east-1", &[("gpu-name", "l4"), ("gpu-count", "0")]);
}

#[test]
fn types_with_other_accelerators() {
    let inf2 = [
        ("category", "inf"),
        ("generation", "2"),
        ("accelerator-name", "inferentia2"),
        ("accelerator-manufacturer", "aws"),
    ];
    check("inf2.48xlarge", "us-east-1", &inf2);
    check("inf2.48xlarge", "us-east-1", &[("accelerator-count", "12"), ("gpu-name", "-")]);
    let trn1 = [("category", "trn"), ("accelerator-name", "trainium"), ("accelerator-count", "16"), ("cpu", "128")];
    check("trn1.32xlarge", "us-east-1", &trn1);
    let dl2q =
        [("accelerator-name", "qualcomm-ai100"), ("accelerator-manufacturer", "qualcomm"), ("accelerator-count", "8")];
    check("dl2q.24xlarge", "us-west-2", &dl2q);
}

#[test]
fn metal_flex_arm_high_memory_and_old_types() {
    check("m5.metal", "us-east-1", &[("hypervisor", ""), ("size", "metal"), ("cpu", "96"), ("memory", "393216")]);
    check(
        "c7i-flex.large",
        "us-east-1",
        &[("category", "c"), ("generation", "7"), ("family", "c7i-flex"), ("capability-flex", "true")],
    );
    check("t4g.small", "us-east-1", &[("cpu-manufacturer", "aws"), ("category", "t"), ("generation", "4")]);
    assert_eq!(label("t4g.small", "kubernetes.io/arch", &request()), "arm64");
    check(
        "u-6tb1.112xlarge",
        "us-east-1",
        &[("category", "u"), ("generation", "1"), ("family", "u-6tb1"), ("memory", "6291456")],
    );
    check("u7in-16tb.224xlarge", "us-east-1", &[("category", "u"), ("generation", "7"), ("capability-flex", "false")]);
    let old =
        [("cpu-sustained-clock-speed-mhz", "-"), ("ebs-bandwidth", "-"), ("local-nvme", "-"), ("hypervisor", "xen")];
    check("c1.medium", "us-east-1", &old);
    check("m3.large", "us-east-1", &[("network-bandwidth", "-")]);
}

#[test]
fn names_are_taken_apart_as_the_specification_s_expression_does() {
    for (name, parts) in [
        ("m5.large", Some(("m", "5"))),
        ("hpc7g.16xlarge", Some(("hpc", "7"))),
        ("u-6tb1.metal", Some(("u", "1"))),
        ("u7i-12tb.224xlarge", Some(("u", "7"))),
        ("p6-b200.48xlarge", Some(("p", "6"))),
        ("x2iedn.metal", Some(("x", "2"))),
        ("m5", None),
        ("mac-m4.metal", None),
        ("5m.large", None),
        ("u-tb1.metal", None),
        ("", None),
    ] {
        assert_eq!(scheme(name), parts, "{name}");
    }
    assert_eq!(family_and_size("a.b.c"), None);
}

#[test]
fn every_type_defines_every_well_known_label_but_those_of_others() {
    let types = catalogue().instance_types(&request()).expect("known");
    let expected: WellKnown = well_known().into_iter().filter(|k| !NOT_THE_TYPES.contains(&&**k)).collect();
    assert_eq!(expected.len(), 34);
    for t in types {
        let defined: WellKnown = t.requirements.iter().map(|(k, _)| k.clone()).collect();
        assert_eq!(defined, expected, "{}", t.name);
    }
}

#[test]
fn the_removed_label_is_gone() {
    let gone = "karpenter.k8s.aws/nitro-sandbox";
    assert!(!well_known().contains(gone) && node("g4dn.12xlarge", &request()).requirements.get(gone).is_none());
}

#[test]
fn windows_runs_on_x86_and_names_its_build() {
    for (family, build) in [
        (AmiFamily::Windows2019, "10.0.17763"),
        (AmiFamily::Windows2022, "10.0.20348"),
        (AmiFamily::Windows2025, "10.0.26100"),
    ] {
        let windows = request_of(family);
        assert_eq!(label("m5.large", labels::OS, &windows), "windows");
        assert_eq!(label("m5.large", labels::WINDOWS_BUILD, &windows), build);
        assert_eq!(label("t4g.small", labels::OS, &windows), "-");
    }
}

fn values(requirements: &Requirements, key: &str) -> Vec<String> {
    let listed = requirements.get(key).and_then(Requirement::listed);
    listed.into_iter().flatten().map(ToString::to_string).collect()
}

#[test]
fn capacity_types_are_what_the_type_is_sold_as() {
    let of = |name| values(&node(name, &request()).requirements, labels::CAPACITY_TYPE);
    assert_eq!(of("m5.large"), ["on-demand", "spot"]);
    assert_eq!(of("p5.48xlarge"), ["on-demand", "spot"], "capacity blocks are bought otherwise");
    assert_eq!(of("u-6tb1.112xlarge"), ["on-demand"]);
    assert_eq!(values(&node("m5.large", &request()).requirements, aws::INSTANCE_TENANCY), ["dedicated", "default"]);
}

#[test]
fn zones_are_those_that_have_both_the_type_and_a_subnet() {
    let zone = |name: &str, id: Option<&str>| Zone { name: name.into(), id: id.map(Into::into) };
    let all = node("m5.large", &request()).requirements;
    assert_eq!(values(&all, labels::ZONE), ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1f"]);
    assert!(all.get(aws::ZONE_ID).is_none(), "nobody knows the zone IDs, so they stay open");
    let zones =
        vec![zone("us-east-1e", Some("use1-az3")), zone("us-east-1f", Some("use1-az5")), zone("us-east-1a", None)];
    let some = node("m5.large", &Ec2Request { zones: Some(zones), ..request() }).requirements;
    assert_eq!(values(&some, labels::ZONE), ["us-east-1a", "us-east-1f"]);
    assert_eq!(values(&some, aws::ZONE_ID), ["use1-az5"], "not that of the zone without m5.large");
}

#[test]
fn reservations_show_on_the_types_they_are_for() {
    let reservation = |id: &str, kind: &str, interruptible| Reservation {
        id: id.into(),
        instance_type: "m5.large".into(),
        zone: "us-east-1a".into(),
        kind: kind.into(),
        interruptible,
        expiring: false,
        remaining: 1,
    };
    let reservations = vec![reservation("cr-1", "default", false), reservation("cr-2", "capacity-block", true)];
    let request = Ec2Request { reservations, ..request() };
    let m5 = node("m5.large", &request).requirements;
    assert_eq!(values(&m5, aws::CAPACITY_RESERVATION_ID), ["cr-1", "cr-2"]);
    assert_eq!(values(&m5, aws::CAPACITY_RESERVATION_TYPE), ["capacity-block", "default"]);
    assert_eq!(values(&m5, aws::CAPACITY_RESERVATION_INTERRUPTIBLE), ["false", "true"]);
    assert_eq!(values(&m5, labels::CAPACITY_TYPE), ["on-demand", "reserved", "spot"]);
    assert_eq!(label("t3.large", aws::CAPACITY_RESERVATION_ID, &request), "-");
}

#[test]
fn a_placement_group_shows_on_every_type() {
    let grouped =
        |strategy| Ec2Request { placement_group: Some(PlacementGroup { id: "pg-1".into(), strategy }), ..request() };
    let spread = grouped(PlacementStrategy::Spread);
    assert_eq!(label("m5.large", aws::PLACEMENT_GROUP_ID, &spread), "pg-1");
    assert_eq!(label("m5.large", aws::PLACEMENT_GROUP_PARTITION, &spread), "-");
    let partitioned = node("m5.large", &grouped(PlacementStrategy::Partition(3))).requirements;
    assert_eq!(values(&partitioned, aws::PLACEMENT_GROUP_PARTITION), ["1", "2", "3"]);
}
