//! `cargo xtask conformance`: what is asked for on its command line. Status 0 means that every plan was as good as
//! Karpenter's, 1 that some were not or something went wrong. How plans are judged, the library knows.

use clap::{Args, Parser, Subcommand};
use dovetail_conformance::bench::{self, Sizes};
use dovetail_conformance::corpus::{self, Workshop};
use dovetail_conformance::fuzz::{self, Court};
use dovetail_conformance::generate::{self, THEMES, Theme};
use dovetail_conformance::judge;
use dovetail_conformance::packing::{self, Wanted};
use dovetail_conformance::upstream::Upstream;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// Faults shown for each scenario.
const FAULTS_SHOWN: usize = 4;

/// Scenarios shown that cost more than Karpenter's mean, those with the greatest difference.
const DEARER_SHOWN: usize = 5;

/// Compare Dovetail's plans with Karpenter's: those of the corpus, or new ones
///
/// A plan is as good as Karpenter's if it keeps every rule, places every pod that Karpenter places, and costs at most 2 %
/// more than the dearest of five runs of Karpenter.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask conformance", max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    chore: Option<Chore>,
    #[command(flatten)]
    compare: Compare,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// As `cargo xtask bench`
    #[command(hide = true)]
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Time Karpenter and Dovetail on Karpenter's own benchmark; needs Go, and half an hour for the largest sizes
    Upstream {
        /// Numbers of diverse pods for both programs
        #[arg(long, value_delimiter = ',', default_value = "500,1000,2000,5000,10000,20000")]
        pods: Vec<usize>,
        /// Numbers of diverse pods for Dovetail alone
        #[arg(long, value_delimiter = ',', default_value = "100000")]
        alone: Vec<usize>,
        /// Numbers of pods with wishes for both programs
        #[arg(long, value_delimiter = ',', default_value = "4000")]
        wishful: Vec<usize>,
        /// Do not ask Karpenter
        #[arg(long)]
        without_karpenter: bool,
        /// How often Dovetail decides; the fastest counts
        #[arg(long, default_value_t = 3)]
        times: usize,
    },
    /// Measure packing policies on the workloads of docs/benchmarks.md and compare with what is aimed for; the table is
    /// Markdown
    Packing {
        /// Only workloads whose names contain this; may stand several times
        #[arg(long, value_name = "PART")]
        only: Vec<String>,
        /// Draw the results: gaps by workload, and cost over time budgets for some of them
        #[arg(long, value_name = "FILE.svg")]
        plot: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
struct Compare {
    /// Scenarios or themes of the corpus to judge, such as affinity-003 or affinity; without any, the whole corpus
    names: Vec<String>,
    /// Ask both programs about this many new scenarios; needs Go
    #[arg(long, value_name = "N", conflicts_with_all = ["names", "list", "show"])]
    fuzz: Option<usize>,
    /// The theme of the new scenarios; may stand several times; without it, all in turn
    #[arg(long, value_name = "THEME", requires = "fuzz", value_parser = theme)]
    theme: Vec<&'static Theme>,
    /// The seed of the first new scenario of each theme
    #[arg(long, value_name = "S", requires = "fuzz", default_value_t = 0)]
    seed: u64,
    /// A command that judges as well: it gets the files of catalogue, scenario, our answer and Karpenter's
    #[arg(long, value_name = "COMMAND", requires = "fuzz")]
    also: Option<String>,
    /// Print the scenarios of the corpus, and the themes of new ones
    #[arg(long)]
    list: bool,
    /// Print a scenario of the corpus, and Karpenter's answer to it
    #[arg(long, value_name = "SCENARIO")]
    show: Option<String>,
}

fn theme(name: &str) -> Result<&'static Theme, String> {
    generate::theme(name).ok_or_else(|| "there is no such theme: --list shows them".to_owned())
}

fn main() -> ExitCode {
    let Arguments { chore, compare: arguments } = Arguments::parse();
    let result = if let Some(Chore::Bench { what }) = chore {
        measure(what)
    } else if arguments.list {
        list()
    } else if let Some(name) = &arguments.show {
        show(name)
    } else if let Some(count) = arguments.fuzz {
        fuzz(&arguments, count)
    } else {
        judge_corpus(&arguments.names)
    };
    result.unwrap_or_else(|error| {
        eprintln!("conformance: {error}");
        ExitCode::FAILURE
    })
}

fn list() -> Result<ExitCode, Box<dyn Error>> {
    println!("The corpus:\n  {}\n\nThemes of new scenarios:", corpus::names()?.join(" "));
    for theme in THEMES {
        println!("  {:<16} {}", theme.name, theme.about);
    }
    Ok(ExitCode::SUCCESS)
}

fn show(name: &str) -> Result<ExitCode, Box<dyn Error>> {
    print!("{}", corpus::scenario(name)?);
    println!("---\n# What Karpenter decides:\n{}", corpus::answer_text(name)?);
    Ok(ExitCode::SUCCESS)
}

/// A folder beside the program, in the build output.
fn scratch() -> Result<PathBuf, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let target = program.parent().and_then(|p| p.parent()).ok_or("the program lies in no folder")?;
    Ok(target.join("conformance"))
}

fn fuzz(arguments: &Compare, count: usize) -> Result<ExitCode, Box<dyn Error>> {
    let folder = scratch()?;
    let workshop = Workshop::open(&folder)?;
    eprintln!("building Karpenter's scheduler");
    let upstream = Upstream::build(&folder)?;
    let all: Vec<&'static Theme> = THEMES.iter().collect();
    let themes = if arguments.theme.is_empty() { &all } else { &arguments.theme };
    let court = Court { workshop: &workshop, upstream: &upstream, also: arguments.also.as_deref() };
    let bad = fuzz::run(&court, &fuzz::jobs(themes, count, arguments.seed))?;
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(what: Bench) -> Result<ExitCode, Box<dyn Error>> {
    let (pods, alone, wishful, without_karpenter, times) = match what {
        Bench::Upstream { pods, alone, wishful, without_karpenter, times } => {
            (pods, alone, wishful, without_karpenter, times)
        }
        Bench::Packing { only, plot } => {
            packing::run(&Workshop::open(&scratch()?)?, &Wanted { only, plot })?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let sizes = Sizes { both: pods, ours: alone, wishful, times };
    let folder = scratch()?;
    let workshop = Workshop::open(&folder)?;
    let upstream = if without_karpenter { None } else { Some(Upstream::build(&folder)?) };
    bench::run(&workshop, &sizes, upstream.as_ref())?;
    Ok(ExitCode::SUCCESS)
}

fn judge_corpus(chosen: &[String]) -> Result<ExitCode, Box<dyn Error>> {
    let workshop = Workshop::open(&scratch()?)?;
    let all = corpus::names()?;
    if let Some(unknown) = chosen.iter().find(|c| !all.iter().any(|n| n == *c || corpus::theme(n) == *c)) {
        return Err(format!("the corpus has no scenario or theme {unknown}: --list shows them").into());
    }
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|c| c == name || c == corpus::theme(name));
    let (mut judged, mut bad) = (0, 0);
    let mut costs: Vec<(&str, f64, f64)> = vec![];
    for name in all.iter().filter(|name| is_chosen(name)) {
        let file = workshop.unpack(name)?;
        let verdict = judge::judge_known(&workshop.head(&file)?, &file, &corpus::answer(name)?);
        judged += 1;
        if !verdict.faults.is_empty() {
            bad += 1;
            println!("{name}: not as good as Karpenter's");
            verdict.faults.iter().take(FAULTS_SHOWN).for_each(|fault| println!("    {fault}"));
            let more = verdict.faults.len().saturating_sub(FAULTS_SHOWN);
            if more > 0 {
                println!("    and {more} more");
            }
        }
        costs.extend(verdict.costs.map(|(ours, theirs)| (name.as_str(), ours, theirs)));
    }
    costs.sort_by(|a, b| (b.1 - b.2).total_cmp(&(a.1 - a.2)));
    for (name, ours, theirs) in costs.iter().filter(|(_, ours, theirs)| ours > theirs).take(DEARER_SHOWN) {
        println!("{name}: ours ${ours:.4}/h, Karpenter's mean ${theirs:.4}/h");
    }
    let ours: f64 = costs.iter().map(|c| c.1).sum();
    let theirs: f64 = costs.iter().map(|c| c.2).sum();
    println!("{judged} judged, {bad} not as good as Karpenter's; ours ${ours:.4}/h, Karpenter's mean ${theirs:.4}/h");
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
