//! The program `dovetail`: what is asked for on the command line, and with which status it ends. Status 0 is success, 1 is
//! bad input or a mistake on the command line, 2 is a plan that leaves pods without a place, if that was asked for.
//!
//! It is a library so that the conformance suite can ask for plans exactly as a user does, see [`offline`]. Other programs
//! should build on the crates below.

mod bench;
mod commands;
mod input;
pub mod offline;
mod output;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use commands::CommandError;
use commands::bench::Bench;
use commands::catalog::Catalog;
use commands::controller::Controller;
use commands::crds::Crds;
use commands::plan::Plan;

/// Buys the cheapest set of nodes for a Kubernetes cluster
#[derive(Debug, Parser)]
#[command(name = "dovetail", version, max_term_width = 100)]
struct Dovetail {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(Plan),
    Crds(Crds),
    Catalog(Catalog),
    Bench(Bench),
    Controller(Box<Controller>),
}

/// Does what the command line of this process asks for.
#[must_use]
pub fn run() -> ExitCode {
    let command = match Dovetail::try_parse() {
        Ok(dovetail) => dovetail.command,
        Err(error) => {
            // Help and version are what was asked for; anything else is a mistake. Two has a meaning of its own here.
            let status = if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
            let _ = error.print();
            return status;
        }
    };
    let result: Result<ExitCode, CommandError> = match &command {
        Command::Plan(plan) => plan.run(),
        Command::Crds(crds) => crds.run(),
        Command::Catalog(catalog) => catalog.run(),
        Command::Bench(bench) => bench.run(),
        Command::Controller(controller) => controller.run(),
    };
    result.unwrap_or_else(|error| {
        for line in error.to_string().lines() {
            output::error(line);
        }
        ExitCode::FAILURE
    })
}
