//! Every control loop, in the order in which they are asked. A loop is a file; here is the table.

mod consistency;
mod disruption_conditions;
mod draft;
mod expiration;
mod garbage_collection;
mod hydration;
mod lifecycle;
mod node_termination;
pub mod nominations;
pub mod offers;
mod pod_events;
mod pool_counter;
mod pool_draft;
mod pool_hash;
mod pool_readiness;
mod pool_registration_health;
mod pool_validation;
pub mod provisioning;
mod saying;
mod static_capacity;
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
    pool_counter::RULE,
    offers::RULE,
    provisioning::NODE_TRIGGER,
    provisioning::RULE,
    static_capacity::PROVISIONING,
    static_capacity::DEPROVISIONING,
    nominations::POD,
    nominations::CLAIM,
    lifecycle::RULE,
    hydration::RULE,
    expiration::RULE,
    pod_events::RULE,
    consistency::RULE,
    disruption_conditions::RULE,
    garbage_collection::RULE,
    node_termination::RULE,
];
