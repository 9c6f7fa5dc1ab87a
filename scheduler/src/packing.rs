//! Vector bin packing with bins of many kinds, at least cost: numbers only, nothing of pods or nodes.
//!
//! Items with the same needs are one item with a demand. Bins of the same room that take the same items are one shape. A
//! way to fill a bin is a pattern: a column of the linear programme whose rows are the items. The programme is solved by
//! generating columns (Gilmore and Gomory 1961); its dual values prove how cheap any packing must be (Farley 1990); its
//! solution is rounded, and what comes of it is improved by packing a few bins anew.
//!
//! Amounts are whole numbers kept in `f64`: below 2^53 sums and differences of them are exact, so what fits is never a
//! matter of rounding. What a bin or an item stands for is known to the caller only.

mod blend;
mod columns;
mod complete;
mod effort;
mod fill;
mod improve;
mod knapsack;
mod master;
mod relaxed;
mod rounding;
mod scarce;
mod solve;
mod start;

use crate::bitset::Bits;
use rustc_hash::FxHasher;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

pub(crate) use columns::Bound;
pub(crate) use effort::Effort;
pub(crate) use knapsack::MOST_DIMS;
#[cfg(test)]
pub(crate) use solve::Solved;
pub(crate) use solve::{prove, solve};

/// What is to be packed, and into what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packing {
    /// How many kinds of room there are.
    pub(crate) dims: usize,
    /// What is to be packed.
    pub(crate) items: Vec<Item>,
    /// What it may be packed into.
    pub(crate) shapes: Vec<Shape>,
    /// Of what only so much may be drawn by all bins together.
    pub(crate) limits: Vec<f64>,
}

/// Some of the same.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// What one takes of each kind of room.
    pub(crate) weights: Vec<f64>,
    /// How many there are.
    pub(crate) demand: u32,
    /// How many may be in one bin.
    pub(crate) most: u32,
    /// What else tells it from others of the same weights, as a number of the caller's choice.
    pub(crate) kind: u64,
    /// The items that it cannot share a bin with, ascending; the relation is symmetric.
    pub(crate) apart: Vec<u32>,
}

/// A kind of bin.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// How much of each kind of room there is.
    pub(crate) room: Vec<f64>,
    /// What one costs, dollars per hour.
    pub(crate) price: f64,
    /// What one counts as when packings are compared: the price and whatever else speaks against one more bin.
    pub(crate) weight: f64,
    /// The items that may go into it.
    pub(crate) takes: Bits,
    /// What one draws of the limits.
    pub(crate) draws: Vec<(u32, f64)>,
}

/// A way to fill a bin: the shape, and how many of which items, ascending.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Pattern {
    pub(crate) shape: u32,
    pub(crate) counts: Vec<(u32, u32)>,
}

/// Bins that are filled, each pattern with how often.
pub(crate) type Packed = Vec<(Pattern, u32)>;

impl Pattern {
    /// What the items in it are worth together.
    pub(crate) fn worth(&self, values: &[f64]) -> f64 {
        self.counts.iter().map(|(item, count)| values[*item as usize] * f64::from(*count)).sum()
    }
}

/// The same bins in order, each way to fill one named once.
fn counted(bins: impl IntoIterator<Item = (Pattern, u32)>) -> Packed {
    let mut counted: BTreeMap<Pattern, u32> = BTreeMap::new();
    for (pattern, times) in bins {
        *counted.entry(pattern).or_default() += times;
    }
    counted.into_iter().collect()
}

/// Whether the first draws no more of any limit than the second.
pub(crate) fn draws_within<A: PartialOrd>(some: &[(u32, A)], most: &[(u32, A)]) -> bool {
    some.iter().all(|(row, amount)| most.iter().any(|(r, most)| r == row && amount <= most))
}

impl Item {
    /// A number that two items share if they ask for the same, and hardly otherwise.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = FxHasher::default();
        self.weights.iter().for_each(|w| w.to_bits().hash(&mut hasher));
        (self.most, self.kind).hash(&mut hasher);
        hasher.finish()
    }
}

impl Packing {
    /// How often the item fits the shape, if nothing else is in it.
    pub(crate) fn fits(&self, item: usize, shape: usize) -> u32 {
        let (item_, shape_) = (&self.items[item], &self.shapes[shape]);
        if !shape_.takes.contains(item) {
            return 0;
        }
        let mut most = f64::from(item_.most);
        for (weight, room) in item_.weights.iter().zip(&shape_.room) {
            if *weight > 0.0 {
                most = most.min((room / weight).floor());
            }
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most `most`, which is a u32
        let most = most.max(0.0) as u32;
        most
    }

    /// What is left of the shape's room with these items in it; `None` if they do not fit.
    pub(crate) fn left(&self, shape: usize, counts: &[(u32, u32)]) -> Option<Vec<f64>> {
        let shape = &self.shapes[shape];
        let mut left = shape.room.clone();
        for (item, count) in counts {
            let item_ = &self.items[*item as usize];
            if !shape.takes.contains(*item as usize) || *count > item_.most {
                return None;
            }
            for (left, weight) in left.iter_mut().zip(&item_.weights) {
                *left -= weight * f64::from(*count);
                if *left < 0.0 {
                    return None;
                }
            }
        }
        let inside = |other: &u32| counts.binary_search_by_key(other, |(i, _)| *i).is_ok();
        let clash = counts.iter().any(|(item, _)| self.items[*item as usize].apart.iter().any(inside));
        (!clash).then_some(left)
    }

    /// The shape of least weight that holds these items, of those that draw no more than this on the limits.
    pub(crate) fn cheapest_for(&self, counts: &[(u32, u32)], by_weight: &[u32], draws: &[(u32, f64)]) -> Option<u32> {
        let thrifty = |shape: &u32| draws_within(&self.shapes[*shape as usize].draws, draws);
        let mut thrifty = by_weight.iter().copied().filter(thrifty);
        thrifty.find(|shape| self.left(*shape as usize, counts).is_some())
    }

    /// The shapes, those of least weight first.
    pub(crate) fn by_weight(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..u32::try_from(self.shapes.len()).expect("fewer shapes than that")).collect();
        order.sort_by(|a, b| {
            let (a, b) = (*a as usize, *b as usize);
            self.shapes[a].weight.total_cmp(&self.shapes[b].weight).then(a.cmp(&b))
        });
        order
    }

    /// Whether what is proven of the one holds for the other, but for how much is asked for: the same needs, bins, prices and
    /// limits. What bins are preferred for does not matter to a proof.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        let same_item = |a: &Item, b: &Item| a.weights == b.weights && a.most == b.most && a.apart == b.apart;
        #[allow(clippy::float_cmp)] // the same, not nearly the same
        let same_shape =
            |a: &Shape, b: &Shape| a.price == b.price && a.room == b.room && a.takes == b.takes && a.draws == b.draws;
        self.dims == other.dims
            && self.limits == other.limits
            && self.items.len() == other.items.len()
            && self.shapes.len() == other.shapes.len()
            && self.items.iter().zip(&other.items).all(|(a, b)| same_item(a, b))
            && self.shapes.iter().zip(&other.shapes).all(|(a, b)| same_shape(a, b))
    }

    /// What bins count as together.
    pub(crate) fn weight(&self, packed: &[(Pattern, u32)]) -> f64 {
        packed.iter().map(|(pattern, times)| self.shapes[pattern.shape as usize].weight * f64::from(*times)).sum()
    }
}

#[cfg(test)]
#[path = "packing_tests.rs"]
mod tests;
