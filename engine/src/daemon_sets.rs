//! DaemonSets in the scheduler's terms: the pod that each will put on a new node.
//!
//! A live pod tells better than the template what will run, since admission may have changed it; its node affinity does
//! not count, because it points at the node it runs on, and the template's takes its place (specification "scheduling"
//! 4.6).

use crate::pods::{self, PodError};
use crate::ports;
use crate::requests;
use crate::selection;
use dovetail_scheduler::problem::DaemonPod;
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{Pod, PodSpec};

/// Namespace and name.
pub fn name(set: &DaemonSet) -> String {
    format!("{}/{}", pods::namespace(&set.metadata), set.metadata.name.as_deref().unwrap_or_default())
}

/// The pod that the DaemonSet will put on a node it selects.
///
/// # Errors
/// When template or pod cannot be read.
pub fn pod(set: &DaemonSet, live: &[Pod]) -> Result<DaemonPod, PodError> {
    let template = set.spec.as_ref().and_then(|s| s.template.spec.as_ref()).ok_or(PodError::NoSpec)?;
    let newest = live
        .iter()
        .filter(|p| is_controlled_by(p, set) && p.metadata.deletion_timestamp.is_none() && !pods::is_terminal(p))
        .max_by(|a, b| {
            let age = |p: &Pod| (p.metadata.creation_timestamp.clone(), p.metadata.name.clone());
            age(a).cmp(&age(b))
        });
    let running = newest.and_then(|p| p.spec.clone());
    let spec = match running {
        Some(spec) => PodSpec { affinity: template.affinity.clone(), ..spec },
        None => template.clone(),
    };
    Ok(DaemonPod {
        name: name(set).as_str().into(),
        requests: requests::of_pod(&spec, None)?,
        selection: selection::of_pod(&spec)?,
        tolerations: selection::tolerations(&spec),
        ports: ports::of_pod(&spec)?,
    })
}

fn is_controlled_by(pod: &Pod, set: &DaemonSet) -> bool {
    pod.metadata.namespace == set.metadata.namespace
        && pod.metadata.owner_references.iter().flatten().any(|o| {
            o.controller == Some(true)
                && o.kind == "DaemonSet"
                && Some(&o.name) == set.metadata.name.as_ref()
                && (set.metadata.uid.is_none() || set.metadata.uid.as_ref() == Some(&o.uid))
        })
}
