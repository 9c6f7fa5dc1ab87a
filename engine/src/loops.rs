//! Every control loop, in the order in which they are asked. A loop is a file; here is the table.

use crate::rule::Rule;

/// Every control loop.
pub const ALL: &[Rule] = &[];
