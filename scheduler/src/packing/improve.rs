//! Ruin and recreate: a few bins are emptied and what was in them is packed anew, for as long as there is time.
//!
//! Bins that cost much for what they hold are emptied first. What they held is packed in one of two ways: as a small linear
//! programme, which is best where a few kinds of items come again and again, or bin after bin, which is best where hardly
//! two items are alike. Whichever gained more for its work of late is tried more often. Nothing is accepted that counts more
//! than before.

use super::columns::{Aim, Columns};
use super::complete::Completion;
use super::rounding::{self, Remainder};
use super::{Effort, Packed, Packing, Pattern, blend};
use fastrand::Rng;

/// So many attempts in a row that lead nowhere are the last.
const PATIENCE: usize = 20_000;

/// Or so many for each bin: of few bins there are few choices.
const PATIENCE_PER_BIN: usize = 200;

/// So many bins are emptied at most for a linear programme, and to fill bins one after the other.
const MOST: [usize; 2] = [8, 24];

/// What is known that helps to make a packing better.
pub(crate) struct Hints<'a> {
    /// What items are worth.
    pub(crate) values: &'a [f64],
    /// What one of each kind of room is worth.
    pub(crate) prices: &'a [f64],
    /// Patterns that are good in the linear programme.
    pub(crate) patterns: &'a [Pattern],
    pub(crate) completion: &'a Completion<'a>,
    /// No packing counts less than this.
    pub(crate) floor: f64,
}

/// Makes a packing better until the effort is spent, nothing can be better than it, or many attempts in a row have led
/// nowhere.
pub(crate) fn improve(
    packing: &Packing,
    packed: Packed,
    hints: &Hints<'_>,
    rng: &mut Rng,
    effort: &mut Effort<'_>,
) -> Packed {
    let mut bins: Vec<Pattern> =
        packed.iter().flat_map(|(p, times)| std::iter::repeat_n(p.clone(), *times as usize)).collect();
    let by_weight = packing.by_weight();
    let weight = |p: &Pattern| packing.shapes[p.shape as usize].weight;
    let waste = |p: &Pattern| (weight(p) - p.worth(hints.values)).max(0.0);
    let mut wastes: Vec<f64> = bins.iter().map(waste).collect();
    let mut total: f64 = bins.iter().map(weight).sum();
    let mut ways = Ways::default();
    let mut idle = 0;
    while !effort.is_over()
        && idle < PATIENCE.min(PATIENCE_PER_BIN * bins.len())
        && bins.len() > 1
        && total > hints.floor
    {
        effort.spend(2);
        let way = ways.choose(rng);
        let many = (2 + rng.usize(0..MOST[way] - 1)).min(bins.len());
        let mut chosen = tournament(&wastes, many, rng);
        let before: f64 = chosen.iter().map(|b| weight(&bins[*b])).sum();
        let emptied: Vec<&Pattern> = chosen.iter().map(|b| &bins[*b]).collect();
        let steps = effort.left();
        let new = match way {
            0 => by_columns(packing, &emptied, before, hints, &by_weight, rng, effort),
            _ => one_after_the_other(packing, &emptied, hints, rng, effort),
        };
        let gain = new.as_ref().map_or(0.0, |new| before - packing.weight(new));
        ways.learn(way, gain, steps - effort.left());
        idle += usize::from(way == 0 || new.is_some());
        let Some(new) = new.filter(|_| gain > -1e-9) else { continue };
        if gain > 1e-7 {
            idle = 0;
        }
        total -= gain;
        chosen.sort_unstable_by(|a, b| b.cmp(a));
        for b in chosen {
            bins.swap_remove(b);
            wastes.swap_remove(b);
        }
        for (pattern, times) in new {
            wastes.extend(std::iter::repeat_n(waste(&pattern), times as usize));
            bins.extend(std::iter::repeat_n(pattern, times as usize));
        }
    }
    super::counted(bins.into_iter().map(|bin| (bin, 1)))
}

/// Which way gains how much for its work.
struct Ways {
    gains: [f64; 2],
    steps: [f64; 2],
}

impl Default for Ways {
    fn default() -> Self {
        Self { gains: [1e-6; 2], steps: [1.0; 2] }
    }
}

impl Ways {
    /// What has gained more is chosen more often, but each now and then.
    fn choose(&self, rng: &mut Rng) -> usize {
        let rates = [self.gains[0] / self.steps[0], self.gains[1] / self.steps[1]];
        let first = (rates[0] / (rates[0] + rates[1])).clamp(0.1, 0.9);
        // A way that takes longer is chosen less often: shares are of the work.
        let odds = [first / self.steps[0], (1.0 - first) / self.steps[1]];
        usize::from(rng.f64() * (odds[0] + odds[1]) >= odds[0])
    }

    /// Takes note of an attempt; what was long ago counts less.
    fn learn(&mut self, way: usize, gain: f64, steps: u64) {
        #[allow(clippy::cast_precision_loss)] // far below 2^53
        let steps = steps as f64;
        self.gains[way] = 0.98 * self.gains[way] + 0.02 * gain.max(0.0) + 1e-12;
        self.steps[way] = 0.98 * self.steps[way] + 0.02 * steps.max(1.0);
    }
}

/// What so many bins draw on the limits together.
fn drawn(packing: &Packing, bins: &[&Pattern]) -> Vec<f64> {
    let mut limits = vec![0.0; packing.limits.len()];
    for (limit, amount) in bins.iter().flat_map(|bin| &packing.shapes[bin.shape as usize].draws) {
        limits[*limit as usize] += amount;
    }
    limits
}

/// What so many bins hold together.
fn held(packing: &Packing, bins: &[&Pattern]) -> Vec<u32> {
    let mut held = vec![0_u32; packing.items.len()];
    bins.iter().flat_map(|bin| &bin.counts).for_each(|(item, count)| held[*item as usize] += count);
    held
}

/// Packs anew what is in some bins by a linear programme.
fn by_columns(
    packing: &Packing,
    bins: &[&Pattern],
    before: f64,
    hints: &Hints<'_>,
    by_weight: &[u32],
    rng: &mut Rng,
    effort: &mut Effort<'_>,
) -> Option<Packed> {
    let small = Remainder::new(packing, &held(packing, bins));
    let limits = drawn(packing, bins);
    let mut columns = Columns::new(&small.packing, &small.demands, &limits, Aim::Weight);
    let some = (0..hints.patterns.len().min(20)).map(|_| &hints.patterns[rng.usize(0..hints.patterns.len())]);
    for pattern in bins.iter().copied().chain(some) {
        if let Some(pattern) = small.clip(packing, pattern, by_weight) {
            columns.add(pattern);
        }
    }
    columns.add_singles();
    columns.generate_some(12, effort);
    // What the programme cannot make cheaper, no rounding can.
    if columns.master.cost() > before - 1e-9 && rng.u32(0..4) > 0 {
        return None;
    }
    let new = rounding::round(&columns, hints.prices, rng, effort)?;
    Some(new.iter().map(|(pattern, times)| (small.restore(pattern), *times)).collect())
}

/// Packs anew what is in some bins, bin after bin.
fn one_after_the_other(
    packing: &Packing,
    bins: &[&Pattern],
    hints: &Hints<'_>,
    rng: &mut Rng,
    effort: &mut Effort<'_>,
) -> Option<Packed> {
    let held = held(packing, bins);
    // Blends draw on no limits.
    if packing.limits.is_empty() && blend::are_small(&held, bins.len()) && rng.bool() {
        return blend::blend(packing, &held, hints.completion, rng, effort);
    }
    hints.completion.pack(&held, &drawn(packing, bins), rng, effort)
}

/// Different bins, of which those that waste more win more often.
fn tournament(wastes: &[f64], many: usize, rng: &mut Rng) -> Vec<usize> {
    let mut chosen: Vec<usize> = vec![];
    let mut attempts = 0;
    while chosen.len() < many && attempts < 10 * many {
        attempts += 1;
        let rounds = 1 + rng.usize(0..4);
        let best = (0..rounds)
            .map(|_| rng.usize(0..wastes.len()))
            .max_by(|a, b| wastes[*a].total_cmp(&wastes[*b]))
            .unwrap_or(0);
        if !chosen.contains(&best) {
            chosen.push(best);
        }
    }
    chosen
}
