//! Whether machines of a type can be made as a node class wants them. If not, the type stays listed and its offerings are
//! not available (the Karpenter specification, aws-provider 3.4, and v1.15 changes 10.3 for enclaves).

use crate::ec2::record::{Network, Placement, TypeRecord};
use crate::ec2::request::{Ec2Request, Interface, PlacementStrategy};
use dovetail_api::ec2_node_class::AmiFamily;

/// Whether a machine of the type can be made as the request says.
pub(crate) fn compatible(record: &TypeRecord, request: &Ec2Request) -> bool {
    let boots = request.family != AmiFamily::AL2023 || !record.name.starts_with("a1.");
    let wired = request
        .network_interfaces
        .as_ref()
        .is_none_or(|interfaces| takes(&record.network, interfaces, request.ip_prefix_count));
    let placed = request.placement_group.as_ref().is_none_or(|group| supports(record.placement, group.strategy));
    // Metal has no hypervisor and is left out, although EC2 might accept it: better one type too few than a launch that
    // fails.
    let tracked = !request.connection_tracking || record.hypervisor.as_deref() == Some("nitro");
    boots
        && wired
        && placed
        && tracked
        && (!request.enclaves || record.enclaves)
        && (!request.nested_virtualization || record.nested_virtualization)
}

fn takes(network: &Network, interfaces: &[Interface], prefixes: u32) -> bool {
    let has_place = |i: &Interface| network.cards.iter().any(|c| c.index == i.card && i.device < c.interfaces);
    // The interface's own address takes one of its places.
    let prefixes_fit = prefixes == 0 || prefixes < network.ipv4_per_interface;
    let efa = interfaces.iter().filter(|i| i.efa_only).count();
    let efa_fits = efa == 0 || network.efa_interfaces.is_some_and(|most| u32::try_from(efa).is_ok_and(|n| n <= most));
    network.ena && efa_fits && interfaces.iter().all(|i| has_place(i) && (i.efa_only || prefixes_fit))
}

const fn supports(placement: Placement, strategy: PlacementStrategy) -> bool {
    match strategy {
        PlacementStrategy::Cluster => placement.cluster,
        PlacementStrategy::Partition(_) => placement.partition,
        PlacementStrategy::Spread => placement.spread,
    }
}

#[cfg(test)]
#[path = "compatibility_tests.rs"]
mod tests;
