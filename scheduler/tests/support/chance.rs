//! Problems by chance, for properties that hold for all of a kind.

use super::{
    Ask, CAPACITY_TYPE, FAMILY, GPU, HOST, Story, TYPE, ZONE, ZONES, machine, node, offering, only, pool, read,
    requests, sold_as, wants,
};
use dovetail_scheduler::instance_type::InstanceType;
use dovetail_scheduler::problem::{DaemonPod, HostPort, Node, NodePool, PodClass, Problem, Resident};
use dovetail_scheduler::resources::{CPU, MEMORY, NODES, Resources};
use dovetail_scheduler::taint::{Comparison, Effect, Taint, Toleration};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Which rules pods have between each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rules {
    /// None.
    Nobody,
    /// Such as a new host always satisfies: anti-affinity and spread by host name.
    ByHost,
    /// All there are.
    All,
}

/// What a problem may have in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) rules: Rules,
    pub(crate) limits: bool,
}

/// The sets of pods that rules speak of.
const SETS: usize = 3;

fn types() -> impl Strategy<Value = Vec<InstanceType>> {
    let mut gpu = machine("g.4", 4, 16, 1.0);
    gpu.capacity.set(GPU, 1);
    let spot = sold_as("s.8", 8, 16, vec![offering("a", "spot", 0.2), offering("b", "on-demand", 0.7)]);
    let all = vec![
        machine("c.2", 2, 4, 0.1),
        machine("c.16", 16, 32, 0.8),
        machine("m.4", 4, 16, 0.25),
        sold_as("m.8", 8, 32, vec![offering("b", "on-demand", 0.5), offering("c", "on-demand", 0.45)]),
        gpu,
        spot,
    ];
    subsequence(all, 1..=6)
}

fn red(effect: Effect) -> Taint {
    Taint { key: "team".into(), value: "red".into(), effect }
}

fn pools(kind: Kind) -> impl Strategy<Value = Vec<NodePool>> {
    let taint = weighted(0.2, select(vec![Effect::NoSchedule, Effect::PreferNoSchedule]));
    let zones = weighted(0.3, subsequence(ZONES.to_vec(), 1..=2));
    let families = weighted(0.2, 1..3u32);
    let limit = weighted(
        0.4,
        prop_oneof![
            (1..30i64).prop_map(|n| (CPU, n * 1000)),
            (1..60i64).prop_map(|n| (MEMORY, n << 30)),
            (0..4i64).prop_map(|n| (NODES, n))
        ],
    );
    let one = (types(), 0..3i32, taint, zones, families, limit);
    vec(one, 0..=3).prop_map(move |all| {
        let made = all.into_iter().enumerate().map(|(n, (types, weight, taint, zones, families, limit))| {
            let mut made = pool(["first", "second", "third"][n], types);
            made.weight = weight;
            made.taints = taint.map(red).into_iter().collect();
            if let Some(zones) = zones {
                made.requirements.add(ZONE, read("In", &zones));
            }
            if families.is_some() {
                made.requirements.add(FAMILY, read("Exists", &[]).with_min_values(families));
            }
            made.remaining =
                limit.filter(|_| kind.limits).map(|(resource, amount)| Resources::new().with(resource, amount));
            made
        });
        made.collect()
    })
}

/// One rule of a class.
#[derive(Clone, Debug)]
enum Rule {
    Spread { key: &'static str, set: usize, skew: u32, min_domains: Option<u32>, required: bool },
    Near { key: &'static str, set: usize, required: bool },
    Away { key: &'static str, set: usize, required: bool },
}

fn rule(rules: Rules) -> BoxedStrategy<Rule> {
    if rules < Rules::All {
        return prop_oneof![
            (0..SETS).prop_map(|set| Rule::Away { key: HOST, set, required: true }),
            (0..SETS, 1..3u32).prop_map(|(set, skew)| Rule::Spread {
                key: HOST,
                set,
                skew,
                min_domains: None,
                required: true
            }),
        ]
        .boxed();
    }
    let key = || select(vec![ZONE, ZONE, HOST, CAPACITY_TYPE]);
    let required = || prop::bool::weighted(0.7);
    prop_oneof![
        3 => (key(), 0..SETS, 1..3u32, weighted(0.2, 1..4u32), required())
            .prop_map(|(key, set, skew, min_domains, required)| Rule::Spread { key, set, skew, min_domains, required }),
        2 => (key(), 0..SETS, required()).prop_map(|(key, set, required)| Rule::Near { key, set, required }),
        2 => (key(), 0..SETS, required()).prop_map(|(key, set, required)| Rule::Away { key, set, required }),
    ]
    .boxed()
}

fn keep(class: &mut PodClass, rule: Rule) {
    let plain = std::mem::take(class);
    *class = match rule {
        Rule::Spread { key, set, skew, min_domains, required } => {
            let mut made = plain.spread(key, set, skew);
            if let Some(last) = made.spread.last_mut() {
                (last.min_domains, last.required) = (min_domains.filter(|_| required), required);
            }
            made
        }
        Rule::Near { key, set, required: true } => plain.near(key, set),
        Rule::Away { key, set, required: true } => plain.away(key, set),
        Rule::Near { key, set, .. } => {
            let mut made = plain.near(key, set);
            made.affinity.preferred.extend(made.affinity.required.pop().map(|term| (5, term)));
            made
        }
        Rule::Away { key, set, .. } => {
            let mut made = plain.away(key, set);
            made.anti_affinity.preferred.extend(made.anti_affinity.required.pop().map(|term| (7, term)));
            made
        }
    };
}

fn class(kind: Kind) -> impl Strategy<Value = PodClass> {
    let size = (0..40i64, 0..12i64, weighted(0.1, Just(1i64)));
    let selector = prop_oneof![
        4 => Just(None),
        2 => select(ZONES.to_vec()).prop_map(|z| Some((ZONE, "In", vec![z]))),
        1 => select(ZONES.to_vec()).prop_map(|z| Some((ZONE, "NotIn", vec![z]))),
        1 => select(vec!["c", "m"]).prop_map(|f| Some((FAMILY, "In", vec![f]))),
        1 => Just(Some((TYPE, "NotIn", vec!["c.2"]))),
    ];
    let sets = subsequence((0..SETS).collect::<Vec<_>>(), 0..=2);
    let most = if kind.rules == Rules::Nobody { 0 } else { 2 };
    let wish = weighted(0.2, select(ZONES.to_vec()));
    let port = weighted(0.15, select(vec![80u16, 443]));
    (size, selector, prop::bool::weighted(0.3), sets, vec(rule(kind.rules), 0..=most), wish, port).prop_map(
        |((cpu, memory, gpu), selector, tolerant, sets, rules, wish, port)| {
            let mut made = wants(cpu * 100, memory);
            if let Some(gpus) = gpu {
                made.requests.set(GPU, gpus);
            }
            if let Some((key, operator, values)) = selector {
                made = made.selecting(key, operator, &values);
            }
            if tolerant {
                let any =
                    Toleration { key: "team".into(), comparison: Comparison::Exists, value: "".into(), effect: None };
                made.tolerations.push(any);
            }
            made.selection.preferred.extend(wish.map(|zone| (3, only(ZONE, "In", &[zone]))));
            made.ports.extend(port.map(|port| HostPort { ip: None, port, protocol: "TCP".into() }));
            made = sets.into_iter().fold(made, Ask::of);
            rules.into_iter().for_each(|rule| keep(&mut made, rule));
            made
        },
    )
}

/// A node with some room, and how many pods of each set run there.
fn nodes() -> impl Strategy<Value = Vec<(Node, Vec<u32>)>> {
    let one = (
        select(ZONES.to_vec()),
        0..80i64,
        0..20i64,
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.15),
        vec(0..2u32, SETS),
    );
    vec(one, 0..=4).prop_map(|all| {
        let made = all.into_iter().enumerate().map(|(n, (zone, cpu, memory, initialized, tainted, residents))| {
            let mut made = node(&format!("node-{n}"), zone);
            made.available = requests(cpu * 100, memory).with("pods", 20);
            made.initialized = initialized;
            made.taints.extend(tainted.then(|| red(Effect::NoSchedule)));
            (made, residents)
        });
        made.collect()
    })
}

fn daemons() -> impl Strategy<Value = Vec<DaemonPod>> {
    let one = (0..10i64, weighted(0.3, select(ZONES.to_vec()))).prop_map(|(cpu, zone)| {
        let mut made =
            DaemonPod { name: "kube-system/agent".into(), requests: requests(cpu * 100, 0), ..DaemonPod::default() };
        if let Some(zone) = zone {
            made.selection.selector = only(ZONE, "In", &[zone]);
        }
        made
    });
    vec(one, 0..=1)
}

/// A problem of this kind.
pub(crate) fn problem(kind: Kind) -> impl Strategy<Value = Problem> {
    let classes = vec((class(kind), 1..6usize), 1..8);
    (pools(kind), nodes(), daemons(), classes).prop_map(|(pools, nodes, daemons, classes)| {
        let mut story = Story::new(pools);
        let sets: Vec<usize> = (0..SETS).map(|n| story.set(&format!("app=set-{n}"))).collect();
        story.problem.residents = sets.iter().map(|set| Resident { member_of: vec![*set], repels: vec![] }).collect();
        for (mut node, counts) in nodes {
            node.residents = counts.into_iter().enumerate().filter(|(_, count)| *count > 0).collect();
            story.problem.nodes.push(node);
        }
        story.problem.daemons = daemons;
        for (n, (class, count)) in classes.into_iter().enumerate() {
            story.come(count, &format!("pod-{n}"), class);
        }
        story.problem.sort();
        story.problem
    })
}
