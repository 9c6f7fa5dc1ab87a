//! The cluster at one moment, as far as it is known: every record by name, who belongs to whom, and what only this process
//! remembers. A value: copies cost nothing and never change.

use super::claim::ClaimRecord;
use super::kind::{Kind, Object, ObjectKey, version};
use super::memory::Memory;
use super::pod::PodRecord;
use super::shelf::Shelf;
use dovetail_api::capacity_buffer::CapacityBuffer;
use dovetail_api::ec2_node_class::EC2NodeClass;
use dovetail_api::kwok_node_class::KWOKNodeClass;
use dovetail_api::node_overlay::NodeOverlay;
use dovetail_api::node_pool::NodePool;
use dovetail_cloudprovider::source::NodeClass;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{
    LimitRange, Namespace, Node, PersistentVolume, PersistentVolumeClaim, PodTemplate, ReplicationController, Service,
};
use k8s_openapi::api::node::v1::RuntimeClass;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::api::storage::v1::{CSINode, StorageClass, VolumeAttachment};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeMap;
use std::sync::Arc;

macro_rules! shelves {
    ($($field:ident $kind:ident)*) => {
        /// What there is in a cluster. Names are full: `namespace/name`, or the name alone where there are no namespaces.
        #[derive(Clone, Debug, Default)]
        pub struct Snapshot {
            /// Pods.
            pub pods: Shelf<PodRecord>,
            /// NodeClaims.
            pub node_claims: Shelf<ClaimRecord>,
            $(#[doc = concat!("Every ", stringify!($kind), ".")] pub $field: Shelf<$kind>,)*
            /// What no object tells.
            pub memory: Memory,
            pub(super) links: Links,
        }

        impl Snapshot {
            /// Puts an object that is kept as it is onto its shelf; pods and claims are not among them.
            pub(super) fn keep(&mut self, name: Arc<str>, object: Object) {
                match object {
                    $(Object::$kind(object) => drop(self.$field.insert(name, Arc::from(object))),)*
                    Object::Pod(_) | Object::NodeClaim(_) => {}
                }
            }

            /// Takes an object that is kept as it is from its shelf.
            pub(super) fn forget(&mut self, key: &ObjectKey) {
                match key.kind {
                    $(Kind::$kind => drop(self.$field.remove(&key.name)),)*
                    Kind::Pod | Kind::NodeClaim => {}
                }
            }

            /// The names of all objects of a kind, in order.
            pub fn names(&self, kind: Kind) -> Vec<Arc<str>> {
                match kind {
                    $(Kind::$kind => self.$field.iter().map(|(name, _)| Arc::clone(name)).collect(),)*
                    Kind::Pod => self.pods.iter().map(|(name, _)| Arc::clone(name)).collect(),
                    Kind::NodeClaim => self.node_claims.iter().map(|(name, _)| Arc::clone(name)).collect(),
                }
            }

            /// The metadata of an object; pods, which are kept without, have none here.
            pub fn metadata(&self, key: &ObjectKey) -> Option<&ObjectMeta> {
                match key.kind {
                    $(Kind::$kind => self.$field.get(&key.name).map(|o| &o.metadata),)*
                    Kind::Pod => None,
                    Kind::NodeClaim => self.node_claims.get(&key.name).map(|c| &c.object.metadata),
                }
            }
        }
    };
}

shelves! {
    namespaces Namespace
    priority_classes PriorityClass
    runtime_classes RuntimeClass
    limit_ranges LimitRange
    storage_classes StorageClass
    ec2_node_classes EC2NodeClass
    kwok_node_classes KWOKNodeClass
    node_pools NodePool
    node_overlays NodeOverlay
    nodes Node
    csi_nodes CSINode
    volume_attachments VolumeAttachment
    persistent_volumes PersistentVolume
    persistent_volume_claims PersistentVolumeClaim
    services Service
    daemon_sets DaemonSet
    deployments Deployment
    replica_sets ReplicaSet
    stateful_sets StatefulSet
    replication_controllers ReplicationController
    pod_templates PodTemplate
    pod_disruption_budgets PodDisruptionBudget
    capacity_buffers CapacityBuffer
}

/// Who belongs to whom.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    /// By node: the pods bound to it that have not come to their end, by name.
    pub(super) bound: Shelf<BTreeMap<Arc<str>, Arc<PodRecord>>>,
    /// Pods that have neither a node nor come to their end.
    pub(super) waiting: Shelf<PodRecord>,
    /// By machine: the nodes that say they are it. More than one is a mistake of somebody's.
    pub(super) nodes_of_machine: Shelf<Vec<Arc<str>>>,
    /// By machine: the claims that it was launched for.
    pub(super) claims_of_machine: Shelf<Vec<Arc<str>>>,
    /// By node name: the claims without a machine that name it.
    pub(super) claims_of_node: Shelf<Vec<Arc<str>>>,
}

/// Why no single partner can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPartner {
    /// There is none.
    #[error("none was found")]
    None,
    /// There are several, which must not be.
    #[error("more than one was found for the same provider ID: remove all but the one that the machine belongs to")]
    Several,
}

impl Snapshot {
    /// The pods bound to a node that have not come to their end, in the order of their names.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = &Arc<PodRecord>> {
        self.links.bound.get(node).into_iter().flat_map(|pods| pods.values())
    }

    /// The pods that have neither a node nor come to their end, in the order of their names.
    pub fn waiting_pods(&self) -> impl Iterator<Item = &Arc<PodRecord>> {
        self.links.waiting.iter().map(|(_, pod)| pod)
    }

    /// How many pods have neither a node nor come to their end.
    pub fn waiting_count(&self) -> usize {
        self.links.waiting.len()
    }

    /// The names of the nodes that say they are this machine.
    pub fn nodes_of_machine(&self, provider_id: &str) -> &[Arc<str>] {
        self.links.nodes_of_machine.get(provider_id).map_or(&[], |names| names)
    }

    /// The names of the claims that this machine was launched for.
    pub fn claims_of_machine(&self, provider_id: &str) -> &[Arc<str>] {
        self.links.claims_of_machine.get(provider_id).map_or(&[], |names| names)
    }

    /// The node that a claim became: the one with its provider ID.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn node_of(&self, claim: &ClaimRecord) -> Result<&Arc<Node>, NoPartner> {
        let name = only(claim.provider_id().map_or(&[], |id| self.nodes_of_machine(id)))?;
        self.nodes.get(name).ok_or(NoPartner::None)
    }

    /// The claim that a node was bought by: the one with its provider ID. Without one, a claim that names the node.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn claim_of(&self, node: &Node) -> Result<&Arc<ClaimRecord>, NoPartner> {
        self.node_claims.get(only(self.claims_for(node))?).ok_or(NoPartner::None)
    }

    /// The names of the claims that a node was bought by, which should be one at most: those with its provider ID, or else
    /// those that have none and name the node.
    pub(crate) fn claims_for(&self, node: &Node) -> &[Arc<str>] {
        let by_machine = provider_id(node).map_or(&[][..], |id| self.claims_of_machine(id));
        match (by_machine, node.metadata.name.as_deref()) {
            ([], Some(node)) => self.links.claims_of_node.get(node).map_or(&[], |names| names),
            (names, _) => names,
        }
    }

    /// The node class of that kind and name.
    pub fn node_class(&self, kind: &str, name: &str) -> Option<NodeClass<'_>> {
        match kind {
            "EC2NodeClass" => self.ec2_node_classes.get(name).map(|class| NodeClass::Ec2(class)),
            "KWOKNodeClass" => self.kwok_node_classes.get(name).map(|class| NodeClass::Kwok(class)),
            _ => None,
        }
    }

    /// The resource version of an object, as far as it is kept.
    pub(super) fn version(&self, key: &ObjectKey) -> Option<u64> {
        self.metadata(key).and_then(version)
    }
}

/// The machine that a node says it is.
pub fn provider_id(node: &Node) -> Option<&str> {
    node.spec.as_ref().and_then(|s| s.provider_id.as_deref()).filter(|id| !id.is_empty())
}

fn only(names: &[Arc<str>]) -> Result<&str, NoPartner> {
    match names {
        [] => Err(NoPartner::None),
        [one] => Ok(one),
        _ => Err(NoPartner::Several),
    }
}
