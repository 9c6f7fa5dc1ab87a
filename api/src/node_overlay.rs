//! The NodeOverlay, `karpenter.sh/v1alpha1`: corrections to the price and capacity of instance types (the Karpenter
//! specification, scheduling 1.4). It knows shapes and what the API server checks; which overlay wins is decided elsewhere.

#![expect(unreachable_pub, reason = "KubeSchema repeats each struct inside a function, `pub` and all")]
#![allow(clippy::duplicated_attributes, reason = "every printer column has a type and a path")]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::{fragments, patterns};
use crate::quantity::Quantity;
use crate::requirement::{self, OverlayRequirement};

/// Which instance types are corrected, and how.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "karpenter.sh",
    version = "v1alpha1",
    kind = "NodeOverlay",
    plural = "nodeoverlays",
    shortname = "overlays",
    category = "karpenter",
    status = "NodeOverlayStatus",
    derive = "Default",
    derive = "PartialEq",
    doc = "A correction to the price or the capacity of instance types.",
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Weight", type_ = "integer", json_path = ".spec.weight", priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.price) || !has(self.priceAdjustment)")
        .message("cannot set both 'price' and 'priceAdjustment'")
)]
pub struct NodeOverlaySpec {
    /// The instance types that the overlay applies to; at most 100 items, which all must hold.
    #[schemars(schema_with = "requirement::node_overlay_requirements")]
    pub requirements: Vec<OverlayRequirement>,
    /// The price of the instance types, in US dollars per hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::PRICE))]
    pub price: Option<String>,
    /// A change of the price: a signed amount in US dollars per hour (`+0.5`, `-0.1`) or a percentage (`+10%`, `-15%`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::PRICE_ADJUSTMENT))]
    pub price_adjustment: Option<String>,
    /// Extended resources that the instance types have. The standard resources cannot be corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fragments::quantities")]
    #[x_kube(
        validation = Rule::new("self.all(x, !(x in ['cpu', 'memory', 'ephemeral-storage', 'pods']))")
            .message("invalid resource restricted")
    )]
    pub capacity: Option<BTreeMap<String, Quantity>>,
    /// Of several overlays that correct the same thing the one with the highest weight wins, 1 to 10000. Unset counts as 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub weight: Option<i32>,
}

/// Whether the overlay is in use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeOverlayStatus {
    /// Whether the overlay is in use, and why not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "fragments::conditions")]
    pub conditions: Vec<Condition>,
}
