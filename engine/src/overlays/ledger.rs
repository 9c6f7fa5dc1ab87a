//! Who has the say about the types of a shelf, first come first served, and what comes of it (the Karpenter specification,
//! scheduling 6.1). Of which types an overlay speaks is decided elsewhere.

use super::correction::Correction;
use super::shelf::{Shelf, Subject, Vocabulary};
use dovetail_scheduler::instance_type::{InstanceType, Overlaid};
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
        let (prices, amounts) = shelf.numbers(t);
        self.entries[prices.start..amounts.end].iter().flatten().map(|entry| entry.first).collect()
    }

    /// The types of the shelf as they are with all that is said; those that nothing is said about stay the same objects.
    pub(super) fn apply(
        &self,
        shelf: &Shelf<'_>,
        words: &Vocabulary,
        corrections: &[Option<&Correction>],
    ) -> Arc<[Arc<InstanceType>]> {
        if self.entries.iter().all(Option::is_none) {
            return Arc::clone(shelf.types);
        }
        (0..shelf.types.len()).map(|t| self.corrected(t, shelf, words, corrections)).collect()
    }

    fn corrected(
        &self,
        t: usize,
        shelf: &Shelf<'_>,
        words: &Vocabulary,
        corrections: &[Option<&Correction>],
    ) -> Arc<InstanceType> {
        let (prices, amounts) = shelf.numbers(t);
        let (prices, amounts) = (&self.entries[prices], &self.entries[amounts]);
        let is_said = |entries: &[Option<Entry>]| entries.iter().any(Option::is_some);
        let overlaid = Overlaid { price: is_said(prices), capacity: is_said(amounts) };
        if overlaid == Overlaid::default() {
            return Arc::clone(&shelf.types[t]);
        }
        let speaker = |entry: &Option<Entry>| corrections[(*entry)?.first];
        let mut corrected = InstanceType { overlaid, ..InstanceType::clone(&shelf.types[t]) };
        for (offering, entry) in corrected.offerings.iter_mut().zip(prices) {
            if let Some(adjustment) = speaker(entry).and_then(|correction| correction.price) {
                offering.price = adjustment.apply(offering.price);
            }
        }
        for (resource, entry) in words.resources.iter().zip(amounts) {
            if let Some(correction) = speaker(entry) {
                corrected.capacity.set(resource.clone(), correction.capacity.get(resource));
            }
        }
        Arc::new(corrected)
    }
}
