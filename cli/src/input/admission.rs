//! What a cluster adds to objects when they are created, so that manifests are planned for as they would be stored.
//!
//! Pods get the defaults of LimitRanges and the overhead of their runtime, ephemeral volumes their claims, and claims without
//! a class the class that is marked as the default. Pods with a UID have been through this already; what they lack now they
//! lack in the cluster too.

use std::collections::{BTreeSet, HashSet};

use dovetail_engine::limit_ranges::LimitRanges;
use dovetail_engine::objects::Objects;
use dovetail_engine::pods::namespace;
use dovetail_engine::runtime_classes::RuntimeClasses;
use dovetail_engine::volumes;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Adds all of it, and says what could not be found.
pub(crate) fn complete(objects: &mut Objects) -> Vec<String> {
    let ranges = LimitRanges::of(&objects.limit_ranges);
    let runtimes = RuntimeClasses::of(&objects.runtime_classes);
    let mut unknown = BTreeSet::new();
    for pod in objects.pods.iter_mut().filter(|p| is_new(p)) {
        if let Some(spec) = &mut pod.spec {
            ranges.complete(namespace(&pod.metadata), spec);
            runtimes.complete(spec);
            unknown.extend(spec.runtime_class_name.clone().filter(|name| !runtimes.contains(name)));
        }
    }
    add_claims(objects);
    choose_classes(objects);
    let note = |name| {
        format!("RuntimeClass {name} is not among the objects: what its pods need beside their own is not known")
    };
    unknown.into_iter().map(note).collect()
}

/// Whether no API server has seen the pod.
fn is_new(pod: &Pod) -> bool {
    pod.metadata.uid.is_none()
}

/// Makes the claims of ephemeral volumes, as their controller does as soon as it sees a pod.
fn add_claims(objects: &mut Objects) {
    let known: HashSet<(&str, &str)> = objects
        .persistent_volume_claims
        .iter()
        .map(|c| (namespace(&c.metadata), c.metadata.name.as_deref().unwrap_or_default()))
        .collect();
    let new = objects.pods.iter().filter(|p| is_new(p)).flat_map(claims_of);
    let missing: Vec<_> = new
        .filter(|claim| {
            let name = claim.metadata.name.as_deref().unwrap_or_default();
            !known.contains(&(namespace(&claim.metadata), name))
        })
        .collect();
    objects.persistent_volume_claims.extend(missing);
}

/// The claims of a pod's ephemeral volumes.
fn claims_of(pod: &Pod) -> impl Iterator<Item = PersistentVolumeClaim> {
    let volumes = pod.spec.iter().flat_map(|s| s.volumes.iter().flatten());
    volumes.filter(|v| v.persistent_volume_claim.is_none()).filter_map(|volume| {
        let template = volume.ephemeral.as_ref()?.volume_claim_template.as_ref()?;
        let metadata = ObjectMeta {
            name: Some(volumes::ephemeral_claim(pod.metadata.name.as_deref().unwrap_or_default(), &volume.name)),
            namespace: Some(namespace(&pod.metadata).to_owned()),
            ..template.metadata.clone().unwrap_or_default()
        };
        Some(PersistentVolumeClaim { metadata, spec: Some(template.spec.clone()), status: None })
    })
}

/// Gives claims that name neither a class nor a volume the default class, if there is one.
fn choose_classes(objects: &mut Objects) {
    let Some(default) = volumes::default_class(&objects.storage_classes) else { return };
    for claim in objects.persistent_volume_claims.iter_mut().filter(|c| volumes::class_of(c).is_none()) {
        if let Some(spec) = claim.spec.as_mut().filter(|s| s.volume_name.as_deref().unwrap_or_default().is_empty()) {
            spec.storage_class_name = Some(default.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read<T: serde::de::DeserializeOwned>(object: Value) -> T {
        serde_json::from_value(object).expect("a readable manifest")
    }

    fn pod(uid: Option<&str>) -> Pod {
        let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"resources": {}}});
        read(json!({"metadata": {"name": "web", "uid": uid}, "spec": {
            "containers": [{"name": "main"}],
            "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}}],
        }}))
    }

    fn with_defaults(pod: Pod) -> Objects {
        let annotations = json!({"storageclass.kubernetes.io/is-default-class": "true"});
        let item = json!({"type": "Container", "default": {"cpu": "1"}});
        let class = json!({"metadata": {"name": "gp3", "annotations": annotations}, "provisioner": "ebs.csi.aws.com"});
        let range = json!({"metadata": {"name": "r", "namespace": "default"}, "spec": {"limits": [item]}});
        let (storage_classes, limit_ranges) = (vec![read(class)], vec![read(range)]);
        Objects { pods: vec![pod], storage_classes, limit_ranges, ..Objects::default() }
    }

    /// The classes of the claims there are after all.
    fn classes(mut objects: Objects) -> Vec<(String, Option<String>)> {
        complete(&mut objects);
        let class =
            |c: PersistentVolumeClaim| (c.metadata.name.expect("a name"), c.spec.and_then(|s| s.storage_class_name));
        objects.persistent_volume_claims.into_iter().map(class).collect()
    }

    #[test]
    fn a_new_pod_gets_limits_and_the_claims_of_its_ephemeral_volumes() {
        let mut objects = with_defaults(pod(None));
        complete(&mut objects);
        let claim = &objects.persistent_volume_claims[0];
        assert_eq!(claim.metadata.name.as_deref(), Some("web-scratch"));
        assert_eq!(claim.metadata.namespace.as_deref(), Some("default"));
        assert_eq!(claim.metadata.labels.as_ref().expect("labels")["app"], "web");
        let resources = objects.pods[0].spec.as_ref().expect("a spec").containers[0].resources.as_ref();
        assert_eq!(json!(resources.and_then(|r| r.requests.as_ref())), json!({"cpu": "1"}));
    }

    #[test]
    fn a_runtime_that_nobody_knows_is_noted_once() {
        let mut sandboxed = pod(None);
        sandboxed.spec.as_mut().expect("a spec").runtime_class_name = Some("kata".to_owned());
        let mut objects = Objects { pods: vec![sandboxed.clone(), sandboxed], ..Objects::default() };
        assert_eq!(complete(&mut objects).len(), 1);
        objects.runtime_classes.push(read(
            json!({"metadata": {"name": "kata"}, "handler": "kata", "overhead": {"podFixed": {"cpu": "1"}}}),
        ));
        assert_eq!(complete(&mut objects), [""; 0]);
        assert_eq!(json!(objects.pods[0].spec.as_ref().and_then(|s| s.overhead.as_ref())), json!({"cpu": "1"}));
    }

    #[test]
    fn a_pod_that_was_created_before_is_left_as_it_is() {
        let mut objects = with_defaults(pod(Some("u")));
        complete(&mut objects);
        assert_eq!(objects.persistent_volume_claims, []);
        assert_eq!(objects.pods[0], pod(Some("u")));
    }

    #[test]
    fn a_claim_that_is_there_is_not_made_again() {
        let mut objects = with_defaults(pod(None));
        let there = json!({"metadata": {"name": "web-scratch"}, "spec": {"storageClassName": "fast"}});
        objects.persistent_volume_claims.push(read(there));
        assert_eq!(classes(objects), [("web-scratch".to_owned(), Some("fast".to_owned()))]);
    }

    #[test]
    fn only_claims_that_say_nothing_get_the_default_class() {
        let claim = |name: &str, spec: Value| read(json!({"metadata": {"name": name}, "spec": spec}));
        let mut objects = with_defaults(pod(Some("u")));
        let old = json!({"metadata": {"name": "old", "annotations": {"volume.beta.kubernetes.io/storage-class": "slow"}}, "spec": {}});
        objects.persistent_volume_claims = vec![
            claim("silent", json!({})),
            claim("none", json!({"storageClassName": ""})),
            claim("bound", json!({"volumeName": "pv-1"})),
            read(old),
        ];
        let told = [("silent", Some("gp3")), ("none", Some("")), ("bound", None), ("old", None)];
        assert_eq!(classes(objects), told.map(|(name, class)| (name.to_owned(), class.map(str::to_owned))));
    }
}
