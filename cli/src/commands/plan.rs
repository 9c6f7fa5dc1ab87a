//! `dovetail plan`: which nodes to buy for the workloads in files, what they cost, and what cannot be placed and why. It puts
//! the parts together: input, catalogue, policy, output. It decides nothing itself.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, ValueEnum};
use dovetail_engine::objects::Objects;
use dovetail_engine::pods;
use dovetail_engine::provisioning::Round;
use dovetail_scheduler::cost::Memory;
use dovetail_scheduler::plan::Plan as Decision;
use dovetail_scheduler::policy::{self, POLICIES};

use super::CommandError;
use super::chosen::Chosen;
use super::cluster::ClusterArgs;
use super::search::SearchArgs;
use crate::input::{self, Input};
use crate::output::answer::Answer;
use crate::output::verdict::Verdict;
use crate::output::{self, Data, certificate, progress, table};

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
    #[command(flatten)]
    cluster: ClusterArgs,
    /// How to decide
    #[arg(long, value_enum, default_value_t = Chosen(POLICIES[0]))]
    policy: Chosen,
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
        let input = self.input()?;
        let round = self.cluster.market()?.round(&input)?;
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
            input.add_trace(trace);
            if input.objects.node_pools.is_empty() && input.refused.is_empty() {
                self.cluster.add_default_pools(&mut input);
            }
        }
        input.notes.extend(waiting(&input.objects));
        Ok(input)
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
            Form::Table => {
                table::report(objects, round, decision) + &certificate::lines(self.policy.0.name(), decision) + &line()
            }
            Form::Json => Data::Json.text(&answer())?,
            Form::Yaml => Data::Yaml.text(&answer())?,
        })
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
