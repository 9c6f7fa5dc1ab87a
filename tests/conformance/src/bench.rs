//! Both programs on the same input, one after the other: how long each decides, without reading and setting up. It asserts
//! nothing: a figure belongs to the machine that it was taken on.

use crate::benchmark;
use crate::corpus::{CorpusError, Head, Workshop};
use crate::generate::Scenario;
use crate::upstream::{Upstream, UpstreamError};
use dovetail::offline::{self, NoPlan};
use std::ffi::OsString;
use std::path::Path;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Numbers of diverse pods that both programs are asked to place.
    pub both: Vec<usize>,
    /// Numbers of diverse pods for Dovetail alone.
    pub ours: Vec<usize>,
    /// Numbers of pods with wishes, for both.
    pub wishful: Vec<usize>,
    /// How often Dovetail decides; the fastest counts, since only the machine can make it slower.
    pub times: usize,
}

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A file cannot be written.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// Karpenter does not answer.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// Dovetail makes no plan.
    #[error("Dovetail: {0}")]
    Dovetail(#[from] NoPlan),
}

/// What one program made of a scenario.
#[derive(Clone, Copy, Debug)]
struct Figures {
    seconds: f64,
    nodes: usize,
    placed: usize,
    /// Dollars per hour.
    cost: f64,
}

/// Measures, and prints a line for each size as it is known. Without Karpenter, Dovetail is measured alone.
///
/// # Errors
/// When a program cannot be asked.
pub fn run(workshop: &Workshop, sizes: &Sizes, karpenter: Option<&Upstream>) -> Result<(), BenchError> {
    println!(
        "{:<16} {:>12} {:>12} {:>8} {:>8} {:>8} {:>12} {:>12}",
        "pods", "Karpenter s", "Dovetail s", "ratio", "nodes K", "nodes D", "$/h K", "$/h D"
    );
    let both = sizes.both.iter().map(|n| (benchmark::diverse(*n), karpenter));
    let wishful = sizes.wishful.iter().map(|n| (benchmark::wishful(*n), karpenter));
    let ours = sizes.ours.iter().map(|n| (benchmark::diverse(*n), None));
    for (scenario, karpenter) in both.chain(wishful).chain(ours) {
        measure(workshop, &scenario, karpenter, sizes.times)?;
    }
    Ok(())
}

fn measure(
    workshop: &Workshop,
    scenario: &Scenario,
    karpenter: Option<&Upstream>,
    times: usize,
) -> Result<(), BenchError> {
    let file = workshop.put(&format!("{}.yaml", scenario.name), &scenario.text())?;
    let head = workshop.head(&file)?;
    let ours = dovetail(&head, &file, times)?;
    let theirs = karpenter.map(|k| ask(k, &head, &file)).transpose()?;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    println!(
        "{:<16} {:>12} {:>12.4} {:>8} {:>8} {:>8} {:>12} {:>12.2}",
        scenario.name,
        or_dash(theirs.map(|t| format!("{:.2}", t.seconds))),
        ours.seconds,
        or_dash(theirs.map(|t| format!("{:.0}x", t.seconds / ours.seconds))),
        or_dash(theirs.map(|t| t.nodes.to_string())),
        ours.nodes,
        or_dash(theirs.map(|t| format!("{:.2}", t.cost))),
        ours.cost,
    );
    for (who, figures) in [("Karpenter", theirs), ("Dovetail", Some(ours))] {
        let pods = scenario.objects.len() - 1; // without the pool
        if let Some(left) = figures.map(|f| pods - f.placed).filter(|left| *left > 0) {
            println!("    {who} leaves {left} pods without a place");
        }
    }
    Ok(())
}

fn ask(karpenter: &Upstream, head: &Head, scenario: &Path) -> Result<Figures, UpstreamError> {
    // As many workers as in Karpenter's own benchmark.
    let answer = karpenter.ask(head, scenario, &["--workers", "5"])?.answer;
    let placed = answer.placed().len();
    Ok(Figures { seconds: answer.seconds, nodes: answer.claims.len(), placed, cost: answer.cost })
}

fn dovetail(head: &Head, scenario: &Path, times: usize) -> Result<Figures, NoPlan> {
    // The same rule: it is the speed that is compared, not what is bought.
    let arguments: [OsString; 5] =
        ["--policy".into(), "karpenter".into(), "--catalog".into(), head.catalogue.clone().into(), scenario.into()];
    let mut best: Option<Figures> = None;
    for _ in 0..times.max(1) {
        let planned = offline::plan(arguments.clone())?;
        let plan = &planned.plan;
        let figures = Figures {
            seconds: planned.seconds,
            nodes: plan.claims.len(),
            placed: plan.placed(),
            cost: plan.cost().dollars(),
        };
        if best.is_none_or(|b| figures.seconds < b.seconds) {
            best = Some(figures);
        }
    }
    Ok(best.expect("it is measured at least once"))
}
