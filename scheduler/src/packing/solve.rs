//! The whole way from a packing to bins and a proof, under a budget.

use super::columns::{Aim, Bound, Columns};
use super::{Effort, Packed, Packing, Pattern, improve, rounding};

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
    let demands: Vec<u32> = packing.items.iter().map(|i| i.demand).collect();
    let mut columns = Columns::new(packing, &demands, &packing.limits, Aim::Price);
    columns.begin(rng);
    for pattern in known {
        columns.add(pattern);
    }
    if let Some(values) = recalled {
        columns.recall(values);
    }
    let mut first = effort.part(0.5);
    columns.generate(u64::MAX / 2, CLOSE, &mut first);
    effort.back(first);
    let bound = columns.bound.clone();
    columns.aim_at(Aim::Weight);
    let mut second = effort.part(0.3);
    columns.generate(60, 0.0, &mut second);
    effort.back(second);
    let values: Vec<f64> = columns.values().iter().map(|y| y.max(0.0)).collect();
    let patterns = rounding::near(&columns);
    let packed = rounding::round(&columns, rng, effort);
    let packed = packed.map(|packed| improve::improve(packing, packed, &values, &patterns, bound.value, rng, effort));
    Solved { packed, bound, patterns }
}

/// Proves a bound alone, starting from patterns and from values that may be near the best.
pub(crate) fn prove(
    packing: &Packing,
    known: Vec<Pattern>,
    values: &[f64],
    rng: &mut fastrand::Rng,
    effort: &mut Effort<'_>,
) -> Bound {
    let demands: Vec<u32> = packing.items.iter().map(|i| i.demand).collect();
    let mut columns = Columns::new(packing, &demands, &packing.limits, Aim::Price);
    columns.begin(rng);
    for pattern in known {
        columns.add(pattern);
    }
    columns.prove_at(values);
    columns.generate(200, CLOSE, effort);
    columns.bound
}

/// A solution this close to the bound is as good as the best.
const CLOSE: f64 = 1e-5;
