//! What packing policies achieve on the workloads that Dovetail is measured by, and whether that is what was aimed for:
//! the targets, one after the other, with every policy beside the default one. The figures are those of `dovetail bench
//! pack`; how the workloads are made, `workloads` knows. Nothing is asserted: a figure belongs to the machine that it was
//! taken on.

mod workloads;

use crate::corpus::{self, CorpusError, Workshop};
use dovetail::offline::{self, NoPlan};
use dovetail_packing::run::Run;
use dovetail_packing::summary::{Results, Summary, Total};
use dovetail_scheduler::policy::POLICIES;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use workloads::Workloads;

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum PackingError {
    /// Something of the corpus cannot be read, or a workload cannot be written.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The pods of openb cannot be read.
    #[error("{}: {why}", .file.display())]
    Data {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Dovetail cannot measure a workload.
    #[error("{workload}: {why}")]
    NoFigures {
        /// Which.
        workload: &'static str,
        /// What Dovetail says.
        why: NoPlan,
    },
    /// A picture cannot be written.
    #[error("{}: {why}", .file.display())]
    Plot {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: io::Error,
    },
}

/// What to measure, and what to make of it.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only workloads whose name contains one of these; all without any.
    pub only: Vec<String>,
    /// Where to draw the results.
    pub plot: Option<PathBuf>,
}

/// A workload and what is aimed for on it.
struct Target {
    name: &'static str,
    /// The time budget, as on the command line; none for the usual one.
    budget: Option<&'static str>,
    goal: Goal,
    /// Whether simple policies that look at every node for every pod are left out: they would take minutes.
    large: bool,
}

/// What is aimed for.
#[derive(Clone, Copy)]
enum Goal {
    /// At most this gap to the best bound, on the mean of all instances, as a share.
    Gap(f64),
    /// The same, and no more memory than so many bytes.
    Slim(f64, u64),
    /// Never dearer than Karpenter's rule, and cheaper in total by this share.
    Cheaper(f64),
}

const fn target(name: &'static str, budget: &'static str, goal: Goal) -> Target {
    Target { name, budget: Some(budget), goal, large: false }
}

/// The targets, in the order of the table.
const TARGETS: &[Target] = &[
    target("openb, one pool", "1s", Goal::Gap(0.0005)),
    target("openb, one pool", "400ms", Goal::Gap(0.005)),
    target("openb, CPU and GPU pools apart", "300ms", Goal::Gap(0.001)),
    target("openb, CPU only", "300ms", Goal::Gap(0.001)),
    target("openb, GPU on g4dn", "300ms", Goal::Gap(0.001)),
    target("Karpenter's pods, 2,000", "100ms", Goal::Gap(0.007)),
    target("Karpenter's pods, 5,000", "100ms", Goal::Gap(0.007)),
    target("openb, random 50 pods", "50ms", Goal::Gap(0.015)),
    target("openb, random 200 pods", "100ms", Goal::Gap(0.008)),
    target("planted, 500 pods", "500ms", Goal::Gap(0.01)),
    target("triplets, 60 to 498 items", "5s", Goal::Gap(0.01)),
    Target { name: "the corpus", budget: None, goal: Goal::Cheaper(0.08), large: false },
    Target { name: "20,000 small pods", budget: Some("1s"), goal: Goal::Slim(0.005, 300_000_000), large: true },
    Target { name: "100,000 small pods", budget: Some("2s"), goal: Goal::Slim(0.005, 300_000_000), large: true },
];

/// The workloads that are drawn over several budgets, and the budgets.
const CURVES: [&str; 4] = ["openb, one pool", "Karpenter's pods, 2,000", "openb, random 200 pods", "planted, 500 pods"];
const CURVE_BUDGETS: &str = "25ms,50ms,100ms,200ms,400ms,1s,2s";
const KARPENTER: &str = "karpenter";

/// Measures, and prints a row of a Markdown table for each target as it is known.
///
/// # Errors
/// When a workload cannot be made or measured.
pub fn run(workshop: &Workshop, wanted: &Wanted) -> Result<(), PackingError> {
    let workloads = Workloads::new(workshop)?;
    let default = POLICIES.first().map_or(KARPENTER, |p| p.name());
    let others: Vec<&str> = POLICIES.iter().map(|p| p.name()).filter(|name| *name != default).collect();
    println!("| workload | pods | bound | {default} | {} | gap | goal | time | within | met |", others.join(" | "));
    println!("|{}", "---|".repeat(9 + others.len()));
    let is_wanted = |name: &str| wanted.only.is_empty() || wanted.only.iter().any(|part| name.contains(part.as_str()));
    let mut drawn: Vec<Summary> = vec![];
    for target in TARGETS.iter().filter(|t| is_wanted(t.name)) {
        let policies = if target.large { vec![default, KARPENTER] } else { [&[default], others.as_slice()].concat() };
        let results = measure(workshop, &workloads, target.name, target.budget, &policies)?;
        println!("{}", row(target, &results, default, &others));
        // The same workload stands twice where it has two goals: the picture has the larger budget.
        if !drawn.iter().any(|s| s.instance == target.name) && !matches!(target.goal, Goal::Cheaper(_)) {
            drawn.extend(together(target.name, &results));
        }
    }
    let Some(file) = &wanted.plot else { return Ok(()) };
    for name in CURVES.into_iter().filter(|name| is_wanted(name)) {
        let results = measure(workshop, &workloads, name, Some(CURVE_BUDGETS), &[default, KARPENTER])?;
        drawn.retain(|s| s.instance != name || (s.policy != default && s.policy != KARPENTER));
        drawn.extend(together(name, &results));
    }
    let svg = dovetail_packing::chart::draw(&drawn);
    std::fs::write(file, svg).map_err(|why| PackingError::Plot { file: file.clone(), why })
}

/// The figures of a workload.
fn measure(
    workshop: &Workshop,
    workloads: &Workloads,
    name: &'static str,
    budget: Option<&str>,
    policies: &[&str],
) -> Result<Results, PackingError> {
    let mut terms = vec!["--policy".to_owned(), policies.join(",")];
    terms.extend(budget.into_iter().flat_map(|b| ["--budget".to_owned(), b.to_owned()]));
    let ask = |arguments: Vec<String>| {
        let all = arguments.into_iter().chain(terms.iter().cloned());
        offline::pack(all).map_err(|why| PackingError::NoFigures { workload: name, why })
    };
    if name != "the corpus" {
        return ask(workloads.arguments(name)?);
    }
    let mut runs: Vec<Run> = vec![];
    for scenario in corpus::names()? {
        let file = workshop.unpack(&scenario)?;
        let head = workshop.head(&file)?;
        let mut arguments =
            vec![file.display().to_string(), "--catalog".to_owned(), head.catalogue.display().to_string()];
        arguments.extend(head.settings);
        runs.extend(ask(arguments)?.runs.into_iter().map(|judged| judged.run));
    }
    Ok(Results::of(runs))
}

fn row(target: &Target, results: &Results, default: &str, others: &[&str]) -> String {
    let totals: BTreeMap<&str, &Total> = results.totals.iter().map(|t| (t.policy.as_str(), t)).collect();
    let own: Vec<&Summary> = results.summaries.iter().filter(|s| s.policy == default).collect();
    let pods: usize = own.iter().map(|s| s.pods).sum();
    // A bound is told only if there is one for every instance.
    let bound: Option<f64> = own.iter().map(|s| s.bound.map(|b| b.mean)).sum();
    let cost = |policy: &str| totals.get(policy).and_then(|t| t.cost).map_or_else(dash, amount);
    let gap = totals.get(default).and_then(|t| t.gap).filter(|_| bound.is_some());
    let slowest = own.iter().map(|s| s.seconds.mean).fold(0.0, f64::max);
    let (gap, goal, met) = match target.goal {
        Goal::Gap(goal) => {
            (gap.map_or_else(dash, |g| percent(g.mean)), percent(goal), gap.is_some_and(|g| g.mean <= goal))
        }
        Goal::Slim(goal, most) => {
            let memory = own.iter().filter_map(|s| s.peak_memory).max();
            (
                format!("{}, {}", gap.map_or_else(dash, |g| percent(g.mean)), memory.map_or_else(dash, megabytes)),
                format!("{}, {}", percent(goal), megabytes(most)),
                gap.is_some_and(|g| g.mean <= goal) && memory.is_none_or(|m| m <= most),
            )
        }
        Goal::Cheaper(goal) => {
            let (saved, dearer) = against_karpenter(results, default);
            let told = format!("{} cheaper, {dearer} dearer", percent(saved));
            (told, format!("{} cheaper, 0 dearer", percent(goal)), dearer == 0 && saved >= goal)
        }
    };
    let costs: Vec<String> = others.iter().map(|policy| cost(policy)).collect();
    let budget = own.iter().map(|s| s.budget).max().unwrap_or(0);
    let met = met && own.iter().all(|s| in_time(s));
    format!(
        "| {} | {pods} | {} | {} | {} | {gap} | {goal} | {slowest:.3} s | {budget} ms | {} |",
        target.name,
        bound.map_or_else(dash, amount),
        cost(default),
        costs.join(" | "),
        if met { "yes" } else { "no" }
    )
}

/// Whether a mean run kept its budget, but for a tenth: the plan has to be written down after the search.
#[allow(clippy::cast_precision_loss)] // milliseconds that somebody waits
fn in_time(summary: &Summary) -> bool {
    summary.seconds.mean <= summary.budget as f64 * 1.1 / 1000.0
}

/// By which share the default policy is cheaper in total, and how often it is dearer: of instances on which both place as
/// many pods. Placing fewer is being dearer.
fn against_karpenter(results: &Results, default: &str) -> (f64, usize) {
    let of = |policy: &str| -> BTreeMap<&str, (f64, f64)> {
        let own = results.summaries.iter().filter(|s| s.policy == policy);
        own.map(|s| (s.instance.as_str(), (s.placed.mean, s.cost.mean))).collect()
    };
    let (own, greedy) = (of(default), of(KARPENTER));
    let (mut ours, mut theirs, mut dearer) = (0.0, 0.0, 0);
    for (instance, (placed, cost)) in own {
        let Some((greedy_placed, greedy_cost)) = greedy.get(instance).copied() else { continue };
        match placed.total_cmp(&greedy_placed) {
            Ordering::Less => dearer += 1,
            Ordering::Equal => {
                dearer += usize::from(cost > greedy_cost + 1e-9);
                ours += cost;
                theirs += greedy_cost;
            }
            Ordering::Greater => {}
        }
    }
    (if theirs > 0.0 { 1.0 - ours / theirs } else { 0.0 }, dearer)
}

/// The instances of a workload as one, by policy and place of budget, for the picture.
fn together(name: &str, results: &Results) -> Vec<Summary> {
    let mut out: Vec<Summary> = vec![];
    for total in &results.totals {
        let members = results.summaries.iter().filter(|s| s.policy == total.policy);
        let Some(first) = members.clone().find(|s| total.budget.is_none_or(|b| s.budget == b)) else { continue };
        let gap = if total.instances == 1 { first.gap } else { total.gap };
        out.push(Summary { instance: name.to_owned(), gap, ..first.clone() });
    }
    out
}

fn amount(cost: f64) -> String {
    format!("{cost:.2}")
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

#[allow(clippy::cast_precision_loss)] // bytes of a machine's memory
fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

fn dash() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dovetail_packing::run::{Key, Unit};

    fn run(instance: &str, policy: &str, placed: usize, cost: f64, bound: f64) -> Run {
        let (instance, policy, fingerprint) = (instance.to_owned(), policy.to_owned(), String::new());
        Run {
            key: Key { instance, draw: None, policy, seed: 0, budget: 100, fingerprint },
            unit: Unit::Dollars,
            pods: 10,
            placed,
            nodes: 1,
            cost,
            bound: Some(bound),
            optimum: None,
            seconds: 0.01,
            peak_memory: Some(200_000_000),
            violations: vec![],
        }
    }

    #[test]
    fn being_dearer_or_placing_less_counts_against_and_only_like_is_compared_with_like() {
        let results = Results::of(vec![
            run("a", "karpenter", 10, 10.0, 5.0),
            run("a", "cost", 10, 8.0, 5.0),
            run("b", "karpenter", 10, 10.0, 5.0),
            run("b", "cost", 10, 10.1, 5.0),
            run("c", "karpenter", 10, 10.0, 5.0),
            run("c", "cost", 9, 1.0, 0.5),
        ]);
        let (saved, dearer) = against_karpenter(&results, "cost");
        assert_eq!(dearer, 2);
        assert!((saved - (1.0 - 18.1 / 20.0)).abs() < 1e-12);
    }

    #[test]
    fn a_row_says_whether_the_goal_is_met() {
        let results = Results::of(vec![run("a", "karpenter", 10, 12.0, 0.0), run("a", "cost", 10, 10.04, 10.0)]);
        let told = |goal| row(&target("a", "100ms", goal), &results, "cost", &["karpenter"]);
        assert_eq!(
            told(Goal::Gap(0.005)),
            "| a | 10 | 10.00 | 10.04 | 12.00 | 0.40 % | 0.50 % | 0.010 s | 100 ms | yes |"
        );
        assert!(told(Goal::Gap(0.003)).ends_with("| no |"));
        let mut late = run("a", "cost", 10, 10.04, 10.0);
        late.seconds = 0.12;
        let late = row(&target("a", "100ms", Goal::Gap(0.005)), &Results::of(vec![late]), "cost", &[]);
        assert!(late.ends_with("| 0.120 s | 100 ms | no |"), "{late}");
        assert!(told(Goal::Slim(0.005, 300_000_000)).contains("| 0.40 %, 200 MB | 0.50 %, 300 MB |"));
        assert!(told(Goal::Slim(0.005, 100_000_000)).ends_with("| no |"));
        assert!(told(Goal::Cheaper(0.08)).contains("| 16.33 % cheaper, 0 dearer | 8.00 % cheaper, 0 dearer |"));
    }

    #[test]
    fn every_workload_of_a_target_or_a_curve_can_be_made() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workshop = Workshop::open(folder.path()).expect("the corpus");
        let workloads = Workloads::new(&workshop).expect("the data of the benchmarks");
        for name in TARGETS.iter().map(|t| t.name).chain(CURVES).filter(|name| *name != "the corpus") {
            let arguments = workloads.arguments(name).expect("a workload");
            assert!(!arguments.is_empty(), "{name}");
        }
    }
}
