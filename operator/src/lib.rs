//! The edge of the controller: what it is told, whom it listens to, what it writes, and what others can see of it.
//!
//! Everything that touches Kubernetes, the clock and the network is here; what is done and when is decided in the engine.

pub mod client;
pub mod cloud;
pub mod controller;
#[cfg(test)]
mod documentation;
pub mod executor;
pub mod gauges;
mod kinds;
pub mod kwok;
pub mod lease;
pub mod logs;
pub mod metrics;
pub mod pace;
pub mod pump;
pub mod recorder;
pub mod serve;
pub mod settings;
pub mod shutdown;
pub mod watches;
