//! What a pool has to sell, worked out once for all claims of the pool.
//!
//! What depends on the type alone is a row of numbers; types that carry the same DaemonSets, and types that are sold in
//! the same way, share what is known of that. Whether a claim is in order is decided elsewhere.

use super::daemons;
use crate::bitset::Bits;
use crate::instance_type::Price;
use crate::problem::{DaemonPod, HostPort, NodePool, Problem};
use crate::requirement::{Name, Requirement};
use crate::requirements::{Requirements, WellKnown};
use crate::resources::{NODES, Resources};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// A pool and its types.
pub(super) struct Stock<'p> {
    pub(super) pool: &'p NodePool,
    /// Type by type, what pods can have of each resource asked for.
    rooms: Vec<Vec<i64>>,
    /// Type by type, a resource of which there is less than nothing: such a type takes no pod at all.
    overdrawn: Vec<Option<(Name, i64)>>,
    /// The companies of DaemonSets, each once, and which of them each type carries.
    crews: Vec<Crew<'p>>,
    crew_of: Vec<usize>,
    /// The limited resources but `nodes`, what is left of each, and type by type the capacity.
    pub(super) limited: Vec<(Name, i64)>,
    capacities: Vec<Vec<i64>>,
    /// The ways in which types are sold, each once, and type by type which of them at what price.
    ways: Vec<&'p Requirements>,
    offers: Vec<Vec<Offer>>,
    labelled: FxHashMap<(Name, Requirement), Bits>,
}

/// DaemonSets that run together on a type.
struct Crew<'p> {
    load: Resources,
    ports: Vec<(&'p Name, &'p HostPort)>,
}

/// A launchable offering of a type.
struct Offer {
    /// Which of the pool's ways it is sold in.
    way: usize,
    price: Price,
    /// Whether it draws on reserved capacity.
    reserved: bool,
}

/// In which ways a node may be bought, its requirements aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sold {
    /// In any: reserved capacity is like any other.
    Anyhow,
    /// Not from reserved capacity.
    Unreserved,
    /// Only from reserved capacity.
    Reserved,
}

/// What a set of requirements leaves of a pool's types.
pub(super) struct Choice {
    /// A number that stands for pool, requirements and the ways of selling.
    pub(super) number: usize,
    sold: Sold,
    /// Which of the pool's ways the requirements leave open.
    open: Vec<bool>,
    /// The types whose labels do not contradict it.
    pub(super) labelled: Bits,
    /// Type by type, the price of the cheapest launchable offering that goes with it.
    pub(super) prices: Vec<Option<Price>>,
}

impl<'p> Stock<'p> {
    pub(super) fn new(problem: &'p Problem, pool: &'p NodePool, asked_for: &[Name]) -> Self {
        let limited: Vec<(Name, i64)> =
            pool.remaining.iter().flat_map(Resources::iter).map(|(k, v)| (k.clone(), v)).collect();
        let mut stock = Self {
            pool,
            rooms: vec![],
            overdrawn: vec![],
            crews: vec![],
            crew_of: vec![],
            limited: limited.into_iter().filter(|(name, _)| &**name != NODES).collect(),
            capacities: vec![],
            ways: vec![],
            offers: vec![],
            labelled: FxHashMap::default(),
        };
        let admitted = daemons::admitted(&problem.daemons, pool, &problem.well_known);
        let mut known_crews: FxHashMap<Vec<usize>, usize> = FxHashMap::default();
        let mut known_ways: FxHashMap<&Requirements, usize> = FxHashMap::default();
        for instance_type in pool.instance_types.iter() {
            let coming = daemons::on_type(&admitted, pool, instance_type, &problem.well_known);
            let crews = &mut stock.crews;
            let crew = *known_crews.entry(coming).or_insert_with_key(|coming| {
                crews.push(Crew::of(coming.iter().map(|number| admitted[*number])));
                crews.len() - 1
            });
            stock.crew_of.push(crew);
            let load = &stock.crews[crew].load;
            let allocatable = instance_type.allocatable();
            let left = |name: &Name| allocatable.get(name).saturating_sub(load.get(name));
            stock.rooms.push(asked_for.iter().map(left).collect());
            let overdrawn = allocatable.iter().chain(load.iter()).map(|(name, _)| name).find(|name| left(name) < 0);
            stock.overdrawn.push(overdrawn.map(|name| (name.clone(), left(name))));
            stock.capacities.push(stock.limited.iter().map(|(name, _)| instance_type.capacity.get(name)).collect());
            let ways = &mut stock.ways;
            let offers = instance_type.offerings.iter().filter(|offering| offering.launchable()).map(|offering| {
                let way = *known_ways.entry(&offering.requirements).or_insert_with_key(|way| {
                    ways.push(way);
                    ways.len() - 1
                });
                Offer { way, price: offering.price, reserved: offering.reservation_capacity.is_some() }
            });
            stock.offers.push(offers.collect());
        }
        stock
    }

    /// A resource, if there is one, of which a type has too little for these pods, and how much it has.
    pub(super) fn short(&self, t: usize, needed: &[i64], asked_for: &[Name]) -> Option<(Name, i64)> {
        if let Some(overdrawn) = &self.overdrawn[t] {
            return Some(overdrawn.clone());
        }
        let room = &self.rooms[t];
        let at = needed.iter().zip(room).position(|(needed, room)| needed > room)?;
        Some((asked_for[at].clone(), room[at]))
    }

    /// Whether a type has room for anything beside its DaemonSets.
    pub(super) fn takes_pods(&self, t: usize) -> bool {
        self.overdrawn[t].is_none()
    }

    /// The least that DaemonSets take on any of these types, resource by resource.
    pub(super) fn least_load(&self, types: &[usize]) -> Resources {
        let distinct: BTreeSet<usize> = types.iter().map(|t| self.crew_of[*t]).collect();
        let loads: Vec<&Resources> = distinct.iter().map(|crew| &self.crews[*crew].load).collect();
        let names: BTreeSet<&Name> = loads.iter().flat_map(|load| load.iter().map(|(name, _)| name)).collect();
        let least = |name: &Name| loads.iter().map(|load| load.get(name)).min().unwrap_or(0);
        names.into_iter().map(|name| (name.clone(), least(name))).collect()
    }

    /// The host ports that DaemonSets take on a type, with the DaemonSets.
    pub(super) fn ports(&self, t: usize) -> &[(&'p Name, &'p HostPort)] {
        &self.crews[self.crew_of[t]].ports
    }

    /// What a type has of each limited resource.
    pub(super) fn capacity(&self, t: usize) -> &[i64] {
        &self.capacities[t]
    }

    /// What a set of requirements leaves, under a number to know it by.
    pub(super) fn choice(
        &mut self,
        number: usize,
        requirements: &Requirements,
        sold: Sold,
        well_known: &WellKnown,
    ) -> Choice {
        let n = self.pool.instance_types.len();
        let mut labelled = Bits::all(n);
        for (key, requirement) in requirements.iter() {
            let types = &self.pool.instance_types;
            let fitting = self.labelled.entry((key.clone(), requirement.clone())).or_insert_with(|| {
                let alone: Requirements = [(key, requirement.clone())].into_iter().collect();
                let mut fitting = Bits::none(n);
                let meeting = types.iter().enumerate().filter(|(_, it)| it.requirements.intersects(&alone));
                meeting.for_each(|(t, _)| fitting.insert(t));
                fitting
            });
            labelled.intersect(fitting);
        }
        let open: Vec<bool> = self.ways.iter().map(|way| requirements.compatible(way, well_known).is_ok()).collect();
        let mut choice = Choice { number, sold, open, labelled, prices: vec![] };
        choice.prices = self.offers.iter().map(|offers| choice.of(offers).map(|offer| offer.price).min()).collect();
        choice
    }

    /// The ways of buying a type that a choice leaves, as what each says of the node; some may come more than once.
    pub(super) fn ways<'s>(&'s self, t: usize, choice: &'s Choice) -> impl Iterator<Item = &'p Requirements> {
        choice.of(&self.offers[t]).map(|offer| self.ways[offer.way])
    }

    /// Up to `enough`, how many distinct values of a key the types have that the requirement allows.
    pub(super) fn distinct_values(&self, key: &str, allowed: &Requirement, types: &[usize], enough: u32) -> u32 {
        let mut seen: BTreeSet<&Name> = BTreeSet::new();
        for t in types {
            let values = self.pool.instance_types[*t].requirements.get(key).and_then(Requirement::listed);
            seen.extend(values.into_iter().flatten().filter(|value| allowed.contains(value)));
            if u32::try_from(seen.len()).is_ok_and(|have| have >= enough) {
                return enough;
            }
        }
        u32::try_from(seen.len()).unwrap_or(u32::MAX)
    }
}

impl Choice {
    fn of<'s>(&'s self, offers: &'s [Offer]) -> impl Iterator<Item = &'s Offer> {
        offers.iter().filter(|offer| {
            let sold = match self.sold {
                Sold::Anyhow => true,
                Sold::Unreserved => !offer.reserved,
                Sold::Reserved => offer.reserved,
            };
            sold && self.open[offer.way]
        })
    }
}

impl<'p> Crew<'p> {
    fn of(daemons: impl Iterator<Item = &'p DaemonPod>) -> Self {
        let mut crew = Self { load: Resources::new(), ports: vec![] };
        for daemon in daemons {
            crew.load.add(&daemon.requests);
            crew.ports.extend(daemon.ports.iter().map(|port| (&daemon.name, port)));
        }
        crew
    }
}
