//! The rules of NodeOverlay.

use serde_json::{Value, json};

use crate::{Rule, rule};

const KIND: &str = "NodeOverlay";
const REQUIREMENTS: &str = "spec.requirements";
const KEY: &str = "spec.requirements[].key";

fn requires(requirement: Value) -> Vec<(&'static str, Value)> {
    vec![(REQUIREMENTS, json!([requirement]))]
}

pub(crate) fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    let price = ("spec.price", json!("0.5"));
    let adjustment = ("spec.priceAdjustment", json!("-10%"));
    let message = "cannot set both 'price' and 'priceAdjustment'";
    rules.push(rule(KIND, "spec", message, vec![price.clone()], vec![price, adjustment.clone()]));
    rules.push(rule(
        KIND,
        "spec",
        message,
        vec![adjustment],
        vec![("spec.price", json!("1")), ("spec.priceAdjustment", json!("+1"))],
    ));

    let has = |resource: &str| vec![("spec.capacity", json!({ resource: "1" }))];
    for standard in ["cpu", "memory", "ephemeral-storage", "pods"] {
        let kept = has("smarter-devices/fuse");
        rules.push(rule(KIND, "spec.capacity", "invalid resource restricted", kept, has(standard)));
    }

    let exists = |key: &str| requires(json!({ "key": key, "operator": "Exists" }));
    let domain = "label domain \"karpenter.k8s.aws\" is restricted";
    for (message, allowed, refused) in [
        ("label domain \"karpenter.sh\" is restricted", "karpenter.sh/nodepool", "karpenter.sh/registered"),
        ("label \"kubernetes.io/hostname\" is restricted", "kubernetes.io/arch", "kubernetes.io/hostname"),
        (domain, "karpenter.k8s.aws/instance-family", "karpenter.k8s.aws/nitro-sandbox"),
        // What only a node has does not select instance types.
        (domain, "karpenter.k8s.aws/instance-gpu-count", "karpenter.k8s.aws/instance-tenancy"),
        (domain, "karpenter.k8s.aws/instance-memory", "karpenter.k8s.aws/capacity-reservation-id"),
        (domain, "karpenter.k8s.aws/instance-cpu", "karpenter.k8s.aws/placement-group-id"),
    ] {
        rules.push(rule(KIND, KEY, message, exists(allowed), exists(refused)));
    }

    let team =
        |operator: &str, values: &[&str]| requires(json!({ "key": "team", "operator": operator, "values": values }));
    let message = "requirements with operator 'In' must have a value defined";
    rules.push(rule(KIND, REQUIREMENTS, message, team("In", &["a"]), team("In", &[])));
    let message = "requirements with operator 'NotIn' must have a value defined";
    rules.push(rule(KIND, REQUIREMENTS, message, team("NotIn", &["a"]), team("NotIn", &[])));
    let message = "requirements operator 'Gt', 'Lt', 'Gte' or 'Lte' must have a single positive integer value";
    rules.push(rule(KIND, REQUIREMENTS, message, team("Lt", &["1"]), team("Gt", &["-5"])));
    rules
}
