//! Which domains there are, and in which of them a node or a claim may be.
//!
//! The domains of a key are the values that the pools' offerings and types can give a new node, and those that the nodes
//! have. They are known before the first pod is placed and numbered in the order of their names.

use crate::bitset::Bits;
use crate::market::{PoolIndex, SetId, Sets};
use crate::problem::Problem;
use crate::requirement::{Name, Requirement};
use crate::requirements::WellKnown;
use dovetail_api::labels::{HOSTNAME, normalize};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Where a node, or a claim, is with regard to one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pin {
    /// In this domain.
    One(usize),
    /// In one of these, ascending.
    Any(Vec<usize>),
    /// It does not have the label.
    Missing,
    /// It will have the label, and nobody knows with which value: a pool may ask for a label without saying more.
    Unforeseen,
}

impl Pin {
    /// The domains that are open to it.
    pub(crate) fn domains(&self) -> &[usize] {
        match self {
            Self::One(domain) => std::slice::from_ref(domain),
            Self::Any(domains) => domains,
            Self::Missing | Self::Unforeseen => &[],
        }
    }
}

/// The keys that rules speak of, the host name aside, and their domains.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    names: Vec<Name>,
    numbers: FxHashMap<Name, usize>,
    values: Vec<Vec<Name>>,
    value_numbers: Vec<FxHashMap<Name, usize>>,
    /// For each key and domain, its place among the others: the cheaper to buy in, the earlier; equals by name.
    places: Vec<Vec<usize>>,
}

impl Keys {
    /// The keys of a problem's rules, and where its nodes are.
    pub(super) fn of(problem: &Problem, pools: &mut [PoolIndex<'_>], sets: &Sets) -> (Self, Vec<Rc<[Pin]>>) {
        let mut asked: FxHashSet<&Name> = FxHashSet::default();
        for class in &problem.classes {
            asked.extend(class.spread.iter().map(|s| &s.key));
            asked.extend(class.affinity.all().chain(class.anti_affinity.all()).map(|t| &t.key));
        }
        asked.extend(problem.residents.iter().flat_map(|r| r.repels.iter().map(|t| &t.key)));
        let names: BTreeSet<Name> = asked.into_iter().map(|k| normalize(k).into()).collect();
        let mut keys = Self::default();
        let mut on_nodes: Vec<Vec<Option<&Name>>> = vec![];
        for name in names.into_iter().filter(|n| &**n != HOSTNAME) {
            let on_node: Vec<Option<&Name>> =
                problem.nodes.iter().map(|n| n.labels.get(&name).and_then(Requirement::single)).collect();
            let distinct: FxHashSet<&Name> = on_node.iter().flatten().copied().collect();
            let mut values: BTreeSet<Name> = distinct.into_iter().cloned().collect();
            for pool in pools.iter_mut() {
                let set = pool.set;
                values.extend(pool.values(&name, set, sets, &problem.well_known));
            }
            on_nodes.push(on_node);
            keys.numbers.insert(name.clone(), keys.names.len());
            keys.names.push(name);
            keys.value_numbers.push(values.iter().cloned().enumerate().map(|(i, v)| (v, i)).collect());
            keys.values.push(values.into_iter().collect());
            keys.places.push(keys.by_price(keys.names.len() - 1, pools, sets, problem));
        }
        // Many nodes are in the same place.
        let mut places: FxHashMap<Vec<Option<usize>>, Rc<[Pin]>> = FxHashMap::default();
        let pins_of = |node: usize| {
            let number = |(key, on_node): (usize, &Vec<Option<&Name>>)| {
                on_node[node].and_then(|value| keys.value_numbers[key].get(value)).copied()
            };
            let place: Vec<Option<usize>> = on_nodes.iter().enumerate().map(number).collect();
            let pins = places
                .entry(place)
                .or_insert_with_key(|place| place.iter().map(|domain| domain.map_or(Pin::Missing, Pin::One)).collect());
            Rc::clone(pins)
        };
        let pins = (0..problem.nodes.len()).map(pins_of).collect();
        (keys, pins)
    }

    /// The place of each domain of a key in the order of what nodes cost there, on average over the types.
    fn by_price(&self, key: usize, pools: &mut [PoolIndex<'_>], sets: &Sets, problem: &Problem) -> Vec<usize> {
        let domains = self.values[key].len();
        let mut sums: Vec<(u128, u128)> = vec![(0, 0); domains];
        let known = pools.iter_mut().flat_map(|pool| pool.dearness(&self.names[key], sets, &problem.well_known));
        for (value, dearness) in known {
            if let Some(domain) = self.value_numbers[key].get(&value) {
                let (sum, n) = &mut sums[*domain];
                *sum += dearness;
                *n += 1;
            }
        }
        let mean = |domain: usize| {
            let (sum, n) = sums[domain];
            sum.checked_div(n).unwrap_or(u128::MAX)
        };
        let mut order: Vec<usize> = (0..domains).collect();
        order.sort_by_key(|domain| mean(*domain)); // stable: equals stay in the order of names
        let mut places = vec![0; domains];
        order.into_iter().enumerate().for_each(|(place, domain)| places[domain] = place);
        places
    }

    /// The place of a domain among the others: the cheaper to buy in, the earlier.
    pub(super) fn place(&self, key: usize, domain: usize) -> usize {
        self.places[key][domain]
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The number of a key; `None` for the host name.
    pub(super) fn number(&self, key: &str) -> Option<usize> {
        self.numbers.get(normalize(key)).copied()
    }

    pub(crate) fn name(&self, key: usize) -> &Name {
        &self.names[key]
    }

    pub(crate) fn values(&self, key: usize) -> &[Name] {
        &self.values[key]
    }

    pub(super) fn numbered(&self, key: usize, values: &BTreeSet<Name>) -> Vec<usize> {
        values.iter().filter_map(|v| self.value_numbers[key].get(v)).copied().collect()
    }

    /// Where a claim is that could be in several domains by its requirements, but has these types only.
    pub(super) fn of_types(
        &self,
        by_requirements: &Rc<[Pin]>,
        pool: &mut PoolIndex<'_>,
        set: SetId,
        types: &Bits,
        sets: &Sets,
        well_known: &WellKnown,
    ) -> Rc<[Pin]> {
        let open = |pin: &Pin| matches!(pin, Pin::Any(_));
        if !by_requirements.iter().any(open) {
            return Rc::clone(by_requirements);
        }
        let pin = |(key, pin): (usize, &Pin)| {
            if !open(pin) {
                return pin.clone();
            }
            match self.numbered(key, &pool.values_of(&self.names[key], set, types, sets, well_known)).as_slice() {
                [one] => Pin::One(*one),
                many => Pin::Any(many.to_vec()),
            }
        };
        by_requirements.iter().enumerate().map(pin).collect()
    }

    /// Where a new claim of a pool is, if its requirements are these.
    pub(super) fn of_claim(
        &self,
        pool: &mut PoolIndex<'_>,
        set: SetId,
        sets: &Sets,
        well_known: &WellKnown,
    ) -> Rc<[Pin]> {
        (0..self.len())
            .map(|key| match self.numbered(key, &pool.values(&self.names[key], set, sets, well_known)).as_slice() {
                [] if sets.get(set).get(&self.names[key]).is_some_and(|r| r.listed().is_none()) => Pin::Unforeseen,
                [] => Pin::Missing,
                [one] => Pin::One(*one),
                many => Pin::Any(many.to_vec()),
            })
            .collect()
    }
}
