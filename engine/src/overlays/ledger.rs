//! What overlays have written about the types of a shelf, first come first served, and where two of the same weight meet
//! (the Karpenter specification, scheduling 6.1). Which types an overlay speaks of is decided elsewhere.

use super::Disputed;
use super::correction::Correction;
use super::shelf::Shelf;
use dovetail_scheduler::instance_type::{InstanceType, Overlaid, Price};
use dovetail_scheduler::requirement::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Something written, by whom, and who came last: one who came too late to be heard counts for conflicts all the same.
#[derive(Clone, Copy, Debug)]
struct Entry<T> {
    value: T,
    writer: usize,
    last: usize,
}

impl<T> Entry<T> {
    const fn new(value: T, writer: usize) -> Self {
        Self { value, writer, last: writer }
    }
}

/// What is written about one type.
#[derive(Clone, Debug, Default)]
struct Page {
    /// By offering; empty as long as there is nothing.
    prices: Vec<Option<Entry<Price>>>,
    capacity: BTreeMap<Name, Entry<i64>>,
}

/// What is written about the types of a shelf. Overlays are numbered in the order in which they write.
#[derive(Debug)]
pub(super) struct Ledger {
    pages: Vec<Page>,
}

impl Ledger {
    /// Nothing written yet.
    pub(super) fn new(shelf: &Shelf<'_>) -> Self {
        Self { pages: vec![Page::default(); shelf.types.len()] }
    }

    /// What the overlay would write about a type where others came last, and who they are.
    pub(super) fn met<'s>(
        &'s self,
        t: usize,
        correction: &'s Correction,
        offerings: impl Iterator<Item = usize> + 's,
    ) -> impl Iterator<Item = (Disputed, usize)> + 's {
        let page = &self.pages[t];
        let priced = correction.price.is_some();
        let prices = offerings.filter(move |_| priced).filter_map(|place| page.prices.get(place)?.as_ref());
        let amounts = correction.capacity.iter().filter_map(|(name, _)| Some((name, page.capacity.get(name)?)));
        let amounts = amounts.map(|(name, entry)| (Disputed::Capacity(name.to_string()), entry.last));
        prices.map(|entry| (Disputed::Price, entry.last)).chain(amounts)
    }

    /// Writes what the overlay says about a type; where something stands already, that stays.
    pub(super) fn write(
        &mut self,
        t: usize,
        correction: &Correction,
        writer: usize,
        shelf: &Shelf<'_>,
        offerings: impl Iterator<Item = usize>,
    ) {
        let (page, bought) = (&mut self.pages[t], &shelf.types[t].offerings);
        if let Some(adjustment) = correction.price {
            page.prices.resize(bought.len(), None);
            for place in offerings {
                let entry =
                    page.prices[place].get_or_insert_with(|| Entry::new(adjustment.apply(bought[place].price), writer));
                entry.last = writer;
            }
        }
        for (name, amount) in correction.capacity.iter() {
            page.capacity.entry(name.clone()).or_insert(Entry::new(amount, writer)).last = writer;
        }
    }

    /// The overlays that have the say about something of a type.
    pub(super) fn writers(&self, t: usize) -> BTreeSet<usize> {
        let page = &self.pages[t];
        let prices = page.prices.iter().flatten().map(|entry| entry.writer);
        prices.chain(page.capacity.values().map(|entry| entry.writer)).collect()
    }

    /// The types of the shelf as they are with all that is written; what nothing is written about stays the same object.
    pub(super) fn apply(&self, types: &Arc<[Arc<InstanceType>]>) -> Arc<[Arc<InstanceType>]> {
        if self.pages.iter().all(|page| page.overlaid() == Overlaid::default()) {
            return Arc::clone(types);
        }
        types.iter().zip(&self.pages).map(|(t, page)| page.apply(t)).collect()
    }
}

impl Page {
    fn overlaid(&self) -> Overlaid {
        Overlaid { price: self.prices.iter().any(Option::is_some), capacity: !self.capacity.is_empty() }
    }

    fn apply(&self, t: &Arc<InstanceType>) -> Arc<InstanceType> {
        if self.overlaid() == Overlaid::default() {
            return Arc::clone(t);
        }
        let mut changed = InstanceType { overlaid: self.overlaid(), ..InstanceType::clone(t) };
        for (offering, entry) in changed.offerings.iter_mut().zip(&self.prices) {
            if let Some(entry) = entry {
                offering.price = entry.value;
            }
        }
        for (name, entry) in &self.capacity {
            changed.capacity.set(name.clone(), entry.value);
        }
        Arc::new(changed)
    }
}
