//! The repository's own chores, started with `cargo xtask`. This file decides which chore runs; `chores` knows the
//! steps of `cargo xtask test`, `tidy` knows the rules of the house. `conformance` asks Karpenter, `bed` runs a cluster.
//! Nothing here knows what Dovetail itself does.

#[cfg(target_os = "linux")]
mod bed;
mod chores;
mod conformance;
mod outcome;
mod plan_smoke;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

/// What `cargo xtask` understands, with the line that its help shows. Documentation may name no other (see `tidy::docs`).
const COMMANDS: &[(&str, &str)] = &[
    ("test", "run everything that this machine can run, and say what it skips; --bed: a real control plane too"),
    ("tidy", "check the rules of the house only (a second or two)"),
    ("conformance", "compare with Karpenter's own scheduler, see --help"),
    ("bench", "bench upstream: time both programs; bench packing: policies on all workloads; see --help"),
    ("cluster", "up, down, status, check: a real control plane on this machine, see --help"),
    ("upstream", "Karpenter's own suites on such a control plane, see --help"),
    ("help", "show this text"),
];

/// What is said of the bed on other systems.
#[cfg(not(target_os = "linux"))]
const BED_NEEDS: &str =
    "the test bed finds its processes as Linux shows them: run it on Linux, a virtual machine will do";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next();
    let rest: Vec<String> = arguments.collect();
    match command.as_deref() {
        Some("conformance") => conformance::run(&root(), &rest),
        Some("bench") => conformance::run(&root(), &[&["bench".to_owned()], rest.as_slice()].concat()),
        #[cfg(target_os = "linux")]
        Some("cluster") => bed::cluster(&root(), &rest),
        #[cfg(target_os = "linux")]
        Some("upstream") => bed::upstream(&root(), &rest),
        #[cfg(not(target_os = "linux"))]
        Some("cluster" | "upstream") => {
            eprintln!("xtask: {BED_NEEDS}");
            ExitCode::FAILURE
        }
        Some("test") if rest == ["--bed"] => chores::test(&root(), true),
        Some("test" | "tidy" | "help") if !rest.is_empty() => {
            eprintln!(
                "xtask: `{}` is one word too many: of these chores only `test` takes one, --bed\n\n{}",
                rest.join(" "),
                help()
            );
            ExitCode::from(2)
        }
        Some("test") => chores::test(&root(), false),
        Some("tidy") => chores::tidy(&root()),
        Some("help" | "--help" | "-h") | None => {
            print!("{}", help());
            ExitCode::SUCCESS
        }
        Some(unknown) => {
            eprintln!("xtask: there is no chore `{unknown}`\n\n{}", help());
            ExitCode::from(2)
        }
    }
}

fn help() -> String {
    let lines = COMMANDS.iter().map(|(name, purpose)| format!("  cargo xtask {name:<12} {purpose}\n"));
    format!("The repository's chores:\n{}", lines.collect::<String>())
}

/// The root of the workspace. Cargo tells where this package is when it runs it; started by hand, xtask takes the
/// current folder.
fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package.as_deref().and_then(|folder| folder.parent()).map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// The cargo that started this process, so that its children use the same toolchain.
fn cargo() -> std::process::Command {
    std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
