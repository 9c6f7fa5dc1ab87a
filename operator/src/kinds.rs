//! From the engine's kinds to Kubernetes' types: the one place where both are listed side by side. What is done with a type is
//! up to whoever asks.

pub(crate) use dovetail_api::capacity_buffer::CapacityBuffer;
pub(crate) use dovetail_api::ec2_node_class::EC2NodeClass;
pub(crate) use dovetail_api::kwok_node_class::KWOKNodeClass;
pub(crate) use dovetail_api::node_claim::NodeClaim;
pub(crate) use dovetail_api::node_overlay::NodeOverlay;
pub(crate) use dovetail_api::node_pool::NodePool;
use dovetail_engine::cluster::Object;
pub(crate) use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
pub(crate) use k8s_openapi::api::core::v1::{
    LimitRange, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, PodTemplate, ReplicationController,
    Service,
};
pub(crate) use k8s_openapi::api::node::v1::RuntimeClass;
pub(crate) use k8s_openapi::api::policy::v1::PodDisruptionBudget;
pub(crate) use k8s_openapi::api::scheduling::v1::PriorityClass;
pub(crate) use k8s_openapi::api::storage::v1::{CSINode, StorageClass, VolumeAttachment};
use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What every kind's type can do.
pub(crate) trait Typed:
    Resource<DynamicType = ()>
    + Clone
    + std::fmt::Debug
    + DeserializeOwned
    + Serialize
    + Into<Object>
    + Send
    + Sync
    + 'static
{
}

impl<K> Typed for K where
    K: Resource<DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Serialize
        + Into<Object>
        + Send
        + Sync
        + 'static
{
}

/// Evaluates an expression with the type of a kind: `with_type!(kind, K => expression)`.
macro_rules! with_type {
    ($kind:expr, $K:ident => $body:expr) => {
        $crate::kinds::with_type!(@ $kind, $K => $body;
            Namespace PriorityClass RuntimeClass LimitRange StorageClass EC2NodeClass KWOKNodeClass NodePool NodeOverlay
            NodeClaim Node CSINode VolumeAttachment PersistentVolume PersistentVolumeClaim Service DaemonSet Deployment
            ReplicaSet StatefulSet ReplicationController PodTemplate PodDisruptionBudget CapacityBuffer Pod)
    };
    (@ $kind:expr, $K:ident => $body:expr; $($known:ident)*) => {
        match $kind {
            $(dovetail_engine::cluster::Kind::$known => { type $K = $crate::kinds::$known; $body })*
        }
    };
}
pub(crate) use with_type;

/// The object as JSON.
pub(crate) fn to_json(object: &Object) -> serde_json::Result<Vec<u8>> {
    macro_rules! each {
        ($($known:ident)*) => { match object { $(Object::$known(object) => serde_json::to_vec(object)),* } };
    }
    each!(Namespace PriorityClass RuntimeClass LimitRange StorageClass EC2NodeClass KWOKNodeClass NodePool NodeOverlay
        NodeClaim Node CSINode VolumeAttachment PersistentVolume PersistentVolumeClaim Service DaemonSet Deployment
        ReplicaSet StatefulSet ReplicationController PodTemplate PodDisruptionBudget CapacityBuffer Pod)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dovetail_engine::cluster::Kind;

    /// The name of a type's kind and its API version.
    fn told<K: Typed>() -> (String, String) {
        (K::kind(&()).into_owned(), K::api_version(&()).into_owned())
    }

    #[test]
    fn every_kind_has_the_type_of_its_name() {
        for kind in Kind::ALL {
            let (name, version) = with_type!(kind, K => told::<K>());
            assert_eq!((name.as_str(), version.as_str()), (kind.text(), kind.api_version()));
        }
    }
}
