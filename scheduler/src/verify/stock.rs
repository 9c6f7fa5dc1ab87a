//! What a pool has to sell, worked out once for all claims of the pool.
//!
//! Claims are many and list hundreds of types each, but their requirements are few: what depends on the type alone is a
//! row of numbers, what depends on a set of requirements is kept for the next claim with the same set. Whether a claim is
//! in order is decided elsewhere.

use super::daemons;
use crate::bitset::Bits;
use crate::instance_type::{Offering, Price};
use crate::problem::{NodePool, Problem};
use crate::requirement::{Name, Requirement};
use crate::requirements::{Requirements, WellKnown};
use crate::resources::{NODES, Resources};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::rc::Rc;

/// The resources that pods or DaemonSets ask for, in a fixed order.
pub(super) fn asked_for(problem: &Problem) -> Vec<Name> {
    let requests = problem.classes.iter().map(|c| &c.requests).chain(problem.daemons.iter().map(|d| &d.requests));
    let names: BTreeSet<&Name> = requests.flat_map(|r| r.iter().map(|(name, _)| name)).collect();
    names.into_iter().cloned().collect()
}

/// A pool and its types.
pub(super) struct Stock<'p> {
    pub(super) pool: &'p NodePool,
    /// Type by type, what pods can have of each resource asked for.
    rooms: Vec<Vec<i64>>,
    /// Type by type, a resource of which there is less than nothing: such a type takes no pod at all.
    overdrawn: Vec<Option<(Name, i64)>>,
    /// What DaemonSets take, each amount once, and which of these amounts each type carries.
    loads: Vec<Resources>,
    load_of: Vec<usize>,
    /// The limited resources but `nodes`, what is left of each, and type by type the capacity.
    pub(super) limited: Vec<(Name, i64)>,
    capacities: Vec<Vec<i64>>,
    /// The ways in which types are sold, each once, and type by type which of them at what price.
    ways: Vec<&'p Requirements>,
    offers: Vec<Vec<(usize, Price)>>,
    labelled: FxHashMap<(Name, Requirement), Bits>,
}

/// What a set of requirements leaves of a pool's types.
pub(super) struct Choice {
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
            loads: vec![],
            load_of: vec![],
            limited: limited.into_iter().filter(|(name, _)| &**name != NODES).collect(),
            capacities: vec![],
            ways: vec![],
            offers: vec![],
            labelled: FxHashMap::default(),
        };
        let admitted = daemons::admitted(&problem.daemons, pool, &problem.well_known);
        let mut known_loads: FxHashMap<Resources, usize> = FxHashMap::default();
        let mut known_ways: FxHashMap<&Requirements, usize> = FxHashMap::default();
        for instance_type in pool.instance_types.iter() {
            let load = daemons::load(&admitted, pool, instance_type, &problem.well_known);
            let allocatable = instance_type.allocatable();
            let left = |name: &Name| allocatable.get(name).saturating_sub(load.get(name));
            stock.rooms.push(asked_for.iter().map(left).collect());
            let overdrawn = allocatable.iter().chain(load.iter()).map(|(name, _)| name).find(|name| left(name) < 0);
            stock.overdrawn.push(overdrawn.map(|name| (name.clone(), left(name))));
            stock.capacities.push(stock.limited.iter().map(|(name, _)| instance_type.capacity.get(name)).collect());
            let loads = &mut stock.loads;
            stock.load_of.push(*known_loads.entry(load).or_insert_with_key(|load| {
                loads.push(load.clone());
                loads.len() - 1
            }));
            let reserved_apart = problem.reservations.is_some();
            let in_market = |o: &&Offering| o.launchable() && !(reserved_apart && o.reservation_capacity.is_some());
            let sold = instance_type.offerings.iter().filter(in_market);
            let ways = &mut stock.ways;
            let offers = sold.map(|offering| {
                let way = *known_ways.entry(&offering.requirements).or_insert_with_key(|way| {
                    ways.push(way);
                    ways.len() - 1
                });
                (way, offering.price)
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

    /// The least that DaemonSets take on any of these types, resource by resource.
    pub(super) fn least_load(&self, types: &[usize]) -> Resources {
        let distinct: BTreeSet<usize> = types.iter().map(|t| self.load_of[*t]).collect();
        let loads: Vec<&Resources> = distinct.iter().map(|load| &self.loads[*load]).collect();
        let names: BTreeSet<&Name> = loads.iter().flat_map(|load| load.iter().map(|(name, _)| name)).collect();
        let least = |name: &Name| loads.iter().map(|load| load.get(name)).min().unwrap_or(0);
        names.into_iter().map(|name| (name.clone(), least(name))).collect()
    }

    /// What a type has of each limited resource.
    pub(super) fn capacity(&self, t: usize) -> &[i64] {
        &self.capacities[t]
    }

    /// What a set of requirements leaves.
    pub(super) fn choice(&mut self, requirements: &Requirements, well_known: &WellKnown) -> Rc<Choice> {
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
        let cheapest =
            |offers: &Vec<(usize, Price)>| offers.iter().filter(|(way, _)| open[*way]).map(|(_, p)| *p).min();
        Rc::new(Choice { labelled, prices: self.offers.iter().map(cheapest).collect() })
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
