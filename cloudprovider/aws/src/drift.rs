//! Why a machine is no longer what its node class asks for (spec aws-provider 5.9). The reasons are looked for in order, and
//! the first one found counts.

use crate::class_hash::Annotations;
use dovetail_api::ec2_node_class::EC2NodeClassStatus;
use dovetail_api::labels::aws::{EC2_NODE_CLASS_HASH, EC2_NODE_CLASS_HASH_VERSION, PLACEMENT_GROUP_ID};
use dovetail_scheduler::instance_type::InstanceType;
use dovetail_scheduler::requirements::WellKnown;
use std::collections::{BTreeMap, BTreeSet};

/// A reason to replace a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// The class says something else about machines.
    NodeClass,
    /// The class would boot another image.
    Ami,
    /// The class has other security groups.
    SecurityGroup,
    /// The class no longer has the machine's subnet.
    Subnet,
    /// The class no longer has the machine's capacity reservation.
    CapacityReservation,
    /// The class has another placement group.
    PlacementGroup,
}

impl Drift {
    /// The reason as the claim's condition says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NodeClass => "NodeClassDrift",
            Self::Ami => "AMIDrift",
            Self::SecurityGroup => "SecurityGroupDrift",
            Self::Subnet => "SubnetDrift",
            Self::CapacityReservation => "CapacityReservationDrift",
            Self::PlacementGroup => "PlacementGroupDrift",
        }
    }
}

/// Why it cannot be said whether a machine has drifted. None of these is drift: a class whose resources are not known for a
/// moment must not replace every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotTell {
    /// The claim's type is not known.
    #[error("the claim's instance type is not known")]
    UnknownType,
    /// The class has no images.
    #[error("the node class's status lists no AMIs")]
    NoImages,
    /// The claim does not say which image it runs.
    #[error("the claim's status names no image")]
    NoImageId,
    /// The class has no security groups.
    #[error("the node class's status lists no security groups")]
    NoSecurityGroups,
    /// The class has no subnets.
    #[error("the node class's status lists no subnets")]
    NoSubnets,
}

/// A machine as EC2 describes it, as far as drift goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Its security groups, by id.
    pub security_groups: BTreeSet<String>,
    /// Its subnet, by id.
    pub subnet: String,
    /// The capacity reservation that it runs in, by id; none once it has been let go.
    pub reservation: Option<String>,
}

/// Whether the class's hash has changed. Hashes of different versions say nothing about each other.
#[must_use]
pub fn by_hash(claim: &Annotations, class: &Annotations) -> Option<Drift> {
    let both = |key: &str| claim.get(key).zip(class.get(key));
    let (own_version, version) = both(EC2_NODE_CLASS_HASH_VERSION)?;
    let (own, wanted) = both(EC2_NODE_CLASS_HASH)?;
    (own_version == version && own != wanted).then_some(Drift::NodeClass)
}

/// Whether a machine of the type would boot another image today.
///
/// # Errors
/// If the type, the class's images, or the machine's image are not known.
pub fn by_image(
    image: Option<&str>,
    instance_type: Option<&InstanceType>,
    status: &EC2NodeClassStatus,
    well_known: &WellKnown,
) -> Result<Option<Drift>, CannotTell> {
    let instance_type = instance_type.ok_or(CannotTell::UnknownType)?;
    if status.amis.is_empty() {
        return Err(CannotTell::NoImages);
    }
    let image = image.filter(|image| !image.is_empty()).ok_or(CannotTell::NoImageId)?;
    let wanted = crate::amis::for_type(&status.amis, instance_type, well_known);
    Ok((wanted.is_none_or(|wanted| wanted.id != image)).then_some(Drift::Ami))
}

/// What the machine itself says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is as the class wants it.
    Fits,
    /// It is not.
    Drifted(Drift),
    /// It seems to run in a reservation that the class does not have. What was read may be old: a machine that has been let
    /// go of its reservation has not drifted. It has to be read again, past every cache.
    ReadAgain,
}

/// Whether the machine is elsewhere than the class wants it. `fresh` says that the machine was read past every cache;
/// `labels` are the claim's; `placement_group` is the class's, by id.
///
/// # Errors
/// If the class's security groups or subnets are not known.
pub fn by_machine(
    machine: &Machine,
    fresh: bool,
    status: &EC2NodeClassStatus,
    labels: &BTreeMap<String, String>,
    placement_group: Option<&str>,
) -> Result<Finding, CannotTell> {
    if status.security_groups.is_empty() {
        return Err(CannotTell::NoSecurityGroups);
    }
    if status.subnets.is_empty() {
        return Err(CannotTell::NoSubnets);
    }
    let groups: BTreeSet<String> = status.security_groups.iter().map(|group| group.id.clone()).collect();
    if groups != machine.security_groups {
        return Ok(Finding::Drifted(Drift::SecurityGroup));
    }
    if status.subnets.iter().all(|subnet| subnet.id != machine.subnet) {
        return Ok(Finding::Drifted(Drift::Subnet));
    }
    let known = |id: &String| status.capacity_reservations.iter().any(|one| one.id == *id);
    if machine.reservation.as_ref().is_some_and(|id| !known(id)) {
        return Ok(if fresh { Finding::Drifted(Drift::CapacityReservation) } else { Finding::ReadAgain });
    }
    let own = labels.get(PLACEMENT_GROUP_ID).map(String::as_str).filter(|id| !id.is_empty());
    Ok(if own == placement_group { Finding::Fits } else { Finding::Drifted(Drift::PlacementGroup) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{class, kind};
    use dovetail_cloudprovider::ec2::well_known;
    use serde_json::json;

    fn status() -> EC2NodeClassStatus {
        let status = json!({
            "securityGroups": [{"id": "sg-1"}, {"id": "sg-2"}], "subnets": [{"id": "subnet-1", "zone": "a"}],
            "amis": [{"id": "ami-1", "requirements": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}]}],
            "capacityReservations": [{"id": "cr-1", "availabilityZone": "a", "instanceMatchCriteria": "open",
                "instanceType": "m5.large", "ownerID": "123456789012"}],
        });
        class(&json!({}), &status).status.expect("a status")
    }

    fn machine() -> Machine {
        let security_groups = ["sg-2", "sg-1"].map(str::to_owned).into();
        Machine { security_groups, subnet: "subnet-1".to_owned(), reservation: Some("cr-1".to_owned()) }
    }

    fn look(machine: &Machine, fresh: bool, label: Option<&str>, group: Option<&str>) -> Result<Finding, CannotTell> {
        let labels = label.iter().map(|id| (PLACEMENT_GROUP_ID.to_owned(), (*id).to_owned())).collect();
        by_machine(machine, fresh, &status(), &labels, group)
    }

    #[test]
    fn only_hashes_of_one_version_can_differ() {
        let hash = |hash: Option<&str>, version: Option<&str>| -> Annotations {
            let pairs = [(EC2_NODE_CLASS_HASH, hash), (EC2_NODE_CLASS_HASH_VERSION, version)];
            pairs.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?.to_owned()))).collect()
        };
        let class = hash(Some("1"), Some("v6"));
        assert_eq!(by_hash(&hash(Some("2"), Some("v6")), &class), Some(Drift::NodeClass));
        assert_eq!(by_hash(&hash(Some("1"), Some("v6")), &class), None);
        assert_eq!(by_hash(&hash(Some("2"), Some("v5")), &class), None);
        assert_eq!(by_hash(&hash(None, Some("v6")), &class), None);
        assert_eq!(by_hash(&hash(Some("2"), None), &class), None);
    }

    #[test]
    fn a_machine_that_would_boot_another_image_has_drifted() {
        let (status, machine) = (status(), kind("m5.large", vec![]));
        let look = |image, t, status: &EC2NodeClassStatus| by_image(image, t, status, &well_known());
        assert_eq!(look(Some("ami-1"), Some(&machine), &status), Ok(None));
        assert_eq!(look(Some("ami-0"), Some(&machine), &status), Ok(Some(Drift::Ami)));
        assert_eq!(look(Some("ami-1"), None, &status), Err(CannotTell::UnknownType));
        assert_eq!(look(None, Some(&machine), &status), Err(CannotTell::NoImageId));
        assert_eq!(look(Some("ami-1"), Some(&machine), &EC2NodeClassStatus::default()), Err(CannotTell::NoImages));
    }

    #[test]
    fn a_machine_stays_where_the_class_wants_it() {
        assert_eq!(look(&machine(), false, None, None), Ok(Finding::Fits));
        let moved = Machine { subnet: "subnet-2".to_owned(), ..machine() };
        assert_eq!(look(&moved, false, None, None), Ok(Finding::Drifted(Drift::Subnet)));
        let open = Machine { security_groups: ["sg-1".to_owned()].into(), ..moved };
        assert_eq!(
            look(&open, false, None, None),
            Ok(Finding::Drifted(Drift::SecurityGroup)),
            "the first reason counts"
        );
    }

    #[test]
    fn a_class_that_knows_nothing_replaces_nobody() {
        let mut unknown = status();
        unknown.subnets.clear();
        let look = |status: &EC2NodeClassStatus| by_machine(&machine(), true, status, &BTreeMap::new(), None);
        assert_eq!(look(&unknown), Err(CannotTell::NoSubnets));
        unknown.security_groups.clear();
        assert_eq!(look(&unknown), Err(CannotTell::NoSecurityGroups));
    }

    #[test]
    fn a_foreign_reservation_is_looked_at_twice() {
        let foreign = Machine { reservation: Some("cr-2".to_owned()), ..machine() };
        assert_eq!(look(&foreign, false, None, None), Ok(Finding::ReadAgain));
        assert_eq!(look(&foreign, true, None, None), Ok(Finding::Drifted(Drift::CapacityReservation)));
        let let_go = Machine { reservation: None, ..machine() };
        assert_eq!(look(&let_go, true, None, None), Ok(Finding::Fits));
    }

    #[test]
    fn a_machine_belongs_into_the_class_s_placement_group() {
        let group = |label, group| look(&machine(), true, label, group);
        assert_eq!(group(Some("pg-1"), Some("pg-1")), Ok(Finding::Fits));
        for (label, wanted) in [(Some("pg-1"), Some("pg-2")), (Some("pg-1"), None), (None, Some("pg-1"))] {
            assert_eq!(group(label, wanted), Ok(Finding::Drifted(Drift::PlacementGroup)));
        }
    }
}
