//! Which DaemonSets a node has to carry, asked again.
//!
//! A DaemonSet counts on a node to buy if a node of that pool and type could be one that it selects; on a node that is
//! there, if it does select it. A taint that only prefers pods elsewhere keeps no DaemonSet away (specification
//! "scheduling" 4.6). What they do to the room and the ports of a node, others work out.

use super::selection::Labels;
use crate::instance_type::InstanceType;
use crate::problem::{DaemonPod, Node, NodePool};
use crate::requirement::{Name, Requirement};
use crate::requirements::{Requirements, WellKnown};
use crate::resources::Resources;
use crate::taint::{Effect, Taint, untolerated};

/// The DaemonSets whose pods the taints and labels of a pool may let in; types may still rule some out.
pub(super) fn admitted<'p>(daemons: &'p [DaemonPod], pool: &NodePool, well_known: &WellKnown) -> Vec<&'p DaemonPod> {
    let defined = |part: &Requirements| {
        part.iter()
            .all(|(key, r)| r.allows_absence() || pool.requirements.get(key).is_some() || well_known.contains(key))
    };
    let selectable = |daemon: &&DaemonPod| {
        let terms = &daemon.selection.required;
        defined(&daemon.selection.selector) && (terms.is_empty() || terms.iter().any(defined))
    };
    daemons.iter().filter(|d| tolerates(d, &pool.taints)).filter(selectable).collect()
}

/// Which of them may run on a node of this pool and type.
pub(super) fn on_type(
    admitted: &[&DaemonPod],
    pool: &NodePool,
    instance_type: &InstanceType,
    well_known: &WellKnown,
) -> Vec<usize> {
    let nothing = Requirements::new();
    let mut coming = vec![];
    for (number, daemon) in admitted.iter().enumerate() {
        let selector = &daemon.selection.selector;
        let terms = &daemon.selection.required;
        let runs = |term: &Requirements| {
            let parts = [&pool.requirements, selector, term, &instance_type.requirements];
            let named = |key: &Name| pool.requirements.get(key).is_some() || well_known.contains(key);
            selector.iter().chain(term.iter()).all(|(key, asked)| {
                (asked.allows_absence() || named(key)) && possible(parts.iter().filter_map(|part| part.get(key)))
            })
        };
        if terms.iter().any(runs) || (terms.is_empty() && runs(&nothing)) {
            coming.push(number);
        }
    }
    coming
}

/// What DaemonSet pods will still take of a node that is there.
pub(super) fn still_missing(daemons: &[DaemonPod], node: &Node) -> Resources {
    let mut sum = Resources::new();
    on_node(daemons, node).for_each(|daemon| sum.add(&daemon.requests));
    sum.iter().map(|(name, all)| (name.clone(), all.saturating_sub(node.bound_daemons.get(name)).max(0))).collect()
}

/// The DaemonSets that run on a node that is there, whether their pods have come already or not.
pub(super) fn on_node<'p>(daemons: &'p [DaemonPod], node: &'p Node) -> impl Iterator<Item = &'p DaemonPod> {
    daemons
        .iter()
        .filter(|daemon| tolerates(daemon, &node.taints) && Labels::of(node).assure(&daemon.selection).is_ok())
}

fn tolerates(daemon: &DaemonPod, taints: &[Taint]) -> bool {
    untolerated(taints, &daemon.tolerations).all(|taint| taint.effect == Effect::PreferNoSchedule)
}

/// Whether one label can meet all of these at once, by a value or by being absent.
fn possible<'r>(requirements: impl Iterator<Item = &'r Requirement> + Clone) -> bool {
    let mut all = requirements.clone();
    let Some(first) = all.next() else { return true };
    let values = all.try_fold(first.clone(), |so_far, r| so_far.has_intersection(r).then(|| so_far.intersection(r)));
    values.is_some_and(|left| left.listed().is_none_or(|values| values.len() > 0))
        || requirements.clone().all(Requirement::allows_absence)
}
