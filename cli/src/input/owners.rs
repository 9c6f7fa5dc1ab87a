//! The controllers that own pods, as decisions read them: those among the objects, and for each Deployment the ReplicaSet
//! that it would make. How many pods they keep is the business of `workloads`.

use std::collections::HashSet;

use dovetail_engine::objects::Objects;
use dovetail_engine::pods::namespace;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, ReplicaSetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::workloads::{Workloads, name};

/// The names of the ReplicaSets that Deployments would make for pods that are missing.
pub(crate) struct NewReplicaSets<'w> {
    /// Namespaces and names that are in use.
    taken: HashSet<(&'w str, &'w str)>,
}

impl<'w> NewReplicaSets<'w> {
    pub(crate) fn beside(workloads: &'w Workloads) -> Self {
        let taken = workloads.replica_sets.iter().map(|(_, set)| (namespace(&set.metadata), name(&set.metadata)));
        Self { taken: taken.collect() }
    }

    /// The name for this Deployment: its own, unless a ReplicaSet that is not its next one is called so.
    pub(crate) fn name(&self, deployment: &Deployment) -> String {
        let mut name = name(&deployment.metadata).to_owned();
        while self.taken.contains(&(namespace(&deployment.metadata), name.as_str())) {
            name.push_str("-next");
        }
        name
    }

    /// The ReplicaSet of this Deployment. A cluster would add a hash of the template to selector and pods; here the pods of
    /// all revisions belong together, as the Deployment has it.
    fn make(&self, deployment: &Deployment) -> Option<ReplicaSet> {
        let selector = deployment.spec.as_ref()?.selector.clone();
        let metadata = ObjectMeta {
            name: Some(self.name(deployment)),
            namespace: deployment.metadata.namespace.clone(),
            ..ObjectMeta::default()
        };
        let spec = ReplicaSetSpec { selector, ..ReplicaSetSpec::default() };
        Some(ReplicaSet { metadata, spec: Some(spec), status: None })
    }
}

/// Adds the controllers to the objects.
pub(crate) fn add(workloads: Workloads, objects: &mut Objects) {
    let names = NewReplicaSets::beside(&workloads);
    let made: Vec<ReplicaSet> = workloads.deployments.iter().filter_map(|(_, d)| names.make(d)).collect();
    let named = |metadata: &mut ObjectMeta| metadata.name = Some(name(metadata).to_owned());
    objects.replica_sets.extend(made);
    objects.replica_sets.extend(workloads.replica_sets.into_iter().map(|(_, mut set)| {
        named(&mut set.metadata); // pods refer to one that leaves its name to the cluster by what its name begins with
        set
    }));
    objects.stateful_sets.extend(workloads.stateful_sets.into_iter().map(|(_, mut set)| {
        named(&mut set.metadata);
        set
    }));
    objects.replication_controllers.extend(workloads.replication_controllers.into_iter().map(|(_, mut rc)| {
        named(&mut rc.metadata);
        rc
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::errors::Place;
    use crate::input::workloads::expand;
    use dovetail_engine::pods::controller;
    use serde_json::json;

    fn place() -> Place {
        Place { file: "f.yaml".into(), document: 1, line: 1, item: None }
    }

    fn deployment() -> Deployment {
        serde_json::from_value(json!({
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}}},
        }))
        .expect("a Deployment")
    }

    fn expanded(workloads: Workloads) -> Objects {
        let mut objects = Objects::default();
        expand(&workloads, &mut objects).expect("a workload that makes sense");
        add(workloads, &mut objects);
        objects
    }

    #[test]
    fn the_pods_of_a_deployment_belong_to_a_replica_set_with_its_selector() {
        let objects = expanded(Workloads { deployments: vec![(place(), deployment())], ..Workloads::default() });
        let owner = controller(&objects.pods[0].metadata).expect("an owner");
        assert_eq!((owner.api_version.as_str(), owner.kind.as_str()), ("apps/v1", "ReplicaSet"));
        let set = objects.replica_sets.iter().find(|s| s.metadata.name.as_ref() == Some(&owner.name));
        let selector = set.and_then(|s| s.spec.clone()).map(|s| s.selector);
        assert_eq!(selector, deployment().spec.map(|s| s.selector));
    }

    #[test]
    fn a_replica_set_that_bears_the_name_of_a_deployment_stays_another() {
        let other: ReplicaSet = serde_json::from_value(json!({
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "other"}}, "template": {"spec": {"containers": []}}},
        }))
        .expect("a ReplicaSet");
        let objects = expanded(Workloads {
            deployments: vec![(place(), deployment())],
            replica_sets: vec![(place(), other)],
            ..Workloads::default()
        });
        assert_eq!(controller(&objects.pods[0].metadata).map(|o| o.name.as_str()), Some("web-next"));
        let names: Vec<_> = objects.replica_sets.iter().filter_map(|s| s.metadata.name.as_deref()).collect();
        assert_eq!(names, ["web-next", "web"]);
    }
}
