//! Cluster state and the control loops as pure decisions.
//!
//! This crate turns what a cluster is into problems for the scheduler, and plans into actions. It performs nothing
//! itself, and never asks what time it is.

mod batch;
pub mod between_pods;
pub mod daemon_sets;
pub mod default_spread;
pub mod label_selector;
pub mod limit_ranges;
mod membership;
pub mod nodes;
pub mod objects;
pub mod overlays;
mod peers;
pub mod pods;
pub mod pools;
pub mod ports;
pub mod provisioning;
pub mod requests;
mod residents;
pub mod runtime_classes;
pub mod selection;
#[cfg(test)]
mod testing;
pub mod volumes;
