//! `dovetail plan` and `dovetail bench pack` for a program that wants plans and figures themselves, not their text: the same
//! command line, read by the same code. It decides nothing.

use std::ffi::OsString;
use std::io;

use clap::Parser;
use dovetail_engine::provisioning::Round;
use dovetail_packing::summary::Results;
use dovetail_scheduler::plan::Plan as Decision;

use crate::commands::bench::Pack;
use crate::commands::plan::Plan;
use crate::output::Data;
use crate::output::answer::Answer;

/// Why there is no plan, or no figures: what `dovetail` would say on standard error, one line or several.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoPlan(String);

/// A plan, and what it was made from.
#[derive(Debug)]
pub struct Planned {
    /// The policy that decided.
    pub policy: &'static str,
    /// What it was asked, and the pods and pools that took no part.
    pub round: Round,
    /// What it decided.
    pub plan: Decision,
    /// How long deciding took, without reading and writing.
    pub seconds: f64,
}

impl Planned {
    /// The answer as `dovetail plan -o json` prints it.
    ///
    /// # Errors
    /// When it cannot be written as JSON, as for a price that is not a number.
    pub fn json(&self) -> io::Result<String> {
        Data::Json.text(&Answer::new(self.policy, self.seconds, &self.round, &self.plan))
    }
}

#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct CommandLine {
    #[command(flatten)]
    plan: Plan,
}

/// Plans what `dovetail plan` followed by these arguments would plan.
///
/// # Errors
/// When the arguments make no sense, or what they name cannot be used.
pub fn plan<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> Result<Planned, NoPlan> {
    let line = CommandLine::try_parse_from(arguments).map_err(|e| NoPlan(e.to_string()))?;
    let decided = line.plan.decide().map_err(|e| NoPlan(e.to_string()))?;
    Ok(Planned {
        policy: line.plan.policy_name(),
        round: decided.round,
        plan: decided.decision,
        seconds: decided.seconds,
    })
}

#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct PackLine {
    #[command(flatten)]
    pack: Pack,
}

/// Measures what `dovetail bench pack` followed by these arguments would measure. Inputs that cannot be used are named
/// on standard error; what else would be said about them is not.
///
/// # Errors
/// When the arguments make no sense, or some of what they name cannot be used.
pub fn pack<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> Result<Results, NoPlan> {
    let line = PackLine::try_parse_from(arguments).map_err(|e| NoPlan(e.to_string()))?;
    let (results, left_out) = line.pack.measure(|_| ()).map_err(|e| NoPlan(e.to_string()))?;
    if left_out { Err(NoPlan("some of the inputs cannot be used, see above".to_owned())) } else { Ok(results) }
}
