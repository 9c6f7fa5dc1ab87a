//! Where volumes can be used: alternatives, and what is left of them when several volumes belong to one pod.
//!
//! Alternatives are sets of requirements of which one must hold; none at all means anywhere. They are kept few: those that
//! differ in the values of one label only are one alternative with more values, which says the same and leaves whoever
//! buys the node more to choose from (specification "scheduling" 4.8). Claims and pods are not known here.

use crate::selection::{self, SelectionError};
use dovetail_api::labels;
use dovetail_scheduler::requirement::{Name, Requirement};
use dovetail_scheduler::requirements::Requirements;
use k8s_openapi::api::core::v1::{
    NodeSelectorRequirement, NodeSelectorTerm, PersistentVolume, PersistentVolumeSpec, TopologySelectorLabelRequirement,
};
use k8s_openapi::api::storage::v1::StorageClass;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;

/// The most alternatives that are kept for a pod. Each one is enough by itself, so that leaving some out can cost a pod its
/// place but never puts it in a wrong one. No storage system that is known comes near.
const MOST: usize = 64;

/// Where a volume that is there can be used.
///
/// A volume that lives on one machine (`local`, `hostPath`) does not hold its pod there: its host names do not count,
/// because whoever moves the pod has given that machine up.
///
/// # Errors
/// When an expression of its node affinity cannot be read.
pub(super) fn of_volume(volume: &PersistentVolume) -> Result<Vec<Requirements>, SelectionError> {
    let Some(spec) = &volume.spec else { return Ok(vec![]) };
    let lives_on_a_machine = spec.local.is_some() || spec.host_path.is_some();
    let mut places = vec![];
    for term in terms(spec) {
        if says_nothing(term) {
            continue;
        }
        let mut place = selection::term(term)?;
        if lives_on_a_machine {
            place.remove(labels::HOSTNAME);
        } else {
            place.add_all(&machines(term)?);
        }
        places.push(place);
    }
    let places = simplify(places);
    let zones = zones(volume);
    Ok(if zones.is_empty() { places } else { both(vec![zones], &places) })
}

/// Where volumes of the class can be made.
pub(super) fn of_class(class: &StorageClass) -> Vec<Requirements> {
    let terms = class.allowed_topologies.iter().flatten();
    let expressions = terms.map(|t| t.match_label_expressions.as_deref().unwrap_or_default()).filter(|e| !e.is_empty());
    let place = |expressions: &[TopologySelectorLabelRequirement]| {
        expressions.iter().map(|e| (&e.key, Requirement::any_of(e.values.iter().map(String::as_str)))).collect()
    };
    simplify(expressions.map(place).collect())
}

/// Where both volumes can be used. If that is nowhere, what is left contradicts itself, so that no node will do.
pub(super) fn both(these: Vec<Requirements>, those: &[Requirements]) -> Vec<Requirements> {
    let (Some(this), Some(that)) = (these.first(), those.first()) else {
        return if these.is_empty() { those.to_vec() } else { these };
    };
    let meeting = these.iter().flat_map(|a| those.iter().filter(|b| a.intersects(b)).map(|b| a.and(b)));
    let meeting: Vec<_> = meeting.take(4 * MOST).collect();
    if meeting.is_empty() {
        return vec![this.and(that)];
    }
    let mut out = united(meeting, &keys(those));
    out.truncate(MOST);
    out
}

/// The labels that the places speak of.
fn keys(places: &[Requirements]) -> BTreeSet<Name> {
    places.iter().flat_map(Requirements::iter).map(|(key, _)| key.clone()).collect()
}

/// The same in fewer alternatives.
fn simplify(places: Vec<Requirements>) -> Vec<Requirements> {
    let keys = keys(&places);
    united(places, &keys)
}

/// The same in fewer alternatives, as far as they differ in these labels. One that asks for nothing makes all others
/// superfluous.
fn united(places: Vec<Requirements>, keys: &BTreeSet<Name>) -> Vec<Requirements> {
    if places.iter().any(Requirements::is_empty) { vec![] } else { keys.iter().fold(places, unite) }
}

/// Makes one of the alternatives that differ only in the listed values of this label, in the place of the first of them.
fn unite(places: Vec<Requirements>, key: &Name) -> Vec<Requirements> {
    let mut first: FxHashMap<Requirements, usize> = FxHashMap::default();
    let mut others: FxHashSet<Requirements> = FxHashSet::default();
    let mut out: Vec<Requirements> = vec![];
    for place in places {
        let Some(values) = listed(&place, key) else {
            if others.insert(place.clone()) {
                out.push(place);
            }
            continue;
        };
        let mut rest = place.clone();
        rest.remove(key);
        let at = *first.entry(rest).or_insert(out.len());
        match out.get_mut(at) {
            Some(like) => {
                let known = listed(like, key).unwrap_or_default();
                like.replace(key.clone(), Requirement::any_of(known.union(&values).map(|v| &**v)));
            }
            None => out.push(place),
        }
    }
    out
}

/// The values that the label is to have one of, if they are listed.
fn listed(place: &Requirements, key: &str) -> Option<BTreeSet<Name>> {
    let values: BTreeSet<Name> = place.get(key)?.listed()?.cloned().collect();
    (!values.is_empty()).then_some(values)
}

fn terms(spec: &PersistentVolumeSpec) -> impl Iterator<Item = &NodeSelectorTerm> {
    let required = spec.node_affinity.as_ref().and_then(|a| a.required.as_ref());
    required.into_iter().flat_map(|r| &r.node_selector_terms)
}

fn says_nothing(term: &NodeSelectorTerm) -> bool {
    let none = |list: &Option<Vec<_>>| list.as_ref().is_none_or(Vec::is_empty);
    none(&term.match_expressions) && none(&term.match_fields)
}

/// The machines that a term selects by the name of the node, which is the only field there is.
fn machines(term: &NodeSelectorTerm) -> Result<Requirements, SelectionError> {
    let fields = term.match_fields.iter().flatten().filter(|f| f.key == "metadata.name");
    let by_label = fields.map(|f| NodeSelectorRequirement { key: labels::HOSTNAME.to_owned(), ..f.clone() });
    selection::term(&NodeSelectorTerm { match_expressions: Some(by_label.collect()), match_fields: None })
}

/// What the labels of a volume say about where it is: the way of volumes that are older than node affinity, which
/// kube-scheduler honours to this day. Several values stand in one label, with `__` between them.
fn zones(volume: &PersistentVolume) -> Requirements {
    let labels = volume.metadata.labels.iter().flatten();
    let of_place = labels.filter(|(key, _)| [labels::ZONE, labels::REGION].contains(&labels::normalize(key)));
    // The provider's own spelling of the zone is no label that kube-scheduler looks at.
    let of_place = of_place.filter(|(key, _)| *key != labels::aws::EBS_CSI_ZONE);
    of_place.map(|(key, values)| (key, Requirement::any_of(values.split("__").map(str::trim)))).collect()
}
