//! `cargo xtask conformance`: shows scenarios of the corpus. What they mean is decided in the library.

use clap::Parser;
use dovetail_conformance::corpus::{self, CorpusError};
use std::process::ExitCode;

/// Whether Dovetail decides what Karpenter decides
#[derive(Debug, Parser)]
#[command(name = "cargo xtask conformance", max_term_width = 100)]
struct Arguments {
    /// Print the names of the corpus' scenarios
    #[arg(long)]
    list: bool,
    /// Print a scenario of the corpus, and Karpenter's answer to it
    #[arg(long, value_name = "SCENARIO")]
    show: Option<String>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, CorpusError> {
    if arguments.list {
        for name in corpus::names()? {
            println!("{name}");
        }
    }
    if let Some(name) = &arguments.show {
        print!("{}", corpus::scenario(name)?);
        println!("---\n# What Karpenter decides:\n{}", corpus::answer_text(name)?);
    }
    Ok(ExitCode::SUCCESS)
}
