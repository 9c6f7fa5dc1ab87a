//! Claims: nodes to be bought, filling up.
//!
//! A claim keeps every type that still holds all its pods. Those with the fewest pods are asked first; among equals, the
//! order is the one that a stable sort before every attempt gives: a claim that has just taken a pod comes before the
//! others of its new size, a new claim after them.

use super::Seeker;
use crate::bitset::Bits;
use crate::instance_type::Price;
use crate::market::{PoolIndex, SetId, Sets};
use crate::plan::PlannedClaim;
use crate::problem::Problem;
use crate::requirement::Name;
use crate::requirements::WellKnown;
use crate::resources::{NODES, Resources};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// At most so many types stay on a claim, the cheapest (specification "scheduling", default constants).
const MAX_TYPES: usize = 600;

/// A place in the order of claims: pods so far, then who comes first among equals.
type Rank = (usize, i64);

/// The claims that one seeker may still try. Entries go stale when a claim takes pods; since its rank only rises, a
/// stale entry is found in time and put back where it belongs.
#[derive(Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<(Rank, usize)>>,
    /// How many claims have been looked at for this queue.
    seen: usize,
}

/// What is left of a pool's limits.
pub(super) struct Limits {
    remaining: Option<Resources>,
    /// The types that the limits still allow; `None` if there are no limits.
    pub(super) within: Option<Bits>,
}

impl Limits {
    fn new(pool: &PoolIndex<'_>) -> Self {
        let remaining = pool.pool.remaining.clone();
        Self { within: remaining.as_ref().map(|r| pool.within(r)), remaining }
    }

    pub(super) fn no_more_nodes(&self) -> bool {
        self.remaining.as_ref().is_some_and(|r| r.has(NODES) && r.get(NODES) <= 0)
    }

    pub(super) fn remaining(&self) -> Option<&Resources> {
        self.remaining.as_ref()
    }

    /// Books a new claim at its largest: it is not known yet which of its types will be launched.
    fn book(&mut self, pool: &PoolIndex<'_>, types: &Bits) {
        let Some(remaining) = &mut self.remaining else { return };
        let mut taken = pool.largest(types, remaining);
        taken.set(NODES, 1);
        remaining.subtract_known(&taken);
        self.within = Some(pool.within(remaining));
    }
}

/// What a new claim would start with.
pub(super) struct Offer {
    pub(super) set: SetId,
    pub(super) types: Bits,
    /// How many distinct values each key must keep on this claim.
    pub(super) min_values: Vec<(Name, u32)>,
    pub(super) relaxed: bool,
}

/// All claims of a round.
pub(super) struct Claims {
    claims: Vec<Claim>,
    /// Row by row, what the roomiest type of each claim still has of each resource: a quick no, and the only thing that is
    /// read of most claims.
    free: Vec<i64>,
    pub(super) limits: Vec<Limits>,
    newest: i64,
}

struct Claim {
    pool: usize,
    set: SetId,
    types: Bits,
    min_values: Vec<(Name, u32)>,
    relaxed: bool,
    used: Vec<i64>,
    pods: Vec<usize>,
    rank: Rank,
}

impl Claims {
    pub(super) fn new(pools: &[PoolIndex<'_>]) -> Self {
        Self { claims: vec![], free: vec![], limits: pools.iter().map(Limits::new).collect(), newest: 0 }
    }

    /// Puts a pod on the first open claim that takes it.
    pub(super) fn join(
        &mut self,
        pod: usize,
        seeker: &mut Seeker,
        pools: &mut [PoolIndex<'_>],
        sets: &mut Sets,
        well_known: &WellKnown,
    ) -> bool {
        let unseen = seeker.queue.seen..self.claims.len();
        seeker.queue.seen = unseen.end;
        for c in unseen {
            let claim = &self.claims[c];
            if may_fit(row(&self.free, c, seeker), seeker) && seeker.refused[claim.pool].is_none() {
                seeker.queue.heap.push(Reverse((claim.rank, c)));
            }
        }
        while let Some(Reverse((rank, c))) = seeker.queue.heap.pop() {
            let claim = &mut self.claims[c];
            if rank != claim.rank {
                seeker.queue.heap.push(Reverse((claim.rank, c)));
                continue;
            }
            if !may_fit(row(&self.free, c, seeker), seeker) {
                continue;
            }
            if let Some(free) = claim.take(pod, seeker, &mut pools[claim.pool], sets, well_known) {
                row_mut(&mut self.free, c, seeker).copy_from_slice(&free);
                self.newest += 1;
                claim.rank = (claim.pods.len(), -self.newest);
                seeker.queue.heap.push(Reverse((claim.rank, c)));
                return true;
            }
        }
        false
    }

    /// Opens a claim with its first pod.
    pub(super) fn open(&mut self, pod: usize, seeker: &Seeker, pool: usize, offer: Offer, index: &PoolIndex<'_>) {
        self.limits[pool].book(index, &offer.types);
        self.newest += 1;
        let mut most = vec![0; seeker.requests.len()];
        offer.types.iter().for_each(|t| raise(&mut most, index.room(t)));
        self.free.extend(most.iter().zip(&seeker.requests).map(|(most, used)| most - used));
        self.claims.push(Claim {
            pool,
            set: offer.set,
            types: offer.types,
            min_values: offer.min_values,
            relaxed: offer.relaxed,
            used: seeker.requests.clone(),
            pods: vec![pod],
            rank: (1, self.newest),
        });
    }

    /// The claims as planned, with their types in the order of price.
    pub(super) fn finish(self, problem: &Problem, pools: &mut [PoolIndex<'_>], sets: &Sets) -> Vec<PlannedClaim> {
        self.claims.into_iter().map(|claim| claim.finish(problem, pools, sets)).collect()
    }
}

impl Claim {
    /// Takes the pod if some type still holds everything, and says what the roomiest then has left.
    fn take(
        &mut self,
        pod: usize,
        seeker: &Seeker,
        pool: &mut PoolIndex<'_>,
        sets: &mut Sets,
        well_known: &WellKnown,
    ) -> Option<Vec<i64>> {
        let set = sets.merge(self.set, seeker.requirements)?;
        let used: Vec<i64> =
            self.used.iter().zip(&seeker.requests).map(|(used, asked)| used.saturating_add(*asked)).collect();
        let view = pool.view(set, sets, well_known);
        let mut types = Bits::none(pool.pool.instance_types.len());
        let mut most = vec![0; used.len()];
        for t in self.types.both(&view.types) {
            let room = pool.room(t);
            if used.iter().zip(room).all(|(used, room)| used <= room) {
                types.insert(t);
                raise(&mut most, room);
            }
        }
        let varied = |(key, asked): &(Name, u32)| pool.distinct_values(key, sets.get(set), types.iter()) >= *asked;
        if types.is_empty() || !self.min_values.iter().all(varied) {
            return None;
        }
        let free = most.iter().zip(&used).map(|(most, used)| most - used).collect();
        self.set = set;
        self.types = types;
        self.used = used;
        self.pods.push(pod);
        Some(free)
    }

    fn finish(self, problem: &Problem, pools: &mut [PoolIndex<'_>], sets: &Sets) -> PlannedClaim {
        let pool = &mut pools[self.pool];
        let view = pool.view(self.set, sets, &problem.well_known);
        let mut priced: Vec<(Price, usize)> =
            self.types.iter().map(|t| (pool.price(t, &view).unwrap_or(Price::MAX), t)).collect();
        priced.sort_by(|a, b| {
            let name = |t: usize| &pool.pool.instance_types[t].name;
            a.0.cmp(&b.0).then_with(|| name(a.1).cmp(name(b.1)))
        });
        let mut requirements = (**sets.get(self.set)).clone();
        for (key, n) in &self.min_values {
            if let Some(r) = requirements.get(key).cloned() {
                requirements.replace(key.clone(), r.with_min_values(Some(*n)));
            }
        }
        // Cut to the cheapest, but never below what the minimum numbers of values need.
        let enough = |kept: usize| {
            let kept = priced[..kept].iter().map(|(_, t)| *t);
            self.min_values.iter().all(|(k, n)| pool.distinct_values(k, &requirements, kept.clone()) >= *n)
        };
        let cut = (MAX_TYPES.min(priced.len())..priced.len()).find(|kept| enough(*kept)).unwrap_or(priced.len());
        priced.truncate(cut);
        let types: Vec<usize> = priced.iter().map(|(_, t)| *t).collect();

        let mut requests = pool.least_overhead(types.iter().copied());
        self.pods.iter().for_each(|pod| requests.add(&problem.class_of(*pod).requests));
        PlannedClaim {
            pool: self.pool,
            price: priced.first().map_or(Price::MAX, |(price, _)| *price),
            types,
            requirements,
            requests,
            pods: self.pods,
            reservations: vec![],
            min_values_relaxed: self.relaxed,
        }
    }
}

/// The row of a claim in the table of what is free.
fn row<'f>(free: &'f [i64], claim: usize, seeker: &Seeker) -> &'f [i64] {
    let width = seeker.requests.len();
    &free[claim * width..(claim + 1) * width]
}

fn row_mut<'f>(free: &'f mut [i64], claim: usize, seeker: &Seeker) -> &'f mut [i64] {
    let width = seeker.requests.len();
    &mut free[claim * width..(claim + 1) * width]
}

/// Whether each resource alone is there; all together is another question.
fn may_fit(free: &[i64], seeker: &Seeker) -> bool {
    free.iter().zip(&seeker.requests).all(|(free, asked)| asked <= free)
}

fn raise(most: &mut [i64], room: &[i64]) {
    most.iter_mut().zip(room).for_each(|(m, r)| *m = (*m).max(*r));
}
