//! The question: pods to place, pools to buy nodes from, nodes that are there.
//!
//! A problem is a value, complete and self-contained: nothing is looked up while it is solved. Pods with the same needs
//! form a class, since thousands of replicas need to be understood only once. How a problem is made from a cluster is
//! the engine's business; here it has already been decided which pods, pools and nodes take part.

use crate::instance_type::InstanceType;
use crate::requirement::Name;
use crate::requirements::{Requirements, WellKnown};
use crate::resources::Resources;
use crate::taint::{Effect, Taint, Toleration};
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
    /// Sets of pods that rules between pods speak of, in words such as `app=web in default`. Who belongs to a set is said
    /// by [`PodClass::member_of`] and [`Resident::member_of`]; selectors are not known here any more.
    pub peers: Vec<Name>,
    /// The kinds of pods that run on the nodes, as far as rules between pods concern them.
    pub residents: Vec<Resident>,
    /// Label keys that a new node may have although nothing defines them yet.
    pub well_known: WellKnown,
    /// How capacity reservations are used; `None` takes a reserved offering for one like any other.
    pub reservations: Option<Reservations>,
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
    /// The ports of the node that it wants for itself.
    pub ports: Vec<HostPort>,
    /// What its volumes ask of a node.
    pub volumes: Volumes,
    /// The sets of [`Problem::peers`] that it belongs to, ascending.
    pub member_of: Vec<usize>,
    /// How evenly it is to be spread, in the order of the manifest.
    pub spread: Vec<Spread>,
    /// Pods it wants to be near.
    pub affinity: PodTerms,
    /// Pods it wants to be away from.
    pub anti_affinity: PodTerms,
    /// Rules it asks for that the scheduler cannot keep: such a pod is reported, never placed.
    pub unsupported: Vec<Name>,
}

/// A port of the node itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// The address it is wanted on; `None` means all of them.
    pub ip: Option<Name>,
    /// The port.
    pub port: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Name,
}

impl HostPort {
    /// Whether only one of the two can be had on a node.
    pub fn clashes(&self, other: &Self) -> bool {
        let same_address = self.ip.is_none() || other.ip.is_none() || self.ip == other.ip;
        self.port == other.port && self.protocol == other.protocol && same_address
    }
}

/// What the volumes of a pod ask of its node (specification "scheduling" 4.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Volumes {
    /// Where its volumes can be used together: one of these must hold; none means anywhere. They are rules for the node
    /// alone and do not narrow the domains that spread counts over.
    pub places: Vec<Requirements>,
    /// By CSI driver, how many volumes it attaches that no other pod uses.
    pub own: Vec<(Name, u32)>,
    /// Volumes that it attaches and that other pods use as well: CSI driver, and namespace and name of the claim. Sorted.
    pub shared: Vec<(Name, Name)>,
}

/// Terms about other pods; each stands for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodTerms {
    /// Those that must hold.
    pub required: Vec<PodTerm>,
    /// Those that should, with their weights, in the order of the manifest.
    pub preferred: Vec<(i32, PodTerm)>,
}

impl PodTerms {
    /// All of them, required or not.
    pub fn all(&self) -> impl Iterator<Item = &PodTerm> {
        self.required.iter().chain(self.preferred.iter().map(|(_, term)| term))
    }
}

/// In (or not in) one domain with some pod of a set.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PodTerm {
    /// The label that makes a domain.
    pub key: Name,
    /// The set of pods, as an index into [`Problem::peers`].
    pub peers: usize,
}

/// A topology spread constraint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spread {
    /// The label that makes a domain.
    pub key: Name,
    /// The set of pods that are counted, as an index into [`Problem::peers`].
    pub peers: usize,
    /// How many more pods one domain may hold than the emptiest.
    pub max_skew: u32,
    /// If there are fewer domains than this, the emptiest counts as holding none.
    pub min_domains: Option<u32>,
    /// `DoNotSchedule`; otherwise it is a wish.
    pub required: bool,
    /// Whether only nodes that the pod selects are counted (`nodeAffinityPolicy: Honor`, the default).
    pub honors_selection: bool,
    /// Whether only nodes whose taints the pod tolerates are counted (`nodeTaintsPolicy: Honor`).
    pub honors_taints: bool,
}

impl Spread {
    /// Required, and for the rest as a manifest means it that says no more.
    pub fn evenly(key: &str, peers: usize, max_skew: u32) -> Self {
        Self {
            key: key.into(),
            peers,
            max_skew,
            min_domains: None,
            required: true,
            honors_selection: true,
            honors_taints: false,
        }
    }
}

/// A kind of pod that runs on nodes already, as far as rules between pods concern it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Resident {
    /// The sets of [`Problem::peers`] that it belongs to, ascending. A pod that is about to end belongs to none.
    pub member_of: Vec<usize>,
    /// Its required anti-affinity: pods that must not join it.
    pub repels: Vec<PodTerm>,
}

/// How capacity reservations are used (specification "v1.15 changes" 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservations {
    /// The label whose value in an offering's requirements names the reservation.
    pub label: Name,
    /// Whether a pod waits for the next round rather than buy elsewhere while others of this round may still leave some of
    /// the reserved capacity unused (provisioning), or not (disruption).
    pub strict: bool,
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
#[derive(Clone, Debug, Default)]
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
    /// Whether it is going away: it takes no more pods, but those that run there still count.
    pub leaving: bool,
    /// What runs there, DaemonSet pods included: indexes into [`Problem::residents`] and how many of each. Pods that are to
    /// be placed anew are not among them.
    pub residents: Vec<(usize, u32)>,
    /// The host ports that are taken.
    pub ports: Vec<HostPort>,
    /// By CSI driver, how many more volumes can be attached; a driver that is not named has no limit.
    pub attachable: Vec<(Name, u32)>,
    /// Volumes attached already that other pods may use as well: CSI driver, and namespace and name of the claim. Sorted.
    pub attached: Vec<(Name, Name)>,
}

/// What one DaemonSet will put on each node it selects.
#[derive(Clone, Debug, Default)]
pub struct DaemonPod {
    /// Namespace and name of the DaemonSet.
    pub name: Name,
    /// Its effective requests, with `pods: 1`.
    pub requests: Resources,
    /// Which nodes it runs on.
    pub selection: NodeSelection,
    /// Which taints it puts up with.
    pub tolerations: Vec<Toleration>,
    /// The ports of the node that it takes.
    pub ports: Vec<HostPort>,
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

    /// Whether some node, there or to come, has a taint that pods should rather avoid.
    pub(crate) fn has_soft_taints(&self) -> bool {
        let of_pools = self.pools.iter().flat_map(|pool| &pool.taints);
        let mut all = of_pools.chain(self.nodes.iter().flat_map(|node| &node.taints));
        all.any(|taint| taint.effect == Effect::PreferNoSchedule)
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
