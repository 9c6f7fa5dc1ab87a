//! What the command line names, as objects that decisions read: files, folders, standard input and traces, with the
//! placeholders filled and the workloads expanded. Nothing is decided here, but bad input ends here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use dovetail_api::ec2_node_class::{EC2NodeClass, EC2NodeClassStatus};
use dovetail_api::kwok_node_class::{KWOKNodeClass, KWOKNodeClassStatus};
use dovetail_engine::objects::Objects;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

mod admission;
pub(crate) mod default_pools;
mod documents;
mod errors;
mod files;
pub(crate) mod gzip;
mod kinds;
mod manifests;
mod negative;
mod owners;
mod placeholders;
pub(crate) mod scheduler_config;
mod trace;
mod unfilled;
mod unknown_fields;
mod values;
mod workloads;

pub(crate) use errors::{InputError, Place};
pub(crate) use trace::{Row, Trace, read_file as read_trace};

use documents::Document;
use files::Source;
use kinds::{Kind, Object};
use manifests::{Reading, Refused};
use workloads::{Made, Workloads};

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// The objects that decisions read.
    pub(crate) objects: Objects,
    /// Karpenter's objects that the API server would refuse, a line for each; they take no part.
    pub(crate) refused: Vec<String>,
    /// What in the input most likely is not as it was meant.
    pub(crate) warnings: Vec<String>,
    /// What a person should know about how the input was read.
    pub(crate) notes: Vec<String>,
    /// Where each object stands, by kind, namespace and name.
    places: HashMap<String, Place>,
    /// The pods made here, by kind, namespace and name, with the workload that each was made for.
    made: HashMap<String, Made>,
}

impl Input {
    /// The object in a file that stands behind one that is named as in `Pod default/web-0`: for a pod made here its
    /// workload, for any other object itself.
    pub(crate) fn origin<'a>(&'a self, title: &'a str) -> Origin<'a> {
        if let Some(made) = self.made.get(title) {
            return Origin { title: &made.workload, place: Some(&made.place), pod_spec: Some("spec.template.spec") };
        }
        let pod_spec = match title.split(' ').next() {
            Some("Pod") => Some("spec"),
            Some("DaemonSet") => Some("spec.template.spec"),
            _ => None,
        };
        Origin { title, place: self.places.get(title), pod_spec }
    }
}

impl Input {
    /// Adds the pods of a trace, and what is to be said about them.
    pub(crate) fn add_trace(&mut self, trace: Trace) {
        self.objects.pods.extend(trace.pods());
        self.notes.extend(trace.notes);
    }
}

/// What an object comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    /// Kind, namespace and name of the object in the file.
    pub(crate) title: &'a str,
    /// Where it stands, if it was read from a file.
    pub(crate) place: Option<&'a Place>,
    /// The field that holds its pods' spec, if it has pods.
    pub(crate) pod_spec: Option<&'static str>,
}

/// Reads what the command line names. `environment` gives the values of placeholders.
///
/// # Errors
/// Everything that makes the input unusable.
pub(crate) fn read(
    arguments: &[PathBuf],
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Input, Vec<InputError>> {
    let mut sources = files::read_all(arguments)?;
    for source in &mut sources {
        if let std::borrow::Cow::Owned(filled) = placeholders::fill(&source.text, environment) {
            source.text = filled;
        }
    }
    let documents: Vec<(Document<'_>, bool)> = sources
        .iter()
        .flat_map(|Source { file, text, named }| documents::split(file, text).into_iter().map(|d| (d, *named)))
        .collect();
    let mut collection = Collection::default();
    let speaking: BTreeSet<&Arc<str>> = documents.iter().map(|(document, _)| &document.place.file).collect();
    let silent = sources.iter().filter(|s| s.named && !speaking.contains(&s.file));
    collection.empty.extend(silent.map(|s| Arc::clone(&s.file)));
    for reading in read_documents(&documents) {
        collection.add(reading);
    }
    collection.finish()
}

/// Reads the documents on all processors; the readings come in the order of the documents.
fn read_documents(documents: &[(Document<'_>, bool)]) -> Vec<Reading> {
    /// Fewer are read before a thread has started.
    const WORTH_A_THREAD: usize = 200;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = processors.min(documents.len() / WORTH_A_THREAD).max(1);
    let read_all = |part: &[(Document<'_>, bool)]| -> Vec<Reading> {
        part.iter().flat_map(|(document, named)| manifests::read(document, *named)).collect()
    };
    if workers == 1 {
        return read_all(documents);
    }
    std::thread::scope(|scope| {
        let parts = documents.chunks(documents.len().div_ceil(workers));
        let running: Vec<_> = parts.map(|part| scope.spawn(move || read_all(part))).collect();
        running.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|e| std::panic::resume_unwind(e))).collect()
    })
}

/// Readings on their way to becoming input.
#[derive(Default)]
struct Collection {
    found: Vec<(Place, Object)>,
    /// Where each object stands in `found`, by kind, namespace and name.
    known: HashMap<(Kind, Option<String>, String), usize>,
    /// Objects that came more than once, a line for each.
    repeated: Vec<String>,
    refused: Vec<Refused>,
    skipped: BTreeMap<(String, String), usize>,
    foreign: BTreeSet<Arc<str>>,
    /// Files that were named and say nothing.
    empty: Vec<Arc<str>>,
    /// Harmless unfilled placeholders by file.
    unfilled: BTreeMap<Arc<str>, BTreeSet<String>>,
    unknown: unknown_fields::Found,
    errors: Vec<InputError>,
}

impl Collection {
    fn add(&mut self, reading: Reading) {
        match reading {
            Reading::Object { place, object, unfilled, unknown } => {
                if !unfilled.is_empty() {
                    self.unfilled.entry(Arc::clone(&place.file)).or_default().extend(unfilled);
                }
                self.unknown.add(&place, &object, &unknown);
                self.object(place, object);
            }
            Reading::Refused(refused) => self.refused.push(refused),
            Reading::Skipped(version, kind) => *self.skipped.entry((kind, version)).or_default() += 1,
            Reading::Foreign(place) => {
                self.foreign.insert(place.file);
            }
            Reading::Broken(error) => self.errors.push(error),
        }
    }

    /// Takes an object in; one that came before gives way, as if both had been applied one after the other.
    fn object(&mut self, place: Place, object: Object) {
        let metadata = object.metadata();
        let Some(name) = metadata.name.clone().filter(|n| !n.is_empty()) else {
            self.found.push((place, object));
            return;
        };
        let key = (object.kind(), metadata.namespace.clone(), name);
        if let Some(before) = self.known.get(&key) {
            let first = &self.found[*before].0;
            self.repeated.push(format!(
                "{} stands twice, in {first}, and in {place}: the last one counts, as if both were applied in turn",
                object.title()
            ));
            self.found[*before] = (place, object);
        } else {
            self.known.insert(key, self.found.len());
            self.found.push((place, object));
        }
    }

    fn finish(mut self) -> Result<Input, Vec<InputError>> {
        let negative = self.found.iter().flat_map(|(place, object)| negative::errors(place, object));
        self.errors.extend(negative);
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let mut notes = self.notes();
        let mut objects = Objects::default();
        let mut workloads = Workloads::default();
        let mut places = HashMap::with_capacity(self.found.len());
        for (place, object) in std::mem::take(&mut self.found) {
            places.insert(object.title(), place.clone());
            distribute(place, object, &mut objects, &mut workloads);
        }
        for refused in &self.refused {
            stand_in(refused, &mut objects);
        }
        let expanded = workloads::expand(&workloads, &mut objects)?;
        owners::add(workloads, &mut objects);
        notes.extend(expanded.notes);
        let made = expanded.made.into_iter().map(|made| (format!("Pod {}", made.pod), made)).collect();
        notes.extend(admission::complete(&mut objects));
        let mut warnings = first_of_many(self.repeated, "objects that stand twice");
        warnings.extend(first_of_many(self.unknown.warnings(), "objects with unknown fields"));
        Ok(Input { objects, warnings, notes, refused: self.refused.iter().map(explain).collect(), places, made })
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for ((kind, version), count) in &self.skipped {
            let group = version.split_once('/').map_or(String::new(), |(group, _)| format!(" of {group}"));
            let why = match kind.as_str() {
                "CronJob" => "their pods are planned for when a Job is there",
                _ => "plans do not depend on them",
            };
            notes.push(format!("skipped {count} {kind}{group}: {why}"));
        }
        for file in &self.empty {
            notes.push(format!("{file}: there is nothing in it"));
        }
        for file in &self.foreign {
            notes.push(format!("skipped {file}: it holds no Kubernetes object"));
        }
        for (file, names) in &self.unfilled {
            let names = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            notes.push(format!("{file}: not set in the environment, and not needed to plan: {names}"));
        }
        notes.extend(self.unknown.notes());
        notes
    }
}

/// The first of many lines, and how many more there are of what.
fn first_of_many(mut lines: Vec<String>, what: &str) -> Vec<String> {
    const SHOWN: usize = 20;
    let more = lines.len().saturating_sub(SHOWN);
    if more > 0 {
        lines.truncate(SHOWN);
        lines.push(format!("and {more} more {what}"));
    }
    lines
}

fn explain(refused: &Refused) -> String {
    let Refused { place, kind, name, reasons } = refused;
    let consequence = match kind {
        Kind::NodePool => "it is not ready, nothing is bought from it",
        Kind::EC2NodeClass | Kind::KWOKNodeClass => "it is not ready, nothing is bought from pools that refer to it",
        _ => "it is left out",
    };
    format!("{place}: {} {name}: {consequence}: {}", kind.name(), reasons.join("; "))
}

/// A node class that was refused must not look like one that is merely not there: it is there, and not ready.
fn stand_in(refused: &Refused, objects: &mut Objects) {
    let not_ready = Condition {
        type_: "Ready".to_owned(),
        status: "False".to_owned(),
        reason: "Invalid".to_owned(),
        message: refused.reasons.join("; "),
        last_transition_time: Time(Timestamp::UNIX_EPOCH),
        observed_generation: None,
    };
    match refused.kind {
        Kind::EC2NodeClass => {
            let mut class = EC2NodeClass::new(&refused.name, Default::default());
            class.status = Some(EC2NodeClassStatus { conditions: vec![not_ready], ..Default::default() });
            objects.ec2_node_classes.push(class);
        }
        Kind::KWOKNodeClass => {
            let mut class = KWOKNodeClass::new(&refused.name, Default::default());
            class.status = Some(KWOKNodeClassStatus { conditions: vec![not_ready] });
            objects.kwok_node_classes.push(class);
        }
        _ => {}
    }
}

fn distribute(place: Place, object: Object, objects: &mut Objects, workloads: &mut Workloads) {
    match object {
        Object::Pod(o) => objects.pods.push(*o),
        Object::Node(o) => objects.nodes.push(*o),
        Object::Namespace(o) => objects.namespaces.push(*o),
        Object::PersistentVolume(o) => objects.persistent_volumes.push(*o),
        Object::PersistentVolumeClaim(o) => objects.persistent_volume_claims.push(*o),
        Object::Service(o) => objects.services.push(*o),
        Object::LimitRange(o) => objects.limit_ranges.push(*o),
        Object::DaemonSet(o) => objects.daemon_sets.push(*o),
        Object::StorageClass(o) => objects.storage_classes.push(*o),
        Object::CSINode(o) => objects.csi_nodes.push(*o),
        Object::PriorityClass(o) => objects.priority_classes.push(*o),
        Object::RuntimeClass(o) => objects.runtime_classes.push(*o),
        Object::NodePool(o) => objects.node_pools.push(*o),
        Object::NodeClaim(o) => objects.node_claims.push(*o),
        Object::NodeOverlay(o) => objects.node_overlays.push(*o),
        Object::EC2NodeClass(o) => objects.ec2_node_classes.push(*o),
        Object::KWOKNodeClass(o) => objects.kwok_node_classes.push(*o),
        Object::Deployment(o) => workloads.deployments.push((place, *o)),
        Object::ReplicaSet(o) => workloads.replica_sets.push((place, *o)),
        Object::ReplicationController(o) => workloads.replication_controllers.push((place, *o)),
        Object::StatefulSet(o) => workloads.stateful_sets.push((place, *o)),
        Object::Job(o) => workloads.jobs.push((place, *o)),
    }
}
