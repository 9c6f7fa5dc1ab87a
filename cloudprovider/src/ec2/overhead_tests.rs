//! What is set aside, figure for figure as the specification and real nodes have it.

use super::*;
use crate::ec2::request::Kubelet;
use crate::ec2::testing::{node, request, request_of};
use dovetail_api::ec2_node_class::AmiFamily;

const KIB: i64 = 1 << 10;

fn kube_memory(name: &str, request: &Ec2Request) -> i64 {
    node(name, request).overhead.kube_reserved.get("memory") / MIB
}

fn with(kubelet: Kubelet) -> Ec2Request {
    Ec2Request { kubelet, ..request() }
}

#[test]
fn the_kubelet_s_share_of_cpu_falls_with_the_number_of_cores() {
    let table = [1, 2, 4, 8, 16, 48, 96].map(|vcpus| reserved_cpu(vcpus * 1000));
    assert_eq!(table, [60, 70, 80, 90, 110, 190, 310]);
    assert_eq!(reserved_cpu(0), 0);
}

#[test]
fn an_m5_large_leaves_what_the_specification_works_out() {
    let m5 = node("m5.large", &request());
    assert_eq!(m5.overhead.kube_reserved.get("memory"), 574 * MIB);
    assert_eq!(m5.overhead.kube_reserved.get("ephemeral-storage"), GIB);
    assert_eq!(m5.overhead.eviction_threshold.get("memory"), 100 * MIB);
    let room = m5.allocatable();
    assert_eq!((room.get("memory"), room.get("cpu")), (6903 * MIB, 1930));
    assert_eq!(room.get("ephemeral-storage"), 17 * GIB, "20 less 1 for the kubelet less a tenth");
    assert_eq!(room.get("pods"), 29);
}

#[test]
fn a_t4g_small_leaves_what_the_specification_works_out() {
    let t4g = node("t4g.small", &request());
    assert_eq!(t4g.overhead.kube_reserved.get("memory"), 376 * MIB);
    assert_eq!(t4g.allocatable().get("memory"), 1359 * MIB);
}

/// What kubelets on real machines reported; more must never be promised.
#[test]
fn no_estimate_exceeds_what_real_nodes_have() {
    for (name, measured_kib) in
        [("t4g.small", 1_408_312), ("t4g.medium", 3_377_496), ("t4g.xlarge", 15_136_012), ("m5.large", 7_220_184)]
    {
        let estimate = node(name, &request()).allocatable().get("memory") / KIB;
        assert!(estimate <= measured_kib, "{name}: estimated {estimate}Ki, measured {measured_kib}Ki");
        assert!(
            estimate > measured_kib * 9 / 10,
            "{name}: estimated {estimate}Ki wastes over a tenth of {measured_kib}Ki"
        );
    }
}

#[test]
fn most_families_reserve_for_all_interfaces_whatever_the_limit_of_pods() {
    let reserving = |family| Ec2Request { reserved_enis: 1, ..request_of(family) };
    for (family, pods, memory) in [
        (AmiFamily::AL2, 24, 640),
        (AmiFamily::AL2023, 24, 640),
        (AmiFamily::Custom, 24, 640),
        (AmiFamily::Bottlerocket, 24, 519),
        (AmiFamily::Windows2022, 110, 1465),
    ] {
        let request = reserving(family);
        assert_eq!(node("t3.large", &request).capacity.get("pods"), pods, "{family:?}");
        assert_eq!(kube_memory("t3.large", &request), memory, "{family:?}");
    }
    let limited =
        |family| Ec2Request { kubelet: Kubelet { max_pods: Some(10), ..Kubelet::default() }, ..request_of(family) };
    assert_eq!(kube_memory("t3.large", &limited(AmiFamily::AL2023)), 11 * 35 + 255);
    assert_eq!(kube_memory("t3.large", &limited(AmiFamily::Bottlerocket)), 11 * 10 + 255);
}

#[test]
fn reservations_of_the_class_replace_the_defaults_one_by_one() {
    let kube_reserved = Resources::new().with("cpu", 200).with("pid", 1000);
    let system_reserved = Resources::new().with("memory", 128 * MIB);
    let m5 = node("m5.large", &with(Kubelet { kube_reserved, system_reserved, ..Kubelet::default() }));
    assert_eq!(m5.overhead.kube_reserved.get("cpu"), 200);
    assert_eq!(m5.overhead.kube_reserved.get("memory"), 574 * MIB);
    assert_eq!(m5.overhead.kube_reserved.get("pid"), 1000);
    assert_eq!(m5.allocatable().get("memory"), (6903 - 128) * MIB);
    assert_eq!(m5.allocatable().get("cpu"), 1800);
    assert!(!m5.allocatable().has("pid"), "pods cannot ask for what the machine does not count");
}

#[test]
fn eviction_is_an_amount_or_a_share_of_the_capacity_rounded_up() {
    let evicting = |memory, nodefs| {
        let kubelet = Kubelet { memory_available: memory, nodefs_available: nodefs, ..Kubelet::default() };
        node("m5.large", &with(kubelet)).overhead.eviction_threshold
    };
    let percent = |whole: i128| Some(Threshold::Percent(whole * 1_000_000_000));
    let memory = 7577 * MIB;
    assert_eq!(evicting(Some(Threshold::Bytes(GIB)), None).get("memory"), GIB);
    assert_eq!(evicting(percent(5), None).get("memory"), (memory * 5 + 99) / 100);
    assert_eq!(evicting(percent(0), percent(0)).get("memory"), 0);
    assert_eq!(evicting(percent(0), percent(0)).get("ephemeral-storage"), 0);
    let half = Threshold::Percent(500_000_000);
    assert_eq!(evicting(Some(half), None).get("memory"), (memory + 199) / 200);
    let untouched = evicting(None, percent(15));
    assert_eq!(untouched.get("memory"), 100 * MIB);
    assert_eq!(untouched.get("ephemeral-storage"), 3 * GIB);
}
