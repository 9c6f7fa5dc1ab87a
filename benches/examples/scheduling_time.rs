//! Plans Karpenter's own benchmark and a crowded cluster once each and prints how long it took: a quick look, where
//! `cargo bench` is a careful one. Arguments are names of policies and numbers of pods, in any order; of policies
//! `karpenter` if none is named.

use dovetail_benches::{crowded_cluster, diverse, with_preferences};
use dovetail_scheduler::cost::Memory;
use dovetail_scheduler::policy::{self, Policy, Search};
use dovetail_scheduler::problem::Problem;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut policies: Vec<&dyn Policy> = arguments.iter().filter_map(|name| policy::by_name(name)).collect();
    if policies.is_empty() {
        policies = policy::by_name("karpenter").into_iter().collect();
    }
    let mut sizes: Vec<usize> = arguments.iter().filter_map(|n| n.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![500, 1_000, 5_000, 20_000, 100_000];
    }
    for pods in sizes {
        tell(&policies, &format!("diverse {pods}"), &diverse(pods));
    }
    tell(&policies, "with preferences 4000", &with_preferences(4_000));
    tell(&policies, "1000 into 10000 nodes", &crowded_cluster(10_000, 10, 1_000));
}

fn tell(policies: &[&dyn Policy], what: &str, problem: &Problem) {
    for policy in policies {
        let start = Instant::now();
        let plan = policy.plan(problem, &Search::default(), &mut Memory::default());
        println!(
            "{what}, {}: {:.1} ms, {:.2} $/h, {} nodes, {} of {} pods placed, {} classes",
            policy.name(),
            start.elapsed().as_secs_f64() * 1e3,
            plan.cost().dollars(),
            plan.claims.len(),
            plan.placed(),
            problem.pods.len(),
            problem.classes.len(),
        );
    }
}
