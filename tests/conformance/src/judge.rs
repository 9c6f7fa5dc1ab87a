//! Is a plan as good as Karpenter's? It keeps every rule, places every pod that Karpenter places, and costs at most a
//! little more than Karpenter's dearest run. Which of several equal replicas has the place does not matter.

use crate::answer::Answer;
use crate::corpus::Head;
use crate::translate;
use dovetail::offline::{self, Planned};
use dovetail_scheduler::verify::verify;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// How much more than Karpenter's dearest run a plan may cost, as a share of it.
pub const TOLERANCE: f64 = 0.02;

/// Prices below this difference are equal, in dollars per hour.
const EPSILON: f64 = 1e-6;

/// What is wrong with a plan.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// There is none, and why.
    NoPlan(String),
    /// It breaks a rule, in words.
    Wrong(String),
    /// Karpenter places this pod, and we do not.
    NotPlaced {
        /// Namespace and name.
        pod: String,
        /// What we say about it.
        why: String,
    },
    /// It costs too much; dollars per hour.
    Dearer {
        /// What ours costs.
        ours: f64,
        /// What Karpenter's dearest costs.
        dearest: f64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPlan(why) => write!(f, "no plan: {why}"),
            Self::Wrong(violation) => write!(f, "breaks a rule: {violation}"),
            Self::NotPlaced { pod, why } => write!(f, "does not place {pod}, Karpenter does: {why}"),
            Self::Dearer { ours, dearest } => {
                write!(
                    f,
                    "costs ${ours:.4}/h, Karpenter's dearest run ${dearest:.4}/h ({:+.2} %)",
                    over(*ours, *dearest)
                )
            }
        }
    }
}

fn over(ours: f64, theirs: f64) -> f64 {
    if theirs > 0.0 { (ours / theirs - 1.0) * 100.0 } else { 100.0 }
}

/// How a plan compares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Everything that is wrong.
    pub faults: Vec<Fault>,
    /// What our plan and Karpenter's mean run cost, in dollars per hour, if both place the same number of pods.
    pub costs: Option<(f64, f64)>,
    /// How many more pods we place than Karpenter.
    pub more: usize,
    /// The rules that Karpenter's plan breaks, in words; told only where ours is found worse.
    pub karpenters_faults: Vec<String>,
}

impl Verdict {
    /// Whether the plan is right, and either as good as Karpenter's or worse than one that breaks rules.
    #[must_use]
    pub fn is_excused(&self) -> bool {
        let is_comparison = |fault: &Fault| matches!(fault, Fault::NotPlaced { .. } | Fault::Dearer { .. });
        !self.karpenters_faults.is_empty() && self.faults.iter().all(is_comparison)
    }
}

/// The policy that does as Karpenter does.
const SAME_RULE: &str = "karpenter";

/// Asks Dovetail for a plan, as `dovetail plan` with the scenario's settings would; it is the same on every machine.
///
/// # Errors
/// When there is no plan, or deciding panicked.
pub fn ask(head: &Head, scenario: &Path) -> Result<Planned, Fault> {
    ask_with(head, scenario, &[])
}

fn ask_with(head: &Head, scenario: &Path, more: &[&str]) -> Result<Planned, Fault> {
    let mut arguments: Vec<OsString> = vec!["--deterministic".into(), "--catalog".into()];
    arguments.extend([head.catalogue.clone().into(), scenario.into()]);
    arguments.extend(head.settings.iter().map(Into::into));
    arguments.extend(more.iter().map(Into::into));
    match catch_unwind(AssertUnwindSafe(|| offline::plan(arguments))) {
        Ok(planned) => planned.map_err(|e| Fault::NoPlan(e.to_string())),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it did not say why");
            Err(Fault::NoPlan(format!("deciding panicked: {said}")))
        }
    }
}

/// Asks Dovetail alone about a scenario whose answer is known, as for the corpus: with the policy that it has by default,
/// and with Karpenter's own rule, whose faults count as well.
#[must_use]
pub fn judge_known(head: &Head, scenario: &Path, answer: &Answer) -> Verdict {
    let judged = |planned: Result<Planned, Fault>| match planned {
        Ok(planned) => judge(&planned, answer),
        Err(fault) => Verdict { faults: vec![fault], ..Verdict::default() },
    };
    let mut verdict = judged(ask(head, scenario));
    for fault in judged(ask_with(head, scenario, &["--policy", SAME_RULE])).faults {
        if !verdict.faults.contains(&fault) {
            verdict.faults.push(fault);
        }
    }
    verdict
}

/// Judges a plan.
#[must_use]
pub fn judge(planned: &Planned, karpenter: &Answer) -> Verdict {
    let mut verdict = Verdict::default();
    if let Err(violations) = verify(&planned.round.problem, &planned.plan) {
        verdict.faults.extend(violations.iter().map(|v| Fault::Wrong(v.to_string())));
    }
    let (missing, more) = compare_pods(planned, karpenter);
    verdict.more = more;
    if more == 0 && missing.is_empty() {
        let (ours, dearest) = (planned.plan.cost().dollars(), karpenter.dearest());
        if ours > dearest * (1.0 + TOLERANCE) + EPSILON {
            verdict.faults.push(Fault::Dearer { ours, dearest });
        }
        verdict.costs = Some((ours, karpenter.mean()));
    }
    verdict.faults.extend(missing);
    if !verdict.faults.is_empty() {
        verdict.karpenters_faults = translate::broken_rules(&planned.round.problem, karpenter);
    }
    verdict
}

/// The pods that only Karpenter places, and how many more we place than it does. A replica that only we place stands for
/// one of its kind that only Karpenter places.
fn compare_pods(planned: &Planned, karpenter: &Answer) -> (Vec<Fault>, usize) {
    let problem = &planned.round.problem;
    let plan = &planned.plan;
    let class: BTreeMap<&str, usize> = problem.pods.iter().map(|p| (&*p.name, p.class)).collect();
    let pods = plan.claims.iter().flat_map(|c| &c.pods).chain(plan.existing.iter().flat_map(|e| &e.pods));
    let ours: BTreeSet<&str> = pods.filter_map(|p| problem.pods.get(*p)).map(|p| &*p.name).collect();
    let theirs = karpenter.placed();

    let mut spare: BTreeMap<usize, usize> = BTreeMap::new();
    for pod in ours.difference(&theirs) {
        if let Some(class) = class.get(pod) {
            *spare.entry(*class).or_default() += 1;
        }
    }
    let mut missing = vec![];
    for pod in theirs.difference(&ours) {
        match class.get(pod).and_then(|c| spare.get_mut(c)) {
            Some(left) if *left > 0 => *left -= 1,
            _ => missing.push(Fault::NotPlaced { pod: (*pod).to_owned(), why: why_not(planned, pod) }),
        }
    }
    (missing, spare.values().sum())
}

fn why_not(planned: &Planned, pod: &str) -> String {
    let problem = &planned.round.problem;
    let unplaced = planned.plan.unplaced.iter().find(|(p, _)| problem.pods.get(*p).is_some_and(|p| &*p.name == pod));
    if let Some((p, why)) = unplaced {
        return why.explain(problem, problem.class_of(*p));
    }
    match planned.round.rejected.iter().find(|(p, _)| p == pod) {
        Some((_, why)) => why.to_string(),
        None => "it does not count as pending".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Claim, Existing};
    use dovetail_engine::provisioning::Round;
    use dovetail_scheduler::instance_type::Price;
    use dovetail_scheduler::plan::{Plan, PlannedClaim};
    use dovetail_scheduler::problem::{Pod, PodClass, Problem};

    /// Two replicas of web and one of db; the pods of these numbers are placed on a node at this price.
    fn ours(pods: &[usize], dollars: f64) -> Planned {
        let pod = |name: &str, class| Pod { name: name.into(), uid: name.into(), created: 0, class };
        let problem = Problem {
            pods: vec![pod("d/web-0", 0), pod("d/web-1", 0), pod("d/db-0", 1)],
            classes: vec![PodClass::default(), PodClass { member_of: vec![0], ..PodClass::default() }],
            peers: vec!["app=db in d".into()],
            ..Problem::default()
        };
        let claim =
            PlannedClaim { pods: pods.to_vec(), price: Price::from_dollars(dollars), ..PlannedClaim::default() };
        let plan = Plan { claims: vec![claim], ..Plan::default() };
        Planned { policy: "test", round: Round { problem, ..Round::default() }, plan, seconds: 0.0 }
    }

    fn theirs(pods: &[&str], costs: &[f64]) -> Answer {
        let pods: Vec<String> = pods.iter().map(|p| (*p).to_owned()).collect();
        let (new, old) = pods.split_at(pods.len().min(1));
        Answer {
            cost: costs[0],
            costs: costs.to_vec(),
            claims: vec![Claim { pods: new.to_vec(), ..Claim::default() }],
            existing: vec![Existing { node: "n".into(), pods: old.to_vec() }],
            ..Answer::default()
        }
    }

    /// What the comparison finds; that the plan of the story breaks rules is not its business.
    fn compared(ours: &Planned, theirs: &Answer) -> Vec<Fault> {
        let faults = judge(ours, theirs).faults;
        faults.into_iter().filter(|f| !matches!(f, Fault::Wrong(_))).collect()
    }

    #[test]
    fn which_of_two_replicas_is_placed_does_not_matter() {
        assert_eq!(compared(&ours(&[1, 2], 1.0), &theirs(&["d/web-0", "d/db-0"], &[1.0])), []);
    }

    #[test]
    fn a_pod_of_another_kind_does_not_stand_for_one_that_is_missing() {
        let faults = compared(&ours(&[0, 1], 1.0), &theirs(&["d/web-0", "d/db-0"], &[1.0]));
        assert!(matches!(faults.as_slice(), [Fault::NotPlaced { pod, .. }] if pod == "d/db-0"), "{faults:?}");
    }

    #[test]
    fn the_dearest_run_counts_and_two_percent_are_forgiven() {
        let karpenter = theirs(&["d/web-0"], &[0.8, 1.0, 0.9]);
        assert_eq!(compared(&ours(&[0], 1.0199), &karpenter), []);
        assert_eq!(compared(&ours(&[0], 1.0201), &karpenter), [Fault::Dearer { ours: 1.0201, dearest: 1.0 }]);
    }

    #[test]
    fn who_places_more_may_pay_more() {
        let verdict = judge(&ours(&[0, 1, 2], 5.0), &theirs(&["d/web-0"], &[1.0]));
        assert_eq!((verdict.more, verdict.costs), (2, None));
        assert!(!verdict.faults.iter().any(|f| matches!(f, Fault::Dearer { .. })));
    }

    #[test]
    fn an_excuse_needs_a_fault_of_karpenters_and_none_of_ours() {
        let with = |ours: Vec<Fault>, karpenters: &[&str]| Verdict {
            faults: ours,
            karpenters_faults: karpenters.iter().map(|f| (*f).to_owned()).collect(),
            ..Verdict::default()
        };
        let dearer = Fault::Dearer { ours: 2.0, dearest: 1.0 };
        assert!(with(vec![dearer.clone()], &["two pods on one port"]).is_excused());
        assert!(!with(vec![dearer.clone()], &[]).is_excused());
        assert!(!with(vec![dearer, Fault::Wrong("a taint".into())], &["two pods on one port"]).is_excused());
    }
}
