//! What a pod effectively requests of a node.
//!
//! The rules are Kubernetes' own: containers together, or an init container if that needs more; sidecars run beside
//! everything that starts after them; the pod's overhead comes on top; requests of the pod as a whole win over those of
//! its containers; a limit without a request counts as a request; while a container is being resized, what it has counts
//! as well as what it asks for. Nothing here knows what a node has.

use dovetail_api::quantity::Quantity;
use dovetail_scheduler::resources::{self, CPU, MEMORY, PODS, Resources};
use k8s_openapi::api::core::v1::{Container, ContainerStatus, PodSpec, PodStatus, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;
use std::collections::BTreeMap;

/// A quantity that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {text:?} {problem}")]
pub struct BadQuantity {
    /// Where it stands, as in `containers[main].resources.requests.cpu`.
    pub field: String,
    /// What stands there.
    pub text: String,
    /// What is wrong with it.
    pub problem: QuantityProblem,
}

/// What is wrong with a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityProblem {
    /// It is no quantity.
    #[error("is not a quantity: write for instance 500m, 2 or 1Gi")]
    Unreadable,
    /// It is below zero, which the API server refuses and which would make room on a node instead of taking it.
    #[error("is negative: write 0 or more")]
    Negative,
}

/// Reads a list of quantities.
///
/// # Errors
/// With the first that cannot be read or is negative.
pub fn read(field: &str, quantities: &BTreeMap<String, Text>) -> Result<Resources, BadQuantity> {
    let bad = |name: &str, text: &Text, problem| {
        Err(BadQuantity { field: format!("{field}.{name}"), text: text.0.clone(), problem })
    };
    quantities
        .iter()
        .map(|(name, text)| match text.0.parse::<Quantity>() {
            Ok(quantity) if quantity.sign() < 0 => bad(name, text, QuantityProblem::Negative),
            Ok(quantity) => Ok((name.as_str(), resources::amount(name, &quantity))),
            Err(_) => bad(name, text, QuantityProblem::Unreadable),
        })
        .collect()
}

/// The effective requests of a pod, with `pods: 1`.
///
/// # Errors
/// When a quantity cannot be read or is negative.
pub fn of_pod(spec: &PodSpec, status: Option<&PodStatus>) -> Result<Resources, BadQuantity> {
    let mut together = Resources::new();
    for container in &spec.containers {
        together.add(&of_running(container, status, status.and_then(|s| s.container_statuses.as_deref()))?);
    }
    let mut sidecars = Resources::new();
    let mut at_start = Resources::new();
    for init in spec.init_containers.iter().flatten() {
        if init.restart_policy.as_deref() == Some("Always") {
            let needs = of_running(init, status, status.and_then(|s| s.init_container_statuses.as_deref()))?;
            together.add(&needs);
            sidecars.add(&needs);
            at_start.raise_to(&sidecars);
        } else {
            let mut needs = of_container(init)?;
            needs.add(&sidecars);
            at_start.raise_to(&needs);
        }
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

/// A container's requests, limits standing in where there are none.
fn of_container(container: &Container) -> Result<Resources, BadQuantity> {
    match &container.resources {
        Some(resources) => with_limits(&format!("containers[{}].resources", container.name), resources),
        None => Ok(Resources::new()),
    }
}

/// The requests of a container that keeps running. While it is being resized, the largest of what it asks for, what has
/// been set aside for it and what it has got; if the node has said that the resize can never be, its wish does not count.
fn of_running(
    container: &Container,
    pod: Option<&PodStatus>,
    statuses: Option<&[ContainerStatus]>,
) -> Result<Resources, BadQuantity> {
    let status = statuses.into_iter().flatten().find(|s| s.name == container.name);
    let Some((status, actual)) = status.and_then(|s| Some((s, s.resources.as_ref()?))) else {
        return of_container(container);
    };
    let mut out = if is_resize_infeasible(pod) { Resources::new() } else { of_container(container)? };
    let lists = [("resources.requests", &actual.requests), ("allocatedResources", &status.allocated_resources)];
    for (name, list) in lists {
        if let Some(list) = list {
            out.raise_to(&read(&format!("containerStatuses[{}].{name}", container.name), list)?);
        }
    }
    Ok(out)
}

fn is_resize_infeasible(pod: Option<&PodStatus>) -> bool {
    let mut conditions = pod.into_iter().flat_map(|s| s.conditions.iter().flatten());
    conditions.find(|c| c.type_ == "PodResizePending").is_some_and(|c| c.reason.as_deref() == Some("Infeasible"))
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
/// only where no container says anything about the resource, be it zero.
fn of_whole_pod(resources: &ResourceRequirements, containers: &Resources) -> Result<Resources, BadQuantity> {
    let asked = with_limits("resources", resources)?;
    let has_request = |name: &str| resources.requests.as_ref().is_some_and(|r| r.contains_key(name));
    let pod_level = |name: &str| name == CPU || name == MEMORY || name.starts_with("hugepages-");
    Ok(asked
        .iter()
        .filter(|(name, _)| pod_level(name) && (has_request(name) || !containers.has(name)))
        .map(|(name, amount)| (name.clone(), amount))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::PodCondition;

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
    fn a_limit_of_the_whole_pod_counts_where_no_container_says_anything() {
        let mut spec = PodSpec { containers: vec![container("a", "0")], ..Default::default() };
        spec.resources = Some(ResourceRequirements {
            limits: quantities(&[("cpu", "4"), ("memory", "1Gi"), ("nvidia.com/gpu", "1")]),
            ..Default::default()
        });
        let requests = of_pod(&spec, None).expect("quantities are readable");
        assert_eq!((requests.get(CPU), requests.get(MEMORY)), (0, 1 << 30), "zero is something");
        assert!(!requests.has("nvidia.com/gpu"), "devices belong to containers");
    }

    #[test]
    fn the_whole_pod_may_ask_for_less_than_its_containers_at_start() {
        let mut spec = PodSpec { containers: vec![container("a", "1")], ..Default::default() };
        spec.init_containers = Some(vec![container("migrate", "8")]);
        spec.resources = Some(ResourceRequirements { requests: quantities(&[("cpu", "2")]), ..Default::default() });
        assert_eq!(cpu(&spec), 2000);
    }

    #[test]
    fn sidecars_add_up_in_the_order_in_which_they_start() {
        let sidecar =
            |name: &str, cpu: &str| Container { restart_policy: Some("Always".into()), ..container(name, cpu) };
        let mut spec = PodSpec { containers: vec![container("a", "1")], ..Default::default() };
        spec.init_containers = Some(vec![
            sidecar("proxy", "500m"),
            container("early", "2"),
            sidecar("logs", "500m"),
            container("late", "2"),
        ]);
        assert_eq!(cpu(&spec), 3000, "the late one runs beside two");
        spec.containers[0] = container("a", "3");
        assert_eq!(cpu(&spec), 4000, "the container runs beside two as well");
    }

    fn running(name: &str, requests: &str, allocated: &str) -> ContainerStatus {
        ContainerStatus {
            name: name.into(),
            resources: Some(ResourceRequirements { requests: quantities(&[("cpu", requests)]), ..Default::default() }),
            allocated_resources: quantities(&[("cpu", allocated)]),
            ..Default::default()
        }
    }

    #[test]
    fn while_a_container_is_resized_the_largest_figure_counts() {
        let requests = |asked: &str, actual: &str, allocated: &str, conditions: Vec<PodCondition>| {
            let spec = PodSpec { containers: vec![container("a", asked)], ..Default::default() };
            let status = PodStatus {
                container_statuses: Some(vec![running("a", actual, allocated)]),
                conditions: Some(conditions),
                ..Default::default()
            };
            of_pod(&spec, Some(&status)).expect("quantities are readable").get(CPU)
        };
        assert_eq!(requests("3", "1", "2", vec![]), 3000);
        assert_eq!(requests("1", "3", "2", vec![]), 3000);
        assert_eq!(requests("1", "2", "3", vec![]), 3000);
        let never = PodCondition {
            type_: "PodResizePending".into(),
            reason: Some("Infeasible".into()),
            status: "True".into(),
            ..Default::default()
        };
        assert_eq!(requests("3", "1", "2", vec![never]), 2000, "what can never be does not count");
    }

    #[test]
    fn sidecars_are_resized_but_not_what_runs_once() {
        let spec = PodSpec {
            init_containers: Some(vec![
                Container { restart_policy: Some("Always".into()), ..container("proxy", "1") },
                container("migrate", "1"),
            ]),
            ..Default::default()
        };
        let statuses = vec![running("proxy", "2", "2"), running("migrate", "9", "9")];
        let status = PodStatus { init_container_statuses: Some(statuses), ..Default::default() };
        assert_eq!(of_pod(&spec, Some(&status)).expect("quantities are readable").get(CPU), 3000);
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
    #[test]
    fn an_amount_below_zero_is_refused_wherever_it_stands() {
        let refused = |spec: &PodSpec| of_pod(spec, None).expect_err("a negative amount").to_string();
        let mut spec = PodSpec { containers: vec![container("a", "-1m")], ..Default::default() };
        let told = "containers[a].resources.requests.cpu: \"-1m\" is negative: write 0 or more";
        assert_eq!(refused(&spec), told);
        spec.containers = vec![container("a", "1")];
        spec.init_containers = Some(vec![container("i", "-1")]);
        assert!(refused(&spec).starts_with("containers[i].resources.requests.cpu: "));
        spec.init_containers = None;
        spec.overhead = quantities(&[("memory", "-1Gi")]);
        assert!(refused(&spec).starts_with("overhead.memory: "));
        spec.overhead = None;
        spec.resources = Some(ResourceRequirements { limits: quantities(&[("cpu", "-2")]), ..Default::default() });
        assert!(refused(&spec).starts_with("resources.limits.cpu: "));
    }

    #[test]
    fn amounts_beyond_counting_stay_at_the_end() {
        let spec = PodSpec { containers: vec![container("a", "9E"), container("b", "9E")], ..Default::default() };
        assert_eq!(cpu(&spec), i64::MAX);
    }
}
