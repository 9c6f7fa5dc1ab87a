//! A pod as the cluster model keeps it: what differs from one replica to the next, and a shape shared by all of them. What
//! the pod means for a round or a drain is decided elsewhere; here is what it says of itself.

use super::shape::{Shape, Shapes};
use crate::pods;
use crate::requests::{self, BadQuantity};
use dovetail_api::labels;
use dovetail_scheduler::resources::Resources;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::jiff::Timestamp;
use std::sync::Arc;

/// How far a pod has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Its containers do not run yet.
    #[default]
    Pending,
    /// It runs.
    Running,
    /// It has ended well.
    Succeeded,
    /// It has ended badly.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// What has been said about where a pod goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Placing {
    /// Nothing yet.
    #[default]
    Undecided,
    /// There is no node for it: kube-scheduler says so.
    Unschedulable,
    /// It may not be placed yet, or somebody else's word stands in the way.
    HeldBack,
    /// It has a node.
    Placed,
}

/// One pod.
#[derive(Clone, Debug)]
pub struct PodRecord {
    /// `namespace/name`.
    pub name: Arc<str>,
    /// Its UID.
    pub uid: Arc<str>,
    /// The node that it is bound to.
    pub node: Option<Arc<str>>,
    /// The node that it is meant for (`status.nominatedNodeName`).
    pub nominated: Option<Arc<str>>,
    /// How far it has come.
    pub phase: Phase,
    /// What kube-scheduler says.
    pub placing: Placing,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When the kubelet took it on.
    pub started: Option<Timestamp>,
    /// Until when it may take to end, if it has been told to.
    pub deleted: Option<Timestamp>,
    /// When it got its node.
    pub bound: Option<Timestamp>,
    /// Since when it is ready, or is not; nothing if nobody has said.
    pub ready: Option<(bool, Timestamp)>,
    /// How dear its deletion is to its workload; 0 unless an annotation says otherwise.
    pub deletion_cost: i32,
    /// What it requests while a container of it is being resized, where that is not what its shape says.
    pub resized: Option<Arc<Result<Resources, BadQuantity>>>,
    /// What it has in common with others.
    pub shape: Arc<Shape>,
}

impl PartialEq for PodRecord {
    /// Whether they are the same to whoever decides.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shape, &other.shape)
            && self.uid == other.uid
            && self.node == other.node
            && self.nominated == other.nominated
            && (self.phase, self.placing) == (other.phase, other.placing)
            && (self.created, self.started, self.deleted) == (other.created, other.started, other.deleted)
            && (self.bound, self.ready, self.deletion_cost) == (other.bound, other.ready, other.deletion_cost)
            && self.resized == other.resized
            && self.name == other.name
    }
}

impl PodRecord {
    /// Reads a pod. `node_name` gives the name of a node as it is known already, to be shared.
    pub(crate) fn of(pod: &Pod, shapes: &mut Shapes, shared: impl Fn(&str) -> Arc<str>) -> Self {
        Self::with(pod, shapes.of(pod), shared)
    }

    /// Reads a pod of that shape.
    pub(crate) fn with(pod: &Pod, shape: Arc<Shape>, shared: impl Fn(&str) -> Arc<str>) -> Self {
        let status = pod.status.as_ref();
        let condition = |type_: &str| status?.conditions.iter().flatten().find(|c| c.type_ == type_);
        let since = |c: &PodCondition| c.last_transition_time.as_ref().map_or(Timestamp::UNIX_EPOCH, |t| t.0);
        let node = pods::node_name(pod).map(&shared);
        let scheduled = condition("PodScheduled");
        let cost = pod.metadata.annotations.as_ref().and_then(|a| a.get(labels::POD_DELETION_COST));
        Self {
            name: pods::name(pod).into(),
            uid: pod.metadata.uid.as_deref().unwrap_or_default().into(),
            nominated: status.and_then(|s| s.nominated_node_name.as_deref()).filter(|n| !n.is_empty()).map(&shared),
            phase: phase(status.and_then(|s| s.phase.as_deref())),
            placing: placing(scheduled, node.is_some(), pods::is_gated(pod)),
            created: pod.metadata.creation_timestamp.as_ref().map(|t| t.0),
            started: status.and_then(|s| s.start_time.as_ref()).map(|t| t.0),
            deleted: pod.metadata.deletion_timestamp.as_ref().map(|t| t.0),
            bound: scheduled.filter(|c| c.status == "True").map(since),
            ready: condition("Ready").map(|c| (c.status == "True", since(c))),
            deletion_cost: cost.and_then(|c| c.parse().ok()).unwrap_or(0),
            resized: resized(pod, &shape),
            node,
            shape,
        }
    }

    /// What it requests of a node, with `pods: 1`.
    ///
    /// # Errors
    /// When a quantity of it cannot be read.
    pub fn requests(&self) -> Result<&Resources, BadQuantity> {
        match &self.resized {
            Some(resized) => resized.as_ref().as_ref().map_err(Clone::clone),
            None => self.shape.requests.as_ref().map_err(Clone::clone),
        }
    }

    /// Whether it needs what every pod of its shape needs: it has no volumes, which may be its own, and is not being resized.
    pub(crate) fn is_like_its_shape(&self) -> bool {
        !self.shape.has_claims && self.resized.is_none()
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.shape.namespace()
    }

    /// Its name within the namespace.
    pub fn short_name(&self) -> &str {
        super::kind::short_name(&self.name)
    }

    /// Whether it has run to its end.
    pub fn is_terminal(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }

    /// Whether it has been told to end.
    pub fn is_terminating(&self) -> bool {
        self.deleted.is_some()
    }

    /// Whether it neither has ended nor was told to.
    pub fn is_active(&self) -> bool {
        !self.is_terminal() && !self.is_terminating()
    }

    /// Whether an object of this kind owns it, by exact version and kind.
    pub fn is_owned_by(&self, api_version: &str, kind: &str) -> bool {
        pods::is_owned_by(&self.shape.pod, api_version, kind)
    }

    /// Its owners.
    pub fn owners(&self) -> &[OwnerReference] {
        self.shape.pod.metadata.owner_references.as_deref().unwrap_or_default()
    }

    /// Whether a node should be bought for it unless it is expected somewhere: kube-scheduler has found none for it, and no
    /// other rule holds it back (specification "scheduling" 2.1).
    pub fn wants_a_node(&self) -> bool {
        self.placing == Placing::Unschedulable
            && self.node.is_none()
            && self.nominated.is_none()
            && self.is_active()
            && !self.shape.is_daemon
            && !self.shape.is_mirror
    }

    /// Whether it will need another place when its node goes away.
    pub fn is_reschedulable(&self) -> bool {
        (self.is_active()
            || (self.is_terminating() && !self.is_terminal() && self.is_owned_by("apps/v1", "StatefulSet")))
            && !self.shape.is_daemon
            && !self.shape.is_mirror
    }

    /// What the annotation that protects it from disruption says, if it is there.
    pub fn do_not_disrupt(&self) -> Option<&str> {
        let annotations = self.shape.pod.metadata.annotations.as_ref()?;
        annotations.get(labels::DO_NOT_DISRUPT).map(String::as_str)
    }

    /// Whether it is placed anew when its node goes away.
    pub fn is_replaced(&self) -> bool {
        self.is_reschedulable() && self.do_not_disrupt() != Some("true")
    }
}

fn phase(text: Option<&str>) -> Phase {
    match text {
        None | Some("" | "Pending") => Phase::Pending,
        Some("Running") => Phase::Running,
        Some("Succeeded") => Phase::Succeeded,
        Some("Failed") => Phase::Failed,
        Some(_) => Phase::Unknown,
    }
}

fn placing(condition: Option<&PodCondition>, has_node: bool, is_gated: bool) -> Placing {
    match condition.and_then(|c| c.reason.as_deref()) {
        _ if has_node => Placing::Placed,
        _ if is_gated => Placing::HeldBack,
        Some("Unschedulable") => Placing::Unschedulable,
        Some(reason) if !reason.is_empty() => Placing::HeldBack,
        _ => Placing::Undecided,
    }
}

/// What a pod requests whose containers have something else than they ask for.
fn resized(pod: &Pod, shape: &Shape) -> Option<Arc<Result<Resources, BadQuantity>>> {
    let status = pod.status.as_ref()?;
    let statuses = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
    statuses.into_iter().find(|s| s.resources.is_some())?;
    let has = requests::of_pod(pod.spec.as_ref()?, Some(status));
    (has != shape.requests).then(|| Arc::new(has))
}
