//! What the volumes of pods ask of nodes: where they can be used together, and how many a node has to attach.
//!
//! A pod names claims; a claim is bound to a volume, or names the class that will make one when the pod has a node. From
//! there come the places (specification "scheduling" 4.8) and the driver whose limit counts ("v1.15 changes" 8.1, 8.2).
//! Pods that wait for a node are checked as upstream checks them ("scheduling" 2.6); pods that have to move were let in
//! once, and fail only if nobody can tell any more where their volumes are. Nothing here decides where a pod goes.

mod attached;
mod drivers;
mod error;
mod places;

pub use attached::TypeLimits;
pub use error::VolumeError;

use crate::cluster::{PodRecord, Shelf, Snapshot};
use crate::pods;
use dovetail_scheduler::problem::Volumes;
use dovetail_scheduler::requirement::Name;
use dovetail_scheduler::requirements::Requirements;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec, Volume};
use k8s_openapi::api::storage::v1::{CSINode, StorageClass};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// The annotation by which the binder of volumes confirms that claim and volume belong together.
const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
/// Where claims named their class before they had a field for it; it wins to this day.
const OLD_CLASS: &str = "volume.beta.kubernetes.io/storage-class";
/// Whether claims without a class get this one.
const DEFAULT_CLASS: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

/// What a provider's nodes cannot have, so that pods asking for it are refused. Nothing, unless the provider says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsupported {
    /// Labels that no node will ever have, though storage classes may name them.
    pub topology_keys: BTreeSet<String>,
    /// CSI drivers that do not run on its nodes.
    pub provisioners: BTreeSet<String>,
}

/// The volumes, claims and classes of a cluster, found by name.
#[derive(Debug)]
pub struct VolumeIndex<'o> {
    /// By namespace and name.
    claims: FxHashMap<&'o str, FxHashMap<&'o str, Claim<'o>>>,
    volumes: FxHashMap<&'o str, Source<'o, PersistentVolume>>,
    classes: FxHashMap<&'o str, Source<'o, StorageClass>>,
    nodes: FxHashMap<&'o str, &'o CSINode>,
    default_class: Option<&'o str>,
    unsupported: &'o Unsupported,
}

#[derive(Debug)]
struct Claim<'o> {
    object: &'o PersistentVolumeClaim,
    /// How many pods that have not come to their end use it.
    users: usize,
}

/// What says where volumes can be used. That is worked out when it is asked for, and only once.
#[derive(Debug)]
struct Source<'o, T> {
    object: &'o T,
    places: OnceLock<Result<Vec<Requirements>, VolumeError>>,
}

impl<'o, T> Source<'o, T> {
    fn by_name(objects: &'o Shelf<T>) -> FxHashMap<&'o str, Self> {
        objects.iter().map(|(name, object)| (&**name, Self { object, places: OnceLock::new() })).collect()
    }
}

fn name(metadata: &ObjectMeta) -> &str {
    metadata.name.as_deref().unwrap_or_default()
}

/// The class of claims that name none, as the API server chooses it when they are created: the one that is marked as the
/// default; of several the youngest, of these the first by name.
pub fn default_class<'o>(classes: impl IntoIterator<Item = &'o StorageClass>) -> Option<&'o str> {
    let is_default = |class: &&'o StorageClass| {
        let annotations = class.metadata.annotations.as_ref();
        DEFAULT_CLASS.iter().any(|key| annotations.and_then(|a| a.get(*key)).is_some_and(|v| v == "true"))
    };
    let created = |class: &StorageClass| class.metadata.creation_timestamp.as_ref().map(|t| t.0);
    let order = |a: &&'o StorageClass, b: &&'o StorageClass| {
        created(b).cmp(&created(a)).then_with(|| a.metadata.name.cmp(&b.metadata.name))
    };
    classes.into_iter().filter(is_default).min_by(order).map(|class| name(&class.metadata))
}

/// The name of the claim that an ephemeral volume of the pod has.
pub fn ephemeral_claim(pod: &str, volume: &str) -> String {
    format!("{pod}-{volume}")
}

/// The claim that a volume of the pod stands for; `None` for a volume that needs none.
fn claim_name<'p>(pod: &'p PodRecord, volume: &'p Volume) -> Option<Cow<'p, str>> {
    match (&volume.persistent_volume_claim, &volume.ephemeral) {
        (Some(claim), _) => Some(claim.claim_name.as_str().into()),
        (None, Some(_)) => Some(ephemeral_claim(pod.short_name(), &volume.name).into()),
        (None, None) => None,
    }
}

fn volumes_of(pod: &PodRecord) -> impl Iterator<Item = &Volume> {
    pod.shape.spec().into_iter().flat_map(|s| s.volumes.iter().flatten())
}

/// The names of the claims that a pod uses, each once.
fn claim_names(pod: &PodRecord) -> BTreeSet<Cow<'_, str>> {
    volumes_of(pod).filter_map(|volume| claim_name(pod, volume)).collect()
}

impl<'o> VolumeIndex<'o> {
    /// Finds everything that volumes are made of.
    pub fn of(snapshot: &'o Snapshot, unsupported: &'o Unsupported) -> Self {
        let mut claims: FxHashMap<&str, FxHashMap<&str, Claim<'_>>> = FxHashMap::default();
        for object in snapshot.persistent_volume_claims.values() {
            let here = claims.entry(pods::namespace(&object.metadata)).or_default();
            here.insert(name(&object.metadata), Claim { object, users: 0 });
        }
        for pod in snapshot.pods.values().filter(|p| p.shape.has_claims && !p.is_terminal()) {
            let Some(here) = claims.get_mut(pod.namespace()) else { continue };
            for claim in claim_names(pod) {
                if let Some(claim) = here.get_mut(&*claim) {
                    claim.users += 1;
                }
            }
        }
        Self {
            claims,
            volumes: Source::by_name(&snapshot.persistent_volumes),
            classes: Source::by_name(&snapshot.storage_classes),
            nodes: snapshot.csi_nodes.iter().map(|(name, node)| (&**name, &**node)).collect(),
            default_class: default_class(snapshot.storage_classes.values()),
            unsupported,
        }
    }

    /// What the volumes of a pod ask for that waits for a node.
    ///
    /// # Errors
    /// With the first volume that cannot be had, in the words of specification "scheduling" 2.6.
    pub fn of_pending(&self, pod: &PodRecord) -> Result<Volumes, VolumeError> {
        let mut needs = Needs::default();
        for volume in volumes_of(pod) {
            let Some(claim_name) = claim_name(pod, volume) else { continue };
            let claim = self.claim(pod, &claim_name)?;
            if volume.persistent_volume_claim.is_none() {
                check_owner(claim.object, pod)?;
            }
            self.check(claim.object)?;
            self.add_claim(&mut needs, claim)?;
        }
        Ok(needs.finish())
    }

    /// What the volumes of a pod ask for that runs on a node and needs another one. The claim of an ephemeral volume goes
    /// with the pod, so the new one starts from its template again.
    ///
    /// # Errors
    /// When it cannot be told where a volume is.
    pub fn of_leaving(&self, pod: &PodRecord) -> Result<Volumes, VolumeError> {
        let mut needs = Needs::default();
        for volume in volumes_of(pod) {
            let Some(claim_name) = claim_name(pod, volume) else { continue };
            let template = volume.ephemeral.as_ref().filter(|_| volume.persistent_volume_claim.is_none());
            if let Some(template) = template {
                let Some(template) = &template.volume_claim_template else { continue };
                let class = template.spec.storage_class_name.as_deref().or(self.default_class);
                needs.restrict(self.places(&template.spec, class)?);
                needs.own.extend(self.driver(&template.spec, class).map(|d| (d, claim_name.into_owned())));
            } else {
                let claim = self.claim(pod, &claim_name)?;
                self.add_claim(&mut needs, claim)?;
            }
        }
        Ok(needs.finish())
    }

    fn claim(&self, pod: &PodRecord, claim: &str) -> Result<&Claim<'o>, VolumeError> {
        let found = self.claims.get(pod.namespace()).and_then(|here| here.get(claim));
        found.ok_or_else(|| VolumeError::ClaimMissing { claim: claim.to_owned() })
    }

    fn add_claim<'s>(&'s self, needs: &mut Needs<'s>, claim: &Claim<'_>) -> Result<(), VolumeError> {
        let Some(spec) = &claim.object.spec else { return Ok(()) };
        let class = class_of(claim.object);
        needs.restrict(self.places(spec, class)?);
        if let Some(driver) = self.driver(spec, class) {
            let claim_name = full_name(&claim.object.metadata);
            let list = if claim.users > 1 { &mut needs.shared } else { &mut needs.own };
            list.insert((driver, claim_name));
        }
        Ok(())
    }

    /// Where a volume of the claim can be used.
    fn places(&self, spec: &PersistentVolumeClaimSpec, class: Option<&str>) -> Result<&[Requirements], VolumeError> {
        let places = if let Some(volume) = bound_to(spec) {
            let source = self.volumes.get(volume);
            let source = source.ok_or_else(|| VolumeError::VolumeOfRunningPodMissing { volume: volume.to_owned() })?;
            source.places.get_or_init(|| {
                let unreadable = |problem| VolumeError::Places { volume: volume.to_owned(), problem };
                places::of_volume(source.object).map_err(unreadable)
            })
        } else if let Some(class) = class.filter(|c| !c.is_empty()) {
            let source = self.classes.get(class);
            let source = source.ok_or_else(|| VolumeError::ClassOfRunningPodMissing { class: class.to_owned() })?;
            source.places.get_or_init(|| Ok(places::of_class(source.object)))
        } else {
            return Ok(&[]);
        };
        places.as_deref().map_err(Clone::clone)
    }

    /// The CSI driver that attaches the volume of the claim, if one does and it is known.
    fn driver(&self, spec: &PersistentVolumeClaimSpec, class: Option<&str>) -> Option<&str> {
        match bound_to(spec) {
            Some(volume) => drivers::of_volume(self.volumes.get(volume)?.object.spec.as_ref()?),
            None => Some(drivers::of_provisioner(&self.classes.get(class?)?.object.provisioner)),
        }
    }

    /// The checks that a claim has to pass before a node is bought for its pod.
    fn check(&self, claim: &PersistentVolumeClaim) -> Result<(), VolumeError> {
        let named = || full_name(&claim.metadata);
        let spec = claim.spec.as_ref();
        let volume = spec.and_then(bound_to);
        let class = class_of(claim).unwrap_or_default().to_owned();
        if claim.metadata.deletion_timestamp.is_some() {
            return Err(VolumeError::ClaimDeleting { claim: named() });
        }
        if claim.status.as_ref().and_then(|s| s.phase.as_deref()) == Some("Lost") {
            let volume = volume.unwrap_or_default().to_owned();
            return Err(VolumeError::ClaimLost { claim: named(), volume });
        }
        match volume {
            Some(volume) => self.check_bound(claim, volume, &class)?,
            None => self.check_unbound(claim, &class)?,
        }
        let driver = spec.and_then(|spec| self.driver(spec, class_of(claim)));
        match driver.filter(|d| self.unsupported.provisioners.contains(*d)) {
            Some(driver) => Err(VolumeError::Provisioner { claim: named(), class, driver: driver.to_owned() }),
            None => Ok(()),
        }
    }

    fn check_bound(&self, claim: &PersistentVolumeClaim, volume: &str, class: &str) -> Result<(), VolumeError> {
        let (named, volume, class) = (|| full_name(&claim.metadata), volume.to_owned(), class.to_owned());
        let Some(found) = self.volumes.get(&*volume) else {
            return Err(VolumeError::VolumeMissing { claim: named(), volume, class });
        };
        if found.object.metadata.deletion_timestamp.is_some() {
            return Err(VolumeError::VolumeDeleting { claim: named(), volume, class });
        }
        // kube-scheduler counts on the word of the binder, whatever the value.
        if !claim.metadata.annotations.as_ref().is_some_and(|a| a.contains_key(BIND_COMPLETED)) {
            return Err(VolumeError::NotConfirmed { claim: name(&claim.metadata).to_owned(), volume });
        }
        Ok(())
    }

    fn check_unbound(&self, claim: &PersistentVolumeClaim, class: &str) -> Result<(), VolumeError> {
        let (named, class) = (|| full_name(&claim.metadata), class.to_owned());
        if class.is_empty() {
            return Err(VolumeError::NoClass { claim: named() });
        }
        let Some(found) = self.classes.get(&*class) else {
            return Err(VolumeError::ClassMissing { claim: named(), class });
        };
        // The API server writes Immediate where nothing stands.
        if found.object.volume_binding_mode.as_deref().is_none_or(|mode| mode == "Immediate") {
            return Err(VolumeError::Immediate { claim: named(), class });
        }
        let terms = found.object.allowed_topologies.iter().flatten();
        let mut keys = terms.flat_map(|t| t.match_label_expressions.iter().flatten()).map(|e| &e.key);
        match keys.find(|key| self.unsupported.topology_keys.contains(*key)) {
            Some(key) => Err(VolumeError::TopologyKey { claim: named(), class, key: key.clone() }),
            None => Ok(()),
        }
    }
}

/// The volume that a claim names.
fn bound_to(spec: &PersistentVolumeClaimSpec) -> Option<&str> {
    spec.volume_name.as_deref().filter(|v| !v.is_empty())
}

/// The class that a claim names; an empty name means that it wants none.
pub fn class_of(claim: &PersistentVolumeClaim) -> Option<&str> {
    let old = claim.metadata.annotations.as_ref().and_then(|a| a.get(OLD_CLASS)).map(String::as_str);
    old.or_else(|| claim.spec.as_ref().and_then(|s| s.storage_class_name.as_deref()))
}

fn full_name(metadata: &ObjectMeta) -> String {
    format!("{}/{}", pods::namespace(metadata), name(metadata))
}

/// Whether the claim was made for an ephemeral volume of this pod. A claim that nobody owns is taken for its own, since a
/// manifest without owners says nothing about them.
fn check_owner(claim: &PersistentVolumeClaim, pod: &PodRecord) -> Result<(), VolumeError> {
    let Some(owner) = pods::controller(&claim.metadata) else { return Ok(()) };
    let same_uid = pod.uid.is_empty() || *pod.uid == *owner.uid;
    if owner.kind == "Pod" && owner.name == pod.short_name() && same_uid {
        return Ok(());
    }
    let (claim, owner) = (name(&claim.metadata).to_owned(), format!("{} {}", owner.kind, owner.name));
    Err(VolumeError::ClaimOfAnother { claim, owner })
}

/// What the volumes of one pod ask for, as far as it is known.
#[derive(Default)]
struct Needs<'s> {
    places: Vec<Requirements>,
    own: BTreeSet<(&'s str, String)>,
    shared: BTreeSet<(&'s str, String)>,
}

impl Needs<'_> {
    fn restrict(&mut self, places: &[Requirements]) {
        self.places = places::both(std::mem::take(&mut self.places), places);
    }

    fn finish(self) -> Volumes {
        let mut own: BTreeMap<&str, u32> = BTreeMap::new();
        for (driver, _) in &self.own {
            *own.entry(driver).or_default() += 1;
        }
        let shared = self.shared.iter().map(|(driver, claim)| (Name::from(*driver), Name::from(claim.as_str())));
        Volumes {
            places: self.places,
            own: own.into_iter().map(|(driver, n)| (Name::from(driver), n)).collect(),
            shared: shared.collect(),
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod rounds;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod tests;
