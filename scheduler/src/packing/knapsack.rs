//! The most valuable patterns of one shape, by a search in depth.
//!
//! Items are taken in the order of their value for the room they take, at the prices of room that the relaxation found. A
//! branch is left when what the rest could be worth at those prices is not enough. On nodes that hold hundreds of tiny items
//! a proof is hopeless and not needed: the first descent is nearly the best, and the search has a limit.

use super::relaxed::{Relaxed, dot};
use super::{Packing, Pattern};

/// What a search has found.
pub(crate) struct Found {
    /// Patterns worth more than was asked, each with its worth, best last.
    pub(crate) patterns: Vec<(Pattern, f64)>,
    /// No pattern is worth more than this; `None` if the search ended before that was known.
    pub(crate) proven: Option<f64>,
    /// The work done, in steps.
    pub(crate) work: u64,
}

struct Candidate {
    /// The position among the items of the relaxation.
    at: usize,
    value: f64,
    /// What it costs at the prices of room.
    cost: f64,
    most: u32,
}

struct Depth<'a, const D: usize> {
    packing: &'a Packing,
    relaxed: &'a Relaxed,
    order: Vec<Candidate>,
    weights: Vec<[f64; D]>,
    taken: Vec<u32>,
    /// The position in `order` of each item of the relaxation; `usize::MAX` if it is not a candidate.
    place: Vec<usize>,
    apart: bool,
    best: f64,
    kept: Vec<(Vec<u32>, f64)>,
    nodes: u64,
    limit: u64,
    work: u64,
}

/// So many of the patterns on the way to the best are given as well.
const KEPT: usize = 3;

/// More kinds of room than this are not searched.
pub(crate) const MOST_DIMS: usize = 48;

/// Branches that could be better by less than this share are left.
const NEGLIGIBLE: f64 = 1e-6;

/// Looks for patterns of the shape worth more than `worth`, with at most so many nodes. `bound` is what the relaxation says
/// that no pattern exceeds, at its prices.
pub(crate) fn search(
    packing: &Packing,
    shape: usize,
    relaxed: &Relaxed,
    values: &[f64],
    (worth, bound): (f64, f64),
    limit: u64,
) -> Found {
    // The rooms of all kinds lie in registers where there are few of them.
    match packing.dims {
        0..=2 => in_depth::<2>(packing, shape, relaxed, values, (worth, bound), limit),
        3..=4 => in_depth::<4>(packing, shape, relaxed, values, (worth, bound), limit),
        5..=8 => in_depth::<8>(packing, shape, relaxed, values, (worth, bound), limit),
        9..=16 => in_depth::<16>(packing, shape, relaxed, values, (worth, bound), limit),
        _ => in_depth::<MOST_DIMS>(packing, shape, relaxed, values, (worth, bound), limit),
    }
}

fn in_depth<const D: usize>(
    packing: &Packing,
    shape: usize,
    relaxed: &Relaxed,
    values: &[f64],
    (worth, bound): (f64, f64),
    limit: u64,
) -> Found {
    let dims = packing.dims;
    // Taking an item that is worth less than the room it takes costs the difference: where that is more than there is to
    // spare, no pattern worth the while has it.
    let spare = (bound - worth).max(0.0) + 1e-9;
    let mut order: Vec<Candidate> = vec![];
    for (at, item) in relaxed.items.iter().enumerate() {
        let value = values[*item as usize];
        if value > 1e-9 {
            let cost = dot(&relaxed.shares[at * dims..(at + 1) * dims], &relaxed.prices).max(1e-12);
            if cost - value <= spare {
                order.push(Candidate { at, value, cost, most: relaxed.most[at] });
            }
        }
    }
    order.sort_by(|a, b| (b.value * a.cost).total_cmp(&(a.value * b.cost)).then(a.at.cmp(&b.at)));
    let mut place = vec![usize::MAX; relaxed.items.len()];
    let mut weights = Vec::with_capacity(order.len());
    for (k, candidate) in order.iter().enumerate() {
        place[candidate.at] = k;
        weights.push(padded(&relaxed.weights[candidate.at * dims..(candidate.at + 1) * dims]));
    }
    let apart = relaxed.items.iter().any(|i| !packing.items[*i as usize].apart.is_empty());
    let slack: f64 = relaxed.prices.iter().sum();
    let n = order.len();
    let mut depth = Depth::<D> {
        packing,
        relaxed,
        order,
        weights,
        taken: vec![0; n],
        place,
        apart,
        best: worth,
        kept: vec![],
        nodes: 0,
        limit,
        work: 1 + relaxed.items.len() as u64 / 16,
    };
    let room = padded(&packing.shapes[shape].room);
    depth.descend(0, &room, 0.0, slack);
    let proven = (depth.nodes <= limit).then(|| depth.best * (1.0 + 2.0 * NEGLIGIBLE));
    let kept = std::mem::take(&mut depth.kept);
    let number = u32::try_from(shape).expect("few shapes");
    let patterns = kept
        .into_iter()
        .map(|(taken, value)| (Pattern { shape: number, counts: depth.filled(shape, &taken) }, value))
        .collect();
    Found { patterns, proven, work: depth.work }
}

fn padded<const D: usize>(amounts: &[f64]) -> [f64; D] {
    let mut out = [0.0; D];
    out.iter_mut().zip(amounts).for_each(|(o, a)| *o = *a);
    out
}

/// Whether all of it is there.
#[inline(always)]
fn fits<const D: usize>(weights: &[f64; D], room: &[f64; D]) -> bool {
    let mut all = true;
    for d in 0..D {
        all &= weights[d] <= room[d];
    }
    all
}

impl<const D: usize> Depth<'_, D> {
    /// Goes on with the candidates from `k`.
    fn descend(&mut self, k: usize, room: &[f64; D], value: f64, slack: f64) {
        if value > self.best * (1.0 + 1e-12) + 1e-12 {
            self.best = value;
            if self.kept.len() == KEPT {
                self.kept.remove(0);
            }
            self.kept.push((self.taken.clone(), value));
        }
        self.nodes += 1;
        if self.nodes > self.limit {
            return;
        }
        let mut k = k;
        loop {
            let enough = self.best * (1.0 + NEGLIGIBLE) + 1e-12;
            let mut bound = value;
            let mut rest = slack;
            let mut first = usize::MAX;
            let mut at = k;
            while at < self.order.len() && rest > 1e-12 {
                if fits(&self.weights[at], room) {
                    let candidate = &self.order[at];
                    first = first.min(at);
                    let whole = f64::from(candidate.most);
                    if candidate.cost * whole <= rest {
                        bound += whole * candidate.value;
                        rest -= whole * candidate.cost;
                    } else {
                        bound += rest / candidate.cost * candidate.value;
                        rest = 0.0;
                    }
                    if bound > enough {
                        break;
                    }
                }
                at += 1;
            }
            self.work += 1 + (at - k) as u64 / 32;
            if bound <= enough || first == usize::MAX {
                return;
            }
            k = first;
            let mut most = f64::from(self.order[k].most);
            for d in 0..D {
                let weight = self.weights[k][d];
                if weight > 0.0 {
                    most = most.min((room[d] / weight).floor());
                }
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // no more than a u32, not below zero
            let mut most = most as u32;
            if self.apart && self.clashes(k) {
                most = 0;
            }
            let (gain, cost, weights) = (self.order[k].value, self.order[k].cost, self.weights[k]);
            for count in (1..=most).rev() {
                let many = f64::from(count);
                let mut left = *room;
                for d in 0..D {
                    left[d] -= weights[d] * many;
                }
                self.taken[k] = count;
                self.descend(k + 1, &left, value + many * gain, slack - many * cost);
                if self.nodes > self.limit {
                    break;
                }
            }
            self.taken[k] = 0;
            if self.nodes > self.limit {
                return;
            }
            // Without it: the same room, so no need to go deeper.
            k += 1;
        }
    }

    fn clashes(&self, k: usize) -> bool {
        let item = self.relaxed.items[self.order[k].at];
        self.packing.items[item as usize].apart.iter().any(|other| {
            let at = self.relaxed.items.binary_search(other).ok();
            at.map(|at| self.place[at]).is_some_and(|k| k != usize::MAX && self.taken[k] > 0)
        })
    }

    /// The pattern, with what else fits: more than what is asked for does no harm, and may save a bin elsewhere.
    fn filled(&self, shape: usize, taken: &[u32]) -> Vec<(u32, u32)> {
        let dims = self.packing.dims;
        let relaxed = self.relaxed;
        let mut counts = vec![0; relaxed.items.len()];
        let mut room = self.packing.shapes[shape].room.clone();
        for (candidate, count) in self.order.iter().zip(taken) {
            counts[candidate.at] = *count;
            let weights = &relaxed.weights[candidate.at * dims..(candidate.at + 1) * dims];
            room.iter_mut().zip(weights).for_each(|(r, w)| *r -= w * f64::from(*count));
        }
        let others = (0..relaxed.items.len()).filter(|at| self.place[*at] == usize::MAX);
        let fillers: Vec<usize> = self.order.iter().map(|c| c.at).chain(others).collect();
        for at in fillers {
            let item = &self.packing.items[relaxed.items[at] as usize];
            let inside = |other: &u32| relaxed.items.binary_search(other).is_ok_and(|at| counts[at] > 0);
            if counts[at] == relaxed.most[at] || item.apart.iter().any(inside) {
                continue;
            }
            let weights = &relaxed.weights[at * dims..(at + 1) * dims];
            while counts[at] < relaxed.most[at] && weights.iter().zip(&room).all(|(w, r)| w <= r) {
                counts[at] += 1;
                room.iter_mut().zip(weights).for_each(|(r, w)| *r -= w);
            }
        }
        relaxed.items.iter().zip(counts).filter(|(_, c)| *c > 0).map(|(i, c)| (*i, c)).collect()
    }
}
