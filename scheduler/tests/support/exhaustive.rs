//! The cheapest plan there is, found by trying them all: what a policy's cost and bound are held against.
//!
//! Only for a handful of pods. What is a valid plan the checker says, which shares nothing with the policies; here plans are
//! made up in the order of what they cost, until it accepts one. Not understood are volumes, reserved capacity, DaemonSets
//! that choose their nodes, and rules that go by anything but host and zone.

use super::{HOST, ZONE};
use dovetail_scheduler::instance_type::{InstanceType, Price};
use dovetail_scheduler::plan::{Placement, Plan, PlannedClaim};
use dovetail_scheduler::problem::{PodClass, Problem};
use dovetail_scheduler::reasons::Unplaced;
use dovetail_scheduler::requirement::Requirement;
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::{NODES, Resources};
use dovetail_scheduler::verify::verify;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

/// So many complete plans are shown to the checker before the search is given up.
const PATIENCE: usize = 400;
/// And so many partial ones are taken up.
const STEPS: usize = 30_000;

/// What the search found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cheapest {
    /// This plan is valid, and no valid plan costs less.
    Is(Price, Plan),
    /// No valid plan costs less than this; whether one costs just that is not known.
    AtLeast(Price),
    /// There is no valid plan.
    Impossible,
}

impl Cheapest {
    /// What no valid plan costs less than.
    pub(crate) fn floor(&self) -> Price {
        match self {
            Self::Is(cost, _) | Self::AtLeast(cost) => *cost,
            Self::Impossible => Price::MAX,
        }
    }
}

/// A set of the pods to be placed, as bits.
type Set = usize;

/// One way to have some pods on a node.
struct Way {
    cost: Price,
    place: Place,
}

enum Place {
    Existing(usize),
    New(PlannedClaim),
}

/// A plan that is being made up.
#[derive(Clone, Default)]
struct Draft {
    placed: Set,
    spent: Price,
    nodes: Vec<Filled>,
}

/// A node of a draft: its pods, the set that stands for all of their kind, and which of the ways to have that.
#[derive(Clone)]
struct Filled {
    pods: Set,
    like: Set,
    way: usize,
}

/// The cheapest plan that places just these pods, leaving the others out.
pub(crate) fn cheapest(problem: &Problem, pods: &[usize]) -> Cheapest {
    let everyone: Set = (1 << pods.len()) - 1;
    let loose = node_by_node(problem);
    let mut ways: BTreeMap<Set, Vec<Way>> = BTreeMap::new();
    for set in 1..=everyone {
        if is_canonical(problem, pods, set, everyone) {
            ways.insert(set, ways_to_have(problem, &loose, &members(pods, set)));
        }
    }
    // The least that the pods of a set can cost if nodes do not know of each other, whichever of their kind they are.
    let mut least: BTreeMap<BTreeMap<usize, usize>, Option<Price>> = BTreeMap::new();
    let kind = |set: Set| -> BTreeMap<usize, usize> {
        members(pods, set).iter().fold(BTreeMap::new(), |mut kinds, pod| {
            *kinds.entry(problem.pods[*pod].class).or_default() += 1;
            kinds
        })
    };
    let of_kind: BTreeMap<BTreeMap<usize, usize>, Set> = ways.keys().map(|set| (kind(*set), *set)).collect();
    let mut sets: Vec<Set> = (0..=everyone).collect();
    sets.sort_by_key(|set| set.count_ones());
    for set in sets {
        if least.contains_key(&kind(set)) {
            continue;
        }
        let here = nodes_for_the_first(problem, pods, set)
            .into_iter()
            .filter_map(|part| {
                let way = ways.get(&of_kind[&kind(part)])?.first()?;
                Some(way.cost + (*least.get(&kind(set & !part))?)?)
            })
            .min();
        least.insert(kind(set), if set == 0 { Some(Price::ZERO) } else { here });
    }
    let rest_of = |set: Set| least.get(&kind(set)).copied().flatten();
    let Some(start) = rest_of(everyone) else { return Cheapest::Impossible };

    // The cheapest first; among equals, those that are nearer their end.
    let mut open = BinaryHeap::from([(Reverse(start), 0u32, Reverse(0usize))]);
    let mut drafts = vec![Draft::default()];
    let place = |node: &Filled| &ways[&node.like][node.way].place;
    let (mut shown, mut steps) = (0, 0);
    while let Some((Reverse(cost), _, Reverse(draft))) = open.pop() {
        let Draft { placed, spent, nodes } = drafts[draft].clone();
        if placed == everyone {
            let filled: Vec<(&Place, Vec<usize>)> =
                nodes.iter().map(|node| (place(node), members(pods, node.pods))).collect();
            let plan = assembled(problem, &filled);
            if verify(problem, &plan).is_ok() {
                return Cheapest::Is(cost, plan);
            }
            shown += 1;
            if shown > PATIENCE {
                return Cheapest::AtLeast(cost);
            }
            continue;
        }
        steps += 1;
        if steps > STEPS {
            return Cheapest::AtLeast(cost);
        }
        for part in nodes_for_the_first(problem, pods, everyone & !placed) {
            let like = of_kind[&kind(part)];
            let Some(rest) = rest_of(everyone & !placed & !part) else { continue };
            for (w, way) in ways[&like].iter().enumerate() {
                let taken = |node: &Filled| matches!((place(node), &way.place), (Place::Existing(a), Place::Existing(b)) if a == b);
                if nodes.iter().any(taken) {
                    continue;
                }
                let mut nodes = nodes.clone();
                nodes.push(Filled { pods: part, like, way: w });
                if !within_limits(problem, nodes.iter().map(place)) {
                    continue;
                }
                let draft = Draft { placed: placed | part, spent: spent + way.cost, nodes };
                open.push((Reverse(draft.spent + rest), draft.placed.count_ones(), Reverse(drafts.len())));
                drafts.push(draft);
            }
        }
    }
    Cheapest::Impossible
}

fn members(pods: &[usize], set: Set) -> Vec<usize> {
    pods.iter().enumerate().filter(|(n, _)| set & (1 << n) != 0).map(|(_, pod)| *pod).collect()
}

/// Whether a set takes the first of each class among these: pods of a class are the same, so one such set stands for all.
fn is_canonical(problem: &Problem, pods: &[usize], set: Set, among: Set) -> bool {
    let mut passed_over: BTreeSet<usize> = BTreeSet::new();
    (0..pods.len()).filter(|n| among & (1 << n) != 0).all(|n| {
        let class = problem.pods[pods[n]].class;
        if set & (1 << n) == 0 {
            passed_over.insert(class);
            return true;
        }
        !passed_over.contains(&class)
    })
}

/// The sets of pods that may be together with the first of these.
fn nodes_for_the_first(problem: &Problem, pods: &[usize], of: Set) -> Vec<Set> {
    if of == 0 {
        return vec![];
    }
    let first: Set = 1 << of.trailing_zeros();
    let with_first = (1..=of).filter(|part| part & of == *part && part & first != 0);
    with_first.filter(|part| is_canonical(problem, pods, *part, of)).collect()
}

/// The problem with such rules only as one node can keep or break.
fn node_by_node(problem: &Problem) -> Problem {
    let mut loose = problem.clone();
    for class in &mut loose.classes {
        class.spread.retain(|spread| *spread.key == *HOST);
        class.affinity.required.clear();
        class.anti_affinity.required.retain(|term| *term.key == *HOST);
    }
    loose.residents.iter_mut().for_each(|resident| resident.repels.retain(|term| *term.key == *HOST));
    loose.pools.iter_mut().for_each(|pool| pool.remaining = None);
    loose
}

/// Every way to have these pods on one node, the cheapest first.
fn ways_to_have(problem: &Problem, loose: &Problem, pods: &[usize]) -> Vec<Way> {
    let keeps = |place: &Place| verify(loose, &assembled(loose, &[(place, pods.to_vec())])).is_ok();
    let existing = (0..problem.nodes.len()).map(Place::Existing);
    let mut ways: Vec<Way> =
        existing.filter(|place| keeps(place)).map(|place| Way { cost: Price::ZERO, place }).collect();
    let anywhere: BTreeSet<&str> = problem.pools.iter().flat_map(|p| p.instance_types.iter()).flat_map(zones).collect();
    // Without rules by zone it is always best not to choose one.
    let zones: Vec<Option<&str>> =
        anywhere.into_iter().filter(|_| asks_for_zones(problem)).map(Some).chain([None]).collect();
    for pool in 0..problem.pools.len() {
        for selection in selections(problem, pods) {
            for zone in &zones {
                let Some(claim) = claim(problem, pool, pods, &selection, *zone) else { continue };
                let (cost, place) = (claim.price, Place::New(claim));
                if keeps(&place) {
                    ways.push(Way { cost, place });
                }
            }
        }
    }
    ways.sort_by_key(|way| way.cost);
    ways
}

fn zones(instance_type: &Arc<InstanceType>) -> impl Iterator<Item = &str> {
    instance_type.offerings.iter().filter_map(|o| o.requirements.get(ZONE)?.single().map(AsRef::as_ref))
}

/// What the pods ask of their node together: one choice of their required terms each.
fn selections(problem: &Problem, pods: &[usize]) -> Vec<Requirements> {
    let classes: BTreeSet<usize> = pods.iter().map(|pod| problem.pods[*pod].class).collect();
    let classes = classes.into_iter().map(|class| problem.classes[class].selection.strict());
    classes.fold(vec![Requirements::new()], |so_far, terms| {
        so_far.iter().flat_map(|one| terms.iter().map(|term| one.and(term))).collect()
    })
}

/// Whether any rule between pods goes by zone.
fn asks_for_zones(problem: &Problem) -> bool {
    let of_classes = problem.classes.iter().flat_map(|class| {
        let terms = class.affinity.required.iter().chain(&class.anti_affinity.required);
        class.spread.iter().map(|spread| &spread.key).chain(terms.map(|term| &term.key))
    });
    let of_residents = problem.residents.iter().flat_map(|resident| resident.repels.iter().map(|term| &term.key));
    of_classes.chain(of_residents).any(|key| **key == *ZONE)
}

/// Whether new nodes stay within the limits of their pools, should the smallest of their types be launched.
fn within_limits<'p>(problem: &Problem, places: impl Iterator<Item = &'p Place>) -> bool {
    let mut left: Vec<Option<Resources>> = problem.pools.iter().map(|pool| pool.remaining.clone()).collect();
    for place in places {
        let Place::New(claim) = place else { continue };
        let Some(left) = &mut left[claim.pool] else { continue };
        let types = || claim.types.iter().map(|t| &problem.pools[claim.pool].instance_types[*t].capacity);
        let least = |name: &str| if name == NODES { 1 } else { types().map(|c| c.get(name)).min().unwrap_or(0) };
        let taken: Resources = left.iter().map(|(name, _)| (name.clone(), least(name))).collect();
        left.subtract_known(&taken);
        if left.iter().any(|(_, amount)| amount < 0) {
            return false;
        }
    }
    true
}

/// The node of a pool with the longest list of types that holds these pods, in a zone or wherever it may be.
fn claim(
    problem: &Problem,
    pool: usize,
    pods: &[usize],
    selection: &Requirements,
    zone: Option<&str>,
) -> Option<PlannedClaim> {
    let from = &problem.pools[pool];
    let mut requirements = from.requirements.and(selection);
    if let Some(zone) = zone {
        requirements.add(ZONE, Requirement::any_of([zone]));
    }
    let mut daemons = Resources::new();
    problem.daemons.iter().for_each(|daemon| daemons.add(&daemon.requests));
    let mut requests = daemons;
    pods.iter().for_each(|pod| requests.add(&problem.class_of(*pod).requests));
    let within = |t: &InstanceType| {
        from.remaining.as_ref().is_none_or(|left| left.iter().all(|(k, v)| &**k == NODES || t.capacity.get(k) <= v))
    };
    let mut types: Vec<(Price, &str, usize)> = from
        .instance_types
        .iter()
        .enumerate()
        .filter(|(_, t)| t.requirements.intersects(&requirements) && within(t))
        .filter(|(_, t)| requests.iter().all(|(name, asked)| asked <= t.allocatable().get(name)))
        .filter_map(|(n, t)| Some((t.cheapest(&requirements, &problem.well_known)?.price, &*t.name, n)))
        .collect();
    types.sort_unstable();
    let price = types.first()?.0;
    let types = types.into_iter().map(|(_, _, n)| n).collect();
    Some(PlannedClaim { pool, types, requirements, requests, price, ..PlannedClaim::default() })
}

/// A plan of these nodes. Whoever is not on one of them has no place.
fn assembled(problem: &Problem, nodes: &[(&Place, Vec<usize>)]) -> Plan {
    let mut plan = Plan::default();
    for (place, pods) in nodes {
        match place {
            Place::Existing(node) => plan.existing.push(Placement { node: *node, pods: pods.clone() }),
            Place::New(claim) => plan.claims.push(PlannedClaim { pods: pods.clone(), ..claim.clone() }),
        }
    }
    plan.existing.sort_by_key(|placement| placement.node);
    let placed: BTreeSet<usize> = nodes.iter().flat_map(|(_, pods)| pods.iter().copied()).collect();
    let left_out = (0..problem.pods.len()).filter(|pod| !placed.contains(pod));
    plan.unplaced = left_out.map(|pod| (pod, Arc::new(Unplaced::NoPools))).collect();
    plan
}

/// Whether a class asks for nothing that the search does not understand.
pub(crate) fn is_understood(class: &PodClass) -> bool {
    let key = |key: &str| key == HOST || key == ZONE;
    let terms = class.affinity.required.iter().chain(&class.anti_affinity.required);
    class.volumes == Default::default()
        && class.spread.iter().all(|spread| key(&spread.key))
        && terms.into_iter().all(|term| key(&term.key))
}
