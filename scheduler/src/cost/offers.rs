//! What the pools have for the items: which types, sold how, at what price, and which items accept them.

use super::drafts::Draft;
use super::model::{Compiler, View};
use crate::bitset::Bits;
use crate::instance_type::Price;
use crate::market::SetId;
use crate::packing::draws_within;
use crate::plan::LeftOut;
use crate::problem::PodClass;
use crate::relaxation::Reading;
use crate::requirement::{Name, Requirement};
use crate::resources::{NODES, Resources};
use crate::taint::untolerated;
use dovetail_api::labels::CAPACITY_TYPE;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// What a pool accepts of an item: a set of requirements, the types that it leaves, and the ways of buying.
struct Accepted {
    set: SetId,
    types: Bits,
    ways: Bits,
}

/// Everything on offer.
pub(super) struct Offers {
    /// By item, by pool.
    accepted: Vec<Vec<Vec<Accepted>>>,
    /// Items that cannot be on the same node, though both are on the like of it.
    torn: Vec<Bits>,
    pub(super) limits: Vec<f64>,
    /// The first row of each pool's limits, with the resources they are for; `nodes` last.
    limit_rows: Vec<Vec<(u32, Name)>>,
    /// The row of each capacity reservation.
    reservation_rows: FxHashMap<Name, u32>,
}

/// One shape: what it has, who accepts it, what it costs.
pub(super) struct Offer {
    pub(super) pool: usize,
    pub(super) types: Vec<usize>,
    pub(super) room: Vec<f64>,
    pub(super) takes: Bits,
    pub(super) price: Price,
    pub(super) spot: bool,
    pub(super) draws: Vec<(u32, f64)>,
}

/// What tells offerings apart, the price aside: the room, the items that accept them, and what they draw of the limits.
type Kind = (Vec<i64>, Bits, Vec<(u32, i64)>);

/// The sets of requirements that a new node of a pool may have for a pod, one for each way to read it and each place where
/// its volumes are.
pub(super) fn sets_of(compiler: &mut Compiler<'_>, p: usize, pods: &PodClass, readings: &[Reading]) -> Vec<SetId> {
    let problem = compiler.problem;
    let pool = &problem.pools[p];
    let mut out: Vec<SetId> = vec![];
    for reading in readings {
        if untolerated(&pool.taints, &reading.tolerations).next().is_some()
            || pool.requirements.compatible(&reading.requirements, &problem.well_known).is_err()
        {
            continue;
        }
        let asked = compiler.sets.intern(reading.requirements.clone());
        let Some(set) = compiler.sets.merge(compiler.pools[p].set, asked) else { continue };
        if pods.volumes.places.is_empty() {
            out.push(set);
            continue;
        }
        for place in &pods.volumes.places {
            if compiler.sets.get(set).compatible(place, &problem.well_known).is_ok() {
                let place = compiler.sets.intern(place.clone());
                out.extend(compiler.sets.merge(set, place));
            }
        }
    }
    out.sort_by_key(|s| *s);
    out.dedup();
    out
}

/// The types of a pool that a pod of the class accepts under these requirements, if it fits.
pub(super) fn types_for(compiler: &mut Compiler<'_>, p: usize, set: SetId, pods: &PodClass) -> Bits {
    let well_known = &compiler.problem.well_known;
    let pool = &mut compiler.pools[p];
    let mut types = pool.view(set, &compiler.sets, well_known).types.clone();
    for (port, holders) in &pool.daemon_ports {
        if pods.ports.iter().any(|p| p.clashes(port)) {
            holders.iter().for_each(|t| types.remove(t));
        }
    }
    types
}

/// Whether one of these types has room for so much.
pub(super) fn some_fit(compiler: &Compiler<'_>, p: usize, types: &Bits, asked: &[i64]) -> bool {
    let mut types = types.clone();
    for (column, asked) in asked.iter().enumerate() {
        types.retain_at_least(compiler.pools[p].room(column), *asked);
    }
    !types.is_empty()
}

impl Offers {
    pub(super) fn collect(
        compiler: &mut Compiler<'_>,
        drafts: &[Draft],
        view: View,
        left_out: &mut BTreeSet<LeftOut>,
    ) -> Self {
        let problem = compiler.problem;
        let mut accepted: Vec<Vec<Vec<Accepted>>> = vec![];
        for draft in drafts {
            let pods = &problem.classes[draft.class];
            let mut by_pool: Vec<Vec<Accepted>> = vec![];
            let mut satisfied_at: Option<i32> = None;
            for p in 0..problem.pools.len() {
                let pool = &problem.pools[p];
                if view == View::ToPlan && satisfied_at.is_some_and(|weight| pool.weight < weight) {
                    by_pool.push(vec![]);
                    continue;
                }
                let mut some = vec![];
                for set in sets_of(compiler, p, pods, &draft.readings) {
                    let types = types_for(compiler, p, set, pods);
                    if some_fit(compiler, p, &types, &draft.asked) {
                        let ways = compiler.pools[p].view(set, &compiler.sets, &problem.well_known).ways.clone();
                        some.push(Accepted { set, types, ways });
                    }
                }
                if !some.is_empty() {
                    satisfied_at = satisfied_at.or(Some(pool.weight));
                }
                by_pool.push(some);
            }
            if view == View::ToProve && by_pool.iter().filter(|some| !some.is_empty()).count() > 1 {
                let weights: BTreeSet<i32> = problem.pools.iter().map(|p| p.weight).collect();
                if weights.len() > 1 {
                    left_out.insert(LeftOut::Limits);
                }
            }
            accepted.push(by_pool);
        }
        let torn = torn(compiler, &accepted);
        let mut limits = vec![];
        let mut limit_rows = vec![];
        let mut reservation_rows: FxHashMap<Name, u32> = FxHashMap::default();
        let row = |limits: &mut Vec<f64>, amount: i64| {
            #[allow(clippy::cast_precision_loss)] // whole numbers below 2^53
            limits.push(amount.max(0) as f64);
            u32::try_from(limits.len() - 1).expect("few limits")
        };
        for (p, pool) in problem.pools.iter().enumerate() {
            let rows = pool.remaining.iter().flat_map(Resources::iter);
            let rows: Vec<(u32, Name)> = rows.map(|(name, amount)| (row(&mut limits, amount), name.clone())).collect();
            limit_rows.push(rows);
            for (name, units) in compiler.pools[p].reservations() {
                if let std::collections::hash_map::Entry::Vacant(entry) = reservation_rows.entry(name) {
                    entry.insert(row(&mut limits, i64::from(units)));
                }
            }
            if pool.requirements.has_min_values() {
                left_out.insert(LeftOut::MinValues);
            }
        }
        Self { accepted, torn, limits, limit_rows, reservation_rows }
    }

    /// Whether some pool has something for the item.
    pub(super) fn takes_anywhere(&self, item: usize) -> bool {
        self.accepted[item].iter().any(|some| !some.is_empty())
    }

    /// Whether labels keep two items from the same node.
    pub(super) fn are_torn(&self, a: usize, b: usize) -> bool {
        self.torn[a].contains(b)
    }

    /// The shapes, each the cheapest of its kind, without those that others beat in everything.
    pub(super) fn shapes(&self, compiler: &mut Compiler<'_>, used: &[usize], drivers: &[&Name]) -> Vec<Offer> {
        let mut all: Vec<Offer> = vec![];
        for p in 0..compiler.pools.len() {
            all.extend(self.of_pool(compiler, p, used, drivers));
        }
        all.sort_by(|a, b| a.price.cmp(&b.price).then(a.pool.cmp(&b.pool)).then_with(|| a.types.cmp(&b.types)));
        let mut kept: Vec<Offer> = vec![];
        for offer in all {
            if !kept.iter().any(|k| beats(k, &offer)) {
                kept.push(offer);
            }
        }
        for offer in &mut kept {
            offer.types = self.of_the_size(compiler, offer, used, drivers);
        }
        kept
    }

    fn of_pool(&self, compiler: &Compiler<'_>, p: usize, used: &[usize], drivers: &[&Name]) -> Vec<Offer> {
        let index = &compiler.pools[p];
        // Items that accept the same are asked once.
        let n = self.accepted.len();
        let mut kinds: FxHashMap<Vec<(&Bits, &Bits)>, Bits> = FxHashMap::default();
        for i in (0..n).filter(|i| !self.accepted[*i][p].is_empty()) {
            let accepts = self.accepted[i][p].iter().map(|a| (&a.types, &a.ways)).collect();
            kinds.entry(accepts).or_insert_with(|| Bits::none(n)).insert(i);
        }
        let mut best: FxHashMap<Kind, (Price, usize, usize)> = FxHashMap::default();
        for t in index.sellable.iter() {
            let room: Vec<i64> = self.room(compiler, p, t, used, drivers);
            for (way, price) in index.offers(t) {
                let mut takes = Bits::none(n);
                for (accepts, items) in &kinds {
                    if accepts.iter().any(|(types, ways)| types.contains(t) && ways.contains(*way)) {
                        takes.unite(items);
                    }
                }
                if takes.is_empty() {
                    continue;
                }
                let draws = self.draws(compiler, p, t, *way);
                let known = best.entry((room.clone(), takes, draws)).or_insert((*price, t, *way));
                if (*price, &index.pool.instance_types[t].name) < (known.0, &index.pool.instance_types[known.1].name) {
                    *known = (*price, t, *way);
                }
            }
        }
        let mut out: Vec<Offer> = vec![];
        #[allow(clippy::cast_precision_loss)] // whole numbers below 2^53
        for ((room, takes, draws), (price, t, way)) in best {
            let spot = index.way(way).get(CAPACITY_TYPE).and_then(Requirement::single).is_some_and(|c| &**c == "spot");
            out.push(Offer {
                pool: p,
                types: vec![t],
                room: room.into_iter().map(|r| r as f64).collect(),
                takes,
                price,
                spot,
                draws: draws.into_iter().map(|(row, amount)| (row, amount as f64)).collect(),
            });
        }
        out
    }

    fn room(&self, compiler: &Compiler<'_>, p: usize, t: usize, used: &[usize], drivers: &[&Name]) -> Vec<i64> {
        let index = &compiler.pools[p];
        let mut room: Vec<i64> = used.iter().map(|c| index.room(*c)[t]).collect();
        for driver in drivers {
            let limits = &index.pool.instance_types[t].volume_limits;
            room.push(limits.iter().find(|(d, _)| d == *driver).map_or(1 << 30, |(_, n)| i64::from(*n)));
        }
        room
    }

    fn draws(&self, compiler: &Compiler<'_>, p: usize, t: usize, way: usize) -> Vec<(u32, i64)> {
        let index = &compiler.pools[p];
        let capacity = &index.pool.instance_types[t].capacity;
        let mut draws: Vec<(u32, i64)> = self.limit_rows[p]
            .iter()
            .map(|(row, name)| (*row, if &**name == NODES { 1 } else { capacity.get(name) }))
            .filter(|(_, amount)| *amount > 0)
            .collect();
        if let Some(reservation) = index.reservation(way) {
            draws.push((self.reservation_rows[reservation], 1));
        }
        draws
    }

    /// Where the pool has limits: the types that are as roomy as the shape and draw no more of them. Elsewhere none are named,
    /// since any type that holds the pods will do.
    fn of_the_size(&self, compiler: &Compiler<'_>, offer: &Offer, used: &[usize], drivers: &[&Name]) -> Vec<usize> {
        let p = offer.pool;
        let index = &compiler.pools[p];
        if self.limit_rows[p].is_empty() {
            return vec![];
        }
        let draws = self.draws(compiler, p, offer.types[0], usize::MAX);
        #[allow(clippy::cast_precision_loss)] // whole numbers below 2^53
        let like_it = |t: &usize| {
            let room = self.room(compiler, p, *t, used, drivers);
            let thrifty = self.draws(compiler, p, *t, usize::MAX);
            room.iter().zip(&offer.room).all(|(r, needed)| *r as f64 >= *needed) && draws_within(&thrifty, &draws)
        };
        index.sellable.iter().filter(like_it).collect()
    }
}

/// Whether the first is at least as good as the second in everything.
fn beats(a: &Offer, b: &Offer) -> bool {
    a.price <= b.price
        && a.spot <= b.spot
        && a.room.iter().zip(&b.room).all(|(a, b)| a >= b)
        && draws_within(&a.draws, &b.draws)
        && b.takes.iter().all(|i| a.takes.contains(i))
}

/// For each item those that the same nodes would take, though never both: a label would have to have two values.
fn torn(compiler: &mut Compiler<'_>, accepted: &[Vec<Vec<Accepted>>]) -> Vec<Bits> {
    let n = accepted.len();
    // Whether there are nodes for both, and whether one of them could be for both at once.
    let mut known: FxHashMap<(SetId, SetId), (bool, bool)> = FxHashMap::default();
    let mut out = vec![Bits::none(n); n];
    for i in 0..n {
        for j in 0..i {
            let (mut shared, mut both) = (false, false);
            for (here, there) in accepted[i].iter().zip(&accepted[j]) {
                for (a, b) in here.iter().flat_map(|a| there.iter().map(move |b| (a, b))) {
                    let (nodes, at_once) = *known.entry((a.set, b.set)).or_insert_with(|| {
                        let nodes = a.types.both(&b.types).next().is_some() && a.ways.both(&b.ways).next().is_some();
                        (nodes, nodes && compiler.sets.merge(a.set, b.set).is_some())
                    });
                    shared |= nodes;
                    both |= at_once;
                }
            }
            if shared && !both {
                out[i].insert(j);
                out[j].insert(i);
            }
        }
    }
    out
}
