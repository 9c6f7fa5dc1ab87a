//! The whole way from a packing to bins and a proof, under a budget.

use super::columns::{Aim, Bound, Columns};
use super::complete::Completion;
use super::fill::{By, fill};
use super::improve::Hints;
use super::start::Fluid;
use super::{Effort, Packed, Packing, Pattern, blend, improve, rounding};
use fastrand::Rng;

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
    rng: &mut Rng,
    effort: &mut Effort<'_>,
) -> Solved {
    let (mut columns, fluid) = start(packing, known, rng);
    if let Some(values) = recalled {
        columns.recall(values);
    }
    let shares = Shares::of(&columns.demands);
    let completion = Completion::new(packing, &fluid.prices);
    let incumbent = within(effort, shares.simple, |effort| simple(&mut columns, &fluid, &completion, rng, effort));
    let is_best = |packed: &Packed, bound: &Bound| packing.weight(packed) <= floor(packing, bound);
    if incumbent.as_ref().is_none_or(|packed| !is_best(packed, &columns.bound)) {
        within(effort, shares.proof, |effort| columns.generate(CLOSE, effort));
    }
    let bound = columns.bound.clone();
    if let Some(packed) = incumbent.as_ref().filter(|packed| is_best(packed, &bound)) {
        return Solved { packed: Some(packed.clone()), bound, patterns: rounding::near(&columns) };
    }
    columns.aim_at(Aim::Weight);
    within(effort, shares.columns, |effort| columns.generate_some(60, effort));
    let patterns = rounding::near(&columns);
    let rounded = within(effort, shares.rounding, |effort| rounding::round(&columns, &fluid.prices, rng, effort));
    let values = if bound.fluid { fluid.values } else { columns.latest() };
    let floor = floor(packing, &bound);
    let hints = Hints { values: &values, prices: &fluid.prices, patterns: &patterns, completion: &completion, floor };
    let packed = lightest(packing, incumbent.into_iter().chain(rounded));
    let packed = packed.map(|packed| improve::improve(packing, packed, &hints, rng, effort));
    Solved { packed, bound, patterns }
}

/// Which share each part gets of the effort that is left when its turn comes; what it does not need goes to those after it.
struct Shares {
    /// Packing without a programme.
    simple: f64,
    /// The bound, and the columns that it takes.
    proof: f64,
    /// More columns, for what packings are compared by.
    columns: f64,
    rounding: f64,
}

impl Shares {
    fn of(demands: &[u32]) -> Self {
        let (kinds, asked) = (demands.len() as u64, sum(demands));
        if kinds > 100 && asked <= 2 * kinds {
            // Where hardly two items are alike the programme is large and helps little.
            Self { simple: 0.3, proof: 0.2, columns: 0.2, rounding: 0.1 }
        } else if asked < 30 * kinds {
            Self { simple: 0.2, proof: 0.65, columns: 0.25, rounding: 1.0 }
        } else {
            // Where there are many of each, rounding loses little, and the proof is what takes long.
            Self { simple: 0.3, proof: 0.8, columns: 0.3, rounding: 1.0 }
        }
    }
}

/// Does something with a share of the effort.
fn within<'e, T>(effort: &mut Effort<'e>, share: f64, act: impl FnOnce(&mut Effort<'e>) -> T) -> T {
    let mut part = effort.part(share);
    let done = act(&mut part);
    effort.back(part);
    done
}

fn sum(demands: &[u32]) -> u64 {
    demands.iter().map(|d| u64::from(*d)).sum()
}

/// The best of what is found without a programme, which learns the patterns of blends.
fn simple(
    columns: &mut Columns<'_>,
    fluid: &Fluid,
    completion: &Completion<'_>,
    rng: &mut Rng,
    effort: &mut Effort<'_>,
) -> Option<Packed> {
    let (packing, demands) = (columns.packing, columns.demands.clone());
    let few = sum(&demands) <= MANY;
    let orders = [By::Worth, By::Share].into_iter().chain((0..packing.dims).map(By::Room));
    let mut found: Vec<Packed> = orders
        .take(if few { usize::MAX } else { 1 })
        .filter_map(|by| fill(packing, &demands, &packing.limits, &fluid.prices, by))
        .collect();
    let apt = blend::is_apt(&demands, fluid);
    for _ in 0..if apt || few { TRIES } else { 0 } {
        found.extend(if apt {
            let blended = blend::blend(packing, &demands, completion, rng, effort);
            blended.iter().flatten().for_each(|(pattern, _)| _ = columns.add(pattern.clone()));
            blended
        } else {
            completion.pack(&demands, &packing.limits, rng, effort)
        });
    }
    lightest(packing, found)
}

fn lightest(packing: &Packing, of: impl IntoIterator<Item = Packed>) -> Option<Packed> {
    of.into_iter().min_by(|a, b| packing.weight(a).total_cmp(&packing.weight(b)))
}

/// More items than this are not packed one by one.
const MANY: u64 = 3_000;

/// What depends on chance is tried so often.
const TRIES: usize = 4;

/// A packing that counts no more than this is as good as any: where all bins count the same it is a whole number of them.
fn floor(packing: &Packing, bound: &Bound) -> f64 {
    let weight = packing.shapes.first().map_or(0.0, |s| s.weight);
    if weight > 0.0 && packing.shapes.iter().all(|s| s.weight == weight && s.price == weight) {
        return (bound.value / weight - 1e-6).ceil() * weight + 1e-9;
    }
    bound.value + 1e-9
}

/// The programme with what any search starts from and with what is known.
fn start<'p>(packing: &'p Packing, known: Vec<Pattern>, rng: &mut Rng) -> (Columns<'p>, Fluid) {
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
    rng: &mut Rng,
    effort: &mut Effort<'_>,
) -> Bound {
    let (mut columns, _) = start(packing, known, rng);
    columns.prove_at(values);
    columns.generate(CLOSE, effort);
    columns.bound
}

/// A solution this close to the bound is as good as the best.
const CLOSE: f64 = 1e-5;
