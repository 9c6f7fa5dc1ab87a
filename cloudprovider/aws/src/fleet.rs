//! Launching: what a fleet is asked for, as a value (spec aws-provider 5.6; v1.15 changes 6.4). What the answer means is
//! decided in [`answer`], under which token a request may be repeated in [`token`].

pub mod answer;
pub mod token;

use crate::capacity_type::{CapacityType, suits};
use crate::launch_template::{Market, Planned};
use crate::tags::Tags;
use dovetail_api::ec2_node_class::Subnet;
use dovetail_api::labels::annotations::{MIN_VALUES_RELAXED, PRICE_OVERLAY_APPLIED};
use dovetail_api::labels::{ZONE, aws};
use dovetail_api::node_claim::NodeClaim;
use dovetail_scheduler::instance_type::{InstanceType, Offering, Price};
use dovetail_scheduler::requirements::{Requirements, WellKnown};
use std::collections::BTreeMap;

/// EC2 is asked for the newest version of a launch template; there is only one.
pub const TEMPLATE_VERSION: &str = "$Latest";
/// EC2 takes no more overrides in one request. Karpenter sends them all, and such a launch fails.
pub const MOST_OVERRIDES: usize = 300;
/// The kinds of resources that get the tags of a launch.
pub const TAGGED: [&str; 3] = ["instance", "volume", "fleet"];

/// What a fleet of the type `instant` is asked for. Two requests that are equal can be sent as one for twice as many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetRequest {
    /// How the machine is paid for.
    pub capacity_type: CapacityType,
    /// What EC2 goes by when it chooses.
    pub strategy: Strategy,
    /// The market, where it is neither that of on-demand nor that of spot machines.
    pub market: Option<Market>,
    /// Passed to EC2 as it is.
    pub context: Option<String>,
    /// What may be launched with which template.
    pub configs: Vec<Config>,
    /// Tags of what is launched.
    pub tags: Tags,
    /// The placement group, by id, and the partition, if machines go into one.
    pub placement: Option<(String, Option<u32>)>,
}

/// What EC2 goes by when it chooses among the overrides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Spot: cheap, and not likely to be taken back.
    PriceCapacityOptimized,
    /// Spot: not likely to be taken back, by the priorities given.
    CapacityOptimizedPrioritized,
    /// On demand: the cheapest.
    LowestPrice,
    /// On demand: by the priorities given.
    Prioritized,
}

impl Strategy {
    /// The strategy as the EC2 API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PriceCapacityOptimized => "price-capacity-optimized",
            Self::CapacityOptimizedPrioritized => "capacity-optimized-prioritized",
            Self::LowestPrice => "lowest-price",
            Self::Prioritized => "prioritized",
        }
    }
}

/// A launch template and what may be launched with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Name of the launch template.
    pub template: String,
    /// Types and places, the cheapest first.
    pub overrides: Vec<Override>,
    /// The capacity reservation that the template names, by id.
    pub reservation: Option<String>,
}

/// A type in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The instance type.
    pub instance_type: String,
    /// The zone. It is sent so that errors name it.
    pub zone: String,
    /// The subnet, by id.
    pub subnet: String,
    /// The machine image.
    pub image: String,
    /// The price, which EC2 takes for a priority: less is better.
    pub price: Price,
}

/// Everything that a request follows from.
#[derive(Clone, Copy, Debug)]
pub struct FleetInput<'a> {
    /// The templates and their types.
    pub planned: &'a [Planned],
    /// What the claim asks for.
    pub requirements: &'a Requirements,
    /// The claim.
    pub claim: &'a NodeClaim,
    /// How the machine is to be paid for.
    pub capacity_type: CapacityType,
    /// The subnet to be used in each zone.
    pub subnets: &'a BTreeMap<&'a str, &'a Subnet>,
    /// `spec.context` of the node class.
    pub context: Option<&'a str>,
    /// Tags of what is launched.
    pub tags: &'a Tags,
    /// Label keys that a machine may have although nothing defines them.
    pub well_known: &'a WellKnown,
}

/// No type can be launched in any zone with a subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no capacity offerings are currently available: no instance type can be launched in a zone with a usable subnet"
)]
pub struct NoOfferings;

/// The request of a launch.
///
/// # Errors
/// If there is nothing to be launched. That is a lack of capacity: the claim should be thrown away.
pub fn request(input: &FleetInput<'_>) -> Result<FleetRequest, NoOfferings> {
    let mut configs: Vec<Config> = input.planned.iter().map(|planned| config(input, planned)).collect();
    cut(&mut configs);
    configs.retain(|config| !config.overrides.is_empty());
    let annotated = |key: &str| {
        input.claim.metadata.annotations.as_ref().and_then(|a| a.get(key)).is_some_and(|value| value == "true")
    };
    let first = configs.first().ok_or(NoOfferings)?;
    let data = input.planned.iter().find(|p| p.template.name == first.template).map(|p| &p.template.data);
    let prioritized = annotated(PRICE_OVERLAY_APPLIED);
    Ok(FleetRequest {
        capacity_type: input.capacity_type,
        strategy: match (input.capacity_type, prioritized) {
            (CapacityType::Spot, false) => Strategy::PriceCapacityOptimized,
            (CapacityType::Spot, true) => Strategy::CapacityOptimizedPrioritized,
            (_, false) => Strategy::LowestPrice,
            (_, true) => Strategy::Prioritized,
        },
        market: data.and_then(|data| data.market),
        context: input.context.filter(|_| !annotated(MIN_VALUES_RELAXED)).map(str::to_owned),
        placement: data.and_then(|data| Some((data.placement_group.clone()?, data.partition))),
        tags: input.tags.clone(),
        configs,
    })
}

impl FleetRequest {
    /// `DefaultTargetCapacityType`, as the EC2 API writes it.
    #[must_use]
    pub const fn default_target(&self) -> &'static str {
        match (self.capacity_type, self.market) {
            (CapacityType::Spot, _) => "spot",
            (CapacityType::Reserved, Some(Market::CapacityBlock)) => "capacity-block",
            (CapacityType::Reserved, Some(Market::Interruptible)) => "reserved-capacity",
            _ => "on-demand",
        }
    }

    /// The subnets that machines may be launched into, each once.
    #[must_use]
    pub fn subnets(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.overrides().map(|(_, one)| one.subnet.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn overrides(&self) -> impl Iterator<Item = (&Config, &Override)> {
        self.configs.iter().flat_map(|config| config.overrides.iter().map(move |one| (config, one)))
    }
}

fn config(input: &FleetInput<'_>, planned: &Planned) -> Config {
    // A partition group has an offering for each partition; the place is the same.
    let mut places: BTreeMap<(&str, &str), Price> = BTreeMap::new();
    for instance_type in &planned.types {
        for offering in instance_type.offerings.iter().filter(|o| belongs(input, planned, o)) {
            let Some(zone) = offering.requirements.get(ZONE).and_then(|zone| zone.single()) else { continue };
            let price = places.entry((&instance_type.name, zone)).or_insert(offering.price);
            *price = offering.price.min(*price);
        }
    }
    let one = |((instance_type, zone), price): ((&str, &str), Price)| {
        let subnet = input.subnets.get(zone)?.id.clone();
        let image = planned.template.data.image_id.clone();
        Some(Override { instance_type: instance_type.to_owned(), zone: zone.to_owned(), subnet, image, price })
    };
    let mut overrides: Vec<Override> = places.into_iter().filter_map(one).collect();
    overrides.sort_by_key(|one| one.price);
    Config { template: planned.template.name.clone(), overrides, reservation: planned.reservation.clone() }
}

fn belongs(input: &FleetInput<'_>, planned: &Planned, offering: &Offering) -> bool {
    let reservation = || offering.requirements.get(aws::CAPACITY_RESERVATION_ID).and_then(|id| id.single());
    CapacityType::of(offering) == Some(input.capacity_type)
        && suits(offering, input.requirements, input.well_known)
        && planned.reservation.as_deref().is_none_or(|id| reservation().is_some_and(|of| **of == *id))
}

/// Leaves the cheapest overrides, as many as EC2 takes.
fn cut(configs: &mut [Config]) {
    let mut prices: Vec<Price> = configs.iter().flat_map(|c| &c.overrides).map(|one| one.price).collect();
    if prices.len() <= MOST_OVERRIDES {
        return;
    }
    prices.sort_unstable();
    let dearest = prices.get(MOST_OVERRIDES - 1).copied().unwrap_or(Price::MAX);
    // Those below the limit all stay; of those at the limit as many as there is room for.
    let mut room = MOST_OVERRIDES - prices.iter().filter(|price| **price < dearest).count();
    for config in configs {
        config.overrides.retain(|one| {
            let at_limit = one.price == dearest;
            let stays = one.price < dearest || (at_limit && room > 0);
            room -= usize::from(at_limit && stays);
            stays
        });
    }
}

/// The least number of addresses that a machine of one of the types takes in each of the chosen subnets, by subnet.
#[must_use]
pub fn addresses_needed(request: &FleetRequest, types: &[std::sync::Arc<InstanceType>]) -> BTreeMap<String, i64> {
    let mut needed: BTreeMap<String, i64> = BTreeMap::new();
    for (_, one) in request.overrides() {
        let pods = types.iter().find(|t| *t.name == *one.instance_type).map(|t| t.capacity.get("pods"));
        let least = needed.entry(one.subnet.clone()).or_insert(i64::MAX);
        *least = pods.unwrap_or(0).min(*least);
    }
    needed
}

#[cfg(test)]
#[path = "fleet/tests.rs"]
mod tests;
