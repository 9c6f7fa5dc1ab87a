//! The decision core of Dovetail: a [`Problem`](problem::Problem) in, a [`Plan`](plan::Plan) out.
//!
//! Pure: no runtime, no Kubernetes client, no clock, no environment. The same problem gives the same plan on any
//! machine. What a pod, a pool or a node is in the Kubernetes API, and how plans become machines, others know.

mod bitset;
pub mod cost;
mod daemons;
mod greedy;
pub mod instance_type;
mod market;
mod packing;
pub mod plan;
pub mod policy;
pub mod problem;
pub mod reasons;
mod relaxation;
pub mod requirement;
pub mod requirements;
pub mod resources;
pub mod taint;
mod topology;
pub mod verify;
