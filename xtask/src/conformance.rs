//! The chores that ask Karpenter: they are the binary of the conformance crate, started with the caller's arguments. It is
//! built with optimisations, since thousands of plans are made. What the arguments mean is known there.

use std::path::Path;
use std::process::ExitCode;

/// Runs the binary and ends as it does.
pub(crate) fn run(root: &Path, arguments: &[String]) -> ExitCode {
    let mut command = crate::cargo();
    command.args(["run", "--quiet", "--release", "--package", "dovetail-conformance", "--"]).args(arguments);
    match command.current_dir(root).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            eprintln!("xtask: cargo could not be started: {error}");
            ExitCode::FAILURE
        }
    }
}
