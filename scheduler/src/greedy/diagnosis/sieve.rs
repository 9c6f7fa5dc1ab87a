//! Types through a sieve: each rule takes out the types that it excludes, so that every type is counted once, for the first
//! rule that keeps it out ([`Rule`] says in which order they are asked). Who asks, and what the answer is used for, is not
//! known here.

use super::super::attachments::Attachments;
use crate::bitset::Bits;
use crate::market::{PoolIndex, SetId, Sets, Ways};
use crate::problem::{HostPort, NodePool, Volumes};
use crate::reasons::{Excluded, Group, Rule};
use crate::requirement::{Name, Requirement};
use crate::requirements::{Requirements, WellKnown};
use crate::resources::{CPU, MEMORY, NODES, Resources};
use dovetail_api::labels::{CAPACITY_TYPE, ZONE};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The ways in which a pool's types are sold, whether or not they are available at the moment.
pub(super) struct Sales<'p> {
    /// Each way once: zone, capacity type and the like.
    ways: Vec<&'p Requirements>,
    /// For each way, the types that are sold so.
    listed: Vec<Bits>,
    /// The labels that the ways speak of: zone and capacity type first.
    keys: Vec<Name>,
}

impl<'p> Sales<'p> {
    pub(super) fn of(pool: &'p NodePool) -> Self {
        let n = pool.instance_types.len();
        let mut ways = Ways::default();
        let mut listed: Vec<Bits> = vec![];
        for (t, instance_type) in pool.instance_types.iter().enumerate() {
            for offering in &instance_type.offerings {
                let way = ways.number(&offering.requirements);
                if way == listed.len() {
                    listed.push(Bits::none(n));
                }
                listed[way].insert(t);
            }
        }
        let ways = ways.distinct;
        let keys: BTreeSet<&Name> = ways.iter().flat_map(|way| way.iter().map(|(key, _)| key)).collect();
        let mut keys: Vec<Name> = keys.into_iter().cloned().collect();
        keys.sort_by_key(|key| match key.as_ref() {
            ZONE => 0,
            CAPACITY_TYPE => 1,
            _ => 2,
        });
        Self { ways, listed, keys }
    }

    /// The types that are sold in a way that passes.
    fn sold(&self, n: usize, passes: impl Fn(&Requirements) -> bool) -> Bits {
        let mut out = Bits::none(n);
        let passing = self.ways.iter().zip(&self.listed).filter(|(way, _)| passes(way));
        passing.for_each(|(_, types)| out.unite(types));
        out
    }

    /// What a set of requirements asks of an offering.
    fn asked(&self, set: &Requirements) -> Vec<(Name, Requirement)> {
        self.keys.iter().filter_map(|key| Some((key.clone(), set.get(key)?.clone()))).collect()
    }
}

/// What labels, offerings and DaemonSets keep out: whatever a pod requests, and however full the pool is.
pub(super) struct Sifted {
    pub(super) excluded: Excluded,
    /// The types that nothing has kept out yet.
    left: Bits,
    /// The types of the pool's that have all the labels.
    pub(super) labelled: Bits,
    /// The types that are on offer.
    pub(super) offered: Bits,
}

impl Sifted {
    /// Looks at the types that the pool's own labels leave, or, if the set is the pool's own, at all.
    pub(super) fn new(
        pool: &mut PoolIndex<'_>,
        sales: &Sales<'_>,
        sets: &Sets,
        id: SetId,
        well_known: &WellKnown,
    ) -> Self {
        let set = sets.get(id);
        let n = pool.pool.instance_types.len();
        let looked_at =
            if id == pool.set && pool.sellable.is_empty() { Bits::all(n) } else { pool.labelled(sets.get(pool.set)) };
        let (labelled, offered) = (pool.labelled(set), pool.on_offer(set, well_known));
        let masks: Vec<(&Name, &Requirement, Bits)> = set
            .iter()
            .map(|(key, asked)| {
                let alone: Requirements = [(key, asked.clone())].into_iter().collect();
                (key, asked, pool.labelled(&alone))
            })
            .collect();
        let mut sieve = Sieve::new(pool, looked_at);
        for (key, asked, mask) in masks {
            sieve.keep(&mask, |example| Rule::Label {
                key: key.clone(),
                asked: asked.clone(),
                has: sieve_label(pool, example, key),
            });
        }
        sieve.offerings(sales, set, &offered, well_known);
        sieve.daemons();
        let (excluded, left) = sieve.finish();
        Self { excluded, left, labelled, offered }
    }
}

fn sieve_label(pool: &PoolIndex<'_>, t: usize, key: &str) -> Option<Requirement> {
    let has = pool.pool.instance_types[t].requirements.get(key)?;
    (!has.allows_absence() || has.listed().is_none_or(|values| values.len() > 0)).then(|| has.clone())
}

/// The types still in question, and those that are out.
pub(super) struct Sieve<'a, 'p> {
    pool: &'a PoolIndex<'p>,
    left: Bits,
    excluded: Excluded,
}

impl<'a, 'p> Sieve<'a, 'p> {
    fn new(pool: &'a PoolIndex<'p>, looked_at: Bits) -> Self {
        Self { pool, excluded: Excluded { types: looked_at.len(), groups: vec![] }, left: looked_at }
    }

    /// Goes on where labels and offerings have been looked at.
    pub(super) fn resume(pool: &'a PoolIndex<'p>, sifted: &Sifted) -> Self {
        Self { pool, left: sifted.left.clone(), excluded: sifted.excluded.clone() }
    }

    /// What is out, and what is left.
    pub(super) fn finish(mut self) -> (Excluded, Bits) {
        // Within one rule the largest group first; sorting is stable.
        self.excluded.groups.sort_by_key(|group| (rank(&group.rule), Reverse(group.types)));
        (self.excluded, self.left)
    }

    /// Takes out the types that are not among these; the rule is told with one of them at hand.
    fn keep(&mut self, passing: &Bits, rule: impl FnOnce(usize) -> Rule) {
        let out: Vec<usize> = self.left.iter().filter(|t| !passing.contains(*t)).collect();
        self.take_out(&out, rule);
    }

    fn take_out(&mut self, out: &[usize], rule: impl FnOnce(usize) -> Rule) {
        let name = |t: usize| &self.pool.pool.instance_types[t].name;
        let Some(example) = out.iter().copied().min_by_key(|t| name(*t)) else { return };
        let group = Group { rule: rule(example), types: out.len(), example: name(example).clone() };
        self.excluded.groups.push(group);
        out.iter().for_each(|t| self.left.remove(*t));
    }

    fn offerings(&mut self, sales: &Sales<'_>, set: &Requirements, offered: &Bits, well_known: &WellKnown) {
        let n = self.pool.pool.instance_types.len();
        let mut missing = self.left.clone();
        offered.iter().for_each(|t| missing.remove(t));
        if missing.is_empty() {
            return;
        }
        let sold = sales.sold(n, |way| set.compatible(way, well_known).is_ok());
        let unavailable: Vec<usize> = missing.both(&sold).collect();
        // Sold at all; for each label, sold where that alone is asked for.
        let mut passing: Vec<(Vec<(Name, Requirement)>, Bits)> = vec![(vec![], sales.sold(n, |_| true))];
        for (key, asked) in sales.asked(set) {
            let alone: Requirements = [(&key, asked.clone())].into_iter().collect();
            passing.push((vec![(key, asked)], sales.sold(n, |way| alone.intersects(way))));
        }
        for (asked, mut passing) in passing {
            passing.unite(offered);
            self.keep(&passing, |_| Rule::NotOffered { asked });
        }
        let mut passing = sold;
        passing.unite(offered);
        self.keep(&passing, |_| Rule::NotOffered { asked: sales.asked(set) });
        self.take_out(&unavailable, |_| Rule::Unavailable { asked: sales.asked(set) });
    }

    /// Types that DaemonSets and the system leave no room on at all.
    fn daemons(&mut self) {
        let mut by_resource: BTreeMap<Name, Vec<usize>> = BTreeMap::new();
        for t in self.left.iter().filter(|t| !self.pool.sellable.contains(*t)) {
            let taken = self.pool.least_overhead(std::iter::once(t));
            let mut room = self.pool.pool.instance_types[t].allocatable();
            let unknown =
                taken.iter().find(|(name, amount)| *amount > 0 && !room.has(name)).map(|(name, _)| name.clone());
            room.subtract_known(&taken);
            let overdrawn = || room.iter().find(|(_, left)| *left < 0).map(|(name, _)| name.clone());
            if let Some(resource) = unknown.or_else(overdrawn) {
                by_resource.entry(resource).or_default().push(t);
            }
        }
        for (resource, types) in by_resource {
            self.take_out(&types, |_| Rule::DaemonSets { resource });
        }
    }

    /// Types that have too little of a resource. Says what all of those still in question have too little of, and the most
    /// that there is of it.
    pub(super) fn resources(&mut self, names: &[Name], requests: &[i64]) -> Resources {
        let mut columns: Vec<usize> = (0..names.len()).collect();
        columns.sort_by_key(|c| importance(&names[*c]));
        let most = |c: usize| self.left.iter().map(|t| self.pool.room(c)[t]).max();
        let short = columns.iter().filter_map(|c| Some((*c, most(*c).filter(|most| *most < requests[*c])?)));
        let scarce = short.map(|(c, most)| (names[c].clone(), most)).collect();
        for c in columns {
            let room = self.pool.room(c);
            let out: Vec<usize> = self.left.iter().filter(|t| room[*t] < requests[c]).collect();
            let most = out.iter().map(|t| room[*t]).max().unwrap_or(0);
            self.take_out(&out, |_| Rule::Resource { resource: names[c].clone(), asked: requests[c], most });
        }
        scarce
    }

    /// Types on which a DaemonSet takes a port that the pod wants.
    pub(super) fn ports(&mut self, taken: &[(HostPort, Bits)]) {
        for (port, types) in taken {
            let out: Vec<usize> = self.left.both(types).collect();
            self.take_out(&out, |_| Rule::HostPort(port.clone()));
        }
    }

    /// Types that not all volumes can be attached to.
    pub(super) fn volumes(&mut self, volumes: &Volumes) {
        let drivers: BTreeSet<&Name> = volumes
            .own
            .iter()
            .map(|(driver, _)| driver)
            .chain(volumes.shared.iter().map(|(driver, _)| driver))
            .collect();
        let attached = Attachments::default().and(volumes);
        for driver in drivers {
            let asked = attached.of(driver);
            let types = &self.pool.pool.instance_types;
            let limit = |t: usize| types[t].volume_limits.iter().filter(|(d, _)| d == driver).map(|(_, n)| *n).min();
            let out: Vec<usize> = self.left.iter().filter(|t| limit(*t).is_some_and(|n| n < asked)).collect();
            let most = out.iter().filter_map(|t| limit(*t)).max().unwrap_or(0);
            self.take_out(&out, |_| Rule::VolumeLimit { driver: driver.clone(), asked, most });
        }
    }

    /// Types that are larger than what the limits still allow.
    pub(super) fn limits(&mut self, remaining: Option<&Resources>) {
        for (resource, left) in remaining.into_iter().flat_map(Resources::iter).filter(|(k, _)| ***k != *NODES) {
            let capacity = |t: usize| self.pool.pool.instance_types[t].capacity.get(resource);
            let out: Vec<usize> = self.left.iter().filter(|t| capacity(*t) > left).collect();
            self.take_out(&out, |_| Rule::Limit { resource: resource.clone(), left });
        }
    }
}

/// Of the ports that a pod wants, those that DaemonSets take, and on which of a pool's types.
pub(super) fn ports_taken(pool: &PoolIndex<'_>, wanted: &[HostPort]) -> Vec<(HostPort, Bits)> {
    let types_with = |port: &HostPort| {
        let mut types = Bits::none(pool.pool.instance_types.len());
        let clashing = pool.daemon_ports.iter().filter(|(taken, _)| taken.clashes(port));
        clashing.for_each(|(_, clashing)| types.unite(clashing));
        types
    };
    let taken = wanted.iter().map(|port| (port.clone(), types_with(port)));
    taken.filter(|(_, types)| !types.is_empty()).collect()
}

/// What machines are bought for comes first, then what every machine has.
fn importance(resource: &Name) -> (usize, Name) {
    let class = match resource.as_ref() {
        extended if extended.contains('/') || extended.starts_with("hugepages-") => 0,
        CPU => 1,
        MEMORY => 2,
        _ => 3,
    };
    (class, resource.clone())
}

/// The place of a rule in the order in which they are asked.
const fn rank(rule: &Rule) -> usize {
    match rule {
        Rule::Label { .. } => 0,
        Rule::NotOffered { .. } => 1,
        Rule::Unavailable { .. } => 2,
        Rule::DaemonSets { .. } => 3,
        Rule::Resource { .. } => 4,
        Rule::HostPort(_) => 5,
        Rule::VolumeLimit { .. } => 6,
        Rule::Limit { .. } => 7,
    }
}
