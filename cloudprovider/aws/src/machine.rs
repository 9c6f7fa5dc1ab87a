//! Machines of EC2 as NodeClaims: which labels, resources and provider ID a claim gets from its machine, how a machine that is
//! only listed is read, and which machines nobody wants (spec aws-provider 2, 5.1, 9).

pub mod leaks;

use crate::capacity_type::CapacityType;
use crate::fleet::answer::Bought;
use crate::tags::Tags;
use dovetail_api::ec2_node_class::{CapacityReservationType, EC2NodeClass};
use dovetail_api::labels::resources::EFA;
use dovetail_api::labels::{CAPACITY_TYPE, NODEPOOL, ZONE, aws};
use dovetail_api::node_claim::{NodeClaim, NodeClaimStatus};
use dovetail_api::quantity::Quantity;
use dovetail_scheduler::instance_type::InstanceType;
use dovetail_scheduler::resources::{Resources, show};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use std::collections::BTreeMap;

/// A machine as EC2 lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Its id.
    pub id: String,
    /// Its type.
    pub instance_type: String,
    /// Its zone.
    pub zone: String,
    /// Its image.
    pub image: String,
    /// `pending`, `running`, `stopping`, `stopped`, `shutting-down` or `terminated`.
    pub state: String,
    /// When it was launched.
    pub launched: Timestamp,
    /// Its tags.
    pub tags: Tags,
    /// The id of the request that it answers, if it is spot.
    pub spot_request: Option<String>,
    /// The capacity reservation that it runs in, by id.
    pub reservation: Option<String>,
    /// Which reservations it may run in: `capacity-reservations-only`, `open`, `none`.
    pub reservation_preference: Option<String>,
    /// `capacity-block`, `interruptible-capacity-reservation`, `spot`, or nothing.
    pub lifecycle: Option<String>,
    /// `default` or `dedicated`; nothing is `default`.
    pub tenancy: String,
    /// Its placement group, by id.
    pub placement_group: Option<String>,
    /// Its partition, once EC2 has chosen it.
    pub partition: Option<u32>,
    /// How many of its interfaces carry fabric traffic.
    pub efa_interfaces: u32,
}

impl Instance {
    /// How it is paid for. A machine in an open reservation that it does not insist on counts as on demand.
    /// `reserved_capacity` is the gate.
    #[must_use]
    pub fn capacity_type(&self, reserved_capacity: bool) -> CapacityType {
        let insists = self.reservation_preference.as_deref() == Some("capacity-reservations-only");
        if self.spot_request.is_some() {
            CapacityType::Spot
        } else if reserved_capacity && insists && self.reservation.is_some() {
            CapacityType::Reserved
        } else {
            CapacityType::OnDemand
        }
    }

    /// Whether it is on its way out, or gone.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        matches!(self.state.as_str(), "shutting-down" | "terminated")
    }
}

/// The provider ID of a machine.
#[must_use]
pub fn provider_id(zone: &str, id: &str) -> String {
    format!("aws:///{zone}/{id}")
}

/// The machine's id in a provider ID, if it is one of EC2.
#[must_use]
pub fn instance_id(provider_id: &str) -> Option<&str> {
    let (_, place) = provider_id.rsplit_once(":///")?;
    place.rsplit_once('/').map(|(_, id)| id).filter(|id| !id.is_empty())
}

/// A machine's place in its reservation, as labels say it.
#[derive(Clone, Copy, Debug)]
struct Reserved<'a> {
    id: &'a str,
    block: bool,
    interruptible: bool,
}

/// What a claim's labels and status follow from.
struct Facts<'a> {
    id: &'a str,
    instance_type: &'a str,
    zone: &'a str,
    image: &'a str,
    capacity_type: CapacityType,
    tenancy: &'a str,
    reserved: Option<Reserved<'a>>,
    placement_group: Option<&'a str>,
    /// The partition, if the group has such: empty until EC2 has chosen one.
    partition: Option<String>,
    wants_efa: bool,
}

impl Facts<'_> {
    fn labels(&self, known: Option<&InstanceType>, class: Option<&EC2NodeClass>) -> BTreeMap<String, String> {
        let of_reservations =
            [aws::CAPACITY_RESERVATION_ID, aws::CAPACITY_RESERVATION_TYPE, aws::CAPACITY_RESERVATION_INTERRUPTIBLE];
        let mut labels: BTreeMap<String, String> = BTreeMap::new();
        for (key, requirement) in known.iter().flat_map(|t| t.requirements.iter()) {
            if let Some(value) = requirement.single().filter(|_| !of_reservations.contains(&&**key)) {
                labels.insert(key.to_string(), value.to_string());
            }
        }
        let mut set = |key: &str, value: &str| labels.insert(key.to_owned(), value.to_owned());
        set(dovetail_api::labels::INSTANCE_TYPE, self.instance_type);
        set(ZONE, self.zone);
        set(CAPACITY_TYPE, self.capacity_type.as_str());
        set(aws::INSTANCE_TENANCY, self.tenancy);
        let subnets = class.and_then(|class| class.status.as_ref()).into_iter().flat_map(|status| &status.subnets);
        if let Some(id) = subnets.filter(|s| s.zone == self.zone).find_map(|s| s.zone_id.as_deref()) {
            set(aws::ZONE_ID, id);
        }
        if let Some(reserved) = self.reserved {
            let kind = match reserved.block {
                true => CapacityReservationType::CapacityBlock,
                false => CapacityReservationType::Default,
            };
            set(aws::CAPACITY_RESERVATION_ID, reserved.id);
            set(aws::CAPACITY_RESERVATION_TYPE, kind.as_str());
            set(aws::CAPACITY_RESERVATION_INTERRUPTIBLE, if reserved.interruptible { "true" } else { "false" });
        }
        if let Some(group) = self.placement_group {
            set(aws::PLACEMENT_GROUP_ID, group);
        }
        if let Some(partition) = &self.partition {
            set(aws::PLACEMENT_GROUP_PARTITION, partition);
        }
        labels
    }

    fn status(&self, known: Option<&InstanceType>) -> NodeClaimStatus {
        let amounts = |resources: Resources| -> BTreeMap<String, Quantity> {
            let there = resources.iter().filter(|(name, n)| *n != 0 && (self.wants_efa || &***name != EFA));
            there.filter_map(|(name, n)| Some((name.to_string(), show(name, n).parse().ok()?))).collect()
        };
        NodeClaimStatus {
            provider_id: Some(provider_id(self.zone, self.id)),
            image_id: Some(self.image.to_owned()),
            capacity: known.map(|t| amounts(t.capacity.clone())),
            allocatable: known.map(|t| amounts(t.allocatable())),
            ..NodeClaimStatus::default()
        }
    }
}

/// What is known of a launch beside the machine itself.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// The class.
    pub class: &'a EC2NodeClass,
    /// The machine's type.
    pub instance_type: Option<&'a InstanceType>,
    /// The machine's tenancy.
    pub tenancy: &'a str,
    /// The placement group, by id, and whether it has partitions.
    pub placement_group: Option<(&'a str, bool)>,
    /// The partition that was asked for.
    pub partition: Option<u32>,
    /// Whether fabric adapters were asked for.
    pub wants_efa: bool,
}

/// The claim as it is once its machine has been bought: with the machine's labels over its own, and a status.
#[must_use]
pub fn launched(claim: &NodeClaim, bought: &Bought, launch: &Launch<'_>) -> NodeClaim {
    let reservations = launch.class.status.iter().flat_map(|status| &status.capacity_reservations);
    let reservation = bought.reservation.as_ref().and_then(|id| reservations.into_iter().find(|one| one.id == *id));
    let facts = Facts {
        id: &bought.id,
        instance_type: &bought.instance_type,
        zone: &bought.zone,
        image: &bought.image,
        capacity_type: bought.capacity_type,
        tenancy: launch.tenancy,
        reserved: bought.reservation.as_deref().map(|id| Reserved {
            id,
            block: reservation.is_some_and(|one| one.reservation_type == CapacityReservationType::CapacityBlock),
            interruptible: reservation.is_some_and(|one| one.interruptible),
        }),
        placement_group: launch.placement_group.map(|(id, _)| id),
        partition: launch
            .placement_group
            .filter(|(_, partitions)| *partitions)
            .map(|_| launch.partition.map(|n| n.to_string()).unwrap_or_default()),
        wants_efa: launch.wants_efa || launch.class.spec.network_interfaces.is_some(),
    };
    let mut claim = claim.clone();
    let labels = facts.labels(launch.instance_type, Some(launch.class));
    claim.metadata.labels.get_or_insert_default().extend(labels);
    claim.status = Some(facts.status(launch.instance_type));
    claim
}

/// A machine that is only listed, as a claim. What is not known of its type or class is left out: one machine that cannot be
/// understood must not hide the others. `reserved_capacity` is the gate.
#[must_use]
pub fn listed(
    instance: &Instance,
    known: Option<&InstanceType>,
    class: Option<&EC2NodeClass>,
    reserved_capacity: bool,
) -> NodeClaim {
    let capacity_type = instance.capacity_type(reserved_capacity);
    let lifecycle = instance.lifecycle.as_deref();
    let reservation = instance.reservation.as_deref().filter(|_| capacity_type == CapacityType::Reserved);
    let facts = Facts {
        id: &instance.id,
        instance_type: &instance.instance_type,
        zone: &instance.zone,
        image: &instance.image,
        capacity_type,
        tenancy: if instance.tenancy.is_empty() { aws::TENANCY_DEFAULT } else { &instance.tenancy },
        reserved: reservation.map(|id| Reserved {
            id,
            block: lifecycle == Some("capacity-block"),
            interruptible: lifecycle == Some("interruptible-capacity-reservation"),
        }),
        placement_group: instance.placement_group.as_deref(),
        partition: instance.partition.map(|n| n.to_string()),
        wants_efa: instance.efa_interfaces > 0,
    };
    let mut claim = NodeClaim { status: Some(facts.status(known)), ..NodeClaim::default() };
    let mut labels = facts.labels(known, class);
    if let Some(pool) = instance.tags.get(aws::TAG_NODEPOOL) {
        labels.insert(NODEPOOL.to_owned(), pool.clone());
    }
    claim.metadata.name = instance.tags.get(aws::TAG_NODECLAIM).cloned();
    claim.metadata.labels = Some(labels);
    claim.metadata.creation_timestamp = Some(Time(instance.launched));
    claim.metadata.deletion_timestamp = instance.is_ending().then_some(Time(instance.launched));
    claim
}

/// What a registering node waits for, where EC2 chooses its partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Nothing.
    Proceed,
    /// The machine has to be read, past every cache.
    ReadMachine,
    /// Its partition is this one: the label is set, and the node may register.
    SetPartition(String),
}

/// Whether a node may register. `partition` is the machine's, if it has been read and has one; a claim whose label of the
/// partition is empty waits for it (spec aws-provider 2).
#[must_use]
pub fn registration(claim: &NodeClaim, partition: Option<u32>) -> Registration {
    let label = claim.metadata.labels.as_ref().and_then(|labels| labels.get(aws::PLACEMENT_GROUP_PARTITION));
    match (label.map(String::as_str), partition) {
        (Some(""), Some(partition)) => Registration::SetPartition(partition.to_string()),
        (Some(""), None) => Registration::ReadMachine,
        _ => Registration::Proceed,
    }
}

#[cfg(test)]
#[path = "machine/tests.rs"]
mod tests;
