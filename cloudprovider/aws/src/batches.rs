//! Calls to EC2 that are made together: requests of one kind wait a little for others that can share a call (spec
//! aws-provider 5.7). It is told the time and says when to look again; what a shared call is, and what becomes of its
//! answer, is decided by those who make it.

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// How long requests wait for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// A batch is complete when nothing has joined it for so long.
    pub idle: SignedDuration,
    /// It is complete so long after its first request at the latest.
    pub longest: SignedDuration,
    /// It is complete with so many requests.
    pub most: usize,
}

impl Window {
    /// Of CreateFleet: equal requests become one for as many machines.
    pub const CREATE_FLEET: Self = Self::new(35, 1000);
    /// Of DescribeInstances.
    pub const DESCRIBE_INSTANCES: Self = Self::new(100, 500);
    /// Of TerminateInstances.
    pub const TERMINATE_INSTANCES: Self = Self::new(100, 500);

    const fn new(idle_ms: i64, most: usize) -> Self {
        Self { idle: SignedDuration::from_millis(idle_ms), longest: SignedDuration::from_secs(1), most }
    }
}

/// Requests that wait, by what they can share a call for.
#[derive(Clone, Debug)]
pub struct Batches<K, T> {
    window: Window,
    waiting: BTreeMap<K, Waiting<T>>,
}

#[derive(Clone, Debug)]
struct Waiting<T> {
    first: Timestamp,
    last: Timestamp,
    items: Vec<T>,
}

impl<T> Waiting<T> {
    fn complete_at(&self, window: Window) -> Timestamp {
        let after = |from: Timestamp, by: SignedDuration| from.checked_add(by).unwrap_or(Timestamp::MAX);
        after(self.last, window.idle).min(after(self.first, window.longest))
    }
}

impl<K: Ord + Clone, T> Batches<K, T> {
    /// Nothing waits.
    #[must_use]
    pub const fn new(window: Window) -> Self {
        Self { window, waiting: BTreeMap::new() }
    }

    /// A request joins those with the same key. The batch that is complete with it is returned, to be called at once.
    #[must_use]
    pub fn join(&mut self, key: K, item: T, now: Timestamp) -> Option<Vec<T>> {
        let waiting =
            self.waiting.entry(key.clone()).or_insert_with(|| Waiting { first: now, last: now, items: vec![] });
        waiting.items.push(item);
        waiting.last = now;
        if waiting.items.len() < self.window.most {
            return None;
        }
        self.waiting.remove(&key).map(|full| full.items)
    }

    /// Takes the batches that are complete by now, in the order of their keys.
    #[must_use]
    pub fn take_complete(&mut self, now: Timestamp) -> Vec<(K, Vec<T>)> {
        let complete = |waiting: &Waiting<T>| waiting.complete_at(self.window) <= now;
        let keys: Vec<K> = self.waiting.iter().filter(|(_, w)| complete(w)).map(|(key, _)| key.clone()).collect();
        keys.into_iter().filter_map(|key| self.waiting.remove(&key).map(|waiting| (key, waiting.items))).collect()
    }

    /// When the next batch will be complete, if nobody joins it.
    #[must_use]
    pub fn next_complete(&self) -> Option<Timestamp> {
        self.waiting.values().map(|waiting| waiting.complete_at(self.window)).min()
    }
}

/// The ids that a shared call must be made without, since EC2 refuses the whole call for one that it does not know: those
/// that the error's text names. Karpenter falls back to a call for each; here the rest is asked about once more together.
#[must_use]
pub fn named_in<'a>(ids: &[&'a str], message: &str) -> Vec<&'a str> {
    let words: Vec<&str> = message.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).collect();
    ids.iter().filter(|id| words.contains(*id)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_millis(ms)
    }

    fn fleets() -> Batches<&'static str, u32> {
        Batches::new(Window::CREATE_FLEET)
    }

    #[test]
    fn requests_that_come_together_go_together() {
        let mut batches = fleets();
        assert!(batches.join("a", 1, at(0)).is_none() && batches.join("b", 2, at(5)).is_none());
        assert!(batches.join("a", 3, at(30)).is_none());
        assert_eq!(batches.next_complete(), Some(at(40)));
        assert_eq!(batches.take_complete(at(39)), []);
        assert_eq!(batches.take_complete(at(64)), [("b", vec![2])]);
        assert_eq!(batches.take_complete(at(65)), [("a", vec![1, 3])]);
        assert_eq!(batches.next_complete(), None);
    }

    #[test]
    fn nobody_waits_longer_than_a_second_however_many_come() {
        let mut batches = fleets();
        for ms in (0..990).step_by(30) {
            assert!(batches.join("a", 0, at(ms)).is_none());
        }
        assert_eq!(batches.next_complete(), Some(at(995)));
        assert!(batches.join("a", 0, at(990)).is_none());
        assert_eq!(batches.next_complete(), Some(at(1000)));
    }

    #[test]
    fn a_full_batch_goes_at_once() {
        let mut batches = fleets();
        let full: Vec<_> = (0..2500).filter_map(|n| batches.join("a", n, at(0))).map(|batch| batch.len()).collect();
        assert_eq!(full, [1000, 1000]);
        assert_eq!(batches.take_complete(at(35)).first().map(|(_, rest)| rest.len()), Some(500));
    }

    #[test]
    fn an_unknown_instance_is_taken_out_of_the_call() {
        let message = "The instance IDs 'i-0a, i-0c' do not exist";
        assert_eq!(named_in(&["i-0a", "i-0b", "i-0c", "i-0"], message), ["i-0a", "i-0c"]);
    }

    proptest! {
        /// Every request is in exactly one batch, and none waits longer than a second.
        #[test]
        fn no_request_is_lost_or_doubled(gaps in prop::collection::vec((0_i64..300, 0_u8..3), 1..60)) {
            let mut batches: Batches<u8, (usize, i64)> = Batches::new(Window { most: 7, ..Window::CREATE_FLEET });
            let mut now = 0;
            let mut seen: Vec<usize> = Vec::new();
            for (n, (gap, key)) in gaps.iter().enumerate() {
                let until = now + gap;
                while let Some(next) = batches.next_complete().filter(|next| *next <= at(until)) {
                    for (_, items) in batches.take_complete(next) {
                        for (item, since) in items {
                            prop_assert!(next <= at(since + 1000));
                            seen.push(item);
                        }
                    }
                }
                now = until;
                seen.extend(batches.join(*key, (n, now), at(now)).into_iter().flatten().map(|(item, _)| item));
            }
            seen.extend(batches.take_complete(at(now + 1000)).into_iter().flat_map(|(_, items)| items).map(|(item, _)| item));
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..gaps.len()).collect::<Vec<_>>());
        }
    }
}
