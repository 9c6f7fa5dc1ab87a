//! Every control loop, in the order in which they are asked. A loop is a file; here is the table.

mod node_termination;

use crate::rule::Rule;

/// Every control loop.
pub const ALL: &[Rule] = &[node_termination::RULE];
