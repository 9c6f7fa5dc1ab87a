//! Ruin and recreate: a few bins are emptied and what was in them is packed anew, for as long as there is time.
//!
//! Bins that cost much for what they hold are emptied first. What they held is a small packing, solved as the large one was;
//! nothing is accepted that counts more than before.

use super::columns::{Aim, Columns};
use super::rounding::{self, Remainder};
use super::{Effort, Packed, Packing, Pattern};
use rustc_hash::FxHashMap;

/// So many attempts in a row that lead nowhere are the last.
const PATIENCE: u32 = 3_000;

/// Makes a packing better until the effort is spent, nothing can be better than it, or many attempts in a row have led
/// nowhere. `values` are what items are worth in the linear programme; `known` are patterns that are good in it.
pub(crate) fn improve(
    packing: &Packing,
    packed: Packed,
    values: &[f64],
    known: &[Pattern],
    floor: f64,
    rng: &mut fastrand::Rng,
    effort: &mut Effort<'_>,
) -> Packed {
    let mut bins: Vec<Pattern> =
        packed.iter().flat_map(|(p, times)| std::iter::repeat_n(p.clone(), *times as usize)).collect();
    let by_weight = packing.by_weight();
    let waste = |p: &Pattern| {
        let worth: f64 = p.counts.iter().map(|(i, c)| values[*i as usize] * f64::from(*c)).sum();
        (packing.shapes[p.shape as usize].weight - worth).max(0.0)
    };
    let mut wastes: Vec<f64> = bins.iter().map(waste).collect();
    let mut idle = 0;
    while !effort.is_over() && idle < PATIENCE && bins.len() > 1 {
        let total: f64 = bins.iter().map(|b| packing.shapes[b.shape as usize].weight).sum();
        if total <= floor {
            break;
        }
        effort.spend(20);
        let many = (2 + rng.usize(0..7)).min(bins.len());
        let chosen = tournament(&wastes, many, rng);
        let mut left = vec![0_u32; packing.items.len()];
        let mut before = 0.0;
        for b in &chosen {
            before += packing.shapes[bins[*b].shape as usize].weight;
            bins[*b].counts.iter().for_each(|(i, c)| left[*i as usize] += c);
        }
        let small = Remainder::new(packing, &left);
        let mut limits = vec![0.0; packing.limits.len()];
        for (limit, amount) in chosen.iter().flat_map(|b| &packing.shapes[bins[*b].shape as usize].draws) {
            limits[*limit as usize] += amount;
        }
        let mut columns = Columns::new(&small.packing, &small.demands, &limits, Aim::Weight);
        for b in &chosen {
            columns.add(small.clip(packing, &bins[*b], &by_weight).unwrap_or_else(|| bins[*b].clone()));
        }
        for _ in 0..known.len().min(20) {
            let pattern = &known[rng.usize(0..known.len())];
            if let Some(pattern) = small.clip(packing, pattern, &by_weight) {
                columns.add(pattern);
            }
        }
        columns.begin_small();
        columns.generate(12, 0.0, effort);
        idle += 1;
        // What the programme cannot make cheaper, no rounding can.
        if columns.master.cost() > before - 1e-9 && rng.u32(0..4) > 0 {
            continue;
        }
        let Some(new) = rounding::round(&columns, rng, effort) else { continue };
        let after = small.packing.weight(&new);
        if after > before + 1e-9 {
            continue;
        }
        if after < before - 1e-7 {
            idle = 0;
        }
        let mut chosen = chosen;
        chosen.sort_unstable_by(|a, b| b.cmp(a));
        for b in chosen {
            bins.swap_remove(b);
            wastes.swap_remove(b);
        }
        for (pattern, times) in &new {
            let pattern = small.restore(pattern);
            for _ in 0..*times {
                wastes.push(waste(&pattern));
                bins.push(pattern.clone());
            }
        }
    }
    let mut counted: FxHashMap<Pattern, u32> = FxHashMap::default();
    for bin in bins {
        *counted.entry(bin).or_default() += 1;
    }
    let mut packed: Packed = counted.into_iter().collect();
    packed.sort();
    packed
}

/// Different bins, of which those that waste more win more often.
fn tournament(wastes: &[f64], many: usize, rng: &mut fastrand::Rng) -> Vec<usize> {
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
