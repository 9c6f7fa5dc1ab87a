//! What a pod effectively requests of a node.
//!
//! The rules are Kubernetes' own: containers together, or an init container if that needs more; sidecars run beside
//! everything that starts after them; the pod's overhead comes on top; requests of the pod as a whole win over those of
//! its containers; a limit without a request counts as a request. Nothing here knows what a node has.

use dovetail_api::quantity::Quantity;
use dovetail_scheduler::resources::{self, CPU, MEMORY, PODS, Resources};
use k8s_openapi::api::core::v1::{Container, ContainerStatus, PodSpec, PodStatus, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;
use std::collections::BTreeMap;

/// A quantity that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {text:?} is not a quantity: write for instance 500m, 2 or 1Gi")]
pub struct BadQuantity {
    /// Where it stands, as in `containers[main].resources.requests.cpu`.
    pub field: String,
    /// What stands there.
    pub text: String,
}

/// Reads a list of quantities.
///
/// # Errors
/// With the first that cannot be read.
pub fn read(field: &str, quantities: &BTreeMap<String, Text>) -> Result<Resources, BadQuantity> {
    quantities
        .iter()
        .map(|(name, text)| match text.0.parse::<Quantity>() {
            Ok(quantity) => Ok((name.as_str(), resources::amount(name, &quantity))),
            Err(_) => Err(BadQuantity { field: format!("{field}.{name}"), text: text.0.clone() }),
        })
        .collect()
}

/// The effective requests of a pod, with `pods: 1`.
///
/// # Errors
/// When a quantity cannot be read.
pub fn of_pod(spec: &PodSpec, status: Option<&PodStatus>) -> Result<Resources, BadQuantity> {
    let running = |c: &Container| {
        let lists = [
            status.and_then(|s| s.container_statuses.as_ref()),
            status.and_then(|s| s.init_container_statuses.as_ref()),
        ];
        lists.into_iter().flatten().flatten().find(|s| s.name == c.name)
    };
    let mut together = Resources::new();
    for container in &spec.containers {
        together.add(&of_container(container, running(container))?);
    }
    let mut sidecars = Resources::new();
    let mut at_start = Resources::new();
    for init in spec.init_containers.iter().flatten() {
        let mut needs = of_container(init, running(init))?;
        if init.restart_policy.as_deref() == Some("Always") {
            together.add(&needs);
            sidecars.add(&needs);
            needs = sidecars.clone();
        } else {
            needs.add(&sidecars);
        }
        at_start.raise_to(&needs);
    }
    together.raise_to(&at_start);
    if let Some(pod_level) = &spec.resources {
        for (name, amount) in of_whole_pod(pod_level, &together)?.iter() {
            together.set(name.clone(), amount);
        }
    }
    if let Some(overhead) = &spec.overhead {
        together.add(&read("overhead", overhead)?);
    }
    together.set(PODS, 1);
    Ok(together)
}

/// A container's requests, limits standing in where there are none; if it is being resized, the larger of what it has
/// and what it asks for.
fn of_container(container: &Container, running: Option<&ContainerStatus>) -> Result<Resources, BadQuantity> {
    let field = format!("containers[{}].resources", container.name);
    let mut out = match &container.resources {
        Some(resources) => with_limits(&field, resources)?,
        None => Resources::new(),
    };
    if let Some(allocated) = running.and_then(|s| s.allocated_resources.as_ref()) {
        out.raise_to(&read(&format!("containerStatuses[{}].allocatedResources", container.name), allocated)?);
    }
    Ok(out)
}

fn with_limits(field: &str, resources: &ResourceRequirements) -> Result<Resources, BadQuantity> {
    let list = |name: &str, list: &Option<BTreeMap<String, Text>>| match list {
        Some(list) => read(&format!("{field}.{name}"), list),
        None => Ok(Resources::new()),
    };
    let mut out = list("limits", &resources.limits)?;
    for (name, amount) in list("requests", &resources.requests)?.iter() {
        out.set(name.clone(), amount);
    }
    Ok(out)
}

/// What the pod as a whole asks for; only CPU, memory and huge pages can be asked for so. A limit counts as a request
/// only where no container asks for anything.
fn of_whole_pod(resources: &ResourceRequirements, containers: &Resources) -> Result<Resources, BadQuantity> {
    let asked = with_limits("resources", resources)?;
    let has_request = |name: &str| resources.requests.as_ref().is_some_and(|r| r.contains_key(name));
    let pod_level = |name: &str| name == CPU || name == MEMORY || name.starts_with("hugepages-");
    Ok(asked
        .iter()
        .filter(|(name, _)| pod_level(name) && (has_request(name) || containers.get(name) == 0))
        .map(|(name, amount)| (name.clone(), amount))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantities(list: &[(&str, &str)]) -> Option<BTreeMap<String, Text>> {
        Some(list.iter().map(|(k, v)| ((*k).to_owned(), Text((*v).to_owned()))).collect())
    }

    fn container(name: &str, cpu: &str) -> Container {
        let resources = ResourceRequirements { requests: quantities(&[("cpu", cpu)]), ..Default::default() };
        Container { name: name.into(), resources: Some(resources), ..Default::default() }
    }

    fn cpu(spec: &PodSpec) -> i64 {
        of_pod(spec, None).expect("quantities are readable").get(CPU)
    }

    #[test]
    fn containers_add_up_and_the_pod_itself_counts() {
        let spec = PodSpec { containers: vec![container("a", "1"), container("b", "500m")], ..Default::default() };
        let requests = of_pod(&spec, None).expect("quantities are readable");
        assert_eq!((requests.get(CPU), requests.get(PODS)), (1500, 1));
    }

    #[test]
    fn an_init_container_counts_if_it_needs_more_than_the_rest() {
        let mut spec = PodSpec { containers: vec![container("a", "1")], ..Default::default() };
        spec.init_containers = Some(vec![container("migrate", "3"), container("small", "100m")]);
        assert_eq!(cpu(&spec), 3000);
    }

    #[test]
    fn a_sidecar_runs_beside_what_starts_after_it() {
        let sidecar = Container { restart_policy: Some("Always".into()), ..container("proxy", "500m") };
        let mut spec = PodSpec { containers: vec![container("a", "1")], ..Default::default() };
        spec.init_containers = Some(vec![container("early", "2"), sidecar.clone()]);
        assert_eq!(cpu(&spec), 2000, "what starts before the sidecar runs alone");
        spec.init_containers = Some(vec![sidecar, container("late", "2")]);
        assert_eq!(cpu(&spec), 2500);
    }

    #[test]
    fn overhead_comes_on_top_and_requests_of_the_whole_pod_win() {
        let mut spec = PodSpec { containers: vec![container("a", "1")], ..Default::default() };
        spec.overhead = quantities(&[("cpu", "250m")]);
        assert_eq!(cpu(&spec), 1250);
        spec.resources = Some(ResourceRequirements { requests: quantities(&[("cpu", "4")]), ..Default::default() });
        assert_eq!(cpu(&spec), 4250);
    }

    #[test]
    fn a_limit_without_a_request_counts_as_one() {
        let resources = ResourceRequirements { limits: quantities(&[("nvidia.com/gpu", "1")]), ..Default::default() };
        let gpu = Container { name: "gpu".into(), resources: Some(resources), ..Default::default() };
        let spec = PodSpec { containers: vec![gpu], ..Default::default() };
        assert_eq!(of_pod(&spec, None).expect("quantities are readable").get("nvidia.com/gpu"), 1);
    }

    #[test]
    fn a_bad_quantity_is_named_with_its_place() {
        let spec = PodSpec { containers: vec![container("a", "lots")], ..Default::default() };
        let error = of_pod(&spec, None).expect_err("not a quantity");
        assert_eq!(
            error.to_string(),
            "containers[a].resources.requests.cpu: \"lots\" is not a quantity: write for instance 500m, 2 or 1Gi"
        );
    }
}
