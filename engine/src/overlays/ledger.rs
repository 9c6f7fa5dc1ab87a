//! Who has the say about the types of a shelf, first come first served, and what comes of it (the Karpenter specification,
//! scheduling 6.1). Of which types an overlay speaks is decided elsewhere.

use super::correction::Correction;
use super::shelf::{Shelf, Subject, Vocabulary};
use dovetail_scheduler::instance_type::{InstanceType, Overlaid};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What has been said about a shelf, by the shelf's numbers. Overlays are numbered in the order in which they are heard.
#[derive(Debug)]
pub(super) struct Ledger {
    entries: Vec<Option<Entry>>,
}

/// Who has the say, and who came last: one who came too late to be heard counts for conflicts all the same.
#[derive(Clone, Copy, Debug)]
struct Entry {
    first: usize,
    last: usize,
}

impl Ledger {
    /// Nothing said yet.
    pub(super) fn new(shelf: &Shelf<'_>) -> Self {
        Self { entries: vec![None; shelf.len()] }
    }

    /// Who spoke last about this, if anybody did.
    pub(super) fn last(&self, number: usize) -> Option<usize> {
        self.entries[number].map(|entry| entry.last)
    }

    /// Notes what an overlay says about a type.
    pub(super) fn enter(&mut self, overlay: usize, t: usize, subject: &Subject<'_>, shelf: &Shelf<'_>) {
        shelf.said(t, subject).for_each(|number| {
            self.entries[number].get_or_insert(Entry { first: overlay, last: overlay }).last = overlay;
        });
    }

    /// The overlays that have the say about something of a type.
    pub(super) fn heard(&self, t: usize, shelf: &Shelf<'_>) -> BTreeSet<usize> {
        self.speakers(t, shelf).flatten().collect()
    }

    /// Who has the say, by the numbers of a type.
    fn speakers(&self, t: usize, shelf: &Shelf<'_>) -> impl Iterator<Item = Option<usize>> {
        let (prices, amounts) = shelf.numbers(t);
        self.entries[prices.start..amounts.end].iter().map(|entry| entry.map(|entry| entry.first))
    }
}

/// Types as they are with all that is said about them. What comes out the same for several shelves is made once.
#[derive(Debug)]
pub(super) struct Workshop<'a> {
    words: &'a Vocabulary,
    /// By the numbers of the overlays; none for those that make no sense.
    corrections: Vec<Option<&'a Correction>>,
    /// By the type, whose address serves as its identity, and by who has the say about it.
    made: FxHashMap<(*const InstanceType, Vec<Option<usize>>), Arc<InstanceType>>,
}

impl<'a> Workshop<'a> {
    pub(super) fn new(words: &'a Vocabulary, corrections: Vec<Option<&'a Correction>>) -> Self {
        Self { words, corrections, made: FxHashMap::default() }
    }

    /// The types of a shelf; those that nothing is said about stay the same objects.
    pub(super) fn apply(&mut self, shelf: &Shelf<'_>, ledger: &Ledger) -> Arc<[Arc<InstanceType>]> {
        if ledger.entries.iter().all(Option::is_none) {
            return Arc::clone(shelf.types);
        }
        let corrected = |(number, t): (usize, &Arc<InstanceType>)| {
            let speakers: Vec<Option<usize>> = ledger.speakers(number, shelf).collect();
            if speakers.iter().all(Option::is_none) {
                return Arc::clone(t);
            }
            let made = self.made.entry((Arc::as_ptr(t), speakers));
            let make = |(_, speakers): &(_, Vec<Option<usize>>)| corrected(t, speakers, self.words, &self.corrections);
            Arc::clone(made.or_insert_with_key(make))
        };
        shelf.types.iter().enumerate().map(corrected).collect()
    }
}

/// A type with what these overlays say about each of its prices, and then about each resource of the vocabulary.
fn corrected(
    t: &InstanceType,
    speakers: &[Option<usize>],
    words: &Vocabulary,
    corrections: &[Option<&Correction>],
) -> Arc<InstanceType> {
    let (prices, amounts) = speakers.split_at(t.offerings.len());
    let is_said = |speakers: &[Option<usize>]| speakers.iter().any(Option::is_some);
    let overlaid = Overlaid { price: is_said(prices), capacity: is_said(amounts) };
    let mut corrected = InstanceType { overlaid, ..t.clone() };
    let correction = |speaker: &Option<usize>| corrections[(*speaker)?];
    for (offering, speaker) in corrected.offerings.iter_mut().zip(prices) {
        if let Some(correction) = correction(speaker) {
            offering.price = correction.corrected(offering.price);
        }
    }
    for (resource, speaker) in words.resources.iter().zip(amounts) {
        if let Some(correction) = correction(speaker) {
            corrected.capacity.set(resource.clone(), correction.capacity.get(resource));
        }
    }
    Arc::new(corrected)
}
