//! Objects as wholes: which kinds there are, what may be unknown, and what the API server says about structure.

use dovetail_api::admission::{self, Invalid};
use dovetail_api::conditions::{self, launch_failure, node_claim};
use dovetail_api::node_pool::NodePool;
use serde_json::{Value, json};

use crate::crd_support::{valid, with};
use crate::judge;

/// The one thing that is wrong with an object.
fn only(object: &Value) -> Invalid {
    let mut found = admission::validate(object).expect_err("the object is invalid");
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[test]
fn the_valid_manifest_of_every_kind_is_valid() {
    for kind in dovetail_api::crd::KINDS {
        assert_eq!(judge(&valid(kind)), Ok(()), "{kind}");
        assert_eq!(admission::unknown_fields(&valid(kind)), [""; 0], "{kind}");
    }
}

#[test]
fn an_object_must_say_what_it_is() {
    assert_eq!(only(&json!({})).to_string(), "kind: Required value");
    assert_eq!(only(&json!([1])).to_string(), "kind: Required value");
    assert_eq!(only(&json!({ "kind": "NodePool" })).to_string(), "apiVersion: Required value");
    let old = json!({ "apiVersion": "karpenter.sh/v1beta1", "kind": "NodePool" });
    assert_eq!(
        only(&old).to_string(),
        r#"apiVersion: Unsupported value: "karpenter.sh/v1beta1": supported values: "karpenter.sh/v1""#
    );
    let other = only(&json!({ "apiVersion": "v1", "kind": "Pod" })).to_string();
    assert!(other.starts_with(r#"kind: Unsupported value: "Pod": supported values: "NodePool", "#), "{other}");
}

#[test]
fn an_object_of_another_kind_is_left_alone() {
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "spec": { "nodeName": null } });
    assert_eq!(admission::with_defaults(pod.clone()), pod);
    assert_eq!(admission::unknown_fields(&pod), [""; 0]);
}

#[test]
fn an_object_must_have_a_name_that_dns_can_hold() {
    let named = |metadata: Value| with(valid("NodePool"), &vec![("metadata", metadata)]);
    assert_eq!(only(&named(json!({}))).to_string(), "metadata.name: Required value: name or generateName is required");
    assert_eq!(only(&named(json!({ "name": "" }))).path, "metadata.name");
    assert_eq!(judge(&named(json!({ "generateName": "pool-" }))), Ok(()));
    assert_eq!(judge(&named(json!({ "name": "a.b-1" }))), Ok(()));
    for name in ["Default", "a_b", "-a", "a-", "a..b", ".a", "ä"] {
        assert!(only(&named(json!({ "name": name }))).message.contains("lowercase RFC 1123 subdomain"), "{name}");
    }
    assert_eq!(judge(&named(json!({ "name": "a".repeat(253) }))), Ok(()));
    assert!(only(&named(json!({ "name": "a".repeat(254) }))).message.contains("no more than 253"));
}

#[test]
fn unknown_fields_are_reported_and_not_refused() {
    let pool = with(
        valid("NodePool"),
        &vec![
            ("spec.ttlSecondsAfterEmpty", json!(30)),
            ("spec.template.spec.kubelet", json!({ "maxPods": 10 })),
            ("spec.template.spec.taints", json!([{ "key": "a", "effect": "NoSchedule", "operator": "Exists" }])),
            ("metadata.labels", json!({ "a": "b" })),
            ("data", json!({})),
        ],
    );
    assert_eq!(judge(&pool), Ok(()));
    assert_eq!(
        admission::unknown_fields(&pool),
        ["data", "spec.template.spec.kubelet", "spec.template.spec.taints[0].operator", "spec.ttlSecondsAfterEmpty",]
    );
    assert!(admission::admit::<NodePool>(pool).is_ok());
}

#[test]
fn the_kubelet_section_of_a_node_class_is_open() {
    let class =
        with(valid("EC2NodeClass"), &vec![("spec.kubelet", json!({ "maxPods": "max_pods - 1", "anything": [1] }))]);
    assert_eq!(judge(&class), Ok(()));
    assert_eq!(admission::unknown_fields(&class), [""; 0]);
    assert_eq!(
        judge(&with(valid("EC2NodeClass"), &vec![("spec.kubelet", json!("a"))])).map_err(|found| found.len()),
        Err(2)
    );
}

#[test]
fn what_is_wrong_is_said_in_the_words_of_the_api_server() {
    let requirement = json!([{ "key": "a", "operator": "Foo" }]);
    let pool =
        with(valid("NodePool"), &vec![("spec.template.spec.requirements", requirement), ("spec.weight", json!(101))]);
    assert_eq!(
        judge(&pool),
        Err(vec![
            r#"spec.template.spec.requirements[0].operator: Unsupported value: "Foo": supported values: "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte""#.to_owned(),
            "spec.weight: Invalid value: 101: spec.weight in body should be less than or equal to 100".to_owned(),
            "some validation rules were not checked because the object was invalid; correct the existing errors to complete \
             validation".to_owned(),
        ])
    );
}

#[test]
fn a_pattern_or_a_bound_does_not_keep_the_rules_from_being_checked() {
    let pool = with(valid("NodePool"), &vec![("spec.weight", json!(0)), ("spec.replicas", json!(1))]);
    let found = judge(&pool).expect_err("two things are wrong");
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[1].contains("'weight' is not supported on static NodePools"));
}

#[test]
fn conditions_are_told_apart_by_their_type() {
    let condition = |name: &str| {
        json!({
            "type": name,
            "status": "True",
            "reason": "Ready",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    let pool = |conditions: Value| with(valid("NodePool"), &vec![("status", json!({ "conditions": conditions }))]);
    assert_eq!(judge(&pool(json!([condition("Ready"), condition("NodeClassReady")]))), Ok(()));
    let twice = only(&pool(json!([condition("Ready"), condition("Ready")])));
    assert_eq!(twice.path, "status.conditions[1]");
    assert_eq!(twice.message, r#"Duplicate value: {"type":"Ready"}"#);
}

#[test]
fn the_reason_of_a_node_claims_condition_may_be_missing_and_a_node_pools_may_not() {
    let bare =
        json!({ "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z" }] });
    let with_status = |kind: &str| with(valid(kind), &vec![("status", bare.clone())]);
    assert_eq!(judge(&with_status("NodeClaim")), Ok(()));
    let found = judge(&with_status("NodePool")).expect_err("message and reason are missing");
    assert_eq!(found[0], "status.conditions[0].message: Required value");
    assert_eq!(found[1], "status.conditions[0].reason: Required value");
}

#[test]
fn an_update_is_judged_with_what_was_there_before() {
    let old = valid("NodePool");
    let renamed = with(valid("NodePool"), &vec![("spec.template.spec.nodeClassRef.name", json!("other"))]);
    assert_eq!(admission::validate_update(&old, &renamed), Ok(()));
    let moved = with(valid("NodePool"), &vec![("spec.template.spec.nodeClassRef.kind", json!("KWOKNodeClass"))]);
    assert_eq!(judge(&moved), Ok(()));
    let found = admission::validate_update(&old, &moved).expect_err("the kind is immutable");
    assert_eq!(found[0].to_string(), "spec.template.spec.nodeClassRef: Invalid value: nodeClassRef.kind is immutable");
}

#[test]
fn a_value_that_the_schema_admits_and_no_type_can_hold_is_refused_and_does_not_panic() {
    // The published pattern of quantities lets an exponent with a fraction through.
    let pool = with(valid("NodePool"), &vec![("spec.limits", json!({ "cpu": "1e2.5" }))]);
    assert_eq!(judge(&pool), Ok(()));
    let found = admission::admit::<NodePool>(pool).expect_err("1e2.5 is no quantity");
    assert!(found[0].message.contains("1e2.5"), "{}", found[0]);
}

#[test]
fn a_node_claim_may_say_any_reason_why_its_launch_failed() {
    let mut reasons = launch_failure::ALL.to_vec();
    for reason in &reasons {
        let launched = json!({
            "type": node_claim::LAUNCHED,
            "status": conditions::UNKNOWN,
            "reason": reason,
            "message": "EC2 said no",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        assert_eq!(
            judge(&with(valid("NodeClaim"), &vec![("status.conditions", json!([launched]))])),
            Ok(()),
            "{reason}"
        );
    }
    reasons.sort_unstable();
    reasons.dedup();
    assert_eq!(reasons.len(), launch_failure::ALL.len(), "no two failures share a reason");
}

#[test]
fn an_integer_must_fit_its_width_even_where_nothing_else_bounds_it() {
    let wide = json!(1_u64 << 31);
    for (kind, field) in [
        ("CapacityBuffer", "spec.replicas"),
        ("CapacityBuffer", "spec.percentage"),
        ("EC2NodeClass", "spec.ipPrefixCount"),
    ] {
        let found = only(&with(valid(kind), &vec![(field, wide.clone())]));
        let message =
            format!("Invalid value: 2147483648: Checked value must be of type integer with format int32 in {field}");
        assert_eq!((found.path.as_str(), found.message), (field, message));
        assert_eq!(judge(&with(valid(kind), &vec![(field, json!((1_u64 << 31) - 1))])), Ok(()), "{kind} {field}");
    }
    let pool = |field, value| with(valid("NodePool"), &vec![(field, value)]);
    assert_eq!(judge(&pool("spec.replicas", wide)), Ok(()));
    for field in ["spec.replicas", "spec.limits.cpu"] {
        assert_eq!(judge(&pool(field, json!(i64::MAX))), Ok(()), "{field}");
        let found = judge(&pool(field, json!(u64::MAX))).expect_err("more than 64 bits with sign");
        assert!(found[0].starts_with(&format!("{field}: Invalid value: \"number\": ")), "{found:#?}");
    }
}
