//! How fast something may happen: so many in a second in the long run, so many at once. It is told the time; who waits, and
//! who is turned away, is decided by whoever asks.

use std::time::Duration;

/// A token bucket. It is full at first.
#[derive(Clone, Debug)]
pub struct Pace {
    per_second: f64,
    burst: f64,
    /// Tokens at `since`; below zero for those who have been promised one.
    tokens: f64,
    since: Duration,
}

impl Pace {
    /// So many a second in the long run, and `burst` at once. Both are at least one.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        let burst = f64::from(burst.max(1));
        Self { per_second: f64::from(per_second.max(1)), burst, tokens: burst, since: Duration::ZERO }
    }

    /// Takes a token if there is one. `now` is the time since any fixed moment.
    pub fn passes(&mut self, now: Duration) -> bool {
        self.fill(now);
        let passes = self.tokens >= 1.0;
        if passes {
            self.tokens -= 1.0;
        }
        passes
    }

    /// Takes a token, and says how long one must wait for it. Those who ask first get theirs first.
    pub fn wait(&mut self, now: Duration) -> Duration {
        self.fill(now);
        self.tokens -= 1.0;
        Duration::from_secs_f64((-self.tokens).max(0.0) / self.per_second)
    }

    fn fill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.since);
        self.since = self.since.max(now);
        self.tokens = (self.tokens + passed.as_secs_f64() * self.per_second).min(self.burst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn so_many_at_once_and_then_one_after_the_other() {
        let mut pace = Pace::new(5, 10);
        let passed = (0..100).filter(|_| pace.passes(Duration::ZERO)).count();
        assert_eq!(passed, 10);
        assert!(!pace.passes(Duration::from_millis(199)));
        assert!(pace.passes(Duration::from_millis(200)));
        assert_eq!(
            (0..100).filter(|_| pace.passes(Duration::from_secs(60))).count(),
            10,
            "no more than a burst is saved"
        );
    }

    #[test]
    fn who_waits_is_served_in_order() {
        let mut pace = Pace::new(100, 2);
        let waits: Vec<_> = (0..5).map(|_| pace.wait(Duration::ZERO).as_millis()).collect();
        assert_eq!(waits, [0, 0, 10, 20, 30]);
        assert_eq!(pace.wait(Duration::from_millis(30)).as_millis(), 10);
    }

    proptest! {
        #[test]
        fn the_long_run_is_never_exceeded(rate in 1u32..50, burst in 1u32..50, steps in prop::collection::vec(0u64..200, 1..200)) {
            let mut pace = Pace::new(rate, burst);
            let (mut now, mut passed) = (0, 0u64);
            for step in steps {
                now += step;
                passed += u64::from(pace.passes(Duration::from_millis(now)));
                let most = f64::from(burst) + f64::from(rate) * now as f64 / 1000.0;
                prop_assert!(passed as f64 <= most + 1e-6, "{passed} after {now} ms");
            }
        }
    }
}
