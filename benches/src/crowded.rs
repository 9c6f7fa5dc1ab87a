//! A large cluster that is nearly full, and a wave of pods that wants in.

use crate::Dice;
use crate::upstream::diverse;
use dovetail_scheduler::problem::{Node, Problem, Resident};
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::{CPU, MEMORY, PODS, Resources};

/// So many nodes of 8 CPUs in three zones with `per_node` pods each, which belong to the same sets as the `pending` pods of
/// Karpenter's benchmark. A tenth of the nodes has room to speak of; on the others a small pod may find some.
pub fn crowded_cluster(nodes: usize, per_node: u32, pending: usize) -> Problem {
    let mut problem = diverse(pending);
    problem.residents =
        (0..=7).map(|p| Resident { member_of: if p < 7 { vec![p] } else { vec![] }, repels: vec![] }).collect();
    let mut dice = Dice(7);
    for n in 0..nodes {
        let name = format!("node-{n:05}");
        let zone = format!("test-zone-{}", n % 3 + 1);
        let size = format!("fake-it-{}", 7);
        let mut labels = Requirements::from_labels([
            ("topology.kubernetes.io/zone", &*zone),
            ("kubernetes.io/hostname", &*name),
            ("node.kubernetes.io/instance-type", &*size),
            ("karpenter.sh/capacity-type", "on-demand"),
            ("karpenter.sh/nodepool", "default"),
        ]);
        for label in ["kubernetes.io/arch", "kubernetes.io/os", "integer", "size", "special"] {
            labels.add(label, dovetail_scheduler::requirement::Requirement::any_of(["some"]));
        }
        let roomy = dice.roll(10) == 0;
        let (cpu, memory) = if roomy { (3000, 6 << 30) } else { (dice.pick(&[0, 50, 100, 200]), 128 << 20) };
        let mut residents: Vec<(usize, u32)> = vec![];
        for _ in 0..per_node {
            let kind = dice.roll(8);
            match residents.iter_mut().find(|(r, _)| *r == kind) {
                Some((_, count)) => *count += 1,
                None => residents.push((kind, 1)),
            }
        }
        problem.nodes.push(Node {
            name: name.as_str().into(),
            initialized: true,
            labels,
            available: Resources::new().with(CPU, cpu).with(MEMORY, memory).with(PODS, 40),
            residents,
            ..Node::default()
        });
    }
    problem.sort();
    problem
}
