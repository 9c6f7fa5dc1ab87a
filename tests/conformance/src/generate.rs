//! Scenarios by chance, by theme and seed: ordinary Kubernetes objects in which the rules of a theme bind somewhere and most
//! pods fit. The same theme and seed always give the same scenario. What is right for it is not known here.

mod cluster;
mod draft;
mod rules;
mod themes;

pub use draft::Scenario;
pub use themes::{THEMES, Theme};

/// The theme of that name.
#[must_use]
pub fn theme(name: &str) -> Option<&'static Theme> {
    THEMES.iter().find(|t| t.name == name)
}
