//! What templates say, what they are called, and how long they live.

use super::upkeep::{FoundTemplate, Shelf, of_class};
use super::*;
use crate::capacity_type::CapacityType;
use crate::cluster::Cluster;
use crate::testing::{claim, class, cluster, kind, offering, requires, reserved, reserved_as};
use base64::Engine as _;
use dovetail_api::ec2_node_class::EC2NodeClass;
use dovetail_api::node_claim::NodeClaim;
use dovetail_cloudprovider::ec2::{PlacementGroup, PlacementStrategy, well_known};
use dovetail_scheduler::instance_type::InstanceType;
use dovetail_scheduler::requirements::Requirements;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

/// A launch of one m5.large on demand.
struct Launch {
    cluster: Cluster,
    class: EC2NodeClass,
    claim: NodeClaim,
    requirements: Requirements,
    types: Vec<Arc<InstanceType>>,
    capacity_type: CapacityType,
    group: Option<PlacementGroup>,
    reserved_capacity: bool,
}

fn launch(spec: &Value) -> Launch {
    let status = json!({
        "instanceProfile": "profile-1",
        "securityGroups": [{"id": "sg-1"}, {"id": "sg-2"}],
        "subnets": [{"id": "subnet-1", "zone": "a"}],
        "amis": [
            {"id": "ami-arm", "requirements": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}]},
            {"id": "ami-gpu", "requirements": [
                {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]},
                {"key": "karpenter.k8s.aws/instance-gpu-count", "operator": "Exists"}]},
            {"id": "ami-new", "requirements": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}]},
            {"id": "ami-old", "requirements": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}]},
        ],
    });
    Launch {
        cluster: cluster(),
        class: class(spec, &status),
        claim: claim("default-1"),
        requirements: requires(&[]),
        types: vec![kind("m5.large", vec![offering("on-demand", "a", 0.1)])],
        capacity_type: CapacityType::OnDemand,
        group: None,
        reserved_capacity: true,
    }
}

impl Launch {
    fn try_plan(&self) -> Result<Vec<Planned>, PlanError> {
        let tags =
            crate::tags::for_launch(&self.class, &self.claim, &self.cluster.name).expect("tags that are allowed");
        plan(&LaunchInput {
            cluster: &self.cluster,
            class: &self.class,
            claim: &self.claim,
            requirements: &self.requirements,
            types: &self.types,
            capacity_type: self.capacity_type,
            tags: &tags,
            placement_group: self.group.as_ref(),
            reserved_capacity: self.reserved_capacity,
            well_known: &well_known(),
        })
    }

    fn plan(&self) -> Vec<Planned> {
        self.try_plan().expect("templates")
    }

    /// What the only template says.
    fn data(&self) -> TemplateData {
        let planned = self.plan();
        assert_eq!(planned.len(), 1);
        planned.into_iter().next().expect("one template").template.data
    }
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
}

#[test]
fn a_machine_boots_the_first_image_that_fits_its_type() {
    let data = launch(&json!({})).data();
    assert_eq!((data.image_id.as_str(), data.instance_profile.as_str()), ("ami-new", "profile-1"));
    let script = base64::engine::general_purpose::STANDARD.decode(data.user_data).expect("base64");
    let script = String::from_utf8(script).expect("text");
    assert!(script.contains("maxPods: 10") && script.contains("karpenter.sh/capacity-type=on-demand"), "{script}");
}

#[test]
fn types_that_no_image_fits_are_left_out_unless_none_is_left() {
    let mut launch = launch(&json!({}));
    let mut windows = (*kind("m5.xlarge", vec![])).clone();
    windows
        .requirements
        .replace("kubernetes.io/arch".into(), dovetail_scheduler::requirement::Requirement::exactly("riscv"));
    launch.types.push(Arc::new(windows.clone()));
    assert_eq!(launch.plan()[0].types.len(), 1);
    launch.types = vec![Arc::new(windows)];
    let error = launch.try_plan().expect_err("no image").to_string();
    assert_eq!(error, "no AMI in the status of EC2NodeClass default fits any of the instance types m5.xlarge");
}

#[test]
fn a_template_is_called_by_its_content() {
    let name = |launch: &Launch| launch.plan()[0].template.name.clone();
    let first = launch(&json!({}));
    assert!(first.plan()[0].template.name.strip_prefix("karpenter.k8s.aws/").expect("prefix").parse::<u64>().is_ok());
    assert_eq!(name(&first), name(&launch(&json!({}))), "the same need, the same template");
    let mut renamed = launch(&json!({}));
    renamed.claim = claim("default-2");
    assert_eq!(name(&first), name(&renamed), "whom it is for does not matter");
    let others = [json!({"detailedMonitoring": true}), json!({"tags": {"a": "b"}}), json!({"userData": "echo hi"})];
    for other in others {
        assert_ne!(name(&first), name(&launch(&other)), "{other}");
    }
}

#[test]
fn types_share_a_template_as_long_as_it_says_the_same_for_both() {
    let mut launch = launch(&json!({}));
    launch.types = vec![
        kind("m5.large", vec![offering("on-demand", "a", 0.1)]),
        kind("m5a.large", vec![offering("on-demand", "a", 0.09)]),
    ];
    assert_eq!(launch.plan().len(), 1);
    Arc::make_mut(&mut launch.types[1]).capacity.set("pods", 58);
    assert_eq!(launch.plan().len(), 2, "the kubelet must be told another number of pods");
    launch.class.spec.kubelet = json!({"maxPods": 20}).as_object().cloned();
    let planned = launch.plan();
    assert_eq!((planned.len(), planned[0].types.len()), (1, 2), "but not if the class says how many");
}

#[test]
fn every_reservation_has_a_template_of_its_own() {
    let mut launch = launch(&json!({}));
    launch.capacity_type = CapacityType::Reserved;
    launch.types = vec![
        kind("m5.large", vec![reserved("cr-2", "a", 1), reserved("cr-1", "a", 1), reserved("cr-full", "a", 0)]),
        kind("m5.xlarge", vec![reserved_as("cr-3", "a", 1, "default", true)]),
        kind("p5.48xlarge", vec![reserved_as("cr-4", "a", 1, "capacity-block", false)]),
    ];
    let planned = launch.plan();
    let said: Vec<_> = planned.iter().map(|p| (p.template.data.reservation.clone(), p.template.data.market)).collect();
    let only = |id: &str| Some(ReservationChoice::Only(id.to_owned()));
    assert_eq!(
        said,
        [
            (only("cr-1"), None),
            (only("cr-2"), None),
            (only("cr-3"), Some(Market::Interruptible)),
            (only("cr-4"), Some(Market::CapacityBlock)),
        ]
    );
}

#[test]
fn other_machines_stay_out_of_open_reservations_if_the_gate_is_on() {
    let mut launch = launch(&json!({}));
    assert_eq!(launch.data().reservation, Some(ReservationChoice::Never));
    launch.reserved_capacity = false;
    assert_eq!(launch.data().reservation, None);
}

#[test]
fn volumes_are_the_class_s_or_the_family_s() {
    let sizes = |spec: Value| {
        let volumes = launch(&spec).data().volumes;
        volumes.into_iter().map(|v| (v.device.unwrap_or_default(), v.gib)).collect::<Vec<_>>()
    };
    let family = |family: &str| json!({"amiFamily": family, "amiSelectorTerms": [{"id": "ami-1"}]});
    let device = |name: &str, gib| (name.to_owned(), Some(gib));
    assert_eq!(sizes(family("AL2023")), [device("/dev/xvda", 20)]);
    assert_eq!(sizes(family("Bottlerocket")), [device("/dev/xvda", 6), device("/dev/xvdb", 20)]);
    assert_eq!(sizes(family("Windows2022")), [device("/dev/sda1", 50)]);
    assert_eq!(sizes(family("Custom")), []);
    let own = json!({"blockDeviceMappings": [{"deviceName": "/dev/sdb", "ebs": {
        "volumeSize": "100G", "volumeType": "io2", "iops": 0, "throughput": 300, "snapshotID": "snap-1",
        "volumeInitializationRate": 200, "kmsKeyID": "k", "encrypted": true, "deleteOnTermination": false}}]});
    let expected = Volume {
        device: Some("/dev/sdb".to_owned()),
        delete_on_termination: Some(false),
        encrypted: Some(true),
        iops: None,
        kms_key: Some("k".to_owned()),
        snapshot: Some("snap-1".to_owned()),
        throughput: Some(300),
        initialization_rate: Some(200),
        gib: Some(94),
        kind: Some("io2"),
    };
    assert_eq!(launch(&own).data().volumes, [expected], "100 GB are 93.1 GiB");
}

#[test]
fn metadata_is_reached_as_the_class_says_and_not_at_all_if_it_says_nothing() {
    let default = launch(&json!({})).data().metadata;
    let said = (default.endpoint, default.ipv6, default.hop_limit, default.tokens);
    assert_eq!(said, (Some("enabled"), Some("disabled"), Some(1), Some("required")));
    let mut silent = launch(&json!({}));
    silent.class.spec.metadata_options = None;
    let made_up = silent.data().metadata;
    assert_eq!((made_up.endpoint, made_up.hop_limit), (Some("disabled"), Some(2)));
    silent.cluster.region = "us-iso-east-1".to_owned();
    assert_eq!(silent.data().metadata.ipv6, None);
    assert!(silent.class.spec.metadata_options.is_none(), "the class itself is left alone");
}

#[test]
fn one_interface_is_enough_unless_somebody_wants_more() {
    let mut launch = launch(&json!({"ipPrefixCount": 2, "associatePublicIPAddress": false}));
    let one = launch.data().interfaces;
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].security_groups, ["sg-1", "sg-2"]);
    assert_eq!((one[0].ipv4_prefixes, one[0].ipv6_prefixes, one[0].public_address), (Some(2), None, Some(false)));
    Arc::make_mut(&mut launch.types[0]).capacity.set("vpc.amazonaws.com/efa", 4);
    assert_eq!(launch.data().interfaces.len(), 1, "nobody asked for fabric adapters");
    launch.claim.spec.resources.requests =
        Some([("vpc.amazonaws.com/efa".to_owned(), "1".parse().expect("a quantity"))].into());
    let efa: Vec<_> = launch.data().interfaces.iter().map(|i| (i.card, i.device, i.kind.as_str())).collect();
    assert_eq!(efa, [(0, 0, "efa"), (1, 1, "efa"), (2, 1, "efa"), (3, 1, "efa")]);
}

#[test]
fn fabric_interfaces_of_the_class_carry_nothing_of_ip() {
    let mut launch = launch(&json!({
        "connectionTracking": {"udpTimeout": 45},
        "networkInterfaces": [
            {"networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface"},
            {"networkCardIndex": 1, "deviceIndex": 1, "interfaceType": "efa-only"},
        ],
    }));
    launch.cluster.dns = Some("fd00::a".parse().expect("an address"));
    let [ip, fabric] = launch.data().interfaces.try_into().expect("two interfaces");
    assert_eq!((ip.ipv6_addresses, ip.primary_ipv6, ip.tracking), (Some(1), Some(true), Some([None, None, Some(45)])));
    assert_eq!((fabric.ipv6_addresses, fabric.primary_ipv6, fabric.tracking), (None, None, None));
    assert_eq!((fabric.kind, fabric.security_groups.len()), (InterfaceKind::EfaOnly, 2));
}

#[test]
fn a_machine_is_put_where_the_claim_says() {
    let mut launch =
        launch(&json!({"enclaveOptions": {"enabled": true}, "cpuOptions": {"nestedVirtualization": "enabled"}}));
    launch.requirements = requires(&[
        ("karpenter.k8s.aws/instance-tenancy", &["dedicated"]),
        ("karpenter.k8s.aws/placement-group-partition", &["10", "2"]),
    ]);
    let data = launch.data();
    assert_eq!((data.tenancy, data.placement_group, data.partition), ("dedicated", None, None));
    assert_eq!((data.enclaves, data.nested_virtualization), (true, Some("enabled")));
    launch.group = Some(PlacementGroup { id: "pg-1".to_owned(), strategy: PlacementStrategy::Partition(12) });
    let data = launch.data();
    assert_eq!((data.placement_group.as_deref(), data.partition), (Some("pg-1"), Some(2)));
}

#[test]
fn requests_for_spot_machines_are_tagged_too() {
    let mut launch = launch(&json!({}));
    let kinds = |launch: &Launch| launch.data().tags.into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
    assert_eq!(kinds(&launch), ["network-interface"]);
    launch.capacity_type = CapacityType::Spot;
    assert_eq!(kinds(&launch), ["network-interface", "spot-instances-request"]);
}

#[test]
fn a_template_that_is_needed_now_and_then_lives_on() {
    let template = launch(&json!({})).plan().remove(0).template;
    let mut shelf = Shelf::default();
    assert!(!shelf.needs(&template, at(0)), "nobody knows it yet");
    shelf.exists(&template.name, at(0));
    assert!(shelf.needs(&template, at(9)));
    assert!(shelf.take_unused(at(18)).is_empty());
    assert_eq!(shelf.next_look(), Some(at(19)));
    assert_eq!(shelf.take_unused(at(19)), [template.name.as_str()]);
    assert!(!shelf.needs(&template, at(19)), "what is being deleted has to be looked up again");
    shelf.exists(&template.name, at(20));
    shelf.gone([template.name.as_str()]);
    assert_eq!(shelf, Shelf::default());
}

#[test]
fn orphans_of_a_predecessor_grow_old_and_strangers_are_left_alone() {
    let found = |name: &str, cluster: &str, class: &str| FoundTemplate {
        name: name.to_owned(),
        tags: [("eks:eks-cluster-name", cluster), ("karpenter.k8s.aws/ec2nodeclass", class)]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
    };
    let listed = [
        found("karpenter.k8s.aws/1", "demo", "default"),
        found("karpenter.k8s.aws/2", "demo", "gpu"),
        found("karpenter.k8s.aws/3", "other", "default"),
        found("my-own", "demo", "default"),
    ];
    let mut shelf = Shelf::found(&listed, "demo", at(0));
    assert_eq!(shelf.take_unused(at(10)), ["karpenter.k8s.aws/1", "karpenter.k8s.aws/2"]);
    assert_eq!(of_class(&listed, "demo", "default"), ["karpenter.k8s.aws/1"]);
}
