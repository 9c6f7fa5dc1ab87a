//! Objects without what nobody reads: who wrote which field, what was applied last, images on nodes, and the bodies of pod
//! templates. What is left is enough for every decision, and little enough to keep tens of thousands.

use super::kind::Object;
use k8s_openapi::api::core::v1::{Container, Node, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// What `kubectl apply` writes beside an object: the object once more.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Takes from an object what no decision reads.
pub fn reduce(object: &mut Object) {
    metadata(object.metadata_mut());
    match object {
        Object::Node(o) => node(o),
        Object::DaemonSet(o) => {
            o.status = None;
            o.spec.iter_mut().for_each(|s| template(&mut s.template));
        }
        Object::Deployment(o) => o.spec.iter_mut().for_each(|s| template(&mut s.template)),
        Object::ReplicaSet(o) => o.spec.iter_mut().filter_map(|s| s.template.as_mut()).for_each(template),
        Object::StatefulSet(o) => o.spec.iter_mut().for_each(|s| template(&mut s.template)),
        Object::ReplicationController(o) => {
            o.spec.iter_mut().filter_map(|s| s.template.as_mut()).for_each(template);
        }
        Object::PodTemplate(o) => o.template.iter_mut().for_each(template),
        Object::Service(o) => {
            o.status = None;
            o.spec.iter_mut().for_each(|s| s.ports = None);
        }
        _ => {}
    }
}

fn metadata(metadata: &mut ObjectMeta) {
    metadata.managed_fields = None;
    if let Some(annotations) = &mut metadata.annotations {
        annotations.remove(LAST_APPLIED);
        if annotations.is_empty() {
            metadata.annotations = None;
        }
    }
}

fn node(node: &mut Node) {
    if let Some(status) = &mut node.status {
        status.images = None;
        status.volumes_attached = None;
        status.volumes_in_use = None;
        status.addresses = None;
        status.config = None;
        status.daemon_endpoints = None;
    }
}

fn template(template: &mut PodTemplateSpec) {
    template.metadata.iter_mut().for_each(metadata);
    template.spec.iter_mut().for_each(pod_spec);
}

/// Takes from the spec of a pod what says how its containers run.
fn pod_spec(spec: &mut PodSpec) {
    let containers = spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten());
    for container in containers {
        *container = Container {
            name: std::mem::take(&mut container.name),
            resources: container.resources.take(),
            ports: container.ports.take(),
            restart_policy: container.restart_policy.take(),
            ..Container::default()
        };
    }
    if let Some(volumes) = &mut spec.volumes {
        volumes.retain(|v| v.persistent_volume_claim.is_some() || v.ephemeral.is_some());
    }
}
