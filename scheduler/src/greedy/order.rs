//! The order in which claims are asked, and how far each seeker has come in it.
//!
//! Claims with the fewest pods come first. There may be thousands of claims and thousands of seekers, but a seeker mostly
//! needs the first few: claims are kept in order once for all, and a seeker only remembers which stretches of that order
//! have refused it; a claim that has moved since is asked once more. For seekers whose rules speak of domains, claims are kept apart by the domains they are in, so that those
//! in a domain that is full just now are not asked in vain.

use crate::topology::{Allowed, Pin};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// A place in the order of claims: pods so far, then who comes first among equals.
pub(super) type Rank = (usize, i64);

/// For each key of a seeker's rules, in order, the domain that a node or claim is in: [`OPEN`] if that is not decided,
/// [`MISSING`] if in none, [`UNFORESEEN`] if in one that nobody knows. Sixteen bits each; keys and domains that find no room count as open, which is always safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Signature(u128);

const OPEN: u128 = 0xffff;
const MISSING: u128 = 0xfffe;
const UNFORESEEN: u128 = 0xfffd;
const BITS: usize = 16;
const ROOM: usize = 8;

impl Signature {
    /// The signature of something that is there.
    pub(super) fn of(pins: &[Pin], keys: impl Iterator<Item = usize>) -> Self {
        let mut out = 0;
        for (i, key) in keys.take(ROOM).enumerate() {
            let at = match &pins[key] {
                Pin::One(domain) => u128::try_from(*domain).ok().filter(|d| *d < UNFORESEEN).unwrap_or(OPEN),
                Pin::Any(_) => OPEN,
                Pin::Missing => MISSING,
                Pin::Unforeseen => UNFORESEEN,
            };
            out |= at << (i * BITS);
        }
        Self(out)
    }

    fn at(self, i: usize) -> u128 {
        (self.0 >> (i * BITS)) & OPEN
    }

    /// Whether something of this signature may take a pod that may go to these domains.
    pub(super) fn admits(self, allowed: &[Allowed]) -> bool {
        allowed.iter().take(ROOM).enumerate().all(|(i, allowed)| match self.at(i) {
            OPEN => true,
            MISSING => allowed.missing,
            UNFORESEEN => false,
            domain => usize::try_from(domain).is_ok_and(|d| allowed.set.contains(d)),
        })
    }

    /// Whether it is decided for all of so many keys in which domain something of this signature is.
    pub(super) fn is_settled(self, keys: usize) -> bool {
        keys <= ROOM && (0..keys).all(|i| self.at(i) != OPEN)
    }
}

/// The claims in order, for each combination of keys that some seeker's rules speak of.
#[derive(Default)]
pub(super) struct Orders {
    orders: Vec<Order>,
    by_keys: FxHashMap<Vec<usize>, usize>,
}

/// The claims in order, apart by the domains of some keys.
struct Order {
    keys: Vec<usize>,
    groups: Vec<(Signature, Group)>,
    index: FxHashMap<Signature, usize>,
}

/// Claims of one signature: by number of pods, then in order.
#[derive(Default)]
struct Group(BTreeMap<usize, BTreeMap<i64, usize>>);

/// How far a seeker has come in one of the orders.
#[derive(Default)]
pub(super) struct Progress {
    order: Option<usize>,
    /// For each group and number of pods, the stretches all of whose claims have refused: from and to, both included.
    refused: FxHashMap<(usize, usize), Vec<(i64, i64)>>,
}

impl Orders {
    /// Enters a claim that is new.
    pub(super) fn enter(&mut self, claim: usize, rank: Rank, pins: &[Pin]) {
        self.orders.iter_mut().for_each(|order| order.enter(claim, rank, pins));
    }

    /// Takes a claim from one place to another.
    pub(super) fn advance(&mut self, claim: usize, from: (Rank, &[Pin]), to: (Rank, &[Pin])) {
        for order in &mut self.orders {
            order.leave(from.0, from.1);
            order.enter(claim, to.0, to.1);
        }
    }

    /// Makes sure that there is an order for these keys; `claims` are all that there are.
    pub(super) fn prepare<'c>(
        &mut self,
        progress: &mut Progress,
        keys: impl Iterator<Item = usize>,
        claims: impl Iterator<Item = (usize, Rank, &'c [Pin])>,
    ) {
        if progress.order.is_some() {
            return;
        }
        let keys: Vec<usize> = keys.collect();
        let new = self.orders.len();
        let number = *self.by_keys.entry(keys.clone()).or_insert(new);
        if number == new {
            let mut order = Order { keys, groups: vec![], index: FxHashMap::default() };
            claims.for_each(|(claim, rank, pins)| order.enter(claim, rank, pins));
            self.orders.push(order);
        }
        progress.order = Some(number);
    }

    /// The first claim that has not refused yet, of those that may take a pod; `passed_over` are left out.
    pub(super) fn first(&self, progress: &Progress, allowed: &[Allowed], passed_over: &[usize]) -> Option<Candidate> {
        let order = &self.orders[progress.order?];
        let open = order.groups.iter().enumerate().filter(|(_, (signature, _))| signature.admits(allowed));
        let firsts = open.filter_map(|(g, (_, group))| {
            let (rank, claim) = group.first(|pods| progress.refused.get(&(g, pods)).map(Vec::as_slice), passed_over)?;
            Some(Candidate { rank, claim, group: g })
        });
        firsts.min_by_key(|candidate| candidate.rank)
    }

    /// Notes that a claim has refused for good.
    pub(super) fn refuse(&self, progress: &mut Progress, candidate: &Candidate) {
        let Some(order) = progress.order.map(|o| &self.orders[o]) else { return };
        let (pods, at) = candidate.rank;
        let Some(level) = order.groups[candidate.group].1.0.get(&pods) else { return };
        let stretches = progress.refused.entry((candidate.group, pods)).or_default();
        // Neighbours that have refused as well make one stretch of it, so that it is passed in one step.
        let mut stretch = (at, at);
        let neighbours = [level.range(..at).next_back(), level.range(at + 1..).next()];
        for (neighbour, _) in neighbours.into_iter().flatten() {
            if let Some(s) = stretches.iter().position(|(from, to)| (from..=to).contains(&neighbour)) {
                let (from, to) = stretches.swap_remove(s);
                stretch = (stretch.0.min(from), stretch.1.max(to));
            }
        }
        stretches.push(stretch);
    }

    /// Whether it is decided for all keys in which domain a candidate is.
    pub(super) fn is_settled(&self, progress: &Progress, candidate: &Candidate) -> bool {
        let order = progress.order.map(|o| &self.orders[o]);
        order.is_some_and(|order| order.groups[candidate.group].0.is_settled(order.keys.len()))
    }
}

/// A claim that may be asked.
pub(super) struct Candidate {
    rank: Rank,
    pub(super) claim: usize,
    group: usize,
}

impl Order {
    fn enter(&mut self, claim: usize, rank: Rank, pins: &[Pin]) {
        let signature = Signature::of(pins, self.keys.iter().copied());
        let group = *self.index.entry(signature).or_insert_with(|| {
            self.groups.push((signature, Group::default()));
            self.groups.len() - 1
        });
        self.groups[group].1.0.entry(rank.0).or_default().insert(rank.1, claim);
    }

    fn leave(&mut self, rank: Rank, pins: &[Pin]) {
        let signature = Signature::of(pins, self.keys.iter().copied());
        let Some(group) = self.index.get(&signature) else { return };
        let levels = &mut self.groups[*group].1.0;
        if let Some(level) = levels.get_mut(&rank.0) {
            level.remove(&rank.1);
            if level.is_empty() {
                levels.remove(&rank.0);
            }
        }
    }
}

impl Group {
    fn first<'r>(
        &self,
        refused: impl Fn(usize) -> Option<&'r [(i64, i64)]>,
        passed_over: &[usize],
    ) -> Option<(Rank, usize)> {
        for (pods, level) in &self.0 {
            let Some(stretches) = refused(*pods) else {
                if let Some((at, claim)) = level.iter().find(|(_, claim)| !passed_over.contains(claim)) {
                    return Some(((*pods, *at), *claim));
                }
                continue;
            };
            let mut next = level.first_key_value();
            while let Some((at, claim)) = next {
                if let Some((_, to)) = stretches.iter().find(|(from, to)| (from..=to).contains(&at)) {
                    next = level.range(to + 1..).next();
                } else if passed_over.contains(claim) {
                    next = level.range(at + 1..).next();
                } else {
                    return Some(((*pods, *at), *claim));
                }
            }
        }
        None
    }
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
