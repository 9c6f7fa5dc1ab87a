//! Policies: ways to answer a problem with a plan.
//!
//! A policy is one file that implements [`Policy`] and one line in [`POLICIES`]; then it can be planned with, simulated
//! and compared. What is a valid plan does not depend on the policy: [`run`] holds every one to [`verify`](crate::verify).

use crate::cost::Memory;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::verify::verify;

mod best_fit;
mod cheapest_per_resource;
mod cost;
mod first_fit_decreasing;
mod karpenter;
mod search;

pub use best_fit::BestFit;
pub use cheapest_per_resource::CheapestPerResource;
pub use cost::Cost;
pub use first_fit_decreasing::FirstFitDecreasing;
pub use karpenter::Karpenter;
pub use search::Search;

/// A way to answer a problem with a plan.
pub trait Policy: Sync {
    /// The name it is asked for by.
    fn name(&self) -> &'static str;

    /// What it does, in a line, for people who choose.
    fn summary(&self) -> &'static str;

    /// Decides. The same problem, search and memory always give the same plan, unless time runs out.
    fn plan(&self, problem: &Problem, search: &Search<'_>, memory: &mut Memory) -> Plan;
}

/// Every policy there is.
pub const POLICIES: &[&dyn Policy] = &[&Cost, &Karpenter, &FirstFitDecreasing, &BestFit, &CheapestPerResource];

/// The policy of that name.
pub fn by_name(name: &str) -> Option<&'static dyn Policy> {
    POLICIES.iter().copied().find(|p| p.name() == name)
}

/// Has a policy decide. In builds with debug assertions the plan is verified before anyone sees it.
///
/// # Panics
/// With debug assertions, when the plan breaks a rule: that is a mistake in the policy, never in the problem.
pub fn run(policy: &dyn Policy, problem: &Problem, search: &Search<'_>, memory: &mut Memory) -> Plan {
    let plan = policy.plan(problem, search, memory);
    if cfg!(debug_assertions)
        && let Err(violations) = verify(problem, &plan)
    {
        let said: Vec<String> = violations.iter().map(ToString::to_string).collect();
        panic!("policy {} made a wrong plan:\n{}", policy.name(), said.join("\n"));
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Pod, PodClass};

    /// Forgets every pod.
    struct Forgetful;

    impl Policy for Forgetful {
        fn name(&self) -> &'static str {
            "forgetful"
        }

        fn summary(&self) -> &'static str {
            "does nothing at all"
        }

        fn plan(&self, _: &Problem, _: &Search<'_>, _: &mut Memory) -> Plan {
            Plan::default()
        }
    }

    fn one_pod() -> Problem {
        let pod = Pod { name: "default/web-0".into(), uid: "1".into(), created: 0, class: 0 };
        Problem { pods: vec![pod], classes: vec![PodClass::default()], ..Problem::default() }
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "policy forgetful made a wrong plan:\npod default/web-0 is neither placed")]
    fn a_wrong_plan_is_caught_where_it_is_made() {
        run(&Forgetful, &one_pod(), &Search::default(), &mut Memory::default());
    }

    #[test]
    fn policies_are_found_by_name_and_their_plans_are_right() {
        for policy in POLICIES {
            assert_eq!(by_name(policy.name()).map(Policy::name), Some(policy.name()));
            let plan = run(*policy, &one_pod(), &Search::default(), &mut Memory::default());
            assert_eq!(plan.unplaced.len(), 1, "there is no pool to place it in");
        }
        assert!(by_name("forgetful").is_none());
    }
}
