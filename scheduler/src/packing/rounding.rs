//! From how often patterns are used on average to whole bins: what is used in whole numbers is taken, the rest is a smaller
//! packing of the same kind.

use super::columns::Columns;
use super::fill::{By, fill};
use super::{Effort, Packed, Packing, Pattern};

/// Packs everything by rounding the solution of the programme. Gives nothing when some item can go into no bin.
pub(crate) fn round(
    root: &Columns<'_>,
    prices: &[f64],
    rng: &mut fastrand::Rng,
    effort: &mut Effort<'_>,
) -> Option<Packed> {
    let packing = root.packing;
    let mut left = root.demands.clone();
    let mut limits = root.limits.clone();
    let mut packed: Packed = root.floors();
    take_away(packing, &packed, &mut left, &mut limits);
    let mut known: Vec<Pattern> = near(root);
    if packed.is_empty() && left.iter().any(|l| *l > 0) {
        packed.extend(round_up(root, &left, &limits, rng));
        take_away(packing, &packed, &mut left, &mut limits);
    }
    let by_weight = packing.by_weight();
    let mut in_one = vec![finished_by_one(packing, &[], &root.demands, &by_weight)];
    while left.iter().any(|l| *l > 0) {
        in_one.push(finished_by_one(packing, &packed, &left, &by_weight));
        if effort.is_over() {
            packed.extend(fill(packing, &left, &limits, prices, By::Worth)?);
            break;
        }
        let small = Remainder::new(packing, &left);
        let mut columns = Columns::new(&small.packing, &small.demands, &limits, root.aim);
        let clipped: Vec<Pattern> = known.iter().filter_map(|p| small.clip(packing, p, &by_weight)).collect();
        for pattern in clipped {
            columns.add(pattern);
        }
        columns.add_singles();
        columns.generate_some(5, effort);
        if effort.is_over() {
            continue;
        }
        let mut chosen: Packed = columns.floors();
        chosen.extend(round_up(&columns, &small.demands, &limits, rng));
        if chosen.is_empty() {
            return None;
        }
        let chosen: Packed = chosen.into_iter().map(|(p, times)| (small.restore(&p), times)).collect();
        let before: u64 = left.iter().map(|l| u64::from(*l)).sum();
        take_away(packing, &chosen, &mut left, &mut limits);
        if left.iter().map(|l| u64::from(*l)).sum::<u64>() == before || limits.iter().any(|l| *l < 0.0) {
            return None;
        }
        packed.extend(chosen);
        known = near(&columns).iter().map(|p| small.restore(p)).collect();
    }
    let packed = trim(packing, packed, &root.demands);
    let others = in_one.into_iter().flatten().map(|packed| trim(packing, packed, &root.demands));
    others.chain([packed]).min_by(|a, b| packing.weight(a).total_cmp(&packing.weight(b)))
}

/// With everything that is left in a single bin that draws on no limit, if one holds it: on average a bin of which half is
/// needed looks cheaper than it is.
fn finished_by_one(packing: &Packing, packed: &[(Pattern, u32)], left: &[u32], by_weight: &[u32]) -> Option<Packed> {
    let counts: Vec<(u32, u32)> = (0_u32..).zip(left).filter(|(_, l)| **l > 0).map(|(i, l)| (i, *l)).collect();
    let shape = packing.cheapest_for(&counts, by_weight, &[])?;
    Some(packed.iter().cloned().chain([(Pattern { shape, counts }, 1)]).collect())
}

/// The patterns that are in use, or nearly.
pub(crate) fn near(columns: &Columns<'_>) -> Vec<Pattern> {
    let mut by_cost: Vec<(f64, usize)> = (0..columns.patterns.len())
        .filter(|c| columns.patterns[*c].is_some())
        .map(|c| (columns.master.reduced_cost(c), c))
        .collect();
    by_cost.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    by_cost.truncate(4 * columns.demands.len() + 40);
    by_cost.into_iter().filter_map(|(_, c)| columns.patterns[c].clone()).collect()
}

/// Of the patterns that are used in part, those to be used once more: the ones used most, as long as all they hold is needed.
fn round_up(columns: &Columns<'_>, left: &[u32], limits: &[f64], rng: &mut fastrand::Rng) -> Packed {
    let mut parts: Vec<(f64, &Pattern)> = columns
        .solution()
        .into_iter()
        .map(|(p, x)| (x - (x + 1e-6).floor(), p))
        .filter(|(part, _)| *part > 1e-6)
        .map(|(part, p)| (part + 0.05 * rng.f64(), p))
        .collect();
    parts.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let floors = columns.floors();
    let (mut left, mut limits) = (left.to_vec(), limits.to_vec());
    take_away(columns.packing, &floors, &mut left, &mut limits);
    let mut out: Packed = vec![];
    let several = parts.len().div_ceil(8);
    for (part, pattern) in parts {
        let draws = &columns.packing.shapes[pattern.shape as usize].draws;
        if draws.iter().any(|(limit, amount)| *amount > limits[*limit as usize]) {
            continue;
        }
        let needed = pattern.counts.iter().all(|(item, count)| left[*item as usize] >= *count);
        if (out.is_empty() && floors.is_empty()) || (needed && part > 0.7 && out.len() < several) {
            let once = (pattern.clone(), 1);
            take_away(columns.packing, std::slice::from_ref(&once), &mut left, &mut limits);
            out.push(once);
        }
    }
    out
}

fn take_away(packing: &Packing, packed: &[(Pattern, u32)], left: &mut [u32], limits: &mut [f64]) {
    for (pattern, times) in packed {
        for (item, count) in &pattern.counts {
            left[*item as usize] = left[*item as usize].saturating_sub(count * times);
        }
        for (limit, amount) in &packing.shapes[pattern.shape as usize].draws {
            limits[*limit as usize] -= amount * f64::from(*times);
        }
    }
}

/// Takes out what is packed more often than asked for, and puts what stays into the cheapest bins that hold it.
pub(crate) fn trim(packing: &Packing, packed: Packed, demands: &[u32]) -> Packed {
    let mut surplus: Vec<u32> = vec![0; demands.len()];
    for (pattern, times) in &packed {
        for (item, count) in &pattern.counts {
            surplus[*item as usize] += count * times;
        }
    }
    surplus.iter_mut().zip(demands).for_each(|(s, d)| *s = s.saturating_sub(*d));
    let by_weight = packing.by_weight();
    let mut out: Packed = vec![];
    for (pattern, times) in packed.into_iter().rev() {
        let mut times = times;
        while times > 0 {
            let spare = pattern.counts.iter().any(|(i, _)| surplus[*i as usize] > 0);
            if !spare {
                out.push((pattern.clone(), times));
                break;
            }
            let mut counts = pattern.counts.clone();
            for (item, count) in &mut counts {
                let take = surplus[*item as usize].min(*count);
                surplus[*item as usize] -= take;
                *count -= take;
            }
            counts.retain(|(_, count)| *count > 0);
            times -= 1;
            if !counts.is_empty() {
                out.push((Pattern { shape: pattern.shape, counts }, 1));
            }
        }
    }
    let out = super::counted(out);
    super::counted(out.into_iter().map(|(pattern, times)| (downsized(packing, pattern, &by_weight), times)))
}

/// The same in the cheapest bin that holds it.
pub(crate) fn downsized(packing: &Packing, pattern: Pattern, by_weight: &[u32]) -> Pattern {
    match packing.cheapest_for(&pattern.counts, by_weight, &packing.shapes[pattern.shape as usize].draws) {
        Some(shape)
            if packing.shapes[shape as usize].weight < packing.shapes[pattern.shape as usize].weight - 1e-12 =>
        {
            Pattern { shape, counts: pattern.counts }
        }
        _ => pattern,
    }
}

/// A packing of what is left: the same shapes, only the items that still wait.
pub(crate) struct Remainder {
    pub(crate) packing: Packing,
    pub(crate) demands: Vec<u32>,
    /// The number of each item in the whole.
    items: Vec<u32>,
    /// The number of each item of the whole here.
    places: Vec<Option<u32>>,
}

impl Remainder {
    pub(crate) fn new(whole: &Packing, left: &[u32]) -> Self {
        let mut items = vec![];
        let mut places = vec![None; left.len()];
        for (i, _) in left.iter().enumerate().filter(|(_, l)| **l > 0) {
            places[i] = Some(u32::try_from(items.len()).expect("few items"));
            items.push(u32::try_from(i).expect("few items"));
        }
        let kept = |i: &u32| {
            let mut item = whole.items[*i as usize].clone();
            item.demand = left[*i as usize];
            item.apart = item.apart.iter().filter_map(|other| places[*other as usize]).collect();
            item
        };
        let shapes = whole.shapes.iter().map(|shape| {
            let mut takes = crate::bitset::Bits::none(items.len());
            for (here, there) in items.iter().enumerate() {
                if shape.takes.contains(*there as usize) {
                    takes.insert(here);
                }
            }
            super::Shape { takes, ..shape.clone() }
        });
        let packing = Packing {
            dims: whole.dims,
            shapes: shapes.collect(),
            items: items.iter().map(kept).collect(),
            limits: whole.limits.clone(),
        };
        let demands = items.iter().map(|i| left[*i as usize]).collect();
        Self { packing, demands, items, places }
    }

    /// A pattern of the whole with no more than is left, in the cheapest bin that holds that.
    pub(crate) fn clip(&self, whole: &Packing, pattern: &Pattern, by_weight: &[u32]) -> Option<Pattern> {
        let mut counts: Vec<(u32, u32)> = vec![];
        let mut here: Vec<(u32, u32)> = vec![];
        let mut clipped = false;
        for (item, count) in &pattern.counts {
            let Some(place) = self.places[*item as usize] else {
                clipped = true;
                continue;
            };
            let kept = (*count).min(self.demands[place as usize]);
            clipped |= kept < *count;
            counts.push((*item, kept));
            here.push((place, kept));
        }
        if here.is_empty() {
            return None;
        }
        let pattern = Pattern { shape: pattern.shape, counts };
        let pattern = if clipped { downsized(whole, pattern, by_weight) } else { pattern };
        Some(Pattern { shape: pattern.shape, counts: here })
    }

    /// A pattern of this in the numbers of the whole.
    pub(crate) fn restore(&self, pattern: &Pattern) -> Pattern {
        let counts = pattern.counts.iter().map(|(i, c)| (self.items[*i as usize], *c)).collect();
        Pattern { shape: pattern.shape, counts }
    }
}
