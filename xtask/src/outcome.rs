//! How a chore's steps ended, and how that is told: one announcement a step, one summary at the end. It decides the
//! exit status and nothing else; it does not know what the steps are.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How one step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran and found nothing wrong.
    Passed,
    /// It ran and failed; the text is shown in the summary, its details were printed as it ran.
    Failed(String),
    /// It could not run here.
    Skipped {
        /// What is missing.
        why: String,
        /// The exact thing to install or do so that it runs next time.
        install: String,
    },
}

impl From<Result<(), String>> for Outcome {
    fn from(result: Result<(), String>) -> Outcome {
        result.map_or_else(Outcome::Failed, |()| Outcome::Passed)
    }
}

/// The steps run so far.
#[derive(Debug, Default)]
pub(crate) struct Record {
    steps: Vec<(&'static str, Outcome, Duration)>,
}

impl Record {
    /// Announces a step with its command, runs it and notes how it ended. A failed step does not stop those after it:
    /// one run shows everything that is wrong.
    pub(crate) fn step<O>(&mut self, name: &'static str, command: &str, run: impl FnOnce() -> O)
    where
        O: Into<Outcome>,
    {
        println!("\n==> {name}\n    $ {command}");
        let start = Instant::now();
        let outcome = run().into();
        let took = start.elapsed();
        match &outcome {
            Outcome::Passed => println!("    passed in {}", spell(took)),
            Outcome::Failed(reason) => println!("    FAILED in {}: {reason}", spell(took)),
            Outcome::Skipped { why, .. } => println!("    skipped: {why}"),
        }
        self.steps.push((name, outcome, took));
    }

    /// The table at the end, closing with `N passed, N failed, N skipped`.
    pub(crate) fn summary(&self) -> String {
        let mut text = String::from("\nSummary\n");
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        for (name, outcome, took) in &self.steps {
            // Writing into a String cannot fail, so the results carry no news.
            let _ = match outcome {
                Outcome::Passed => {
                    passed += 1;
                    writeln!(text, "  passed   {name:<22} {}", spell(*took))
                }
                Outcome::Failed(reason) => {
                    failed += 1;
                    writeln!(text, "  FAILED   {name:<22} {}: {reason}", spell(*took))
                }
                Outcome::Skipped { why, install } => {
                    skipped += 1;
                    writeln!(text, "  skipped  {name:<22} {why}; to run it: {install}")
                }
            };
        }
        let _ = writeln!(text, "\n{passed} passed, {failed} failed, {skipped} skipped");
        text
    }

    /// Success if something ran and nothing failed.
    pub(crate) fn exit(&self) -> ExitCode {
        if self.is_green() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn is_green(&self) -> bool {
        let failed = self.steps.iter().any(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_)));
        let passed = self.steps.iter().any(|(_, outcome, _)| *outcome == Outcome::Passed);
        passed && !failed
    }
}

fn spell(took: Duration) -> String {
    let seconds = took.as_secs();
    if seconds < 60 {
        format!("{:.1} s", took.as_secs_f64())
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(outcomes: Vec<Outcome>) -> Record {
        let mut record = Record::default();
        for outcome in outcomes {
            record.step("a step", "true", || outcome);
        }
        record
    }

    #[test]
    fn one_failure_makes_the_run_fail_and_is_named_in_the_summary() {
        let run = record(vec![Outcome::Passed, Outcome::Failed("3 findings".into()), Outcome::Passed]);
        assert!(!run.is_green());
        assert!(run.summary().contains("FAILED   a step"));
        assert!(run.summary().contains("3 findings"));
        assert!(run.summary().ends_with("2 passed, 1 failed, 0 skipped\n"));
    }

    #[test]
    fn a_skip_is_no_failure_and_says_what_to_install() {
        let skip = Outcome::Skipped { why: "cargo-deny is not installed".into(), install: "cargo install it".into() };
        let run = record(vec![Outcome::Passed, skip]);
        assert!(run.is_green());
        assert!(run.summary().contains("cargo-deny is not installed; to run it: cargo install it"));
    }

    #[test]
    fn a_run_that_skipped_everything_proves_nothing_and_is_not_green() {
        let skip = Outcome::Skipped { why: "no tool".into(), install: "a tool".into() };
        assert!(!record(vec![skip]).is_green());
        assert!(!record(vec![]).is_green());
    }

    #[test]
    fn durations_are_spelled_for_people() {
        assert_eq!(spell(Duration::from_millis(1_250)), "1.2 s");
        assert_eq!(spell(Duration::from_secs(192)), "3 min 12 s");
    }
}
