//! kube-scheduler, as far as worlds without spread and affinity rules need one: it filters nodes by what a pod selects,
//! tolerates and requests, keeps to the node that a pod was nominated for if it is one of those, and else takes the
//! emptiest. Pods that ask for more are placed as though they had not asked: leave them out of such worlds.

use dovetail_engine::cluster::{Kind, Object};
use dovetail_engine::pods;
use dovetail_scheduler::problem::PodClass;
use dovetail_scheduler::requirement::Name;
use dovetail_scheduler::requirements::{Requirements, WellKnown};
use dovetail_scheduler::resources::{self, Resources};
use dovetail_scheduler::taint::{Effect, Taint, untolerated};
use k8s_openapi::api::core::v1::{Node, Pod};
use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::api_server::{ApiServer, node_name};

/// A node as the scheduler sees it.
#[derive(Debug)]
struct Room {
    labels: Requirements,
    taints: Vec<Taint>,
    total: Resources,
    free: Resources,
}

/// The nodes of a cluster and what is left on each.
#[derive(Debug, Default)]
pub struct Rooms {
    by_node: BTreeMap<String, Room>,
}

/// Where a pod goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Onto this node.
    Node(String),
    /// Nowhere.
    Nowhere,
}

impl Rooms {
    /// The nodes that are ready, less what runs on them.
    pub fn of(server: &ApiServer) -> Self {
        let nodes = server.list(Kind::Node).filter_map(|(_, object)| match object {
            Object::Node(node) if is_ready(node) => Some((node.metadata.name.clone()?, Room::of(node))),
            _ => None,
        });
        let mut rooms = Self { by_node: nodes.collect() };
        for pod in server.pods().filter(|pod| !pods::is_terminal(pod)) {
            if let (Some(node), Ok(class)) = (node_name(pod), pods::class(pod)) {
                rooms.take(node, &class.requests);
            }
        }
        rooms
    }

    /// Finds a place for a pod, and takes it.
    pub fn place(&mut self, pod: &Pod) -> Placement {
        let Ok(class) = pods::class(pod) else { return Placement::Nowhere };
        let nominated = pod.status.as_ref().and_then(|status| status.nominated_node_name.as_deref());
        let fits = |name: &&str| self.by_node.get(*name).is_some_and(|room| room.takes(&class));
        let emptiest = || {
            let fitting = self.by_node.iter().filter(|(_, room)| room.takes(&class));
            let best = fitting.max_by_key(|(name, room)| (room.emptiness(), Reverse(name.as_str())));
            best.map(|(name, _)| name.as_str())
        };
        let Some(name) = nominated.filter(fits).or_else(emptiest).map(str::to_owned) else { return Placement::Nowhere };
        self.take(&name, &class.requests);
        Placement::Node(name)
    }

    /// Whether something is left of every node: no more runs on one than it has.
    pub fn overfull(&self) -> Option<&str> {
        let short = |room: &Room| room.free.iter().any(|(_, left)| left < 0);
        self.by_node.iter().find(|(_, room)| short(room)).map(|(name, _)| name.as_str())
    }

    fn take(&mut self, node: &str, requests: &Resources) {
        if let Some(room) = self.by_node.get_mut(node) {
            for (resource, amount) in requests.iter() {
                let left = room.free.get(resource) - amount;
                room.free.set(resource.clone(), left);
            }
        }
    }
}

impl Room {
    fn of(node: &Node) -> Self {
        let spec = node.spec.as_ref();
        let taints = spec.and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
        let taints = taints.iter().filter_map(|taint| {
            let value = taint.value.as_deref().unwrap_or_default();
            Some(Taint { key: Name::from(&*taint.key), value: value.into(), effect: Effect::parse(&taint.effect)? })
        });
        let closed = spec.and_then(|spec| spec.unschedulable).unwrap_or(false).then(|| Taint {
            key: Name::from("node.kubernetes.io/unschedulable"),
            value: Name::from(""),
            effect: Effect::NoSchedule,
        });
        let allocatable = node.status.as_ref().and_then(|status| status.allocatable.as_ref());
        let amounts = allocatable
            .into_iter()
            .flatten()
            .filter_map(|(name, quantity)| Some((name.as_str(), resources::amount(name, &quantity.0.parse().ok()?))));
        let total: Resources = amounts.collect();
        Self {
            labels: Requirements::from_labels(node.metadata.labels.iter().flatten()),
            taints: taints.chain(closed).filter(|taint| taint.effect != Effect::PreferNoSchedule).collect(),
            free: total.clone(),
            total,
        }
    }

    fn takes(&self, class: &PodClass) -> bool {
        let none = WellKnown::new();
        let selected = class.selection.strict().iter().any(|way| self.labels.compatible(way, &none).is_ok());
        selected
            && untolerated(&self.taints, &class.tolerations).next().is_none()
            && class.requests.iter().all(|(resource, amount)| amount == 0 || amount <= self.free.get(resource))
    }

    /// How empty it is, in thousandths, by CPU and memory alike.
    fn emptiness(&self) -> i64 {
        let part = |resource: &str| match self.total.get(resource) {
            0 => 0,
            total => self.free.get(resource).saturating_mul(500) / total,
        };
        part("cpu") + part("memory")
    }
}

/// Whether the kubelet takes pods.
pub(crate) fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True")
}
