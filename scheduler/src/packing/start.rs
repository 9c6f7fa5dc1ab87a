//! What the linear programme starts from: prices of room as if items were water, and patterns that are good enough to get
//! duals of the right size at once.

use super::master::Master;
use super::relaxed::dot;
use super::{Effort, Packing, Pattern};

/// The packing of items that can be cut and mixed at will.
pub(crate) struct Fluid {
    /// What an item is worth at the prices of room.
    pub(crate) values: Vec<f64>,
    /// What one of each kind of room is worth.
    pub(crate) prices: Vec<f64>,
    /// How many bins of which shape are used.
    pub(crate) bins: Vec<(usize, f64)>,
}

/// Prices the room. Shapes that draw on limits take no part.
pub(crate) fn fluid(packing: &Packing, demands: &[u32], cost: &dyn Fn(usize) -> f64) -> Fluid {
    let dims = packing.dims;
    let mut totals = vec![0.0; dims];
    for (item, demand) in packing.items.iter().zip(demands) {
        totals.iter_mut().zip(&item.weights).for_each(|(t, w)| *t += w * f64::from(*demand));
    }
    let largest: Vec<f64> =
        (0..dims).map(|d| packing.shapes.iter().map(|s| s.room[d]).fold(0.0, f64::max).max(1e-9)).collect();
    let steep = packing.shapes.iter().map(|s| s.price).fold(0.0, f64::max) * 1e3 + 1.0;
    let demands_: Vec<f64> = totals.iter().zip(&largest).map(|(t, l)| t / l).collect();
    let mut master = Master::new(&demands_, &[], &vec![steep; dims]);
    let mut shapes = vec![];
    for (k, shape) in packing.shapes.iter().enumerate().filter(|(_, s)| s.draws.is_empty()) {
        let entries: Vec<(u32, f64)> = (0..dims)
            .filter(|d| shape.room[*d] > 0.0)
            .map(|d| (u32::try_from(d).expect("few dimensions"), shape.room[d] / largest[d]))
            .collect();
        master.add(cost(k), &entries);
        shapes.push(k);
    }
    master.solve(400, &mut Effort::new(u64::MAX, &|| 0.0));
    let prices: Vec<f64> = master.duals().iter().zip(&largest).map(|(y, l)| y.max(0.0) / l).collect();
    let values = packing.items.iter().map(|item| dot(&item.weights, &prices)).collect();
    let bins = master.solution().filter(|(column, _)| *column >= dims).map(|(c, x)| (shapes[c - dims], x)).collect();
    Fluid { values, prices, bins }
}

/// For every item the two shapes that hold it for the least each, full of it.
pub(crate) fn singles(packing: &Packing, demands: &[u32], cost: &dyn Fn(usize) -> f64) -> Vec<Pattern> {
    let mut out = vec![];
    for (i, demand) in demands.iter().enumerate().filter(|(_, d)| **d > 0) {
        let mut best: Vec<(f64, usize, u32)> = vec![];
        for k in 0..packing.shapes.len() {
            let many = packing.fits(i, k).min(*demand);
            if many > 0 {
                best.push((cost(k) / f64::from(many), k, many));
            }
        }
        best.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        out.extend(best.into_iter().take(2).map(|(_, k, many)| Pattern {
            shape: u32::try_from(k).expect("few shapes"),
            counts: vec![(u32::try_from(i).expect("few items"), many)],
        }));
    }
    out
}

/// Patterns in which every bin takes its share of everything that is left, as a mixed load spreads over a fleet.
pub(crate) fn mixed(packing: &Packing, demands: &[u32], fluid: &Fluid, rng: &mut fastrand::Rng) -> Vec<Pattern> {
    let mut out = vec![];
    let total: f64 = fluid.bins.iter().map(|(_, x)| x).sum();
    if total < 1.0 {
        return out;
    }
    for _ in 0..4 {
        let mut left = demands.to_vec();
        let mut bins: Vec<(usize, f64)> = fluid.bins.clone();
        let mut order: Vec<usize> = (0..left.len()).collect();
        for _ in 0..(20 + left.len() / 2) {
            let Some(most) = bins.iter_mut().max_by(|a, b| a.1.total_cmp(&b.1)) else { break };
            let shape = most.0;
            let remaining: f64 = most.1.max(1.0);
            rng.shuffle(&mut order);
            // Large items first, more or less: small ones fill the gaps.
            let size = |i: usize| {
                let item = &packing.items[i].weights;
                item.iter().zip(&packing.shapes[shape].room).map(|(w, r)| w / r.max(1e-9)).fold(0.0, f64::max)
            };
            let mut noisy: Vec<(f64, usize)> = order.iter().map(|i| (size(*i) * (0.7 + 0.6 * rng.f64()), *i)).collect();
            noisy.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let mut room = packing.shapes[shape].room.clone();
            let mut counts = vec![0_u32; left.len()];
            for whole in [false, true] {
                for (_, i) in &noisy {
                    let item = &packing.items[*i];
                    let fits = packing.fits(*i, shape).min(left[*i]);
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // below a u32, not below zero
                    let wanted = if whole { fits } else { fits.min((f64::from(left[*i]) / remaining) as u32) };
                    let inside = |o: &u32| counts[*o as usize] > 0;
                    if item.apart.iter().any(inside) {
                        continue;
                    }
                    while counts[*i] < wanted && item.weights.iter().zip(&room).all(|(w, r)| w <= r) {
                        counts[*i] += 1;
                        room.iter_mut().zip(&item.weights).for_each(|(r, w)| *r -= w);
                    }
                }
            }
            let counts: Vec<(u32, u32)> =
                (0_u32..).zip(&counts).filter(|(_, c)| **c > 0).map(|(i, c)| (i, *c)).collect();
            let Some(times) = counts.iter().map(|(i, c)| left[*i as usize] / c).min() else { break };
            let times = times.max(1).min((remaining / 2.0).ceil() as u32);
            for (i, c) in &counts {
                left[*i as usize] = left[*i as usize].saturating_sub(c * times);
            }
            most.1 -= f64::from(times);
            out.push(Pattern { shape: u32::try_from(shape).expect("few shapes"), counts });
            if left.iter().all(|l| *l == 0) {
                break;
            }
        }
    }
    out
}
