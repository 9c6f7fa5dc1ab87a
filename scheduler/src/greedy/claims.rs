//! Claims: nodes to be bought, filling up.
//!
//! A claim keeps every type that still holds all its pods. Those with the fewest pods are asked first, unless the ranking is
//! another; among equals, the order is the one that a stable sort before every attempt gives: a claim that has just taken a
//! pod comes before the others of its new size, a new claim after them.

mod planned;

use super::attachments::Attachments;
use super::course::Course;
use super::flexibility::Terms;
use super::manner::Ranking;
use super::order::{Orders, Rank};
use super::reserve::Holdings;
use super::seeker::Seeker;
use super::world::{MinValues, Narrowed, Refused, Taker, World};
use crate::bitset::Bits;
use crate::market::{PoolIndex, SetId};
use crate::plan::PlannedClaim;
use crate::problem::HostPort;
use crate::requirement::Name;
use crate::resources::{NODES, Resources};
use crate::topology::{Allowed, Pin};
use planned::Known;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

/// What is left of a pool's limits.
pub(super) struct Limits {
    remaining: Option<Resources>,
    /// The types that the limits still allow; `None` if there are no limits.
    pub(super) within: Option<Bits>,
}

impl Limits {
    fn new(pool: &PoolIndex<'_>) -> Self {
        let remaining = pool.pool.remaining.clone();
        Self { within: remaining.as_ref().map(|r| pool.within(r)), remaining }
    }

    pub(super) fn no_more_nodes(&self) -> bool {
        self.remaining.as_ref().is_some_and(|r| r.has(NODES) && r.get(NODES) <= 0)
    }

    pub(super) fn remaining(&self) -> Option<&Resources> {
        self.remaining.as_ref()
    }

    /// Books a new claim at its largest: it is not known yet which of its types will be launched.
    fn book(&mut self, pool: &PoolIndex<'_>, types: &Bits) -> Option<Resources> {
        let remaining = self.remaining.as_mut()?;
        let mut taken = pool.largest(types);
        taken.set(NODES, 1);
        remaining.subtract_known(&taken);
        self.within = Some(pool.within(remaining));
        Some(taken)
    }

    /// Takes back what was booked for a claim.
    fn unbook(&mut self, pool: &PoolIndex<'_>, booked: &Resources) {
        let Some(remaining) = &mut self.remaining else { return };
        let known: Vec<Name> = remaining.iter().map(|(name, _)| name.clone()).collect();
        known.iter().for_each(|name| remaining.set(name.clone(), remaining.get(name).saturating_add(booked.get(name))));
        self.within = Some(pool.within(remaining));
    }
}

/// All claims of a round.
pub(super) struct Claims {
    claims: Vec<Claim>,
    /// Row by row, what the roomiest type of each claim still has of each resource: a quick no, and the only thing that is
    /// read of most claims.
    free: Vec<i64>,
    pub(super) limits: Vec<Limits>,
    /// Who is asked first.
    pub(super) ranking: Ranking,
    orders: Orders,
    newest: i64,
}

/// How far a seeker has come, where claims are asked in another order than Karpenter's.
#[derive(Default)]
pub(super) struct Scan {
    /// So many claims, counted from the first, have refused for good.
    refused: usize,
    /// The claim that took its last pod, and how many pods all claims had taken then.
    last: Option<(usize, i64)>,
}

struct Claim {
    pool: usize,
    set: SetId,
    pins: Rc<[Pin]>,
    types: Bits,
    min_values: Vec<(Name, u32)>,
    relaxed: bool,
    used: Vec<i64>,
    ports: Vec<HostPort>,
    attached: Attachments,
    holdings: Holdings,
    pods: Vec<usize>,
    rank: Rank,
    /// Whether it was opened with fewer types than would have held its first pod.
    restricted: bool,
    /// What has been booked for it of its pool's limits, if there are any.
    booked: Option<Resources>,
    /// How it came about, if that is kept track of.
    course: Option<Course>,
}

impl Claims {
    pub(super) fn new(pools: &[PoolIndex<'_>]) -> Self {
        Self {
            claims: vec![],
            free: vec![],
            limits: pools.iter().map(Limits::new).collect(),
            ranking: Ranking::FewestPods,
            orders: Orders::default(),
            newest: 0,
        }
    }

    /// What is free of each resource on all claims of some pools.
    pub(super) fn room(&self, width: usize, of_pool: impl Fn(usize) -> bool) -> Vec<i64> {
        let mut room = vec![0_i64; width];
        let rows = self.claims.iter().zip(self.free.chunks(width.max(1)));
        for (_, free) in rows.filter(|(claim, _)| of_pool(claim.pool)) {
            room.iter_mut().zip(free).for_each(|(sum, free)| *sum = sum.saturating_add(*free));
        }
        room
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.claims.len()
    }

    /// Puts a pod on the first open claim that takes it.
    pub(super) fn join(&mut self, pod: usize, seeker: &mut Seeker, allowed: &[Allowed], world: &mut World<'_>) -> bool {
        let found = match world.topology.hosts_to_join(&seeker.rules) {
            Some(hosts) => {
                let nodes = world.problem.nodes.len();
                let claims: Vec<usize> = hosts.iter().filter_map(|host| host.checked_sub(nodes)).collect();
                self.first_with_company(claims, seeker, allowed, world)
            }
            None => match self.ranking {
                Ranking::FewestPods => self.first(seeker, allowed, world),
                Ranking::First => self.first_opened(seeker, allowed, world),
                Ranking::Fullest(_) => self.fullest(seeker, allowed, world),
            },
        };
        let Some((c, narrowed)) = found else { return false };
        self.take(c, pod, seeker, narrowed, world);
        seeker.scan.last = Some((c, self.newest));
        true
    }

    fn first(&mut self, seeker: &mut Seeker, allowed: &[Allowed], world: &mut World<'_>) -> Option<(usize, Narrowed)> {
        let keys = seeker.rules.keyed.iter().map(|k| k.key);
        let all = self.claims.iter().enumerate().map(|(c, claim)| (c, claim.rank, &*claim.pins));
        self.orders.prepare(&mut seeker.claims, keys, all);
        let mut passed_over = vec![];
        loop {
            let candidate = self.orders.first(&seeker.claims, allowed, &passed_over)?;
            let c = candidate.claim;
            match self.offer(c, seeker, allowed, world) {
                Ok(narrowed) => return Some((c, narrowed)),
                Err(Refused::Never) if self.orders.is_settled(&seeker.claims, &candidate) => {
                    self.orders.refuse(&mut seeker.claims, &candidate);
                }
                Err(_) => passed_over.push(c),
            }
        }
    }

    /// The claim that was opened first of all that take the pod.
    fn first_opened(
        &self,
        seeker: &mut Seeker,
        allowed: &[Allowed],
        world: &mut World<'_>,
    ) -> Option<(usize, Narrowed)> {
        for c in seeker.scan.refused..self.claims.len() {
            match self.offer(c, seeker, allowed, world) {
                Ok(narrowed) => return Some((c, narrowed)),
                Err(Refused::Never) if c == seeker.scan.refused && self.refuses_for_good(c, seeker) => {
                    seeker.scan.refused += 1;
                }
                Err(_) => {}
            }
        }
        None
    }

    fn refuses_for_good(&self, c: usize, seeker: &Seeker) -> bool {
        seeker.rules.keyed.is_empty() || !self.may_fit(c, seeker)
    }

    /// The claim with the least room of all that take the pod.
    fn fullest(&self, seeker: &Seeker, allowed: &[Allowed], world: &mut World<'_>) -> Option<(usize, Narrowed)> {
        let simple = seeker.rules.keyed.is_empty() && world.reserve.is_empty();
        if let Some((c, then)) = seeker.scan.last.filter(|_| simple)
            && then == self.newest
            && let Ok(narrowed) = self.offer(c, seeker, allowed, world)
        {
            return Some((c, narrowed)); // it was the fullest for the last pod, and nothing but that pod has come since
        }
        let fit = (0..self.claims.len()).filter(|c| self.may_fit(*c, seeker));
        let mut fit: BinaryHeap<Reverse<(Rank, usize)>> = fit.map(|c| Reverse((self.claims[c].rank, c))).collect();
        while let Some(Reverse((_, c))) = fit.pop() {
            if let Ok(narrowed) = self.offer(c, seeker, allowed, world) {
                return Some((c, narrowed));
            }
        }
        None
    }

    /// Whether each resource alone is there; all together is another question.
    fn may_fit(&self, c: usize, seeker: &Seeker) -> bool {
        let width = seeker.requests.len();
        let free = &self.free[c * width..(c + 1) * width];
        free.iter().zip(&seeker.requests).all(|(free, asked)| asked <= free)
    }

    /// The first among the claims that hold pods which this one has to join: there are few of them.
    fn first_with_company(
        &mut self,
        mut claims: Vec<usize>,
        seeker: &Seeker,
        allowed: &[Allowed],
        world: &mut World<'_>,
    ) -> Option<(usize, Narrowed)> {
        claims.sort_unstable_by_key(|c| self.claims[*c].rank);
        claims.into_iter().find_map(|c| Some((c, self.offer(c, seeker, allowed, world).ok()?)))
    }

    /// What would be left of a claim with the pod.
    fn offer(
        &self,
        c: usize,
        seeker: &Seeker,
        allowed: &[Allowed],
        world: &mut World<'_>,
    ) -> Result<Narrowed, Refused> {
        if !self.may_fit(c, seeker) || seeker.refused[self.claims[c].pool].is_some() {
            return Err(Refused::Never);
        }
        self.claims[c].offer(world.problem.nodes.len() + c, seeker, allowed, world)
    }

    /// Puts a pod on this claim and no other, if it takes it.
    pub(super) fn join_this(
        &mut self,
        c: usize,
        pod: usize,
        seeker: &Seeker,
        allowed: &[Allowed],
        world: &mut World<'_>,
    ) -> Result<(), Refused> {
        let narrowed = self.offer(c, seeker, allowed, world)?;
        self.take(c, pod, seeker, narrowed, world);
        Ok(())
    }

    /// Where a claim is.
    pub(super) fn pins(&self, c: usize) -> &Rc<[Pin]> {
        &self.claims[c].pins
    }

    fn take(&mut self, c: usize, pod: usize, seeker: &Seeker, narrowed: Narrowed, world: &mut World<'_>) {
        let problem = world.problem;
        let host = problem.nodes.len() + c;
        let width = seeker.requests.len();
        self.newest += 1;
        let claim = &mut self.claims[c];
        let rank = self.ranking.rank(c, claim.pods.len() + 1, self.newest, &narrowed.free);
        self.free[c * width..(c + 1) * width].copy_from_slice(&narrowed.free);
        let (set_before, before) = (claim.set, Rc::clone(&claim.pins));
        claim.become_narrower(narrowed, world);
        let now = (claim.pool, claim.set, &*claim.pins);
        let aboard = claim.pods.iter().map(|p| problem.pods[*p].class);
        world.topology.claim_narrowed(problem, aboard, (set_before, &before), now, &world.sets);
        world.topology.placed_on_claim(problem, seeker.class, host, now, &world.sets);
        claim.ports.extend(problem.classes[seeker.class].ports.iter().cloned());
        claim.pods.push(pod);
        self.orders.advance(c, (claim.rank, &before), (rank, &claim.pins));
        claim.rank = rank;
    }

    /// Opens a claim with its first pod, on some of the types of its pool, which are to be all again in the end. Says which
    /// claim it is.
    pub(super) fn open_restricted(
        &mut self,
        pod: usize,
        seeker: &Seeker,
        pool: usize,
        narrowed: Narrowed,
        world: &mut World<'_>,
    ) -> usize {
        self.open(pod, seeker, pool, narrowed, world);
        let c = self.claims.len() - 1;
        self.claims[c].restricted = true;
        c
    }

    /// Opens a claim with its first pod.
    pub(super) fn open(&mut self, pod: usize, seeker: &Seeker, pool: usize, narrowed: Narrowed, world: &mut World<'_>) {
        let problem = world.problem;
        let booked = self.limits[pool].book(&world.pools[pool], &narrowed.types);
        self.newest += 1;
        self.free.extend(&narrowed.free);
        let mut claim = Claim {
            pool,
            set: narrowed.set,
            pins: Rc::from([]),
            types: Bits::default(),
            min_values: vec![],
            relaxed: narrowed.relaxed,
            used: vec![],
            ports: problem.classes[seeker.class].ports.clone(),
            attached: Attachments::default(),
            holdings: Holdings::default(),
            pods: vec![pod],
            restricted: false,
            booked,
            course: None,
            rank: self.ranking.rank(self.claims.len(), 1, self.newest, &narrowed.free),
        };
        claim.become_narrower(narrowed, world);
        let host = problem.nodes.len() + self.claims.len();
        let now = (claim.pool, claim.set, &*claim.pins);
        world.topology.placed_on_claim(problem, seeker.class, host, now, &world.sets);
        self.orders.enter(self.claims.len(), claim.rank, &claim.pins);
        self.claims.push(claim);
    }

    /// Every claim that holds reserved capacity settles for one reservation and gives back the others. One whose types have
    /// to be varied keeps what it holds: the types of a single reservation might not be.
    pub(super) fn settle(&mut self, world: &mut World<'_>) {
        let gives_back = |claim: &&mut Claim| claim.holdings.0.len() > 1 && claim.min_values.is_empty();
        for claim in self.claims.iter_mut().filter(gives_back) {
            let pool = &mut world.pools[claim.pool];
            let view = pool.view(claim.set, &world.sets, &world.problem.well_known);
            let one = world.reserve.settle_for(pool, &view, &claim.types, &claim.holdings);
            world.reserve.exchange(&claim.holdings, &one);
            claim.holdings = one;
        }
        world.reserve.settle();
    }

    /// The claims as planned, with their types in the order of price.
    pub(super) fn finish(mut self, world: &mut World<'_>, terms: Option<&Terms>) -> Vec<PlannedClaim> {
        let mut known = Known::default();
        let limits = &mut self.limits;
        self.claims.into_iter().map(|claim| claim.finish(world, limits, terms, &mut known)).collect()
    }
}

impl Claim {
    /// What would be left of the claim with the pod.
    fn offer(
        &self,
        host: usize,
        seeker: &Seeker,
        allowed: &[Allowed],
        world: &mut World<'_>,
    ) -> Result<Narrowed, Refused> {
        let class = &world.problem.classes[seeker.class];
        let clash = class.ports.iter().any(|port| self.ports.iter().any(|taken| port.clashes(taken)));
        if clash || world.topology.host_refuses(&seeker.rules, host) {
            return Err(Refused::Never);
        }
        if !world.topology.host_has_company(&seeker.rules, host) {
            return Err(Refused::NotNow);
        }
        let used = self.used.iter().zip(&seeker.requests).map(|(used, asked)| used.saturating_add(*asked)).collect();
        let taker = Taker {
            pool: self.pool,
            set: self.set,
            types: &self.types,
            used,
            attached: self.attached.and(&class.volumes),
            min_values: MinValues::Keep(&self.min_values),
            held: Some(&self.holdings),
            aboard: &self.pods,
            pins: Some(&self.pins),
            course: self.course,
        };
        world.narrow(&taker, seeker, allowed)
    }

    fn become_narrower(&mut self, narrowed: Narrowed, world: &mut World<'_>) {
        world.reserve.exchange(&self.holdings, &narrowed.holdings);
        self.pins = world.topology.pins_of(
            self.pool,
            &mut world.pools,
            (narrowed.set, &narrowed.types),
            &world.sets,
            world.problem,
        );
        self.set = narrowed.set;
        self.types = narrowed.types;
        self.used = narrowed.used;
        self.attached = narrowed.attached;
        self.min_values = narrowed.min_values;
        self.holdings = narrowed.holdings;
        self.course = narrowed.course;
    }
}
