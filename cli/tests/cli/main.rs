//! The `dovetail` binary as its users meet it: files in a folder, a command, and what comes of it.

mod bad_input;
mod bench;
mod definitions;
mod plan;
mod rules_between_pods;
mod support;
mod unplaced;
mod volumes;
