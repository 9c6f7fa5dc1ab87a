//! Nodes in the scheduler's terms: what exists, what is on its way, and what is left on each.
//!
//! A node and its NodeClaim are two sides of one thing. Which side speaks depends on how far it has come: the claim until
//! the node is registered, the node from then on; what the kubelet has not reported yet, the claim fills in until the
//! node is initialized (specification "scheduling" 4.4). Nodes that are going away have no room left, but what stays on
//! them still counts.

use crate::pods;
use crate::ports::{self, PortError};
use crate::requests::{self, BadQuantity};
use dovetail_api::conditions::{self, node_claim::INSTANCE_TERMINATING};
use dovetail_api::labels;
use dovetail_api::node_claim::NodeClaim;
use dovetail_scheduler::problem::{HostPort, Node};
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::Resources;
use dovetail_scheduler::taint::{Effect, Taint};
use k8s_openapi::api::core::v1::{self as core, Pod};
use std::collections::{BTreeMap, BTreeSet};

/// The taint of a node that has been cordoned.
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Why a node cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// A quantity, its own or of a pod that runs there.
    #[error(transparent)]
    Quantity(#[from] BadQuantity),
    /// A port that a pod there takes.
    #[error("pod {pod}: {error}")]
    Ports {
        /// Namespace and name of the pod.
        pod: String,
        /// What is wrong with the port.
        error: PortError,
    },
}

/// A node with its claim, or either alone, and the pods on it.
#[derive(Debug)]
pub struct NodeState<'o> {
    /// The node, once there is one.
    pub node: Option<&'o core::Node>,
    /// The claim, if the node was bought.
    pub claim: Option<&'o NodeClaim>,
    /// The pods bound to it that have not come to their end.
    pub pods: Vec<&'o Pod>,
}

/// Brings nodes, claims and pods together, nodes and pods each in the order of their names.
pub fn join<'o>(nodes: &'o [core::Node], claims: &'o [NodeClaim], pods: &'o [Pod]) -> Vec<NodeState<'o>> {
    let mut bound: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
    for pod in pods.iter().filter(|p| !pods::is_terminal(p)) {
        if let Some(node) = pods::node_name(pod) {
            bound.entry(node).or_default().push(pod);
        }
    }
    let known = Known::of(claims);
    let mut joined: BTreeSet<usize> = BTreeSet::new();
    let mut out = vec![];
    for node in nodes {
        let name = node.metadata.name.as_deref().unwrap_or_default();
        let claim = known.claim_of(node, name);
        joined.extend(claim);
        let pods = bound.remove(name).unwrap_or_default();
        out.push(NodeState { node: Some(node), claim: claim.map(|c| &claims[c]), pods });
    }
    for state in &mut out {
        fn key(pod: &Pod) -> (&str, Option<&str>) {
            (pods::namespace(&pod.metadata), pod.metadata.name.as_deref())
        }
        state.pods.sort_by(|a, b| key(a).cmp(&key(b)));
    }
    let alone = claims.iter().enumerate().filter(|(c, _)| !joined.contains(c));
    out.extend(alone.map(|(_, claim)| NodeState { node: None, claim: Some(claim), pods: vec![] }));
    out.sort_by(|a, b| a.name().cmp(b.name()));
    out
}

/// Claims by what ties them to a node: the machine's identity, or else the node's name.
struct Known<'o> {
    by_machine: BTreeMap<&'o str, usize>,
    by_node: BTreeMap<&'o str, usize>,
}

impl<'o> Known<'o> {
    fn of(claims: &'o [NodeClaim]) -> Self {
        let mut out = Self { by_machine: BTreeMap::new(), by_node: BTreeMap::new() };
        for (c, status) in claims.iter().enumerate().filter_map(|(c, claim)| Some((c, claim.status.as_ref()?))) {
            match (&status.provider_id, &status.node_name) {
                (Some(machine), _) if !machine.is_empty() => out.by_machine.insert(machine, c),
                (_, Some(node)) => out.by_node.insert(node, c),
                _ => None,
            };
        }
        out
    }

    fn claim_of(&self, node: &core::Node, name: &str) -> Option<usize> {
        let machine = node.spec.as_ref().and_then(|s| s.provider_id.as_deref());
        machine.and_then(|m| self.by_machine.get(m)).or_else(|| self.by_node.get(name)).copied()
    }
}

impl NodeState<'_> {
    /// The node's name, or the claim's as long as there is no node.
    pub fn name(&self) -> &str {
        let node = self.node.and_then(|n| n.metadata.name.as_deref());
        node.or_else(|| self.claim.and_then(|c| c.metadata.name.as_deref())).unwrap_or_default()
    }

    fn node_label(&self, key: &str) -> Option<&str> {
        self.node.and_then(|n| n.metadata.labels.as_ref()).and_then(|l| l.get(key)).map(String::as_str)
    }

    fn is_registered(&self) -> bool {
        self.claim.is_none() || self.node_label(labels::REGISTERED) == Some("true")
    }

    /// Whether its kubelet is up and all it was bought for is there.
    pub fn is_initialized(&self) -> bool {
        self.claim.is_none() || (self.is_registered() && self.node_label(labels::INITIALIZED) == Some("true"))
    }

    /// Whether it is going away.
    pub fn is_deleting(&self) -> bool {
        match self.claim {
            Some(claim) => {
                claim.metadata.deletion_timestamp.is_some()
                    || claim.status.as_ref().is_some_and(|s| conditions::is_true(&s.conditions, INSTANCE_TERMINATING))
            }
            None => self.node.is_some_and(|n| n.metadata.deletion_timestamp.is_some()),
        }
    }

    /// Whether enough is known of it to place pods there: it was launched, and what it offers is known.
    pub fn is_known(&self) -> bool {
        match (self.node, self.claim) {
            (None, Some(claim)) => {
                let status = claim.status.as_ref();
                status.is_some_and(|s| s.provider_id.is_some() && s.allocatable.is_some())
            }
            _ => true,
        }
    }

    /// Labels of the side that speaks.
    fn labels(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        let of_node = self.node.and_then(|n| n.metadata.labels.as_ref());
        let of_claim = self.claim.and_then(|c| c.metadata.labels.as_ref());
        if self.is_registered() { of_node.or(of_claim) } else { of_claim.or(of_node) }.unwrap_or(&NONE)
    }

    /// The pool it was bought from.
    pub fn pool(&self) -> Option<&str> {
        self.labels().get(labels::NODEPOOL).map(String::as_str)
    }

    /// The instance type of the machine.
    pub fn instance_type(&self) -> Option<&str> {
        self.labels().get(labels::INSTANCE_TYPE).map(String::as_str)
    }

    /// What the machine has, for the limits of its pool: with `nodes: 1`.
    ///
    /// # Errors
    /// When a quantity cannot be read.
    pub fn capacity(&self) -> Result<Resources, BadQuantity> {
        let status = self.node.and_then(|n| n.status.as_ref()).and_then(|s| s.capacity.as_ref());
        let mut out =
            self.reported("status.capacity", status, self.claim.and_then(|c| c.status.as_ref()?.capacity.as_ref()))?;
        out.set(dovetail_scheduler::resources::NODES, 1);
        Ok(out)
    }

    fn allocatable(&self) -> Result<Resources, BadQuantity> {
        let status = self.node.and_then(|n| n.status.as_ref()).and_then(|s| s.allocatable.as_ref());
        self.reported("status.allocatable", status, self.claim.and_then(|c| c.status.as_ref()?.allocatable.as_ref()))
    }

    /// What the node reports; what it does not yet, the claim promises until the node is initialized.
    fn reported(
        &self,
        field: &str,
        node: Option<&BTreeMap<String, k8s_openapi::apimachinery::pkg::api::resource::Quantity>>,
        claim: Option<&BTreeMap<String, dovetail_api::quantity::Quantity>>,
    ) -> Result<Resources, BadQuantity> {
        let mut out = match node {
            Some(quantities) => requests::read(field, quantities)?,
            None => Resources::new(),
        };
        if !self.is_initialized() {
            let promised = Resources::from_quantities(claim.into_iter().flatten());
            for (resource, amount) in promised.iter() {
                if out.get(resource) == 0 {
                    out.set(resource.clone(), amount);
                }
            }
        }
        Ok(out)
    }

    /// The taints that keep pods away for good. Until a bought node is initialized, those that it will lose by then do
    /// not count: its startup taints and the ones that every node has at first.
    fn taints(&self) -> Vec<Taint> {
        let on_node = self.node.and_then(|n| n.spec.as_ref()).and_then(|s| s.taints.as_ref());
        let on_node = on_node.into_iter().flatten().filter_map(|t| {
            Some(Taint {
                key: t.key.as_str().into(),
                value: t.value.as_deref().unwrap_or_default().into(),
                effect: Effect::parse(&t.effect)?,
            })
        });
        // The control plane taints a node that is cordoned; a manifest that it has never seen says so in one place only.
        let cordoned = self.node.and_then(|n| n.spec.as_ref()).is_some_and(|s| s.unschedulable == Some(true));
        let cordon = Taint { key: UNSCHEDULABLE.into(), value: "".into(), effect: Effect::NoSchedule };
        let of_claim = |taints: &Option<Vec<dovetail_api::node_pool::Taint>>| -> Vec<Taint> {
            taints.iter().flatten().map(crate::pools::taint).collect()
        };
        let mut taints: Vec<Taint> = match self.claim {
            Some(claim) if !self.is_registered() => of_claim(&claim.spec.taints),
            _ => on_node.collect(),
        };
        if cordoned && !taints.iter().any(|t| t.key == cordon.key && t.effect == cordon.effect) {
            taints.push(cordon);
        }
        if let Some(claim) = self.claim.filter(|_| !self.is_initialized()) {
            let startup = of_claim(&claim.spec.startup_taints);
            let passing = |t: &Taint| {
                labels::is_ephemeral_taint(&t.key, &format!("{:?}", t.effect))
                    || startup.iter().any(|s| s.key == t.key && s.effect == t.effect)
            };
            taints.retain(|t| !passing(t));
        }
        taints
    }

    /// The node as the scheduler sees it, but for who lives there. One that is going away has no room for anybody.
    ///
    /// # Errors
    /// When a quantity or a port cannot be read.
    pub fn for_scheduling(&self) -> Result<Node, NodeError> {
        let name = self.name();
        let mut node_labels = self.labels().clone();
        let hostname = || self.node_label(labels::HOSTNAME).unwrap_or(name).to_owned();
        node_labels.entry(labels::HOSTNAME.to_owned()).or_insert_with(hostname);
        let node = Node {
            name: name.into(),
            initialized: self.is_initialized(),
            labels: Requirements::from_labels(&node_labels),
            taints: self.taints(),
            leaving: self.is_deleting(),
            ..Node::default()
        };
        if node.leaving {
            return Ok(node);
        }
        let (available, bound_daemons) = self.room()?;
        Ok(Node { available, bound_daemons, ports: self.ports_taken()?, ..node })
    }

    /// What is left of the node, and what DaemonSet pods have of the rest.
    fn room(&self) -> Result<(Resources, Resources), BadQuantity> {
        let mut available = self.allocatable()?;
        let mut bound_daemons = Resources::new();
        for pod in &self.pods {
            let Some(spec) = &pod.spec else { continue };
            let requests = requests::of_pod(spec, pod.status.as_ref())?;
            available.subtract_known(&requests);
            if pods::is_daemon(pod) {
                bound_daemons.add(&requests);
            }
        }
        Ok((available, bound_daemons))
    }

    /// The ports that are taken; those of a pod that is about to end, too, as long as it is there.
    fn ports_taken(&self) -> Result<Vec<HostPort>, NodeError> {
        let mut out = vec![];
        for (pod, spec) in self.pods.iter().filter_map(|pod| Some((pod, pod.spec.as_ref()?))) {
            out.extend(ports::of_pod(spec).map_err(|error| NodeError::Ports { pod: pods::name(pod), error })?);
        }
        out.sort();
        out.dedup();
        Ok(out)
    }
}
