//! Cluster state and the control loops as pure decisions.
//!
//! This crate turns what a cluster is into problems for the scheduler, and plans into actions. It performs nothing
//! itself, and never asks what time it is.

pub mod daemon_sets;
pub mod nodes;
pub mod objects;
pub mod overlays;
pub mod pods;
pub mod pools;
pub mod provisioning;
mod repulsion;
pub mod requests;
pub mod selection;
pub mod volumes;
