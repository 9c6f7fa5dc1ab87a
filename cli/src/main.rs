//! The binary `dovetail`. All of it is in the library of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    dovetail::run()
}
