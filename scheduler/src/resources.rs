//! Exact resource arithmetic: amounts by resource name, in the units kube-scheduler compares in.
//!
//! CPU is counted in thousandths of a core, everything else in whole units (bytes, GPUs, pods); what is finer is
//! rounded up, as the scheduler of Kubernetes does. Amounts may be negative: an overhead can exceed a capacity, and a
//! pool can be over its limit. This module does not know what a resource is for.

use crate::requirement::Name;
use dovetail_api::quantity::Quantity;
use std::collections::BTreeMap;
use std::fmt;

/// `cpu`, in thousandths of a core.
pub const CPU: &str = "cpu";
/// `memory`, in bytes.
pub const MEMORY: &str = "memory";
/// `pods`: how many pods a node takes.
pub const PODS: &str = "pods";
/// `ephemeral-storage`, in bytes.
pub const EPHEMERAL_STORAGE: &str = "ephemeral-storage";
/// `nodes`: only in the limits of a NodePool.
pub const NODES: &str = "nodes";

/// Amounts by resource name. A resource that is not there counts as zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resources(BTreeMap<Name, i64>);

impl Resources {
    /// No resources at all.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Reads quantities as manifests write them.
    pub fn from_quantities<'a, K: AsRef<str> + 'a>(quantities: impl IntoIterator<Item = (K, &'a Quantity)>) -> Self {
        Self(quantities.into_iter().map(|(k, q)| (Name::from(k.as_ref()), amount(k.as_ref(), q))).collect())
    }

    /// The amount of a resource, zero if it is not there.
    pub fn get(&self, resource: &str) -> i64 {
        self.0.get(resource).copied().unwrap_or(0)
    }

    /// Whether the resource is there, if only as zero.
    pub fn has(&self, resource: &str) -> bool {
        self.0.contains_key(resource)
    }

    /// Sets the amount of a resource.
    pub fn set(&mut self, resource: impl Into<Name>, amount: i64) {
        self.0.insert(resource.into(), amount);
    }

    /// The same with one resource set: for building.
    #[must_use]
    pub fn with(mut self, resource: &str, amount: i64) -> Self {
        self.set(resource, amount);
        self
    }

    /// Resources and amounts in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Name, i64)> {
        self.0.iter().map(|(k, v)| (k, *v))
    }

    /// Whether no resource is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds every amount of the other; stays at the largest number rather than wrap around.
    pub fn add(&mut self, other: &Self) {
        for (k, v) in &other.0 {
            let mine = self.0.entry(k.clone()).or_insert(0);
            *mine = mine.saturating_add(*v);
        }
    }

    /// Subtracts the other, for the resources named here only.
    pub fn subtract_known(&mut self, other: &Self) {
        for (k, v) in &mut self.0 {
            *v = v.saturating_sub(other.get(k));
        }
    }

    /// Raises every amount to at least the other's.
    pub fn raise_to(&mut self, other: &Self) {
        for (k, v) in &other.0 {
            let mine = self.0.entry(k.clone()).or_insert(*v);
            *mine = (*mine).max(*v);
        }
    }

    /// Whether these amounts fit into the room: none of the room's is negative, and none of these is larger.
    pub fn fit(&self, room: &Self) -> bool {
        room.0.values().all(|v| *v >= 0) && self.0.iter().all(|(k, v)| *v <= room.get(k))
    }

    /// Forgets the resources that are zero.
    pub fn drop_zeros(&mut self) {
        self.0.retain(|_, v| *v != 0);
    }
}

impl<K: Into<Name>> FromIterator<(K, i64)> for Resources {
    fn from_iter<I: IntoIterator<Item = (K, i64)>>(amounts: I) -> Self {
        Self(amounts.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }
}

/// A quantity in the unit that its resource is counted in.
pub fn amount(resource: &str, quantity: &Quantity) -> i64 {
    if resource == CPU { quantity.milli() } else { quantity.value() }
}

/// An amount as Kubernetes would write it: `1500m`, `2`, `512Mi`, `30G`.
pub fn show(resource: &str, amount: i64) -> String {
    let quantity = if resource == CPU { Quantity::from_milli(amount) } else { Quantity::from_value(amount) };
    if amount != 0 && amount % 1024 == 0 && (resource == MEMORY || resource == EPHEMERAL_STORAGE) {
        return show_binary(amount);
    }
    quantity.to_canonical()
}

/// Bytes in the largest binary unit that divides them.
fn show_binary(mut amount: i64) -> String {
    let mut units = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].iter();
    let mut unit = units.next();
    while amount % 1024 == 0 {
        match units.next() {
            Some(next) => unit = Some(next),
            None => break,
        }
        amount /= 1024;
    }
    format!("{amount}{}", unit.unwrap_or(&""))
}

/// `cpu 500m, memory 1Gi`.
impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (k, v)) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{k} {}", show(k, v))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gib(n: i64) -> i64 {
        n << 30
    }

    #[test]
    fn cpu_is_counted_in_thousandths_and_the_rest_in_whole_units_rounded_up() {
        let read = |r: &str, q: &str| amount(r, &q.parse().expect("a quantity"));
        assert_eq!(read(CPU, "1.5"), 1500);
        assert_eq!(read(CPU, "100u"), 1, "a tenth of a thousandth still needs one");
        assert_eq!(read(MEMORY, "1Gi"), gib(1));
        assert_eq!(read(MEMORY, "1500m"), 2);
        assert_eq!(read("nvidia.com/gpu", "4"), 4);
    }

    #[test]
    fn a_negative_room_takes_nothing_not_even_nothing() {
        let room = Resources::new().with(CPU, 1000).with(MEMORY, -1);
        assert!(!Resources::new().with(CPU, 10).fit(&room));
        assert!(!Resources::new().fit(&room));
    }

    #[test]
    fn an_unknown_resource_fits_only_as_zero() {
        let room = Resources::new().with(CPU, 1000);
        assert!(Resources::new().with("example.com/dongle", 0).fit(&room));
        assert!(!Resources::new().with("example.com/dongle", 1).fit(&room));
    }

    #[test]
    fn amounts_are_shown_as_kubernetes_writes_them() {
        assert_eq!(show(CPU, 1500), "1500m");
        assert_eq!(show(CPU, 2000), "2");
        assert_eq!(show(MEMORY, gib(2)), "2Gi");
        assert_eq!(show(MEMORY, 0), "0");
        assert_eq!(show(MEMORY, 1536 << 20), "1536Mi");
        assert_eq!(show(PODS, 58), "58");
    }

    #[test]
    fn sums_stay_at_the_largest_number() {
        let mut sum = Resources::new().with(MEMORY, i64::MAX);
        sum.add(&Resources::new().with(MEMORY, 1));
        assert_eq!(sum.get(MEMORY), i64::MAX);
    }
}
