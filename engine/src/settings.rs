//! How the operator wants the engine to decide. Where the settings come from is not known here.

use crate::cluster::Kind;
use crate::provisioning::Options;
use dovetail_api::labels;
use dovetail_scheduler::requirement::Name;
use dovetail_scheduler::requirements::WellKnown;
use k8s_openapi::jiff::SignedDuration;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The kinds that the engine is told of. Before each of them has been listed once, nothing is done.
    pub watched: Vec<Kind>,
    /// A round begins when no pod has come for so long (`BATCH_IDLE_DURATION`).
    pub batch_idle: SignedDuration,
    /// A round begins so long after the first pod at the latest (`BATCH_MAX_DURATION`).
    pub batch_max: SignedDuration,
    /// Whether a round may begin before that, once the backlog is seen to grow no more.
    pub early_start: bool,
    /// How problems are made.
    pub options: Options,
    /// The name of the policy that plans.
    pub policy: String,
    /// Label keys that new nodes may have although nothing defines them.
    pub well_known: WellKnown,
    /// The label that names the capacity reservation of a reserved offering, if the provider has such.
    pub reservation_label: Option<Name>,
    /// Group and kind of the node classes that the provider supports: pools and claims of others are left alone.
    pub node_classes: Vec<(String, String)>,
    /// Whether pods are told the node they are meant for (`status.nominatedNodeName`), so that kube-scheduler keeps to
    /// the plan. Needs Kubernetes 1.35.
    pub nominate_pods: bool,
    /// Which optional parts are on.
    pub gates: Gates,
    /// Where names that must differ begin. Two engines that run one after the other should have different ones.
    pub seed: u64,
}

/// Optional parts, by the names of Karpenter's feature gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Karpenter's own names
pub struct Gates {
    pub node_repair: bool,
    pub reserved_capacity: bool,
    pub spot_to_spot_consolidation: bool,
    pub node_overlay: bool,
    pub static_capacity: bool,
    pub capacity_buffer: bool,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            node_repair: false,
            reserved_capacity: true,
            spot_to_spot_consolidation: false,
            node_overlay: false,
            static_capacity: false,
            capacity_buffer: false,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            watched: Kind::ALL.to_vec(),
            batch_idle: SignedDuration::from_secs(1),
            batch_max: SignedDuration::from_secs(10),
            early_start: true,
            options: Options::default(),
            policy: "cost".to_owned(),
            well_known: labels::well_known().map(Name::from).collect(),
            reservation_label: None,
            node_classes: vec![],
            nominate_pods: false,
            gates: Gates::default(),
            seed: 0,
        }
    }
}

impl Settings {
    /// How long a node that pods are on their way to is left where it is: twice the longest batching window, at least ten
    /// seconds (specification "disruption" 0.4).
    pub fn nomination_window(&self) -> SignedDuration {
        (self.batch_max * 2).max(SignedDuration::from_secs(10))
    }

    /// Whether the provider is responsible for what refers to this kind of node class. With none named, for all.
    pub fn manages(&self, group: &str, kind: &str) -> bool {
        self.node_classes.is_empty() || self.node_classes.iter().any(|(g, k)| g == group && k == kind)
    }
}
