//! Problems by chance: whatever is told of a pod without a place is true. Every type is counted; and each rule that is named
//! would keep the pod out, or as many types, if the pod asked for nothing else.

use crate::greedy::plan;
use crate::instance_type::{InstanceType, Offering, Price};
use crate::problem::{
    DaemonPod, HostPort, Node, NodePool, NodeSelection, Pod, PodClass, PodTerm, PodTerms, Problem, Resident, Spread,
    Volumes,
};
use crate::reasons::{BetweenPods, Group, NoInstanceType, PodRule, Refusal, Rule, Unplaced};
use crate::requirement::{Name, Requirement};
use crate::requirements::Requirements;
use crate::resources::{CPU, NODES, PODS, Resources};
use crate::taint::{Effect, Taint, Toleration};
use dovetail_api::labels::{CAPACITY_TYPE, HOSTNAME, INSTANCE_TYPE, NODEPOOL, ZONE};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::RngSeed;
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;
use std::sync::Arc;

const GPU: &str = "nvidia.com/gpu";
const DRIVER: &str = "ebs.csi.aws.com";
const FAMILY: &str = "family";
const ZONES: [&str; 3] = ["a", "b", "c"];

fn any_of(values: &[&str]) -> Requirement {
    Requirement::any_of(values.iter().copied())
}

/// A wish for some values of a label that all types have.
fn wish() -> impl Strategy<Value = Requirements> {
    let of = |key: &'static str, values: Vec<&'static str>| {
        subsequence(values, 1..=2).prop_map(move |values| [(key, any_of(&values))].into_iter().collect())
    };
    prop_oneof![
        2 => Just(Requirements::new()),
        2 => of(ZONE, ZONES.to_vec()),
        1 => of(CAPACITY_TYPE, vec!["on-demand", "spot"]),
        1 => of(FAMILY, vec!["c", "m", "x"]),
    ]
}

fn instance_type() -> impl Strategy<Value = InstanceType> {
    let ways: Vec<(&str, &str)> = ZONES.iter().flat_map(|z| [(*z, "on-demand"), (*z, "spot")]).collect();
    let offers = prop::collection::vec((select(ways), prop::bool::weighted(0.8)), 0..4);
    let size = (select(vec!["c", "m"]), 1..5i64, 0..2i64, prop::option::of(1..4u32));
    (size, offers).prop_map(|((family, cores, gpus, volumes), offers)| {
        let name = format!("{family}-{cores}-{gpus}-{}", volumes.unwrap_or(9));
        let offering = |((zone, capacity_type), available): &((&str, &str), bool)| Offering {
            requirements: Arc::new(Requirements::from_labels([(ZONE, *zone), (CAPACITY_TYPE, *capacity_type)])),
            price: Price::from_dollars(1.0),
            available: *available,
            reservation_capacity: None,
        };
        let mut requirements = Requirements::from_labels([(INSTANCE_TYPE, name.as_str()), (FAMILY, family)]);
        let zones: Vec<&str> = offers.iter().map(|((zone, _), _)| *zone).collect();
        requirements.add(ZONE, any_of(&zones));
        requirements.add(CAPACITY_TYPE, any_of(&["on-demand", "spot"]));
        InstanceType {
            name: name.as_str().into(),
            requirements,
            offerings: offers.iter().map(offering).collect(),
            capacity: Resources::new().with(CPU, cores * 1000).with(GPU, gpus).with(PODS, 9),
            volume_limits: volumes.map(|n| (DRIVER.into(), n)).into_iter().collect(),
            ..InstanceType::default()
        }
    })
}

fn red() -> Taint {
    Taint { key: "team".into(), value: "red".into(), effect: Effect::NoSchedule }
}

fn pool() -> impl Strategy<Value = NodePool> {
    let types = prop::collection::vec(instance_type(), 1..7);
    let minimum = prop::option::weighted(0.2, 2..4u32);
    let limits = prop::option::weighted(0.3, (select(vec![CPU, GPU, NODES]), -1..4i64));
    (types, wish(), minimum, limits, prop::bool::weighted(0.1)).prop_map(
        |(mut types, wish, minimum, limits, tainted)| {
            types.sort_by(|a, b| a.name.cmp(&b.name));
            types.dedup_by(|a, b| a.name == b.name);
            let mut requirements = Requirements::from_labels([(NODEPOOL, "default")]).and(&wish);
            if minimum.is_some() {
                requirements.add(INSTANCE_TYPE, Requirement::exists().with_min_values(minimum));
            }
            let remaining =
                limits.map(|(resource, n)| Resources::new().with(resource, if resource == CPU { n * 1000 } else { n }));
            NodePool {
                name: "default".into(),
                weight: 0,
                requirements,
                taints: if tainted { vec![red()] } else { vec![] },
                instance_types: types.into_iter().map(Arc::new).collect(),
                remaining,
            }
        },
    )
}

fn port(number: u16) -> HostPort {
    HostPort { ip: None, port: number, protocol: "TCP".into() }
}

fn ports() -> impl Strategy<Value = Vec<HostPort>> {
    prop_oneof![3 => Just(vec![]), 1 => Just(vec![port(80)]), 1 => Just(vec![port(80), port(81)])]
}

fn daemons() -> impl Strategy<Value = Vec<DaemonPod>> {
    let daemon = (0..15i64, wish(), ports()).prop_map(|(cpu, selector, ports)| DaemonPod {
        name: "kube-system/agent".into(),
        requests: Resources::new().with(CPU, cpu * 100).with(PODS, 1),
        selection: NodeSelection { selector, ..NodeSelection::default() },
        tolerations: vec![],
        ports,
    });
    prop::collection::vec(daemon, 0..3)
}

fn terms() -> impl Strategy<Value = PodTerms> {
    let term = (select(vec![ZONE, ZONE, CAPACITY_TYPE, HOSTNAME]), 0..2usize);
    prop::option::weighted(0.3, term).prop_map(|term| PodTerms {
        required: term.map(|(key, peers)| PodTerm { key: key.into(), peers }).into_iter().collect(),
        preferred: vec![],
    })
}

fn spread() -> impl Strategy<Value = Vec<Spread>> {
    let one = (select(vec![ZONE, ZONE, CAPACITY_TYPE]), 0..2usize, prop::option::of(1..4u32), any::<bool>()).prop_map(
        |(key, peers, min_domains, honors_selection)| Spread {
            key: key.into(),
            peers,
            max_skew: 1,
            min_domains,
            required: true,
            honors_selection,
            honors_taints: false,
        },
    );
    prop::option::weighted(0.3, one).prop_map(|one| one.into_iter().collect())
}

fn volumes() -> impl Strategy<Value = Volumes> {
    // Of several places the last is told about, and what keeps a pod out there need not do so elsewhere.
    (0..4u32, prop::collection::vec(wish(), 0..2)).prop_map(|(own, places)| Volumes {
        places,
        own: if own > 0 { vec![(DRIVER.into(), own)] } else { vec![] },
        shared: vec![],
    })
}

fn class() -> impl Strategy<Value = PodClass> {
    let requests = (0..50i64, prop_oneof![3 => Just(0i64), 1 => 1..3i64]);
    let volumes = prop_oneof![2 => Just(Volumes::default()).boxed(), 1 => volumes().boxed()];
    let between = (subsequence(vec![0usize, 1], 0..=2), spread(), terms(), terms());
    (requests, wish(), wish(), any::<bool>(), ports(), volumes, between).prop_map(
        |((cpu, gpu), selector, term, tolerant, ports, volumes, (member_of, spread, affinity, anti_affinity))| {
            let tolerations = if tolerant { vec![Toleration::of_effect(Effect::NoSchedule)] } else { vec![] };
            PodClass {
                requests: Resources::new().with(CPU, cpu * 100).with(GPU, gpu).with(PODS, 1),
                selection: NodeSelection { selector, required: vec![term], preferred: vec![] },
                tolerations,
                ports,
                volumes,
                member_of,
                spread,
                affinity,
                anti_affinity,
                unsupported: vec![],
            }
        },
    )
}

/// Nodes that take nothing more, and what runs there.
fn nodes() -> impl Strategy<Value = Vec<(&'static str, Resident, u32)>> {
    let repels = prop::option::weighted(0.3, 0..2usize);
    let resident = (subsequence(vec![0usize, 1], 0..=2), repels).prop_map(|(member_of, repels)| Resident {
        member_of,
        repels: repels.map(|peers| PodTerm { key: ZONE.into(), peers }).into_iter().collect(),
    });
    prop::collection::vec((select(ZONES.to_vec()), resident, 1..3u32), 0..3)
}

prop_compose! {
    /// A pool, and a pod that has to find its place there.
    fn problem()(pool in pool(), daemons in daemons(), class in class(), nodes in nodes()) -> Problem {
        let mut problem = Problem {
            pods: vec![Pod { name: "default/pod".into(), uid: "1".into(), created: 0, class: 0 }],
            classes: vec![class],
            pools: vec![pool],
            daemons,
            peers: vec!["app=web".into(), "app=db".into()],
            well_known: [ZONE, CAPACITY_TYPE, INSTANCE_TYPE, FAMILY].into_iter().map(Name::from).collect(),
            ..Problem::default()
        };
        for (n, (zone, resident, count)) in nodes.into_iter().enumerate() {
            problem.residents.push(resident);
            let name = format!("n{n}");
            problem.nodes.push(Node {
                labels: Requirements::from_labels([(ZONE, zone), (HOSTNAME, name.as_str())]),
                name: name.as_str().into(),
                initialized: true,
                residents: vec![(n, count)],
                ..Node::default()
            });
        }
        problem
    }
}

/// What the pool has against the pod, if it has no place.
fn refusal(problem: &Problem) -> Option<Refusal> {
    let plan = plan(problem);
    let (_, why) = plan.unplaced.into_iter().next()?;
    match Unplaced::clone(&why) {
        Unplaced::Refused(mut refusals) => refusals.pop().map(|(_, refusal)| refusal),
        other => panic!("there is a pool, and it is asked: {other:?}"),
    }
}

/// The same problem with a pod that asks for nothing, and a pool that is full: since limits are looked at last, every other
/// reason is still told.
fn undemanding(problem: &Problem) -> Problem {
    let mut problem = problem.clone();
    let tolerations = problem.classes[0].tolerations.clone();
    let requests = Resources::new().with(PODS, 1);
    problem.classes[0] = PodClass { requests, tolerations, ..PodClass::default() };
    problem.pools[0].remaining = Some(Resources::new().with(CPU, -1));
    problem
}

/// The undemanding pod with nothing but this rule.
fn with_only(problem: &Problem, rule: &Rule) -> Problem {
    let class = &problem.classes[0];
    let mut alone = undemanding(problem);
    let pod = &mut alone.classes[0];
    match rule {
        Rule::Label { key, asked, .. } => pod.selection.selector.add(key, asked.clone()),
        Rule::NotOffered { asked } | Rule::Unavailable { asked } => {
            asked.iter().for_each(|(key, asked)| pod.selection.selector.add(key, asked.clone()));
        }
        Rule::Resource { resource, asked, .. } => pod.requests.set(resource.clone(), *asked),
        Rule::HostPort(port) => pod.ports = vec![port.clone()],
        Rule::VolumeLimit { .. } => pod.volumes = Volumes { places: vec![], ..class.volumes.clone() },
        Rule::DaemonSets { .. } => {}
        Rule::Limit { .. } => alone.pools[0].remaining.clone_from(&problem.pools[0].remaining),
    }
    alone
}

/// What a rule is about: two groups with the same are the same group.
fn subject(rule: &Rule) -> String {
    let keys = |asked: &[(Name, Requirement)]| asked.iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>();
    match rule {
        Rule::Label { key, .. } => format!("label {key}"),
        Rule::NotOffered { asked } => format!("not offered {:?}", keys(asked)),
        Rule::Unavailable { asked } => format!("unavailable {:?}", keys(asked)),
        Rule::DaemonSets { resource } => format!("daemons {resource}"),
        Rule::Resource { resource, .. } => format!("resource {resource}"),
        Rule::HostPort(port) => format!("port {}", port.port),
        Rule::VolumeLimit { driver, .. } => format!("volumes {driver}"),
        Rule::Limit { resource, .. } => format!("limit {resource}"),
    }
}

fn groups(refusal: &Refusal) -> &[Group] {
    match refusal {
        Refusal::NoInstanceType(lack) => &lack.excluded.groups,
        Refusal::EmptyPool(excluded) => &excluded.groups,
        _ => &[],
    }
}

/// Whether there would be as many types out if the pod asked for nothing but this.
fn is_enough_alone(problem: &Problem, group: &Group) -> Result<(), TestCaseError> {
    if let Rule::Limit { resource, left } = &group.rule {
        let larger = |t: &&Arc<InstanceType>| t.capacity.get(resource) > *left;
        let out = problem.pools[0].instance_types.iter().filter(larger).count();
        prop_assert!(out >= group.types, "{out} types are larger, of {group:?}");
        return Ok(());
    }
    let alone = refusal(&with_only(problem, &group.rule)).expect("a full pool has no place");
    let same = groups(&alone).iter().find(|other| subject(&other.rule) == subject(&group.rule));
    let out = same.map_or(0, |same| same.types);
    prop_assert!(out >= group.types, "alone it keeps {out} types out, of {group:?}: {alone:?}");
    Ok(())
}

/// Whether the pod would be refused for this rule if it had no other about pods and requested nothing.
fn is_refused_for(problem: &Problem, rule: &BetweenPods) -> bool {
    let mut alone = problem.clone();
    let class = &mut alone.classes[0];
    let is_it = |key: &Name, peers: usize| *key == rule.key && peers == rule.peers;
    let kept = |terms: &PodTerms, keep: bool| PodTerms {
        required: terms.required.iter().filter(|t| keep && is_it(&t.key, t.peers)).cloned().collect(),
        preferred: vec![],
    };
    class.requests = Resources::new().with(PODS, 1);
    class.ports.clear();
    class.spread.retain(|s| matches!(rule.rule, PodRule::Spread { .. }) && is_it(&s.key, s.peers));
    class.affinity = kept(&class.affinity, rule.rule == PodRule::Affinity);
    class.anti_affinity = kept(&class.anti_affinity, rule.rule == PodRule::AntiAffinity);
    if rule.rule != PodRule::Repelled {
        alone.residents.iter_mut().for_each(|r| r.repels.clear());
    }
    matches!(refusal(&alone), Some(Refusal::BetweenPods(found)) if found.rule == rule.rule && found.key == rule.key)
}

/// Every type is counted once, unless some are left that are too few.
fn adds_up(lack: &NoInstanceType) -> Result<(), TestCaseError> {
    let out: usize = lack.excluded.groups.iter().map(|group| group.types).sum();
    let subjects: BTreeSet<String> = lack.excluded.groups.iter().map(|group| subject(&group.rule)).collect();
    prop_assert_eq!(subjects.len(), lack.excluded.groups.len(), "each rule is told once: {:?}", lack);
    prop_assert!(lack.excluded.groups.iter().all(|group| group.types > 0));
    if lack.min_values.is_empty() {
        prop_assert_eq!(out, lack.excluded.types, "nothing else keeps types out: {:?}", lack);
    } else {
        prop_assert!(out < lack.excluded.types, "some types are left: {:?}", lack);
        prop_assert!(lack.min_values.iter().all(|few| few.left < few.asked), "{:?}", lack);
    }
    Ok(())
}

/// Nothing is told that is not so.
fn is_true(problem: &Problem, refusal: &Refusal) -> Result<(), TestCaseError> {
    groups(refusal).iter().try_for_each(|group| is_enough_alone(problem, group))?;
    match refusal {
        Refusal::EmptyPool(excluded) => {
            let out: usize = excluded.groups.iter().map(|group| group.types).sum();
            prop_assert_eq!((out, excluded.types), (excluded.types, problem.pools[0].instance_types.len()));
        }
        Refusal::Taints(taints) => {
            prop_assert!(taints == &[red()] && problem.classes[0].tolerations.is_empty());
        }
        Refusal::Selection(why) => {
            let [asked] = problem.classes[0].selection.strict().try_into().expect("one way to select");
            let found = problem.pools[0].requirements.compatible(&asked, &problem.well_known);
            prop_assert_eq!(found.err(), Some(why.clone()));
        }
        Refusal::NodeLimit => {
            let left = problem.pools[0].remaining.as_ref().map(|left| left.get(NODES));
            prop_assert!(left.is_some_and(|left| left <= 0));
        }
        Refusal::Volumes(places) => prop_assert_eq!(places.len(), problem.classes[0].volumes.places.len()),
        Refusal::BetweenPods(rule) => prop_assert!(is_refused_for(problem, rule), "{:?}", rule),
        Refusal::NoCommonDomain(rules) => {
            prop_assert!(rules.len() > 1, "{:?}", rules);
            for rule in rules {
                prop_assert!(!is_refused_for(problem, rule), "alone it leaves a place: {:?}", rule);
                prop_assert!(!rule.allowed.is_empty(), "{:?}", rule);
            }
        }
        Refusal::NoInstanceType(lack) => adds_up(lack)?,
        Refusal::Reserved(_) => prop_assert!(false, "there are no reservations"),
    }
    Ok(())
}

proptest! {
    // The same cases every time.
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn what_is_told_is_true(problem in problem()) {
        let Some(refusal) = refusal(&problem) else { return Ok(()) };
        is_true(&problem, &refusal)?;
    }

    #[test]
    fn a_pod_among_many_is_told_something_too(problem in problem(), copies in 2..5usize) {
        let mut problem = problem;
        problem.pods = (0..copies).map(|n| Pod {
            name: format!("default/pod-{n}").into(), uid: n.to_string().into(), created: 0, class: 0,
        }).collect();
        for (pod, why) in plan(&problem).unplaced {
            let class = problem.class_of(pod);
            prop_assert!(!why.explain(&problem, class).is_empty());
            prop_assert!(why.event(&problem, class).is_some_and(|event| event.starts_with("Failed to schedule pod, ")));
            if let Unplaced::Refused(refusals) = &*why {
                for (_, refusal) in refusals {
                    if let Refusal::NoInstanceType(lack) = refusal {
                        adds_up(lack)?;
                    }
                }
            }
        }
    }
}

/// Otherwise the tests above would prove nothing.
#[test]
fn problems_by_chance_are_refused_for_every_reason() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for _ in 0..3000 {
        let problem = problem().new_tree(&mut runner).expect("nothing is filtered out").current();
        let Some(refusal) = refusal(&problem) else { continue };
        let kind = match &refusal {
            Refusal::EmptyPool(_) => "empty pool",
            Refusal::Taints(_) => "taints",
            Refusal::Selection(_) => "selection",
            Refusal::NodeLimit => "node limit",
            Refusal::Volumes(_) => "volumes",
            Refusal::BetweenPods(rule) => match rule.rule {
                PodRule::Spread { .. } => "spread",
                PodRule::Affinity => "affinity",
                PodRule::AntiAffinity => "anti-affinity",
                PodRule::Repelled => "repelled",
            },
            Refusal::NoCommonDomain(_) => "no common domain",
            Refusal::NoInstanceType(lack) if lack.min_values.is_empty() => "no instance type",
            Refusal::NoInstanceType(_) => "too few values",
            Refusal::Reserved(_) => "reserved",
        };
        seen.insert(kind.to_owned());
        let rules = groups(&refusal).iter().map(|group| subject(&group.rule));
        seen.extend(rules.map(|rule| rule.split(' ').next().unwrap_or_default().to_owned()));
    }
    let expected = [
        "affinity",
        "anti-affinity",
        "daemons",
        "empty pool",
        "label",
        "limit",
        "no common domain",
        "no instance type",
        "node limit",
        "not",
        "port",
        "repelled",
        "resource",
        "selection",
        "spread",
        "taints",
        "too few values",
        "unavailable",
        "volumes",
    ];
    let missing: Vec<&str> = expected.into_iter().filter(|kind| !seen.contains(*kind)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}
