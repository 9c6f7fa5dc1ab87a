//! The taints that Karpenter sets, and those that pass of their own accord while a node starts (spec scheduling 4.4). As
//! everywhere, taints are told apart by key and effect; values are ignored.

/// Pods are not scheduled here.
pub const NO_SCHEDULE: &str = "NoSchedule";
/// Pods are scheduled elsewhere if possible.
pub const PREFER_NO_SCHEDULE: &str = "PreferNoSchedule";
/// Pods are not scheduled here, and those that run here are evicted.
pub const NO_EXECUTE: &str = "NoExecute";

/// Key of the taint on a node that is being taken away; effect [`NO_SCHEDULE`], no value.
pub const DISRUPTED_TAINT: &str = "karpenter.sh/disrupted";
/// Key of the taint that a node starts with until it is registered; effect [`NO_EXECUTE`], no value.
pub const UNREGISTERED_TAINT: &str = "karpenter.sh/unregistered";
/// Key of the taint on a node that is about to be rebooted; effect [`NO_SCHEDULE`], no value.
pub const REBOOTING_TAINT: &str = "karpenter.sh/rebooting";

/// Key and effect of the taints that a starting node sheds by itself.
pub const EPHEMERAL_TAINTS: &[(&str, &str)] = &[
    ("node.kubernetes.io/not-ready", NO_SCHEDULE),
    ("node.kubernetes.io/not-ready", NO_EXECUTE),
    ("node.kubernetes.io/unreachable", NO_SCHEDULE),
    ("node.cloudprovider.kubernetes.io/uninitialized", NO_SCHEDULE),
    (UNREGISTERED_TAINT, NO_EXECUTE),
];

/// Taints whose key starts like this are shed by themselves, whatever their effect.
pub const EPHEMERAL_TAINT_PREFIX: &str = "readiness.k8s.io/";

/// Whether a starting node sheds the taint by itself, so that pods need not tolerate it to be provisioned for.
#[must_use]
pub fn is_ephemeral_taint(key: &str, effect: &str) -> bool {
    key.starts_with(EPHEMERAL_TAINT_PREFIX) || EPHEMERAL_TAINTS.contains(&(key, effect))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ephemeral_taints_are_matched_by_key_and_effect() {
        assert!(is_ephemeral_taint("node.kubernetes.io/not-ready", "NoExecute"));
        assert!(is_ephemeral_taint("node.kubernetes.io/unreachable", "NoSchedule"));
        assert!(!is_ephemeral_taint("node.kubernetes.io/unreachable", "NoExecute"));
        assert!(is_ephemeral_taint("karpenter.sh/unregistered", "NoExecute"));
        assert!(!is_ephemeral_taint("karpenter.sh/unregistered", "NoSchedule"));
        assert!(is_ephemeral_taint("readiness.k8s.io/cni", "PreferNoSchedule"));
        assert!(!is_ephemeral_taint("karpenter.sh/disrupted", "NoSchedule"));
    }
}
