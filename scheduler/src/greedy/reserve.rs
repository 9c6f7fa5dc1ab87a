//! Reserved capacity: who holds a unit of which reservation while a round lasts.
//!
//! It is not known before launch which of its reservations a claim will be launched from, so an open claim holds one unit
//! of each that it could use, and gives up those that it comes to exclude. A pod that could use what others hold waits
//! rather than buy elsewhere, if the problem says so (specification "v1.15 changes" 6.2, 6.3).
//!
//! In Karpenter it waits for the next round. Here the round goes on once everyone else is placed: every claim settles for
//! one of the reservations it holds, and the pods that wait get what is given back. Only those that get nothing wait on.

use super::world::Refused;
use crate::bitset::Bits;
use crate::instance_type::Price;
use crate::market::{PoolIndex, View};
use crate::problem::Problem;
use crate::requirement::Name;
use rustc_hash::FxHashMap;

/// The reservations of a round and what is left of them.
pub(super) struct Reserve {
    pub(super) names: Vec<Name>,
    numbers: FxHashMap<Name, usize>,
    capacity: Vec<u32>,
    left: Vec<u32>,
    strict: bool,
    /// Whether claims have settled for one reservation each.
    settled: bool,
    /// Grows whenever a unit is given back.
    pub(super) version: u64,
}

/// The reservations of which someone holds a unit, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holdings(pub(super) Vec<usize>);

impl Reserve {
    pub(super) fn of(problem: &Problem, pools: &[PoolIndex<'_>]) -> Self {
        let strict = problem.reservations.as_ref().is_some_and(|r| r.strict);
        let mut out = Self {
            names: vec![],
            numbers: FxHashMap::default(),
            capacity: vec![],
            left: vec![],
            strict,
            settled: false,
            version: 0,
        };
        for (name, capacity) in pools.iter().flat_map(PoolIndex::reservations) {
            let number = *out.numbers.entry(name.clone()).or_insert(out.names.len());
            if number == out.names.len() {
                out.names.push(name);
                out.capacity.push(capacity);
            }
            out.capacity[number] = out.capacity[number].min(capacity);
        }
        out.left.clone_from(&out.capacity);
        out
    }

    /// Whether nothing is reserved at all.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The reservations that a claim would hold, of those that its types can be launched from. Types that could be launched
    /// only from what is full are dropped.
    pub(super) fn hold(
        &self,
        pool: &PoolIndex<'_>,
        view: &View,
        types: &mut Bits,
        held: Option<&Holdings>,
    ) -> Result<Holdings, Refused> {
        if self.names.is_empty() {
            return Ok(Holdings::default());
        }
        let holds_some = held.is_some_and(|held| !held.0.is_empty());
        // Once claims have settled, one that holds something does not reach for more.
        let takes = held.is_none() || (holds_some && !self.settled);
        let has = |r: &usize| held.is_some_and(|held| held.0.contains(r));
        let mut open: Vec<usize> =
            pool.reserved_for(view, types).filter_map(|name| self.numbers.get(name)).copied().collect();
        open.sort_unstable();
        open.dedup();
        let any_units = open.iter().any(|r| self.capacity[*r] > 0);
        open.retain(|r| has(r) || (takes && self.left[*r] > 0));
        if self.settled && held.is_none() {
            open = self.cheapest(pool, view, types, open.into_iter()).into_iter().collect();
        }
        if !open.is_empty() {
            return Ok(Holdings(open));
        }
        let all_taken = held.is_none() && any_units;
        if (self.strict && (holds_some || all_taken)) || (self.settled && holds_some) {
            return Err(Refused::Reserved);
        }
        types.intersect(&pool.sold_by(&pool.ways_of(view, &[])));
        if types.is_empty() { Err(Refused::Never) } else { Ok(Holdings::default()) }
    }

    /// The reservation from which the smallest type can be launched: its price says so.
    fn cheapest(
        &self,
        pool: &PoolIndex<'_>,
        view: &View,
        types: &Bits,
        among: impl Iterator<Item = usize>,
    ) -> Option<usize> {
        let price = |r: &usize| {
            let ways = pool.ways_of(view, std::slice::from_ref(&self.names[*r]));
            types.iter().filter_map(|t| pool.price(t, &ways)).min()
        };
        among.min_by_key(|r| (price(r).unwrap_or(Price::MAX), *r))
    }

    /// From now on every claim holds one reservation at most.
    pub(super) fn settle(&mut self) {
        self.settled = true;
        self.version += 1;
    }

    /// Whether claims have settled.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// The one reservation that a claim which holds several settles for.
    pub(super) fn settle_for(&self, pool: &PoolIndex<'_>, view: &View, types: &Bits, held: &Holdings) -> Holdings {
        Holdings(self.cheapest(pool, view, types, held.0.iter().copied()).into_iter().collect())
    }

    /// The ways of buying that draw on what is held; `None` if nothing is.
    pub(super) fn ways(&self, pool: &PoolIndex<'_>, view: &View, held: &Holdings) -> Option<Bits> {
        let names: Vec<Name> = held.0.iter().map(|r| self.names[*r].clone()).collect();
        (!names.is_empty()).then(|| pool.ways_of(view, &names))
    }

    /// A claim that held some now holds others.
    pub(super) fn exchange(&mut self, before: &Holdings, now: &Holdings) {
        for r in before.0.iter().filter(|r| !now.0.contains(r)) {
            self.left[*r] += 1;
            self.version += 1;
        }
        for r in now.0.iter().filter(|r| !before.0.contains(r)) {
            self.left[*r] -= 1; // it was not offered unless there was one
        }
    }
}
