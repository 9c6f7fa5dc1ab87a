//! Bounds of EC2NodeClass.

use serde_json::{Value, json};

use super::{Field, field, numbers, texts};

const KIND: &str = "EC2NodeClass";

/// `count` tags.
fn tags(count: usize) -> Value {
    Value::Object((0..count).map(|index| (format!("tag-{index}"), json!("*"))).collect())
}

/// A list of `count` copies.
fn copies(count: usize, of: &Value) -> Value {
    Value::Array(vec![of.clone(); count])
}

pub(super) fn fields() -> Vec<Field> {
    let mut fields = Vec::new();
    fields.extend(selectors());
    fields.extend(images());
    fields.extend(volumes());
    fields.extend(network());
    fields.extend(options());
    fields
}

fn selectors() -> Vec<Field> {
    let subnet = json!({ "id": "subnet-1" });
    let group = json!({ "id": "sg-1" });
    let reservation = json!({ "id": "cr-1" });
    vec![
        field(
            KIND,
            "spec.subnetSelectorTerms",
            |value| vec![("spec.subnetSelectorTerms", value)],
            [copies(30, &subnet)],
            [copies(31, &subnet), json!("subnet-1")],
        ),
        field(
            KIND,
            "spec.subnetSelectorTerms[].id",
            |value| vec![("spec.subnetSelectorTerms", json!([{ "id": value }]))],
            // Not anchored.
            texts(["subnet-0a1b", "xsubnet-1!"]),
            texts(["", "subnet-", "subnet-A", "sg-1"]),
        ),
        field(
            KIND,
            "spec.subnetSelectorTerms[].tags",
            |value| vec![("spec.subnetSelectorTerms", json!([{ "tags": value }]))],
            [tags(1), tags(20)],
            [tags(21), json!({ "a": 1 })],
        ),
        field(
            KIND,
            "spec.securityGroupSelectorTerms",
            |value| vec![("spec.securityGroupSelectorTerms", value)],
            [copies(30, &group)],
            [copies(31, &group)],
        ),
        field(
            KIND,
            "spec.securityGroupSelectorTerms[].id",
            |value| vec![("spec.securityGroupSelectorTerms", json!([{ "id": value }]))],
            texts(["sg-0a1b", "xsg-1!"]),
            texts(["", "sg-", "subnet-1"]),
        ),
        field(
            KIND,
            "spec.securityGroupSelectorTerms[].tags",
            |value| vec![("spec.securityGroupSelectorTerms", json!([{ "tags": value }]))],
            [tags(20)],
            [tags(21)],
        ),
        field(
            KIND,
            "spec.capacityReservationSelectorTerms",
            |value| vec![("spec.capacityReservationSelectorTerms", value)],
            [copies(1, &reservation), copies(30, &reservation)],
            [copies(31, &reservation)],
        ),
        field(
            KIND,
            "spec.capacityReservationSelectorTerms[].id",
            |value| vec![("spec.capacityReservationSelectorTerms", json!([{ "id": value }]))],
            texts(["cr-0a1b"]),
            texts(["", "cr-", "xcr-1", "cr-1!"]),
        ),
        field(
            KIND,
            "spec.capacityReservationSelectorTerms[].ownerID",
            |value| {
                vec![("spec.capacityReservationSelectorTerms", json!([{ "tags": { "a": "b" }, "ownerID": value }]))]
            },
            texts(["012345678901"]),
            [texts(["", "01234567890", "0123456789012", "a12345678901"]), numbers([123_456_789_012])].concat(),
        ),
        field(
            KIND,
            "spec.capacityReservationSelectorTerms[].tags",
            |value| vec![("spec.capacityReservationSelectorTerms", json!([{ "tags": value }]))],
            [tags(20)],
            [tags(21)],
        ),
        field(
            KIND,
            "spec.capacityReservationSelectorTerms[].instanceMatchCriteria",
            |value| vec![("spec.capacityReservationSelectorTerms", json!([{ "instanceMatchCriteria": value }]))],
            texts(["open", "targeted"]),
            texts(["", "Open", "none"]),
        ),
        field(
            KIND,
            "spec.placementGroupSelector.name",
            |value| vec![("spec.placementGroupSelector", json!({ "name": value }))],
            texts(["a"]),
            texts([""]),
        ),
        field(
            KIND,
            "spec.placementGroupSelector.id",
            |value| vec![("spec.placementGroupSelector", json!({ "id": value }))],
            texts(["pg-0a1b"]),
            texts(["", "pg-", "xpg-1", "pg-1!"]),
        ),
    ]
}

fn images() -> Vec<Field> {
    let image = json!({ "id": "ami-1" });
    vec![
        field(
            KIND,
            "spec.amiSelectorTerms",
            |value| vec![("spec.amiSelectorTerms", value), ("spec.amiFamily", json!("AL2023"))],
            [copies(1, &image), copies(30, &image)],
            [json!([]), copies(31, &image)],
        ),
        field(
            KIND,
            "spec.amiSelectorTerms[].id",
            |value| vec![("spec.amiSelectorTerms", json!([{ "id": value }])), ("spec.amiFamily", json!("AL2023"))],
            texts(["ami-0a1b", "xami-1!"]),
            texts(["", "ami-", "AMI-1"]),
        ),
        field(
            KIND,
            "spec.amiSelectorTerms[].tags",
            |value| vec![("spec.amiSelectorTerms", json!([{ "tags": value }])), ("spec.amiFamily", json!("AL2023"))],
            [tags(20)],
            [tags(21)],
        ),
        field(
            KIND,
            "spec.amiSelectorTerms[].alias",
            |value| vec![("spec.amiSelectorTerms", json!([{ "alias": value }]))],
            [json!("bottlerocket@v1.20.5-a1b2c3d4"), json!(format!("al2023@{}", "v".repeat(23)))],
            [json!(format!("al2023@{}", "v".repeat(24)))],
        ),
        field(
            KIND,
            "spec.amiFamily",
            |value| vec![("spec.amiSelectorTerms", json!([{ "id": "ami-1" }])), ("spec.amiFamily", value)],
            texts(["AL2", "AL2023", "Bottlerocket", "Custom", "Windows2019", "Windows2022", "Windows2025"]),
            texts(["", "al2023", "Ubuntu"]),
        ),
    ]
}

/// A volume with one field set.
fn volume(name: &str, value: Value) -> super::Changes {
    let mut ebs = json!({ "snapshotID": "snap-1" });
    ebs[name] = value;
    vec![("spec.blockDeviceMappings", json!([{ "ebs": ebs }]))]
}

fn volumes() -> Vec<Field> {
    let sizes = [
        "1Gi", "9999Gi", "10000Gi", "49999Gi", "58999Gi", "59000Gi", "1G", "59999G", "63999G", "64000G", "1Ti", "9Ti",
        "10Ti", "17Ti", "57Ti", "58Ti", "1T", "10T", "59T", "60T", "63T", "64T",
    ];
    let no_sizes = [
        "", "0Gi", "59001Gi", "60000Gi", "0G", "64001G", "70000G", "0Ti", "18Ti", "59Ti", "0T", "65T", "Ti", "T",
        "100", "1.5Gi", "100Mi", "01Gi", "20 Gi",
    ];
    let mapping = json!({ "deviceName": "/dev/xvda" });
    vec![
        field(
            KIND,
            "spec.blockDeviceMappings",
            |value| vec![("spec.blockDeviceMappings", value)],
            [json!([]), copies(50, &mapping)],
            [copies(51, &mapping)],
        ),
        field(
            KIND,
            "spec.blockDeviceMappings[].ebs.volumeSize",
            |value| volume("volumeSize", value),
            texts(sizes),
            [texts(no_sizes), numbers([20])].concat(),
        ),
        field(
            KIND,
            "spec.blockDeviceMappings[].ebs.volumeType",
            |value| volume("volumeType", value),
            texts(["standard", "io1", "io2", "gp2", "sc1", "st1", "gp3"]),
            texts(["", "gp4", "GP3"]),
        ),
        field(
            KIND,
            "spec.blockDeviceMappings[].ebs.volumeInitializationRate",
            |value| volume("volumeInitializationRate", value),
            numbers([100, 300]),
            numbers([99, 301]),
        ),
        field(
            KIND,
            "spec.blockDeviceMappings[].ebs.iops",
            |value| volume("iops", value),
            numbers([3000, 5_000_000_000]),
            texts(["3000"]),
        ),
    ]
}

/// The main interface and one with a field set.
fn interfaces(name: &str, value: Value) -> super::Changes {
    let mut interface = json!({ "networkCardIndex": 1, "deviceIndex": 1, "interfaceType": "interface" });
    interface[name] = value;
    let main = json!({ "networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface" });
    vec![("spec.networkInterfaces", json!([main, interface]))]
}

/// `count` interfaces on as many cards.
fn cards(count: usize) -> Value {
    (0..count).map(|card| json!({ "networkCardIndex": card, "deviceIndex": 0, "interfaceType": "interface" })).collect()
}

fn network() -> Vec<Field> {
    vec![
        field(
            KIND,
            "spec.networkInterfaces",
            |value| vec![("spec.networkInterfaces", value)],
            [cards(0), cards(150)],
            [cards(151)],
        ),
        field(
            KIND,
            "spec.networkInterfaces[].networkCardIndex",
            |value| interfaces("networkCardIndex", value),
            numbers([0, 15]),
            numbers([-1]),
        ),
        field(
            KIND,
            "spec.networkInterfaces[].deviceIndex",
            |value| interfaces("deviceIndex", value),
            numbers([0, 1]),
            numbers([-1]),
        ),
        field(
            KIND,
            "spec.networkInterfaces[].interfaceType",
            |value| interfaces("interfaceType", value),
            texts(["interface", "efa-only"]),
            texts(["", "efa"]),
        ),
        field(KIND, "spec.ipPrefixCount", |value| vec![("spec.ipPrefixCount", value)], numbers([0, 16]), numbers([-1])),
        field(
            KIND,
            "spec.associatePublicIPAddress",
            |value| vec![("spec.associatePublicIPAddress", value)],
            [json!(true), json!(false)],
            texts(["true"]),
        ),
        field(
            KIND,
            "spec.connectionTracking.tcpEstablishedTimeout",
            |value| vec![("spec.connectionTracking", json!({ "tcpEstablishedTimeout": value }))],
            numbers([60, 432_000]),
            numbers([59, 432_001]),
        ),
        field(
            KIND,
            "spec.connectionTracking.udpStreamTimeout",
            |value| vec![("spec.connectionTracking", json!({ "udpStreamTimeout": value }))],
            numbers([60, 180]),
            numbers([59, 181]),
        ),
        field(
            KIND,
            "spec.connectionTracking.udpTimeout",
            |value| vec![("spec.connectionTracking", json!({ "udpTimeout": value }))],
            numbers([30, 60]),
            numbers([29, 61]),
        ),
    ]
}

fn options() -> Vec<Field> {
    let toggles = || (texts(["enabled", "disabled"]), [texts(["", "Enabled", "on"]), vec![json!(true)]].concat());
    vec![
        field(
            KIND,
            "spec.metadataOptions.httpEndpoint",
            |value| vec![("spec.metadataOptions", json!({ "httpEndpoint": value }))],
            toggles().0,
            toggles().1,
        ),
        field(
            KIND,
            "spec.metadataOptions.httpProtocolIPv6",
            |value| vec![("spec.metadataOptions", json!({ "httpProtocolIPv6": value }))],
            toggles().0,
            toggles().1,
        ),
        field(
            KIND,
            "spec.metadataOptions.httpPutResponseHopLimit",
            |value| vec![("spec.metadataOptions", json!({ "httpPutResponseHopLimit": value }))],
            numbers([1, 64]),
            numbers([0, 65]),
        ),
        field(
            KIND,
            "spec.metadataOptions.httpTokens",
            |value| vec![("spec.metadataOptions", json!({ "httpTokens": value }))],
            texts(["required", "optional"]),
            texts(["", "Required"]),
        ),
        field(
            KIND,
            "spec.cpuOptions.nestedVirtualization",
            |value| vec![("spec.cpuOptions", json!({ "nestedVirtualization": value }))],
            toggles().0,
            toggles().1,
        ),
        field(
            KIND,
            "spec.instanceStorePolicy",
            |value| vec![("spec.instanceStorePolicy", value)],
            texts(["RAID0"]),
            texts(["", "raid0", "RAID10"]),
        ),
        field(
            KIND,
            "spec.enclaveOptions",
            |value| vec![("spec.enclaveOptions", value)],
            [json!({ "enabled": true }), json!({ "enabled": false })],
            [json!({}), json!({ "enabled": "true" }), json!(true)],
        ),
    ]
}
