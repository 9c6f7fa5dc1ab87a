//! Every control loop, in the order in which they are asked. A loop is a file; here is the table.

mod consistency;
mod draft;
mod expiration;
mod garbage_collection;
mod hydration;
mod lifecycle;
mod node_termination;
mod pod_events;
mod pool_draft;
mod pool_hash;
mod pool_readiness;
mod pool_registration_health;
mod pool_validation;
mod saying;
#[cfg(test)]
mod stories;
mod subjects;

use crate::rule::Rule;

/// Every control loop.
pub const ALL: &[Rule] = &[
    pool_validation::RULE,
    pool_readiness::RULE,
    pool_hash::RULE,
    pool_registration_health::RULE,
    lifecycle::RULE,
    hydration::RULE,
    expiration::RULE,
    pod_events::RULE,
    consistency::RULE,
    garbage_collection::RULE,
    node_termination::RULE,
];
