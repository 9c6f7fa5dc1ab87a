//! The drift hashes: one number that stands for what a NodePool or an EC2NodeClass asks of its nodes. A node whose number
//! differs is replaced, so a wrong one replaces a whole fleet; each must be, bit for bit, what Karpenter computes.
//!
//! Version `v3` of the NodePool hash and version `v6` of the EC2NodeClass hash (spec scheduling 1.9, aws-provider 1.8, v1.15
//! changes 0.3). It decides what goes into the numbers; comparing and storing them is done elsewhere.

mod ec2_node_class;
mod go_json;
mod node_pool;
mod structure;

pub use ec2_node_class::ec2_node_class;
pub use node_pool::node_pool;

/// FNV-1 of a text, with 64 bits: what names are made of that must come out the same every time, and the same as Karpenter's.
#[must_use]
pub fn text(text: &str) -> u64 {
    structure::string(text)
}

/// Version of [`node_pool()`], as the annotation `karpenter.sh/nodepool-hash-version` names it.
pub const NODE_POOL_VERSION: &str = "v3";
/// Version of [`ec2_node_class()`], as the annotation `karpenter.k8s.aws/ec2nodeclass-hash-version` names it.
pub const EC2_NODE_CLASS_VERSION: &str = "v6";
