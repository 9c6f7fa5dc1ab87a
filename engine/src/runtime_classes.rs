//! What a RuntimeClass adds to the pods that name it: the overhead of the runtime, and where it can run, as the API server
//! fills them in when a pod is created. Whether a pod has been created already is not known here.

use k8s_openapi::api::core::v1::PodSpec;
use k8s_openapi::api::node::v1::RuntimeClass;
use rustc_hash::FxHashMap;

/// The classes by name.
#[derive(Clone, Debug, Default)]
pub struct RuntimeClasses<'o>(FxHashMap<&'o str, &'o RuntimeClass>);

impl<'o> RuntimeClasses<'o> {
    /// Finds the classes.
    pub fn of(classes: impl IntoIterator<Item = &'o RuntimeClass>) -> Self {
        Self(classes.into_iter().filter_map(|c| Some((c.metadata.name.as_deref()?, c))).collect())
    }

    /// Whether a class of that name is known.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Fills in what the class that the pod names says. What the pod says itself stays: an API server would refuse it if it
    /// were something else.
    pub fn complete(&self, spec: &mut PodSpec) {
        let Some(class) = spec.runtime_class_name.as_deref().and_then(|name| self.0.get(name)) else { return };
        if let (None, Some(overhead)) = (&spec.overhead, &class.overhead) {
            spec.overhead.clone_from(&overhead.pod_fixed);
        }
        let Some(scheduling) = &class.scheduling else { return };
        for (key, value) in scheduling.node_selector.iter().flatten() {
            let selector = spec.node_selector.get_or_insert_default();
            selector.entry(key.clone()).or_insert_with(|| value.clone());
        }
        for toleration in scheduling.tolerations.iter().flatten() {
            let tolerations = spec.tolerations.get_or_insert_default();
            if !tolerations.contains(toleration) {
                tolerations.push(toleration.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read<T: serde::de::DeserializeOwned>(object: Value) -> T {
        serde_json::from_value(object).expect("a readable manifest")
    }

    /// A pod's spec after admission, where the class `kata` is known.
    fn admitted(spec: Value) -> PodSpec {
        let kata = read(json!({
            "metadata": {"name": "kata"}, "handler": "kata", "overhead": {"podFixed": {"cpu": "250m", "memory": "120Mi"}},
            "scheduling": {"nodeSelector": {"sandbox": "yes"}, "tolerations": [{"key": "sandbox", "operator": "Exists"}]},
        }));
        let mut spec: PodSpec = read(spec);
        RuntimeClasses::of(&[kata]).complete(&mut spec);
        spec
    }

    #[test]
    fn a_pod_gets_the_overhead_of_its_runtime_and_goes_where_it_is() {
        let spec = admitted(json!({"containers": [], "runtimeClassName": "kata", "nodeSelector": {"disk": "ssd"}}));
        assert_eq!(json!(spec.overhead), json!({"cpu": "250m", "memory": "120Mi"}));
        assert_eq!(json!(spec.node_selector), json!({"disk": "ssd", "sandbox": "yes"}));
        assert_eq!(json!(spec.tolerations), json!([{"key": "sandbox", "operator": "Exists"}]));
    }

    #[test]
    fn what_the_pod_says_itself_stays() {
        let own = json!({"containers": [], "runtimeClassName": "kata", "overhead": {"cpu": "1"},
            "tolerations": [{"key": "sandbox", "operator": "Exists"}]});
        let spec = admitted(own);
        assert_eq!(json!(spec.overhead), json!({"cpu": "1"}));
        assert_eq!(spec.tolerations.expect("tolerations").len(), 1);
    }

    #[test]
    fn other_pods_are_left_alone() {
        for own in [json!({"containers": []}), json!({"containers": [], "runtimeClassName": "gvisor"})] {
            assert_eq!(admitted(own.clone()), read::<PodSpec>(own));
        }
    }
}
