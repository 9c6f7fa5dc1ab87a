//! Packings whose optimum is known, or found by trying everything.

use super::complete::Completion;
use super::knapsack::Question;
use super::relaxed::Relaxed;
use super::*;
use crate::bitset::Bits;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};

fn item(weights: &[f64], demand: u32) -> Item {
    Item { weights: weights.to_vec(), demand, most: u32::MAX, kind: 0, apart: vec![] }
}

fn shape(room: &[f64], price: f64, items: usize) -> Shape {
    Shape { room: room.to_vec(), price, weight: price, takes: Bits::all(items), draws: vec![] }
}

fn packing(items: Vec<Item>, bins: &[(&[f64], f64)]) -> Packing {
    let shapes = bins.iter().map(|(room, price)| shape(room, *price, items.len())).collect();
    Packing { dims: bins[0].0.len(), items, shapes, limits: vec![] }
}

fn solved(packing: &Packing, steps: u64) -> Solved {
    let mut effort = Effort::new(steps, &|| 0.0);
    solve(packing, vec![], None, &mut fastrand::Rng::with_seed(1), &mut effort)
}

/// Everything that is asked for is packed once, into bins that hold it and within the limits.
fn assert_right(packing: &Packing, packed: &Packed) {
    let mut have = vec![0; packing.items.len()];
    let mut drawn = vec![0.0; packing.limits.len()];
    for (pattern, times) in packed {
        assert!(packing.left(pattern.shape as usize, &pattern.counts).is_some(), "{pattern:?} does not fit");
        pattern.counts.iter().for_each(|(i, c)| have[*i as usize] += c * times);
        for (limit, amount) in &packing.shapes[pattern.shape as usize].draws {
            drawn[*limit as usize] += amount * f64::from(*times);
        }
    }
    let asked: Vec<u32> = packing.items.iter().map(|i| i.demand).collect();
    assert_eq!(have, asked);
    assert!(
        drawn.iter().zip(&packing.limits).all(|(drawn, limit)| drawn <= limit),
        "{drawn:?} of {:?}",
        packing.limits
    );
}

fn price(packing: &Packing, packed: &Packed) -> f64 {
    packed.iter().map(|(p, times)| packing.shapes[p.shape as usize].price * f64::from(*times)).sum()
}

/// Items of which three fill a bin exactly, and hardly any other three do.
fn triplets(bins: usize, dims: usize, seed: u64) -> Packing {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut items = vec![];
    for _ in 0..bins {
        let cuts: Vec<(u32, u32)> = (0..dims).map(|_| (rng.u32(200..500), rng.u32(200..400))).collect();
        items.push(item(&cuts.iter().map(|c| f64::from(c.0)).collect::<Vec<_>>(), 1));
        items.push(item(&cuts.iter().map(|c| f64::from(c.1)).collect::<Vec<_>>(), 1));
        items.push(item(&cuts.iter().map(|c| f64::from(1000 - c.0 - c.1)).collect::<Vec<_>>(), 1));
    }
    packing(items, &[(&vec![1000.0; dims], 1.0)])
}

#[test]
fn triplets_are_put_together_again_and_proven_best() {
    let packing = triplets(20, 3, 7);
    let solved = solved(&packing, 20_000_000);
    let packed = solved.packed.expect("everything fits");
    assert_right(&packing, &packed);
    assert_eq!(price(&packing, &packed), 20.0);
    assert!(solved.bound.value > 19.99 && solved.bound.value <= 20.0 + 1e-6, "{}", solved.bound.value);
}

#[test]
fn bin_after_bin_finds_which_three_belong_together() {
    let packing = triplets(100, 4, 3);
    let completion = Completion::new(&packing, &[0.25e-3; 4]);
    let demands: Vec<u32> = packing.items.iter().map(|i| i.demand).collect();
    let mut effort = Effort::new(u64::MAX, &|| 0.0);
    let packed = completion.pack(&demands, &[], &mut fastrand::Rng::with_seed(1), &mut effort);
    let packed = packed.expect("everything fits");
    assert_right(&packing, &packed);
    assert!(price(&packing, &packed) <= 101.0, "{}", price(&packing, &packed));
}

#[test]
fn many_small_items_are_packed_for_hardly_more_than_water() {
    let mut rng = fastrand::Rng::with_seed(5);
    let weights = || (f64::from(rng.u32(5..100)), f64::from(rng.u32(5..100)));
    let items = std::iter::repeat_with(weights).take(40).map(|(a, b)| item(&[a, b], 60)).collect();
    let packing = packing(items, &[(&[4000.0, 3000.0], 7.0), (&[3000.0, 4000.0], 7.0), (&[500.0, 500.0], 1.1)]);
    let demands: Vec<u32> = packing.items.iter().map(|i| i.demand).collect();
    let fluid = start::fluid(&packing, &demands, &|k| packing.shapes[k].price);
    let water: f64 = fluid.bins.iter().map(|(k, x)| packing.shapes[*k].price * x).sum();
    assert!(blend::is_apt(&demands, &fluid), "dozens go into a bin");
    let completion = Completion::new(&packing, &fluid.prices);
    let mut effort = Effort::new(u64::MAX, &|| 0.0);
    let mut paid = f64::INFINITY;
    let mut rng = fastrand::Rng::with_seed(1);
    for _ in 0..4 {
        let packed = blend::blend(&packing, &demands, &completion, &mut rng, &mut effort).expect("everything fits");
        assert_right(&packing, &packed);
        paid = paid.min(price(&packing, &packed));
    }
    assert!(paid >= water - 1e-9 && paid < water * 1.05, "{paid}, as water {water}");
}

#[test]
fn what_is_packed_at_once_keeps_every_rule() {
    let mut items = vec![item(&[3.0], 3), item(&[2.0], 3), item(&[1.0], 5)];
    items[0].apart = vec![1];
    items[1].apart = vec![0];
    items[2].most = 1;
    let mut packing = packing(items, &[(&[4.0], 1.0), (&[8.0], 0.0)]);
    packing.limits = vec![1.0];
    packing.shapes[1].draws = vec![(0, 1.0)];
    let demands: Vec<u32> = packing.items.iter().map(|i| i.demand).collect();
    for by in [fill::By::Share, fill::By::Worth, fill::By::Room(0)] {
        let packed = fill::fill(&packing, &demands, &packing.limits, &[0.25], by).expect("everything fits");
        assert_right(&packing, &packed);
    }
    packing.shapes[0].takes = Bits::none(3);
    assert_eq!(fill::fill(&packing, &demands, &packing.limits, &[0.25], fill::By::Share), None);
}

#[test]
fn a_budget_that_is_spent_at_once_still_gives_a_packing_and_a_bound() {
    let packing = triplets(60, 3, 1);
    let solved = solved(&packing, 1);
    let packed = solved.packed.expect("there is always a way to pack at once");
    assert_right(&packing, &packed);
    assert!(solved.bound.value > 59.99 && solved.bound.value <= 60.0 + 1e-6, "{}", solved.bound.value);
}

#[test]
fn large_bins_are_bought_where_they_are_cheaper_per_item_and_small_ones_for_the_rest() {
    // Four fill a large bin; the fifth goes into a small one.
    let packing = packing(vec![item(&[1.0], 5)], &[(&[1.0], 1.0), (&[4.0], 3.0)]);
    let solved = solved(&packing, 1_000_000);
    assert_eq!(price(&packing, &solved.packed.expect("everything fits")), 4.0);
    assert!(solved.bound.value <= 4.0 + 1e-9 && solved.bound.value >= 3.75 - 1e-6, "{}", solved.bound.value);
}

#[test]
fn items_that_are_apart_do_not_share_a_bin_and_caps_hold() {
    let mut items = vec![item(&[1.0], 2), item(&[1.0], 2), item(&[1.0], 4)];
    items[0].apart = vec![1];
    items[1].apart = vec![0];
    items[2].most = 2;
    let packing = packing(items, &[(&[8.0], 1.0)]);
    let solved = solved(&packing, 1_000_000);
    let packed = solved.packed.expect("everything fits");
    assert_right(&packing, &packed);
    assert_eq!(price(&packing, &packed), 2.0);
}

#[test]
fn free_bins_with_a_limit_are_filled_first() {
    let mut packing = packing(vec![item(&[1.0], 6)], &[(&[2.0], 1.0), (&[4.0], 0.0)]);
    packing.limits = vec![1.0];
    packing.shapes[1].draws = vec![(0, 1.0)];
    let solved = solved(&packing, 1_000_000);
    let packed = solved.packed.expect("everything fits");
    assert_right(&packing, &packed);
    assert_eq!(price(&packing, &packed), 1.0);
    assert!(solved.bound.value <= 1.0 + 1e-9 && solved.bound.value > 0.99, "{}", solved.bound.value);
}

#[test]
fn the_same_seed_and_steps_give_the_same_bins() {
    let packing = triplets(12, 2, 3);
    let (one, two) = (solved(&packing, 300_000), solved(&packing, 300_000));
    assert_eq!(one.packed, two.packed);
    assert_eq!(one.bound.value.to_bits(), two.bound.value.to_bits());
}

#[test]
fn what_fits_nowhere_is_left_out_and_the_bound_does_not_count_it() {
    let packing = packing(vec![item(&[1.0], 1), item(&[9.0], 1)], &[(&[1.0], 1.0)]);
    let solved = solved(&packing, 1_000_000);
    assert!(solved.bound.value <= 1.0 + 1e-9, "{}", solved.bound.value);
    let packed = solved.packed.expect("the first fits");
    assert_eq!(packed, [(Pattern { shape: 0, counts: vec![(0, 1)] }, 1)]);
}

/// The most that fits one bin is worth, by trying everything.
fn best_by_force(packing: &Packing, values: &[f64], item: usize, counts: &mut Vec<(u32, u32)>) -> f64 {
    if item == values.len() {
        return counts.iter().map(|(i, c)| values[*i as usize] * f64::from(*c)).sum();
    }
    let mut best: f64 = 0.0;
    for count in 0..=packing.fits(item, 0).min(packing.items[item].demand) {
        if count > 0 {
            counts.push((u32::try_from(item).expect("few"), count));
        }
        if packing.left(0, counts).is_some() {
            best = best.max(best_by_force(packing, values, item + 1, counts));
        }
        if count > 0 {
            counts.pop();
        }
    }
    best
}

/// The cheapest packing of some small ones, by trying everything.
fn cheapest_by_force(packing: &Packing, left: &mut Vec<u32>) -> f64 {
    let Some(first) = left.iter().position(|l| *l > 0) else { return 0.0 };
    let mut best = f64::INFINITY;
    for shape in 0..packing.shapes.len() {
        let mut options = vec![];
        fill(packing, shape, first, left, &mut vec![], &mut options);
        for counts in options {
            counts.iter().for_each(|(i, c)| left[*i as usize] -= c);
            best = best.min(packing.shapes[shape].price + cheapest_by_force(packing, left));
            counts.iter().for_each(|(i, c)| left[*i as usize] += c);
        }
    }
    best
}

/// Every way to fill a bin that takes at least one of the first item that waits.
fn fill(
    packing: &Packing,
    shape: usize,
    item: usize,
    left: &[u32],
    counts: &mut Vec<(u32, u32)>,
    options: &mut Vec<Vec<(u32, u32)>>,
) {
    if item == left.len() {
        if !counts.is_empty() {
            options.push(counts.clone());
        }
        return;
    }
    let least = u32::from(counts.is_empty());
    for count in least..=left[item] {
        if count > 0 {
            counts.push((u32::try_from(item).expect("few"), count));
        }
        let fits = packing.left(shape, counts).is_some();
        if fits {
            fill(packing, shape, item + 1, left, counts, options);
        }
        if count > 0 {
            counts.pop();
        }
        if !fits {
            break;
        }
    }
}

fn small() -> impl Strategy<Value = Packing> {
    let items = prop::collection::vec((prop::collection::vec(0..6u32, 2), 1..4u32, 1..4u32), 1..4);
    let shapes = prop::collection::vec((prop::collection::vec(4..12u32, 2), 1..20u32), 1..4);
    (items, shapes, any::<bool>()).prop_map(|(items, shapes, apart)| {
        let amounts = |a: &[u32]| a.iter().map(|n| f64::from(*n)).collect::<Vec<_>>();
        let mut list: Vec<Item> = vec![];
        for (weights, demand, most) in &items {
            list.push(Item { most: *most, ..item(&amounts(weights), *demand) });
        }
        if apart && list.len() > 1 {
            list[0].apart = vec![1];
            list[1].apart = vec![0];
        }
        let n = list.len();
        let shapes = shapes.iter().map(|(room, price)| shape(&amounts(room), f64::from(*price), n)).collect();
        Packing { dims: 2, items: list, shapes, limits: vec![] }
    })
}

#[test]
fn most_small_packings_are_as_cheap_as_can_be() {
    let mut runner = TestRunner::deterministic();
    let (mut all, mut best, mut far) = (0, 0, 0);
    for _ in 0..400 {
        let packing = small().new_tree(&mut runner).expect("nothing is filtered out").current();
        let fits = |i: usize| (0..packing.shapes.len()).any(|k| packing.fits(i, k) > 0);
        if !(0..packing.items.len()).all(fits) {
            continue;
        }
        let cheapest = cheapest_by_force(&packing, &mut packing.items.iter().map(|i| i.demand).collect());
        let found = price(&packing, &solved(&packing, 2_000_000).packed.expect("everything fits"));
        all += 1;
        best += usize::from(found <= cheapest + 1e-9);
        far += usize::from(found > cheapest * 1.2);
    }
    assert!(all > 200 && best * 100 >= all * 97 && far * 100 <= all, "of {all}, {best} are best and {far} far from it");
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(20), failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn a_search_finds_the_best_pattern_and_the_relaxation_is_no_less(
        packing in small(),
        values in prop::collection::vec(0..9u32, 3),
    ) {
        let values: Vec<f64> = values.iter().take(packing.items.len()).map(|v| f64::from(*v)).collect();
        let demands: Vec<u32> = packing.items.iter().map(|i| i.demand).collect();
        let best = best_by_force(&packing, &values, 0, &mut vec![]);
        let mut relaxed = Relaxed::new(&packing, 0, &demands);
        let (bound, _) = relaxed.bound(&values);
        prop_assert!(bound >= best - 1e-9, "the relaxation says {bound}, the best is {best}");
        let question = Question {
            packing: &packing, shape: 0, relaxed: &relaxed, values: &values, worth: 0.0, bound, limit: 1_000_000,
        };
        let found = knapsack::search(question, &mut Effort::new(u64::MAX, &|| 0.0));
        let worth = found.patterns.last().map_or(0.0, |(_, worth)| *worth);
        prop_assert!((worth - best).abs() < 1e-9, "found {worth}, the best is {best}");
        prop_assert!(found.proven.is_some_and(|p| p >= best - 1e-9));
        for (pattern, _) in found.patterns {
            prop_assert!(packing.left(0, &pattern.counts).is_some());
        }
    }

    #[test]
    fn no_packing_is_cheaper_than_the_bound(packing in small()) {
        let fits = |i: usize| (0..packing.shapes.len()).any(|k| packing.fits(i, k) > 0);
        prop_assume!((0..packing.items.len()).all(fits));
        let best = cheapest_by_force(&packing, &mut packing.items.iter().map(|i| i.demand).collect());
        let solved = solved(&packing, 100_000);
        let packed = solved.packed.expect("everything fits");
        assert_right(&packing, &packed);
        let found = price(&packing, &packed);
        prop_assert!(solved.bound.value <= best + 1e-6, "the bound {} is above the optimum {best}", solved.bound.value);
        prop_assert!(found >= best - 1e-9, "found {found}, by force {best}");
    }
}
