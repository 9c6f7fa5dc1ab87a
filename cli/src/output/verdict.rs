//! What the checker says of a plan, as data and as a line for people. The checker is the scheduler's; which plan is asked
//! about, the command decides.

use dovetail_scheduler::plan::Plan;
use dovetail_scheduler::problem::Problem;
use dovetail_scheduler::verify::verify;
use serde::Serialize;

/// Whether a plan keeps every rule.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    /// How many pods have a place.
    pods: usize,
    /// How many nodes they are on, new ones and those that are there.
    nodes: usize,
    /// Every rule that is broken, in words; none if the plan is right.
    violations: Vec<String>,
}

impl Verdict {
    /// Asks the checker.
    pub(crate) fn of(problem: &Problem, plan: &Plan) -> Self {
        let violations = verify(problem, plan).err().unwrap_or_default();
        Self {
            pods: plan.placed(),
            nodes: plan.claims.len() + plan.existing.len(),
            violations: violations.iter().map(ToString::to_string).collect(),
        }
    }

    /// Every rule that is broken.
    pub(crate) fn violations(&self) -> &[String] {
        &self.violations
    }

    /// The verdict in a line, if every rule holds.
    pub(crate) fn line(&self) -> Option<String> {
        let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let (pods, nodes) = (counted(self.pods, "pod"), counted(self.nodes, "node"));
        self.violations.is_empty().then(|| format!("verified: every rule holds for {pods} on {nodes}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dovetail_scheduler::problem::{Pod, PodClass};

    #[test]
    fn a_plan_that_forgets_a_pod_is_not_verified() {
        let pod = Pod { name: "default/web-0".into(), uid: "1".into(), created: 0, class: 0 };
        let problem = Problem { pods: vec![pod], classes: vec![PodClass::default()], ..Problem::default() };
        let verdict = Verdict::of(&problem, &Plan::default());
        assert_eq!(verdict.line(), None);
        let expected = "pod default/web-0 is neither placed nor listed as unplaced: every pod must be accounted for";
        assert_eq!(verdict.violations(), [expected]);
    }

    #[test]
    fn a_plan_for_nothing_is_right() {
        let verdict = Verdict::of(&Problem::default(), &Plan::default());
        assert_eq!(verdict.line().as_deref(), Some("verified: every rule holds for 0 pods on 0 nodes\n"));
    }
}
