//! What is worth knowing again in the next round of the same cluster.
//!
//! Deployments recur: the same pods are asked for again, of the same machines, at the same prices. What was proven of them
//! then still holds, and the patterns that filled nodes well still do.

use crate::packing::{Bound, Packing, Pattern};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// Patterns that filled nodes well, and prices that proved a bound. An empty memory is as good as any to begin with; what is
/// remembered changes how fast a plan is found, never what is a plan.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    recalled: Vec<Recalled>,
    patterns: FxHashMap<u64, Vec<(u64, u32)>>,
    order: Vec<u64>,
}

/// What is known of one packing.
#[derive(Clone, Debug)]
struct Recalled {
    packing: Packing,
    values: Vec<f64>,
}

/// So many packings are remembered.
const PACKINGS: usize = 16;

/// So many patterns are remembered.
const PATTERNS: usize = 4_096;

impl Memory {
    /// The patterns known that can be used for a packing, and values that prove a bound for it.
    pub(crate) fn recall(&self, packing: &Packing) -> (Vec<Pattern>, Option<&[f64]>) {
        let items: FxHashMap<u64, u32> =
            (0_u32..).zip(&packing.items).map(|(i, item)| (item.fingerprint(), i)).collect();
        let by_weight = packing.by_weight();
        let mut patterns = vec![];
        for pattern in self.order.iter().filter_map(|p| self.patterns.get(p)) {
            let counts: Option<Vec<(u32, u32)>> =
                pattern.iter().map(|(item, count)| Some((*items.get(item)?, *count))).collect();
            let Some(mut counts) = counts else { continue };
            counts.sort_unstable();
            counts.iter_mut().for_each(|(i, c)| *c = (*c).min(packing.items[*i as usize].demand));
            if let Some(shape) = packing.cheapest_for(&counts, &by_weight, &[]) {
                patterns.push(Pattern { shape, counts });
            }
        }
        // A pattern of then held no more of an item than there were; it may be that more of it would fit today.
        let covers = |i: usize, then: u32| (0..packing.shapes.len()).all(|k| packing.fits(i, k) <= then);
        let holds = |known: &&Recalled| {
            let mut items = known.packing.items.iter().zip(&packing.items).enumerate();
            known.packing.is_alike(packing)
                && items.all(|(i, (then, now))| now.demand <= then.demand || covers(i, then.demand))
        };
        (patterns, self.recalled.iter().rev().find(holds).map(|known| known.values.as_slice()))
    }

    /// Keeps what was found.
    pub(crate) fn keep(&mut self, packing: &Packing, patterns: &[Pattern], bound: &Bound) {
        for pattern in patterns.iter().filter(|p| packing.shapes[p.shape as usize].draws.is_empty()) {
            let counts: Vec<(u64, u32)> =
                pattern.counts.iter().map(|(i, c)| (packing.items[*i as usize].fingerprint(), *c)).collect();
            let mut hasher = FxHasher::default();
            counts.hash(&mut hasher);
            let key = hasher.finish();
            if self.patterns.insert(key, counts).is_none() {
                self.order.push(key);
            }
        }
        let surplus = self.order.len().saturating_sub(PATTERNS);
        for old in self.order.drain(..surplus) {
            self.patterns.remove(&old);
        }
        if bound.limits.iter().all(|u| *u == 0.0) && bound.value > 0.0 {
            self.recalled.retain(|known| !known.packing.is_alike(packing));
            self.recalled.push(Recalled { packing: packing.clone(), values: bound.values.clone() });
            let surplus = self.recalled.len().saturating_sub(PACKINGS);
            self.recalled.drain(..surplus);
        }
    }
}
