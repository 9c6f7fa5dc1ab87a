//! The chores: which steps `cargo xtask test` takes, with which commands, and what to install where one cannot run. It
//! decides what "everything that this machine can run" means; it does not know how a step is told (`outcome`) or what
//! the rules are (`tidy`).

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::outcome::{Outcome, Record};
use crate::plan_smoke;
use crate::tidy::{self, Tree};

/// Runs every step and prints the summary. The test bed is a step that has to be asked for: its programs take ten minutes
/// of processor time to build.
pub(crate) fn test(root: &Path, with_bed: bool) -> ExitCode {
    let mut record = Record::default();
    record.step("tidy", "cargo xtask tidy", || tidy_outcome(root));
    component(&mut record, root, "formatting", "rustfmt", &["fmt", "--all", "--check"], &[]);
    component(
        &mut record,
        root,
        "lints",
        "clippy",
        &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        &[],
    );
    cargo(&mut record, root, "tests", &["test", "--workspace", "--no-fail-fast"], &[]);
    record.step("each crate alone", "cargo check --package NAME, for each crate", || each_alone(root));
    cargo(&mut record, root, "documentation", &["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")]);
    cargo(&mut record, root, "benchmarks compile", &["bench", "--package", "dovetail-benches", "--no-run"], &[]);
    match Tree::read(root) {
        Ok(tree) => plan_smoke::steps(&mut record, root, &tree),
        Err(error) => record.step("the example's plan", "", || Outcome::Failed(error.to_string())),
    }
    deny(&mut record, root);
    record.step("test bed", "cargo xtask cluster check", || bed(root, with_bed));
    print!("{}", record.summary());
    record.exit()
}

/// Checks the rules of the house and prints what breaks them.
pub(crate) fn tidy(root: &Path) -> ExitCode {
    match tidy_outcome(root) {
        Outcome::Passed => {
            println!("tidy: nothing to say");
            ExitCode::SUCCESS
        }
        Outcome::Failed(reason) | Outcome::Skipped { why: reason, .. } => {
            println!("tidy: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn tidy_outcome(root: &Path) -> Outcome {
    match tidy::check(root) {
        Ok(findings) if findings.is_empty() => Outcome::Passed,
        Ok(findings) => {
            for finding in &findings {
                println!("{finding}\n");
            }
            Outcome::Failed(format!("{} findings, listed where it ran", findings.len()))
        }
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

/// A real control plane from nothing to a running pod and back.
fn bed(root: &Path, asked: bool) -> Outcome {
    if !asked {
        return Outcome::Skipped {
            why: "it was not asked for, since it builds Kubernetes from source".into(),
            install: "cargo xtask test --bed".into(),
        };
    }
    #[cfg(target_os = "linux")]
    return crate::bed::step(root);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = root;
        Outcome::Skipped { why: crate::BED_NEEDS.into(), install: "Linux".into() }
    }
}

/// A step that is one cargo command.
fn cargo(record: &mut Record, root: &Path, name: &'static str, arguments: &[&str], environment: &[(&str, &str)]) {
    let variables: String = environment.iter().map(|(key, value)| format!("{key}='{value}' ")).collect();
    record.step(name, &format!("{variables}cargo {}", arguments.join(" ")), || {
        run(crate::cargo().args(arguments).envs(environment.iter().copied()).current_dir(root))
    });
}

/// A cargo step that needs a component of the toolchain.
fn component(
    record: &mut Record,
    root: &Path,
    name: &'static str,
    component: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) {
    let tool = arguments.first().copied().unwrap_or(component);
    if answers(crate::cargo().args([tool, "--version"]).current_dir(root)) {
        return cargo(record, root, name, arguments, environment);
    }
    record.step(name, &format!("cargo {}", arguments.join(" ")), || Outcome::Skipped {
        why: format!("{component} is not installed"),
        install: format!("rustup component add {component}"),
    });
}

/// Builds each crate by itself: in the whole workspace, a feature that one crate turns on hides that another forgot it.
fn each_alone(root: &Path) -> Outcome {
    let packages = match tidy::packages(root) {
        Ok(packages) => packages,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let mut broken = Vec::new();
    for package in packages {
        let arguments = ["check", "--quiet", "--package", package.name.as_str()];
        if run(crate::cargo().args(arguments).current_dir(root)) != Outcome::Passed {
            broken.push(package.name);
        }
    }
    if broken.is_empty() { Outcome::Passed } else { Outcome::Failed(format!("{} do not build", broken.join(", "))) }
}

/// Licences, duplicate versions, sources and advisories, where cargo-deny is installed.
fn deny(record: &mut Record, root: &Path) {
    const POLICY: [&str; 5] = ["deny", "check", "bans", "licenses", "sources"];
    const ADVISORIES: [&str; 3] = ["deny", "check", "advisories"];
    if !answers(crate::cargo().args(["deny", "--version"]).current_dir(root)) {
        record.step("dependencies", &format!("cargo {}", POLICY.join(" ")), || Outcome::Skipped {
            why: "cargo-deny is not installed, so licences, duplicate versions and advisories were not checked".into(),
            install: "cargo install --locked cargo-deny".into(),
        });
        return;
    }
    cargo(record, root, "dependencies", &POLICY, &[]);
    record.step("advisories", &format!("cargo {}", ADVISORIES.join(" ")), || {
        // A machine without a way to the database must not look like one with a vulnerable dependency.
        if !answers(crate::cargo().args(["deny", "fetch", "db"]).current_dir(root)) {
            return Outcome::Skipped {
                why: "the advisory database cannot be fetched".into(),
                install: "run `cargo deny fetch db` where github.com can be reached".into(),
            };
        }
        run(crate::cargo().args(ADVISORIES).current_dir(root))
    });
}

/// Runs a command with its output shown.
pub(crate) fn run(command: &mut Command) -> Outcome {
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Outcome::Passed,
        Ok(status) => Outcome::Failed(format!("the command ended with {status}")),
        Err(error) => Outcome::Failed(format!("the command could not be started: {error}")),
    }
}

/// Whether a command can be started and succeeds; its output is dropped.
fn answers(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_or_is_missing_is_a_failure() {
        assert_eq!(run(crate::cargo().arg("--version")), Outcome::Passed);
        assert!(matches!(run(crate::cargo().arg("no-such-command")), Outcome::Failed(_)));
        assert!(matches!(run(&mut Command::new("no-such-program-anywhere")), Outcome::Failed(_)));
        assert!(!answers(&mut Command::new("no-such-program-anywhere")));
    }
}
