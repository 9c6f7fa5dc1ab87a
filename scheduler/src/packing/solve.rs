//! The whole way from a packing to bins and a proof, under a budget.

use super::columns::{Aim, Bound, Columns};
use super::complete::Completion;
use super::fill::{By, fill};
use super::improve::Hints;
use super::start::Fluid;
use super::{Effort, Packed, Packing, Pattern, blend, improve, rounding};

/// What came of it.
pub(crate) struct Solved {
    /// The bins; `None` if no way was found to pack everything.
    pub(crate) packed: Option<Packed>,
    pub(crate) bound: Bound,
    /// Patterns worth remembering.
    pub(crate) patterns: Vec<Pattern>,
}

/// Packs. `known` are patterns to start from: those of a packing that is there, or remembered ones; `recalled` are values of
/// the items that prove a bound, if any are known.
pub(crate) fn solve(
    packing: &Packing,
    known: Vec<Pattern>,
    recalled: Option<&[f64]>,
    rng: &mut fastrand::Rng,
    effort: &mut Effort<'_>,
) -> Solved {
    let (mut columns, fluid) = start(packing, known, rng);
    if let Some(values) = recalled {
        columns.recall(values);
    }
    let (demands, limits) = (columns.demands.clone(), &packing.limits);
    let asked: u64 = demands.iter().map(|d| u64::from(*d)).sum();
    let orders = [By::Worth, By::Share].into_iter().chain((0..packing.dims).map(By::Room));
    let mut candidates: Vec<Packed> = orders
        .take(if asked <= MANY { usize::MAX } else { 1 })
        .filter_map(|by| fill(packing, &demands, limits, &fluid.prices, by))
        .collect();
    let completion = Completion::new(packing, &fluid.prices);
    let is_varied = demands.len() > 100 && asked <= 2 * demands.len() as u64;
    let mut zeroth = effort.part(if is_varied { 0.3 } else { 0.1 });
    for _ in 0..if asked <= MANY { 4 } else { 0 } {
        candidates.extend(completion.pack(&demands, limits, rng, &mut zeroth));
    }
    for _ in 0..if blend::is_apt(&demands, &fluid) { BLENDS } else { 0 } {
        let blended = blend::blend(packing, &demands, &completion, rng, &mut zeroth);
        blended.iter().flatten().for_each(|(pattern, _)| _ = columns.add(pattern.clone()));
        candidates.extend(blended);
    }
    effort.back(zeroth);
    let cheapest = |of: Vec<Packed>| of.into_iter().min_by(|a, b| packing.weight(a).total_cmp(&packing.weight(b)));
    let incumbent = cheapest(candidates);
    // Where hardly two items are alike the programme is large and helps little.
    // Where there are many of each, rounding loses little and the proof is what takes long.
    let shares = if is_varied {
        (0.2, 0.2)
    } else if asked < 30 * demands.len() as u64 {
        (0.65, 0.25)
    } else {
        (0.8, 0.3)
    };
    let mut first = effort.part(shares.0);
    if incumbent.as_ref().is_none_or(|packed| packing.weight(packed) > floor(packing, &columns.bound)) {
        columns.generate(CLOSE, &mut first);
    }
    effort.back(first);
    let bound = columns.bound.clone();
    let floor = floor(packing, &bound);
    if let Some(packed) = incumbent.as_ref().filter(|packed| packing.weight(packed) <= floor) {
        return Solved { packed: Some(packed.clone()), bound, patterns: rounding::near(&columns) };
    }
    columns.aim_at(Aim::Weight);
    let mut second = effort.part(shares.1);
    columns.generate_some(60, &mut second);
    effort.back(second);
    let patterns = rounding::near(&columns);
    let mut third = effort.part(if is_varied { 0.1 } else { 1.0 });
    let rounded = rounding::round(&columns, &fluid.prices, rng, &mut third);
    effort.back(third);
    let values = if bound.fluid { fluid.values } else { columns.latest() };
    let packed = cheapest(incumbent.into_iter().chain(rounded).collect());
    let hints = Hints { values: &values, prices: &fluid.prices, patterns: &patterns, completion: &completion, floor };
    let packed = packed.map(|packed| improve::improve(packing, packed, &hints, rng, effort));
    Solved { packed, bound, patterns }
}

/// What a packing that counts no more than this is best: where all bins count the same it is a whole number of them.
fn floor(packing: &Packing, bound: &Bound) -> f64 {
    let weight = packing.shapes.first().map_or(0.0, |s| s.weight);
    if weight > 0.0 && packing.shapes.iter().all(|s| s.weight == weight && s.price == weight) {
        return (bound.value / weight - 1e-6).ceil() * weight + 1e-9;
    }
    bound.value + 1e-9
}

/// So many blends are tried.
const BLENDS: usize = 4;

/// More items than this are not packed one by one.
const MANY: u64 = 3_000;

/// The programme with what any search starts from and with what is known.
fn start<'p>(packing: &'p Packing, known: Vec<Pattern>, rng: &mut fastrand::Rng) -> (Columns<'p>, Fluid) {
    let demands: Vec<u32> = packing.items.iter().map(|i| i.demand).collect();
    let mut columns = Columns::new(packing, &demands, &packing.limits, Aim::Price);
    let fluid = columns.begin(rng);
    for pattern in known {
        columns.add(pattern);
    }
    (columns, fluid)
}

/// Proves a bound alone, starting from patterns and from values that may be near the best.
pub(crate) fn prove(
    packing: &Packing,
    known: Vec<Pattern>,
    values: &[f64],
    rng: &mut fastrand::Rng,
    effort: &mut Effort<'_>,
) -> Bound {
    let (mut columns, _) = start(packing, known, rng);
    columns.prove_at(values);
    columns.generate(CLOSE, effort);
    columns.bound
}

/// A solution this close to the bound is as good as the best.
const CLOSE: f64 = 1e-5;
