//! NodeClaim.
