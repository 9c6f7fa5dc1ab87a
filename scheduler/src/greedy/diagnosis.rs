//! Finding out, once placing has failed, what each pool lacks for a pod.
//!
//! It runs once for each class that fails, on its most forgiving reading, and retraces the questions in the order in which
//! they rule out most: rules, taints, labels, limits, types. What keeps the types out, by groups, is found in `sieve`. It
//! does not decide anything: a class comes here after every place has refused it.

mod sieve;

use super::Round;
use super::seeker::{Never, Seeker};
use crate::bitset::Bits;
use crate::market::SetId;
use crate::problem::{HostPort, PodClass};
use crate::reasons::{DaemonRange, Met, NoInstanceType, Refusal, TooFewValues, Unplaced};
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
    /// By pool: what DaemonSets take.
    daemons: FxHashMap<usize, Arc<DaemonRange>>,
}

impl Round<'_> {
    /// Why no pod of this class can be placed.
    pub(super) fn why(&mut self, class: usize, seekers: &[Seeker]) -> Unplaced {
        let class = &self.world.problem.classes[class];
        let Some(seeker) = seekers.last() else { return Unplaced::NotYetSupported(class.unsupported.clone()) };
        if self.world.pools.is_empty() {
            return Unplaced::NoPools;
        }
        let asked = Arc::new(seeker.reading.requirements.clone());
        Unplaced::Refused((0..self.world.pools.len()).map(|p| (p, self.refusal(p, class, seeker, &asked))).collect())
    }

    fn refusal(&mut self, p: usize, class: &PodClass, seeker: &Seeker, asked: &Arc<Requirements>) -> Refusal {
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
        // What a pool cannot be together with the pod has been told as its selection; the pool itself is not empty.
        let Some(set) = self.world.sets.merge(own, seeker.requirements) else {
            return Refusal::EmptyPool(Default::default());
        };
        Refusal::NoInstanceType(self.no_instance_type(p, class, seeker, set, asked))
    }

    fn no_instance_type(
        &mut self,
        p: usize,
        class: &PodClass,
        seeker: &Seeker,
        set: SetId,
        asked: &Arc<Requirements>,
    ) -> NoInstanceType {
        let sifted = self.sifted(p, set);
        let problem = self.world.problem;
        let pool = &self.world.pools[p];
        let limits = self.claims.limits[p].remaining();
        let mut sieve = Sieve::resume(pool, &sifted);
        let scarce = sieve.resources(self.world.columns.names(), &seeker.requests);
        let taken = sieve::ports_taken(problem, pool, &class.ports);
        sieve.ports(&taken);
        sieve.volumes(&class.volumes);
        sieve.limits(limits);
        let (excluded, left) = sieve.finish();

        let requirements = self.world.sets.get(set);
        let too_few = |(key, asked): &(Name, u32)| {
            let have = pool.distinct_values(key, requirements, left.iter());
            (have < *asked).then(|| TooFewValues { key: Arc::clone(key), asked: *asked, left: have })
        };
        let min_values = if left.is_empty() { vec![] } else { pool.min_values.iter().filter_map(too_few).collect() };

        let mut eligible = pool.sellable.clone();
        if let Some(remaining) = limits {
            eligible.intersect(&pool.within(remaining));
        }
        let within_limits = !eligible.is_empty();
        taken.iter().for_each(|(_, types)| types.iter().for_each(|t| eligible.remove(t)));
        let large_enough = |t: usize| pool.room(t).iter().zip(&seeker.requests).all(|(room, asked)| asked <= room);
        let met = Met {
            limits: within_limits,
            labels: eligible.both(&sifted.labelled).next().is_some(),
            offering: eligible.both(&sifted.offered).next().is_some(),
            resources: eligible.both(&sifted.offered).any(large_enough),
        };
        let daemons = if taken.is_empty() { self.daemons(p) } else { Arc::new(self.daemon_range(p, &taken)) };
        NoInstanceType { excluded, scarce, min_values, met, asked: Arc::clone(asked), daemons }
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
