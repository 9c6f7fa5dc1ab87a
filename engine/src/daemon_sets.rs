//! DaemonSets in the scheduler's terms: the pod that each will put on a new node.
//!
//! A live pod tells better than the template what will run, since admission may have changed it; its node affinity does
//! not count, because it points at the node it runs on, and the template's takes its place (specification "scheduling"
//! 4.6). Where no pod is alive, the template gets what admission would add: the defaults of LimitRanges, and the overhead
//! of its RuntimeClass.

use crate::cluster::{PodRecord, Snapshot};
use crate::limit_ranges::LimitRanges;
use crate::pods::{self, PodError};
use crate::ports;
use crate::requests;
use crate::runtime_classes::RuntimeClasses;
use crate::selection;
use dovetail_scheduler::problem::DaemonPod;
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::PodSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Namespace and name.
pub fn name(set: &DaemonSet) -> String {
    format!("{}/{}", pods::namespace(&set.metadata), set.metadata.name.as_deref().unwrap_or_default())
}

/// A live pod, and what it says of its owner.
type Owned<'o> = (&'o OwnerReference, &'o PodRecord);

/// What is known of the pods of DaemonSets beside their templates.
#[derive(Debug)]
pub struct DaemonPods<'o> {
    /// The live pods by namespace and name of their set.
    live: FxHashMap<&'o str, FxHashMap<&'o str, Vec<Owned<'o>>>>,
    limit_ranges: LimitRanges<'o>,
    runtime_classes: RuntimeClasses<'o>,
}

impl<'o> DaemonPods<'o> {
    /// Finds the live pods and the defaults.
    pub fn of(snapshot: &'o Snapshot) -> Self {
        let mut live: FxHashMap<&str, FxHashMap<&str, Vec<_>>> = FxHashMap::default();
        for pod in snapshot.pods.values().filter(|p| p.shape.is_daemon && p.is_active()) {
            let owner = pods::controller(&pod.shape.pod.metadata);
            if let Some(owner) = owner.filter(|o| o.kind == "DaemonSet") {
                let here = live.entry(pod.namespace()).or_default();
                here.entry(&owner.name).or_default().push((owner, pod));
            }
        }
        let limit_ranges = LimitRanges::of(snapshot.limit_ranges.values());
        Self { live, limit_ranges, runtime_classes: RuntimeClasses::of(snapshot.runtime_classes.values()) }
    }

    /// The pod that the DaemonSet will put on a node it selects.
    ///
    /// # Errors
    /// When template or pod cannot be read.
    pub fn pod(&self, set: &DaemonSet) -> Result<DaemonPod, PodError> {
        let template = set.spec.as_ref().and_then(|s| s.template.spec.as_ref()).ok_or(PodError::NoSpec)?;
        let spec = match self.newest(set).and_then(|p| p.shape.spec().cloned()) {
            Some(spec) => PodSpec { affinity: template.affinity.clone(), ..spec },
            None => {
                let mut spec = template.clone();
                self.limit_ranges.complete(pods::namespace(&set.metadata), &mut spec);
                self.runtime_classes.complete(&mut spec);
                spec
            }
        };
        Ok(DaemonPod {
            name: name(set).as_str().into(),
            requests: requests::of_pod(&spec, None)?,
            selection: selection::of_pod(&spec)?,
            tolerations: selection::tolerations(&spec),
            ports: ports::of_pod(&spec)?,
        })
    }

    /// The youngest pod of the set. A set that was deleted and made again under its name has a new UID.
    fn newest(&self, set: &DaemonSet) -> Option<&'o PodRecord> {
        let of_namespace = self.live.get(pods::namespace(&set.metadata))?;
        let candidates = of_namespace.get(set.metadata.name.as_deref()?)?;
        let is_own =
            |owner: &OwnerReference| set.metadata.uid.is_none() || set.metadata.uid.as_ref() == Some(&owner.uid);
        let age = |p: &PodRecord| (p.created, Arc::clone(&p.name));
        candidates.iter().filter(|(owner, _)| is_own(owner)).map(|(_, p)| *p).max_by(|a, b| age(a).cmp(&age(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Objects;
    use k8s_openapi::api::core::v1::Pod;
    use serde_json::{Value, json};

    fn read<T: serde::de::DeserializeOwned>(object: Value) -> T {
        serde_json::from_value(object).expect("a readable manifest")
    }

    fn containers(requests: Value) -> Value {
        json!([{"name": "agent", "resources": {"requests": requests}}])
    }

    fn set(containers: Value) -> DaemonSet {
        let selector = json!({"matchLabels": {"app": "agent"}});
        read(json!({"metadata": {"name": "agent", "namespace": "system", "uid": "set-1"},
            "spec": {"selector": selector, "template": {"spec": {"containers": containers}}}}))
    }

    /// A pod of the set; a later hour is a younger pod.
    fn live(hour: u32, owner_uid: &str, cpu: &str) -> Pod {
        let owner = json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": owner_uid, "controller": true}]);
        read(json!({
            "metadata": {"name": format!("agent-{hour}"), "namespace": "system", "ownerReferences": owner,
                "creationTimestamp": format!("2026-01-01T{hour:02}:00:00Z")},
            "spec": {"containers": containers(json!({"cpu": cpu}))},
        }))
    }

    fn default_of_one_core() -> k8s_openapi::api::core::v1::LimitRange {
        let item = json!({"type": "Container", "default": {"cpu": "1"}});
        read(json!({"metadata": {"name": "defaults", "namespace": "system"}, "spec": {"limits": [item]}}))
    }

    /// The cores, in thousandths, that the set's pod will request.
    fn cpu(set: &DaemonSet, objects: &Objects) -> i64 {
        DaemonPods::of(&objects.snapshot()).pod(set).expect("a readable set").requests.get("cpu")
    }

    #[test]
    fn the_youngest_pod_that_lives_tells_what_will_run() {
        let mut objects =
            Objects { pods: vec![live(2, "set-1", "200m"), live(1, "set-1", "100m")], ..Objects::default() };
        let set = set(containers(json!({"cpu": "50m"})));
        assert_eq!(cpu(&set, &objects), 200);
        objects.pods.push(Pod { status: read(json!({"phase": "Failed"})), ..live(3, "set-1", "300m") });
        objects.pods.push(live(4, "an-earlier-set", "400m"));
        assert_eq!(cpu(&set, &objects), 200, "not one that has ended, nor one of another set");
        assert_eq!(cpu(&set, &Objects::default()), 50, "and without any, the template does");
    }

    #[test]
    fn a_template_gets_the_defaults_that_admission_would_add() {
        let objects = Objects { limit_ranges: vec![default_of_one_core()], ..Objects::default() };
        assert_eq!(cpu(&set(containers(json!({}))), &objects), 1000);
        assert_eq!(cpu(&set(containers(json!({"cpu": "50m"}))), &objects), 50, "what it says itself comes first");
        let elsewhere =
            DaemonSet { metadata: read(json!({"name": "agent", "namespace": "other"})), ..set(containers(json!({}))) };
        assert_eq!(cpu(&elsewhere, &objects), 0);
    }

    #[test]
    fn a_template_gets_the_overhead_of_its_runtime() {
        let kata =
            read(json!({"metadata": {"name": "kata"}, "handler": "kata", "overhead": {"podFixed": {"cpu": "250m"}}}));
        let objects = Objects { runtime_classes: vec![kata], ..Objects::default() };
        let mut set = set(containers(json!({"cpu": "50m"})));
        let template = set.spec.as_mut().and_then(|s| s.template.spec.as_mut()).expect("a template");
        template.runtime_class_name = Some("kata".to_owned());
        assert_eq!(cpu(&set, &objects), 300);
    }

    #[test]
    fn a_pod_that_lives_has_been_admitted_already() {
        let mut admitted = live(1, "set-1", "1");
        admitted.spec = read(json!({"containers": containers(json!({"memory": "1Gi"}))}));
        let objects = Objects { limit_ranges: vec![default_of_one_core()], pods: vec![admitted], ..Objects::default() };
        assert_eq!(cpu(&set(containers(json!({}))), &objects), 0, "the range came after it");
    }
}
