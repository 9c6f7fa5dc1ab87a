//! How long every policy takes, and how that grows with the number of pods; and what it costs to check a plan.

#![allow(missing_docs)] // the macros make items of their own

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dovetail_benches::{crowded_cluster, diverse, gpu_cluster, with_preferences};
use dovetail_scheduler::cost::Memory;
use dovetail_scheduler::policy::{self, POLICIES, Search};
use dovetail_scheduler::problem::Problem;
use dovetail_scheduler::verify::verify;
use std::hint::black_box;

/// Clusters by name and number of pods. Eighty thousand pods of as many kinds do not happen, and would take minutes.
fn clusters() -> impl Iterator<Item = (&'static str, usize, Problem)> {
    let shapes = |pods: usize| [("plain", 110, false), ("zoned", 110, true), ("all-different", pods, false)];
    [1_000, 8_000, 80_000]
        .into_iter()
        .flat_map(move |pods| shapes(pods).map(|(name, kinds, zoned)| (name, pods, kinds, zoned)))
        .filter(|(name, pods, ..)| *name != "all-different" || *pods <= 8_000)
        .map(|(name, pods, kinds, zoned)| (name, pods, gpu_cluster(pods, kinds, zoned)))
}

fn policies(c: &mut Criterion) {
    for policy in POLICIES {
        let mut group = c.benchmark_group(policy.name());
        group.sample_size(10);
        for (name, pods, problem) in clusters() {
            group.throughput(Throughput::Elements(u64::try_from(pods).expect("a small number")));
            group.bench_with_input(BenchmarkId::new(name, pods), &problem, |b, problem| {
                b.iter(|| black_box(policy.plan(black_box(problem), &Search::default(), &mut Memory::default())));
            });
        }
        group.finish();
    }
}

fn checking(c: &mut Criterion) {
    let mut group = c.benchmark_group("verify");
    group.sample_size(10);
    let baseline = policy::by_name("karpenter").expect("the baseline is always there");
    for (name, pods, problem) in clusters().filter(|(_, pods, _)| *pods == 8_000) {
        let plan = baseline.plan(&problem, &Search::default(), &mut Memory::default());
        group.bench_with_input(BenchmarkId::new(name, pods), &(problem, plan), |b, (problem, plan)| {
            b.iter(|| black_box(verify(black_box(problem), black_box(plan))));
        });
    }
    group.finish();
}

/// Karpenter's own benchmark, and a crowded cluster.
fn rules_between_pods(c: &mut Criterion) {
    let mut group = c.benchmark_group("rules between pods");
    group.sample_size(10);
    let baseline = policy::by_name("karpenter").expect("the baseline is always there");
    let mut problems: Vec<(String, Problem)> =
        [1_000, 5_000, 20_000, 100_000].into_iter().map(|pods| (format!("diverse/{pods}"), diverse(pods))).collect();
    problems.push(("with preferences/4000".to_owned(), with_preferences(4_000)));
    problems.push(("1000 into 10000 nodes".to_owned(), crowded_cluster(10_000, 10, 1_000)));
    for (name, problem) in &problems {
        group.bench_with_input(BenchmarkId::from_parameter(name), problem, |b, problem| {
            b.iter(|| black_box(baseline.plan(black_box(problem), &Search::default(), &mut Memory::default())));
        });
    }
    group.finish();
}

criterion_group!(benches, policies, rules_between_pods, checking);
criterion_main!(benches);
