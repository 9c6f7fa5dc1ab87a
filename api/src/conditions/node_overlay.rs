//! The conditions of NodeOverlays (spec scheduling 1.4).

use super::ConditionTypes;

/// `Ready` rests on this.
pub const TYPES: ConditionTypes = ConditionTypes::ready(&[VALIDATION_SUCCEEDED]);

/// The overlay passes run-time validation and conflicts with no other.
pub const VALIDATION_SUCCEEDED: &str = "ValidationSucceeded";

/// Reason of [`VALIDATION_SUCCEEDED`] False; the message is the error.
pub const RUNTIME_VALIDATION: &str = "RuntimeValidation";
/// Reason of [`VALIDATION_SUCCEEDED`] False: an overlay of the same weight changes the same thing.
pub const CONFLICT: &str = "Conflict";
/// Message to [`CONFLICT`].
pub const CONFLICT_MESSAGE: &str = "conflict with another overlay";
