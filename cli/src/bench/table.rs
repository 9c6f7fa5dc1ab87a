//! The results of an experiment as a table for people. Words may change; programs read JSON and CSV.

use std::fmt::Write as _;

use comfy_table::Table;
use dovetail_packing::run::Unit;
use dovetail_packing::statistics::Estimate;
use dovetail_packing::summary::{Judged, Results, Total};

use crate::output::columns::{left, plain_table, right, write_table};

/// A line for each run, or for each instance, policy and budget; and what all instances come to, if there are several.
pub(crate) fn table(results: &Results, each: bool) -> String {
    let units = results.runs.first().map(|j| j.run.unit);
    let same = |unit: &Unit| results.runs.iter().all(|j| j.run.unit == *unit);
    let cost = units.filter(same).map_or("COST", header);
    let table = if each { runs(results, cost) } else { summaries(results, cost) };
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_table(&mut out, &table);
    let instances = results.totals.first().map_or(0, |t| t.instances);
    if instances > 1 {
        out.push('\n');
        results.totals.iter().for_each(|total| line(&mut out, total, units.filter(same)));
    }
    out
}

const fn header(unit: Unit) -> &'static str {
    match unit {
        Unit::Dollars => "$/H",
        Unit::Cost => "COST",
        Unit::Bins => "BINS",
    }
}

fn summaries(results: &Results, cost: &str) -> Table {
    let drawn = results.summaries.iter().any(|s| s.samples > 1);
    let known = results.summaries.iter().any(|s| s.optimum.is_some());
    let mut head = vec![left("INSTANCE"), left("POLICY"), right("BUDGET")];
    head.extend(drawn.then(|| right("RUNS")));
    head.extend(["PODS", "PLACED", "NODES", cost, "BOUND", "GAP"].map(right));
    head.extend(known.then(|| right("OPTIMUM")));
    head.extend(["TIME", "MEMORY"].map(right));
    let mut table = plain_table(head);
    for summary in &results.summaries {
        let figure = |of: f64| amount(of, summary.unit);
        let mut row = vec![left(&summary.instance), left(&summary.policy), right(budget(summary.budget))];
        row.extend(drawn.then(|| right(summary.runs)));
        row.extend([
            right(summary.pods),
            right(with_interval(summary.placed, &|n| short(n, 0))),
            right(with_interval(summary.nodes, &|n| short(n, 1))),
            right(with_interval(summary.cost, &figure)),
            right(summary.bound.map_or_else(dash, |bound| figure(bound.mean))),
            right(summary.gap.map_or_else(dash, |gap| with_interval(gap, &percent))),
        ]);
        row.extend(known.then(|| right(summary.optimum.map_or_else(dash, figure))));
        row.extend([right(time(summary.seconds.mean)), right(memory(summary.peak_memory))]);
        table.add_row(row);
    }
    table
}

fn runs(results: &Results, cost: &str) -> Table {
    let drawn = results.runs.iter().any(|j| j.run.key.draw.is_some());
    let mut head = vec![left("INSTANCE")];
    head.extend(drawn.then(|| right("DRAW")));
    head.extend([left("POLICY"), right("SEED"), right("BUDGET")]);
    head.extend(["PODS", "PLACED", "NODES", cost, "BOUND", "GAP", "TIME", "MEMORY"].map(right));
    let mut table = plain_table(head);
    for Judged { run, best_bound: _, gap } in &results.runs {
        let figure = |of: f64| amount(of, run.unit);
        let mut row = vec![left(&run.key.instance)];
        row.extend(drawn.then(|| right(run.key.draw.map_or_else(dash, |d| d.to_string()))));
        row.extend([left(&run.key.policy), right(run.key.seed), right(budget(run.key.budget))]);
        row.extend([
            right(run.pods),
            right(run.placed),
            right(run.nodes),
            right(figure(run.cost)),
            right(run.bound.map_or_else(dash, figure)),
            right(gap.map_or_else(dash, percent)),
            right(time(run.seconds)),
            right(memory(run.peak_memory)),
        ]);
        table.add_row(row);
    }
    table
}

/// `cost within 100 ms: 140 instances for 1234.56 $/h, gap 0.60 % ± 0.10 %, optimal 35 of 40, 12.3 s`.
fn line(out: &mut String, total: &Total, unit: Option<Unit>) {
    let within = total.budget.map_or_else(String::new, |b| format!(" within {}", budget(b)));
    let _ = write!(out, "{}{within}: {} instances", total.policy, total.instances);
    if let Some((cost, unit)) = total.cost.zip(unit) {
        let name = match unit {
            Unit::Dollars => "$/h",
            Unit::Cost => "of cost",
            Unit::Bins => "bins",
        };
        let _ = write!(out, ", {} {name}", amount(cost, unit));
    }
    if let Some(gap) = total.gap {
        let _ = write!(out, ", mean gap {}", with_interval(gap, &percent));
    }
    if total.optimal.1 > 0 {
        let _ = write!(out, ", optimal {} of {}", total.optimal.0, total.optimal.1);
    }
    let _ = writeln!(out, ", {}", time(total.seconds));
}

fn with_interval(estimate: Estimate, show: &dyn Fn(f64) -> String) -> String {
    match estimate.ci95.filter(|half| *half > 0.0) {
        Some(half) => format!("{} \u{b1} {}", show(estimate.mean), show(half)),
        None => show(estimate.mean),
    }
}

fn amount(figure: f64, unit: Unit) -> String {
    match unit {
        Unit::Dollars => format!("{figure:.4}"),
        Unit::Cost | Unit::Bins => short(figure, 2),
    }
}

/// Whole numbers without a point, others with so many digits.
fn short(figure: f64, digits: usize) -> String {
    if figure.fract().abs() < 1e-9 { format!("{figure:.0}") } else { format!("{figure:.0$}", digits.max(1)) }
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

#[allow(clippy::cast_precision_loss)] // milliseconds that somebody waits
fn budget(milliseconds: u64) -> String {
    if milliseconds >= 1000 { format!("{} s", milliseconds as f64 / 1000.0) } else { format!("{milliseconds} ms") }
}

fn time(seconds: f64) -> String {
    if seconds < 0.9995 { format!("{:.1} ms", seconds * 1000.0) } else { format!("{seconds:.2} s") }
}

#[allow(clippy::cast_precision_loss)] // bytes of a machine's memory
fn memory(bytes: Option<u64>) -> String {
    bytes.map_or_else(dash, |b| format!("{:.0} MB", b as f64 / 1e6))
}

fn dash() -> String {
    "-".to_owned()
}
