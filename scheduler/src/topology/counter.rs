//! One count: how many pods of a kind each domain holds.
//!
//! Domains of a label are few and known from the start; nodes are many, and new ones come: their counts are kept for those
//! nodes only that hold something. Which pods raise which counter is decided where pods are placed.

use crate::problem::{Node, NodeSelection};
use crate::requirements::{Requirements, WellKnown};
use crate::taint::{Effect, Taint, Toleration, untolerated};
use rustc_hash::FxHashMap;

/// What makes a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// Each node by itself.
    Host,
    /// The values of this key, by its number.
    Key(usize),
}

/// Which pods are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Counted {
    /// Pods of the set whose domain is certain, on nodes that pass the filter, if there is one.
    Certain { peers: usize, filter: Option<usize> },
    /// Pods of the set in every domain that they may still come to be in.
    Possible { peers: usize },
    /// Pods of the set in every domain that they could have come to be in when they were placed. Wishes are held against
    /// this: whoever asks more precisely grants more of them, and buys more nodes for it than Karpenter does.
    Wished { peers: usize },
    /// Pods that must not be joined by pods of the set, in every domain that they may still come to be in.
    Owners { peers: usize },
}

impl Counted {
    /// Whether what is counted is taken back once it is known where a pod does not go.
    pub(super) fn is_revised(&self) -> bool {
        !matches!(self, Self::Wished { .. })
    }

    /// Whether a pod counts in every domain that is open to it, or only once its domain is certain.
    pub(super) fn counts_possible(&self) -> bool {
        !matches!(self, Self::Certain { .. })
    }

    pub(super) fn filter(&self) -> Option<usize> {
        if let Self::Certain { filter, .. } = self { *filter } else { None }
    }
}

/// Which nodes count for a spread.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Filter {
    /// Only those that are so selected.
    pub(super) selection: Option<NodeSelection>,
    /// Only those whose taints are so tolerated.
    pub(super) tolerations: Option<Vec<Toleration>>,
}

impl Filter {
    pub(super) fn passes_node(&self, node: &Node) -> bool {
        let all_defined = WellKnown::new();
        self.passes_taints(&node.taints) && self.passes_labels(&node.labels, &all_defined)
    }

    /// Whether a new node passes that will have these taints and is narrowed to these labels.
    pub(super) fn passes_claim(&self, taints: &[Taint], labels: &Requirements, well_known: &WellKnown) -> Passes {
        if !(self.passes_taints(taints) && self.passes_labels(labels, well_known)) {
            Passes::Not
        } else if self.assured(labels, well_known) {
            Passes::Surely
        } else {
            Passes::Perhaps
        }
    }

    /// Whether every node of these requirements is so selected, whatever of it is still open.
    fn assured(&self, labels: &Requirements, well_known: &WellKnown) -> bool {
        let Some(selection) = &self.selection else { return true };
        let holds = |way: &Requirements| {
            way.iter().all(|(key, asked)| match labels.get(key) {
                Some(known) => known.is_within(asked),
                None => asked.allows_absence() && !well_known.contains(key),
            })
        };
        selection.strict().iter().any(holds)
    }

    fn passes_labels(&self, labels: &Requirements, undefined: &WellKnown) -> bool {
        let Some(selection) = &self.selection else { return true };
        selection.strict().iter().any(|way| labels.compatible(way, undefined).is_ok())
    }

    pub(super) fn passes_taints(&self, taints: &[Taint]) -> bool {
        let Some(tolerations) = &self.tolerations else { return true };
        untolerated(taints, tolerations).all(|taint| taint.effect == Effect::PreferNoSchedule)
    }
}

/// Whether a node passes a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passes {
    Not,
    /// It depends on what is launched.
    Perhaps,
    Surely,
}

/// How many pods of a kind each domain holds.
#[derive(Debug)]
pub(super) struct Counter {
    pub(super) place: Place,
    pub(super) counted: Counted,
    domains: Vec<u32>,
    /// Of those, the ones on nodes that pass the filter for certain, if there is one: a claim may still come to pass it.
    certain: Vec<u32>,
    /// How many may yet come to be in each domain, being on claims that are open among several; empty where nobody asks.
    open: Vec<u32>,
    hosts: FxHashMap<usize, u32>,
    /// The nodes that hold some, in the order in which they came to.
    pub(super) inhabited: Vec<usize>,
    /// Grows with every change.
    pub(super) version: u64,
}

impl Counter {
    pub(super) fn new(place: Place, counted: Counted, domains: usize) -> Self {
        let domains = vec![0; if place == Place::Host { 0 } else { domains }];
        let certain = if counted.filter().is_some() { domains.clone() } else { vec![] };
        let (hosts, inhabited, open) = (FxHashMap::default(), vec![], vec![]);
        Self { place, counted, domains, certain, open, hosts, inhabited, version: 0 }
    }

    /// From now on it is known who may yet come to be where.
    pub(super) fn watch_open(&mut self) {
        self.open.resize(self.domains.len(), 0);
    }

    /// Whether a domain holds some, or may yet come to.
    pub(super) fn may_hold(&self, domain: usize) -> bool {
        self.domains[domain] > 0 || self.open.get(domain).is_some_and(|open| *open > 0)
    }

    /// More pods may yet come to be in one of these domains.
    pub(super) fn add_open(&mut self, domains: &[usize], by: u32) {
        if !self.open.is_empty() {
            domains.iter().for_each(|d| self.open[*d] += by);
            self.version += 1;
        }
    }

    /// A pod that might have come to be in one of these domains is in one of those for certain, or in fewer than it might.
    pub(super) fn narrow_open(&mut self, before: &[usize], now: &[usize]) {
        if !self.open.is_empty() {
            before.iter().for_each(|d| self.open[*d] = self.open[*d].saturating_sub(1));
            if now.len() > 1 {
                now.iter().for_each(|d| self.open[*d] += 1);
            }
            self.version += 1;
        }
    }

    pub(super) fn in_domain(&self, domain: usize) -> u32 {
        self.domains[domain]
    }

    /// How many a domain holds at least.
    pub(super) fn at_least_in_domain(&self, domain: usize) -> u32 {
        if self.counted.filter().is_some() { self.certain[domain] } else { self.domains[domain] }
    }

    /// More of those that a domain holds are so for certain. Without a filter they all are.
    pub(super) fn make_certain(&mut self, domain: usize, by: u32) {
        if let Some(certain) = self.certain.get_mut(domain) {
            *certain += by;
            self.version += 1;
        }
    }

    pub(super) fn on_host(&self, host: usize) -> u32 {
        self.hosts.get(&host).copied().unwrap_or(0)
    }

    pub(super) fn raise_domain(&mut self, domain: usize, by: u32) {
        self.domains[domain] += by;
        self.version += 1;
    }

    /// Takes back what was counted where a pod might have come to be and has not.
    pub(super) fn lower_domain(&mut self, domain: usize, by: u32) {
        self.domains[domain] = self.domains[domain].saturating_sub(by);
        self.version += 1;
    }

    pub(super) fn raise_host(&mut self, host: usize, by: u32) {
        let count = self.hosts.entry(host).or_insert(0);
        if *count == 0 {
            self.inhabited.push(host);
        }
        *count += by;
        self.version += 1;
    }
}
