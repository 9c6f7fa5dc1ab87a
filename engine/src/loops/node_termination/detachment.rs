//! Which volumes a node that goes away must be rid of first: those attached to it, but for those of pods that stay (the
//! Karpenter specification, disruption 5.1). It does not know how long that may take.

use crate::cluster::{PodRecord, Snapshot};
use crate::leaving;
use k8s_openapi::jiff::Timestamp;
use std::collections::BTreeSet;

/// The names of the VolumeAttachments that are waited for, in order.
pub(super) fn awaited<'a>(snapshot: &'a Snapshot, node: &str, now: Timestamp) -> Vec<&'a str> {
    let of_node = snapshot.volume_attachments.iter().filter_map(|(name, attachment)| {
        let spec = &attachment.spec;
        let volume = spec.source.persistent_volume_name.as_deref()?;
        (spec.node_name == node).then_some((&**name, volume))
    });
    let attached: Vec<_> = of_node.collect();
    if attached.is_empty() {
        return vec![];
    }
    let staying = snapshot.pods_on(node).filter(|pod| !leaving::is_drainable(pod, now));
    let kept: BTreeSet<&str> = staying.flat_map(|pod| volumes(snapshot, pod)).collect();
    attached.into_iter().filter(|(_, volume)| !kept.contains(volume)).map(|(name, _)| name).collect()
}

/// The PersistentVolumes of a pod.
fn volumes<'a>(snapshot: &'a Snapshot, pod: &'a PodRecord) -> impl Iterator<Item = &'a str> {
    let volumes = pod.shape.spec().and_then(|spec| spec.volumes.as_deref()).unwrap_or_default();
    volumes.iter().filter_map(move |volume| {
        let claim = match (&volume.persistent_volume_claim, &volume.ephemeral) {
            (Some(source), _) => source.claim_name.clone(),
            (None, Some(_)) => format!("{}-{}", pod.short_name(), volume.name),
            (None, None) => return None,
        };
        let claim = snapshot.persistent_volume_claims.get(&format!("{}/{claim}", pod.namespace()))?;
        claim.spec.as_ref()?.volume_name.as_deref()
    })
}
