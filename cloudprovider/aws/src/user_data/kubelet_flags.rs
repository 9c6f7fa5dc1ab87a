//! The kubelet's settings as command line flags, which is how the bootstrap scripts of Amazon Linux 2 and Windows take
//! them (spec aws-provider 6.5). How a flag is quoted for a shell is not known here.

use super::{Request, node_labels_flag, pairs, value_and_effect};

/// The flags, in the order in which the specification lists them, maps sorted by key.
pub(super) fn flags(request: &Request<'_>) -> String {
    let kubelet = request.kubelet;
    let quoted = |flag: &str, text: String| (!text.is_empty()).then(|| format!("--{flag}=\"{text}\""));
    let taints = request.taints.iter().map(|taint| format!("{}={}", taint.key, value_and_effect(taint)));
    let number = |flag: &str, n: Option<i64>| n.map(|n| format!("--{flag}={n}"));
    [
        (!request.labels.is_empty()).then(|| node_labels_flag(request.labels)),
        quoted("register-with-taints", taints.collect::<Vec<_>>().join(",")),
        Some(format!("--max-pods={}", kubelet.max_pods)),
        number("pods-per-core", kubelet.pods_per_core),
        quoted("system-reserved", pairs(&kubelet.system_reserved, "=")),
        quoted("kube-reserved", pairs(&kubelet.kube_reserved, "=")),
        quoted("eviction-hard", pairs(&kubelet.eviction_hard, "<")),
        quoted("eviction-soft", pairs(&kubelet.eviction_soft, "<")),
        quoted("eviction-soft-grace-period", pairs(&kubelet.eviction_soft_grace_period, "=")),
        number("eviction-max-pod-grace-period", kubelet.eviction_max_pod_grace_period),
        number("image-gc-high-threshold", kubelet.image_gc_high_threshold_percent),
        number("image-gc-low-threshold", kubelet.image_gc_low_threshold_percent),
        kubelet.cpu_cfs_quota.map(|on| format!("--cpu-cfs-quota={on}")),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" ")
}
