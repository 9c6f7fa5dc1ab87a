//! Does anti-affinity hold, in both directions?
//!
//! A pod keeps its distance from others of a set, whoever came first. A site that may be in several domains is in all of
//! them for this rule. Pods that run already are not judged among themselves.

use super::super::Violation;
use super::domains::{Domains, Reach};
use super::rules::{Rules, Term};
use super::sites::{Site, Sites};
use crate::problem::Problem;
use rustc_hash::{FxHashMap, FxHashSet};

/// Who is in a domain, as far as one rule is concerned.
#[derive(Clone, Copy, Default)]
struct Count {
    /// Pods of the set that run there.
    residents: u64,
    /// Pods of the set that the plan puts there.
    coming: u64,
    /// Whether a pod that runs there insists on the rule.
    guarded: bool,
}

/// Stands for every domain that is not known.
const ELSEWHERE: usize = usize::MAX;

/// Checks every rule of pods to keep away from others.
pub(super) fn check(
    problem: &Problem,
    sites: &Sites<'_>,
    rules: &Rules<'_>,
    domains: &Domains<'_>,
    found: &mut Vec<Violation>,
) {
    let mut owners: Vec<Vec<usize>> = vec![vec![]; rules.apart.len()];
    for (class, own) in rules.of_class.iter().enumerate() {
        own.apart.iter().for_each(|rule| owners[*rule].push(class));
    }
    let guards = guards(problem, sites, rules);
    // Who is in a set is asked once for all rules about it.
    let mut of_set: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
    for (class, needs) in problem.classes.iter().enumerate().filter(|(class, _)| !sites.of_class(*class).is_empty()) {
        needs.member_of.iter().for_each(|peers| of_set.entry(*peers).or_default().push(class));
    }
    for (number, term) in rules.apart.iter().enumerate() {
        let counts = counts(sites, domains, term, &guards[number]);
        for class in &owners[number] {
            refused_by_itself(problem, sites, domains, (term, *class), &counts, found);
        }
        if !guards[number].is_empty() {
            for class in of_set.get(&term.peers).into_iter().flatten() {
                refused_by_residents(sites, domains, (term, *class), &counts, found);
            }
        }
    }
}

/// By rule, the sites where a pod runs that insists on it.
fn guards(problem: &Problem, sites: &Sites<'_>, rules: &Rules<'_>) -> Vec<Vec<usize>> {
    let mut guards: Vec<FxHashSet<usize>> = vec![FxHashSet::default(); rules.apart.len()];
    for (site, kind) in sites.all.iter().enumerate() {
        let Site::Node(node) = kind else { continue };
        for (resident, _) in problem.nodes[*node].residents.iter().filter(|(_, pods)| *pods > 0) {
            let repels = rules.of_resident.get(*resident).into_iter().flatten();
            repels.for_each(|rule| {
                guards[*rule].insert(site);
            });
        }
    }
    guards.into_iter().map(|sites| sites.into_iter().collect()).collect()
}

fn counts(sites: &Sites<'_>, domains: &Domains<'_>, term: &Term, guards: &[usize]) -> FxHashMap<usize, Count> {
    let mut counts: FxHashMap<usize, Count> = FxHashMap::default();
    for presence in sites.members(term.peers) {
        for domain in every(domains.reach(presence.site, term.key), domains.len(term.key)) {
            let count = counts.entry(domain).or_default();
            count.residents += presence.residents;
            count.coming += presence.coming;
        }
    }
    for site in guards {
        for domain in every(domains.reach(*site, term.key), domains.len(term.key)) {
            counts.entry(domain).or_default().guarded = true;
        }
    }
    counts
}

/// All domains that a site may be in.
fn every(reach: &Reach, known: usize) -> impl Iterator<Item = usize> + '_ {
    let unforeseen = (0..known).chain([ELSEWHERE]).filter(|d| reach.anything && !reach.known.contains(d));
    reach.known.iter().copied().chain(unforeseen)
}

/// Placed pods that insist on the rule are among others of the set.
fn refused_by_itself(
    problem: &Problem,
    sites: &Sites<'_>,
    domains: &Domains<'_>,
    (term, class): (&Term, usize),
    counts: &FxHashMap<usize, Count>,
    found: &mut Vec<Violation>,
) {
    let itself = u64::from(problem.classes[class].member_of.contains(&term.peers));
    for placed in sites.of_class(class) {
        let reach = domains.reach(placed.site, term.key);
        let others = |domain: &usize| {
            let count = counts.get(domain).copied().unwrap_or_default();
            (count.residents + count.coming).saturating_sub(itself)
        };
        if let Some(domain) = every(reach, domains.len(term.key)).find(|domain| others(domain) > 0) {
            found.push(Violation::Together {
                place: sites.place(placed.site),
                pod: placed.pod.clone(),
                key: domains.key(term.key).clone(),
                domain: domains.name(term.key, domain).cloned(),
                peers: sites.peers(term.peers),
                others: others(&domain),
            });
        }
    }
}

/// Placed pods of the set are with a running pod that insists on the rule.
fn refused_by_residents(
    sites: &Sites<'_>,
    domains: &Domains<'_>,
    (term, class): (&Term, usize),
    counts: &FxHashMap<usize, Count>,
    found: &mut Vec<Violation>,
) {
    for placed in sites.of_class(class) {
        let reach = domains.reach(placed.site, term.key);
        let guarded = |domain: &usize| counts.get(domain).is_some_and(|count| count.guarded);
        if let Some(domain) = every(reach, domains.len(term.key)).find(guarded) {
            found.push(Violation::Repelled {
                place: sites.place(placed.site),
                pod: placed.pod.clone(),
                key: domains.key(term.key).clone(),
                domain: domains.name(term.key, domain).cloned(),
                peers: sites.peers(term.peers),
            });
        }
    }
}
