//! How long it takes to evaluate NodeOverlays against the whole EC2 catalogue for several pools.

#![allow(missing_docs)] // the macros make items of their own

use criterion::{Criterion, criterion_group, criterion_main};
use dovetail_api::node_overlay::NodeOverlay;
use dovetail_api::node_pool::NodePool;
use dovetail_cloudprovider::ec2::{Catalogue, Ec2Settings};
use dovetail_cloudprovider::source::{Ec2Source, InstanceTypeSource};
use dovetail_engine::overlays::{Offer, evaluate};
use dovetail_scheduler::instance_type::InstanceType;
use serde_json::{Value, json};
use std::hint::black_box;
use std::sync::Arc;

const OVERLAYS: usize = 100;
const POOLS: usize = 10;

/// One overlay of each weight, so that none is in conflict.
fn overlays(requirements: impl Fn(usize) -> Value) -> Vec<NodeOverlay> {
    let overlay = |n: usize| {
        let spec = json!({
            "requirements": requirements(n), "weight": n + 1, "priceAdjustment": format!("-{}%", n % 100),
            "capacity": {"example.com/dongle": n.to_string()},
        });
        let metadata = json!({"name": format!("overlay-{n}")});
        let object =
            json!({"apiVersion": "karpenter.sh/v1alpha1", "kind": "NodeOverlay", "metadata": metadata, "spec": spec});
        serde_json::from_value(object).expect("a readable NodeOverlay")
    };
    (0..OVERLAYS).map(overlay).collect()
}

fn offers(types: &Arc<[Arc<InstanceType>]>) -> Vec<Offer> {
    let offer = |n: usize| {
        let class = json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"});
        let pool: NodePool = serde_json::from_value(json!({
            "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": format!("pool-{n}")},
            "spec": {"template": {"spec": {"requirements": [], "nodeClassRef": class}}},
        }))
        .expect("a readable NodePool");
        Offer::new(&pool, Arc::clone(types))
    };
    (0..POOLS).map(offer).collect()
}

fn evaluating(c: &mut Criterion) {
    let catalogue = Catalogue::embedded().expect("the catalogue inside");
    let source = Ec2Source::new(catalogue, "us-east-1", Ec2Settings::default()).expect("a known region");
    let types = source.instance_types(&NodePool::default(), None).expect("what EC2 sells");
    let offers = offers(&types);
    let named = |n: usize| {
        let name = &*types[n * types.len() / OVERLAYS].name;
        json!([{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": [name]}])
    };
    let spot = |n: usize| {
        json!([
            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]},
            {"key": "karpenter.k8s.aws/instance-cpu", "operator": "Gt", "values": [n.to_string()]},
        ])
    };
    // The worst: every overlay concerns every type, and no two pools see the same.
    let everything = |_| json!([{"key": "karpenter.sh/nodepool", "operator": "NotIn", "values": ["other"]}]);
    let mut group = c.benchmark_group("overlays");
    group.sample_size(10);
    for (name, overlays) in [("named", overlays(named)), ("spot", overlays(spot)), ("everything", overlays(everything))]
    {
        group.bench_with_input(name, &overlays, |b, overlays| {
            b.iter(|| black_box(evaluate(black_box(overlays), &offers, source.well_known())));
        });
    }
    group.finish();
}

criterion_group!(benches, evaluating);
criterion_main!(benches);
