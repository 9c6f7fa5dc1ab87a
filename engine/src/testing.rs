//! Builders for stories: clusters as manifests, a small catalogue, and what a round and a plan make of them.

use crate::objects::Objects;
use crate::provisioning::{Options, Round, assemble};
use dovetail_cloudprovider::kwok::{self, KwokCatalogue};
use dovetail_scheduler::cost::Memory;
use dovetail_scheduler::policy::{self, Search};
use serde_json::{Value, json};

/// Two types in each of these zones: 2 cores for $0.10 and 8 cores for $0.40.
pub(crate) fn catalogue(zones: &[&str]) -> KwokCatalogue {
    let machine = |name: &str, cpu: u32, memory: &str, price: f64| {
        let offering = |zone: &&str| {
            json!({"Price": price, "Available": true, "Requirements": [
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
                {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]},
            ]})
        };
        json!({
            "name": name, "architecture": "amd64", "operatingSystems": ["linux"],
            "resources": {"cpu": cpu.to_string(), "memory": memory, "pods": "20"},
            "overhead": {"cpu": "0", "memory": "0"},
            "offerings": zones.iter().map(offering).collect::<Vec<_>>(),
        })
    };
    let machines = json!([machine("small", 2, "4Gi", 0.1), machine("large", 8, "16Gi", 0.4)]);
    kwok::read(&machines.to_string()).expect("a readable catalogue")
}

/// A cluster, as manifests, and how rounds are made in it.
#[derive(Clone, Default)]
pub(crate) struct Cluster {
    pub(crate) objects: Objects,
    pub(crate) options: Options,
    /// Zones besides `zone-a`.
    other_zones: Vec<&'static str>,
}

impl Cluster {
    /// One more object.
    pub(crate) fn with(mut self, object: Value) -> Self {
        fn read<T: serde::de::DeserializeOwned>(object: Value) -> T {
            serde_json::from_value(object).expect("a readable manifest")
        }
        match object["kind"].as_str().expect("a kind") {
            "NodePool" => self.objects.node_pools.push(read(object)),
            "NodeOverlay" => self.objects.node_overlays.push(read(object)),
            "NodeClaim" => self.objects.node_claims.push(read(object)),
            "Node" => self.objects.nodes.push(read(object)),
            "Pod" => self.objects.pods.push(read(object)),
            "DaemonSet" => self.objects.daemon_sets.push(read(object)),
            "Service" => self.objects.services.push(read(object)),
            "ReplicaSet" => self.objects.replica_sets.push(read(object)),
            "Namespace" => self.objects.namespaces.push(read(object)),
            other => panic!("no story has a {other}"),
        }
        self
    }

    /// Several pods that are alike.
    pub(crate) fn pods(self, name: &str, n: usize, spec: &Value) -> Self {
        (0..n).fold(self, |cluster, i| cluster.with(pod(&format!("{name}-{i}"), spec)))
    }

    /// Machines can be had in one more zone.
    pub(crate) fn and_in(mut self, zone: &'static str) -> Self {
        self.other_zones.push(zone);
        self
    }

    /// What is made of it.
    pub(crate) fn round(&self) -> Round {
        let zones: Vec<&str> = ["zone-a"].into_iter().chain(self.other_zones.iter().copied()).collect();
        assemble(&self.objects.snapshot(), &catalogue(&zones), &self.options)
    }

    /// What is bought, what goes onto nodes that are there, and what is left over.
    pub(crate) fn outcome(&self) -> Vec<String> {
        let round = self.round();
        assert_eq!(round.bad_input, []);
        let problem = &round.problem;
        let plan = policy::run(
            policy::by_name("karpenter").expect("the baseline"),
            problem,
            &Search::default(),
            &mut Memory::default(),
        );
        let names = |pods: &[usize]| {
            pods.iter().map(|p| problem.pods[*p].name.replace("default/", "")).collect::<Vec<_>>().join(" ")
        };
        let bought = plan
            .claims
            .iter()
            .map(|c| format!("buy {}: {}", c.type_names(problem).next().unwrap_or("nothing"), names(&c.pods)));
        let used = plan.existing.iter().map(|e| format!("use {}: {}", problem.nodes[e.node].name, names(&e.pods)));
        let left = plan
            .unplaced
            .iter()
            .map(|(p, why)| format!("{}: {}", names(&[*p]), why.explain(problem, problem.class_of(*p))));
        let rejected = round.rejected.iter().map(|(pod, why)| format!("{}: {why}", pod.replace("default/", "")));
        bought.chain(used).chain(left).chain(rejected).collect()
    }
}

/// A pod of this spec in `default`.
pub(crate) fn pod(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "uid": name}, "spec": spec})
}

/// The spec of a pod that needs so much CPU.
pub(crate) fn needs(cpu: &str) -> Value {
    json!({"containers": [{"name": "main", "image": "app", "resources": {"requests": {"cpu": cpu}}}]})
}

/// The spec with one more field.
pub(crate) fn and(mut spec: Value, field: &str, value: Value) -> Value {
    spec[field] = value;
    spec
}

/// A NodePool with some fields changed, each named by its path.
pub(crate) fn pool(name: &str, changes: &[(&str, Value)]) -> Value {
    let mut pool = json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name},
        "spec": {"template": {"spec": {
            "requirements": [],
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
        }}},
    });
    for (pointer, value) in changes {
        let (parent, field) = pointer.rsplit_once('/').expect("a path");
        pool.pointer_mut(parent).expect("a known parent")[field] = value.clone();
    }
    pool
}

/// A node with so much CPU and these labels.
pub(crate) fn node(name: &str, cpu: &str, labels: Value) -> Value {
    let resources = json!({"cpu": cpu, "memory": "16Gi", "pods": "20"});
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
        "spec": {"providerID": format!("kwok://{name}")}, "status": {"capacity": resources, "allocatable": resources},
    })
}

/// The NodeClaim that a node was bought by.
pub(crate) fn claim(name: &str, node: &str, cpu: &str) -> Value {
    let resources = json!({"cpu": cpu, "memory": "16Gi", "pods": "20"});
    json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
        "metadata": {"name": name, "labels": {"karpenter.sh/nodepool": "default"}},
        "spec": {
            "requirements": [], "startupTaints": [{"key": "boot", "effect": "NoExecute"}],
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
        },
        "status": {"providerID": format!("kwok://{node}"), "capacity": resources, "allocatable": resources},
    })
}

/// The label of a node that its claim has found.
pub(crate) const REGISTERED: &str = "karpenter.sh/registered";
