//! `dovetail bench`: policies measured on packings of all kinds, for people who compare them. It puts the parts together:
//! inputs, experiment, results. What is measured is the engine that plans for clusters.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use dovetail_api::duration;
use dovetail_packing::instance::{Instance, Kind};
use dovetail_packing::summary::Results;
use dovetail_packing::{chart, wish};
use dovetail_scheduler::policy::{self, POLICIES, Policy};

use super::CommandError;
use super::chosen::Chosen;
use super::cluster::ClusterArgs;
use super::search::Terms;
use crate::bench::errors::BenchError;
use crate::bench::experiment::Experiment;
use crate::bench::inputs::{Inputs, Reader};
use crate::bench::report;
use crate::output;

/// Measure packing policies
#[derive(Args, Debug)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Pack(Pack),
}

/// Pack traces, scenarios and vector packing instances with several policies; say what they cost and how far that is from
/// the best proven bound
///
/// An input is a trace (.csv in the format of openb), a scenario (.yaml or .json, as for dovetail plan), a file of vector
/// packing (.vbp or .mvp), each gzipped or not, a folder of these, of which every file is an instance, or a wish:
/// planted:PODS@SEED makes pods of nodes of the catalogue, split exactly, so that the cheapest cost is known, and
/// triplets:ITEMSxDIMENSIONS@SEED makes items of which three fill a bin exactly (triplets:60x3:caprara@1 and
/// triplets:60x3:mommessin@1 with other sizes). A range of seeds such as 1-20 makes as many instances.
#[derive(Args, Debug)]
pub(crate) struct Pack {
    /// Files, folders, or instances to generate
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<String>,
    /// The policies, parted by commas, or all; all if nothing is said, but where all bins cost the same the one that dovetail
    /// plan uses
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = policies)]
    policy: Vec<Policies>,
    /// How many seeds, or which: 5 is 0 to 4, and 7,9 or 1-20 are those
    #[arg(long, value_name = "N|LIST", default_value = "1", value_parser = seeds)]
    seeds: Seeds,
    /// How long a policy that searches may take, one time or several: 50ms,100ms,1s; if nothing is said, what is usual for
    /// as many pods
    #[arg(long, value_name = "TIME,...", value_delimiter = ',', value_parser = budget)]
    budget: Vec<Duration>,
    /// Take so many pods of each input, chosen by chance
    #[arg(long, value_name = "PODS", requires = "draws", value_parser = clap::value_parser!(u32).range(1..))]
    draw: Option<u32>,
    /// How often pods are drawn; means and 95 % confidence intervals are over the draws
    #[arg(long, value_name = "N", requires = "draw", value_parser = clap::value_parser!(u32).range(1..))]
    draws: Option<u32>,
    /// Files with the NodePools that traces and planted instances buy from; without them dovetail plan's for traces
    #[arg(long, value_name = "FILE")]
    pools: Vec<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    terms: Terms,
    /// The form of the results
    #[arg(short, long, value_enum, default_value_t = Form::Table)]
    output: Form,
    /// A line for every run in tables and CSV, not only means over seeds and draws
    #[arg(long)]
    each: bool,
    /// Draw the results: cost over time budget, and gaps by workload
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    /// Write every finished run to this file, and do not do again what stands there already
    #[arg(long, value_name = "FILE.jsonl")]
    resume: Option<PathBuf>,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A table for people
    Table,
    /// JSON for programs; for bins that all cost the same a list with instance, bins, bound and seconds
    Json,
    /// CSV for programs and spreadsheets
    Csv,
}

/// One policy, or all.
#[derive(Clone, Copy, Debug)]
enum Policies {
    All,
    One(Chosen),
}

#[derive(Clone, Debug)]
struct Seeds(Vec<u64>);

impl Bench {
    /// Does what is asked for.
    ///
    /// # Errors
    /// When nothing can be measured, or results cannot be written.
    pub(crate) fn run(&self) -> Result<ExitCode, CommandError> {
        let What::Pack(pack) = &self.what;
        pack.run()
    }
}

impl Pack {
    fn run(&self) -> Result<ExitCode, CommandError> {
        let (results, left_out) = self.measure(|inputs| {
            inputs.warnings.iter().for_each(|warning| output::warning(warning));
            inputs.notes.iter().for_each(|note| output::note(note));
        })?;
        let text = match self.output {
            Form::Table => report::table(&results, self.each),
            Form::Json => report::json(&results)?,
            Form::Csv => report::csv(&results, self.each)?,
        };
        if let Some(file) = &self.plot {
            let svg = chart::draw(&results.summaries);
            std::fs::write(file, svg).map_err(|why| BenchError::Unwritable { file: file.clone(), why })?;
        }
        output::print(&text)?;
        let mut is_right = !left_out;
        for judged in &results.runs {
            let key = &judged.run.key;
            if let Some(violation) = judged.run.violations.first() {
                is_right = false;
                output::error(&format!(
                    "{}, {}, seed {}: the plan is wrong: {violation}",
                    key.instance, key.policy, key.seed
                ));
            }
        }
        Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Reads the inputs, has someone look at what is to be said about them, and does the runs. Says whether inputs were left
    /// out; which, is on standard error.
    ///
    /// # Errors
    /// When nothing is left to measure, or the journal cannot be used.
    pub(crate) fn measure(&self, look: impl FnOnce(&Inputs)) -> Result<(Results, bool), CommandError> {
        let inputs = Reader::new(&self.cluster, &self.pools).read(&self.inputs);
        for error in &inputs.errors {
            error.to_string().lines().for_each(output::error);
        }
        look(&inputs);
        if inputs.instances.is_empty() {
            return Err(BenchError::NothingToMeasure.into());
        }
        let experiment = Experiment {
            policies: self.policies(&inputs.instances),
            seeds: self.seeds.0.clone(),
            budgets: self.budget.clone(),
            draws: self
                .draw
                .zip(self.draws)
                .map(|(pods, n)| (usize::try_from(pods).unwrap_or(usize::MAX), u64::from(n))),
            terms: self.terms.clone(),
            journal: self.resume.clone(),
        };
        Ok((Results::of(experiment.run(&inputs.instances)?), !inputs.errors.is_empty()))
    }

    /// The policies asked for, each once.
    fn policies(&self, instances: &[Instance]) -> Vec<&'static dyn Policy> {
        let asked: Vec<&'static dyn Policy> = if self.policy.is_empty() {
            let equal = instances.iter().all(|i| matches!(i.kind, Kind::Equal { .. }));
            if equal { POLICIES.iter().copied().take(1).collect() } else { POLICIES.to_vec() }
        } else {
            let named = self.policy.iter().flat_map(|p| match p {
                Policies::All => POLICIES.to_vec(),
                Policies::One(Chosen(policy)) => vec![*policy],
            });
            named.collect()
        };
        let mut once: Vec<&'static dyn Policy> = vec![];
        for policy in asked {
            if !once.iter().any(|known| known.name() == policy.name()) {
                once.push(policy);
            }
        }
        once
    }
}

fn policies(name: &str) -> Result<Policies, String> {
    if name == "all" {
        return Ok(Policies::All);
    }
    policy::by_name(name).map(|policy| Policies::One(Chosen(policy))).ok_or_else(|| {
        let names: Vec<&str> = POLICIES.iter().map(|p| p.name()).collect();
        format!("there is no such policy: write {}, or all", names.join(", "))
    })
}

/// `5` is the first five; a list or a range is what it says.
fn seeds(text: &str) -> Result<Seeds, String> {
    if let Ok(count) = text.parse::<u64>() {
        return if (1..=10_000).contains(&count) {
            Ok(Seeds((0..count).collect()))
        } else {
            Err("write a number of seeds from 1 to 10000, a list such as 7,9 or a range such as 1-20".to_owned())
        };
    }
    let lists: Result<Vec<Vec<u64>>, _> = text.split(',').filter(|part| !part.is_empty()).map(wish::seeds).collect();
    let mut seeds = lists.map_err(|e| e.to_string())?.concat();
    let mut known = std::collections::BTreeSet::new();
    seeds.retain(|seed| known.insert(*seed));
    if seeds.is_empty() { Err("write at least one seed".to_owned()) } else { Ok(Seeds(seeds)) }
}

/// A budget is told in milliseconds: it has at least one, and no parts of one.
fn budget(text: &str) -> Result<Duration, String> {
    let time: duration::Duration = text.parse().map_err(|e: duration::DurationError| e.to_string())?;
    let nanoseconds = u64::try_from(time.nanos()).ok().filter(|n| *n >= 1_000_000 && n % 1_000_000 == 0);
    nanoseconds
        .map(Duration::from_nanos)
        .ok_or_else(|| "write whole milliseconds, 1ms or more, such as 50ms or 2s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        pack: Pack,
    }

    fn given(flags: &[&str]) -> Pack {
        Line::try_parse_from(flags).expect("the flags make sense").pack
    }

    fn refused(flags: &[&str]) -> String {
        Line::try_parse_from(flags).expect_err("the flags make no sense").to_string()
    }

    #[test]
    fn seeds_are_counted_or_listed() {
        let seeds = |text: &str| given(&["x", "--seeds", text]).seeds.0;
        assert_eq!(seeds("3"), [0, 1, 2]);
        assert_eq!(seeds("7,9,7"), [7, 9]);
        assert_eq!(seeds("7,"), [7], "a list of one");
        assert_eq!(seeds("4-6,1"), [4, 5, 6, 1]);
        assert!(refused(&["x", "--seeds", "0"]).contains("a number of seeds from 1"));
        assert!(refused(&["x", "--seeds", "a,b"]).contains("\"a\" is not a seed"));
        assert!(refused(&["x", "--seeds", ","]).contains("at least one seed"));
    }

    #[test]
    fn budgets_are_whole_milliseconds() {
        let pack = given(&["x", "--budget", "50ms,1.5s"]);
        assert_eq!(pack.budget, [Duration::from_millis(50), Duration::from_millis(1500)]);
        for nonsense in ["0s", "-1s", "1.5ms", "soon", "50"] {
            assert!(Line::try_parse_from(["x", &format!("--budget={nonsense}")]).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn policies_are_taken_once_and_unknown_ones_are_answered_with_the_list() {
        let names = |pack: &Pack| pack.policies(&[]).iter().map(|p| p.name()).collect::<Vec<_>>();
        assert_eq!(names(&given(&["x", "--policy", "karpenter,karpenter"])), ["karpenter"]);
        let all: Vec<&str> = POLICIES.iter().map(|p| p.name()).collect();
        assert_eq!(names(&given(&["x", "--policy", "all,karpenter"])), all);
        assert!(refused(&["x", "--policy", "best"]).contains("there is no such policy: write "));
    }

    #[test]
    fn drawing_needs_to_know_how_many_and_how_often() {
        assert!(refused(&["x", "--draw", "50"]).contains("--draws"));
        assert!(refused(&["x", "--draws", "50"]).contains("--draw"));
        assert!(refused(&["x", "--draw", "0", "--draws", "5"]).contains("--draw"));
    }
}
