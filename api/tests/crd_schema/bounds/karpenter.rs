//! Bounds of NodePool, NodeClaim, NodeOverlay, CapacityBuffer and KWOKNodeClass.

use serde_json::{Value, json};

use super::{Field, SetValue, field, numbers, texts};

/// `count` different requirements.
fn requirements(count: usize) -> Value {
    (0..count).map(|index| json!({ "key": format!("key-{index}"), "operator": "Exists" })).collect()
}

/// `count` different labels.
fn labels(count: usize) -> Value {
    Value::Object((0..count).map(|index| (format!("key-{index}"), json!("a"))).collect())
}

/// A requirement with one field set.
fn requirement(name: &str, value: Value) -> Value {
    let mut requirement = json!({ "key": "team", "operator": "Exists" });
    requirement[name] = value;
    json!([requirement])
}

/// A taint with one field set.
fn taint(name: &str, value: Value) -> Value {
    let mut taint = json!({ "key": "dedicated", "effect": "NoSchedule" });
    taint[name] = value;
    json!([taint])
}

fn keys() -> (Vec<Value>, Vec<Value>) {
    let long = "a".repeat(317);
    let accepted = texts(["a", "A", "a-b_c.d", "example.com/a", "example.com/A.b", "1"]);
    let mut refused = texts(["", "a/", "/a", "a/b/c", "Example.com/a", "-a", "a-", "a b", "-.com/a"]);
    refused.push(json!(long));
    (accepted, refused)
}

fn operators() -> (Vec<Value>, Vec<Value>) {
    (texts(["Exists", "DoesNotExist", "NotIn"]), texts(["", "in", "Equal", "GreaterThan"]))
}

fn min_values() -> (Vec<Value>, Vec<Value>) {
    (numbers([1, 50]), vec![json!(0), json!(51), json!(-1), json!("1"), json!(1.5), json!(5_000_000_000_i64)])
}

fn quantities() -> (Vec<Value>, Vec<Value>) {
    let accepted =
        vec![json!(1), json!("1"), json!("1.5Gi"), json!("-1"), json!("+1"), json!("100m"), json!("1e3"), json!(".5")];
    let mut refused = texts(["", "a", "1 Gi", "1KB", "Gi", "1ki", "1e"]);
    refused.extend([json!(true), json!(1.5), json!([])]);
    (accepted, refused)
}

fn durations() -> (Vec<Value>, Vec<Value>) {
    let mut refused = texts(["", "Never", "1d", "1.5h", "-1h", "1h 30m", "h", "500ms"]);
    refused.push(json!(30));
    (texts(["30s", "1h30m", "720h", "0s"]), refused)
}

fn durations_or_never() -> (Vec<Value>, Vec<Value>) {
    let mut refused = texts(["", "never", "NeverEver", "1d", "1.5h", "-1h", "1hNever"]);
    refused.push(json!(0));
    (texts(["30s", "1h30m", "720h", "0s", "Never"]), refused)
}

pub(super) fn fields() -> Vec<Field> {
    let mut fields = Vec::new();
    fields.extend(templates());
    fields.extend(disruption());
    fields.extend(pools());
    fields.extend(claims());
    fields.extend(overlays());
    fields.extend(buffers());
    fields.extend(simulated_classes());
    fields
}

fn templates() -> Vec<Field> {
    let pool = "NodePool";
    let (keys_in, keys_out) = keys();
    let (operators_in, operators_out) = operators();
    let (min_in, min_out) = min_values();
    let (durations_in, durations_out) = durations();
    let (never_in, never_out) = durations_or_never();
    let effects = || (texts(["NoSchedule", "PreferNoSchedule", "NoExecute"]), texts(["", "noschedule", "Evict"]));
    let values = || (texts(["a", "a.b/c", "1"]), texts(["", "-a", "a b", "a/b/c"]));
    vec![
        field(
            pool,
            "spec.template.metadata.labels",
            |value| vec![("spec.template.metadata.labels", value)],
            [labels(100)],
            [labels(101), json!([])],
        ),
        field(
            pool,
            "spec.template.metadata.labels.*",
            |value| vec![("spec.template.metadata.labels", json!({ "team": value }))],
            texts(["", "a", "A_b.c-d", "0"]).into_iter().chain([json!("a".repeat(63))]).collect::<Vec<_>>(),
            texts(["-a", "a-", "a b", "a/b"])
                .into_iter()
                .chain([json!("a".repeat(64)), json!(1), json!(true)])
                .collect::<Vec<_>>(),
        ),
        field(
            pool,
            "spec.template.spec.nodeClassRef.group",
            |value| vec![("spec.template.spec.nodeClassRef.group", value)],
            texts(["karpenter.k8s.aws", "a"]),
            texts(["karpenter.k8s.aws/v1", "/"]),
        ),
        field(
            pool,
            "spec.template.spec.requirements",
            |value| vec![("spec.template.spec.requirements", value)],
            [requirements(0), requirements(100)],
            [requirements(101), json!({})],
        ),
        field(
            pool,
            "spec.template.spec.requirements[].key",
            |value| vec![("spec.template.spec.requirements", requirement("key", value))],
            keys_in,
            keys_out.clone(),
        ),
        field(
            pool,
            "spec.template.spec.requirements[].operator",
            |value| vec![("spec.template.spec.requirements", requirement("operator", value))],
            operators_in,
            operators_out,
        ),
        field(
            pool,
            "spec.template.spec.requirements[].minValues",
            |value| vec![("spec.template.spec.requirements", requirement("minValues", value))],
            min_in,
            min_out,
        ),
        field(
            pool,
            "spec.template.spec.taints[].key",
            |value| vec![("spec.template.spec.taints", taint("key", value))],
            texts(["a", "example.com/a"]),
            texts(["", "a/", "a b"]),
        ),
        field(
            pool,
            "spec.template.spec.taints[].value",
            |value| vec![("spec.template.spec.taints", taint("value", value))],
            values().0,
            values().1,
        ),
        field(
            pool,
            "spec.template.spec.taints[].effect",
            |value| vec![("spec.template.spec.taints", taint("effect", value))],
            effects().0,
            effects().1,
        ),
        field(
            pool,
            "spec.template.spec.startupTaints[].key",
            |value| vec![("spec.template.spec.startupTaints", taint("key", value))],
            texts(["a", "example.com/a"]),
            texts(["", "a/", "a b"]),
        ),
        field(
            pool,
            "spec.template.spec.startupTaints[].value",
            |value| vec![("spec.template.spec.startupTaints", taint("value", value))],
            values().0,
            values().1,
        ),
        field(
            pool,
            "spec.template.spec.startupTaints[].effect",
            |value| vec![("spec.template.spec.startupTaints", taint("effect", value))],
            effects().0,
            effects().1,
        ),
        field(
            pool,
            "spec.template.spec.taints[].timeAdded",
            |value| vec![("spec.template.spec.taints", taint("timeAdded", value))],
            texts(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5+01:00"]),
            texts([
                "yesterday",
                "2026-01-01",
                "2026-01-01 00:00:00Z",
                "2026-01-01T00:00:00",
                "2026-02-30T00:00:00Z",
                "",
            ]),
        ),
        field(
            pool,
            "spec.template.spec.terminationGracePeriod",
            |value| vec![("spec.template.spec.terminationGracePeriod", value)],
            durations_in,
            durations_out,
        ),
        field(
            pool,
            "spec.template.spec.expireAfter",
            |value| vec![("spec.template.spec.expireAfter", value)],
            never_in,
            never_out,
        ),
    ]
}

fn disruption() -> Vec<Field> {
    let pool = "NodePool";
    let (never_in, never_out) = durations_or_never();
    let budgets = |count: usize| -> Value { (0..count).map(|_| json!({ "nodes": "1" })).collect() };
    vec![
        field(
            pool,
            "spec.disruption.consolidateAfter",
            |value| vec![("spec.disruption.consolidateAfter", value)],
            never_in,
            never_out,
        ),
        field(
            pool,
            "spec.disruption.consolidationPolicy",
            |value| vec![("spec.disruption.consolidationPolicy", value)],
            texts(["WhenEmpty", "WhenEmptyOrUnderutilized", "Balanced"]),
            texts(["", "WhenUnderutilized", "Never"]),
        ),
        field(
            pool,
            "spec.disruption.budgets",
            |value| vec![("spec.disruption.budgets", value)],
            [budgets(0), budgets(50)],
            [budgets(51), json!("10%")],
        ),
        field(
            pool,
            "spec.disruption.budgets[].nodes",
            |value| vec![("spec.disruption.budgets", json!([{ "nodes": value }]))],
            texts(["0", "5", "1000", "0%", "99%", "100%"]),
            [texts(["", "101%", "-1", "1.5", "ten", "100 %"]), numbers([5])].concat(),
        ),
        field(
            pool,
            "spec.disruption.budgets[].reasons",
            |value| vec![("spec.disruption.budgets", json!([{ "nodes": "1", "reasons": value }]))],
            [json!([]), json!(["Empty", "Drifted", "Underutilized", "Unhealthy"])],
            [json!(["Empty", "Empty"]), json!("Empty"), json!(vec!["Empty"; 51])],
        ),
        field(
            pool,
            "spec.disruption.budgets[].reasons[]",
            |value| vec![("spec.disruption.budgets", json!([{ "nodes": "1", "reasons": [value] }]))],
            texts(["Underutilized", "Empty", "Drifted", "Unhealthy"]),
            texts(["", "empty", "Expired", "All"]),
        ),
        field(
            pool,
            "spec.disruption.budgets[].schedule",
            |value| vec![("spec.disruption.budgets", json!([{ "nodes": "1", "schedule": value, "duration": "1h" }]))],
            // A macro only has to be a prefix: what is no schedule is found when the budget is read.
            texts(["@daily", "@hourly", "@dailyish", "0 9 * * mon-fri", "*/5 * * * *", "a b c d e", "x 0 9 * * 1"]),
            texts(["", "@never", "0 9 * *", "daily"]),
        ),
        field(
            pool,
            "spec.disruption.budgets[].duration",
            |value| {
                vec![("spec.disruption.budgets", json!([{ "nodes": "1", "schedule": "@daily", "duration": value }]))]
            },
            texts(["8h", "30m", "1h30m", "8h0s", "1h30m0s"]),
            texts(["", "30s", "1h30s", "30m1h", "1d", "8h1s"]),
        ),
    ]
}

fn pools() -> Vec<Field> {
    let pool = "NodePool";
    let (quantities_in, quantities_out) = quantities();
    let mut weights_out = numbers([0, 101, -1, 5_000_000_000]);
    weights_out.extend([json!("10"), json!(10.5)]);
    vec![
        field(
            pool,
            "spec.limits.*",
            |value| vec![("spec.limits", json!({ "cpu": value }))],
            quantities_in,
            quantities_out,
        ),
        field(pool, "spec.weight", |value| vec![("spec.weight", value)], numbers([1, 100]), weights_out),
        field(
            pool,
            "spec.replicas",
            |value| vec![("spec.replicas", value)],
            numbers([0, 5_000_000_000]),
            [numbers([-1]), texts(["1"])].concat(),
        ),
    ]
}

fn claims() -> Vec<Field> {
    let claim = "NodeClaim";
    let (keys_in, keys_out) = keys();
    let (operators_in, operators_out) = operators();
    let (min_in, min_out) = min_values();
    let (durations_in, durations_out) = durations();
    let (never_in, never_out) = durations_or_never();
    let (quantities_in, quantities_out) = quantities();
    let mut fields = vec![
        field(
            claim,
            "spec.nodeClassRef.group",
            |value| vec![("spec.nodeClassRef.group", value)],
            texts(["a"]),
            texts(["a/b"]),
        ),
        field(
            claim,
            "spec.requirements",
            |value| vec![("spec.requirements", value)],
            [requirements(100)],
            [requirements(101)],
        ),
        field(
            claim,
            "spec.requirements[].key",
            |value| vec![("spec.requirements", requirement("key", value))],
            keys_in,
            keys_out,
        ),
        field(
            claim,
            "spec.requirements[].operator",
            |value| vec![("spec.requirements", requirement("operator", value))],
            operators_in,
            operators_out,
        ),
        field(
            claim,
            "spec.requirements[].minValues",
            |value| vec![("spec.requirements", requirement("minValues", value))],
            min_in,
            min_out,
        ),
        field(
            claim,
            "spec.resources.requests.*",
            |value| vec![("spec.resources", json!({ "requests": { "cpu": value } }))],
            quantities_in,
            quantities_out,
        ),
        field(
            claim,
            "spec.terminationGracePeriod",
            |value| vec![("spec.terminationGracePeriod", value)],
            durations_in,
            durations_out,
        ),
        field(claim, "spec.expireAfter", |value| vec![("spec.expireAfter", value)], never_in, never_out),
    ];
    let taints: [(_, SetValue); 6] = [
        ("spec.taints[].key", |value| vec![("spec.taints", taint("key", value))]),
        ("spec.startupTaints[].key", |value| vec![("spec.startupTaints", taint("key", value))]),
        ("spec.taints[].value", |value| vec![("spec.taints", taint("value", value))]),
        ("spec.startupTaints[].value", |value| vec![("spec.startupTaints", taint("value", value))]),
        ("spec.taints[].effect", |value| vec![("spec.taints", taint("effect", value))]),
        ("spec.startupTaints[].effect", |value| vec![("spec.startupTaints", taint("effect", value))]),
    ];
    for (path, change) in taints {
        let accepted = if path.ends_with("effect") { texts(["NoExecute"]) } else { texts(["a.b/c"]) };
        fields.push(field(claim, path, change, accepted, texts(["", "a b"])));
    }
    fields
}

fn overlays() -> Vec<Field> {
    let overlay = "NodeOverlay";
    let (keys_in, keys_out) = keys();
    let (quantities_in, quantities_out) = quantities();
    vec![
        field(
            overlay,
            "spec.requirements",
            |value| vec![("spec.requirements", value)],
            [requirements(100)],
            [requirements(101)],
        ),
        field(
            overlay,
            "spec.requirements[].key",
            |value| vec![("spec.requirements", requirement("key", value))],
            keys_in,
            keys_out,
        ),
        field(
            overlay,
            "spec.requirements[].operator",
            |value| vec![("spec.requirements", requirement("operator", value))],
            texts(["Exists", "DoesNotExist"]),
            texts(["", "Foo"]),
        ),
        field(
            overlay,
            "spec.price",
            |value| vec![("spec.price", value)],
            texts(["0", "1", "0.05", "12.5"]),
            [texts(["", ".5", "1.", "-1", "+1", "1e3", "$1", "١"]), vec![json!(0.5)]].concat(),
        ),
        field(
            overlay,
            "spec.priceAdjustment",
            |value| vec![("spec.priceAdjustment", value)],
            texts(["+1", "-1", "+0.5", "-.5", "+10%", "+250%", "+.5%", "-5%", "-99.9%", "-100%"]),
            texts(["", "1", "10%", "-101%", "-100.5%", "+", "%", "+%", "+1.", "+1.%", "--1"]),
        ),
        field(
            overlay,
            "spec.capacity.*",
            |value| vec![("spec.capacity", json!({ "example.com/a": value }))],
            quantities_in,
            quantities_out,
        ),
        field(overlay, "spec.weight", |value| vec![("spec.weight", value)], numbers([1, 10_000]), numbers([0, 10_001])),
    ]
}

fn buffers() -> Vec<Field> {
    let buffer = "CapacityBuffer";
    let (quantities_in, quantities_out) = quantities();
    let mut negative = numbers([-1]);
    negative.push(json!("1"));
    vec![
        field(
            buffer,
            "spec.podTemplateRef.name",
            |value| vec![("spec.podTemplateRef", json!({ "name": value })), ("spec.replicas", json!(1))],
            texts(["a"]),
            texts([""]),
        ),
        field(
            buffer,
            "spec.scalableRef.kind",
            |value| vec![("spec.scalableRef", json!({ "kind": value, "name": "web" }))],
            texts(["Deployment"]),
            texts([""]),
        ),
        field(
            buffer,
            "spec.scalableRef.name",
            |value| vec![("spec.scalableRef", json!({ "kind": "Deployment", "name": value }))],
            texts(["web"]),
            texts([""]),
        ),
        field(buffer, "spec.replicas", |value| vec![("spec.replicas", value)], numbers([0, 7]), negative.clone()),
        field(buffer, "spec.percentage", |value| vec![("spec.percentage", value)], numbers([0, 250]), negative),
        field(
            buffer,
            "spec.limits.*",
            |value| vec![("spec.limits", json!({ "cpu": value }))],
            quantities_in,
            quantities_out,
        ),
    ]
}

fn simulated_classes() -> Vec<Field> {
    let (durations_in, durations_out) = durations();
    vec![field(
        "KWOKNodeClass",
        "spec.nodeRegistrationDelay",
        |value| vec![("spec.nodeRegistrationDelay", value)],
        durations_in,
        durations_out,
    )]
}
