//! What can be wrong with a plan, as data and in words.
//!
//! Every violation names the claim, node or pod and the rule that it breaks, so that whoever wrote the policy need not
//! look for the place. How violations are found is the business of the other rooms of `verify`.

use crate::instance_type::Price;
use crate::problem::HostPort;
use crate::requirement::{Name, Requirement};
use crate::requirements::Requirements;
use crate::resources::{NODES, show};
use crate::taint::Taint;
use std::fmt;

/// A planned claim or an existing node: what pods are put on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A node to buy.
    Claim {
        /// Its index in the plan.
        index: usize,
        /// The name of its pool, or what stands for a pool that the problem does not have.
        pool: Name,
    },
    /// A node that is there.
    Node(Name),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claim { index, pool } => write!(f, "claim {index} (pool {pool})"),
            Self::Node(name) => write!(f, "node {name}"),
        }
    }
}

/// Who has a host port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortHolder {
    /// Another pod of the plan at the same place.
    Pod(Name),
    /// A DaemonSet that runs there.
    DaemonSet(Name),
    /// A pod that runs there already.
    Resident,
}

impl fmt::Display for PortHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(name) => write!(f, "pod {name}"),
            Self::DaemonSet(name) => write!(f, "DaemonSet {name}"),
            Self::Resident => f.write_str("a pod that runs there"),
        }
    }
}

/// Which list of a plan or problem an index points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// The pods of the problem.
    Pods,
    /// The classes of the problem.
    Classes,
    /// The pools of the problem.
    Pools,
    /// The nodes of the problem.
    Nodes,
    /// The sets of pods of the problem.
    Peers,
    /// The kinds of running pods of the problem.
    Residents,
    /// The instance types of a claim's pool.
    InstanceTypes,
    /// The existing nodes that the plan fills.
    Existing,
    /// The pods that the plan leaves without a place.
    Unplaced,
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pods => "pods",
            Self::Classes => "pod classes",
            Self::Pools => "pools",
            Self::Nodes => "nodes",
            Self::Peers => "sets of pods",
            Self::Residents => "kinds of running pods",
            Self::InstanceTypes => "instance types of the pool",
            Self::Existing => "existing nodes",
            Self::Unplaced => "unplaced pods",
        })
    }
}

/// One rule that a plan breaks.
///
/// Where the pods of a class break a rule together, the first of them stands for all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// An index points at nothing.
    #[error("{holder} refers to number {index} of the {list}, but the problem has only {len} of them")]
    OutOfRange {
        /// Who refers to it.
        holder: String,
        /// What list the index is meant for.
        list: List,
        /// The index.
        index: usize,
        /// How long the list is.
        len: usize,
    },
    /// A pod is forgotten.
    #[error("pod {pod} is neither placed nor listed as unplaced: every pod must be accounted for")]
    Forgotten {
        /// The pod.
        pod: Name,
    },
    /// A pod is there more than once.
    #[error("pod {pod} is in the plan {times} times: it must be placed once or listed as unplaced once")]
    Repeated {
        /// The pod.
        pod: Name,
        /// How often the plan names it.
        times: usize,
    },
    /// Nodes or unplaced pods do not come in the order of the problem, each once.
    #[error("the {list} of the plan are not in the order of the problem, each once")]
    Disorder {
        /// Which list.
        list: List,
    },
    /// Nothing is put there.
    #[error("{place} is in the plan but takes no pod")]
    Idle {
        /// The claim or node.
        place: Place,
    },
    /// A pod whose rules cannot be kept yet is placed.
    #[error("{place} takes pod {pod}, which asks for {rule}: that cannot be kept yet, so it must stay unplaced")]
    Unsupported {
        /// The claim or node.
        place: Place,
        /// The pod.
        pod: Name,
        /// The first of the rules.
        rule: Name,
    },
    /// A pod does not tolerate a taint that forbids it to be there.
    #[error("{place} has the taint {taint}, which pod {pod} does not tolerate")]
    Untolerated {
        /// The claim or node.
        place: Place,
        /// The pod.
        pod: Name,
        /// The taint.
        taint: Taint,
    },
    /// A pod asks for a label that is nowhere defined.
    #[error("{place} takes pod {pod}, which asks for the label {key}: nothing defines it there")]
    UndefinedLabel {
        /// The claim or node.
        place: Place,
        /// The pod.
        pod: Name,
        /// The label key.
        key: Name,
    },
    /// What a pod requires of its node is not assured.
    #[error("{place} takes pod {pod}, which requires {key} {asked}; the place has {}", found.as_ref().map_or_else(|| "nothing to say on that".to_owned(), |f| format!("{key} {f}")))]
    Selection {
        /// The claim or node.
        place: Place,
        /// The pod.
        pod: Name,
        /// The label key.
        key: Name,
        /// What the pod requires; of several required terms, what the first lacks.
        asked: Requirement,
        /// What the place assures.
        found: Option<Requirement>,
    },
    /// A claim asks for a label that a node of its pool will not have.
    #[error("{place} demands {key} {asked}, but neither its pool nor the well-known labels define {key}")]
    UndefinedDemand {
        /// The claim.
        place: Place,
        /// The label key.
        key: Name,
        /// What the claim demands.
        asked: Requirement,
    },
    /// A claim allows more than its pool.
    #[error("{place} must be at least as narrow as its pool, which has {key} {pool}; the claim has {}", claim.as_ref().map_or_else(|| "nothing to say on that".to_owned(), |c| format!("{key} {c}")))]
    WiderThanPool {
        /// The claim.
        place: Place,
        /// The label key.
        key: Name,
        /// What the pool requires.
        pool: Requirement,
        /// What the claim says.
        claim: Option<Requirement>,
    },
    /// A claim could be of no type.
    #[error("{place} lists no instance type that it could be of")]
    NoTypes {
        /// The claim.
        place: Place,
    },
    /// A type is listed twice.
    #[error("{place} lists {instance_type} more than once")]
    RepeatedType {
        /// The claim.
        place: Place,
        /// The type.
        instance_type: Name,
    },
    /// Types are not sorted.
    #[error("{place} lists {after} after {before}: types must come cheapest first, and by name where prices are equal")]
    TypesOutOfOrder {
        /// The claim.
        place: Place,
        /// The type listed first.
        before: Name,
        /// The type listed next, which should have come before.
        after: Name,
    },
    /// A type cannot have the labels that the claim requires.
    #[error("{place} lists {instance_type}, whose labels contradict the requirements of the claim")]
    WrongLabels {
        /// The claim.
        place: Place,
        /// The type.
        instance_type: Name,
    },
    /// A type cannot be bought as the claim requires.
    #[error("{place} lists {instance_type}, which has no launchable offering that the claim's requirements leave open")]
    NotOnOffer {
        /// The claim.
        place: Place,
        /// The type.
        instance_type: Name,
    },
    /// A type does not hold the pods.
    #[error("{place} lists {instance_type}, which leaves {resource} {} beside its DaemonSets; the pods need {}", show(resource, *room), show(resource, *needed))]
    TooSmall {
        /// The claim.
        place: Place,
        /// The type.
        instance_type: Name,
        /// The resource that is short.
        resource: Name,
        /// What the type leaves to pods.
        room: i64,
        /// What the pods of the claim ask for.
        needed: i64,
    },
    /// The claim's requests are not those of its pods.
    #[error("{place} requests {resource} {}; its pods and the least that DaemonSets take on its types make {}", show(resource, *said), show(resource, *found))]
    WrongRequests {
        /// The claim.
        place: Place,
        /// The resource.
        resource: Name,
        /// What the plan says.
        said: i64,
        /// What it should be.
        found: i64,
    },
    /// The claim's price is not that of its cheapest offering.
    #[error("{place} is priced at {said}; its cheapest launchable offering costs {found}")]
    WrongPrice {
        /// The claim.
        place: Place,
        /// What the plan says.
        said: Price,
        /// What the offering costs.
        found: Price,
    },
    /// A minimum number of distinct values is not kept.
    #[error("{place} must keep {asked} values of {key} open; its types leave {have}")]
    TooFewValues {
        /// The claim.
        place: Place,
        /// The label key.
        key: Name,
        /// How many the claim must keep.
        asked: u32,
        /// How many distinct values its types have that it allows.
        have: u32,
    },
    /// A minimum number of distinct values was lowered though it must not be, or not openly.
    #[error("{place} lowers the minimum number of values of {key} from {pool} to {}: allowed only under BestEffort, and marked as relaxed", claim.unwrap_or(0))]
    MinimumLowered {
        /// The claim.
        place: Place,
        /// The label key.
        key: Name,
        /// What the pool asks for.
        pool: u32,
        /// What the claim asks for.
        claim: Option<u32>,
    },
    /// A claim is marked as relaxed, but its minimum numbers are those of its pool.
    #[error("{place} is marked as having a lowered minimum number of values, but none is lower than its pool's")]
    NothingLowered {
        /// The claim.
        place: Place,
    },
    /// A listed type alone is larger than what the limits of the pool leave.
    #[error("{place} lists {instance_type} with {resource} {}; the limits of the pool leave {}", show(resource, *capacity), show(resource, *left))]
    TypeBeyondLimit {
        /// The claim.
        place: Place,
        /// The type.
        instance_type: Name,
        /// The limited resource.
        resource: Name,
        /// How much of it the type has.
        capacity: i64,
        /// What the limits leave.
        left: i64,
    },
    /// The claims of a pool together exceed its limits, whatever is launched.
    #[error("the claims of pool {pool} take at least {resource} {}; its limits leave {}", counted(resource, *taken), counted(resource, *left))]
    BeyondLimit {
        /// The pool.
        pool: Name,
        /// The limited resource.
        resource: Name,
        /// The least that its new nodes have together.
        taken: i64,
        /// What the limits leave.
        left: i64,
    },
    /// An existing node does not hold the pods.
    #[error("{place} has {resource} {} left beside DaemonSet pods that are still to come; the pods need {}", show(resource, *room), show(resource, *needed))]
    Overfull {
        /// The node.
        place: Place,
        /// The resource that is short.
        resource: Name,
        /// What the node leaves to pods.
        room: i64,
        /// What its new pods ask for.
        needed: i64,
    },
    /// A pod goes to a node that is going away.
    #[error("{place} is going away and takes no more pods; the plan puts pod {pod} there")]
    Leaving {
        /// The node.
        place: Place,
        /// The pod.
        pod: Name,
    },
    /// A host port is wanted twice.
    #[error("{place} takes pod {pod}, which wants host port {}; {holder} has it", written(port))]
    PortTaken {
        /// The claim or node.
        place: Place,
        /// The pod.
        pod: Name,
        /// The port it wants.
        port: HostPort,
        /// Who has it.
        holder: PortHolder,
    },
    /// On a listed type a DaemonSet has a host port that a pod wants.
    #[error(
        "{place} lists {instance_type}, where DaemonSet {daemon} takes host port {}; pod {pod} wants it",
        written(port)
    )]
    PortOfDaemonSet {
        /// The claim.
        place: Place,
        /// The type.
        instance_type: Name,
        /// The DaemonSet.
        daemon: Name,
        /// The port.
        port: HostPort,
        /// The pod.
        pod: Name,
    },
    /// The volumes of a pod cannot be used where it is, or that is not certain.
    #[error("{place} takes pod {pod}, whose volumes can be used where {}; that is not assured there", usable.iter().map(ToString::to_string).collect::<Vec<_>>().join(", or where "))]
    VolumesElsewhere {
        /// The claim or node.
        place: Place,
        /// The pod.
        pod: Name,
        /// Where its volumes can be used: one of these must hold.
        usable: Vec<Requirements>,
    },
    /// A listed type cannot attach so many volumes.
    #[error("{place} lists {instance_type}, which attaches {limit} volumes of {driver}; the pods need {needed}")]
    VolumesOfType {
        /// The claim.
        place: Place,
        /// The type.
        instance_type: Name,
        /// The CSI driver.
        driver: Name,
        /// How many volumes of the driver the type attaches.
        limit: u32,
        /// How many the pods of the claim need.
        needed: u64,
    },
    /// An existing node cannot attach so many more volumes.
    #[error("{place} can attach {room} more volumes of {driver}; the pods need {needed}")]
    VolumesOfNode {
        /// The node.
        place: Place,
        /// The CSI driver.
        driver: Name,
        /// How many more volumes of the driver can be attached.
        room: u32,
        /// How many its new pods need.
        needed: u64,
    },
    /// A pod is with others that it must be away from.
    #[error("{place} takes pod {pod}, which must not share {key} with {peers}; {} there are {others} of them", within(domain.as_ref(), "at that place"))]
    Together {
        /// The claim or node.
        place: Place,
        /// The pod.
        pod: Name,
        /// The label key that makes a domain.
        key: Name,
        /// The domain that the place is in or may be in; nothing if that is the place itself or cannot be foreseen.
        domain: Option<Name>,
        /// The others.
        peers: Name,
        /// How many of them are or may be there.
        others: u64,
    },
    /// A pod is with a running pod that must be away from its kind.
    #[error("{place} takes pod {pod}, one of {peers}; a pod that runs {} must not share {key} with them", within(domain.as_ref(), "there"))]
    Repelled {
        /// The claim or node.
        place: Place,
        /// The pod.
        pod: Name,
        /// The label key that makes a domain.
        key: Name,
        /// The domain that the place is in or may be in; nothing if that is the place itself or cannot be foreseen.
        domain: Option<Name>,
        /// The set that it belongs to.
        peers: Name,
    },
    /// A pod has a spread or affinity by a label that its place may not have.
    #[error("{place} takes pod {pod}, which has a rule by {key}; what that label will be there is not certain")]
    NoDomain {
        /// The claim or node.
        place: Place,
        /// The pod.
        pod: Name,
        /// The label key that makes a domain.
        key: Name,
    },
    /// Pods are not as even as a pod requires.
    #[error("{place} takes pod {pod}, which spreads {peers} by {key} with a skew of at most {max_skew}; {} there are {pods} of them, in the emptiest domain {least}", within(domain.as_ref(), "at that place"))]
    Askew {
        /// The claim or node.
        place: Place,
        /// The pod.
        pod: Name,
        /// The label key that makes a domain.
        key: Name,
        /// The domain; nothing if that is the place itself.
        domain: Option<Name>,
        /// The pods that are counted.
        peers: Name,
        /// How many of them the domain holds in the end.
        pods: u64,
        /// How many the emptiest domain holds.
        least: u64,
        /// How many more are allowed.
        max_skew: u32,
    },
    /// A pod wants to be with others, and none of them can have been there first.
    #[error(
        "{place} takes pod {pod}, which must share {key} with {peers}; there is no order in which one of them comes before it"
    )]
    Lonely {
        /// The claim or node.
        place: Place,
        /// The pod.
        pod: Name,
        /// The label key that makes a domain.
        key: Name,
        /// The pods it wants to be with.
        peers: Name,
    },
    /// A claim holds a reservation though reserved capacity is like any other in this problem.
    #[error("{place} holds capacity reservation {reservation}, but in this problem reservations are not held")]
    UnaskedReservation {
        /// The claim.
        place: Place,
        /// The first of its reservations.
        reservation: Name,
    },
    /// A claim that holds reservations could be launched in another way, or not from all of them.
    #[error("{place} holds capacity reservations and must require {key} {needed}; {}", found.as_ref().map_or_else(|| "it has nothing to say on that".to_owned(), |f| format!("it requires {key} {f}")))]
    LooseReservation {
        /// The claim.
        place: Place,
        /// The label key.
        key: Name,
        /// What it must require.
        needed: Requirement,
        /// What it requires.
        found: Option<Requirement>,
    },
    /// None of a claim's types can be launched from a reservation that it holds.
    #[error("{place} holds capacity reservation {reservation}, from which none of its types can be launched")]
    ReservationNotOnOffer {
        /// The claim.
        place: Place,
        /// The reservation.
        reservation: Name,
    },
    /// A reservation is held more often than it has units.
    #[error("the claims hold {held} units of capacity reservation {reservation}, which has {units}")]
    OverReserved {
        /// The reservation.
        reservation: Name,
        /// How many units the claims hold together.
        held: u32,
        /// How many it has.
        units: u32,
    },
    /// The plan is cheaper than what it calls a bound on every plan.
    #[error("the plan costs {cost}, which is less than {bound}, its own lower bound on the price of any plan")]
    BelowBound {
        /// What the plan costs.
        cost: Price,
        /// The bound that it states.
        bound: Price,
    },
}

/// Nodes are counted, not measured.
fn counted(resource: &str, amount: i64) -> String {
    if resource == NODES { amount.to_string() } else { show(resource, amount) }
}

/// A port as people write it, with the address where it is not all of them.
fn written(port: &HostPort) -> String {
    let address = port.ip.as_ref().map(|ip| format!("{ip}:")).unwrap_or_default();
    format!("{address}{}/{}", port.port, port.protocol)
}

/// "in" a domain, or words for a place that is its own.
fn within(domain: Option<&Name>, itself: &str) -> String {
    domain.map_or_else(|| itself.to_owned(), |name| format!("in {name}"))
}
