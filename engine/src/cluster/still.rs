//! A cluster of objects that nobody watches, as files have it: everything is told at once, and nothing comes later.

use super::fold::Cluster;
use super::kind::Object;
use super::pod::{Placing, PodRecord};
use super::shape::Shape;
use crate::objects::Objects;
use crate::pods;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Cluster {
    /// A cluster of these objects. Nobody has tried to place its pods, as kube-scheduler would have: all that have no node and
    /// are not held back by a gate are taken to want one.
    pub(crate) fn of(objects: &Objects) -> Self {
        let mut cluster = Self::default();
        cluster.put_pods(&objects.pods);
        macro_rules! put {
            ($($list:ident)*) => {$(
                for object in &objects.$list {
                    let object = Object::from(object.clone());
                    cluster.put(object.key(), object, Timestamp::UNIX_EPOCH);
                }
            )*};
        }
        put!(node_pools node_claims node_overlays ec2_node_classes kwok_node_classes nodes daemon_sets replica_sets);
        put!(stateful_sets replication_controllers services persistent_volumes persistent_volume_claims storage_classes);
        put!(csi_nodes namespaces priority_classes limit_ranges runtime_classes);
        cluster
    }

    fn put_pods(&mut self, pods: &[Pod]) {
        let mut names: FxHashSet<Arc<str>> = FxHashSet::default();
        let mut nodes: BTreeMap<&str, Arc<str>> = BTreeMap::new();
        for node in pods.iter().filter_map(pods::node_name) {
            nodes.entry(node).or_insert_with(|| node.into());
        }
        let (mut all, mut waiting) = (vec![], vec![]);
        let mut last: Option<(&Pod, Arc<Shape>)> = None;
        for pod in pods {
            // Replicas mostly stand one after the other, and are compared more quickly than looked up.
            let shape = match &last {
                Some((like, shape)) if are_alike(like, pod) => Arc::clone(shape),
                _ => self.shapes.of(pod),
            };
            last = Some((pod, Arc::clone(&shape)));
            let shared = |name: &str| nodes.get(name).map_or_else(|| name.into(), Arc::clone);
            let mut record = PodRecord::with(pod, shape, shared);
            if record.node.is_none() && !pods::is_gated(pod) {
                record.placing = Placing::Unschedulable;
            }
            let mut name = Arc::clone(&record.name);
            if !names.insert(Arc::clone(&name)) {
                // Traces may have had several pods of a name, one after the other. All of them count.
                name = format!("{name}\u{0}{}", record.uid).into();
            }
            let record = Arc::new(record);
            if record.node.is_some() {
                self.now.links.link_pod(&name, &record);
            } else if !record.is_terminal() {
                waiting.push((Arc::clone(&name), Arc::clone(&record)));
            }
            all.push((name, record));
        }
        self.now.pods.insert_all(all);
        self.now.links.waiting.insert_all(waiting);
    }
}

/// Whether two pods have the same shape, as far as that can be told at a glance.
fn are_alike(a: &Pod, b: &Pod) -> bool {
    let (x, y) = (&a.metadata, &b.metadata);
    a.spec == b.spec
        && x.labels == y.labels
        && x.owner_references == y.owner_references
        && x.namespace == y.namespace
        && x.annotations == y.annotations
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(name: &str, uid: &str, node: Option<&str>, phase: &str) -> Pod {
        let metadata = json!({"name": name, "namespace": "default", "uid": uid});
        let pod =
            json!({"metadata": metadata, "spec": {"nodeName": node, "containers": []}, "status": {"phase": phase}});
        serde_json::from_value(pod).expect("a readable pod")
    }

    #[test]
    fn everything_is_found_where_a_watch_would_have_put_it() {
        let pods = vec![
            pod("runs", "1", Some("n1"), "Running"),
            pod("waits", "2", None, "Pending"),
            pod("ended", "3", None, "Succeeded"),
            pod("waits", "4", None, "Pending"),
        ];
        let cluster = Cluster::of(&Objects { pods, ..Objects::default() });
        let snapshot = cluster.snapshot();
        let waiting: Vec<_> = snapshot.waiting_pods().map(|pod| (&*pod.name, &*pod.uid)).collect();
        assert_eq!(waiting, [("default/waits", "2"), ("default/waits", "4")], "both of the name count");
        assert_eq!(snapshot.pods_on("n1").count(), 1);
        assert_eq!(snapshot.pods.len(), 4);
        assert!(snapshot.waiting_pods().all(|pod| pod.wants_a_node()), "nobody has tried to place them");
    }
}
