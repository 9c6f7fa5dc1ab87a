//! What is going to happen, and when. Of what happens at one time, what was said first happens first.

use k8s_openapi::jiff::Timestamp;
use std::collections::BTreeMap;

/// Things to come, in order.
#[derive(Debug)]
pub(crate) struct Timeline<T> {
    coming: BTreeMap<(Timestamp, u64), T>,
    said: u64,
}

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self { coming: BTreeMap::new(), said: 0 }
    }
}

impl<T> Timeline<T> {
    /// This happens then.
    pub(crate) fn at(&mut self, time: Timestamp, what: T) {
        self.said += 1;
        self.coming.insert((time, self.said), what);
    }

    /// What happens next, if it happens by then.
    pub(crate) fn next(&mut self, until: Timestamp) -> Option<(Timestamp, T)> {
        let first = self.coming.first_entry().filter(|first| first.key().0 <= until)?;
        let ((time, _), what) = first.remove_entry();
        Some((time, what))
    }

    /// Forgets what does not pass.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.coming.retain(|_, what| keep(what));
    }
}
