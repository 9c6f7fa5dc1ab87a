//! Nodes in the scheduler's terms: what exists, what is on its way, and what is left on each.
//!
//! A node and its NodeClaim are two sides of one thing. Which side speaks depends on how far it has come: the claim until
//! the node is registered, the node from then on; what the kubelet has not reported yet, the claim fills in until the
//! node is initialized (specification "scheduling" 4.4). Nodes that are going away have no room left, but what stays on
//! them still counts.

use crate::cluster::{ClaimRecord, PodRecord, Snapshot};
use crate::ports::PortError;
use crate::requests::{self, BadQuantity};
use dovetail_api::conditions::{self, node_claim::INSTANCE_TERMINATING};
use dovetail_api::labels;
use dovetail_api::requirement::Operator;
use dovetail_scheduler::problem::{HostPort, Node};
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::Resources;
use dovetail_scheduler::taint::{Effect, Taint};
use k8s_openapi::api::core::v1 as core;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
    pub claim: Option<&'o ClaimRecord>,
    /// The pods bound to it that have not come to their end, and those that it was bought for and that are on their way.
    pub pods: Vec<&'o PodRecord>,
    /// What it may come to have, as long as it has not been launched.
    charge: Option<&'o Resources>,
    /// Whether it is going to be deleted although no object says so yet.
    pub is_marked: bool,
}

/// Brings nodes, claims and pods together, nodes and pods each in the order of their names.
pub fn join(snapshot: &Snapshot) -> Vec<NodeState<'_>> {
    let nominated = Nominated::of(snapshot);
    let mut joined: BTreeSet<&str> = BTreeSet::new();
    let mut out = vec![];
    for (name, node) in snapshot.nodes.iter() {
        // Of several claims, which should not be, the first speaks, and none of the others counts as a node of its own.
        let claims = snapshot.claims_for(node);
        let claim = claims.first().and_then(|claim| snapshot.node_claims.get(claim)).map(Arc::as_ref);
        joined.extend(claims.iter().map(Arc::as_ref));
        out.push(NodeState::of(snapshot, Some((name, node)), claim, &nominated));
    }
    let alone = snapshot.node_claims.values().filter(|claim| !joined.contains(claim.name()));
    out.extend(alone.map(|claim| NodeState::of(snapshot, None, Some(claim), &nominated)));
    out.sort_by(|a, b| a.name().cmp(b.name()));
    out
}

/// The pods that wait and have been told a node, by its name.
struct Nominated<'o>(BTreeMap<&'o str, Vec<&'o PodRecord>>);

impl<'o> Nominated<'o> {
    fn of(snapshot: &'o Snapshot) -> Self {
        let mut out: BTreeMap<&str, Vec<&PodRecord>> = BTreeMap::new();
        for pod in snapshot.waiting_pods() {
            if let Some(node) = pod.nominated.as_deref() {
                out.entry(node).or_default().push(pod);
            }
        }
        Self(out)
    }

    fn on(&self, node: &str) -> impl Iterator<Item = &'o PodRecord> {
        self.0.get(node).into_iter().flatten().copied()
    }
}

impl<'o> NodeState<'o> {
    fn of(
        snapshot: &'o Snapshot,
        node: Option<(&'o Arc<str>, &'o Arc<core::Node>)>,
        claim: Option<&'o ClaimRecord>,
        nominated: &Nominated<'o>,
    ) -> Self {
        let claim_name = claim.map(ClaimRecord::name);
        let mut pods: Vec<&PodRecord> = vec![];
        let awaited = expected(snapshot, claim_name).count();
        match node {
            Some((name, _)) => {
                pods.extend(snapshot.pods_on(name).map(Arc::as_ref));
                pods.extend(nominated.on(name));
            }
            None => pods.extend(claim.and_then(named_node).into_iter().flat_map(|name| nominated.on(name))),
        }
        // Those that are bound come in the order of their names.
        if awaited > 0 || pods.iter().any(|pod| pod.node.is_none()) {
            pods.extend(expected(snapshot, claim_name));
            pods.sort_by(|a, b| (&a.name, &a.uid).cmp(&(&b.name, &b.uid)));
            pods.dedup_by(|a, b| a.uid == b.uid && a.name == b.name);
        }
        Self {
            node: node.map(|(_, node)| &**node),
            claim,
            pods,
            charge: claim_name.and_then(|claim| snapshot.memory.charges.get(claim)).map(|charge| &charge.most),
            is_marked: claim_name.is_some_and(|claim| snapshot.memory.leaving.contains(claim)),
        }
    }
}

/// The pods that the claim was made for and that are on their way.
fn expected<'o>(snapshot: &'o Snapshot, claim: Option<&str>) -> impl Iterator<Item = &'o PodRecord> {
    let names = claim.and_then(|claim| snapshot.memory.expecting.get(claim)).map(Arc::as_ref);
    names.into_iter().flatten().filter_map(|name| {
        let expected = snapshot.memory.expected.get(name)?;
        snapshot.pods.get(name).map(Arc::as_ref).filter(|pod| pod.uid == expected.uid)
    })
}

fn named_node(claim: &ClaimRecord) -> Option<&str> {
    claim.object.status.as_ref().and_then(|s| s.node_name.as_deref())
}

impl NodeState<'_> {
    /// The node's name, or the claim's as long as there is no node.
    pub fn name(&self) -> &str {
        let node = self.node.and_then(|n| n.metadata.name.as_deref());
        node.or_else(|| self.claim.map(ClaimRecord::name)).unwrap_or_default()
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
                self.is_marked
                    || claim.is_deleting()
                    || claim
                        .object
                        .status
                        .as_ref()
                        .is_some_and(|s| conditions::is_true(&s.conditions, INSTANCE_TERMINATING))
            }
            None => self.node.is_some_and(|n| n.metadata.deletion_timestamp.is_some()),
        }
    }

    /// Whether it is but a claim so far: nobody knows yet what it will be like.
    pub fn is_wish(&self) -> bool {
        self.node.is_none() && !self.is_known()
    }

    /// Whether enough is known of it to place pods there: it was launched, and what it offers is known.
    pub fn is_known(&self) -> bool {
        match (self.node, self.claim) {
            (None, Some(claim)) => {
                let status = claim.object.status.as_ref();
                status.is_some_and(|s| s.provider_id.is_some() && s.allocatable.is_some())
            }
            _ => true,
        }
    }

    /// Labels of the side that speaks.
    fn labels(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        let of_node = self.node.and_then(|n| n.metadata.labels.as_ref());
        let of_claim = self.claim.and_then(|c| c.object.metadata.labels.as_ref());
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
        let mut out = self.reported(
            "status.capacity",
            status,
            self.claim.and_then(|c| c.object.status.as_ref()?.capacity.as_ref()),
        )?;
        if self.is_wish() {
            out = self.charge.cloned().unwrap_or_else(|| self.wished_for());
        }
        out.set(dovetail_scheduler::resources::NODES, 1);
        Ok(out)
    }

    /// What the claim asks for: its pods and the DaemonSets that any of its types would carry.
    fn wished_for(&self) -> Resources {
        let requests = self.claim.and_then(|claim| claim.object.spec.resources.requests.as_ref());
        Resources::from_quantities(requests.into_iter().flatten())
    }

    /// A claim that has not been launched, as far as it is certain what it will be like: labels of which there is but one
    /// value, and room for what it asks for, less what those have of it that it was made for.
    ///
    /// # Errors
    /// When a port of a pod on its way cannot be read.
    fn as_wish(&self) -> Result<Node, NodeError> {
        let mut node_labels = self.labels().clone();
        let requirements = self.claim.map(|claim| &*claim.requirements).unwrap_or_default();
        for requirement in requirements.iter().filter(|r| r.operator == Operator::In) {
            if let [value] = requirement.values.as_slice() {
                node_labels.entry(requirement.key.clone()).or_insert_with(|| value.clone());
            }
        }
        node_labels.entry(labels::HOSTNAME.to_owned()).or_insert_with(|| self.name().to_owned());
        let mut available = self.wished_for();
        for pod in &self.pods {
            available.subtract_known(pod.requests()?);
        }
        Ok(Node {
            name: self.name().into(),
            labels: Requirements::from_labels(&node_labels),
            taints: self.taints(),
            leaving: self.is_deleting(),
            available,
            ports: self.ports_taken()?,
            ..Node::default()
        })
    }

    fn allocatable(&self) -> Result<Resources, BadQuantity> {
        let status = self.node.and_then(|n| n.status.as_ref()).and_then(|s| s.allocatable.as_ref());
        self.reported(
            "status.allocatable",
            status,
            self.claim.and_then(|c| c.object.status.as_ref()?.allocatable.as_ref()),
        )
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
            Some(claim) if !self.is_registered() => of_claim(&claim.object.spec.taints),
            _ => on_node.collect(),
        };
        if cordoned && !taints.iter().any(|t| t.key == cordon.key && t.effect == cordon.effect) {
            taints.push(cordon);
        }
        if let Some(claim) = self.claim.filter(|_| !self.is_initialized()) {
            let startup = of_claim(&claim.object.spec.startup_taints);
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
        if self.is_wish() {
            return self.as_wish();
        }
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
            let requests = pod.requests()?;
            available.subtract_known(requests);
            if pod.shape.is_daemon {
                bound_daemons.add(requests);
            }
        }
        Ok((available, bound_daemons))
    }

    /// The ports that are taken; those of a pod that is about to end, too, as long as it is there.
    fn ports_taken(&self) -> Result<Vec<HostPort>, NodeError> {
        let mut out = vec![];
        for pod in &self.pods {
            let ports = pod.shape.ports.as_ref();
            let ports = ports.map_err(|error| NodeError::Ports { pod: pod.name.to_string(), error: error.clone() })?;
            out.extend(ports.iter().cloned());
        }
        out.sort();
        out.dedup();
        Ok(out)
    }
}
