//! How long first fit takes, and how that grows with the number of pods.

#![allow(missing_docs)] // the macros make items of their own

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dovetail_benches::gpu_cluster;
use dovetail_scheduler::policy;
use std::hint::black_box;

fn first_fit(c: &mut Criterion) {
    let karpenter = policy::by_name("karpenter").expect("the baseline is always there");
    let mut group = c.benchmark_group("first-fit");
    group.sample_size(10);
    for pods in [1_000, 8_000, 80_000] {
        // Eighty thousand pods of as many kinds do not happen, and would take the benchmark minutes.
        for (name, kinds, zoned) in [("plain", 110, false), ("zoned", 110, true), ("all-different", pods, false)] {
            if name == "all-different" && pods > 8_000 {
                continue;
            }
            let problem = gpu_cluster(pods, kinds, zoned);
            group.throughput(Throughput::Elements(u64::try_from(pods).expect("a small number")));
            group.bench_with_input(BenchmarkId::new(name, pods), &problem, |b, problem| {
                b.iter(|| black_box(karpenter.plan(black_box(problem))));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, first_fit);
criterion_main!(benches);
