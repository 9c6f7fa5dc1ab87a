//! Which lines are left out when the same one comes again and again: of equal messages within a second, the first hundred
//! are written, and then every hundredth, as in Karpenter.

use std::collections::BTreeMap;
use std::time::Duration;

use dovetail_engine::fact::Level;

/// How many equal lines a second are written, and every how many of the rest.
const FIRST: u64 = 100;

/// Counts the lines of the current second.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    second: u64,
    seen: BTreeMap<(Level, String), u64>,
}

impl Sampler {
    /// Whether a line is written; `now` is the time since any fixed moment.
    pub(super) fn passes(&mut self, level: Level, message: &str, now: Duration) -> bool {
        if now.as_secs() != self.second {
            self.second = now.as_secs();
            self.seen.clear();
        }
        let seen = self.seen.entry((level, message.to_owned())).or_default();
        *seen += 1;
        *seen <= FIRST || (*seen - FIRST).is_multiple_of(FIRST)
    }
}
