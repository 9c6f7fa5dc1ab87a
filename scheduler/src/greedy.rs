//! First fit in Karpenter's order, by class of pods.
//!
//! The largest pods come first. Each goes to the first existing node that takes it; else to an open claim, those with
//! the fewest pods first; else to a new claim of the first pool that can make one (specification "scheduling" 4.2 to
//! 4.7). Claims and nodes only fill up, so what has refused one pod of a class refuses all that follow: every class
//! remembers that, and the work grows with pods plus classes times claims, not with pods times claims times types.
//!
//! This module does not optimise anything; it knows no prices until the end, when types are put in order.

mod claims;
mod diagnosis;
mod nodes;

use crate::market::{Columns, PoolIndex, SetId, Sets};
use crate::plan::{Placement, Plan};
use crate::problem::{MinValuesPolicy, Problem};
use crate::reasons::Unplaced;
use crate::relaxation::{self, Reading};
use crate::requirements::Incompatible;
use crate::resources::{CPU, MEMORY};
use crate::taint::{Effect, Taint, untolerated};
use claims::{Claims, Queue};
use diagnosis::Diagnosis;
use nodes::Nodes;
use std::cmp::Reverse;
use std::sync::Arc;

/// Plans a problem by first fit.
pub(crate) fn plan(problem: &Problem) -> Plan {
    let mut round = Round::new(problem);
    let mut waiting: Vec<usize> = vec![0; problem.classes.len()];
    for pod in &problem.pods {
        waiting[pod.class] += 1;
    }
    let mut seekers: Vec<Option<Vec<Seeker>>> = problem.classes.iter().map(|_| None).collect();
    let mut failed: Vec<Option<Arc<Unplaced>>> = vec![None; problem.classes.len()];
    let mut unplaced = vec![];

    for pod in order(problem) {
        let class = problem.pods[pod].class;
        if failed[class].is_none() {
            let seekers = seekers[class].get_or_insert_with(|| round.seekers(class));
            if !round.place(pod, seekers) {
                failed[class] = Some(Arc::new(round.why(class, seekers)));
            }
        }
        if let Some(why) = &failed[class] {
            unplaced.push((pod, Arc::clone(why)));
        }
        waiting[class] -= 1;
        if waiting[class] == 0 {
            seekers[class] = None; // its queue is as long as the list of claims
        }
    }

    unplaced.sort_by_key(|(pod, _)| *pod);
    let existing = round.nodes.placements().map(|(node, pods)| Placement { node, pods }).collect();
    Plan { claims: round.claims.finish(problem, &mut round.pools, &round.sets), existing, unplaced, bound: None }
}

/// The order in which pods are placed: most CPU, most memory, oldest, smallest UID (4.2).
fn order(problem: &Problem) -> Vec<usize> {
    let sizes: Vec<_> =
        problem.classes.iter().map(|c| (Reverse(c.requests.get(CPU)), Reverse(c.requests.get(MEMORY)))).collect();
    let mut order: Vec<usize> = (0..problem.pods.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&problem.pods[*a], &problem.pods[*b]);
        let key = |p: &crate::problem::Pod| (sizes[p.class], p.created);
        key(a).cmp(&key(b)).then_with(|| a.uid.cmp(&b.uid)).then_with(|| a.name.cmp(&b.name))
    });
    order
}

/// One reading of a class, looking for places.
struct Seeker {
    requirements: SetId,
    requests: Vec<i64>,
    /// For each pool, why its nodes would never take the pod, if so.
    refused: Vec<Option<Never>>,
    /// For each existing node, tried in order: the first that has not refused yet.
    next_node: usize,
    queue: Queue,
    reading: Reading,
}

/// Why no node of a pool can ever take a pod.
enum Never {
    Taints(Vec<Taint>),
    Selection(Incompatible),
}

/// The state of one run.
struct Round<'p> {
    problem: &'p Problem,
    columns: Columns,
    sets: Sets,
    pools: Vec<PoolIndex<'p>>,
    nodes: Nodes<'p>,
    claims: Claims,
    soft_taints: bool,
    diagnosis: Diagnosis<'p>,
}

impl<'p> Round<'p> {
    fn new(problem: &'p Problem) -> Self {
        let columns = Columns::of(problem);
        let mut sets = Sets::default();
        let pools: Vec<_> = problem.pools.iter().map(|p| PoolIndex::new(problem, p, &columns, &mut sets)).collect();
        let nodes = Nodes::new(problem, &columns);
        let claims = Claims::new(&pools);
        let soft = |t: &Taint| t.effect == Effect::PreferNoSchedule;
        let soft_taints = problem.pools.iter().any(|p| p.taints.iter().any(soft))
            || problem.nodes.iter().any(|n| n.taints.iter().any(soft));
        Self { problem, columns, sets, pools, nodes, claims, soft_taints, diagnosis: Diagnosis::default() }
    }

    /// The readings of a class, each ready to look for places.
    fn seekers(&mut self, class: usize) -> Vec<Seeker> {
        let class = &self.problem.classes[class];
        if !class.unsupported.is_empty() {
            return vec![];
        }
        let requests = self.columns.row(&class.requests);
        relaxation::readings(class, self.problem.settings.preferences, self.soft_taints)
            .into_iter()
            .map(|reading| Seeker {
                requirements: self.sets.intern(reading.requirements.clone()),
                requests: requests.clone(),
                refused: self.pools.iter().map(|pool| never(self.problem, pool, &reading)).collect(),
                next_node: 0,
                queue: Queue::default(),
                reading,
            })
            .collect()
    }

    /// Finds a place for a pod, giving up one wish after the other.
    fn place(&mut self, pod: usize, seekers: &mut [Seeker]) -> bool {
        seekers.iter_mut().any(|seeker| {
            self.nodes.place(pod, seeker)
                || self.claims.join(pod, seeker, &mut self.pools, &mut self.sets, &self.problem.well_known)
                || self.open(pod, seeker).is_some()
        })
    }

    /// Opens a claim for a pod in the first pool that can make one.
    fn open(&mut self, pod: usize, seeker: &Seeker) -> Option<()> {
        (0..self.pools.len()).find_map(|p| {
            let offer = self.offer(p, seeker)?;
            self.claims.open(pod, seeker, p, offer, &self.pools[p]);
            Some(())
        })
    }

    /// The types of a pool that a new claim for this pod could have.
    fn offer(&mut self, p: usize, seeker: &Seeker) -> Option<claims::Offer> {
        if seeker.refused[p].is_some() || self.claims.limits[p].no_more_nodes() {
            return None;
        }
        let pool = &mut self.pools[p];
        let set = self.sets.merge(pool.set, seeker.requirements)?;
        let view = pool.view(set, &self.sets, &self.problem.well_known);
        let mut types = view.types.clone();
        if let Some(within) = &self.claims.limits[p].within {
            types.intersect(within);
        }
        let candidates: Vec<usize> = types.iter().collect();
        for t in candidates {
            if !pool.room(t).iter().zip(&seeker.requests).all(|(room, asked)| asked <= room) {
                types.remove(t);
            }
        }
        if types.is_empty() {
            return None;
        }
        let mut offer = claims::Offer { set, types, min_values: vec![], relaxed: false };
        for (key, asked) in &pool.min_values {
            let have = pool.distinct_values(key, self.sets.get(set), offer.types.iter());
            if have >= *asked {
                offer.min_values.push((key.clone(), *asked));
            } else if self.problem.settings.min_values == MinValuesPolicy::BestEffort {
                offer.min_values.push((key.clone(), have));
                offer.relaxed = true;
            } else {
                return None;
            }
        }
        Some(offer)
    }
}

/// Why no node of a pool can ever take a pod of this reading, if so.
fn never(problem: &Problem, pool: &PoolIndex<'_>, reading: &Reading) -> Option<Never> {
    let taints: Vec<Taint> = untolerated(&pool.pool.taints, &reading.tolerations).cloned().collect();
    if !taints.is_empty() {
        return Some(Never::Taints(taints));
    }
    pool.pool.requirements.compatible(&reading.requirements, &problem.well_known).err().map(Never::Selection)
}

#[cfg(test)]
#[path = "greedy_tests.rs"]
mod tests;
