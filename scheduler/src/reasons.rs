//! Why a pod goes nowhere, as data.
//!
//! Every pool that refused a pod has its refusal; where instance types had to be told apart, types that are out for the same
//! rule form one group with their number. Everything is told of the most forgiving reading of the pod: when all its wishes
//! have been given up and still no node will do. How a reason is found is the scheduler's business. How it reads is
//! decided beside: [`Unplaced::explain`] for people, [`Unplaced::event`] for the programs that read Karpenter's events.

use crate::problem::HostPort;
use crate::requirement::{Name, Requirement};
use crate::requirements::{Incompatible, Requirements};
use crate::resources::Resources;
use crate::taint::Taint;
use std::collections::BTreeMap;
use std::sync::Arc;

mod event;
#[cfg(test)]
mod testing;
mod words;

pub use event::RESOURCE_CLAIMS;
pub use words::Words;

/// Why a pod could not be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unplaced {
    /// It asks for rules that this version does not know how to keep.
    NotYetSupported(Vec<Name>),
    /// There is no pool to buy from.
    NoPools,
    /// Each pool refused it, in the order in which they were asked.
    Refused(Vec<(usize, Refusal)>),
    /// It waits for reserved capacity: the next round, when it is known what the pods of this one have left of it, may find
    /// it a place. The pools in the order in which they were asked; the last ones may not have been asked any more.
    Deferred(Vec<(usize, Refusal)>),
}

/// Why one pool has no node for a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The pool's own requirements leave it no instance type at all.
    EmptyPool(Excluded),
    /// Its nodes have taints that the pod does not tolerate.
    Taints(Vec<Taint>),
    /// The pod selects other nodes than the pool makes.
    Selection(Incompatible),
    /// The pool may not have more nodes.
    NodeLimit,
    /// Its volumes are elsewhere: for each place where they could be used together, why the pool has no node there.
    Volumes(Vec<Incompatible>),
    /// A rule between pods leaves no domain of the pool's.
    BetweenPods(BetweenPods),
    /// Rules between pods that each leave a domain of the pool's, but not the same.
    NoCommonDomain(Vec<BetweenPods>),
    /// None of its instance types will do.
    NoInstanceType(NoInstanceType),
    /// The capacity that was reserved for such nodes is not to be had in this round.
    Reserved(Reserved),
}

/// A rule between pods that cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BetweenPods {
    /// The rule.
    pub rule: PodRule,
    /// The label that makes a domain.
    pub key: Name,
    /// The set of pods it speaks of, as an index into [`Problem::peers`](crate::problem::Problem::peers).
    pub peers: usize,
    /// How many of these pods each domain holds, or, where another pod keeps this one away, how many such pods.
    pub counts: DomainCounts,
    /// The domains that the pod asks for: [`Requirement::exists`] if it does not say.
    pub asked: Requirement,
    /// The domains that a node of the pool could be in, for this pod.
    pub offered: Requirement,
    /// Of those, the domains that the rule would allow; empty if this rule alone is enough.
    pub allowed: Vec<Name>,
}

/// A kind of rule between pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PodRule {
    /// A topology spread constraint.
    Spread {
        /// How many more pods one domain may hold than the emptiest.
        max_skew: u32,
        /// If there are fewer domains than this, the emptiest counts as holding none.
        min_domains: Option<u32>,
    },
    /// Pod affinity.
    Affinity,
    /// The pod's own anti-affinity.
    AntiAffinity,
    /// The anti-affinity of another pod.
    Repelled,
}

/// Numbers of pods by domain: the first few domains, and how many more there are. A reason is kept for every kind of pod
/// that has no place, and a label such as the host name has as many domains as there are nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainCounts {
    listed: Vec<(Name, u32)>,
    others: usize,
}

impl DomainCounts {
    /// So many domains are told, as in Karpenter's message (specification "scheduling" 4.9).
    pub const LISTED: usize = 25;

    /// Numbers of pods by domain. A domain that is named twice counts as it was named last.
    pub fn of(counts: impl IntoIterator<Item = (Name, u32)>) -> Self {
        let all: BTreeMap<Name, u32> = counts.into_iter().collect();
        let others = all.len().saturating_sub(Self::LISTED);
        Self { listed: all.into_iter().take(Self::LISTED).collect(), others }
    }

    /// The first domains by name, at most [`Self::LISTED`], and how many pods each holds.
    pub fn listed(&self) -> &[(Name, u32)] {
        &self.listed
    }

    /// How many more domains there are.
    pub const fn others(&self) -> usize {
        self.others
    }
}

/// Instance types that are out, each counted once, for the first rule that keeps it out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excluded {
    /// How many types were looked at.
    pub types: usize,
    /// Those that are out, in the order of the rules ([`Rule`]), and within one rule the largest group first.
    pub groups: Vec<Group>,
}

/// Instance types that the same rule keeps out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The rule.
    pub rule: Rule,
    /// How many types, at least one.
    pub types: usize,
    /// The name of one of them: the first in the order of names.
    pub example: Name,
}

/// What keeps an instance type out. Rules are asked in this order and the first that applies is told: what a type is comes
/// before where it is sold, that before what it holds, and what the pool may still buy comes last, since a greater limit
/// would not help with any of the others. Of several labels the first by key is told; of several resources one that
/// machines are bought for (GPUs, huge pages), then CPU, memory and the rest by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It does not have a label that the pod, or the pool, asks for.
    Label {
        /// The label key.
        key: Name,
        /// What pod and pool ask for together.
        asked: Requirement,
        /// What the example has; `None` if it never has the label.
        has: Option<Requirement>,
    },
    /// It is not sold where and how pod and pool ask for it.
    NotOffered {
        /// The labels (zone, capacity type and the like) and what is asked of each. A single one if that alone rules every
        /// offering out; several if each is offered, but not together.
        asked: Vec<(Name, Requirement)>,
    },
    /// It is sold where and how pod and pool ask for it, but not available at the moment.
    Unavailable {
        /// The labels that offerings differ in, as far as pod and pool ask for them.
        asked: Vec<(Name, Requirement)>,
    },
    /// DaemonSets alone need more of a resource than it has.
    DaemonSets {
        /// The resource that is short.
        resource: Name,
    },
    /// Beside the DaemonSets it has too little of a resource.
    Resource {
        /// The resource.
        resource: Name,
        /// What the pod asks for.
        asked: i64,
        /// The most that a type of this group leaves to pods.
        most: i64,
    },
    /// A DaemonSet takes a port of the host that the pod wants.
    HostPort(HostPort),
    /// More volumes cannot be attached to it.
    VolumeLimit {
        /// The CSI driver.
        driver: Name,
        /// How many volumes the pod attaches.
        asked: u32,
        /// The most that a type of this group takes.
        most: u32,
    },
    /// It is larger than what the pool's limits still allow.
    Limit {
        /// The resource.
        resource: Name,
        /// What is left of the limit; negative if it is exceeded already.
        left: i64,
    },
}

/// What the instance types of a pool lack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoInstanceType {
    /// The types that are out; looked at were those that the pool's own requirements leave.
    pub excluded: Excluded,
    /// Of the types that have the labels and can be bought: the most there is of each resource that all of them have too
    /// little of. A type is counted for the first resource only, but there is little use in mending one of several.
    pub scarce: Resources,
    /// If types are left: the keys of which they have too few distinct values.
    pub min_values: Vec<TooFewValues>,
    /// Which criteria some type met.
    pub met: Met,
    /// What is asked of the node on the pod's behalf: its labels, the place of its volumes, the domains that rules between
    /// pods leave.
    pub asked: Arc<Requirements>,
    /// What DaemonSets take of a node.
    pub daemons: Arc<DaemonRange>,
}

/// A key of which the types that are left have too few values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooFewValues {
    /// The label key.
    pub key: Name,
    /// `minValues`.
    pub asked: u32,
    /// How many distinct values are left.
    pub left: u32,
}

/// Criteria that some type of the pool met, whichever; Karpenter's message turns on them (specification "scheduling" 4.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Some type stays within what is left of the pool's limits. The other criteria are about such types.
    pub limits: bool,
    /// Some type has the labels.
    pub labels: bool,
    /// Some type can be bought where and how it is asked for.
    pub offering: bool,
    /// Some type that can be bought so is large enough.
    pub resources: bool,
}

/// The least and the most that DaemonSets take of the types of a pool, resource by resource. Both are empty where there
/// are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DaemonRange {
    /// The least.
    pub least: Resources,
    /// The most.
    pub most: Resources,
}

/// Why reserved capacity cannot be had (specification "v1.15 changes" 6.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// It has room, but other pods of this round may need it: the reservations, by name.
    Spoken(Vec<Name>),
    /// It is full, and nothing else would do: the reservations, by name.
    Full(Vec<Name>),
}
