//! One small story for every kind of refusal: what there is, who comes, and what is found to stand in the way.

use crate::greedy::plan;
use crate::instance_type::{InstanceType, Offering, Price};
use crate::problem::{
    DaemonPod, HostPort, MinValuesPolicy, Node, NodePool, Pod, PodClass, PodTerm, PodTerms, Problem, Reservations,
    Resident, Spread, Volumes,
};
use crate::reasons::{BetweenPods, Excluded, Group, PodRule, Refusal, Reserved, Rule, Unplaced};
use crate::requirement::{Name, Operator, Requirement};
use crate::requirements::Requirements;
use crate::resources::{CPU, MEMORY, NODES, PODS, Resources};
use crate::taint::{Effect, Taint};
use crate::verify::verify;
use dovetail_api::labels::{CAPACITY_TYPE, HOSTNAME, INSTANCE_TYPE, NODEPOOL, ZONE};
use std::sync::Arc;

const GPU: &str = "nvidia.com/gpu";
const DRIVER: &str = "ebs.csi.aws.com";
const RESERVATION: &str = "karpenter.k8s.aws/capacity-reservation-id";

fn any_of(values: &[&str]) -> Requirement {
    Requirement::any_of(values.iter().copied())
}

fn only(key: &str, values: &[&str]) -> Requirements {
    [(key, any_of(values))].into_iter().collect()
}

fn offering(labels: &[(&str, &str)]) -> Offering {
    Offering {
        requirements: Arc::new(Requirements::from_labels(labels.iter().copied())),
        price: Price::from_dollars(1.0),
        available: true,
        reservation_capacity: None,
    }
}

/// A type of so many cores and twice as many GiB, sold on demand in zones a and b.
fn machine(name: &str, cores: i64) -> InstanceType {
    let mut requirements = Requirements::from_labels([(INSTANCE_TYPE, name), ("family", &name[..1])]);
    requirements.add(ZONE, any_of(&["a", "b"]));
    requirements.add(CAPACITY_TYPE, any_of(&["on-demand", "spot", "reserved"]));
    InstanceType {
        name: name.into(),
        requirements,
        offerings: ["a", "b"].map(|zone| offering(&[(ZONE, zone), (CAPACITY_TYPE, "on-demand")])).to_vec(),
        capacity: Resources::new().with(CPU, cores * 1000).with(MEMORY, cores << 31).with(PODS, 10),
        ..InstanceType::default()
    }
}

/// A pool of c-2, c-16, m-4 and g-4, which has a GPU.
fn pool() -> NodePool {
    let mut gpu = machine("g-4", 4);
    gpu.capacity.set(GPU, 1);
    pool_of(vec![machine("c-2", 2), machine("c-16", 16), machine("m-4", 4), gpu])
}

fn pool_of(types: Vec<InstanceType>) -> NodePool {
    NodePool {
        name: "default".into(),
        weight: 0,
        requirements: Requirements::from_labels([(NODEPOOL, "default")]),
        taints: vec![],
        instance_types: types.into_iter().map(Arc::new).collect(),
        remaining: None,
    }
}

fn needs(cpu: i64) -> PodClass {
    PodClass { requests: Resources::new().with(CPU, cpu).with(PODS, 1), ..PodClass::default() }
}

fn selecting(mut class: PodClass, key: &str, values: &[&str]) -> PodClass {
    class.selection.selector.add(key, any_of(values));
    class
}

/// One pod of each class.
fn problem(pools: Vec<NodePool>, classes: Vec<PodClass>) -> Problem {
    let pod = |class: usize| {
        let name: Name = format!("default/pod-{class}").into();
        Pod { uid: name.clone(), name, created: 0, class }
    };
    Problem {
        pods: (0..classes.len()).map(pod).collect(),
        classes,
        pools,
        peers: vec!["app=web".into(), "app=db".into()],
        well_known: [ZONE, CAPACITY_TYPE, INSTANCE_TYPE, "family", RESERVATION].into_iter().map(Name::from).collect(),
        ..Problem::default()
    }
}

/// Why the last pod has no place.
fn unplaced(problem: &Problem) -> Unplaced {
    let plan = plan(problem);
    if let Err(violations) = verify(problem, &plan) {
        panic!("{}", violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }
    let last = problem.pods.len() - 1;
    let why = plan.unplaced.iter().find(|(pod, _)| *pod == last).expect("the last pod has no place");
    Unplaced::clone(&why.1)
}

/// Why the only pool refused the last pod.
fn refusal(problem: &Problem) -> Refusal {
    let Unplaced::Refused(mut refusals) = unplaced(problem) else { panic!("the pod is refused") };
    assert_eq!(refusals.len(), 1);
    refusals.remove(0).1
}

/// What keeps the types of the only pool out.
fn groups(problem: &Problem) -> Vec<Group> {
    match refusal(problem) {
        Refusal::NoInstanceType(lack) => lack.excluded.groups,
        Refusal::EmptyPool(Excluded { groups, .. }) => groups,
        other => panic!("the pool has types for the pod: {other:?}"),
    }
}

fn group(types: usize, example: &str, rule: Rule) -> Group {
    Group { rule, types, example: example.into() }
}

fn short(resource: &str, asked: i64, most: i64) -> Rule {
    Rule::Resource { resource: resource.into(), asked, most }
}

fn label(key: &str, asked: &[&str], has: &[&str]) -> Rule {
    Rule::Label { key: key.into(), asked: any_of(asked), has: Some(any_of(has)) }
}

fn asked(labels: &[(&str, &str)]) -> Vec<(Name, Requirement)> {
    labels.iter().map(|(key, value)| (Name::from(*key), any_of(&[value]))).collect()
}

#[test]
fn every_type_is_counted_once_for_the_first_rule_that_keeps_it_out() {
    let pod = selecting(needs(20_000), "family", &["c"]);
    assert_eq!(
        groups(&problem(vec![pool()], vec![pod])),
        [group(2, "g-4", label("family", &["c"], &["g"])), group(2, "c-16", short(CPU, 20_000, 16_000))]
    );
}

#[test]
fn what_machines_are_bought_for_is_told_before_what_all_of_them_have() {
    let pod = PodClass { requests: needs(5000).requests.with(GPU, 1), ..PodClass::default() };
    let problem = problem(vec![pool()], vec![pod]);
    assert_eq!(groups(&problem), [group(3, "c-16", short(GPU, 1, 0)), group(1, "g-4", short(CPU, 5000, 4000))]);
    let Refusal::NoInstanceType(lack) = refusal(&problem) else { panic!("no type will do") };
    assert!(lack.scarce.is_empty(), "there is a type with a GPU, and one with so many cores");
}

#[test]
fn where_a_type_is_not_sold_is_told_by_the_label_that_alone_is_enough() {
    let mut only_a = machine("m-4", 4);
    only_a.offerings.truncate(1);
    let in_zone = |zone| selecting(needs(100), ZONE, &[zone]);
    let types = || vec![only_a.clone(), machine("c-2", 2)];
    let elsewhere = groups(&problem(vec![pool_of(types())], vec![selecting(in_zone("b"), "family", &["m"])]));
    assert_eq!(
        elsewhere,
        [
            group(1, "c-2", label("family", &["m"], &["c"])),
            group(1, "m-4", Rule::NotOffered { asked: asked(&[(ZONE, "b")]) })
        ]
    );
    let spot = selecting(needs(100), CAPACITY_TYPE, &["spot"]);
    assert_eq!(
        groups(&problem(vec![pool_of(types())], vec![spot])),
        [group(2, "c-2", Rule::NotOffered { asked: asked(&[(CAPACITY_TYPE, "spot")]) })]
    );
}

#[test]
fn a_combination_that_is_not_sold_is_told_as_one() {
    let mut mixed = machine("c-2", 2);
    mixed.offerings =
        vec![offering(&[(ZONE, "a"), (CAPACITY_TYPE, "spot")]), offering(&[(ZONE, "b"), (CAPACITY_TYPE, "on-demand")])];
    let pod = selecting(selecting(needs(100), ZONE, &["a"]), CAPACITY_TYPE, &["on-demand"]);
    let both = asked(&[(ZONE, "a"), (CAPACITY_TYPE, "on-demand")]);
    assert_eq!(
        groups(&problem(vec![pool_of(vec![mixed])], vec![pod])),
        [group(1, "c-2", Rule::NotOffered { asked: both })]
    );
}

#[test]
fn what_is_sold_out_at_the_moment_is_not_told_as_though_it_were_never_sold() {
    let mut sold_out = machine("c-2", 2);
    sold_out.offerings[1].available = false;
    let mut gone = machine("m-4", 4);
    gone.offerings.iter_mut().for_each(|o| o.available = false);
    let mut never = machine("x-1", 1);
    never.offerings.clear();
    let problem = problem(vec![pool_of(vec![sold_out, gone, never])], vec![selecting(needs(100), ZONE, &["b"])]);
    assert_eq!(
        groups(&problem),
        [
            group(1, "x-1", Rule::NotOffered { asked: vec![] }),
            group(2, "c-2", Rule::Unavailable { asked: asked(&[(ZONE, "b")]) })
        ]
    );
}

fn daemon(class: PodClass) -> DaemonPod {
    DaemonPod {
        name: "kube-system/agent".into(),
        requests: class.requests,
        selection: class.selection,
        tolerations: class.tolerations,
        ports: class.ports,
    }
}

#[test]
fn types_that_daemon_sets_fill_alone_are_told_so() {
    let mut problem = problem(vec![pool()], vec![needs(14_000)]);
    problem.daemons.push(daemon(needs(3000)));
    assert_eq!(
        groups(&problem),
        [group(1, "c-2", Rule::DaemonSets { resource: CPU.into() }), group(3, "c-16", short(CPU, 14_000, 13_000)),]
    );
}

fn port(number: u16) -> HostPort {
    HostPort { ip: None, port: number, protocol: "TCP".into() }
}

#[test]
fn a_port_that_a_daemon_set_takes_is_told_where_it_takes_it() {
    let pod = PodClass { ports: vec![port(80), port(81)], ..needs(3000) };
    let mut problem = problem(vec![pool()], vec![pod]);
    problem.daemons.push(daemon(PodClass { ports: vec![port(81)], ..needs(100) }));
    assert_eq!(groups(&problem), [group(1, "c-2", short(CPU, 3000, 1900)), group(3, "c-16", Rule::HostPort(port(81)))]);
    let error = unplaced(&problem).error(&problem, &problem.classes[0]).expect("an error");
    let words = "no instance type met the scheduling requirements or had enough resources or had a required offering";
    assert!(error.starts_with(words), "a type with a clashing port counts for nothing: {error}");
    assert!(error.ends_with("resources={\"cpu\":\"3\",\"pods\":\"1\"}"), "{error}");
}

#[test]
fn volumes_that_cannot_all_be_attached_are_counted_by_driver() {
    let mut small = machine("c-2", 2);
    small.volume_limits = vec![(DRIVER.into(), 2)];
    let mut large = machine("c-16", 16);
    large.volume_limits = vec![(DRIVER.into(), 3)];
    let volumes = Volumes {
        own: vec![(DRIVER.into(), 2)],
        shared: ["default/x", "default/y"].map(|claim| (DRIVER.into(), claim.into())).to_vec(),
        ..Volumes::default()
    };
    let problem = problem(vec![pool_of(vec![small, large])], vec![PodClass { volumes, ..needs(100) }]);
    assert_eq!(groups(&problem), [group(2, "c-16", Rule::VolumeLimit { driver: DRIVER.into(), asked: 4, most: 3 })]);
}

#[test]
fn what_is_left_of_a_limit_after_others_have_taken_of_it_is_told() {
    let limited = NodePool { remaining: Some(Resources::new().with(CPU, 19_000)), ..pool() };
    let rest = selecting(needs(3500), ZONE, &["b"]);
    let problem = problem(vec![limited], vec![selecting(needs(15_000), ZONE, &["a"]), rest]);
    let left = Rule::Limit { resource: CPU.into(), left: 3000 };
    assert_eq!(groups(&problem), [group(1, "c-2", short(CPU, 3500, 2000)), group(3, "c-16", left)]);
}

#[test]
fn a_pool_without_types_says_what_its_own_requirements_exclude() {
    let mut empty = pool();
    empty.requirements.add("family", any_of(&["c"]));
    empty.requirements.add(CAPACITY_TYPE, any_of(&["spot"]));
    let problem = problem(vec![empty], vec![needs(100)]);
    assert!(matches!(refusal(&problem), Refusal::EmptyPool(Excluded { types: 4, .. })));
    assert_eq!(
        groups(&problem),
        [
            group(2, "g-4", label("family", &["c"], &["g"])),
            group(2, "c-16", Rule::NotOffered { asked: asked(&[(CAPACITY_TYPE, "spot")]) })
        ]
    );
}

#[test]
fn too_few_values_are_told_when_types_are_left() {
    let mut varied = pool();
    varied.requirements.add("family", Requirement::exists().with_min_values(Some(3)));
    let mut problem = problem(vec![varied], vec![needs(3000)]);
    problem.daemons.push(daemon(selecting(needs(3000), "family", &["m"])));
    let Refusal::NoInstanceType(lack) = refusal(&problem) else { panic!("no type will do") };
    let few: Vec<(&str, u32, u32)> = lack.min_values.iter().map(|f| (f.key.as_ref(), f.asked, f.left)).collect();
    assert_eq!(few, [("family", 3, 2)]);
    assert_eq!(lack.excluded.groups, [group(2, "c-2", short(CPU, 3000, 2000))]);
    problem.settings.min_values = MinValuesPolicy::BestEffort;
    assert!(plan(&problem).unplaced.is_empty());
}

#[test]
fn taints_labels_and_the_number_of_nodes_keep_a_pod_from_a_whole_pool() {
    let red = Taint { key: "team".into(), value: "red".into(), effect: Effect::NoSchedule };
    let tainted = NodePool { taints: vec![red.clone()], ..pool() };
    assert_eq!(refusal(&problem(vec![tainted], vec![needs(100)])), Refusal::Taints(vec![red]));
    let lost = selecting(needs(100), "team", &["red"]);
    assert!(matches!(refusal(&problem(vec![pool()], vec![lost])), Refusal::Selection(_)));
    let full = NodePool { remaining: Some(Resources::new().with(NODES, 0)), ..pool() };
    assert_eq!(refusal(&problem(vec![full], vec![needs(100)])), Refusal::NodeLimit);
}

#[test]
fn volumes_that_are_where_the_pool_is_not_are_told_place_by_place() {
    let in_zones = |zones: &[&str]| {
        let places = zones.iter().map(|zone| only(ZONE, &[zone])).collect();
        PodClass { volumes: Volumes { places, ..Volumes::default() }, ..needs(100) }
    };
    let mut zonal = pool();
    zonal.requirements.add(ZONE, any_of(&["a"]));
    let Refusal::Volumes(places) = refusal(&problem(vec![zonal.clone()], vec![in_zones(&["b", "c"])])) else {
        panic!("the volumes are elsewhere")
    };
    let said: Vec<String> = places.iter().map(ToString::to_string).collect();
    let clash = |zone: &str| format!("key {ZONE}, {ZONE} In [{zone}] not in {ZONE} In [a]");
    assert_eq!(said, [clash("b"), clash("c")]);
    let one_will_do =
        problem(vec![zonal], vec![PodClass { requests: needs(99_000).requests, ..in_zones(&["b", "a"]) }]);
    assert!(matches!(refusal(&one_will_do), Refusal::NoInstanceType(_)));
    let nowhere = groups(&problem(vec![pool()], vec![in_zones(&["c"])]));
    assert_eq!(nowhere, [group(4, "c-16", label(ZONE, &["c"], &["a", "b"]))], "the pool itself would not mind");
}

const WEB: usize = 0;
const DB: usize = 1;

fn term(key: &str, peers: usize) -> PodTerm {
    PodTerm { key: key.into(), peers }
}

fn terms(terms: &[PodTerm]) -> PodTerms {
    PodTerms { required: terms.to_vec(), preferred: vec![] }
}

/// A node of zone a, too small for anything, where so many pods of a kind run.
fn full_node(problem: &mut Problem, resident: Resident, n: u32) {
    problem.residents.push(resident);
    let name = format!("n{}", problem.nodes.len());
    problem.nodes.push(Node {
        name: name.as_str().into(),
        initialized: true,
        labels: Requirements::from_labels([(ZONE, "a"), (HOSTNAME, name.as_str())]),
        residents: vec![(problem.residents.len() - 1, n)],
        ..Node::default()
    });
}

/// The one rule between pods that stands in the way.
fn rule(problem: &Problem) -> BetweenPods {
    match refusal(problem) {
        Refusal::BetweenPods(rule) => *rule,
        other => panic!("it is for other pods that the pool refuses: {other:?}"),
    }
}

fn counts(rule: &BetweenPods) -> Vec<(&str, u32)> {
    rule.counts.listed().iter().map(|(domain, n)| (domain.as_ref(), *n)).collect()
}

fn even(key: &str, min_domains: Option<u32>) -> Spread {
    Spread { min_domains, ..Spread::evenly(key, WEB, 1) }
}

#[test]
fn spreading_that_leaves_no_zone_is_told_with_the_counts_of_all_zones() {
    let web = PodClass { spread: vec![even(ZONE, Some(3))], member_of: vec![WEB], ..needs(100) };
    let mut problem = problem(vec![pool()], vec![web.clone(), web.clone(), web]);
    problem.pods.iter_mut().for_each(|pod| pod.class = 0);
    let found = rule(&problem);
    assert_eq!(found.rule, PodRule::Spread { max_skew: 1, min_domains: Some(3) });
    assert_eq!((&*found.key, found.peers, counts(&found)), (ZONE, WEB, vec![("a", 1), ("b", 1)]));
    assert_eq!((&found.asked, &found.offered), (&Requirement::exists(), &Requirement::exists()));
    assert!(found.allowed.is_empty());
}

#[test]
fn pods_that_are_nowhere_or_elsewhere_are_told_as_affinity() {
    let near_db = |key: &str| PodClass { affinity: terms(&[term(key, DB)]), ..needs(100) };
    let found = rule(&problem(vec![pool()], vec![near_db(ZONE)]));
    assert_eq!((found.rule, found.peers, counts(&found)), (PodRule::Affinity, DB, vec![("a", 0), ("b", 0)]));

    let mut elsewhere = problem(vec![pool()], vec![selecting(near_db(ZONE), ZONE, &["b"])]);
    full_node(&mut elsewhere, Resident { member_of: vec![DB], ..Resident::default() }, 2);
    let found = rule(&elsewhere);
    assert_eq!(
        (counts(&found), &found.asked, &found.offered),
        (vec![("a", 2), ("b", 0)], &any_of(&["b"]), &any_of(&["b"]))
    );

    let mut same_node = problem(vec![pool()], vec![needs(100), near_db(HOSTNAME)]);
    full_node(&mut same_node, Resident { member_of: vec![DB], ..Resident::default() }, 2);
    let found = rule(&same_node);
    assert_eq!((&*found.key, found.rule), (HOSTNAME, PodRule::Affinity));
    assert_eq!(counts(&found), [("hostname-placeholder-0001", 0), ("n0", 2)]);
    assert_eq!(found.offered, any_of(&["hostname-placeholder-0002"]), "the node that would be bought for it");
}

#[test]
fn pods_that_are_everywhere_are_told_as_anti_affinity_and_by_whose() {
    let away = |peers| terms(&[term(ZONE, peers)]);
    let lonely = selecting(PodClass { anti_affinity: away(DB), ..needs(100) }, ZONE, &["a"]);
    let mut own = problem(vec![pool()], vec![lonely]);
    full_node(&mut own, Resident { member_of: vec![DB], ..Resident::default() }, 1);
    let found = rule(&own);
    assert_eq!((found.rule, found.peers, counts(&found)), (PodRule::AntiAffinity, DB, vec![("a", 1), ("b", 0)]));

    let web = selecting(PodClass { member_of: vec![WEB], ..needs(100) }, ZONE, &["a"]);
    let mut others = problem(vec![pool()], vec![web]);
    full_node(&mut others, Resident { repels: vec![term(ZONE, WEB)], ..Resident::default() }, 1);
    let found = rule(&others);
    assert_eq!((found.rule, found.peers, counts(&found)), (PodRule::Repelled, WEB, vec![("a", 1), ("b", 0)]));
}

#[test]
fn rules_that_only_together_leave_nothing_are_all_told_with_what_each_allows() {
    let web = PodClass { affinity: terms(&[term(ZONE, DB)]), anti_affinity: terms(&[term(ZONE, WEB)]), ..needs(100) };
    let mut problem = problem(vec![pool()], vec![web]);
    full_node(&mut problem, Resident { member_of: vec![WEB, DB], ..Resident::default() }, 1);
    let Refusal::NoCommonDomain(rules) = refusal(&problem) else { panic!("each rule leaves a zone") };
    let said: Vec<(PodRule, Vec<&str>)> =
        rules.iter().map(|r| (r.rule, r.allowed.iter().map(AsRef::as_ref).collect())).collect();
    assert_eq!(said, [(PodRule::Affinity, vec!["a"]), (PodRule::AntiAffinity, vec!["b"])]);
}

#[test]
fn rules_between_pods_are_not_blamed_for_what_labels_or_sizes_exclude() {
    let web = PodClass { spread: vec![even(ZONE, None)], member_of: vec![WEB], ..needs(100) };
    let of_no_family = selecting(web.clone(), "family", &["z"]);
    let found = groups(&problem(vec![pool()], vec![of_no_family]));
    assert_eq!(found, [group(4, "c-16", label("family", &["z"], &["c"]))]);
    let huge = PodClass { requests: needs(99_000).requests, ..web };
    assert_eq!(groups(&problem(vec![pool()], vec![huge])), [group(4, "c-16", short(CPU, 99_000, 16_000))]);
}

#[test]
fn types_are_looked_at_in_the_domains_that_rules_between_pods_leave() {
    let mut only_a = machine("m-4", 4);
    only_a.offerings.truncate(1);
    let lonely = PodClass { anti_affinity: terms(&[term(ZONE, DB)]), ..needs(100) };
    let mut problem = problem(vec![pool_of(vec![only_a, machine("c-16", 16)])], vec![lonely.clone(), lonely]);
    problem.classes[1].requests = needs(17_000).requests;
    full_node(&mut problem, Resident { member_of: vec![DB], ..Resident::default() }, 1);
    let not_in_b = Rule::NotOffered { asked: asked(&[(ZONE, "b")]) };
    assert_eq!(groups(&problem), [group(1, "m-4", not_in_b), group(1, "c-16", short(CPU, 17_000, 16_000))]);
}

/// A type that is sold on demand in zone a and, with so many units left, from a reservation there.
fn reserved(units: u32, on_demand: bool) -> NodePool {
    let mut it = machine("c-2", 2);
    it.offerings.truncate(usize::from(on_demand));
    let mut from_reservation = offering(&[(ZONE, "a"), (CAPACITY_TYPE, "reserved"), (RESERVATION, "cr-1")]);
    from_reservation.reservation_capacity = Some(units);
    it.offerings.push(from_reservation);
    pool_of(vec![it])
}

#[test]
fn a_pod_that_waits_for_reserved_capacity_is_not_refused() {
    let mut problem = problem(vec![reserved(1, true), pool()], vec![needs(1500), needs(1400)]);
    problem.reservations = Some(Reservations { label: RESERVATION.into(), strict: true });
    let waits = Refusal::Reserved(Reserved::Spoken(vec!["cr-1".into()]));
    assert_eq!(unplaced(&problem), Unplaced::Deferred(vec![(0, waits)]), "the other pool is not asked");
    assert_eq!(unplaced(&problem).event(&problem, &problem.classes[1]), None);
    problem.reservations = Some(Reservations { label: RESERVATION.into(), strict: false });
    assert!(plan(&problem).unplaced.is_empty(), "it could be bought on demand all the time");
}

#[test]
fn reserved_capacity_that_is_full_with_nothing_beside_is_a_refusal() {
    let mut problem = problem(vec![reserved(0, false)], vec![needs(1500)]);
    problem.reservations = Some(Reservations { label: RESERVATION.into(), strict: true });
    assert_eq!(refusal(&problem), Refusal::Reserved(Reserved::Full(vec!["cr-1".into()])));
}

#[test]
fn what_is_told_is_told_of_the_pod_without_its_preferences() {
    let mut wishing = needs(99_000);
    wishing.selection.required = vec![only("family", &["m"]), only("family", &["c"])];
    wishing.selection.preferred = vec![(1, only(ZONE, &["b"]))];
    let problem = problem(vec![pool()], vec![wishing]);
    assert_eq!(
        groups(&problem),
        [group(2, "g-4", label("family", &["c"], &["g"])), group(2, "c-16", short(CPU, 99_000, 16_000))],
        "of several ways to select nodes the last is told"
    );
    let Refusal::NoInstanceType(lack) = refusal(&problem) else { panic!("no type will do") };
    assert_eq!(lack.asked.get(ZONE), None, "the wish has been given up");
}

#[test]
fn without_pools_and_with_rules_that_nobody_keeps_there_is_nothing_to_ask() {
    assert_eq!(unplaced(&problem(vec![], vec![needs(100)])), Unplaced::NoPools);
    let odd = PodClass { unsupported: vec!["clairvoyance".into()], ..needs(100) };
    assert_eq!(unplaced(&problem(vec![pool()], vec![odd])), Unplaced::NotYetSupported(vec!["clairvoyance".into()]));
}

#[test]
fn a_label_that_pod_and_pool_exclude_together_is_told_as_what_is_left_of_it() {
    let mut pool = pool();
    pool.requirements.add("family", Requirement::new(Operator::NotIn, &["c"]).expect("readable"));
    let pod = selecting(needs(99_000), "family", &["c", "m"]);
    assert_eq!(
        groups(&problem(vec![pool], vec![pod])),
        [group(1, "g-4", label("family", &["m"], &["g"])), group(1, "m-4", short(CPU, 99_000, 4000))],
        "the pool's types are those that its own requirements leave"
    );
}
