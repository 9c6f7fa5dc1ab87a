//! Simulated machines: what becomes of a NodeClaim when one is bought, and what a Node object says of its machine (facts
//! of Karpenter's KWOK provider; the Karpenter specification, scheduling 5 and v1.15 changes 8.12).
//!
//! A machine is nothing but its Node object, so that nothing is lost when the controller ends. Which machine a claim gets
//! follows from the claim and the catalogue alone: bought twice, it is the same one. When it joins and who writes it down
//! is not known here.

use super::KwokCatalogue;
use crate::errors::ProviderError;
use crate::repair::{ConditionStatus, RepairAction, RepairPolicy};
use dovetail_api::conditions;
use dovetail_api::kwok_node_class::KWOKNodeClass;
use dovetail_api::labels::{self, kwok};
use dovetail_api::node_claim::{NodeClaim, NodeClaimSpec, NodeClaimStatus};
use dovetail_api::quantity::Quantity;
use dovetail_scheduler::instance_type::{InstanceType, Offering};
use dovetail_scheduler::requirement::{Operator, Requirement};
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::{self, Resources};
use k8s_openapi::api::core::v1::{Node, NodeSpec, NodeStatus, Taint};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Amount;
use std::collections::BTreeMap;
use std::time::Duration;

/// How provider IDs of simulated machines begin; the name of the Node follows.
pub const PROVIDER_ID_PREFIX: &str = "kwok://";

/// How much of a claim's UID tells its machine from that of another claim of the same name.
const UID_LETTERS: usize = 10;

/// The name of the Node that the claim becomes.
pub fn node_name(claim: &NodeClaim) -> String {
    let name = claim.metadata.name.as_deref().unwrap_or_default();
    let uid = claim.metadata.uid.as_deref().unwrap_or_default();
    let letters = uid.chars().filter(char::is_ascii_alphanumeric).take(UID_LETTERS);
    format!("kwok-{name}-{}", letters.collect::<String>().to_ascii_lowercase())
}

/// The name of the Node with that provider ID; nothing if it is no simulated machine's.
pub fn node_of(provider_id: &str) -> Option<&str> {
    provider_id.strip_prefix(PROVIDER_ID_PREFIX).filter(|name| !name.is_empty())
}

/// The Node that the claim becomes: the cheapest machine that meets it, as it joins the cluster.
///
/// # Errors
/// `InsufficientCapacity` if the catalogue has nothing on sale that meets the claim, `Create` if a requirement of it cannot
/// be read.
pub fn node(claim: &NodeClaim, catalogue: &KwokCatalogue) -> Result<Node, ProviderError> {
    let wanted = requirements(claim)?;
    let (bought, offering) = cheapest(claim, &wanted, catalogue).ok_or_else(|| {
        let name = claim.metadata.name.as_deref().unwrap_or_default();
        ProviderError::InsufficientCapacity(format!("no offering on sale meets the requirements of nodeclaim {name:?}"))
    })?;
    let name = node_name(claim);
    // What the claim asks for beside what the type is known to have, such as devices, the machine has too.
    let asked: BTreeMap<String, Amount> = claim.spec.resources.requests.iter().flatten().map(amount).collect();
    let with = |has: &Resources| {
        let mut all = asked.clone();
        all.extend(has.iter().map(|(name, n)| (name.to_string(), Amount(resources::show(name, n)))));
        Some(all)
    };
    let mut node = Node::default();
    let mut annotations = claim.metadata.annotations.clone().unwrap_or_default();
    annotations.insert(kwok::NODE.to_owned(), kwok::NODE_VALUE.to_owned());
    node.metadata.annotations = Some(annotations);
    node.metadata.labels = Some(own_labels(claim, bought, offering));
    node.metadata.name = Some(name.clone());
    let unregistered =
        Taint { key: labels::UNREGISTERED_TAINT.to_owned(), effect: labels::NO_EXECUTE.to_owned(), ..Taint::default() };
    node.spec = Some(NodeSpec {
        provider_id: Some(format!("{PROVIDER_ID_PREFIX}{name}")),
        taints: Some(vec![unregistered]),
        ..NodeSpec::default()
    });
    node.status = Some(NodeStatus {
        capacity: with(&bought.capacity),
        allocatable: with(&bought.allocatable()),
        phase: Some("Pending".to_owned()),
        ..NodeStatus::default()
    });
    Ok(node)
}

/// The machine behind a Node as a claim; nothing if it is no simulated machine.
pub fn claim(node: &Node) -> Option<NodeClaim> {
    let provider_id = node.spec.as_ref()?.provider_id.clone()?;
    node_of(&provider_id)?;
    let mut claim = NodeClaim::new(node.metadata.name.as_deref().unwrap_or_default(), NodeClaimSpec::default());
    claim.metadata.labels = node.metadata.labels.clone();
    claim.metadata.annotations = node.metadata.annotations.clone();
    claim.metadata.creation_timestamp = node.metadata.creation_timestamp.clone();
    claim.metadata.deletion_timestamp = node.metadata.deletion_timestamp.clone();
    let status = node.status.as_ref();
    let quantities = |amounts: Option<&BTreeMap<String, Amount>>| {
        let read = |(name, amount): (&String, &Amount)| Some((name.clone(), amount.0.parse::<Quantity>().ok()?));
        amounts.map(|amounts| amounts.iter().filter_map(read).collect())
    };
    claim.status = Some(NodeClaimStatus {
        node_name: node.metadata.name.clone(),
        provider_id: Some(provider_id),
        capacity: quantities(status.and_then(|s| s.capacity.as_ref())),
        allocatable: quantities(status.and_then(|s| s.allocatable.as_ref())),
        ..NodeClaimStatus::default()
    });
    Some(claim)
}

/// How long after its launch a machine of that class joins the cluster.
///
/// # Errors
/// `InsufficientCapacity` if there is no such class, since nothing can be bought then; `NodeClassNotReady` if it says that
/// it cannot be used.
pub fn registration_delay(name: &str, class: Option<&KWOKNodeClass>) -> Result<Duration, ProviderError> {
    let Some(class) = class else {
        let message = format!("resolving node class from nodeclaim, there is no KWOKNodeClass {name:?}");
        return Err(ProviderError::InsufficientCapacity(message));
    };
    let known = class.status.as_ref().map_or(&[][..], |status| &status.conditions);
    if let Some(ready) = conditions::find(known, conditions::READY).filter(|c| c.status == conditions::FALSE) {
        return Err(ProviderError::NodeClassNotReady(ready.message.clone()));
    }
    let delay = class.spec.node_registration_delay.as_ref().map_or(0, |delay| delay.nanos());
    Ok(Duration::from_nanos(u64::try_from(delay).unwrap_or(0)))
}

/// The boot ID of a machine that was restarted by that operation.
pub fn boot_id(operation: &str) -> String {
    format!("kwok-{operation}")
}

/// When a simulated node counts as broken.
pub fn repair_policies() -> Vec<RepairPolicy> {
    use ConditionStatus::{False, True, Unknown};
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let policy = |type_: &str, condition_status, reason: &str, toleration, grace, action| RepairPolicy {
        condition_type: type_.to_owned(),
        condition_status,
        reason_regex: reason.to_owned(),
        toleration,
        termination_grace_period: Some(grace),
        priority: 0,
        action,
    };
    let (half, replace) = (Duration::from_secs(30), RepairAction::ReplaceNode);
    vec![
        policy(conditions::node::READY, False, "", minutes(10), Duration::ZERO, replace),
        policy(conditions::node::READY, Unknown, ".*", minutes(10), Duration::ZERO, replace),
        policy(conditions::node::KWOK_UNHEALTHY, True, ".*", half, Duration::from_secs(45), replace),
        policy(conditions::node::KWOK_REBOOT_REQUIRED, True, ".*", half, minutes(1), RepairAction::RebootNode),
    ]
}

/// What the labels of the claim's node must be.
fn requirements(claim: &NodeClaim) -> Result<Requirements, ProviderError> {
    let mut out = Requirements::new();
    for wanted in &claim.spec.requirements {
        let requirement = Requirement::new(wanted.operator, &wanted.values).map_err(|error| ProviderError::Create {
            reason: "InvalidRequirement".to_owned(),
            message: format!("requirement {}: {error}", wanted.key),
        })?;
        out.add(&wanted.key, requirement);
    }
    Ok(out)
}

/// The cheapest way of meeting a claim; of several, the first by name.
fn cheapest<'c>(
    claim: &NodeClaim,
    wanted: &Requirements,
    catalogue: &'c KwokCatalogue,
) -> Option<(&'c InstanceType, &'c Offering)> {
    let asked = Resources::from_quantities(claim.spec.resources.requests.iter().flatten());
    // A type that was chosen by whoever made the claim has room: what it has may be an overlay's word.
    let is_chosen = wanted.get(labels::INSTANCE_TYPE).is_some_and(|types| types.listed().is_some());
    let fits = |t: &InstanceType| is_chosen || asked.fit(&t.allocatable());
    let meets = |t: &InstanceType| wanted.intersects(&t.requirements) && fits(t);
    let types = catalogue.types.iter().filter(|t| meets(t));
    let ways = types.filter_map(|t| Some((&**t, t.cheapest(wanted, &catalogue.well_known)?)));
    ways.min_by_key(|(_, offering)| offering.price)
}

/// The labels of the claim, what it requires of single labels, what its type and offering are like, and what KWOK goes by.
fn own_labels(claim: &NodeClaim, bought: &InstanceType, offering: &Offering) -> BTreeMap<String, String> {
    let mut out = claim.metadata.labels.clone().unwrap_or_default();
    for wanted in claim.spec.requirements.iter().filter(|r| r.operator == Operator::In) {
        if let [only] = wanted.values.as_slice() {
            out.insert(wanted.key.clone(), only.clone());
        }
    }
    for (key, requirement) in bought.requirements.iter().chain(offering.requirements.iter()) {
        if let Some(only) = requirement.single() {
            out.insert(key.to_string(), only.to_string());
        }
    }
    let name = claim.metadata.name.as_deref().unwrap_or_default();
    for (key, value) in [
        (kwok::PRICE, &*format!("{:.6}", offering.price.dollars())),
        (kwok::PARTITION, kwok::PARTITION_VALUE),
        (kwok::NODE, kwok::NODE_VALUE),
        (labels::HOSTNAME, name),
    ] {
        out.insert(key.to_owned(), value.to_owned());
    }
    out
}

fn amount((name, quantity): (&String, &Quantity)) -> (String, Amount) {
    (name.clone(), Amount(quantity.to_canonical()))
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
