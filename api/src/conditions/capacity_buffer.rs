//! The conditions of CapacityBuffers (spec scheduling 1.6 and 4.14). They have no root.

/// The pods that the buffer stands for are known.
pub const READY_FOR_PROVISIONING: &str = "ReadyForProvisioning";
/// There is room for all of them.
pub const PROVISIONING: &str = "Provisioning";
/// Declared by the API, never written.
pub const LIMITED_BY_QUOTAS: &str = "LimitedByQuotas";

/// Reason of [`READY_FOR_PROVISIONING`] True.
pub const RESOLVED: &str = "Resolved";
/// Message to [`RESOLVED`].
pub const RESOLVED_MESSAGE: &str = "Pod template resolved successfully";
/// Reason of [`READY_FOR_PROVISIONING`] False: there is no such workload.
pub const SCALABLE_REF_NOT_FOUND: &str = "ScalableRefNotFound";
/// Reason of [`READY_FOR_PROVISIONING`] False: there is no such PodTemplate.
pub const POD_TEMPLATE_NOT_FOUND: &str = "PodTemplateNotFound";
/// Reason of [`READY_FOR_PROVISIONING`] False: anything else.
pub const RESOLUTION_FAILED: &str = "ResolutionFailed";

/// Reason of [`PROVISIONING`] False: the pods are not known.
pub const NOT_READY_FOR_PROVISIONING: &str = "NotReadyForProvisioning";
/// Reason of [`PROVISIONING`] False: the buffer stands for no pods.
pub const BUFFER_EMPTY: &str = "BufferEmpty";
/// Reason of [`PROVISIONING`] False: nodes must be bought for some of the pods.
pub const REQUIRES_NEW_CAPACITY: &str = "RequiresNewCapacity";
/// Reason of [`PROVISIONING`] True: they all fit.
pub const FITS_EXISTING_CAPACITY: &str = "FitsExistingCapacity";

/// Message to [`REQUIRES_NEW_CAPACITY`]: how many of all pods need nodes that must be bought, and how many fit none.
#[must_use]
pub fn requires_new_capacity(new: usize, all: usize, failed: usize) -> String {
    format!("{new}/{all} virtual pods required new capacity, {failed} failed")
}

/// Message to [`FITS_EXISTING_CAPACITY`].
#[must_use]
pub fn fits_existing_capacity(all: usize) -> String {
    format!("All {all} virtual pods fit on existing capacity")
}
