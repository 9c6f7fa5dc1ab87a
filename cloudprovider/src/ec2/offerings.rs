//! Where and how each type can be bought, and at what price (the Karpenter specification, aws-provider 4.1 to 4.5, and v1.15
//! changes 6.4).
//!
//! On demand the price is that of the region, or of us-east-1 where the region's is not known. Spot prices change by the
//! hour and are estimated from what the spot advisor says that spot saves; where it says nothing, the price on demand
//! stands in. What is sold out at the moment is not known here.

use crate::ec2::labels::truth;
use crate::ec2::record::{RegionRecord, TypeRecord};
use crate::ec2::request::{Ec2Request, PlacementStrategy, Reservation, Zone};
use dovetail_api::labels::{self, aws};
use dovetail_scheduler::instance_type::{Offering, Price};
use dovetail_scheduler::requirement::{Name, Requirement};
use dovetail_scheduler::requirements::Requirements;
use std::sync::Arc;

/// The region whose prices stand in for those that are not known.
pub(crate) const HOME: &str = "us-east-1";

/// Reserved capacity is paid for already. Its price is the price on demand divided by this: next to nothing, but enough to
/// tell the smaller type from the larger.
const RESERVED_DISCOUNT: f64 = 10_000_000.0;

/// A region as one request sees it.
pub(crate) struct Market<'a> {
    region: &'a RegionRecord,
    home: Option<&'a RegionRecord>,
    request: &'a Ec2Request,
    /// The zones that the request may use, as bits in the order of the region's.
    usable: u64,
    /// For each zone of the region, how buying there on demand and as spot is written down.
    ways: Vec<[Arc<Requirements>; 2]>,
}

impl<'a> Market<'a> {
    pub(crate) fn new(region: &'a RegionRecord, home: Option<&'a RegionRecord>, request: &'a Ec2Request) -> Self {
        let named = |zone: &str| request.zones.iter().flatten().find(|z| z.name == zone);
        let usable = |zone: &String| request.zones.is_none() || named(zone).is_some();
        let usable = region.zones.iter().enumerate().filter(|(_, z)| usable(z)).fold(0, |m, (bit, _)| m | 1 << bit);
        let way = |zone: &str, capacity_type: &str| {
            let mut way = place(zone, named(zone), capacity_type);
            for key in
                [aws::CAPACITY_RESERVATION_ID, aws::CAPACITY_RESERVATION_TYPE, aws::CAPACITY_RESERVATION_INTERRUPTIBLE]
            {
                way.replace(Name::from(key), Requirement::absent());
            }
            Arc::new(way)
        };
        let both = |zone: &String| [way(zone, labels::CAPACITY_TYPE_ON_DEMAND), way(zone, labels::CAPACITY_TYPE_SPOT)];
        Self { region, home, request, usable, ways: region.zones.iter().map(both).collect() }
    }

    /// The zones where the type is offered and the request may use it.
    pub(crate) fn open_zones(&self, number: usize) -> impl Iterator<Item = &'a str> + use<'a> {
        let open = self.open(number);
        self.region.zones.iter().enumerate().filter(move |(bit, _)| open >> bit & 1 == 1).map(|(_, zone)| zone.as_str())
    }

    fn open(&self, number: usize) -> u64 {
        self.usable & self.region.offered.get(number).copied().unwrap_or(0)
    }

    /// Every way to buy the type: in each zone of the region on demand and as spot, then out of each reservation. Those that
    /// cannot be used stay listed as not available. In a partition placement group each is there once per partition.
    pub(crate) fn offerings(&self, number: usize, record: &TypeRecord, compatible: bool) -> Vec<Offering> {
        let open = self.open(number);
        let on_demand = on_demand_price(self.region, self.home, number);
        let prices =
            [record.on_demand.then_some(on_demand), record.spot.then(|| spot_price(self.region, self.home, number))];
        let reservations: Vec<&Reservation> =
            self.request.reservations.iter().filter(|r| r.instance_type == record.name).collect();
        let mut out = Vec::with_capacity(self.ways.len() * 2 + reservations.len());
        for (bit, ways) in self.ways.iter().enumerate() {
            for (way, price) in ways.iter().zip(prices) {
                let Some(price) = price else { continue };
                out.push(Offering {
                    requirements: Arc::clone(way),
                    // Without a price it is not on sale, unless an overlay names one.
                    price: price.unwrap_or(Price::MAX),
                    available: compatible && open >> bit & 1 == 1,
                    reservation_capacity: None,
                });
            }
        }
        out.extend(reservations.into_iter().map(|r| self.reserved(r, open, on_demand, compatible)));
        self.partitioned(out)
    }

    fn reserved(&self, r: &Reservation, open: u64, on_demand: Option<Price>, compatible: bool) -> Offering {
        let zone = self.region.zones.iter().position(|z| *z == r.zone);
        let named = self.request.zones.iter().flatten().find(|z| z.name == r.zone);
        let mut requirements = place(&r.zone, named, labels::CAPACITY_TYPE_RESERVED);
        for (key, value) in [
            (aws::CAPACITY_RESERVATION_ID, r.id.as_str()),
            (aws::CAPACITY_RESERVATION_TYPE, r.kind.as_str()),
            (aws::CAPACITY_RESERVATION_INTERRUPTIBLE, truth(r.interruptible)),
        ] {
            requirements.replace(Name::from(key), Requirement::exactly(value));
        }
        Offering {
            requirements: Arc::new(requirements),
            price: on_demand.map_or(Price::ZERO, |p| Price::from_dollars(p.dollars() / RESERVED_DISCOUNT)),
            available: compatible && !r.expiring && zone.is_some_and(|bit| open >> bit & 1 == 1),
            reservation_capacity: Some(r.remaining),
        }
    }

    fn partitioned(&self, offerings: Vec<Offering>) -> Vec<Offering> {
        let Some(PlacementStrategy::Partition(n)) = self.request.placement_group.as_ref().map(|g| g.strategy) else {
            return offerings;
        };
        let key = Name::from(aws::PLACEMENT_GROUP_PARTITION);
        let into = |offering: &Offering, partition: u32| {
            let mut offering = offering.clone();
            Arc::make_mut(&mut offering.requirements).replace(key.clone(), Requirement::exactly(partition.to_string()));
            offering
        };
        offerings.iter().flat_map(|o| (1..=n).map(move |p| (o, p))).map(|(o, p)| into(o, p)).collect()
    }
}

fn place(zone: &str, named: Option<&Zone>, capacity_type: &str) -> Requirements {
    let mut out = Requirements::new();
    let mut set = |key: &str, value: &str| out.replace(Name::from(key), Requirement::exactly(value));
    set(labels::CAPACITY_TYPE, capacity_type);
    set(labels::ZONE, zone);
    if let Some(id) = named.and_then(|z| z.id.as_deref()) {
        set(aws::ZONE_ID, id);
    }
    out
}

/// The price on demand: of the region if it has a price list at all, else of the home region.
pub(crate) fn on_demand_price(region: &RegionRecord, home: Option<&RegionRecord>, number: usize) -> Option<Price> {
    nanodollars(region, home, number).map(|n| picodollars(n.saturating_mul(1000)))
}

/// The estimated price of spot capacity.
fn spot_price(region: &RegionRecord, home: Option<&RegionRecord>, number: usize) -> Option<Price> {
    let saved = |r: &RegionRecord| r.spot_savings.get(number).copied().flatten();
    let kept = 100 - i64::from(saved(region).or_else(|| saved(home?)).unwrap_or(0).min(100));
    nanodollars(region, home, number).map(|n| picodollars(n.saturating_mul(kept.unsigned_abs() * 10)))
}

fn nanodollars(region: &RegionRecord, home: Option<&RegionRecord>, number: usize) -> Option<u64> {
    let listed = if region.on_demand.is_empty() { home? } else { region };
    listed.on_demand.get(number).copied().flatten()
}

#[allow(clippy::cast_precision_loss)] // exact to a millionth of a millionth up to nine thousand dollars an hour
fn picodollars(n: u64) -> Price {
    Price::from_dollars(n as f64 / 1e12)
}

#[cfg(test)]
#[path = "offerings_tests.rs"]
mod tests;
