//! Events on objects, as `kubectl describe` shows them: which of them are sent, and how. Which are worth saying is decided by
//! the engine, and what they say stands in the table of events.
//!
//! The rules are Karpenter's (the Karpenter specification, disruption 8.4, scheduling 4.16): the same event is not sent again
//! for a while, two minutes if its kind says nothing else, and some kinds have a pace that all objects share; what exceeds
//! that is dropped, and counts as sent.

mod writer;

use std::collections::BTreeMap;
use std::time::Duration;

use dovetail_api::events::EventKind;
use dovetail_engine::fact::Notice;

pub use writer::{Recorder, write};

use crate::pace::Pace;

/// The most events that are remembered as sent. Beyond, the oldest are forgotten and may come again: one event needs some
/// 200 bytes, so that this is 20 MB at worst.
const REMEMBERED_MAX: usize = 100_000;

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    Send,
    /// The same was sent a moment ago.
    Same,
    /// Too many of its kind were.
    TooMany,
}

/// Decides which events are sent.
#[derive(Debug, Default)]
pub struct Filter {
    /// Until when an event counts as sent, by what makes it the same.
    sent: BTreeMap<String, Duration>,
    /// The same by time, to forget in order.
    by_time: BTreeMap<(Duration, u64), String>,
    number: u64,
    paces: Vec<(&'static EventKind, Pace)>,
}

impl Filter {
    /// What becomes of this event; `now` is the time since any fixed moment and does not go backwards.
    pub fn judge(&mut self, notice: &Notice, now: Duration) -> Verdict {
        let values: Vec<_> = notice.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let key = notice.kind.key(&notice.uid, notice.on.short_name(), &values);
        if self.sent.get(&key).is_some_and(|until| now < *until) {
            return Verdict::Same;
        }
        self.remember(key, now + Duration::from_secs(notice.kind.window_seconds.into()), now);
        if self.pace(notice.kind).is_none_or(|pace| pace.passes(now)) { Verdict::Send } else { Verdict::TooMany }
    }

    fn remember(&mut self, key: String, until: Duration, now: Duration) {
        while let Some(entry) = self.by_time.first_entry() {
            let ((until, _), is_full) = (*entry.key(), self.sent.len() >= REMEMBERED_MAX);
            if until > now && !is_full {
                break;
            }
            let key = entry.remove();
            // The same event may have been sent again since; then it is remembered with a later time.
            if self.sent.get(&key) == Some(&until) {
                self.sent.remove(&key);
            }
        }
        self.number += 1;
        self.by_time.insert((until, self.number), key.clone());
        self.sent.insert(key, until);
    }

    /// The pace that all events of the kind share. Kinds are told apart by reason and wording.
    fn pace(&mut self, kind: &'static EventKind) -> Option<&mut Pace> {
        let limit = kind.limit?;
        let same = |other: &EventKind| (other.reason, other.template) == (kind.reason, kind.template);
        let place = self.paces.iter().position(|(other, _)| same(other)).unwrap_or_else(|| {
            self.paces.push((kind, Pace::new(limit.per_second, limit.burst)));
            self.paces.len() - 1
        });
        self.paces.get_mut(place).map(|(_, pace)| pace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dovetail_api::events::{disruption, lifecycle, scheduling};
    use dovetail_engine::cluster::{Kind, ObjectKey};

    fn notice(kind: &'static EventKind, uid: &str, values: &[(&'static str, &str)]) -> Notice {
        Notice {
            kind,
            on: ObjectKey::named(Kind::Pod, format!("default/{uid}")),
            uid: uid.into(),
            values: values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        }
    }

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_same_event_is_sent_once_in_its_window() {
        let mut filter = Filter::default();
        let failed = |uid, error| notice(&scheduling::FAILED_SCHEDULING, uid, &[("error", error)]);
        assert_eq!(filter.judge(&failed("a", "no type"), s(0)), Verdict::Send);
        assert_eq!(
            filter.judge(&failed("a", "no zone"), s(299)),
            Verdict::Same,
            "the first text wins for five minutes"
        );
        assert_eq!(filter.judge(&failed("b", "no type"), s(299)), Verdict::Send);
        assert_eq!(filter.judge(&failed("a", "no zone"), s(300)), Verdict::Send);
        assert_eq!(filter.judge(&failed("a", "no zone"), s(599)), Verdict::Same, "and the window begins anew");
    }

    #[test]
    fn what_counts_for_an_event_makes_it_another_one() {
        let mut filter = Filter::default();
        let launching = |reason| notice(&disruption::LAUNCHING, "c", &[("reason", reason)]);
        assert_eq!(filter.judge(&launching("Drifted"), s(0)), Verdict::Send);
        assert_eq!(filter.judge(&launching("Empty"), s(0)), Verdict::Send);
        assert_eq!(filter.judge(&launching("Empty"), s(119)), Verdict::Same);
        assert_eq!(filter.judge(&launching("Empty"), s(120)), Verdict::Send);
    }

    #[test]
    fn nominations_have_a_pace_and_what_exceeds_it_is_dropped_and_counts_as_sent() {
        let mut filter = Filter::default();
        let mut nominate = |pod: usize, at| {
            filter.judge(&notice(&scheduling::NOMINATED, &format!("p{pod}"), &[("target", "node/a")]), at)
        };
        let verdicts: Vec<_> = (0..12).map(|pod| nominate(pod, s(0))).collect();
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Send).count(), 10);
        assert_eq!(verdicts[11], Verdict::TooMany);
        assert_eq!(nominate(11, s(60)), Verdict::Same);
        assert_eq!(nominate(11, s(120)), Verdict::Send);
    }

    #[test]
    fn kinds_with_one_reason_and_two_wordings_do_not_share_a_pace() {
        let mut filter = Filter::default();
        let values = [("nodeclaim", "x"), ("error", "none left")];
        let of_pod = |n: usize| notice(&lifecycle::INSUFFICIENT_CAPACITY_OF_POD, &n.to_string(), &values);
        let of_claim = |n: usize| notice(&lifecycle::INSUFFICIENT_CAPACITY, &format!("c{n}"), &values);
        let sent = |verdicts: Vec<Verdict>| verdicts.iter().filter(|verdict| **verdict == Verdict::Send).count();
        assert_eq!(sent((0..50).map(|n| filter.judge(&of_pod(n), s(0))).collect()), 10);
        assert_eq!(sent((0..50).map(|n| filter.judge(&of_claim(n), s(0))).collect()), 50);
    }

    #[test]
    fn what_has_run_out_is_forgotten_and_memory_has_an_end() {
        let mut filter = Filter::default();
        let failed = |uid: usize| notice(&scheduling::FAILED_SCHEDULING, &uid.to_string(), &[]);
        for pod in 0..1000 {
            filter.judge(&failed(pod), s(0));
        }
        filter.judge(&failed(1000), s(400));
        assert_eq!((filter.sent.len(), filter.by_time.len()), (1, 1));
        for pod in 0..REMEMBERED_MAX + 5 {
            filter.judge(&failed(2000 + pod), s(401));
        }
        assert_eq!(filter.sent.len(), REMEMBERED_MAX);
        assert_eq!(filter.by_time.len(), REMEMBERED_MAX);
    }
}
