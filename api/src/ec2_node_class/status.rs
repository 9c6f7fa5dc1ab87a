//! What the controller found in AWS for an EC2NodeClass (the Karpenter specification, aws-provider 1.6). It knows shapes;
//! the orders that the lists are kept in are the business of those who fill them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::selector::InstanceMatchCriteria;
use crate::crd::fragments;
use crate::requirement::OverlayRequirement;

/// What was found in AWS for the class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EC2NodeClassStatus {
    /// The subnets selected, the one with the most free addresses first, then by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<Subnet>,
    /// The security groups selected, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<SecurityGroup>,
    /// The capacity reservations selected, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity_reservations: Vec<CapacityReservation>,
    /// The machine images selected, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amis: Vec<Ami>,
    /// Name of the instance profile in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_profile: Option<String>,
    /// Whether the class can be used, and why not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "fragments::conditions")]
    pub conditions: Vec<Condition>,
}

/// A subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subnet {
    /// Id of the subnet.
    pub id: String,
    /// Its zone, such as `us-west-2a`.
    pub zone: String,
    /// The id of its zone, such as `usw2-az1`.
    #[serde(rename = "zoneID", skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
}

/// A security group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroup {
    /// Id of the security group.
    pub id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A machine image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ami {
    /// Id of the image.
    pub id: String,
    /// Whether its owner has deprecated it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The machines that it fits.
    #[schemars(schema_with = "fragments::ami_requirements")]
    pub requirements: Vec<OverlayRequirement>,
}

/// A capacity reservation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CapacityReservation {
    /// The zone of its machines.
    pub availability_zone: String,
    /// When it ends, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// Id of the reservation.
    #[schemars(extend("pattern" = crate::crd::patterns::CAPACITY_RESERVATION_ID))]
    pub id: String,
    /// Which machines it takes in.
    pub instance_match_criteria: InstanceMatchCriteria,
    /// The type of its machines.
    pub instance_type: String,
    /// The account that owns it.
    #[serde(rename = "ownerID")]
    #[schemars(extend("pattern" = crate::crd::patterns::ACCOUNT_ID))]
    pub owner_id: String,
    /// Whether it is a reservation on demand or a block.
    #[serde(default)]
    pub reservation_type: CapacityReservationType,
    /// Whether AWS may take its machines back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interruptible: bool,
    /// Whether it can still be launched into.
    #[serde(default)]
    pub state: CapacityReservationState,
}

/// The kind of a capacity reservation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CapacityReservationType {
    /// On demand.
    #[default]
    Default,
    /// A block, for a time set beforehand.
    CapacityBlock,
}

impl CapacityReservationType {
    /// The kind as it is written in a status and in the label `karpenter.k8s.aws/capacity-reservation-type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::CapacityBlock => "capacity-block",
        }
    }
}

/// Whether a capacity reservation can be launched into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CapacityReservationState {
    /// It can.
    #[default]
    Active,
    /// It is a block that ends in less than 40 minutes.
    Expiring,
}
