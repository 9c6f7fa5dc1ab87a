//! Nodes that are there, or on their way: what they still take.
//!
//! A pod goes to the first node, in the problem's order, that tolerates, selects and holds it. What a node is like does
//! not change when pods come, so only its room is kept.

use super::Seeker;
use crate::daemons;
use crate::market::Columns;
use crate::problem::{Node, Problem};
use crate::requirements::WellKnown;
use crate::taint::untolerated;

/// The nodes of a problem, filling up.
pub(super) struct Nodes<'p> {
    nodes: Vec<State<'p>>,
    /// A node defines all its labels: nothing else may be asked for.
    nothing_undefined: WellKnown,
}

struct State<'p> {
    node: &'p Node,
    /// What is left, less what DaemonSets will still put there; `None` if it is overfull already.
    room: Option<Vec<i64>>,
    pods: Vec<usize>,
}

impl<'p> Nodes<'p> {
    pub(super) fn new(problem: &'p Problem, columns: &Columns) -> Self {
        let state = |node: &'p Node| {
            let mut left = node.available.clone();
            let to_come = daemons::still_to_come(&problem.daemons, node);
            let known = to_come.iter().all(|(k, v)| v == 0 || left.has(k));
            left.subtract_known(&to_come);
            let room = (known && left.iter().all(|(_, v)| v >= 0)).then(|| columns.row(&left));
            State { node, room, pods: vec![] }
        };
        Self { nodes: problem.nodes.iter().map(state).collect(), nothing_undefined: WellKnown::new() }
    }

    /// Puts a pod on the first node that takes it. Nodes that refuse are not asked again by the same seeker.
    pub(super) fn place(&mut self, pod: usize, seeker: &mut Seeker) -> bool {
        while let Some(state) = self.nodes.get_mut(seeker.next_node) {
            if state.takes(seeker, &self.nothing_undefined) {
                state.pods.push(pod);
                return true;
            }
            seeker.next_node += 1;
        }
        false
    }

    /// The nodes that take something, and what.
    pub(super) fn placements(&mut self) -> impl Iterator<Item = (usize, Vec<usize>)> {
        let filled = self.nodes.iter_mut().enumerate().filter(|(_, state)| !state.pods.is_empty());
        filled.map(|(n, state)| (n, std::mem::take(&mut state.pods)))
    }
}

impl State<'_> {
    /// Takes the pod's requests off the room, if the node can have it.
    fn takes(&mut self, seeker: &Seeker, nothing_undefined: &WellKnown) -> bool {
        let Some(room) = &mut self.room else { return false };
        let fits = room.iter().zip(&seeker.requests).all(|(left, asked)| asked <= left)
            && untolerated(&self.node.taints, &seeker.reading.tolerations).next().is_none()
            && self.node.labels.compatible(&seeker.reading.requirements, nothing_undefined).is_ok();
        if fits {
            room.iter_mut().zip(&seeker.requests).for_each(|(left, asked)| *left -= asked);
        }
        fits
    }
}
