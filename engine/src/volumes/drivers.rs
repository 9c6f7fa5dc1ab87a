//! Which CSI driver attaches a volume, which is what the limits of nodes are counted by.
//!
//! Drivers that once were part of Kubernetes have an older name each; who migrated still writes it in classes and volumes
//! (specification "scheduling" 2.6, "Driver resolution"). What a driver can do is not known here.

use k8s_openapi::api::core::v1::PersistentVolumeSpec;

const EBS: &str = "ebs.csi.aws.com";

/// Names of drivers within Kubernetes and of those that took their place.
const MIGRATED: &[(&str, &str)] = &[
    ("kubernetes.io/aws-ebs", EBS),
    ("kubernetes.io/azure-disk", "disk.csi.azure.com"),
    ("kubernetes.io/azure-file", "file.csi.azure.com"),
    ("kubernetes.io/cinder", "cinder.csi.openstack.org"),
    ("kubernetes.io/gce-pd", "pd.csi.storage.gke.io"),
    ("kubernetes.io/portworx-volume", "pxd.portworx.com"),
    ("kubernetes.io/vsphere-volume", "csi.vsphere.vmware.com"),
];

/// The driver of a volume that is there; `None` for one that no CSI driver attaches, such as NFS.
pub(super) fn of_volume(volume: &PersistentVolumeSpec) -> Option<&str> {
    match &volume.csi {
        Some(csi) => Some(&csi.driver),
        None => volume.aws_elastic_block_store.as_ref().map(|_| EBS),
    }
}

/// The driver that a class will have its volumes made by.
pub(super) fn of_provisioner(provisioner: &str) -> &str {
    MIGRATED.iter().find(|(old, _)| *old == provisioner).map_or(provisioner, |(_, new)| new)
}
