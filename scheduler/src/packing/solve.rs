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
    /// What each item is worth at the prices that were found.
    pub(crate) values: Vec<f64>,
}

/// Packs. `known` are patterns to start from: those of a packing that is there, or remembered ones.
pub(crate) fn solve(
    packing: &Packing,
    known: Vec<Pattern>,
    rng: &mut fastrand::Rng,
    effort: &mut Effort<'_>,
) -> Solved {
    let demands: Vec<u32> = packing.items.iter().map(|i| i.demand).collect();
    let mut columns = Columns::new(packing, &demands, &packing.limits, Aim::Price);
    columns.begin(rng);
    for pattern in known {
        columns.add(pattern);
    }
    let mut lp = effort.part(6, 10);
    columns.generate(u64::MAX / 2, 1e-5, &mut lp);
    effort.back(lp);
    let bound = columns.bound.clone();
    columns.aim_at(Aim::Weight);
    columns.generate(4, 0.0, effort);
    let values: Vec<f64> = columns.values().iter().map(|y| y.max(0.0)).collect();
    let patterns = rounding::near(&columns);
    let packed = rounding::round(&columns, rng, effort);
    let packed =
        packed.map(|packed| improve::improve(packing, packed, &values, &patterns, u32::MAX, bound.value, rng, effort));
    Solved { packed, bound, patterns, values }
}
