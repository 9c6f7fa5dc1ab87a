//! Small builders for tests: a cluster, claims, node classes, and the types of the embedded catalogue.

use crate::cluster::Cluster;
use dovetail_api::ec2_node_class::EC2NodeClass;
use dovetail_api::node_claim::NodeClaim;
use dovetail_api::node_pool::{Taint, TaintEffect};
use serde_json::{Value, json};

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
