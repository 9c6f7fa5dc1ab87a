//! What EC2 sells, and what a node of each instance type will be like: labels, capacity, overhead, prices.
//!
//! Two parts meet here. Facts: a [`Catalogue`] of instance types, the zones they are offered in and what they cost, made
//! by [`build`](builder::build) from what AWS publishes, kept in an own [format](mod@format) and embedded in the binary.
//! Rules: how those facts and the settings of a node class, an [`Ec2Request`], give the instance types that planning reads,
//! figure for figure as Karpenter's AWS provider has them. Nothing here calls AWS: what is sold out or shifted away at
//! the moment is not known.

pub mod builder;
mod capacity;
mod catalogue;
mod compatibility;
pub mod describe;
mod family;
pub mod format;
mod labels;
mod offerings;
mod overhead;
pub mod record;
mod request;
pub mod tables;
#[cfg(test)]
pub(crate) mod testing;

pub use catalogue::{Catalogue, CatalogueError};
pub use family::{FamilyRules, rules as family_rules};
pub use labels::well_known;
pub use request::{
    BlockDevice, Ec2Request, Ec2Settings, Interface, Kubelet, MemoryShare, PlacementGroup, PlacementStrategy,
    RequestError, Reservation, Threshold, Zone,
};
