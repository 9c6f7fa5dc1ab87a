//! A map from names to shared records that is copied at no cost: copies share what neither has changed since.

use immutable_chunkmap::map::MapM;
use std::fmt;
use std::sync::Arc;

/// Records by full name, in the order of the names.
pub struct Shelf<T>(MapM<Arc<str>, Arc<T>>);

impl<T> Shelf<T> {
    /// The record of that full name: `namespace/name`, or the name alone.
    pub fn get(&self, name: &str) -> Option<&Arc<T>> {
        self.0.get(name)
    }

    /// The name as it is kept, to be shared.
    pub(crate) fn shared_name(&self, name: &str) -> Option<&Arc<str>> {
        self.0.get_key(name)
    }

    /// Whether there is one of that full name.
    pub fn contains(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    /// Names and records, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<T>)> {
        (&self.0).into_iter()
    }

    /// The records, in the order of their names.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        (&self.0).into_iter().map(|(_, record)| &**record)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(crate) fn insert(&mut self, name: Arc<str>, record: Arc<T>) -> Option<Arc<T>> {
        self.0.insert_cow(name, record)
    }

    /// Puts many records there at once, which is quicker than one after the other.
    pub(crate) fn insert_all(&mut self, records: Vec<(Arc<str>, Arc<T>)>) {
        self.0 = self.0.insert_many(records);
    }

    pub(crate) fn remove(&mut self, name: &Arc<str>) -> Option<Arc<T>> {
        self.0.remove_cow(name)
    }

    /// The record of that name for being changed, made anew if there is none.
    pub(crate) fn entry(&mut self, name: &Arc<str>) -> &mut Arc<T>
    where
        T: Default,
    {
        self.0.get_or_insert_cow(Arc::clone(name), Arc::default)
    }
}

impl<T> Clone for Shelf<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(MapM::new())
    }
}

impl<T: fmt::Debug> fmt::Debug for Shelf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
