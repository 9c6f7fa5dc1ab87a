//! What can be bought: instance types, their offerings and prices, and the room they leave for pods.
//!
//! An instance type says through requirements which labels a node of it will have; an offering narrows that to one
//! place and way of buying (zone, capacity type, reservation) at a price. Where the figures come from is the cloud
//! provider's business; which type is chosen is the policy's (specification "scheduling" 6).

use crate::requirement::Name;
use crate::requirements::{Requirements, WellKnown};
use crate::resources::{MEMORY, Resources};
use std::fmt;
use std::iter::Sum;
use std::ops::Add;
use std::sync::Arc;

/// Dollars per hour, kept in millionths of a millionth so that sums are exact and the order of adding never shows.
/// The largest price is about nine million dollars an hour; larger sums stay there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Price(i64);

const PICO: f64 = 1e12;

impl Price {
    /// Nothing to pay.
    pub const ZERO: Self = Self(0);
    /// Sorts after everything that can be bought, and stands for a price that nobody knows.
    pub const MAX: Self = Self(i64::MAX);

    /// A price in dollars per hour; not-a-number and negative prices count as zero.
    #[allow(clippy::cast_possible_truncation)] // saturates, which is what is wanted
    pub fn from_dollars(dollars: f64) -> Self {
        Self((dollars.max(0.0) * PICO).round() as i64)
    }

    /// Dollars per hour.
    #[allow(clippy::cast_precision_loss)] // 53 bits hold every price to a millionth of a cent
    pub fn dollars(self) -> f64 {
        self.0 as f64 / PICO
    }

    /// A price in millionths of a millionth of a dollar per hour; a negative one counts as zero.
    pub const fn from_picodollars(picodollars: i64) -> Self {
        Self(if picodollars < 0 { 0 } else { picodollars })
    }

    /// Millionths of a millionth of a dollar per hour.
    pub const fn picodollars(self) -> i64 {
        self.0
    }

    /// The price of `n` of them.
    #[must_use]
    pub fn times(self, n: usize) -> Self {
        Self(self.0.saturating_mul(i64::try_from(n).unwrap_or(i64::MAX)))
    }
}

impl Add for Price {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Price {
    fn sum<I: Iterator<Item = Self>>(prices: I) -> Self {
        prices.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${:.4}/h", self.dollars())
    }
}

/// A kind of machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceType {
    /// Its name, such as `m5.large`.
    pub name: Name,
    /// The labels of a node of this type. Every well-known label is defined: one that the type does not have is
    /// `DoesNotExist`, or a pod asking for it would be let through.
    pub requirements: Requirements,
    /// Where and how it can be bought. Offerings that are sold out stay listed as not available.
    pub offerings: Vec<Offering>,
    /// What the machine has.
    pub capacity: Resources,
    /// What of it pods cannot have.
    pub overhead: Overhead,
    /// By CSI driver, how many volumes can be attached, where that is known; a driver that is not named has no limit.
    pub volume_limits: Vec<(Name, u32)>,
    /// What of the above is not the provider's own word. It changes nothing about what is decided.
    pub overlaid: Overlaid,
}

/// What NodeOverlays changed about an instance type, for those who carry a plan out: what is launched is paid at the
/// provider's prices, whatever an overlay says (specification "scheduling" 5.3, 6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overlaid {
    /// The price of some offering is an overlay's.
    pub price: bool,
    /// Some resource of the capacity is an overlay's.
    pub capacity: bool,
}

impl Overlaid {
    /// What either says.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self { price: self.price || other.price, capacity: self.capacity || other.capacity }
    }
}

/// One place and way of buying an instance type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offering {
    /// Capacity type and zone, and for reserved capacity the reservation. Shared: a region has a dozen ways of buying for a
    /// thousand types.
    pub requirements: Arc<Requirements>,
    /// What it costs; [`Price::MAX`] if that is not known.
    pub price: Price,
    /// Whether it can be bought at the moment, as far as is known and if its price were.
    pub available: bool,
    /// How many instances the capacity reservation still has; `None` for what is not reserved.
    pub reservation_capacity: Option<u32>,
}

impl Offering {
    /// Available, and its price is known: what it costs is nobody's guess (specification "aws-provider" 4.1).
    pub fn on_sale(&self) -> bool {
        self.available && self.price != Price::MAX
    }

    /// On sale, and with capacity left where it is reserved (specification "v1.15 changes" 6.1).
    pub fn launchable(&self) -> bool {
        self.on_sale() && self.reservation_capacity != Some(0)
    }
}

/// The part of a machine that is not for pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overhead {
    /// Set aside for the kubelet and the container runtime.
    pub kube_reserved: Resources,
    /// Set aside for the operating system.
    pub system_reserved: Resources,
    /// Kept free, because below it pods are evicted.
    pub eviction_threshold: Resources,
}

impl InstanceType {
    /// What pods can use: capacity less overhead, and memory less what huge pages take of it.
    pub fn allocatable(&self) -> Resources {
        let mut room = self.capacity.clone();
        for part in [&self.overhead.kube_reserved, &self.overhead.system_reserved, &self.overhead.eviction_threshold] {
            room.subtract_known(part);
        }
        let huge: i64 = self.capacity.iter().filter(|(k, _)| k.starts_with("hugepages-")).map(|(_, v)| v).sum();
        if huge > 0 {
            room.set(MEMORY, (room.get(MEMORY) - huge).max(0));
        }
        room
    }

    /// The cheapest launchable offering that the requirements allow.
    pub fn cheapest(&self, requirements: &Requirements, well_known: &WellKnown) -> Option<&Offering> {
        self.offerings
            .iter()
            .filter(|o| o.launchable() && requirements.compatible(&o.requirements, well_known).is_ok())
            .min_by_key(|o| o.price)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::CPU;

    #[test]
    fn huge_pages_are_taken_out_of_memory() {
        let node = InstanceType {
            name: "big".into(),
            requirements: Requirements::new(),
            offerings: vec![],
            capacity: Resources::new().with(CPU, 4000).with(MEMORY, 16 << 30).with("hugepages-2Mi", 4 << 30),
            overhead: Overhead { kube_reserved: Resources::new().with(MEMORY, 1 << 30), ..Overhead::default() },
            volume_limits: vec![],
            overlaid: Overlaid::default(),
        };
        assert_eq!(node.allocatable().get(MEMORY), 11 << 30);
        assert_eq!(node.allocatable().get(CPU), 4000);
    }

    #[test]
    fn overhead_counts_only_for_what_the_machine_has() {
        let node = InstanceType {
            name: "odd".into(),
            requirements: Requirements::new(),
            offerings: vec![],
            capacity: Resources::new().with(CPU, 1000),
            overhead: Overhead { kube_reserved: Resources::new().with("pid", 100), ..Overhead::default() },
            volume_limits: vec![],
            overlaid: Overlaid::default(),
        };
        assert!(!node.allocatable().has("pid"));
    }

    #[test]
    fn sums_of_prices_are_exact() {
        let tenth = Price::from_dollars(0.1);
        assert_eq!((0..10).map(|_| tenth).sum::<Price>(), Price::from_dollars(1.0));
        assert_eq!(tenth.times(10), Price::from_dollars(1.0));
    }
}
