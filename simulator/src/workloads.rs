//! Workloads: ReplicaSets that are kept at their number of pods, as their controller keeps them.

use crate::api_server::ApiServer;
use dovetail_engine::action::Delete;
use dovetail_engine::cluster::{Kind, Object, ObjectKey};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::jiff::Timestamp;

/// How many pods a workload wants.
pub fn wanted(set: &ReplicaSet) -> usize {
    let replicas = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    usize::try_from(replicas).unwrap_or(0)
}

/// The pods of a workload that were not told to end, the oldest first.
pub fn pods_of<'a>(server: &'a ApiServer, set: &ReplicaSet) -> Vec<&'a Pod> {
    let uid = set.metadata.uid.as_deref().unwrap_or_default();
    let pods = server.owned_by(uid).filter_map(|key| match server.get(key) {
        Some(Object::Pod(pod)) if pod.metadata.deletion_timestamp.is_none() => Some(&**pod),
        _ => None,
    });
    let mut pods: Vec<_> = pods.collect();
    // UIDs are given in the order of creation.
    pods.sort_by(|a, b| a.metadata.uid.cmp(&b.metadata.uid));
    pods
}

/// Every workload.
pub fn all(server: &ApiServer) -> impl Iterator<Item = &ReplicaSet> {
    server.list(Kind::ReplicaSet).filter_map(|(_, object)| match object {
        Object::ReplicaSet(set) => Some(&**set),
        _ => None,
    })
}

/// Creates what is missing and deletes what is too much. `created` counts the pods that ever were, and names them.
pub(crate) fn reconcile(server: &mut ApiServer, created: &mut u64, now: Timestamp) {
    let sets: Vec<ReplicaSet> = all(server).filter(|set| set.metadata.deletion_timestamp.is_none()).cloned().collect();
    for set in sets {
        let pods = pods_of(server, &set);
        let (has, wants) = (pods.len(), wanted(&set));
        let surplus: Vec<_> = pods.iter().skip(wants).map(|pod| ObjectKey::of(Kind::Pod, &pod.metadata)).collect();
        for key in surplus {
            // Gone already is as good.
            drop(server.delete(&key, &Delete::default(), now));
        }
        for _ in has..wants {
            *created += 1;
            // Its name is new, so there is none of its name.
            drop(server.create(Object::from(replica(&set, *created)), now));
        }
    }
}

fn replica(set: &ReplicaSet, number: u64) -> Pod {
    let template = set.spec.as_ref().and_then(|spec| spec.template.clone()).unwrap_or_default();
    let name = set.metadata.name.clone().unwrap_or_default();
    let owner = OwnerReference {
        api_version: "apps/v1".to_owned(),
        kind: "ReplicaSet".to_owned(),
        name: name.clone(),
        uid: set.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    };
    let given = template.metadata.unwrap_or_default();
    Pod {
        metadata: ObjectMeta {
            name: Some(format!("{name}-{number:06}")),
            namespace: set.metadata.namespace.clone(),
            labels: given.labels,
            annotations: given.annotations,
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: Some(PodStatus { phase: Some("Pending".to_owned()), ..PodStatus::default() }),
    }
}
