//! How a machine is paid for, and which way of several a launch takes (spec aws-provider 5.3, v1.15 changes 6.4).

use dovetail_api::labels::{CAPACITY_TYPE, CAPACITY_TYPE_ON_DEMAND, CAPACITY_TYPE_RESERVED, CAPACITY_TYPE_SPOT};
use dovetail_scheduler::instance_type::{InstanceType, Offering};
use dovetail_scheduler::requirement::Requirement;
use dovetail_scheduler::requirements::{Requirements, WellKnown};
use std::fmt;
use std::sync::Arc;

/// How a machine is paid for; the one to be preferred comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CapacityType {
    /// It is paid for already.
    Reserved,
    /// Cheap, and may be taken back.
    Spot,
    /// At the listed price.
    OnDemand,
}

impl CapacityType {
    const PREFERENCE: [Self; 3] = [Self::Reserved, Self::Spot, Self::OnDemand];

    /// The value of the label `karpenter.sh/capacity-type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => CAPACITY_TYPE_RESERVED,
            Self::Spot => CAPACITY_TYPE_SPOT,
            Self::OnDemand => CAPACITY_TYPE_ON_DEMAND,
        }
    }

    /// The capacity type that the label's value names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::PREFERENCE.into_iter().find(|way| way.as_str() == text)
    }

    /// The capacity type of an offering; none if it names none or several.
    #[must_use]
    pub fn of(offering: &Offering) -> Option<Self> {
        Self::parse(offering.requirements.get(CAPACITY_TYPE)?.single()?)
    }

    /// The way that a claim's machine is paid for: reserved if some type can be launched so, else spot if some can, else on
    /// demand. There is no second attempt within a launch; what was not to be had is not offered to the next one.
    #[must_use]
    pub fn for_launch(requirements: &Requirements, types: &[Arc<InstanceType>], well_known: &WellKnown) -> Self {
        let allowed =
            |way: Self| requirements.get(CAPACITY_TYPE).is_none_or(|r: &Requirement| r.contains(way.as_str()));
        let to_be_had = |way: Self| {
            let mut offerings = types.iter().flat_map(|t| &t.offerings);
            offerings.any(|o| Self::of(o) == Some(way) && suits(o, requirements, well_known))
        };
        let mut ways = [Self::Reserved, Self::Spot].into_iter();
        ways.find(|way| allowed(*way) && to_be_had(*way)).unwrap_or(Self::OnDemand)
    }
}

impl fmt::Display for CapacityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a machine for the requirements can be launched out of the offering.
pub(crate) fn suits(offering: &Offering, requirements: &Requirements, well_known: &WellKnown) -> bool {
    offering.launchable() && requirements.compatible(&offering.requirements, well_known).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{kind, offering, requires, reserved};

    fn way(requirements: &Requirements, types: &[Arc<InstanceType>]) -> CapacityType {
        CapacityType::for_launch(requirements, types, &dovetail_cloudprovider::ec2::well_known())
    }

    #[test]
    fn reserved_capacity_goes_before_spot_and_spot_before_the_listed_price() {
        let all = [kind(
            "m5.large",
            vec![offering("spot", "a", 0.03), offering("on-demand", "a", 0.1), reserved("cr-1", "a", 1)],
        )];
        assert_eq!(way(&requires(&[]), &all), CapacityType::Reserved);
        let not_reserved = requires(&[("karpenter.sh/capacity-type", &["spot", "on-demand"])]);
        assert_eq!(way(&not_reserved, &all), CapacityType::Spot);
        assert_eq!(way(&requires(&[("karpenter.sh/capacity-type", &["on-demand"])]), &all), CapacityType::OnDemand);
    }

    #[test]
    fn what_cannot_be_launched_is_no_reason() {
        let full = [kind("m5.large", vec![reserved("cr-1", "a", 0), offering("on-demand", "a", 0.1)])];
        assert_eq!(way(&requires(&[]), &full), CapacityType::OnDemand, "a full reservation takes nothing in");
        let elsewhere = [kind("m5.large", vec![offering("spot", "b", 0.03), offering("on-demand", "a", 0.1)])];
        let here = requires(&[("topology.kubernetes.io/zone", &["a"])]);
        assert_eq!(way(&here, &elsewhere), CapacityType::OnDemand);
        let mut gone = offering("spot", "a", 0.03);
        gone.available = false;
        assert_eq!(way(&requires(&[]), &[kind("m5.large", vec![gone])]), CapacityType::OnDemand);
    }
}
