//! What goes wrong in a simulated world, and how often. Nothing here happens by itself: the world asks, with the chance of
//! its seed.

use fastrand::Rng;
use k8s_openapi::jiff::SignedDuration;

/// How often something goes wrong, out of a thousand, and how long things take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// After an action: the controller is killed, and another one takes over.
    pub crash: u16,
    /// A watch loses its place: what it had under way is lost, and its kind is listed anew.
    pub watch: u16,
    /// The API server refuses a write for now (429).
    pub throttled: u16,
    /// A write is answered too late. Half of those have happened.
    pub timeout: u16,
    /// Somebody else touches an object a moment before it is written.
    pub meddler: u16,
    /// The cloud refuses a call for now.
    pub cloud: u16,
    /// There is no capacity for a launch.
    pub sold_out: u16,
    /// A machine that was launched never joins the cluster.
    pub never_joins: u16,
    /// A launch takes minutes instead of seconds.
    pub slow_launch: u16,
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        crash: 0,
        watch: 0,
        throttled: 0,
        timeout: 0,
        meddler: 0,
        cloud: 0,
        sold_out: 0,
        never_joins: 0,
        slow_launch: 0,
    };

    /// A bad day: everything goes wrong now and then.
    pub const BAD_DAY: Self = Self {
        crash: 20,
        watch: 10,
        throttled: 20,
        timeout: 10,
        meddler: 20,
        cloud: 30,
        sold_out: 30,
        never_joins: 30,
        slow_launch: 50,
    };
}

/// Chance: the same seed gives the same.
#[derive(Debug)]
pub struct Chance(Rng);

impl Chance {
    /// The chance of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    /// Whether it happens, so many times out of a thousand.
    pub fn happens(&mut self, per_mille: u16) -> bool {
        per_mille > 0 && self.0.u16(0..1000) < per_mille
    }

    /// Some time between two, in milliseconds.
    pub fn between(&mut self, least: i64, most: i64) -> SignedDuration {
        SignedDuration::from_millis(self.0.i64(least..=most.max(least)))
    }

    /// Some number.
    pub fn number(&mut self) -> u64 {
        self.0.u64(..)
    }
}
