//! Is there an order in which every pod could be placed where it is?
//!
//! Pods of one class at one site are an item; a step places some of its pods if the rules allow it at that moment. What
//! waits, waits for something: that the emptiest domain fills, or that company arrives. Pods that would be in the way of
//! others wait too, as long as anything else can move. That finds an order in time that grows hardly faster than the
//! number of pods, and nearly always if there is one; small cases that it does not solve are searched through.

use super::super::Violation;
use super::Rule;
use super::domains::{Domains, Reach};
use super::rules::Rules;
use super::sites::{Placed, Sites};
use super::spread::Counted;
use super::tally::{Add, Change, Tally};
use crate::problem::Problem;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

/// Up to so many states, all orders of a small case are tried.
const STATES_MAX: u64 = 20_000;
/// With more pods than this a case is not small.
const SMALL: u64 = 200;

/// Rules that belong together, with all that is known of the plan.
pub(super) struct Rulebook<'a, 'p> {
    pub(super) problem: &'p Problem,
    pub(super) sites: &'a Sites<'p>,
    pub(super) rules: &'a Rules<'p>,
    pub(super) domains: &'a Domains<'p>,
    pub(super) spreads: &'a [Counted],
    pub(super) group: &'a BTreeSet<Rule>,
}

/// Pods of one class for one site.
struct Item<'a, 'p> {
    placed: &'a Placed<'p>,
    left: u64,
    bounds: Vec<BoundAt>,
    near: Vec<NearAt>,
    adds: Vec<Add>,
    /// Domains that end up fuller than its rules allow: tally, domain, and how many pods it would put up with.
    tight: Vec<(usize, usize, u64)>,
    /// The affinities that its first pod can only open: nobody else brings company to its domain.
    opens: Vec<usize>,
}

struct BoundAt {
    tally: usize,
    max_skew: u64,
    from_zero: bool,
    itself: u64,
    reach: Rc<Reach>,
}

struct NearAt {
    tally: usize,
    rule: usize,
    itself: bool,
    /// The domains that its pods may go to; nothing if all.
    allowed: Option<Rc<BTreeSet<usize>>>,
    reach: Rc<Reach>,
}

/// Why an item cannot move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Obstacle {
    /// The domain is too full for such a bound, compared with the emptiest.
    Skew { tally: usize, max_skew: u64, from_zero: bool, itself: u64, domain: usize },
    /// Company is missing in the domain.
    Company { tally: usize, domain: usize },
    /// Nothing but being the first of its kind, which it could be.
    Opening,
    /// What the site is cannot be told.
    Never,
}

/// What comes first where there is a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Manners {
    /// Those who bring company without needing any wait for those who must be the first.
    openers_first: bool,
    /// The sites in the order of the plan, or the other way round.
    forwards: bool,
}

impl<'a, 'p> Rulebook<'a, 'p> {
    /// Looks for an order that keeps the affinities, and the spreads as well if asked.
    ///
    /// # Errors
    /// With the pods that lack company, if none was found.
    pub(super) fn order(&self, spreads: bool) -> Result<(), Vec<Violation>> {
        let mut stuck = None;
        for (openers_first, forwards) in [(true, true), (false, true), (true, false)] {
            let mut game = self.game(spreads);
            if game.play(Manners { openers_first, forwards }) {
                return Ok(());
            }
            stuck.get_or_insert(game);
        }
        if self.game(spreads).search() {
            return Ok(());
        }
        Err(stuck.map(|game| self.lonely(&game)).unwrap_or_default())
    }

    fn lonely(&self, game: &Game<'a, 'p>) -> Vec<Violation> {
        let mut found = vec![];
        for item in game.items.iter().filter(|item| item.left > 0) {
            let Some(near) = item.near.iter().find(|near| !game.has_company(item, near)) else { continue };
            let term = &self.rules.near[near.rule];
            let place = self.sites.place(item.placed.site);
            let (pod, key) = (item.placed.pod.clone(), self.domains.key(term.key).clone());
            found.push(if near.reach.pinned().is_none() {
                Violation::NoDomain { place, pod, key }
            } else {
                Violation::Lonely { place, pod, key, peers: self.sites.peers(term.peers) }
            });
        }
        found
    }

    fn game(&self, spreads: bool) -> Game<'a, 'p> {
        let mut tallies = vec![];
        let mut numbers: FxHashMap<Rule, usize> = FxHashMap::default();
        for rule in self.group {
            let tally = match rule {
                Rule::Spread(_) if !spreads => continue,
                Rule::Spread(number) => {
                    let counted = &self.spreads[*number];
                    let residents = counted.residents.iter().map(|(domain, pods)| (*domain, *pods));
                    Tally::of_residents(residents, counted.universe.as_ref())
                }
                Rule::Near(number) => {
                    let term = &self.rules.near[*number];
                    let residents = self.sites.members(term.peers).iter().filter_map(|presence| {
                        Some((self.domains.reach(presence.site, term.key).pinned()?, presence.residents))
                    });
                    Tally::of_residents(residents, None)
                }
            };
            numbers.insert(*rule, tallies.len());
            tallies.push(tally);
        }
        let mut items = vec![];
        for class in 0..self.problem.classes.len() {
            self.items(class, &numbers, &mut items);
        }
        let mut game = Game { items, tallies, waiting: FxHashMap::default(), openers: FxHashMap::default() };
        game.find_openers();
        for item in &game.items {
            for (tally, domain, limit) in &item.tight {
                *game.waiting.entry((*tally, *domain)).or_default().entry(*limit).or_default() += item.left;
            }
            item.opens.iter().for_each(|tally| *game.openers.entry(*tally).or_default() += item.left);
        }
        game
    }

    /// The items of a class.
    fn items(&self, class: usize, numbers: &FxHashMap<Rule, usize>, items: &mut Vec<Item<'a, 'p>>) {
        let own = &self.rules.of_class[class];
        let tally = |rule: Rule| numbers.get(&rule).copied();
        let bounds: Vec<_> =
            own.bounds.iter().filter_map(|bound| Some((bound, tally(Rule::Spread(bound.spreading))?))).collect();
        let near: Vec<_> = own.near.iter().filter_map(|near| Some((near, tally(Rule::Near(near.term))?))).collect();
        let near: Vec<_> = near
            .into_iter()
            .map(|(near, tally)| {
                let key = self.rules.near[near.term].key;
                (near, tally, key, self.domains.allowed(class, key, self.sites).map(Rc::new))
            })
            .collect();
        let member_of = &self.problem.classes[class].member_of;
        let mut counted = vec![];
        for rule in self.group {
            let Some(tally) = tally(*rule) else { continue };
            let (key, peers, passing) = match rule {
                Rule::Spread(number) => {
                    let spreading = &self.rules.spreads[*number];
                    (spreading.key, spreading.peers, Some(&self.spreads[*number].passing))
                }
                Rule::Near(number) => (self.rules.near[*number].key, self.rules.near[*number].peers, None),
            };
            if member_of.contains(&peers) {
                counted.push((tally, key, passing));
            }
        }
        if bounds.is_empty() && near.is_empty() && counted.is_empty() {
            return;
        }
        for placed in self.sites.of_class(class) {
            let site = placed.site;
            let reach = |key: usize| Rc::clone(self.domains.reach(site, key));
            let mut item = Item {
                placed,
                left: placed.pods,
                bounds: vec![],
                near: vec![],
                adds: vec![],
                tight: vec![],
                opens: vec![],
            };
            for (bound, tally) in &bounds {
                let counted = &self.spreads[bound.spreading];
                let reach = reach(self.rules.spreads[bound.spreading].key);
                let from_zero = counted.counts_from_zero(bound.min_domains);
                let (limit, domain) = (counted.limit(bound), reach.pinned());
                let too_full = |d: &usize| counted.total.get(d).is_some_and(|pods| *pods > limit);
                item.tight.extend(domain.filter(too_full).map(|domain| (*tally, domain, limit)));
                let (max_skew, itself) = (bound.max_skew.into(), bound.itself.into());
                item.bounds.push(BoundAt { tally: *tally, max_skew, from_zero, itself, reach });
            }
            for (near, tally, key, allowed) in &near {
                item.near.push(NearAt {
                    tally: *tally,
                    rule: near.term,
                    itself: near.itself,
                    allowed: allowed.clone(),
                    reach: reach(*key),
                });
            }
            for (tally, key, passing) in &counted {
                if passing.is_none_or(|passing| passing.contains(&site)) {
                    item.adds.push(Add { tally: *tally, site, reach: reach(*key) });
                }
            }
            items.push(item);
        }
    }
}

/// Pods being placed.
struct Game<'a, 'p> {
    items: Vec<Item<'a, 'p>>,
    tallies: Vec<Tally>,
    /// By tally and domain, how many pods still to come put up with no more than so many there.
    waiting: FxHashMap<(usize, usize), BTreeMap<u64, u64>>,
    /// By tally, how many pods still to come can only be the first.
    openers: FxHashMap<usize, u64>,
}

impl Game<'_, '_> {
    /// Notes who can only be the first of its kind: with an affinity to its own kind, in a domain to which nobody comes who
    /// needs no company.
    fn find_openers(&mut self) {
        let mut free: FxHashSet<(usize, usize)> = FxHashSet::default();
        for item in &self.items {
            for add in &item.adds {
                let needs = item.near.iter().any(|near| near.tally == add.tally);
                free.extend(add.reach.pinned().filter(|_| !needs).map(|domain| (add.tally, domain)));
            }
        }
        let tallies = &self.tallies;
        for item in &mut self.items {
            for near in item.near.iter().filter(|near| near.itself) {
                let company =
                    |domain: usize| tallies[near.tally].sure(domain) > 0 || free.contains(&(near.tally, domain));
                if !near.reach.pinned().is_some_and(company) {
                    item.opens.push(near.tally);
                }
            }
        }
    }

    fn has_company(&self, item: &Item<'_, '_>, near: &NearAt) -> bool {
        let tally = &self.tallies[near.tally];
        let certain = !near.reach.absent && !near.reach.anything && !near.reach.known.is_empty();
        (!near.reach.absent && tally.here(item.placed.site) > 0)
            || (certain && near.reach.known.iter().all(|domain| tally.sure(*domain) > 0))
    }

    /// What keeps the next pod of an item from its site.
    fn obstacle(&self, item: &Item<'_, '_>) -> Option<Obstacle> {
        for bound in &item.bounds {
            let BoundAt { tally, max_skew, from_zero, itself, ref reach } = *bound;
            if reach.absent || reach.anything || reach.known.is_empty() {
                return Some(Obstacle::Never);
            }
            let here = if reach.known.len() > 1 { self.tallies[tally].here(item.placed.site) } else { 0 };
            let full = |domain: &usize| !self.has_room((tally, max_skew, from_zero, itself + here), *domain);
            if let Some(domain) = reach.known.iter().copied().find(full) {
                return Some(Obstacle::Skew { tally, max_skew, from_zero, itself, domain });
            }
        }
        let mut opening = None;
        for near in &item.near {
            if self.has_company(item, near) {
                continue;
            }
            if near.reach.absent || (near.reach.known.is_empty() && !near.reach.anything) {
                return Some(Obstacle::Never);
            }
            let tally = &self.tallies[near.tally];
            // The first of its kind decides on a domain for all that follow.
            let could_open = near.itself && near.reach.pinned().is_some();
            if !could_open || tally.occupied(near.allowed.as_deref()) {
                let lacking = near.reach.known.iter().copied().find(|domain| tally.sure(*domain) == 0);
                return Some(Obstacle::Company { tally: near.tally, domain: lacking.unwrap_or(usize::MAX) });
            }
            opening = Some(Obstacle::Opening);
        }
        opening
    }

    fn has_room(&self, (tally, max_skew, from_zero, more): (usize, u64, bool, u64), domain: usize) -> bool {
        let tally = &self.tallies[tally];
        let least = if from_zero { 0 } else { tally.least() };
        tally.sure(domain).saturating_add(more) <= least.saturating_add(max_skew)
    }

    /// How many pods still to come would suffer if this item moved now.
    fn harm(&self, item: &Item<'_, '_>, manners: Manners) -> u64 {
        let mut harm = 0;
        for add in &item.adds {
            if let Some(domain) = add.reach.pinned()
                && let Some(waiting) = self.waiting.get(&(add.tally, domain))
            {
                let own =
                    item.tight.iter().filter(|(t, d, _)| (*t, *d) == (add.tally, domain)).map(|(_, _, l)| *l).min();
                harm += waiting.range(..own.unwrap_or(u64::MAX)).map(|(_, pods)| *pods).sum::<u64>();
            }
            if manners.openers_first && !item.opens.contains(&add.tally) && !self.tallies[add.tally].occupied(None) {
                harm += self.openers.get(&add.tally).copied().unwrap_or(0);
            }
        }
        harm
    }

    /// Places pods of an item, and says what that changed by tally.
    fn put(&mut self, number: usize, pods: u64) -> Vec<(usize, Change)> {
        let Self { items, tallies, waiting, openers } = self;
        let item = &mut items[number];
        item.left -= pods;
        for (tally, domain, limit) in &item.tight {
            if let Some(pods_left) = waiting.get_mut(&(*tally, *domain)).and_then(|limits| limits.get_mut(limit)) {
                *pods_left -= pods;
            }
        }
        for tally in &item.opens {
            openers.entry(*tally).and_modify(|left| *left -= pods);
        }
        item.adds.iter().map(|add| (add.tally, tallies[add.tally].add(add, pods))).collect()
    }

    fn take_back(&mut self, number: usize, pods: u64) {
        let Self { items, tallies, waiting, openers } = self;
        let item = &mut items[number];
        item.left += pods;
        for (tally, domain, limit) in &item.tight {
            *waiting.entry((*tally, *domain)).or_default().entry(*limit).or_default() += pods;
        }
        item.opens.iter().for_each(|tally| *openers.entry(*tally).or_default() += pods);
        item.adds.iter().for_each(|add| tallies[add.tally].remove(add, pods));
    }

    /// Places pods as long as something moves. Whether all got their place.
    fn play(&mut self, manners: Manners) -> bool {
        let mut first: Vec<usize> = (0..self.items.len()).collect();
        first.sort_by_key(|item| (self.items[*item].placed.after, *item));
        if !manners.forwards {
            first.reverse();
        }
        let pods: u64 = self.items.iter().map(|item| item.left).sum();
        let mut effort = 100_000 + 40 * (pods + self.items.len() as u64);
        let mut line = Line { ready: first.into(), ..Line::default() };
        loop {
            while let Some(number) = line.ready.pop_front() {
                let Some(rest) = effort.checked_sub(1) else { return false };
                effort = rest;
                self.try_item(number, manners, &mut line);
            }
            effort = effort.saturating_sub((line.openers.len() + line.polite.len()) as u64);
            if !self.think_again(manners, &mut line) {
                return self.items.iter().all(|item| item.left == 0);
            }
        }
    }

    /// Moves an item or puts it where it waits.
    fn try_item(&mut self, number: usize, manners: Manners, line: &mut Line) {
        let item = &self.items[number];
        if item.left == 0 {
            return;
        }
        match self.obstacle(item) {
            None if self.harm(item, manners) > 0 => line.polite.push(number),
            None => {
                // Pods with a spread move one at a time, so that domains fill evenly.
                let pods = if item.bounds.is_empty() { item.left } else { 1 };
                self.step(number, pods, line);
            }
            Some(Obstacle::Opening) => line.openers.push(number),
            Some(Obstacle::Never) => {}
            Some(obstacle) => line.parked.entry(obstacle).or_default().push_back(number),
        }
        self.pass_on(number, line);
    }

    fn step(&mut self, number: usize, pods: u64, line: &mut Line) {
        for (tally, change) in self.put(number, pods) {
            if change.least_rose {
                self.wake_domains(tally, line);
            }
            if let Some(domain) = change.first_in {
                line.ready.extend(line.parked.remove(&Obstacle::Company { tally, domain }).unwrap_or_default());
            }
            if change.first_here {
                line.wake_company(tally);
            }
        }
        if self.items[number].left > 0 {
            line.ready.push_back(number);
        }
    }

    /// The emptiest domain has filled: in every domain with room again one item may try.
    fn wake_domains(&self, tally: usize, line: &mut Line) {
        let from = Obstacle::Skew { tally, max_skew: 0, from_zero: false, itself: 0, domain: 0 };
        let to = Obstacle::Skew { tally: tally + 1, max_skew: 0, from_zero: false, itself: 0, domain: 0 };
        for (obstacle, parked) in line.parked.range_mut(from..to) {
            if let Obstacle::Skew { max_skew, from_zero, itself, domain, .. } = *obstacle
                && self.has_room((tally, max_skew, from_zero, itself), domain)
            {
                line.ready.extend(parked.pop_front());
            }
        }
    }

    /// Whoever was woken or moved and leaves room behind wakes the next who waits for the same.
    fn pass_on(&self, number: usize, line: &mut Line) {
        for bound in &self.items[number].bounds {
            let BoundAt { tally, max_skew, from_zero, itself, .. } = *bound;
            for domain in &bound.reach.known {
                if self.has_room((tally, max_skew, from_zero, itself), *domain) {
                    let obstacle = Obstacle::Skew { tally, max_skew, from_zero, itself, domain: *domain };
                    line.ready.extend(line.parked.get_mut(&obstacle).and_then(VecDeque::pop_front));
                }
            }
        }
    }

    /// Nothing moves by itself: who has waited for others out of politeness or must be the first goes on. Whether there was
    /// anyone.
    fn think_again(&mut self, manners: Manners, line: &mut Line) -> bool {
        let (openers, polite) = (std::mem::take(&mut line.openers), std::mem::take(&mut line.polite));
        let mut still = (vec![], vec![]);
        for number in openers.into_iter().chain(polite) {
            let item = &self.items[number];
            match self.obstacle(item) {
                _ if item.left == 0 => {}
                Some(Obstacle::Opening) => still.0.push(number),
                None if self.harm(item, manners) > 0 => still.1.push(number),
                _ => line.ready.push_back(number),
            }
        }
        if line.ready.is_empty() {
            // Who can only be the first before who could be; then whoever does the least harm.
            let opener = still.0.iter().copied().min_by_key(|n| {
                let item = &self.items[*n];
                (!item.near.iter().any(|near| item.opens.contains(&near.tally)), self.harm(item, manners))
            });
            let next = opener.or_else(|| still.1.iter().copied().min_by_key(|n| self.harm(&self.items[*n], manners)));
            let Some(next) = next else { return false };
            still.0.retain(|number| *number != next);
            still.1.retain(|number| *number != next);
            self.step(next, 1, line);
        }
        line.openers.extend(still.0);
        line.polite.extend(still.1);
        true
    }

    /// Tries all orders, if they are few.
    fn search(&mut self) -> bool {
        let pods: u64 = self.items.iter().map(|item| item.left).sum();
        let states = self
            .items
            .iter()
            .try_fold(1u64, |states, item| states.checked_mul(item.left + 1).filter(|states| *states <= STATES_MAX));
        pods <= SMALL && states.is_some() && self.finish(&mut FxHashSet::default())
    }

    fn finish(&mut self, dead: &mut FxHashSet<Vec<u64>>) -> bool {
        let state: Vec<u64> = self.items.iter().map(|item| item.left).collect();
        if state.iter().all(|left| *left == 0) {
            return true;
        }
        if dead.contains(&state) {
            return false;
        }
        for number in 0..self.items.len() {
            let item = &self.items[number];
            if item.left > 0 && matches!(self.obstacle(item), None | Some(Obstacle::Opening)) {
                self.put(number, 1);
                if self.finish(dead) {
                    return true;
                }
                self.take_back(number, 1);
            }
        }
        dead.insert(state);
        false
    }
}

/// Who is to try next, and who waits for what.
#[derive(Default)]
struct Line {
    ready: VecDeque<usize>,
    parked: BTreeMap<Obstacle, VecDeque<usize>>,
    /// Those who could be the first of their kind.
    openers: Vec<usize>,
    /// Those who could move but would be in the way of others.
    polite: Vec<usize>,
}

impl Line {
    fn wake_company(&mut self, tally: usize) {
        let from = Obstacle::Company { tally, domain: 0 };
        let to = Obstacle::Company { tally: tally + 1, domain: 0 };
        for (_, parked) in self.parked.range_mut(from..to) {
            self.ready.extend(parked.drain(..));
        }
    }
}
