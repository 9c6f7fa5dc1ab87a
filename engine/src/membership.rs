//! Which of the pod sets a pod belongs to.
//!
//! Neither is tried against all of the other. Pods that look the same to the sets, that is with the same namespace and
//! the same labels among those that any set asks for, are looked at once; and a set that asks for a label of one value is
//! only looked at for pods with that label and value.

use crate::label_selector::{self, Conditions, Labels};
use crate::peers::{PodSets, Reach};
use crate::pods;
use k8s_openapi::api::core::v1::Pod;
use kube::core::Expression;
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;

/// The look of a pod: namespace, and the labels that matter to any set.
type Look<'o> = (&'o str, Vec<(&'o str, &'o str)>);

/// Sets by what a pod must have to be worth a look, and what is known of pods already.
#[derive(Debug)]
pub(crate) struct Membership<'o> {
    /// Conditions by set.
    conditions: Vec<Conditions>,
    /// The reaches that a namespace lies in, besides those that all do.
    reaches: FxHashMap<String, Vec<usize>>,
    everywhere: Vec<usize>,
    /// Numbers of the label keys that some condition mentions.
    keys: FxHashMap<String, usize>,
    by_label: FxHashMap<(usize, usize), ByValue>,
    /// By reach, sets that a pod without any label may belong to.
    of_anyone: FxHashMap<usize, Vec<usize>>,
    kinds: FxHashMap<Look<'o>, usize>,
    members: Vec<Vec<usize>>,
}

/// The sets of one reach that ask for one label.
#[derive(Debug, Default)]
struct ByValue {
    /// Sets that ask for this value, or for one of several.
    values: FxHashMap<String, Vec<usize>>,
    /// Sets that ask for the label, whatever its value.
    any: Vec<usize>,
}

/// What a pod must have so that it can belong to a set.
enum Handle<'c> {
    /// A label with one of these values.
    Values(&'c str, Vec<&'c str>),
    /// A label.
    Label(&'c str),
    /// Nothing in particular.
    None,
}

impl<'o> Membership<'o> {
    /// Prepares to find the members of these sets.
    pub(crate) fn of(sets: &PodSets) -> Self {
        let mut out = Self {
            conditions: sets.sets().iter().map(|s| s.conditions.clone()).collect(),
            reaches: FxHashMap::default(),
            everywhere: vec![],
            keys: FxHashMap::default(),
            by_label: FxHashMap::default(),
            of_anyone: FxHashMap::default(),
            kinds: FxHashMap::default(),
            members: vec![],
        };
        for (reach, namespaces) in sets.reaches().iter().enumerate() {
            match namespaces {
                Reach::Everywhere => out.everywhere.push(reach),
                Reach::Only(names) => {
                    for name in names {
                        out.reaches.entry(name.clone()).or_default().push(reach);
                    }
                }
            }
        }
        for condition in out.conditions.iter().flatten() {
            let key = label_selector::key(condition);
            if !out.keys.contains_key(key) {
                out.keys.insert(key.to_owned(), out.keys.len());
            }
        }
        out.file(sets);
        out
    }

    /// Files every set under the rarest thing that it asks for.
    fn file(&mut self, sets: &PodSets) {
        let mut asked: FxHashMap<(usize, &str, &str), usize> = FxHashMap::default();
        for set in sets.sets() {
            for (key, values) in set.conditions.iter().filter_map(values) {
                for value in values {
                    *asked.entry((set.reach, key, value)).or_default() += 1;
                }
            }
        }
        for (number, set) in sets.sets().iter().enumerate() {
            let rarity = |key: &str, values: &[&str]| -> usize {
                values.iter().filter_map(|value| asked.get(&(set.reach, key, value))).sum()
            };
            match handle(&set.conditions, rarity) {
                Handle::Values(key, values) => {
                    let filed = self.by_label.entry((set.reach, self.keys[key])).or_default();
                    for value in values {
                        filed.values.entry(value.to_owned()).or_default().push(number);
                    }
                }
                Handle::Label(key) => {
                    self.by_label.entry((set.reach, self.keys[key])).or_default().any.push(number);
                }
                Handle::None => self.of_anyone.entry(set.reach).or_default().push(number),
            }
        }
    }

    /// The kind of the pod: a number that all pods share which belong to the same sets for the same reason.
    pub(crate) fn kind(&mut self, pod: &'o Pod) -> usize {
        let namespace = pods::namespace(&pod.metadata);
        let labels = pod.metadata.labels.iter().flatten().filter(|(key, _)| self.keys.contains_key(key.as_str()));
        let look: Look<'o> = (namespace, labels.map(|(key, value)| (key.as_str(), value.as_str())).collect());
        if let Some(kind) = self.kinds.get(&look) {
            return *kind;
        }
        let members = self.find(&look, pod.metadata.labels.as_ref().unwrap_or(&Labels::new()));
        self.members.push(members);
        match self.kinds.entry(look) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(self.members.len() - 1),
        }
    }

    /// The sets that pods of this kind belong to, ascending.
    pub(crate) fn sets(&self, kind: usize) -> &[usize] {
        &self.members[kind]
    }

    fn find(&self, (namespace, look): &Look<'_>, labels: &Labels) -> Vec<usize> {
        let mut out = vec![];
        for reach in self.reaches.get(*namespace).into_iter().flatten().chain(&self.everywhere) {
            out.extend(self.of_anyone.get(reach).into_iter().flatten());
            for (key, value) in look {
                let Some(filed) = self.keys.get(*key).and_then(|key| self.by_label.get(&(*reach, *key))) else {
                    continue;
                };
                out.extend(filed.values.get(*value).into_iter().flatten().chain(&filed.any));
            }
        }
        out.retain(|set: &usize| label_selector::selects(&self.conditions[*set], labels));
        out.sort_unstable();
        out.dedup();
        out
    }
}

/// The values that a condition asks for, if it does.
fn values(condition: &Expression) -> Option<(&str, Vec<&str>)> {
    match condition {
        Expression::Equal(key, value) => Some((key, vec![value])),
        Expression::In(key, values) => Some((key, values.iter().map(String::as_str).collect())),
        _ => None,
    }
}

/// The best thing to file a set under: the values that the fewest sets ask for, or else a label.
fn handle(conditions: &[Expression], rarity: impl Fn(&str, &[&str]) -> usize) -> Handle<'_> {
    let rarest = conditions.iter().filter_map(values).min_by_key(|(key, values)| rarity(key, values));
    if let Some((key, values)) = rarest {
        return Handle::Values(key, values);
    }
    let label = conditions.iter().find_map(|c| match c {
        Expression::Exists(key) => Some(key),
        _ => None,
    });
    label.map_or(Handle::None, |key| Handle::Label(key))
}

#[cfg(test)]
#[path = "membership_tests.rs"]
mod tests;
