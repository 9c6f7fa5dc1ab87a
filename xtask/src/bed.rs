//! The test bed: a real control plane on the loopback interface, as ordinary processes, for tests and for people; and
//! Karpenter's own suites on it. This file reads the words of the chores `cluster` and `upstream` and decides which room
//! does the work. It needs Linux and Go, which nothing else here does.

mod control_plane;
mod errors;
mod folder;
mod kubectl;
mod options;
mod phases;
mod ports;
mod process;
mod programs;
mod progress;
mod recipe;
mod report;
mod samples;
mod smoke;
mod suite;

use std::path::Path;
use std::process::ExitCode;

use crate::outcome::Outcome;
use errors::BedError;
use folder::Folder;
use options::{Given, Known, help};

/// The bed that is meant where none is named.
const DEFAULT: &str = "default";

/// The bed that is started to see whether beds work.
const CHECKED: &str = "check";

const NAME: Known =
    Known { name: "--name", value: "NAME", purpose: "which bed; those of different names run side by side" };
const UP: &[Known] = &[
    NAME,
    Known { name: "--port", value: "N", purpose: "the API server's port, the other five follow it; else free ones" },
];
const DOWN: &[Known] = &[NAME];
const UPSTREAM: &[Known] = &[
    Known { name: "--suite", value: "SUITE", purpose: "regression (which is run without this) or performance" },
    Known { name: "--focus", value: "RE", purpose: "only specs whose full name matches" },
    Known { name: "--skip", value: "RE", purpose: "no specs whose full name matches" },
    Known {
        name: "--controller",
        value: "CMD",
        purpose: "the controller's command; `upstream`: Karpenter's own; else `dovetail controller --provider kwok`",
    },
    Known { name: "--keep", value: "", purpose: "leave the bed and the controller running" },
    Known { name: "--name", value: "NAME", purpose: "the bed to run on, started anew; `suites` without this" },
];

/// `cargo xtask cluster`.
pub(crate) fn cluster(root: &Path, words: &[String]) -> ExitCode {
    exit(try_cluster(root, words))
}

fn try_cluster(root: &Path, words: &[String]) -> Result<bool, BedError> {
    let (verb, rest) = words.split_first().map_or(("help", words), |(verb, rest)| (verb.as_str(), rest));
    let read = |known| {
        let given = Given::read(&format!("cluster {verb}"), rest, known)?;
        let folder = Folder::of(root, given.value("--name").unwrap_or(DEFAULT))?;
        Ok::<_, BedError>((given, folder))
    };
    match verb {
        "up" => {
            let (given, folder) = read(UP)?;
            let port = given.value("--port").map(|port| {
                let number = port.parse::<u16>().ok().filter(|number| *number > 0);
                number.ok_or_else(|| BedError::Usage(format!("`--port {port}` is no port: give a number up to 65530")))
            });
            let port = port.transpose()?;
            let took = control_plane::up(root, &folder, port)?;
            println!(
                "The bed `{}` is up after {}.\n\n{}",
                folder.name(),
                report::spell(took),
                control_plane::usage(&folder)
            );
        }
        "down" => {
            let (_, folder) = read(DOWN)?;
            match control_plane::down(&folder)? {
                0 => println!("The bed `{}` was down already.", folder.name()),
                count => println!("The bed `{}` is down: {count} processes ended, its ports are free.", folder.name()),
            }
        }
        "status" => {
            let (_, folder) = read(DOWN)?;
            let lines = control_plane::lines(&folder);
            print!("{}", control_plane::table(folder.name(), &lines));
            if !lines.is_empty() {
                print!("\n{}", control_plane::usage(&folder));
            }
        }
        "check" => {
            Given::read("cluster check", rest, &[])?;
            let took = smoke::run(root, &Folder::of(root, CHECKED)?)?;
            println!("A bed came up, ran pods as far as its node had room, and went down, in {}.", report::spell(took));
        }
        "help" | "--help" | "-h" => {
            for (verb, known) in [("up", UP), ("down", DOWN), ("status", DOWN), ("check", &[][..])] {
                println!("{}", help(&format!("cluster {verb}"), known));
            }
        }
        other => return Err(BedError::Usage(format!("`cluster` knows up, down, status and check, and no `{other}`"))),
    }
    Ok(true)
}

/// `cargo xtask upstream`.
pub(crate) fn upstream(root: &Path, words: &[String]) -> ExitCode {
    exit(try_upstream(root, words))
}

fn try_upstream(root: &Path, words: &[String]) -> Result<bool, BedError> {
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print!("{}", help("upstream", UPSTREAM));
        return Ok(true);
    }
    let given = Given::read("upstream", words, UPSTREAM)?;
    let folder = Folder::of(root, given.value("--name").unwrap_or("suites"))?;
    suite::run(
        root,
        &folder,
        &suite::Wanted {
            suite: given.value("--suite").unwrap_or("regression"),
            focus: given.value("--focus"),
            skip: given.value("--skip"),
            controller: given.value("--controller"),
            keep: given.has("--keep"),
        },
    )
}

/// The step of `cargo xtask test --bed`.
pub(crate) fn step(root: &Path) -> Outcome {
    match Folder::of(root, CHECKED).and_then(|folder| smoke::run(root, &folder)) {
        Ok(_) => Outcome::Passed,
        Err(error @ BedError::NoGo(_)) => {
            Outcome::Skipped { why: error.to_string(), install: "Go 1.26 or later".into() }
        }
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

fn exit(result: Result<bool, BedError>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error}");
            if matches!(error, BedError::Usage(_)) { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
