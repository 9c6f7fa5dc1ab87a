//! How the classes of a problem become items: in how many parts, where each may go, and how many of it a node may hold.
//!
//! To plan, a class is read as strictly as can be met; what is to be spread is divided among its domains beforehand, and
//! what wants company goes where that was decided. To prove, only what holds of every plan is kept.

use super::company::{self, Guest, Seat};
use super::model::Compiler;
use super::offers;
use crate::plan::LeftOut;
use crate::problem::{PodClass, Spread};
use crate::relaxation::{self, Reading};
use crate::requirement::{Name, Requirement};
use dovetail_api::labels::{HOSTNAME, normalize};
use std::collections::{BTreeMap, BTreeSet};

/// An item in the making.
pub(super) struct Draft {
    pub(super) class: usize,
    /// How many there are of it.
    pub(super) demand: u32,
    /// How many may be on one node.
    pub(super) most: u32,
    /// How many pods it is.
    pub(super) bundle: u32,
    /// What it takes, in columns of the market.
    pub(super) asked: Vec<i64>,
    /// What it asks of a node: any of these will do, each with what gets past which taints.
    pub(super) readings: Vec<Reading>,
    /// The domains that it is to be in: labels, and their values.
    pub(super) pins: Vec<(Name, Name)>,
}

/// Every class as strictly as can be met, and the classes whose rules are beyond this.
pub(super) fn to_plan(compiler: &mut Compiler<'_>, demands: &[u32]) -> (Vec<Draft>, BTreeSet<usize>) {
    let problem = compiler.problem;
    let mut outside = BTreeSet::new();
    let mut guests: Vec<Guest> = vec![];
    for (class, demand) in demands.iter().enumerate().filter(|(_, demand)| **demand > 0) {
        let pods = &problem.classes[class];
        let readings = relaxation::readings(pods, problem.settings.preferences, compiler.soft_taints);
        let strictest = readings.into_iter().find(|reading| can_be_met(compiler, pods, reading));
        match strictest.filter(|_| pods.unsupported.is_empty()) {
            Some(reading) => guests.push(Guest { class, demand: *demand, reading }),
            None => _ = outside.insert(class),
        }
    }
    let mut drafts = vec![];
    let seats = company::settle(compiler, &guests);
    for (guest, seat) in guests.into_iter().zip(seats) {
        let class = guest.class;
        match seat.and_then(|seat| seated(compiler, guest, seat)) {
            Some(some) => drafts.extend(some),
            None => _ = outside.insert(class),
        }
    }
    (drafts, outside)
}

/// Every class as loosely as any plan may read it.
pub(super) fn to_prove(compiler: &Compiler<'_>, demands: &[u32], left_out: &mut BTreeSet<LeftOut>) -> Vec<Draft> {
    let problem = compiler.problem;
    let mut drafts = vec![];
    for (class, demand) in demands.iter().enumerate().filter(|(_, demand)| **demand > 0) {
        let pods = &problem.classes[class];
        if !pods.unsupported.is_empty() {
            continue;
        }
        let readings = relaxation::readings(pods, problem.settings.preferences, compiler.soft_taints);
        if !pods.volumes.shared.is_empty() {
            left_out.insert(LeftOut::Volumes);
        }
        if readings.len() > pods.selection.strict().len() {
            left_out.insert(LeftOut::Preferences);
        }
        note_rules(pods, left_out);
        let most = one_with_ports(pods).min(required_cap(pods));
        let asked = compiler.columns.row(&pods.requests);
        drafts.push(Draft { class, demand: *demand, most, bundle: 1, asked, readings, pins: vec![] });
    }
    drafts
}

/// A class as items, in the place that it was given; `None` if its rules are beyond this.
fn seated(compiler: &mut Compiler<'_>, guest: Guest, seat: Seat) -> Option<Vec<Draft>> {
    let Guest { class, demand, mut reading } = guest;
    let pods = &compiler.problem.classes[class];
    let mut most = one_with_ports(pods);
    for term in &reading.away {
        if normalize(&term.key) != HOSTNAME {
            return None;
        }
        if pods.member_of.contains(&term.peers) {
            most = 1;
        }
    }
    let mut pins: Vec<(Name, Name)> = vec![];
    for (key, values) in seat.within {
        reading.requirements.add(&key, Requirement::any_of(values.iter().map(AsRef::as_ref)));
        if values.len() == 1 {
            pins.extend(values.into_iter().map(|value| (key.clone(), value)));
        }
    }
    let mut spread_over: Vec<Spread> = vec![];
    for spread in &reading.spread {
        let key = normalize(&spread.key);
        if key == HOSTNAME {
            most = most.min(spread.max_skew.max(1));
        } else if pins.iter().any(|(pinned, _)| **pinned == *key) {
            // All in one domain, and spread over domains.
            return None;
        } else {
            spread_over.push(spread.clone());
        }
    }
    let mut asked = compiler.columns.row(&pods.requests);
    if seat.one_node {
        if !spread_over.is_empty() || most < demand {
            return None;
        }
        asked.iter_mut().for_each(|amount| *amount *= i64::from(demand));
        return Some(vec![Draft { class, demand: 1, most: 1, bundle: demand, asked, readings: vec![reading], pins }]);
    }
    match spread_over.as_slice() {
        [] => Some(vec![Draft { class, demand, most, bundle: 1, asked, readings: vec![reading], pins }]),
        [spread] => {
            let key: Name = normalize(&spread.key).into();
            let shares = shares(compiler, class, demand, &reading, &key, spread.peers)?;
            let draft = |(value, demand): (Name, u32)| {
                let mut reading = reading.clone();
                reading.requirements.add(&key, Requirement::any_of([&*value]));
                let mut pins = pins.clone();
                pins.push((key.clone(), value));
                Draft { class, demand, most, bundle: 1, asked: asked.clone(), readings: vec![reading], pins }
            };
            Some(shares.into_iter().filter(|(_, demand)| *demand > 0).map(draft).collect())
        }
        _ => None,
    }
}

/// How many pods of a spread class go to each domain: those that have least are filled up first.
fn shares(
    compiler: &mut Compiler<'_>,
    class: usize,
    demand: u32,
    reading: &Reading,
    key: &Name,
    peers: usize,
) -> Option<Vec<(Name, u32)>> {
    let problem = compiler.problem;
    let pods = &problem.classes[class];
    if !pods.member_of.contains(&peers) {
        return None;
    }
    let mut domains: BTreeMap<Name, u32> = BTreeMap::new();
    for p in 0..compiler.pools.len() {
        for set in offers::sets_of(compiler, p, pods, std::slice::from_ref(reading)) {
            for value in compiler.pools[p].values(key, set, &compiler.sets, &problem.well_known) {
                domains.entry(value).or_insert(0);
            }
        }
    }
    for node in &problem.nodes {
        let Some(value) = node.labels.get(key).and_then(Requirement::single) else { continue };
        let Some(count) = domains.get_mut(value) else { continue };
        let of_set = |(r, n): &(usize, u32)| if problem.residents[*r].member_of.contains(&peers) { *n } else { 0 };
        *count += node.residents.iter().map(of_set).sum::<u32>();
    }
    if domains.is_empty() {
        return None;
    }
    let mut counts: Vec<(u32, Name, u32)> = domains.into_iter().map(|(value, n)| (n, value, 0)).collect();
    for _ in 0..demand {
        let least = counts.iter_mut().min_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1)))?;
        least.0 += 1;
        least.2 += 1;
    }
    Some(counts.into_iter().map(|(_, value, share)| (value, share)).collect())
}

/// Whether some pool sells a node for a pod read so.
fn can_be_met(compiler: &mut Compiler<'_>, pods: &PodClass, reading: &Reading) -> bool {
    let asked = compiler.columns.row(&pods.requests);
    (0..compiler.pools.len()).any(|p| {
        let sets = offers::sets_of(compiler, p, pods, std::slice::from_ref(reading));
        sets.into_iter().any(|set| {
            let types = offers::types_for(compiler, p, set, pods);
            offers::some_fit(compiler, p, &types, &asked)
        })
    })
}

/// How many pods of a class one node may hold, as far as host ports matter.
fn one_with_ports(pods: &PodClass) -> u32 {
    if pods.ports.is_empty() { u32::MAX } else { 1 }
}

/// The cap on pods of the class on one node that holds in every plan.
fn required_cap(pods: &PodClass) -> u32 {
    let mut most = u32::MAX;
    for spread in pods.spread.iter().filter(|s| s.required && normalize(&s.key) == HOSTNAME) {
        if pods.member_of.contains(&spread.peers) {
            most = most.min(spread.max_skew.max(1));
        }
    }
    for term in pods.anti_affinity.required.iter().filter(|t| normalize(&t.key) == HOSTNAME) {
        if pods.member_of.contains(&term.peers) {
            most = 1;
        }
    }
    most
}

fn note_rules(pods: &PodClass, left_out: &mut BTreeSet<LeftOut>) {
    if pods.spread.iter().any(|s| s.required && normalize(&s.key) != HOSTNAME) {
        left_out.insert(LeftOut::Spread);
    }
    let others = pods.affinity.required.iter().chain(pods.anti_affinity.required.iter());
    if others.clone().any(|t| normalize(&t.key) != HOSTNAME) || !pods.affinity.required.is_empty() {
        left_out.insert(LeftOut::Affinity);
    }
}
