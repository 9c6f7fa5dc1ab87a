//! NodePool.
