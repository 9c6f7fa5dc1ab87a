//! The sets of pods that rules between pods speak of: some namespaces and a label selector, each set once.
//!
//! Selectors of namespaces are resolved here, so that a set is a list of namespaces, or all of them, and conditions on
//! labels (specification "scheduling" 4.9). Who belongs to a set is the business of `membership`.

use crate::cluster::Snapshot;
use crate::label_selector::{self, Conditions, Labels, SelectorError};
use crate::pods;
use dovetail_scheduler::requirement::Name;
use k8s_openapi::api::core::v1::{PodAffinityTerm, TopologySpreadConstraint};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::core::Expression;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// The label that the API server puts on every namespace: its name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// Which namespaces a set is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    /// All there are.
    Everywhere,
    /// These, sorted; with none, no pod belongs to the set.
    Only(Vec<String>),
}

/// A set of pods: those in the namespaces that meet all the conditions.
#[derive(Clone, Debug)]
pub(crate) struct PodSet {
    /// Its namespaces, as an index into [`PodSets::reaches`].
    pub(crate) reach: usize,
    /// What the labels of its pods are like.
    pub(crate) conditions: Conditions,
}

/// Pod sets by number, in the order in which they were first asked for.
#[derive(Debug)]
pub(crate) struct PodSets {
    /// The labels of every namespace that there is, by name.
    namespaces: BTreeMap<String, Labels>,
    reaches: Vec<Reach>,
    reach_numbers: FxHashMap<Reach, usize>,
    /// What selectors of namespaces, with the names listed beside them, came to.
    resolved: FxHashMap<(String, Vec<String>), usize>,
    sets: Vec<PodSet>,
    numbers: FxHashMap<(usize, String), usize>,
}

impl PodSets {
    /// No sets yet, among the namespaces that have an object or a pod.
    pub(crate) fn among(snapshot: &Snapshot) -> Self {
        let mut namespaces: BTreeMap<String, Labels> = BTreeMap::new();
        for (name, namespace) in snapshot.namespaces.iter() {
            namespaces.insert(name.to_string(), namespace.metadata.labels.clone().unwrap_or_default());
        }
        // Pods come in the order of their namespaces, so that most are passed by at a glance.
        let mut last = "";
        for pod in snapshot.pods.values() {
            let name = pod.namespace();
            if name != last && !namespaces.contains_key(name) {
                namespaces.insert(name.to_owned(), Labels::new());
            }
            last = name;
        }
        for (name, labels) in &mut namespaces {
            labels.entry(NAMESPACE_NAME.to_owned()).or_insert_with(|| name.clone());
        }
        Self {
            namespaces,
            reaches: vec![],
            reach_numbers: FxHashMap::default(),
            resolved: FxHashMap::default(),
            sets: vec![],
            numbers: FxHashMap::default(),
        }
    }

    /// The sets, by number.
    pub(crate) fn sets(&self) -> &[PodSet] {
        &self.sets
    }

    /// The namespaces that sets are about.
    pub(crate) fn reaches(&self) -> &[Reach] {
        &self.reaches
    }

    /// The set in words, such as `app=web in default`.
    pub(crate) fn text(&self, set: usize) -> Name {
        const NAMED: usize = 3;
        let PodSet { reach, conditions } = &self.sets[set];
        let place = match &self.reaches[*reach] {
            Reach::Everywhere => "all namespaces".to_owned(),
            Reach::Only(names) if names.is_empty() => return "no pod".into(),
            Reach::Only(names) if names.len() > NAMED => {
                format!("{} and {} other namespaces", names[..NAMED].join(", "), names.len() - NAMED)
            }
            Reach::Only(names) => names.join(", "),
        };
        let who = if conditions.is_empty() { "any pod".to_owned() } else { label_selector::text(conditions) };
        format!("{who} in {place}").into()
    }

    /// The pods that a spread constraint of this pod counts: those that its selector selects in the pod's namespace, and
    /// that share the pod's values of `matchLabelKeys`. Without a selector it counts none.
    ///
    /// # Errors
    /// When the selector cannot be read.
    pub(crate) fn of_spread(
        &mut self,
        pod: &ObjectMeta,
        constraint: &TopologySpreadConstraint,
    ) -> Result<usize, SelectorError> {
        let Some(selector) = &constraint.label_selector else { return Ok(self.nothing()) };
        let mut conditions = label_selector::read(selector)?;
        share_labels(&mut conditions, pod, constraint.match_label_keys.iter().flatten())?;
        Ok(self.within(pods::namespace(pod), conditions))
    }

    /// The pods that a term of (anti-)affinity of this pod is about. Without a selector it is about none.
    ///
    /// # Errors
    /// When a selector cannot be read.
    pub(crate) fn of_term(&mut self, pod: &ObjectMeta, term: &PodAffinityTerm) -> Result<usize, SelectorError> {
        let reach = match (&term.namespace_selector, term.namespaces.as_deref().unwrap_or_default()) {
            (None, []) => self.reach(Reach::Only(vec![pods::namespace(pod).to_owned()])),
            (None, listed) => self.reach(only(listed.iter().cloned())),
            (Some(selector), listed) => self.selected(selector, listed)?,
        };
        let Some(selector) = &term.label_selector else { return Ok(self.nothing()) };
        let mut conditions = label_selector::read(selector)?;
        share_labels(&mut conditions, pod, term.match_label_keys.iter().flatten())?;
        differ_in_labels(&mut conditions, pod, term.mismatch_label_keys.iter().flatten())?;
        Ok(self.set(reach, conditions))
    }

    /// The pods of one namespace that meet the conditions.
    pub(crate) fn within(&mut self, namespace: &str, conditions: Conditions) -> usize {
        let reach = self.reach(Reach::Only(vec![namespace.to_owned()]));
        self.set(reach, conditions)
    }

    /// The set that no pod belongs to.
    fn nothing(&mut self) -> usize {
        let nowhere = self.reach(Reach::Only(vec![]));
        self.set(nowhere, vec![])
    }

    fn set(&mut self, reach: usize, mut conditions: Conditions) -> usize {
        label_selector::settle(&mut conditions);
        if self.reaches[reach] == Reach::Only(vec![]) {
            conditions.clear(); // whatever is asked of nobody
        }
        // The text tells any two lists of conditions apart: no key and no value has a character that it adds.
        let key = (reach, label_selector::text(&conditions));
        *self.numbers.entry(key).or_insert_with(|| {
            self.sets.push(PodSet { reach, conditions });
            self.sets.len() - 1
        })
    }

    fn reach(&mut self, reach: Reach) -> usize {
        if let Some(known) = self.reach_numbers.get(&reach) {
            return *known;
        }
        let number = self.reaches.len();
        self.reaches.push(reach.clone());
        self.reach_numbers.insert(reach, number);
        number
    }

    /// The namespaces that the selector selects, and those listed.
    fn selected(&mut self, selector: &LabelSelector, listed: &[String]) -> Result<usize, SelectorError> {
        let conditions = label_selector::read(selector)?;
        if conditions.is_empty() {
            return Ok(self.reach(Reach::Everywhere));
        }
        let key = (label_selector::text(&conditions), listed.to_vec());
        if let Some(known) = self.resolved.get(&key) {
            return Ok(*known);
        }
        let selected = self.namespaces.iter().filter(|(_, labels)| label_selector::selects(&conditions, labels));
        let reach = only(selected.map(|(name, _)| name.clone()).chain(listed.iter().cloned()));
        let number = self.reach(reach);
        self.resolved.insert(key, number);
        Ok(number)
    }
}

fn only(names: impl Iterator<Item = String>) -> Reach {
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    Reach::Only(names)
}

/// Adds that labels of these keys are the pod's own; a key that the pod has not counts for nothing. API servers do the same
/// when they store a pod, and keep the list of keys: what they have added already stands, even if the pod's labels have
/// changed since. They accept no condition of a user on such a key, so that one which is there is theirs.
fn share_labels<'k>(
    conditions: &mut Conditions,
    pod: &ObjectMeta,
    keys: impl Iterator<Item = &'k String>,
) -> Result<(), SelectorError> {
    for (key, value) in of_the_pod(pod, keys) {
        if !conditions.iter().any(|c| matches!(c, Expression::Equal(known, _) if known == key)) {
            conditions.push(label_selector::one_of(key, [value.clone()])?);
        }
    }
    Ok(())
}

/// Adds that labels of these keys are not the pod's own, in the same way.
fn differ_in_labels<'k>(
    conditions: &mut Conditions,
    pod: &ObjectMeta,
    keys: impl Iterator<Item = &'k String>,
) -> Result<(), SelectorError> {
    for (key, value) in of_the_pod(pod, keys) {
        if !conditions.iter().any(|c| matches!(c, Expression::NotEqual(known, _) if known == key)) {
            conditions.push(label_selector::none_of(key, [value.clone()])?);
        }
    }
    Ok(())
}

fn of_the_pod<'k>(
    pod: &ObjectMeta,
    keys: impl Iterator<Item = &'k String>,
) -> impl Iterator<Item = (&'k String, &String)> {
    let labels = pod.labels.as_ref();
    keys.filter_map(move |key| Some((key, labels?.get(key)?)))
}

#[cfg(test)]
#[path = "peers_tests.rs"]
mod tests;
