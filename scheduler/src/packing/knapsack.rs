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

struct Depth<'a> {
    packing: &'a Packing,
    relaxed: &'a Relaxed,
    dims: usize,
    order: Vec<Candidate>,
    weights: Vec<f64>,
    taken: Vec<u32>,
    /// The position in `order` of each item of the relaxation; `usize::MAX` if it is worth nothing.
    place: Vec<usize>,
    apart: bool,
    rooms: Vec<f64>,
    best: f64,
    kept: Vec<(Vec<u32>, f64)>,
    nodes: u64,
    limit: u64,
    work: u64,
}

/// So many of the patterns on the way to the best are given as well.
const KEPT: usize = 3;

/// Branches that could be better by less than this share are left.
const NEGLIGIBLE: f64 = 1e-6;

/// Looks for patterns of the shape worth more than `worth`, with at most so many nodes.
pub(crate) fn search(
    packing: &Packing,
    shape: usize,
    relaxed: &Relaxed,
    values: &[f64],
    worth: f64,
    limit: u64,
) -> Found {
    let dims = packing.dims;
    let mut order: Vec<Candidate> = vec![];
    for (at, item) in relaxed.items.iter().enumerate() {
        let value = values[*item as usize];
        if value > 1e-9 {
            let cost = dot(&relaxed.shares[at * dims..(at + 1) * dims], &relaxed.prices).max(1e-12);
            order.push(Candidate { at, value, cost, most: relaxed.most[at] });
        }
    }
    order.sort_by(|a, b| (b.value * a.cost).total_cmp(&(a.value * b.cost)).then(a.at.cmp(&b.at)));
    let mut place = vec![usize::MAX; relaxed.items.len()];
    let mut weights = Vec::with_capacity(order.len() * dims);
    for (k, candidate) in order.iter().enumerate() {
        place[candidate.at] = k;
        weights.extend_from_slice(&relaxed.weights[candidate.at * dims..(candidate.at + 1) * dims]);
    }
    let apart = relaxed.items.iter().any(|i| !packing.items[*i as usize].apart.is_empty());
    let mut rooms = vec![0.0; (order.len() + 1) * dims];
    rooms[..dims].copy_from_slice(&packing.shapes[shape].room);
    let slack: f64 = relaxed.prices.iter().sum();
    let n = order.len();
    let mut depth = Depth {
        packing,
        relaxed,
        dims,
        order,
        weights,
        taken: vec![0; n],
        place,
        apart,
        rooms,
        best: worth,
        kept: vec![],
        nodes: 0,
        limit,
        work: 1 + n as u64 / 4,
    };
    depth.descend(0, 0, 0.0, slack);
    let proven = (depth.nodes <= limit).then(|| depth.best * (1.0 + 2.0 * NEGLIGIBLE));
    let kept = std::mem::take(&mut depth.kept);
    let shape = u32::try_from(shape).expect("few shapes");
    let patterns =
        kept.into_iter().map(|(taken, value)| (Pattern { shape, counts: depth.filled(&taken) }, value)).collect();
    Found { patterns, proven, work: depth.work }
}

impl Depth<'_> {
    /// Goes on with the candidates from `k`; `level` is where the room that is left lies.
    fn descend(&mut self, mut k: usize, level: usize, value: f64, slack: f64) {
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
        let dims = self.dims;
        let enough = self.best * (1.0 + NEGLIGIBLE) + 1e-12;
        let mut bound = value;
        let mut rest = slack;
        let mut first = None;
        let room = &self.rooms[level * dims..(level + 1) * dims];
        let mut at = k;
        while at < self.order.len() && rest > 1e-12 {
            let fits = self.weights[at * dims..(at + 1) * dims].iter().zip(room).all(|(w, r)| w <= r);
            if fits {
                let candidate = &self.order[at];
                first = first.or(Some(at));
                let whole = f64::from(candidate.most);
                let take = if candidate.cost * whole <= rest { whole } else { rest / candidate.cost };
                bound += take * candidate.value;
                if bound > enough {
                    break;
                }
                rest -= take * candidate.cost;
            }
            at += 1;
        }
        self.work += 2 + (at - k) as u64 / 16;
        if bound <= enough {
            return;
        }
        let Some(first) = first else { return };
        k = first;
        let mut most = self.order[k].most;
        for d in 0..dims {
            let weight = self.weights[k * dims + d];
            if weight > 0.0 {
                let fits = (self.rooms[level * dims + d] / weight).floor();
                if fits < f64::from(most) {
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // below a u32, not below zero
                    {
                        most = fits as u32;
                    }
                }
            }
        }
        if self.apart && self.clashes(k) {
            most = 0;
        }
        let (gain, cost) = (self.order[k].value, self.order[k].cost);
        for count in (0..=most).rev() {
            let many = f64::from(count);
            for d in 0..dims {
                self.rooms[(level + 1) * dims + d] = self.rooms[level * dims + d] - self.weights[k * dims + d] * many;
            }
            self.taken[k] = count;
            self.descend(k + 1, level + 1, value + many * gain, slack - many * cost);
            if self.nodes > self.limit {
                break;
            }
        }
        self.taken[k] = 0;
    }

    fn clashes(&self, k: usize) -> bool {
        let item = self.relaxed.items[self.order[k].at];
        self.packing.items[item as usize].apart.iter().any(|other| {
            let at = self.relaxed.items.binary_search(other).ok();
            at.map(|at| self.place[at]).is_some_and(|k| k != usize::MAX && self.taken[k] > 0)
        })
    }

    /// The pattern, with what else fits: more than what is asked for does no harm, and may save a bin elsewhere.
    fn filled(&self, taken: &[u32]) -> Vec<(u32, u32)> {
        let dims = self.dims;
        let relaxed = self.relaxed;
        let mut counts = vec![0; relaxed.items.len()];
        let mut room = self.rooms[..dims].to_vec();
        for (candidate, count) in self.order.iter().zip(taken) {
            counts[candidate.at] = *count;
            let weights = &relaxed.weights[candidate.at * dims..(candidate.at + 1) * dims];
            room.iter_mut().zip(weights).for_each(|(r, w)| *r -= w * f64::from(*count));
        }
        let worthless = (0..relaxed.items.len()).filter(|at| self.place[*at] == usize::MAX);
        let fillers: Vec<usize> = self.order.iter().map(|c| c.at).chain(worthless).collect();
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
