//! What dashboards see of nodes and NodePools: how much a node has and its pods take, how much a NodePool may grow and has
//! grown (the Karpenter specification, disruption 8.1). A function of the cluster as it is known; who shows it, and how often,
//! is decided elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dovetail_api::labels::{INITIALIZED, NODEPOOL};
use dovetail_engine::cluster::{PodRecord, Shape, Snapshot};
use dovetail_engine::requests;
use dovetail_scheduler::resources::Resources;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, PodSpec};

use crate::metrics::{Metrics, Shown, node_label};

/// Everything that belongs to one object, and disappears with it.
#[derive(Debug, Default, PartialEq)]
pub struct Group {
    /// Whose it is, such as `node/a`.
    pub owner: String,
    /// The labels that all of its series have.
    pub labels: Vec<(String, String)>,
    /// Its series.
    pub series: Vec<Series>,
}

/// The name of a metric, the resource if it is about one, and the value.
pub type Series = (&'static str, Option<String>, f64);

/// The gauges of every node and NodePool, and of the cluster. `node_labels` are the labels that nodes are shown with.
#[must_use]
pub fn of(snapshot: &Snapshot, node_labels: &[String], now: Timestamp) -> Vec<Group> {
    let mut limits = Limits::default();
    let mut groups = Vec::with_capacity(snapshot.nodes.len() + snapshot.node_pools.len() + 1);
    let (mut requested, mut allocatable) = (Resources::new(), Resources::new());
    for (name, node) in snapshot.nodes.iter() {
        let load = Load::of(snapshot.pods_on(name).map(|pod| &**pod), &mut limits);
        let room = amounts(node.status.as_ref().and_then(|status| status.allocatable.as_ref()));
        requested.add(&load.pods);
        requested.add(&load.daemons);
        allocatable.add(&room);
        groups.push(of_node(name, node, &load, &room, node_labels, now));
    }
    let mut cluster = Group { owner: "cluster".to_owned(), ..Group::default() };
    for (resource, room) in allocatable.iter().filter(|(_, room)| *room > 0) {
        let percent = 100.0 * requested.get(resource) as f64 / room as f64;
        cluster.series.push(("karpenter_cluster_utilization_percent", Some(resource_label(resource)), percent));
    }
    groups.push(cluster);
    for (name, pool) in snapshot.node_pools.iter() {
        let mut group = Group {
            owner: format!("nodepool/{name}"),
            labels: vec![("nodepool".to_owned(), name.to_string())],
            ..Group::default()
        };
        let limits = pool.spec.limits.as_ref().map(Resources::from_quantities).unwrap_or_default();
        let usage = pool.status.as_ref().and_then(|status| status.resources.as_ref());
        let usage = usage.map(Resources::from_quantities).unwrap_or_default();
        group.add("karpenter_nodepools_limit", &limits);
        group.add("karpenter_nodepools_usage", &usage);
        groups.push(group);
    }
    groups
}

/// Shows the groups, and takes away those that were shown before and are not there any more.
pub fn show(metrics: &Metrics, groups: &[Group], shown_before: &mut BTreeSet<String>) {
    for group in groups {
        let series: Vec<Shown<'_>> = group.series.iter().map(|one| group.shown(one)).collect();
        metrics.replace(&group.owner, &series);
    }
    let owners: BTreeSet<String> = groups.iter().map(|group| group.owner.clone()).collect();
    for gone in shown_before.difference(&owners) {
        metrics.replace(gone, &[]);
    }
    *shown_before = owners;
}

fn of_node(name: &str, node: &Node, load: &Load, room: &Resources, node_labels: &[String], now: Timestamp) -> Group {
    let own = node.metadata.labels.clone().unwrap_or_default();
    let mut labels: BTreeMap<String, String> = node_labels
        .iter()
        .filter(|label| label.contains('/'))
        .map(|label| (node_label(label), own.get(label).cloned().unwrap_or_default()))
        .collect();
    let phase = if node.metadata.deletion_timestamp.is_some() {
        "Terminating"
    } else if own.get(INITIALIZED).is_some_and(|value| value == "true") {
        "Running"
    } else {
        "Pending"
    };
    labels.insert("node_name".to_owned(), name.to_owned());
    labels.insert("phase".to_owned(), phase.to_owned());
    labels.insert("managed".to_owned(), own.contains_key(NODEPOOL).to_string());
    let mut overhead = amounts(node.status.as_ref().and_then(|status| status.capacity.as_ref()));
    overhead.subtract_known(room);
    let mut group = Group { owner: format!("node/{name}"), labels: labels.into_iter().collect(), ..Group::default() };
    group.add("karpenter_nodes_allocatable", room);
    group.add("karpenter_nodes_system_overhead", &overhead);
    group.add("karpenter_nodes_total_pod_requests", &load.pods);
    group.add("karpenter_nodes_total_pod_limits", &load.pod_limits);
    group.add("karpenter_nodes_total_daemon_requests", &load.daemons);
    group.add("karpenter_nodes_total_daemon_limits", &load.daemon_limits);
    if let Some(created) = &node.metadata.creation_timestamp {
        let age = now.duration_since(created.0).as_secs_f64().max(0.0);
        group.series.push(("karpenter_nodes_current_lifetime_seconds", None, age));
    }
    group
}

impl Group {
    fn shown<'a>(&'a self, (name, resource, value): &'a Series) -> Shown<'a> {
        let labels = self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        (name, labels.chain(resource.as_deref().map(|resource| ("resource_type", resource))).collect(), *value)
    }

    fn add(&mut self, name: &'static str, resources: &Resources) {
        let series =
            resources.iter().map(|(resource, amount)| (name, Some(resource_label(resource)), value(resource, amount)));
        self.series.extend(series);
    }
}

/// What the pods of a node request, and may use.
#[derive(Debug, Default)]
struct Load {
    pods: Resources,
    pod_limits: Resources,
    daemons: Resources,
    daemon_limits: Resources,
}

impl Load {
    fn of<'p>(pods: impl Iterator<Item = &'p PodRecord>, limits: &mut Limits) -> Self {
        let mut load = Self::default();
        for pod in pods.filter(|pod| !pod.is_terminal()) {
            let requests = pod.requests().cloned().unwrap_or_default();
            let limits = limits.of(&pod.shape);
            if pod.shape.is_daemon {
                load.daemons.add(&requests);
                load.daemon_limits.add(limits);
            } else {
                load.pods.add(&requests);
                load.pod_limits.add(limits);
            }
        }
        load
    }
}

/// What pods may use, worked out once for all of a shape.
#[derive(Default)]
struct Limits(BTreeMap<usize, Resources>);

impl Limits {
    fn of(&mut self, shape: &Arc<Shape>) -> &Resources {
        // Shapes live as long as the snapshot that is looked at, so that an address stands for one of them.
        self.0.entry(Arc::as_ptr(shape).addr()).or_insert_with(|| shape.spec().map(limits).unwrap_or_default())
    }
}

/// What a pod may use: its containers' limits, counted as requests are.
fn limits(spec: &PodSpec) -> Resources {
    let mut spec = spec.clone();
    spec.overhead = None;
    for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
        if let Some(resources) = &mut container.resources {
            resources.requests = resources.limits.clone();
        }
    }
    if let Some(resources) = &mut spec.resources {
        resources.requests = resources.limits.clone();
    }
    requests::of_pod(&spec, None).unwrap_or_default()
}

fn amounts(
    quantities: Option<&BTreeMap<String, k8s_openapi::apimachinery::pkg::api::resource::Quantity>>,
) -> Resources {
    // What cannot be read is not there; the engine complains about it where it matters.
    quantities.and_then(|quantities| requests::read("status", quantities).ok()).unwrap_or_default()
}

/// Cores for CPU, whole units for everything else.
fn value(resource: &str, amount: i64) -> f64 {
    if resource == dovetail_api::labels::resources::CPU { amount as f64 / 1000.0 } else { amount as f64 }
}

fn resource_label(resource: &str) -> String {
    resource.replace('-', "_").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;
    use dovetail_engine::cluster::{Cluster, Kind, Object, ObjectKey};
    use serde_json::{Value, json};

    fn now() -> Timestamp {
        "2026-01-01T01:00:00Z".parse().expect("a moment")
    }

    fn object<T: serde::de::DeserializeOwned + Into<Object>>(value: Value) -> Object {
        serde_json::from_value::<T>(value).expect("an object").into()
    }

    fn node(name: &str, labels: &Value) -> Object {
        object::<Node>(json!({"metadata": {"name": name, "uid": name, "labels": labels, "resourceVersion": "1",
            "creationTimestamp": "2026-01-01T00:00:00Z"},
            "status": {"capacity": {"cpu": "4", "memory": "8Gi"}, "allocatable": {"cpu": "3500m", "memory": "7Gi"}}}))
    }

    fn pod(name: &str, node: &str, owner: &str, cpu: &str) -> Object {
        object::<k8s_openapi::api::core::v1::Pod>(json!({"metadata": {"name": name, "namespace": "x", "uid": name,
            "resourceVersion": "1", "ownerReferences": [{"apiVersion": "apps/v1", "kind": owner, "name": "o",
            "uid": "o", "controller": true}]},
            "spec": {"nodeName": node, "containers": [{"name": "c", "resources": {"requests": {"cpu": cpu},
            "limits": {"cpu": "2"}}}]}, "status": {"phase": "Running"}}))
    }

    fn cluster() -> Cluster {
        let mut cluster = Cluster::default();
        let labels = json!({"karpenter.sh/nodepool": "default", "karpenter.sh/initialized": "true",
            "topology.kubernetes.io/zone": "a"});
        for object in [
            node("n1", &labels),
            pod("web", "n1", "ReplicaSet", "1"),
            pod("agent", "n1", "DaemonSet", "500m"),
            object::<dovetail_api::node_pool::NodePool>(json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool",
                "metadata": {"name": "default", "resourceVersion": "1"},
                "spec": {"limits": {"cpu": "10"}, "template": {"spec": {"requirements": [], "nodeClassRef":
                    {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "x"}}}},
                "status": {"resources": {"cpu": "4", "nodes": "1"}}})),
        ] {
            cluster.apply(object, now());
        }
        cluster
    }

    fn shape() -> metrics::Shape {
        let node_labels = ["karpenter.sh/nodepool", "topology.kubernetes.io/zone"].map(str::to_owned).to_vec();
        metrics::Shape { node_labels, ..metrics::Shape::default() }
    }

    #[test]
    fn dashboards_see_what_nodes_have_and_what_is_on_them() {
        let metrics = Metrics::new(&shape()).expect("the table is sound");
        let mut shown = BTreeSet::new();
        let cluster = cluster();
        show(&metrics, &of(cluster.snapshot(), &shape().node_labels, now()), &mut shown);
        let text = metrics.text().expect("text");
        let node = "managed=\"true\",node_name=\"n1\",nodepool=\"default\",phase=\"Running\"";
        let line = |name: &str, value: &str| {
            format!("karpenter_nodes_{name}{{{node},resource_type=\"cpu\",zone=\"a\"}} {value}")
        };
        for line in [
            line("allocatable", "3.5"),
            line("system_overhead", "0.5"),
            line("total_pod_requests", "1"),
            line("total_pod_limits", "2"),
            line("total_daemon_requests", "0.5"),
            format!("karpenter_nodes_current_lifetime_seconds{{{node},zone=\"a\"}} 3600"),
            "karpenter_nodepools_limit{nodepool=\"default\",resource_type=\"cpu\"} 10".to_owned(),
            "karpenter_nodepools_usage{nodepool=\"default\",resource_type=\"nodes\"} 1".to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        let utilization =
            text.lines().find(|line| line.starts_with("karpenter_cluster_utilization_percent{resource_type=\"cpu\"}"));
        assert!(utilization.is_some_and(|line| line.contains(" 42.85")), "1.5 of 3.5 cores: {utilization:?}");
    }

    #[test]
    fn a_node_that_is_gone_shows_nothing() {
        let metrics = Metrics::new(&shape()).expect("the table is sound");
        let mut shown = BTreeSet::new();
        let mut cluster = cluster();
        show(&metrics, &of(cluster.snapshot(), &shape().node_labels, now()), &mut shown);
        cluster.delete(&ObjectKey::named(Kind::Node, "n1"), now());
        show(&metrics, &of(cluster.snapshot(), &shape().node_labels, now()), &mut shown);
        let text = metrics.text().expect("text");
        assert!(!text.contains("node_name=\"n1\""), "{text}");
        assert!(text.contains("karpenter_nodepools_limit"));
    }
}
