//! The KWOK provider's machines on a real API server: Node objects that nobody but KWOK plays. Which Node a claim becomes, and
//! what a machine is, is decided in the provider; here Nodes are written, read, and let wait until it is time for them to
//! join.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dovetail_api::kwok_node_class::KWOKNodeClass;
use dovetail_api::node_claim::NodeClaim;
use dovetail_cloudprovider::errors::ProviderError;
use dovetail_cloudprovider::kwok::{self, generic, provider::KwokProvider, provider::Nodes};
use dovetail_cloudprovider::provider::Answer;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::cloud::Cloud;
use crate::settings::Settings;

/// How long to wait before a Node that could not be created is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The KWOK provider as the settings want it.
///
/// # Errors
/// If the file of instance types cannot be read or makes no sense.
pub async fn cloud(settings: &Settings, client: Client) -> Result<Cloud, String> {
    let list = match &settings.instance_types_file {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|error| format!("{file}: {error}; name another one with --instance-types-file-path"))?,
        None => generic::list(),
    };
    let catalogue = kwok::read(&list).map_err(|error| match &settings.instance_types_file {
        Some(file) => format!("{file}: {error}"),
        None => error.to_string(),
    })?;
    let (well_known, reservation_label) = (catalogue.well_known.clone(), catalogue.reservation_label.clone());
    let provider = Arc::new(KwokProvider::new(catalogue, ClusterNodes::new(client.clone())));
    let resumed = Arc::clone(&provider);
    Ok(Cloud {
        // Files may speak of AWS' labels, which no simulated machine has a value for.
        node_labels: well_known.iter().filter(|key| !key.contains("k8s.aws/")).map(ToString::to_string).collect(),
        provider,
        well_known,
        reservation_label,
        on_lead: Some(Box::pin(async move { resume(&resumed, client).await })),
    })
}

/// Has machines join that were launched before this process began and had not joined yet.
async fn resume(provider: &KwokProvider<ClusterNodes>, client: Client) {
    let claims = match Api::<NodeClaim>::all(client).list(&ListParams::default()).await {
        Ok(claims) => claims.items,
        Err(error) => {
            tracing::error!(%error, "NodeClaims cannot be listed; machines on their way are lost and will be replaced");
            return;
        }
    };
    let now = Timestamp::now();
    for claim in claims.iter().filter(|claim| claim.metadata.deletion_timestamp.is_none()) {
        let Some(launched) = launched_at(claim) else { continue };
        let waited = Duration::try_from(now.duration_since(launched)).unwrap_or_default();
        if let Err(error) = provider.resume(claim, waited).await {
            tracing::error!(%error, NodeClaim = claim.metadata.name.as_deref(), "a machine on its way is lost");
        }
    }
}

/// When the claim was launched, if its node has not joined yet.
fn launched_at(claim: &NodeClaim) -> Option<Timestamp> {
    let conditions = &claim.status.as_ref()?.conditions;
    let is = |kind: &str| conditions.iter().find(|condition| condition.type_ == kind && condition.status == "True");
    if is("Registered").is_some() {
        return None;
    }
    Some(is("Launched")?.last_transition_time.0)
}

/// The Nodes of a cluster, and those that are about to join it.
struct ClusterNodes {
    client: Client,
    nodes: Api<Node>,
    waiting: Arc<Waiting>,
}

/// Nodes that have not joined yet, by name.
#[derive(Default)]
struct Waiting(Mutex<BTreeMap<String, Node>>);

impl Waiting {
    fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<String, Node>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a Node; false if it waits already.
    fn add(&self, name: &str, node: &Node) -> bool {
        self.change(|waiting| {
            let is_new = !waiting.contains_key(name);
            if is_new {
                waiting.insert(name.to_owned(), node.clone());
            }
            is_new
        })
    }

    fn get(&self, name: &str) -> Option<Node> {
        self.change(|waiting| waiting.get(name).cloned())
    }

    fn remove(&self, name: &str) -> bool {
        self.change(|waiting| waiting.remove(name).is_some())
    }
}

impl ClusterNodes {
    fn new(client: Client) -> Self {
        Self { nodes: Api::all(client.clone()), client, waiting: Arc::default() }
    }
}

/// Creates the Node; that there is one already is what is wanted.
async fn create(nodes: &Api<Node>, node: &Node) -> Result<(), kube::Error> {
    match nodes.create(&PostParams::default(), node).await {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        result => result.map(drop),
    }
}

/// Creates a waiting Node as soon as its time has come, unless it is removed before.
async fn join_later(nodes: Api<Node>, waiting: Arc<Waiting>, name: String, after: Duration) {
    tokio::time::sleep(after).await;
    while let Some(node) = waiting.get(&name) {
        match create(&nodes, &node).await {
            Ok(()) => {
                // Removed while it was being created: then it must not stay.
                if !waiting.remove(&name) {
                    let _ = nodes.delete(&name, &DeleteParams::background()).await;
                }
            }
            Err(error) => {
                tracing::error!(%error, Node = name, "a simulated machine cannot join yet");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

impl Nodes for ClusterNodes {
    fn join(&self, node: Node, after: Duration) -> Answer<'_, ()> {
        Box::pin(async move {
            let name = node.metadata.name.clone().unwrap_or_default();
            if after.is_zero() {
                return create(&self.nodes, &node).await.map_err(ProviderError::other);
            }
            if self.waiting.add(&name, &node) {
                tokio::spawn(join_later(self.nodes.clone(), Arc::clone(&self.waiting), name, after));
            }
            Ok(())
        })
    }

    fn remove<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            self.waiting.remove(name);
            match self.nodes.delete(name, &DeleteParams::background()).await {
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
                result => result.map(drop).map_err(ProviderError::other),
            }
        })
    }

    fn get<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Node>> {
        Box::pin(async move {
            match self.waiting.get(name) {
                Some(node) => Ok(Some(node)),
                None => self.nodes.get_opt(name).await.map_err(ProviderError::other),
            }
        })
    }

    fn list(&self) -> Answer<'_, Vec<Node>> {
        Box::pin(async move {
            // First those that wait: one that joins in between is there twice rather than not at all.
            let mut nodes: BTreeMap<String, Node> = self.waiting.change(|waiting| waiting.clone());
            let joined = self.nodes.list(&ListParams::default()).await.map_err(ProviderError::other)?;
            nodes.extend(joined.items.into_iter().filter_map(|node| Some((node.metadata.name.clone()?, node))));
            Ok(nodes.into_values().collect())
        })
    }

    fn class<'a>(&'a self, name: &'a str) -> Answer<'a, Option<KWOKNodeClass>> {
        Box::pin(async move {
            let classes: Api<KWOKNodeClass> = Api::all(self.client.clone());
            classes.get_opt(name).await.map_err(ProviderError::other)
        })
    }

    fn set_boot_id<'a>(&'a self, name: &'a str, boot_id: String) -> Answer<'a, ()> {
        Box::pin(async move {
            let patch = Patch::Merge(json!({ "status": { "nodeInfo": { "bootID": boot_id } } }));
            self.nodes.patch_status(name, &PatchParams::default(), &patch).await.map(drop).map_err(ProviderError::other)
        })
    }
}

#[cfg(test)]
mod tests;
