//! Events of provisioning: where pods will go, and why some go nowhere.

use super::EventKind;
use super::Severity::{Normal, Warning};

/// A pod fits nowhere.
pub const FAILED_SCHEDULING: EventKind =
    EventKind::new("FailedScheduling", Warning, &["Pod"], "Failed to schedule pod, {error}").window_seconds(300);

/// A pod has a place. `target` is `nodeclaim/NAME`, `node/NAME`, or both, separated by a comma.
pub const NOMINATED: EventKind =
    EventKind::new("Nominated", Normal, &["Pod"], "Pod should schedule on: {target}").limit(5, 10);

/// No instance type meets a pool's requirements. `cause` is empty or [`DUE_TO_MIN_VALUES`].
pub const NO_COMPATIBLE_INSTANCE_TYPES: EventKind = EventKind::new(
    "NoCompatibleInstanceTypes",
    Warning,
    &["NodePool"],
    "NodePool requirements filtered out all compatible available instance types{cause}",
)
.window_seconds(60);

/// The cause of [`NO_COMPATIBLE_INSTANCE_TYPES`] where it is `minValues`.
pub const DUE_TO_MIN_VALUES: &str = " due to minValues incompatibility";

pub(super) const ALL: &[&EventKind] = &[&FAILED_SCHEDULING, &NOMINATED, &NO_COMPATIBLE_INSTANCE_TYPES];
