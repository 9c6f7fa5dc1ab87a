//! Cluster state and the control loops as pure decisions.
//!
//! This crate turns what a cluster is into problems for the scheduler, and plans into actions. It performs nothing
//! itself, and never asks what time it is.

pub mod action;
mod agenda;
mod batch;
pub mod between_pods;
pub mod cluster;
pub mod daemon_sets;
pub mod default_spread;
pub mod engine;
pub mod event;
pub mod fact;
pub mod flights;
pub mod label_selector;
pub mod leaving;
pub mod limit_ranges;
pub mod loops;
mod membership;
pub mod new_claims;
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
pub mod round;
pub mod rule;
pub mod runtime_classes;
pub mod selection;
pub mod settings;
#[cfg(test)]
mod testing;
#[cfg(test)]
#[allow(dead_code, reason = "each story uses what it needs of the world")]
mod testing_world;
pub mod volumes;
