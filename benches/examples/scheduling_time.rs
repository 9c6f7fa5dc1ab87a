//! Plans Karpenter's own benchmark and a crowded cluster once each and prints how long it took: a quick look, where
//! `cargo bench` is a careful one.

use dovetail_benches::{crowded_cluster, diverse, with_preferences};
use dovetail_scheduler::cost::Memory;
use dovetail_scheduler::policy::{self, Policy, Search};
use dovetail_scheduler::problem::Problem;
use std::time::Instant;

fn main() {
    let mut sizes: Vec<usize> = std::env::args().skip(1).filter_map(|n| n.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![500, 1_000, 5_000, 20_000, 100_000];
    }
    let policy = policy::by_name("karpenter").expect("the baseline is always there");
    for pods in sizes {
        tell(policy, &format!("diverse {pods}"), &diverse(pods));
    }
    tell(policy, "with preferences 4000", &with_preferences(4_000));
    tell(policy, "1000 into 10000 nodes", &crowded_cluster(10_000, 10, 1_000));
}

fn tell(policy: &dyn Policy, what: &str, problem: &Problem) {
    let start = Instant::now();
    let plan = policy.plan(problem, &Search::default(), &mut Memory::default());
    println!(
        "{what}: {:.1} ms, {} nodes, {} of {} pods placed, {} classes",
        start.elapsed().as_secs_f64() * 1e3,
        plan.claims.len(),
        plan.placed(),
        problem.pods.len(),
        problem.classes.len(),
    );
}
