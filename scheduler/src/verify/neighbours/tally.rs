//! A count that goes on while pods are placed in some order: what is in each domain for certain.
//!
//! What the count is for, a spread or an affinity, and what comes next, is not known here.

use super::domains::Reach;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::rc::Rc;

/// How pods of an item are counted.
pub(super) struct Add {
    /// Which tally.
    pub(super) tally: usize,
    pub(super) site: usize,
    pub(super) reach: Rc<Reach>,
}

/// What a step changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// The emptiest domain holds more than before.
    pub(super) least_rose: bool,
    /// A domain that held nothing for certain does now.
    pub(super) first_in: Option<usize>,
    /// A site that may be in several domains holds its first.
    pub(super) first_here: bool,
}

/// The count of one rule.
#[derive(Default)]
pub(super) struct Tally {
    sure: FxHashMap<usize, u64>,
    /// What is on sites that may be in several domains.
    here: FxHashMap<usize, u64>,
    /// How many domains hold anything.
    occupied: usize,
    universe: Vec<usize>,
    least: u64,
    /// How many domains hold just that.
    at_least: usize,
}

impl Tally {
    /// What runs already.
    pub(super) fn of_residents(
        residents: impl IntoIterator<Item = (usize, u64)>,
        universe: Option<&BTreeSet<usize>>,
    ) -> Self {
        let mut tally = Self { universe: universe.into_iter().flatten().copied().collect(), ..Self::default() };
        for (domain, pods) in residents.into_iter().filter(|(_, pods)| *pods > 0) {
            *tally.sure.entry(domain).or_default() += pods;
        }
        tally.occupied = tally.sure.len();
        tally.measure();
        tally
    }

    pub(super) fn sure(&self, domain: usize) -> u64 {
        self.sure.get(&domain).copied().unwrap_or(0)
    }

    pub(super) fn here(&self, site: usize) -> u64 {
        self.here.get(&site).copied().unwrap_or(0)
    }

    pub(super) fn least(&self) -> u64 {
        self.least
    }

    /// Whether something is in one of these domains, or in any.
    pub(super) fn occupied(&self, among: Option<&BTreeSet<usize>>) -> bool {
        match among {
            Some(among) => among.iter().any(|domain| self.sure(*domain) > 0),
            None => self.occupied > 0,
        }
    }

    /// Counts pods that have been placed.
    pub(super) fn add(&mut self, add: &Add, pods: u64) -> Change {
        let mut change = Change::default();
        let Some(domain) = add.reach.pinned() else {
            let here = self.here.entry(add.site).or_default();
            change.first_here = *here == 0;
            *here += pods;
            return change;
        };
        let held = self.sure.entry(domain).or_default();
        let before = *held;
        *held += pods;
        change.first_in = (before == 0).then_some(domain);
        self.occupied += usize::from(before == 0);
        if before == self.least && self.universe.binary_search(&domain).is_ok() {
            self.at_least -= 1;
            if self.at_least == 0 {
                self.measure();
                change.least_rose = true;
            }
        }
        change
    }

    /// Takes back what has been counted.
    pub(super) fn remove(&mut self, add: &Add, pods: u64) {
        match add.reach.pinned() {
            None => lower(&mut self.here, add.site, pods),
            Some(domain) => {
                lower(&mut self.sure, domain, pods);
                self.occupied -= usize::from(self.sure(domain) == 0);
                self.measure();
            }
        }
    }

    fn measure(&mut self) {
        let holds = |domain: &usize| self.sure.get(domain).copied().unwrap_or(0);
        self.least = self.universe.iter().map(holds).min().unwrap_or(0);
        self.at_least = self.universe.iter().filter(|domain| holds(domain) == self.least).count();
    }
}

fn lower(counts: &mut FxHashMap<usize, u64>, of: usize, by: u64) {
    if let Some(count) = counts.get_mut(&of) {
        *count = count.saturating_sub(by);
    }
}
