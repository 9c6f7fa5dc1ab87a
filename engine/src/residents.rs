//! What runs on the nodes, as far as it concerns pods that are to be placed: whom they count, and who repels them.
//!
//! A pod that is about to end counts no more, but keeps others away while it is there; a pod that leaves its node to be
//! placed anew does neither, for it is heard as a pod to place. Pods that concern nobody are not listed (specification
//! "scheduling" 4.9).

use crate::batch::Sets;
use crate::between_pods::{self, RuleError};
use crate::cluster::PodRecord;
use crate::nodes::NodeState;
use crate::peers::PodSets;
use dovetail_scheduler::problem::{PodTerm, Problem, Resident};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// A pod that runs where it stays, and whom it keeps away from there. The sets are those of the batch.
struct Running<'o> {
    pod: &'o PodRecord,
    repels: Vec<PodTerm>,
}

/// What runs on each of some nodes.
pub(crate) struct Residents<'o> {
    by_node: Vec<Vec<Running<'o>>>,
}

impl<'o> Residents<'o> {
    /// Hears the pods that run on these nodes and stay there. Adds to the sets those that they repel, and tells of terms that
    /// cannot be read.
    pub(crate) fn of(
        states: &[NodeState<'o>],
        sets: &mut PodSets,
        mut unreadable: impl FnMut(&PodRecord, &RuleError),
    ) -> Self {
        let mut hear = |pod: &'o PodRecord| {
            let (repels, errors) = between_pods::repelled_by(&pod.shape.pod, sets);
            errors.iter().for_each(|error| unreadable(pod, error));
            Running { pod, repels }
        };
        let stay = |state: &NodeState<'o>| -> Vec<&'o PodRecord> {
            let leaves = |pod: &PodRecord| state.is_deleting() && pod.is_replaced();
            state.pods.iter().filter(|pod| !leaves(pod)).copied().collect()
        };
        Self { by_node: states.iter().map(|state| stay(state).into_iter().map(&mut hear).collect()).collect() }
    }

    /// The sets that running pods keep away from themselves.
    pub(crate) fn repelled(&self) -> impl Iterator<Item = usize> {
        self.by_node.iter().flatten().flat_map(|running| &running.repels).map(|term| term.peers)
    }

    /// Puts the kinds of residents into the problem, and says for each node how many of which live there.
    pub(crate) fn settle(self, sets: &mut Sets<'o>, problem: &mut Problem) -> Vec<Vec<(usize, u32)>> {
        let mut register = Register::default();
        let mut out = vec![];
        for running in self.by_node {
            let mut counts: BTreeMap<usize, u32> = BTreeMap::new();
            for Running { pod, repels } in running {
                if let Some(resident) = register.enter(pod, repels, sets, problem) {
                    *counts.entry(resident).or_default() += 1;
                }
            }
            out.push(counts.into_iter().collect());
        }
        out
    }
}

/// The kinds of residents that are known.
#[derive(Default)]
struct Register {
    /// By kind of pod, whether it is about to end, and whom it repels. `None` if it concerns nobody.
    by_look: FxHashMap<(usize, bool, Vec<PodTerm>), Option<usize>>,
    by_content: FxHashMap<Resident, usize>,
}

impl Register {
    fn enter<'o>(
        &mut self,
        pod: &'o PodRecord,
        repels: Vec<PodTerm>,
        sets: &mut Sets<'o>,
        problem: &mut Problem,
    ) -> Option<usize> {
        let look = (sets.kind(pod), pod.is_terminating(), repels);
        if let Some(known) = self.by_look.get(&look) {
            return *known;
        }
        let (kind, ends, repels) = &look;
        let resident = Resident {
            member_of: if *ends { vec![] } else { sets.of_running(*kind) },
            repels: repels.iter().filter_map(|term| sets.term(term)).collect(),
        };
        let number = (resident != Resident::default()).then(|| {
            *self.by_content.entry(resident).or_insert_with_key(|resident| {
                problem.residents.push(resident.clone());
                problem.residents.len() - 1
            })
        });
        self.by_look.insert(look, number);
        number
    }
}
