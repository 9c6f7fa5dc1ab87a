//! The `dovetail` binary as its users meet it: files in a folder, a command, and what comes of it.

mod bad_input;
mod definitions;
mod plan;
mod support;
mod unplaced;
