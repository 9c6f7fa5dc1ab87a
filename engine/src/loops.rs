//! Every control loop, in the order in which they are asked. A loop is a file; here is the table.

mod node_termination;
pub mod nominations;
pub mod offers;
pub mod provisioning;

use crate::rule::Rule;

/// Every control loop.
pub const ALL: &[Rule] = &[
    offers::RULE,
    provisioning::NODE_TRIGGER,
    provisioning::RULE,
    nominations::POD,
    nominations::CLAIM,
    node_termination::RULE,
];
