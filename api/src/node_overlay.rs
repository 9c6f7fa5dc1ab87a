//! NodeOverlay.
