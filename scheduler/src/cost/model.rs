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

use super::drafts::{self, Draft};
use super::nodes::Room;
use super::offers::Offers;
use crate::market::{Columns, Market, PoolIndex, Sets};
use crate::packing::{Item, Packing, Shape};
use crate::plan::LeftOut;
use crate::policy::Search;
use crate::problem::{PodClass, Problem};
use crate::requirement::Name;
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
    /// How many pods it is: more than one if they have to share a node.
    pub(super) bundle: u32,
    /// The domains that it is to be in: labels, and their values.
    pub(super) pins: Vec<(Name, Name)>,
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
            item.demand = demands[meaning.class] / meaning.bundle;
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

impl<'p> Compiler<'p> {
    pub(super) fn new(problem: &'p Problem, market: Market<'p>) -> Self {
        let Market { columns, sets, pools } = market;
        Self { problem, columns, sets, pools, soft_taints: problem.has_soft_taints() }
    }

    /// The model for so many pods of each class.
    pub(super) fn model(&mut self, demands: &[u32], view: View, search: &Search<'_>) -> Model {
        let mut left_out = BTreeSet::new();
        let (mut drafts, mut outside) = match view {
            View::ToPlan => drafts::to_plan(self, demands),
            View::ToProve => (drafts::to_prove(self, demands, &mut left_out), BTreeSet::new()),
        };
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
        let used: Vec<usize> = (0..width).filter(|c| drafts.iter().any(|d| d.asked[*c] > 0)).collect();
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
            let mut weights: Vec<f64> = used.iter().map(|c| draft.asked[*c].max(0) as f64).collect();
            for driver in &drivers {
                let own = class.volumes.own.iter().find(|(d, _)| d == *driver).map_or(0, |(_, n)| *n);
                weights.push(f64::from(own) * f64::from(draft.bundle));
            }
            let counts = |members: &[usize]| if members.contains(&draft.class) { f64::from(draft.bundle) } else { 0.0 };
            weights.extend(together.iter().map(|(_, members)| counts(members)));
            let apart = (0..drafts.len()).filter(|j| *j != i && self.apart(draft, &drafts[*j], &offers, i, *j));
            let apart = apart.map(|j| u32::try_from(j).expect("few items")).collect();
            let mut hasher = FxHasher::default();
            (&class.selection, &class.tolerations, &class.volumes.places, &draft.pins).hash(&mut hasher);
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
        let meanings =
            drafts.iter().map(|d| Meaning { class: d.class, bundle: d.bundle, pins: d.pins.clone() }).collect();
        let packing = Packing { dims, items, shapes, limits };
        Model { packing, items: meanings, shapes: places, left_out, without_nodes }
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
