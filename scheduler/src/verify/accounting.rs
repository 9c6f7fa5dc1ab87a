//! Is every pod accounted for, and who is where?
//!
//! Every pod is placed once or listed as unplaced once, and lists come in the order of the problem. What a pod needs of
//! its place is not asked here.

use super::{List, Violation};
use crate::plan::Plan;
use crate::problem::{PodClass, PodTerms, Problem};
use crate::requirement::Name;
use crate::resources::Resources;
use std::collections::BTreeMap;

/// Checks that the plan speaks of every pod once.
pub(super) fn check(problem: &Problem, plan: &Plan, found: &mut Vec<Violation>) {
    let mut times = vec![0; problem.pods.len()];
    let mut count = |holder: &dyn Fn() -> String, pods: &mut dyn Iterator<Item = usize>| {
        for pod in pods {
            match times.get_mut(pod) {
                Some(times) => *times += 1,
                None => found.push(out_of_range(holder(), List::Pods, pod, problem.pods.len())),
            }
        }
    };
    for (index, claim) in plan.claims.iter().enumerate() {
        count(&|| format!("claim {index}"), &mut claim.pods.iter().copied());
    }
    for (index, placement) in plan.existing.iter().enumerate() {
        count(&|| format!("placement {index} on existing nodes"), &mut placement.pods.iter().copied());
    }
    count(&|| "the list of unplaced pods".to_owned(), &mut plan.unplaced.iter().map(|(pod, _)| *pod));

    for (pod, times) in problem.pods.iter().zip(times) {
        match times {
            0 => found.push(Violation::Forgotten { pod: pod.name.clone() }),
            1 => {}
            times => found.push(Violation::Repeated { pod: pod.name.clone(), times }),
        }
        if pod.class >= problem.classes.len() {
            found.push(out_of_range(format!("pod {}", pod.name), List::Classes, pod.class, problem.classes.len()));
        }
    }
    names_of_sets(problem, found);
    if !plan.unplaced.is_sorted_by(|a, b| a.0 < b.0) {
        found.push(Violation::Disorder { list: List::Unplaced });
    }
    if !plan.existing.is_sorted_by(|a, b| a.node < b.node) {
        found.push(Violation::Disorder { list: List::Existing });
    }
}

/// Every set of pods and every kind of running pod that is spoken of is there.
fn names_of_sets(problem: &Problem, found: &mut Vec<Violation>) {
    let mut sets = |holder: &dyn Fn() -> String, mut peers: &mut dyn Iterator<Item = usize>| {
        if let Some(unknown) = Iterator::find(&mut peers, |peers| *peers >= problem.peers.len()) {
            found.push(out_of_range(holder(), List::Peers, unknown, problem.peers.len()));
        }
    };
    let wanted = |terms: &PodTerms| -> Vec<usize> {
        terms.required.iter().chain(terms.preferred.iter().map(|(_, term)| term)).map(|term| term.peers).collect()
    };
    for (number, class) in problem.classes.iter().enumerate() {
        let spread = class.spread.iter().map(|spread| spread.peers);
        let terms = wanted(&class.affinity).into_iter().chain(wanted(&class.anti_affinity));
        sets(&|| format!("pod class {number}"), &mut class.member_of.iter().copied().chain(spread).chain(terms));
    }
    for (number, resident) in problem.residents.iter().enumerate() {
        let repels = resident.repels.iter().map(|term| term.peers);
        let holder = || format!("kind {number} of running pods");
        sets(&holder, &mut resident.member_of.iter().copied().chain(repels));
    }
    let kinds = problem.residents.len();
    for node in &problem.nodes {
        if let Some((unknown, _)) = node.residents.iter().find(|(kind, _)| *kind >= kinds) {
            found.push(out_of_range(format!("node {}", node.name), List::Residents, *unknown, kinds));
        }
    }
}

pub(super) fn out_of_range(holder: String, list: List, index: usize, len: usize) -> Violation {
    Violation::OutOfRange { holder, list, index, len }
}

/// The pods of one class at one place.
pub(super) struct Group<'p> {
    /// The number of the class.
    pub(super) number: usize,
    pub(super) class: &'p PodClass,
    /// The first of the pods, which is named where all are meant.
    pub(super) pod: &'p Name,
    /// How many there are.
    pub(super) pods: i64,
}

/// The pods of a place by class, in the order of the classes; what is out of range is left out.
pub(super) fn by_class<'p>(problem: &'p Problem, pods: &[usize]) -> Vec<Group<'p>> {
    let mut groups: BTreeMap<usize, Group<'p>> = BTreeMap::new();
    for pod in pods.iter().filter_map(|pod| problem.pods.get(*pod)) {
        if let Some(class) = problem.classes.get(pod.class) {
            let group = Group { number: pod.class, class, pod: &pod.name, pods: 0 };
            groups.entry(pod.class).or_insert(group).pods += 1;
        }
    }
    groups.into_values().collect()
}

/// What all these pods ask for.
pub(super) fn requests(groups: &[Group<'_>]) -> Resources {
    let mut sum = Resources::new();
    for group in groups {
        for (name, each) in group.class.requests.iter() {
            sum.set(name.clone(), sum.get(name).saturating_add(each.saturating_mul(group.pods)));
        }
    }
    sum
}
