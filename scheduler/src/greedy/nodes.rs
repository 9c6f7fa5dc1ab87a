//! Nodes that are there, or on their way: what they still take.
//!
//! A pod goes to the first node, in the problem's order unless they are ranked by room, that tolerates, selects and holds it
//! and is where the pod may be.
//! What a node is like does not change when pods come; only its room, its ports and its volumes do, and they only shrink. A
//! node that has refused is therefore not asked again by the same seeker, unless it is merely in a domain that is full.

use super::attachments::Attachments;
use super::manner::Ranking;
use super::order::Signature;
use super::seeker::Seeker;
use super::world::{Refused, World};
use crate::daemons;
use crate::market::{Columns, SetId, Sets};
use crate::problem::{HostPort, Node, PodClass, Problem};
use crate::requirement::Name;
use crate::requirements::{Requirements, WellKnown};
use crate::taint::untolerated;
use crate::topology::{Allowed, Topology};
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// Nodes of the same signature, in the problem's order.
type Group = (Signature, Vec<usize>);

/// The nodes of a problem, filling up.
pub(super) struct Nodes<'p> {
    nodes: Vec<State<'p>>,
    /// Who is asked first.
    pub(super) ranking: Ranking,
    /// Row by row, what is left of each resource, less what DaemonSets will still take.
    free: Vec<i64>,
    /// The nodes by the domains of some keys.
    groups: FxHashMap<Vec<usize>, Rc<Vec<Group>>>,
    /// Whether nodes of these labels are what these requirements ask for.
    selected: FxHashMap<(SetId, SetId), bool>,
    /// A node defines all its labels: nothing else may be asked for.
    nothing_undefined: WellKnown,
}

struct State<'p> {
    node: &'p Node,
    /// Its labels, as far as anyone asks for them.
    labels: SetId,
    /// Whether it takes any pods at all.
    open: bool,
    ports: Vec<HostPort>,
    attached: Attachments,
    limits: Vec<(Name, u32)>,
    pods: Vec<usize>,
}

/// How far a seeker has come.
#[derive(Default)]
pub(super) struct Cursors {
    /// The nodes by the domains that the seeker's rules speak of, and for each group the first that has not refused yet.
    groups: Option<(Rc<Vec<Group>>, Vec<usize>)>,
    /// The nodes that have not refused yet, if they are ranked by room.
    open: Option<Vec<usize>>,
    /// Nodes with pods that the seeker has to join, which will not take it.
    full: FxHashSet<usize>,
}

impl<'p> Nodes<'p> {
    pub(super) fn new(problem: &'p Problem, columns: &Columns, sets: &mut Sets) -> Self {
        let asked = asked_labels(problem);
        let mut free = Vec::with_capacity(problem.nodes.len() * columns.names().len());
        let mut nodes = Vec::with_capacity(problem.nodes.len());
        for node in &problem.nodes {
            let mut left = node.available.clone();
            let to_come = daemons::still_to_come(&problem.daemons, node);
            let known = to_come.iter().all(|(k, v)| v == 0 || left.has(k));
            left.subtract_known(&to_come);
            let open = !node.leaving && known && left.iter().all(|(_, v)| v >= 0);
            free.extend(columns.row(&left));
            let mut ports = node.ports.clone();
            if problem.daemons.iter().any(|d| !d.ports.is_empty()) {
                ports.extend(daemons::on_node(&problem.daemons, node).flat_map(|d| d.ports.iter().cloned()));
            }
            let labels = asked.iter().filter_map(|key| Some((key, node.labels.get(key)?.clone())));
            let labels = labels.collect::<Requirements>();
            // What is attached already is no longer part of what can be attached.
            let attached = Attachments::already(&node.attached);
            let limits = node.attachable.iter();
            let limits = limits.map(|(d, n)| (d.clone(), n.saturating_add(attached.of(d)))).collect();
            nodes.push(State { node, labels: sets.intern(labels), open, ports, attached, limits, pods: vec![] });
        }
        let nothing_undefined = WellKnown::new();
        let (groups, selected) = (FxHashMap::default(), FxHashMap::default());
        Self { nodes, ranking: Ranking::FewestPods, free, groups, selected, nothing_undefined }
    }

    /// Puts a pod on the first node that takes it.
    pub(super) fn place(
        &mut self,
        pod: usize,
        seeker: &mut Seeker,
        allowed: &[Allowed],
        world: &mut World<'_>,
    ) -> bool {
        if self.nodes.is_empty() {
            return false;
        }
        let node = match world.topology.hosts_to_join(&seeker.rules) {
            Some(hosts) => self.first_with_company(hosts, seeker, allowed, world),
            None if matches!(self.ranking, Ranking::Fullest(_)) => self.fullest(seeker, allowed, world),
            None => self.first(seeker, allowed, world),
        };
        let Some(n) = node else { return false };
        self.put(n, pod, seeker, world);
        true
    }

    /// Puts a pod on this node and no other, if it takes it.
    pub(super) fn place_on(
        &mut self,
        n: usize,
        pod: usize,
        seeker: &Seeker,
        allowed: &[Allowed],
        world: &mut World<'_>,
    ) -> Result<(), Refused> {
        if !self.takes(n, seeker, world) {
            return Err(Refused::Never);
        }
        if !welcomes(n, seeker, allowed, world) {
            return Err(Refused::NotNow);
        }
        self.put(n, pod, seeker, world);
        Ok(())
    }

    fn put(&mut self, n: usize, pod: usize, seeker: &Seeker, world: &mut World<'_>) {
        let class = &world.problem.classes[seeker.class];
        let state = &mut self.nodes[n];
        let width = seeker.requests.len();
        self.free[n * width..(n + 1) * width].iter_mut().zip(&seeker.requests).for_each(|(left, asked)| *left -= asked);
        state.ports.extend(class.ports.iter().cloned());
        if !state.limits.is_empty() {
            state.attached = state.attached.and(&class.volumes);
        }
        state.pods.push(pod);
        world.topology.placed_on_node(world.problem, seeker.class, n);
    }

    /// The nodes that take something, and what.
    pub(super) fn placements(&mut self) -> impl Iterator<Item = (usize, Vec<usize>)> {
        let filled = self.nodes.iter_mut().enumerate().filter(|(_, state)| !state.pods.is_empty());
        filled.map(|(n, state)| (n, std::mem::take(&mut state.pods)))
    }

    fn first(&mut self, seeker: &mut Seeker, allowed: &[Allowed], world: &World<'_>) -> Option<usize> {
        let (groups, mut at) = seeker.nodes.groups.take().unwrap_or_else(|| {
            let keys = seeker.rules.keyed.iter().map(|k| k.key).collect();
            let groups = self.grouped(keys, &world.topology);
            let at = vec![0; groups.len()];
            (groups, at)
        });
        let mut first: Option<usize> = None;
        for ((signature, nodes), at) in groups.iter().zip(&mut at) {
            if !signature.admits(allowed) {
                continue;
            }
            while let Some(n) = nodes.get(*at).filter(|n| first.is_none_or(|first| **n < first)) {
                if self.takes(*n, seeker, world) {
                    first = Some(*n);
                    break;
                }
                *at += 1;
            }
        }
        seeker.nodes.groups = Some((groups, at));
        first
    }

    /// The node with the least room of all that take the pod.
    fn fullest(&mut self, seeker: &mut Seeker, allowed: &[Allowed], world: &World<'_>) -> Option<usize> {
        let mut open = seeker.nodes.open.take().unwrap_or_else(|| (0..self.nodes.len()).collect());
        open.retain(|n| self.takes(*n, seeker, world));
        let may_be_there = |n: &&usize| {
            let at = Signature::of(world.topology.node_pins(**n), seeker.rules.keyed.iter().map(|k| k.key));
            at.admits(allowed)
        };
        let fullest = open.iter().filter(may_be_there).min_by_key(|n| (self.rank(**n), **n)).copied();
        seeker.nodes.open = Some(open);
        fullest
    }

    /// What is free of each resource on all nodes whose labels and taints the pod accepts.
    pub(super) fn room(&mut self, seeker: &Seeker, world: &World<'_>) -> Vec<i64> {
        let width = seeker.requests.len();
        let mut room = vec![0_i64; width];
        for n in 0..self.nodes.len() {
            if self.nodes[n].open && self.is_accepted(n, seeker, world) {
                let free = &self.free[n * width..(n + 1) * width];
                room.iter_mut().zip(free).for_each(|(sum, free)| *sum = sum.saturating_add(*free));
            }
        }
        room
    }

    /// How much room a node has, where that ranks them.
    fn rank(&self, n: usize) -> usize {
        let width = self.free.len() / self.nodes.len().max(1);
        self.ranking.room(&self.free[n * width..(n + 1) * width])
    }

    fn first_with_company(
        &mut self,
        hosts: &[usize],
        seeker: &mut Seeker,
        allowed: &[Allowed],
        world: &World<'_>,
    ) -> Option<usize> {
        let mut candidates: Vec<usize> =
            hosts.iter().copied().filter(|h| *h < self.nodes.len() && !seeker.nodes.full.contains(h)).collect();
        candidates.sort_unstable_by_key(|n| (self.rank(*n), *n));
        candidates.into_iter().find(|n| {
            if !self.takes(*n, seeker, world) {
                seeker.nodes.full.insert(*n);
                return false;
            }
            welcomes(*n, seeker, allowed, world)
        })
    }

    /// The nodes by the domains they are in.
    fn grouped(&mut self, keys: Vec<usize>, topology: &Topology) -> Rc<Vec<Group>> {
        if let Some(known) = self.groups.get(&keys) {
            return Rc::clone(known);
        }
        let mut groups: Vec<Group> = vec![];
        let mut index: FxHashMap<Signature, usize> = FxHashMap::default();
        for n in (0..self.nodes.len()).filter(|n| self.nodes[*n].open) {
            let at = Signature::of(topology.node_pins(n), keys.iter().copied());
            let group = *index.entry(at).or_insert_with(|| {
                groups.push((at, vec![]));
                groups.len() - 1
            });
            groups[group].1.push(n);
        }
        let groups = Rc::new(groups);
        self.groups.insert(keys, Rc::clone(&groups));
        groups
    }

    /// Whether the node takes the pod, its domains aside. One that does not never will.
    fn takes(&mut self, n: usize, seeker: &Seeker, world: &World<'_>) -> bool {
        let width = seeker.requests.len();
        let free = &self.free[n * width..(n + 1) * width];
        let state = &self.nodes[n];
        if !state.open || free.iter().zip(&seeker.requests).any(|(left, asked)| asked > left) {
            return false;
        }
        if !self.is_accepted(n, seeker, world) {
            return false;
        }
        let class: &PodClass = &world.problem.classes[seeker.class];
        let state = &self.nodes[n];
        !class.ports.iter().any(|port| state.ports.iter().any(|taken| port.clashes(taken)))
            && (state.limits.is_empty() || state.attached.and(&class.volumes).within(&state.limits))
            && !world.topology.host_refuses(&seeker.rules, n)
    }

    /// Whether the pod accepts what the node is like: labels and taints.
    fn is_accepted(&mut self, n: usize, seeker: &Seeker, world: &World<'_>) -> bool {
        let state = &self.nodes[n];
        let nothing_undefined = &self.nothing_undefined;
        let sets = &world.sets;
        let selected = &mut self.selected;
        let mut is = |asked: SetId| {
            *selected
                .entry((state.labels, asked))
                .or_insert_with(|| sets.get(state.labels).compatible(sets.get(asked), nothing_undefined).is_ok())
        };
        is(seeker.requirements)
            && (seeker.places.is_empty() || seeker.places.iter().any(|place| is(*place)))
            && untolerated(&state.node.taints, &seeker.reading.tolerations).next().is_none()
    }
}

/// Whether the pod may be where the node is, and finds the company there that it wants.
fn welcomes(n: usize, seeker: &Seeker, allowed: &[Allowed], world: &World<'_>) -> bool {
    let at = Signature::of(world.topology.node_pins(n), seeker.rules.keyed.iter().map(|k| k.key));
    at.admits(allowed) && world.topology.host_has_company(&seeker.rules, n)
}

/// The label keys that any pod asks nodes for.
fn asked_labels(problem: &Problem) -> FxHashSet<Name> {
    let mut asked: FxHashSet<Name> = FxHashSet::default();
    let mut add = |set: &Requirements| asked.extend(set.iter().map(|(key, _)| key.clone()));
    for class in &problem.classes {
        add(&class.selection.selector);
        class.selection.required.iter().for_each(&mut add);
        class.selection.preferred.iter().for_each(|(_, term)| add(term));
        class.volumes.places.iter().for_each(&mut add);
    }
    asked
}
