//! What must hold in any world at any time, whatever goes wrong, and what must hold once nothing has happened for a while.
//!
//! Nothing is bought and forgotten, nothing goes before what depends on it, no pod is lost, limits hold. Whoever breaks one
//! of these is told with the time and the names.

use crate::api_server::{ApiServer, node_name};
use crate::cloud::Cloud;
use crate::{kubelets, workloads};
use dovetail_api::labels;
use dovetail_api::node_claim::NodeClaim;
use dovetail_engine::cluster::{Kind, Object};
use dovetail_scheduler::resources::Resources;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// How long a machine may run without a claim: garbage is collected every two minutes, by one controller after the other.
const ORPHANED: SignedDuration = SignedDuration::from_mins(15);

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("seed {seed}, {at}: {what}")]
pub struct Violation {
    /// The seed of the world: the same seed shows it again.
    pub seed: u64,
    /// When it was seen.
    pub at: Timestamp,
    /// What it is.
    pub what: String,
}

/// What is remembered from one look to the next.
#[derive(Debug, Default)]
pub(crate) struct Watchman {
    /// Machines that nobody claims, by provider ID, and since when.
    orphans: BTreeMap<String, Timestamp>,
}

impl Watchman {
    /// Says what must not be, if anything.
    pub(crate) fn look(&mut self, server: &ApiServer, cloud: &Cloud, now: Timestamp) -> Option<String> {
        let claims: Vec<&NodeClaim> = claims(server).collect();
        let mut orphans = BTreeMap::new();
        for (id, machine) in cloud.machines().filter(|(_, machine)| machine.ends.is_none()) {
            if !claims.iter().any(|claim| claim.metadata.uid.as_deref() == Some(&*machine.claim_uid)) {
                let since = self.orphans.get(id).copied().unwrap_or(now);
                if now.duration_since(since) > ORPHANED {
                    return Some(format!(
                        "machine {id} runs since {}, and nobody claims it since {since}",
                        machine.launched
                    ));
                }
                orphans.insert(id.to_owned(), since);
            }
        }
        self.orphans = orphans;
        overspent(server, &claims)
    }
}

/// Every NodeClaim.
pub(crate) fn claims(server: &ApiServer) -> impl Iterator<Item = &NodeClaim> {
    server.list(Kind::NodeClaim).filter_map(|(_, object)| match object {
        Object::NodeClaim(claim) => Some(&**claim),
        _ => None,
    })
}

/// A pool whose machines have more than its limits allow.
fn overspent(server: &ApiServer, claims: &[&NodeClaim]) -> Option<String> {
    for (_, object) in server.list(Kind::NodePool) {
        let Object::NodePool(pool) = object else { continue };
        let (Some(limits), Some(name)) = (&pool.spec.limits, &pool.metadata.name) else { continue };
        let mut used = Resources::new();
        for claim in claims.iter().filter(|claim| label(claim.metadata.labels.as_ref(), labels::NODEPOOL) == name) {
            let capacity = claim.status.as_ref().and_then(|status| status.capacity.as_ref());
            used.add(&Resources::from_quantities(capacity.into_iter().flatten()));
        }
        let limits = Resources::from_quantities(limits);
        if let Some((resource, _)) = limits.iter().find(|(resource, limit)| used.get(resource) > *limit) {
            return Some(format!(
                "pool {name} may have {} of {resource} and has {}",
                limits.get(resource),
                used.get(resource)
            ));
        }
    }
    None
}

/// What must not be about a claim that is gone: its machine is still there.
pub(crate) fn claim_gone(claim: &NodeClaim, cloud: &Cloud) -> Option<String> {
    let id = claim.status.as_ref().and_then(|status| status.provider_id.as_deref())?;
    cloud.machine(id)?;
    Some(format!("claim {} is gone before its machine {id}", claim.metadata.name.as_deref().unwrap_or_default()))
}

/// What must not be about a node that is gone: its machine is still there.
pub(crate) fn node_gone(node: &Node, cloud: &Cloud) -> Option<String> {
    let id = node.spec.as_ref().and_then(|spec| spec.provider_id.as_deref())?;
    cloud.machine(id)?;
    Some(format!("node {} is gone before its machine", node.metadata.name.as_deref().unwrap_or_default()))
}

/// What must not be about a machine that is told to end: pods run on it that nobody has told.
pub(crate) fn machine_ends(node: &str, server: &ApiServer) -> Option<String> {
    let mut left = server.pods().filter(|pod| node_name(pod) == Some(node) && kubelets::is_running(pod));
    let pod = left.next()?.metadata.name.clone().unwrap_or_default();
    Some(format!("the machine of node {node} is told to end while pod {pod} runs on it"))
}

/// What must not be once a world has come to rest.
pub(crate) fn at_rest(server: &ApiServer, cloud: &Cloud) -> Option<String> {
    for set in workloads::all(server) {
        let pods = workloads::pods_of(server, set);
        let runs = pods.iter().filter(|pod| kubelets::is_running(pod)).count();
        let (wants, name) = (workloads::wanted(set), set.metadata.name.as_deref().unwrap_or_default());
        if runs != wants {
            return Some(format!("workload {name} wants {wants} pods, and {runs} run"));
        }
    }
    for claim in claims(server) {
        let name = claim.metadata.name.as_deref().unwrap_or_default();
        let id = claim.status.as_ref().and_then(|status| status.provider_id.as_deref()).unwrap_or_default();
        if claim.metadata.deletion_timestamp.is_some() {
            return Some(format!("claim {name} does not come to its end"));
        }
        if cloud.machine(id).is_none() {
            return Some(format!("claim {name} has no machine"));
        }
    }
    let claimed = claims(server).count();
    let machines = cloud.machines().count();
    let nodes = server.list(Kind::Node).count();
    if (machines, nodes) != (claimed, claimed) {
        return Some(format!("there are {claimed} claims, {machines} machines and {nodes} nodes"));
    }
    None
}

fn label<'a>(labels: Option<&'a BTreeMap<String, String>>, key: &str) -> &'a str {
    labels.and_then(|labels| labels.get(key)).map_or("", String::as_str)
}
