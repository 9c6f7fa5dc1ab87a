//! The room on nodes that are there: bins that cost nothing, each to be filled once.
//!
//! Nodes of which nothing tells them apart are one shape. Where there are more kinds than can be reckoned with, a proof takes
//! the rest for one large node, which can only make it weaker, and a plan leaves them to first fit.

use super::model::{Compiler, Draft, View};
use crate::bitset::Bits;
use crate::daemons;
use crate::problem::{Node, PodClass};
use crate::relaxation::Reading;
use crate::requirement::Name;
use crate::requirements::WellKnown;
use crate::taint::untolerated;
use dovetail_api::labels::{HOSTNAME, normalize};
use rustc_hash::FxHashMap;

/// Some nodes of the same room that take the same items.
pub(super) struct Room {
    /// Which of the problem's nodes.
    pub(super) numbers: Vec<usize>,
    /// What is left of each resource that anyone asks for.
    pub(super) room: Vec<f64>,
    /// By CSI driver, how many more volumes can be attached.
    pub(super) attachable: Vec<(Name, f64)>,
    pub(super) takes: Bits,
}

/// What tells nodes apart: the room that is left, the volumes that can still be attached by driver, and what they take.
type Kind = (Vec<i64>, Vec<(Name, u32)>, Bits);

/// So many kinds of nodes are told apart.
const MOST_KINDS: usize = 300;

impl Compiler<'_> {
    /// The nodes that take some of the items.
    pub(super) fn nodes(&self, drafts: &[Draft], view: View) -> Vec<Room> {
        let problem = self.problem;
        let mut kinds: FxHashMap<Kind, Vec<usize>> = FxHashMap::default();
        let least: Vec<i64> = {
            let rows = drafts.iter().map(|d| self.columns.row(&problem.classes[d.class].requests));
            rows.reduce(|a, b| a.iter().zip(&b).map(|(a, b)| *a.min(b)).collect()).unwrap_or_default()
        };
        for (number, node) in problem.nodes.iter().enumerate().filter(|(_, n)| !n.leaving) {
            let coming = daemons::still_to_come(&problem.daemons, node);
            let room: Vec<i64> = self
                .columns
                .row(&node.available)
                .iter()
                .zip(self.columns.row(&coming))
                .map(|(has, comes)| (has - comes).max(0))
                .collect();
            if room.iter().zip(&least).any(|(r, l)| r < l) {
                continue;
            }
            let mut takes = Bits::none(drafts.len());
            for (i, draft) in drafts.iter().enumerate() {
                if may_join(self, node, &problem.classes[draft.class], &draft.readings) {
                    takes.insert(i);
                }
            }
            if !takes.is_empty() {
                kinds.entry((room, node.attachable.clone(), takes)).or_default().push(number);
            }
        }
        #[allow(clippy::cast_precision_loss)] // whole numbers below 2^53
        let as_room = |((room, attachable, takes), numbers): (Kind, Vec<usize>)| Room {
            numbers,
            room: room.into_iter().map(|r| r as f64).collect(),
            attachable: attachable.into_iter().map(|(d, n)| (d, f64::from(n))).collect(),
            takes,
        };
        let mut all: Vec<Room> = kinds.into_iter().map(as_room).collect();
        all.sort_by(|a, b| a.numbers.cmp(&b.numbers));
        if all.len() <= MOST_KINDS {
            return all;
        }
        match view {
            View::ToPlan => vec![],
            View::ToProve => vec![as_one(all, drafts.len())],
        }
    }
}

/// One large node with the room of all.
fn as_one(all: Vec<Room>, items: usize) -> Room {
    let mut out = Room { numbers: vec![], room: vec![], attachable: vec![], takes: Bits::all(items) };
    for one in all {
        #[allow(clippy::cast_precision_loss)] // fewer than 2^53
        let many = one.numbers.len() as f64;
        out.room.resize(one.room.len(), 0.0);
        out.room.iter_mut().zip(&one.room).for_each(|(sum, r)| *sum += r * many);
        out.numbers = vec![one.numbers[0]];
    }
    out
}

/// Whether the labels, the taints and the pods of a node let a pod of the class in, in one of these readings.
fn may_join(compiler: &Compiler<'_>, node: &Node, pods: &PodClass, readings: &[Reading]) -> bool {
    let nothing_undefined = WellKnown::new();
    if pods.ports.iter().any(|p| node.ports.iter().any(|taken| p.clashes(taken))) {
        return false;
    }
    let fits = compiler.columns.row(&pods.requests);
    let free = compiler.columns.row(&node.available);
    if fits.iter().zip(&free).any(|(asked, has)| asked > has) {
        return false;
    }
    readings.iter().any(|reading| {
        let away = |term: &crate::problem::PodTerm| {
            let there =
                |(r, n): &(usize, u32)| *n > 0 && compiler.problem.residents[*r].member_of.contains(&term.peers);
            normalize(&term.key) == HOSTNAME && node.residents.iter().any(there)
        };
        untolerated(&node.taints, &reading.tolerations).next().is_none()
            && node.labels.compatible(&reading.requirements, &nothing_undefined).is_ok()
            && !reading.away.iter().any(away)
            && (pods.volumes.places.is_empty()
                || pods.volumes.places.iter().any(|p| node.labels.compatible(p, &nothing_undefined).is_ok()))
    })
}
