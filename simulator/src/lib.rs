//! A cluster in virtual time: an API server, a scheduler, kubelets, workloads and a cloud, all in memory, around the very
//! engine that the controller runs.
//!
//! [`world::World`] lets things happen in the order of their times and checks after each that nothing was lost. The same
//! seed gives the same history, so that a failure can be replayed. What goes wrong, and how often, is said by
//! [`faults::Faults`].

pub mod api_server;
mod budgets;
pub mod cloud;
pub mod faults;
pub mod invariants;
pub mod kube_scheduler;
mod kubelets;
pub mod selector;
mod timeline;
pub mod workloads;
pub mod world;
