//! The flags that say how long a policy may search, and what counts besides the price. Only here does the program look at a
//! clock for a policy: with `--deterministic` it does not, and the budget becomes one of steps.

use std::str::FromStr;
use std::time::{Duration, Instant};

use clap::Args;
use dovetail_api::duration::{self, DurationError};
use dovetail_scheduler::instance_type::Price;
use dovetail_scheduler::policy::Search;

/// How long to search from which seed, and on which terms.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Search")]
pub(crate) struct SearchArgs {
    /// How long a policy that searches may take, such as 500ms or 2s; 100ms and 1ms for every 100 pods, at most 2s, if
    /// nothing is said
    #[arg(long, value_name = "TIME", value_parser = time_budget)]
    time_budget: Option<Duration>,
    /// Where chance begins: another seed may find another plan
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    terms: Terms,
}

/// What holds for a search whatever its budget and seed are.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Search")]
pub(crate) struct Terms {
    /// Turn the time budget into a number of steps, so that the plan is the same on every machine
    #[arg(long)]
    deterministic: bool,
    /// How much dearer than its cheapest type those may be that a node can be launched as instead, in percent; all keeps
    /// every type that holds the pods
    #[arg(long, value_name = "PERCENT|all", default_value = "25")]
    flexibility: Flexibility,
    /// What a node is reckoned to cost besides its price, in dollars per hour; it is not part of what a plan costs
    #[arg(long, value_name = "DOLLARS", default_value = "0.01", value_parser = dollars)]
    node_cost: Price,
    /// What being interrupted is reckoned to add to spot prices, in percent; it is not part of what a plan costs
    #[arg(long, value_name = "PERCENT", default_value_t = 5)]
    spot_risk: u32,
}

impl SearchArgs {
    /// How long a search for so many pods may take.
    pub(crate) fn budget(&self, pods: usize) -> Duration {
        self.time_budget.unwrap_or_else(|| Duration::from_millis(Search::usual_milliseconds(pods)))
    }

    /// Has someone decide about so many pods on these terms. His time begins now.
    pub(crate) fn search<T>(&self, pods: usize, decide: impl FnOnce(&Search<'_>) -> T) -> T {
        self.terms.search(self.budget(pods), self.seed, decide)
    }
}

impl Terms {
    /// Has someone decide within a budget, from a seed. His time begins now.
    pub(crate) fn search<T>(&self, budget: Duration, seed: u64, decide: impl FnOnce(&Search<'_>) -> T) -> T {
        let start = Instant::now();
        let share = || start.elapsed().as_secs_f64() / budget.as_secs_f64().max(1e-9);
        let (steps, spent): (_, &(dyn Fn() -> f64 + Sync)) =
            if self.deterministic { (steps(budget), &|| 0.0) } else { (u64::MAX, &share) };
        decide(&Search {
            seed,
            steps,
            spent,
            node_cost: self.node_cost,
            price_band: self.flexibility.0,
            spot_risk: self.spot_risk,
            ..Search::default()
        })
    }
}

/// The steps that stand for a time.
fn steps(budget: Duration) -> u64 {
    let nanoseconds = budget.as_nanos().saturating_mul(u128::from(Search::STEPS_PER_MILLISECOND));
    u64::try_from(nanoseconds / 1_000_000).unwrap_or(u64::MAX)
}

/// A price band in percent, or `None` for one without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flexibility(Option<u32>);

impl FromStr for Flexibility {
    type Err = BadTerm;

    fn from_str(text: &str) -> Result<Self, BadTerm> {
        if text == "all" {
            return Ok(Self(None));
        }
        text.parse().map(|percent| Self(Some(percent))).map_err(|_| BadTerm::Flexibility)
    }
}

/// A flag that says what cannot be meant. Clap adds which flag it is, and what was given.
#[derive(Debug, thiserror::Error)]
enum BadTerm {
    /// Not a time at all.
    #[error(transparent)]
    Time(#[from] DurationError),
    /// A time before now.
    #[error("time does not run backwards: write 0s or more, such as 500ms or 2s")]
    NegativeTime,
    /// Not a number of percents.
    #[error("write a whole number of percents, such as 25, or all")]
    Flexibility,
    /// Not a price.
    #[error("write dollars per hour, 0 or more and below a million, such as 0.01")]
    Dollars,
}

fn time_budget(text: &str) -> Result<Duration, BadTerm> {
    let nanoseconds = text.parse::<duration::Duration>()?.nanos();
    u64::try_from(nanoseconds).map(Duration::from_nanos).map_err(|_| BadTerm::NegativeTime)
}

fn dollars(text: &str) -> Result<Price, BadTerm> {
    let given: f64 = text.parse().map_err(|_| BadTerm::Dollars)?;
    if (0.0..1e6).contains(&given) { Ok(Price::from_dollars(given)) } else { Err(BadTerm::Dollars) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        search: SearchArgs,
    }

    fn given(flags: &[&str]) -> SearchArgs {
        Line::try_parse_from(flags).expect("the flags make sense").search
    }

    fn refused(flags: &[&str]) -> String {
        Line::try_parse_from(flags).expect_err("the flags make no sense").to_string()
    }

    #[test]
    fn without_flags_a_search_is_the_usual_one_against_the_clock() {
        let args = given(&[]);
        assert_eq!(args.budget(5_000), Duration::from_millis(150));
        args.search(5_000, |search| {
            let usual = Search::default();
            assert_eq!((search.seed, search.steps), (0, u64::MAX));
            assert_eq!((search.node_cost, search.price_band), (usual.node_cost, usual.price_band));
            assert_eq!((search.spot_types, search.spot_risk), (usual.spot_types, usual.spot_risk));
        });
    }

    #[test]
    fn every_flag_reaches_the_search() {
        let args = given(&["--seed", "7", "--flexibility", "all", "--node-cost", "0.5", "--spot-risk", "20"]);
        args.search(1, |search| {
            assert_eq!((search.seed, search.price_band, search.spot_risk), (7, None, 20));
            assert_eq!(search.node_cost, Price::from_dollars(0.5));
        });
        given(&["--flexibility", "0"]).search(1, |search| assert_eq!(search.price_band, Some(0)));
    }

    #[test]
    fn time_runs_out_when_it_is_up_and_not_before() {
        given(&["--time-budget", "0s"]).search(1, |search| assert!((search.spent)() >= 1.0));
        given(&["--time-budget", "24h"]).search(1, |search| assert!((search.spent)() < 1.0));
    }

    #[test]
    fn a_deterministic_search_counts_steps_and_never_looks_at_the_clock() {
        let steps = |flags: &[&str], pods| {
            given(flags).search(pods, |search| {
                assert!((search.spent)() < 1.0);
                search.steps
            })
        };
        assert_eq!(steps(&["--deterministic", "--time-budget", "0s"], 1), 0);
        assert_eq!(steps(&["--deterministic", "--time-budget", "1.5s"], 1), 15_000_000);
        assert_eq!(steps(&["--deterministic"], 1), Search::default().steps);
        assert_eq!(steps(&["--deterministic"], 1_000_000), 2_000 * Search::STEPS_PER_MILLISECOND);
        assert_eq!(steps(&["--deterministic", "--time-budget", "2000000h"], 1), 72_000_000_000_000_000);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_to_write() {
        assert!(refused(&["--time-budget", "500"]).contains("a number has no unit"));
        assert!(refused(&["--time-budget=-1s"]).contains("0s or more"));
        assert!(refused(&["--flexibility", "a lot"]).contains("whole number of percents"));
        assert!(refused(&["--flexibility=-5"]).contains("whole number of percents"));
        for nonsense in ["-1", "nan", "inf", "cheap", "1000000"] {
            assert!(refused(&[&format!("--node-cost={nonsense}")]).contains("dollars per hour"), "{nonsense}");
        }
    }
}
