//! Workloads as the pods that their controllers would make: Deployments, ReplicaSets, ReplicationControllers, StatefulSets
//! and Jobs. Pods of theirs that are among the objects already count, so that nothing is planned for twice. Where the pods
//! will run is not known here.
//!
//! Names are plain and the same every time: `web-0`, `web-1` and so on, passing over names that are taken.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use dovetail_engine::objects::Objects;
use dovetail_engine::pods::{controller, is_terminal, namespace};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Pod, PodTemplateSpec, ReplicationController, Volume,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::errors::{InputError, Place};

/// The most pods that are planned for at once: ten times the largest cluster that Kubernetes is tested with has fewer.
const MOST_PODS: usize = 1_500_000;

/// The workloads of the input, each with its place.
#[derive(Debug, Default)]
#[allow(missing_docs)] // named after the kinds
pub(crate) struct Workloads {
    pub(crate) deployments: Vec<(Place, Deployment)>,
    pub(crate) replica_sets: Vec<(Place, ReplicaSet)>,
    pub(crate) replication_controllers: Vec<(Place, ReplicationController)>,
    pub(crate) stateful_sets: Vec<(Place, StatefulSet)>,
    pub(crate) jobs: Vec<(Place, Job)>,
}

/// What expansion has to say beside the objects.
#[derive(Debug, Default)]
pub(crate) struct Expanded {
    /// What a person should know.
    pub(crate) notes: Vec<String>,
    /// The pods made here.
    pub(crate) made: Vec<Made>,
}

/// A pod that was made for a workload.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Made {
    /// Namespace and name of the pod.
    pub(crate) pod: String,
    /// Kind, namespace and name of the workload.
    pub(crate) workload: Arc<str>,
    /// Where the workload stands.
    pub(crate) place: Place,
}

/// Adds the pods that are missing to the objects, and the claims that StatefulSets make for theirs.
///
/// # Errors
/// Workloads without a pod template, and numbers of replicas that cannot be.
pub(crate) fn expand(workloads: &Workloads, objects: &mut Objects) -> Result<Expanded, Vec<InputError>> {
    name_generated(&mut objects.pods);
    let live = Live::of(&objects.pods, &workloads.replica_sets);
    let taken = objects.pods.iter().filter_map(|p| Some((p.metadata.namespace.clone()?, p.metadata.name.clone()?)));
    let claims = objects.persistent_volume_claims.iter().map(|c| &c.metadata);
    let mut expansion = Expansion {
        taken: taken.collect(),
        claims: claims.map(|m| (namespace(m).to_owned(), name(m).to_owned())).collect(),
        topped_up: vec![],
        count: 0,
        made: vec![],
        errors: vec![],
    };
    // Pods of StatefulSets have names of their own, so these come before those that take what is free.
    for (place, set) in &workloads.stateful_sets {
        expansion.stateful_set(place, set, objects);
    }
    for (place, deployment) in &workloads.deployments {
        let spec = deployment.spec.as_ref();
        let controller = Controller {
            place,
            kind: "Deployment",
            // Its pods belong to a ReplicaSet that nobody has made yet.
            owner: ("apps/v1", "ReplicaSet"),
            metadata: &deployment.metadata,
            template: spec.map(|s| &s.template),
            replicas: spec.and_then(|s| s.replicas),
        };
        expansion.replicas(&controller, &live, objects);
    }
    for (place, set) in workloads.replica_sets.iter().filter(|(_, set)| !is_managed(set, &workloads.deployments)) {
        let spec = set.spec.as_ref();
        let controller = Controller {
            place,
            kind: "ReplicaSet",
            owner: ("apps/v1", "ReplicaSet"),
            metadata: &set.metadata,
            template: spec.and_then(|s| s.template.as_ref()),
            replicas: spec.and_then(|s| s.replicas),
        };
        expansion.replicas(&controller, &live, objects);
    }
    for (place, rc) in &workloads.replication_controllers {
        let spec = rc.spec.as_ref();
        let controller = Controller {
            place,
            kind: "ReplicationController",
            owner: ("v1", "ReplicationController"),
            metadata: &rc.metadata,
            template: spec.and_then(|s| s.template.as_ref()),
            replicas: spec.and_then(|s| s.replicas),
        };
        expansion.replicas(&controller, &live, objects);
    }
    for (place, job) in &workloads.jobs {
        expansion.job(place, job, &live, objects);
    }
    if !expansion.errors.is_empty() {
        return Err(expansion.errors);
    }
    Ok(Expanded { notes: expansion.notes(), made: expansion.made })
}

/// Names pods that leave their name to the API server.
fn name_generated(pods: &mut [Pod]) {
    let mut taken: HashSet<_> =
        pods.iter().filter_map(|p| Some((p.metadata.namespace.clone(), p.metadata.name.clone()?))).collect();
    for pod in pods.iter_mut().filter(|p| p.metadata.name.as_deref().unwrap_or_default().is_empty()) {
        let stem = pod.metadata.generate_name.clone().unwrap_or_default();
        let namespace = &pod.metadata.namespace;
        let name = (0..).map(|n| format!("{stem}{n}")).find(|name| taken.insert((namespace.clone(), name.clone())));
        pod.metadata.name = name;
    }
}

/// The pods that controllers have already made: how many, by namespace, kind and name of the controller.
struct Live(HashMap<(String, &'static str, String), usize>);

impl Live {
    fn of(pods: &[Pod], replica_sets: &[(Place, ReplicaSet)]) -> Self {
        let deployments: HashMap<(&str, &str), Option<&str>> = replica_sets
            .iter()
            .map(|(_, set)| ((namespace(&set.metadata), name(&set.metadata)), deployment_of(set)))
            .collect();
        let mut count: HashMap<_, usize> = HashMap::new();
        let active = |p: &&Pod| !is_terminal(p) && p.metadata.deletion_timestamp.is_none();
        for pod in pods.iter().filter(active) {
            let Some(owner) = controller(&pod.metadata) else { continue };
            let namespace = namespace(&pod.metadata);
            let mut add =
                |kind, name: &str| *count.entry((namespace.to_owned(), kind, name.to_owned())).or_default() += 1;
            match owner.kind.as_str() {
                "ReplicaSet" => {
                    add("ReplicaSet", &owner.name);
                    let deployment = match deployments.get(&(namespace, owner.name.as_str())) {
                        Some(deployment) => *deployment,
                        // The ReplicaSet is not among the objects: its name is the Deployment's and the template's hash.
                        None => pod
                            .metadata
                            .labels
                            .as_ref()
                            .and_then(|l| l.get("pod-template-hash"))
                            .and_then(|hash| owner.name.strip_suffix(hash.as_str())?.strip_suffix('-')),
                    };
                    if let Some(deployment) = deployment {
                        add("Deployment", deployment);
                    }
                }
                "ReplicationController" => add("ReplicationController", &owner.name),
                "Job" => add("Job", &owner.name),
                _ => {}
            }
        }
        Self(count)
    }

    fn count(&self, kind: &'static str, metadata: &ObjectMeta) -> usize {
        let key = (namespace(metadata).to_owned(), kind, name(metadata).to_owned());
        self.0.get(&key).copied().unwrap_or(0)
    }
}

/// Whether a Deployment among the objects sees to this ReplicaSet.
fn is_managed(set: &ReplicaSet, deployments: &[(Place, Deployment)]) -> bool {
    deployment_of(set).is_some_and(|owner| {
        deployments
            .iter()
            .any(|(_, d)| name(&d.metadata) == owner && namespace(&d.metadata) == namespace(&set.metadata))
    })
}

fn deployment_of(set: &ReplicaSet) -> Option<&str> {
    controller(&set.metadata).filter(|o| o.kind == "Deployment").map(|o| o.name.as_str())
}

/// The name, or what the name will begin with.
fn name(metadata: &ObjectMeta) -> &str {
    let generated = metadata.generate_name.as_deref().map(|n| n.trim_end_matches('-'));
    metadata.name.as_deref().filter(|n| !n.is_empty()).or(generated).unwrap_or_default()
}

/// Something that keeps a number of pods.
struct Controller<'a> {
    place: &'a Place,
    kind: &'static str,
    /// `apiVersion` and kind of what owns the pods.
    owner: (&'static str, &'static str),
    metadata: &'a ObjectMeta,
    template: Option<&'a PodTemplateSpec>,
    replicas: Option<i32>,
}

impl Controller<'_> {
    fn error(&self, field: &str, what: String) -> InputError {
        InputError::Field { place: self.place.clone(), object: title(self), field: field.to_owned(), what }
    }

    /// A pod of the template with this name.
    fn pod(&self, template: &PodTemplateSpec, pod_name: String) -> Pod {
        let from = template.metadata.clone().unwrap_or_default();
        let owner = OwnerReference {
            api_version: self.owner.0.to_owned(),
            kind: self.owner.1.to_owned(),
            name: name(self.metadata).to_owned(),
            uid: self.metadata.uid.clone().unwrap_or_default(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        };
        let metadata = ObjectMeta {
            name: Some(pod_name),
            namespace: Some(namespace(self.metadata).to_owned()),
            labels: from.labels,
            annotations: from.annotations,
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        };
        Pod { metadata, spec: template.spec.clone(), status: None }
    }
}

struct Expansion {
    taken: HashSet<(String, String)>,
    /// The claims there are, by namespace and name.
    claims: HashSet<(String, String)>,
    /// Workloads with pods among the objects: title, and how many pods were added.
    topped_up: Vec<(String, usize)>,
    /// How many pods are made, with those of workloads that turned out to be too many.
    count: usize,
    made: Vec<Made>,
    errors: Vec<InputError>,
}

impl Expansion {
    /// As many pods as are missing.
    fn replicas(&mut self, controller: &Controller<'_>, live: &Live, objects: &mut Objects) {
        if let Some((template, wanted)) = self.checked(controller, "spec.replicas") {
            let live = live.count(controller.kind, controller.metadata);
            self.top_up(controller, template, wanted, live, objects, |_| {});
        }
    }

    fn job(&mut self, place: &Place, job: &Job, live: &Live, objects: &mut Objects) {
        let live = live.count("Job", &job.metadata);
        let spec = job.spec.as_ref();
        let controller = Controller {
            place,
            kind: "Job",
            owner: ("batch/v1", "Job"),
            metadata: &job.metadata,
            template: spec.map(|s| &s.template),
            replicas: spec.and_then(|s| s.parallelism),
        };
        let Some((template, parallelism)) = self.checked(&controller, "spec.parallelism") else { return };
        let Some(spec) = spec else { return };
        if let Some(completions) = spec.completions.filter(|c| *c < 0) {
            let what = format!("{completions} is negative: write 0 or more");
            self.errors.push(controller.error("spec.completions", what));
            return;
        }
        let status = job.status.as_ref();
        let ended = |c: &k8s_openapi::api::batch::v1::JobCondition| {
            c.status == "True"
                && matches!(c.type_.as_str(), "Complete" | "Failed" | "SuccessCriteriaMet" | "FailureTarget")
        };
        if spec.suspend == Some(true) || status.is_some_and(|s| s.conditions.iter().flatten().any(ended)) {
            return;
        }
        let succeeded = status.and_then(|s| s.succeeded).unwrap_or(0);
        let wanted = match (spec.completions, spec.parallelism) {
            (None, None) => usize::from(succeeded == 0),
            // Workers on a common queue: once one is through, no more are started.
            (None, Some(_)) => {
                if succeeded > 0 {
                    live
                } else {
                    parallelism
                }
            }
            (Some(completions), _) => {
                parallelism.min(usize::try_from(completions.saturating_sub(succeeded)).unwrap_or(0))
            }
        };
        let job_name = name(&job.metadata).to_owned();
        self.top_up(&controller, template, wanted, live, objects, |pod| {
            let labels = pod.metadata.labels.get_or_insert_default();
            labels.insert("job-name".to_owned(), job_name.clone());
            labels.insert("batch.kubernetes.io/job-name".to_owned(), job_name.clone());
        });
    }

    fn top_up(
        &mut self,
        controller: &Controller<'_>,
        template: &PodTemplateSpec,
        wanted: usize,
        live: usize,
        objects: &mut Objects,
        finish: impl Fn(&mut Pod),
    ) {
        let missing = wanted.saturating_sub(live);
        if live > 0 {
            self.topped_up.push((title(controller), missing));
        }
        if !self.has_room(controller, missing) {
            return;
        }
        let workload: Arc<str> = title(controller).into();
        let mut number = 0_usize;
        for _ in 0..missing {
            let name = loop {
                let name = format!("{}-{number}", name(controller.metadata));
                number += 1;
                if self.taken.insert((namespace(controller.metadata).to_owned(), name.clone())) {
                    break name;
                }
            };
            let mut pod = controller.pod(template, name);
            finish(&mut pod);
            let (workload, place) = (Arc::clone(&workload), controller.place.clone());
            self.made.push(Made { pod: dovetail_engine::pods::name(&pod), workload, place });
            objects.pods.push(pod);
        }
    }

    /// Its pods are known by their names, whoever made them.
    fn stateful_set(&mut self, place: &Place, set: &StatefulSet, objects: &mut Objects) {
        let spec = set.spec.as_ref();
        let controller = Controller {
            place,
            kind: "StatefulSet",
            owner: ("apps/v1", "StatefulSet"),
            metadata: &set.metadata,
            template: spec.map(|s| &s.template),
            replicas: spec.and_then(|s| s.replicas),
        };
        let Some((template, wanted)) = self.checked(&controller, "spec.replicas") else { return };
        let Some(spec) = spec else { return };
        let start = spec.ordinals.as_ref().and_then(|o| o.start).and_then(|s| usize::try_from(s).ok()).unwrap_or(0);
        if !self.has_room(&controller, wanted) {
            return;
        }
        let workload: Arc<str> = title(&controller).into();
        let (namespace, set_name) = (namespace(&set.metadata), name(&set.metadata));
        let claim_templates: Vec<_> = spec.volume_claim_templates.iter().flatten().collect();
        let mut missing = 0;
        for ordinal in start..start.saturating_add(wanted) {
            let pod_name = format!("{set_name}-{ordinal}");
            if !self.taken.insert((namespace.to_owned(), pod_name.clone())) {
                continue;
            }
            missing += 1;
            let mut pod = controller.pod(template, pod_name.clone());
            let labels = pod.metadata.labels.get_or_insert_default();
            labels.insert("statefulset.kubernetes.io/pod-name".to_owned(), pod_name.clone());
            labels.insert("apps.kubernetes.io/pod-index".to_owned(), ordinal.to_string());
            for template in &claim_templates {
                self.claim(template, namespace, &pod_name, &mut pod, objects);
            }
            let (workload, place) = (Arc::clone(&workload), place.clone());
            self.made.push(Made { pod: dovetail_engine::pods::name(&pod), workload, place });
            objects.pods.push(pod);
        }
        if missing < wanted {
            self.topped_up.push((title(&controller), missing));
        }
    }

    /// Template and number of pods, if both make sense.
    fn checked<'a>(&mut self, controller: &Controller<'a>, field: &str) -> Option<(&'a PodTemplateSpec, usize)> {
        if controller.metadata.deletion_timestamp.is_some() {
            return None;
        }
        let Some(template) = controller.template.filter(|t| t.spec.is_some()) else {
            self.errors.push(controller.error("spec.template.spec", "is missing: say which pods are meant".to_owned()));
            return None;
        };
        let replicas = controller.replicas.unwrap_or(1);
        let Ok(wanted) = usize::try_from(replicas) else {
            self.errors.push(controller.error(field, format!("{replicas} is negative: write 0 or more")));
            return None;
        };
        Some((template, wanted))
    }

    /// Makes the claim that a StatefulSet makes for one of its pods, and the pod's volume that refers to it.
    fn claim(
        &mut self,
        template: &PersistentVolumeClaim,
        namespace: &str,
        pod_name: &str,
        pod: &mut Pod,
        objects: &mut Objects,
    ) {
        let volume = name(&template.metadata).to_owned();
        let claim_name = format!("{volume}-{pod_name}");
        if let Some(spec) = &mut pod.spec {
            let volumes = spec.volumes.get_or_insert_default();
            volumes.retain(|v| v.name != volume);
            let source = PersistentVolumeClaimVolumeSource { claim_name: claim_name.clone(), read_only: None };
            volumes.push(Volume { name: volume, persistent_volume_claim: Some(source), ..Volume::default() });
        }
        if self.claims.insert((namespace.to_owned(), claim_name.clone())) {
            let (name, namespace) = (Some(claim_name), Some(namespace.to_owned()));
            let metadata = ObjectMeta { name, namespace, ..template.metadata.clone() };
            let spec = template.spec.clone();
            objects.persistent_volume_claims.push(PersistentVolumeClaim { metadata, spec, status: None });
        }
    }

    fn has_room(&mut self, controller: &Controller<'_>, more: usize) -> bool {
        self.count = self.count.saturating_add(more);
        if self.count > MOST_PODS {
            let what = format!("with this there are more than {MOST_PODS} pods to plan for: plan for parts of them");
            self.errors.push(controller.error("spec", what));
            return false;
        }
        true
    }

    fn notes(&self) -> Vec<String> {
        const NAMED: usize = 3;
        if self.topped_up.is_empty() {
            return vec![];
        }
        let more: Vec<String> = self
            .topped_up
            .iter()
            .filter(|(_, missing)| *missing > 0)
            .map(|(title, missing)| format!("{title} {missing}"))
            .collect();
        let added = match more.as_slice() {
            [] => "none is missing".to_owned(),
            few if few.len() <= NAMED => format!("added were {}", few.join(", ")),
            many => format!("added were {} and those of {} others", many[..NAMED].join(", "), many.len() - NAMED),
        };
        let n = self.topped_up.len();
        vec![format!("pods that are among the files count towards the replicas of {n} workload(s): {added}")]
    }
}

fn title(controller: &Controller<'_>) -> String {
    format!("{} {}/{}", controller.kind, namespace(controller.metadata), name(controller.metadata))
}

#[cfg(test)]
#[path = "workloads_tests.rs"]
mod tests;
