//! Which pods stand in the way when a node goes: who can be evicted, who must be waited for, who is protected, and until
//! when (the Karpenter specification, disruption 2.2 and 5.2). It looks at one pod at a time and does not know in which
//! order a node is emptied, nor what disruption budgets allow.

use crate::cluster::PodRecord;
use crate::selection;
use dovetail_api::duration::Duration;
use dovetail_api::labels;
use dovetail_scheduler::requirement::Name;
use dovetail_scheduler::taint::{Effect, Taint, Toleration};
use k8s_openapi::jiff::{SignedDuration, Timestamp};

/// How long after its time is up a pod is waited for: then its kubelet is taken to be gone.
pub const STUCK_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// Priority classes whose pods go last.
const CRITICAL: [&str; 2] = ["system-cluster-critical", "system-node-critical"];

/// Whether and until when a pod's annotation keeps it from being disrupted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protection {
    /// It says nothing, or its time has passed.
    None,
    /// For good; or by a duration that has not begun to run.
    Forever,
    /// Until that time.
    Until(Timestamp),
    /// It cannot be read, and protects nothing: the text.
    Invalid(String),
}

impl Protection {
    /// Whether it holds.
    pub const fn is_active(&self) -> bool {
        matches!(self, Self::Forever | Self::Until(_))
    }
}

/// What a pod's annotation `karpenter.sh/do-not-disrupt` means at this time. Pods that have ended or were told to are not
/// protected.
pub fn protection(pod: &PodRecord, now: Timestamp) -> Protection {
    let Some(text) = pod.do_not_disrupt().filter(|_| pod.is_active()) else { return Protection::None };
    if text == "true" {
        return Protection::Forever;
    }
    let Some(duration) = text.parse::<Duration>().ok().filter(|d| d.nanos() > 0) else {
        return Protection::Invalid(text.to_owned());
    };
    let Some(started) = pod.started else { return Protection::Forever };
    match started.checked_add(duration.to_signed()) {
        Ok(until) if until <= now => Protection::None,
        Ok(until) => Protection::Until(until),
        Err(_) => Protection::Forever,
    }
}

/// Whether the pod puts up with being on a node that goes away.
pub fn tolerates_disruption(pod: &PodRecord) -> bool {
    let taint = Taint { key: Name::from(labels::DISRUPTED_TAINT), value: Name::from(""), effect: Effect::NoSchedule };
    let tolerated = |tolerations: &[Toleration]| tolerations.iter().any(|t| t.tolerates(&taint));
    match (&pod.shape.class, pod.shape.spec()) {
        (Ok(class), _) => tolerated(&class.tolerations),
        (Err(_), Some(spec)) => tolerated(&selection::tolerations(spec)),
        (Err(_), None) => false,
    }
}

/// From when on a pod that was told to end is not waited for any more.
pub fn stuck_from(pod: &PodRecord) -> Option<Timestamp> {
    pod.deleted.map(|end| end.checked_add(STUCK_AFTER).unwrap_or(Timestamp::MAX))
}

/// Whether a drain has to do with the pod: it stays neither on purpose nor since its kubelet is gone.
pub fn is_drainable(pod: &PodRecord, now: Timestamp) -> bool {
    !pod.shape.is_mirror && !tolerates_disruption(pod) && stuck_from(pod).is_none_or(|from| now <= from)
}

/// Whether a drain waits for the pod.
pub fn is_waited_for(pod: &PodRecord, now: Timestamp) -> bool {
    !pod.is_terminal() && is_drainable(pod, now)
}

/// Whether the pod may be asked to go.
pub fn is_evictable(pod: &PodRecord, now: Timestamp) -> bool {
    pod.is_active() && !pod.shape.is_mirror && !tolerates_disruption(pod) && !protection(pod, now).is_active()
}

/// Whether the cluster depends on the pod.
pub fn is_critical(pod: &PodRecord) -> bool {
    let class = pod.shape.spec().and_then(|spec| spec.priority_class_name.as_deref());
    class.is_some_and(|class| CRITICAL.contains(&class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Cluster, Object};
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn second(n: i64) -> Timestamp {
        Timestamp::from_second(n).expect("a time in range")
    }

    /// A pod that runs since second 100, with these annotations and spec fields.
    fn pod(annotation: &str, spec: Value) -> Arc<PodRecord> {
        let metadata = json!({"name": "web", "namespace": "default", "uid": "u", "annotations": {labels::DO_NOT_DISRUPT: annotation}});
        let mut pod =
            json!({"metadata": metadata, "spec": {"containers": []}, "status": {"startTime": second(100).to_string()}});
        for (key, value) in spec.as_object().expect("fields") {
            pod["spec"][key] = value.clone();
        }
        let mut cluster = Cluster::default();
        cluster.apply(Object::Pod(serde_json::from_value(pod).expect("a readable pod")), second(100));
        Arc::clone(cluster.snapshot().pods.get("default/web").expect("it was applied"))
    }

    #[test]
    fn an_annotation_protects_for_good_or_for_a_while() {
        let at = |annotation: &str, time| protection(&pod(annotation, json!({})), second(time));
        assert_eq!(at("true", 1_000_000), Protection::Forever);
        assert_eq!(at("1m", 159), Protection::Until(second(160)));
        assert_eq!(at("1m", 160), Protection::None);
        for text in ["false", "", "-1m", "0s", "True"] {
            assert_eq!(at(text, 101), Protection::Invalid(text.into()));
        }
        assert_eq!(at("999999h", 101), Protection::Until(second(100 + 999_999 * 3600)));
    }

    #[test]
    fn protection_by_a_duration_holds_for_good_until_the_pod_starts() {
        let mut waiting = (*pod("1m", json!({}))).clone();
        waiting.started = None;
        assert_eq!(protection(&waiting, second(5_000)), Protection::Forever);
    }

    #[test]
    fn who_tolerates_the_taint_stays_even_if_the_rest_of_the_pod_cannot_be_understood() {
        let by = |toleration: Value| {
            let spec = json!({"tolerations": [toleration], "nodeSelector": {"not a key": "x"}});
            tolerates_disruption(&pod("true", spec))
        };
        assert!(by(json!({"operator": "Exists"})));
        assert!(by(json!({"key": "karpenter.sh/disrupted", "operator": "Exists", "effect": "NoSchedule"})));
        assert!(!by(json!({"key": "karpenter.sh/disrupted", "operator": "Exists", "effect": "NoExecute"})));
        assert!(!by(json!({"key": "karpenter.sh/disrupted", "value": "x"})));
    }
}
