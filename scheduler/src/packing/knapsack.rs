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

#[derive(Clone, Copy)]
struct Candidate<const D: usize> {
    /// The position among the items of the relaxation.
    at: usize,
    value: f64,
    /// What it costs at the prices of room.
    cost: f64,
    most: u32,
    weights: [f64; D],
}

/// Where a search is.
#[derive(Clone, Copy)]
struct Spot<const D: usize> {
    /// What is left of the room.
    room: [f64; D],
    /// What the items taken are worth.
    value: f64,
    /// What the room that is left is worth at the prices at which the candidates are ordered.
    slack: f64,
    /// How many kinds of items have been taken.
    depth: usize,
}

struct Depth<'a, const D: usize> {
    packing: &'a Packing,
    relaxed: &'a Relaxed,
    taken: Vec<u32>,
    apart: bool,
    best: f64,
    kept: Vec<(Vec<u32>, f64)>,
    nodes: u64,
    limit: u64,
    work: u64,
}

/// Down to this depth the prices of room are reckoned anew for what is left of the bin: they are what prunes.
const REPRICED: usize = 4;

/// So few candidates are tried rather than priced anew.
const FEW: usize = 4;

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
    let mut order: Vec<Candidate<D>> = vec![];
    for (at, item) in relaxed.items.iter().enumerate() {
        let value = values[*item as usize];
        if value > 1e-9 {
            let row = at * dims..(at + 1) * dims;
            let cost = dot(&relaxed.shares[row.clone()], &relaxed.prices).max(FREE);
            if cost - value <= spare {
                let weights = padded(&relaxed.weights[row]);
                order.push(Candidate { at, value, cost, most: relaxed.most[at], weights });
            }
        }
    }
    by_density(&mut order);
    let apart = relaxed.items.iter().any(|i| !packing.items[*i as usize].apart.is_empty());
    let slack = relaxed.prices.iter().sum::<f64>() + free(&order);
    let mut depth = Depth::<D> {
        packing,
        relaxed,
        taken: vec![0; relaxed.items.len()],
        apart,
        best: worth,
        kept: vec![],
        nodes: 0,
        limit,
        work: 1 + relaxed.items.len() as u64 / 16,
    };
    let room = padded(&packing.shapes[shape].room);
    depth.descend(&order, 0, Spot { room, value: 0.0, slack, depth: 0 });
    let proven = (depth.nodes <= limit).then_some(depth.best * (1.0 + 2.0 * NEGLIGIBLE));
    let kept = std::mem::take(&mut depth.kept);
    let number = u32::try_from(shape).expect("few shapes");
    let order: Vec<usize> = order.iter().map(|c| c.at).collect();
    let patterns = kept
        .into_iter()
        .map(|(taken, value)| (Pattern { shape: number, counts: depth.filled(shape, taken, &order) }, value))
        .collect();
    Found { patterns, proven, work: depth.work }
}

/// What an item costs that takes only what there is enough of: next to nothing, so that it can be divided by.
const FREE: f64 = 1e-12;

/// What has to be added to the worth of the room for the items that would cost nothing.
fn free<const D: usize>(order: &[Candidate<D>]) -> f64 {
    order.iter().filter(|c| c.cost <= FREE).map(|c| 2.0 * FREE * f64::from(c.most)).sum()
}

fn by_density<const D: usize>(order: &mut [Candidate<D>]) {
    // A quotient each: products of pairs, rounded, would not be an order.
    let density = |c: &Candidate<D>| c.value / c.cost;
    order.sort_by(|a, b| density(b).total_cmp(&density(a)).then(a.at.cmp(&b.at)));
}

fn padded<const D: usize>(amounts: &[f64]) -> [f64; D] {
    let mut out = [0.0; D];
    out.iter_mut().zip(amounts).for_each(|(o, a)| *o = *a);
    out
}

/// Whether all of it is there.
fn fits<const D: usize>(weights: &[f64; D], room: &[f64; D]) -> bool {
    weights.iter().zip(room).fold(true, |all, (w, r)| all & (w <= r))
}

/// How many of a candidate there is room for.
fn most_in<const D: usize>(candidate: &Candidate<D>, room: &[f64; D]) -> u32 {
    let mut most = f64::from(candidate.most);
    for (weight, room) in candidate.weights.iter().zip(room) {
        if *weight > 0.0 {
            most = most.min((room / weight).floor());
        }
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // no more than a u32, not below zero
    let most = most as u32;
    most
}

impl<const D: usize> Depth<'_, D> {
    /// Takes note of where the search is, and goes on with the candidates from `k`.
    fn descend(&mut self, order: &[Candidate<D>], k: usize, spot: Spot<D>) {
        if spot.value > self.best * (1.0 + 1e-12) + 1e-12 {
            self.best = spot.value;
            if self.kept.len() == KEPT {
                self.kept.remove(0);
            }
            self.kept.push((self.taken.clone(), spot.value));
        }
        self.nodes += 1;
        let reprice = (1..=REPRICED).contains(&spot.depth) && order.len() - k > FEW;
        match reprice.then(|| self.first_worth_it(order, k, &spot)) {
            None => self.explore(order, k, &spot),
            Some(None) => {}
            Some(Some(first)) => {
                let asked = self.best * (1.0 + NEGLIGIBLE) + 1e-12 - spot.value;
                if let Some((order, slack)) = self.repriced(&order[first..], &spot.room, asked) {
                    let depth = if spot.depth == REPRICED { usize::MAX } else { spot.depth };
                    self.explore(&order, 0, &Spot { slack, depth, ..spot });
                }
            }
        }
    }

    /// Tries each candidate from `k` on as the next to be taken.
    fn explore(&mut self, order: &[Candidate<D>], mut k: usize, spot: &Spot<D>) {
        while self.nodes <= self.limit
            && let Some(first) = self.first_worth_it(order, k, spot)
        {
            self.branch(order, first, spot);
            k = first + 1;
        }
    }

    /// The first candidate from `k` on that fits, if all that fits could be worth enough at the prices of room.
    fn first_worth_it(&mut self, order: &[Candidate<D>], k: usize, spot: &Spot<D>) -> Option<usize> {
        let enough = self.best * (1.0 + NEGLIGIBLE) + 1e-12;
        let (mut bound, mut rest) = (spot.value, spot.slack);
        let mut first = None;
        let mut seen = 0;
        for (at, candidate) in order.iter().enumerate().skip(k) {
            seen += 1;
            if !fits(&candidate.weights, &spot.room) {
                continue;
            }
            first = first.or(Some(at));
            let whole = f64::from(candidate.most);
            if candidate.cost * whole <= rest {
                bound += whole * candidate.value;
                rest -= whole * candidate.cost;
            } else {
                bound += rest / candidate.cost * candidate.value;
                rest = 0.0;
            }
            if bound > enough || rest <= 0.0 {
                break;
            }
        }
        self.work += 1 + seen / 32;
        first.filter(|_| bound > enough)
    }

    /// Takes every number of the candidate at `k` that there is room for, from the most down to one.
    fn branch(&mut self, order: &[Candidate<D>], k: usize, spot: &Spot<D>) {
        let candidate = &order[k];
        if self.apart && self.clashes(candidate.at) {
            return;
        }
        for count in (1..=most_in(candidate, &spot.room)).rev() {
            let many = f64::from(count);
            let mut room = spot.room;
            room.iter_mut().zip(&candidate.weights).for_each(|(r, w)| *r -= w * many);
            self.taken[candidate.at] = count;
            let (value, slack) = (spot.value + many * candidate.value, spot.slack - many * candidate.cost);
            self.descend(order, k + 1, Spot { room, value, slack, depth: spot.depth.saturating_add(1) });
            if self.nodes > self.limit {
                break;
            }
        }
        self.taken[candidate.at] = 0;
    }

    /// The candidates that are left at prices made for the room that is left, and what that room is worth; `None` if all of
    /// it is worth no more than what is asked.
    fn repriced(&mut self, order: &[Candidate<D>], room: &[f64; D], asked: f64) -> Option<(Vec<Candidate<D>>, f64)> {
        let dims = self.packing.dims;
        let (mut items, mut shares, mut most, mut values) = (vec![], vec![], vec![], vec![]);
        for (c, candidate) in order.iter().enumerate() {
            let fit = most_in(candidate, room);
            if fit >= 1 && !(self.apart && self.clashes(candidate.at)) {
                items.push(u32::try_from(c).expect("few candidates"));
                most.push(fit);
                values.push(candidate.value);
                shares.extend(
                    (0..dims).map(|d| if candidate.weights[d] > 0.0 { candidate.weights[d] / room[d] } else { 0.0 }),
                );
            }
        }
        let places: Vec<u32> = items.clone();
        let local: Vec<u32> = (0..u32::try_from(items.len()).expect("few candidates")).collect();
        let mut relaxed = Relaxed::of_parts(dims, local, vec![], shares, most);
        let (bound, work) = relaxed.bound(&values);
        self.work += work + 2;
        if bound <= asked {
            return None;
        }
        let spare = bound - asked + 1e-9;
        let mut out: Vec<Candidate<D>> = vec![];
        for (i, place) in places.iter().enumerate() {
            let candidate = &order[*place as usize];
            let cost = dot(&relaxed.shares[i * dims..(i + 1) * dims], &relaxed.prices).max(FREE);
            if cost - candidate.value <= spare {
                out.push(Candidate { cost, most: relaxed.most[i], ..*candidate });
            }
        }
        by_density(&mut out);
        let slack = relaxed.prices.iter().sum::<f64>() + free(&out);
        Some((out, slack))
    }

    fn clashes(&self, at: usize) -> bool {
        let item = self.relaxed.items[at];
        self.packing.items[item as usize]
            .apart
            .iter()
            .any(|other| self.relaxed.items.binary_search(other).is_ok_and(|at| self.taken[at] > 0))
    }

    /// The pattern, with what else fits: more than what is asked for does no harm, and may save a bin elsewhere.
    fn filled(&self, shape: usize, taken: Vec<u32>, order: &[usize]) -> Vec<(u32, u32)> {
        let dims = self.packing.dims;
        let relaxed = self.relaxed;
        let mut counts = taken;
        let mut room = self.packing.shapes[shape].room.clone();
        let weights = |at: usize| &relaxed.weights[at * dims..(at + 1) * dims];
        for (at, count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
            room.iter_mut().zip(weights(at)).for_each(|(r, w)| *r -= w * f64::from(*count));
        }
        let others = (0..relaxed.items.len()).filter(|at| !order.contains(at));
        for at in order.iter().copied().chain(others) {
            let item = &self.packing.items[relaxed.items[at] as usize];
            let inside = |other: &u32| relaxed.items.binary_search(other).is_ok_and(|at| counts[at] > 0);
            if counts[at] == relaxed.most[at] || item.apart.iter().any(inside) {
                continue;
            }
            while counts[at] < relaxed.most[at] && weights(at).iter().zip(&room).all(|(w, r)| w <= r) {
                counts[at] += 1;
                room.iter_mut().zip(weights(at)).for_each(|(r, w)| *r -= w);
            }
        }
        relaxed.items.iter().zip(counts).filter(|(_, c)| *c > 0).map(|(i, c)| (*i, c)).collect()
    }
}
