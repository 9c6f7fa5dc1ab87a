//! Requests and limits below zero, which the API server refuses and which would make room on a node instead of taking
//! it. Quantities that are none at all are found where they are read.

use std::collections::BTreeMap;

use dovetail_api::quantity::Quantity;
use k8s_openapi::api::core::v1::{Container, PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;

use super::errors::{InputError, Place};
use super::kinds::Object;

/// An error for each negative quantity in the pods of an object.
pub(crate) fn errors(place: &Place, object: &Object) -> Vec<InputError> {
    let Some((at, spec)) = pod_spec(object) else { return Vec::new() };
    let mut found = Vec::new();
    for (list, containers) in
        [("containers", Some(&spec.containers)), ("initContainers", spec.init_containers.as_ref())]
    {
        for Container { name, resources, .. } in containers.into_iter().flatten() {
            in_resources(&|| format!("{at}.{list}[{name}].resources"), resources.as_ref(), &mut found);
        }
    }
    in_resources(&|| format!("{at}.resources"), spec.resources.as_ref(), &mut found);
    in_list(&|| format!("{at}.overhead"), spec.overhead.as_ref(), &mut found);
    let error = |(field, text): (String, String)| InputError::Field {
        place: place.clone(),
        object: object.title(),
        field,
        what: format!("{text} is negative: write 0 or more"),
    };
    found.into_iter().map(error).collect()
}

/// The spec of the object's pods, and where it stands in the object.
fn pod_spec(object: &Object) -> Option<(&'static str, &PodSpec)> {
    let template = match object {
        Object::Pod(o) => return o.spec.as_ref().map(|spec| ("spec", spec)),
        Object::DaemonSet(o) => o.spec.as_ref().map(|s| &s.template),
        Object::Deployment(o) => o.spec.as_ref().map(|s| &s.template),
        Object::StatefulSet(o) => o.spec.as_ref().map(|s| &s.template),
        Object::Job(o) => o.spec.as_ref().map(|s| &s.template),
        Object::ReplicaSet(o) => o.spec.as_ref().and_then(|s| s.template.as_ref()),
        Object::ReplicationController(o) => o.spec.as_ref().and_then(|s| s.template.as_ref()),
        _ => None,
    };
    template?.spec.as_ref().map(|spec| ("spec.template.spec", spec))
}

type Found = Vec<(String, String)>;

fn in_resources(at: &dyn Fn() -> String, resources: Option<&ResourceRequirements>, found: &mut Found) {
    let Some(resources) = resources else { return };
    in_list(&|| format!("{}.limits", at()), resources.limits.as_ref(), found);
    in_list(&|| format!("{}.requests", at()), resources.requests.as_ref(), found);
}

fn in_list(at: &dyn Fn() -> String, list: Option<&BTreeMap<String, Text>>, found: &mut Found) {
    // Only what begins with a minus is worth the reading.
    for (name, text) in list.into_iter().flatten().filter(|(_, text)| text.0.starts_with('-')) {
        if text.0.parse::<Quantity>().is_ok_and(|quantity| quantity.sign() < 0) {
            found.push((format!("{}.{name}", at()), text.0.clone()));
        }
    }
}
