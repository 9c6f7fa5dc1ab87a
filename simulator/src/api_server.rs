//! An API server in memory, as far as controllers can tell it from a real one: resource versions, UIDs, generations,
//! finalizers, deletion with grace, preconditions, merge patches, evictions under disruption budgets, and the collection of
//! what an object that is gone owned.
//!
//! It does not validate, and it tells of its changes in the order in which they were made; who hears of them when is the
//! world's business.

use crate::budgets;
use dovetail_engine::action::{ApiError, Delete, Eviction, Fault, Patch};
use dovetail_engine::cluster::{Kind, Object, ObjectKey};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How long a pod may take to end if it does not say.
const DEFAULT_GRACE: i64 = 30;

/// Something changed.
#[derive(Clone, Debug)]
pub enum News {
    /// An object is there, or is different.
    Applied(Object),
    /// An object is gone: as it was.
    Gone(Object),
}

/// The API server.
#[derive(Debug, Default)]
pub struct ApiServer {
    objects: BTreeMap<ObjectKey, Object>,
    /// By UID of the owner: what it owns.
    owned: BTreeMap<String, BTreeSet<ObjectKey>>,
    version: u64,
    uids: u64,
    news: Vec<News>,
}

impl ApiServer {
    /// The object of that name.
    pub fn get(&self, key: &ObjectKey) -> Option<&Object> {
        self.objects.get(key)
    }

    /// Every object of a kind, in the order of their names.
    pub fn list(&self, kind: Kind) -> impl Iterator<Item = (&ObjectKey, &Object)> + Clone {
        let from = ObjectKey::named(kind, "");
        self.objects.range(from..).take_while(move |(key, _)| key.kind == kind)
    }

    /// Every pod, in the order of their names.
    pub fn pods(&self) -> impl Iterator<Item = &Pod> + Clone {
        self.list(Kind::Pod).filter_map(|(_, object)| match object {
            Object::Pod(pod) => Some(&**pod),
            _ => None,
        })
    }

    /// What the object with that UID owns, in order.
    pub fn owned_by(&self, uid: &str) -> impl Iterator<Item = &ObjectKey> {
        self.owned.get(uid).into_iter().flatten()
    }

    /// What has changed since this was asked last.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Creates an object.
    ///
    /// # Errors
    /// If there is one of its name.
    pub fn create(&mut self, mut object: Object, now: Timestamp) -> Result<Object, ApiError> {
        let key = object.key();
        if self.objects.contains_key(&key) {
            return Err(ApiError::new(Fault::Exists, 409, format!("{key} already exists")));
        }
        self.uids += 1;
        let metadata = object.metadata_mut();
        metadata.uid = Some(format!("{:08x}-0000-4000-8000-{:012x}", self.uids, self.uids));
        metadata.creation_timestamp = Some(seconds(now));
        metadata.deletion_timestamp = None;
        metadata.generation = Some(1);
        if key.kind.is_namespaced() && metadata.namespace.is_none() {
            metadata.namespace = Some("default".to_owned());
        }
        for owner in metadata.owner_references.iter().flatten() {
            self.owned.entry(owner.uid.clone()).or_default().insert(key.clone());
        }
        Ok(self.store(key, object))
    }

    /// Changes an object as its own controller would; without effect if it is gone.
    pub fn update(&mut self, key: &ObjectKey, change: impl FnOnce(&mut Object)) {
        let Some(mut object) = self.objects.get(key).cloned() else { return };
        change(&mut object);
        self.settle(key, object);
    }

    /// Changes an object by a merge patch.
    ///
    /// # Errors
    /// If there is no such object, a precondition does not hold, or nothing sensible would come of it.
    pub fn patch(&mut self, key: &ObjectKey, patch: &Patch) -> Result<Option<Object>, ApiError> {
        let object = self.found(key)?;
        let wanted = |field: &str| patch.body["metadata"][field].as_str();
        preconditions(key, object.metadata(), wanted("uid"), wanted("resourceVersion"))?;
        let invalid = |error: serde_json::Error| ApiError::new(Fault::Invalid, 422, format!("{key}: {error}"));
        let mut value = object.to_json().map_err(invalid)?;
        let before = value.clone();
        let Value::Object(parts) = &patch.body else {
            return Err(ApiError::new(Fault::Invalid, 400, format!("{key}: a patch is an object")));
        };
        // A write of the status leaves the rest as it is, and the other way round.
        for (part, change) in parts.iter().filter(|(part, _)| (*part == "status") == patch.status) {
            merge(value.as_object_mut().map(|v| v.entry(part).or_insert(Value::Null)), change);
        }
        if value == before {
            return Ok(Some(object.clone()));
        }
        let has_new_spec = value["spec"] != before["spec"];
        let mut changed = Object::from_json(key.kind, value).map_err(invalid)?;
        if has_new_spec {
            let metadata = changed.metadata_mut();
            metadata.generation = Some(metadata.generation.unwrap_or(0) + 1);
        }
        self.reown(key, &changed);
        Ok(self.settle(key, changed))
    }

    /// Deletes an object: at once if nobody holds it.
    ///
    /// # Errors
    /// If there is no such object, or a precondition does not hold.
    pub fn delete(&mut self, key: &ObjectKey, delete: &Delete, now: Timestamp) -> Result<Option<Object>, ApiError> {
        let object = self.found(key)?;
        preconditions(key, object.metadata(), delete.uid.as_deref(), delete.resource_version.as_deref())?;
        let grace = match object {
            Object::Pod(pod) => grace(pod, delete.grace_period_seconds),
            _ => 0,
        };
        let end = now.checked_add(SignedDuration::from_secs(grace)).unwrap_or(Timestamp::MAX);
        let told = object.metadata().deletion_timestamp.as_ref().map(|time| time.0);
        if grace == 0 && object.metadata().finalizers.iter().flatten().next().is_none() {
            self.remove(key, now);
            return Ok(None);
        }
        // Told once more, it can only be given less time.
        if told.is_none_or(|told| grace > 0 && end < told) {
            self.update(key, |object| object.metadata_mut().deletion_timestamp = Some(seconds(end)));
        }
        Ok(self.objects.get(key).cloned())
    }

    /// Evicts a pod.
    ///
    /// # Errors
    /// If there is no such pod, or a disruption budget is in the way.
    pub fn evict(&mut self, key: &ObjectKey, eviction: &Eviction, now: Timestamp) -> Result<Option<Object>, ApiError> {
        let Object::Pod(pod) = self.found(key)? else {
            return Err(ApiError::new(Fault::Invalid, 400, format!("{key} is no pod")));
        };
        let uid = Some(eviction.uid.as_str()).filter(|uid| !uid.is_empty());
        preconditions(key, &pod.metadata, uid, None)?;
        if pod.metadata.deletion_timestamp.is_none() && node_name(pod).is_some() {
            budgets::check(pod, self.budgets(), self.pods())?;
        }
        let uid = uid.map(str::to_owned);
        self.delete(
            key,
            &Delete { uid, grace_period_seconds: eviction.grace_period_seconds, resource_version: None },
            now,
        )
    }

    /// How many healthy pods each disruption budget could do without.
    pub fn spares(&self) -> Vec<(String, i64)> {
        self.budgets().map(|b| (b.metadata.name.clone().unwrap_or_default(), budgets::spare(b, self.pods()))).collect()
    }

    fn budgets(&self) -> impl Iterator<Item = &PodDisruptionBudget> {
        self.list(Kind::PodDisruptionBudget).filter_map(|(_, object)| match object {
            Object::PodDisruptionBudget(budget) => Some(&**budget),
            _ => None,
        })
    }

    /// An object is gone, and with it what it owned.
    pub fn remove(&mut self, key: &ObjectKey, now: Timestamp) {
        let Some(object) = self.objects.remove(key) else { return };
        for owner in object.metadata().owner_references.iter().flatten() {
            if let Some(owned) = self.owned.get_mut(&owner.uid) {
                owned.remove(key);
            }
        }
        let uid = object.metadata().uid.clone().unwrap_or_default();
        self.news.push(News::Gone(object));
        for dependent in self.owned.remove(&uid).unwrap_or_default() {
            // It may be gone already.
            drop(self.delete(&dependent, &Delete::default(), now));
        }
    }

    fn found(&self, key: &ObjectKey) -> Result<&Object, ApiError> {
        self.objects.get(key).ok_or_else(|| ApiError::new(Fault::NotFound, 404, format!("{key} not found")))
    }

    /// Who owns the object may be different now.
    fn reown(&mut self, key: &ObjectKey, object: &Object) {
        for owner in object.metadata().owner_references.iter().flatten() {
            self.owned.entry(owner.uid.clone()).or_default().insert(key.clone());
        }
    }

    /// Stores an object that was there before, unless nobody holds it any more.
    fn settle(&mut self, key: &ObjectKey, object: Object) -> Option<Object> {
        let metadata = object.metadata();
        let held = metadata.finalizers.iter().flatten().next().is_some();
        if metadata.deletion_timestamp.is_some() && !held && key.kind != Kind::Pod {
            let time = metadata.deletion_timestamp.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0);
            self.objects.insert(key.clone(), object);
            self.remove(key, time);
            return None;
        }
        Some(self.store(key.clone(), object))
    }

    fn store(&mut self, key: ObjectKey, mut object: Object) -> Object {
        self.version += 1;
        object.metadata_mut().resource_version = Some(self.version.to_string());
        self.objects.insert(key, object.clone());
        self.news.push(News::Applied(object.clone()));
        object
    }
}

/// The node that a pod is bound to.
pub(crate) fn node_name(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).filter(|name| !name.is_empty())
}

/// The API server knows whole seconds.
pub(crate) fn seconds(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

fn grace(pod: &Pod, asked: Option<i64>) -> i64 {
    if node_name(pod).is_none() {
        return 0;
    }
    let own = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds);
    asked.or(own).unwrap_or(DEFAULT_GRACE).max(0)
}

fn preconditions(
    key: &ObjectKey,
    metadata: &ObjectMeta,
    uid: Option<&str>,
    version: Option<&str>,
) -> Result<(), ApiError> {
    if uid.is_some_and(|uid| metadata.uid.as_deref() != Some(uid)) {
        return Err(ApiError::new(Fault::NotFound, 409, format!("{key} is another object now")));
    }
    if version.is_some_and(|version| metadata.resource_version.as_deref() != Some(version)) {
        return Err(ApiError::new(Fault::Conflict, 409, format!("{key} has changed since it was read")));
    }
    Ok(())
}

/// A JSON merge patch (RFC 7396).
fn merge(into: Option<&mut Value>, patch: &Value) {
    let Some(into) = into else { return };
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = Value::Object(serde_json::Map::new());
    }
    for (key, value) in patch {
        let Value::Object(fields) = &mut *into else { return };
        if value.is_null() {
            fields.remove(key);
        } else {
            merge(Some(fields.entry(key.clone()).or_insert(Value::Null)), value);
        }
    }
}

#[cfg(test)]
#[path = "api_server_tests.rs"]
mod tests;
