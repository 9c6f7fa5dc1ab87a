//! What machines have, figure for figure as the specification works it out.

use super::*;
use crate::ec2::family;
use crate::ec2::request::{BlockDevice, Interface, Kubelet, MemoryShare};
use crate::ec2::testing::{node, record, request, request_of};
use dovetail_api::ec2_node_class::AmiFamily;
use proptest::prelude::*;

fn amount(name: &str, resource: &str, request: &Ec2Request) -> i64 {
    node(name, request).capacity.get(resource)
}

fn mib(name: &str) -> i64 {
    amount(name, "memory", &request()) / MIB
}

fn pods_of(name: &str, request: &Ec2Request) -> i64 {
    amount(name, "pods", request)
}

fn with_kubelet(family: AmiFamily, kubelet: Kubelet) -> Ec2Request {
    Ec2Request { kubelet, ..request_of(family) }
}

#[test]
fn memory_is_what_the_hypervisor_leaves() {
    assert_eq!(mib("m5.large"), 7577, "8192 less 614.4 rounded up");
    assert_eq!(mib("t4g.small"), 1835, "64 for the kernel of arm64 first, then 148.8 rounded up");
    assert_eq!(mib("c5.large"), 3788, "4096 less 307.2 rounded up");
    assert_eq!(mib("m5.metal"), 393_216 - 29_492, "metal has no hypervisor, but the share is taken off all the same");
}

#[test]
fn a_share_that_comes_out_even_is_not_rounded_up() {
    // 40 MiB x 0.075 is exactly 3; binary fractions would have it a little above or below.
    assert_eq!(MemoryShare::DEFAULT.of_mib(40), 3);
    assert_eq!(MemoryShare::DEFAULT.of_mib(41), 4);
    assert_eq!("0".parse::<MemoryShare>().expect("a share").of_mib(8192), 0);
    assert_eq!("0.1".parse::<MemoryShare>().expect("a share").of_mib(8190), 819);
}

proptest! {
    #[test]
    fn the_share_is_the_least_whole_number_not_below_the_product(mib in 0_i64..1 << 26, billionths in 0_u64..1_000_000_000) {
        let share: MemoryShare = format!("0.{billionths:09}").parse().expect("a share");
        let taken = i128::from(share.of_mib(mib));
        let exact = i128::from(mib) * i128::from(billionths);
        prop_assert!(taken * 1_000_000_000 >= exact && (taken - 1) * 1_000_000_000 < exact);
    }
}

#[test]
fn cpu_is_every_vcpu() {
    assert_eq!(amount("m5.large", "cpu", &request()), 2000);
    assert_eq!(amount("u-6tb1.112xlarge", "cpu", &request()), 448_000);
}

#[test]
fn pods_are_limited_by_the_addresses_of_the_default_network_card() {
    let all = request();
    assert_eq!(pods_of("m5.large", &all), 29);
    assert_eq!(pods_of("t4g.small", &all), 11);
    assert_eq!(pods_of("t3.large", &all), 35);
    assert_eq!(pods_of("u7in-16tb.224xlarge", &all), 8 * 49 + 2, "16 interfaces, but only 8 on the default card");
    assert_eq!(pods_of("p5.48xlarge", &all), 2 * 49 + 2, "64 interfaces on 32 cards, two of them on the default one");
}

#[test]
fn reserved_interfaces_and_those_for_efa_carry_no_pods() {
    let reserving = |n| Ec2Request { reserved_enis: n, ..request() };
    assert_eq!(pods_of("t3.large", &reserving(1)), 24);
    assert_eq!(pods_of("t3.large", &reserving(3)), 0, "without an interface not even the pods on the host's network");
    assert_eq!(pods_of("t3.large", &reserving(u32::MAX)), 0);
    let efa_on = |card| Interface { card, device: 1, efa_only: true };
    let primary = Interface { card: 0, device: 0, efa_only: false };
    let wired = Ec2Request { network_interfaces: Some(vec![primary, efa_on(0), efa_on(1)]), ..request() };
    assert_eq!(pods_of("p5.48xlarge", &wired), 49 + 2, "EFA on other cards takes nothing from pods");
}

#[test]
fn the_kubelet_s_own_limits_come_first() {
    let limits = |max_pods, pods_per_core| Kubelet { max_pods, pods_per_core, ..Kubelet::default() };
    let al2023 = |kubelet| with_kubelet(AmiFamily::AL2023, kubelet);
    assert_eq!(pods_of("m5.large", &al2023(limits(Some(110), 0))), 110);
    assert_eq!(pods_of("m5.large", &al2023(limits(Some(0), 0))), 0);
    assert_eq!(pods_of("m5.large", &al2023(limits(None, 4))), 8);
    assert_eq!(pods_of("m5.large", &al2023(limits(Some(5), 4))), 5);
    assert_eq!(pods_of("m5.large", &al2023(limits(None, 40))), 29, "per core is a limit too, not a promise");
    let bottlerocket = with_kubelet(AmiFamily::Bottlerocket, limits(None, 4));
    assert_eq!(pods_of("m5.large", &bottlerocket), 29, "Bottlerocket does not know podsPerCore");
    assert_eq!(pods_of("m5.large", &Ec2Request { reserved_enis: 1, ..al2023(limits(Some(110), 0)) }), 110);
}

#[test]
fn windows_does_not_count_interfaces_but_addresses() {
    let windows = request_of(AmiFamily::Windows2022);
    assert_eq!(pods_of("m5.large", &windows), 110);
    assert_eq!(amount("m5.large", names::PRIVATE_IPV4_ADDRESS, &windows), 9);
    assert_eq!(amount("t4g.small", names::PRIVATE_IPV4_ADDRESS, &windows), 0, "Windows does not run on arm64");
    assert_eq!(amount("r9g.large", names::PRIVATE_IPV4_ADDRESS, &windows), 0);
    assert!(!node("m5.large", &request()).capacity.has(names::PRIVATE_IPV4_ADDRESS));
}

#[test]
fn accelerators_are_resources() {
    let capacity = |name| node(name, &request()).capacity;
    assert_eq!(capacity("g4dn.12xlarge").get("nvidia.com/gpu"), 4);
    let p5 = capacity("p5.48xlarge");
    assert_eq!((p5.get("nvidia.com/gpu"), p5.get("vpc.amazonaws.com/efa")), (8, 32));
    let inf2 = capacity("inf2.48xlarge");
    assert_eq!((inf2.get("aws.amazon.com/neuron"), inf2.get("aws.amazon.com/neuroncore")), (12, 24));
    let trn1 = capacity("trn1.32xlarge");
    assert_eq!((trn1.get("aws.amazon.com/neuron"), trn1.get("aws.amazon.com/neuroncore")), (16, 32));
    assert_eq!(trn1.get("vpc.amazonaws.com/efa"), 8);
    assert!(!inf2.has("nvidia.com/gpu") && !p5.has("aws.amazon.com/neuron"));
    // A pod that asks for a GPU means a whole one.
    assert!(!capacity("g6f.large").has("nvidia.com/gpu"), "an eighth of a GPU is none");
}

#[test]
fn makers_of_gpus_are_told_apart_and_kinds_added_up() {
    let kind = |manufacturer: &str, count| crate::ec2::record::Accelerator {
        manufacturer: manufacturer.into(),
        name: "X".into(),
        count,
        memory_mib: 1,
    };
    let neuron = |count, cores| crate::ec2::record::Neuron { name: "N".into(), count, cores };
    let odd = TypeRecord {
        gpus: vec![kind("NVIDIA", 1), kind("NVIDIA", 2), kind("AMD", 4), kind("Habana", 8), kind("Other", 16)],
        neurons: vec![neuron(2, 4), neuron(1, 8)],
        ..record("m5.large").clone()
    };
    let capacity = capacity(&odd, &request(), &family::rules(AmiFamily::AL2023));
    assert_eq!(capacity.get("nvidia.com/gpu"), 3);
    assert_eq!(capacity.get("amd.com/gpu"), 4);
    assert_eq!(capacity.get("habana.ai/gaudi"), 8);
    assert_eq!(capacity.get("aws.amazon.com/neuron"), 3);
    assert_eq!(capacity.get("aws.amazon.com/neuroncore"), 16);
}

#[test]
fn efa_is_what_the_class_wires_up_or_else_all_there_is() {
    let wired = |efa_only| {
        let interface = Interface { card: 0, device: 0, efa_only: false };
        let more = Interface { card: 1, device: 1, efa_only };
        Ec2Request { network_interfaces: Some(vec![interface, more]), ..request() }
    };
    assert_eq!(amount("p5.48xlarge", names::EFA, &wired(true)), 1);
    assert_eq!(amount("p5.48xlarge", names::EFA, &wired(false)), 0);
}

#[test]
fn interfaces_for_single_pods_need_trunking() {
    assert_eq!(amount("m5.large", names::POD_ENI, &request()), 9);
    assert_eq!(amount("t3.large", names::POD_ENI, &request()), 0);
    assert_eq!(amount("u-6tb1.112xlarge", names::POD_ENI, &request()), 0);
}

fn device(name: &str, root: bool, gib: Option<i64>) -> BlockDevice {
    BlockDevice { name: Some(name.into()), root, bytes: gib.map(|n| n * GIB) }
}

fn storage(name: &str, family: AmiFamily, devices: Vec<BlockDevice>) -> i64 {
    amount(name, "ephemeral-storage", &Ec2Request { block_devices: devices, ..request_of(family) })
}

#[test]
fn disks_of_the_machine_are_ephemeral_storage_where_the_class_joins_them() {
    let raid = Ec2Request { raid0: true, block_devices: vec![device("/dev/xvda", true, Some(100))], ..request() };
    assert_eq!(amount("g4dn.12xlarge", "ephemeral-storage", &raid), 900 * GB, "gigabytes as disks are sold");
    assert_eq!(amount("m5.large", "ephemeral-storage", &raid), 100 * GIB, "it has no disks, so the next rule holds");
}

#[test]
fn the_root_volume_of_the_class_comes_before_the_device_of_the_family() {
    let both = vec![device("/dev/xvda", false, Some(30)), device("/dev/sdb", true, Some(70))];
    assert_eq!(storage("m5.large", AmiFamily::AL2023, both), 70 * GIB);
    let unsized_root = vec![device("/dev/xvda", false, Some(30)), device("/dev/sdb", true, None)];
    assert_eq!(storage("m5.large", AmiFamily::AL2023, unsized_root), 30 * GIB);
}

#[test]
fn each_family_has_its_own_device() {
    let all = || {
        vec![
            device("/dev/xvda", false, Some(30)),
            device("/dev/xvdb", false, Some(40)),
            device("/dev/sda1", false, Some(60)),
        ]
    };
    for (family, gib) in [
        (AmiFamily::AL2, 30),
        (AmiFamily::AL2023, 30),
        (AmiFamily::Bottlerocket, 40),
        (AmiFamily::Windows2019, 60),
        (AmiFamily::Custom, 60),
    ] {
        assert_eq!(storage("m5.large", family, all()), gib * GIB, "{family:?}");
    }
}

#[test]
fn a_custom_image_is_taken_to_use_the_last_device_named() {
    let last_unsized = vec![device("/dev/xvda", false, Some(30)), device("/dev/xvdb", false, None)];
    assert_eq!(storage("m5.large", AmiFamily::Custom, last_unsized), 20 * GIB);
    assert_eq!(storage("m5.large", AmiFamily::Custom, vec![]), 20 * GIB);
}

#[test]
fn without_a_word_from_the_class_the_family_s_default_holds() {
    let other = || vec![device("/dev/sdz", false, Some(500))];
    for (family, gib) in [(AmiFamily::AL2023, 20), (AmiFamily::Bottlerocket, 20), (AmiFamily::Windows2025, 50)] {
        assert_eq!(storage("m5.large", family, vec![]), gib * GIB, "{family:?}");
        assert_eq!(storage("m5.large", family, other()), gib * GIB, "{family:?}: a device that is not the family's");
    }
}
