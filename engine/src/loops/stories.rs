//! Stories of the loops around NodeClaims and NodePools, and the builders that they share.

mod disruption;
mod garbage;
mod pools;
mod siblings;
mod static_pools;
mod together;

use crate::cluster::Kind;
use crate::rule::Rule;
use crate::testing_world::World;
use serde_json::{Value, json};

/// A world with a node class and a pool `web`.
fn given_a_pool(rules: &'static [Rule]) -> World {
    let mut world = World::new(rules);
    set_the_scene(&mut world);
    world
}

fn set_the_scene(world: &mut World) {
    world.put(json!({"kind": "KWOKNodeClass", "metadata": {"name": "default"}, "spec": {}}));
    world.put(json!({
        "kind": "NodePool", "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"requirements": [], "nodeClassRef": class()}}},
    }));
}

fn class() -> Value {
    json!({"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"})
}

/// A node of pool `web` that is up, with its claim and machine.
fn given_a_node(world: &mut World, name: &str) {
    let condition = |type_: &str| {
        let at = world.now.to_string();
        json!({"type": type_, "status": "True", "reason": type_, "message": "", "lastTransitionTime": at, "observedGeneration": 1})
    };
    let conditions: Vec<_> = ["Launched", "Registered", "Initialized", "Ready"].iter().map(|c| condition(c)).collect();
    let labels = json!({
        "karpenter.sh/nodepool": "web", "karpenter.kwok.sh/kwoknodeclass": "default", "karpenter.sh/registered": "true",
        "karpenter.sh/initialized": "true", "node.kubernetes.io/instance-type": "small",
        "topology.kubernetes.io/zone": "zone-a", "karpenter.sh/capacity-type": "on-demand",
    });
    let resources = json!({"cpu": "2", "memory": "4Gi", "pods": "20"});
    let finalizers = ["karpenter.sh/termination"];
    let id = format!("fake:///uid-{name}");
    let claim = json!({
        "kind": "NodeClaim",
        "metadata": {
            "name": name, "labels": labels, "finalizers": finalizers,
            "ownerReferences": [{"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "name": "web", "uid": "uid-web"}],
        },
        "spec": {"requirements": [], "nodeClassRef": class(), "resources": {"requests": {"cpu": "1"}}, "expireAfter": "Never"},
        "status": {
            "providerID": id, "nodeName": format!("node-{name}"), "capacity": resources, "allocatable": resources,
            "conditions": conditions,
        },
    });
    world.buy(name);
    world.put(claim);
    world.put(json!({
        "kind": "Node", "metadata": {"name": format!("node-{name}"), "labels": labels, "finalizers": finalizers},
        "spec": {"providerID": id},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "capacity": resources, "allocatable": resources},
    }));
}

/// A pod on that node.
fn given_a_pod(world: &mut World, name: &str, node: &str) {
    world.put(json!({
        "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": node, "containers": [{"name": "main", "resources": {"requests": {"cpu": "1"}}}]},
        "status": {"phase": "Running"},
    }));
}

/// What a claim says of its last pod event.
fn last_pod_event(world: &World, claim: &str) -> String {
    let claim = world.get(Kind::NodeClaim, claim).expect("the claim is there");
    claim["status"]["lastPodEventTime"].as_str().unwrap_or_default().to_owned()
}
