//! What the replicas of a workload have in common, kept once for all of them, and what follows from it, worked out once.
//!
//! A pod is reduced to what decisions read of it; pods that are then equal but for name, node and state share a shape. What
//! a pod is like by itself is told by its record.

use crate::pods::{self, PodError};
use crate::ports::{self, PortError};
use crate::requests::{self, BadQuantity};
use crate::selection::{self, SelectionError};
use dovetail_api::labels;
use dovetail_scheduler::problem::{HostPort, PodClass};
use dovetail_scheduler::resources::Resources;
use k8s_openapi::api::core::v1::{
    Affinity, Container, ContainerPort, Pod, PodAffinity, PodAntiAffinity, PodResourceClaim, PodSchedulingGate,
    PodSpec, ResourceRequirements, Toleration, TopologySpreadConstraint, Volume,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use rustc_hash::FxHashMap;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The annotations of pods that decisions read and that replicas have in common.
const ANNOTATIONS: &[&str] = &[labels::DO_NOT_DISRUPT];

/// What some pods have in common.
#[derive(Debug)]
pub struct Shape {
    /// A pod without a name, with namespace, labels, owners, and as much of the spec as decisions read.
    pub pod: Pod,
    /// What it requests of a node by its spec, with `pods: 1`.
    pub requests: Result<Resources, BadQuantity>,
    /// The ports of the node that it wants for itself.
    pub ports: Result<Vec<HostPort>, PortError>,
    /// What it needs by itself, its volumes left aside.
    pub class: Result<PodClass, PodError>,
    /// Why it cannot be helped although its class can be read.
    pub refusals: Vec<SelectionError>,
    /// Whether it uses claims of volumes.
    pub has_claims: bool,
    /// Whether a DaemonSet made it.
    pub is_daemon: bool,
    /// Whether it mirrors a static pod of a kubelet.
    pub is_mirror: bool,
}

impl Shape {
    /// What follows from such a pod.
    fn of(pod: Pod) -> Self {
        let class = pods::class(&pod);
        let spec = pod.spec.as_ref();
        let refusals = match (spec, &class) {
            (Some(spec), Ok(class)) => selection::check(spec, &class.selection),
            _ => vec![],
        };
        Self {
            requests: spec.map_or_else(|| Ok(Resources::new()), |spec| requests::of_pod(spec, None)),
            ports: spec.map_or_else(|| Ok(vec![]), ports::of_pod),
            class,
            refusals,
            has_claims: spec.is_some_and(|s| s.volumes.as_ref().is_some_and(|v| !v.is_empty())),
            is_daemon: pods::is_daemon(&pod),
            is_mirror: pods::is_mirror(&pod),
            pod,
        }
    }

    /// The namespace of its pods.
    pub fn namespace(&self) -> &str {
        pods::namespace(&self.pod.metadata)
    }

    /// Its spec, as far as decisions read it.
    pub fn spec(&self) -> Option<&PodSpec> {
        self.pod.spec.as_ref()
    }
}

/// Shapes, each once.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    known: FxHashMap<Box<[u8]>, Arc<Shape>>,
    /// How many there were when those in use were last told from the others.
    swept: usize,
    text: Vec<u8>,
}

impl Shapes {
    /// The shape of a pod.
    pub(crate) fn of(&mut self, pod: &Pod) -> Arc<Shape> {
        self.text.clear();
        // Maps of texts and plain structs: there is nothing in it that JSON could not say.
        let written = serde_json::to_writer(&mut self.text, &Look::of(pod));
        if let (Ok(()), Some(known)) = (&written, self.known.get(&*self.text)) {
            return Arc::clone(known);
        }
        let reduced = serde_json::from_slice(&self.text).unwrap_or_else(|_| pod.clone());
        let shape = Arc::new(Shape::of(reduced));
        if self.known.len() > 2 * self.swept + 1024 {
            self.known.retain(|_, shape| Arc::strong_count(shape) > 1);
            self.swept = self.known.len();
        }
        self.known.insert(self.text.as_slice().into(), Arc::clone(&shape));
        shape
    }

    /// How many shapes are known.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }
}

/// What decisions read of a pod and replicas have in common. It is written as the manifest of a pod, which is at once what
/// tells shapes apart and what a shape is read from.
#[derive(Serialize)]
struct Look<'p> {
    metadata: Metadata<'p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<Spec<'p>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'p> {
    namespace: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<&'p BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'p str, &'p str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owner_references: Vec<Owner<'p>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Owner<'p> {
    api_version: &'p str,
    kind: &'p str,
    name: &'p str,
    uid: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    controller: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'p> {
    containers: Vec<ContainerLook<'p>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    init_containers: Vec<ContainerLook<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_selector: Option<&'p BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    affinity: Option<AffinityLook<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tolerations: Option<&'p Vec<Toleration>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topology_spread_constraints: Option<&'p Vec<TopologySpreadConstraint>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volumes: Vec<&'p Volume>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overhead: Option<&'p BTreeMap<String, Quantity>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    runtime_class_name: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduling_gates: Option<&'p Vec<PodSchedulingGate>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority_class_name: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_network: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_claims: Option<&'p Vec<PodResourceClaim>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<&'p ResourceRequirements>,
    #[serde(skip_serializing_if = "Option::is_none")]
    termination_grace_period_seconds: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AffinityLook<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    node_affinity: Option<&'p k8s_openapi::api::core::v1::NodeAffinity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod_affinity: Option<&'p PodAffinity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod_anti_affinity: Option<&'p PodAntiAffinity>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContainerLook<'p> {
    name: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<&'p ResourceRequirements>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    ports: &'p [ContainerPort],
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_policy: Option<&'p str>,
}

impl<'p> Look<'p> {
    fn of(pod: &'p Pod) -> Self {
        let is_daemon = pods::is_daemon(pod);
        let annotations = pod.metadata.annotations.iter().flatten();
        let annotations = annotations.filter(|(key, _)| ANNOTATIONS.contains(&key.as_str()));
        Self {
            metadata: Metadata {
                namespace: pods::namespace(&pod.metadata),
                labels: pod.metadata.labels.as_ref(),
                annotations: annotations.map(|(key, value)| (key.as_str(), value.as_str())).collect(),
                owner_references: pod.metadata.owner_references.iter().flatten().map(Owner::of).collect(),
            },
            spec: pod.spec.as_ref().map(|spec| Spec::of(spec, is_daemon)),
        }
    }
}

impl<'p> Owner<'p> {
    fn of(owner: &'p OwnerReference) -> Self {
        // Every node has its own mirror pods: which node that is, is told by the pod being there.
        let is_node = owner.api_version == "v1" && owner.kind == "Node";
        Self {
            api_version: &owner.api_version,
            kind: &owner.kind,
            name: if is_node { "" } else { &owner.name },
            uid: if is_node { "" } else { &owner.uid },
            controller: owner.controller,
        }
    }
}

impl<'p> Spec<'p> {
    fn of(spec: &'p PodSpec, is_daemon: bool) -> Self {
        let claims = |v: &&Volume| v.persistent_volume_claim.is_some() || v.ephemeral.is_some();
        let look = |container| ContainerLook::of(container, spec.host_network == Some(true));
        Self {
            containers: spec.containers.iter().map(look).collect(),
            init_containers: spec.init_containers.iter().flatten().map(look).collect(),
            node_selector: spec.node_selector.as_ref(),
            affinity: spec.affinity.as_ref().map(|a| AffinityLook::of(a, is_daemon)),
            tolerations: spec.tolerations.as_ref(),
            topology_spread_constraints: spec.topology_spread_constraints.as_ref(),
            volumes: spec.volumes.iter().flatten().filter(claims).collect(),
            overhead: spec.overhead.as_ref(),
            runtime_class_name: spec.runtime_class_name.as_deref(),
            scheduling_gates: spec.scheduling_gates.as_ref().filter(|g| !g.is_empty()),
            priority_class_name: spec.priority_class_name.as_deref(),
            priority: spec.priority,
            host_network: spec.host_network,
            resource_claims: spec.resource_claims.as_ref().filter(|c| !c.is_empty()),
            resources: spec.resources.as_ref(),
            termination_grace_period_seconds: spec.termination_grace_period_seconds,
        }
    }
}

impl<'p> AffinityLook<'p> {
    fn of(affinity: &'p Affinity, is_daemon: bool) -> Self {
        Self {
            // Each pod of a DaemonSet names its node here; where new ones go is said by the template.
            node_affinity: affinity.node_affinity.as_ref().filter(|_| !is_daemon),
            pod_affinity: affinity.pod_affinity.as_ref(),
            pod_anti_affinity: affinity.pod_anti_affinity.as_ref(),
        }
    }
}

impl<'p> ContainerLook<'p> {
    fn of(container: &'p Container, on_host: bool) -> Self {
        // All or none of them: what is wrong with one is told by its place in the list.
        let ports = container.ports.as_deref().unwrap_or_default();
        let on_node = on_host || ports.iter().any(|p| p.host_port.is_some());
        Self {
            name: &container.name,
            resources: container.resources.as_ref(),
            ports: if on_node { ports } else { &[] },
            restart_policy: container.restart_policy.as_deref(),
        }
    }
}
