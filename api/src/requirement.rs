//! Requirement items.
