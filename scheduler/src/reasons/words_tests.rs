//! What people read: from each kind of refusal one sentence that says what is wrong, where, and with which figures.

use super::super::testing::{GIB, any_of, out, pod, problem, refused};
use super::super::{DomainCounts, NoInstanceType};
use super::*;
use crate::resources::{CPU, EPHEMERAL_STORAGE, MEMORY, Resources};

const GPU: &str = "nvidia.com/gpu";

fn said(refusals: Vec<Refusal>) -> String {
    refused(refusals).explain(&problem(&["default", "other"]), &pod())
}

fn short(resource: &str, asked: i64, most: i64) -> Rule {
    Rule::Resource { resource: resource.into(), asked, most }
}

fn types(types: usize, rules: Vec<(usize, Rule)>) -> String {
    said(vec![Refusal::NoInstanceType(out(types, rules))])
}

#[test]
fn groups_of_types_are_told_each_with_the_rule_that_keeps_it_out() {
    let label = |has| Rule::Label { key: "kubernetes.io/arch".into(), asked: any_of(&["arm64"]), has };
    let zone = (Name::from(ZONE), any_of(&["us-east-1d"]));
    let spot = (Name::from(CAPACITY_TYPE), any_of(&["spot", "reserved"]));
    assert_eq!(
        types(
            340,
            vec![
                (20, label(Some(any_of(&["amd64"])))),
                (10, label(None)),
                (96, Rule::NotOffered { asked: vec![zone.clone()] }),
                (1, Rule::Unavailable { asked: vec![zone, spot] }),
                (1, Rule::DaemonSets { resource: MEMORY.into() }),
                (212, short(MEMORY, 64 * GIB, 30 * GIB)),
                (2, short(GPU, 1, 0)),
                (3, Rule::HostPort(HostPort { ip: None, port: 80, protocol: "TCP".into() })),
                (4, Rule::VolumeLimit { driver: "ebs.csi.aws.com".into(), asked: 30, most: 26 }),
                (5, Rule::Limit { resource: CPU.into(), left: -1500 }),
            ]
        ),
        "pool default: none of its 340 types will do: \
         m5.large and 19 more: kubernetes.io/arch is to be In [arm64], m5.large has In [amd64]; \
         m5.large and 9 more: kubernetes.io/arch is to be In [arm64], there is none; \
         m5.large and 95 more: zone us-east-1d not offered; \
         m5.large: not available at the moment in zone us-east-1d with capacity type reserved or spot; \
         m5.large: DaemonSets need more memory than there is; \
         m5.large and 211 more: needs memory 64Gi, at most 30Gi left to pods; \
         m5.large and 1 more: needs nvidia.com/gpu 1, there is none; \
         m5.large and 2 more: DaemonSets take host port 80/TCP; \
         m5.large and 3 more: attaches 30 volumes of ebs.csi.aws.com, at most 26 possible; \
         m5.large and 4 more: larger than what spec.limits still allow, cpu 0 (exceeded by 1500m)"
    );
}

#[test]
fn a_rule_that_keeps_all_types_out_is_a_sentence() {
    let zone = vec![(Name::from(ZONE), any_of(&["us-east-1d"]))];
    let port = HostPort { ip: Some("10.0.0.1".into()), port: 80, protocol: "UDP".into() };
    let driver = || Name::from("ebs.csi.aws.com");
    let family = Rule::Label { key: "family".into(), asked: any_of(&["z"]), has: None };
    for (rule, sentence) in [
        (family, "pool default: none of its 4 types has family In [z]"),
        (Rule::NotOffered { asked: zone.clone() }, "pool default: none of its 4 types is sold in zone us-east-1d"),
        (Rule::NotOffered { asked: vec![] }, "pool default: none of its 4 types is sold at all"),
        (
            Rule::Unavailable { asked: zone },
            "pool default: none of its 4 types is available at the moment in zone us-east-1d",
        ),
        (Rule::Unavailable { asked: vec![] }, "pool default: none of its 4 types is available at the moment"),
        (
            Rule::DaemonSets { resource: CPU.into() },
            "pool default: DaemonSets need more cpu than any of its 4 types has",
        ),
        (short(MEMORY, 2 * GIB, GIB), "needs memory 2Gi; pool default: the largest of its 4 types leaves 1Gi to pods"),
        (short(MEMORY, 2 * GIB, 0), "needs memory 2Gi; pool default: none of its 4 types has it"),
        (Rule::HostPort(port), "pool default: DaemonSets take host port 10.0.0.1:80/UDP on all of its 4 types"),
        (
            Rule::VolumeLimit { driver: driver(), asked: 30, most: 26 },
            "attaches 30 volumes of ebs.csi.aws.com; pool default: none of its 4 types takes more than 26",
        ),
        (
            Rule::Limit { resource: CPU.into(), left: 1000 },
            "pool default: every type that fits is larger than what its spec.limits still allow: cpu 1",
        ),
    ] {
        assert_eq!(types(4, vec![(4, rule)]), sentence);
    }
}

#[test]
fn whoever_asks_for_too_much_of_several_things_is_told_all_of_them() {
    let lack = |groups, scarce| {
        let lack = NoInstanceType { scarce, ..out(4, groups) };
        let mut pod = pod();
        pod.requests.set(EPHEMERAL_STORAGE, 1000 * GIB);
        refused(vec![Refusal::NoInstanceType(lack)]).explain(&problem(&["default"]), &pod)
    };
    let scarce = || Resources::new().with(MEMORY, GIB).with(EPHEMERAL_STORAGE, 20 * GIB);
    assert_eq!(
        lack(vec![(4, short(MEMORY, 2 * GIB, GIB))], scarce()),
        "pool default: of its 4 types none is large enough: \
         needs ephemeral-storage 1000Gi, no type leaves more than 20Gi to pods; \
         needs memory 2Gi, no type leaves more than 1Gi to pods"
    );
    let family = Rule::Label { key: "family".into(), asked: any_of(&["z"]), has: None };
    assert_eq!(
        lack(vec![(3, family), (1, short(MEMORY, 2 * GIB, GIB))], scarce()),
        "pool default: none of its 4 types will do: m5.large and 2 more: family is to be In [z], there is none; \
         m5.large: needs memory 2Gi, at most 1Gi left to pods; \
         besides, it needs ephemeral-storage 1000Gi, no type leaves more than 20Gi to pods"
    );
}

#[test]
fn minimum_values_are_told_with_what_is_left_of_them() {
    let min_values = vec![TooFewValues { key: "family".into(), asked: 3, left: 1 }];
    let lack = NoInstanceType { min_values, ..out(4, vec![(3, short(CPU, 8000, 4000))]) };
    assert_eq!(
        said(vec![Refusal::NoInstanceType(lack)]),
        "pool default: minValues cannot be kept, the types that fit leave only 1 of at least 3 values of family: \
         m5.large and 2 more: needs cpu 8, at most 4 left to pods"
    );
}

#[test]
fn a_pool_that_rules_out_all_its_types_says_by_what() {
    let groups = out(4, vec![(4, Rule::NotOffered { asked: vec![(ZONE.into(), any_of(&["a", "b", "c"]))] })]).excluded;
    assert_eq!(
        said(vec![Refusal::EmptyPool(groups), Refusal::EmptyPool(Excluded { types: 4, groups: vec![] })]),
        "pool default: its own requirements rule out all 4 instance types of its node class: \
         m5.large and 3 more: zone a, b or c not offered; \
         pool other: its own requirements rule out all 4 instance types of its node class"
    );
}

fn between(rule: PodRule, key: &str, allowed: &[&str]) -> BetweenPods {
    BetweenPods {
        rule,
        key: key.into(),
        peers: 0,
        counts: DomainCounts::of([("a".into(), 2), ("b".into(), 0)]),
        asked: Requirement::exists(),
        offered: any_of(&["a", "b"]),
        allowed: allowed.iter().map(|d| Name::from(*d)).collect(),
    }
}

#[test]
fn rules_between_pods_say_which_pods_they_are_about_and_where_these_are() {
    let even = PodRule::Spread { max_skew: 1, min_domains: Some(3) };
    for (rule, sentence) in [
        (
            even,
            "pool default: spreading pods (app=web in default) by topology.kubernetes.io/zone over at least 3 domains, at \
             most 1 more in one than in the emptiest, leaves no place; there are 2 in a, 0 in b",
        ),
        (
            PodRule::Affinity,
            "pool default: no topology.kubernetes.io/zone that it has for the pod holds pods (app=web in default); there \
             are 2 in a, 0 in b",
        ),
        (
            PodRule::AntiAffinity,
            "pool default: every topology.kubernetes.io/zone that it has for the pod may hold pods (app=web in default), \
             which the pod keeps away from; there are 2 in a, 0 in b",
        ),
        (
            PodRule::Repelled,
            "pool default: every topology.kubernetes.io/zone that it has for the pod may hold pods that keep pods (app=web \
             in default) away; there are 2 in a, 0 in b",
        ),
    ] {
        assert_eq!(said(vec![Refusal::BetweenPods(between(rule, ZONE, &[]))]), sentence);
    }
    assert_eq!(
        said(vec![Refusal::BetweenPods(between(PodRule::Affinity, HOSTNAME, &[]))]),
        "pool default: no kubernetes.io/hostname that it has for the pod holds pods (app=web in default); there are 2 nodes \
         to look at",
        "nobody reads the names of all nodes"
    );
}

#[test]
fn rules_that_have_no_place_in_common_say_where_each_would_have_it() {
    let rules = vec![between(PodRule::Affinity, ZONE, &["a"]), between(PodRule::AntiAffinity, ZONE, &["b", "c"])];
    assert_eq!(
        said(vec![Refusal::NoCommonDomain(rules)]),
        "pool default: the rules about other pods leave no place in common: \
         nearness to pods (app=web in default) allows topology.kubernetes.io/zone a; \
         distance from pods (app=web in default) allows topology.kubernetes.io/zone b, c"
    );
}

#[test]
fn volumes_and_reservations_are_named() {
    let lost = Incompatible::UndefinedLabel { key: "rack".into(), hint: None };
    assert_eq!(
        said(vec![Refusal::Volumes(vec![lost])]),
        "pool default: it has no node where the volumes of the pod are: a volume selects by label rack, which its nodes do \
         not have"
    );
    let reservations = |n: usize| ["cr-1", "cr-2"].iter().take(n).map(|r| Name::from(*r)).collect();
    let waits = Unplaced::Deferred(vec![(0, Refusal::Reserved(Reserved::Spoken(reservations(1))))]);
    assert_eq!(
        waits.explain(&problem(&["default"]), &pod()),
        "pool default: waits for the next round, since other pods of this one may need all that is left of capacity \
         reservation cr-1"
    );
    assert_eq!(
        said(vec![
            Refusal::Reserved(Reserved::Full(reservations(2))),
            Refusal::Reserved(Reserved::Full(reservations(1)))
        ]),
        "pool default: capacity reservations cr-1, cr-2 are full, and nothing else would do; \
         pool other: capacity reservation cr-1 is full, and nothing else would do"
    );
}

#[test]
fn a_problem_that_the_reason_is_not_about_is_not_a_panic() {
    let reason = refused(vec![Refusal::BetweenPods(between(PodRule::Affinity, ZONE, &[]))]);
    let none = Problem::default();
    assert!(reason.explain(&none, &pod()).starts_with("pool ?: no topology.kubernetes.io/zone"));
    assert!(reason.error(&none, &pod()).is_some());
}

#[test]
fn long_lists_of_values_are_cut() {
    let names: Vec<String> = (0..9).map(|n| format!("z{n}")).collect();
    let zones: Vec<Name> = names.iter().map(|n| Name::from(n.as_str())).collect();
    assert_eq!(any(zones[..1].iter()), "z0");
    assert_eq!(any(zones[..5].iter()), "z0, z1, z2, z3 or z4");
    assert_eq!(any(zones.iter()), "z0, z1, z2, z3, z4 or 4 others");
}
