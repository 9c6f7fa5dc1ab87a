//! The EC2NodeClass hash against the AWS provider's own. A wrong one replaces a user's whole fleet.
//!
//! The base object and its five figures are those of the provider's hash test (spec aws-provider 1.8, v1.15 changes 0.3);
//! the others were computed with the hashing library that the provider uses, run on types of the same names and fields.

use dovetail_api::ec2_node_class::EC2NodeClassSpec;
use dovetail_api::hash::ec2_node_class;
use serde_json::{Value, json};

const CA_BUNDLE: &str = "test-ca-bundle";

fn base() -> Value {
    json!({
        "subnetSelectorTerms": [],
        "securityGroupSelectorTerms": [],
        "amiSelectorTerms": [],
        "role": "role-1",
        "tags": {"keyTag-1": "valueTag-1", "keyTag-2": "valueTag-2"},
        "context": "fake-context",
        "detailedMonitoring": false,
        "associatePublicIPAddress": false,
        "metadataOptions": {
            "httpEndpoint": "disabled",
            "httpProtocolIPv6": "disabled",
            "httpPutResponseHopLimit": 1,
            "httpTokens": "optional",
        },
        "blockDeviceMappings": [
            {
                "deviceName": "map-device-1",
                "rootVolume": false,
                "ebs": {
                    "deleteOnTermination": false,
                    "encrypted": false,
                    "iops": 0,
                    "kmsKeyID": "fakeKMSKeyID",
                    "snapshotID": "fakeSnapshot",
                    "throughput": 0,
                    "volumeSize": "2G",
                    "volumeType": "standard",
                },
            },
            {"deviceName": "map-device-2"},
        ],
        "userData": "userdata-test-1",
    })
}

fn hash_of(manifest: Value) -> String {
    let spec: EC2NodeClassSpec = serde_json::from_value(manifest).expect("a spec");
    ec2_node_class(&spec, Some(CA_BUNDLE))
}

/// The hash of the base object with `value` at `path`; `null` takes away what is there.
fn with(path: &str, value: Value) -> String {
    let mut manifest = base();
    let (parent, field) = path.rsplit_once('/').expect("a path starts with a slash");
    let parent = manifest.pointer_mut(parent).expect("the parent exists").as_object_mut().expect("an object");
    if value.is_null() {
        parent.remove(field);
    } else {
        parent.insert(field.to_owned(), value);
    }
    hash_of(manifest)
}

#[test]
fn the_figures_of_the_providers_own_test() {
    assert_eq!(hash_of(base()), "11148166120438674859");
    assert_eq!(with("/userData", json!("userdata-test-2")), "11774429238106843388");
    assert_eq!(with("/detailedMonitoring", json!(true)), "1936848126751988570");
    assert_eq!(with("/enclaveOptions", json!({"enabled": true})), "7236976372141148292");
    assert_eq!(with("/enclaveOptions", json!({"enabled": false})), "12655667132181172925");
}

#[test]
fn the_figures_of_the_library_for_the_other_fields() {
    let interfaces = json!([
        {"networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface"},
        {"networkCardIndex": 0, "deviceIndex": 1, "interfaceType": "efa-only"},
        {"networkCardIndex": 1, "deviceIndex": 1, "interfaceType": "efa-only"},
    ]);
    let tracking = json!({"tcpEstablishedTimeout": 600, "udpTimeout": 45});
    let size = "/blockDeviceMappings/0/ebs/volumeSize";
    let cases = [
        ("/placementGroupSelector", json!({"name": "spread"}), "6414656293293278631"),
        ("/networkInterfaces", interfaces, "11101548530666129316"),
        ("/tags", json!({}), "4319943322401069986"),
        ("/tags", json!(null), "14556558058309185518"),
        ("/blockDeviceMappings", json!([]), "7274780938731280864"),
        ("/instanceStorePolicy", json!("RAID0"), "16697988646989909967"),
        ("/connectionTracking", tracking, "7406675264917221459"),
        ("/cpuOptions", json!({"nestedVirtualization": "enabled"}), "6157846767212910604"),
        ("/blockDeviceMappings/1/rootVolume", json!(true), "6870142237249139950"),
        ("/blockDeviceMappings/0/ebs/volumeInitializationRate", json!(200), "15644843409735156301"),
        (size, json!("20Gi"), "4919361251317406208"),
        (size, json!("1Ti"), "515570995835292471"),
        (size, json!("1024Gi"), "515570995835292471"),
        (size, json!("0.5Ti"), "10253145452678459638"),
        (size, json!("1000G"), "14315966853277974968"),
    ];
    for (path, value, expected) in cases {
        assert_eq!(with(path, value.clone()), expected, "{path}: {value}");
    }
}

#[test]
fn an_instance_profile_instead_of_a_role() {
    let mut manifest = base();
    let spec = manifest.as_object_mut().expect("an object");
    spec.remove("role");
    spec.insert("instanceProfile".to_owned(), json!("profile-1"));
    assert_eq!(hash_of(manifest), "17611144742697671409");
}

#[test]
fn the_kubelet_counts_as_go_writes_it() {
    let mut manifest = base();
    let spec = manifest.as_object_mut().expect("an object");
    spec.insert("amiFamily".to_owned(), json!("AL2023"));
    spec.insert(
        "kubelet".to_owned(),
        json!({"maxPods": "vcpus > 4 ? 58 : 29", "cpuCFSQuota": true, "clusterDNS": ["10.0.0.10"]}),
    );
    assert_eq!(hash_of(manifest), "15524866027271424723");
    assert_eq!(with("/kubelet", json!({})), hash_of(base()), "an empty kubelet is none");
}

#[test]
fn the_family_and_the_ca_bundle_count() {
    let spec: EC2NodeClassSpec = serde_json::from_value(base()).expect("a spec");
    assert_eq!(ec2_node_class(&spec, None), "3586199404471678909");
    let explicit = with("/amiFamily", json!("Bottlerocket"));
    let inferred = with("/amiSelectorTerms", json!([{"alias": "bottlerocket@latest"}]));
    assert_ne!(explicit, hash_of(base()));
    assert_eq!(explicit, inferred, "a family counts the same, named or inferred");
}

#[test]
fn what_selects_does_not_count() {
    for (path, value) in [
        ("/subnetSelectorTerms", json!([{"id": "subnet-1"}])),
        ("/securityGroupSelectorTerms", json!([{"id": "sg-1"}])),
        ("/capacityReservationSelectorTerms", json!([{"id": "cr-1"}])),
        ("/amiSelectorTerms", json!([{"id": "ami-1"}])),
        ("/ipPrefixCount", json!(1)),
    ] {
        assert_eq!(with(path, value), hash_of(base()), "{path}");
    }
}

#[test]
fn order_does_not_count() {
    let mut manifest = base();
    manifest["blockDeviceMappings"].as_array_mut().expect("a list").reverse();
    assert_eq!(hash_of(manifest), hash_of(base()));
}

/// The published figures of FNV-1 with 64 bits.
#[test]
fn names_are_made_with_fnv_1() {
    assert_eq!(dovetail_api::hash::text(""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(dovetail_api::hash::text("a"), 0xaf63_bd4c_8601_b7be);
    assert_eq!(dovetail_api::hash::text("foobar"), 0x340d_8765_a4dd_a9c2);
}
