//! Objects that tests start from, and a way to change them: one valid manifest of each kind, and changes written as paths.

use serde_json::{Value, json};

/// A valid manifest of a kind, without anything optional.
pub(crate) fn valid(kind: &str) -> Value {
    let class = json!({ "group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default" });
    let (api_version, spec) = match kind {
        "NodePool" => {
            ("karpenter.sh/v1", json!({ "template": { "spec": { "nodeClassRef": class, "requirements": [] } } }))
        }
        "NodeClaim" => ("karpenter.sh/v1", json!({ "nodeClassRef": class, "requirements": [] })),
        "NodeOverlay" => ("karpenter.sh/v1alpha1", json!({ "requirements": [] })),
        "CapacityBuffer" => ("autoscaling.x-k8s.io/v1beta1", json!({})),
        "EC2NodeClass" => (
            "karpenter.k8s.aws/v1",
            json!({
                "role": "nodes",
                "amiSelectorTerms": [{ "alias": "al2023@latest" }],
                "subnetSelectorTerms": [{ "tags": { "karpenter.sh/discovery": "cluster" } }],
                "securityGroupSelectorTerms": [{ "tags": { "karpenter.sh/discovery": "cluster" } }],
            }),
        ),
        "KWOKNodeClass" => ("karpenter.kwok.sh/v1alpha1", json!({})),
        other => panic!("there is no kind {other}"),
    };
    json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": "default" }, "spec": spec })
}

/// Changes to an object: a value for each path of keys and indices joined by dots; null removes what is there.
pub(crate) type Changes = Vec<(&'static str, Value)>;

/// The object with the changes made, in order. Objects on the way to a path are made as needed.
pub(crate) fn with(mut object: Value, changes: &Changes) -> Value {
    for (path, value) in changes {
        let mut keys: Vec<_> = path.split('.').collect();
        let last = keys.pop().expect("a path has a last part");
        let parent = keys.into_iter().fold(&mut object, |parent, key| match parent {
            Value::Array(items) => &mut items[key.parse::<usize>().expect("lists are indexed by numbers")],
            parent => &mut parent[key],
        });
        match parent {
            Value::Object(parent) if value.is_null() => {
                parent.remove(last);
            }
            parent => parent[last] = value.clone(),
        }
    }
    object
}
