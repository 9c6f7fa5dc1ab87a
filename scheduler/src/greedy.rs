//! First fit in Karpenter's order, by class of pods.
//!
//! The largest pods come first. Each goes to the first existing node that takes it; else to an open claim, those with
//! the fewest pods first; else to a new claim of the first pool that can make one (specification "scheduling" 4.2 to
//! 4.9). Claims and nodes only fill up, so what has refused one pod of a class refuses all that follow, unless it did so for
//! where other pods are: every class remembers that, and the work grows with pods plus classes times claims, not with pods
//! times claims times types. A pod that fails is tried again for as long as something that its rules look at has changed.
//!
//! This module does not optimise anything; it knows no prices until the end, when types are put in order.

mod attachments;
mod choice;
mod claims;
mod course;
mod diagnosis;
mod flexibility;
mod guided;
mod manner;
mod nodes;
mod order;
mod reserve;
mod seeker;
mod world;

use crate::market::Market;
use crate::plan::{Placement, Plan};
use crate::problem::{Pod, PodClass, Problem};
use crate::reasons::Unplaced;
use crate::relaxation::{self, Reading};
use crate::resources::{CPU, MEMORY};
use crate::topology::Allowed;
use choice::Choice;
use claims::Claims;
use diagnosis::Diagnosis;
pub(crate) use flexibility::Terms;
pub(crate) use guided::{Wish, WishedPlace, plan as guided};
use manner::Ranking;
pub(crate) use manner::{Manner, NodeOrder, PodOrder, TypeChoice};
use nodes::Nodes;
use rustc_hash::FxHashMap;
use seeker::Seeker;
use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use world::{Narrowed, NewNode, Refused, World};

/// Plans a problem by first fit, in Karpenter's manner.
pub(crate) fn plan(problem: &Problem) -> Plan {
    plan_in(Manner::KARPENTER, problem)
}

/// Plans a problem by first fit.
pub(crate) fn plan_in(manner: Manner, problem: &Problem) -> Plan {
    let mut round = Round::new(problem, Market::of(problem));
    let waiting = round.adopt(manner);
    let unplaced = round.first_fit(waiting);
    round.into_plan(unplaced, None)
}

/// Pods in the order in which they are placed: most CPU, most memory, oldest, smallest UID (4.2).
fn in_order(problem: &Problem, pods: Vec<usize>) -> Vec<usize> {
    in_order_after(problem, pods, |_| ())
}

/// The same among pods whose classes are otherwise alike.
fn in_order_after<K: Ord>(problem: &Problem, mut pods: Vec<usize>, first: impl Fn(usize) -> K) -> Vec<usize> {
    let size = |c: &PodClass| (Reverse(c.requests.get(CPU)), Reverse(c.requests.get(MEMORY)));
    let sizes: Vec<_> = problem.classes.iter().enumerate().map(|(c, class)| (first(c), size(class))).collect();
    pods.sort_by(|a, b| {
        let (a, b) = (&problem.pods[*a], &problem.pods[*b]);
        let key = |p: &Pod| (&sizes[p.class], p.created);
        key(a).cmp(&key(b)).then_with(|| a.uid.cmp(&b.uid)).then_with(|| a.name.cmp(&b.name))
    });
    pods
}

/// The state of one run.
struct Round<'p> {
    world: World<'p>,
    nodes: Nodes<'p>,
    claims: Claims,
    /// How the types of new claims are settled, unless they stay open.
    choice: Option<Choice>,
    classes: Vec<Progress>,
    diagnosis: Diagnosis<'p>,
}

/// How far a class has come.
#[derive(Default)]
struct Progress {
    /// How many of its pods have no place yet.
    waiting: usize,
    readings: Option<Arc<[Reading]>>,
    /// The readings that have been needed so far, looking for places.
    seekers: Vec<Seeker>,
    /// If a pod of the class has failed: what its rules depended on was at this version, and whether it waits for reserved
    /// capacity.
    failed: Option<(u64, bool)>,
}

impl<'p> Round<'p> {
    fn new(problem: &'p Problem, market: Market<'p>) -> Self {
        let mut world = World::new(problem, market);
        let nodes = Nodes::new(problem, &world.columns, &mut world.sets);
        let claims = Claims::new(&world.pools);
        let mut classes: Vec<Progress> = problem.classes.iter().map(|_| Progress::default()).collect();
        problem.pods.iter().for_each(|pod| classes[pod.class].waiting += 1);
        Self { world, nodes, claims, choice: None, classes, diagnosis: Diagnosis::default() }
    }

    /// Goes on in another manner, and says in which order pods come.
    fn adopt(&mut self, manner: Manner) -> Vec<usize> {
        self.nodes.ranking = Ranking::new(manner.nodes, &self.world);
        self.claims.ranking = Ranking::new(manner.nodes, &self.world);
        self.choice = Choice::new(manner.types, &self.world);
        let problem = self.world.problem;
        let everyone = (0..problem.pods.len()).collect();
        match manner.pods {
            PodOrder::MostCpu => in_order(problem, everyone),
            PodOrder::LargestShare => {
                let shares = manner::largest_shares(&self.world);
                in_order_after(problem, everyone, |class| Reverse(shares[class]))
            }
        }
    }

    /// Finds places for pods, one after the other, for as long as that leads anywhere. Returns those that have none.
    fn first_fit(&mut self, mut waiting: Vec<usize>) -> Vec<usize> {
        loop {
            let before = waiting.len();
            waiting.retain(|pod| !self.place(*pod));
            let worth_another_try = |pod: &usize| self.may_succeed(self.world.problem.pods[*pod].class);
            if waiting.len() < before && waiting.iter().any(worth_another_try) {
                continue;
            }
            if !self.settle_reservations(&waiting) {
                return waiting;
            }
        }
    }

    /// What has come of it, and why these pods have no place. The terms say which types stay on claims; without them all do
    /// that a claim has kept.
    fn into_plan(mut self, mut unplaced: Vec<usize>, terms: Option<&Terms>) -> Plan {
        unplaced.sort_unstable();
        let unplaced = self.explain(unplaced);
        let existing = self.nodes.placements().map(|(node, pods)| Placement { node, pods }).collect();
        Plan { claims: self.claims.finish(&mut self.world, terms), existing, unplaced, certificate: None }
    }

    /// Finds a place for a pod, giving up its wishes one by one.
    fn place(&mut self, pod: usize) -> bool {
        let class = self.world.problem.pods[pod].class;
        if !self.may_succeed(class) {
            return false;
        }
        let mut progress = std::mem::take(&mut self.classes[class]);
        let outcome = self.try_readings(pod, class, &mut progress);
        if let Some(choice) = &mut self.choice {
            if outcome.is_ok() { choice.placed(class) } else { choice.failed(class) }
        }
        progress.failed = match outcome {
            Ok(()) => None,
            Err(refused) => Some((self.version(&progress.seekers), refused == Refused::Reserved)),
        };
        self.put_back(class, progress, usize::from(outcome.is_ok()));
        outcome.is_ok()
    }

    /// Keeps the progress of a class that has placed so many pods more.
    fn put_back(&mut self, class: usize, mut progress: Progress, placed: usize) {
        progress.waiting -= placed;
        if progress.waiting == 0 {
            progress = Progress::default(); // its queues are as long as the list of claims
        }
        self.classes[class] = progress;
    }

    fn try_readings(&mut self, pod: usize, class: usize, progress: &mut Progress) -> Result<(), Refused> {
        for r in 0.. {
            let Some(seeker) = self.seeker(class, progress, r) else { break };
            match self.place_reading(pod, seeker) {
                Err(Refused::Reserved) => return Err(Refused::Reserved),
                Err(_) => {}
                Ok(()) => return Ok(()),
            }
        }
        Err(Refused::Never)
    }

    /// The seeker of one of the readings of a class, by number, if there are so many.
    fn seeker<'s>(&mut self, class: usize, progress: &'s mut Progress, r: usize) -> Option<&'s mut Seeker> {
        let readings = progress.readings.get_or_insert_with(|| self.readings(class).into());
        if r == progress.seekers.len() {
            let reading = readings.get(r)?.clone();
            progress.seekers.push(Seeker::new(&mut self.world, class, reading));
        }
        progress.seekers.get_mut(r)
    }

    /// The readings of a class; none if it asks for what cannot be kept.
    fn readings(&self, class: usize) -> Vec<Reading> {
        let class = &self.world.problem.classes[class];
        if !class.unsupported.is_empty() {
            return vec![];
        }
        relaxation::readings(class, self.world.problem.settings.preferences, self.world.soft_taints)
    }

    fn place_reading(&mut self, pod: usize, seeker: &mut Seeker) -> Result<(), Refused> {
        let allowed = self.world.topology.allowed(&seeker.rules);
        if self.nodes.place(pod, seeker, &allowed, &mut self.world)
            || self.claims.join(pod, seeker, &allowed, &mut self.world)
        {
            return Ok(());
        }
        if self.world.topology.hosts_to_join(&seeker.rules).is_some() {
            return Err(Refused::NotNow); // a new node is in nobody's company
        }
        if let Some(choice) = self.choice.take_if(|choice| choice.settles(seeker.class)) {
            let offer = self.settled_offer(&choice, seeker, &allowed);
            self.choice = Some(choice);
            let (p, narrowed) = offer?;
            self.claims.open(pod, seeker, p, narrowed, &mut self.world);
            return Ok(());
        }
        for p in 0..self.world.pools.len() {
            match self.offer(p, seeker, &allowed) {
                Ok(narrowed) => {
                    self.claims.open(pod, seeker, p, narrowed, &mut self.world);
                    return Ok(());
                }
                Err(Refused::Reserved) => return Err(Refused::Reserved),
                Err(_) => {}
            }
        }
        Err(Refused::NotNow)
    }

    /// What a new claim of a pool with this pod would be like.
    fn offer(&mut self, p: usize, seeker: &Seeker, allowed: &[Allowed]) -> Result<Narrowed, Refused> {
        if seeker.refused[p].is_some() || self.claims.limits[p].no_more_nodes() {
            return Err(Refused::Never);
        }
        let mut types = self.world.pools[p].sellable.clone();
        if let Some(within) = &self.claims.limits[p].within {
            types.intersect(within);
        }
        let new = NewNode { pool: p, set: self.world.pools[p].set, types: &types, pins: None, course: None };
        self.world.narrow(&new.with(&self.world.problem.classes[seeker.class], seeker), seeker, allowed)
    }

    /// If pods wait for reserved capacity that others hold: lets these decide what they need of it, and says so.
    fn settle_reservations(&mut self, waiting: &[usize]) -> bool {
        let for_reserved = |pod: &usize| {
            self.classes[self.world.problem.pods[*pod].class].failed.is_some_and(|(_, for_reserved)| for_reserved)
        };
        if self.world.reserve.is_settled() || !waiting.iter().any(for_reserved) {
            return false;
        }
        self.claims.settle(&mut self.world);
        true
    }

    /// Whether there is any point in trying a pod of the class.
    fn may_succeed(&self, class: usize) -> bool {
        let progress = &self.classes[class];
        progress.failed.is_none_or(|(version, _)| self.version(&progress.seekers) != version)
    }

    /// A number that changes whenever something that the rules of these seekers look at does.
    fn version(&self, seekers: &[Seeker]) -> u64 {
        let rules: u64 = seekers.iter().map(|s| self.world.topology.version(&s.rules)).sum();
        let reserved =
            if self.world.reserve.is_empty() { 0 } else { self.world.reserve.version + self.claims.len() as u64 };
        rules + reserved
    }

    /// Why these pods have no place.
    fn explain(&mut self, pods: Vec<usize>) -> Vec<(usize, Arc<Unplaced>)> {
        let mut known: FxHashMap<usize, Arc<Unplaced>> = FxHashMap::default();
        let mut out = Vec::with_capacity(pods.len());
        for pod in pods {
            let class = self.world.problem.pods[pod].class;
            let why = match known.entry(class) {
                Entry::Occupied(why) => why.into_mut(),
                Entry::Vacant(unknown) => {
                    let progress = std::mem::take(&mut self.classes[class]);
                    let waits = progress.failed.is_some_and(|(_, for_reserved)| for_reserved);
                    unknown.insert(Arc::new(self.why(class, &progress.seekers, waits)))
                }
            };
            out.push((pod, Arc::clone(why)));
        }
        out
    }
}

#[cfg(test)]
#[path = "greedy_tests.rs"]
mod tests;
