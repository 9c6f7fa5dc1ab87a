//! The rules of a pod as questions to counters: which domains may it go to, which nodes?
//!
//! Rules about a label are answered for all its domains at once, before any node is looked at. Rules about single nodes
//! are asked node by node; a node that refuses for their sake does so for the rest of the round, since counts only rise.

mod verdict;

use super::Topology;
use super::counter::{Counted, Counter, Filter, Place};
use crate::bitset::Bits;
use crate::market::{PoolIndex, Sets};
use crate::problem::{NodeSelection, PodClass, Problem, Spread};
use crate::relaxation::Reading;
use crate::requirements::Requirements;
use crate::taint::Toleration;
use rustc_hash::FxHashMap;
use std::rc::Rc;
pub(crate) use verdict::Verdict;

/// For a key, and what a spread honours, the domains that its minimum is taken over.
pub(super) type EligibleDomains = FxHashMap<(usize, Option<NodeSelection>, Option<Vec<Toleration>>), Rc<Bits>>;

/// What one reading of a class asks about other pods.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(crate) keyed: Vec<Keyed>,
    host_spread: Vec<(usize, u32)>,
    host_away: Vec<usize>,
    host_near: Vec<Near>,
}

/// The rules of a reading about one key.
#[derive(Debug)]
pub(crate) struct Keyed {
    pub(crate) key: usize,
    /// The domains that the pod's own requirements allow, in this reading of them.
    selected: Bits,
    /// The same in any reading of what is required of the node.
    ever_selected: Bits,
    spread: Vec<Even>,
    near: Vec<Near>,
    /// Counters that must be at zero.
    away: Vec<usize>,
    /// Whether the pod keeps others of its own kind away, so that it matters where exactly it goes.
    repels_itself: bool,
}

#[derive(Debug)]
struct Even {
    counter: usize,
    eligible: Rc<Bits>,
    max_skew: u32,
    min_domains: Option<u32>,
    /// Whether the pod itself is counted: 1 or 0.
    itself: u32,
}

#[derive(Clone, Copy, Debug)]
struct Near {
    counter: usize,
    /// Whether the pod is one of those it wants to be near: then the first may go anywhere.
    itself: bool,
    /// Whether it wants to be near nobody else, and so can have come before all that are there.
    alone: bool,
}

/// The domains of a key that a pod may go to now.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    pub(crate) key: usize,
    /// In the order in which they are to be tried.
    pub(crate) domains: Vec<usize>,
    pub(crate) set: Bits,
    /// Whether a claim must be narrowed to one of them, or may stay open among them.
    pub(crate) one: bool,
    /// Whether nodes without the label will do.
    pub(crate) missing: bool,
}

impl Rules {
    fn counters(&self) -> impl Iterator<Item = usize> + '_ {
        let keyed = self.keyed.iter().flat_map(|k| {
            let near = k.near.iter().map(|n| n.counter);
            k.spread.iter().map(|s| s.counter).chain(near).chain(k.away.iter().copied())
        });
        let hosts = self.host_near.iter().map(|n| n.counter).chain(self.host_away.iter().copied());
        keyed.chain(hosts).chain(self.host_spread.iter().map(|(counter, _)| *counter))
    }
}

impl Topology {
    /// The rules of a reading of a class.
    pub(crate) fn rules(
        &mut self,
        problem: &Problem,
        class: &PodClass,
        reading: &Reading,
        pools: &mut [PoolIndex<'_>],
        sets: &mut Sets,
    ) -> Rules {
        let mut rules = Rules::default();
        for spread in &reading.spread {
            let filter = self.filter(class, spread);
            let counter = self.counter(&spread.key, Counted::Certain { peers: spread.peers, filter });
            let itself = u32::from(class.member_of.contains(&spread.peers));
            match self.counters[counter].place {
                Place::Host => rules.host_spread.push((counter, spread.max_skew.saturating_sub(itself))),
                Place::Key(key) => {
                    let eligible = self.eligible(problem, class, spread, key, pools, sets);
                    let even =
                        Even { counter, eligible, max_skew: spread.max_skew, min_domains: spread.min_domains, itself };
                    self.keyed(&mut rules, key, class, reading).spread.push(even);
                }
            }
        }
        for term in &reading.near {
            let counter = self.counter(&term.key, Counted::Certain { peers: term.peers, filter: None });
            let alone = reading.near.len() == 1;
            let near = Near { counter, itself: class.member_of.contains(&term.peers), alone };
            match self.counters[counter].place {
                Place::Host => rules.host_near.push(near),
                Place::Key(key) => self.keyed(&mut rules, key, class, reading).near.push(near),
            }
        }
        let required = class.anti_affinity.required.len();
        for (i, term) in reading.away.iter().enumerate() {
            let peers = term.peers;
            let counted = if i < required { Counted::Possible { peers } } else { Counted::Wished { peers } };
            let counter = self.counter(&term.key, counted);
            self.keep_away(&mut rules, counter, class, reading, i < required && class.member_of.contains(&peers));
        }
        for peers in &class.member_of {
            for guard in self.guards.get(peers).cloned().unwrap_or_default() {
                self.keep_away(&mut rules, guard, class, reading, false);
            }
        }
        rules
    }

    fn keep_away(&self, rules: &mut Rules, counter: usize, class: &PodClass, reading: &Reading, itself: bool) {
        match self.counters[counter].place {
            Place::Host => rules.host_away.push(counter),
            Place::Key(key) => {
                let keyed = self.keyed(rules, key, class, reading);
                keyed.away.push(counter);
                keyed.repels_itself |= itself;
            }
        }
    }

    fn keyed<'r>(&self, rules: &'r mut Rules, key: usize, class: &PodClass, reading: &Reading) -> &'r mut Keyed {
        let known = rules.keyed.iter().position(|k| k.key == key);
        let index = known.unwrap_or_else(|| {
            let (name, values) = (self.keys.name(key), self.keys.values(key));
            let allowed = |by: &Requirements| {
                let asked = by.get(name);
                let mut out = Bits::none(values.len());
                let open = values.iter().enumerate().filter(|(_, value)| asked.is_none_or(|r| r.contains(value)));
                open.for_each(|(domain, _)| out.insert(domain));
                out
            };
            let selected = allowed(&reading.requirements);
            let mut ever_selected = selected.clone();
            class.selection.strict().iter().for_each(|way| ever_selected.unite(&allowed(way)));
            let (spread, near, away) = (vec![], vec![], vec![]);
            rules.keyed.push(Keyed { key, selected, ever_selected, spread, near, away, repels_itself: false });
            rules.keyed.len() - 1
        });
        &mut rules.keyed[index]
    }

    /// The filter of a spread; `None` if every node passes.
    pub(super) fn filter(&mut self, class: &PodClass, spread: &Spread) -> Option<usize> {
        let (selection, tolerations) = self.honoured(class, spread);
        if selection.is_none() && tolerations.is_none() {
            return None;
        }
        let filter = Filter { selection, tolerations };
        let known = self.filter_numbers.len();
        let number = *self.filter_numbers.entry(filter.clone()).or_insert(known);
        if number == known {
            self.filters.push(filter);
        }
        Some(number)
    }

    /// What of a class a spread honours: its selection, its tolerations.
    fn honoured(&self, class: &PodClass, spread: &Spread) -> (Option<NodeSelection>, Option<Vec<Toleration>>) {
        let selects = class.selection.selector.iter().next().is_some() || !class.selection.required.is_empty();
        let selection = (spread.honors_selection && selects)
            .then(|| NodeSelection { preferred: vec![], ..class.selection.clone() });
        let tolerations = (spread.honors_taints && self.tainted).then(|| class.tolerations.clone());
        (selection, tolerations)
    }

    /// The domains that the minimum of a spread is taken over: where the pools could launch a node that counts, and where
    /// such nodes are.
    fn eligible(
        &mut self,
        problem: &Problem,
        class: &PodClass,
        spread: &Spread,
        key: usize,
        pools: &mut [PoolIndex<'_>],
        sets: &mut Sets,
    ) -> Rc<Bits> {
        let (selection, tolerations) = self.honoured(class, spread);
        let question = (key, selection, tolerations);
        if let Some(known) = self.eligible.get(&question) {
            return Rc::clone(known);
        }
        let (_, selection, tolerations) = &question;
        let filter = Filter { selection: selection.clone(), tolerations: tolerations.clone() };
        let mut domains = Bits::none(self.keys.values(key).len());
        let ways: Vec<_> = selection.iter().flat_map(NodeSelection::strict).map(|way| sets.intern(way)).collect();
        for pool in pools.iter_mut().filter(|p| filter.passes_taints(&p.pool.taints)) {
            let narrowed = if selection.is_none() {
                vec![pool.set]
            } else {
                let defined = |way: &&crate::market::SetId| {
                    pool.pool.requirements.compatible(sets.get(**way), &problem.well_known).is_ok()
                };
                let ways: Vec<_> = ways.iter().filter(defined).copied().collect();
                ways.into_iter().filter_map(|way| sets.merge(pool.set, way)).collect()
            };
            for set in narrowed {
                let values = pool.values(self.keys.name(key), set, sets, &problem.well_known);
                self.keys.numbered(key, &values).into_iter().for_each(|d| domains.insert(d));
            }
        }
        for (node, pins) in problem.nodes.iter().zip(&self.node_pins) {
            if let [domain] = pins[key].domains()
                && !domains.contains(*domain)
                && filter.passes_node(node)
            {
                domains.insert(*domain);
            }
        }
        let domains = Rc::new(domains);
        self.eligible.insert(question, Rc::clone(&domains));
        domains
    }

    /// The number of the counter for a key.
    pub(super) fn counter(&mut self, key: &str, counted: Counted) -> usize {
        let (place, domains) = match self.keys.number(key) {
            Some(key) => (Place::Key(key), self.keys.values(key).len()),
            None => (Place::Host, 0),
        };
        // Which node a pod is on is always certain.
        let counted = match (place, counted) {
            (Place::Host, Counted::Possible { peers } | Counted::Wished { peers }) => {
                Counted::Certain { peers, filter: None }
            }
            (_, counted) => counted,
        };
        let new = self.counters.len();
        let number = *self.numbers.entry((place, counted.clone())).or_insert(new);
        if number == new {
            self.counters.push(Counter::new(place, counted, domains));
        }
        number
    }

    /// A number that changes whenever one of the counters that the rules read does.
    pub(crate) fn version(&self, rules: &Rules) -> u64 {
        rules.counters().map(|c| self.counters[c].version).sum()
    }

    /// For each key of the rules, the domains that the pod may go to now.
    pub(crate) fn allowed(&self, rules: &Rules) -> Vec<Allowed> {
        rules.keyed.iter().map(|keyed| self.allowed_domains(keyed)).collect()
    }

    fn allowed_domains(&self, keyed: &Keyed) -> Allowed {
        let mut set = keyed.selected.clone();
        let mut one = keyed.repels_itself;
        let retain = |set: &mut Bits, keep: &dyn Fn(usize) -> bool| {
            let refused: Vec<usize> = set.iter().filter(|d| !keep(*d)).collect();
            refused.into_iter().for_each(|d| set.remove(d));
        };
        for even in &keyed.spread {
            one = true;
            retain(&mut set, &self.evenly(even));
        }
        for near in &keyed.near {
            let counter = &self.counters[near.counter];
            if self.may_be_first(keyed, near) {
                one = true;
            } else {
                retain(&mut set, &|d| counter.in_domain(d) > 0);
            }
        }
        for away in &keyed.away {
            let counter = &self.counters[*away];
            retain(&mut set, &|d| counter.in_domain(d) == 0);
        }
        let mut domains: Vec<usize> = set.iter().collect();
        let there = |d: usize| keyed.spread.first().map_or(0, |even| self.counters[even.counter].in_domain(d));
        domains.sort_by_key(|d| (there(*d), self.keys.place(keyed.key, *d)));
        let missing = keyed.spread.is_empty() && keyed.near.is_empty();
        Allowed { key: keyed.key, domains, set, one, missing }
    }

    /// Which domains a spread still allows.
    fn evenly<'t>(&'t self, even: &'t Even) -> impl Fn(usize) -> bool + 't {
        let counter = &self.counters[even.counter];
        let most = self.least(even).saturating_add(even.max_skew);
        move |d| even.eligible.contains(d) && counter.in_domain(d) + even.itself <= most
    }

    /// Whether a pod that wants to be near its own kind may go anywhere, for there is none of its kind yet. One that has to
    /// wait for others as well comes after those of its kind of which it is still open where they go.
    fn may_be_first(&self, keyed: &Keyed, near: &Near) -> bool {
        let counter = &self.counters[near.counter];
        let there = |d: usize| if near.alone { counter.in_domain(d) > 0 } else { counter.may_hold(d) };
        near.itself && !keyed.ever_selected.iter().any(there)
    }

    /// The rules that make the pod join some node.
    fn binding_company<'t>(&'t self, rules: &'t Rules) -> impl Iterator<Item = &'t Near> {
        rules.host_near.iter().filter(|near| !(near.itself && self.counters[near.counter].inhabited.is_empty()))
    }

    /// Of these domains, those that a claim may be narrowed to although the pods that are on it already will come with it.
    pub(crate) fn with_all_aboard(
        &self,
        keyed: &Keyed,
        domains: impl Iterator<Item = usize>,
        aboard: impl Iterator<Item = usize> + Clone,
    ) -> Vec<usize> {
        let fits = |domain: &usize| {
            keyed.spread.iter().all(|even| {
                let counted = aboard.clone().filter(|class| self.raised[*class].contains(&even.counter)).count();
                let more = u32::try_from(counted).unwrap_or(u32::MAX);
                more == 0 || self.even_with(even, *domain, more)
            })
        };
        domains.filter(fits).collect()
    }

    /// Whether a spread is kept with the pod and so many others in a domain.
    fn even_with(&self, even: &Even, domain: usize, others: u32) -> bool {
        let there = self.counters[even.counter].in_domain(domain).saturating_add(others);
        there.saturating_add(even.itself) <= self.least(even).saturating_add(even.max_skew)
    }

    /// How many pods the emptiest domain of a spread holds.
    fn least(&self, even: &Even) -> u32 {
        let domains = even.eligible.len();
        if even.min_domains.is_some_and(|n| domains < n as usize) {
            return 0;
        }
        even.eligible.iter().map(|d| self.counters[even.counter].at_least_in_domain(d)).min().unwrap_or(0)
    }

    /// Whether a node will never again take the pod, for what is on it.
    pub(crate) fn host_refuses(&self, rules: &Rules, host: usize) -> bool {
        rules.host_spread.iter().any(|(counter, most)| self.counters[*counter].on_host(host) > *most)
            || rules.host_away.iter().any(|counter| self.counters[*counter].on_host(host) > 0)
    }

    /// The nodes that the pod has to join, if it has to join some node: in the order in which they came to hold its peers.
    pub(crate) fn hosts_to_join<'t>(&'t self, rules: &Rules) -> Option<&'t [usize]> {
        let inhabited = self.binding_company(rules).map(|near| self.counters[near.counter].inhabited.as_slice());
        inhabited.min_by_key(|inhabited| inhabited.len())
    }

    /// Whether a node has all that the pod wants on it, as far as anything is to be had.
    pub(crate) fn host_has_company(&self, rules: &Rules, host: usize) -> bool {
        rules.host_near.iter().all(|near| {
            let counter = &self.counters[near.counter];
            counter.on_host(host) > 0 || (near.itself && counter.inhabited.is_empty())
        })
    }
}
