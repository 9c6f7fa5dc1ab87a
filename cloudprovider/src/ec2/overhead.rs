//! What of a machine is not for pods: reservations for kubelet and system, and what is kept free lest pods be evicted (the
//! Karpenter specification, aws-provider 3.3).

use crate::ec2::capacity::{eni_limited_pods, ephemeral_storage, memory, pods};
use crate::ec2::family::FamilyRules;
use crate::ec2::record::TypeRecord;
use crate::ec2::request::{Ec2Request, Threshold};
use dovetail_api::labels::resources as names;
use dovetail_scheduler::instance_type::Overhead;
use dovetail_scheduler::resources::Resources;

const MIB: i64 = 1 << 20;
const GIB: i64 = 1 << 30;
/// The kubelet's share of CPU: of the thousandths up to each bound, so many hundred-thousandths.
const CPU_SHARES: [(i64, i64); 4] = [(1_000, 6_000), (2_000, 1_000), (4_000, 500), (i64::MAX, 250)];
const KUBELET_MIB: i64 = 255;
const MIB_PER_POD: i64 = 11;
const EVICTION_MEMORY: i64 = 100 * MIB;
/// Ten per cent, in billionths of a per cent.
const EVICTION_STORAGE: Threshold = Threshold::Percent(10_000_000_000);

/// What is set aside on a machine of the type. Entries of the class replace the defaults one by one.
pub(crate) fn overhead(record: &TypeRecord, request: &Ec2Request, rules: &FamilyRules) -> Overhead {
    let kubelet = &request.kubelet;
    // The bootstrap scripts of these families go by the type's table of pods, whatever was reserved or set.
    let reserve_for =
        if rules.reserves_for_eni_pods { eni_limited_pods(record, request, 0) } else { pods(record, request, rules) };
    let mut kube_reserved = Resources::new()
        .with(names::CPU, reserved_cpu(i64::from(record.vcpus) * 1000))
        .with(names::MEMORY, (reserve_for * MIB_PER_POD + KUBELET_MIB) * MIB)
        .with(names::EPHEMERAL_STORAGE, GIB);
    kubelet.kube_reserved.iter().for_each(|(name, n)| kube_reserved.set(name.clone(), n));
    let eviction_threshold = Resources::new()
        .with(names::MEMORY, kubelet.memory_available.map_or(EVICTION_MEMORY, |t| t.of(memory(record, request))))
        .with(
            names::EPHEMERAL_STORAGE,
            kubelet.nodefs_available.unwrap_or(EVICTION_STORAGE).of(ephemeral_storage(record, request, rules)),
        );
    Overhead { kube_reserved, system_reserved: kubelet.system_reserved.clone(), eviction_threshold }
}

/// Thousandths of a core: 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest.
fn reserved_cpu(millis: i64) -> i64 {
    let mut from = 0;
    let mut reserved = 0;
    for (until, share) in CPU_SHARES {
        let span = millis.min(until) - from;
        if span <= 0 {
            break;
        }
        reserved += span * share / 100_000;
        from = until;
    }
    reserved
}

impl Threshold {
    /// The amount that a threshold comes to, rounded up.
    fn of(self, capacity: i64) -> i64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(billionths) => {
                let exact = i128::from(capacity) * billionths;
                let whole = exact.div_euclid(100_000_000_000) + i128::from(exact.rem_euclid(100_000_000_000) > 0);
                i64::try_from(whole).unwrap_or(i64::MAX)
            }
        }
    }
}

#[cfg(test)]
#[path = "overhead_tests.rs"]
mod tests;
