//! Event reasons.
