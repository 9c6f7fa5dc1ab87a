//! Running pods that keep others away: whom their required anti-affinity is about.
//!
//! Anti-affinity holds in both directions, so a pod that says nothing itself may still not go where such a pod runs. Until
//! the scheduler keeps that rule, the pods concerned are found here and set aside.

use crate::nodes::NodeState;
use crate::pods;
use k8s_openapi::api::core::v1::{Pod, PodAffinityTerm};
use kube::core::{Selector, SelectorExt as _};

/// The anti-affinity of all running pods.
#[derive(Debug)]
pub(crate) struct Repulsion<'o> {
    terms: Vec<(&'o str, &'o PodAffinityTerm, Selector)>,
}

impl<'o> Repulsion<'o> {
    pub(crate) fn of(states: &[NodeState<'o>]) -> Self {
        let repelling = states.iter().filter(|s| !s.is_deleting()).flat_map(|s| &s.pods).filter(|p| pods::repels(p));
        let mut terms = vec![];
        for pod in repelling {
            let namespace = pods::namespace(&pod.metadata);
            let affinity =
                pod.spec.as_ref().and_then(|s| s.affinity.as_ref()).and_then(|a| a.pod_anti_affinity.as_ref());
            let required = affinity.and_then(|a| a.required_during_scheduling_ignored_during_execution.as_ref());
            for term in required.into_iter().flatten() {
                // Without a selector the term is about no pod; one that cannot be read is about none either.
                let selector = term.label_selector.clone().and_then(|s| Selector::try_from(s).ok());
                terms.extend(selector.map(|s| (namespace, term, s)));
            }
        }
        Self { terms }
    }

    /// Whether some running pod keeps this one away from wherever it is.
    pub(crate) fn applies_to(&self, pod: &Pod) -> bool {
        static NONE: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
        let namespace = pods::namespace(&pod.metadata);
        let labels = pod.metadata.labels.as_ref().unwrap_or(&NONE);
        self.terms.iter().any(|(own, term, selector)| in_reach(own, term, namespace) && selector.matches(labels))
    }
}

/// Whether a term of a pod in namespace `own` is about pods of this namespace; a selector of namespaces counts as about
/// all of them, to be on the safe side.
fn in_reach(own: &str, term: &PodAffinityTerm, namespace: &str) -> bool {
    let listed = term.namespaces.as_deref().unwrap_or_default();
    term.namespace_selector.is_some()
        || listed.iter().any(|n| n == namespace)
        || (listed.is_empty() && own == namespace)
}
