//! Are the rules between pods kept: spread, affinity and anti-affinity?
//!
//! Anti-affinity holds for good: the order of placement does not matter to it, so the final state is judged. Spread and
//! affinity are rules of the moment in which a pod is placed (specification "scheduling" 4.9). Where the final state keeps
//! a spread, it is kept; otherwise, and for every affinity, an order of placement is searched in which each step was right.
//! To complain means that none was found. Preferences do not count here.

#[cfg(test)]
mod affinity_tests;
mod apart;
mod domains;
mod order;
mod rules;
mod sites;
mod spread;
#[cfg(test)]
mod spread_tests;
mod tally;

use super::Violation;
use super::shops::Shops;
use crate::plan::Plan;
use crate::problem::Problem;
use domains::Domains;
use order::Rulebook;
use rules::Rules;
use sites::Sites;
use spread::Finding;
use std::collections::BTreeSet;

/// Checks every rule between pods.
pub(super) fn check<'p>(problem: &'p Problem, plan: &'p Plan, shops: &mut Shops<'p>, found: &mut Vec<Violation>) {
    let sites = Sites::of(problem, plan);
    let rules = Rules::of(problem, &sites);
    if rules.is_empty() {
        return;
    }
    let mut domains = Domains::of(problem, plan, &sites, &rules, shops);
    apart::check(problem, &sites, &rules, &domains, found);
    let spreads = spread::count(&sites, &rules, &mut domains, shops);
    let askew = spread::check(problem, &sites, &rules, &domains, &spreads);
    for group in entangled(problem, &rules) {
        let findings: Vec<&Finding> = askew.iter().filter(|f| group.contains(&Rule::Spread(f.spreading))).collect();
        let near = group.iter().any(|rule| matches!(rule, Rule::Near(_)));
        let book =
            Rulebook { problem, sites: &sites, rules: &rules, domains: &domains, spreads: &spreads, group: &group };
        if !findings.is_empty() {
            if book.order(true).is_ok() {
                continue;
            }
            found.extend(findings.into_iter().map(|finding| finding.violation.clone()));
        }
        if near && let Err(lonely) = book.order(false) {
            found.extend(lonely);
        }
    }
}

/// A spread or an affinity, by its number among the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Rule {
    Spread(usize),
    Near(usize),
}

/// Rules that share pods, and so share the order in which pods are placed.
fn entangled(problem: &Problem, rules: &Rules<'_>) -> Vec<BTreeSet<Rule>> {
    let all: Vec<(Rule, usize)> = (rules.spreads.iter().enumerate().map(|(n, s)| (Rule::Spread(n), s.peers)))
        .chain(rules.near.iter().enumerate().map(|(n, t)| (Rule::Near(n), t.peers)))
        .collect();
    let number = |rule: Rule| match rule {
        Rule::Spread(n) => n,
        Rule::Near(n) => rules.spreads.len() + n,
    };
    let mut about: Vec<Vec<usize>> = vec![vec![]; problem.peers.len()];
    for (rule, peers) in &all {
        if let Some(about) = about.get_mut(*peers) {
            about.push(number(*rule));
        }
    }
    let mut leader: Vec<usize> = (0..all.len()).collect();
    for (class, own) in problem.classes.iter().zip(&rules.of_class) {
        let spreads = own.bounds.iter().map(|bound| number(Rule::Spread(bound.spreading)));
        let near = own.near.iter().map(|near| number(Rule::Near(near.term)));
        let counted = class.member_of.iter().filter_map(|peers| about.get(*peers)).flatten().copied();
        let mut touched = spreads.chain(near).chain(counted);
        if let Some(first) = touched.next() {
            touched.for_each(|other| join(&mut leader, first, other));
        }
    }
    let mut groups: Vec<BTreeSet<Rule>> = vec![BTreeSet::new(); all.len()];
    for (number, (rule, _)) in all.iter().enumerate() {
        groups[lead(&mut leader, number)].insert(*rule);
    }
    groups.into_iter().filter(|group| !group.is_empty()).collect()
}

fn lead(leader: &mut [usize], mut of: usize) -> usize {
    while leader[of] != of {
        leader[of] = leader[leader[of]];
        of = leader[of];
    }
    of
}

fn join(leader: &mut [usize], a: usize, b: usize) {
    let (a, b) = (lead(leader, a), lead(leader, b));
    leader[a.max(b)] = a.min(b);
}
