//! Which node conditions mean that a machine of EC2 is broken, and what is done then (v1.15 changes 10.1). XID errors are
//! NVIDIA's: some go away with a restart, some do not.

use dovetail_cloudprovider::repair::{ConditionStatus, RepairAction, RepairPolicy};
use std::time::Duration;

const CLEARED_BY_REBOOT: &str = ".*XID(46|48|54|62|63|95|109|110|136|140|143|155|156|158).*";
const NOT_CLEARED_BY_REBOOT: &str = ".*XID(64|74|79|119|120).*";
const ACCELERATORS: &str = "AcceleratedHardwareReady";

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// The policies. `legacy` is `--legacy-node-repair`, `reboot` the gate RebootForRepair.
#[must_use]
pub fn policies(legacy: bool, reboot: bool) -> Vec<RepairPolicy> {
    let policy = |condition: &str, status, reason: &str, toleration: u64, drain: Option<u64>, action| RepairPolicy {
        condition_type: condition.to_owned(),
        condition_status: status,
        reason_regex: reason.to_owned(),
        toleration: minutes(toleration),
        termination_grace_period: drain.filter(|_| !legacy).map(minutes),
        priority: 0,
        action,
    };
    let (failed, replace) = (ConditionStatus::False, RepairAction::ReplaceNode);
    let half_an_hour = |condition, status| policy(condition, status, ".*", 30, Some(10), replace);
    let mut all = vec![half_an_hour("Ready", failed), half_an_hour("Ready", ConditionStatus::Unknown)];
    if legacy {
        all.push(policy(ACCELERATORS, failed, "", 10, None, replace));
    } else {
        let restart = if reboot { RepairAction::RebootNode } else { replace };
        all.push(policy(ACCELERATORS, failed, CLEARED_BY_REBOOT, 10, Some(5), restart));
        all.push(policy(ACCELERATORS, failed, NOT_CLEARED_BY_REBOOT, 10, Some(5), replace));
        all.push(policy(ACCELERATORS, failed, "", 30, Some(10), replace));
    }
    let others = ["StorageReady", "NetworkingReady", "KernelReady", "ContainerRuntimeReady"];
    all.extend(others.map(|condition| half_an_hour(condition, failed)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use dovetail_cloudprovider::repair::validate;

    #[test]
    fn every_set_of_policies_is_sound() {
        for (legacy, reboot, count) in [(false, false, 9), (false, true, 9), (true, false, 7), (true, true, 7)] {
            let policies = policies(legacy, reboot);
            assert_eq!(policies.len(), count);
            assert!(validate(&policies).is_ok(), "{legacy} {reboot}: {:?}", validate(&policies));
        }
    }

    #[test]
    fn a_restart_is_tried_only_where_it_helps_and_only_if_it_may_be() {
        let reboots = |legacy, reboot| {
            let restart = |p: &RepairPolicy| p.action == RepairAction::RebootNode;
            policies(legacy, reboot).into_iter().filter(restart).map(|p| p.reason_regex).collect::<Vec<_>>()
        };
        assert_eq!(reboots(false, true), [CLEARED_BY_REBOOT]);
        assert!(reboots(false, false).is_empty() && reboots(true, true).is_empty());
    }

    #[test]
    fn the_old_policies_do_not_bound_the_drain_nor_look_at_reasons() {
        let any =
            |p: &RepairPolicy| p.termination_grace_period.is_none() && matches!(p.reason_regex.as_str(), "" | ".*");
        assert!(policies(true, false).iter().all(any));
    }
}
