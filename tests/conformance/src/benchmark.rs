//! Karpenter's own scheduling benchmark as a scenario (specification "scheduling" 8): a fifth of the pods each want
//! nothing, even zones, even hosts, the zone of their like, and a host of their own; or every pod has three wishes of which
//! most cannot be had. 400 types, one pool. How fast anybody is, is not known here.

use crate::generate::Scenario;
use fastrand::Rng;
use serde_json::{Value, json};

const ZONE: &str = "topology.kubernetes.io/zone";
const HOST: &str = "kubernetes.io/hostname";
const CPUS: [&str; 5] = ["100m", "250m", "500m", "1000m", "1500m"];
const MEMORIES: [&str; 6] = ["100Mi", "256Mi", "512Mi", "1024Mi", "2048Mi", "4096Mi"];
const LETTERS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];
/// Any will do; the sizes of pods are those of no other program.
const SEED: u64 = 42;

struct Pods {
    rng: Rng,
    made: Vec<Value>,
}

impl Pods {
    fn letter(&mut self) -> &'static str {
        LETTERS[self.rng.usize(0..LETTERS.len())]
    }

    fn size(&mut self) -> Value {
        let (cpu, memory) = (CPUS[self.rng.usize(0..CPUS.len())], MEMORIES[self.rng.usize(0..MEMORIES.len())]);
        json!({"requests": {"cpu": cpu, "memory": memory}})
    }

    /// A pod with a part of a spec.
    fn add(&mut self, labels: Value, mut spec: Value, resources: Value) {
        let n = self.made.len();
        let metadata = json!({"name": format!("pod-{n}"), "namespace": "default", "labels": labels,
                              "uid": format!("10000000-0000-0000-0000-{n:012}")});
        spec["containers"] = json!([{"name": "main", "image": "app", "resources": resources}]);
        self.made.push(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}));
    }

    fn generic(&mut self) {
        let (labels, size) = (json!({"my-label": self.letter()}), self.size());
        self.add(labels, json!({}), size);
    }

    fn spread(&mut self, key: &str) {
        let labels = json!({"my-label": self.letter()});
        let selector = json!({"matchLabels": {"my-label": self.letter()}});
        let rule =
            json!({"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector});
        let size = self.size();
        self.add(labels, json!({"topologySpreadConstraints": [rule]}), size);
    }

    fn term(&mut self, kind: &str, key: &str, labels: Value) {
        let term = json!({"labelSelector": {"matchLabels": labels}, "topologyKey": key});
        let size = self.size();
        let rule = json!({"requiredDuringSchedulingIgnoredDuringExecution": [term]});
        self.add(labels, json!({"affinity": {kind: rule}}), size);
    }
}

/// Karpenter's limits, which end after 12,500 nodes, since each counts as the largest type that it might be of; more pods
/// than it is ever asked about get ten times as much.
fn limits(pods: usize) -> Value {
    const MOST: usize = 50_000;
    let zero = if pods > MOST { "0" } else { "" };
    json!({"cpu": format!("10000000{zero}"), "memory": format!("10000000{zero}Gi")})
}

fn scenario(name: String, pods: Pods) -> Scenario {
    let class = json!({"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"});
    let pool = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "default"},
        "spec": {"limits": limits(pods.made.len()), "disruption": {"consolidateAfter": "0s"},
                 "template": {"spec": {"requirements": [], "nodeClassRef": class}}}});
    let objects = std::iter::once(pool).chain(pods.made).collect();
    Scenario { name, catalogue: "bench400.json", settings: None, objects }
}

/// So many pods, a fifth of each kind, and what does not divide by five without any rule.
#[must_use]
pub fn diverse(count: usize) -> Scenario {
    let mut pods = Pods { rng: Rng::with_seed(SEED), made: Vec::with_capacity(count) };
    let fifth = count / 5;
    (0..fifth).for_each(|_| pods.generic());
    (0..fifth).for_each(|_| pods.spread(ZONE));
    (0..fifth).for_each(|_| pods.spread(HOST));
    for _ in 0..fifth {
        let labels = json!({"my-affininity": pods.letter()}); // sic
        pods.term("podAffinity", ZONE, labels);
    }
    (0..fifth).for_each(|_| pods.term("podAntiAffinity", HOST, json!({"app": "nginx"})));
    while pods.made.len() < count {
        pods.generic();
    }
    scenario(format!("diverse-{count}"), pods)
}

/// So many equal pods that would like zone 1, and neither zone nor host with one of their like.
#[must_use]
pub fn wishful(count: usize) -> Scenario {
    let mut pods = Pods { rng: Rng::with_seed(SEED), made: Vec::with_capacity(count) };
    let labels = json!({"app": "nginx"});
    let apart = |weight: u32, key: &str| json!({"weight": weight, "podAffinityTerm": {"labelSelector": {"matchLabels": labels}, "topologyKey": key}});
    let zone = json!({"matchExpressions": [{"key": ZONE, "operator": "In", "values": ["test-zone-1"]}]});
    let affinity = json!({
        "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": zone}]},
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [apart(10, ZONE), apart(1, HOST)]}});
    let size = pods.size();
    for _ in 0..count {
        pods.add(labels.clone(), json!({"affinity": affinity}), size.clone());
    }
    scenario(format!("wishful-{count}"), pods)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_each_kind() {
        let made = diverse(503);
        assert_eq!(made.objects.len(), 504, "and the pool");
        let with = |field: &str| made.objects.iter().filter(|o| o["spec"][field] != Value::Null).count();
        assert_eq!((with("topologySpreadConstraints"), with("affinity")), (200, 200));
        assert_eq!(made, diverse(503), "always the same");
    }

    #[test]
    fn equal_pods_with_three_wishes() {
        let made = wishful(10);
        let wishes = &made.objects[1]["spec"]["affinity"];
        assert_eq!(wishes["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][1]["weight"], 1);
        assert_eq!(made.objects[1]["spec"], made.objects[10]["spec"]);
    }
}
