//! Is every node to buy in order, and do those of one pool stay within its limits?
//!
//! Everything that a claim says must hold for each of its types, since any of them may be launched. What the types have
//! and cost is looked up in the stock of the pool; which pods are where, the accounting has seen to.

use super::accounting::{Group, by_class, out_of_range, requests};
use super::selection::{Labels, at_least_as_narrow, misplaced};
use super::stock::{Choice, Stock, asked_for};
use super::{List, Place, Violation};
use crate::instance_type::Price;
use crate::plan::{Plan, PlannedClaim};
use crate::problem::{MinValuesPolicy, NodePool, Problem};
use crate::requirement::Name;
use crate::requirements::Requirements;
use crate::resources::{NODES, Resources};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Checks every claim, and the limits of the pools.
pub(super) fn check(problem: &Problem, plan: &Plan, found: &mut Vec<Violation>) {
    let mut review = Review {
        problem,
        asked_for: asked_for(problem),
        books: problem.pools.iter().map(|_| None).collect(),
        choices: FxHashMap::default(),
        welcome: FxHashSet::default(),
        found,
    };
    for (index, claim) in plan.claims.iter().enumerate() {
        review.claim(index, claim);
    }
    review.limits();
}

struct Review<'p, 'f> {
    problem: &'p Problem,
    asked_for: Vec<Name>,
    /// Pool by pool, what is sold and what has been taken of its limits, once a claim comes from it.
    books: Vec<Option<Book<'p>>>,
    /// What a pool has for a set of requirements, with a number that stands for the two.
    choices: FxHashMap<(usize, &'p Requirements), (usize, Rc<Choice>)>,
    /// The classes whose pods have been found in order at a pool with such requirements.
    welcome: FxHashSet<(usize, usize)>,
    found: &'f mut Vec<Violation>,
}

struct Book<'p> {
    stock: Stock<'p>,
    /// The least that the claims take of each limited resource.
    taken: Vec<i64>,
    claims: i64,
}

impl<'p> Review<'p, '_> {
    fn claim(&mut self, index: usize, claim: &'p PlannedClaim) {
        let Some(pool) = self.problem.pools.get(claim.pool) else {
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

        let well_known = &self.problem.well_known;
        let Some(book) = self.books.get_mut(claim.pool) else { return };
        let asked_for = &self.asked_for;
        let book = book.get_or_insert_with(|| Book::new(Stock::new(self.problem, pool, asked_for)));
        let next = self.choices.len();
        let chosen = self.choices.entry((claim.pool, &claim.requirements));
        let (setting, choice) =
            chosen.or_insert_with(|| (next, book.stock.choice(&claim.requirements, well_known))).clone();

        let labels = Labels { known: &claim.requirements, defined: &pool.requirements, well_known, complete: false };
        for group in &groups {
            if !self.welcome.contains(&(setting, group.number)) {
                let wrong = misplaced(group, &place, &pool.taints, &labels);
                if wrong.is_empty() {
                    self.welcome.insert((setting, group.number));
                }
                self.found.extend(wrong);
            }
        }
        let desk = Desk { place: &place, claim, types: &types, stock: &book.stock, choice: &choice };
        desk.each_type(asked_for, &requests(&groups), self.found);
        desk.price(self.found);
        desk.requests(&groups, self.found);
        desk.minimums(self.problem.settings.min_values, self.found);
        book.enter(&types);
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
        for book in self.books.iter().flatten() {
            let pool = book.stock.pool;
            let nodes = pool.remaining.as_ref().filter(|r| r.has(NODES)).map(|r| (Name::from(NODES), r.get(NODES)));
            let limited = book.stock.limited.iter().cloned().zip(book.taken.iter().copied());
            for ((resource, left), taken) in limited.chain(nodes.map(|limit| (limit, book.claims))) {
                if taken > left {
                    self.found.push(Violation::BeyondLimit { pool: pool.name.clone(), resource, taken, left });
                }
            }
        }
    }
}

impl<'p> Book<'p> {
    fn new(stock: Stock<'p>) -> Self {
        Self { taken: vec![0; stock.limited.len()], stock, claims: 0 }
    }

    /// Notes a claim at the least that its types have.
    fn enter(&mut self, types: &[usize]) {
        self.claims += 1;
        for (resource, taken) in self.taken.iter_mut().enumerate() {
            let least = types.iter().map(|t| self.stock.capacity(*t)[resource]).min().unwrap_or(0);
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
