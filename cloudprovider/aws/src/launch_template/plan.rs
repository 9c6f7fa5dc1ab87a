//! Which launch templates a claim's launch needs: its types are grouped by what a template must say differently for them,
//! one template a group (spec aws-provider 5.5).

use super::interfaces::interfaces;
use super::metadata::metadata;
use super::volumes::volumes;
use super::{LaunchTemplate, Market, ReservationChoice, TemplateData};
use crate::amis;
use crate::capacity_type::{CapacityType, suits};
use crate::claim_terms::{tenancy, wants_efa};
use crate::cluster::Cluster;
use crate::kubelet::{Kubelet, KubeletFieldError};
use crate::node_identity;
use crate::placement::partition;
use crate::tags::Tags;
use crate::user_data::{self, BottlerocketVersion, UserDataError};
use dovetail_api::ec2_node_class::{
    CapacityReservationType, EC2NodeClass, EC2NodeClassStatus, InstanceStorePolicy, Toggle,
};
use dovetail_api::labels::aws;
use dovetail_api::labels::resources::{EFA, PODS};
use dovetail_api::node_claim::NodeClaim;
use dovetail_cloudprovider::ec2::{PlacementGroup, PlacementStrategy};
use dovetail_scheduler::instance_type::{InstanceType, Offering};
use dovetail_scheduler::requirements::{Requirements, WellKnown};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that a launch's templates follow from.
#[derive(Clone, Copy, Debug)]
pub struct LaunchInput<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The node class, with what was found for it.
    pub class: &'a EC2NodeClass,
    /// The claim.
    pub claim: &'a NodeClaim,
    /// What the claim asks for.
    pub requirements: &'a Requirements,
    /// The types that are left to choose from.
    pub types: &'a [Arc<InstanceType>],
    /// How the machine is to be paid for.
    pub capacity_type: CapacityType,
    /// The tags of everything that is launched.
    pub tags: &'a Tags,
    /// The class's placement group, if it has one.
    pub placement_group: Option<&'a PlacementGroup>,
    /// Whether the gate ReservedCapacity is on.
    pub reserved_capacity: bool,
    /// Label keys that a machine may have although nothing defines them.
    pub well_known: &'a WellKnown,
}

/// A template, and the types that are launched with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The template.
    pub template: LaunchTemplate,
    /// The types, in the order of the launch list.
    pub types: Vec<Arc<InstanceType>>,
    /// The reservation that it goes into, by id, when capacity is reserved.
    pub reservation: Option<String>,
}

/// Why a launch has no templates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No image fits any of the types.
    #[error("no AMI in the status of EC2NodeClass {class} fits any of the instance types {types}")]
    NoImage {
        /// The class's name.
        class: String,
        /// The first of the types.
        types: String,
    },
    /// The class has no instance profile yet.
    #[error("EC2NodeClass {0} has no instance profile in its status yet")]
    NoInstanceProfile(String),
    /// The kubelet's configuration cannot be passed on.
    #[error(transparent)]
    Kubelet(#[from] KubeletFieldError),
    /// User data cannot be made.
    #[error(transparent)]
    UserData(#[from] UserDataError),
}

/// What a template must say differently. The order decides that of the templates.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    /// Place of the image in the class's status.
    image: usize,
    efa: i32,
    pods: u32,
    reservation: Option<Reserved>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reserved {
    id: String,
    block: bool,
    interruptible: bool,
}

impl Reserved {
    fn of(offering: &Offering) -> Option<Self> {
        let value = |key: &str| offering.requirements.get(key)?.single();
        Some(Self {
            id: value(aws::CAPACITY_RESERVATION_ID)?.to_string(),
            block: value(aws::CAPACITY_RESERVATION_TYPE).map(|v| &**v)
                == Some(CapacityReservationType::CapacityBlock.as_str()),
            interruptible: value(aws::CAPACITY_RESERVATION_INTERRUPTIBLE).map(|v| &**v) == Some("true"),
        })
    }
}

/// The templates of a launch, each with its types. A type that no image fits is left out; that is no error as long as another
/// one is left.
///
/// # Errors
/// If the class is not ready for any of the types, or its settings cannot be passed on.
pub fn plan(input: &LaunchInput<'_>) -> Result<Vec<Planned>, PlanError> {
    let nothing = EC2NodeClassStatus::default();
    let status = input.class.status.as_ref().unwrap_or(&nothing);
    let wants_efa = wants_efa(input.claim);
    let mut groups: BTreeMap<Group, Vec<Arc<InstanceType>>> = BTreeMap::new();
    for instance_type in input.types {
        let Some(image) = amis::index_for_type(&status.amis, instance_type, input.well_known) else { continue };
        let number = |resource: &str| i32::try_from(instance_type.capacity.get(resource)).unwrap_or(i32::MAX).max(0);
        let efa = if wants_efa { number(EFA) } else { 0 };
        for reservation in reservations(input, instance_type) {
            let group = Group { image, efa, pods: number(PODS).unsigned_abs(), reservation };
            groups.entry(group).or_default().push(Arc::clone(instance_type));
        }
    }
    if groups.is_empty() {
        let mut types: Vec<&str> = input.types.iter().take(5).map(|t| &*t.name).collect();
        if input.types.len() > types.len() {
            types.push("...");
        }
        return Err(PlanError::NoImage { class: class_name(input.class), types: types.join(", ") });
    }
    let mut planned: Vec<Planned> = Vec::with_capacity(groups.len());
    for (group, types) in groups {
        let template = LaunchTemplate::new(data(input, status, &group)?, input.tags.clone());
        // What sets types apart may come to the same in the end, as the number of pods does if the class names one.
        match planned.iter_mut().find(|known| known.template.name == template.name) {
            Some(known) => known.types.extend(types),
            None => planned.push(Planned { template, types, reservation: group.reservation.map(|r| r.id) }),
        }
    }
    Ok(planned)
}

/// The reservations that a machine of the type can be launched into, or one `None` for a launch outside of any.
fn reservations(input: &LaunchInput<'_>, instance_type: &InstanceType) -> Vec<Option<Reserved>> {
    if input.capacity_type != CapacityType::Reserved {
        return vec![None];
    }
    let reserved = instance_type.offerings.iter().filter(|o| {
        CapacityType::of(o) == Some(CapacityType::Reserved) && suits(o, input.requirements, input.well_known)
    });
    let mut all: Vec<Option<Reserved>> = reserved.filter_map(|o| Reserved::of(o).map(Some)).collect();
    all.sort();
    all.dedup();
    all
}

fn data(input: &LaunchInput<'_>, status: &EC2NodeClassStatus, group: &Group) -> Result<TemplateData, PlanError> {
    let (spec, cluster) = (&input.class.spec, input.cluster);
    let ami = status.amis.get(group.image).expect("the place was found in this very list");
    let profile = status.instance_profile.as_ref().or(spec.instance_profile.as_ref());
    let groups: Vec<String> = status.security_groups.iter().map(|group| group.id.clone()).collect();
    let spot = (input.capacity_type == CapacityType::Spot).then_some("spot-instances-request");
    let tagged = ["network-interface"].into_iter().chain(spot);
    Ok(TemplateData {
        image_id: ami.id.clone(),
        user_data: user_data::encode(&user_data(input, status, group.pods)?),
        instance_profile: profile.cloned().ok_or_else(|| PlanError::NoInstanceProfile(class_name(input.class)))?,
        volumes: volumes(spec),
        metadata: metadata(spec, cluster),
        interfaces: interfaces(spec, &groups, group.efa, cluster.is_ipv6()),
        detailed_monitoring: spec.detailed_monitoring.unwrap_or(false),
        nested_virtualization: spec.cpu_options.as_ref().and_then(|cpu| cpu.nested_virtualization).map(Toggle::as_str),
        enclaves: spec.enclave_options.as_ref().is_some_and(|enclaves| enclaves.enabled),
        tenancy: tenancy(input.requirements),
        placement_group: input.placement_group.map(|group| group.id.clone()),
        partition: match input.placement_group.map(|group| group.strategy) {
            Some(PlacementStrategy::Partition(_)) => partition(input.requirements),
            _ => None,
        },
        reservation: input.reserved_capacity.then(|| match &group.reservation {
            Some(reserved) => ReservationChoice::Only(reserved.id.clone()),
            None => ReservationChoice::Never,
        }),
        market: match &group.reservation {
            Some(reserved) if input.reserved_capacity && reserved.block => Some(Market::CapacityBlock),
            Some(reserved) if input.reserved_capacity && reserved.interruptible => Some(Market::Interruptible),
            _ => None,
        },
        tags: tagged.map(|kind| (kind, input.tags.clone())).collect(),
    })
}

fn user_data(input: &LaunchInput<'_>, status: &EC2NodeClassStatus, pods: u32) -> Result<String, PlanError> {
    let spec = &input.class.spec;
    let family = spec.effective_ami_family();
    let found = status.amis.iter().map(|ami| (ami.id.as_str(), ami.name.as_deref().unwrap_or_default()));
    let version = BottlerocketVersion::of(&spec.ami_selector_terms, found);
    Ok(user_data::text(&user_data::Request {
        family,
        cluster: input.cluster,
        kubelet: &Kubelet::resolve(spec.kubelet.as_ref(), pods, input.cluster.dns)?,
        labels: &node_identity::labels(input.claim, input.capacity_type.as_str(), family),
        taints: &node_identity::taints(input.claim),
        raid0: spec.instance_store_policy == Some(InstanceStorePolicy::RAID0),
        custom: spec.user_data.as_deref(),
        bottlerocket: version.as_ref(),
    })?)
}

fn class_name(class: &EC2NodeClass) -> String {
    class.metadata.name.clone().unwrap_or_default()
}
