//! Finding out, once placing has failed, what each pool lacks for a pod.
//!
//! It runs once for each class that fails, on one of its most forgiving readings, and retraces the questions that a new node
//! was asked: taints, labels, limits, volumes, rules between pods, types. What keeps types out, by groups, is found in
//! `sieve`; which rule between pods stands in the way, in `between`. It does not decide anything: a class comes here after
//! every place has refused it, and what was asked of nodes that are there is not told.

mod between;
mod sieve;

use super::Round;
use super::seeker::{Never, Seeker};
use super::world::Refused;
use crate::bitset::Bits;
use crate::market::SetId;
use crate::problem::{HostPort, PodClass};
use crate::reasons::{
    DaemonRange, DomainCounts, Excluded, Met, NoInstanceType, Refusal, Reserved, TooFewValues, Unplaced,
};
use crate::requirement::Name;
use crate::requirements::Requirements;
use crate::resources::Resources;
use rustc_hash::FxHashMap;
use sieve::{Sales, Sieve, Sifted};
use std::rc::Rc;
use std::sync::Arc;

/// What has been found out already and serves other classes too: thousands of them may be without a place.
#[derive(Default)]
pub(super) struct Diagnosis<'p> {
    /// By pool: in which ways its types are sold.
    sales: FxHashMap<usize, Rc<Sales<'p>>>,
    /// By pool and what is asked of a node: the types that labels and offerings keep out.
    sifted: FxHashMap<(usize, SetId), Rc<Sifted>>,
    /// What is asked of a node.
    asked: FxHashMap<SetId, Arc<Requirements>>,
    /// By pool: what DaemonSets take.
    daemons: FxHashMap<usize, Arc<DaemonRange>>,
    /// By counter: how many pods each node holds.
    on_hosts: FxHashMap<usize, Arc<DomainCounts>>,
}

impl Round<'_> {
    /// Why no pod of this class can be placed.
    pub(super) fn why(&mut self, class: usize, seekers: &[Seeker], waits_for_reserved: bool) -> Unplaced {
        let class = &self.world.problem.classes[class];
        let Some(seeker) = explained(class, seekers, waits_for_reserved) else {
            return Unplaced::NotYetSupported(class.unsupported.clone());
        };
        if self.world.pools.is_empty() {
            return Unplaced::NoPools;
        }
        let mut refusals = vec![];
        for p in 0..self.world.pools.len() {
            let refusal = self.refusal(p, class, seeker);
            let waits = matches!(refusal, Refusal::Reserved(Reserved::Spoken(_)));
            refusals.push((p, refusal));
            if waits {
                return Unplaced::Deferred(refusals); // no other pool is asked any more
            }
        }
        Unplaced::Refused(refusals)
    }

    fn refusal(&mut self, p: usize, class: &PodClass, seeker: &Seeker) -> Refusal {
        match &seeker.refused[p] {
            Some(Never::Taints(taints)) => return Refusal::Taints(taints.clone()),
            Some(Never::Selection(why)) => return Refusal::Selection(why.clone()),
            None => {}
        }
        let own = self.world.pools[p].set;
        if self.world.pools[p].sellable.is_empty() {
            return Refusal::EmptyPool(self.sifted(p, own).excluded.clone());
        }
        if self.claims.limits[p].no_more_nodes() {
            return Refusal::NodeLimit;
        }
        let Some(set) = self.world.sets.merge(own, seeker.requirements) else {
            // A pool that cannot be what it is itself has no types; what it cannot be with the pod has been told.
            return Refusal::EmptyPool(Excluded::default());
        };
        match self.where_volumes_are(set, class, seeker).and_then(|set| self.domains(p, set, seeker)) {
            Ok(set) => self.no_instance_type(p, class, seeker, set),
            Err(refusal) => refusal,
        }
    }

    /// What is asked of a node where the pod's volumes are: at the last place that will do, since each has been tried and
    /// what the last lacked is what Karpenter tells.
    fn where_volumes_are(&mut self, set: SetId, class: &PodClass, seeker: &Seeker) -> Result<SetId, Refusal> {
        if seeker.places.is_empty() {
            return Ok(set);
        }
        if let Some(last) = seeker.places.iter().rev().find_map(|place| self.world.at_place(set, *place)) {
            return Ok(last);
        }
        let node = self.world.sets.get(set);
        let well_known = &self.world.problem.well_known;
        let places = class.volumes.places.iter().filter_map(|place| node.compatible(place, well_known).err());
        Err(Refusal::Volumes(places.collect()))
    }

    fn no_instance_type(&mut self, p: usize, class: &PodClass, seeker: &Seeker, set: SetId) -> Refusal {
        let sifted = self.sifted(p, set);
        let asked = self.asked(set);
        let pool = &self.world.pools[p];
        let mut sieve = Sieve::resume(pool, &sifted);
        let scarce = sieve.resources(self.world.columns.names(), &seeker.requests);
        let taken = sieve::ports_taken(pool, &class.ports);
        sieve.ports(&taken);
        sieve.volumes(&class.volumes);
        sieve.limits(self.claims.limits[p].remaining());
        let (excluded, left) = sieve.finish();

        let met = self.met(p, seeker, &sifted, &taken);
        let daemons = if taken.is_empty() { self.daemons(p) } else { Arc::new(self.daemon_range(p, &taken)) };
        let min_values = match self.of_those_left(p, set, seeker, &left) {
            Err(refusal) => return refusal,
            Ok(min_values) => min_values,
        };
        Refusal::NoInstanceType(Box::new(NoInstanceType { excluded, scarce, min_values, met, asked, daemons }))
    }

    /// What stands in the way if types are left: reserved capacity, or that they are too few. Either may depend on which of
    /// several domains it is.
    fn of_those_left(
        &mut self,
        p: usize,
        set: SetId,
        seeker: &Seeker,
        left: &Bits,
    ) -> Result<Vec<TooFewValues>, Refusal> {
        if left.is_empty() {
            return Ok(vec![]);
        }
        let mut few = self.in_all_domains(p, set, left)?;
        if few.is_empty() {
            for set in self.single_domains(p, set, seeker) {
                few = self.in_all_domains(p, set, left)?;
                if !few.is_empty() {
                    break;
                }
            }
        }
        Ok(few)
    }

    fn in_all_domains(&mut self, p: usize, set: SetId, left: &Bits) -> Result<Vec<TooFewValues>, Refusal> {
        let world = &mut self.world;
        let view = world.pools[p].view(set, &world.sets, &world.problem.well_known);
        let pool = &world.pools[p];
        let mut left = left.clone();
        left.intersect(&view.types);
        let names: Vec<Name> = pool.reserved_for(&view, &left).cloned().collect();
        match world.reserve.hold(pool, &view, &mut left, None) {
            Ok(_) => {}
            Err(Refused::Reserved) => return Err(Refusal::Reserved(Reserved::Spoken(names))),
            Err(_) => return Err(Refusal::Reserved(Reserved::Full(names))),
        }
        let requirements = world.sets.get(set);
        let too_few = |(key, asked): &(Name, u32)| {
            let have = pool.distinct_values(key, requirements, left.iter());
            (have < *asked).then(|| TooFewValues { key: key.clone(), asked: *asked, left: have })
        };
        Ok(pool.min_values.iter().filter_map(too_few).collect())
    }

    /// Which criteria some type meets, of those that the limits still allow and whose ports are free.
    fn met(&self, p: usize, seeker: &Seeker, sifted: &Sifted, taken: &[(HostPort, Bits)]) -> Met {
        let pool = &self.world.pools[p];
        let mut eligible = pool.sellable.clone();
        if let Some(within) = &self.claims.limits[p].within {
            eligible.intersect(within);
        }
        let within_limits = !eligible.is_empty();
        taken.iter().for_each(|(_, types)| types.iter().for_each(|t| eligible.remove(t)));
        let mut large_enough = eligible.clone();
        large_enough.intersect(&sifted.offered);
        for (column, asked) in seeker.requests.iter().enumerate() {
            large_enough.retain_at_least(pool.room(column), *asked);
        }
        Met {
            limits: within_limits,
            labels: eligible.both(&sifted.labelled).next().is_some(),
            offering: eligible.both(&sifted.offered).next().is_some(),
            resources: !large_enough.is_empty(),
        }
    }

    fn asked(&mut self, set: SetId) -> Arc<Requirements> {
        let known = self.diagnosis.asked.entry(set);
        Arc::clone(known.or_insert_with(|| Arc::new((**self.world.sets.get(set)).clone())))
    }

    /// The types of a pool that labels and offerings keep out.
    fn sifted(&mut self, p: usize, set: SetId) -> Rc<Sifted> {
        if let Some(known) = self.diagnosis.sifted.get(&(p, set)) {
            return Rc::clone(known);
        }
        let pool = &mut self.world.pools[p];
        let sales = self.diagnosis.sales.entry(p).or_insert_with(|| Rc::new(Sales::of(pool.pool)));
        let sifted = Rc::new(Sifted::new(pool, sales, &self.world.sets, set, &self.world.problem.well_known));
        self.diagnosis.sifted.insert((p, set), Rc::clone(&sifted));
        sifted
    }

    fn daemons(&mut self, p: usize) -> Arc<DaemonRange> {
        if let Some(known) = self.diagnosis.daemons.get(&p) {
            return Arc::clone(known);
        }
        let range = Arc::new(self.daemon_range(p, &[]));
        self.diagnosis.daemons.insert(p, Arc::clone(&range));
        range
    }

    /// What DaemonSets take of the types whose ports are free, of those of which they take anything: the least, of what
    /// they take of all, and the most.
    fn daemon_range(&self, p: usize, taken: &[(HostPort, Bits)]) -> DaemonRange {
        let pool = &self.world.pools[p];
        let free = |t: &usize| !taken.iter().any(|(_, types)| types.contains(*t));
        let mut range: Option<DaemonRange> = None;
        for t in pool.sellable.iter().filter(free) {
            let overhead = pool.least_overhead(std::iter::once(t));
            if overhead.is_empty() {
                continue;
            }
            range = Some(match range {
                None => DaemonRange { least: overhead.clone(), most: overhead },
                Some(DaemonRange { least, mut most }) => {
                    most.raise_to(&overhead);
                    let shared = least.iter().filter(|(k, _)| overhead.has(k));
                    let least: Resources = shared.map(|(k, v)| (k.clone(), v.min(overhead.get(k)))).collect();
                    DaemonRange { least, most }
                }
            });
        }
        range.unwrap_or_default()
    }
}

/// The reading to be told of. Several are equally forgiving if the pod selects nodes in several ways; Karpenter tells of the
/// last of these. None if nothing has been tried.
fn explained<'s>(class: &PodClass, seekers: &'s [Seeker], waits_for_reserved: bool) -> Option<&'s Seeker> {
    let last = seekers.last()?;
    if waits_for_reserved {
        return Some(last); // it was on this one that trying ended
    }
    let last_way = class.selection.strict().pop();
    let of_last_way = seekers.iter().rev().find(|s| last_way.as_ref() == Some(&s.reading.requirements));
    Some(of_last_way.unwrap_or(last))
}

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
