//! The objects of a cluster that decisions read, by kind, as they came from the API server or from files.

use crate::cluster::{Cluster, Snapshot};
use dovetail_api::ec2_node_class::EC2NodeClass;
use dovetail_api::kwok_node_class::KWOKNodeClass;
use dovetail_api::node_claim::NodeClaim;
use dovetail_api::node_overlay::NodeOverlay;
use dovetail_api::node_pool::NodePool;
use dovetail_cloudprovider::source::NodeClass;
use k8s_openapi::api::apps::v1::{DaemonSet, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{
    LimitRange, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, ReplicationController, Service,
};
use k8s_openapi::api::node::v1::RuntimeClass;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::api::storage::v1::{CSINode, StorageClass};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// What there is in a cluster, as far as decisions read it. The order within a kind does not matter.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)] // each field is the list of the kind it is named after
pub struct Objects {
    pub node_pools: Vec<NodePool>,
    pub node_claims: Vec<NodeClaim>,
    pub node_overlays: Vec<NodeOverlay>,
    pub ec2_node_classes: Vec<EC2NodeClass>,
    pub kwok_node_classes: Vec<KWOKNodeClass>,
    pub nodes: Vec<Node>,
    pub pods: Vec<Pod>,
    pub daemon_sets: Vec<DaemonSet>,
    pub replica_sets: Vec<ReplicaSet>,
    pub stateful_sets: Vec<StatefulSet>,
    pub replication_controllers: Vec<ReplicationController>,
    pub services: Vec<Service>,
    pub persistent_volumes: Vec<PersistentVolume>,
    pub persistent_volume_claims: Vec<PersistentVolumeClaim>,
    pub storage_classes: Vec<StorageClass>,
    pub csi_nodes: Vec<CSINode>,
    pub namespaces: Vec<Namespace>,
    pub priority_classes: Vec<PriorityClass>,
    pub limit_ranges: Vec<LimitRange>,
    pub runtime_classes: Vec<RuntimeClass>,
}

impl Objects {
    /// The objects as the cluster model keeps them. Nobody has tried to place these pods, as kube-scheduler would have: all
    /// that have no node and are not held back by a gate are taken to want one.
    pub fn snapshot(&self) -> Snapshot {
        Cluster::of(self).snapshot().clone()
    }

    /// The node class of that kind and name.
    pub fn node_class(&self, kind: &str, name: &str) -> Option<NodeClass<'_>> {
        let named = |metadata: &ObjectMeta| metadata.name.as_deref() == Some(name);
        match kind {
            "EC2NodeClass" => self.ec2_node_classes.iter().find(|c| named(&c.metadata)).map(NodeClass::Ec2),
            "KWOKNodeClass" => self.kwok_node_classes.iter().find(|c| named(&c.metadata)).map(NodeClass::Kwok),
            _ => None,
        }
    }
}
