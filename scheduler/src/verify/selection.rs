//! Does a place assure what a pod requires of its node?
//!
//! The node selector and some required term must follow from what is known of the node, whatever of it is still open;
//! preferences do not count. Selector and terms are looked at one by one and never merged: a pod that asks for two values
//! of one label merges into a pod that asks for none (specification "scheduling" 3.5).

use super::accounting::Group;
use super::volumes::out_of_reach;
use super::{Place, Violation};
use crate::problem::{Node, NodePool, NodeSelection};
use crate::requirement::{Name, Requirement};
use crate::requirements::{Requirements, WellKnown};
use crate::taint::{Effect, Taint, Toleration, untolerated};

/// What is known about the labels of a node.
pub(super) struct Labels<'a> {
    /// What they are narrowed to.
    pub(super) known: &'a Requirements,
    /// Where labels must be named to exist at all: the pool for a new node, the node itself for one that is there.
    pub(super) defined: &'a Requirements,
    /// Keys that exist without being named.
    pub(super) well_known: &'a WellKnown,
    /// Whether a label that is not named is absent for certain (a node that is there) or may be anything (a new one).
    pub(super) complete: bool,
}

/// A requirement that does not hold.
pub(super) enum Lack<'a> {
    Undefined(&'a Name),
    Unassured { key: &'a Name, asked: &'a Requirement, known: Option<&'a Requirement> },
}

/// A node that is there knows no label that it does not have.
static NONE_UNSAID: WellKnown = WellKnown::new();

impl<'a> Labels<'a> {
    /// Those of a node that is there.
    pub(super) fn of(node: &'a Node) -> Self {
        Self { known: &node.labels, defined: &node.labels, well_known: &NONE_UNSAID, complete: true }
    }

    /// Those of a node that a claim will become.
    pub(super) fn of_claim(known: &'a Requirements, pool: &'a NodePool, well_known: &'a WellKnown) -> Self {
        Self { known, defined: &pool.requirements, well_known, complete: false }
    }

    /// Whether every node of these labels is one that the selection requires.
    pub(super) fn assure(&self, selection: &'a NodeSelection) -> Result<(), Lack<'a>> {
        self.assure_all(&selection.selector)?;
        let mut first = Ok(());
        for (i, term) in selection.required.iter().enumerate() {
            match self.assure_all(term) {
                Ok(()) => return Ok(()),
                Err(lack) if i == 0 => first = Err(lack),
                Err(_) => {}
            }
        }
        first
    }

    pub(super) fn assure_all(&self, required: &'a Requirements) -> Result<(), Lack<'a>> {
        for (key, asked) in required.iter() {
            let known = self.known.get(key);
            if !self.defines(key) {
                if asked.allows_absence() {
                    continue; // the node will not have the label
                }
                return Err(Lack::Undefined(key));
            }
            let assured = match known {
                Some(known) => at_least_as_narrow(known, asked),
                None => self.complete && asked.allows_absence(),
            };
            if !assured {
                return Err(Lack::Unassured { key, asked, known });
            }
        }
        Ok(())
    }

    fn defines(&self, key: &Name) -> bool {
        self.defined.get(key).is_some() || self.well_known.contains(key)
    }
}

/// Whether whatever meets the narrow requirement meets the wide one too. How many values must stay open does not matter.
pub(super) fn at_least_as_narrow(narrow: &Requirement, wide: &Requirement) -> bool {
    let possible = narrow.has_intersection(wide) || (narrow.allows_absence() && wide.allows_absence());
    possible && narrow.intersection(wide).with_min_values(None) == narrow.clone().with_min_values(None)
}

/// The first taint that keeps a pod away. A taint that only prefers pods elsewhere does not.
pub(super) fn repelled<'a>(taints: &'a [Taint], tolerations: &'a [Toleration]) -> Option<&'a Taint> {
    untolerated(taints, tolerations).find(|taint| taint.effect != Effect::PreferNoSchedule)
}

/// What keeps the pods of a group from being at a place, room aside.
pub(super) fn misplaced(group: &Group<'_>, place: &Place, taints: &[Taint], labels: &Labels<'_>) -> Vec<Violation> {
    let mut found: Vec<Violation> = out_of_reach(group, place, labels).into_iter().collect();
    let (place, pod) = (|| place.clone(), || group.pod.clone());
    if let Some(rule) = group.class.unsupported.first() {
        found.push(Violation::Unsupported { place: place(), pod: pod(), rule: rule.clone() });
    }
    if let Some(taint) = repelled(taints, &group.class.tolerations) {
        found.push(Violation::Untolerated { place: place(), pod: pod(), taint: taint.clone() });
    }
    match labels.assure(&group.class.selection) {
        Ok(()) => {}
        Err(Lack::Undefined(key)) => {
            found.push(Violation::UndefinedLabel { place: place(), pod: pod(), key: key.clone() });
        }
        Err(Lack::Unassured { key, asked, known }) => found.push(Violation::Selection {
            place: place(),
            pod: pod(),
            key: key.clone(),
            asked: asked.clone(),
            found: known.cloned(),
        }),
    }
    found
}
