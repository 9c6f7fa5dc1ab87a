//! Where pods go that want the company of others, decided before anything is packed.
//!
//! A packing knows what each node holds, not what a zone holds. So classes that have to be in the same zone are given one,
//! the one in which they can be had cheapest together, and a class that has to share a node becomes one large pod. Company
//! that runs already decides for whoever wants it. What cannot be said so is left to first fit.

use super::model::Compiler;
use super::offers;
use crate::instance_type::Price;
use crate::relaxation::Reading;
use crate::requirement::{Name, Requirement};
use dovetail_api::labels::{HOSTNAME, normalize};
use std::collections::{BTreeMap, BTreeSet};

/// A class as it is to be packed, before it is known where.
pub(super) struct Guest {
    pub(super) class: usize,
    pub(super) demand: u32,
    pub(super) reading: Reading,
}

/// What is decided for a class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seat {
    /// The values that labels must have, one of each set.
    pub(super) within: BTreeMap<Name, BTreeSet<Name>>,
    /// Whether all of it goes to one node.
    pub(super) one_node: bool,
}

/// A seat for each of the guests; `None` for those whose wishes are beyond this.
pub(super) fn settle(compiler: &mut Compiler<'_>, guests: &[Guest]) -> Vec<Option<Seat>> {
    let mut seats: Vec<Option<Seat>> = vec![Some(Seat::default()); guests.len()];
    let mut circles: BTreeMap<Name, Circles> = BTreeMap::new();
    for (i, guest) in guests.iter().enumerate() {
        for term in &guest.reading.near {
            let key: Name = normalize(&term.key).into();
            let there = inhabited(compiler, &key, term.peers);
            let is_peer = |j: &usize| compiler.problem.classes[guests[*j].class].member_of.contains(&term.peers);
            let peers: Vec<usize> = (0..guests.len()).filter(is_peer).collect();
            if &*key == HOSTNAME {
                let only_itself = there.is_empty() && peers == [i];
                seats[i] = seats[i].take().filter(|_| only_itself);
                seats[i].iter_mut().for_each(|seat| seat.one_node = true);
            } else if !there.is_empty() {
                seats[i].iter_mut().for_each(|seat| seat.keep_within(&key, there.clone()));
            } else if peers.is_empty() {
                seats[i] = None;
            } else {
                let circles = circles.entry(key).or_insert_with(|| Circles::of(guests.len()));
                if peers.contains(&i) {
                    // Whoever of them comes first, all others are to find it where they are.
                    peers.iter().for_each(|peer| circles.join(i, *peer));
                } else {
                    let host = peers.iter().copied().max_by_key(|j| (guests[*j].demand, std::cmp::Reverse(*j)));
                    host.iter().for_each(|host| circles.join(i, *host));
                }
            }
        }
    }
    for (key, circles) in circles {
        for circle in circles.all() {
            seat_together(compiler, guests, &key, &circle, &mut seats);
        }
    }
    seats
}

impl Seat {
    fn keep_within(&mut self, key: &Name, values: BTreeSet<Name>) {
        match self.within.get_mut(key) {
            Some(known) => known.retain(|value| values.contains(value)),
            None => _ = self.within.insert(key.clone(), values),
        }
    }
}

/// Gives a circle of guests the domain in which all of them can be had for the least.
fn seat_together(
    compiler: &mut Compiler<'_>,
    guests: &[Guest],
    key: &Name,
    circle: &[usize],
    seats: &mut [Option<Seat>],
) {
    // Those who are spread over the domains are in all of them, and whoever looks for them finds them anywhere.
    let is_spread = |i: &usize| guests[*i].reading.spread.iter().any(|spread| *normalize(&spread.key) == **key);
    if circle.iter().any(is_spread) {
        return;
    }
    let mut costs: Option<BTreeMap<Name, f64>> = None;
    for i in circle {
        let mut own = rates(compiler, &guests[*i], key);
        if let Some(values) = seats[*i].as_ref().and_then(|seat| seat.within.get(key)) {
            own.retain(|value, _| values.contains(value));
        }
        let together = |(value, sum): (Name, f64)| Some((value.clone(), sum + own.get(&value)?));
        costs = Some(match costs {
            None => own.clone(),
            Some(costs) => costs.into_iter().filter_map(together).collect(),
        });
    }
    let cheapest = costs.into_iter().flatten().min_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
    for i in circle {
        match &cheapest {
            Some((value, _)) => seats[*i].iter_mut().for_each(|seat| seat.keep_within(key, [value.clone()].into())),
            None => seats[*i] = None,
        }
    }
}

/// The domains in which such pods run that are not going away.
fn inhabited(compiler: &Compiler<'_>, key: &Name, peers: usize) -> BTreeSet<Name> {
    let problem = compiler.problem;
    let is_peer = |(r, n): &(usize, u32)| *n > 0 && problem.residents[*r].member_of.contains(&peers);
    let nodes = problem.nodes.iter().filter(|node| !node.leaving && node.residents.iter().any(is_peer));
    nodes.filter_map(|node| node.labels.get(key).and_then(Requirement::single).cloned()).collect()
}

/// By domain, what all pods of a guest cost at least there, if each took just its share of a node.
fn rates(compiler: &mut Compiler<'_>, guest: &Guest, key: &Name) -> BTreeMap<Name, f64> {
    let problem = compiler.problem;
    let pods = &problem.classes[guest.class];
    let asked = compiler.columns.row(&pods.requests);
    let mut least: BTreeMap<Name, f64> = BTreeMap::new();
    for p in 0..compiler.pools.len() {
        for set in offers::sets_of(compiler, p, pods, std::slice::from_ref(&guest.reading)) {
            let types = offers::types_for(compiler, p, set, pods);
            let ways = compiler.pools[p].view(set, &compiler.sets, &problem.well_known).ways.clone();
            let pool_wide = compiler.sets.get(set).get(key).and_then(Requirement::single).cloned();
            let pool = &compiler.pools[p];
            for t in types.iter() {
                let Some(share) = share_of(&asked, |column| pool.room(column)[t]) else { continue };
                for (way, price) in pool.offers(t).iter().filter(|(way, _)| ways.contains(*way)) {
                    let value = pool.way(*way).get(key).and_then(Requirement::single).or(pool_wide.as_ref());
                    let Some(value) = value else { continue };
                    let rate = Price::dollars(*price) * share * f64::from(guest.demand);
                    let known = least.entry(value.clone()).or_insert(rate);
                    *known = known.min(rate);
                }
            }
        }
    }
    least
}

/// The greatest share that a pod takes of any kind of room; `None` if it does not fit.
fn share_of(asked: &[i64], room: impl Fn(usize) -> i64) -> Option<f64> {
    let mut most = 0.0_f64;
    for (column, amount) in asked.iter().enumerate().filter(|(_, amount)| **amount > 0) {
        let has = room(column);
        if *amount > has {
            return None;
        }
        #[allow(clippy::cast_precision_loss)] // an estimate
        let share = *amount as f64 / has as f64;
        most = most.max(share);
    }
    Some(most)
}

/// Who has to be with whom.
struct Circles {
    parent: Vec<usize>,
    /// Whether anyone wants to be with it, or it with anyone.
    sociable: Vec<bool>,
}

impl Circles {
    fn of(guests: usize) -> Self {
        Self { parent: (0..guests).collect(), sociable: vec![false; guests] }
    }

    fn root(&self, mut i: usize) -> usize {
        while self.parent[i] != i {
            i = self.parent[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        (self.sociable[a], self.sociable[b]) = (true, true);
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }

    /// The circles, each in order.
    fn all(&self) -> Vec<Vec<usize>> {
        let mut out: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for i in (0..self.parent.len()).filter(|i| self.sociable[*i]) {
            out.entry(self.root(i)).or_default().push(i);
        }
        out.into_values().collect()
    }
}
