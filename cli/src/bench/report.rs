//! The results of an experiment as data: JSON and CSV. Names and shapes are a contract; how results look to people, `table`
//! knows.

use std::collections::BTreeSet;
use std::io;

use dovetail_packing::run::{Run, Unit};
use dovetail_packing::statistics::Estimate;
use dovetail_packing::summary::{Judged, Results, Summary};
use serde::Serialize;

use crate::output::Data;

pub(crate) use super::table::table;

/// A packing into bins of equal cost. What tells runs apart is there only where there are several.
#[derive(Debug, Serialize)]
struct Bins<'r> {
    instance: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<u64>,
    bins: usize,
    bound: Option<u64>,
    seconds: f64,
    /// How many items found no bin, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    unplaced: Option<usize>,
}

/// The results as JSON: a list of packings if all instances are packings into bins of equal cost, and none is a subset;
/// runs, summaries and totals otherwise.
///
/// # Errors
/// When a figure is no number.
pub(crate) fn json(results: &Results) -> io::Result<String> {
    let is_packing = |run: &Run| run.unit == Unit::Bins && run.key.draw.is_none();
    if results.runs.is_empty() || !results.runs.iter().all(|j| is_packing(&j.run)) {
        return Data::Json.text(results);
    }
    let keys = || results.runs.iter().map(|j| &j.run.key);
    let policies = keys().map(|k| k.policy.as_str()).collect::<BTreeSet<_>>().len() > 1;
    let seeds = keys().map(|k| k.seed).collect::<BTreeSet<_>>().len() > 1;
    // Usual budgets differ by the number of items: they tell nothing apart.
    let pairs: BTreeSet<_> = keys().map(|k| (&k.instance, k.budget)).collect();
    let budgets = pairs.len() > keys().map(|k| &k.instance).collect::<BTreeSet<_>>().len();
    let packings: Vec<Bins<'_>> = results.runs.iter().map(|j| bins(&j.run, policies, seeds, budgets)).collect();
    Data::Json.text(&packings)
}

fn bins(run: &Run, policies: bool, seeds: bool, budgets: bool) -> Bins<'_> {
    let unplaced = run.pods - run.placed.min(run.pods);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a number of bins, whole and positive
    let whole = |bound: f64| bound.max(0.0).round() as u64;
    Bins {
        instance: &run.key.instance,
        policy: policies.then_some(run.key.policy.as_str()),
        seed: seeds.then_some(run.key.seed),
        budget: budgets.then_some(run.key.budget),
        bins: run.nodes,
        bound: run.bound.map(whole),
        seconds: run.seconds,
        unplaced: (unplaced > 0).then_some(unplaced),
    }
}

/// The results as CSV: a line for each run, or for each instance, policy and budget with means and 95 % intervals.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn csv(results: &Results, each: bool) -> io::Result<String> {
    let mut out = csv::Writer::from_writer(vec![]);
    if each {
        out.write_record(RUN_COLUMNS)?;
        results.runs.iter().try_for_each(|judged| out.write_record(run_row(judged)))?;
    } else {
        out.write_record(SUMMARY_COLUMNS)?;
        results.summaries.iter().try_for_each(|summary| out.write_record(summary_row(summary)))?;
    }
    let bytes = out.into_inner().map_err(|e| io::Error::other(e.to_string()))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

const RUN_COLUMNS: [&str; 18] = [
    "instance",
    "draw",
    "policy",
    "seed",
    "budget_ms",
    "unit",
    "pods",
    "placed",
    "nodes",
    "cost",
    "bound",
    "best_bound",
    "gap",
    "optimum",
    "seconds",
    "peak_memory",
    "violations",
    "fingerprint",
];

fn run_row(judged: &Judged) -> [String; 18] {
    let Judged { run, best_bound, gap } = judged;
    [
        run.key.instance.clone(),
        run.key.draw.map_or_else(String::new, |d| d.to_string()),
        run.key.policy.clone(),
        run.key.seed.to_string(),
        run.key.budget.to_string(),
        unit(run.unit).to_owned(),
        run.pods.to_string(),
        run.placed.to_string(),
        run.nodes.to_string(),
        run.cost.to_string(),
        optional(run.bound),
        optional(*best_bound),
        optional(*gap),
        optional(run.optimum),
        run.seconds.to_string(),
        run.peak_memory.map_or_else(String::new, |m| m.to_string()),
        run.violations.len().to_string(),
        run.key.fingerprint.clone(),
    ]
}

const SUMMARY_COLUMNS: [&str; 20] = [
    "instance",
    "policy",
    "budget_ms",
    "unit",
    "runs",
    "samples",
    "pods",
    "placed",
    "nodes",
    "nodes_ci95",
    "cost",
    "cost_ci95",
    "bound",
    "bound_ci95",
    "gap",
    "gap_ci95",
    "optimum",
    "seconds",
    "seconds_ci95",
    "peak_memory",
];

fn summary_row(summary: &Summary) -> Vec<String> {
    let mut row = vec![
        summary.instance.clone(),
        summary.policy.clone(),
        summary.budget.to_string(),
        unit(summary.unit).to_owned(),
        summary.runs.to_string(),
        summary.samples.to_string(),
        summary.pods.to_string(),
        summary.placed.mean.to_string(),
    ];
    let mut estimate = |of: Option<Estimate>| {
        row.extend([optional(of.map(|e| e.mean)), optional(of.and_then(|e| e.ci95))]);
    };
    estimate(Some(summary.nodes));
    estimate(Some(summary.cost));
    estimate(summary.bound);
    estimate(summary.gap);
    row.push(optional(summary.optimum));
    row.extend([summary.seconds.mean.to_string(), optional(summary.seconds.ci95)]);
    row.push(summary.peak_memory.map_or_else(String::new, |m| m.to_string()));
    row
}

fn optional(figure: Option<f64>) -> String {
    figure.map_or_else(String::new, |f| f.to_string())
}

/// The unit in a word.
pub(crate) const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Dollars => "dollars",
        Unit::Cost => "cost",
        Unit::Bins => "bins",
    }
}
