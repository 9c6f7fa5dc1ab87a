//! The cluster model: what is known of a cluster, written by one writer and read by everyone.
//!
//! Objects come in as the API server sends them, in any order and more than once; what is kept of them is what decisions
//! read. Nothing here decides what to do, and nothing waits (the Karpenter specification, disruption 6).

mod claim;
mod fold;
mod kind;
mod memory;
mod pod;
mod pod_events;
mod reduce;
mod shape;
mod shelf;
mod snapshot;
mod still;

pub use claim::ClaimRecord;
pub use fold::{Change, Cluster};
pub use kind::{Kind, Object, ObjectKey, Subject};
pub use memory::{Backlog, Charge, Expected, Memory, PodTimes, PoolOffer, Registrations, Remember};
pub use pod::{Phase, Placing, PodRecord};
pub use reduce::reduce;
pub use shape::Shape;
pub use shelf::Shelf;
pub use snapshot::{NoPartner, Snapshot, provider_id};
