//! Machines that nobody wants: launched for a claim that does not exist, or whose claim never learned of them (spec
//! aws-provider 9). A machine is ended only on the strength of its own tags.

use super::{Instance, provider_id};
use crate::tags::prove_instance;
use dovetail_api::labels::aws::TAG_NODECLAIM;
use dovetail_api::node_claim::NodeClaim;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// A machine that has just been launched may not be on its claim yet.
pub const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// The machines to be ended. `claims` are all that there are, listed after the machines were: a claim that came in between is
/// among them.
///
/// A machine whose tag names a claim that has no machine yet is left alone: the claim's status is still being written.
/// Karpenter ends such a machine after the same thirty seconds.
#[must_use]
pub fn leaked<'a>(instances: &'a [Instance], claims: &[NodeClaim], cluster: &str, now: Timestamp) -> Vec<&'a Instance> {
    let own_machine = |claim: &NodeClaim| claim.status.as_ref()?.provider_id.clone().filter(|id| !id.is_empty());
    let wanted: BTreeSet<String> = claims.iter().filter_map(own_machine).collect();
    let waiting: BTreeSet<&str> = claims
        .iter()
        .filter(|claim| own_machine(claim).is_none())
        .filter_map(|claim| claim.metadata.name.as_deref())
        .collect();
    let is_leaked = |instance: &&Instance| {
        !instance.is_ending()
            && prove_instance(&instance.tags, cluster)
            && now.duration_since(instance.launched) > GRACE
            && !wanted.contains(&provider_id(&instance.zone, &instance.id))
            && instance.tags.get(TAG_NODECLAIM).is_none_or(|name| !waiting.contains(name.as_str()))
    };
    instances.iter().filter(is_leaked).collect()
}
