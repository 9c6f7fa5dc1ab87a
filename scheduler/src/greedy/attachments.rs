//! The volumes that pods attach to a node, counted by CSI driver.
//!
//! A volume that several pods use is attached once; one that only its pod uses need not be known by name.

use crate::problem::Volumes;
use crate::requirement::Name;

/// What is attached to a node, or will be.
#[derive(Clone, Debug, Default)]
pub(super) struct Attachments {
    own: Vec<(Name, u32)>,
    shared: Vec<(Name, Name)>,
}

impl Attachments {
    /// With what is attached already and others may share.
    pub(super) fn already(attached: &[(Name, Name)]) -> Self {
        Self { own: vec![], shared: attached.to_vec() }
    }

    /// These and a pod's.
    pub(super) fn and(&self, volumes: &Volumes) -> Self {
        let mut out = self.clone();
        for (driver, n) in &volumes.own {
            match out.own.iter_mut().find(|(d, _)| d == driver) {
                Some((_, count)) => *count += n,
                None => out.own.push((driver.clone(), *n)),
            }
        }
        for volume in &volumes.shared {
            if !out.shared.contains(volume) {
                out.shared.push(volume.clone());
            }
        }
        out
    }

    /// How many volumes of a driver there are.
    pub(super) fn of(&self, driver: &str) -> u32 {
        let own = self.own.iter().find(|(d, _)| &**d == driver).map_or(0, |(_, n)| *n);
        let shared = self.shared.iter().filter(|(d, _)| &**d == driver).count();
        own.saturating_add(u32::try_from(shared).unwrap_or(u32::MAX))
    }

    /// Whether no driver's limit is exceeded.
    pub(super) fn within(&self, limits: &[(Name, u32)]) -> bool {
        limits.iter().all(|(driver, limit)| self.of(driver) <= *limit)
    }
}
