//! Terms of an EC2NodeClass that select things in AWS: subnets, security groups, capacity reservations, placement groups
//! and machine images, with the rules on how their fields combine (the Karpenter specification, aws-provider 1.2). It does
//! not know what exists in AWS.
//!
//! Karpenter's rules that a term's id excludes its other fields say "not every term is at fault" for subnets, security
//! groups and capacity reservations, so a term at fault is accepted beside one that is not. That is kept: a manifest that
//! Karpenter accepts must be accepted here.

#![expect(unreachable_pub, reason = "KubeSchema repeats each struct inside a function, `pub` and all")]

use std::collections::BTreeMap;

use kube::KubeSchema;
use kube::core::Rule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AmiFamily;
use crate::crd::patterns;

/// The rule on the tags of every term.
fn tags_have_text() -> Rule {
    Rule::new("self.all(k, k != '' && self[k] != '')").message("empty tag keys or values aren't supported")
}

/// A rule on a list of terms: it is broken when `fault` holds for every term `x` of the list. So it is when the list is
/// empty, which makes an empty list of capacity reservation terms an error, in Karpenter as here; only leaving it out says
/// that there are none.
pub(super) fn not_every_term(fault: &str, message: &str) -> Rule {
    Rule::new(format!("!self.all(x, {fault})")).message(message)
}

/// A rule on a map of tags: `free` must hold for every key `k`; `reserved` names what the user may not set.
pub(super) fn tag_is_free(free: &str, reserved: &str) -> Rule {
    let message = format!("tag contains a restricted tag matching {reserved}");
    Rule::new(format!("self.all(k, {free})")).message(message.as_str())
}

/// A rule on the spec: where an alias names `family`, `amiFamily` may not name another one.
pub(super) fn family_fits_alias(family: AmiFamily, alias_with_article: &str) -> Rule {
    let (name, alias) = (family.as_str(), family.alias().expect("only families that have an alias need the rule"));
    let message = format!("if set, amiFamily must be '{name}' or 'Custom' when using {alias_with_article} alias");
    Rule::new(format!(
        "!has(self.amiFamily) || self.amiFamily in ['{name}', 'Custom'] || !self.amiSelectorTerms.exists(x, has(x.alias) && x.alias.find('^[^@]+') == '{alias}')"
    ))
    .message(message.as_str())
}

/// Selects subnets. All fields that are set must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubnetSelectorTerm {
    /// Tags of the subnet, at most 20. The value `*` fits any value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 20))]
    #[x_kube(validation = tags_have_text())]
    pub tags: Option<BTreeMap<String, String>>,
    /// Id of the subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::SUBNET_ID))]
    pub id: Option<String>,
}

/// Selects security groups. All fields that are set must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroupSelectorTerm {
    /// Tags of the security group, at most 20. The value `*` fits any value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 20))]
    #[x_kube(validation = tags_have_text())]
    pub tags: Option<BTreeMap<String, String>>,
    /// Id of the security group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::SECURITY_GROUP_ID))]
    pub id: Option<String>,
    /// Name of the security group: its field, not its tag `Name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Selects capacity reservations. All fields that are set must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CapacityReservationSelectorTerm {
    /// Tags of the capacity reservation, at most 20. The value `*` fits any value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 20))]
    #[x_kube(validation = tags_have_text())]
    pub tags: Option<BTreeMap<String, String>>,
    /// Id of the capacity reservation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::CAPACITY_RESERVATION_ID))]
    pub id: Option<String>,
    /// Account that owns the capacity reservation.
    #[serde(rename = "ownerID", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::ACCOUNT_ID))]
    pub owner_id: Option<String>,
    /// Which machines the reservation takes in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_match_criteria: Option<InstanceMatchCriteria>,
}

/// Which machines a capacity reservation takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InstanceMatchCriteria {
    /// Every machine that fits.
    Open,
    /// Machines that name the reservation.
    Targeted,
}

/// Selects a placement group, by name or by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlacementGroupSelector {
    /// Name of the placement group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// Id of the placement group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::PLACEMENT_GROUP_ID))]
    pub id: Option<String>,
}

/// Selects machine images. All fields that are set must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AmiSelectorTerm {
    /// An EKS image as `family@version`: al2, al2023, bottlerocket, windows2019, windows2022 or windows2025, and a release
    /// of the family or `latest`. Windows families only know `latest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 30))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-zA-Z0-9]+@.+$')")
            .message("'alias' is improperly formatted, must match the format 'family@version'"),
        validation = Rule::new(
            "self.find('^[^@]+') in ['al2', 'al2023', 'bottlerocket', 'windows2019', 'windows2022', 'windows2025']"
        ).message(
            "family is not supported, must be one of the following: 'al2', 'al2023', 'bottlerocket', 'windows2019', 'windows2022', 'windows2025'"
        ),
        validation = Rule::new(
            "!(self.find('^[^@]+') in ['windows2019', 'windows2022', 'windows2025']) || self.split('@')[1] == 'latest'"
        ).message("windows families may only specify version 'latest'")
    )]
    pub alias: Option<String>,
    /// Tags of the image, at most 20. The value `*` fits any value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 20))]
    #[x_kube(validation = tags_have_text())]
    pub tags: Option<BTreeMap<String, String>>,
    /// Id of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::AMI_ID))]
    pub id: Option<String>,
    /// Name of the image: its field, not its tag `Name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Owner of the image: an account id, `self`, `amazon` or `aws-marketplace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Name or ARN of the SSM parameter that holds the image's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssm_parameter: Option<String>,
}

/// An alias of EKS images, `family@version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alias<'a> {
    /// The part before the first `@`, as written.
    pub family_name: &'a str,
    /// The part between the first `@` and the second, if there is one: a release or `latest`.
    pub version: &'a str,
}

impl<'a> Alias<'a> {
    /// Reads an alias; none if the text has no `@`.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split('@');
        Some(Self { family_name: parts.next()?, version: parts.next()? })
    }

    /// The AMI family that the alias names, if it is one that has aliases.
    #[must_use]
    pub fn family(&self) -> Option<AmiFamily> {
        AmiFamily::ALL.into_iter().find(|family| family.alias() == Some(self.family_name))
    }

    /// Whether the alias follows new releases.
    #[must_use]
    pub fn is_latest(&self) -> bool {
        self.version == "latest"
    }
}
