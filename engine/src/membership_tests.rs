//! The index finds what trying everything finds, and without trying everything.

use super::*;
use crate::objects::Objects;
use k8s_openapi::api::core::v1::PodAffinityTerm;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement, ObjectMeta};
use kube::core::{Selector, SelectorExt as _};
use proptest::prelude::*;

const NAMESPACES: [&str; 3] = ["a", "b", "c"];

fn labels() -> impl Strategy<Value = Labels> {
    prop::collection::btree_map(
        prop::sample::select(vec!["x", "y", "z"]),
        prop::sample::select(vec!["1", "2", "3"]),
        0..4,
    )
    .prop_map(|labels| labels.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
}

fn pod() -> impl Strategy<Value = Pod> {
    (prop::sample::select(NAMESPACES.to_vec()), labels()).prop_map(|(namespace, labels)| Pod {
        metadata: ObjectMeta { namespace: Some(namespace.to_owned()), labels: Some(labels), ..ObjectMeta::default() },
        ..Pod::default()
    })
}

fn selector() -> impl Strategy<Value = LabelSelector> {
    let values = prop::collection::vec(prop::sample::select(vec!["1", "2", "4"]).prop_map(str::to_owned), 1..3);
    let expression =
        (prop::sample::select(vec!["x", "y", "w"]), 0..4_usize, values).prop_map(|(key, operator, values)| {
            let operator = ["In", "NotIn", "Exists", "DoesNotExist"][operator];
            let values = operator.ends_with("In").then_some(values);
            LabelSelectorRequirement { key: key.to_owned(), operator: operator.to_owned(), values }
        });
    (labels(), prop::collection::vec(expression, 0..3)).prop_map(|(labels, expressions)| LabelSelector {
        match_labels: Some(labels.into_iter().take(1).collect()),
        match_expressions: Some(expressions),
    })
}

fn term() -> impl Strategy<Value = PodAffinityTerm> {
    let listed = prop::sample::subsequence(NAMESPACES.to_vec(), 0..3);
    (prop::option::weighted(0.95, selector()), listed, any::<bool>()).prop_map(
        |(label_selector, listed, everywhere)| PodAffinityTerm {
            label_selector,
            namespaces: Some(listed.into_iter().map(str::to_owned).collect()),
            namespace_selector: everywhere.then(LabelSelector::default),
            topology_key: "zone".to_owned(),
            ..PodAffinityTerm::default()
        },
    )
}

/// Whether a term of `owner` is about the pod, by the letter of Kubernetes and with the matching of its client library.
fn is_about(owner: &Pod, term: &PodAffinityTerm, pod: &Pod) -> bool {
    let own = pods::namespace(&owner.metadata);
    let namespace = pods::namespace(&pod.metadata);
    let listed = term.namespaces.as_deref().unwrap_or_default();
    let reaches = match (&term.namespace_selector, listed) {
        (Some(_), _) => true,
        (None, []) => namespace == own,
        (None, listed) => listed.iter().any(|n| n == namespace),
    };
    let Some(selector) = term.label_selector.clone() else { return false };
    let selector = Selector::try_from(selector).expect("a valid selector");
    reaches && selector.matches(&pod.metadata.labels.clone().unwrap_or_default())
}

proptest! {
    #[test]
    fn the_index_finds_what_trying_everything_finds(
        terms in prop::collection::vec((pod(), term()), 1..20),
        pods in prop::collection::vec(pod(), 1..20),
    ) {
        let mut sets = PodSets::among(&Objects { pods: pods.clone(), ..Objects::default() }.snapshot());
        let numbers: Vec<usize> =
            terms.iter().map(|(owner, term)| sets.of_term(&owner.metadata, term).expect("readable")).collect();
        let mut membership = Membership::of(&sets);
        for pod in &pods {
            let kind = membership.kind(pod);
            for ((owner, term), set) in terms.iter().zip(&numbers) {
                prop_assert_eq!(membership.sets(kind).contains(set), is_about(owner, term, pod), "{:?}", term);
            }
        }
    }
}

fn labelled(namespace: &str, pairs: &[(&str, &str)]) -> Pod {
    let labels = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Pod {
        metadata: ObjectMeta { namespace: Some(namespace.to_owned()), labels: Some(labels), ..ObjectMeta::default() },
        ..Pod::default()
    }
}

fn all_of(pod: &Pod) -> PodAffinityTerm {
    let label_selector = LabelSelector { match_labels: pod.metadata.labels.clone(), match_expressions: None };
    PodAffinityTerm { label_selector: Some(label_selector), ..PodAffinityTerm::default() }
}

#[test]
fn labels_that_no_set_asks_for_make_no_difference() {
    let mut sets = PodSets::among(&Objects::default().snapshot());
    let web = labelled("a", &[("app", "web")]);
    sets.of_term(&web.metadata, &all_of(&web)).expect("readable");
    let pods = ["0", "1"].map(|index| labelled("a", &[("app", "web"), ("index", index)]));
    let mut membership = Membership::of(&sets);
    assert_eq!(membership.kind(&pods[0]), membership.kind(&pods[1]));
    assert_ne!(membership.kind(&pods[0]), membership.kind(&labelled("b", &[("app", "web")])), "another namespace");
}

/// Every set asks for a label that all pods have, and for one of which every pod has its own value: if sets were filed under
/// the first of the two, every pod would be tried against every set.
#[test]
fn sets_are_filed_under_what_few_of_them_ask_for() {
    let pods: Vec<Pod> = (0..500).map(|i| labelled("a", &[("env", "prod"), ("name", &format!("app-{i}"))])).collect();
    let mut sets = PodSets::among(&Objects::default().snapshot());
    for pod in &pods {
        sets.of_term(&pod.metadata, &all_of(pod)).expect("readable");
    }
    let membership = Membership::of(&sets);
    let filed: Vec<usize> = membership.by_label.values().flat_map(|f| f.values.values().map(Vec::len)).collect();
    assert_eq!(filed.len(), 500);
    assert!(filed.iter().all(|sets| *sets == 1), "one set under each value");
    assert!(membership.of_anyone.is_empty());
}
