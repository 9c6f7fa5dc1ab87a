//! Node classes read into requests: every setting taken over, every bad field named.

use super::*;
use crate::ec2::testing::class;
use serde_json::json;

fn request_for(spec: Value) -> Result<Ec2Request, RequestError> {
    Ec2Request::for_node_class(&class(&spec, &json!({})), "us-east-1", &Ec2Settings::default())
}

fn kubelet_of(fields: Value) -> Result<Kubelet, RequestError> {
    request_for(json!({ "kubelet": fields })).map(|r| r.kubelet)
}

fn fault(fields: Value) -> String {
    kubelet_of(fields).expect_err("cannot be used").to_string()
}

#[test]
fn a_class_that_says_nothing_more_asks_for_the_defaults() {
    let asked = request_for(json!({})).expect("a class");
    assert_eq!(asked, Ec2Request::new("us-east-1", &Ec2Settings::default()));
    assert_eq!(asked.family, AmiFamily::AL2023);
}

#[test]
fn every_setting_that_counts_is_taken_over() {
    let asked = request_for(json!({
        "amiFamily": "Bottlerocket",
        "amiSelectorTerms": [{"id": "ami-1"}],
        "instanceStorePolicy": "RAID0",
        "ipPrefixCount": 4,
        "enclaveOptions": {"enabled": true},
        "cpuOptions": {"nestedVirtualization": "enabled"},
        "connectionTracking": {"udpTimeout": 30},
        "blockDeviceMappings": [
            {"deviceName": "/dev/xvda", "rootVolume": true, "ebs": {"volumeSize": "100Gi"}},
            {"deviceName": "/dev/xvdb", "ebs": {"snapshotID": "snap-1"}},
            {"deviceName": "/dev/xvdc"},
        ],
        "networkInterfaces": [
            {"networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface"},
            {"networkCardIndex": 1, "deviceIndex": 1, "interfaceType": "efa-only"},
        ],
    }))
    .expect("a class");
    assert_eq!(asked.family, AmiFamily::Bottlerocket);
    assert!(asked.raid0 && asked.enclaves && asked.nested_virtualization && asked.connection_tracking);
    assert_eq!(asked.ip_prefix_count, 4);
    let sizes: Vec<_> = asked.block_devices.iter().map(|d| (d.root, d.bytes)).collect();
    assert_eq!(sizes, [(true, Some(100 << 30)), (false, None), (false, None)]);
    let interface = |card, device, efa_only| Interface { card, device, efa_only };
    assert_eq!(asked.network_interfaces, Some(vec![interface(0, 0, false), interface(1, 1, true)]));
}

#[test]
fn what_is_switched_off_is_off() {
    let asked = request_for(json!({
        "enclaveOptions": {"enabled": false},
        "cpuOptions": {"nestedVirtualization": "disabled"},
    }));
    assert_eq!(asked, request_for(json!({})));
}

#[test]
fn settings_of_the_controller_come_with_it() {
    let settings = Ec2Settings {
        vm_memory_overhead: "0.1".parse().expect("a share"),
        reserved_enis: 1,
        reservations: BTreeMap::new(),
    };
    let asked = Ec2Request::for_node_class(&class(&json!({}), &json!({})), "eu-west-1", &settings).expect("a class");
    assert_eq!((asked.region.as_str(), asked.reserved_enis), ("eu-west-1", 1));
    assert_eq!(asked.vm_memory_overhead.of_mib(1000), 100);
}

#[test]
fn zones_are_those_of_the_subnets_that_were_found() {
    let status = json!({"subnets": [
        {"id": "subnet-1", "zone": "us-east-1b", "zoneID": ""},
        {"id": "subnet-2", "zone": "us-east-1b", "zoneID": "use1-az1"},
        {"id": "subnet-3", "zone": "us-east-1a"},
    ]});
    let zone = |name: &str, id: Option<&str>| Zone { name: name.into(), id: id.map(Into::into) };
    let asked = Ec2Request::for_node_class(&class(&json!({}), &status), "us-east-1", &Ec2Settings::default());
    let zones = asked.expect("a class").zones;
    assert_eq!(zones, Some(vec![zone("us-east-1a", None), zone("us-east-1b", Some("use1-az1"))]));
    assert_eq!(request_for(json!({})).expect("a class").zones, None, "no controller has looked for subnets yet");
}

#[test]
fn reservations_come_from_the_status_and_their_room_from_the_controller() {
    let reservation = |id: &str, state: &str| {
        json!({"id": id, "availabilityZone": "us-east-1a", "instanceType": "m5.large", "instanceMatchCriteria": "targeted",
               "ownerID": "123456789012", "reservationType": "capacity-block", "interruptible": true, "state": state})
    };
    let status = json!({"capacityReservations": [reservation("cr-2", "expiring"), reservation("cr-1", "active")]});
    let settings = Ec2Settings { reservations: BTreeMap::from([("cr-1".to_owned(), 3)]), ..Ec2Settings::default() };
    let asked = Ec2Request::for_node_class(&class(&json!({}), &status), "us-east-1", &settings).expect("a class");
    let found: Vec<_> = asked.reservations.iter().map(|r| (r.id.as_str(), r.remaining, r.expiring)).collect();
    assert_eq!(found, [("cr-1", 3, false), ("cr-2", 0, true)], "nothing is known of cr-2, so it is full");
    assert!(asked.reservations.iter().all(|r| r.interruptible && r.kind == "capacity-block"));
}

#[test]
fn the_kubelet_s_numbers_are_read() {
    let kubelet = kubelet_of(json!({
        "maxPods": 58,
        "podsPerCore": 10,
        "kubeReserved": {"cpu": "200m", "memory": "1Gi", "pid": "1000"},
        "systemReserved": {"ephemeral-storage": "2Gi"},
        "evictionHard": {"memory.available": "5%", "nodefs.available": "10Gi", "pid.available": "10%"},
        "clusterDNS": ["10.0.0.10"],
    }))
    .expect("a kubelet");
    assert_eq!((kubelet.max_pods, kubelet.pods_per_core), (Some(58), 10));
    assert_eq!(kubelet.kube_reserved, Resources::new().with("cpu", 200).with("memory", 1 << 30).with("pid", 1000));
    assert_eq!(kubelet.system_reserved, Resources::new().with("ephemeral-storage", 2 << 30));
    assert_eq!(kubelet.memory_available, Some(Threshold::Percent(5_000_000_000)));
    assert_eq!(kubelet.nodefs_available, Some(Threshold::Bytes(10 << 30)));
}

#[test]
fn expressions_count_as_not_set_as_long_as_nobody_evaluates_them() {
    let kubelet = kubelet_of(json!({
        "maxPods": "min(110, max_pods)",
        "kubeReserved": {"cpu": "vcpus * 10", "memory": "1Gi"},
    }))
    .expect("a kubelet");
    assert_eq!(kubelet.max_pods, None);
    assert_eq!(kubelet.kube_reserved, Resources::new().with("memory", 1 << 30));
}

#[test]
fn a_hundred_per_cent_switches_a_signal_off_and_fractions_are_exact() {
    let memory =
        |text: &str| kubelet_of(json!({"evictionHard": {"memory.available": text}})).map(|k| k.memory_available);
    assert_eq!(memory("100%"), Ok(Some(Threshold::Percent(0))));
    assert_eq!(memory("0%"), Ok(Some(Threshold::Percent(0))));
    assert_eq!(memory("2.5%"), Ok(Some(Threshold::Percent(2_500_000_000))));
}

#[test]
fn soft_eviction_does_not_matter() {
    assert_eq!(kubelet_of(json!({"evictionSoft": {"memory.available": "50%"}})), Ok(Kubelet::default()));
}

#[test]
fn what_cannot_be_read_is_named_with_its_field() {
    for (fields, place) in [
        (json!({"maxPods": -1}), "maxPods"),
        (json!({"maxPods": 1.5}), "maxPods"),
        (json!({"maxPods": 2_147_483_648_i64}), "maxPods"),
        (json!({"podsPerCore": "4"}), "podsPerCore"),
        (json!({"kubeReserved": {"cpu": 1}}), "kubeReserved.cpu"),
        (json!({"kubeReserved": {"cpu": "-100m"}}), "kubeReserved.cpu"),
        (json!({"systemReserved": "100m"}), "systemReserved"),
        (json!({"evictionHard": {"memory.available": "5 %"}}), "evictionHard[memory.available]"),
        (json!({"evictionHard": {"memory.available": "101%"}}), "evictionHard[memory.available]"),
        (json!({"evictionHard": {"nodefs.available": "-1Gi"}}), "evictionHard[nodefs.available]"),
        (json!({"evictionHard": {"nodefs.available": 5}}), "evictionHard[nodefs.available]"),
        (json!({"evictionHard": []}), "evictionHard"),
    ] {
        let text = fault(fields.clone());
        assert!(text.starts_with(&format!("EC2NodeClass default: spec.kubelet.{place}: ")), "{fields}: {text}");
    }
    let negative =
        json!({"networkInterfaces": [{"networkCardIndex": -1, "deviceIndex": 0, "interfaceType": "interface"}]});
    let text = request_for(negative).expect_err("cards count from zero").to_string();
    assert!(text.starts_with("EC2NodeClass default: spec.networkInterfaces[0].networkCardIndex: -1 "), "{text}");
}

#[test]
fn shares_of_memory_are_decimal_numbers_of_zero_or_more() {
    assert_eq!("0.075".parse(), Ok(MemoryShare::DEFAULT));
    for bad in ["-0.1", "7.5%", "", "much"] {
        let error = bad.parse::<MemoryShare>().expect_err("no share");
        assert!(error.to_string().contains("such as 0.075"), "{error}");
    }
}
