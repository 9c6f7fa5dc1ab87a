//! Whether disruption budgets allow that a pod is evicted, as the API server decides it. What is healthy is judged at the
//! moment of the eviction: there is no controller that lags behind.

use crate::selector::selects;
use dovetail_engine::action::{ApiError, Fault};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// Whether the pod may be evicted.
///
/// # Errors
/// As the API server answers: 429 if a budget is spent, 500 if several budgets are about the pod.
pub(crate) fn check<'a>(
    pod: &Pod,
    budgets: impl Iterator<Item = &'a PodDisruptionBudget>,
    pods: impl Iterator<Item = &'a Pod> + Clone,
) -> Result<(), ApiError> {
    let about: Vec<_> = budgets.filter(|budget| is_about(budget, pod)).collect();
    let [budget] = about.as_slice() else {
        let several =
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
        return if about.is_empty() { Ok(()) } else { Err(ApiError::new(Fault::Other, 500, several)) };
    };
    if spare(budget, pods) > 0 || !is_healthy(pod) && always_allowed(budget) {
        return Ok(());
    }
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    Err(ApiError::new(Fault::Throttled, 429, message))
}

/// How many healthy pods the budget could do without now; less than none if too few are healthy already.
pub(crate) fn spare<'a>(budget: &PodDisruptionBudget, pods: impl Iterator<Item = &'a Pod> + Clone) -> i64 {
    let selected = pods.filter(|pod| is_about(budget, pod) && !is_terminal(pod));
    let expected = count(selected.clone());
    let healthy = count(selected.filter(|pod| is_healthy(pod)));
    let spec = budget.spec.as_ref();
    let of = |amount: &IntOrString| match amount {
        IntOrString::Int(n) => i64::from(*n),
        IntOrString::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            (expected * percent + 99) / 100
        }
    };
    let needed = match (spec.and_then(|s| s.min_available.as_ref()), spec.and_then(|s| s.max_unavailable.as_ref())) {
        (Some(least), _) => of(least),
        (None, Some(most)) => expected - of(most),
        (None, None) => expected,
    };
    healthy - needed.max(0)
}

fn count<'a>(pods: impl Iterator<Item = &'a Pod>) -> i64 {
    i64::try_from(pods.count()).unwrap_or(i64::MAX)
}

fn always_allowed(budget: &PodDisruptionBudget) -> bool {
    let policy = budget.spec.as_ref().and_then(|spec| spec.unhealthy_pod_eviction_policy.as_deref());
    policy == Some("AlwaysAllow")
}

fn is_about(budget: &PodDisruptionBudget, pod: &Pod) -> bool {
    let selector = budget.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let none = std::collections::BTreeMap::new();
    budget.metadata.namespace == pod.metadata.namespace
        && selector.is_some_and(|selector| selects(selector, pod.metadata.labels.as_ref().unwrap_or(&none)))
}

fn is_terminal(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

fn is_healthy(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    pod.metadata.deletion_timestamp.is_none() && conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True")
}
