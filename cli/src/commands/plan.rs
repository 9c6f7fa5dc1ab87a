//! `dovetail plan`: which nodes to buy for the workloads in files, what they cost, and what cannot be placed and why. It puts
//! the parts together: input, catalogue, policy, output. It decides nothing itself.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use dovetail_cloudprovider::ec2::{Catalogue, Ec2Settings};
use dovetail_cloudprovider::kwok;
use dovetail_cloudprovider::source::{Ec2Source, InstanceTypeSource};
use dovetail_engine::default_spread::DefaultSpread;
use dovetail_engine::objects::Objects;
use dovetail_engine::pods;
use dovetail_engine::provisioning::{self, Options, Round};
use dovetail_scheduler::cost::Memory;
use dovetail_scheduler::plan::Plan as Decision;
use dovetail_scheduler::policy::{self, POLICIES, Policy};
use dovetail_scheduler::problem::{MinValuesPolicy, PreferencePolicy, Settings};

use super::search::SearchArgs;
use super::{BadObject, CommandError};
use crate::input::{self, Input, default_pools};
use crate::output::answer::Answer;
use crate::output::verdict::Verdict;
use crate::output::{self, Data, progress, table};

/// Status when a plan was made and pods stay without a place.
const UNPLACED: u8 = 2;

/// Say which nodes to buy for the workloads in files, what they cost, and what cannot be placed and why
///
/// Reads NodePools, node classes, nodes, pods and workloads from YAML and JSON. ${NAME} is filled from the environment.
#[derive(Args, Debug)]
pub(crate) struct Plan {
    /// Files, folders (all .yaml, .yml and .json in them and below), or - for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A trace in the format of openb, CSV, gzipped or not; every row is a pod
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// What can be bought: ec2, the catalogue inside this program, or a file in the JSON of the KWOK provider
    #[arg(long, value_name = "ec2|FILE", default_value = "ec2")]
    catalog: PathBuf,
    /// The region to buy in; it does not matter to a catalogue file
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1")]
    region: String,
    /// How to decide
    #[arg(long, value_enum, default_value_t = Chosen(POLICIES[0]))]
    policy: Chosen,
    /// Whether preferences are tried as requirements first, or not looked at
    #[arg(long, value_enum, default_value_t = Preferences::Respect)]
    preference_policy: Preferences,
    /// Whether minValues must be kept, or lowered to what can be had
    #[arg(long, value_enum, default_value_t = MinValues::Strict)]
    min_values_policy: MinValues,
    /// How the cluster's kube-scheduler spreads pods that say nothing about it: YAML or JSON with
    /// podTopologySpread.defaultConstraints
    #[arg(long, value_name = "FILE")]
    scheduler_config: Option<PathBuf>,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t = Form::Table)]
    output: Form,
    /// Have the finished plan checked, rule by rule, by code of its own; end with status 1 if it breaks one
    #[arg(long)]
    verify: bool,
    /// End with status 2 if pods stay without a place
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    search: SearchArgs,
}

/// A plan, and everything that it takes to tell it.
pub(crate) struct Decided {
    pub(crate) input: Input,
    pub(crate) round: Round,
    pub(crate) decision: Decision,
    /// How long deciding took.
    pub(crate) seconds: f64,
}

/// A policy by name.
#[derive(Clone, Copy)]
struct Chosen(&'static dyn Policy);

impl std::fmt::Debug for Chosen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}

impl ValueEnum for Chosen {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: std::sync::LazyLock<Vec<Chosen>> =
            std::sync::LazyLock::new(|| POLICIES.iter().copied().map(Chosen).collect());
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        policy::by_name(self.0.name()).map(|p| PossibleValue::new(p.name()).help(p.summary()))
    }
}

/// As Karpenter spells it.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum Preferences {
    Respect,
    Ignore,
}

/// As Karpenter spells it.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum MinValues {
    Strict,
    BestEffort,
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// A table for people
    Table,
    /// JSON for programs
    Json,
    /// The same as YAML
    Yaml,
}

impl Plan {
    /// Plans and prints.
    ///
    /// # Errors
    /// When there is nothing to plan for, or something was named that cannot be used.
    pub(crate) fn run(&self) -> Result<ExitCode, CommandError> {
        let Decided { input, round, decision, seconds } = self.decide()?;
        let verdict = self.verify.then(|| progress::show("verifying", || Verdict::of(&round.problem, &decision)));
        let text = self.text(seconds, &input.objects, &round, &decision, verdict.as_ref())?;
        say(&input, &round);
        output::print(&text)?;
        let violations = verdict.as_ref().map_or(&[][..], Verdict::violations);
        if !violations.is_empty() {
            violations.iter().for_each(|violation| output::error(&format!("the plan is wrong: {violation}")));
            return Ok(ExitCode::FAILURE);
        }
        let unplaced = !decision.unplaced.is_empty() || !round.rejected.is_empty();
        let status = if self.exit_code && unplaced { ExitCode::from(UNPLACED) } else { ExitCode::SUCCESS };
        // The system takes the memory back faster than one object after the other would be freed.
        std::mem::forget((input, round, decision));
        Ok(status)
    }

    /// Plans.
    ///
    /// # Errors
    /// As for [`Plan::run`].
    pub(crate) fn decide(&self) -> Result<Decided, CommandError> {
        let options = self.options()?;
        let input = self.input()?;
        let source = self.source()?;
        let round = provisioning::assemble(&input.objects, &*source, &options);
        if !round.bad_input.is_empty() {
            return Err(CommandError::Objects(located(&input, &round)));
        }
        let start = Instant::now();
        let decision = progress::show("deciding", || {
            let problem = &round.problem;
            self.search.search(problem.pods.len(), |search| {
                policy::run(self.policy.0, problem, search, &mut Memory::default())
            })
        });
        let seconds = start.elapsed().as_secs_f64();
        Ok(Decided { input, round, decision, seconds })
    }

    /// The name of the policy that decides.
    pub(crate) fn policy_name(&self) -> &'static str {
        self.policy.0.name()
    }

    fn input(&self) -> Result<Input, CommandError> {
        if self.files.is_empty() && self.trace.is_none() {
            return Err(CommandError::NothingNamed);
        }
        let environment = |name: &str| std::env::var(name).ok();
        let mut input = input::read(&self.files, &environment).map_err(CommandError::Input)?;
        if let Some(file) = &self.trace {
            let trace = input::read_trace(file).map_err(|e| CommandError::Input(vec![e]))?;
            input.objects.pods.extend(trace.pods);
            input.notes.extend(trace.notes);
            if input.objects.node_pools.is_empty() && input.refused.is_empty() {
                self.add_default_pools(&mut input);
            }
        }
        input.notes.extend(waiting(&input.objects));
        Ok(input)
    }

    fn add_default_pools(&self, input: &mut Input) {
        let (pools, what) = if self.is_ec2() {
            (default_pools::for_ec2(), "the families c, m, r and g4dn, on demand, amd64, more than 3 vCPUs")
        } else {
            (default_pools::for_file(), "all of the catalogue that is on demand and amd64")
        };
        input.objects.node_pools = pools;
        input.notes.push(format!("no NodePool was given: nodes are bought from {what}"));
    }

    fn is_ec2(&self) -> bool {
        self.catalog == Path::new("ec2")
    }

    fn source(&self) -> Result<Box<dyn InstanceTypeSource>, CommandError> {
        if self.is_ec2() {
            return Ok(Box::new(Ec2Source::new(Catalogue::embedded()?, &self.region, Ec2Settings::default())?));
        }
        let bad = |why: String| CommandError::CatalogueFile { file: self.catalog.clone(), why };
        let text = std::fs::read_to_string(&self.catalog)
            .map_err(|e| bad(format!("{e}: name a file, or ec2 for the catalogue inside this program")))?;
        Ok(Box::new(kwok::read(&text).map_err(|e| bad(e.to_string()))?))
    }

    fn options(&self) -> Result<Options, CommandError> {
        let settings = Settings {
            preferences: match self.preference_policy {
                Preferences::Respect => PreferencePolicy::Respect,
                Preferences::Ignore => PreferencePolicy::Ignore,
            },
            min_values: match self.min_values_policy {
                MinValues::Strict => MinValuesPolicy::Strict,
                MinValues::BestEffort => MinValuesPolicy::BestEffort,
            },
        };
        let default_spread = match &self.scheduler_config {
            Some(file) => input::scheduler_config::read(file)
                .map_err(|why| CommandError::SchedulerConfig { file: file.clone(), why })?,
            None => DefaultSpread::default(),
        };
        Ok(Options { settings, default_spread, ..Options::default() })
    }

    fn text(
        &self,
        seconds: f64,
        objects: &Objects,
        round: &Round,
        decision: &Decision,
        verdict: Option<&Verdict>,
    ) -> Result<String, CommandError> {
        let answer = || Answer::new(self.policy.0.name(), seconds, round, decision).with_verdict(verdict);
        let line = || verdict.and_then(Verdict::line).unwrap_or_default();
        Ok(match self.output {
            Form::Table => table::report(objects, round, decision) + &line(),
            Form::Json => Data::Json.text(&answer())?,
            Form::Yaml => Data::Yaml.text(&answer())?,
        })
    }
}

/// The objects that make no sense, with their places: a workload once, however many pods it has.
fn located(input: &Input, round: &Round) -> Vec<BadObject> {
    let mut told = HashSet::new();
    let mut bad = Vec::new();
    for (title, why) in &round.bad_input {
        let origin = input.origin(title);
        let why = match origin.pod_spec {
            Some(pod_spec) => in_pod_spec(pod_spec, why),
            None => why.clone(),
        };
        if told.insert((origin.title, why.clone())) {
            bad.push(BadObject { place: origin.place.cloned(), title: origin.title.to_owned(), why });
        }
    }
    bad
}

/// What is wrong with a pod, with the path of the field from the root of the object that holds the pod's spec.
fn in_pod_spec(pod_spec: &str, why: &str) -> String {
    const FIELDS: [&str; 6] =
        ["containers[", "initContainers[", "resources.", "overhead.", "topologySpreadConstraints[", "affinity."];
    if FIELDS.iter().any(|field| why.starts_with(field)) {
        format!("{pod_spec}.{why}")
    } else if why.starts_with("containerStatuses[") {
        format!("status.{why}")
    } else {
        format!("{pod_spec}: {why}")
    }
}

/// Pods that nothing is bought for yet, since their scheduling is held back.
fn waiting(objects: &Objects) -> Option<String> {
    let gated = objects.pods.iter().filter(|p| pods::is_gated(p) && !pods::is_terminal(p));
    match gated.count() {
        0 => None,
        n => Some(format!(
            "{n} pod(s) wait behind scheduling gates: nothing is bought for them before the gates are gone"
        )),
    }
}

/// Everything on standard error that goes with a plan.
fn say(input: &Input, round: &Round) {
    for warning in input.refused.iter().chain(&input.warnings) {
        output::warning(warning);
    }
    for (pool, why) in &round.not_ready {
        output::warning(&format!("NodePool {pool} is not ready, nothing is bought from it: {why}"));
    }
    for note in input.notes.iter().chain(&round.notes) {
        output::note(note);
    }
}
