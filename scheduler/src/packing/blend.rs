//! Bins that take a blend of everything that waits: for many small items, of which a bin holds dozens.
//!
//! What is left is priced as if it were water, which says what shapes are needed; one is filled with no more of any item than
//! a few times its share, so that what is left stays as mixed as it was. Small items fill a bin to the brim in every kind of
//! room, so that hardly more is paid than for water.

use super::complete::Completion;
use super::knapsack::{self, Question};
use super::relaxed::{Relaxed, dot};
use super::start::{self, Fluid};
use super::{Effort, Packed, Packing, Pattern};

/// A bin may hold so many times its share of an item: at random one of these. A bin of a shape that is far from what most
/// items are like needs the few that are like it.
const SPREADS: [f64; 4] = [1.3, 1.8, 2.5, 5.0];

/// So many nodes a search for a blend may visit.
const NODES: u64 = 150;

/// What fills fewer bins than this is packed bin after bin.
const FEW: f64 = 2.0;

/// Fewer items than this to a bin are no blend.
const SMALL: usize = 16;

/// Whether a bin holds dozens of the items, and there are several bins.
pub(crate) fn is_apt(demands: &[u32], fluid: &Fluid) -> bool {
    let bins: f64 = fluid.bins.iter().map(|(_, x)| x).sum();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
    let whole = bins as usize;
    bins > FEW && are_small(demands, whole)
}

/// Whether so many bins hold dozens of the items each.
pub(crate) fn are_small(demands: &[u32], bins: usize) -> bool {
    demands.iter().map(|d| *d as usize).sum::<usize>() > SMALL * bins
}

/// Packs everything; `None` if there is no way to go on, or no effort left.
pub(crate) fn blend(
    packing: &Packing,
    demands: &[u32],
    completion: &Completion<'_>,
    rng: &mut fastrand::Rng,
    effort: &mut Effort<'_>,
) -> Option<Packed> {
    let mut left = demands.to_vec();
    let mut packed: Packed = vec![];
    let spread = SPREADS[rng.usize(0..SPREADS.len())];
    let weight = |k: usize| packing.shapes[k].weight;
    loop {
        let fluid = start::fluid(packing, &left, &weight);
        let bins: f64 = fluid.bins.iter().map(|(_, x)| x).sum();
        if bins < FEW {
            break;
        }
        if effort.is_over() {
            return None;
        }
        let (shape, many) = fluid.bins.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let pattern = blended(packing, &left, (shape, spread), &fluid, rng, effort)?;
        let enough = pattern.counts.iter().map(|(i, c)| left[*i as usize] / c).min()?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
        let times = enough.min((many / 4.0) as u32).max(1);
        pattern.counts.iter().for_each(|(i, c)| left[*i as usize] -= c * times);
        packed.push((pattern, times));
    }
    if left.iter().any(|l| *l > 0) {
        packed.extend(completion.pack(&left, &packing.limits, rng, effort)?);
    }
    Some(super::counted(packed))
}

/// One bin of the shape with a blend of what is left.
fn blended(
    packing: &Packing,
    left: &[u32],
    (shape, spread): (usize, f64),
    fluid: &Fluid,
    rng: &mut fastrand::Rng,
    effort: &mut Effort<'_>,
) -> Option<Pattern> {
    let all: f64 = left.iter().zip(&fluid.values).map(|(l, v)| f64::from(*l) * v).sum();
    let share = dot(&packing.shapes[shape].room, &fluid.prices) / all.max(1e-12);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
    let cap = |l: &u32| ((f64::from(*l) * share * spread).ceil() as u32).min(*l);
    let caps: Vec<u32> = left.iter().map(cap).collect();
    let values: Vec<f64> = fluid.values.iter().map(|v| v * (1.0 + 0.02 * rng.f64())).collect();
    let mut relaxed = Relaxed::new(packing, shape, &caps);
    let (bound, work) = relaxed.bound(&values);
    effort.spend(work + left.len() as u64 / 8);
    let question = Question { packing, shape, relaxed: &relaxed, values: &values, worth: 0.0, bound, limit: NODES };
    knapsack::search(question, effort).patterns.pop().map(|(pattern, _)| pattern)
}
