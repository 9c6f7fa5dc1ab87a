//! Gaps, means and sums of runs.

use super::*;
use crate::run::testing::run;

fn gaps(judged: &[Judged]) -> Vec<Option<f64>> {
    judged.iter().map(|j| j.gap.map(|g| (g * 1e6).round() / 1e6)).collect()
}

#[test]
fn every_policy_is_judged_by_the_best_bound_of_any() {
    let runs = vec![
        run("a", "karpenter", 100, 12.0, None),
        run("a", "cost", 100, 10.5, Some(9.0)),
        run("a", "cost", 200, 10.1, Some(10.0)),
        run("b", "karpenter", 100, 1.0, None),
    ];
    let judged = judge(runs);
    assert_eq!(gaps(&judged), [Some(0.2), Some(0.05), Some(0.01), None], "nobody proved anything of b");
    assert_eq!(judged[0].best_bound, Some(10.0));
}

#[test]
fn a_plan_that_leaves_pods_out_is_no_cheaper_plan() {
    let mut short = run("a", "sloppy", 100, 5.0, Some(4.0));
    short.placed = 9;
    let judged = judge(vec![short, run("a", "cost", 100, 10.0, Some(8.0))]);
    assert_eq!(gaps(&judged), [None, Some(0.25)]);
    assert_eq!(judged[0].best_bound, Some(4.0), "bounds are for the pods that were placed");
}

#[test]
fn a_known_optimum_is_a_bound() {
    let mut known = run("a", "karpenter", 100, 11.0, Some(9.0));
    known.optimum = Some(10.0);
    assert_eq!(gaps(&judge(vec![known])), [Some(0.1)]);
}

#[test]
fn what_costs_nothing_has_no_gap_unless_it_costs() {
    assert_eq!(excess(0.0, 0.0), Some(0.0));
    assert_eq!(excess(1.0, 0.0), None);
    assert_eq!(excess(0.1 + 0.2, 0.3), Some(0.0), "arithmetic is no gap");
}

#[test]
fn intervals_are_over_draws_with_the_seeds_of_each_averaged() {
    let mut runs = vec![];
    for (draw, costs) in [(1, [10.0, 12.0]), (2, [20.0, 22.0]), (3, [30.0, 32.0])] {
        for (seed, cost) in costs.into_iter().enumerate() {
            let mut run = run("a", "cost", 100, cost, Some(10.0));
            (run.key.draw, run.key.seed) = (Some(draw), seed as u64);
            runs.push(run);
        }
    }
    let summary = summaries(&judge(runs)).pop().expect("one group");
    assert_eq!((summary.runs, summary.samples, summary.cost.mean), (6, 3, 21.0));
    // Means 11, 21 and 31: standard error 10 / sqrt 3, two degrees of freedom.
    let expected = 4.3027 * 10.0 / 3.0_f64.sqrt();
    assert!((summary.cost.ci95.expect("three draws") - expected).abs() < 1e-9);
}

#[test]
fn with_one_draw_intervals_are_over_seeds() {
    let runs = [10.0, 12.0].into_iter().enumerate().map(|(seed, cost)| {
        let mut run = run("a", "cost", 100, cost, None);
        run.key.seed = seed as u64;
        run
    });
    let summary = summaries(&judge(runs.collect())).pop().expect("one group");
    assert_eq!((summary.samples, summary.cost.mean), (2, 11.0));
    assert!(summary.cost.ci95.is_some() && summary.gap.is_none() && summary.bound.is_none());
}

#[test]
fn totals_bring_instances_together_by_policy_and_place_of_budget() {
    let mut runs = vec![
        run("a", "karpenter", 100, 12.0, None),
        run("a", "cost", 100, 11.0, Some(10.0)),
        run("a", "cost", 900, 10.0, Some(10.0)),
        run("b", "karpenter", 150, 24.0, None),
        run("b", "cost", 150, 20.0, Some(20.0)),
        run("b", "cost", 900, 20.0, Some(20.0)),
    ];
    runs.iter_mut().for_each(|r| r.optimum = Some(if r.key.instance == "a" { 10.0 } else { 20.0 }));
    let totals = totals(&summaries(&judge(runs)));
    let told: Vec<_> = totals.iter().map(|t| (t.policy.as_str(), t.budget, t.cost, t.optimal)).collect();
    assert_eq!(
        told,
        [
            ("karpenter", None, Some(36.0), (0, 2)),
            ("cost", None, Some(31.0), (1, 2)),
            ("cost", Some(900), Some(30.0), (2, 2))
        ]
    );
    assert!((totals[1].gap.expect("both have one").mean - 0.05).abs() < 1e-12);
}

#[test]
fn dollars_and_bins_have_no_sum() {
    let mut bins = run("b", "cost", 100, 3.0, None);
    bins.unit = Unit::Bins;
    let totals = totals(&summaries(&judge(vec![run("a", "cost", 100, 1.0, None), bins])));
    assert_eq!((totals.len(), totals[0].cost), (1, None));
}
