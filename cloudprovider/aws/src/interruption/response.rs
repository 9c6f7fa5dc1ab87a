//! What an interruption makes happen: events for people, offerings that are not tried again for a while, and the end of the
//! NodeClaim, upon which its pods are planned elsewhere at once (spec aws-provider 8.3, 8.4; v1.15 changes 6.4, 10.7).

use super::health::Unhealthy;
use super::message::{Kind, Message};
use crate::capacity_type::CapacityType;
use crate::unavailable::{OfferingKey, Scope};
use dovetail_api::events::EventKind;
use dovetail_api::events::aws as events;
use dovetail_api::labels::{CAPACITY_TYPE, INSTANCE_TYPE, NODEPOOL, TERMINATION_TIMESTAMP, ZONE, aws};
use std::collections::{BTreeMap, BTreeSet};

/// A claim whose machine something happens to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The claim's name.
    pub claim: String,
    /// The node's name, once there is one.
    pub node: Option<String>,
    /// The claim's labels.
    pub labels: BTreeMap<String, String>,
    /// Whether the claim is on its way out already.
    pub deleting: bool,
    /// Whether somebody has set the time by which it must be gone.
    pub must_end_by: bool,
}

/// Claims by the id of their machine. Machines of others are not there.
pub type Targets = BTreeMap<String, Target>;

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// An event is published on the object.
    Publish {
        /// Which event.
        event: &'static EventKind,
        /// Kind of the object: `NodeClaim` or `Node`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The offering is not offered for a while.
    MarkOffering(OfferingKey),
    /// The claim is annotated with the current time as the time by which it must be gone, so that neither disruption budgets
    /// of pods nor volumes hold it up.
    EndNow {
        /// The claim's name.
        claim: String,
        /// The annotation's key.
        annotation: &'static str,
    },
    /// The claim is deleted.
    Delete {
        /// The claim's name.
        claim: String,
    },
    /// The metric of disrupted claims counts one. Whoever counts also says how the claim may be ended; that follows from the
    /// claim itself.
    Count {
        /// The claim's name.
        claim: String,
        /// The reason.
        reason: &'static str,
        /// The claim's pool.
        nodepool: String,
        /// How its machine is paid for.
        capacity_type: String,
    },
}

/// What the messages make happen, the first one first. A claim that several of them end is ended once.
#[must_use]
pub fn to_messages(messages: &[Message], targets: &Targets) -> Vec<Effect> {
    let mut ended = BTreeSet::new();
    let mut effects = Vec::new();
    for message in messages.iter().filter(|message| message.kind != Kind::NoOp) {
        for target in message.instances.iter().filter_map(|id| targets.get(id)) {
            publish(&mut effects, target, event_of(message.kind));
            effects.extend(mark(message.kind, target).map(Effect::MarkOffering));
            if message.kind != Kind::RebalanceRecommendation && ended.insert(&target.claim) {
                end(&mut effects, target, message.kind.as_str());
            }
        }
    }
    effects
}

/// What EC2's findings make happen. A machine that fails its checks is not drained at leisure: nothing on it can be trusted
/// to answer.
#[must_use]
pub fn to_findings(findings: &[Unhealthy], targets: &Targets) -> Vec<Effect> {
    let mut ended = BTreeSet::new();
    let mut effects = Vec::new();
    for finding in findings {
        let Some(target) = targets.get(&finding.instance) else { continue };
        publish(&mut effects, target, Some(&events::INSTANCE_UNHEALTHY));
        if finding.category.is_forceful() && !target.must_end_by {
            effects.push(Effect::EndNow { claim: target.claim.clone(), annotation: TERMINATION_TIMESTAMP });
        }
        if ended.insert(&target.claim) {
            end(&mut effects, target, finding.category.as_str());
        }
    }
    effects
}

const fn event_of(kind: Kind) -> Option<&'static EventKind> {
    match kind {
        Kind::SpotInterrupted => Some(&events::SPOT_INTERRUPTED),
        Kind::RebalanceRecommendation => Some(&events::SPOT_REBALANCE_RECOMMENDATION),
        Kind::ScheduledChange => Some(&events::INSTANCE_UNHEALTHY),
        Kind::InstanceStopped => Some(&events::INSTANCE_STOPPING),
        Kind::InstanceTerminated => Some(&events::INSTANCE_TERMINATING),
        Kind::CapacityReservationInterrupted => Some(&events::CAPACITY_RESERVATION_INSTANCE_INTERRUPTED),
        Kind::NoOp => None,
    }
}

fn publish(effects: &mut Vec<Effect>, target: &Target, event: Option<&'static EventKind>) {
    let Some(event) = event else { return };
    effects.push(Effect::Publish { event, kind: "NodeClaim", name: target.claim.clone() });
    effects.extend(target.node.iter().map(|node| Effect::Publish { event, kind: "Node", name: node.clone() }));
}

/// What is taken back here is not to be had here for a while.
fn mark(kind: Kind, target: &Target) -> Option<OfferingKey> {
    let label = |key: &str| target.labels.get(key).filter(|value| !value.is_empty()).cloned();
    let (capacity_type, scope) = match kind {
        Kind::SpotInterrupted => (CapacityType::Spot, Scope::All),
        Kind::CapacityReservationInterrupted => {
            (CapacityType::Reserved, Scope::Reservation(label(aws::CAPACITY_RESERVATION_ID)?))
        }
        _ => return None,
    };
    Some(OfferingKey { capacity_type, instance_type: label(INSTANCE_TYPE)?, zone: label(ZONE)?, scope })
}

fn end(effects: &mut Vec<Effect>, target: &Target, reason: &'static str) {
    if target.deleting {
        return;
    }
    let label = |key: &str| target.labels.get(key).cloned().unwrap_or_default();
    effects.push(Effect::Delete { claim: target.claim.clone() });
    publish(effects, target, Some(&events::TERMINATING_ON_INTERRUPTION));
    let claim = target.claim.clone();
    effects.push(Effect::Count { claim, reason, nodepool: label(NODEPOOL), capacity_type: label(CAPACITY_TYPE) });
}
