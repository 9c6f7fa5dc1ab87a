//! From a cluster to a problem: which pods want a node, which pools may be bought from, what is there already.
//!
//! This is the provisioning round as far as it is a decision (specification "scheduling" 2.5, 2.6, 4.1). The same function
//! serves the controller and the offline plan. It solves nothing, and what it leaves out it says.

use crate::batch::Batch;
use crate::between_pods::RuleError;
use crate::cluster::{PodRecord, Snapshot};
use crate::daemon_sets::{self, DaemonPods};
use crate::default_spread::DefaultSpread;
use crate::nodes::{self, NodeError, NodeState};
use crate::overlays::{self, Offer};
use crate::pods::{self, PodError};
use crate::pools::{self, NotReady};
use crate::requests::BadQuantity;
use crate::residents::Residents;
use crate::volumes::{TypeLimits, Unsupported, VolumeIndex};
use dovetail_api::node_overlay::NodeOverlay;
use dovetail_api::node_pool::NodePool;
use dovetail_cloudprovider::source::InstanceTypeSource;
use dovetail_scheduler::instance_type::InstanceType;
use dovetail_scheduler::problem::{self, Node, Problem, Reservations, Settings};
use dovetail_scheduler::resources::{NODES, Resources};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A problem, and what did not make it into it.
#[derive(Debug, Default)]
pub struct Round {
    /// What the scheduler is asked.
    pub problem: Problem,
    /// Pods that want a node but cannot take part: namespace and name, and why.
    pub rejected: Vec<(String, PodError)>,
    /// Objects whose manifests cannot be read: kind and name, and why. An API server would have refused them.
    pub bad_input: Vec<(String, String)>,
    /// Pools that may not be used, and why.
    pub not_ready: Vec<(String, NotReady)>,
    /// What a person should know about how the problem was read.
    pub notes: Vec<String>,
}

/// How the operator wants rounds to be made.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How strictly preferences and minimum values are taken.
    pub settings: Settings,
    /// How evenly pods are spread that say nothing about it.
    pub default_spread: DefaultSpread,
    /// With the feature gate `ReservedCapacity` off, reserved offerings are like any others; it is on by default.
    pub reserved_capacity_off: bool,
    /// Without the feature gate `NodeOverlay` overlays are not looked at. Offline they are, since who has them wants them.
    pub overlays_off: bool,
    /// Whether the cluster is watched rather than read from files: then pools have to say that they are ready, and claims
    /// that have not been launched are on their way.
    pub live: bool,
}

/// Makes the problem of a provisioning round. The order of the objects makes no difference to it.
pub fn assemble(snapshot: &Snapshot, source: &dyn InstanceTypeSource, options: &Options) -> Round {
    let mut round = Round::default();
    round.problem.settings = options.settings;
    round.problem.well_known = source.well_known().clone();
    let reserved = source.reservation_label().filter(|_| !options.reserved_capacity_off);
    round.problem.reservations = reserved.map(|label| Reservations { label, strict: true });
    let states = nodes::join(snapshot);

    round.add_pools(snapshot, source, &states, options);
    let unsupported = Unsupported::default();
    let volumes = VolumeIndex::of(snapshot, &unsupported);
    round.add_daemons(snapshot);
    let residents = round.add_pods(snapshot, &states, &volumes, &options.default_spread);
    round.add_nodes(&states, &volumes, residents, options.live);
    round.problem.sort();
    round.add_notes();
    round
}

impl Round {
    fn add_pools(
        &mut self,
        snapshot: &Snapshot,
        source: &dyn InstanceTypeSource,
        states: &[NodeState<'_>],
        options: &Options,
    ) {
        let usage = usage(snapshot, states, |state, error| self.bad_node(state, &error.into()));
        let mut offers = Vec::new();
        let mut fixed = Vec::new();
        for pool in snapshot.node_pools.values() {
            if pool.spec.replicas.is_some() {
                self.notes.push(format!(
                    "NodePool {} has a fixed number of replicas: no nodes are bought from it for pods",
                    name(pool)
                ));
                fixed.extend(offer(pool, snapshot, source));
                continue;
            }
            let ready = pools::check(pool, options.live);
            match ready.and_then(|()| self.pool(pool, snapshot, source, usage.get(name(pool)))) {
                Ok(ready) => {
                    offers.push(Offer::new(pool, Arc::clone(&ready.instance_types)));
                    self.problem.pools.push(ready);
                }
                Err(why) => self.not_ready.push((name(pool).to_owned(), why)),
            }
        }
        offers.extend(fixed);
        let overlays: Vec<NodeOverlay> = match options.overlays_off {
            true => vec![],
            false => snapshot.node_overlays.values().cloned().collect(),
        };
        self.apply_overlays(&overlays, &offers);
    }

    /// Puts overlays into force. The offers are those of the problem's pools in their order, and then those of pools that
    /// nothing is bought from here: overlays may be in conflict there.
    fn apply_overlays(&mut self, overlays: &[NodeOverlay], offers: &[Offer]) {
        let evaluation = overlays::evaluate(overlays, offers, &self.problem.well_known);
        for (pool, instance_types) in self.problem.pools.iter_mut().zip(evaluation.instance_types) {
            pool.instance_types = instance_types;
        }
        self.notes.extend(evaluation.outcomes.iter().map(|(name, outcome)| format!("NodeOverlay {name}: {outcome}")));
    }

    fn pool(
        &mut self,
        pool: &NodePool,
        snapshot: &Snapshot,
        source: &dyn InstanceTypeSource,
        usage: Option<&Resources>,
    ) -> Result<problem::NodePool, NotReady> {
        let requirements = pools::requirements(pool).map_err(|e| NotReady::Invalid(e.to_string()))?;
        let instance_types = self.instance_types(pool, snapshot, source)?;
        let mut remaining = pools::limits(pool);
        if let (Some(remaining), Some(usage)) = (&mut remaining, usage) {
            remaining.subtract_known(usage);
        }
        Ok(problem::NodePool {
            name: name(pool).into(),
            weight: pool.spec.weight.unwrap_or(0),
            requirements,
            taints: pools::taints(pool),
            instance_types,
            remaining,
        })
    }

    /// What the provider sells for the pool's node class. Without an API server a class that is not among the objects
    /// counts as ready, with the provider's defaults.
    fn instance_types(
        &mut self,
        pool: &NodePool,
        snapshot: &Snapshot,
        source: &dyn InstanceTypeSource,
    ) -> Result<Arc<[Arc<InstanceType>]>, NotReady> {
        let class_ref = &pool.spec.template.spec.node_class_ref;
        source.check_class(class_ref).map_err(|e| NotReady::Provider(e.to_string()))?;
        let class = snapshot.node_class(&class_ref.kind, &class_ref.name);
        if class.is_none() {
            self.notes.push(format!(
                "{} {} of NodePool {} is not among the objects: taken as ready, with defaults",
                class_ref.kind,
                class_ref.name,
                name(pool)
            ));
        }
        if let Some(why) = class.and_then(pools::class_not_ready) {
            return Err(why);
        }
        let types = source.instance_types(pool, class).map_err(|e| NotReady::Provider(e.to_string()))?;
        if types.is_empty() { Err(NotReady::Provider("no instance types are on offer".to_owned())) } else { Ok(types) }
    }

    /// Adds the nodes that may take pods, and those that are going away if something counts that stays on them.
    fn add_nodes(
        &mut self,
        states: &[NodeState<'_>],
        volumes: &VolumeIndex<'_>,
        residents: Vec<Vec<(usize, u32)>>,
        live: bool,
    ) {
        let types = TypeLimits::of(&self.problem.pools);
        for (state, residents) in states.iter().zip(residents) {
            if state.is_deleting() && residents.is_empty() {
                continue;
            }
            if !live && !state.is_known() {
                let claim = state.name();
                self.notes.push(format!("NodeClaim {claim} has not been launched: nothing is placed on it"));
                continue;
            }
            match state.for_scheduling() {
                Ok(node) => {
                    let mut node = Node { residents, ..node };
                    volumes.attach(state, &types, &mut node);
                    self.problem.nodes.push(node);
                }
                Err(error) => self.bad_node(state, &error),
            }
        }
    }

    fn bad_node(&mut self, state: &NodeState<'_>, error: &NodeError) {
        let entry = (format!("Node {}", state.name()), error.to_string());
        if !self.bad_input.contains(&entry) {
            self.bad_input.push(entry);
        }
    }

    fn add_daemons(&mut self, snapshot: &Snapshot) {
        let pods = DaemonPods::of(snapshot);
        for set in snapshot.daemon_sets.values() {
            match pods.pod(set) {
                Ok(pod) => self.problem.daemons.push(pod),
                Err(error) => self.bad_input.push((format!("DaemonSet {}", daemon_sets::name(set)), error.to_string())),
            }
        }
        self.problem.daemons.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Adds the pods that want a place, and what runs on each of the nodes as far as it concerns them.
    fn add_pods<'o>(
        &mut self,
        snapshot: &'o Snapshot,
        states: &[NodeState<'o>],
        volumes: &VolumeIndex<'_>,
        default_spread: &'o DefaultSpread,
    ) -> Vec<Vec<(usize, u32)>> {
        let mut batch = Batch::of(snapshot, default_spread);
        let pending =
            snapshot.waiting_pods().filter(|p| p.wants_a_node() && !is_expected(snapshot, p)).map(|p| (&**p, false));
        // Pods of nodes that are going away need a place too, and were let in once: they are not checked again.
        let leaving = states.iter().filter(|s| s.is_deleting()).flat_map(|s| &s.pods);
        let leaving = leaving.filter(|p| p.is_replaced() && !is_expected(snapshot, p)).map(|p| (*p, true));
        let mut wanting: Vec<(&PodRecord, bool)> = pending.chain(leaving).collect();
        wanting.sort_by(|(a, _), (b, _)| (&a.name, &a.uid).cmp(&(&b.name, &b.uid)));
        for (pod, moves) in wanting {
            if batch.add_like(pod, moves) {
                continue;
            }
            let class = if moves { pods::leaving(pod, volumes) } else { pods::pending(pod, volumes) };
            let heard = class.and_then(|class| Ok(batch.add(pod, moves, class)?));
            match heard {
                Ok(()) => {}
                Err(error) if error.is_bad_input() => {
                    self.bad_input.push((format!("Pod {}", pod.name), error.to_string()));
                }
                Err(error) => self.rejected.push((pod.name.to_string(), error)),
            }
        }
        let mut unreadable = Unreadable::default();
        let residents = Residents::of(states, &mut batch.sets, |pod, error| unreadable.add(pod, error));
        self.notes.extend(unreadable.notes());
        let mut sets = batch.close(residents.repelled(), &mut self.problem);
        residents.settle(&mut sets, &mut self.problem)
    }

    fn add_notes(&mut self) {}
}

/// What every pool has used of its limits: what its nodes have that stay, and the most that claims on their way may come to
/// have (specification "disruption" 7).
pub(crate) fn usage<'o>(
    snapshot: &'o Snapshot,
    states: &'o [NodeState<'o>],
    mut unreadable: impl FnMut(&NodeState<'o>, BadQuantity),
) -> BTreeMap<&'o str, Resources> {
    let mut usage: BTreeMap<&str, Resources> = BTreeMap::new();
    for state in states.iter().filter(|s| !s.is_deleting()) {
        match (state.pool(), state.capacity()) {
            (Some(pool), Ok(capacity)) => usage.entry(pool).or_default().add(&capacity),
            (_, Ok(_)) => {}
            (_, Err(error)) => unreadable(state, error),
        }
    }
    // Claims that have been asked for and are not there yet.
    for (_, charge) in snapshot.memory.charges.iter().filter(|(claim, _)| !snapshot.node_claims.contains(claim)) {
        let of_pool = usage.entry(&charge.pool).or_default();
        of_pool.add(&charge.most);
        of_pool.add(&Resources::new().with(NODES, 1));
    }
    usage
}

/// Whether a claim was made for the pod, or it has a node, so that it wants no other.
pub(crate) fn is_expected(snapshot: &Snapshot, pod: &PodRecord) -> bool {
    snapshot.memory.expected.get(&pod.name).is_some_and(|expected| expected.uid == pod.uid)
}

/// What cannot be read of the rules of running pods: by fault, the first pod that has it and how many others do.
#[derive(Default)]
struct Unreadable(BTreeMap<String, (String, usize)>);

impl Unreadable {
    fn add(&mut self, pod: &PodRecord, error: &RuleError) {
        let known = self.0.entry(error.to_string());
        known.and_modify(|(_, others)| *others += 1).or_insert_with(|| (pod.name.to_string(), 0));
    }

    fn notes(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|(fault, (pod, others))| {
            let others = if others > 0 { format!(" and {others} other(s)") } else { String::new() };
            format!("running pod {pod}{others} keeps nobody away by a rule that cannot be read: {fault}")
        })
    }
}

/// What a pool can buy, if that can be told at all.
fn offer(pool: &NodePool, snapshot: &Snapshot, source: &dyn InstanceTypeSource) -> Option<Offer> {
    let class_ref = &pool.spec.template.spec.node_class_ref;
    source.check_class(class_ref).ok()?;
    let types = source.instance_types(pool, snapshot.node_class(&class_ref.kind, &class_ref.name)).ok()?;
    Some(Offer::new(pool, types))
}

/// The name of a pool.
pub(crate) fn name(pool: &NodePool) -> &str {
    pool.metadata.name.as_deref().unwrap_or_default()
}

#[cfg(test)]
#[path = "provisioning_tests.rs"]
mod tests;
