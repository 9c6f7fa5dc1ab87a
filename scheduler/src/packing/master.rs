//! The linear programme over the patterns known so far: how often to use each, so that every demand is met at least cost.
//!
//! A revised simplex with an explicit inverse of the basis. Columns come in a few at a time and the basis stays from round to
//! round, so that a round costs some pivots; a solver that starts anew each time spends most of its time on getting back to
//! where it was. Rows are demands (at least so many) and then limits (at most so much, kept as at least minus so much).

use super::Effort;

/// A variable of the programme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variable {
    /// How often a column is used.
    Column(usize),
    /// By how much a row is more than met.
    Surplus(usize),
}

/// The programme and its best solution so far.
pub(crate) struct Master {
    rows: usize,
    needed: Vec<f64>,
    costs: Vec<f64>,
    starts: Vec<usize>,
    entries: Vec<(u32, f64)>,
    in_basis: Vec<bool>,
    surplus_in_basis: Vec<bool>,
    basis: Vec<Variable>,
    inverse: Vec<f64>,
    values: Vec<f64>,
    duals: Vec<f64>,
    pivots_since_check: usize,
    /// Scratch space of a pivot: how the basis gives way to the entering column.
    direction: Vec<f64>,
    /// Scratch space of a pivot: where the pivot row is not zero.
    filled: Vec<usize>,
}

const SMALL: f64 = 1e-9;

/// After so many pivots it is looked whether rounding has added up to something.
const CHECK_EVERY: usize = 100;

/// More than this, as a share, is something.
const DRIFT: f64 = 1e-7;

impl Master {
    /// A programme with demands and limits, and for each demand a column of its own that meets it at a cost nobody would
    /// pay: the first basis.
    pub(crate) fn new(demands: &[f64], limits: &[f64], steep: &[f64]) -> Self {
        let rows = demands.len() + limits.len();
        let mut master = Self {
            rows,
            needed: demands.iter().copied().chain(limits.iter().map(|l| -l)).collect(),
            costs: vec![],
            starts: vec![0],
            entries: vec![],
            in_basis: vec![],
            surplus_in_basis: vec![false; rows],
            basis: vec![],
            inverse: vec![0.0; rows * rows],
            values: vec![0.0; rows],
            duals: vec![0.0; rows],
            pivots_since_check: 0,
            direction: vec![0.0; rows],
            filled: vec![],
        };
        for (row, cost) in steep.iter().enumerate() {
            let column = master.add(*cost, &[(u32::try_from(row).expect("few rows"), 1.0)]);
            master.basis.push(Variable::Column(column));
            master.in_basis[column] = true;
            master.inverse[row * rows + row] = 1.0;
        }
        for row in demands.len()..rows {
            master.basis.push(Variable::Surplus(row));
            master.surplus_in_basis[row] = true;
            master.inverse[row * rows + row] = -1.0;
        }
        master.refresh();
        master
    }

    /// Adds a column: its cost, and what it does for which rows. Gives its number.
    pub(crate) fn add(&mut self, cost: f64, entries: &[(u32, f64)]) -> usize {
        self.costs.push(cost);
        self.entries.extend_from_slice(entries);
        self.starts.push(self.entries.len());
        self.in_basis.push(false);
        self.costs.len() - 1
    }

    fn column(&self, j: usize) -> &[(u32, f64)] {
        &self.entries[self.starts[j]..self.starts[j + 1]]
    }

    /// How many columns there are, those of the first basis included.
    pub(crate) fn len(&self) -> usize {
        self.costs.len()
    }

    /// Changes what a column costs; the next [`Master::solve`] goes on from the solution there is.
    pub(crate) fn reprice(&mut self, column: usize, cost: f64) {
        self.costs[column] = cost;
    }

    /// The values of the rows: what one more unit of each demand would cost.
    pub(crate) fn duals(&self) -> &[f64] {
        &self.duals
    }

    /// The columns in use and how often, in the order of the basis.
    pub(crate) fn solution(&self) -> impl Iterator<Item = (usize, f64)> {
        self.basis.iter().zip(&self.values).filter_map(|(variable, value)| match variable {
            Variable::Column(column) if *value > SMALL => Some((*column, *value)),
            _ => None,
        })
    }

    /// What the solution costs.
    pub(crate) fn cost(&self) -> f64 {
        self.solution().map(|(column, value)| self.costs[column] * value).sum()
    }

    /// What a column costs more than it is worth.
    pub(crate) fn reduced_cost(&self, column: usize) -> f64 {
        let worth: f64 = self.column(column).iter().map(|(row, amount)| self.duals[*row as usize] * amount).sum();
        self.costs[column] - worth
    }

    /// Goes on to the best solution, for so many pivots at most and while there is effort left.
    pub(crate) fn solve(&mut self, pivots: usize, effort: &mut Effort<'_>) {
        effort.spend(1);
        self.refresh_duals();
        for pivot in 0..pivots {
            if effort.is_over() {
                break;
            }
            // Prices alternate with plain order now and then: a cycle of degenerate pivots cannot last.
            let entering = if pivot % 64 == 63 { self.first_entering() } else { self.best_entering() };
            let Some(entering) = entering else { break };
            if !self.pivot(entering) {
                break;
            }
            effort.spend(1 + (self.filled.len() * self.rows + self.entries.len()) as u64 / 400);
            self.pivots_since_check += 1;
            if self.pivots_since_check >= CHECK_EVERY {
                self.pivots_since_check = 0;
                if self.drift() > DRIFT {
                    effort.spend((self.rows * self.rows * self.rows) as u64 / 1_000);
                    self.invert();
                }
            }
        }
    }

    /// How far the solution and the values of rows have come away from what the basis says, as a share.
    fn drift(&self) -> f64 {
        let mut missing = self.needed.clone();
        let mut worst: f64 = 0.0;
        for (variable, value) in self.basis.iter().zip(&self.values) {
            match variable {
                Variable::Column(column) => {
                    self.column(*column).iter().for_each(|(row, amount)| missing[*row as usize] -= amount * value);
                    worst = worst.max(self.reduced_cost(*column).abs() / (1.0 + self.costs[*column]));
                }
                Variable::Surplus(row) => {
                    missing[*row] += value;
                    worst = worst.max(self.duals[*row].abs());
                }
            }
        }
        let off = missing.iter().zip(&self.needed).map(|(m, n)| m.abs() / (1.0 + n.abs()));
        off.fold(worst, f64::max)
    }

    fn best_entering(&self) -> Option<Variable> {
        let mut best = (0.0, None);
        for column in 0..self.costs.len() {
            if self.in_basis[column] {
                continue;
            }
            let reduced = self.reduced_cost(column);
            if reduced < -SMALL * (1.0 + self.costs[column]) {
                // The relative saving: patterns of large bins are not preferred for being large.
                let saving = reduced / (self.costs[column] + 1e-3);
                if saving < best.0 {
                    best = (saving, Some(Variable::Column(column)));
                }
            }
        }
        for row in (0..self.rows).filter(|row| !self.surplus_in_basis[*row]) {
            if self.duals[row] < -SMALL && self.duals[row] < best.0 {
                best = (self.duals[row], Some(Variable::Surplus(row)));
            }
        }
        best.1
    }

    fn first_entering(&self) -> Option<Variable> {
        let column = (0..self.costs.len())
            .find(|c| !self.in_basis[*c] && self.reduced_cost(*c) < -SMALL * (1.0 + self.costs[*c]))
            .map(Variable::Column);
        let surplus = || (0..self.rows).find(|r| !self.surplus_in_basis[*r] && self.duals[*r] < -SMALL);
        column.or_else(|| surplus().map(Variable::Surplus))
    }

    /// Brings a variable into the basis; false if that would gain without end, which demands and costs above zero exclude.
    fn pivot(&mut self, entering: Variable) -> bool {
        let rows = self.rows;
        let mut direction = std::mem::take(&mut self.direction);
        direction.iter_mut().for_each(|d| *d = 0.0);
        match entering {
            Variable::Column(column) => {
                let entries = &self.entries[self.starts[column]..self.starts[column + 1]];
                for (i, d) in direction.iter_mut().enumerate() {
                    let inverse = &self.inverse[i * rows..(i + 1) * rows];
                    *d = entries.iter().map(|(row, amount)| inverse[*row as usize] * amount).sum();
                }
            }
            Variable::Surplus(row) => {
                for (i, d) in direction.iter_mut().enumerate() {
                    *d = -self.inverse[i * rows + row];
                }
            }
        }
        let mut step = f64::INFINITY;
        for (d, value) in direction.iter().zip(&self.values) {
            if *d > 1e-7 {
                step = step.min((value.max(0.0) + SMALL) / d);
            }
        }
        // Of the rows that stop it about there, the one with the largest pivot: it keeps the numbers good.
        let mut leaving = None;
        let mut largest = 0.0;
        for (i, (d, value)) in direction.iter().zip(&self.values).enumerate() {
            if *d > 1e-7 && value.max(0.0) / d <= step && *d > largest {
                largest = *d;
                leaving = Some(i);
            }
        }
        let Some(leaving) = leaving else {
            self.direction = direction;
            return false;
        };
        let amount = self.values[leaving].max(0.0) / direction[leaving];
        let reduced = match entering {
            Variable::Column(column) => self.reduced_cost(column),
            Variable::Surplus(row) => self.duals[row],
        };
        let scale = 1.0 / direction[leaving];
        let (before, rest) = self.inverse.split_at_mut(leaving * rows);
        let (pivot_row, after) = rest.split_at_mut(rows);
        pivot_row.iter_mut().for_each(|v| *v *= scale);
        self.filled.clear();
        self.filled.extend((0..rows).filter(|i| pivot_row[*i] != 0.0));
        let sparse = self.filled.len() * 4 < rows;
        let others = before.chunks_exact_mut(rows).chain(after.chunks_exact_mut(rows));
        let indexes = (0..leaving).chain(leaving + 1..rows);
        for (i, row) in indexes.zip(others) {
            let d = direction[i];
            if d == 0.0 {
                continue;
            }
            if sparse {
                self.filled.iter().for_each(|j| row[*j] -= d * pivot_row[*j]);
            } else {
                row.iter_mut().zip(&*pivot_row).for_each(|(v, p)| *v -= d * p);
            }
            self.values[i] -= d * amount;
        }
        self.values[leaving] = amount;
        self.duals.iter_mut().zip(&*pivot_row).for_each(|(y, p)| *y += reduced * p);
        match self.basis[leaving] {
            Variable::Column(column) => self.in_basis[column] = false,
            Variable::Surplus(row) => self.surplus_in_basis[row] = false,
        }
        match entering {
            Variable::Column(column) => self.in_basis[column] = true,
            Variable::Surplus(row) => self.surplus_in_basis[row] = true,
        }
        self.basis[leaving] = entering;
        self.direction = direction;
        true
    }

    /// Reckons the inverse anew from the basis, which takes away what rounding has added up to.
    fn invert(&mut self) {
        let rows = self.rows;
        let mut matrix = vec![0.0; rows * rows];
        for (i, variable) in self.basis.iter().enumerate() {
            match variable {
                Variable::Column(column) => {
                    for (row, amount) in &self.entries[self.starts[*column]..self.starts[*column + 1]] {
                        matrix[*row as usize * rows + i] = *amount;
                    }
                }
                Variable::Surplus(row) => matrix[row * rows + i] = -1.0,
            }
        }
        if let Some(inverse) = inverse_of(matrix, rows) {
            self.inverse = inverse;
        }
        self.refresh();
    }

    fn refresh(&mut self) {
        let rows = self.rows;
        for (i, value) in self.values.iter_mut().enumerate() {
            let inverse = &self.inverse[i * rows..(i + 1) * rows];
            *value = inverse.iter().zip(&self.needed).map(|(a, b)| a * b).sum();
        }
        self.refresh_duals();
    }

    fn refresh_duals(&mut self) {
        let rows = self.rows;
        self.duals.iter_mut().for_each(|y| *y = 0.0);
        for (i, variable) in self.basis.iter().enumerate() {
            let Variable::Column(column) = variable else { continue };
            let cost = self.costs[*column];
            let inverse = &self.inverse[i * rows..(i + 1) * rows];
            self.duals.iter_mut().zip(inverse).for_each(|(y, v)| *y += cost * v);
        }
    }
}

/// The inverse of a square matrix by elimination with pivots of the largest size; `None` if it has none.
fn inverse_of(mut matrix: Vec<f64>, rows: usize) -> Option<Vec<f64>> {
    let mut inverse = vec![0.0; rows * rows];
    (0..rows).for_each(|i| inverse[i * rows + i] = 1.0);
    for k in 0..rows {
        let pivot = (k..rows).max_by(|a, b| matrix[a * rows + k].abs().total_cmp(&matrix[b * rows + k].abs()))?;
        if matrix[pivot * rows + k].abs() < 1e-11 {
            return None;
        }
        if pivot != k {
            for c in 0..rows {
                matrix.swap(k * rows + c, pivot * rows + c);
                inverse.swap(k * rows + c, pivot * rows + c);
            }
        }
        let scale = 1.0 / matrix[k * rows + k];
        matrix[k * rows..(k + 1) * rows].iter_mut().for_each(|v| *v *= scale);
        inverse[k * rows..(k + 1) * rows].iter_mut().for_each(|v| *v *= scale);
        for i in (0..rows).filter(|i| *i != k) {
            let factor = matrix[i * rows + k];
            if factor == 0.0 {
                continue;
            }
            for part in [&mut matrix, &mut inverse] {
                let (low, high) = part.split_at_mut(i.max(k) * rows);
                let (to, from) = if i < k {
                    (&mut low[i * rows..(i + 1) * rows], &high[..rows])
                } else {
                    (&mut high[..rows], &low[k * rows..(k + 1) * rows])
                };
                to.iter_mut().zip(from).for_each(|(a, b)| *a -= factor * b);
            }
        }
    }
    Some(inverse)
}
