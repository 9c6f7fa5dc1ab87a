//! Packing at once and without regret: each item goes where least room is wasted on it. It is done in no time, so that there
//! is always something to fall back on, and what is found with more effort is never dearer than this.

use super::relaxed::dot;
use super::{Packed, Packing, Pattern, rounding};

/// What items are put in order by, the largest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// What an item takes of the room that it takes most of.
    Share,
    /// What an item takes at the prices of room.
    Worth,
    /// What an item takes of the room of this kind.
    Room(usize),
}

/// A bin in the making.
struct Bin {
    shape: usize,
    room: Vec<f64>,
    counts: Vec<(u32, u32)>,
}

/// Packs so many of each item, within these limits; `None` if there is no bin left for one. `prices` are those of one of each
/// kind of room.
pub(crate) fn fill(packing: &Packing, left: &[u32], limits: &[f64], prices: &[f64], by: By) -> Option<Packed> {
    let mut limits = limits.to_vec();
    let mut bins: Vec<Bin> = vec![];
    let largest: Vec<f64> =
        (0..packing.dims).map(|d| packing.shapes.iter().map(|s| s.room[d]).fold(1e-9, f64::max)).collect();
    let size = |i: usize| {
        let weights = &packing.items[i].weights;
        match by {
            By::Share => weights.iter().zip(&largest).map(|(w, l)| w / l).fold(0.0, f64::max),
            By::Worth => dot(weights, prices),
            By::Room(d) => weights[d],
        }
    };
    let mut order: Vec<(f64, usize)> = (0..left.len()).filter(|i| left[*i] > 0).map(|i| (size(i), i)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    // Bins that cost least for what their room is worth are opened first.
    let mut thrifty: Vec<(f64, usize)> = packing
        .shapes
        .iter()
        .enumerate()
        .map(|(k, shape)| (shape.weight / dot(&shape.room, prices).max(1e-12), k))
        .collect();
    thrifty.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (_, i) in order {
        let mut waiting = left[i];
        let fitting = bins.iter().enumerate().filter(|(_, bin)| bin.takes(packing, i) > 0);
        let mut tightest: Vec<(f64, usize)> = fitting.map(|(b, bin)| (dot(&bin.room, prices), b)).collect();
        tightest.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (_, b) in tightest {
            waiting -= bins[b].put(packing, i, waiting);
        }
        while waiting > 0 {
            let affordable = |k: usize| packing.shapes[k].draws.iter().all(|(l, a)| *a <= limits[*l as usize]);
            let (_, k) = *thrifty.iter().find(|(_, k)| packing.fits(i, *k) > 0 && affordable(*k))?;
            packing.shapes[k].draws.iter().for_each(|(l, amount)| limits[*l as usize] -= amount);
            let mut bin = Bin { shape: k, room: packing.shapes[k].room.clone(), counts: vec![] };
            waiting -= bin.put(packing, i, waiting);
            bins.push(bin);
        }
    }
    let by_weight = packing.by_weight();
    let patterns = bins.into_iter().map(|bin| {
        let mut counts = bin.counts;
        counts.sort_unstable();
        rounding::downsized(
            packing,
            Pattern { shape: u32::try_from(bin.shape).expect("few shapes"), counts },
            &by_weight,
        )
    });
    Some(super::counted(patterns.map(|pattern| (pattern, 1))))
}

impl Bin {
    /// How many more of the item there is room for.
    fn takes(&self, packing: &Packing, i: usize) -> u32 {
        let item = &packing.items[i];
        if !packing.shapes[self.shape].takes.contains(i) {
            return 0;
        }
        let inside = self.counts.iter().find(|(other, _)| *other as usize == i).map_or(0, |(_, count)| *count);
        let mut most = item.most.saturating_sub(inside);
        for (weight, room) in item.weights.iter().zip(&self.room) {
            if *weight > 0.0 {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounds down, saturates
                let many = (room / weight) as u32;
                most = most.min(many);
            }
        }
        let torn = || self.counts.iter().any(|(other, _)| item.apart.binary_search(other).is_ok());
        if most > 0 && !item.apart.is_empty() && torn() { 0 } else { most }
    }

    /// Puts in as many as there is room for, up to so many; gives how many.
    fn put(&mut self, packing: &Packing, i: usize, wanted: u32) -> u32 {
        let many = self.takes(packing, i).min(wanted);
        if many > 0 {
            self.room.iter_mut().zip(&packing.items[i].weights).for_each(|(r, w)| *r -= w * f64::from(many));
            let number = u32::try_from(i).expect("few items");
            match self.counts.iter_mut().find(|(other, _)| *other == number) {
                Some((_, count)) => *count += many,
                None => self.counts.push((number, many)),
            }
        }
        many
    }
}
