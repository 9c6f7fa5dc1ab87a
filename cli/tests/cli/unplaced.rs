//! What `dovetail plan` says about pods without a place, to people and to programs.

use crate::support::{Folder, deployment, pod};
use serde_json::{Value, json};

/// The entry of `unplaced` for one pod, of an answer in JSON.
fn told(answer: &Value, pod: &str) -> Value {
    let entries = answer["unplaced"].as_array().expect("a list");
    let names = |entry: &&Value| entry["pods"].as_array().is_some_and(|pods| pods.contains(&json!(pod)));
    entries.iter().find(names).unwrap_or_else(|| panic!("{pod} is told: {answer}")).clone()
}

#[test]
fn the_answer_has_reasons_as_data_beside_the_text_and_the_event() {
    let folder = Folder::with_pool()
        .file("big.yaml", &deployment("big", "3", "cpu: 20"))
        .file("odd.yaml", &(pod("odd", "cpu: 3") + "  nodeSelector: {node.kubernetes.io/instance-type: small}\n"))
        .file("lost.yaml", &(pod("lost", "cpu: 1") + "  nodeSelector: {disk: fast}\n"));
    let answer = folder.plan(&[".", "-o", "json"]).json();
    let details = "requirements=karpenter.kwok.sh/kwoknodeclass In [default], karpenter.sh/capacity-type In [on-demand], \
         karpenter.sh/initialized In [true], karpenter.sh/nodepool In [default], karpenter.sh/registered In [true]";
    let why = "needs cpu 20; pool default: the largest of its 2 types leaves 16 to pods";
    assert_eq!(
        told(&answer, "default/big-1"),
        json!({
            "pods": ["default/big-0", "default/big-1", "default/big-2"],
            "kind": "refused",
            "text": why,
            "event": format!("Failed to schedule pod, no instance type has enough resources, {details}, \
                resources={{\"cpu\":\"20\",\"pods\":\"1\"}}"),
            "refusals": [{
                "nodePool": "default", "text": why, "kind": "noInstanceType", "types": 2, "minValues": [],
                "groups": [{"rule": "resource", "types": 2, "example": "large", "resource": "cpu", "asked": "20", "most": "16"}],
            }],
        })
    );
    assert_eq!(answer["errors"]["default/big-1"], json!(why), "and the text by pod, as ever");
    assert_eq!(
        told(&answer, "default/odd")["refusals"][0]["groups"],
        json!([
            {"rule": "label", "types": 1, "example": "large", "key": "node.kubernetes.io/instance-type",
                "asked": "In [small]", "has": "In [large]"},
            {"rule": "resource", "types": 1, "example": "small", "resource": "cpu", "asked": "3", "most": "2"},
        ])
    );
    let lost = told(&answer, "default/lost");
    assert_eq!(lost["refusals"][0]["kind"], json!("labels"));
    assert_eq!(lost["refusals"][0]["labels"], json!([{"key": "disk", "asked": null, "has": null}]));
    assert_eq!(
        lost["event"],
        json!("Failed to schedule pod, incompatible requirements, label \"disk\" does not have known values")
    );
}

#[test]
fn a_rejected_pod_is_told_without_pools_and_yaml_says_the_same_as_json() {
    let folder =
        Folder::with_pool().file("x.yaml", &(pod("x", "cpu: 1") + "  nodeSelector: {kubernetes.io/hostname: n1}\n"));
    let answer = folder.plan(&[".", "-o", "json"]).json();
    let entry = told(&answer, "default/x");
    assert_eq!((&entry["kind"], &entry["refusals"], &entry["event"]), (&json!("rejected"), &json!([]), &Value::Null));
    assert_eq!(entry["text"], answer["errors"]["default/x"]);
    let yaml = folder.plan(&[".", "-o", "yaml"]).stdout;
    assert!(yaml.contains("kind: rejected"), "{yaml}");
}

#[test]
fn what_keeps_groups_of_types_out_has_a_line_each() {
    let folder = Folder::with_pool()
        .file("odd.yaml", &(pod("odd", "cpu: 3") + "  nodeSelector: {node.kubernetes.io/instance-type: small}\n"));
    assert_eq!(
        folder.plan(&["."]).stdout,
        "\
Nothing to buy.

1 pod not placed
  default/odd
    pool default: none of its 2 types will do
      large: node.kubernetes.io/instance-type is to be In [small], it has In [large]
      small: needs cpu 3, at most 2 left to pods
"
    );
}

#[test]
fn a_thousand_pods_that_are_too_large_each_in_its_own_way_are_one_thing_to_read() {
    let many =
        (0..1000).map(|n| pod(&format!("job-{n:03}"), &format!("cpu: {}", 20 + n)) + "---\n").collect::<String>();
    let folder = Folder::with_pool().file("many.yaml", &many);
    assert_eq!(
        folder.plan(&["."]).stdout,
        "\
Nothing to buy.

1000 pods not placed
  default/job-000, default/job-001, default/job-002 and 997 more
    needs cpu 20; pool default: the largest of its 2 types leaves 16 to pods
    (figures as for default/job-000; those of others differ)
"
    );
    let answer = folder.plan(&[".", "-o", "json"]).json();
    assert_eq!(answer["unplaced"].as_array().map(Vec::len), Some(1000), "programs get all the figures");
}

#[test]
fn of_very_many_different_reasons_the_first_are_told() {
    let many: String = (0..50)
        .map(|n| pod(&format!("p-{n:02}"), "cpu: 1") + &format!("  nodeSelector: {{label-{n:02}: x}}\n---\n"))
        .collect();
    let table = Folder::with_pool().file("many.yaml", &many).plan(&["."]).stdout;
    assert!(table.contains("label-19") && !table.contains("label-20"), "{table}");
    assert!(table.ends_with("  and 30 pods for 30 further reasons, which -o json tells\n"), "{table}");
}
