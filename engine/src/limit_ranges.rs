//! What LimitRanges add to containers that say nothing: default limits and requests, as the API server fills them in when
//! a pod is created. Whether a pod has been created already is not known here.
//!
//! The rules are those of Kubernetes: within a range, a maximum stands in for a default limit, a default limit or else a
//! minimum for a default request, and the last item to name a resource counts. Kubernetes applies the ranges of a namespace
//! in no particular order; here the first by name to speak of a resource counts, so that the answer is always the same.

use crate::pods;
use k8s_openapi::api::core::v1::{Container, LimitRange, LimitRangeItem, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

type Quantities = BTreeMap<String, Quantity>;

/// The defaults of each namespace that has any.
#[derive(Clone, Debug, Default)]
pub struct LimitRanges<'o>(FxHashMap<&'o str, Vec<Defaults>>);

/// The defaults of one range.
#[derive(Clone, Debug, Default)]
struct Defaults {
    limits: Quantities,
    requests: Quantities,
}

impl<'o> LimitRanges<'o> {
    /// Reads the ranges.
    pub fn of(ranges: impl IntoIterator<Item = &'o LimitRange>) -> Self {
        let mut by_name: Vec<&LimitRange> = ranges.into_iter().collect();
        by_name.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        let mut out: FxHashMap<&str, Vec<Defaults>> = FxHashMap::default();
        for range in by_name {
            let items = range.spec.iter().flat_map(|s| &s.limits).filter(|i| i.type_ == "Container");
            let mut defaults = Defaults::default();
            for item in items {
                let of_item = Defaults::of(item);
                defaults.limits.extend(of_item.limits);
                defaults.requests.extend(of_item.requests);
            }
            if !(defaults.limits.is_empty() && defaults.requests.is_empty()) {
                out.entry(pods::namespace(&range.metadata)).or_default().push(defaults);
            }
        }
        Self(out)
    }

    /// Fills in what the ranges of the namespace say for the containers of a pod.
    pub fn complete(&self, namespace: &str, spec: &mut PodSpec) {
        for defaults in self.0.get(namespace).into_iter().flatten() {
            for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
                defaults.complete(container);
            }
        }
    }
}

impl Defaults {
    fn of(item: &LimitRangeItem) -> Self {
        let mut limits = item.default.clone().unwrap_or_default();
        fill(&mut limits, item.max.iter().flatten());
        let mut requests = item.default_request.clone().unwrap_or_default();
        fill(&mut requests, &limits);
        fill(&mut requests, item.min.iter().flatten());
        Self { limits, requests }
    }

    /// A container's own limit counts as its request before any default does.
    fn complete(&self, container: &mut Container) {
        let resources = container.resources.get_or_insert_default();
        let limits = resources.limits.get_or_insert_default();
        let requests = resources.requests.get_or_insert_default();
        fill(requests, &*limits);
        fill(limits, &self.limits);
        fill(requests, &self.requests);
    }
}

fn fill<'a>(into: &mut Quantities, from: impl IntoIterator<Item = (&'a String, &'a Quantity)>) {
    for (name, quantity) in from {
        into.entry(name.clone()).or_insert_with(|| quantity.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn range(name: &str, items: Value) -> LimitRange {
        let range = json!({"metadata": {"name": name, "namespace": "default"}, "spec": {"limits": items}});
        serde_json::from_value(range).expect("a LimitRange")
    }

    /// What a container with these resources requests in a namespace.
    fn requested(ranges: &[LimitRange], namespace: &str, resources: Value) -> Value {
        let spec = json!({"containers": [{"name": "c", "resources": resources}]});
        let mut spec: PodSpec = serde_json::from_value(spec).expect("a pod's spec");
        LimitRanges::of(ranges).complete(namespace, &mut spec);
        let resources = spec.containers[0].resources.as_ref();
        json!(resources.and_then(|r| r.requests.as_ref()).filter(|r| !r.is_empty()))
    }

    #[test]
    fn a_container_that_says_nothing_gets_the_default_request() {
        let item = json!([{"type": "Container", "default": {"cpu": "1"}, "defaultRequest": {"memory": "1Gi"}}]);
        assert_eq!(requested(&[range("r", item)], "default", json!({})), json!({"cpu": "1", "memory": "1Gi"}));
    }

    #[test]
    fn its_own_words_come_first_and_a_limit_is_one() {
        let item =
            json!([{"type": "Container", "defaultRequest": {"cpu": "100m", "memory": "1Gi"}, "max": {"cpu": "8"}}]);
        let own = json!({"limits": {"cpu": "2"}});
        assert_eq!(requested(&[range("r", item)], "default", own), json!({"cpu": "2", "memory": "1Gi"}));
    }

    #[test]
    fn maximum_and_minimum_stand_in() {
        let item = json!([{"type": "Container", "max": {"cpu": "8"}, "min": {"memory": "64Mi"}}]);
        assert_eq!(requested(&[range("r", item)], "default", json!({})), json!({"cpu": "8", "memory": "64Mi"}));
    }

    #[test]
    fn the_last_item_of_a_range_counts_and_the_first_range() {
        let cpu = |n: &str| json!({"type": "Container", "default": {"cpu": n}});
        let ranges = [range("b", json!([cpu("4")])), range("a", json!([cpu("1"), cpu("2")]))];
        assert_eq!(requested(&ranges, "default", json!({})), json!({"cpu": "2"}));
    }

    #[test]
    fn other_namespaces_and_limits_of_whole_pods_are_left_alone() {
        let item = json!([{"type": "Container", "default": {"cpu": "1"}}]);
        assert_eq!(requested(&[range("r", item)], "other", json!({})), json!(null));
        let of_pods = json!([{"type": "Pod", "max": {"cpu": "1"}}]);
        assert_eq!(requested(&[range("r", of_pods)], "default", json!({})), json!(null));
    }
}
