//! The CustomResourceDefinitions, generated from the types of this crate: which kinds there are, and what their schemas
//! say once everything that is Rust's own way of speaking has been put into the API server's. It does not print, install
//! or compare anything.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

use crate::capacity_buffer::CapacityBuffer;
use crate::ec2_node_class::EC2NodeClass;
use crate::kwok_node_class::KWOKNodeClass;
use crate::node_claim::NodeClaim;
use crate::node_overlay::NodeOverlay;
use crate::node_pool::NodePool;

pub(crate) mod fragments;
pub mod patterns;

/// Every CRD, in a fixed order: NodePool, NodeClaim, NodeOverlay, CapacityBuffer, EC2NodeClass, KWOKNodeClass.
#[must_use]
pub fn all() -> Vec<CustomResourceDefinition> {
    vec![
        NodePool::crd(),
        NodeClaim::crd(),
        NodeOverlay::crd(),
        CapacityBuffer::crd(),
        EC2NodeClass::crd(),
        KWOKNodeClass::crd(),
    ]
}
