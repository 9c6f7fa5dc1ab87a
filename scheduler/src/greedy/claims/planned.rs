//! What a claim is in the plan: its types in the order of price, what it asks for, what it costs.
//!
//! A claim that was opened on some types of its pool only is here given all the others that hold its pods, as long as
//! nothing changes by it that others have reckoned with: where it may be, what it holds of reserved capacity, what is left
//! of the pool's limits.

use super::{Claim, Limits};
use crate::bitset::Bits;
use crate::greedy::flexibility::{self, Terms};
use crate::greedy::world::World;
use crate::instance_type::Price;
use crate::market::View;
use crate::plan::PlannedClaim;
use crate::requirement::{Name, Requirement};
use dovetail_api::labels::{CAPACITY_TYPE, CAPACITY_TYPE_RESERVED, CAPACITY_TYPE_SPOT};

impl Claim {
    pub(super) fn finish(
        mut self,
        world: &mut World<'_>,
        limits: &mut [Limits],
        terms: Option<&Terms>,
    ) -> PlannedClaim {
        let problem = world.problem;
        let view = world.pools[self.pool].view(self.set, &world.sets, &problem.well_known);
        let reservations: Vec<Name> = self.holdings.0.iter().map(|r| world.reserve.names[*r].clone()).collect();
        let ways = world.pools[self.pool].ways_of(&view, &reservations);
        // What is reserved is paid for already: what it would cost says nothing.
        let terms = terms.filter(|_| reservations.is_empty());
        if self.restricted {
            self.widen(world, &limits[self.pool], &view, &ways);
        }
        let mut requirements = (**world.sets.get(self.set)).clone();
        let mut types = std::mem::take(&mut self.types);
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
        if let (true, Some(booked)) = (self.restricted, &self.booked) {
            let pool = &world.pools[self.pool];
            limits[self.pool].unbook(pool, booked);
            limits[self.pool].book(pool, &bits(pool.pool.instance_types.len(), types.iter().copied()));
        }

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

    /// Takes in every type that could be launched in its place.
    fn widen(&mut self, world: &mut World<'_>, limits: &Limits, view: &View, ways: &Bits) {
        let pins = world.topology.claim_pins(self.pool, &mut world.pools, self.set, &world.sets, world.problem);
        let pool = &world.pools[self.pool];
        let mut types = view.types.clone();
        types.intersect(&pool.sold_by(ways));
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
        if let (Some(left), Some(booked)) = (limits.remaining(), &self.booked) {
            let mut left = left.clone();
            left.add(booked);
            types.intersect(&pool.within(&left));
        }
        // It may have been known from its types alone where it is.
        for (key, _) in pins.iter().enumerate().filter(|(key, pin)| **pin != self.pins[*key]) {
            let names = world.topology.keys.values(key);
            let domains: Vec<&Name> = self.pins[key].domains().iter().map(|d| &names[*d]).collect();
            types.intersect(&pool.confined(world.topology.keys.name(key), world.sets.get(self.set), view, &domains));
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

fn bits(size: usize, of: impl Iterator<Item = usize>) -> Bits {
    let mut out = Bits::none(size);
    of.for_each(|i| out.insert(i));
    out
}
