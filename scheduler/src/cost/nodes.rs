//! The room on nodes that are there: bins that cost nothing, each to be filled once.
//!
//! Nodes of which nothing tells them apart are one shape. Where there are more kinds than can be reckoned with, a proof takes
//! similar nodes for nodes that have the best of each, which can only make it weaker, and a plan leaves them to first fit.

use super::drafts::Draft;
use super::model::{Compiler, View};
use crate::bitset::Bits;
use crate::daemons;
use crate::problem::{Node, PodClass, PodTerm};
use crate::requirement::{Name, Requirement};
use crate::requirements::WellKnown;
use crate::taint::{Taint, untolerated};
use dovetail_api::labels::{HOSTNAME, normalize};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// Some nodes of the same room that take the same items.
pub(super) struct Room {
    /// Which of the problem's nodes.
    pub(super) numbers: Vec<usize>,
    /// What is left of each resource that anyone asks for.
    pub(super) room: Vec<i64>,
    /// By CSI driver, ascending, how many more volumes can be attached; a driver that is not named has no limit.
    pub(super) attachable: Vec<(Name, u32)>,
    pub(super) takes: Bits,
}

/// What tells nodes apart: which items they take, the room that is left, and the volumes that can be attached by driver.
type Kind = (Bits, Vec<i64>, Vec<(Name, u32)>);

/// So many kinds of nodes are told apart.
const MOST_KINDS: usize = 300;

impl Compiler<'_> {
    /// The nodes that take some of the items; `None` if a plan should leave them to first fit.
    pub(super) fn nodes(&self, drafts: &[Draft], view: View) -> Option<Vec<Room>> {
        let problem = self.problem;
        let mut gates = Gates::of(self, drafts);
        let mut kinds: FxHashMap<Kind, Vec<usize>> = FxHashMap::default();
        for (number, node) in problem.nodes.iter().enumerate().filter(|(_, n)| !n.leaving) {
            let free = self.columns.row(&node.available);
            let coming = self.columns.row(&daemons::still_to_come(&problem.daemons, node));
            let room: Vec<i64> = free.iter().zip(&coming).map(|(has, comes)| (has - comes).max(0)).collect();
            // Room first: a cluster that is nearly full is done with here.
            let holds = |i: &usize| drafts[*i].asked.iter().zip(&room).all(|(a, r)| a <= r);
            let mut takes = Bits::none(drafts.len());
            (0..drafts.len()).filter(holds).for_each(|i| takes.insert(i));
            if takes.is_empty() {
                continue;
            }
            gates.retain_welcome(node, &mut takes);
            if !takes.is_empty() {
                let mut attachable = node.attachable.clone();
                attachable.sort();
                kinds.entry((takes, room, attachable)).or_default().push(number);
            }
        }
        let as_room = |((takes, room, attachable), numbers)| Room { numbers, room, attachable, takes };
        if kinds.len() <= MOST_KINDS {
            let mut all: Vec<Room> = kinds.into_iter().map(as_room).collect();
            all.sort_by(|a, b| a.numbers.cmp(&b.numbers));
            return Some(all);
        }
        if view == View::ToPlan {
            return None;
        }
        // Neighbours in this order are alike, so that little is lost by taking them for the best of them.
        let mut kinds: Vec<(Kind, Vec<usize>)> = kinds.into_iter().collect();
        kinds.sort();
        let all: Vec<Room> = kinds.into_iter().map(as_room).collect();
        Some(all.chunks(all.len().div_ceil(MOST_KINDS)).map(best_of).collect())
    }
}

/// Nodes taken for as many that have the best of each: whatever fits on one of them fits on such a one.
fn best_of(group: &[Room]) -> Room {
    let [first, others @ ..] = group else { unreachable!("chunks are not empty") };
    let mut best = Room {
        numbers: first.numbers.clone(),
        room: first.room.clone(),
        attachable: first.attachable.clone(),
        takes: first.takes.clone(),
    };
    for other in others {
        best.numbers.extend(&other.numbers);
        best.room.iter_mut().zip(&other.room).for_each(|(most, room)| *most = (*most).max(*room));
        best.takes.unite(&other.takes);
        best.attachable.retain_mut(|(driver, most)| {
            let limit = other.attachable.iter().find(|(d, _)| d == driver);
            limit.inspect(|(_, n)| *most = (*most).max(*n)).is_some()
        });
    }
    best.numbers.sort_unstable();
    best
}

/// Which items the labels and taints of a node let in, asked once for all nodes that are alike in what anyone asks about.
struct Gates<'c> {
    compiler: &'c Compiler<'c>,
    drafts: &'c [Draft],
    /// The labels that anyone asks about.
    keys: Vec<&'c Name>,
    /// By the values of those labels and the taints, who gets in.
    known: FxHashMap<(Vec<Option<&'c Requirement>>, &'c [Taint]), Bits>,
    /// The items for which it matters what is on the node.
    particular: Vec<usize>,
}

impl<'c> Gates<'c> {
    fn of(compiler: &'c Compiler<'_>, drafts: &'c [Draft]) -> Self {
        let classes = &compiler.problem.classes;
        let of_readings = drafts.iter().flat_map(|d| &d.readings).map(|r| &r.requirements);
        let of_volumes = drafts.iter().flat_map(|d| &classes[d.class].volumes.places);
        let keys: BTreeSet<&Name> = of_readings.chain(of_volumes).flat_map(|r| r.iter().map(|(key, _)| key)).collect();
        let is_particular = |i: &usize| {
            let away = drafts[*i].readings.iter().any(|r| !r.away.is_empty());
            away || !classes[drafts[*i].class].ports.is_empty()
        };
        let particular = (0..drafts.len()).filter(is_particular).collect();
        Self { compiler, drafts, keys: keys.into_iter().collect(), known: FxHashMap::default(), particular }
    }

    /// Leaves only those of the items that the labels, the taints and the pods of the node let in.
    fn retain_welcome(&mut self, node: &'c Node, items: &mut Bits) {
        let (drafts, classes) = (self.drafts, &self.compiler.problem.classes);
        let labels = self.keys.iter().map(|key| node.labels.get(key)).collect();
        let let_in = self.known.entry((labels, &node.taints)).or_insert_with(|| {
            let mut let_in = Bits::none(drafts.len());
            let open = |i: &usize| is_open(node, &classes[drafts[*i].class], &drafts[*i]);
            (0..drafts.len()).filter(open).for_each(|i| let_in.insert(i));
            let_in
        });
        items.intersect(let_in);
        for i in &self.particular {
            if items.contains(*i) && !self.bears(node, *i) {
                items.remove(*i);
            }
        }
    }

    /// Whether nothing that is on the node keeps the item away, in one of its readings.
    fn bears(&self, node: &Node, item: usize) -> bool {
        let problem = self.compiler.problem;
        let (draft, pods) = (&self.drafts[item], &problem.classes[self.drafts[item].class]);
        let repels = |term: &PodTerm| {
            let there = |(r, n): &(usize, u32)| *n > 0 && problem.residents[*r].member_of.contains(&term.peers);
            normalize(&term.key) == HOSTNAME && node.residents.iter().any(there)
        };
        let free = !pods.ports.iter().any(|p| node.ports.iter().any(|taken| p.clashes(taken)));
        // Readings are few, and one that bears the pods but not the labels makes a proof weaker at worst.
        free && draft.readings.iter().any(|reading| !reading.away.iter().any(repels))
    }
}

/// Whether the labels and the taints of a node let a pod of the class in, in one of its readings.
fn is_open(node: &Node, pods: &PodClass, draft: &Draft) -> bool {
    let nothing_undefined = WellKnown::new();
    let fits = |asked| node.labels.compatible(asked, &nothing_undefined).is_ok();
    let by_volumes = pods.volumes.places.is_empty() || pods.volumes.places.iter().any(fits);
    by_volumes
        && draft.readings.iter().any(|reading| {
            untolerated(&node.taints, &reading.tolerations).next().is_none() && fits(&reading.requirements)
        })
}
