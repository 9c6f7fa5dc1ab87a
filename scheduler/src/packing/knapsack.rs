//! The most valuable patterns of one shape, by a search in depth.
//!
//! Items are taken in the order of their value for the room they take, at the prices of room that the relaxation found. A
//! branch is left when what the rest could be worth at those prices is not enough. Where some room is scarce, such as that
//! for a handful of GPUs, the items that want it are decided on first: what is left then is a question of ordinary room,
//! for which prices say nearly the truth. On nodes that hold hundreds of tiny items a proof is hopeless and not needed: the
//! first descent is nearly the best, and the search has a limit.

use super::relaxed::{Relaxed, dot};
use super::scarce::Scarce;
use super::{Effort, Packing, Pattern};

/// What is asked of a search.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) packing: &'a Packing,
    pub(crate) shape: usize,
    /// The shape's relaxation, at its prices for these values.
    pub(crate) relaxed: &'a Relaxed,
    /// What each item of the packing is worth.
    pub(crate) values: &'a [f64],
    /// Patterns worth no more than this are of no interest.
    pub(crate) worth: f64,
    /// What the relaxation says that no pattern exceeds.
    pub(crate) bound: f64,
    /// How many nodes the search may visit.
    pub(crate) limit: u64,
}

/// What a search has found.
pub(crate) struct Found {
    /// Patterns worth more than was asked, each with its worth, best last.
    pub(crate) patterns: Vec<(Pattern, f64)>,
    /// No pattern is worth more than this; `None` if the search ended before that was known.
    pub(crate) proven: Option<f64>,
}

#[derive(Clone, Copy)]
pub(super) struct Candidate<const D: usize> {
    /// The position among the items of the relaxation.
    at: usize,
    pub(super) value: f64,
    /// What it costs at the prices of room.
    cost: f64,
    pub(super) most: u32,
    /// It wants room of which there is so little that a bin holds a few of its like.
    pub(super) scarce: bool,
    pub(super) weights: [f64; D],
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
    /// How many kinds of items have been taken, since those that want what is scarce are decided on.
    depth: usize,
}

impl<const D: usize> Spot<D> {
    /// With so many more of a candidate in the bin.
    fn after(&self, candidate: &Candidate<D>, count: u32) -> Self {
        let many = f64::from(count);
        let mut room = self.room;
        room.iter_mut().zip(&candidate.weights).for_each(|(r, w)| *r -= w * many);
        let (value, slack) = (self.value + many * candidate.value, self.slack - many * candidate.cost);
        Self { room, value, slack, depth: self.depth.saturating_add(1) }
    }
}

struct Depth<'a, 'e, const D: usize> {
    asked: Question<'a>,
    effort: &'a mut Effort<'e>,
    taken: Vec<u32>,
    apart: bool,
    best: f64,
    kept: Vec<(Vec<u32>, f64)>,
    nodes: u64,
    /// What is scarce, and prices for the rest of the room.
    scarce: Scarce<D>,
    /// Scratch space: the relaxation of what is left of a bin, and lists of candidates.
    rest: Relaxed,
    lists: Vec<Vec<Candidate<D>>>,
}

/// Down to this depth the prices of room are reckoned anew for what is left of the bin: they are what prunes.
const REPRICED: usize = 4;

/// So few candidates are tried rather than priced anew.
const FEW: usize = 4;

/// So many of the patterns on the way to the best are given as well.
const KEPT: usize = 6;

/// More kinds of room than this are not searched.
pub(crate) const MOST_DIMS: usize = 48;

/// Branches that could be better by less than this share are left.
const NEGLIGIBLE: f64 = 1e-6;

/// Looks for patterns of the shape that are worth more than is asked.
pub(crate) fn search(question: Question<'_>, effort: &mut Effort<'_>) -> Found {
    // The rooms of all kinds lie in registers where there are few of them.
    match question.packing.dims {
        0..=2 => in_depth::<2>(question, effort),
        3..=4 => in_depth::<4>(question, effort),
        5..=8 => in_depth::<8>(question, effort),
        9..=16 => in_depth::<16>(question, effort),
        _ => in_depth::<MOST_DIMS>(question, effort),
    }
}

fn in_depth<const D: usize>(question: Question<'_>, effort: &mut Effort<'_>) -> Found {
    let Question { packing, shape, relaxed, values, worth, bound, limit } = question;
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
                order.push(Candidate { at, value, cost, most: relaxed.most[at], scarce: false, weights });
            }
        }
    }
    effort.spend(1 + relaxed.items.len() as u64 / 16);
    by_density(&mut order);
    let room = padded(&packing.shapes[shape].room);
    let scarce = Scarce::mark(&mut order, &room);
    let apart = relaxed.items.iter().any(|i| !packing.items[*i as usize].apart.is_empty());
    let slack = relaxed.prices.iter().sum::<f64>() + free(&order);
    let mut depth = Depth::<D> {
        asked: question,
        effort,
        taken: vec![0; relaxed.items.len()],
        apart,
        best: worth,
        kept: vec![],
        nodes: 0,
        scarce,
        rest: Relaxed::of_parts(dims, vec![], vec![], vec![], vec![]),
        lists: vec![],
    };
    depth.decide(&order, &Spot { room, value: 0.0, slack, depth: 0 });
    let proven = (depth.nodes <= limit && !depth.effort.is_over()).then_some(depth.best * (1.0 + 2.0 * NEGLIGIBLE));
    let kept = std::mem::take(&mut depth.kept);
    let number = u32::try_from(shape).expect("few shapes");
    let order: Vec<usize> = order.iter().map(|c| c.at).collect();
    let patterns = kept
        .into_iter()
        .map(|(taken, value)| (Pattern { shape: number, counts: depth.filled(taken, &order) }, value))
        .collect();
    Found { patterns, proven }
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
    order.sort_unstable_by(|a, b| density(b).total_cmp(&density(a)).then(a.at.cmp(&b.at)));
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
    let mut most = candidate.most;
    for (weight, room) in candidate.weights.iter().zip(room) {
        if *weight > 0.0 {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounds down, saturates
            let many = (room / weight) as u32;
            most = most.min(many);
        }
    }
    most
}

/// Which share of the room that there is one of a candidate takes, of each kind.
fn shares<const D: usize>(candidate: &Candidate<D>, room: &[f64; D], dims: usize) -> impl Iterator<Item = f64> {
    candidate.weights.iter().zip(room).take(dims).map(|(w, r)| if *w > 0.0 { w / r } else { 0.0 })
}

impl<const D: usize> Depth<'_, '_, D> {
    fn goes_on(&self) -> bool {
        self.nodes <= self.asked.limit && !self.effort.is_over()
    }

    /// What a pattern has to be worth at least to be of interest.
    fn enough(&self) -> f64 {
        self.best * (1.0 + NEGLIGIBLE) + 1e-12
    }

    /// Takes note of where the search is.
    fn note(&mut self, spot: &Spot<D>) {
        if spot.value > self.best * (1.0 + 1e-12) + 1e-12 {
            self.best = spot.value;
            if self.kept.len() == KEPT {
                self.kept.remove(0);
            }
            self.kept.push((self.taken.clone(), spot.value));
        }
        self.nodes += 1;
    }

    /// Decides how many to take of each candidate that wants something scarce, then on the others. The candidates are at
    /// prices made for this spot.
    fn decide(&mut self, order: &[Candidate<D>], spot: &Spot<D>) {
        if !order.iter().any(|c| c.scarce) {
            return self.explore(order, 0, spot);
        }
        if self.scarce.is_nearly_gone(&spot.room) {
            return self.decide_last(order, spot);
        }
        for (k, candidate) in order.iter().enumerate().filter(|(_, c)| c.scarce) {
            let later = |(i, c): &(usize, &Candidate<D>)| !c.scarce || *i >= k;
            if !self.goes_on() || self.first_worth_it(order.iter().enumerate().filter(later), spot).is_none() {
                return;
            }
            if self.apart && self.clashes(candidate.at) {
                continue;
            }
            for count in (1..=most_in(candidate, &spot.room)).rev() {
                self.taken[candidate.at] = count;
                let spot = spot.after(candidate, count);
                self.note(&spot);
                let later = order.iter().enumerate().filter(|(i, c)| !c.scarce || *i > k).map(|(_, c)| c);
                if let Some((order, slack)) = self.repriced(later, &spot) {
                    self.decide(&order, &Spot { slack, depth: 0, ..spot });
                    self.lists.push(order);
                }
                if !self.goes_on() {
                    break;
                }
            }
            self.taken[candidate.at] = 0;
        }
        let mut others = self.lists.pop().unwrap_or_default();
        others.clear();
        others.extend(order.iter().filter(|c| !c.scarce));
        self.decide_others(&others, &Spot { depth: 0, ..*spot });
        self.lists.push(others);
    }

    /// Decides on the last of the candidates that wants something scarce, or on going without, then on the others. Prices of
    /// room that is nearly gone would let parts of several share it: each is looked at by itself.
    fn decide_last(&mut self, order: &[Candidate<D>], spot: &Spot<D>) {
        let mut others = self.lists.pop().unwrap_or_default();
        others.clear();
        others.extend(order.iter().filter(|c| !c.scarce));
        let possible = order.iter().filter(|c| c.scarce && fits(&c.weights, &spot.room)).map(Some);
        for candidate in possible.chain([None]) {
            let next = candidate.map_or(Spot { ..*spot }, |c| spot.after(c, 1));
            self.effort.spend(u64::from(candidate.is_none()));
            let asked = self.enough() - next.value;
            if self.scarce.worth_of_rest(&next.room) <= asked
                || self.apart && candidate.is_some_and(|c| self.clashes(c.at))
            {
                continue;
            }
            candidate.iter().for_each(|c| self.taken[c.at] += 1);
            self.note(&next);
            self.decide_others(&others, &Spot { depth: 0, ..next });
            candidate.iter().for_each(|c| self.taken[c.at] -= 1);
            if !self.goes_on() {
                break;
            }
        }
        self.lists.push(others);
    }

    /// Goes on with what wants nothing scarce, at prices made for the room that is left.
    fn decide_others(&mut self, others: &[Candidate<D>], spot: &Spot<D>) {
        if others.len() <= FEW {
            return self.explore(others, 0, spot);
        }
        let priced = self.repriced(others.iter(), spot);
        self.scarce.learn(&self.rest.prices, &spot.room);
        if let Some((order, slack)) = priced {
            self.explore(&order, 0, &Spot { slack, ..*spot });
            self.lists.push(order);
        }
    }

    /// Takes note of where the search is, and goes on with the candidates from `k`.
    fn descend(&mut self, order: &[Candidate<D>], k: usize, spot: &Spot<D>) {
        self.note(spot);
        if !(1..=REPRICED).contains(&spot.depth) || order.len() - k <= FEW {
            return self.explore(order, k, spot);
        }
        let Some(first) = self.first_worth_it(order.iter().enumerate().skip(k), spot) else { return };
        if let Some((order, slack)) = self.repriced(order[first..].iter(), spot) {
            let depth = if spot.depth == REPRICED { usize::MAX } else { spot.depth };
            self.explore(&order, 0, &Spot { slack, depth, ..*spot });
            self.lists.push(order);
        }
    }

    /// Tries each candidate from `k` on as the next to be taken.
    fn explore(&mut self, order: &[Candidate<D>], mut k: usize, spot: &Spot<D>) {
        while self.goes_on()
            && let Some(first) = self.first_worth_it(order.iter().enumerate().skip(k), spot)
        {
            self.branch(order, first, spot);
            k = first + 1;
        }
    }

    /// The first of these candidates that fits, if all that fits could be worth enough at the prices of room.
    fn first_worth_it<'c>(
        &mut self,
        candidates: impl Iterator<Item = (usize, &'c Candidate<D>)>,
        spot: &Spot<D>,
    ) -> Option<usize> {
        let enough = self.enough();
        let (mut bound, mut rest) = (spot.value, spot.slack);
        let mut first = None;
        let mut seen = 0;
        for (at, candidate) in candidates {
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
        self.effort.spend(1 + seen / 32);
        first.filter(|_| bound > enough)
    }

    /// Takes every number of the candidate at `k` that there is room for, from the most down to one.
    fn branch(&mut self, order: &[Candidate<D>], k: usize, spot: &Spot<D>) {
        let candidate = &order[k];
        if self.apart && self.clashes(candidate.at) {
            return;
        }
        for count in (1..=most_in(candidate, &spot.room)).rev() {
            self.taken[candidate.at] = count;
            self.descend(order, k + 1, &spot.after(candidate, count));
            if !self.goes_on() {
                break;
            }
        }
        self.taken[candidate.at] = 0;
    }

    /// These candidates at prices made for the room that is left, and what that room is worth; `None` if all of it is worth
    /// no more than what is of interest.
    fn repriced<'c>(
        &mut self,
        candidates: impl Iterator<Item = &'c Candidate<D>>,
        spot: &Spot<D>,
    ) -> Option<(Vec<Candidate<D>>, f64)> {
        let dims = self.asked.packing.dims;
        let mut out = self.lists.pop().unwrap_or_default();
        out.clear();
        self.rest.clear();
        for candidate in candidates {
            let most = most_in(candidate, &spot.room);
            if most >= 1 && !(self.apart && self.clashes(candidate.at)) {
                out.push(Candidate { most, ..*candidate });
                self.rest.push(candidate.value, most, shares(candidate, &spot.room, dims));
            }
        }
        let asked = self.enough() - spot.value;
        let (bound, work) = self.rest.bound_of_pushed();
        self.effort.spend(work + 2);
        if bound <= asked {
            self.lists.push(out);
            return None;
        }
        let spare = bound - asked + 1e-9;
        let mut i = 0;
        let rest = &self.rest;
        out.retain_mut(|candidate| {
            candidate.cost = rest.cost(i).max(FREE);
            i += 1;
            candidate.cost - candidate.value <= spare
        });
        by_density(&mut out);
        let slack = self.rest.prices.iter().sum::<f64>() + free(&out);
        Some((out, slack))
    }

    fn clashes(&self, at: usize) -> bool {
        let item = self.asked.relaxed.items[at];
        self.asked.packing.items[item as usize]
            .apart
            .iter()
            .any(|other| self.asked.relaxed.items.binary_search(other).is_ok_and(|at| self.taken[at] > 0))
    }

    /// The pattern, with what else fits: more than what is asked for does no harm, and may save a bin elsewhere.
    fn filled(&self, taken: Vec<u32>, order: &[usize]) -> Vec<(u32, u32)> {
        let dims = self.asked.packing.dims;
        let relaxed = self.asked.relaxed;
        let mut counts = taken;
        let mut room = self.asked.packing.shapes[self.asked.shape].room.clone();
        let weights = |at: usize| &relaxed.weights[at * dims..(at + 1) * dims];
        for (at, count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
            room.iter_mut().zip(weights(at)).for_each(|(r, w)| *r -= w * f64::from(*count));
        }
        let others = (0..relaxed.items.len()).filter(|at| !order.contains(at));
        for at in order.iter().copied().chain(others) {
            let item = &self.asked.packing.items[relaxed.items[at] as usize];
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
