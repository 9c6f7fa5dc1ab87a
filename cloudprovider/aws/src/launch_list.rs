//! Which instance types a launch is left to choose from: filters one after another, each for a reason of its own, then the
//! cheapest sixty (spec aws-provider 5.2; v1.15 changes 6.4). Offerings are never changed, only left out.

use crate::capacity_type::{CapacityType, suits};
use dovetail_api::ec2_node_class::CapacityReservationType;
use dovetail_api::labels::{CAPACITY_TYPE, ZONE, aws, resources};
use dovetail_scheduler::instance_type::{InstanceType, Offering, Price};
use dovetail_scheduler::requirements::{Requirements, WellKnown};
use dovetail_scheduler::resources::Resources;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The most types that EC2 is asked about at once.
pub const MOST_TYPES: usize = 60;

/// What a launch list is made for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What the claim asks for.
    pub requirements: &'a Requirements,
    /// What its pods request.
    pub requests: &'a Resources,
    /// Label keys that a machine may have although nothing defines them.
    pub well_known: &'a WellKnown,
    /// Whether a claim whose `minValues` cannot be kept is given up (`MIN_VALUES_POLICY=Strict`).
    pub strict_min_values: bool,
}

/// Why no type is left; a lack of capacity all of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NothingLeft {
    /// None meets the claim and can be launched.
    #[error("no instance type that meets the claim's requirements and requests can be launched at the moment")]
    Filtered,
    /// Too few for the claim's `minValues`.
    #[error("the instance types that can be launched leave {left} values of {key}, and minValues asks for {asked}")]
    TooFewValues {
        /// The label.
        key: String,
        /// How many values there are.
        left: usize,
        /// How many there should be.
        asked: u32,
    },
}

type Types = Vec<Arc<InstanceType>>;

/// The types to launch one of, the cheapest first.
///
/// # Errors
/// If none is left, or too few for `minValues`.
pub fn launch_list(types: &[Arc<InstanceType>], wanted: &Wanted<'_>) -> Result<Types, NothingLeft> {
    let flexible = !wanted.requirements.has_min_values();
    let mut list = wanted.launchable(types);
    if wanted.allows(CapacityType::Reserved) {
        list = wanted.one_kind_of_reservation(list);
        list = wanted.fullest_reservations(list);
    }
    if flexible {
        list = without_exotic(list);
        list = wanted.without_dear_spot(list);
    }
    list.sort_by_cached_key(|t| {
        (t.cheapest(wanted.requirements, wanted.well_known).map_or(Price::MAX, |o| o.price), t.name.clone())
    });
    list.truncate(MOST_TYPES);
    if list.is_empty() {
        return Err(NothingLeft::Filtered);
    }
    match wanted.too_few_values(&list) {
        Some(lack) if wanted.strict_min_values => Err(lack),
        _ => Ok(list),
    }
}

impl Wanted<'_> {
    fn allows(&self, capacity_type: CapacityType) -> bool {
        self.requirements.get(CAPACITY_TYPE).is_none_or(|asked| asked.contains(capacity_type.as_str()))
    }

    fn suits(&self, offering: &Offering) -> bool {
        suits(offering, self.requirements, self.well_known)
    }

    fn launchable(&self, types: &[Arc<InstanceType>]) -> Types {
        let fits = |t: &Arc<InstanceType>| {
            self.requirements.compatible(&t.requirements, self.well_known).is_ok()
                && self.requests.fit(&t.allocatable())
                && t.offerings.iter().any(|o| self.suits(o))
        };
        types.iter().filter(|t| fits(t)).map(Arc::clone).collect()
    }

    /// EC2 launches into one kind of reservation at a time: the kind with the cheapest offering stays, and of blocks the
    /// cheapest one. Without any reservation that takes something in, nothing changes.
    fn one_kind_of_reservation(&self, list: Types) -> Types {
        let reserved = list.iter().flat_map(|t| &t.offerings).filter(|o| self.suits(o));
        let priced = reserved.filter_map(|o| Some((o.price, ReservationKind::of(o)?)));
        let Some((_, kind)) = priced.min() else { return list };
        let of_kind = |o: &Offering| ReservationKind::of(o) == Some(kind) && self.suits(o);
        let kept = keep(list, |_, o| of_kind(o));
        if kind != ReservationKind::Block {
            return kept;
        }
        let blocks = kept.iter().flat_map(|t| t.offerings.iter().map(move |o| (o.price, t.name.clone(), o)));
        let Some((_, name, cheapest)) = blocks.min_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1))) else { return kept };
        let cheapest = Arc::clone(&cheapest.requirements);
        keep(kept, |t, o| t.name == name && o.requirements == cheapest)
    }

    /// Of several reservations in a zone the one that takes most in stays, since a fleet cannot try one after another.
    fn fullest_reservations(&self, list: Types) -> Types {
        let best = |t: &InstanceType| -> BTreeMap<String, Arc<Requirements>> {
            let mut best: BTreeMap<String, &Offering> = BTreeMap::new();
            for offering in &t.offerings {
                let Some(zone) = offering.requirements.get(ZONE).and_then(|zone| zone.single()) else { continue };
                if CapacityType::of(offering) != Some(CapacityType::Reserved) || !self.suits(offering) {
                    continue;
                }
                let known = best.entry(zone.to_string()).or_insert(offering);
                if offering.reservation_capacity > known.reservation_capacity {
                    *known = offering;
                }
            }
            best.into_iter().map(|(zone, offering)| (zone, Arc::clone(&offering.requirements))).collect()
        };
        let chosen: BTreeMap<_, _> = list.iter().map(|t| (t.name.clone(), best(t))).collect();
        if chosen.values().all(BTreeMap::is_empty) {
            return list;
        }
        keep(list, |t, o| chosen.get(&t.name).is_some_and(|best| best.values().any(|r| *r == o.requirements)))
    }

    /// Spot machines that cost more than the cheapest one at the listed price are pointless.
    fn without_dear_spot(&self, list: Types) -> Types {
        let of = |way: CapacityType| move |o: &&Offering| CapacityType::of(o) == Some(way);
        let on_sale = || list.iter().flat_map(|t| &t.offerings).filter(|o| self.suits(o));
        let both = self.allows(CapacityType::Spot)
            && self.allows(CapacityType::OnDemand)
            && on_sale().any(|o| of(CapacityType::Spot)(&o));
        let listed = on_sale().filter(of(CapacityType::OnDemand)).map(|o| o.price).min();
        match listed {
            Some(listed) if both => keep(list, |_, o| !of(CapacityType::Spot)(&o) || o.price <= listed),
            _ => list,
        }
    }

    fn too_few_values(&self, list: &Types) -> Option<NothingLeft> {
        self.requirements.iter().find_map(|(key, requirement)| {
            let asked = requirement.min_values()?;
            let of_type = list.iter().filter_map(|t| t.requirements.get(key)?.listed());
            let values: BTreeSet<&str> = of_type.flatten().map(|v| &**v).filter(|v| requirement.contains(v)).collect();
            let lacks = u32::try_from(values.len()).is_ok_and(|left| left < asked);
            lacks.then(|| NothingLeft::TooFewValues { key: key.to_string(), left: values.len(), asked })
        })
    }
}

/// The types with those of their offerings that `stays` says; a type without any goes.
fn keep(list: Types, stays: impl Fn(&InstanceType, &Offering) -> bool) -> Types {
    let one = |t: Arc<InstanceType>| {
        if t.offerings.iter().all(|o| stays(&t, o)) {
            return (!t.offerings.is_empty()).then_some(t);
        }
        let offerings: Vec<Offering> = t.offerings.iter().filter(|o| stays(&t, o)).cloned().collect();
        (!offerings.is_empty()).then(|| Arc::new(InstanceType { offerings, ..(*t).clone() }))
    };
    list.into_iter().filter_map(one).collect()
}

/// Bare metal boots slowly and accelerators are dear: they are taken only where nothing else would do. A part of a GPU counts as
/// none among the resources, and so for Karpenter here; its label gives it away.
fn without_exotic(list: Types) -> Types {
    let accelerators = [resources::NVIDIA_GPU, resources::AMD_GPU, resources::HABANA_GAUDI, resources::AWS_NEURON];
    let exotic = |t: &InstanceType| {
        let size = t.name.split_once('.').map_or("", |(_, size)| size);
        let labelled = |key: &str| t.requirements.get(key).is_some_and(|count| count.single().is_some());
        size.contains("metal")
            || accelerators.iter().any(|device| t.capacity.get(device) > 0)
            || [aws::INSTANCE_GPU_COUNT, aws::INSTANCE_ACCELERATOR_COUNT].into_iter().any(labelled)
    };
    if list.iter().all(|t| exotic(t)) { list } else { list.into_iter().filter(|t| !exotic(t)).collect() }
}

/// The kinds of reservations that a launch can go into; of equally cheap ones the first is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ReservationKind {
    Default,
    Block,
    Interruptible,
}

impl ReservationKind {
    fn of(offering: &Offering) -> Option<Self> {
        let value = |key: &str| offering.requirements.get(key).and_then(|r| r.single()).map(|v| &**v);
        if CapacityType::of(offering) != Some(CapacityType::Reserved) {
            return None;
        }
        Some(match (value(aws::CAPACITY_RESERVATION_TYPE), value(aws::CAPACITY_RESERVATION_INTERRUPTIBLE)) {
            (Some(kind), _) if kind == CapacityReservationType::CapacityBlock.as_str() => Self::Block,
            (_, Some("true")) => Self::Interruptible,
            _ => Self::Default,
        })
    }
}

#[cfg(test)]
#[path = "launch_list/tests.rs"]
mod tests;
