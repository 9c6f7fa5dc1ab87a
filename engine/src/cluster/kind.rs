//! The kinds of objects that the controller watches, and how one object is named among all of them. Nothing here says what
//! an object means.

use dovetail_api::capacity_buffer::CapacityBuffer;
use dovetail_api::ec2_node_class::EC2NodeClass;
use dovetail_api::kwok_node_class::KWOKNodeClass;
use dovetail_api::node_claim::NodeClaim;
use dovetail_api::node_overlay::NodeOverlay;
use dovetail_api::node_pool::NodePool;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{
    LimitRange, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, PodTemplate, ReplicationController,
    Service,
};
use k8s_openapi::api::node::v1::RuntimeClass;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::api::storage::v1::{CSINode, StorageClass, VolumeAttachment};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::fmt;
use std::sync::Arc;

macro_rules! kinds {
    ($($kind:ident $group_version:literal $scope:ident)*) => {
        /// A kind of object, by Kubernetes' name for it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = concat!("`", stringify!($kind), "` of `", $group_version, "`.")] $kind),*
        }

        /// One object as the API server sent it.
        #[derive(Clone, Debug)]
        pub enum Object {
            $(#[doc = concat!("A ", stringify!($kind), ".")] $kind(Box<$kind>)),*
        }

        impl Kind {
            /// Every kind, in the order in which they are best listed first: what others refer to comes early.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The kind as manifests spell it.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind)),* }
            }

            /// API group and version as manifests spell them.
            pub const fn api_version(self) -> &'static str {
                match self { $(Self::$kind => $group_version),* }
            }

            /// Whether its objects live in namespaces.
            pub const fn is_namespaced(self) -> bool {
                match self { $(Self::$kind => kinds!(@scope $scope)),* }
            }
        }

        impl Object {
            /// Its kind.
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$kind(_) => Kind::$kind),* }
            }

            /// Its metadata.
            pub fn metadata(&self) -> &ObjectMeta {
                match self { $(Self::$kind(object) => &object.metadata),* }
            }

            /// Its metadata, to be changed.
            pub fn metadata_mut(&mut self) -> &mut ObjectMeta {
                match self { $(Self::$kind(object) => &mut object.metadata),* }
            }
        }

        $(impl From<$kind> for Object {
            fn from(object: $kind) -> Self {
                Self::$kind(Box::new(object))
            }
        })*
    };
    (@scope namespaced) => { true };
    (@scope cluster) => { false };
}

kinds! {
    Namespace "v1" cluster
    PriorityClass "scheduling.k8s.io/v1" cluster
    RuntimeClass "node.k8s.io/v1" cluster
    LimitRange "v1" namespaced
    StorageClass "storage.k8s.io/v1" cluster
    EC2NodeClass "karpenter.k8s.aws/v1" cluster
    KWOKNodeClass "karpenter.kwok.sh/v1alpha1" cluster
    NodePool "karpenter.sh/v1" cluster
    NodeOverlay "karpenter.sh/v1alpha1" cluster
    NodeClaim "karpenter.sh/v1" cluster
    Node "v1" cluster
    CSINode "storage.k8s.io/v1" cluster
    VolumeAttachment "storage.k8s.io/v1" cluster
    PersistentVolume "v1" cluster
    PersistentVolumeClaim "v1" namespaced
    Service "v1" namespaced
    DaemonSet "apps/v1" namespaced
    Deployment "apps/v1" namespaced
    ReplicaSet "apps/v1" namespaced
    StatefulSet "apps/v1" namespaced
    ReplicationController "v1" namespaced
    PodTemplate "v1" namespaced
    PodDisruptionBudget "policy/v1" namespaced
    CapacityBuffer "autoscaling.x-k8s.io/v1beta1" namespaced
    Pod "v1" namespaced
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// One object among all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Its kind.
    pub kind: Kind,
    /// `namespace/name`, or the name alone where there are no namespaces.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// The object of that kind with such metadata. Without a namespace, one that needs it is in `default`.
    pub fn of(kind: Kind, metadata: &ObjectMeta) -> Self {
        let name = metadata.name.as_deref().unwrap_or_default();
        let name =
            if kind.is_namespaced() { format!("{}/{name}", crate::pods::namespace(metadata)) } else { name.to_owned() };
        Self { kind, name: name.into() }
    }

    /// The object of that kind and full name: `namespace/name`, or the name alone.
    pub fn named(kind: Kind, name: impl Into<Arc<str>>) -> Self {
        Self { kind, name: name.into() }
    }

    /// The namespace, where there is one.
    pub fn namespace(&self) -> Option<&str> {
        self.kind.is_namespaced().then(|| self.name.split_once('/').map(|(namespace, _)| namespace)).flatten()
    }

    /// The name within the namespace.
    pub fn short_name(&self) -> &str {
        short_name(&self.name)
    }
}

/// What stands behind the namespace.
pub(crate) fn short_name(full: &str) -> &str {
    full.split_once('/').map_or(full, |(_, name)| name)
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// What something is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The cluster as a whole.
    Cluster,
    /// One object.
    Object(ObjectKey),
}

impl Subject {
    /// The object of that kind and full name.
    pub fn named(kind: Kind, name: impl Into<Arc<str>>) -> Self {
        Self::Object(ObjectKey::named(kind, name))
    }

    /// The object, if it is one.
    pub const fn object(&self) -> Option<&ObjectKey> {
        match self {
            Self::Cluster => None,
            Self::Object(key) => Some(key),
        }
    }
}

impl From<ObjectKey> for Subject {
    fn from(key: ObjectKey) -> Self {
        Self::Object(key)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("the cluster"),
            Self::Object(key) => write!(f, "{key}"),
        }
    }
}

impl Object {
    /// Which object it is.
    pub fn key(&self) -> ObjectKey {
        ObjectKey::of(self.kind(), self.metadata())
    }
}

/// Reads a resource version as a number: the API server counts upwards, so that of two versions the greater is the later.
pub(crate) fn version(metadata: &ObjectMeta) -> Option<u64> {
    metadata.resource_version.as_deref()?.parse().ok()
}
