//! Which type a new node is of, in manners of first fit that settle it when the node is opened.
//!
//! A node then is of one type and stays it; of several only where a pool asks for a minimum number of values, and then of
//! as few as that takes. A node that other pods have to join (affinity by host) stays open: they can go nowhere else, and a
//! node for the first of them alone would leave them without a place. Nodes are bought for a single pod or for everything that is still to come: less what is free on the
//! nodes that are there or bought, as long as the pod might go there, since others will. Where there are several pools of the same weight, the best type of all of them is taken.

use super::Round;
use super::manner::TypeChoice;
use super::seeker::Seeker;
use super::world::{MinValues, Narrowed, NewNode, Refused, Taker, World};
use crate::bitset::Bits;
use crate::instance_type::Price;
use crate::problem::Problem;
use crate::requirement::Name;
use crate::topology::Allowed;
use dovetail_api::labels::HOSTNAME;
use rustc_hash::{FxHashMap, FxHashSet};

/// What a round that settles types goes by.
pub(super) struct Choice {
    /// For each class, whether some pods can go nowhere but to a node with a pod of it.
    awaited: Vec<bool>,
    /// What is still to come, where that matters.
    rest: Option<Rest>,
}

impl Choice {
    /// What the manner asks for; `None` leaves types open.
    pub(super) fn new(types: TypeChoice, world: &World<'_>) -> Option<Self> {
        let rest = match types {
            TypeChoice::Open => return None,
            TypeChoice::Cheapest => None,
            TypeChoice::CheapestForTheRest => Some(Rest::new(world)),
        };
        Some(Self { awaited: awaited(world.problem), rest })
    }

    /// Whether the type is settled when a pod of the class opens a node.
    pub(super) fn settles(&self, class: usize) -> bool {
        !self.awaited[class]
    }

    /// A pod of the class has a place.
    pub(super) fn placed(&mut self, class: usize) {
        self.rest.iter_mut().for_each(|rest| rest.take(class, 1));
    }

    /// A pod of the class has none, so that others of it are not to be reckoned with.
    pub(super) fn failed(&mut self, class: usize) {
        self.rest.iter_mut().for_each(|rest| rest.take(class, usize::MAX));
    }

    /// What nodes have to be bought for, column by column, if one is bought for a pod now; nothing where only that pod counts.
    fn needed(&self, round: &mut Round<'_>, seeker: &Seeker) -> Vec<i64> {
        let Some(rest) = &self.rest else { return vec![] };
        let there = round.nodes.room(seeker, &round.world);
        let bought = round.claims.room(seeker.requests.len(), |pool| seeker.refused[pool].is_none());
        let asked = rest.asked(seeker.class).iter().zip(&seeker.requests);
        let free = there.into_iter().zip(bought).map(|(there, bought)| there.saturating_add(bought));
        asked.zip(free).map(|((all, own), free)| all.saturating_sub(free).max(*own)).collect()
    }
}

/// For each class, whether some pods can go nowhere but to a node with a pod of it.
fn awaited(problem: &Problem) -> Vec<bool> {
    let terms = problem.classes.iter().flat_map(|class| &class.affinity.required);
    let peers: FxHashSet<usize> = terms.filter(|term| &*term.key == HOSTNAME).map(|term| term.peers).collect();
    problem.classes.iter().map(|class| class.member_of.iter().any(|set| peers.contains(set))).collect()
}

/// What it costs to buy what is needed in nodes of a type, if they could be cut up at will; one node at least.
fn cost(needed: &[i64], price: Price, room: impl Fn(usize) -> i64) -> i128 {
    let price = i128::from(price.picodollars());
    let nodes = |(column, needed): (usize, &i64)| match (*needed, room(column)) {
        (..=0, _) => 0,
        (_, ..=0) => i128::MAX,
        (needed, room) => price * i128::from(needed) / i128::from(room),
    };
    needed.iter().enumerate().map(nodes).fold(price, i128::max)
}

impl Round<'_> {
    /// What a new claim would be like and which pool it would come from, with its type settled.
    pub(super) fn settled_offer(
        &mut self,
        choice: &Choice,
        seeker: &Seeker,
        allowed: &[Allowed],
    ) -> Result<(usize, Narrowed), Refused> {
        let needed = choice.needed(self, seeker);
        let mut best: Option<(i128, usize, Narrowed)> = None;
        let mut refused = Refused::NotNow;
        for p in 0..self.world.pools.len() {
            let weight = |p: usize| self.world.pools[p].pool.weight;
            if best.as_ref().is_some_and(|(_, best, _)| weight(*best) != weight(p)) {
                break;
            }
            match self.offer(p, seeker, allowed) {
                Ok(open) => {
                    let (cost, settled) = self.settle(&needed, p, seeker, allowed, open);
                    if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                        best = Some((cost, p, settled));
                    }
                }
                // Who waits for reserved capacity does not go to the pools that come later.
                Err(Refused::Reserved) => {
                    refused = Refused::Reserved;
                    break;
                }
                Err(_) => {}
            }
        }
        best.map(|(_, p, settled)| (p, settled)).ok_or(refused)
    }

    /// A claim that could be of many types, narrowed to the best of them, and what that costs.
    fn settle(
        &mut self,
        needed: &[i64],
        p: usize,
        seeker: &Seeker,
        allowed: &[Allowed],
        open: Narrowed,
    ) -> (i128, Narrowed) {
        let world = &mut self.world;
        let pool = &mut world.pools[p];
        let view = pool.view(open.set, &world.sets, &world.problem.well_known);
        let reservations: Vec<Name> = open.holdings.0.iter().map(|r| world.reserve.names[*r].clone()).collect();
        let by_price = pool.by_price(&pool.ways_of(&view, &reservations));
        let sold = by_price.iter().filter(|(price, t)| *price != Price::MAX && open.types.contains(*t));
        let mut ranked: Vec<(i128, usize)> =
            sold.map(|(price, t)| (cost(needed, *price, |column| pool.room(column)[*t]), *t)).collect();
        ranked.sort_by_key(|(cost, _)| *cost); // equals stay in the order of price
        let set = world.sets.get(open.set);
        let varied = |few: usize| {
            let types = || ranked[..few].iter().map(|(_, t)| *t);
            open.min_values.iter().all(|(key, n)| pool.distinct_values(key, set, types()) >= *n)
        };
        let few = (1..=ranked.len()).find(|few| varied(*few)).unwrap_or(ranked.len());
        let mut types = Bits::none(pool.pool.instance_types.len());
        ranked[..few].iter().for_each(|(_, t)| types.insert(*t));
        let cost = ranked.first().map_or(i128::MAX, |(cost, _)| *cost);
        let new = NewNode { pool: p, set: open.set, types: &types, pins: None, course: None };
        let class = &world.problem.classes[seeker.class];
        let taker = Taker { min_values: MinValues::Keep(&open.min_values), ..new.with(class, seeker) };
        match world.narrow(&taker, seeker, allowed) {
            Ok(settled) => (cost, Narrowed { relaxed: open.relaxed, ..settled }),
            // Such as a reservation that only other types draw on: then the types are left open.
            Err(_) => (cost, open),
        }
    }
}

/// What pods ask for that have no place yet, apart by the resources that they ask for.
struct Rest {
    /// For each class, which of the sums it is part of.
    sum: Vec<usize>,
    sums: Vec<Vec<i64>>,
    /// For each class, what a pod asks for, and how many of its pods are reckoned with.
    classes: Vec<(Vec<i64>, usize)>,
}

impl Rest {
    fn new(world: &World<'_>) -> Self {
        let problem = world.problem;
        let mut classes: Vec<(Vec<i64>, usize)> =
            problem.classes.iter().map(|class| (world.columns.row(&class.requests), 0)).collect();
        problem.pods.iter().for_each(|pod| classes[pod.class].1 += 1);
        let mut sums: Vec<Vec<i64>> = vec![];
        let mut index: FxHashMap<Vec<bool>, usize> = FxHashMap::default();
        let mut sum = Vec::with_capacity(classes.len());
        for (row, pods) in &classes {
            let number = *index.entry(row.iter().map(|asked| *asked > 0).collect()).or_insert_with(|| {
                sums.push(vec![0; row.len()]);
                sums.len() - 1
            });
            sums[number].iter_mut().zip(row).for_each(|(sum, asked)| *sum = sum.saturating_add(times(*asked, *pods)));
            sum.push(number);
        }
        Self { sum, sums, classes }
    }

    /// What is still asked for by pods that ask for the same resources as this class.
    fn asked(&self, class: usize) -> &[i64] {
        &self.sums[self.sum[class]]
    }

    /// So many pods of the class, or all that there are, are not to be reckoned with any more.
    fn take(&mut self, class: usize, pods: usize) {
        let (row, left) = &mut self.classes[class];
        let pods = pods.min(*left);
        *left -= pods;
        let sum = &mut self.sums[self.sum[class]];
        sum.iter_mut().zip(row).for_each(|(sum, asked)| *sum = sum.saturating_sub(times(*asked, pods)));
    }
}

/// What so many pods ask for.
fn times(asked: i64, pods: usize) -> i64 {
    asked.saturating_mul(i64::try_from(pods).unwrap_or(i64::MAX))
}
