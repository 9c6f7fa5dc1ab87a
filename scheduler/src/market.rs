//! What the pools sell, compiled for quick questions: given a set of requirements, which types are left, and at what
//! price?
//!
//! Pods narrow requirements over and over in the same few ways. Sets of requirements are therefore interned and merged
//! once per pair; the types that a set leaves are kept as bits; the room of every type, less what DaemonSets take of it,
//! is a row of plain numbers. Nothing is decided here.

use crate::bitset::Bits;
use crate::daemons;
use crate::instance_type::{Offering, Price};
use crate::problem::{HostPort, NodePool, Problem};
use crate::requirement::{Name, Requirement};
use crate::requirements::{Requirements, WellKnown};
use crate::resources::{NODES, Resources};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// The resources that are asked for by anyone, in a fixed order; amounts become rows of numbers in that order.
#[derive(Clone, Debug)]
pub(crate) struct Columns(Vec<Name>);

impl Columns {
    pub(crate) fn of(problem: &Problem) -> Self {
        let asked = problem.classes.iter().map(|c| &c.requests).chain(problem.daemons.iter().map(|d| &d.requests));
        let names: BTreeSet<&Name> = asked.flat_map(|r| r.iter().map(|(name, _)| name)).collect();
        Self(names.into_iter().cloned().collect())
    }

    pub(crate) fn row(&self, resources: &Resources) -> Vec<i64> {
        self.0.iter().map(|name| resources.get(name)).collect()
    }

    pub(crate) fn names(&self) -> &[Name] {
        &self.0
    }
}

/// The number of an interned set of requirements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SetId(u32);

/// Sets of requirements, each kept once, and what comes of narrowing one by another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sets {
    sets: Vec<Rc<Requirements>>,
    ids: FxHashMap<Rc<Requirements>, SetId>,
    merged: FxHashMap<(SetId, SetId), Option<SetId>>,
}

impl Sets {
    pub(crate) fn intern(&mut self, set: Requirements) -> SetId {
        if let Some(id) = self.ids.get(&set) {
            return *id;
        }
        let id = SetId(u32::try_from(self.sets.len()).expect("there is not memory for so many sets"));
        let set = Rc::new(set);
        self.sets.push(Rc::clone(&set));
        self.ids.insert(set, id);
        id
    }

    pub(crate) fn get(&self, id: SetId) -> &Rc<Requirements> {
        &self.sets[id.0 as usize]
    }

    /// Both together, if some value is left for every key.
    pub(crate) fn merge(&mut self, a: SetId, b: SetId) -> Option<SetId> {
        if a == b {
            return Some(a);
        }
        if let Some(known) = self.merged.get(&(a, b)) {
            return *known;
        }
        let (left, right) = (self.get(a), self.get(b));
        let both = left.intersects(right).then(|| left.and(right));
        let both = both.map(|set| self.intern(set));
        self.merged.insert((a, b), both);
        both
    }
}

/// What a set of requirements leaves of a pool.
#[derive(Debug)]
pub(crate) struct View {
    /// The types that have the labels and are on offer.
    pub(crate) types: Bits,
    /// The ways of buying that are left, as bits of [`PoolIndex::ways`].
    pub(crate) ways: Bits,
}

/// The distinct ways in which types are sold, numbered as they are met. Ways are mostly shared, and the same object is the
/// same way: a look at where it lies saves reading it.
#[derive(Default)]
pub(crate) struct Ways<'p> {
    by_place: FxHashMap<*const Requirements, usize>,
    by_content: FxHashMap<&'p Requirements, usize>,
    /// Each way once.
    pub(crate) distinct: Vec<&'p Requirements>,
}

impl<'p> Ways<'p> {
    pub(crate) fn number(&mut self, way: &'p Arc<Requirements>) -> usize {
        let (by_content, distinct) = (&mut self.by_content, &mut self.distinct);
        *self.by_place.entry(Arc::as_ptr(way)).or_insert_with(|| {
            *by_content.entry(way).or_insert_with(|| {
                distinct.push(way);
                distinct.len() - 1
            })
        })
    }
}

/// All that the pools of a problem sell, compiled. Compiling it takes longer than a copy: who plans a problem several times
/// does it once.
#[derive(Clone)]
pub(crate) struct Market<'p> {
    pub(crate) columns: Columns,
    pub(crate) sets: Sets,
    pub(crate) pools: Vec<PoolIndex<'p>>,
}

impl<'p> Market<'p> {
    pub(crate) fn of(problem: &'p Problem) -> Self {
        let columns = Columns::of(problem);
        let mut sets = Sets::default();
        let pools = problem.pools.iter().map(|p| PoolIndex::new(problem, p, &columns, &mut sets)).collect();
        Self { columns, sets, pools }
    }
}

/// A pool, compiled.
#[derive(Clone)]
pub(crate) struct PoolIndex<'p> {
    pub(crate) pool: &'p NodePool,
    /// The pool's own requirements.
    pub(crate) set: SetId,
    /// The types that the pool's own requirements leave, of those that have room for anything.
    pub(crate) sellable: Bits,
    /// How many distinct values each key with a minimum must keep.
    pub(crate) min_values: Vec<(Name, u32)>,
    /// The resources that the pool's limits name, `nodes` aside: how much each type has of them, and the most that any has.
    limited: Vec<(Name, Vec<i64>, i64)>,
    /// Column by column, what each type leaves to pods beside the DaemonSets.
    room: Vec<i64>,
    priced: FxHashMap<Bits, Rc<Vec<(Price, usize)>>>,
    /// What DaemonSets take of each type.
    overhead: Vec<Rc<Resources>>,
    /// The distinct ways in which the types are sold: zone, capacity type and the like.
    ways: Vec<&'p Requirements>,
    /// For each way, the types sold so.
    sold: Vec<Bits>,
    /// The ways that draw on a capacity reservation: its name, and how many units of it are left at least.
    reserved: FxHashMap<usize, (Name, u32)>,
    /// For each type, its ways and prices.
    offers: Vec<Vec<(usize, Price)>>,
    /// The host ports that DaemonSets take, and on which types.
    pub(crate) daemon_ports: Vec<(HostPort, Bits)>,
    /// Whether any type says how many volumes can be attached to it.
    pub(crate) limits_volumes: bool,
    masks: FxHashMap<(Name, Requirement), Bits>,
    views: FxHashMap<SetId, Rc<View>>,
}

impl<'p> PoolIndex<'p> {
    pub(crate) fn new(problem: &'p Problem, pool: &'p NodePool, columns: &Columns, sets: &mut Sets) -> Self {
        let n = pool.instance_types.len();
        let daemons = daemons::on_pool(&problem.daemons, pool, &problem.well_known);
        let mut roomy = Bits::none(n);
        let mut room = vec![0; n * columns.names().len()];
        let mut overhead: Vec<Rc<Resources>> = Vec::with_capacity(n);
        let mut distinct: FxHashMap<Resources, Rc<Resources>> = FxHashMap::default();
        let mut ways = Ways::default();
        let mut offers: Vec<Vec<(usize, Price)>> = vec![vec![]; n];
        let mut sold: Vec<Bits> = vec![];
        let mut reserved: FxHashMap<usize, (Name, u32)> = FxHashMap::default();
        let mut daemon_ports: Vec<(HostPort, Bits)> = vec![];
        let label = problem.reservations.as_ref().map(|r| &r.label);
        for (t, instance_type) in pool.instance_types.iter().enumerate() {
            let taken = daemons::overhead(&daemons, instance_type);
            let mut left = instance_type.allocatable();
            if taken.iter().all(|(k, v)| v <= 0 || left.has(k)) {
                left.subtract_known(&taken);
                if left.iter().all(|(_, v)| v >= 0) {
                    roomy.insert(t);
                }
            }
            for (c, amount) in columns.row(&left).into_iter().enumerate() {
                room[c * n + t] = amount;
            }
            overhead.push(Rc::clone(distinct.entry(taken.clone()).or_insert_with(|| Rc::new(taken))));
            for (daemon, _) in
                daemons.iter().filter(|(d, ways)| !d.ports.is_empty() && daemons::runs_on(ways, instance_type))
            {
                for port in &daemon.ports {
                    let known = daemon_ports.iter().position(|(p, _)| p == port);
                    let at = known.unwrap_or_else(|| {
                        daemon_ports.push((port.clone(), Bits::none(n)));
                        daemon_ports.len() - 1
                    });
                    daemon_ports[at].1.insert(t);
                }
            }
            let usable = |o: &&Offering| if label.is_some() { o.on_sale() } else { o.launchable() };
            for offering in instance_type.offerings.iter().filter(usable) {
                let way = ways.number(&offering.requirements);
                if way == sold.len() {
                    sold.push(Bits::none(n));
                }
                sold[way].insert(t);
                let id = label.and_then(|label| offering.requirements.get(label)?.single());
                if let (Some(id), Some(units)) = (id, offering.reservation_capacity) {
                    let least = &mut reserved.entry(way).or_insert((id.clone(), units)).1;
                    *least = (*least).min(units);
                }
                offers[t].push((way, offering.price));
            }
        }
        let min_values = pool.requirements.iter().filter_map(|(k, r)| Some((k.clone(), r.min_values()?))).collect();
        let set = sets.intern(pool.requirements.clone());
        let limited = pool.remaining.iter().flat_map(Resources::iter).filter(|(k, _)| &***k != NODES);
        let limited = limited.map(|(name, _)| {
            let capacities: Vec<i64> = pool.instance_types.iter().map(|t| t.capacity.get(name)).collect();
            let largest = capacities.iter().copied().max().unwrap_or(0);
            (name.clone(), capacities, largest)
        });
        let mut index = Self {
            limited: limited.collect(),
            pool,
            set,
            sellable: roomy,
            min_values,
            priced: FxHashMap::default(),
            room,
            overhead,
            ways: ways.distinct,
            sold,
            reserved,
            offers,
            daemon_ports,
            limits_volumes: pool.instance_types.iter().any(|t| !t.volume_limits.is_empty()),
            masks: FxHashMap::default(),
            views: FxHashMap::default(),
        };
        index.sellable = index.view(set, sets, &problem.well_known).types.clone();
        index.views.clear();
        index
    }

    /// What a set of requirements leaves of the pool.
    pub(crate) fn view(&mut self, id: SetId, sets: &Sets, well_known: &WellKnown) -> Rc<View> {
        if let Some(known) = self.views.get(&id) {
            return Rc::clone(known);
        }
        let set = Rc::clone(sets.get(id));
        let mut types = self.sellable.clone();
        types.intersect(&self.labelled(&set));
        let ways = self.open_ways(&set, well_known);
        types.intersect(&self.sold_by(&ways));
        let view = Rc::new(View { types, ways });
        self.views.insert(id, Rc::clone(&view));
        view
    }

    /// The types that can have the labels required.
    pub(crate) fn labelled(&mut self, set: &Requirements) -> Bits {
        let n = self.pool.instance_types.len();
        let mut out = Bits::all(n);
        for (key, requirement) in set.iter() {
            let mask = self.masks.entry((key.clone(), requirement.clone())).or_insert_with(|| {
                let alone: Requirements = [(key, requirement.clone())].into_iter().collect();
                let mut mask = Bits::none(n);
                for (t, instance_type) in self.pool.instance_types.iter().enumerate() {
                    if instance_type.requirements.intersects(&alone) {
                        mask.insert(t);
                    }
                }
                mask
            });
            out.intersect(mask);
        }
        out
    }

    /// The types on offer in a way that goes with the set.
    pub(crate) fn on_offer(&self, set: &Requirements, well_known: &WellKnown) -> Bits {
        self.sold_by(&self.open_ways(set, well_known))
    }

    fn open_ways(&self, set: &Requirements, well_known: &WellKnown) -> Bits {
        let mut open = Bits::none(self.ways.len());
        for (w, way) in self.ways.iter().enumerate() {
            if set.compatible(way, well_known).is_ok() {
                open.insert(w);
            }
        }
        open
    }

    /// The types that are sold in one of these ways.
    pub(crate) fn sold_by(&self, ways: &Bits) -> Bits {
        let mut out = Bits::none(self.pool.instance_types.len());
        ways.iter().for_each(|w| out.unite(&self.sold[w]));
        out
    }

    /// The values of a key that new nodes with these requirements can have.
    pub(crate) fn values(&mut self, key: &Name, id: SetId, sets: &Sets, well_known: &WellKnown) -> BTreeSet<Name> {
        let view = self.view(id, sets, well_known);
        self.values_of(key, id, &view.types, sets, well_known)
    }

    /// The same for some of the types only.
    pub(crate) fn values_of(
        &mut self,
        key: &Name,
        id: SetId,
        types: &Bits,
        sets: &Sets,
        well_known: &WellKnown,
    ) -> BTreeSet<Name> {
        let view = self.view(id, sets, well_known);
        let allowed = sets.get(id).get(key);
        let mut out: BTreeSet<Name> = BTreeSet::new();
        let mut add = |r: Option<&Requirement>| {
            let listed = r.and_then(Requirement::listed).into_iter().flatten();
            out.extend(listed.filter(|v| allowed.is_none_or(|a| a.contains(v))).cloned());
        };
        if self.ways.iter().any(|way| way.get(key).is_some()) {
            let sold = view.ways.iter().filter(|w| types.both(&self.sold[*w]).next().is_some());
            sold.for_each(|w| add(self.ways[w].get(key)));
        } else if self.pool.instance_types.iter().any(|t| t.requirements.get(key).is_some()) {
            types.iter().for_each(|t| add(self.pool.instance_types[t].requirements.get(key)));
        } else if !types.is_empty() {
            add(allowed);
        }
        out
    }

    /// The types that with these requirements can have no value of a key but these.
    pub(crate) fn confined(&self, key: &Name, set: &Requirements, view: &View, values: &[&Name]) -> Bits {
        let allowed = set.get(key);
        let strays = |r: Option<&Requirement>| {
            let mut listed = r.and_then(Requirement::listed).into_iter().flatten();
            listed.any(|v| allowed.is_none_or(|a| a.contains(v)) && !values.contains(&v))
        };
        let mut out = Bits::all(self.pool.instance_types.len());
        if self.ways.iter().any(|way| way.get(key).is_some()) {
            let astray = view.ways.iter().filter(|w| strays(self.ways[*w].get(key)));
            astray.for_each(|w| self.sold[w].iter().for_each(|t| out.remove(t)));
        } else {
            let types = self.pool.instance_types.iter().enumerate();
            types.filter(|(_, t)| strays(t.requirements.get(key))).for_each(|(t, _)| out.remove(t));
        }
        out
    }

    /// The ways of buying that have this value of a key.
    pub(crate) fn ways_with(&self, key: &str, value: &str) -> Bits {
        let mut out = Bits::none(self.ways.len());
        let has = |way: &Requirements| way.get(key).and_then(Requirement::single).is_some_and(|v| **v == *value);
        self.ways.iter().enumerate().filter(|(_, way)| has(way)).for_each(|(w, _)| out.insert(w));
        out
    }

    /// How dear each value of a key is: for every type that is sold with it, how its cheapest price there compares with its
    /// cheapest anywhere, in millionths. Reserved capacity does not count: it is cheap, but soon gone.
    pub(crate) fn dearness(&mut self, key: &str, sets: &Sets, well_known: &WellKnown) -> Vec<(Name, u128)> {
        let view = self.view(self.set, sets, well_known);
        let ways = self.ways_of(&view, &[]);
        let mut out = vec![];
        for t in self.sellable.iter() {
            let offers = || self.offers[t].iter().filter(|(way, _)| ways.contains(*way));
            let least = offers().map(|(_, price)| *price).min().unwrap_or_default().picodollars().max(1);
            let mut by_value: FxHashMap<&Name, Price> = FxHashMap::default();
            for (way, price) in offers() {
                if let Some(value) = self.ways[*way].get(key).and_then(Requirement::single) {
                    let known = by_value.entry(value).or_insert(*price);
                    *known = (*known).min(*price);
                }
            }
            out.extend(by_value.into_iter().map(|(value, price)| {
                let ratio = i128::from(price.picodollars()) * 1_000_000 / i128::from(least);
                (value.clone(), u128::try_from(ratio).unwrap_or(0))
            }));
        }
        out
    }

    /// What each type leaves to pods of the resource in a column.
    pub(crate) fn room(&self, column: usize) -> &[i64] {
        let types = self.pool.instance_types.len();
        &self.room[column * types..(column + 1) * types]
    }

    /// All types in the order of their cheapest price among these ways, and by name where prices are equal; those that are
    /// not sold so come last.
    pub(crate) fn by_price(&mut self, ways: &Bits) -> Rc<Vec<(Price, usize)>> {
        if let Some(known) = self.priced.get(ways) {
            return Rc::clone(known);
        }
        let types = &self.pool.instance_types;
        let price = |t: usize| self.price(t, ways).unwrap_or(Price::MAX);
        let mut priced: Vec<(Price, usize)> = (0..types.len()).map(|t| (price(t), t)).collect();
        priced.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| types[a.1].name.cmp(&types[b.1].name)));
        let priced = Rc::new(priced);
        self.priced.insert(ways.clone(), Rc::clone(&priced));
        priced
    }

    /// The cheapest price of a type among these ways.
    pub(crate) fn price(&self, t: usize, ways: &Bits) -> Option<Price> {
        self.offers[t].iter().filter(|(way, _)| ways.contains(*way)).map(|(_, price)| *price).min()
    }

    /// The ways in which a type is sold, and for how much.
    pub(crate) fn offers(&self, t: usize) -> &[(usize, Price)] {
        &self.offers[t]
    }

    /// What a way of buying means.
    pub(crate) fn way(&self, way: usize) -> &'p Requirements {
        self.ways[way]
    }

    /// The capacity reservation that a way draws on.
    pub(crate) fn reservation(&self, way: usize) -> Option<&Name> {
        self.reserved.get(&way).map(|(name, _)| name)
    }

    /// The capacity reservations there are, and how many units of each at least.
    pub(crate) fn reservations(&self) -> impl Iterator<Item = (Name, u32)> {
        let mut all: Vec<_> = self.reserved.values().cloned().collect();
        all.sort();
        all.into_iter()
    }

    /// The capacity reservations that some of these types can be launched from.
    pub(crate) fn reserved_for<'a>(&'a self, view: &'a View, types: &'a Bits) -> impl Iterator<Item = &'a Name> {
        let drawn = view.ways.iter().filter_map(|w| Some((w, &self.reserved.get(&w)?.0)));
        drawn.filter(|(w, _)| types.both(&self.sold[*w]).next().is_some()).map(|(_, name)| name)
    }

    /// The ways of a view that draw on one of these reservations or, if there are none, on no reservation at all.
    pub(crate) fn ways_of(&self, view: &View, reservations: &[Name]) -> Bits {
        let mut ways = view.ways.clone();
        for w in view.ways.iter() {
            let wanted = match self.reserved.get(&w) {
                Some((name, _)) => reservations.contains(name),
                None => reservations.is_empty(),
            };
            if !wanted {
                ways.remove(w);
            }
        }
        ways
    }

    /// The least that DaemonSets take on any of these types, resource by resource.
    pub(crate) fn least_overhead(&self, types: impl Iterator<Item = usize>) -> Resources {
        let mut least: Option<Resources> = None;
        let mut last: Option<&Rc<Resources>> = None;
        for t in types {
            let taken = &self.overhead[t];
            if last.is_some_and(|l| Rc::ptr_eq(l, taken)) {
                continue;
            }
            last = Some(taken);
            least = Some(match least {
                None => (**taken).clone(),
                Some(so_far) => so_far.iter().map(|(k, v)| (k.clone(), v.min(taken.get(k)))).collect(),
            });
        }
        let mut least = least.unwrap_or_default();
        least.drop_zeros();
        least
    }

    /// The types whose capacity stays within what is left of the pool's limits. `nodes` is counted apart.
    pub(crate) fn within(&self, remaining: &Resources) -> Bits {
        let mut out = Bits::all(self.pool.instance_types.len());
        for (name, capacities, largest) in &self.limited {
            let left = remaining.get(name);
            if *largest > left {
                let too_large = capacities.iter().enumerate().filter(|(_, capacity)| **capacity > left);
                too_large.for_each(|(t, _)| out.remove(t));
            }
        }
        out
    }

    /// The largest capacity among these types, of the resources that are limited.
    pub(crate) fn largest(&self, types: &Bits) -> Resources {
        let largest = |capacities: &[i64]| types.iter().map(|t| capacities[t]).max().unwrap_or(0);
        self.limited.iter().map(|(name, capacities, _)| (name.clone(), largest(capacities))).collect()
    }

    /// How many distinct values of a key are left: those that some of the types may have and the set allows.
    pub(crate) fn distinct_values(&self, key: &str, set: &Requirements, types: impl Iterator<Item = usize>) -> u32 {
        let allowed = set.get(key);
        let mut seen: BTreeSet<&Name> = BTreeSet::new();
        for t in types {
            let values = self.pool.instance_types[t].requirements.get(key).and_then(Requirement::listed);
            seen.extend(values.into_iter().flatten().filter(|v| allowed.is_none_or(|a| a.contains(v))));
        }
        u32::try_from(seen.len()).unwrap_or(u32::MAX)
    }
}
