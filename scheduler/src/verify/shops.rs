//! The pools of a problem as shops: what each sells, and what a set of requirements leaves of that.
//!
//! Claims are many and list hundreds of types each, but their requirements are few: what follows from a set of
//! requirements is kept for whoever comes with the same set. A pool is looked at once somebody asks for it.

use super::stock::{Choice, Sold, Stock};
use crate::plan::PlannedClaim;
use crate::problem::Problem;
use crate::requirement::Name;
use crate::requirements::Requirements;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::rc::Rc;

/// What all pools sell.
pub(super) struct Shops<'p> {
    problem: &'p Problem,
    /// The resources that pods or DaemonSets ask for, in a fixed order.
    pub(super) asked_for: Vec<Name>,
    stocks: Vec<Option<Stock<'p>>>,
    choices: FxHashMap<(usize, Sold), FxHashMap<Requirements, Rc<Choice>>>,
    next: usize,
}

impl<'p> Shops<'p> {
    pub(super) fn new(problem: &'p Problem) -> Self {
        let requests = problem.classes.iter().map(|c| &c.requests).chain(problem.daemons.iter().map(|d| &d.requests));
        let names: BTreeSet<&Name> = requests.flat_map(|r| r.iter().map(|(name, _)| name)).collect();
        Self {
            problem,
            asked_for: names.into_iter().cloned().collect(),
            stocks: problem.pools.iter().map(|_| None).collect(),
            choices: FxHashMap::default(),
            next: 0,
        }
    }

    /// What a claim leaves open of what its pool sells; nothing if there is no such pool.
    pub(super) fn choice_of(&mut self, claim: &PlannedClaim) -> Option<Rc<Choice>> {
        let sold = match (&self.problem.reservations, claim.reservations.is_empty()) {
            (None, _) => Sold::Anyhow,
            (Some(_), true) => Sold::Unreserved,
            (Some(_), false) => Sold::Reserved,
        };
        self.choice(claim.pool, &claim.requirements, sold)
    }

    /// What a set of requirements leaves of what a pool sells; nothing if there is no such pool.
    pub(super) fn choice(&mut self, pool: usize, requirements: &Requirements, sold: Sold) -> Option<Rc<Choice>> {
        let known = self.choices.entry((pool, sold)).or_default();
        if let Some(choice) = known.get(requirements) {
            return Some(Rc::clone(choice));
        }
        let shelf = self.stocks.get_mut(pool)?;
        let problem = self.problem;
        let stock = shelf.get_or_insert_with(|| Stock::new(problem, &problem.pools[pool], &self.asked_for));
        let choice = Rc::new(stock.choice(self.next, requirements, sold, &problem.well_known));
        self.next += 1;
        known.insert(requirements.clone(), Rc::clone(&choice));
        Some(choice)
    }

    /// The stock of a pool, if a choice has been made there.
    pub(super) fn stock(&self, pool: usize) -> Option<&Stock<'p>> {
        self.stocks.get(pool)?.as_ref()
    }
}
