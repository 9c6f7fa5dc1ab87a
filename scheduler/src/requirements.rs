//! What a set of labels may be: requirements by key, and when a pod's fit a node's.
//!
//! A missing key means "anything" when sets are narrowed, but a pod that asks for a label nobody defines must not be
//! placed: [`Requirements::compatible`] tells the two apart. The set knows which keys are aliases of one another only
//! through the normalisation of the api crate (specification "scheduling" 3.3 to 3.6).

use crate::requirement::{Name, Requirement};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The label keys that a new node may have although no requirement names them yet: the well-known ones.
pub type WellKnown = BTreeSet<Name>;

/// Requirements by label key; a key that is not there may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Requirements(BTreeMap<Name, Requirement>);

/// Why two sets of requirements do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incompatible {
    /// A label is asked for that neither the node side nor any well-known set defines.
    #[error("label \"{key}\" does not have known values{}", hint.as_ref().map(|h| format!(" (typo of \"{h}\"?)")).unwrap_or_default())]
    UndefinedLabel {
        /// The label asked for.
        key: Name,
        /// A label of a similar name that does exist.
        hint: Option<Name>,
    },
    /// No value of these keys meets both sides: key, what was asked, what there is.
    #[error("{}", .0.iter().map(|c| format!("key {}, {} {} not in {} {}", c.key, c.key, c.asked, c.key, c.offered)).collect::<Vec<_>>().join("; "))]
    NoCommonValue(Vec<Clash>),
}

/// One key on which two sets of requirements have no common value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The label key.
    pub key: Name,
    /// What the pod (or whoever came second) asked for.
    pub asked: Requirement,
    /// What the node, pool or claim allows.
    pub offered: Requirement,
}

impl Requirements {
    /// The empty set: everything is allowed.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Labels as requirements: each key has exactly this value.
    pub fn from_labels<K: AsRef<str>, V: AsRef<str>>(labels: impl IntoIterator<Item = (K, V)>) -> Self {
        labels.into_iter().map(|(k, v)| (k, Requirement::exactly(v.as_ref()))).collect()
    }

    /// Narrows the key by one more requirement. The key is normalised, so that aliases meet.
    pub fn add(&mut self, key: impl AsRef<str>, requirement: Requirement) {
        let key = dovetail_api::labels::normalize(key.as_ref());
        if let Some(existing) = self.0.get_mut(key) {
            *existing = existing.intersection(&requirement);
        } else {
            self.0.insert(Name::from(key), requirement);
        }
    }

    /// Narrows every key that the other set names.
    pub fn add_all(&mut self, other: &Self) {
        for (key, requirement) in &other.0 {
            match self.0.get_mut(key) {
                Some(existing) => *existing = existing.intersection(requirement),
                None => {
                    self.0.insert(key.clone(), requirement.clone());
                }
            }
        }
    }

    /// Both sets together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.add_all(other);
        out
    }

    /// Sets a key to exactly this requirement, whatever it was.
    pub fn replace(&mut self, key: Name, requirement: Requirement) {
        self.0.insert(key, requirement);
    }

    /// Forgets a key.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// The requirement on a key, if there is one.
    pub fn get(&self, key: &str) -> Option<&Requirement> {
        self.0.get(key)
    }

    /// Keys and requirements in the order of the keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Name, &Requirement)> {
        self.0.iter()
    }

    /// Whether nothing is required.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether some requirement asks for a number of distinct values.
    pub fn has_min_values(&self) -> bool {
        self.0.values().any(|r| r.min_values().is_some())
    }

    /// Whether on every key that both name some value meets both, or the label may be absent on both sides. A set that
    /// contradicts itself on any key intersects nothing.
    pub fn intersects(&self, incoming: &Self) -> bool {
        let (few, many) = if self.0.len() <= incoming.0.len() { (self, incoming) } else { (incoming, self) };
        let impossible = |set: &Self| set.0.values().any(Requirement::is_impossible);
        !impossible(few)
            && !impossible(many)
            && few.0.iter().all(|(key, a)| many.0.get(key).is_none_or(|b| meets(a, b)))
    }

    /// Whether a pod (or offering) with the incoming requirements can go with these, which describe a node.
    ///
    /// `well_known` are the keys that need not be defined on this side: all well-known labels for nodes that do not
    /// exist yet, none for nodes that do.
    ///
    /// # Errors
    /// With the first undefined label, or else with all keys that have no common value.
    pub fn compatible(&self, incoming: &Self, well_known: &WellKnown) -> Result<(), Incompatible> {
        for (key, requirement) in &incoming.0 {
            if !(requirement.allows_absence() || self.0.contains_key(key) || well_known.contains(key)) {
                return Err(Incompatible::UndefinedLabel { key: key.clone(), hint: self.hint(key, well_known) });
            }
        }
        let clashes: Vec<Clash> = incoming
            .0
            .iter()
            .filter_map(|(key, asked)| {
                let offered = self.0.get(key);
                let met = offered.map_or(!asked.is_impossible(), |offered| meets(offered, asked));
                (!met).then(|| Clash {
                    key: key.clone(),
                    asked: asked.clone(),
                    offered: offered.cloned().unwrap_or_else(Requirement::exists),
                })
            })
            .collect();
        if clashes.is_empty() { Ok(()) } else { Err(Incompatible::NoCommonValue(clashes)) }
    }

    /// A label of a similar name: one that contains the key, or that ends in its last part.
    fn hint(&self, key: &str, well_known: &WellKnown) -> Option<Name> {
        let last = key.split_once('/').map_or(key, |(_, name)| name);
        let similar = |known: &&Name| known.contains(key) || known.ends_with(last);
        well_known.iter().find(similar).or_else(|| self.0.keys().find(similar)).cloned()
    }
}

/// Two requirements on one key meet if a value meets both; or if both are content with the label being absent.
fn meets(a: &Requirement, b: &Requirement) -> bool {
    a.has_intersection(b) || (a.allows_absence() && b.allows_absence())
}

impl<K: AsRef<str>> FromIterator<(K, Requirement)> for Requirements {
    fn from_iter<I: IntoIterator<Item = (K, Requirement)>>(entries: I) -> Self {
        let mut out = Self::new();
        for (key, requirement) in entries {
            out.add(key, requirement);
        }
        out
    }
}

/// One `key Op [values]` per key, separated by commas.
impl fmt::Display for Requirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (key, requirement)) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{key} {requirement}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "requirements_tests.rs"]
mod tests;
