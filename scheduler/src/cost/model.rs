//! From pods and pools to items and shapes.
//!
//! A class of pods becomes an item, or several where it is to be spread over domains: one for each, with its share of the
//! pods. Instance types that leave the same room, are sold in ways that the same items accept, and draw the same of every
//! limit are one shape, and only the cheapest of them counts; a shape that another one beats in everything is left out.
//! What a node may hold of a class by rules between pods becomes a cap, what cannot share a node is kept apart. Classes
//! whose rules cannot be said so stay outside and are placed by first fit afterwards.
//!
//! There are two ways to look at a problem. To plan, every pod is read as strictly as can be met, pools of greater weight
//! are preferred, and spread is fixed in shares. To prove a bound, only rules that every plan keeps are kept.

use super::nodes::Room;
use super::offers::{self, Offers};
use crate::market::{Columns, Market, PoolIndex, Sets};
use crate::packing::{Item, Packing, Shape};
use crate::plan::LeftOut;
use crate::policy::Search;
use crate::problem::{PodClass, Problem};
use crate::relaxation::{self, Reading};
use crate::requirement::{Name, Requirement};
use dovetail_api::labels::{HOSTNAME, normalize};
use rustc_hash::FxHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

/// Which of the two ways to look at a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// As strictly as can be met.
    ToPlan,
    /// Only what every plan keeps.
    ToProve,
}

/// What an item stands for.
#[derive(Clone, Debug)]
pub(super) struct Meaning {
    pub(super) class: usize,
    /// The domain that it is to be in: the label, and its value.
    pub(super) pin: Option<(Name, Name)>,
}

/// What a shape stands for.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A node that is there, or several of which nothing tells them apart.
    Existing(Vec<usize>),
    /// A new node of this pool, of one of these types where there are limits to keep.
    New {
        /// Which of the problem's pools.
        pool: usize,
        /// Empty means any.
        types: Vec<usize>,
    },
}

/// A problem as a packing.
pub(super) struct Model {
    pub(super) packing: Packing,
    pub(super) items: Vec<Meaning>,
    pub(super) shapes: Vec<Place>,
    /// The rules that it does not know.
    pub(super) left_out: BTreeSet<LeftOut>,
    /// Whether it knows nothing of the nodes that are there, since they are of too many kinds.
    pub(super) without_nodes: bool,
}

impl Model {
    /// The same for other numbers of pods of each class.
    pub(super) fn ask_for(&mut self, demands: &[u32]) {
        for (item, meaning) in self.packing.items.iter_mut().zip(&self.items) {
            item.demand = demands[meaning.class];
        }
    }
}

/// What compiling a problem needs, and what the two ways of looking at it share.
pub(super) struct Compiler<'p> {
    pub(super) problem: &'p Problem,
    pub(super) columns: Columns,
    pub(super) sets: Sets,
    pub(super) pools: Vec<PoolIndex<'p>>,
    pub(super) soft_taints: bool,
}

/// An item in the making.
pub(super) struct Draft {
    pub(super) class: usize,
    pub(super) demand: u32,
    pub(super) most: u32,
    /// What it asks of a node: any of these will do, each with what gets past which taints.
    pub(super) readings: Vec<Reading>,
    pub(super) pin: Option<(Name, Name)>,
}

impl<'p> Compiler<'p> {
    pub(super) fn new(problem: &'p Problem, market: Market<'p>) -> Self {
        let Market { columns, sets, pools } = market;
        Self { problem, columns, sets, pools, soft_taints: problem.has_soft_taints() }
    }

    /// The model for so many pods of each class.
    pub(super) fn model(&mut self, demands: &[u32], view: View, search: &Search<'_>) -> Model {
        let mut left_out = BTreeSet::new();
        let mut outside = BTreeSet::new();
        let mut drafts: Vec<Draft> = vec![];
        for (class, demand) in demands.iter().enumerate().filter(|(_, d)| **d > 0) {
            match self.drafts(class, *demand, view, &mut left_out) {
                Some(some) => drafts.extend(some),
                None => _ = outside.insert(class),
            }
        }
        let mut offers = Offers::collect(self, &drafts, view, &mut left_out);
        // What fits nowhere is not packed: first fit will say why.
        let nodes = self.nodes(&drafts, view);
        let on_nodes = |i: &usize| nodes.iter().flatten().any(|n| n.takes.contains(*i));
        let nowhere: Vec<usize> = (0..drafts.len()).filter(|i| !offers.takes_anywhere(*i) && !on_nodes(i)).collect();
        if !nowhere.is_empty() {
            outside.extend(nowhere.iter().map(|i| drafts[*i].class));
            drafts.retain(|d| !outside.contains(&d.class));
            offers = Offers::collect(self, &drafts, view, &mut left_out);
        }
        let nodes = if nowhere.is_empty() { nodes } else { self.nodes(&drafts, view) };
        self.assemble(drafts, offers, nodes, view, search, left_out)
    }

    fn assemble(
        &mut self,
        drafts: Vec<Draft>,
        offers: Offers,
        nodes: Option<Vec<Room>>,
        view: View,
        search: &Search<'_>,
        left_out: BTreeSet<LeftOut>,
    ) -> Model {
        let problem = self.problem;
        let width = self.columns.names().len();
        let asked: Vec<Vec<i64>> =
            drafts.iter().map(|d| self.columns.row(&problem.classes[d.class].requests)).collect();
        let used: Vec<usize> = (0..width).filter(|c| asked.iter().any(|row| row[*c] > 0)).collect();
        let drivers: BTreeSet<&Name> =
            drafts.iter().flat_map(|d| problem.classes[d.class].volumes.own.iter().map(|(driver, _)| driver)).collect();
        let drivers: Vec<&Name> =
            if self.pools.iter().any(|p| p.limits_volumes) { drivers.into_iter().collect() } else { vec![] };
        let together = shared_caps(problem, &drafts);
        let dims = used.len() + drivers.len() + together.len();

        let mut items: Vec<Item> = vec![];
        for (i, draft) in drafts.iter().enumerate() {
            let class = &problem.classes[draft.class];
            #[allow(clippy::cast_precision_loss)] // whole numbers below 2^53
            let mut weights: Vec<f64> = used.iter().map(|c| asked[i][*c].max(0) as f64).collect();
            for driver in &drivers {
                let own = class.volumes.own.iter().find(|(d, _)| d == *driver).map_or(0, |(_, n)| *n);
                weights.push(f64::from(own));
            }
            weights.extend(together.iter().map(|(_, members)| f64::from(u8::from(members.contains(&draft.class)))));
            let apart = (0..drafts.len()).filter(|j| *j != i && self.apart(draft, &drafts[*j], &offers, i, *j));
            let apart = apart.map(|j| u32::try_from(j).expect("few items")).collect();
            let mut hasher = FxHasher::default();
            (&class.selection, &class.tolerations, &class.volumes.places, &draft.pin).hash(&mut hasher);
            let kind = hasher.finish();
            items.push(Item { weights, demand: draft.demand, most: draft.most, kind, apart });
        }
        let mut shapes: Vec<Shape> = vec![];
        let mut places: Vec<Place> = vec![];
        let kept = offers.shapes(self, &used, &drivers);
        for offer in kept {
            let mut room = offer.room.clone();
            room.extend(together.iter().map(|(cap, _)| f64::from(*cap)));
            let price = offer.price.dollars();
            let risk = if offer.spot { price * f64::from(search.spot_risk) / 100.0 } else { 0.0 };
            let weight = if view == View::ToPlan { price + risk + search.node_cost.dollars() } else { price };
            shapes.push(Shape { room, price, weight, takes: offer.takes.clone(), draws: offer.draws.clone() });
            places.push(Place::New { pool: offer.pool, types: offer.types });
        }
        let mut limits = offers.limits;
        let without_nodes = nodes.is_none();
        for node in nodes.into_iter().flatten() {
            #[allow(clippy::cast_precision_loss)] // whole numbers below 2^53
            let mut room: Vec<f64> = used.iter().map(|c| node.room[*c] as f64).collect();
            let attachable = |driver: &&Name| node.attachable.iter().find(|(d, _)| d == *driver);
            room.extend(drivers.iter().map(|d| attachable(d).map_or(f64::from(1 << 30), |(_, n)| f64::from(*n))));
            room.extend(together.iter().map(|(cap, _)| f64::from(*cap)));
            #[allow(clippy::cast_precision_loss)] // few nodes
            limits.push(node.numbers.len() as f64);
            let row = u32::try_from(limits.len() - 1).expect("few limits");
            shapes.push(Shape { room, price: 0.0, weight: 0.0, takes: node.takes, draws: vec![(row, 1.0)] });
            places.push(Place::Existing(node.numbers));
        }
        let meanings = drafts.iter().map(|d| Meaning { class: d.class, pin: d.pin.clone() }).collect();
        let packing = Packing { dims, items, shapes, limits };
        Model { packing, items: meanings, shapes: places, left_out, without_nodes }
    }

    /// A class as items; `None` if its rules are beyond this.
    fn drafts(
        &mut self,
        class: usize,
        demand: u32,
        view: View,
        left_out: &mut BTreeSet<LeftOut>,
    ) -> Option<Vec<Draft>> {
        let pods = &self.problem.classes[class];
        if !pods.unsupported.is_empty() {
            return None;
        }
        let readings = relaxation::readings(pods, self.problem.settings.preferences, self.soft_taints);
        if !pods.volumes.shared.is_empty() {
            left_out.insert(LeftOut::Volumes);
        }
        let most = if pods.ports.is_empty() { u32::MAX } else { 1 };
        if view == View::ToProve {
            if readings.len() > pods.selection.strict().len() {
                left_out.insert(LeftOut::Preferences);
            }
            note_rules(pods, left_out);
            let most = most.min(required_cap(pods));
            return Some(vec![Draft { class, demand, most, readings, pin: None }]);
        }
        let reading = readings.into_iter().find(|r| self.can_be_met(pods, r))?;
        let mut most = most;
        if !reading.near.is_empty() {
            return None;
        }
        for term in &reading.away {
            if normalize(&term.key) != HOSTNAME {
                return None;
            }
            if pods.member_of.contains(&term.peers) {
                most = 1;
            }
        }
        let mut keys: Vec<&crate::problem::Spread> = vec![];
        for spread in &reading.spread {
            if normalize(&spread.key) == HOSTNAME {
                most = most.min(spread.max_skew.max(1));
            } else {
                keys.push(spread);
            }
        }
        match keys.as_slice() {
            [] => Some(vec![Draft { class, demand, most, readings: vec![reading], pin: None }]),
            [spread] => {
                let key: Name = normalize(&spread.key).into();
                let peers = spread.peers;
                self.shares(class, demand, &reading, &key, peers).map(|shares| {
                    let draft = |(value, demand): (Name, u32)| {
                        let mut reading = reading.clone();
                        reading.requirements.add(&key, Requirement::any_of([&*value]));
                        Draft { class, demand, most, readings: vec![reading], pin: Some((key.clone(), value)) }
                    };
                    shares.into_iter().filter(|(_, demand)| *demand > 0).map(draft).collect()
                })
            }
            _ => None,
        }
    }

    /// How many pods of a spread class go to each domain: those that have least are filled up first.
    fn shares(
        &mut self,
        class: usize,
        demand: u32,
        reading: &Reading,
        key: &Name,
        peers: usize,
    ) -> Option<Vec<(Name, u32)>> {
        let pods = &self.problem.classes[class];
        if !pods.member_of.contains(&peers) {
            return None;
        }
        let mut domains: BTreeMap<Name, u32> = BTreeMap::new();
        for p in 0..self.pools.len() {
            for set in offers::sets_of(self, p, pods, std::slice::from_ref(reading)) {
                let (problem, pool) = (self.problem, &mut self.pools[p]);
                for value in pool.values(key, set, &self.sets, &problem.well_known) {
                    domains.entry(value).or_insert(0);
                }
            }
        }
        for node in &self.problem.nodes {
            let Some(value) = node.labels.get(key).and_then(Requirement::single) else { continue };
            let Some(count) = domains.get_mut(value) else { continue };
            let of_set =
                |(r, n): &(usize, u32)| if self.problem.residents[*r].member_of.contains(&peers) { *n } else { 0 };
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
    fn can_be_met(&mut self, pods: &PodClass, reading: &Reading) -> bool {
        (0..self.pools.len()).any(|p| {
            let sets = offers::sets_of(self, p, pods, std::slice::from_ref(reading));
            sets.into_iter().any(|set| {
                let types = offers::types_for(self, p, set, pods);
                offers::some_fit(self, p, &types, pods)
            })
        })
    }

    /// Whether two items never share a node.
    fn apart(&mut self, a: &Draft, b: &Draft, offers: &Offers, i: usize, j: usize) -> bool {
        let (pods, others) = (&self.problem.classes[a.class], &self.problem.classes[b.class]);
        if pods.ports.iter().any(|p| others.ports.iter().any(|o| p.clashes(o))) {
            return true;
        }
        let repels = |one: &Draft, other: &PodClass| {
            let reading = one.readings.last().map_or(&[][..], |r| &r.away);
            reading.iter().any(|t| normalize(&t.key) == HOSTNAME && other.member_of.contains(&t.peers))
        };
        repels(a, others) || repels(b, pods) || offers.are_torn(i, j)
    }
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

/// Sets of pods that several classes share and of which each node may hold only so many, because all of them say so.
fn shared_caps(problem: &Problem, drafts: &[Draft]) -> Vec<(u32, Vec<usize>)> {
    let mut caps: BTreeMap<usize, (u32, BTreeSet<usize>)> = BTreeMap::new();
    for draft in drafts {
        let class = &problem.classes[draft.class];
        for spread in draft.readings.iter().take(1).flat_map(|r| &r.spread) {
            let everywhere = draft.readings.iter().all(|r| r.spread.contains(spread));
            if normalize(&spread.key) == HOSTNAME && class.member_of.contains(&spread.peers) && everywhere {
                let (cap, members) = caps.entry(spread.peers).or_insert((0, BTreeSet::new()));
                *cap = (*cap).max(spread.max_skew.max(1));
                members.insert(draft.class);
            }
        }
    }
    caps.into_values().filter(|(_, m)| m.len() > 1).map(|(cap, m)| (cap, m.into_iter().collect())).collect()
}
