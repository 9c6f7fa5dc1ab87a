//! What is there before any pod is placed: nodes with their claims, in every stage of a node's life, and volumes. What runs
//! on them, the themes say.

use super::draft::{ARCH, CAPACITY_TYPE, Draft, FAMILY, HOST, TYPE, ZONE, ZONES, merge};
use serde_json::{Value, json};

pub(super) const DRIVER: &str = "ebs.csi.aws.com";
const NOW: &str = "2025-12-31T00:00:00Z";

/// How far a node has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A machine was asked for; there is a claim and no node.
    Launched,
    /// The node is there and still has the taints that it started with.
    Starting,
    /// It takes pods.
    Ready,
    /// It takes no more pods, and those that it has must go elsewhere.
    Leaving,
    /// It is no node of Karpenter's.
    Foreign,
}

/// A node of type m5.2xlarge.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) name: String,
    pub(super) stage: Stage,
    pub(super) zone: &'static str,
    pub(super) capacity_type: &'static str,
    pub(super) taints: Vec<Value>,
    /// Taints that its pool says will go away.
    pub(super) startup_taints: Vec<Value>,
    pub(super) labels: Value,
}

impl Draft {
    pub(super) fn machine(&mut self, number: usize, stage: Stage) -> Machine {
        Machine {
            name: format!("node-{number}"),
            stage,
            zone: ZONES[number % ZONES.len()],
            capacity_type: "on-demand",
            taints: vec![],
            startup_taints: vec![],
            labels: json!({}),
        }
    }

    pub(super) fn run(&mut self, machine: &Machine) {
        let Machine { name, stage, zone, capacity_type, .. } = machine;
        let mut labels = json!({ZONE: zone, CAPACITY_TYPE: capacity_type, ARCH: "amd64", "kubernetes.io/os": "linux",
            TYPE: "m5.2xlarge", FAMILY: "m5", "karpenter.k8s.aws/instance-category": "m",
            "karpenter.k8s.aws/instance-size": "2xlarge", "karpenter.k8s.aws/instance-cpu": "8"});
        merge(&mut labels, machine.labels.clone());
        let ours = *stage != Stage::Foreign;
        if ours {
            merge(&mut labels, json!({"karpenter.sh/nodepool": "default"}));
        }
        let room = json!({"cpu": "7910m", "memory": "28Gi", "pods": "58", "ephemeral-storage": "17Gi"});
        let provider_id = format!("fake://{name}");
        if ours {
            self.add(claim(machine, &labels, &room, &provider_id));
        }
        if *stage == Stage::Launched {
            return;
        }
        let mut taints = machine.taints.clone();
        match stage {
            Stage::Starting => {
                merge(&mut labels, json!({"karpenter.sh/registered": "true"}));
                taints.extend(machine.startup_taints.iter().cloned());
                taints.push(json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}));
            }
            Stage::Ready | Stage::Leaving => {
                merge(&mut labels, json!({"karpenter.sh/registered": "true", "karpenter.sh/initialized": "true"}));
            }
            Stage::Launched | Stage::Foreign => {}
        }
        if *stage == Stage::Leaving {
            taints.push(json!({"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}));
        }
        merge(&mut labels, json!({HOST: name}));
        let ready = if *stage == Stage::Starting { "False" } else { "True" };
        self.add(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
            "spec": {"providerID": provider_id, "taints": taints},
            "status": {"capacity": room, "allocatable": room, "conditions": [{"type": "Ready", "status": ready}]}}));
    }

    /// How many volumes a node can attach.
    pub(super) fn attach_limit(&mut self, node: &str, count: usize) {
        let driver = json!({"name": DRIVER, "nodeID": node, "topologyKeys": [], "allocatable": {"count": count}});
        self.add(json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": node},
                        "spec": {"drivers": [driver]}}));
    }

    pub(super) fn storage_class(&mut self, name: &str, zones: &[&str]) {
        let mut class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
                               "provisioner": DRIVER, "volumeBindingMode": "WaitForFirstConsumer"});
        if !zones.is_empty() {
            let where_ = json!([{"matchLabelExpressions": [{"key": ZONE, "values": zones}]}]);
            merge(&mut class, json!({"allowedTopologies": where_}));
        }
        self.add(class);
    }

    /// A claim that waits for its first pod.
    pub(super) fn unbound_claim(&mut self, name: &str, class: &str) {
        self.add(volume_claim(name, class));
    }

    /// A claim with a volume that lies in these zones.
    pub(super) fn bound_claim(&mut self, name: &str, class: &str, zones: &[&str]) {
        let volume = format!("pv-{name}");
        let term = json!({"matchExpressions": [{"key": ZONE, "operator": "In", "values": zones}]});
        self.add(json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume},
            "spec": {"capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": class,
                     "csi": {"driver": DRIVER, "volumeHandle": format!("vol-{name}")},
                     "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}}}));
        let mut claim = volume_claim(name, class);
        merge(
            &mut claim,
            json!({"metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
                                 "spec": {"volumeName": volume}, "status": {"phase": "Bound"}}),
        );
        self.add(claim);
    }
}

/// The volumes of a pod that uses these claims.
pub(super) fn volumes(claims: &[String]) -> Value {
    let volumes = claims.iter().enumerate();
    let volumes =
        volumes.map(|(n, claim)| json!({"name": format!("d{n}"), "persistentVolumeClaim": {"claimName": claim}}));
    json!({"volumes": volumes.collect::<Vec<_>>()})
}

fn volume_claim(name: &str, class: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "default"},
           "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class,
                    "resources": {"requests": {"storage": "10Gi"}}}})
}

fn claim(machine: &Machine, labels: &Value, room: &Value, provider_id: &str) -> Value {
    let met: &[&str] = match machine.stage {
        Stage::Launched => &["Launched"],
        Stage::Starting => &["Launched", "Registered"],
        Stage::Ready | Stage::Leaving | Stage::Foreign => &["Launched", "Registered", "Initialized", "Ready"],
    };
    let conditions = met
        .iter()
        .map(|kind| json!({"type": kind, "status": "True", "reason": kind, "message": "", "lastTransitionTime": NOW}));
    let mut claim = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
        "metadata": {"name": format!("claim-{}", machine.name), "labels": labels},
        "spec": {"nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
                 "requirements": [], "taints": machine.taints, "startupTaints": machine.startup_taints},
        "status": {"providerID": provider_id, "capacity": room, "allocatable": room,
                   "conditions": conditions.collect::<Vec<_>>()}});
    if machine.stage != Stage::Launched {
        merge(&mut claim, json!({"status": {"nodeName": machine.name}}));
    }
    if machine.stage == Stage::Leaving {
        merge(&mut claim, json!({"metadata": {"deletionTimestamp": NOW, "finalizers": ["karpenter.sh/termination"]}}));
    }
    claim
}
