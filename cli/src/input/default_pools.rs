//! What is bought from when a trace is planned without any NodePool: an opinion, written down so that figures can be
//! compared. A catalogue file says itself which machines are meant, so there the pool leaves everything open but the
//! architecture and the way of paying.

use dovetail_api::node_pool::NodePool;
use serde_json::{Value, json};

/// Pools over the EC2 catalogue: `default` over the families c, m and r, and `gpu` over g4dn, which is tried after it; both
/// on demand, amd64, with more than 3 vCPUs.
pub(crate) fn for_ec2() -> Vec<NodePool> {
    let families = json!({"key": "karpenter.k8s.aws/instance-category", "operator": "In", "values": ["c", "m", "r"]});
    let gpus = json!({"key": "karpenter.k8s.aws/instance-family", "operator": "In", "values": ["g4dn"]});
    let size = json!({"key": "karpenter.k8s.aws/instance-cpu", "operator": "Gt", "values": ["3"]});
    let class = json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"});
    vec![pool("default", 2, &class, &[families, size.clone()]), pool("gpu", 1, &class, &[gpus, size])]
}

/// The pool over a catalogue file.
pub(crate) fn for_file() -> Vec<NodePool> {
    let class = json!({"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"});
    vec![pool("default", 1, &class, &[])]
}

fn pool(name: &str, weight: i32, class: &Value, more: &[Value]) -> NodePool {
    let mut requirements = vec![
        json!({"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]}),
        json!({"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}),
    ];
    requirements.extend_from_slice(more);
    let pool = json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": name},
        "spec": {"weight": weight, "template": {"spec": {"nodeClassRef": class, "requirements": requirements}}},
    });
    serde_json::from_value(pool).expect("the text above is a NodePool, whatever the name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_pools_are_ones_that_the_api_server_admits() {
        for pool in for_ec2().into_iter().chain(for_file()) {
            let value = serde_json::to_value(&pool).expect("a value");
            assert_eq!(dovetail_api::admission::validate(&value), Ok(()));
        }
    }
}
