//! What the AWS provider decides, as functions of plain data: which user data a node boots with, what its launch template
//! says, what a fleet is asked for and what its answer means, which images, subnets and reservations are used, when a
//! machine has drifted, and what a message about an interruption makes happen.
//!
//! Nothing here calls AWS, reads a clock or holds a lock: whoever does translates AWS's answers into these values, hands in
//! the time, and carries out what comes back. The specification meant throughout is the Karpenter specification,
//! aws-provider, as amended by its v1.15 changes.

pub mod amis;
pub mod batches;
pub mod capacity_type;
pub mod claim_terms;
pub mod class_hash;
pub mod cluster;
pub mod drift;
pub mod faults;
pub mod fleet;
pub mod instance_profiles;
pub mod interruption;
pub mod kubelet;
pub mod launch_list;
pub mod launch_template;
pub mod machine;
pub mod node_class_use;
pub mod node_identity;
pub mod offers;
pub mod placement;
pub mod prices;
pub mod readiness;
pub mod repair;
pub mod reservations;
pub mod security_groups;
pub mod selectors;
pub mod settings;
pub mod subnets;
pub mod tags;
pub mod unavailable;
pub mod user_data;
pub mod validation;

#[cfg(test)]
mod testing;
