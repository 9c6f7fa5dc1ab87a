//! Karpenter's answer as a plan for our problem, so that the checker of plans can be asked about it: where Karpenter breaks a
//! rule of Kubernetes to place a pod, not placing it is no fault. What follows is not known here.

use crate::answer::{Answer, Claim};
use dovetail_scheduler::plan::{Placement, Plan, PlannedClaim};
use dovetail_scheduler::problem::Problem;
use dovetail_scheduler::reasons::Unplaced;
use dovetail_scheduler::requirement::{Operator, Requirement};
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::Resources;
use dovetail_scheduler::verify::{Violation, verify};
use std::collections::HashMap;
use std::sync::Arc;

/// The rules that Karpenter's answer breaks, in words. How a plan is written down is not Karpenter's fault.
#[must_use]
pub fn broken_rules(problem: &Problem, answer: &Answer) -> Vec<String> {
    match verify(problem, &plan(problem, answer)) {
        Ok(()) => vec![],
        Err(violations) => violations.iter().filter(|v| !is_bookkeeping(v)).map(ToString::to_string).collect(),
    }
}

fn is_bookkeeping(violation: &Violation) -> bool {
    matches!(
        violation,
        Violation::WrongRequests { .. }
            | Violation::WrongPrice { .. }
            | Violation::TypesOutOfOrder { .. }
            | Violation::Disorder { .. }
            | Violation::Idle { .. }
            | Violation::NothingLowered { .. }
            | Violation::WiderThanPool { .. }
            | Violation::UndefinedDemand { .. }
    )
}

/// The answer as a plan. Pods, nodes and types that the problem does not have are left out.
#[must_use]
pub fn plan(problem: &Problem, answer: &Answer) -> Plan {
    let by_name: HashMap<&str, usize> = problem.pods.iter().enumerate().map(|(i, pod)| (&*pod.name, i)).collect();
    let numbers =
        |names: &[String]| -> Vec<usize> { names.iter().filter_map(|n| by_name.get(&**n).copied()).collect() };
    let claims: Vec<PlannedClaim> = answer.claims.iter().filter_map(|c| claim(problem, c, numbers(&c.pods))).collect();
    let mut existing: Vec<Placement> = vec![];
    for filled in &answer.existing {
        if let Some(node) = problem.nodes.iter().position(|n| *n.name == *filled.node) {
            existing.push(Placement { node, pods: numbers(&filled.pods) });
        }
    }
    existing.sort_by_key(|e| e.node);
    let mut left: Vec<bool> = vec![true; problem.pods.len()];
    for pod in claims.iter().flat_map(|c| &c.pods).chain(existing.iter().flat_map(|e| &e.pods)) {
        left[*pod] = false;
    }
    let nowhere = Arc::new(Unplaced::NoPools);
    let unplaced = left.iter().enumerate().filter(|(_, left)| **left).map(|(p, _)| (p, Arc::clone(&nowhere))).collect();
    Plan { claims, existing, unplaced, certificate: None }
}

fn claim(problem: &Problem, told: &Claim, pods: Vec<usize>) -> Option<PlannedClaim> {
    let pool = problem.pools.iter().position(|p| *p.name == *told.node_pool)?;
    let sold = &problem.pools[pool].instance_types;
    let types = told.instance_types.iter().filter_map(|name| sold.iter().position(|t| *t.name == **name)).collect();
    let mut requirements = problem.pools[pool].requirements.clone();
    for line in &told.requirements {
        narrow(&mut requirements, line);
    }
    // The reservations that a claim is pinned to.
    let reservations = problem.reservations.as_ref().and_then(|r| requirements.get(&r.label));
    let reservations = reservations.and_then(Requirement::listed).map(|ids| ids.cloned().collect()).unwrap_or_default();
    let price = dovetail_scheduler::instance_type::Price::from_dollars(told.price);
    Some(PlannedClaim {
        pool,
        types,
        requirements,
        requests: Resources::new(),
        price,
        pods,
        reservations,
        ..PlannedClaim::default()
    })
}

/// Takes in a requirement as Karpenter prints it: `key In [a b]`, `key Exists >=3 <=9`. A list that was cut short says
/// nothing that could be relied on.
fn narrow(requirements: &mut Requirements, line: &str) {
    let mut words = line.split_whitespace();
    let (Some(key), Some(operator)) = (words.next(), words.next().and_then(Operator::parse)) else { return };
    let values = line.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("", |(values, _)| values);
    let values: Vec<&str> = values.split_whitespace().collect();
    if !values.contains(&"others") {
        add(requirements, key, operator, &values);
    }
    for word in words {
        if let Some(least) = word.strip_prefix(">=") {
            add(requirements, key, Operator::Gte, &[least]);
        } else if let Some(most) = word.strip_prefix("<=") {
            add(requirements, key, Operator::Lte, &[most]);
        }
    }
}

fn add(requirements: &mut Requirements, key: &str, operator: Operator, values: &[&str]) {
    if let Ok(requirement) = Requirement::new(operator, values) {
        requirements.add(key, requirement);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_read_as_karpenter_prints_them() {
        let mut read = Requirements::new();
        for line in [
            "zone In [a b]",
            "cpu Exists >=3 <=9 minValues 2",
            "family In [a b c d e and 3 others]",
            "team DoesNotExist",
        ] {
            narrow(&mut read, line);
        }
        let zone = read.get("zone").expect("a requirement");
        assert!(zone.contains("a") && !zone.contains("c"));
        let cpu = read.get("cpu").expect("a requirement");
        assert!(cpu.contains("9") && !cpu.contains("2") && !cpu.contains("10"));
        assert!(read.get("family").is_none(), "cut short, so nothing is known of it");
        assert!(read.get("team").is_some_and(|r| !r.contains("x")));
    }
}
