//! The question: pods to place, pools to buy nodes from, nodes that are there.
//!
//! A problem is a value, complete and self-contained: nothing is looked up while it is solved. Pods with the same needs
//! form a class, since thousands of replicas need to be understood only once. How a problem is made from a cluster is
//! the engine's business; here it has already been decided which pods, pools and nodes take part.

use crate::instance_type::InstanceType;
use crate::requirement::Name;
use crate::requirements::{Requirements, WellKnown};
use crate::resources::Resources;
use crate::taint::{Taint, Toleration};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Everything a policy decides on.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// The pods to place.
    pub pods: Vec<Pod>,
    /// What pods need, each class once.
    pub classes: Vec<PodClass>,
    /// Where nodes can be bought, in the order in which pools are tried (see [`Problem::sort`]).
    pub pools: Vec<NodePool>,
    /// Nodes that exist or are on their way, in the order in which they are tried.
    pub nodes: Vec<Node>,
    /// One pod of each DaemonSet: what every node has to carry as well.
    pub daemons: Vec<DaemonPod>,
    /// Label keys that a new node may have although nothing defines them yet.
    pub well_known: WellKnown,
    /// How strictly preferences and minimum values are taken.
    pub settings: Settings,
}

/// One pod to place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Namespace and name, as in `default/web-0`.
    pub name: Name,
    /// Its UID, which settles the order among pods that are otherwise alike.
    pub uid: Name,
    /// When it was created, in seconds since 1970; older pods are placed first.
    pub created: i64,
    /// Which of the problem's classes says what it needs.
    pub class: usize,
}

/// What a pod needs of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodClass {
    /// Its effective requests, with `pods: 1`.
    pub requests: Resources,
    /// Which nodes it accepts.
    pub selection: NodeSelection,
    /// Which taints it puts up with.
    pub tolerations: Vec<Toleration>,
    /// Rules it asks for that the scheduler cannot keep yet: such a pod is reported, never placed.
    pub unsupported: Vec<Name>,
}

/// Node selector and node affinity of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NodeSelection {
    /// The node selector.
    pub selector: Requirements,
    /// Required terms: one of them must hold; none means no such rule.
    pub required: Vec<Requirements>,
    /// Preferred terms with their weights, in the order of the manifest.
    pub preferred: Vec<(i32, Requirements)>,
}

impl NodeSelection {
    /// The ways to satisfy what is required, one per term; preferences left aside.
    pub fn strict(&self) -> Vec<Requirements> {
        if self.required.is_empty() {
            vec![self.selector.clone()]
        } else {
            self.required.iter().map(|term| self.selector.and(term)).collect()
        }
    }
}

/// A pool that nodes are bought from: template, types and what is left of its limits.
#[derive(Clone, Debug)]
pub struct NodePool {
    /// Its name.
    pub name: Name,
    /// Pools of greater weight are tried first; unset counts as zero.
    pub weight: i32,
    /// What its nodes are like: requirements of the template, narrowed by the template's labels.
    pub requirements: Requirements,
    /// The taints of its nodes. Startup taints do not count: they are gone before pods come.
    pub taints: Vec<Taint>,
    /// What the provider sells for its node class.
    pub instance_types: Arc<[Arc<InstanceType>]>,
    /// Limits less what its nodes use already, for the limited resources only; `nodes` counts nodes.
    pub remaining: Option<Resources>,
}

/// A node that exists, or a NodeClaim that will become one.
#[derive(Clone, Debug)]
pub struct Node {
    /// The node's name, or the claim's until the node has one.
    pub name: Name,
    /// Initialized nodes are tried before those on their way.
    pub initialized: bool,
    /// Its labels.
    pub labels: Requirements,
    /// The taints that count: startup and ephemeral ones are left out until the node is initialized.
    pub taints: Vec<Taint>,
    /// Allocatable less the requests of the pods bound to it.
    pub available: Resources,
    /// The part of those requests that DaemonSet pods make.
    pub bound_daemons: Resources,
}

/// What one DaemonSet will put on each node it selects.
#[derive(Clone, Debug)]
pub struct DaemonPod {
    /// Namespace and name of the DaemonSet.
    pub name: Name,
    /// Its effective requests, with `pods: 1`.
    pub requests: Resources,
    /// Which nodes it runs on.
    pub selection: NodeSelection,
    /// Which taints it puts up with.
    pub tolerations: Vec<Toleration>,
}

/// How strictly preferences and minimum values are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What preferences are worth.
    pub preferences: PreferencePolicy,
    /// What happens when a pool's minimum number of values cannot be kept.
    pub min_values: MinValuesPolicy,
}

/// What preferences are worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PreferencePolicy {
    /// Preferences are treated as requirements, and given up one at a time when they cannot be met.
    #[default]
    Respect,
    /// Preferences are not looked at.
    Ignore,
}

/// What happens when a pool's minimum number of values cannot be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinValuesPolicy {
    /// No node is bought then.
    #[default]
    Strict,
    /// The minimum is lowered to what can be had.
    BestEffort,
}

impl Problem {
    /// Brings pools and nodes into the order in which they are tried: pools by weight, greatest first, and among equals
    /// by name, last first (specification 4.1); initialized nodes before others, then by name (4.4).
    pub fn sort(&mut self) {
        self.pools.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| b.name.cmp(&a.name)));
        self.nodes.sort_by(|a, b| b.initialized.cmp(&a.initialized).then_with(|| a.name.cmp(&b.name)));
    }

    /// The class of a pod.
    pub fn class_of(&self, pod: usize) -> &PodClass {
        &self.classes[self.pods[pod].class]
    }
}

/// Collects pods into classes.
#[derive(Debug, Default)]
pub struct Classes {
    index: FxHashMap<PodClass, usize>,
}

impl Classes {
    /// The number of the class in the problem, which is made known to it if it is new.
    pub fn intern(&mut self, problem: &mut Problem, class: PodClass) -> usize {
        if let Some(known) = self.index.get(&class) {
            return *known;
        }
        let number = problem.classes.len();
        problem.classes.push(class.clone());
        self.index.insert(class, number);
        number
    }
}
