//! What pools are offered, sorted so that overlays can ask quickly: which types and which of their offerings does an overlay
//! speak of (the Karpenter specification, scheduling 6.1)? What is written about them, and whether it may be, is not known
//! here.
//!
//! A region sells a thousand types in a dozen ways, and the types share most of their labels. So each way of buying is
//! looked at once for an overlay, and each value of a label once, however many types have it.

use super::correction::Correction;
use dovetail_scheduler::instance_type::InstanceType;
use dovetail_scheduler::requirement::{Name, Requirement};
use dovetail_scheduler::requirements::{Requirements, WellKnown};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The different ways of buying: offerings with equal requirements are one way.
#[derive(Debug, Default)]
pub(super) struct Ways<'a> {
    all: Vec<&'a Requirements>,
    by_content: FxHashMap<&'a Requirements, usize>,
    /// Most offerings share their requirements, which saves comparing them. Addresses serve as identities only.
    by_address: FxHashMap<*const Requirements, usize>,
}

impl<'a> Ways<'a> {
    /// The number of an offering's way.
    fn number(&mut self, requirements: &'a Arc<Requirements>) -> usize {
        if let Some(known) = self.by_address.get(&Arc::as_ptr(requirements)) {
            return *known;
        }
        let number = *self.by_content.entry(requirements).or_insert(self.all.len());
        if number == self.all.len() {
            self.all.push(requirements);
        }
        self.by_address.insert(Arc::as_ptr(requirements), number);
        number
    }

    /// For each way whether the overlay speaks of it.
    pub(super) fn selected(&self, correction: &Correction, well_known: &WellKnown) -> Vec<bool> {
        self.all.iter().map(|way| correction.requirements.compatible(way, well_known).is_ok()).collect()
    }
}

/// A list of types as pools with certain labels see it.
#[derive(Debug)]
pub(super) struct Shelf<'a> {
    pub(super) types: &'a [Arc<InstanceType>],
    /// For each type the way of each of its offerings.
    ways: Vec<Vec<usize>>,
    /// For each label that some overlay names, what the nodes can have there, and which types can.
    labels: BTreeMap<Name, Vec<Value>>,
}

/// What nodes of certain types can have for a label.
#[derive(Debug)]
struct Value {
    /// One key; none if the label is not defined.
    label: Option<Requirements>,
    types: Vec<usize>,
}

impl<'a> Shelf<'a> {
    /// Sorts a list. `keys` are the labels that overlays name, `labels` those of the pool's nodes.
    pub(super) fn new(
        types: &'a [Arc<InstanceType>],
        labels: &Requirements,
        keys: &BTreeSet<Name>,
        ways: &mut Ways<'a>,
    ) -> Self {
        let values = |key: &Name| {
            let mut known: BTreeMap<Option<&Requirement>, Vec<usize>> = BTreeMap::new();
            for (number, t) in types.iter().enumerate() {
                known.entry(t.requirements.get(key)).or_default().push(number);
            }
            let own = labels.get(key);
            let together =
                |t: Option<&Requirement>| own.into_iter().chain(t).map(|r| (key.clone(), r.clone())).collect();
            let value = |(t, types): (Option<&Requirement>, Vec<usize>)| Value {
                label: (t.is_some() || own.is_some()).then(|| together(t)),
                types,
            };
            known.into_iter().map(value).collect()
        };
        Self {
            types,
            ways: types.iter().map(|t| t.offerings.iter().map(|o| ways.number(&o.requirements)).collect()).collect(),
            labels: keys.iter().map(|key| (key.clone(), values(key))).collect(),
        }
    }

    /// The types of which the overlay speaks: their labels fit, where a label that is not defined fits only what does not
    /// ask for it, and at least one offering is `selected`. Whether it can be bought at the moment does not matter.
    pub(super) fn reached(&self, correction: &Correction, selected: &[bool]) -> Vec<usize> {
        let mut fits = vec![true; self.types.len()];
        for (key, asked) in correction.requirements.iter() {
            let one: Requirements = [(key.clone(), asked.clone())].into_iter().collect();
            let fit =
                |value: &Value| value.label.as_ref().map_or(asked.allows_absence(), |label| label.intersects(&one));
            for value in self.labels.get(key).into_iter().flatten().filter(|value| !fit(value)) {
                value.types.iter().for_each(|t| fits[*t] = false);
            }
        }
        (0..self.types.len()).filter(|t| fits[*t] && self.offerings(*t, selected).next().is_some()).collect()
    }

    /// The offerings of a type that are `selected`, by their places in its list.
    pub(super) fn offerings(&self, t: usize, selected: &[bool]) -> impl Iterator<Item = usize> {
        self.ways[t].iter().enumerate().filter(|(_, way)| selected[**way]).map(|(place, _)| place)
    }
}
