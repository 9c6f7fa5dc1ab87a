//! The Kubernetes types that Dovetail reads and writes, as data: NodePool, NodeClaim, NodeOverlay, CapacityBuffer,
//! EC2NodeClass and KWOKNodeClass, with the names, conditions, hashes and validation rules that belong to them.
//! The CRDs are generated from these types. Nothing here talks to an API server, reads a clock or decides anything
//! about nodes.

#[cfg(feature = "admission")]
pub mod admission;
pub mod budget;
pub mod capacity_buffer;
pub mod conditions;
pub mod crd;
pub mod cron;
pub mod duration;
pub mod ec2_node_class;
pub mod events;
pub mod hash;
pub mod kwok_node_class;
pub mod labels;
pub mod node_claim;
pub mod node_overlay;
pub mod node_pool;
pub mod quantity;
pub mod requirement;
pub mod validation;
