//! Room of which there is little, such as that for a handful of GPUs, and what the rest of a bin is worth without it.
//!
//! Once all that is scarce is given away, what the rest of the bin can be worth is the relaxation for ordinary items. Its
//! prices bound it for any room, not only for the room that they were made for: a few sets of prices, kept from one rest to
//! the next, say nearly as much as solving it anew.

use super::knapsack::Candidate;

/// What is known of the candidates that want scarce room, and of the others.
pub(super) struct Scarce<const D: usize> {
    /// A kind of room that all want that want anything scarce, and the least that any of them wants of it.
    least: Option<(usize, f64)>,
    ordinary: Vec<Candidate<D>>,
    prices: Vec<Prices<D>>,
}

/// Prices of room for ordinary items, for one of each kind of room.
struct Prices<const D: usize> {
    of_one: [f64; D],
    /// What the items can be worth more than they pay.
    gains: f64,
}

/// So many prices are kept.
const KEPT: usize = 24;

/// Room is scarce if no more than so many of any item that wants it go into a bin, and others can do without.
const FEW: f64 = 8.0;

impl<const D: usize> Scarce<D> {
    /// Finds what is scarce in so much room, and marks the candidates that want it.
    pub(super) fn mark(order: &mut [Candidate<D>], room: &[f64; D]) -> Self {
        let is_scarce = |d: &usize| {
            let few = |c: &Candidate<D>| c.weights[*d] <= 0.0 || c.weights[*d] * FEW >= room[*d];
            let wanted = |c: &Candidate<D>| c.weights[*d] > 0.0;
            order.iter().all(few) && order.iter().any(wanted) && !order.iter().all(wanted)
        };
        let scarce: Vec<usize> = (0..D).filter(is_scarce).collect();
        order.iter_mut().for_each(|c| c.scarce = scarce.iter().any(|d| c.weights[*d] > 0.0));
        let least = |d: &usize| order.iter().filter(|c| c.scarce).map(|c| c.weights[*d]).fold(f64::INFINITY, f64::min);
        let least = scarce.iter().map(|d| (*d, least(d))).find(|(_, least)| *least > 0.0 && least.is_finite());
        let ordinary = if least.is_some() { order.iter().filter(|c| !c.scarce).copied().collect() } else { vec![] };
        Self { least, ordinary, prices: vec![] }
    }

    /// Whether no more than one candidate that wants what is scarce can still be taken.
    pub(super) fn is_nearly_gone(&self, room: &[f64; D]) -> bool {
        self.least.is_some_and(|(d, least)| room[d] < 2.0 * least)
    }

    /// What no ordinary items in so much room are worth more than.
    pub(super) fn worth_of_rest(&self, room: &[f64; D]) -> f64 {
        self.prices.iter().map(|p| p.gains + dot(room, &p.of_one)).fold(f64::INFINITY, f64::min)
    }

    /// Takes note of prices, each for all that there is of a kind of room in this rest of a bin.
    pub(super) fn learn(&mut self, prices: &[f64], room: &[f64; D]) {
        let wanted = |d: usize| self.ordinary.iter().any(|c| c.weights[d] > 0.0);
        if self.prices.len() == KEPT || (0..D).any(|d| room[d] <= 0.0 && wanted(d)) {
            return;
        }
        let mut of_one = [0.0; D];
        for ((to, price), room) in of_one.iter_mut().zip(prices).zip(room) {
            *to = if *room > 0.0 { price / room } else { 0.0 };
        }
        let gain = |c: &Candidate<D>| (c.value - dot(&c.weights, &of_one)).max(0.0) * f64::from(c.most);
        // Outward, for what rounding may have taken.
        let gains = self.ordinary.iter().map(gain).sum::<f64>() * (1.0 + 1e-9) + 1e-9;
        self.prices.push(Prices { of_one, gains });
    }
}

fn dot<const D: usize>(a: &[f64; D], b: &[f64; D]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
