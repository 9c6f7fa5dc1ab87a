//! Experiments with packing policies: inputs as instances, runs with the clock and the memory at hand, the journal on disk,
//! and results as text. What instances and figures are, the crate `dovetail-packing` knows; which are asked for, the command.

pub(crate) mod errors;
pub(crate) mod experiment;
pub(crate) mod inputs;
mod journal;
mod memory;
pub(crate) mod report;
mod table;
