//! What the tests of volumes are told with: small manifests, put together to a cluster.

use super::{Unsupported, VolumeIndex};
use crate::cluster::{PodRecord, Snapshot};
use crate::objects::Objects;
use dovetail_scheduler::problem::Volumes;
use serde_json::{Value, json};
use std::sync::Arc;

/// Objects that volumes are made of, and pods that use them.
#[derive(Clone, Debug, Default)]
pub(super) struct Cluster(pub(super) Objects);

impl Cluster {
    pub(super) fn with(mut self, object: Value) -> Self {
        fn read<T: serde::de::DeserializeOwned>(object: Value) -> T {
            serde_json::from_value(object).expect("a readable manifest")
        }
        match object["kind"].as_str().expect("a kind") {
            "PersistentVolumeClaim" => self.0.persistent_volume_claims.push(read(object)),
            "PersistentVolume" => self.0.persistent_volumes.push(read(object)),
            "StorageClass" => self.0.storage_classes.push(read(object)),
            "CSINode" => self.0.csi_nodes.push(read(object)),
            "NodePool" => self.0.node_pools.push(read(object)),
            "Node" => self.0.nodes.push(read(object)),
            "Pod" => self.0.pods.push(read(object)),
            other => panic!("no story has a {other}"),
        }
        self
    }

    pub(super) fn find(snapshot: &Snapshot, pod: &str) -> Arc<PodRecord> {
        Arc::clone(snapshot.pods.get(&format!("default/{pod}")).expect("a pod of the story"))
    }

    /// What is refused of a pod that waits for a node.
    pub(super) fn refusal(&self, pod: &str) -> String {
        let unsupported = Unsupported {
            topology_keys: ["example.com/rack".to_owned()].into(),
            provisioners: ["floppy.example.com".to_owned()].into(),
        };
        let snapshot = self.0.snapshot();
        let index = VolumeIndex::of(&snapshot, &unsupported);
        index.of_pending(&Self::find(&snapshot, pod)).expect_err("the pod is refused").to_string()
    }

    pub(super) fn pending(&self, pod: &str) -> Volumes {
        let unsupported = Unsupported::default();
        let snapshot = self.0.snapshot();
        let index = VolumeIndex::of(&snapshot, &unsupported);
        index.of_pending(&Self::find(&snapshot, pod)).expect("the volumes can be had")
    }

    pub(super) fn leaving(&self, pod: &str) -> Result<Volumes, String> {
        let unsupported = Unsupported::default();
        let snapshot = self.0.snapshot();
        let index = VolumeIndex::of(&snapshot, &unsupported);
        index.of_leaving(&Self::find(&snapshot, pod)).map_err(|e| e.to_string())
    }

    /// Where a pending pod can run.
    pub(super) fn places(&self, pod: &str) -> Vec<String> {
        self.pending(pod).places.iter().map(ToString::to_string).collect()
    }
}

/// A pod that uses these claims.
pub(super) fn pod(name: &str, claims: &[&str]) -> Value {
    let volumes: Vec<_> =
        claims.iter().map(|c| json!({"name": c, "persistentVolumeClaim": {"claimName": c}})).collect();
    json!({"kind": "Pod", "metadata": {"name": name, "namespace": "default", "uid": name},
        "spec": {"containers": [], "volumes": volumes}})
}

/// A pod with one ephemeral volume of this claim template.
pub(super) fn pod_with_ephemeral(name: &str, volume: &str, claim: Value) -> Value {
    let mut pod = pod(name, &[]);
    pod["spec"]["volumes"] = json!([{"name": volume, "ephemeral": {"volumeClaimTemplate": {"spec": claim}}}]);
    pod
}

/// A claim without a volume, of this class.
pub(super) fn unbound(name: &str, class: &str) -> Value {
    json!({"kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "default"},
        "spec": {"storageClassName": class}, "status": {"phase": "Pending"}})
}

/// A claim that belongs to this volume, and both know it.
pub(super) fn bound(name: &str, volume: &str) -> Value {
    json!({"kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "default", "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {"storageClassName": "gp3", "volumeName": volume}, "status": {"phase": "Bound"}})
}

/// A volume of the EBS driver that can be used where one of the terms holds; a term is a list of expressions.
pub(super) fn volume(name: &str, terms: &[Value]) -> Value {
    let mut volume = json!({"kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {"csi": {"driver": "ebs.csi.aws.com", "volumeHandle": name}}});
    if !terms.is_empty() {
        let terms: Vec<_> = terms.iter().map(|t| json!({"matchExpressions": t})).collect();
        volume["spec"]["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": terms}});
    }
    volume
}

/// A class of the EBS driver that waits for the first pod; a term is a list of label expressions.
pub(super) fn class(name: &str, terms: &[Value]) -> Value {
    let terms: Vec<_> = terms.iter().map(|t| json!({"matchLabelExpressions": t})).collect();
    json!({"kind": "StorageClass", "metadata": {"name": name}, "provisioner": "ebs.csi.aws.com",
        "volumeBindingMode": "WaitForFirstConsumer", "allowedTopologies": terms})
}

pub(super) const ZONE: &str = "topology.kubernetes.io/zone";

pub(super) fn within(key: &str, values: &[&str]) -> Value {
    json!({"key": key, "operator": "In", "values": values})
}

pub(super) fn and(mut object: Value, path: &str, value: Value) -> Value {
    let (parent, field) = path.rsplit_once('/').expect("a path");
    object.pointer_mut(parent).expect("a known parent")[field] = value;
    object
}
