//! The one writer of the cluster model: folds what watches and answers tell into records, and says what that changed.
//!
//! Every object may come twice and late. Of two versions the later counts, and one that has been deleted does not come back
//! by an answer that was under way. A kind that is listed anew is compared with what is known of it.

use super::claim::Lists;
use super::kind::{Kind, Object, ObjectKey, Subject, version};
use super::pod::PodRecord;
use super::shape::Shapes;
use super::shelf::Shelf;
use super::snapshot::{Links, Snapshot, provider_id};
use super::{ClaimRecord, Remember, pod_events, reduce};
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// How many deleted objects are remembered: enough for every answer that can be under way (10,000 writes at a time).
const GONE: usize = 16_384;

/// What became different.
#[derive(Clone, Debug)]
pub enum Change {
    /// A pod came, changed or went.
    Pod {
        /// As it was.
        before: Option<Arc<PodRecord>>,
        /// As it is.
        after: Option<Arc<PodRecord>>,
    },
    /// A node came, changed or went.
    Node {
        /// As it was.
        before: Option<Arc<Node>>,
        /// As it is.
        after: Option<Arc<Node>>,
    },
    /// A NodeClaim came, changed or went.
    NodeClaim {
        /// As it was.
        before: Option<Arc<ClaimRecord>>,
        /// As it is.
        after: Option<Arc<ClaimRecord>>,
    },
    /// An object of another kind came, changed or went.
    Other {
        /// Which.
        key: ObjectKey,
        /// Whether it went.
        deleted: bool,
    },
    /// An action about this has ended.
    Answered(Subject),
    /// Something is remembered that was not.
    Memory,
}

impl Change {
    /// What it is about.
    pub fn about(&self) -> Subject {
        let key = match self {
            Self::Pod { before, after } => {
                let name = after.as_ref().or(before.as_ref()).map(|pod| Arc::clone(&pod.name));
                ObjectKey::named(Kind::Pod, name.unwrap_or_else(|| "".into()))
            }
            Self::Node { before, after } => {
                let name = after.as_ref().or(before.as_ref()).and_then(|node| node.metadata.name.as_deref());
                ObjectKey::named(Kind::Node, name.unwrap_or_default())
            }
            Self::NodeClaim { before, after } => {
                ObjectKey::named(Kind::NodeClaim, after.as_ref().or(before.as_ref()).map_or("", |claim| claim.name()))
            }
            Self::Other { key, .. } => key.clone(),
            Self::Answered(about) => return about.clone(),
            Self::Memory => return Subject::Cluster,
        };
        Subject::Object(key)
    }
}

/// The cluster as it is known, and what is needed to keep it.
#[derive(Debug, Default)]
pub struct Cluster {
    pub(super) now: Snapshot,
    pub(super) shapes: Shapes,
    lists: Lists,
    /// Kinds that are being listed: what has been seen so far.
    listing: BTreeMap<Kind, BTreeSet<Arc<str>>>,
    /// Kinds that have been listed once.
    listed: BTreeSet<Kind>,
    /// UIDs of what was deleted last, the latest at the end.
    gone: VecDeque<String>,
    gone_set: BTreeSet<String>,
}

impl Cluster {
    /// The cluster as it is known now.
    pub fn snapshot(&self) -> &Snapshot {
        &self.now
    }

    /// Whether every one of these kinds has been listed once.
    pub fn has_listed(&self, kinds: &[Kind]) -> bool {
        kinds.iter().all(|kind| self.listed.contains(kind))
    }

    /// A kind is going to be listed from the beginning.
    pub fn list_begins(&mut self, kind: Kind) {
        self.listing.insert(kind, BTreeSet::new());
    }

    /// A kind has been listed: what was known of it and has not come again is gone.
    pub fn list_ends(&mut self, kind: Kind, now: Timestamp) -> Vec<Change> {
        self.listed.insert(kind);
        let Some(seen) = self.listing.remove(&kind) else { return vec![] };
        let gone = self.now.names(kind).into_iter().filter(|name| !seen.contains(name));
        gone.collect::<Vec<_>>().into_iter().filter_map(|name| self.delete(&ObjectKey { kind, name }, now)).collect()
    }

    /// An object is there, or has changed, as a watch tells it.
    pub fn apply(&mut self, object: Object, now: Timestamp) -> Option<Change> {
        let key = object.key();
        if let Some(seen) = self.listing.get_mut(&key.kind) {
            seen.insert(Arc::clone(&key.name));
        }
        self.put(key, object, now)
    }

    /// An object as a write of ours has left it. It counts unless a watch has told of something later.
    pub fn apply_answer(&mut self, object: Object, now: Timestamp) -> Option<Change> {
        let key = object.key();
        if object.metadata().uid.as_ref().is_some_and(|uid| self.gone_set.contains(uid)) {
            return None;
        }
        self.put(key, object, now)
    }

    pub(super) fn put(&mut self, key: ObjectKey, mut object: Object, now: Timestamp) -> Option<Change> {
        if let (Some(known), Some(told)) = (self.now.version(&key), version(object.metadata()))
            && told <= known
        {
            return None;
        }
        if let Object::Pod(pod) = &object {
            let shared = |name: &str| self.now.nodes.shared_name(name).map_or_else(|| name.into(), Arc::clone);
            let record = PodRecord::of(pod, &mut self.shapes, shared);
            return self.put_pod(record, now);
        }
        reduce(&mut object);
        Some(match object {
            Object::NodeClaim(claim) => {
                let record = self.lists.record(*claim);
                self.put_claim(&key.name, Some(Arc::new(record)), now)
            }
            Object::Node(node) => self.put_node(&key.name, Some(Arc::from(node))),
            object => {
                if matches!(key.kind, Kind::EC2NodeClass | Kind::KWOKNodeClass) {
                    self.now.memory.class_changes.insert(key.to_string().into(), Arc::new(now));
                }
                self.now.keep(Arc::clone(&key.name), object);
                Change::Other { key, deleted: false }
            }
        })
    }

    /// An object is gone. Without an effect if it was not known.
    pub fn delete(&mut self, key: &ObjectKey, now: Timestamp) -> Option<Change> {
        let uid = match key.kind {
            Kind::Pod => None,
            _ => self.now.metadata(key)?.uid.clone(),
        };
        if let Some(uid) = uid
            && self.gone_set.insert(uid.clone())
        {
            self.gone.push_back(uid);
            if self.gone.len() > GONE
                && let Some(oldest) = self.gone.pop_front()
            {
                self.gone_set.remove(&oldest);
            }
        }
        Some(match key.kind {
            Kind::Pod => {
                let before = self.now.pods.remove(&key.name)?;
                self.now.links.unlink_pod(&before);
                self.now.memory.forget_pod(&before.name, &before.uid);
                self.pod_event(Some(&before), None, now);
                Change::Pod { before: Some(before), after: None }
            }
            Kind::NodeClaim => self.put_claim(&key.name, None, now),
            Kind::Node => self.put_node(&key.name, None),
            _ => {
                self.now.forget(key);
                if key.kind == Kind::NodePool {
                    self.now.memory.offers.remove(&key.name);
                }
                Change::Other { key: key.clone(), deleted: true }
            }
        })
    }

    fn put_pod(&mut self, record: PodRecord, now: Timestamp) -> Option<Change> {
        let before = self.now.pods.get(&record.name).map(Arc::clone);
        if before.as_deref() == Some(&record) {
            return None;
        }
        let after = Arc::new(record);
        self.pod_event(before.as_deref(), Some(&after), now);
        if let Some(before) = &before {
            self.now.links.unlink_pod(before);
            if before.uid != after.uid {
                self.now.memory.forget_pod(&before.name, &before.uid);
            }
        }
        let name = before.as_ref().map_or(&after.name, |b| &b.name);
        self.now.pods.insert(Arc::clone(name), Arc::clone(&after));
        self.now.links.link_pod(&after.name, &after);
        // One that has to leave its node is expected elsewhere as long as it is there.
        let is_placed = after.node.is_some() && before.as_ref().is_none_or(|b| b.node.is_none());
        if is_placed || after.is_terminal() {
            self.now.memory.unexpect(&after.name);
        }
        let wanted = before.as_ref().is_some_and(|b| b.uid == after.uid && b.wants_a_node());
        if after.wants_a_node() && !wanted && !self.now.memory.expected.contains(&after.name) {
            self.now.memory.arrive(&after.uid, now);
        }
        Some(Change::Pod { before, after: Some(after) })
    }

    fn pod_event(&mut self, before: Option<&PodRecord>, after: Option<&PodRecord>, now: Timestamp) {
        // Pods may outlive their node, but then nobody asks any more.
        if let Some((node, at)) = pod_events::of(before, after, now)
            && (after.is_some() || self.now.nodes.contains(&node))
        {
            self.now.memory.pod_event(&node, at);
        }
    }

    fn put_claim(&mut self, name: &Arc<str>, after: Option<Arc<ClaimRecord>>, now: Timestamp) -> Change {
        let before = match &after {
            Some(claim) => self.now.node_claims.insert(Arc::clone(name), Arc::clone(claim)),
            None => self.now.node_claims.remove(name),
        };
        let links = &mut self.now.links;
        if let Some(before) = &before {
            links.unlink_claim(name, before);
        }
        match &after {
            Some(after) => {
                links.link_claim(name, after);
                let same = before.as_ref().is_none_or(|before| before.uid() == after.uid());
                if !same || after.is_deleting() {
                    self.give_back(name, now);
                }
                if after.provider_id().is_some() {
                    self.now.memory.charges.remove(name);
                }
            }
            None => self.give_back(name, now),
        }
        Change::NodeClaim { before, after }
    }

    /// A claim will not take the pods that it was made for: they want another.
    fn give_back(&mut self, claim: &Arc<str>, now: Timestamp) {
        for pod in self.now.memory.forget_claim(claim) {
            if let Some(pod) = self.now.pods.get(&pod).filter(|p| p.wants_a_node()) {
                let uid = Arc::clone(&pod.uid);
                self.now.memory.arrive(&uid, now);
            }
        }
    }

    fn put_node(&mut self, name: &Arc<str>, after: Option<Arc<Node>>) -> Change {
        let before = match &after {
            Some(node) => self.now.nodes.insert(Arc::clone(name), Arc::clone(node)),
            None => self.now.nodes.remove(name),
        };
        let of = |node: &Option<Arc<Node>>| node.as_deref().and_then(provider_id).map(str::to_owned);
        let (old, new) = (of(&before), of(&after));
        if old != new {
            let machines = &mut self.now.links.nodes_of_machine;
            old.iter().for_each(|machine| unlink(machines, machine, name));
            new.iter().for_each(|machine| link(machines, machine, name));
        }
        if after.is_none() {
            self.now.memory.nominated.remove(name);
            self.now.memory.pod_events.remove(name);
        }
        Change::Node { before, after }
    }

    /// Remembers what a rule wants to be remembered.
    pub fn remember(&mut self, what: Remember, now: Timestamp) {
        if let Remember::Unexpected(pods) = &what {
            for pod in pods.iter().filter_map(|pod| self.now.pods.get(pod)).filter(|pod| pod.wants_a_node()) {
                let uid = Arc::clone(&pod.uid);
                self.now.memory.arrive(&uid, now);
            }
        }
        // Whom a claim was made for that will go before it ever came needs another.
        if let Remember::Leaving { claim } | Remember::Failed { claim } = &what {
            self.give_back(claim, now);
        }
        self.now.memory.remember(what, now);
    }
}

impl super::Memory {
    /// A pod wants a node.
    fn arrive(&mut self, uid: &Arc<str>, now: Timestamp) {
        let times = Arc::make_mut(self.pod_times.entry(uid));
        times.acknowledged = times.acknowledged.or(Some(now));
        self.backlog.arrive(now);
    }
}

impl Links {
    pub(super) fn link_pod(&mut self, name: &Arc<str>, pod: &Arc<PodRecord>) {
        match &pod.node {
            _ if pod.is_terminal() => {}
            Some(node) => {
                Arc::make_mut(self.bound.entry(node)).insert(Arc::clone(name), Arc::clone(pod));
            }
            None => drop(self.waiting.insert(Arc::clone(name), Arc::clone(pod))),
        }
    }

    fn unlink_pod(&mut self, pod: &PodRecord) {
        let Some(node) = &pod.node else {
            self.waiting.remove(&pod.name);
            return;
        };
        if !self.bound.contains(node) {
            return;
        }
        let pods = Arc::make_mut(self.bound.entry(node));
        pods.remove(&pod.name);
        if pods.is_empty() {
            self.bound.remove(node);
        }
    }

    fn link_claim(&mut self, name: &Arc<str>, claim: &ClaimRecord) {
        match (claim.provider_id(), named_node(claim)) {
            (Some(machine), _) => link(&mut self.claims_of_machine, machine, name),
            (None, Some(node)) => link(&mut self.claims_of_node, node, name),
            (None, None) => {}
        }
    }

    fn unlink_claim(&mut self, name: &Arc<str>, claim: &ClaimRecord) {
        match (claim.provider_id(), named_node(claim)) {
            (Some(machine), _) => unlink(&mut self.claims_of_machine, machine, name),
            (None, Some(node)) => unlink(&mut self.claims_of_node, node, name),
            (None, None) => {}
        }
    }
}

fn named_node(claim: &ClaimRecord) -> Option<&str> {
    claim.object.status.as_ref().and_then(|s| s.node_name.as_deref())
}

fn link(shelf: &mut Shelf<Vec<Arc<str>>>, at: &str, name: &Arc<str>) {
    let at = shelf.shared_name(at).map_or_else(|| at.into(), Arc::clone);
    let names = Arc::make_mut(shelf.entry(&at));
    if let Err(place) = names.binary_search(name) {
        names.insert(place, Arc::clone(name));
    }
}

fn unlink(shelf: &mut Shelf<Vec<Arc<str>>>, at: &str, name: &Arc<str>) {
    let Some(at) = shelf.shared_name(at).map(Arc::clone) else { return };
    let names = Arc::make_mut(shelf.entry(&at));
    names.retain(|known| known != name);
    if names.is_empty() {
        shelf.remove(&at);
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "fold_properties.rs"]
mod properties;
