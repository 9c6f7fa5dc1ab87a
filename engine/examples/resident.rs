//! How much memory a large cluster takes, and how long it takes to take it in: 10,000 nodes that were bought, and 100,000 pods,
//! told one after the other as a watch would. Prints the resident memory of this program, in bytes, on systems that say.
//!
//! `cargo run --release -p dovetail-engine --example resident [nodes] [pods]`

use dovetail_cloudprovider::kwok;
use dovetail_engine::cluster::{Kind, Object};
use dovetail_engine::engine::Engine;
use dovetail_engine::event::Event;
use dovetail_engine::objects::Objects;
use dovetail_engine::provisioning::{Options, assemble};
use dovetail_engine::settings::Settings;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Instant;

/// Pods of DaemonSets on each node.
const DAEMONS: usize = 5;
/// Replicas of a Deployment.
const REPLICAS: usize = 100;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|a| a.parse::<usize>().ok());
    let nodes = numbers.next().unwrap_or(10_000);
    let pods = numbers.next().unwrap_or(100_000);
    let mut engine = Engine::with_rules(Settings::default(), &[]);
    let now = Timestamp::UNIX_EPOCH;
    let (before, began) = (resident(), Instant::now());
    let mut version = 0;
    let mut tell = |kind: Kind, mut object: Value| {
        version += 1;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        object["metadata"]["managedFields"] = json!([{"manager": "kubelet", "operation": "Update", "apiVersion": "v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {"f:conditions": {}}}}]);
        let object = match kind {
            Kind::Node => Object::Node(read(object)),
            Kind::NodeClaim => Object::NodeClaim(read(object)),
            _ => Object::Pod(read(object)),
        };
        engine.observe(Event::Applied(object), now);
    };
    for n in 0..nodes {
        tell(Kind::Node, node(n));
        tell(Kind::NodeClaim, claim(n));
    }
    let with_nodes = (tell_resident("nodes and claims", nodes, before), began.elapsed());
    for pod in 0..pods {
        let daemons = nodes * DAEMONS;
        let pod = if pod < daemons { daemon_pod(pod / DAEMONS, pod % DAEMONS) } else { replica(pod - daemons, nodes) };
        tell(Kind::Pod, pod);
    }
    tell_resident("pods", pods, with_nodes.0);
    println!("taken in, JSON included: {:?}", began.elapsed());
    println!("resident in all: {} bytes", resident());

    let began = Instant::now();
    let snapshot = engine.snapshot().clone();
    println!("a snapshot: {:?}", began.elapsed());
    let began = Instant::now();
    let catalogue = kwok::read("[]").expect("an empty catalogue");
    let round = assemble(&snapshot, &catalogue, &Options::default());
    println!("the problem of a round ({} nodes): {:?}", round.problem.nodes.len(), began.elapsed());

    let began = Instant::now();
    let objects = Objects { pods: (0..pods).map(|p| read(replica(p, 0))).collect(), ..Objects::default() };
    println!("{pods} pending pods as objects: {:?}", began.elapsed());
    let began = Instant::now();
    let snapshot = objects.snapshot();
    println!("and as a snapshot: {:?}", began.elapsed());
    let began = Instant::now();
    let round = assemble(&snapshot, &catalogue, &Options::default());
    println!("and as a problem of {} classes: {:?}", round.problem.classes.len(), began.elapsed());
}

fn read<T: serde::de::DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).expect("a readable manifest")
}

fn tell_resident(what: &str, number: usize, before: u64) -> u64 {
    let now = resident();
    println!("{number} {what}: {} bytes", now.saturating_sub(before));
    now
}

/// The resident memory of this program, in bytes; zero where nobody says.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|l| l.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn labels_of_node(n: usize) -> Value {
    let mut labels = json!({
        "karpenter.sh/nodepool": "default", "karpenter.sh/registered": "true", "karpenter.sh/initialized": "true",
        "karpenter.sh/capacity-type": "spot", "topology.kubernetes.io/zone": format!("us-west-2{}", ["a", "b", "c"][n % 3]),
        "topology.kubernetes.io/region": "us-west-2", "kubernetes.io/hostname": format!("ip-10-0-{}-{}", n / 256, n % 256),
        "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "node.kubernetes.io/instance-type": "m5.2xlarge",
        "topology.k8s.aws/zone-id": "usw2-az1", "karpenter.k8s.aws/ec2nodeclass": "default",
    });
    for key in [
        "category",
        "family",
        "generation",
        "size",
        "cpu",
        "cpu-manufacturer",
        "memory",
        "network-bandwidth",
        "hypervisor",
        "ebs-bandwidth",
        "encryption-in-transit-supported",
    ] {
        labels[format!("karpenter.k8s.aws/instance-{key}")] = json!("some-value");
    }
    labels
}

fn resources() -> Value {
    json!({"cpu": "7910m", "memory": "31482620Ki", "pods": "58", "ephemeral-storage": "18242267924", "hugepages-1Gi": "0",
        "hugepages-2Mi": "0"})
}

fn node(n: usize) -> Value {
    let condition = |type_: &str| {
        json!({"type": type_, "status": "False", "reason": "KubeletHasSufficientMemory", "message":
            "kubelet has sufficient memory available", "lastHeartbeatTime": "2026-01-01T00:00:00Z",
            "lastTransitionTime": "2026-01-01T00:00:00Z"})
    };
    let images: Vec<Value> = (0..30)
        .map(|i| json!({"names": [format!("registry/app-{i}@sha256:0123456789abcdef")], "sizeBytes": 12345}))
        .collect();
    json!({
        "metadata": {"name": format!("ip-10-0-{}-{}", n / 256, n % 256), "uid": format!("node-{n:032}"),
            "labels": labels_of_node(n), "finalizers": ["karpenter.sh/termination"],
            "annotations": {"alpha.kubernetes.io/provided-node-ip": "10.0.0.1", "node.alpha.kubernetes.io/ttl": "0"},
            "ownerReferences": [{"apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "name": format!("default-{n:05}"),
                "uid": format!("claim-{n:031}"), "blockOwnerDeletion": true}]},
        "spec": {"providerID": format!("aws:///us-west-2a/i-{n:017x}")},
        "status": {"capacity": resources(), "allocatable": resources(), "images": images,
            "conditions": [condition("MemoryPressure"), condition("DiskPressure"), condition("PIDPressure"), condition("Ready")],
            "nodeInfo": {"machineID": "0123456789abcdef0123456789abcdef", "systemUUID": "ec2-0123456789", "bootID": format!("boot-{n}"),
                "kernelVersion": "6.1.0", "osImage": "Bottlerocket", "containerRuntimeVersion": "containerd://1.7",
                "kubeletVersion": "v1.35.0", "kubeProxyVersion": "v1.35.0", "operatingSystem": "linux", "architecture": "amd64"}},
    })
}

fn claim(n: usize) -> Value {
    let types: Vec<String> = (0..60).map(|t| format!("m{t}.2xlarge")).collect();
    let requirement = |key: &str, values: Value| json!({"key": key, "operator": "In", "values": values});
    let condition = |type_: &str| {
        json!({"type": type_, "status": "True", "reason": type_, "message": "", "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z"})
    };
    json!({
        "metadata": {"name": format!("default-{n:05}"), "uid": format!("claim-{n:031}"), "labels": labels_of_node(n),
            "finalizers": ["karpenter.sh/termination"],
            "annotations": {"karpenter.sh/nodepool-hash": "12745407319442031341", "karpenter.sh/nodepool-hash-version": "v3"}},
        "spec": {"requirements": [requirement("node.kubernetes.io/instance-type", json!(types)),
                requirement("karpenter.sh/capacity-type", json!(["spot"])), requirement("karpenter.sh/nodepool", json!(["default"]))],
            "resources": {"requests": {"cpu": "5", "memory": "16Gi", "pods": "15"}},
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}, "expireAfter": "720h"},
        "status": {"providerID": format!("aws:///us-west-2a/i-{n:017x}"), "nodeName": format!("ip-10-0-{}-{}", n / 256, n % 256),
            "imageID": "ami-0123456789abcdef0", "capacity": resources(), "allocatable": resources(),
            "conditions": [condition("Launched"), condition("Registered"), condition("Initialized"), condition("Ready")]},
    })
}

fn pod(name: String, owner: Value, labels: Value, node: Option<usize>) -> Value {
    let env: Vec<Value> =
        (0..10).map(|i| json!({"name": format!("VARIABLE_{i}"), "value": "some value of it"})).collect();
    let status = match node {
        Some(_) => json!({"phase": "Running", "startTime": "2026-01-01T00:00:00Z", "podIP": "10.0.0.1", "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"},
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}),
        None => json!({"phase": "Pending"}),
    };
    json!({
        "metadata": {"name": name, "namespace": "default", "uid": format!("pod-{name:>32}"), "labels": labels,
            "ownerReferences": [owner], "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"nodeName": node.map(|n| format!("ip-10-0-{}-{}", n / 256, n % 256)),
            "containers": [{"name": "main", "image": "registry/app:1", "env": env, "resources":
                {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}}],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
            "volumes": [{"name": format!("kube-api-access-{name}"), "projected": {"sources": []}}]},
        "status": status,
    })
}

fn replica(n: usize, nodes: usize) -> Value {
    let set = n / REPLICAS;
    let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("app-{set}-5d8f7"), "uid": format!("set-{set:032}"), "controller": true});
    let labels = json!({"app": format!("app-{set}"), "pod-template-hash": "5d8f7", "team": "shop"});
    pod(format!("app-{set}-5d8f7-{n:05}"), owner, labels, (nodes > 0).then(|| n % nodes.max(1)))
}

fn daemon_pod(node: usize, set: usize) -> Value {
    let owner = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "name": format!("agent-{set}"), "uid": format!("agent-{set:030}"), "controller": true});
    let mut pod = pod(format!("agent-{set}-{node:05}"), owner, json!({"app": format!("agent-{set}")}), Some(node));
    let field =
        json!({"key": "metadata.name", "operator": "In", "values": [format!("ip-10-0-{}-{}", node / 256, node % 256)]});
    pod["spec"]["affinity"] = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
        {"nodeSelectorTerms": [{"matchFields": [field]}]}}});
    pod
}
