//! The rules of NodePool.

use serde_json::{Value, json};

use crate::{Rule, rule};

const KIND: &str = "NodePool";
const LABELS: &str = "spec.template.metadata.labels";
const REQUIREMENTS: &str = "spec.template.spec.requirements";
const KEY: &str = "spec.template.spec.requirements[].key";
const CLASS: &str = "spec.template.spec.nodeClassRef";

/// One requirement that its key exist.
fn exists(key: &str) -> Value {
    json!([{ "key": key, "operator": "Exists" }])
}

/// The rule of a key that may be a label or be required.
fn of_keys(message: &str, allowed: &str, refused: &str) -> Vec<Rule> {
    vec![
        rule(KIND, LABELS, message, vec![(LABELS, json!({ allowed: "a" }))], vec![(LABELS, json!({ refused: "a" }))]),
        rule(KIND, KEY, message, vec![(REQUIREMENTS, exists(allowed))], vec![(REQUIREMENTS, exists(refused))]),
    ]
}

/// One requirement.
fn requirement(operator: &str, values: &[&str]) -> Value {
    json!([{ "key": "team", "operator": operator, "values": values }])
}

pub(crate) fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();

    let mode =
        "Cannot transition NodePool between static (replicas set) and dynamic (replicas unset) provisioning modes";
    let replicas = |count: i64| vec![("spec.replicas", json!(count))];
    rules.push(rule(KIND, "spec", mode, (replicas(1), replicas(2)), (vec![], replicas(2))));
    rules.push(rule(KIND, "spec", mode, (vec![], vec![("spec.weight", json!(1))]), (replicas(1), vec![])));

    let limits = "only 'limits.nodes' is supported on static NodePools";
    let limited = |limits: Value| vec![("spec.replicas", json!(1)), ("spec.limits", limits)];
    rules.push(rule(KIND, "spec", limits, limited(json!({ "nodes": 5 })), limited(json!({ "cpu": 5 }))));
    rules.push(rule(KIND, "spec", limits, limited(json!({})), limited(json!({ "nodes": 5, "cpu": 5 }))));
    rules.push(rule(
        KIND,
        "spec",
        limits,
        vec![("spec.limits", json!({ "cpu": 5 }))],
        limited(json!({ "memory": "1Gi" })),
    ));

    rules.push(rule(
        KIND,
        "spec",
        "'weight' is not supported on static NodePools",
        vec![("spec.weight", json!(10))],
        vec![("spec.weight", json!(10)), ("spec.replicas", json!(1))],
    ));

    let domain = "label domain \"karpenter.sh\" is restricted";
    for inside in ["karpenter.sh/initialized", "foo.karpenter.sh/x", "xkarpenter.sh/y", "karpenter.sh"] {
        rules.extend(of_keys(domain, "karpenter.sh/capacity-type", inside));
    }
    rules.extend(of_keys(domain, "example.com/karpenter.sh", "karpenter.sh/custom"));
    rules.extend(of_keys("label \"karpenter.sh/nodepool\" is restricted", "nodepool", "karpenter.sh/nodepool"));
    rules.extend(of_keys(
        "label \"kubernetes.io/hostname\" is restricted",
        "kubernetes.io/os",
        "kubernetes.io/hostname",
    ));
    let domain = "label domain \"karpenter.k8s.aws\" is restricted";
    for (allowed, refused) in [
        ("karpenter.k8s.aws/instance-category", "karpenter.k8s.aws/custom"),
        ("karpenter.k8s.aws/ec2nodeclass", "x.karpenter.k8s.aws/instance-category"),
        ("karpenter.k8s.aws/instance-capability-flex", "karpenter.k8s.aws/instance-pods"),
        // Gone with v1.15.
        ("karpenter.k8s.aws/instance-tenancy", "karpenter.k8s.aws/nitro-sandbox"),
        ("karpenter.k8s.aws/capacity-reservation-interruptible", "karpenter.k8s.aws/capacity-reservation"),
        ("karpenter.k8s.aws/placement-group-partition", "karpenter.k8s.aws/placement-group"),
    ] {
        rules.extend(of_keys(domain, allowed, refused));
    }

    for part in ["group", "kind", "name"] {
        let (field, path): (&str, &str) = match part {
            "group" => ("spec.template.spec.nodeClassRef.group", "spec.template.spec.nodeClassRef.group"),
            "kind" => ("spec.template.spec.nodeClassRef.kind", "spec.template.spec.nodeClassRef.kind"),
            _ => ("spec.template.spec.nodeClassRef.name", "spec.template.spec.nodeClassRef.name"),
        };
        let message = format!("{part} may not be empty");
        rules.push(rule(KIND, field, message, vec![(path, json!("x"))], vec![(path, json!(""))]));
    }
    let name = |name: &str| vec![("spec.template.spec.nodeClassRef.name", json!(name))];
    for (message, path) in [
        ("nodeClassRef.group is immutable", "spec.template.spec.nodeClassRef.group"),
        ("nodeClassRef.kind is immutable", "spec.template.spec.nodeClassRef.kind"),
    ] {
        rules.push(rule(KIND, CLASS, message, (vec![], name("other")), (vec![], vec![(path, json!("Other"))])));
    }

    let one = |list: Value| vec![(REQUIREMENTS, list)];
    let message = "requirements with operator 'In' must have a value defined";
    rules.push(rule(KIND, REQUIREMENTS, message, one(requirement("In", &["a"])), one(requirement("In", &[]))));
    // NotIn without values says nothing, and is accepted.
    rules.push(rule(
        KIND,
        REQUIREMENTS,
        message,
        one(requirement("NotIn", &[])),
        one(json!([{ "key": "a", "operator": "In" }])),
    ));
    let message = "requirements operator 'Gt', 'Lt', 'Gte', or 'Lte' must have a single positive integer value";
    for operator in ["Gt", "Lt", "Gte", "Lte"] {
        let kept = one(requirement(operator, &["0"]));
        rules.push(rule(KIND, REQUIREMENTS, message, kept, one(requirement(operator, &["-1"]))));
        let kept = one(requirement(operator, &["4096"]));
        rules.push(rule(KIND, REQUIREMENTS, message, kept, one(requirement(operator, &["1", "2"]))));
        let kept = one(requirement(operator, &["7"]));
        rules.push(rule(KIND, REQUIREMENTS, message, kept, one(requirement(operator, &[]))));
        let kept = one(requirement("In", &["x"]));
        rules.push(rule(KIND, REQUIREMENTS, message, kept, one(requirement(operator, &["x"]))));
    }
    let message = "requirements with 'minValues' must have at least that many values specified in the 'values' field";
    let at_least = |operator: &str, values: &[&str], min: i32| {
        one(json!([{ "key": "team", "operator": operator, "values": values, "minValues": min }]))
    };
    rules.push(rule(KIND, REQUIREMENTS, message, at_least("In", &["a", "b"], 2), at_least("In", &["a", "b"], 3)));
    rules.push(rule(KIND, REQUIREMENTS, message, at_least("Exists", &[], 3), at_least("In", &["a"], 2)));

    let budgets = "spec.disruption.budgets";
    let budget = |budget: Value| vec![("spec.disruption.budgets", json!([budget]))];
    let message = "'schedule' must be set with 'duration'";
    let both = json!({ "nodes": "0", "schedule": "@daily", "duration": "8h" });
    rules.push(rule(KIND, budgets, message, budget(both), budget(json!({ "nodes": "0", "schedule": "@daily" }))));
    rules.push(rule(
        KIND,
        budgets,
        message,
        budget(json!({ "nodes": "1" })),
        budget(json!({ "nodes": "0", "duration": "8h" })),
    ));
    rules
}
