//! Small builders for tests: a cluster, claims, node classes, and the types of the embedded catalogue.

use crate::cluster::Cluster;
use dovetail_api::ec2_node_class::EC2NodeClass;
use dovetail_api::node_claim::NodeClaim;
use dovetail_api::node_pool::{Taint, TaintEffect};
use dovetail_scheduler::instance_type::{InstanceType, Offering, Price};
use dovetail_scheduler::requirement::Requirement;
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::Resources;
use serde_json::{Value, json};
use std::sync::Arc;

/// The cluster `demo` in us-west-2.
pub(crate) fn cluster() -> Cluster {
    Cluster {
        name: "demo".to_owned(),
        endpoint: "https://demo.eks.test".to_owned(),
        ca_bundle: Some("Y2EtYnVuZGxl".to_owned()),
        service_cidr: Some("10.100.0.0/16".to_owned()),
        dns: Some("10.100.0.10".parse().expect("an address")),
        region: "us-west-2".to_owned(),
        kubernetes_version: "1.35".to_owned(),
    }
}

/// A claim of the pool `default` that asks for nothing.
pub(crate) fn claim(name: &str) -> NodeClaim {
    let mut claim = NodeClaim::default();
    claim.metadata.name = Some(name.to_owned());
    claim.metadata.uid = Some(format!("uid-of-{name}"));
    claim.metadata.labels = Some([("karpenter.sh/nodepool".to_owned(), "default".to_owned())].into());
    claim
}

/// A taint.
pub(crate) fn taint(key: &str, value: Option<&str>, effect: TaintEffect) -> Taint {
    Taint { key: key.to_owned(), value: value.map(str::to_owned), effect, time_added: None }
}

/// A node class out of a manifest's `spec` and `status`; what `spec` leaves out is filled in.
pub(crate) fn class(spec: &Value, status: &Value) -> EC2NodeClass {
    let mut whole = json!({
        "subnetSelectorTerms": [{"id": "subnet-1"}],
        "securityGroupSelectorTerms": [{"id": "sg-1"}],
        "amiSelectorTerms": [{"alias": "al2023@latest"}],
        "role": "node",
    });
    for (key, value) in spec.as_object().expect("a map") {
        whole[key] = value.clone();
    }
    let object = json!({
        "apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass",
        "metadata": {"name": "default", "uid": "class-uid", "generation": 1}, "spec": whole, "status": status,
    });
    serde_json::from_value(object).expect("a node class")
}

/// Requirements that each allow a list of values.
pub(crate) fn requires(items: &[(&str, &[&str])]) -> Requirements {
    let mut out = Requirements::new();
    items.iter().for_each(|(key, values)| out.add(key, Requirement::any_of(values.iter().copied())));
    out
}

/// A type with those offerings, for linux on amd64, that takes ten pods.
pub(crate) fn kind(name: &str, offerings: Vec<Offering>) -> Arc<InstanceType> {
    let labels =
        [("node.kubernetes.io/instance-type", name), ("kubernetes.io/arch", "amd64"), ("kubernetes.io/os", "linux")];
    let mut requirements = Requirements::from_labels(labels);
    for absent in ["karpenter.k8s.aws/instance-gpu-count", "karpenter.k8s.aws/instance-accelerator-count"] {
        requirements.add(absent, Requirement::absent());
    }
    let capacity = Resources::new().with("cpu", 2000).with("memory", 8 << 30).with("pods", 10);
    Arc::new(InstanceType { name: name.into(), requirements, offerings, capacity, ..InstanceType::default() })
}

/// An offering of a capacity type in a zone, at dollars per hour.
pub(crate) fn offering(capacity_type: &str, zone: &str, dollars: f64) -> Offering {
    let labels = [("karpenter.sh/capacity-type", capacity_type), ("topology.kubernetes.io/zone", zone)];
    let mut requirements = Requirements::from_labels(labels);
    for absent in ["id", "type", "interruptible"] {
        requirements.add(format!("karpenter.k8s.aws/capacity-reservation-{absent}"), Requirement::absent());
    }
    Offering {
        requirements: Arc::new(requirements),
        price: Price::from_dollars(dollars),
        available: true,
        reservation_capacity: None,
    }
}

/// An offering out of a capacity reservation that takes so many more, almost for nothing.
pub(crate) fn reserved(id: &str, zone: &str, remaining: u32) -> Offering {
    reserved_as(id, zone, remaining, "default", false)
}

/// As [`reserved`], out of a reservation of that type.
pub(crate) fn reserved_as(id: &str, zone: &str, remaining: u32, kind: &str, interruptible: bool) -> Offering {
    Offering {
        requirements: Arc::new(Requirements::from_labels([
            ("karpenter.sh/capacity-type", "reserved"),
            ("topology.kubernetes.io/zone", zone),
            ("karpenter.k8s.aws/capacity-reservation-id", id),
            ("karpenter.k8s.aws/capacity-reservation-type", kind),
            ("karpenter.k8s.aws/capacity-reservation-interruptible", if interruptible { "true" } else { "false" }),
        ])),
        price: Price::from_picodollars(1000),
        available: true,
        reservation_capacity: Some(remaining),
    }
}
