//! What dashboards see of nodes and NodePools: how much a node has and its pods take, how much a NodePool may grow and has
//! grown (the Karpenter specification, disruption 8.1). A function of the cluster as it is known; who shows it, and how often,
//! is decided elsewhere.

use std::collections::BTreeMap;

use dovetail_api::labels::{INITIALIZED, NODEPOOL};
use dovetail_engine::cluster::{PodRecord, Snapshot};
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
    /// Name, the resource if it is about one, and the value.
    pub series: Vec<(&'static str, Option<String>, f64)>,
}

/// The gauges of every node and NodePool, and of the cluster. `node_labels` are the labels that nodes are shown with.
#[must_use]
pub fn of(snapshot: &Snapshot, node_labels: &[String], now: Timestamp) -> Vec<Group> {
    let mut groups = Vec::with_capacity(snapshot.nodes.len() + snapshot.node_pools.len() + 1);
    let (mut requested, mut allocatable) = (Resources::new(), Resources::new());
    for (name, node) in snapshot.nodes.iter() {
        let load = Load::of(snapshot.pods_on(name).map(|pod| &**pod));
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
pub fn show(metrics: &Metrics, groups: &[Group], shown_before: &mut Vec<String>) {
    for group in groups {
        let labels: Vec<(&str, &str)> = group.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let with = |resource: &'_ Option<String>| resource.clone();
        let resources: Vec<Option<String>> = group.series.iter().map(|(_, resource, _)| with(resource)).collect();
        let series: Vec<Shown<'_>> = group
            .series
            .iter()
            .zip(&resources)
            .map(|((name, _, value), resource)| {
                let mut labels = labels.clone();
                labels.extend(resource.as_deref().map(|resource| ("resource_type", resource)));
                (*name, labels, *value)
            })
            .collect();
        metrics.replace(&group.owner, &series);
    }
    let owners: Vec<String> = groups.iter().map(|group| group.owner.clone()).collect();
    for gone in shown_before.iter().filter(|owner| owners.binary_search(owner).is_err() && !owners.contains(owner)) {
        metrics.replace(gone, &[]);
    }
    *shown_before = owners;
}

fn of_node(
    name: &str,
    node: &Node,
    load: &Load,
    room: &Resources,
    node_labels: &[String],
    now: Timestamp,
) -> Group {
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
    let mut group =
        Group { owner: format!("node/{name}"), labels: labels.into_iter().collect(), ..Group::default() };
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
    fn add(&mut self, name: &'static str, resources: &Resources) {
        let series = resources.iter().map(|(resource, amount)| (name, Some(resource_label(resource)), value(resource, amount)));
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
    fn of<'p>(pods: impl Iterator<Item = &'p PodRecord>) -> Self {
        let mut load = Self::default();
        for pod in pods.filter(|pod| !pod.is_terminal()) {
            let requests = pod.requests().cloned().unwrap_or_default();
            let limits = pod.shape.spec().map(limits).unwrap_or_default();
            if pod.shape.is_daemon {
                load.daemons.add(&requests);
                load.daemon_limits.add(&limits);
            } else {
                load.pods.add(&requests);
                load.pod_limits.add(&limits);
            }
        }
        load
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
