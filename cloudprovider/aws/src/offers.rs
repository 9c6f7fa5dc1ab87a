//! What of the catalogue is on offer right now: not what EC2 has just refused, and nothing in zones that ARC shifts away from
//! (spec aws-provider 4.1, 4.2, 4.6; v1.15 changes 6.4). Everything stays listed, so that it can be said why it is not bought.

use crate::capacity_type::CapacityType;
use crate::unavailable::{Question, Unavailable};
use dovetail_api::ec2_node_class::Subnet;
use dovetail_api::labels::{ZONE, aws};
use dovetail_scheduler::instance_type::{InstanceType, Offering};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What offerings are held against.
#[derive(Clone, Copy, Debug)]
pub struct Market<'a> {
    /// What EC2 has refused.
    pub unavailable: &'a Unavailable,
    /// The class's subnets.
    pub subnets: &'a [Subnet],
    /// The class's placement group, by id.
    pub placement_group: Option<&'a str>,
    /// The zones that are shifted away from, by id.
    pub shifted_zones: &'a BTreeSet<String>,
    /// Now.
    pub now: Timestamp,
}

/// The types with what cannot be bought at the moment marked as not available. A type of which nothing changes is shared.
#[must_use]
pub fn on_offer(types: &[Arc<InstanceType>], market: &Market<'_>) -> Vec<Arc<InstanceType>> {
    let mut subnets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    market.subnets.iter().for_each(|subnet| subnets.entry(&subnet.zone).or_default().push(&subnet.id));
    let shifted: BTreeSet<&str> = market
        .subnets
        .iter()
        .filter(|subnet| subnet.zone_id.as_ref().is_some_and(|id| market.shifted_zones.contains(id)))
        .map(|subnet| subnet.zone.as_str())
        .collect();
    let refused = |name: &str, offering: &Offering| {
        let value = |key: &str| offering.requirements.get(key).and_then(|r| r.single()).map(|v| &**v);
        let (Some(zone), Some(capacity_type)) = (value(ZONE), CapacityType::of(offering)) else { return false };
        let zone_shifted =
            shifted.contains(zone) || value(aws::ZONE_ID).is_some_and(|id| market.shifted_zones.contains(id));
        zone_shifted
            || market.unavailable.has(
                &Question {
                    capacity_type,
                    instance_type: name,
                    zone,
                    group: market.placement_group,
                    partition: value(aws::PLACEMENT_GROUP_PARTITION).and_then(|n| n.parse().ok()),
                    reservation: value(aws::CAPACITY_RESERVATION_ID),
                    subnets: subnets.get(zone).map(Vec::as_slice).unwrap_or_default(),
                },
                market.now,
            )
    };
    let one = |t: &Arc<InstanceType>| {
        let gone: Vec<bool> = t.offerings.iter().map(|o| o.available && refused(&t.name, o)).collect();
        if !gone.contains(&true) {
            return Arc::clone(t);
        }
        let mut changed = (**t).clone();
        for (offering, gone) in changed.offerings.iter_mut().zip(gone) {
            offering.available = offering.available && !gone;
        }
        Arc::new(changed)
    };
    types.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{kind, offering, reserved};
    use crate::unavailable::{OfferingKey, Scope};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn subnet(zone: &str) -> Subnet {
        Subnet { id: format!("subnet-{zone}"), zone: zone.to_owned(), zone_id: Some(format!("id-{zone}")) }
    }

    fn available(types: &[Arc<InstanceType>], unavailable: &Unavailable, shifted: &[&str]) -> Vec<Vec<bool>> {
        let market = Market {
            unavailable,
            subnets: &[subnet("a"), subnet("b")],
            placement_group: None,
            shifted_zones: &shifted.iter().map(|id| (*id).to_owned()).collect(),
            now: NOW,
        };
        on_offer(types, &market).iter().map(|t| t.offerings.iter().map(|o| o.available).collect()).collect()
    }

    fn types() -> Vec<Arc<InstanceType>> {
        vec![
            kind(
                "m5.large",
                vec![offering("spot", "a", 0.1), offering("spot", "b", 0.1), offering("on-demand", "a", 0.2)],
            ),
            kind("c5.large", vec![reserved("cr-1", "a", 1), reserved("cr-2", "a", 0)]),
        ]
    }

    #[test]
    fn what_was_refused_is_listed_and_not_on_offer() {
        let mut refused = Unavailable::default();
        let mark = |capacity_type, instance_type: &str, scope| OfferingKey {
            capacity_type,
            instance_type: instance_type.to_owned(),
            zone: "a".to_owned(),
            scope,
        };
        refused.mark_offering(mark(CapacityType::Spot, "m5.large", Scope::All), NOW);
        refused.mark_offering(mark(CapacityType::Reserved, "c5.large", Scope::Reservation("cr-1".to_owned())), NOW);
        assert_eq!(available(&types(), &refused, &[]), [vec![false, true, true], vec![false, true]]);
    }

    #[test]
    fn a_zone_without_addresses_or_one_that_is_shifted_away_from_sells_nothing() {
        let mut refused = Unavailable::default();
        assert_eq!(available(&types(), &refused, &["id-a"]), [vec![false, true, false], vec![false, false]]);
        refused.mark_subnet("subnet-b", NOW);
        assert_eq!(available(&types(), &refused, &[]), [vec![true, false, true], vec![true, true]]);
    }

    #[test]
    fn types_of_which_nothing_changes_are_shared() {
        let types = types();
        let unavailable = Unavailable::default();
        let shifted = BTreeSet::from(["id-b".to_owned()]);
        let market = Market {
            unavailable: &unavailable,
            subnets: &[subnet("b")],
            placement_group: None,
            shifted_zones: &shifted,
            now: NOW,
        };
        let offered = on_offer(&types, &market);
        assert!(!Arc::ptr_eq(&offered[0], &types[0]) && Arc::ptr_eq(&offered[1], &types[1]));
        assert!(types[0].offerings[1].available, "the catalogue's own list stays as it was");
    }
}
