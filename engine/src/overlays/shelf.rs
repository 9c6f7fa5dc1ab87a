//! What pools are offered, sorted so that overlays can ask quickly: of which types, and of what about them, does an overlay
//! speak (the Karpenter specification, scheduling 6.1)? Who has the say there is not known here.
//!
//! A region sells a thousand types in a dozen ways, and the types share most of their labels. So each way of buying is
//! looked at once for an overlay, and each value of a label once, however many types have it.

use super::correction::Correction;
use dovetail_scheduler::instance_type::InstanceType;
use dovetail_scheduler::requirement::{Name, Requirement};
use dovetail_scheduler::requirements::{Requirements, WellKnown};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// The words that all overlays use together.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    /// The labels in their requirements.
    pub(super) keys: BTreeSet<Name>,
    /// The resources in their capacities, in order.
    pub(super) resources: Vec<Name>,
}

impl Vocabulary {
    pub(super) fn of<'c>(corrections: impl Iterator<Item = &'c Correction> + Clone) -> Self {
        let keys = corrections.clone().flat_map(|c| c.requirements.iter().map(|(key, _)| key.clone())).collect();
        let resources: BTreeSet<Name> =
            corrections.flat_map(|c| c.capacity.iter().map(|(name, _)| name.clone())).collect();
        Self { keys, resources: resources.into_iter().collect() }
    }
}

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
}

/// An overlay, looked up in the vocabulary and in the ways of buying.
#[derive(Debug)]
pub(super) struct Subject<'c> {
    requirements: &'c Requirements,
    /// For each way of buying whether the overlay speaks of it.
    ways: Vec<bool>,
    priced: bool,
    /// The resources that it sets, by their numbers in the vocabulary.
    resources: Vec<usize>,
}

impl<'c> Subject<'c> {
    pub(super) fn new(correction: &'c Correction, words: &Vocabulary, ways: &Ways<'_>, well_known: &WellKnown) -> Self {
        let requirements = &correction.requirements;
        let resources = words.resources.iter().enumerate().filter(|(_, name)| correction.capacity.has(name));
        Self {
            requirements,
            ways: ways.all.iter().map(|way| requirements.compatible(way, well_known).is_ok()).collect(),
            priced: correction.price.is_some(),
            resources: resources.map(|(number, _)| number).collect(),
        }
    }
}

/// A list of types as pools with certain labels see it. What can be said about the types is numbered through: for each type
/// the price of every offering, and then the amount of every resource of the vocabulary.
#[derive(Debug)]
pub(super) struct Shelf<'a> {
    pub(super) types: &'a Arc<[Arc<InstanceType>]>,
    /// For each type the way of each of its offerings.
    ways: Vec<Vec<usize>>,
    /// Where the numbers of each type begin, and where all end.
    begin: Vec<usize>,
    /// For each label of the vocabulary, what the nodes can have there, and which types can.
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
    /// Sorts a list for pools whose nodes have these labels.
    pub(super) fn new(
        types: &'a Arc<[Arc<InstanceType>]>,
        labels: &Requirements,
        words: &Vocabulary,
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
        let mut begin = vec![0];
        begin.extend(types.iter().scan(0, |end, t| {
            *end += t.offerings.len() + words.resources.len();
            Some(*end)
        }));
        Self {
            types,
            ways: types.iter().map(|t| t.offerings.iter().map(|o| ways.number(&o.requirements)).collect()).collect(),
            begin,
            labels: words.keys.iter().map(|key| (key.clone(), values(key))).collect(),
        }
    }

    /// The types of which the overlay speaks: their labels fit, where a label that is not defined fits only what does not
    /// ask for it, and the overlay speaks of at least one offering. Whether that can be bought at the moment does not matter.
    pub(super) fn reached(&self, subject: &Subject<'_>) -> Vec<usize> {
        let mut fits = vec![true; self.types.len()];
        for (key, asked) in subject.requirements.iter() {
            let one: Requirements = [(key.clone(), asked.clone())].into_iter().collect();
            let fit =
                |value: &Value| value.label.as_ref().map_or(asked.allows_absence(), |label| label.intersects(&one));
            for value in self.labels.get(key).into_iter().flatten().filter(|value| !fit(value)) {
                value.types.iter().for_each(|t| fits[*t] = false);
            }
        }
        (0..self.types.len()).filter(|t| fits[*t] && self.ways[*t].iter().any(|way| subject.ways[*way])).collect()
    }

    /// What the overlay says about a type that it reaches, by number.
    pub(super) fn said(&self, t: usize, subject: &Subject<'_>) -> impl Iterator<Item = usize> {
        let (begin, ways) = (self.begin[t], &self.ways[t]);
        let offered = if subject.priced { ways.as_slice() } else { &[] };
        let prices =
            offered.iter().enumerate().filter(|(_, way)| subject.ways[**way]).map(move |(place, _)| begin + place);
        prices.chain(subject.resources.iter().map(move |resource| begin + ways.len() + resource))
    }

    /// The numbers of a type's prices, and of its amounts.
    pub(super) fn numbers(&self, t: usize) -> (Range<usize>, Range<usize>) {
        let amounts = self.begin[t] + self.ways[t].len();
        (self.begin[t]..amounts, amounts..self.begin[t + 1])
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.begin.last().copied().unwrap_or(0)
    }
}
