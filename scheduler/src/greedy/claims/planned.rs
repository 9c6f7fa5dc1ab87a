//! What a claim is in the plan: its types in the order of price, what it asks for, what it costs.
//!
//! A claim that was opened on some types of its pool only is here given all the others that hold its pods, as long as
//! nothing changes by it that others have reckoned with: where it may be, what it holds of reserved capacity, what is left
//! of the pool's limits.

use super::{Claim, Limits};
use crate::bitset::Bits;
use crate::greedy::course::Course;
use crate::greedy::flexibility::{self, Terms};
use crate::greedy::world::World;
use crate::instance_type::Price;
use crate::market::{PoolIndex, View};
use crate::plan::PlannedClaim;
use crate::requirement::{Name, Requirement};
use crate::resources::Resources;
use dovetail_api::labels::{CAPACITY_TYPE, CAPACITY_TYPE_RESERVED, CAPACITY_TYPE_SPOT};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Claims that are planned already, without their pods, for those that are like them: how they came about, and which types
/// the limits left.
#[derive(Default)]
pub(super) struct Known(FxHashMap<(Course, Bits), PlannedClaim>);

impl Claim {
    pub(super) fn finish(
        mut self,
        world: &mut World<'_>,
        limits: &mut [Limits],
        terms: Option<&Terms>,
        known: &mut Known,
    ) -> PlannedClaim {
        if !self.restricted {
            return self.planned(world, terms);
        }
        let (p, booked) = (self.pool, self.booked.take());
        let within = within(&world.pools[p], &limits[p], booked.as_ref());
        let like = self.course.map(|course| (course, within.clone()));
        let planned = match like.as_ref().and_then(|like| known.0.get(like)) {
            Some(known) => PlannedClaim { pods: self.pods, ..known.clone() },
            None => {
                self.widen(world, &within);
                let planned = self.planned(world, terms);
                if let Some(like) = like {
                    known.0.insert(like, PlannedClaim { pods: vec![], ..planned.clone() });
                }
                planned
            }
        };
        if let Some(booked) = booked {
            let pool = &world.pools[p];
            limits[p].unbook(pool, &booked);
            limits[p].book(pool, &bits(pool.pool.instance_types.len(), planned.types.iter().copied()));
        }
        planned
    }

    fn planned(self, world: &mut World<'_>, terms: Option<&Terms>) -> PlannedClaim {
        let problem = world.problem;
        let (reservations, _, ways) = self.ways(world);
        // What is reserved is paid for already: what it would cost says nothing.
        let terms = terms.filter(|_| reservations.is_empty());
        let mut requirements = (**world.sets.get(self.set)).clone();
        let mut types = self.types.clone();
        if let (Some(rules), false) = (&problem.reservations, reservations.is_empty()) {
            types.intersect(&world.pools[self.pool].sold_by(&ways));
            requirements.replace(CAPACITY_TYPE.into(), Requirement::any_of([CAPACITY_TYPE_RESERVED]));
            requirements.add(&rules.label, Requirement::any_of(reservations.iter().map(|r| &**r)));
        }
        for (key, n) in &self.min_values {
            if let Some(r) = requirements.get(key).cloned() {
                requirements.replace(key.clone(), r.with_min_values(Some(*n)));
            }
        }
        let by_price = world.pools[self.pool].by_price(&ways);
        let priced: Vec<(Price, usize)> = by_price.iter().filter(|(_, t)| types.contains(*t)).copied().collect();
        let spot = terms.and(priced.first()).and_then(|(price, t)| {
            let pool = &world.pools[self.pool];
            let mut spot = pool.ways_with(CAPACITY_TYPE, CAPACITY_TYPE_SPOT);
            spot.intersect(&ways);
            (pool.price(*t, &spot) == Some(*price)).then(|| pool.sold_by(&spot))
        });
        // Never below what the minimum numbers of values need; nor so that it would be known better than it has been while
        // others were placed where the node will be.
        let priced = flexibility::choose(&priced, terms, spot.as_ref(), |kept| {
            let pool = &world.pools[self.pool];
            let types = || kept.iter().map(|(_, t)| *t);
            self.min_values.iter().all(|(k, n)| pool.distinct_values(k, &requirements, types()) >= *n)
                && (terms.is_none() || self.stays_where_it_is(world, types()))
        });
        let types: Vec<usize> = priced.iter().map(|(_, t)| *t).collect();

        let mut requests = world.pools[self.pool].least_overhead(types.iter().copied());
        self.pods.iter().for_each(|pod| requests.add(&problem.class_of(*pod).requests));
        PlannedClaim {
            pool: self.pool,
            price: priced.first().map_or(Price::MAX, |(price, _)| *price),
            types,
            requirements,
            requests,
            pods: self.pods,
            reservations,
            min_values_relaxed: self.relaxed,
        }
    }

    /// The reservations it holds, what its requirements leave of the pool, and the ways of buying that draw on just these.
    fn ways(&self, world: &mut World<'_>) -> (Vec<Name>, Rc<View>, Bits) {
        let pool = &mut world.pools[self.pool];
        let view = pool.view(self.set, &world.sets, &world.problem.well_known);
        let reservations: Vec<Name> = self.holdings.0.iter().map(|r| world.reserve.names[*r].clone()).collect();
        let ways = pool.ways_of(&view, &reservations);
        (reservations, view, ways)
    }

    /// Takes in every type that could be launched in its place.
    fn widen(&mut self, world: &mut World<'_>, within: &Bits) {
        let (_, view, ways) = self.ways(world);
        let pins = world.topology.claim_pins(self.pool, &mut world.pools, self.set, &world.sets, world.problem);
        let pool = &world.pools[self.pool];
        let mut types = view.types.clone();
        types.intersect(&pool.sold_by(&ways));
        for (column, used) in self.used.iter().enumerate() {
            types.retain_at_least(pool.room(column), *used);
        }
        for (port, taken_on) in &pool.daemon_ports {
            if self.ports.iter().any(|own| own.clashes(port)) {
                taken_on.iter().for_each(|t| types.remove(t));
            }
        }
        if pool.limits_volumes {
            let short = |t: &usize| !self.attached.within(&pool.pool.instance_types[*t].volume_limits);
            let short: Vec<usize> = types.iter().filter(short).collect();
            short.into_iter().for_each(|t| types.remove(t));
        }
        types.intersect(within);
        // It may have been known from its types alone where it is.
        for (key, _) in pins.iter().enumerate().filter(|(key, pin)| **pin != self.pins[*key]) {
            let names = world.topology.keys.values(key);
            let domains: Vec<&Name> = self.pins[key].domains().iter().map(|d| &names[*d]).collect();
            types.intersect(&pool.confined(world.topology.keys.name(key), world.sets.get(self.set), &view, &domains));
        }
        types.unite(&self.types);
        self.types = types;
    }

    /// Whether with these types only it may still be wherever it might have been.
    fn stays_where_it_is(&self, world: &mut World<'_>, types: impl Iterator<Item = usize>) -> bool {
        if self.pins.iter().all(|pin| pin.domains().len() < 2) {
            return true;
        }
        let types = bits(world.pools[self.pool].pool.instance_types.len(), types);
        let claim = (self.set, &types);
        world.topology.pins_of(self.pool, &mut world.pools, claim, &world.sets, world.problem) == self.pins
    }
}

/// The types that a pool's limits leave to a claim that has booked some of them.
fn within(pool: &PoolIndex<'_>, limits: &Limits, booked: Option<&Resources>) -> Bits {
    match (limits.remaining(), booked) {
        (Some(left), Some(booked)) => {
            let mut left = left.clone();
            left.add(booked);
            pool.within(&left)
        }
        _ => Bits::all(pool.pool.instance_types.len()),
    }
}

fn bits(size: usize, of: impl Iterator<Item = usize>) -> Bits {
    let mut out = Bits::none(size);
    of.for_each(|i| out.insert(i));
    out
}
