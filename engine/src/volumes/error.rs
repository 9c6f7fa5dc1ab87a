//! Why the volumes of a pod cannot be used, in the words that upstream's events use (specification "scheduling" 2.6).
//!
//! The texts end in the objects concerned, sorted by their names, as upstream's structured errors do. What is done about
//! an error is not decided here.

use crate::selection::SelectionError;

/// Why a pod's volumes say nothing that could be planned with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the fields are the names of the objects that the variant speaks of; `claim` with its namespace
pub enum VolumeError {
    /// The claim that the pod names is not there. Here it stands without its namespace.
    #[error(
        "getting persistent volume claim, PersistentVolumeClaim \"{claim}\" not found (PersistentVolumeClaim={claim})"
    )]
    ClaimMissing { claim: String },
    /// The claim of an ephemeral volume is there, but belongs to something else: the pod will never start with it.
    #[error(
        "getting persistent volume claim, PersistentVolumeClaim \"{claim}\" was not created for this pod: delete it, or \
         rename the pod or its volume (PersistentVolumeClaim={claim}, owner={owner})"
    )]
    ClaimOfAnother { claim: String, owner: String },
    /// The claim is about to go away.
    #[error("persistentvolumeclaim is being deleted (PersistentVolumeClaim={claim})")]
    ClaimDeleting { claim: String },
    /// The claim has lost its volume.
    #[error(
        "persistentvolumeclaim bound to non-existent persistentvolume (PersistentVolume={volume}, \
         PersistentVolumeClaim={claim})"
    )]
    ClaimLost { claim: String, volume: String },
    /// The volume that the claim names is not there.
    #[error(
        "failed to validate pvc, PersistentVolume \"{volume}\" not found (PersistentVolume={volume}, \
         PersistentVolumeClaim={claim}, StorageClass={class})"
    )]
    VolumeMissing { claim: String, volume: String, class: String },
    /// The volume that the claim names is about to go away.
    #[error(
        "failed to validate pvc, persistentvolume is being deleted (PersistentVolume={volume}, \
         PersistentVolumeClaim={claim}, StorageClass={class})"
    )]
    VolumeDeleting { claim: String, volume: String, class: String },
    /// The claim names a volume, but nobody has confirmed that the two belong together. `claim` is without its namespace.
    #[error(
        "pvc is considered unbound because it does not contain annotation (PersistentVolume={volume}, \
         PersistentVolumeClaim={claim}, annotation=pv.kubernetes.io/bind-completed)"
    )]
    NotConfirmed { claim: String, volume: String },
    /// A claim without a volume that names no class either.
    #[error("unbound pvc must define a storage class (PersistentVolumeClaim={claim}, StorageClass=)")]
    NoClass { claim: String },
    /// The class of a claim without a volume is not there.
    #[error(
        "failed to validate pvc, failed to get storage class, StorageClass.storage.k8s.io \"{class}\" not found \
         (PersistentVolumeClaim={claim}, StorageClass={class})"
    )]
    ClassMissing { claim: String, class: String },
    /// The class makes volumes without waiting for a pod, and has not made this one yet.
    #[error(
        "failed to validate pvc, pvc with immediate volume binding mode must be bound (PersistentVolumeClaim={claim}, \
         StorageClass={class})"
    )]
    Immediate { claim: String, class: String },
    /// The class names a label that no node of this provider will ever have.
    #[error(
        "failed to validate pvc, storage class uses unsupported topology key (PersistentVolumeClaim={claim}, \
         StorageClass={class}, TopologyKey={key})"
    )]
    TopologyKey { claim: String, class: String, key: String },
    /// The volume would come from a driver that this provider's nodes cannot use.
    #[error(
        "failed to validate pvc, provisioner is not supported (PersistentVolumeClaim={claim}, Provisioner={driver}, \
         StorageClass={class})"
    )]
    Provisioner { claim: String, class: String, driver: String },
    /// The volume of a pod that has to move is not there.
    #[error(
        "getting existing requirements, getting persistent volume, PersistentVolume \"{volume}\" not found \
         (PersistentVolume={volume})"
    )]
    VolumeOfRunningPodMissing { volume: String },
    /// The class of a volume that has to be made anew for a pod that has to move is not there.
    #[error("getting storage class, StorageClass.storage.k8s.io \"{class}\" not found (StorageClass={class})")]
    ClassOfRunningPodMissing { class: String },
    /// The manifest of the volume says where it can be used in a way that nobody understands.
    #[error("PersistentVolume {volume}: spec.nodeAffinity.required: {problem}")]
    Places { volume: String, problem: SelectionError },
}

impl VolumeError {
    /// Whether the manifest itself is wrong, rather than the state of the cluster.
    pub const fn is_bad_input(&self) -> bool {
        matches!(self, Self::Places { .. })
    }
}
