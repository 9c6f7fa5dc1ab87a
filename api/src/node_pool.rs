//! The NodePool, `karpenter.sh/v1`: what nodes of one kind look like, how many there may be, and when they may be taken
//! away (the Karpenter specification, scheduling 1.1; v1.15 changes 1 and 3). It knows shapes, defaults and what the API
//! server checks; run-time validation, hashing and the meaning of budgets live in their own modules.

#![expect(unreachable_pub, reason = "KubeSchema repeats each struct inside a function, `pub` and all")]
#![allow(clippy::duplicated_attributes, reason = "every printer column has a type and a path")]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::{fragments, patterns};
use crate::duration::{Duration, NillableDuration};
use crate::quantity::Quantity;
use crate::requirement::{self, Requirement};

/// What nodes of this pool look like, how many there may be, and when they may be taken away.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "karpenter.sh",
    version = "v1",
    kind = "NodePool",
    plural = "nodepools",
    category = "karpenter",
    status = "NodePoolStatus",
    derive = "Default",
    derive = "PartialEq",
    doc = "A pool of nodes of one kind, provisioned as pods need them.",
    scale(spec_replicas_path = ".spec.replicas", status_replicas_path = ".status.nodes"),
    printcolumn(name = "NodeClass", type_ = "string", json_path = ".spec.template.spec.nodeClassRef.name"),
    printcolumn(name = "Nodes", type_ = "string", json_path = ".status.nodes"),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Weight", type_ = "integer", json_path = ".spec.weight", priority = 1),
    printcolumn(name = "CPU", type_ = "string", json_path = ".status.resources.cpu", priority = 1),
    printcolumn(name = "Memory", type_ = "string", json_path = ".status.resources.memory", priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.replicas) == has(oldSelf.replicas)").message(
        "Cannot transition NodePool between static (replicas set) and dynamic (replicas unset) provisioning modes"
    ),
    validation = Rule::new(
        "!has(self.replicas) || !has(self.limits) || size(self.limits) == 0 || (size(self.limits) == 1 && 'nodes' in self.limits)"
    ).message("only 'limits.nodes' is supported on static NodePools"),
    validation = Rule::new("!has(self.replicas) || !has(self.weight)")
        .message("'weight' is not supported on static NodePools")
)]
pub struct NodePoolSpec {
    /// What a node of this pool looks like.
    pub template: NodeClaimTemplate,
    /// When and how fast nodes of this pool may be taken away.
    #[serde(default)]
    #[schemars(extend("default" = { "consolidateAfter": "0s" }))]
    pub disruption: Disruption,
    /// The most that all nodes of this pool together may provide, by resource. The resource `nodes` counts nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fragments::quantities")]
    pub limits: Option<BTreeMap<String, Quantity>>,
    /// Pools are tried by weight, highest first, 1 to 100. A pool without weight counts as 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub weight: Option<i32>,
    /// Makes the pool static: it keeps this many nodes, whether pods need them or not. Alpha; gate StaticCapacity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub replicas: Option<i64>,
}

/// What a node of a pool looks like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeClaimTemplate {
    /// Labels and annotations of the nodes.
    #[serde(default, skip_serializing_if = "TemplateMetadata::is_empty")]
    pub metadata: TemplateMetadata,
    /// Everything else about the nodes.
    pub spec: NodeClaimTemplateSpec,
}

/// Labels and annotations that a pool puts on its nodes. Absent and empty differ: the drift hash tells them apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateMetadata {
    /// Labels of the nodes, at most 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "requirement::node_pool_labels")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations of the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-map-type" = "granular"))]
    pub annotations: Option<BTreeMap<String, String>>,
}

impl TemplateMetadata {
    /// Whether neither labels nor annotations are set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_none() && self.annotations.is_none()
    }
}

/// The nodes of a pool, apart from labels and annotations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeClaimTemplateSpec {
    /// Taints that the nodes carry for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub taints: Option<Vec<Taint>>,
    /// Taints that the nodes start with and that something else removes; pods need not tolerate them to be provisioned for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub startup_taints: Option<Vec<Taint>>,
    /// What the nodes' labels must be; at most 100 items, which all must hold.
    #[schemars(schema_with = "requirement::node_pool_requirements")]
    pub requirements: Vec<Requirement>,
    /// The provider's configuration that the nodes are made with.
    #[x_kube(
        validation = Rule::new("self.group == oldSelf.group").message("nodeClassRef.group is immutable"),
        validation = Rule::new("self.kind == oldSelf.kind").message("nodeClassRef.kind is immutable")
    )]
    pub node_class_ref: NodeClassReference,
    /// How long a node may take to drain before it is taken away regardless. Unset: as long as it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::DURATION))]
    pub termination_grace_period: Option<Duration>,
    /// How old a node may become, counted from its creation, or Never.
    #[serde(default = "default_expire_after")]
    #[schemars(extend("pattern" = patterns::DURATION_OR_NEVER))]
    pub expire_after: NillableDuration,
}

impl Default for NodeClaimTemplateSpec {
    fn default() -> Self {
        Self {
            taints: None,
            startup_taints: None,
            requirements: Vec::new(),
            node_class_ref: NodeClassReference::default(),
            termination_grace_period: None,
            expire_after: default_expire_after(),
        }
    }
}

/// The age at which a node expires unless its pool says otherwise: 720 hours.
pub(crate) fn default_expire_after() -> NillableDuration {
    "720h".parse().expect("720h is a duration")
}

/// A taint of a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Taint {
    /// The taint's key.
    #[schemars(length(min = 1), extend("pattern" = patterns::QUALIFIED_NAME))]
    pub key: String,
    /// The taint's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::QUALIFIED_NAME))]
    pub value: Option<String>,
    /// What happens to pods that do not tolerate the taint.
    pub effect: TaintEffect,
    /// When the taint was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_added: Option<Time>,
}

/// What a taint does to pods that do not tolerate it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum TaintEffect {
    /// They are not scheduled onto the node.
    #[default]
    NoSchedule,
    /// They are scheduled elsewhere if possible.
    PreferNoSchedule,
    /// They are not scheduled onto the node, and those running there are evicted.
    NoExecute,
}

impl TaintEffect {
    /// The effect as it is written in a manifest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }

    /// The effect that is written so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::NoSchedule, Self::PreferNoSchedule, Self::NoExecute].into_iter().find(|effect| effect.as_str() == text)
    }
}

/// The provider's configuration that nodes are made with, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeClassReference {
    /// API group of the node class, such as `karpenter.k8s.aws`.
    #[schemars(extend("pattern" = patterns::GROUP))]
    #[x_kube(validation = Rule::new("self != ''").message("group may not be empty"))]
    pub group: String,
    /// Kind of the node class, such as `EC2NodeClass`.
    #[x_kube(validation = Rule::new("self != ''").message("kind may not be empty"))]
    pub kind: String,
    /// Name of the node class.
    #[x_kube(validation = Rule::new("self != ''").message("name may not be empty"))]
    pub name: String,
}

/// When and how fast nodes of a pool may be taken away. Consolidation is ignored for static pools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Disruption {
    /// How long a node must have been free of pod changes before consolidation considers it, or Never.
    #[serde(default = "default_consolidate_after")]
    #[schemars(extend("pattern" = patterns::DURATION_OR_NEVER))]
    pub consolidate_after: NillableDuration,
    /// Which nodes consolidation considers.
    #[serde(default)]
    pub consolidation_policy: ConsolidationPolicy,
    /// How many nodes may be disrupted at a time. All budgets hold that are active and apply to the reason.
    #[serde(default = "default_budgets")]
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "atomic"))]
    #[x_kube(
        validation = Rule::new("self.all(x, has(x.schedule) == has(x.duration))")
            .message("'schedule' must be set with 'duration'")
    )]
    pub budgets: Vec<Budget>,
}

impl Default for Disruption {
    fn default() -> Self {
        Self {
            consolidate_after: default_consolidate_after(),
            consolidation_policy: ConsolidationPolicy::default(),
            budgets: default_budgets(),
        }
    }
}

fn default_consolidate_after() -> NillableDuration {
    "0s".parse().expect("0s is a duration")
}

fn default_budgets() -> Vec<Budget> {
    vec![Budget::default()]
}

/// Which nodes consolidation considers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ConsolidationPolicy {
    /// Nodes without pods that would have to move.
    WhenEmpty,
    /// Every node whose pods fit elsewhere, or on something cheaper.
    #[default]
    WhenEmptyOrUnderutilized,
    /// As WhenEmptyOrUnderutilized, but only where the savings outweigh the disruption.
    Balanced,
}

impl ConsolidationPolicy {
    /// The policy as it is written in a manifest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WhenEmpty => "WhenEmpty",
            Self::WhenEmptyOrUnderutilized => "WhenEmptyOrUnderutilized",
            Self::Balanced => "Balanced",
        }
    }
}

/// How many nodes of a pool may be disrupted at a time, always or on a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["nodes"]))]
pub struct Budget {
    /// The most nodes that may be disrupted at a time: a number, or a percentage of the pool's nodes, rounded up.
    #[serde(default = "default_budget_nodes")]
    #[schemars(extend("pattern" = patterns::BUDGET_NODES))]
    pub nodes: String,
    /// The reasons that the budget applies to. Unset: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "set"))]
    pub reasons: Option<Vec<DisruptionReason>>,
    /// When the budget becomes active, in the syntax of cron, in UTC. Unset: it is always active.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::CRON))]
    pub schedule: Option<String>,
    /// How long the budget stays active after each time the schedule comes round, in hours and minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::BUDGET_DURATION))]
    pub duration: Option<Duration>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { nodes: default_budget_nodes(), reasons: None, schedule: None, duration: None }
    }
}

fn default_budget_nodes() -> String {
    "10%".to_owned()
}

/// Why a node is taken away on the provisioner's own account, as budgets name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum DisruptionReason {
    /// Its pods fit elsewhere, or on something cheaper.
    Underutilized,
    /// It has no pods that would have to move.
    Empty,
    /// It no longer is what its pool or node class asks for.
    Drifted,
    /// The provider's repair policies call it broken.
    Unhealthy,
}

impl DisruptionReason {
    /// Every reason, in the order in which the CRD lists them.
    pub const ALL: [Self; 4] = [Self::Underutilized, Self::Empty, Self::Drifted, Self::Unhealthy];

    /// The reason as it is written in a manifest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Underutilized => "Underutilized",
            Self::Empty => "Empty",
            Self::Drifted => "Drifted",
            Self::Unhealthy => "Unhealthy",
        }
    }
}

/// What is known of a pool's nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodePoolStatus {
    /// What all nodes of the pool together provide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fragments::quantities")]
    pub resources: Option<BTreeMap<String, Quantity>>,
    /// The number of nodes.
    #[serde(default)]
    pub nodes: i64,
    /// The generation of the node class that NodeRegistrationHealthy refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_class_observed_generation: Option<i64>,
    /// Whether the pool can be used, and why not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "fragments::conditions")]
    pub conditions: Vec<Condition>,
}
