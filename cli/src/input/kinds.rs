//! Which kinds of objects planning reads, and their Rust types. Every other kind is somebody else's.

use dovetail_api::admission::{self, Invalid};
use dovetail_api::ec2_node_class::EC2NodeClass;
use dovetail_api::kwok_node_class::KWOKNodeClass;
use dovetail_api::node_claim::NodeClaim;
use dovetail_api::node_overlay::NodeOverlay;
use dovetail_api::node_pool::NodePool;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{
    LimitRange, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, ReplicationController, Service,
};
use k8s_openapi::api::node::v1::RuntimeClass;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::api::storage::v1::{CSINode, StorageClass};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What an `apiVersion` and a `kind` amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// A kind that planning reads.
    Yes(Kind),
    /// A kind that planning reads, in a version that it does not.
    OtherVersion(Kind),
    /// Some other kind.
    No,
}

macro_rules! kinds {
    ($($kind:ident, $group:literal, $version:literal, $scope:ident;)*) => {
        /// A kind of object that planning reads.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)] // named after the kinds
        pub(crate) enum Kind { $($kind),* }

        /// An object of such a kind.
        #[derive(Debug)]
        #[allow(missing_docs)] // named after the kinds
        pub(crate) enum Object { $($kind(Box<$kind>)),* }

        impl Kind {
            const ALL: &[Self] = &[$(Self::$kind),*];

            /// The kind as manifests write it.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind)),* }
            }

            const fn group(self) -> &'static str {
                match self { $(Self::$kind => $group),* }
            }

            const fn version(self) -> &'static str {
                match self { $(Self::$kind => $version),* }
            }

            /// Whether objects of the kind live in a namespace.
            pub(crate) fn is_namespaced(self) -> bool {
                let scope = match self { $(Self::$kind => stringify!($scope)),* };
                scope == "namespaced"
            }

            /// Reads an object of this kind.
            ///
            /// # Errors
            /// When it has not the shape of its kind.
            pub(crate) fn read<'de, D: Deserializer<'de>>(self, from: D) -> Result<Object, D::Error> {
                match self { $(Self::$kind => Ok(Object::$kind(Box::new($kind::deserialize(from)?)))),* }
            }

            /// Reads an object of one of Karpenter's kinds as the API server would store it.
            ///
            /// # Errors
            /// With every reason for which the API server would refuse it.
            pub(crate) fn admit(self, object: Value) -> Result<Object, Vec<Invalid>> {
                match self { $(Self::$kind => Ok(Object::$kind(Box::new(admission::admit::<$kind>(object)?)))),* }
            }
        }

        impl Object {
            /// Its kind.
            pub(crate) const fn kind(&self) -> Kind {
                match self { $(Self::$kind(_) => Kind::$kind),* }
            }

            /// Its metadata.
            pub(crate) const fn metadata(&self) -> &ObjectMeta {
                match self { $(Self::$kind(object) => &object.metadata),* }
            }

            /// Its metadata, to be changed.
            pub(crate) const fn metadata_mut(&mut self) -> &mut ObjectMeta {
                match self { $(Self::$kind(object) => &mut object.metadata),* }
            }
        }
    };
}

kinds! {
    Pod, "", "v1", namespaced;
    Node, "", "v1", cluster;
    Namespace, "", "v1", cluster;
    PersistentVolume, "", "v1", cluster;
    PersistentVolumeClaim, "", "v1", namespaced;
    LimitRange, "", "v1", namespaced;
    ReplicationController, "", "v1", namespaced;
    Service, "", "v1", namespaced;
    DaemonSet, "apps", "v1", namespaced;
    Deployment, "apps", "v1", namespaced;
    ReplicaSet, "apps", "v1", namespaced;
    StatefulSet, "apps", "v1", namespaced;
    Job, "batch", "v1", namespaced;
    StorageClass, "storage.k8s.io", "v1", cluster;
    CSINode, "storage.k8s.io", "v1", cluster;
    PriorityClass, "scheduling.k8s.io", "v1", cluster;
    RuntimeClass, "node.k8s.io", "v1", cluster;
    NodePool, "karpenter.sh", "v1", cluster;
    NodeClaim, "karpenter.sh", "v1", cluster;
    NodeOverlay, "karpenter.sh", "v1alpha1", cluster;
    EC2NodeClass, "karpenter.k8s.aws", "v1", cluster;
    KWOKNodeClass, "karpenter.kwok.sh", "v1alpha1", cluster;
}

impl Kind {
    /// What an `apiVersion` and a `kind` amount to.
    pub(crate) fn of(api_version: &str, kind: &str) -> Known {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        match Self::ALL.iter().find(|k| k.name() == kind && k.group() == group) {
            Some(known) if known.version() == version => Known::Yes(*known),
            Some(known) => Known::OtherVersion(*known),
            // Kubernetes' own groups that are not domains of somebody; one of them is a mistake for another.
            None if !group.contains('.') => {
                Self::ALL.iter().find(|k| k.name() == kind).map_or(Known::No, |known| Known::OtherVersion(*known))
            }
            None => Known::No,
        }
    }

    /// The `apiVersion` of the kind.
    pub(crate) fn api_version(self) -> String {
        match self.group() {
            "" => self.version().to_owned(),
            group => format!("{group}/{}", self.version()),
        }
    }

    /// Whether the kind is one of Karpenter's, which a cluster can be wrong about without stopping.
    pub(crate) fn is_karpenter(self) -> bool {
        self.group().starts_with("karpenter.")
    }
}

impl Object {
    /// Namespace, if it has one, and name, as in `Pod default/web-0`.
    pub(crate) fn title(&self) -> String {
        let metadata = self.metadata();
        let name = metadata.name.as_deref().unwrap_or_default();
        match metadata.namespace.as_deref() {
            Some(namespace) => format!("{} {namespace}/{name}", self.kind().name()),
            None => format!("{} {name}", self.kind().name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_and_version_both_count() {
        assert_eq!(Kind::of("v1", "Pod"), Known::Yes(Kind::Pod));
        assert_eq!(Kind::of("karpenter.sh/v1", "NodePool"), Known::Yes(Kind::NodePool));
        assert_eq!(Kind::of("karpenter.sh/v1beta1", "NodePool"), Known::OtherVersion(Kind::NodePool));
        assert_eq!(Kind::of("apps/v1beta2", "Deployment"), Known::OtherVersion(Kind::Deployment));
        assert_eq!(Kind::of("example.com/v1", "Deployment"), Known::No, "somebody else's Deployment");
        assert_eq!(Kind::of("v1", "ConfigMap"), Known::No);
        assert_eq!(Kind::of("v1", "Deployment"), Known::OtherVersion(Kind::Deployment), "the group is missing");
        assert_eq!(Kind::of("extensions/v1beta1", "Deployment"), Known::OtherVersion(Kind::Deployment), "it has moved");
    }

    #[test]
    fn karpenter_s_kinds_carry_the_names_of_their_definitions() {
        for kind in Kind::ALL.iter().filter(|k| k.is_karpenter()) {
            let definition = dovetail_api::crd::by_kind(kind.name()).expect("a definition");
            assert_eq!(definition.spec.group, kind.group());
            assert_eq!(definition.spec.versions[0].name, kind.version());
            assert_eq!(definition.spec.scope == "Namespaced", kind.is_namespaced());
        }
    }
}
