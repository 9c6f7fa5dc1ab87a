//! Bins filled one after the other, each as full as what is left allows: for many items of which hardly two are alike.
//!
//! Sizes are what items take at the prices of room, so that a bin is full when what is in it is worth what the room is. The
//! largest item that waits goes in first, then a search looks for what completes it. What is hard to place is thus gone
//! before the end, when there is little left to choose from.

use super::relaxed::dot;
use super::{Effort, Packed, Packing, Pattern, rounding};

/// What is the same for every bin.
pub(crate) struct Completion<'p> {
    packing: &'p Packing,
    by_weight: Vec<u32>,
    /// The price of one of each kind of room.
    prices: Vec<f64>,
    /// What each item takes at these prices.
    sizes: Vec<f64>,
    /// The shapes worth filling, those first that cost least for their room.
    thrifty: Vec<usize>,
}

/// What waits: items with their numbers, the largest first.
type Pool = Vec<(u32, u32)>;

/// A search for what completes a bin.
struct Search<'a> {
    packing: &'a Packing,
    completion: &'a Completion<'a>,
    pool: &'a Pool,
    shape: usize,
    /// How many of each entry of the pool are in the bin.
    taken: Vec<u32>,
    best: Vec<u32>,
    /// The size of the best.
    most: f64,
    /// A bin as full as this is full.
    full: f64,
    nodes: u32,
}

/// So many nodes are visited for one bin.
const NODES: u32 = 600;

/// So many shapes are tried for the next bin.
const SHAPES: usize = 3;

/// Shapes are worth filling if their room costs no more than this, of what the cheapest room costs.
const THRIFTY: f64 = 1.05;

/// A bin is full if no more than this share is empty.
const EMPTY: f64 = 1e-9;

impl<'p> Completion<'p> {
    /// Prepares for bins at these prices of room.
    pub(crate) fn new(packing: &'p Packing, prices: &[f64]) -> Self {
        // Room that costs nothing may run out all the same: a little of a price keeps items in order.
        let largest = |d: usize| packing.shapes.iter().map(|s| s.room[d]).fold(1e-9, f64::max);
        let all = packing.shapes.iter().map(|s| dot(&s.room, prices)).fold(1e-9, f64::max);
        let prices: Vec<f64> = prices.iter().enumerate().map(|(d, p)| p + all * 1e-6 / largest(d)).collect();
        let sizes = packing.items.iter().map(|item| dot(&item.weights, &prices)).collect();
        let mut costs: Vec<(f64, usize)> = packing
            .shapes
            .iter()
            .enumerate()
            .map(|(k, shape)| (shape.weight / dot(&shape.room, &prices).max(1e-12), k))
            .collect();
        costs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let cheapest = costs.iter().map(|c| c.0).find(|c| *c > 0.0).unwrap_or(0.0);
        let thrifty = costs.iter().filter(|c| c.0 <= cheapest * THRIFTY).map(|c| c.1).collect();
        Self { packing, by_weight: packing.by_weight(), prices, sizes, thrifty }
    }

    /// Packs so many of each item within these limits; `None` if some of them fit no thrifty shape, or effort runs out.
    pub(crate) fn pack(
        &self,
        left: &[u32],
        limits: &[f64],
        rng: &mut fastrand::Rng,
        effort: &mut Effort<'_>,
    ) -> Option<Packed> {
        let mut limits = limits.to_vec();
        let mut pool: Pool = (0_u32..).zip(left).filter(|(_, n)| **n > 0).map(|(i, n)| (i, *n)).collect();
        let size = |i: u32| self.sizes[i as usize];
        pool.sort_by(|a, b| size(b.0).total_cmp(&size(a.0)).then(a.0.cmp(&b.0)));
        let mut waiting: f64 = pool.iter().map(|(i, n)| size(*i) * f64::from(*n)).sum();
        let roomiest = self.packing.shapes.iter().map(|s| dot(&s.room, &self.prices)).fold(0.0, f64::max);
        let mut packed: Packed = vec![];
        while !pool.is_empty() {
            if effort.is_over() {
                return None;
            }
            let mut best: Option<(f64, Pattern)> = None;
            if waiting <= roomiest * (1.0 + 1e-9) {
                let mut counts = pool.clone();
                counts.sort_unstable();
                let shape = self.packing.cheapest_for(&counts, &self.by_weight, &[]);
                best = shape.map(|shape| (f64::NEG_INFINITY, Pattern { shape, counts }));
            }
            for _ in 0..if best.is_some() { 0 } else { SHAPES } {
                let Some(shape) = self.choose(&pool, &limits, rng) else { continue };
                let Some(pattern) = self.filled(&pool, shape, effort) else { continue };
                let pattern = rounding::downsized(self.packing, pattern, &self.by_weight);
                let wasted = self.packing.shapes[pattern.shape as usize].weight / pattern.worth(&self.sizes);
                if best.as_ref().is_none_or(|(least, _)| wasted < *least) {
                    best = Some((wasted, pattern));
                }
            }
            let (_, pattern) = best?;
            for (limit, amount) in &self.packing.shapes[pattern.shape as usize].draws {
                limits[*limit as usize] -= amount;
            }
            for (item, count) in &mut pool {
                if let Ok(at) = pattern.counts.binary_search_by_key(item, |(i, _)| *i) {
                    *count -= pattern.counts[at].1;
                    waiting -= size(*item) * f64::from(pattern.counts[at].1);
                }
            }
            pool.retain(|(_, count)| *count > 0);
            packed.push((pattern, 1));
        }
        Some(packed)
    }

    /// A thrifty shape, the first ones more often, that holds the largest item that waits.
    fn choose(&self, pool: &Pool, limits: &[f64], rng: &mut fastrand::Rng) -> Option<usize> {
        let (largest, _) = pool.first()?;
        let holds = |k: &usize| {
            let affordable = self.packing.shapes[*k].draws.iter().all(|(l, a)| *a <= limits[*l as usize]);
            affordable && self.packing.fits(*largest as usize, *k) > 0
        };
        let holding: Vec<usize> = self.thrifty.iter().copied().filter(holds).collect();
        let place = rng.usize(0..holding.len().max(1)).min(rng.usize(0..holding.len().max(1)));
        holding.get(place).copied()
    }

    /// The shape as full as a search gets it with the largest item in it.
    fn filled(&self, pool: &Pool, shape: usize, effort: &mut Effort<'_>) -> Option<Pattern> {
        let room = &self.packing.shapes[shape].room;
        let mut search = Search {
            packing: self.packing,
            completion: self,
            pool,
            shape,
            taken: vec![0; pool.len()],
            best: vec![],
            most: 0.0,
            full: dot(room, &self.prices) * (1.0 - EMPTY),
            nodes: 0,
        };
        search.take(0, 0.0, room);
        effort.spend(1 + u64::from(search.nodes) / 8 + pool.len() as u64 / 32);
        let counts = pool.iter().zip(&search.best).filter(|(_, n)| **n > 0).map(|((item, _), n)| (*item, *n));
        let mut counts: Vec<(u32, u32)> = counts.collect();
        counts.sort_unstable();
        (!counts.is_empty()).then(|| Pattern { shape: u32::try_from(shape).expect("few shapes"), counts })
    }
}

impl Search<'_> {
    /// Takes one more of the entry, and then what fits best beside what is in the bin.
    fn take(&mut self, entry: usize, size: f64, room: &[f64]) {
        let (item, count) = self.pool[entry];
        let known = &self.packing.items[item as usize];
        let holds = self.packing.shapes[self.shape].takes.contains(item as usize)
            && self.taken[entry] < count.min(known.most)
            && known.weights.iter().zip(room).all(|(w, r)| w <= r);
        if !holds || !known.apart.is_empty() && self.clashes(&known.apart) {
            return;
        }
        self.nodes += 1;
        let room: Vec<f64> = room.iter().zip(&known.weights).map(|(r, w)| r - w).collect();
        let size = size + self.completion.sizes[item as usize];
        self.taken[entry] += 1;
        if size > self.most {
            self.most = size;
            self.best.clone_from(&self.taken);
        }
        let rest = dot(&room, &self.completion.prices) * (1.0 + 1e-12);
        let sizes = |(i, _): &(u32, u32)| self.completion.sizes[*i as usize];
        let smallest = self.pool.last().map_or(0.0, sizes);
        // What is larger than the room that is left need not be looked at.
        let from = entry.max(self.pool.partition_point(|e| sizes(e) > rest));
        let single = rest < 2.0 * smallest;
        for next in from..self.pool.len() {
            let enough = size + if single { sizes(&self.pool[next]) } else { rest };
            if enough <= self.most * (1.0 + 1e-12) || self.most >= self.full || self.nodes > NODES {
                break;
            }
            self.take(next, size, &room);
        }
        self.taken[entry] -= 1;
    }

    fn clashes(&self, apart: &[u32]) -> bool {
        let inside = self.pool.iter().zip(&self.taken).filter(|(_, n)| **n > 0);
        inside.into_iter().any(|((item, _), _)| apart.binary_search(item).is_ok())
    }
}
