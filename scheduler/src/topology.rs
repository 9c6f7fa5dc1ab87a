//! Where pods are, counted by domain: what spread, affinity and anti-affinity are decided on.
//!
//! A domain is a value of a label key, or a single node (key `kubernetes.io/hostname`). For every set of pods that some
//! rule speaks of there is a counter: how many of its pods are in each domain. Counters are shared by all pods whose rules
//! ask the same thing, and change as pods are placed. What a domain may take is answered here; which node a pod goes to is
//! decided elsewhere (specification "scheduling" 4.9).

mod counter;
mod rules;
mod universe;

use crate::bitset::Bits;
use crate::market::{PoolIndex, SetId, Sets};
use crate::problem::{PodTerm, Problem};
use counter::{Counted, Counter, Filter, Passes, Place};
pub(crate) use rules::{Allowed, Keyed, Rules, Verdict};
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;
pub(crate) use universe::{Keys, Pin};

/// Everything that is counted in a round.
pub(crate) struct Topology {
    pub(crate) keys: Keys,
    counters: Vec<Counter>,
    numbers: FxHashMap<(Place, Counted), usize>,
    filters: Vec<Filter>,
    filter_numbers: FxHashMap<Filter, usize>,
    /// For each class, the counters that a pod of it raises wherever it is placed.
    raised: Vec<Rc<[usize]>>,
    /// For each set of pods, the counters of those that keep them away.
    guards: FxHashMap<usize, Vec<usize>>,
    node_pins: Vec<Rc<[Pin]>>,
    claim_pins: FxHashMap<(usize, SetId), Rc<[Pin]>>,
    claims_pass: FxHashMap<(usize, usize, SetId), Passes>,
    eligible: rules::EligibleDomains,
    /// Whether any node or pool has taints: if not, nobody need ask who tolerates them.
    tainted: bool,
}

impl Topology {
    /// Sets up the counters that the classes' rules read, and counts what runs already.
    pub(crate) fn new(problem: &Problem, pools: &mut [PoolIndex<'_>], sets: &Sets) -> Self {
        let (keys, node_pins) = Keys::of(problem, pools, sets);
        let tainted =
            problem.nodes.iter().any(|n| !n.taints.is_empty()) || pools.iter().any(|p| !p.pool.taints.is_empty());
        let mut topology = Self {
            keys,
            counters: vec![],
            numbers: FxHashMap::default(),
            filters: vec![],
            filter_numbers: FxHashMap::default(),
            raised: vec![],
            guards: FxHashMap::default(),
            node_pins,
            claim_pins: FxHashMap::default(),
            claims_pass: FxHashMap::default(),
            eligible: rules::EligibleDomains::default(),
            tainted,
        };
        let of_members = topology.counters_of_members(problem);
        topology.add_guards(problem);
        topology.count_residents(problem, &of_members);
        for class in &problem.classes {
            let mut raised = topology.guards_of(&class.anti_affinity.required);
            raised.extend(class.member_of.iter().filter_map(|peers| of_members.get(peers)).flatten());
            raised.sort_unstable();
            topology.raised.push(raised.into());
        }
        topology
    }

    /// A counter for everything that the classes ask, by the set of pods that is counted.
    fn counters_of_members(&mut self, problem: &Problem) -> FxHashMap<usize, Vec<usize>> {
        let mut out: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        let mut asked: FxHashSet<usize> = FxHashSet::default();
        let mut note = |peers: usize, counter: usize| {
            if asked.insert(counter) {
                out.entry(peers).or_default().push(counter);
            }
        };
        for class in &problem.classes {
            for spread in &class.spread {
                let filter = self.filter(class, spread);
                note(spread.peers, self.counter(&spread.key, Counted::Certain { peers: spread.peers, filter }));
            }
            for term in class.affinity.all() {
                let counter = self.counter(&term.key, Counted::Certain { peers: term.peers, filter: None });
                if class.affinity.all().nth(1).is_some() && class.member_of.contains(&term.peers) {
                    self.counters[counter].watch_open();
                }
                note(term.peers, counter);
            }
            for term in &class.anti_affinity.required {
                note(term.peers, self.counter(&term.key, Counted::Possible { peers: term.peers }));
            }
            for (_, term) in &class.anti_affinity.preferred {
                note(term.peers, self.counter(&term.key, Counted::Wished { peers: term.peers }));
            }
        }
        out
    }

    /// A counter for everyone who keeps others away, as far as there are such others to be placed.
    fn add_guards(&mut self, problem: &Problem) {
        let to_place: FxHashSet<usize> = problem.classes.iter().flat_map(|c| c.member_of.iter().copied()).collect();
        let of_residents = problem.residents.iter().flat_map(|r| &r.repels);
        let of_classes = problem.classes.iter().flat_map(|c| &c.anti_affinity.required);
        for term in of_residents.chain(of_classes).filter(|t| to_place.contains(&t.peers)) {
            let counter = self.counter(&term.key, Counted::Owners { peers: term.peers });
            let guards = self.guards.entry(term.peers).or_default();
            if !guards.contains(&counter) {
                guards.push(counter);
            }
        }
    }

    /// The counters that whoever has these terms raises.
    fn guards_of(&mut self, terms: &[PodTerm]) -> Vec<usize> {
        let mut out: Vec<usize> = vec![];
        for term in terms.iter().filter(|t| self.guards.contains_key(&t.peers)).cloned().collect::<Vec<_>>() {
            let counter = self.counter(&term.key, Counted::Owners { peers: term.peers });
            if !out.contains(&counter) {
                out.push(counter);
            }
        }
        out
    }

    fn count_residents(&mut self, problem: &Problem, of_members: &FxHashMap<usize, Vec<usize>>) {
        let raised: Vec<Vec<usize>> = problem
            .residents
            .iter()
            .map(|resident| {
                let mut raised = self.guards_of(&resident.repels);
                raised.extend(resident.member_of.iter().filter_map(|peers| of_members.get(peers)).flatten());
                raised
            })
            .collect();
        let mut passes: FxHashMap<(usize, usize), bool> = FxHashMap::default();
        for (n, node) in problem.nodes.iter().enumerate() {
            let pins = Rc::clone(&self.node_pins[n]);
            for (resident, count) in &node.residents {
                for counter in &raised[*resident] {
                    let passing = self.counters[*counter].counted.filter().is_none_or(|filter| {
                        *passes.entry((filter, n)).or_insert_with(|| self.filters[filter].passes_node(node))
                    });
                    if passing {
                        self.raise(*counter, n, &pins, *count, Passes::Surely);
                    }
                }
            }
        }
    }

    fn raise(&mut self, counter: usize, host: usize, pins: &[Pin], by: u32, passes: Passes) {
        if passes == Passes::Not {
            return;
        }
        let counter = &mut self.counters[counter];
        match (counter.place, counter.counted.counts_possible()) {
            (Place::Host, _) => counter.raise_host(host, by),
            (Place::Key(key), true) => pins[key].domains().iter().for_each(|d| counter.raise_domain(*d, by)),
            (Place::Key(key), false) => {
                if let Pin::One(domain) = pins[key] {
                    counter.raise_domain(domain, by);
                    if passes == Passes::Surely {
                        counter.make_certain(domain, by);
                    }
                } else {
                    counter.add_open(pins[key].domains(), by);
                }
            }
        }
    }

    /// Where a node is.
    pub(crate) fn node_pins(&self, node: usize) -> &Rc<[Pin]> {
        &self.node_pins[node]
    }

    /// Where a claim of a pool is, if its requirements are these.
    pub(crate) fn claim_pins(
        &mut self,
        p: usize,
        pools: &mut [PoolIndex<'_>],
        set: SetId,
        sets: &Sets,
        problem: &Problem,
    ) -> Rc<[Pin]> {
        let keys = &self.keys;
        let pins = self.claim_pins.entry((p, set));
        Rc::clone(pins.or_insert_with(|| keys.of_claim(&mut pools[p], set, sets, &problem.well_known)))
    }

    /// Where a claim of a pool is, if it has these requirements and types.
    pub(crate) fn pins_of(
        &mut self,
        p: usize,
        pools: &mut [PoolIndex<'_>],
        claim: (SetId, &Bits),
        sets: &Sets,
        problem: &Problem,
    ) -> Rc<[Pin]> {
        let pins = self.claim_pins(p, pools, claim.0, sets, problem);
        self.keys.of_types(&pins, &mut pools[p], claim.0, claim.1, sets, &problem.well_known)
    }

    /// Counts a pod that has gone to a node.
    pub(crate) fn placed_on_node(&mut self, problem: &Problem, class: usize, node: usize) {
        let raised = Rc::clone(&self.raised[class]);
        let pins = Rc::clone(&self.node_pins[node]);
        for counter in raised.iter() {
            let filter = self.counters[*counter].counted.filter();
            if filter.is_none_or(|filter| self.filters[filter].passes_node(&problem.nodes[node])) {
                self.raise(*counter, node, &pins, 1, Passes::Surely);
            }
        }
    }

    /// Counts a pod that has gone to a claim of pool `p` with these requirements.
    pub(crate) fn placed_on_claim(
        &mut self,
        problem: &Problem,
        class: usize,
        host: usize,
        claim: (usize, SetId, &[Pin]),
        sets: &Sets,
    ) {
        let raised = Rc::clone(&self.raised[class]);
        for counter in raised.iter() {
            let passes = self.claim_passes(problem, *counter, (claim.0, claim.1), sets);
            self.raise(*counter, host, claim.2, 1, passes);
        }
    }

    /// Counts anew where it matters that a claim has been narrowed: what might have been in several domains is now in
    /// fewer, or in one for certain.
    pub(crate) fn claim_narrowed(
        &mut self,
        problem: &Problem,
        classes: impl Iterator<Item = usize>,
        (set_before, before): (SetId, &[Pin]),
        now: (usize, SetId, &[Pin]),
        sets: &Sets,
    ) {
        let narrowed: Vec<usize> = (0..before.len()).filter(|key| before[*key] != now.2[*key]).collect();
        let filtered = !self.filters.is_empty() && set_before != now.1;
        if narrowed.is_empty() && !filtered {
            return;
        }
        for class in classes {
            let raised = Rc::clone(&self.raised[class]);
            for c in raised.iter().copied() {
                let Place::Key(key) = self.counters[c].place else { continue };
                let passes = self.claim_passes(problem, c, (now.0, now.1), sets);
                if let (Passes::Surely, Pin::One(domain)) = (passes, &now.2[key]) {
                    let was_certain = matches!(before[key], Pin::One(_))
                        && self.claim_passes(problem, c, (now.0, set_before), sets) == Passes::Surely;
                    if !was_certain {
                        self.counters[c].make_certain(*domain, 1);
                    }
                }
                if !narrowed.contains(&key) || passes == Passes::Not {
                    continue;
                }
                let counter = &mut self.counters[c];
                if !counter.counted.is_revised() {
                    continue;
                }
                if counter.counted.counts_possible() {
                    let left = now.2[key].domains();
                    before[key]
                        .domains()
                        .iter()
                        .filter(|d| !left.contains(d))
                        .for_each(|d| counter.lower_domain(*d, 1));
                } else if let Pin::Any(options) = &before[key] {
                    counter.narrow_open(options, now.2[key].domains());
                    if let Pin::One(domain) = &now.2[key] {
                        counter.raise_domain(*domain, 1);
                    }
                }
            }
        }
    }

    /// Whether a claim counts for a counter. A label that the claim does not name may still come with its type.
    fn claim_passes(&mut self, problem: &Problem, counter: usize, claim: (usize, SetId), sets: &Sets) -> Passes {
        let Some(filter) = self.counters[counter].counted.filter() else { return Passes::Surely };
        let filters = &self.filters;
        *self.claims_pass.entry((filter, claim.0, claim.1)).or_insert_with(|| {
            filters[filter].passes_claim(&problem.pools[claim.0].taints, sets.get(claim.1), &problem.well_known)
        })
    }
}
