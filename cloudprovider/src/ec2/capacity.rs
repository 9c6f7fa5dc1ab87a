//! What a machine of a type has: CPU, memory, disk, pods and every extended resource (the Karpenter specification,
//! aws-provider 3.1). Exact integer arithmetic throughout. What of it is set aside is computed elsewhere.

use crate::ec2::family::FamilyRules;
use crate::ec2::record::{Architecture, TypeRecord};
use crate::ec2::request::Ec2Request;
use dovetail_api::labels::resources as names;
use dovetail_scheduler::resources::Resources;

const MIB: i64 = 1 << 20;
const GIB: i64 = 1 << 30;
/// A gigabyte as disks are sold.
const GB: i64 = 1_000_000_000;
/// What the kernel of arm64 machines keeps for contiguous allocations, in MiB.
const ARM_RESERVED_MIB: i64 = 64;
/// Pods of a node whose family does not count network interfaces.
const DEFAULT_PODS: i64 = 110;
/// Ephemeral storage where neither class nor family says anything, in GiB.
const DEFAULT_STORAGE_GIB: i64 = 20;

/// Everything that a machine of the type has. Extended resources that it does not have are left out.
pub(crate) fn capacity(record: &TypeRecord, request: &Ec2Request, rules: &FamilyRules) -> Resources {
    let gpus = |maker: &str| record.gpus.iter().filter(|g| g.manufacturer == maker).map(|g| i64::from(g.count)).sum();
    let devices = record.neurons.iter().map(|n| i64::from(n.count)).sum();
    let cores = record.neurons.iter().map(|n| i64::from(n.count) * i64::from(n.cores)).sum();
    let extended: [(&str, i64); 8] = [
        (names::NVIDIA_GPU, gpus("NVIDIA")),
        (names::AMD_GPU, gpus("AMD")),
        (names::HABANA_GAUDI, gpus("Habana")),
        (names::AWS_NEURON, devices),
        (names::AWS_NEURON_CORE, cores),
        (names::EFA, efa_interfaces(record, request)),
        (names::POD_ENI, i64::from(record.network.branch_interfaces)),
        (names::PRIVATE_IPV4_ADDRESS, private_addresses(record, rules)),
    ];
    let mut out = Resources::new()
        .with(names::CPU, i64::from(record.vcpus) * 1000)
        .with(names::MEMORY, memory(record, request))
        .with(names::EPHEMERAL_STORAGE, ephemeral_storage(record, request, rules))
        .with(names::PODS, pods(record, request, rules));
    extended.into_iter().filter(|(_, n)| *n > 0).for_each(|(name, n)| out.set(name, n));
    out
}

/// Memory in bytes: all of it less the kernel's share on arm64, less the hypervisor's share rounded up to a MiB. The latter
/// is taken off bare metal too, as Karpenter does.
pub(crate) fn memory(record: &TypeRecord, request: &Ec2Request) -> i64 {
    let whole = i64::try_from(record.memory_mib).unwrap_or(i64::MAX / MIB);
    let usable = if record.architecture == Architecture::Arm64 { whole - ARM_RESERVED_MIB } else { whole };
    usable.saturating_sub(request.vm_memory_overhead.of_mib(usable)).saturating_mul(MIB)
}

/// Bytes for images, logs and `emptyDir`s; the first source that says something counts.
pub(crate) fn ephemeral_storage(record: &TypeRecord, request: &Ec2Request, rules: &FamilyRules) -> i64 {
    let disks = record
        .disks
        .filter(|_| request.raid0)
        .map(|d| i64::try_from(d.total_gb).unwrap_or(i64::MAX).saturating_mul(GB));
    let devices = &request.block_devices;
    let root = || devices.iter().find(|d| d.root)?.bytes;
    let named = || match rules.ephemeral_device {
        Some(device) => devices.iter().find(|d| d.name.as_deref() == Some(device))?.bytes,
        // Nobody knows which device a custom image uses; the last one named is as good a guess as any.
        None => devices.last()?.bytes,
    };
    let default = || rules.default_ephemeral_gib().unwrap_or(DEFAULT_STORAGE_GIB) * GIB;
    disks.or_else(root).or_else(named).unwrap_or_else(default)
}

/// The most pods.
pub(crate) fn pods(record: &TypeRecord, request: &Ec2Request, rules: &FamilyRules) -> i64 {
    let most = match request.kubelet.max_pods {
        Some(n) => i64::from(n),
        None if rules.eni_limited_pods => eni_limited_pods(record, request, request.reserved_enis),
        None => DEFAULT_PODS,
    };
    match request.kubelet.pods_per_core {
        per_core if per_core > 0 && rules.pods_per_core => most.min(i64::from(per_core) * i64::from(record.vcpus)),
        _ => most,
    }
}

/// How many pods the addresses of the network interfaces are good for: those of the default card, less those reserved and
/// those that the class gives to EFA. Each interface needs one address itself; two pods use the host's network.
pub(crate) fn eni_limited_pods(record: &TypeRecord, request: &Ec2Request, reserved: u32) -> i64 {
    let network = &record.network;
    let all = network.cards.iter().find(|c| c.index == network.default_card).map_or(0, |c| i64::from(c.interfaces));
    let efa = request.network_interfaces.iter().flatten().filter(|i| i.efa_only && i.card == 0).count();
    let usable = all - i64::from(reserved) - i64::try_from(efa).unwrap_or(i64::MAX);
    if usable <= 0 { 0 } else { usable * (i64::from(network.ipv4_per_interface) - 1) + 2 }
}

fn efa_interfaces(record: &TypeRecord, request: &Ec2Request) -> i64 {
    match &request.network_interfaces {
        Some(interfaces) => i64::try_from(interfaces.iter().filter(|i| i.efa_only).count()).unwrap_or(i64::MAX),
        None => i64::from(record.network.efa_interfaces.unwrap_or(0)),
    }
}

/// Addresses for pods on Windows, which counts them as a resource.
fn private_addresses(record: &TypeRecord, rules: &FamilyRules) -> i64 {
    let windows = rules.windows_build.is_some() && record.architecture == Architecture::Amd64;
    if windows { i64::from(record.network.windows_ipv4_per_interface) - 1 } else { 0 }
}

#[cfg(test)]
#[path = "capacity_tests.rs"]
mod tests;
