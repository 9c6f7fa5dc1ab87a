//! Disruption budgets: how many nodes of a pool may be disrupted for a reason at a given time, and which nodes count (spec
//! scheduling 1.10, disruption 2.4, v1.15 changes 3.6). A budget that cannot be understood allows nothing: one mistyped
//! schedule must not open the gate. It does not know which nodes ought to be disrupted.

use jiff::Timestamp;

use crate::cron::{Schedule, ScheduleError};
use crate::node_pool::{Budget, DisruptionReason};

/// What is allowed where no budget says otherwise: as many nodes as upstream's counters can hold.
pub const UNLIMITED: u32 = i32::MAX as u32;

/// The share of a pool's nodes, in percent, that may be unhealthy before repair stops for the pool.
pub const UNHEALTHY_LIMIT_PERCENT: u64 = 20;

/// How many nodes may be disrupted, and what is wrong with the budgets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The most nodes that may be disrupted at a time; 0 if any budget of the pool is wrong, [`UNLIMITED`] if none applies.
    pub nodes: u32,
    /// The budgets that cannot be understood, in their order.
    pub errors: Vec<BudgetError>,
}

/// A budget that cannot be understood, by its place in the NodePool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("spec.disruption.budgets[{index}].{problem}")]
pub struct BudgetError {
    /// Its place in `spec.disruption.budgets`, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub problem: BudgetProblem,
}

/// What is wrong with a budget.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BudgetProblem {
    /// `nodes` is neither a number nor a percentage.
    #[error("nodes: {0:?} is neither a number of nodes, such as 5, nor a percentage, such as 10%")]
    Nodes(String),
    /// `schedule` is none.
    #[error("schedule: {0}")]
    Schedule(#[from] ScheduleError),
    /// A duration without a schedule, which the API server refuses.
    #[error("schedule: must be set with 'duration'")]
    NoSchedule,
}

/// The most nodes of a pool of `nodes` nodes that `budgets` allow to be disrupted for `reason` at the time `now`.
///
/// The smallest of the active budgets holds that apply to the reason. `nodes` are those that [`NodeStanding::counts`].
#[must_use]
pub fn allowance(budgets: &[Budget], reason: DisruptionReason, nodes: u32, now: Timestamp) -> Allowance {
    let mut allowed = UNLIMITED;
    let mut errors = Vec::new();
    for (index, budget) in budgets.iter().enumerate() {
        match allowed_by(budget, nodes, now) {
            Ok(limit) if applies(budget, reason) => allowed = allowed.min(limit),
            Ok(_) => {}
            Err(problem) => errors.push(BudgetError { index, problem }),
        }
    }
    Allowance { nodes: if errors.is_empty() { allowed } else { 0 }, errors }
}

/// Whether the budget applies to the reason. An empty list of reasons is taken for no list, so that the budget applies to
/// all: upstream lets such a budget apply to nothing, which nobody can have meant.
#[must_use]
pub fn applies(budget: &Budget, reason: DisruptionReason) -> bool {
    budget.reasons.as_ref().is_none_or(|reasons| reasons.is_empty() || reasons.contains(&reason))
}

/// Whether the budget is active at the time `now`: always without a schedule, otherwise from each time that the schedule
/// comes round until the duration has passed. A time that lies exactly the duration back no longer counts.
///
/// A schedule that never comes round (the 31st of February) is active at all times, as upstream has it: someone who
/// mistypes a date is protected rather than exposed.
///
/// # Errors
/// Where the schedule cannot be read, or a duration has none.
pub fn is_active(budget: &Budget, now: Timestamp) -> Result<bool, BudgetProblem> {
    let schedule = match (&budget.schedule, &budget.duration) {
        (None, None) => return Ok(true),
        (None, Some(_)) => return Err(BudgetProblem::NoSchedule),
        (Some(schedule), _) => schedule.parse::<Schedule>()?,
    };
    let back = budget.duration.as_ref().map(|duration| duration.to_signed()).unwrap_or_default();
    let opening = now.saturating_sub(back).unwrap_or(now);
    Ok(schedule.next_after(opening).is_none_or(|next| next <= now))
}

fn allowed_by(budget: &Budget, nodes: u32, now: Timestamp) -> Result<u32, BudgetProblem> {
    // Both are looked at even while the budget is inactive, so that a mistake shows at once and not some night.
    let active = is_active(budget, now)?;
    let limit = limit(&budget.nodes, nodes)?;
    Ok(if active { limit } else { UNLIMITED })
}

/// A number of nodes, or a percentage of `nodes`, rounded up.
fn limit(text: &str, nodes: u32) -> Result<u32, BudgetProblem> {
    let number = |digits: &str| digits.parse::<u32>().map_err(|_| BudgetProblem::Nodes(text.to_owned()));
    match text.strip_suffix('%') {
        Some(percent) => {
            let share = (u64::from(number(percent)?) * u64::from(nodes)).div_ceil(100);
            Ok(u32::try_from(share).unwrap_or(UNLIMITED).min(UNLIMITED))
        }
        None => Ok(number(text)?.min(UNLIMITED)),
    }
}

/// What budgets look at in a node of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeStanding {
    /// It has been ready for pods once, and has not been rebooted since.
    pub initialized: bool,
    /// It is being rebooted.
    pub rebooting: bool,
    /// Its instance has been told to terminate.
    pub instance_terminating: bool,
    /// Its Ready condition is True.
    pub ready: bool,
    /// It is being taken away.
    pub marked_for_deletion: bool,
}

impl NodeStanding {
    /// Whether the node is one of those that percentages refer to.
    #[must_use]
    pub fn counts(self) -> bool {
        (self.initialized || self.rebooting) && !self.instance_terminating
    }

    /// Whether the node uses up the budget of the reason. An unready node does not use up the budget of repair, which would
    /// be starved by what it is there to mend.
    #[must_use]
    pub fn is_disrupting(self, reason: DisruptionReason) -> bool {
        let unready = !self.ready && reason != DisruptionReason::Unhealthy;
        self.counts() && (self.marked_for_deletion || self.rebooting || unready)
    }
}

/// Whether so many of a pool's nodes are unhealthy that something else must be wrong, and repair has to stop: more than a
/// fifth, rounded up.
#[must_use]
pub fn too_many_unhealthy(unhealthy: usize, nodes: usize) -> bool {
    unhealthy as u64 > (nodes as u64 * UNHEALTHY_LIMIT_PERCENT).div_ceil(100)
}

#[cfg(test)]
mod tests {
    use DisruptionReason::{Drifted, Empty, Underutilized, Unhealthy};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn noon() -> Timestamp {
        at("2026-03-02T12:00:00Z")
    }

    /// A budget without schedule and reasons.
    fn budget(nodes: &str) -> Budget {
        Budget { nodes: nodes.to_owned(), ..Budget::default() }
    }

    fn for_reasons(nodes: &str, reasons: &[DisruptionReason]) -> Budget {
        Budget { reasons: Some(reasons.to_vec()), ..budget(nodes) }
    }

    fn scheduled(nodes: &str, schedule: &str, duration: &str) -> Budget {
        let duration = Some(duration.parse().expect("a duration"));
        Budget { schedule: Some(schedule.to_owned()), duration, ..budget(nodes) }
    }

    fn allowed(budgets: &[Budget], reason: DisruptionReason, nodes: u32) -> u32 {
        allowance(budgets, reason, nodes, noon()).nodes
    }

    #[test]
    fn percentages_are_rounded_up() {
        for (nodes, expected) in [(0, 0), (1, 1), (10, 1), (11, 2), (20, 2), (101, 11)] {
            assert_eq!(allowed(&[budget("10%")], Drifted, nodes), expected, "10% of {nodes}");
        }
        assert_eq!(allowed(&[budget("5%")], Drifted, 10), 1);
        assert_eq!(allowed(&[budget("0%")], Drifted, 10), 0);
        assert_eq!(allowed(&[budget("100%")], Drifted, u32::MAX), UNLIMITED);
        assert_eq!(allowed(&[budget("4294967295")], Drifted, 1), UNLIMITED);
    }

    #[test]
    fn the_smallest_budget_holds_of_those_that_apply() {
        let budgets = [budget("10"), for_reasons("5", &[Drifted, Empty]), for_reasons("0", &[Unhealthy])];
        assert_eq!(allowed(&budgets, Underutilized, 100), 10);
        assert_eq!(allowed(&budgets, Drifted, 100), 5);
        assert_eq!(allowed(&budgets, Empty, 100), 5);
        assert_eq!(allowed(&budgets, Unhealthy, 100), 0);
        assert_eq!(allowed(&[for_reasons("0", &[Empty])], Drifted, 100), UNLIMITED, "no budget applies");
        assert_eq!(allowed(&[], Drifted, 100), UNLIMITED, "no budget at all");
    }

    #[test]
    fn budgets_without_reasons_pace_repair_too() {
        assert_eq!(allowed(&[budget("0")], Unhealthy, 100), 0);
        assert_eq!(allowed(&[Budget::default()], Unhealthy, 100), 10);
    }

    #[test]
    fn an_empty_list_of_reasons_is_no_list() {
        assert_eq!(allowed(&[for_reasons("3", &[])], Empty, 100), 3);
    }

    #[test]
    fn a_schedule_opens_the_budget_for_its_duration() {
        // given nights from 22:00 to 6:00 in which nothing may be disrupted
        let nights = [scheduled("0", "0 22 * * *", "8h")];
        let allowed_at = |time| allowance(&nights, Empty, 10, at(time)).nodes;
        // then the window opens on the minute and is over when the duration has passed
        assert_eq!(allowed_at("2026-03-02T21:59:59Z"), UNLIMITED);
        assert_eq!(allowed_at("2026-03-02T22:00:00Z"), 0);
        assert_eq!(allowed_at("2026-03-03T05:59:59.999Z"), 0);
        assert_eq!(allowed_at("2026-03-03T06:00:00Z"), UNLIMITED);
    }

    #[test]
    fn overlapping_windows_extend_each_other() {
        let always = [scheduled("1", "0 * * * *", "1h1m")];
        for time in ["2026-03-02T12:00:00Z", "2026-03-02T12:00:30Z", "2026-03-02T12:59:59Z"] {
            assert_eq!(allowance(&always, Empty, 10, at(time)).nodes, 1, "{time}");
        }
    }

    #[test]
    fn a_schedule_that_never_comes_round_protects_always() {
        assert_eq!(allowed(&[scheduled("0", "0 0 31 2 *", "1h")], Empty, 10), 0);
    }

    #[test]
    fn a_budget_that_cannot_be_understood_allows_nothing_for_any_reason() {
        let wrong = [
            (for_reasons("ten", &[Empty]), "nodes: \"ten\" is neither a number of nodes"),
            (for_reasons("-1", &[Empty]), "nodes: \"-1\""),
            (for_reasons("10.5%", &[Empty]), "nodes: \"10.5%\""),
            (for_reasons("", &[Empty]), "nodes: \"\""),
            (scheduled("1", "0 9 * * 7", "1h"), "schedule: \"0 9 * * 7\" is not a schedule"),
            (scheduled("1", "@daily today", "1h"), "schedule: \"@daily today\" is not a schedule"),
            (scheduled("many", "0 0 1 1 *", "1h"), "nodes: \"many\""),
            (Budget { schedule: None, ..scheduled("1", "", "1h") }, "schedule: must be set with 'duration'"),
        ];
        for (budget_in_error, problem) in wrong {
            let found = allowance(&[budget("5"), budget_in_error], Drifted, 10, noon());
            assert_eq!(found.nodes, 0, "{problem}");
            let [error] = found.errors.as_slice() else { panic!("one error, not {:?}", found.errors) };
            let error = error.to_string();
            assert!(error.starts_with(&format!("spec.disruption.budgets[1].{problem}")), "{error}");
        }
    }

    #[test]
    fn which_nodes_count_and_which_use_up_the_budget() {
        let healthy = NodeStanding { initialized: true, ready: true, ..NodeStanding::default() };
        let unready = NodeStanding { ready: false, ..healthy };
        let rebooting = NodeStanding { initialized: false, rebooting: true, ready: false, ..healthy };
        let leaving = NodeStanding { marked_for_deletion: true, ..healthy };
        let gone = NodeStanding { instance_terminating: true, ..leaving };
        let starting = NodeStanding { initialized: false, ..healthy };
        for (node, counts, disrupting, disrupting_repair) in [
            (healthy, true, false, false),
            (unready, true, true, false),
            (rebooting, true, true, true),
            (leaving, true, true, true),
            (gone, false, false, false),
            (starting, false, false, false),
        ] {
            assert_eq!(node.counts(), counts, "{node:?}");
            assert_eq!(node.is_disrupting(Drifted), disrupting, "{node:?}");
            assert_eq!(node.is_disrupting(Unhealthy), disrupting_repair, "{node:?}");
        }
    }

    #[test]
    fn repair_stops_when_more_than_a_fifth_is_unhealthy() {
        for (nodes, trips_at) in [(3, 2), (5, 2), (6, 3), (10, 3)] {
            assert!(too_many_unhealthy(trips_at, nodes), "{trips_at} of {nodes}");
            assert!(!too_many_unhealthy(trips_at - 1, nodes), "{} of {nodes}", trips_at - 1);
        }
        assert!(!too_many_unhealthy(0, 0));
    }

    proptest! {
        #[test]
        fn a_further_budget_never_allows_more(
            limits in prop::collection::vec(0u32..200, 0..5), percent in 0u32..=100, nodes in 0u32..10_000,
        ) {
            let mut budgets: Vec<_> = limits.iter().map(|limit| budget(&limit.to_string())).collect();
            let before = allowed(&budgets, Empty, nodes);
            budgets.push(budget(&format!("{percent}%")));
            let after = allowed(&budgets, Empty, nodes);
            prop_assert!(after <= before);
            prop_assert!(after <= nodes || percent == 0);
            prop_assert!(percent == 0 || nodes == 0 || limits.contains(&0) || after > 0, "rounded up");
        }
    }
}
