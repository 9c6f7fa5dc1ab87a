//! Is what goes to the nodes that are there in order?
//!
//! A node that is there has exactly its labels: what it does not name it does not have. Its room is what is available,
//! less what DaemonSet pods will still take of it (specification "scheduling" 4.4). One that is going away takes nothing.

use super::accounting::{by_class, out_of_range, requests};
use super::daemons::still_missing;
use super::selection::{Labels, misplaced};
use super::{List, Place, Violation, ports, volumes};
use crate::plan::Plan;
use crate::problem::{Node, Problem};
use crate::requirement::Name;
use crate::resources::Resources;
use std::collections::BTreeSet;

/// Checks every node that takes pods.
pub(super) fn check(problem: &Problem, plan: &Plan, found: &mut Vec<Violation>) {
    for (index, placement) in plan.existing.iter().enumerate() {
        let Some(node) = problem.nodes.get(placement.node) else {
            let holder = format!("placement {index} on existing nodes");
            found.push(out_of_range(holder, List::Nodes, placement.node, problem.nodes.len()));
            continue;
        };
        let place = Place::Node(node.name.clone());
        let groups = by_class(problem, &placement.pods);
        if let Some(group) = groups.first().filter(|_| node.leaving) {
            found.push(Violation::Leaving { place: place.clone(), pod: group.pod.clone() });
        }
        let labels = Labels::of(node);
        found.extend(groups.iter().flat_map(|group| misplaced(group, &place, &node.taints, &labels)));
        ports::on_node(problem, &place, &placement.pods, &groups, node, found);
        volumes::on_node(&place, &groups, node, found);
        if placement.pods.is_empty() {
            found.push(Violation::Idle { place });
        } else {
            found.extend(short(problem, node, &requests(&groups)));
        }
    }
}

/// The first resource of which the node has too little.
fn short(problem: &Problem, node: &Node, needed: &Resources) -> Option<Violation> {
    let missing = still_missing(&problem.daemons, node);
    let names: BTreeSet<&Name> =
        [&node.available, &missing, needed].into_iter().flat_map(|r| r.iter().map(|(k, _)| k)).collect();
    let room = |name: &Name| node.available.get(name).saturating_sub(missing.get(name));
    let name = names.into_iter().find(|name| room(name) < needed.get(name).max(0))?;
    let place = Place::Node(node.name.clone());
    Some(Violation::Overfull { place, resource: name.clone(), room: room(name), needed: needed.get(name) })
}
