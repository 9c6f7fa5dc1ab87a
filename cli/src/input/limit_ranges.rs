//! What a LimitRange adds to pods that say nothing: default limits and requests of containers, as the API server fills them
//! in when a pod is created. Pods that an API server has seen already carry them.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, LimitRange, LimitRangeItem, Pod};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

type Quantities = BTreeMap<String, Quantity>;

/// Fills in the defaults of the LimitRanges of each pod's namespace.
pub(crate) fn apply(ranges: &[LimitRange], pods: &mut [Pod]) {
    for pod in pods.iter_mut().filter(|p| p.metadata.uid.is_none()) {
        let namespace = pod.metadata.namespace.as_deref();
        let here: Vec<&LimitRange> = ranges.iter().filter(|r| r.metadata.namespace.as_deref() == namespace).collect();
        let items = here.iter().filter_map(|r| r.spec.as_ref()).flat_map(|s| &s.limits);
        for item in items.filter(|i| i.type_ == "Container") {
            let (limits, requests) = defaults(item);
            if let Some(spec) = &mut pod.spec {
                for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
                    complete(container, &limits, &requests);
                }
            }
        }
    }
}

/// Default limits and requests of an item: a maximum stands in for a limit, a limit or else a minimum for a request.
fn defaults(item: &LimitRangeItem) -> (Quantities, Quantities) {
    let mut limits = item.default.clone().unwrap_or_default();
    fill(&mut limits, item.max.iter().flatten());
    let mut requests = item.default_request.clone().unwrap_or_default();
    fill(&mut requests, &limits);
    fill(&mut requests, item.min.iter().flatten());
    (limits, requests)
}

/// A container's own limit counts as its request before any default does.
fn complete(container: &mut Container, default_limits: &Quantities, default_requests: &Quantities) {
    let resources = container.resources.get_or_insert_default();
    let limits = resources.limits.get_or_insert_default();
    let requests = resources.requests.get_or_insert_default();
    fill(requests, &*limits);
    fill(limits, default_limits);
    fill(requests, default_requests);
}

fn fill<'a>(into: &mut Quantities, from: impl IntoIterator<Item = (&'a String, &'a Quantity)>) {
    for (name, quantity) in from {
        into.entry(name.clone()).or_insert_with(|| quantity.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ranges(item: serde_json::Value) -> Vec<LimitRange> {
        let range = json!({"metadata": {"name": "r", "namespace": "default"}, "spec": {"limits": [item]}});
        vec![serde_json::from_value(range).expect("a LimitRange")]
    }

    fn pod(resources: serde_json::Value, uid: Option<&str>) -> Pod {
        let pod = json!({"metadata": {"name": "p", "namespace": "default", "uid": uid},
            "spec": {"containers": [{"name": "c", "resources": resources}]}});
        serde_json::from_value(pod).expect("a Pod")
    }

    fn requested(ranges: &[LimitRange], pod: Pod) -> serde_json::Value {
        let mut pods = [pod];
        apply(ranges, &mut pods);
        let spec = pods[0].spec.as_ref().expect("a spec");
        let resources = spec.containers[0].resources.as_ref();
        json!(resources.and_then(|r| r.requests.as_ref()).filter(|r| !r.is_empty()))
    }

    #[test]
    fn a_pod_that_says_nothing_gets_the_default_request() {
        let item = json!({"type": "Container", "default": {"cpu": "1"}, "defaultRequest": {"memory": "1Gi"}});
        assert_eq!(requested(&ranges(item), pod(json!({}), None)), json!({"cpu": "1", "memory": "1Gi"}));
    }

    #[test]
    fn the_pod_s_own_words_come_first_and_a_limit_is_one() {
        let item =
            json!({"type": "Container", "defaultRequest": {"cpu": "100m", "memory": "1Gi"}, "max": {"cpu": "8"}});
        let own = json!({"limits": {"cpu": "2"}});
        assert_eq!(requested(&ranges(item), pod(own, None)), json!({"cpu": "2", "memory": "1Gi"}));
    }

    #[test]
    fn maximum_and_minimum_stand_in() {
        let item = json!({"type": "Container", "max": {"cpu": "8"}, "min": {"memory": "64Mi"}});
        assert_eq!(requested(&ranges(item), pod(json!({}), None)), json!({"cpu": "8", "memory": "64Mi"}));
    }

    #[test]
    fn pods_that_were_admitted_and_limits_of_whole_pods_are_left_alone() {
        let item = json!({"type": "Container", "default": {"cpu": "1"}});
        assert_eq!(requested(&ranges(item), pod(json!({}), Some("u"))), json!(null));
        let of_pods = json!({"type": "Pod", "max": {"cpu": "1"}});
        assert_eq!(requested(&ranges(of_pods), pod(json!({}), None)), json!(null));
    }
}
