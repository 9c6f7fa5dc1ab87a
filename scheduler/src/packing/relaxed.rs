//! How much the best pattern of a shape could be worth if items could be cut: the knapsack's linear programme, solved anew
//! whenever values change.
//!
//! Only the objective changes from one question to the next, so the last answer is a place to start from, and a few pivots
//! lead to the new one. What is given is a bound whatever happens: it is reckoned from the prices of room, and any prices
//! that are not negative prove a bound.

use super::Packing;

/// The relaxation of one shape.
#[derive(Clone)]
pub(crate) struct Relaxed {
    dims: usize,
    /// The items that fit, by number.
    pub(crate) items: Vec<u32>,
    /// Row by row, what each takes.
    pub(crate) weights: Vec<f64>,
    /// The same as shares of the shape's room.
    pub(crate) shares: Vec<f64>,
    /// How many of each may be in the bin.
    pub(crate) most: Vec<u32>,
    at_most: Vec<bool>,
    in_basis: Vec<bool>,
    /// Items by their position, or past them the slack of a kind of room.
    basis: Vec<usize>,
    inverse: Vec<f64>,
    levels: Vec<f64>,
    /// What all of a kind of room is worth.
    pub(crate) prices: Vec<f64>,
    /// Scratch space: what the items are worth, and how the basis gives way to what enters.
    local: Vec<f64>,
    direction: Vec<f64>,
    pivot_row: Vec<f64>,
}

const SMALL: f64 = 1e-10;

impl Relaxed {
    /// The relaxation of a shape for items with these demands.
    pub(crate) fn new(packing: &Packing, shape: usize, demands: &[u32]) -> Self {
        let dims = packing.dims;
        let room = &packing.shapes[shape].room;
        let (mut items, mut weights, mut shares, mut most) = (vec![], vec![], vec![], vec![]);
        for (i, item) in packing.items.iter().enumerate() {
            let fits = packing.fits(i, shape).min(demands[i]);
            if fits > 0 {
                items.push(u32::try_from(i).expect("few items"));
                weights.extend_from_slice(&item.weights);
                shares.extend(item.weights.iter().zip(room).map(|(w, r)| if *w > 0.0 { w / r } else { 0.0 }));
                most.push(fits);
            }
        }
        Self::of_parts(dims, items, weights, shares, most)
    }

    /// The relaxation of a part of a bin: items with the shares that they take of the room there is, and how many of each.
    pub(crate) fn of_parts(dims: usize, items: Vec<u32>, weights: Vec<f64>, shares: Vec<f64>, most: Vec<u32>) -> Self {
        let n = items.len();
        let mut inverse = vec![0.0; dims * dims];
        (0..dims).for_each(|i| inverse[i * dims + i] = 1.0);
        Self {
            dims,
            items,
            weights,
            shares,
            most,
            at_most: vec![false; n + dims],
            in_basis: (0..n + dims).map(|i| i >= n).collect(),
            basis: (n..n + dims).collect(),
            inverse,
            levels: vec![1.0; dims],
            prices: vec![0.0; dims],
            local: vec![],
            direction: vec![0.0; dims],
            pivot_row: vec![0.0; dims],
        }
    }

    /// Forgets all items, to be made for others with [`push`](Relaxed::push).
    pub(crate) fn clear(&mut self) {
        [&mut self.shares, &mut self.local].into_iter().for_each(Vec::clear);
        self.most.clear();
    }

    /// One more item: what it is worth, how many there are at most, and which share it takes of each kind of room.
    pub(crate) fn push(&mut self, value: f64, most: u32, shares: impl Iterator<Item = f64>) {
        self.local.push(value);
        self.most.push(most);
        self.shares.extend(shares);
    }

    /// A bound on what a pattern of the items pushed can be worth, and the work done.
    pub(crate) fn bound_of_pushed(&mut self) -> (f64, u64) {
        let (n, dims) = (self.most.len(), self.dims);
        self.at_most.clear();
        self.at_most.resize(n + dims, false);
        self.in_basis.clear();
        self.in_basis.resize(n, false);
        self.in_basis.resize(n + dims, true);
        self.basis.clear();
        self.basis.extend(n..n + dims);
        self.inverse.fill(0.0);
        self.inverse.iter_mut().step_by(dims + 1).for_each(|v| *v = 1.0);
        self.levels.fill(1.0);
        self.optimize()
    }

    /// What an item costs at the prices of room.
    pub(crate) fn cost(&self, item: usize) -> f64 {
        dot(self.share(item), &self.prices)
    }

    fn share(&self, item: usize) -> &[f64] {
        &self.shares[item * self.dims..(item + 1) * self.dims]
    }

    fn cap(&self, variable: usize) -> f64 {
        self.most.get(variable).map_or(f64::INFINITY, |m| f64::from(*m))
    }

    /// A bound on what a pattern can be worth, and the work done. `values` are those of all items of the packing.
    pub(crate) fn bound(&mut self, values: &[f64]) -> (f64, u64) {
        self.local.clear();
        self.local.extend(self.items.iter().map(|i| values[*i as usize].max(0.0)));
        self.optimize()
    }

    fn optimize(&mut self) -> (f64, u64) {
        let n = self.most.len();
        let mut pivots = 0;
        let limit = 40 + 2 * n;
        while pivots < limit && self.pivot() {
            pivots += 1;
        }
        self.reprice();
        self.prices.iter_mut().for_each(|p| *p = p.max(0.0));
        let mut bound: f64 = self.prices.iter().sum();
        for ((value, shares), most) in self.local.iter().zip(self.shares.chunks_exact(self.dims)).zip(&self.most) {
            let gain = value - dot(shares, &self.prices);
            if gain > 0.0 {
                bound += gain * f64::from(*most);
            }
        }
        (bound, 1 + (pivots * n * self.dims) as u64 / 100)
    }

    fn reprice(&mut self) {
        let dims = self.dims;
        self.prices.iter_mut().for_each(|p| *p = 0.0);
        for (i, variable) in self.basis.iter().enumerate() {
            let value = self.local.get(*variable).copied().unwrap_or(0.0);
            if value > 0.0 {
                let inverse = &self.inverse[i * dims..(i + 1) * dims];
                self.prices.iter_mut().zip(inverse).for_each(|(p, v)| *p += value * v);
            }
        }
    }

    /// One step towards the optimum; false when there is none to make.
    fn pivot(&mut self) -> bool {
        let (n, dims) = (self.most.len(), self.dims);
        self.reprice();
        let mut best = (SMALL, None);
        let offered = self.local.iter().zip(self.shares.chunks_exact(dims)).zip(&self.most);
        for (i, ((value, shares), most)) in offered.enumerate() {
            let gain = value - dot(shares, &self.prices);
            let gain = if self.at_most[i] { -gain } else { gain } * f64::from((*most).min(8));
            if gain > best.0 && !self.in_basis[i] {
                best = (gain, Some(i));
            }
        }
        for d in 0..dims {
            if !self.in_basis[n + d] && -self.prices[d] > best.0 {
                best = (-self.prices[d], Some(n + d));
            }
        }
        let Some(entering) = best.1 else { return false };
        let upwards = !self.at_most[entering];
        let sign = if upwards { 1.0 } else { -1.0 };
        let mut direction = std::mem::take(&mut self.direction);
        for (d, inverse) in direction.iter_mut().zip(self.inverse.chunks_exact(dims)) {
            *d = sign * if entering < n { dot(inverse, self.share(entering)) } else { inverse[entering - n] };
        }
        let went_on = self.enter(entering, upwards, &direction);
        self.direction = direction;
        went_on
    }

    /// Brings a variable into the solution along a direction; false if nothing stops it.
    fn enter(&mut self, entering: usize, upwards: bool, direction: &[f64]) -> bool {
        let dims = self.dims;
        let sign = if upwards { 1.0 } else { -1.0 };
        let mut step = self.cap(entering);
        let mut leaving = None;
        for (i, d) in direction.iter().enumerate() {
            let level = self.levels[i];
            let room = if *d > 1e-9 {
                level.max(0.0) / d
            } else if *d < -1e-9 {
                (self.cap(self.basis[i]) - level).max(0.0) / -d
            } else {
                continue;
            };
            if room < step {
                step = room;
                leaving = Some((i, *d < 0.0));
            }
        }
        if !step.is_finite() {
            return false;
        }
        self.levels.iter_mut().zip(direction).for_each(|(level, d)| *level -= d * step);
        let Some((leaving, to_most)) = leaving else {
            self.at_most[entering] = upwards;
            return true;
        };
        let from = if upwards { 0.0 } else { self.cap(entering) };
        let out = self.basis[leaving];
        self.in_basis[out] = false;
        self.at_most[out] = to_most;
        self.in_basis[entering] = true;
        self.at_most[entering] = false;
        self.basis[leaving] = entering;
        self.levels[leaving] = from + sign * step;
        let scale = sign / direction[leaving];
        let row = &self.inverse[leaving * dims..(leaving + 1) * dims];
        self.pivot_row.iter_mut().zip(row).for_each(|(p, v)| *p = v * scale);
        for (i, row) in self.inverse.chunks_exact_mut(dims).enumerate() {
            if i == leaving {
                row.copy_from_slice(&self.pivot_row);
            } else {
                let d = sign * direction[i];
                row.iter_mut().zip(&self.pivot_row).for_each(|(v, p)| *v -= d * p);
            }
        }
        true
    }
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
