//! A scenario while it is written: its objects so far, chance, and pools, pods and claims as parts. Which parts a scenario
//! has is the themes' business.

use fastrand::Rng;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

pub(super) const ZONE: &str = "topology.kubernetes.io/zone";
pub(super) const HOST: &str = "kubernetes.io/hostname";
pub(super) const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
pub(super) const ARCH: &str = "kubernetes.io/arch";
pub(super) const TYPE: &str = "node.kubernetes.io/instance-type";
pub(super) const FAMILY: &str = "karpenter.k8s.aws/instance-family";

/// Those of the catalogues.
pub(super) const ZONES: [&str; 3] = ["us-east-1a", "us-east-1b", "us-east-1c"];
pub(super) const CPUS: [&str; 9] = ["50m", "100m", "250m", "500m", "1", "1500m", "2", "3", "4"];
pub(super) const MEMORIES: [&str; 9] = ["64Mi", "128Mi", "256Mi", "512Mi", "1Gi", "2Gi", "4Gi", "8Gi", "14Gi"];

/// A finished scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Theme and seed, as in `spread-17`.
    pub name: String,
    /// The catalogue that it is planned against.
    pub catalogue: &'static str,
    /// Flags for both programs; often none.
    pub settings: Option<&'static str>,
    /// Its objects.
    pub objects: Vec<Value>,
}

impl Scenario {
    /// The scenario as a file: the head that says what it is planned against, then a document for each object. JSON is
    /// YAML, and quick to write and read.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("# catalog: {}\n", self.catalogue);
        if let Some(settings) = self.settings {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "# settings: {settings}");
        }
        for object in &self.objects {
            let _ = writeln!(text, "{object}\n---");
        }
        text
    }
}

/// A scenario while it is written.
pub(super) struct Draft {
    pub(super) scenario: Scenario,
    rng: Rng,
    workloads: usize,
    pods: usize,
}

/// Pods of one kind.
#[derive(Clone, Debug)]
pub(super) struct Workload {
    pub(super) replicas: usize,
    pub(super) namespace: &'static str,
    /// Besides `app`.
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) cpu: &'static str,
    pub(super) memory: &'static str,
    pub(super) gpus: usize,
    /// The node that they run on already.
    pub(super) node: Option<String>,
    /// What the pod spec has besides its container; `ports` go to the container.
    pub(super) spec: Value,
}

impl Draft {
    pub(super) fn new(theme: &str, seed: u64, catalogue: &'static str) -> Self {
        let scenario = Scenario { name: format!("{theme}-{seed}"), catalogue, settings: None, objects: vec![] };
        // Themes start from different places, or their scenarios of one seed would be alike.
        let salt = theme
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self { scenario, rng: Rng::with_seed(salt ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)), workloads: 0, pods: 0 }
    }

    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(0..100) < percent
    }

    /// Both ends belong to it.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        self.rng.usize(low..=high)
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(0..from.len())].clone()
    }

    /// That many different ones, in any order.
    pub(super) fn sample<T: Clone>(&mut self, from: &[T], count: usize) -> Vec<T> {
        let mut all = from.to_vec();
        self.rng.shuffle(&mut all);
        all.truncate(count);
        all
    }

    pub(super) fn add(&mut self, object: Value) {
        self.scenario.objects.push(object);
    }

    /// A NodePool; `spec` is merged into what every pool has, `template` into the spec of its nodes.
    pub(super) fn pool(&mut self, name: &str, requirements: Value, template: Value, spec: Value) {
        let class = json!({"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"});
        let mut node = json!({"spec": {"requirements": requirements, "nodeClassRef": class}});
        merge(&mut node, template);
        let mut whole = json!({"template": node, "disruption": {"consolidateAfter": "0s"}});
        merge(&mut whole, spec);
        self.add(
            json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name}, "spec": whole}),
        );
    }

    /// The NodePool `default` without anything special, for nodes on demand.
    pub(super) fn plain_pool(&mut self) {
        self.pool("default", json!([any_of(CAPACITY_TYPE, &["on-demand"])]), json!({}), json!({}));
    }

    /// A workload of a size by chance.
    pub(super) fn sized(&mut self, least: usize, most: usize) -> Workload {
        Workload {
            replicas: self.between(least, most),
            namespace: "default",
            labels: vec![],
            cpu: self.pick(&CPUS),
            memory: self.pick(&MEMORIES),
            gpus: 0,
            node: None,
            spec: json!({}),
        }
    }

    /// The name of the next workload, for rules that speak of it.
    pub(super) fn next_app(&self) -> String {
        format!("app-{}", self.workloads + 1)
    }

    /// Adds the pods of a workload and says its name.
    pub(super) fn deploy(&mut self, workload: Workload) -> String {
        let app = self.next_app();
        self.workloads += 1;
        let mut labels: Map<String, Value> = Map::new();
        labels.insert("app".into(), json!(app));
        labels.extend(workload.labels.iter().map(|(key, value)| ((*key).to_owned(), json!(value))));
        let mut spec = workload.spec.clone();
        let mut resources = json!({"requests": {"cpu": workload.cpu, "memory": workload.memory}});
        if workload.gpus > 0 {
            let gpus = json!({"nvidia.com/gpu": workload.gpus.to_string()});
            merge(&mut resources, json!({"requests": gpus, "limits": gpus}));
        }
        let mut container = json!({"name": "main", "image": "app", "resources": resources});
        if let Some(ports) = spec.as_object_mut().and_then(|s| s.remove("ports")) {
            merge(&mut container, json!({"ports": ports}));
        }
        merge(&mut spec, json!({"containers": [container]}));
        if let Some(node) = &workload.node {
            merge(&mut spec, json!({"nodeName": node}));
        }
        for replica in 0..workload.replicas {
            self.pods += 1;
            let uid = format!("10000000-0000-0000-0000-{:012}", self.pods);
            let metadata = json!({"name": format!("{app}-{replica}"), "namespace": workload.namespace,
                                  "labels": labels, "uid": uid});
            let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec});
            if workload.node.is_some() {
                merge(&mut pod, json!({"status": {"phase": "Running"}}));
            }
            self.add(pod);
        }
        app
    }

    pub(super) fn daemon_set(&mut self, name: &str, requests: Value, spec: Value) {
        let mut spec = spec;
        let mut container = json!({"name": "main", "image": "agent", "resources": {"requests": requests}});
        if let Some(ports) = spec.as_object_mut().and_then(|s| s.remove("ports")) {
            merge(&mut container, json!({"ports": ports}));
        }
        merge(&mut spec, json!({"containers": [container]}));
        let labels = json!({"ds": name});
        let template = json!({"metadata": {"labels": labels}, "spec": spec});
        self.add(json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
                        "metadata": {"name": name, "namespace": "kube-system"},
                        "spec": {"selector": {"matchLabels": labels}, "template": template}}));
    }
}

/// Puts one value into another: objects key by key, lists one after the other, anything else replaces.
pub(super) fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(more)) => into.extend(more),
        (into, more) => *into = more,
    }
}

/// A requirement or a match expression.
pub(super) fn expression(key: &str, operator: &str, values: &[&str]) -> Value {
    if values.is_empty() {
        json!({"key": key, "operator": operator})
    } else {
        json!({"key": key, "operator": operator, "values": values})
    }
}

pub(super) fn any_of(key: &str, values: &[&str]) -> Value {
    expression(key, "In", values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_put_together() {
        let mut spec = json!({"affinity": {"podAffinity": {"required": [1]}}, "n": 1});
        merge(&mut spec, json!({"affinity": {"podAffinity": {"required": [2]}, "nodeAffinity": {}}, "n": 2}));
        assert_eq!(spec, json!({"affinity": {"podAffinity": {"required": [1, 2]}, "nodeAffinity": {}}, "n": 2}));
    }

    #[test]
    fn replicas_differ_in_name_and_uid_only() {
        let mut draft = Draft::new("test", 1, "small.json");
        let mut two = draft.sized(2, 2);
        two.spec = json!({"ports": [{"containerPort": 80}], "nodeSelector": {ZONE: "us-east-1a"}});
        assert_eq!(draft.deploy(two), "app-1");
        let [first, second] = draft.scenario.objects.as_slice() else { panic!("two pods") };
        assert_eq!(first["spec"], second["spec"]);
        assert_eq!(first["spec"]["containers"][0]["ports"][0]["containerPort"], 80);
        assert_eq!((&first["metadata"]["name"], &second["metadata"]["name"]), (&json!("app-1-0"), &json!("app-1-1")));
        assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);
    }
}
