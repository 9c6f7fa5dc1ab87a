//! Made-up clusters for benchmarks: always the same, of the shape of a production GPU cluster, in any size.
//!
//! They need no files. Real traces are measured with `dovetail plan --trace`.

mod crowded;
mod upstream;

pub use crowded::crowded_cluster;
pub use upstream::{diverse, with_preferences};

use dovetail_scheduler::instance_type::{InstanceType, Offering, Price};
use dovetail_scheduler::problem::{Classes, NodePool, Pod, PodClass, Problem};
use dovetail_scheduler::requirement::{Name, Requirement};
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::{CPU, MEMORY, PODS, Resources};
use std::sync::Arc;

const ZONE: &str = "topology.kubernetes.io/zone";
const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
const GPU: &str = "nvidia.com/gpu";
const ZONES: [&str; 3] = ["zone-a", "zone-b", "zone-c"];

/// A small generator of pseudo-random numbers (Knuth's MMIX constants): the same everywhere, and no dependency.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits fit") % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

/// Machines of 80 families in 6 sizes, 480 in all; six of the families have GPUs.
pub fn machines() -> Arc<[Arc<InstanceType>]> {
    let way = |zone: &&str| Arc::new(Requirements::from_labels([(ZONE, *zone), (CAPACITY_TYPE, "on-demand")]));
    let ways: Vec<_> = ZONES.iter().map(way).collect();
    let mut out = vec![];
    for family in 0..80i64 {
        for size in 0..6u32 {
            let cpu = 4 << size;
            let memory_per_cpu = [2, 4, 8][usize::try_from(family % 3).expect("below three")];
            let gpus = if family >= 74 { [1, 1, 1, 4, 4, 8][size as usize] } else { 0 };
            let name = format!("f{family}.{size}");
            let mut capacity = Resources::new()
                .with(CPU, cpu * 1000 - 80 - family)
                .with(MEMORY, (cpu * memory_per_cpu) << 30)
                .with(PODS, 58 + 60 * i64::from(size));
            if gpus > 0 {
                capacity.set(GPU, gpus);
            }
            #[allow(clippy::cast_precision_loss)] // small numbers
            let dollars =
                0.03 * cpu as f64 + 0.004 * (cpu * memory_per_cpu) as f64 + 0.5 * gpus as f64 + 0.0001 * family as f64;
            let offering = |way: &Arc<Requirements>| Offering {
                requirements: Arc::clone(way),
                price: Price::from_dollars(dollars),
                available: true,
                reservation_capacity: None,
            };
            let mut requirements = Requirements::from_labels([("node.kubernetes.io/instance-type", &name)]);
            requirements.add(ZONE, Requirement::any_of(ZONES));
            requirements.add(CAPACITY_TYPE, Requirement::any_of(["on-demand"]));
            out.push(Arc::new(InstanceType {
                name: name.as_str().into(),
                requirements,
                offerings: ways.iter().map(offering).collect(),
                capacity,
                ..InstanceType::default()
            }));
        }
    }
    out.into()
}

/// A problem of `pods` pods in so many classes, six in seven of which ask for a GPU; with `zoned`, a third of the classes
/// insist on a zone. Production traces have about 110 classes; as many as pods is the worst that can come.
pub fn gpu_cluster(pods: usize, kinds: usize, zoned: bool) -> Problem {
    let mut problem = Problem {
        well_known: [ZONE, CAPACITY_TYPE, "node.kubernetes.io/instance-type"].into_iter().map(Name::from).collect(),
        pools: vec![NodePool {
            name: "default".into(),
            weight: 0,
            requirements: Requirements::from_labels([
                ("karpenter.sh/nodepool", "default"),
                (CAPACITY_TYPE, "on-demand"),
            ]),
            taints: vec![],
            instance_types: machines(),
            remaining: None,
        }],
        ..Problem::default()
    };
    let mut dice = Dice(20_231_123);
    let mut classes = Classes::default();
    let mut known: Vec<usize> = vec![];
    while known.len() < kinds {
        let cpu = dice.pick(&[500, 1000, 2000, 4000, 6000, 8000, 11_400, 16_000, 32_000]);
        let memory = (dice.pick(&[1, 2, 4, 8, 16, 24, 32, 64]) << 30) + i64::try_from(known.len()).expect("few");
        let mut requests = Resources::new().with(CPU, cpu).with(MEMORY, memory).with(PODS, 1);
        if dice.roll(7) > 0 {
            requests.set(GPU, dice.pick(&[1, 1, 1, 1, 2, 4, 8]));
        }
        let mut class = PodClass { requests, ..PodClass::default() };
        if zoned && dice.roll(3) == 0 {
            class.selection.selector = Requirements::from_labels([(ZONE, dice.pick(&ZONES))]);
        }
        let class = classes.intern(&mut problem, class);
        known.push(class);
    }
    for i in 0..pods {
        let class = known[dice.roll(kinds).min(dice.roll(kinds))]; // some classes are much more common than others
        let uid: Name = format!("{i:08}").as_str().into();
        problem.pods.push(Pod { name: format!("default/pod-{i}").as_str().into(), uid, created: 0, class });
    }
    problem
}
