//! The conditions of NodePools (spec scheduling 1.1).

use super::ConditionTypes;

/// `Ready` rests on these.
pub const TYPES: ConditionTypes = ConditionTypes::ready(&[VALIDATION_SUCCEEDED, NODE_CLASS_READY]);

/// The pool's template passes run-time validation.
pub const VALIDATION_SUCCEEDED: &str = "ValidationSucceeded";
/// The pool's node class exists and is ready.
pub const NODE_CLASS_READY: &str = "NodeClassReady";
/// Nodes of the pool have been joining the cluster. `Ready` does not rest on it.
pub const NODE_REGISTRATION_HEALTHY: &str = "NodeRegistrationHealthy";

/// Reason of [`VALIDATION_SUCCEEDED`] False; the message is all errors, joined by `; `.
pub const NODE_POOL_VALIDATION_FAILED: &str = "NodePoolValidationFailed";

/// Reason of [`NODE_CLASS_READY`] False: there is no such node class.
pub const NODE_CLASS_NOT_FOUND: &str = "NodeClassNotFound";
/// Message to [`NODE_CLASS_NOT_FOUND`].
pub const NODE_CLASS_NOT_FOUND_MESSAGE: &str = "NodeClass not found on cluster";
/// Reason of [`NODE_CLASS_READY`] False: the node class is being deleted.
pub const NODE_CLASS_TERMINATING: &str = "NodeClassTerminating";
/// Message to [`NODE_CLASS_TERMINATING`].
pub const NODE_CLASS_TERMINATING_MESSAGE: &str = "NodeClass is Terminating";
/// Reason of [`NODE_CLASS_READY`] False: the node class's own readiness is unknown.
pub const NODE_CLASS_READINESS_UNKNOWN: &str = "NodeClassReadinessUnknown";
/// Message to [`NODE_CLASS_READINESS_UNKNOWN`].
pub const NODE_CLASS_READINESS_UNKNOWN_MESSAGE: &str = "Node Class Readiness Unknown";

/// Reason of [`NODE_REGISTRATION_HEALTHY`] False: nodes were launched but did not join.
pub const REGISTRATION_FAILED: &str = "RegistrationFailed";
/// Message to [`REGISTRATION_FAILED`].
pub const REGISTRATION_FAILED_MESSAGE: &str = "Failed to register node";
