//! The rules of NodeClaim.

use serde_json::{Value, json};

use crate::{Rule, rule};

const KIND: &str = "NodeClaim";
const REQUIREMENTS: &str = "spec.requirements";
const KEY: &str = "spec.requirements[].key";

fn requires(requirement: Value) -> Vec<(&'static str, Value)> {
    vec![(REQUIREMENTS, json!([requirement]))]
}

pub(crate) fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    let same = || vec![("spec.terminationGracePeriod", json!("1h"))];
    rules.push(rule(KIND, "spec", "spec is immutable", (same(), same()), (same(), vec![])));
    let other = vec![("spec.nodeClassRef.name", json!("other"))];
    rules.push(rule(
        KIND,
        "spec",
        "spec is immutable",
        (vec![], vec![("spec.expireAfter", json!("720h"))]),
        (vec![], other),
    ));

    for (field, message) in [
        ("spec.nodeClassRef.group", "group may not be empty"),
        ("spec.nodeClassRef.kind", "kind may not be empty"),
        ("spec.nodeClassRef.name", "name may not be empty"),
    ] {
        rules.push(rule(KIND, field, message, vec![(field, json!("x"))], vec![(field, json!(""))]));
    }

    let exists = |key: &str| requires(json!({ "key": key, "operator": "Exists" }));
    for (message, allowed, refused) in [
        ("label domain \"karpenter.sh\" is restricted", "karpenter.sh/nodepool", "karpenter.sh/registered"),
        ("label \"kubernetes.io/hostname\" is restricted", "kubernetes.io/arch", "kubernetes.io/hostname"),
        (
            "label domain \"karpenter.k8s.aws\" is restricted",
            "karpenter.k8s.aws/instance-tenancy",
            "karpenter.k8s.aws/nitro-sandbox",
        ),
    ] {
        rules.push(rule(KIND, KEY, message, exists(allowed), exists(refused)));
    }

    let team =
        |operator: &str, values: &[&str]| requires(json!({ "key": "team", "operator": operator, "values": values }));
    let message = "requirements with operator 'In' must have a value defined";
    rules.push(rule(KIND, REQUIREMENTS, message, team("In", &["a"]), team("In", &[])));
    let message = "requirements operator 'Gt', 'Lt', 'Gte', or 'Lte' must have a single positive integer value";
    rules.push(rule(KIND, REQUIREMENTS, message, team("Gte", &["1"]), team("Lte", &["1", "2"])));
    let message = "requirements with 'minValues' must have at least that many values specified in the 'values' field";
    let at_least = |min: i32| requires(json!({ "key": "team", "operator": "In", "values": ["a"], "minValues": min }));
    rules.push(rule(KIND, REQUIREMENTS, message, at_least(1), at_least(2)));
    rules
}
