//! Run-time validation of NodePools and NodeOverlays: what a manifest that passed admission may still get wrong.

use dovetail_api::labels;
use dovetail_api::node_overlay::NodeOverlay;
use dovetail_api::node_pool::NodePool;
use dovetail_api::validation::{self, Fault};
use serde_json::{Value, json};

/// A NodePool whose template has these labels and this much more in its spec.
fn pool(labels: Value, more: Value) -> NodePool {
    let mut spec = json!({
        "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
        "requirements": [],
    });
    let Value::Object(more) = more else { panic!("a spec is an object") };
    spec.as_object_mut().expect("a spec is an object").extend(more);
    let template = json!({"metadata": {"labels": labels}, "spec": spec});
    serde_json::from_value(json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": "default"},
        "spec": {"template": template},
    }))
    .expect("a NodePool")
}

fn with_requirement(requirement: Value) -> NodePool {
    pool(json!({}), json!({"requirements": [requirement]}))
}

fn with_taints(taints: Value, startup_taints: Value) -> NodePool {
    pool(json!({}), json!({"taints": taints, "startupTaints": startup_taints}))
}

/// Path and message of every fault.
fn faults_of<P: std::fmt::Display>(outcome: Result<(), Vec<Fault<P>>>) -> Vec<(String, String)> {
    let faults = outcome.err().unwrap_or_default();
    faults.into_iter().map(|fault| (fault.path.clone(), fault.to_string())).collect()
}

fn messages(pool: &NodePool) -> Vec<String> {
    faults_of(validation::node_pool(pool)).into_iter().map(|(_, message)| message).collect()
}

#[track_caller]
fn accepts(pool: &NodePool) {
    assert_eq!(messages(pool), Vec::<String>::new());
}

/// Expects one fault whose message starts like this.
#[track_caller]
fn refuses(pool: &NodePool, message: &str) {
    let found = messages(pool);
    assert!(matches!(found.as_slice(), [one] if one.starts_with(message)), "expected {message:?}, found {found:#?}");
}

#[test]
fn a_pool_as_people_write_it_is_fine() {
    accepts(&pool(
        json!({"team": "a", "example.com/tier": "", "karpenter.sh/capacity-type": "spot"}),
        json!({
            "taints": [
                {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"},
                {"key": "nvidia.com/gpu", "effect": "NoExecute"},
                {"key": "a", "value": "b/c", "effect": "NoSchedule"},
            ],
            "startupTaints": [{"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NoExecute"}],
            "requirements": [
                {"key": "karpenter.k8s.aws/instance-category", "operator": "In", "values": ["c", "m", "r"], "minValues": 2},
                {"key": "karpenter.k8s.aws/instance-generation", "operator": "Gt", "values": ["2"]},
                {"key": "beta.kubernetes.io/arch", "operator": "NotIn", "values": []},
                {"key": "kubernetes.io/os", "operator": "Exists"},
                {"key": "team", "operator": "DoesNotExist"},
            ],
        }),
    ));
}

#[test]
fn labels_must_be_well_formed_and_the_users_own() {
    let labelled = |key: &str, value: &str| pool(json!({key: value}), json!({}));
    refuses(
        &labelled("karpenter.sh/nodepool", "x"),
        "invalid key name \"karpenter.sh/nodepool\" in labels, restricted",
    );
    refuses(&labelled("-team", "a"), "invalid key name \"-team\" in labels, \"name part must consist of alphanumeric");
    refuses(&labelled("team", "a b"), "invalid value: a b for label[team], a valid label must be an empty string or");
    refuses(
        &labelled("karpenter.sh/custom", "x"),
        "invalid key name \"karpenter.sh/custom\" in labels, using label karpenter.sh/custom is not allowed as it might \
         interfere with the internal provisioning logic; specify a well known label: [",
    );
    refuses(
        &labelled("sub.karpenter.k8s.aws/x", "x"),
        "invalid key name \"sub.karpenter.k8s.aws/x\" in labels, using label",
    );
    refuses(
        &labelled("kubernetes.io/hostname", "x"),
        "invalid key name \"kubernetes.io/hostname\" in labels, using label",
    );
    accepts(&labelled("kubernetes.io/custom", "x"));
}

#[test]
fn taints_must_be_well_formed_and_differ() {
    let taint = |key: &str, effect: &str| json!({"key": key, "effect": effect});
    refuses(&with_taints(json!([taint("???", "NoSchedule")]), json!([])), "invalid value: name part must consist of");
    refuses(
        &with_taints(json!([]), json!([{"key": "a", "value": "???", "effect": "NoSchedule"}])),
        "invalid value: name part must consist of",
    );
    let pair = "duplicate taint Key/Effect pair a=NoSchedule";
    refuses(&with_taints(json!([taint("a", "NoSchedule"), taint("a", "NoSchedule")]), json!([])), pair);
    refuses(&with_taints(json!([taint("a", "NoSchedule")]), json!([taint("a", "NoSchedule")])), pair);
    accepts(&with_taints(json!([taint("a", "NoSchedule")]), json!([taint("a", "NoExecute")])));
    let missing = messages(&with_taints(json!([taint("", "NoSchedule")]), json!([])));
    assert_eq!(missing.first().map(String::as_str), Some("invalid value: name part must be non-empty in taints"));
}

#[test]
fn requirements_must_be_well_formed() {
    let zone = "topology.kubernetes.io/zone";
    for (requirement, message) in [
        (
            json!({"key": zone, "operator": "In", "values": []}),
            "invalid value: key topology.kubernetes.io/zone with operator In must have a value defined in requirements, \
             restricted",
        ),
        (
            json!({"key": zone, "operator": "In", "values": ["a"], "minValues": 2}),
            "invalid value: key topology.kubernetes.io/zone with operator In must have at least minimum number of values \
             defined in 'values' field in requirements, restricted",
        ),
        (
            json!({"key": zone, "operator": "In", "values": ["a b"]}),
            "invalid value: invalid value a b for key topology.kubernetes.io/zone, a valid label must be",
        ),
        (
            json!({"key": "-a", "operator": "Exists"}),
            "invalid value: key -a is not a qualified name, name part must consist of",
        ),
        (json!({"key": "karpenter.sh/x", "operator": "Exists"}), "invalid value: using label karpenter.sh/x is not"),
        (
            json!({"key": "kubernetes.io/hostname", "operator": "Exists"}),
            "invalid value: using label kubernetes.io/hostname",
        ),
    ] {
        refuses(&with_requirement(requirement), message);
    }
    for operator in ["Gt", "Lt", "Gte", "Lte"] {
        for values in [json!([]), json!(["1", "2"]), json!(["-1"]), json!(["1.5"])] {
            let requirement = json!({"key": "karpenter.k8s.aws/instance-cpu", "operator": operator, "values": values});
            let found = messages(&with_requirement(requirement)).join("");
            let expected = format!(
                "key karpenter.k8s.aws/instance-cpu with operator {operator} must have a single positive integer value"
            );
            assert!(found.contains(&expected), "{operator} {values}: {found}");
        }
        let cpu = json!({"key": "karpenter.k8s.aws/instance-cpu", "operator": operator, "values": ["0"]});
        accepts(&with_requirement(cpu));
    }
}

#[test]
fn the_pool_cannot_require_its_own_name() {
    let found = messages(&with_requirement(json!({"key": "karpenter.sh/nodepool", "operator": "In", "values": ["x"]})));
    assert_eq!(found, ["invalid key: \"karpenter.sh/nodepool\" in requirements, restricted"]);
}

#[test]
fn values_that_a_label_can_never_have() {
    let capacity_type = |values: Value, min: Value| json!({"key": "karpenter.sh/capacity-type", "operator": "In", "values": values, "minValues": min});
    refuses(
        &with_requirement(capacity_type(json!(["ondemand"]), json!(null))),
        "invalid value: no valid values found in [ondemand] for karpenter.sh/capacity-type, expected one of: \
         [on-demand reserved spot], got: [ondemand]",
    );
    refuses(
        &with_requirement(capacity_type(json!(["spot", "ondemand"]), json!(2))),
        "invalid value: not enough valid values found in [spot ondemand] for karpenter.sh/capacity-type, expected at least 2 \
         valid values from: [on-demand reserved spot], got: 1",
    );
    refuses(
        &with_requirement(json!({"key": "karpenter.k8s.aws/instance-tenancy", "operator": "In", "values": ["host"]})),
        "invalid value: no valid values found in [host] for karpenter.k8s.aws/instance-tenancy",
    );
    // given a mix, the pool is fine but odd
    let mixed = with_requirement(capacity_type(json!(["spot", "ondemand"]), json!(null)));
    accepts(&mixed);
    let warnings = validation::node_pool_warnings(&mixed);
    assert_eq!(
        warnings,
        [
            "spec.template.spec.requirements[0]: the label karpenter.sh/capacity-type never has the value ondemand, which is \
          ignored; its values are on-demand, reserved, spot"
        ]
    );
    let negated =
        with_requirement(json!({"key": "karpenter.sh/capacity-type", "operator": "NotIn", "values": ["ondemand"]}));
    accepts(&negated);
    assert!(validation::node_pool_warnings(&negated).is_empty());
}

#[test]
fn all_faults_are_found_each_with_its_place() {
    let pool = pool(
        json!({"karpenter.sh/custom": "a b"}),
        json!({
            "taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoSchedule"}],
            "requirements": [
                {"key": "team", "operator": "Exists"},
                {"key": "-a", "operator": "In", "values": []},
            ],
        }),
    );
    let faults = faults_of(validation::node_pool(&pool));
    let paths: Vec<_> = faults.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "spec.template.metadata.labels[karpenter.sh/custom]",
            "spec.template.metadata.labels[karpenter.sh/custom]",
            "spec.template.spec.taints[1]",
            "spec.template.spec.requirements[1]",
        ]
    );
    // then the condition's message is all of them
    let errors = validation::node_pool(&pool).expect_err("faults");
    assert_eq!(validation::message(&errors).matches("; ").count(), 5, "{}", validation::message(&errors));
}

/// A NodeOverlay with these requirements and this capacity.
fn overlay(requirements: Value, capacity: Value) -> NodeOverlay {
    serde_json::from_value(json!({
        "apiVersion": "karpenter.sh/v1alpha1",
        "kind": "NodeOverlay",
        "metadata": {"name": "default"},
        "spec": {"requirements": requirements, "capacity": capacity},
    }))
    .expect("a NodeOverlay")
}

#[test]
fn overlays_are_checked_like_pools_and_must_leave_the_providers_resources_alone() {
    let fine = overlay(
        json!([{"key": labels::NODEPOOL, "operator": "In", "values": ["gpu"]}]),
        json!({"nvidia.com/gpu": 4, "example.com/dongle": "1"}),
    );
    assert_eq!(faults_of(validation::node_overlay(&fine)), []);

    let wrong = overlay(
        json!([
            {"key": "team", "operator": "NotIn", "values": []},
            {"key": "team", "operator": "In", "values": []},
            {"key": "karpenter.sh/x", "operator": "Exists"},
        ]),
        json!({"cpu": 1, "vpc.amazonaws.com/efa": 1, "habana.ai/gaudi": 1}),
    );
    let faults = faults_of(validation::node_overlay(&wrong));
    let expected = [
        ("spec.requirements[0]", "key team with operator NotIn must have a value defined"),
        (
            "spec.requirements[1]",
            "invalid value: key team with operator In must have a value defined in requirements, restricted",
        ),
        ("spec.requirements[2]", "invalid value: using label karpenter.sh/x is not allowed"),
        ("spec.capacity[cpu]", "invalid capacity: cpu in resource, restricted"),
        ("spec.capacity[habana.ai/gaudi]", "invalid capacity: habana.ai/gaudi in resource, restricted"),
        ("spec.capacity[vpc.amazonaws.com/efa]", "invalid capacity: vpc.amazonaws.com/efa in resource, restricted"),
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for ((path, message), (expected_path, expected_message)) in faults.iter().zip(expected) {
        assert_eq!(path, expected_path);
        assert!(message.starts_with(expected_message), "{message}");
    }
}
