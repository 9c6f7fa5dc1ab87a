//! Is every node to buy in order, and do those of one pool stay within its limits?
//!
//! Everything that a claim says must hold for each of its types, since any of them may be launched. What the types have
//! and cost is looked up in the stock of the pool; which pods are where, the accounting has seen to.

use super::accounting::{Group, by_class, out_of_range, requests};
use super::selection::{Labels, at_least_as_narrow, misplaced};
use super::shops::Shops;
use super::stock::{Choice, Stock};
use super::{List, Place, Violation, ports, reservations, volumes};
use crate::instance_type::Price;
use crate::plan::{Plan, PlannedClaim};
use crate::problem::{MinValuesPolicy, NodePool, Problem};
use crate::requirement::Name;
use crate::requirements::Requirements;
use crate::resources::{NODES, Resources};
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;

/// Checks every claim, and the limits of the pools.
pub(super) fn check<'p>(problem: &'p Problem, plan: &'p Plan, shops: &mut Shops<'p>, found: &mut Vec<Violation>) {
    let books = problem.pools.iter().map(|_| Book::default()).collect();
    let mut review = Review { problem, shops, books, welcome: FxHashSet::default(), found };
    for (index, claim) in plan.claims.iter().enumerate() {
        review.claim(index, claim);
    }
    review.limits();
    reservations::totals(problem, plan, found);
}

struct Review<'p, 's, 'f> {
    problem: &'p Problem,
    shops: &'s mut Shops<'p>,
    /// Pool by pool, what has been taken of its limits.
    books: Vec<Book>,
    /// The classes whose pods have been found in order at a pool with such requirements.
    welcome: FxHashSet<(usize, usize)>,
    found: &'f mut Vec<Violation>,
}

#[derive(Default)]
struct Book {
    /// The least that the claims take of each limited resource.
    taken: Vec<i64>,
    claims: i64,
}

impl<'p> Review<'p, '_, '_> {
    fn claim(&mut self, index: usize, claim: &'p PlannedClaim) {
        let (Some(pool), Some(choice)) = (self.problem.pools.get(claim.pool), self.shops.choice_of(claim)) else {
            self.found.push(out_of_range(format!("claim {index}"), List::Pools, claim.pool, self.problem.pools.len()));
            return;
        };
        let place = Place::Claim { index, pool: pool.name.clone() };
        let groups = by_class(self.problem, &claim.pods);
        let types = self.types(&place, pool, claim);
        if claim.pods.is_empty() {
            self.found.push(Violation::Idle { place: place.clone() });
        }
        self.requirements(&place, pool, &claim.requirements);

        let labels = Labels::of_claim(&claim.requirements, pool, &self.problem.well_known);
        for group in &groups {
            if !self.welcome.contains(&(choice.number, group.number)) {
                let wrong = misplaced(group, &place, &pool.taints, &labels);
                if wrong.is_empty() {
                    self.welcome.insert((choice.number, group.number));
                }
                self.found.extend(wrong);
            }
        }
        let Some(stock) = self.shops.stock(claim.pool) else { return };
        let desk = Desk { place: &place, claim, types: &types, stock, choice: &choice };
        desk.each_type(&self.shops.asked_for, &requests(&groups), self.found);
        desk.price(self.found);
        desk.requests(&groups, self.found);
        desk.minimums(self.problem.settings.min_values, self.found);
        let on_types = types.iter().map(|t| (&pool.instance_types[*t].name, stock.ports(*t)));
        ports::on_claim(self.problem, &place, &claim.pods, &groups, on_types, self.found);
        let limits = types.iter().map(|t| &*pool.instance_types[*t]);
        volumes::on_claim(&place, &groups, limits, self.found);
        let rules = self.problem.reservations.as_ref();
        reservations::on_claim(rules, &place, claim, &types, (stock, &choice), self.found);
        self.books[claim.pool].enter(stock, &types);
    }

    /// The listed types that there are, each once.
    fn types(&mut self, place: &Place, pool: &NodePool, claim: &PlannedClaim) -> Vec<usize> {
        let mut seen = BTreeSet::new();
        let mut types = vec![];
        for t in &claim.types {
            match pool.instance_types.get(*t) {
                None => {
                    let len = pool.instance_types.len();
                    self.found.push(out_of_range(place.to_string(), List::InstanceTypes, *t, len));
                }
                Some(known) if !seen.insert(*t) => {
                    let instance_type = known.name.clone();
                    self.found.push(Violation::RepeatedType { place: place.clone(), instance_type });
                }
                Some(_) => types.push(*t),
            }
        }
        if claim.types.is_empty() {
            self.found.push(Violation::NoTypes { place: place.clone() });
        }
        types
    }

    /// The claim is as narrow as its pool, and demands nothing that its node will not have.
    fn requirements(&mut self, place: &Place, pool: &NodePool, requirements: &Requirements) {
        for (key, wide) in pool.requirements.iter() {
            let narrow = requirements.get(key);
            if !narrow.is_some_and(|narrow| at_least_as_narrow(narrow, wide)) {
                self.found.push(Violation::WiderThanPool {
                    place: place.clone(),
                    key: key.clone(),
                    pool: wide.clone(),
                    claim: narrow.cloned(),
                });
            }
        }
        for (key, asked) in requirements.iter() {
            let defined = pool.requirements.get(key).is_some() || self.problem.well_known.contains(key);
            if !(defined || asked.allows_absence()) {
                let (key, asked) = (key.clone(), asked.clone());
                self.found.push(Violation::UndefinedDemand { place: place.clone(), key, asked });
            }
        }
    }

    /// The claims of each pool stay within its limits, even if the smallest types are launched (4.5).
    fn limits(&mut self) {
        for (p, book) in self.books.iter().enumerate().filter(|(_, book)| book.claims > 0) {
            let Some(stock) = self.shops.stock(p) else { continue };
            let remaining = stock.pool.remaining.as_ref();
            let nodes = remaining.filter(|r| r.has(NODES)).map(|r| (Name::from(NODES), r.get(NODES)));
            let limited = stock.limited.iter().cloned().zip(book.taken.iter().copied());
            for ((resource, left), taken) in limited.chain(nodes.map(|limit| (limit, book.claims))) {
                if taken > left {
                    self.found.push(Violation::BeyondLimit { pool: stock.pool.name.clone(), resource, taken, left });
                }
            }
        }
    }
}

impl Book {
    /// Notes a claim at the least that its types have.
    fn enter(&mut self, stock: &Stock<'_>, types: &[usize]) {
        self.claims += 1;
        self.taken.resize(stock.limited.len(), 0);
        for (resource, taken) in self.taken.iter_mut().enumerate() {
            let least = types.iter().map(|t| stock.capacity(*t)[resource]).min().unwrap_or(0);
            *taken = taken.saturating_add(least);
        }
    }
}

/// A claim with all that is needed to judge its types.
struct Desk<'a> {
    place: &'a Place,
    claim: &'a PlannedClaim,
    /// The types listed, without those that do not exist or are repeated.
    types: &'a [usize],
    stock: &'a Stock<'a>,
    choice: &'a Choice,
}

impl Desk<'_> {
    fn name(&self, t: usize) -> Name {
        self.stock.pool.instance_types[t].name.clone()
    }

    /// Every type has the labels, is on offer, holds the pods, and could be launched within the limits.
    fn each_type(&self, asked_for: &[Name], needed: &Resources, found: &mut Vec<Violation>) {
        let row: Vec<i64> = asked_for.iter().map(|name| needed.get(name)).collect();
        let place = || self.place.clone();
        for t in self.types.iter().copied() {
            if !self.choice.labelled.contains(t) {
                found.push(Violation::WrongLabels { place: place(), instance_type: self.name(t) });
            }
            if self.choice.prices[t].is_none() {
                found.push(Violation::NotOnOffer { place: place(), instance_type: self.name(t) });
            }
            if let Some((resource, room)) = self.stock.short(t, &row, asked_for) {
                let (needed, instance_type) = (needed.get(&resource), self.name(t));
                found.push(Violation::TooSmall { place: place(), instance_type, resource, room, needed });
            }
            for ((resource, left), capacity) in self.stock.limited.iter().zip(self.stock.capacity(t)) {
                if capacity > left {
                    found.push(Violation::TypeBeyondLimit {
                        place: place(),
                        instance_type: self.name(t),
                        resource: resource.clone(),
                        capacity: *capacity,
                        left: *left,
                    });
                }
            }
        }
    }

    /// Types come cheapest first, and the price is that of the first.
    fn price(&self, found: &mut Vec<Violation>) {
        let price = |t: usize| self.choice.prices[t].unwrap_or(Price::MAX);
        for pair in self.types.windows(2) {
            let &[before, after] = pair else { continue };
            let by_name = || self.stock.pool.instance_types[before].name <= self.stock.pool.instance_types[after].name;
            if price(before) > price(after) || (price(before) == price(after) && !by_name()) {
                let (before, after) = (self.name(before), self.name(after));
                found.push(Violation::TypesOutOfOrder { place: self.place.clone(), before, after });
            }
        }
        let cheapest = self.types.iter().filter_map(|t| self.choice.prices[*t]).min();
        if let Some(cheapest) = cheapest.filter(|cheapest| *cheapest != self.claim.price) {
            let said = self.claim.price;
            found.push(Violation::WrongPrice { place: self.place.clone(), said, found: cheapest });
        }
    }

    /// The requests are those of the pods and the least that DaemonSets take.
    fn requests(&self, groups: &[Group<'_>], found: &mut Vec<Violation>) {
        let mut right = self.stock.least_load(self.types);
        right.add(&requests(groups));
        let said = &self.claim.requests;
        let names: BTreeSet<&Name> = right.iter().chain(said.iter()).map(|(name, _)| name).collect();
        for name in names.into_iter().filter(|name| right.get(name) != said.get(name)) {
            found.push(Violation::WrongRequests {
                place: self.place.clone(),
                resource: name.clone(),
                said: said.get(name),
                found: right.get(name),
            });
        }
    }

    /// Enough distinct values are left open, and no minimum is lowered in secret (3.8).
    fn minimums(&self, policy: MinValuesPolicy, found: &mut Vec<Violation>) {
        let place = || self.place.clone();
        let claimed = &self.claim.requirements;
        let mut lowered = false;
        for (key, wanted) in self.stock.pool.requirements.iter().filter_map(|(k, r)| Some((k, r.min_values()?))) {
            let own = claimed.get(key).and_then(crate::requirement::Requirement::min_values);
            if own.is_none_or(|own| own < wanted) {
                lowered = true;
                let open = own.is_some() && self.claim.min_values_relaxed && policy == MinValuesPolicy::BestEffort;
                if !open {
                    let (place, key) = (place(), key.clone());
                    found.push(Violation::MinimumLowered { place, key, pool: wanted, claim: own });
                }
            }
        }
        if self.claim.min_values_relaxed && !lowered {
            found.push(Violation::NothingLowered { place: place() });
        }
        for (key, allowed) in claimed.iter() {
            let asked = allowed.min_values().unwrap_or(0);
            let have = self.stock.distinct_values(key, allowed, self.types, asked);
            if have < asked {
                found.push(Violation::TooFewValues { place: place(), key: key.clone(), asked, have });
            }
        }
    }
}
