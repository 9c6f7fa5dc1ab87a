//! Karpenter's own scheduling benchmark, recreated: one NodePool, 400 instance types, pods with a fifth each of four rules
//! between pods and a fifth without any (specification "scheduling" 8). The draws are the same in every run, but not those
//! of Go's generator.

use crate::Dice;
use dovetail_scheduler::instance_type::{InstanceType, Offering, Overhead, Price};
use dovetail_scheduler::problem::{
    Classes, NodePool, NodeSelection, Pod, PodClass, PodTerm, PodTerms, Problem, Spread,
};
use dovetail_scheduler::requirement::{Name, Requirement};
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::{CPU, MEMORY, PODS, Resources};
use std::sync::Arc;

const ZONE: &str = "topology.kubernetes.io/zone";
const HOSTNAME: &str = "kubernetes.io/hostname";
const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
const TYPE: &str = "node.kubernetes.io/instance-type";
const ARCH: &str = "kubernetes.io/arch";
const OS: &str = "kubernetes.io/os";
const WAYS: [(&str, &str); 5] = [
    ("spot", "test-zone-1"),
    ("spot", "test-zone-2"),
    ("on-demand", "test-zone-1"),
    ("on-demand", "test-zone-2"),
    ("on-demand", "test-zone-3"),
];

/// The sets of pods that rules speak of: seven values of one label, seven of another, and the one of those that repel each
/// other.
const SPREAD_PEERS: usize = 0;
const AFFINITY_PEERS: usize = 7;
const NGINX: usize = 14;

/// Types of 1 to `n` CPUs, in five ways of buying at one price.
fn types(n: i64) -> Arc<[Arc<InstanceType>]> {
    let way = |(capacity_type, zone): &(&str, &str)| {
        Arc::new(Requirements::from_labels([(CAPACITY_TYPE, *capacity_type), (ZONE, *zone)]))
    };
    let ways: Vec<_> = WAYS.iter().map(way).collect();
    let one = |i: i64| {
        let (cpu, memory) = (i + 1, (2 * (i + 1)) << 30);
        #[allow(clippy::cast_precision_loss)] // small numbers
        let price = Price::from_dollars(0.1 * cpu as f64 + 0.1 * memory as f64 / 1e9);
        let name = format!("fake-it-{i}");
        let mut requirements = Requirements::from_labels([(TYPE, &*name), (ARCH, "amd64")]);
        requirements.add(OS, Requirement::any_of(["linux", "windows", "darwin"]));
        requirements.add(ZONE, Requirement::any_of(["test-zone-1", "test-zone-2", "test-zone-3"]));
        requirements.add(CAPACITY_TYPE, Requirement::any_of(["spot", "on-demand"]));
        let large = cpu > 4 && memory > (8 << 30);
        requirements.add("size", Requirement::any_of([if large { "large" } else { "small" }]));
        requirements.add("special", if large { Requirement::any_of(["optional"]) } else { Requirement::absent() });
        requirements.add("integer", Requirement::any_of([&*cpu.to_string()]));
        let offering = |way: &Arc<Requirements>| Offering {
            requirements: Arc::clone(way),
            price,
            available: true,
            reservation_capacity: None,
        };
        Arc::new(InstanceType {
            name: name.as_str().into(),
            requirements,
            offerings: ways.iter().map(offering).collect(),
            capacity: Resources::new().with(CPU, cpu * 1000).with(MEMORY, memory).with(PODS, 10 * (i + 1)),
            overhead: Overhead {
                kube_reserved: Resources::new().with(CPU, 100).with(MEMORY, 10 << 20),
                ..Overhead::default()
            },
            ..InstanceType::default()
        })
    };
    (0..n).map(one).collect()
}

fn empty_cluster() -> Problem {
    let well_known = [ZONE, CAPACITY_TYPE, TYPE, ARCH, OS, "size", "special", "integer"];
    Problem {
        well_known: well_known.into_iter().map(Name::from).collect(),
        peers: (0..=NGINX).map(|p| format!("set {p}").as_str().into()).collect(),
        pools: vec![NodePool {
            name: "default".into(),
            weight: 0,
            requirements: Requirements::from_labels([("karpenter.sh/nodepool", "default")]),
            taints: vec![],
            instance_types: types(400),
            remaining: Some(Resources::new().with(CPU, 100_000_000_000).with(MEMORY, 100_000_000 << 30)),
        }],
        ..Problem::default()
    }
}

fn requests(dice: &mut Dice) -> Resources {
    let cpu = dice.pick(&[100, 250, 500, 1000, 1500]);
    let memory = dice.pick(&[100, 256, 512, 1024, 2048, 4096]);
    Resources::new().with(CPU, cpu).with(MEMORY, memory << 20).with(PODS, 1)
}

/// Pods of five kinds, so many in all.
pub fn diverse(pods: usize) -> Problem {
    let mut problem = empty_cluster();
    let mut classes = Classes::default();
    let mut dice = Dice(42);
    for i in 0..pods {
        let kind = if pods < 5 { 4 } else { (i / (pods / 5)).min(4) };
        let mut class = PodClass::default();
        match kind {
            0 | 1 => {
                class.member_of = vec![SPREAD_PEERS + dice.roll(7)];
                let key = if kind == 0 { ZONE } else { HOSTNAME };
                class.spread = vec![Spread::evenly(key, SPREAD_PEERS + dice.roll(7), 1)];
            }
            2 => {
                let peers = AFFINITY_PEERS + dice.roll(7);
                class.member_of = vec![peers];
                class.affinity.required = vec![PodTerm { key: ZONE.into(), peers }];
            }
            3 => {
                class.member_of = vec![NGINX];
                class.anti_affinity.required = vec![PodTerm { key: HOSTNAME.into(), peers: NGINX }];
            }
            _ => class.member_of = vec![SPREAD_PEERS + dice.roll(7)],
        }
        class.requests = requests(&mut dice);
        add(&mut problem, &mut classes, class, i, &mut dice);
    }
    problem
}

/// Pods of one size that prefer a zone, and to be apart from one another.
pub fn with_preferences(pods: usize) -> Problem {
    let mut problem = empty_cluster();
    let mut classes = Classes::default();
    let mut dice = Dice(42);
    let apart = |key: &str| PodTerm { key: key.into(), peers: NGINX };
    let class = PodClass {
        requests: requests(&mut dice),
        member_of: vec![NGINX],
        selection: NodeSelection {
            preferred: vec![(1, Requirements::from_labels([(ZONE, "test-zone-1")]))],
            ..NodeSelection::default()
        },
        anti_affinity: PodTerms { required: vec![], preferred: vec![(10, apart(ZONE)), (1, apart(HOSTNAME))] },
        ..PodClass::default()
    };
    for i in 0..pods {
        add(&mut problem, &mut classes, class.clone(), i, &mut dice);
    }
    problem
}

fn add(problem: &mut Problem, classes: &mut Classes, class: PodClass, i: usize, dice: &mut Dice) {
    let class = classes.intern(problem, class);
    let uid: Name = format!("{:08x}{i:08}", dice.roll(1 << 31)).as_str().into();
    problem.pods.push(Pod { name: format!("default/pod-{i}").as_str().into(), uid, created: 0, class });
}
