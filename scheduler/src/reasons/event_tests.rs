//! The words of Karpenter, held against what it prints.

use super::super::testing::{GIB, any_of, out, pod, problem, refused};
use super::super::{BetweenPods, DaemonRange, DomainCounts, Excluded, NoInstanceType, PodRule, Reserved, TooFewValues};
use super::*;
use crate::requirements::Clash;
use crate::resources::{MEMORY, PODS};
use crate::taint::Effect;
use dovetail_api::labels::ZONE;
use std::sync::Arc;

/// The suffix for the usual pod in a pool named `default`.
const DETAILS: &str = ", requirements=karpenter.sh/capacity-type In [on-demand], karpenter.sh/initialized In [true], \
     karpenter.sh/nodepool In [default], karpenter.sh/registered In [true], \
     resources={\"cpu\":\"100m\",\"memory\":\"2Gi\",\"pods\":\"1\"}";

fn error(refusals: Vec<Refusal>) -> String {
    let pools = ["default", "other"];
    refused(refusals).error(&problem(&pools), &pod()).expect("a refused pod has an error")
}

fn lack(labels: bool, resources: bool, offering: bool) -> NoInstanceType {
    NoInstanceType { met: Met { limits: true, labels, offering, resources }, ..out(4, vec![]) }
}

#[test]
fn every_taint_that_is_not_tolerated_is_named() {
    let taint = |value: &str| Taint { key: "team".into(), value: value.into(), effect: Effect::NoSchedule };
    assert_eq!(
        error(vec![Refusal::Taints(vec![taint("red"), taint("")])]),
        "did not tolerate taint (taint=team=red:NoSchedule); did not tolerate taint (taint=team:NoSchedule)"
    );
}

#[test]
fn labels_that_do_not_go_together_are_told_with_both_sides() {
    let key = "karpenter.sh/capacity-type";
    let undefined =
        |hint: Option<&str>| Incompatible::UndefinedLabel { key: "team".into(), hint: hint.map(Name::from) };
    let clash = Clash { key: key.into(), asked: any_of(&["spot"]), offered: any_of(&["on-demand"]) };
    assert_eq!(
        error(vec![Refusal::Selection(undefined(None)), Refusal::Selection(undefined(Some("example.com/team")))]),
        "incompatible requirements, label \"team\" does not have known values; \
         incompatible requirements, label \"team\" does not have known values (typo of \"example.com/team\"?)"
    );
    assert_eq!(
        error(vec![Refusal::Selection(Incompatible::NoCommonValue(vec![clash.clone()]))]),
        "incompatible requirements, key karpenter.sh/capacity-type, karpenter.sh/capacity-type In [spot] not in \
         karpenter.sh/capacity-type In [on-demand]"
    );
    assert_eq!(
        error(vec![Refusal::Volumes(vec![undefined(None), Incompatible::NoCommonValue(vec![clash])])]),
        "incompatible volume requirements, key karpenter.sh/capacity-type, karpenter.sh/capacity-type In [spot] not in \
         karpenter.sh/capacity-type In [on-demand]",
        "of several places the last is told"
    );
}

#[test]
fn exhausted_limits_name_the_pool() {
    let larger = NoInstanceType { met: Met::default(), ..out(4, vec![]) };
    assert_eq!(
        error(vec![Refusal::NodeLimit, Refusal::NoInstanceType(larger)]),
        "node limits have been exhausted for nodepool (NodePool=default); \
         all available instance types exceed limits for nodepool (NodePool=other)"
    );
}

#[test]
fn what_no_type_met_chooses_the_words() {
    let said = |labels, resources, offering| error(vec![Refusal::NoInstanceType(lack(labels, resources, offering))]);
    for ((labels, resources, offering), words) in [
        (
            (false, false, false),
            "no instance type met the scheduling requirements or had enough resources or had a required offering",
        ),
        ((false, false, true), "no instance type met the scheduling requirements or had enough resources"),
        ((false, true, false), "no instance type met the scheduling requirements or had a required offering"),
        ((true, false, false), "no instance type had enough resources or had a required offering"),
        ((false, true, true), "no instance type met all requirements"),
        ((true, false, true), "no instance type has enough resources"),
        ((true, true, false), "no instance type has the required offering"),
        (
            (true, true, true),
            "no instance type which had enough resources and the required offering met the scheduling requirements",
        ),
    ] {
        assert_eq!(said(labels, resources, offering), format!("{words}{DETAILS}"));
    }
}

#[test]
fn a_million_cores_are_probably_thousandths() {
    let asks = |cores: i64| {
        let mut pod = pod();
        pod.requests.set(CPU, cores * 1000);
        let unplaced = refused(vec![Refusal::NoInstanceType(lack(true, false, true))]);
        unplaced.error(&problem(&["default"]), &pod).expect("an error")
    };
    assert!(
        asks(1_000_000).ends_with("\"pods\":\"1\"} (CPU request >= 1 Million, m vs M typo?)"),
        "{}",
        asks(1_000_000)
    );
    assert!(asks(999_999).ends_with("\"pods\":\"1\"}"));
}

#[test]
fn what_daemon_sets_take_is_added_and_told_as_a_range_where_it_differs() {
    let takes = |cpu| Resources::new().with(CPU, cpu).with(MEMORY, GIB).with(PODS, 1);
    let with = |least, most| {
        let daemons = Arc::new(DaemonRange { least: takes(least), most: takes(most) });
        error(vec![Refusal::NoInstanceType(NoInstanceType { daemons, ..lack(true, false, true) })])
    };
    let resources = |text: &str| text.split("resources=").nth(1).map(str::to_owned);
    assert_eq!(resources(&with(50, 50)).as_deref(), Some(r#"{"cpu":"150m","memory":"3Gi","pods":"2"}"#));
    assert_eq!(
        resources(&with(50, 900)).as_deref(),
        Some(r#"min={"cpu":"150m","memory":"3Gi","pods":"2"}, max={"cpu":"1","memory":"3Gi","pods":"2"}"#)
    );
}

#[test]
fn what_is_asked_includes_the_pods_side_but_never_the_host_name() {
    let asked = [(ZONE, any_of(&["us-east-1a"])), ("kubernetes.io/hostname", any_of(&["node-7"]))];
    let lack = NoInstanceType { asked: Arc::new(asked.into_iter().collect()), ..lack(false, true, true) };
    let text = error(vec![Refusal::NoInstanceType(lack)]);
    assert!(
        text.contains("karpenter.sh/registered In [true], topology.kubernetes.io/zone In [us-east-1a], resources=")
    );
    assert!(!text.contains("hostname"), "{text}");
}

#[test]
fn minimum_values_come_before_everything_else() {
    let few = |key: &str| TooFewValues { key: key.into(), asked: 5, left: 1 };
    let min_values = vec![few("family"), few("node.kubernetes.io/instance-type")];
    let lack = NoInstanceType { min_values, ..lack(true, true, true) };
    assert_eq!(
        error(vec![Refusal::NoInstanceType(lack)]),
        format!(
            "minValues requirement is not met for label(s) (label(s)=[family node.kubernetes.io/instance-type]){DETAILS}"
        )
    );
}

fn between(rule: PodRule, counts: &[(&str, u32)]) -> BetweenPods {
    BetweenPods {
        rule,
        key: ZONE.into(),
        peers: 0,
        counts: DomainCounts::of(counts.iter().map(|(domain, n)| (Name::from(*domain), *n))),
        asked: Requirement::exists(),
        offered: any_of(&["us-east-1a", "us-east-1b"]),
        allowed: vec![],
    }
}

#[test]
fn rules_between_pods_are_told_with_their_counts() {
    let spread = PodRule::Spread { max_skew: 1, min_domains: Some(3) };
    assert_eq!(
        error(vec![Refusal::BetweenPods(between(spread, &[("us-east-1b", 1), ("us-east-1a", 2)]))]),
        "unsatisfiable topology constraint for topology spread, key=topology.kubernetes.io/zone (counts = us-east-1a: 2, \
         us-east-1b: 1, podDomains = topology.kubernetes.io/zone Exists, nodeDomains = topology.kubernetes.io/zone In \
         [us-east-1a us-east-1b]"
    );
    for (rule, words) in [
        (PodRule::Affinity, "pod affinity"),
        (PodRule::AntiAffinity, "pod anti-affinity"),
        (PodRule::Repelled, "pod anti-affinity"),
    ] {
        let text = error(vec![Refusal::BetweenPods(between(rule, &[]))]);
        assert!(text.starts_with(&format!("unsatisfiable topology constraint for {words}, key=")), "{text}");
    }
}

#[test]
fn of_very_many_domains_the_first_are_counted_and_the_rest_are_a_number() {
    let domains: Vec<String> = (0..30).map(|n| format!("node-{n:02}")).collect();
    let counts: Vec<(&str, u32)> = domains.iter().map(|d| (d.as_str(), 1)).collect();
    let text = error(vec![Refusal::BetweenPods(between(PodRule::AntiAffinity, &counts))]);
    assert!(text.contains("node-24: 1 and 5 other(s), podDomains = "), "{text}");
}

#[test]
fn rules_that_leave_nothing_in_common_ask_for_a_node_without_the_label() {
    let rules = vec![between(PodRule::Affinity, &[]), between(PodRule::AntiAffinity, &[])];
    assert_eq!(
        error(vec![Refusal::NoCommonDomain(rules)]),
        "key topology.kubernetes.io/zone, topology.kubernetes.io/zone DoesNotExist not in topology.kubernetes.io/zone In \
         [us-east-1a us-east-1b]"
    );
}

#[test]
fn reserved_capacity_that_is_full_is_told_and_a_pod_that_waits_for_it_is_not() {
    let full = Refusal::Reserved(Reserved::Full(vec!["cr-1".into()]));
    assert_eq!(
        error(vec![full]),
        "all compatible reserved offerings are full and no on-demand or spot fallback is available"
    );
    let spoken = Refusal::Reserved(Reserved::Spoken(vec!["cr-1".into()]));
    assert_eq!(
        error(vec![spoken.clone()]),
        "one or more instance types with compatible reserved offerings are available, but could not be reserved"
    );
    let waits = Unplaced::Deferred(vec![(0, Refusal::NodeLimit), (1, spoken)]);
    assert_eq!(waits.event(&problem(&["default", "other"]), &pod()), None);
}

#[test]
fn a_pool_without_types_has_no_error_of_its_own() {
    let empty = || Refusal::EmptyPool(Excluded { types: 4, groups: vec![] });
    assert_eq!(
        error(vec![empty(), Refusal::NodeLimit]),
        "node limits have been exhausted for nodepool (NodePool=other)"
    );
    assert_eq!(error(vec![empty(), empty()]), "nodepool requirements filtered out all available instance types");
    assert_eq!(Unplaced::NoPools.event(&problem(&[]), &pod()), None, "the round ends without events");
}

#[test]
fn claims_for_devices_have_karpenters_words_and_other_rules_have_ours() {
    let said = |rule: &str| Unplaced::NotYetSupported(vec![rule.into()]).event(&problem(&[]), &pod());
    assert_eq!(
        said(RESOURCE_CLAIMS).as_deref(),
        Some(
            "Failed to schedule pod, pod has Dynamic Resource Allocation requirements that are not yet supported by \
             Karpenter"
        )
    );
    assert_eq!(
        said("clairvoyance").as_deref(),
        Some("Failed to schedule pod, not placed, because this version cannot keep its clairvoyance yet")
    );
}

#[test]
fn the_event_is_cut_to_what_kubernetes_takes_and_the_error_is_not() {
    let many: Vec<Refusal> = (0..2).map(|_| Refusal::NoInstanceType(lack(false, false, false))).collect();
    let many: Vec<(usize, Refusal)> = many.into_iter().cycle().take(10).map(|refusal| (0, refusal)).collect();
    let unplaced = Unplaced::Refused(many);
    let problem = problem(&["default"]);
    let (event, error) = (unplaced.event(&problem, &pod()), unplaced.error(&problem, &pod()));
    let (event, error) = (event.expect("an event"), error.expect("an error"));
    assert!(event.starts_with("Failed to schedule pod, no instance type met") && event.ends_with("..."), "{event}");
    assert_eq!(event.len(), 1024);
    assert!(error.len() > 2000);
}
