//! What has to be looked at again, and when: tasks that something has changed for, and tasks that wait for a time. A day on
//! which nothing happens costs nothing, however large the cluster.

use k8s_openapi::jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Tasks, each at most once. Their order is that of their values.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    /// To be looked at now.
    dirty: BTreeSet<T>,
    by_time: BTreeSet<(Timestamp, T)>,
    times: BTreeMap<T, Timestamp>,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { dirty: BTreeSet::new(), by_time: BTreeSet::new(), times: BTreeMap::new() }
    }
}

impl<T: Ord + Clone> Agenda<T> {
    /// The task has to be looked at now.
    pub(crate) fn now(&mut self, task: T) {
        self.dirty.insert(task);
    }

    /// The task has to be looked at at that time, whatever was said before; at no time, if none is given.
    pub(crate) fn at(&mut self, task: T, time: Option<Timestamp>) {
        if let Some(known) = self.times.remove(&task) {
            self.by_time.remove(&(known, task.clone()));
        }
        if let Some(time) = time {
            self.times.insert(task.clone(), time);
            self.by_time.insert((time, task));
        }
    }

    /// The task has to be looked at at that time at the latest.
    pub(crate) fn by(&mut self, task: T, time: Timestamp) {
        if self.times.get(&task).is_none_or(|known| time < *known) {
            self.at(task, Some(time));
        }
    }

    /// The next task, if any is due.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<T> {
        while let Some((time, _)) = self.by_time.first()
            && *time <= now
            && let Some((_, task)) = self.by_time.pop_first()
        {
            self.times.remove(&task);
            self.dirty.insert(task);
        }
        self.dirty.pop_first()
    }

    /// When the next task is due. Tasks to be looked at now are not counted.
    pub(crate) fn next_time(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(time, _)| *time)
    }

    /// Whether a task is to be looked at now.
    pub(crate) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn second(n: i64) -> Timestamp {
        Timestamp::from_second(n).expect("a time in range")
    }

    #[test]
    fn what_is_due_comes_once_and_in_order() {
        let mut agenda = Agenda::default();
        agenda.at("c", Some(second(5)));
        agenda.at("a", Some(second(9)));
        agenda.now("b");
        agenda.now("b");
        assert_eq!(
            [agenda.next(second(6)), agenda.next(second(6)), agenda.next(second(6))],
            [Some("b"), Some("c"), None]
        );
        assert_eq!(agenda.next_time(), Some(second(9)));
    }

    #[test]
    fn a_later_word_replaces_an_earlier_one_and_by_only_brings_forward() {
        let mut agenda = Agenda::default();
        agenda.at("a", Some(second(5)));
        agenda.at("a", Some(second(7)));
        agenda.by("a", second(8));
        assert_eq!(agenda.next_time(), Some(second(7)));
        agenda.by("a", second(6));
        assert_eq!(agenda.next_time(), Some(second(6)));
        agenda.at("a", None);
        assert_eq!((agenda.next(second(100)), agenda.next_time()), (None, None));
    }

    proptest! {
        /// Told in any order, every task comes exactly when a list of (task, time) would have it.
        #[test]
        fn it_is_a_map_from_tasks_to_times(words in prop::collection::vec((0_u8..6, prop::option::of(0_i64..20)), 0..40)) {
            let mut agenda = Agenda::default();
            let mut model = BTreeMap::new();
            for (task, time) in words {
                agenda.at(task, time.map(second));
                match time {
                    Some(time) => drop(model.insert(task, time)),
                    None => drop(model.remove(&task)),
                }
            }
            for now in 0..20 {
                let mut due: Vec<u8> = vec![];
                while let Some(task) = agenda.next(second(now)) {
                    due.push(task);
                }
                let expected: Vec<u8> = model.iter().filter(|(_, time)| **time == now).map(|(task, _)| *task).collect();
                prop_assert_eq!(due, expected);
            }
        }
    }
}
