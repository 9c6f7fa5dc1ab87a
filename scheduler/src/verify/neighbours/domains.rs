//! Which domains a site may be in, and which there are.
//!
//! A domain is a value of a label; for `kubernetes.io/hostname` every site is a domain of its own. A node that is there has
//! its label or none. A claim has what every launch that it leaves open makes of it: the values that its listed types and
//! their open ways of buying give the label. Nothing is counted here.

use super::super::selection::{Labels, repelled};
use super::super::shops::Shops;
use super::super::stock::{Choice, Sold, Stock};
use super::rules::{Filter, Rules};
use super::sites::{Site, Sites};
use crate::plan::Plan;
use crate::problem::{NodeSelection, Problem};
use crate::requirement::{Name, Requirement};
use crate::requirements::{Requirements, WellKnown};
use dovetail_api::labels::HOSTNAME;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::rc::Rc;

/// The domains of one key that a site may be in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Reach {
    /// Those that are known.
    pub(super) known: BTreeSet<usize>,
    /// Whether the label may be missing.
    pub(super) absent: bool,
    /// Whether it may have a value that cannot be foreseen.
    pub(super) anything: bool,
}

impl Reach {
    /// The only domain that is left.
    pub(super) fn pinned(&self) -> Option<usize> {
        let certain = self.known.len() == 1 && !self.absent && !self.anything;
        self.known.first().copied().filter(|_| certain)
    }

    fn unite(&mut self, other: &Self) {
        self.known.extend(&other.known);
        self.absent |= other.absent;
        self.anything |= other.anything;
    }
}

/// Where sites may be, and the names of it all.
pub(super) struct Domains<'p> {
    problem: &'p Problem,
    plan: &'p Plan,
    keys: Vec<Name>,
    numbers: Vec<FxHashMap<Name, usize>>,
    names: Vec<Vec<Name>>,
    /// Site by site and key by key.
    reach: Vec<Rc<Reach>>,
    /// By choice and key, what each type may be.
    types: FxHashMap<(usize, usize), Rc<OfTypes>>,
    /// By filter, the sites that pass, as far as asked.
    passes: Vec<FxHashMap<usize, bool>>,
}

/// What each type of a choice may be: distinct answers, and which holds for which type.
struct OfTypes {
    distinct: Vec<Reach>,
    of: Vec<usize>,
}

impl<'p> Domains<'p> {
    pub(super) fn of(
        problem: &'p Problem,
        plan: &'p Plan,
        sites: &Sites<'p>,
        rules: &Rules<'p>,
        shops: &mut Shops<'p>,
    ) -> Self {
        let mut domains = Self {
            problem,
            plan,
            keys: rules.keys.clone(),
            numbers: rules.keys.iter().map(|_| FxHashMap::default()).collect(),
            names: rules.keys.iter().map(|_| vec![]).collect(),
            reach: Vec::with_capacity(sites.all.len() * rules.keys.len()),
            types: FxHashMap::default(),
            passes: rules.filters.iter().map(|_| FxHashMap::default()).collect(),
        };
        for (number, site) in sites.all.iter().enumerate() {
            for key in 0..rules.keys.len() {
                let reach = if domains.is_hostname(key) {
                    Rc::new(Reach { known: [number].into(), ..Reach::default() })
                } else {
                    match site {
                        Site::Node(node) => domains.of_node(*node, key),
                        Site::Claim(claim) => domains.of_claim(*claim, key, shops),
                    }
                };
                domains.reach.push(reach);
            }
        }
        domains
    }

    pub(super) fn is_hostname(&self, key: usize) -> bool {
        *self.keys[key] == *HOSTNAME
    }

    pub(super) fn key(&self, key: usize) -> &Name {
        &self.keys[key]
    }

    /// Which domains of a key a site may be in.
    pub(super) fn reach(&self, site: usize, key: usize) -> &Rc<Reach> {
        &self.reach[site * self.keys.len() + key]
    }

    /// The domains of a key that are known by value; sites are not among them.
    pub(super) fn len(&self, key: usize) -> usize {
        self.names[key].len()
    }

    /// What people call a domain, if it is not a site.
    pub(super) fn name(&self, key: usize, domain: usize) -> Option<&Name> {
        self.names[key].get(domain).filter(|_| !self.is_hostname(key))
    }

    fn number(&mut self, key: usize, value: &Name) -> usize {
        if let Some(number) = self.numbers[key].get(value) {
            return *number;
        }
        let number = self.names[key].len();
        self.numbers[key].insert(value.clone(), number);
        self.names[key].push(value.clone());
        number
    }

    fn of_node(&mut self, node: usize, key: usize) -> Rc<Reach> {
        let value = self.problem.nodes[node].labels.get(&self.keys[key]).and_then(Requirement::single);
        Rc::new(match value {
            Some(value) => Reach { known: [self.number(key, value)].into(), ..Reach::default() },
            None => Reach { absent: true, ..Reach::default() },
        })
    }

    fn of_claim(&mut self, index: usize, key: usize, shops: &mut Shops<'p>) -> Rc<Reach> {
        let claim = &self.plan.claims[index];
        if let Some(value) = claim.requirements.get(&self.keys[key]).and_then(Requirement::single) {
            return Rc::new(Reach { known: [self.number(key, value)].into(), ..Reach::default() });
        }
        let mut reach = Reach::default();
        if let Some(of_types) = shops
            .choice_of(claim)
            .and_then(|choice| self.of_types(claim.pool, &claim.requirements, &choice, key, shops))
        {
            let asked: BTreeSet<usize> = claim.types.iter().filter_map(|t| of_types.of.get(*t).copied()).collect();
            asked.iter().for_each(|number| reach.unite(&of_types.distinct[*number]));
        }
        Rc::new(reach)
    }

    /// What each type that a choice leaves may be.
    fn of_types(
        &mut self,
        pool: usize,
        requirements: &Requirements,
        choice: &Choice,
        key: usize,
        shops: &Shops<'p>,
    ) -> Option<Rc<OfTypes>> {
        if let Some(known) = self.types.get(&(choice.number, key)) {
            return Some(Rc::clone(known));
        }
        let stock = shops.stock(pool)?;
        let mut seen: FxHashMap<Reach, usize> = FxHashMap::default();
        let mut of_types = OfTypes { distinct: vec![], of: vec![] };
        for t in 0..stock.pool.instance_types.len() {
            let reach = if choice.labelled.contains(t) {
                self.of_type(stock, t, requirements, choice, key)
            } else {
                Reach::default()
            };
            let distinct = &mut of_types.distinct;
            of_types.of.push(*seen.entry(reach).or_insert_with_key(|reach| {
                distinct.push(reach.clone());
                distinct.len() - 1
            }));
        }
        let of_types = Rc::new(of_types);
        self.types.insert((choice.number, key), Rc::clone(&of_types));
        Some(of_types)
    }

    /// What the open ways of buying a type make of the label.
    fn of_type(
        &mut self,
        stock: &Stock<'p>,
        t: usize,
        requirements: &Requirements,
        choice: &Choice,
        key: usize,
    ) -> Reach {
        let name = &Name::clone(&self.keys[key]);
        let own = stock.pool.instance_types[t].requirements.get(name);
        let defined = own.is_some() || stock.pool.requirements.get(name).is_some();
        let asked = requirements.get(name);
        let mut reach = Reach::default();
        for way in stock.ways(t, choice) {
            let sold = way.get(name);
            if !(defined || sold.is_some() || self.problem.well_known.contains(name)) {
                reach.absent = true;
                continue;
            }
            let parts = [sold, own, asked].into_iter().flatten();
            if let Some(value) = sold.and_then(Requirement::single) {
                if parts.clone().all(|part| part.contains(value)) {
                    let number = self.number(key, value);
                    reach.known.insert(number);
                }
                continue;
            }
            let left = parts.cloned().reduce(|a, b| a.intersection(&b)).unwrap_or_else(Requirement::exists);
            match left.listed() {
                None => reach.anything = true,
                Some(values) if values.len() == 0 => reach.absent |= left.allows_absence(),
                Some(values) => {
                    let numbers: Vec<usize> = values.map(|value| self.number(key, value)).collect();
                    reach.known.extend(numbers);
                }
            }
        }
        reach
    }

    /// Whether pods on a site count for those who filter so.
    pub(super) fn passes(&mut self, number: usize, filter: &Filter<'p>, sites: &Sites<'p>, site: usize) -> bool {
        if let Some(known) = self.passes[number].get(&site) {
            return *known;
        }
        let passes = match sites.all[site] {
            Site::Node(node) => {
                let node = &self.problem.nodes[node];
                let tolerated = filter.tolerations.is_none_or(|t| repelled(&node.taints, t).is_none());
                tolerated && filter.selection.is_none_or(|s| Labels::of(node).assure(s).is_ok())
            }
            Site::Claim(claim) => self.problem.pools.get(self.plan.claims[claim].pool).is_some_and(|pool| {
                let known = &self.plan.claims[claim].requirements;
                let labels = Labels::of_claim(known, pool, &self.problem.well_known);
                let meets = |asked: &Requirements| asked.iter().all(|one| self.meets(site, &labels, one));
                let tolerated = filter.tolerations.is_none_or(|t| repelled(&pool.taints, t).is_none());
                let selected =
                    |s: &NodeSelection| meets(&s.selector) && (s.required.is_empty() || s.required.iter().any(meets));
                tolerated && filter.selection.is_none_or(selected)
            }),
        };
        self.passes[number].insert(site, passes);
        passes
    }

    /// Whether a new node will meet a requirement for certain: because the claim says so, or whatever is launched for it.
    fn meets(&self, site: usize, labels: &Labels<'_>, (key, asked): (&Name, &Requirement)) -> bool {
        let alone: Requirements = [(key, asked.clone())].into_iter().collect();
        let said = labels.assure_all(&alone).is_ok();
        said || self.keys.iter().position(|known| known == key).filter(|key| !self.is_hostname(*key)).is_some_and(
            |key| {
                let reach = self.reach(site, key);
                let somewhere = !reach.known.is_empty() || reach.absent;
                let suits = |domain: &usize| asked.contains(&self.names[key][*domain]);
                somewhere
                    && !reach.anything
                    && reach.known.iter().all(suits)
                    && (!reach.absent || asked.allows_absence())
            },
        )
    }

    /// The domains that a spread has to keep even: what nodes let pass by the filter have, and what pools could launch
    /// that the filter lets pass. Nothing for single nodes: of these there can always be an empty one.
    pub(super) fn universe(
        &mut self,
        key: usize,
        filter: (usize, &Filter<'p>),
        sites: &Sites<'p>,
        shops: &mut Shops<'p>,
    ) -> Option<BTreeSet<usize>> {
        if self.is_hostname(key) {
            return None;
        }
        let mut universe = BTreeSet::new();
        for (site, kind) in sites.all.iter().enumerate() {
            if matches!(kind, Site::Node(_)) && self.passes(filter.0, filter.1, sites, site) {
                universe.extend(&self.reach(site, key).known);
            }
        }
        for (p, pool) in self.problem.pools.iter().enumerate() {
            if filter.1.tolerations.is_some_and(|tolerations| repelled(&pool.taints, tolerations).is_some()) {
                continue;
            }
            let ways = filter.1.selection.map_or_else(|| vec![Requirements::new()], |s| s.strict());
            for way in ways.iter().filter(|way| goes_with(&pool.requirements, way, &self.problem.well_known)) {
                let requirements = pool.requirements.and(way);
                let Some(choice) = shops.choice(p, &requirements, Sold::Anyhow) else { continue };
                let (of_types, stock) = (self.of_types(p, &requirements, &choice, key, shops), shops.stock(p));
                if let (Some(of_types), Some(stock)) = (of_types, stock) {
                    // What DaemonSets fill alone is no place for pods.
                    let roomy = of_types.of.iter().enumerate().filter(|(t, _)| stock.takes_pods(*t));
                    let distinct: BTreeSet<usize> = roomy.map(|(_, number)| *number).collect();
                    distinct.iter().for_each(|number| universe.extend(&of_types.distinct[*number].known));
                }
            }
        }
        Some(universe)
    }

    /// The domains of a key that pods of a class may go to, as far as their selection speaks of that key; nothing if all.
    pub(super) fn allowed(&self, class: usize, key: usize, sites: &Sites<'p>) -> Option<BTreeSet<usize>> {
        let ways = self.problem.classes[class].selection.strict();
        let spoken: Option<Vec<&Requirement>> = ways.iter().map(|way| way.get(&self.keys[key])).collect();
        let spoken = spoken?;
        let allows = |value: &str| spoken.iter().any(|asked| asked.contains(value));
        if !self.is_hostname(key) {
            return Some(self.names[key].iter().enumerate().filter(|(_, name)| allows(name)).map(|(d, _)| d).collect());
        }
        // A new node has a name that nobody can have asked for.
        let host = |site: &Site| match site {
            Site::Claim(_) => None,
            Site::Node(node) => self.problem.nodes[*node].labels.get(HOSTNAME).and_then(Requirement::single),
        };
        let hosts = sites.all.iter().enumerate();
        Some(hosts.filter(|(_, site)| allows(host(site).map_or("", |name| name))).map(|(site, _)| site).collect())
    }
}

/// Whether a pool can have nodes that are selected so.
fn goes_with(pool: &Requirements, asked: &Requirements, well_known: &WellKnown) -> bool {
    pool.compatible(asked, well_known).is_ok()
}
