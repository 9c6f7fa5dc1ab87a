//! Column generation: which patterns are worth knowing, and how cheap any packing must be.
//!
//! The programme over the known patterns gives every item a value. A shape for which some pattern is worth more than the
//! shape costs gets that pattern as a column. Values jump from round to round, so patterns are looked for at values between
//! the latest and those that proved the best bound (Wentges 1997). Any values prove a bound, once divided by the most that
//! any pattern is worth per dollar (Farley 1990).

use super::knapsack::{self, Question};
use super::master::Master;
use super::relaxed::Relaxed;
use super::start::{self, Fluid};
use super::{Effort, Packed, Packing, Pattern};
use rustc_hash::FxHashSet;

/// What the programme is to make small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// What is paid.
    Price,
    /// What is compared.
    Weight,
}

/// A proven bound, in dollars per hour before rounding outward.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) value: f64,
    /// What each item is worth at most, so that no pattern is worth more than its price.
    pub(crate) values: Vec<f64>,
    /// What the limits are worth.
    pub(crate) limits: Vec<f64>,
    /// Whether it comes from prices of room alone.
    pub(crate) fluid: bool,
}

impl Bound {
    /// The same for other demands, none of them greater: values prove a bound whatever is asked for.
    pub(crate) fn for_demands(&self, packing: &Packing) -> Self {
        let worth: f64 = self.values.iter().zip(&packing.items).map(|(y, i)| y * f64::from(i.demand)).sum();
        let limits: f64 = self.limits.iter().zip(&packing.limits).map(|(u, l)| u * l).sum();
        Self { value: (worth - limits).max(0.0), ..self.clone() }
    }
}

/// The programme with what is known of it.
pub(crate) struct Columns<'p> {
    pub(crate) packing: &'p Packing,
    pub(crate) demands: Vec<u32>,
    pub(crate) limits: Vec<f64>,
    pub(crate) aim: Aim,
    pub(crate) master: Master,
    /// Which pattern each column is; the first ones stand for going without.
    pub(crate) patterns: Vec<Option<Pattern>>,
    seen: FxHashSet<Pattern>,
    relaxed: Vec<Relaxed>,
    /// The shape's best pattern of late, as a share of its price, and the round in which that was seen.
    scores: Vec<(f64, u64)>,
    /// How many nodes a search of each shape may visit.
    patience: Vec<u64>,
    /// What the last search of each shape that came to its end has proven.
    settled: Vec<Option<Settled>>,
    /// Patterns are looked for that are worth more than their price by at least this share.
    grain: f64,
    round: u64,
    pub(crate) bound: Bound,
    center: Vec<f64>,
}

/// So many nodes a search may visit, until that turns out to be too few.
const PATIENCE: u64 = 400;

/// The share by which patterns have to be worth more than their price, at first: to look for less takes much longer, and is
/// better done once there is nothing more to find. When nothing is found the bound is within this share of the solution.
const COARSEST: f64 = 0.02;

/// The share becomes so much smaller each time.
const FINER: f64 = 0.25;

/// And is never below this.
const FINEST: f64 = 1e-7;

/// What a search proves is by so much more than what it was asked for.
const ROUNDED: f64 = 1.0 + 1e-5;

/// At these values of items no pattern of a shape is worth more than this.
struct Settled {
    values: Vec<f64>,
    most: f64,
    /// The relaxation of the shape at the differences to other values.
    changes: Relaxed,
}

impl Settled {
    /// What no pattern is worth more than at other values: it gains no more than what the differences are worth. Gives the
    /// work done, too.
    fn at(&mut self, values: &[f64]) -> (f64, u64) {
        let gains: Vec<f64> = values.iter().zip(&self.values).map(|(now, then)| (now - then).max(0.0)).collect();
        let (more, work) = self.changes.bound(&gains);
        (self.most + more * (1.0 + 1e-11), work)
    }
}

/// Where items are nearly like water, their bound is nearly the best there is, and to prove more than it is hopeless.
const NEARLY_FLUID: f64 = 1.003;

/// So many shapes are searched in a round, those first of which most is to be expected.
const BREADTH: usize = 16;

/// The share where nothing is to be proven.
const ROUGH: f64 = 1e-4;

/// What a round of generation came to.
struct Priced {
    added: usize,
    /// A search ended before it was done.
    cut_short: bool,
}

impl<'p> Columns<'p> {
    /// The programme without any pattern.
    pub(crate) fn new(packing: &'p Packing, demands: &[u32], limits: &[f64], aim: Aim) -> Self {
        let cost = |k: usize| Self::cost_of(packing, aim, k);
        let dearest = (0..packing.shapes.len()).map(cost).fold(0.0, f64::max);
        let steep: Vec<f64> = (0..demands.len()).map(|_| dearest * 4.0 + 1.0).collect();
        // What fits nowhere is not asked for, or it would be worth any price.
        let fits = |i: usize| (0..packing.shapes.len()).any(|k| packing.fits(i, k) > 0);
        let demands: Vec<u32> = demands.iter().enumerate().map(|(i, d)| if fits(i) { *d } else { 0 }).collect();
        let needed: Vec<f64> = demands.iter().map(|d| f64::from(*d)).collect();
        let master = Master::new(&needed, limits, &steep);
        let relaxed = (0..packing.shapes.len()).map(|k| Relaxed::new(packing, k, &demands)).collect();
        let items = packing.items.len();
        Self {
            packing,
            demands,
            limits: limits.to_vec(),
            aim,
            patterns: vec![None; master.len()],
            master,
            seen: FxHashSet::default(),
            relaxed,
            scores: vec![(1.0, 0); packing.shapes.len()],
            patience: vec![PATIENCE; packing.shapes.len()],
            settled: (0..packing.shapes.len()).map(|_| None).collect(),
            grain: COARSEST,
            round: 0,
            bound: Bound { value: 0.0, values: vec![0.0; items], limits: vec![0.0; limits.len()], fluid: true },
            center: vec![0.0; items],
        }
    }

    fn cost_of(packing: &Packing, aim: Aim, shape: usize) -> f64 {
        match aim {
            Aim::Price => packing.shapes[shape].price,
            Aim::Weight => packing.shapes[shape].weight,
        }
    }

    pub(crate) fn cost(&self, shape: usize) -> f64 {
        Self::cost_of(self.packing, self.aim, shape)
    }

    /// Fills in what every search starts from.
    pub(crate) fn begin(&mut self, rng: &mut fastrand::Rng) -> Fluid {
        let (packing, aim) = (self.packing, self.aim);
        let fluid = start::fluid(packing, &self.demands, &move |k| Self::cost_of(packing, aim, k));
        self.add_singles();
        start::mixed(packing, &self.demands, &fluid, rng).into_iter().for_each(|p| {
            self.add(p);
        });
        let none = vec![0.0; packing.limits.len()];
        self.prove(&fluid.values, &none, &vec![None; packing.shapes.len()], true);
        fluid
    }

    /// Makes known for every item how to have it alone for the least: any demand can be met with that.
    pub(crate) fn add_singles(&mut self) {
        let (packing, aim) = (self.packing, self.aim);
        for pattern in start::singles(packing, &self.demands, &move |k| Self::cost_of(packing, aim, k)) {
            self.add(pattern);
        }
    }

    /// Takes the bound that some values proved before, of the same packing.
    pub(crate) fn recall(&mut self, values: &[f64]) {
        let limits = vec![0.0; self.packing.limits.len()];
        let known = Bound { value: 0.0, values: values.to_vec(), limits, fluid: false }.for_demands(self.packing);
        if known.value > self.bound.value {
            self.center.clone_from(&known.values);
            self.bound = known;
        }
    }

    /// Tries whether some values prove a better bound.
    pub(crate) fn prove_at(&mut self, values: &[f64]) {
        let none = vec![0.0; self.packing.limits.len()];
        self.prove(values, &none, &vec![None; self.packing.shapes.len()], false);
    }

    /// Makes a pattern known; false if it is already.
    pub(crate) fn add(&mut self, pattern: Pattern) -> bool {
        if pattern.counts.is_empty() || !self.seen.insert(pattern.clone()) {
            return false;
        }
        let items = self.packing.items.len();
        let mut entries: Vec<(u32, f64)> = pattern.counts.iter().map(|(i, c)| (*i, f64::from(*c))).collect();
        for (limit, amount) in &self.packing.shapes[pattern.shape as usize].draws {
            entries.push((u32::try_from(items).expect("few items") + limit, -amount));
        }
        self.master.add(self.cost(pattern.shape as usize), &entries);
        self.patterns.push(Some(pattern));
        true
    }

    /// Makes something else small from now on.
    pub(crate) fn aim_at(&mut self, aim: Aim) {
        self.aim = aim;
        for (column, pattern) in self.patterns.iter().enumerate() {
            if let Some(pattern) = pattern {
                self.master.reprice(column, Self::cost_of(self.packing, aim, pattern.shape as usize));
            }
        }
    }

    /// What the items are worth in the programme as it is solved.
    pub(crate) fn values(&self) -> &[f64] {
        &self.master.duals()[..self.packing.items.len()]
    }

    fn limit_values(&self) -> Vec<f64> {
        self.master.duals()[self.packing.items.len()..].iter().map(|u| u.max(0.0)).collect()
    }

    /// The patterns in use and how often.
    pub(crate) fn solution(&self) -> Vec<(&Pattern, f64)> {
        self.master.solution().filter_map(|(c, x)| Some((self.patterns[c].as_ref()?, x))).collect()
    }

    /// Generates columns for a few rounds, without a proof that there are no better ones.
    pub(crate) fn generate_some(&mut self, rounds: u64, effort: &mut Effort<'_>) {
        self.grain = ROUGH;
        let until = self.round + rounds;
        loop {
            self.master.solve(4 * self.demands.len() + 200, effort);
            self.round += 1;
            if self.round > until || effort.is_over() {
                return;
            }
            let latest = self.latest();
            if self.price(&latest, &latest, BREADTH, effort).added == 0
                && self.price(&latest, &latest, usize::MAX, effort).added == 0
            {
                return;
            }
        }
    }

    /// What the items are worth in the programme as it is solved, none less than nothing.
    pub(crate) fn latest(&self) -> Vec<f64> {
        self.values().iter().map(|y| y.max(0.0)).collect()
    }

    /// Generates columns until the solution is proven to be within the tolerance of the best.
    pub(crate) fn generate(&mut self, tolerance: f64, effort: &mut Effort<'_>) {
        let items = self.packing.items.len();
        let mut smoothing = 0.5;
        loop {
            self.master.solve(4 * items + 200, effort);
            self.round += 1;
            if effort.is_over() || self.master.cost() <= self.bound.value * (1.0 + tolerance) {
                return;
            }
            let latest = self.latest();
            // Values in between are worth a look while the bound they proved is near.
            let near = self.bound.value > self.master.cost() * 0.9;
            let smoothed = if near { smoothing } else { 0.0 };
            if smoothed > 0.0 {
                let mut between = latest.clone();
                between.iter_mut().zip(&self.center).for_each(|(y, c)| *y = (1.0 - smoothed) * *y + smoothed * c);
                if self.price(&between, &latest, BREADTH, effort).added > 0 {
                    continue;
                }
                smoothing *= 0.7;
            }
            if self.price(&latest, &latest, BREADTH, effort).added > 0 {
                continue;
            }
            if effort.is_over() {
                return;
            }
            if self.bound.fluid && self.master.cost() <= self.bound.value * NEARLY_FLUID {
                return;
            }
            // Nothing among the most hopeful: all of them, and longer where it was not long enough.
            loop {
                let priced = self.price(&latest, &latest, usize::MAX, effort);
                if priced.added > 0 {
                    break;
                }
                if effort.is_over() {
                    return;
                }
                if !priced.cut_short {
                    if self.grain <= tolerance.max(FINEST) {
                        return;
                    }
                    self.grain = (self.grain * FINER).max(FINEST);
                    break;
                }
            }
        }
    }

    /// Looks for columns at some values, among the shapes where most is to be expected.
    fn price(&mut self, at: &[f64], latest: &[f64], breadth: usize, effort: &mut Effort<'_>) -> Priced {
        let limit_values = self.limit_values();
        let mut bounds: Vec<f64> = vec![];
        let mut hopeful: Vec<(f64, usize)> = vec![];
        for k in 0..self.relaxed.len() {
            let (bound, work) = self.relaxed[k].bound(at);
            effort.spend(work);
            bounds.push(bound);
            if bound > self.price_of(k, &limit_values) * (1.0 + self.grain) {
                let (score, seen) = self.scores[k];
                let age = u32::try_from(self.round - seen).map_or(1.0, |a| f64::from(a) * 0.003);
                hopeful.push((score + age, k));
            }
        }
        hopeful.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut proven: Vec<Option<f64>> = vec![None; self.relaxed.len()];
        hopeful.retain(|(_, k)| {
            let Some(settled) = &mut self.settled[*k] else { return true };
            let (most, work) = settled.at(at);
            effort.spend(work);
            proven[*k] = Some(most);
            most > Self::priced(self.packing, self.aim, *k, &limit_values) * (1.0 + self.grain) * ROUNDED
        });
        let mut priced = Priced { added: 0, cut_short: false };
        for (_, k) in hopeful.iter().take(breadth) {
            let price = self.price_of(*k, &limit_values);
            let question = Question {
                packing: self.packing,
                shape: *k,
                relaxed: &self.relaxed[*k],
                values: at,
                worth: price * (1.0 + self.grain),
                bound: bounds[*k],
                limit: self.patience[*k],
            };
            let found = knapsack::search(question, effort);
            if let Some(most) = found.proven {
                proven[*k] = Some(most.min(proven[*k].unwrap_or(f64::INFINITY)));
                let changes = match self.settled[*k].take() {
                    Some(settled) => settled.changes,
                    None => self.relaxed[*k].clone(),
                };
                self.settled[*k] = Some(Settled { values: at.to_vec(), most, changes });
            }
            let best = found.patterns.last().map_or(1.0 - 1e-3, |(_, v)| v / price.max(1e-9));
            self.scores[*k] = (best, self.round);
            if !found.patterns.is_empty() {
                self.patience[*k] = (self.patience[*k] / 2).max(PATIENCE);
            } else if found.proven.is_none() {
                priced.cut_short = true;
                self.patience[*k] *= 4;
            }
            for (pattern, _) in found.patterns {
                if pattern.worth(latest) > price * (1.0 + FINEST) && self.add(pattern) {
                    priced.added += 1;
                }
            }
            if effort.is_over() {
                break;
            }
        }
        if self.aim == Aim::Price {
            self.prove_with(at, &limit_values, &bounds, &proven, false);
        }
        priced
    }

    /// Whether a bin of the shape costs nothing: then it has a limit of its own, or there would be nothing to pack.
    fn is_free(&self, k: usize) -> bool {
        self.cost(k) <= 0.0 && !self.packing.shapes[k].draws.is_empty()
    }

    /// What a bin of the shape costs with what it draws of the limits.
    fn price_of(&self, k: usize, limit_values: &[f64]) -> f64 {
        Self::priced(self.packing, self.aim, k, limit_values)
    }

    fn priced(packing: &Packing, aim: Aim, k: usize, limit_values: &[f64]) -> f64 {
        let draws = &packing.shapes[k].draws;
        Self::cost_of(packing, aim, k) + draws.iter().map(|(l, amount)| limit_values[*l as usize] * amount).sum::<f64>()
    }

    /// The bound that some values prove.
    fn prove(&mut self, values: &[f64], limit_values: &[f64], proven: &[Option<f64>], fluid: bool) {
        let bounds: Vec<f64> = self.relaxed.iter_mut().map(|r| r.bound(values).0).collect();
        self.prove_with(values, limit_values, &bounds, proven, fluid);
    }

    fn prove_with(
        &mut self,
        values: &[f64],
        limit_values: &[f64],
        bounds: &[f64],
        proven: &[Option<f64>],
        fluid: bool,
    ) {
        // The most that any pattern is worth per dollar. The relaxation is reckoned in floating point: a millionth of a
        // millionth on top covers its rounding.
        let worth_of = |k: usize| proven[k].map_or(bounds[k], |p| p.min(bounds[k])) * (1.0 + 1e-11) + 1e-12;
        let mut limit_values = limit_values.to_vec();
        let mut most: f64 = 0.0;
        for k in (0..bounds.len()).filter(|k| !self.is_free(*k)) {
            let (worth, price) = (worth_of(k), self.price_of(k, &limit_values));
            if worth > 1e-9 {
                most = most.max(worth / price);
            }
        }
        if most <= 0.0 {
            return;
        }
        // What costs nothing is worth what it holds: that much its limit is worth, whatever the programme says.
        for k in (0..bounds.len()).filter(|k| self.is_free(*k)) {
            for (limit, amount) in &self.packing.shapes[k].draws {
                limit_values[*limit as usize] = worth_of(k) / most / amount;
            }
        }
        let worth: f64 = values.iter().zip(&self.demands).map(|(y, d)| y * f64::from(*d)).sum();
        let limits: f64 = limit_values.iter().zip(&self.limits).map(|(u, l)| u * l).sum();
        let value = worth / most - limits;
        if value > self.bound.value {
            let values: Vec<f64> = values.iter().map(|y| y / most).collect();
            self.center.clone_from(&values);
            self.bound = Bound { value, values, limits: limit_values, fluid };
        }
    }

    /// How often each pattern is used at least, in whole numbers.
    pub(crate) fn floors(&self) -> Packed {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // never above a demand, not below zero
        let floor = |x: f64| (x + 1e-6).floor() as u32;
        self.solution().into_iter().map(|(p, x)| (p.clone(), floor(x))).filter(|(_, times)| *times > 0).collect()
    }
}
