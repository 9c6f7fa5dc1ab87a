//! One item of a `requirements` list: a label key, an operator and values, with the rules that decide which keys may be
//! named where. It knows what the API server accepts (the Karpenter specification, scheduling 1.5, and aws-provider
//! 1.12); it does not know what a requirement means for instance types, nor whether a value is well formed at run time.

#![expect(unreachable_pub, reason = "KubeSchema repeats each struct inside a function, `pub` and all")]

use k8s_openapi::api::core::v1::NodeSelectorRequirement;
use kube::KubeSchema;
use kube::core::{Rule, validate};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::crd::patterns;
use crate::labels;

/// How a requirement relates a label to its values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Operator {
    /// The label's value is one of the values.
    #[default]
    In,
    /// The label is absent, or its value is none of the values.
    NotIn,
    /// The label is present.
    Exists,
    /// The label is absent.
    DoesNotExist,
    /// The label's value, read as an integer, is greater than the one value.
    Gt,
    /// The label's value, read as an integer, is less than the one value.
    Lt,
    /// The label's value, read as an integer, is greater than or equal to the one value.
    Gte,
    /// The label's value, read as an integer, is less than or equal to the one value.
    Lte,
}

impl Operator {
    /// Every operator, in the order in which the CRDs list them.
    pub const ALL: [Self; 8] =
        [Self::In, Self::NotIn, Self::Exists, Self::DoesNotExist, Self::Gt, Self::Lt, Self::Gte, Self::Lte];

    /// The operator as it is written in a manifest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "In",
            Self::NotIn => "NotIn",
            Self::Exists => "Exists",
            Self::DoesNotExist => "DoesNotExist",
            Self::Gt => "Gt",
            Self::Lt => "Lt",
            Self::Gte => "Gte",
            Self::Lte => "Lte",
        }
    }

    /// The operator that is written so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.as_str() == text)
    }
}

impl std::fmt::Display for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A constraint on one label of a node, optionally with a least number of distinct values that must stay available.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Requirement {
    /// The label key that the requirement applies to.
    #[schemars(length(max = 316), extend("pattern" = patterns::QUALIFIED_NAME))]
    pub key: String,
    /// How the label relates to the values.
    pub operator: Operator,
    /// The values: at least one for In, exactly one non-negative integer for Gt, Lt, Gte and Lte, none for Exists and
    /// DoesNotExist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub values: Vec<String>,
    /// The least number of distinct values of this key that the instance types of a node must offer, 1 to 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "min_values")]
    pub min_values: Option<i32>,
}

/// Schema of `minValues`. Unlike that of other integers it does not say how wide they are.
fn min_values(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "integer", "minimum": 1, "maximum": 50 })
}

/// A constraint on one label of an instance type, as a NodeOverlay selects with it: a [`Requirement`] without `minValues`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OverlayRequirement {
    /// The label key that the requirement applies to.
    #[schemars(length(max = 316), extend("pattern" = patterns::QUALIFIED_NAME))]
    pub key: String,
    /// How the label relates to the values.
    pub operator: Operator,
    /// The values: at least one for In and NotIn, exactly one non-negative integer for Gt, Lt, Gte and Lte, none for
    /// Exists and DoesNotExist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub values: Vec<String>,
}

impl From<OverlayRequirement> for Requirement {
    fn from(requirement: OverlayRequirement) -> Self {
        let OverlayRequirement { key, operator, values } = requirement;
        Self { key, operator, values, min_values: None }
    }
}

impl From<Requirement> for NodeSelectorRequirement {
    /// The requirement as a node selector writes it; `minValues` has no place there and is dropped.
    fn from(requirement: Requirement) -> Self {
        let Requirement { key, operator, values, min_values: _ } = requirement;
        Self { key, operator: operator.as_str().to_owned(), values: Some(values) }
    }
}

/// Keys of Karpenter's own domain that a user may constrain.
const KARPENTER_KEYS: [&str; 2] = [labels::CAPACITY_TYPE, labels::NODEPOOL];

/// Keys of the AWS provider's domain that only nodes have: a NodeOverlay, which describes instance types, may not name them.
const AWS_NODE_KEYS: [&str; 6] = [
    labels::aws::INSTANCE_TENANCY,
    labels::aws::CAPACITY_RESERVATION_TYPE,
    labels::aws::CAPACITY_RESERVATION_ID,
    labels::aws::CAPACITY_RESERVATION_INTERRUPTIBLE,
    labels::aws::PLACEMENT_GROUP_ID,
    labels::aws::PLACEMENT_GROUP_PARTITION,
];

/// Keys of the AWS provider's domain that NodePools and NodeClaims may name.
fn aws_node_keys() -> Vec<&'static str> {
    let inside = |key: &&str| key.split_once('/').is_some_and(|(domain, _)| domain == labels::aws::GROUP);
    labels::aws::WELL_KNOWN.iter().copied().filter(inside).collect()
}

/// Keys of the AWS provider's domain that NodeOverlays may name.
fn aws_overlay_keys() -> Vec<&'static str> {
    aws_node_keys().into_iter().filter(|key| !AWS_NODE_KEYS.contains(key)).collect()
}

/// CEL that holds when the string `key` is one of `allowed` or lies outside `domain`. The domain of a key is the text
/// before its first `/`, and a key is inside when that text merely ends with `domain`: `xkarpenter.sh/y` is refused too.
fn outside_domain(key: &str, domain: &str, allowed: &[&str]) -> String {
    let allowed = allowed.iter().map(|key| format!("'{key}'")).collect::<Vec<_>>().join(", ");
    format!("{key} in [{allowed}] || !{key}.find('^[^/]+').endsWith('{domain}')")
}

/// The rules on one label key, as pairs of a CEL predicate over `key` and the message of its violation.
fn key_rules(key: &str, aws_keys: &[&str], nodepool_label_allowed: bool) -> Vec<(String, &'static str)> {
    let mut rules =
        vec![(outside_domain(key, labels::GROUP, &KARPENTER_KEYS), "label domain \"karpenter.sh\" is restricted")];
    if !nodepool_label_allowed {
        rules.push((format!("{key} != 'karpenter.sh/nodepool'"), "label \"karpenter.sh/nodepool\" is restricted"));
    }
    rules.push((format!("{key} != 'kubernetes.io/hostname'"), "label \"kubernetes.io/hostname\" is restricted"));
    rules.push((outside_domain(key, labels::aws::GROUP, aws_keys), "label domain \"karpenter.k8s.aws\" is restricted"));
    rules
}

/// Adds a CEL rule to `schema`.
fn add_rule(schema: &mut Schema, rule: &str, message: &str) {
    validate(schema, Rule::new(rule).message(message)).expect("a rule of two strings serialises");
}

/// Adds the rules on requirement keys to the schema of one requirement.
fn add_key_rules(item: &mut Schema, aws_keys: &[&str], nodepool_label_allowed: bool) {
    let key = item
        .get_mut("properties")
        .and_then(|properties| properties.get_mut("key"))
        .expect("every requirement schema has the property 'key'");
    let mut schema = Schema::try_from(key.take()).expect("the schema of 'key' is an object");
    for (rule, message) in key_rules("self", aws_keys, nodepool_label_allowed) {
        add_rule(&mut schema, &rule, message);
    }
    *key = schema.to_value();
}

/// An atomic list of at most a hundred requirements with the rules that concern the list's items as wholes.
fn list_of(item: Schema, item_rules: &[(&str, &str)]) -> Schema {
    let mut list = schemars::json_schema!({
        "type": "array",
        "maxItems": 100,
        "x-kubernetes-list-type": "atomic",
        "items": item,
    });
    for (rule, message) in item_rules {
        add_rule(&mut list, &format!("self.all(x, {rule})"), message);
    }
    list
}

const IN_NEEDS_VALUES: (&str, &str) = (
    "x.operator != 'In' || (has(x.values) && size(x.values) > 0)",
    "requirements with operator 'In' must have a value defined",
);
const NOT_IN_NEEDS_VALUES: (&str, &str) = (
    "x.operator != 'NotIn' || (has(x.values) && size(x.values) > 0)",
    "requirements with operator 'NotIn' must have a value defined",
);
const COMPARISON_NEEDS_INTEGER: (&str, &str) = (
    "!(x.operator in ['Gt', 'Lt', 'Gte', 'Lte']) || (has(x.values) && size(x.values) == 1 && int(x.values[0]) >= 0)",
    "requirements operator 'Gt', 'Lt', 'Gte', or 'Lte' must have a single positive integer value",
);
/// The same rule of NodeOverlays, which Karpenter words without the last comma.
const OVERLAY_COMPARISON_NEEDS_INTEGER: (&str, &str) = (
    COMPARISON_NEEDS_INTEGER.0,
    "requirements operator 'Gt', 'Lt', 'Gte' or 'Lte' must have a single positive integer value",
);
const MIN_VALUES_FIT: (&str, &str) = (
    "!(x.operator == 'In' && has(x.minValues)) || (has(x.values) && size(x.values) >= x.minValues)",
    "requirements with 'minValues' must have at least that many values specified in the 'values' field",
);

/// Schema of `requirements` in a NodePool: the label `karpenter.sh/nodepool` is out of bounds.
pub(crate) fn node_pool_requirements(generator: &mut SchemaGenerator) -> Schema {
    let mut item = Requirement::json_schema(generator);
    add_key_rules(&mut item, &aws_node_keys(), false);
    list_of(item, &[IN_NEEDS_VALUES, COMPARISON_NEEDS_INTEGER, MIN_VALUES_FIT])
}

/// Schema of `requirements` in a NodeClaim, which does carry the label of its NodePool.
pub(crate) fn node_claim_requirements(generator: &mut SchemaGenerator) -> Schema {
    let mut item = Requirement::json_schema(generator);
    add_key_rules(&mut item, &aws_node_keys(), true);
    list_of(item, &[IN_NEEDS_VALUES, COMPARISON_NEEDS_INTEGER, MIN_VALUES_FIT])
}

/// Schema of `requirements` in a NodeOverlay: it describes instance types, so nothing that only a node has may be named.
pub(crate) fn node_overlay_requirements(generator: &mut SchemaGenerator) -> Schema {
    let mut item = OverlayRequirement::json_schema(generator);
    add_key_rules(&mut item, &aws_overlay_keys(), true);
    list_of(item, &[NOT_IN_NEEDS_VALUES, IN_NEEDS_VALUES, OVERLAY_COMPARISON_NEEDS_INTEGER])
}

/// Schema of the labels that a NodePool puts on its nodes.
pub(crate) fn node_pool_labels(_: &mut SchemaGenerator) -> Schema {
    let mut map = schemars::json_schema!({
        "type": "object",
        "maxProperties": 100,
        "x-kubernetes-map-type": "atomic",
        "additionalProperties": { "type": "string", "maxLength": 63, "pattern": patterns::LABEL_VALUE },
    });
    for (rule, message) in key_rules("x", &aws_node_keys(), false) {
        add_rule(&mut map, &format!("self.all(x, {rule})"), message);
    }
    map
}
