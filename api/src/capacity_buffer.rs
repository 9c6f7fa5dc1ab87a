//! CapacityBuffer.
