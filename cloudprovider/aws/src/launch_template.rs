//! Launch templates: everything about a machine but its type and its place. A template is known by its content: two machines
//! that need the same find the same template, and one that needs something else another (spec aws-provider 5.5).
//!
//! Here is what a template says and what it is called; which templates a launch needs is decided in
//! [`plan()`], their life in [`upkeep`].

mod interfaces;
mod metadata;
mod plan;
pub mod upkeep;
mod volumes;

pub use interfaces::{Interface, InterfaceKind};
pub use metadata::Metadata;
pub use plan::{LaunchInput, PlanError, Planned, plan};
pub use volumes::Volume;

use crate::tags::Tags;
use dovetail_api::hash;
use dovetail_api::labels::aws::LAUNCH_TEMPLATE_PREFIX;
use serde::Serialize;

/// A launch template as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchTemplate {
    /// Its name: a prefix, and a number that stands for the content.
    pub name: String,
    /// What it says.
    pub data: TemplateData,
    /// Its own tags.
    pub tags: Tags,
}

impl LaunchTemplate {
    /// The template that says this.
    ///
    /// # Panics
    /// Never: the content is texts and numbers, which JSON can always write.
    #[must_use]
    pub fn new(data: TemplateData, tags: Tags) -> Self {
        let content = serde_json::to_string(&(&data, &tags)).expect("texts and numbers can be written as JSON");
        Self { name: format!("{LAUNCH_TEMPLATE_PREFIX}{}", hash::text(&content)), data, tags }
    }
}

/// What a launch template says, in the terms of EC2. What is `None` or empty is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TemplateData {
    /// The machine image.
    pub image_id: String,
    /// User data, in base64.
    pub user_data: String,
    /// Name of the instance profile.
    pub instance_profile: String,
    /// The volumes; empty to leave them to the image.
    pub volumes: Vec<Volume>,
    /// How the machine reaches its metadata.
    pub metadata: Metadata,
    /// The network interfaces; there is always one.
    pub interfaces: Vec<Interface>,
    /// Whether CloudWatch hears of the machine every minute.
    pub detailed_monitoring: bool,
    /// `enabled` or `disabled`: whether the machine can run virtual machines itself.
    pub nested_virtualization: Option<&'static str>,
    /// Whether the machine can run Nitro enclaves.
    pub enclaves: bool,
    /// `default` or `dedicated` hardware.
    pub tenancy: &'static str,
    /// The placement group.
    pub placement_group: Option<String>,
    /// The partition of the placement group; none to let EC2 choose.
    pub partition: Option<u32>,
    /// What is said about capacity reservations; none to leave open reservations to EC2.
    pub reservation: Option<ReservationChoice>,
    /// The market, where it is neither that of on-demand nor that of spot machines.
    pub market: Option<Market>,
    /// Tags by the kind of resource that gets them.
    pub tags: Vec<(&'static str, Tags)>,
}

/// Whether a machine goes into a capacity reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ReservationChoice {
    /// Into this one or nowhere (`capacity-reservations-only`).
    Only(String),
    /// Into none, not even an open one (`none`).
    Never,
}

/// A market apart from on-demand and spot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Market {
    /// Capacity bought as a block of time.
    CapacityBlock,
    /// Reserved capacity that its owner may take back.
    Interruptible,
}

impl Market {
    /// The market as the EC2 API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CapacityBlock => "capacity-block",
            Self::Interruptible => "interruptible-capacity-reservation",
        }
    }
}

#[cfg(test)]
#[path = "launch_template/tests.rs"]
mod tests;
