//! `dovetail plan` from the command line to its answer: what is bought, how it is shown, and with which status it ends.

use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::support::{CLASS, Folder, POOL, deployment, pod};
use serde_json::json;

#[test]
fn a_deployment_is_packed_and_the_answer_has_its_shape() {
    let folder = Folder::with_pool().file("web.yaml", &deployment("web", "3", "cpu: 900m, memory: 1Gi"));
    let outcome = folder.plan(&[".", "--policy", "karpenter", "-o", "json"]);
    let mut answer = outcome.json();
    assert!(answer["seconds"].as_f64().is_some_and(|s| (0.0..5.0).contains(&s)), "{answer}");
    answer.as_object_mut().expect("an object").remove("seconds");
    let claim = |types: &[&str], pods: &[&str], cpu: &str, memory: &str, price: f64| {
        json!({"nodePool": "default", "instanceTypes": types, "price": price, "pods": pods,
            "requests": {"cpu": cpu, "memory": memory, "pods": pods.len().to_string()},
            "requirements": ["karpenter.kwok.sh/kwoknodeclass In [default]", "karpenter.sh/capacity-type In [on-demand]",
                "karpenter.sh/nodepool In [default]"]})
    };
    // First fit: a node that was opened takes whatever still fits on one of its types, though two small ones would do.
    let expected = json!({"policy": "karpenter", "cost": 1.5, "bound": null, "certificate": null, "existing": [], "errors": {}, "unplaced": [],
        "claims": [claim(&["large"], &["default/web-0", "default/web-1", "default/web-2"], "2700m", "3Gi", 1.5)]});
    assert_eq!(answer, expected);
}

#[test]
fn the_table_says_what_to_buy_what_it_costs_and_what_has_no_place() {
    let folder = Folder::with_pool()
        .file("web.yaml", &deployment("web", "2", "cpu: 900m, memory: 1Gi"))
        .file("big.yaml", &deployment("big", "4", "cpu: 20"))
        .file("odd.yaml", &(pod("odd", "cpu: 1") + "  nodeSelector: {disk: fast}\n"));
    let outcome = folder.plan(&[".", "--policy", "karpenter"]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert_eq!(
        outcome.stdout,
        "\
NODEPOOL  INSTANCE TYPE     ZONE    CAPACITY   NODES  PODS  CPU  MEMORY  $/H EACH     $/H
default   small or 1 other  zone-a  on-demand      1     2  90%     25%    0.1000  0.1000

1 node for 2 pods: $0.1000 an hour, $73.00 a month (730 hours)

5 pods not placed
  default/big-0 and 3 others
    needs cpu 20; pool default: the largest of its 2 types leaves 16 to pods
  default/odd
    pool default: the pod selects by label disk, which its nodes do not have

Policy karpenter gives no proof of how cheap it could be.
"
    );
    assert_eq!(outcome.stderr, "");
}

#[test]
fn a_plan_is_verified_when_asked_and_says_so_in_words_and_data() {
    let folder = Folder::with_pool()
        .file("web.yaml", &deployment("web", "2", "cpu: 900m, memory: 1Gi"))
        .file("big.yaml", &pod("big", "cpu: 20"));
    let outcome = folder.plan(&[".", "--verify"]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(outcome.stdout.ends_with("\nverified: every rule holds for 2 pods on 1 node\n"), "{outcome:?}");
    let answer = folder.plan(&[".", "--verify", "-o", "json"]).json();
    assert_eq!(answer["verified"], json!({"pods": 2, "nodes": 1, "violations": []}));
    let unasked = folder.plan(&[".", "-o", "json"]).json();
    assert!(unasked.get("verified").is_none(), "{unasked}");
    assert_eq!(
        folder.plan(&[".", "--verify", "--exit-code"]).status,
        2,
        "verified or not, a pod stays without a place"
    );
}

#[test]
fn node_overlays_change_what_is_bought_and_the_prices_that_are_shown() {
    let overlay = |name: &str, spec: &str| {
        let requirement = "{key: node.kubernetes.io/instance-type, operator: In, values: [large]}";
        format!(
            "apiVersion: karpenter.sh/v1alpha1\nkind: NodeOverlay\nmetadata: {{name: {name}}}\n\
             spec: {{requirements: [{requirement}], {spec}}}\n"
        )
    };
    let folder = Folder::with_pool()
        .file("web.yaml", &deployment("web", "1", "cpu: 900m, memory: 1Gi"))
        .file("cheap.yaml", &overlay("cheap", "priceAdjustment: -99%, weight: 2"))
        .file("dear.yaml", &overlay("also-cheap", "price: '0.02', weight: 2"));
    let outcome = folder.plan(&[".", "--flexibility", "all", "-o", "json"]);
    let claim = &outcome.json()["claims"][0];
    assert_eq!(claim["instanceTypes"], json!(["large", "small"]));
    assert_eq!((&claim["price"], &claim["overlaid"]), (&json!(0.015), &json!(["price"])));
    assert!(outcome.stderr.contains("NodeOverlay cheap: applied to 1 instance type(s)"), "{}", outcome.stderr);
    let conflict = "NodeOverlay also-cheap: not applied: conflict with another overlay: cheap has the same weight 2";
    assert!(outcome.stderr.contains(conflict), "{}", outcome.stderr);
    assert!(folder.plan(&["."]).stdout.contains("0.0150"), "in the table too");
}

#[test]
fn an_overlay_puts_a_type_on_sale_whose_price_the_catalogue_does_not_know() {
    let pool = "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: default}\nspec: {template: {spec: {\
                requirements: [], nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}}}\n";
    let overlay = "apiVersion: karpenter.sh/v1alpha1\nkind: NodeOverlay\nmetadata: {name: new}\nspec: {price: '0.15', \
                   requirements: [{key: node.kubernetes.io/instance-type, operator: In, values: [r9g.large]}]}\n";
    let folder = Folder::empty()
        .file("pool.yaml", pool)
        .file("web.yaml", &(pod("web", "cpu: 1") + "  nodeSelector: {karpenter.k8s.aws/instance-family: r9g}\n"));
    let plan = |folder: &Folder| folder.run(&["plan", ".", "--region", "us-west-2", "-o", "json"], "").json();
    assert_eq!(plan(&folder)["claims"], json!([]));
    let bought = plan(&folder.file("overlay.yaml", overlay));
    assert_eq!(bought["claims"][0]["instanceTypes"], json!(["r9g.large"]), "{bought}");
    assert_eq!(bought["cost"], json!(0.15));
}

#[test]
fn the_table_tells_what_fills_a_node_that_is_bought_for_its_gpus() {
    let folder = Folder::with_pool()
        .file("gpu.yaml", &pod("gpu", "cpu: 100m, example.com/nothing: 0, nvidia.com/gpu: 1"))
        .file("web.yaml", &(pod("web", "cpu: 1") + "  nodeSelector: {node.kubernetes.io/instance-type: small}\n"));
    assert_eq!(
        folder.plan(&[".", "--policy", "karpenter"]).stdout,
        "\
NODEPOOL  INSTANCE TYPE  ZONE    CAPACITY   NODES  PODS  CPU  MEMORY   GPU  $/H EACH     $/H
default   large          zone-a  on-demand      1     1   1%      0%  100%    1.5000  1.5000
default   small          zone-a  on-demand      1     1  50%      0%     -    0.1000  0.1000

2 nodes for 2 pods: $1.6000 an hour, $1,168.00 a month (730 hours)

Policy karpenter gives no proof of how cheap it could be.
"
    );
}

#[test]
fn a_pod_goes_to_a_node_that_is_there_before_one_is_bought() {
    let node = "apiVersion: v1\nkind: Node\nmetadata:\n  name: n1\n  labels: {kubernetes.io/os: linux}\nstatus:\n  \
                allocatable: {cpu: 2, memory: 4Gi, pods: 10}\n  capacity: {cpu: 2, memory: 4Gi, pods: 10}\n";
    let folder = Folder::with_pool().file("n.yaml", node).file("p.yaml", &pod("p", "cpu: 1"));
    let answer = folder.plan(&[".", "-o", "json"]).json();
    assert_eq!(answer["existing"], json!([{"node": "n1", "pods": ["default/p"]}]));
    assert_eq!((&answer["claims"], &answer["cost"]), (&json!([]), &json!(0.0)));
    let table = folder.plan(&["."]).stdout;
    assert_eq!(table, "Nothing to buy.\n\n1 pod on 1 node already there\nNODE  PODS\nn1       1\n");
}

#[test]
fn the_status_says_whether_pods_stay_without_a_place_only_if_that_was_asked() {
    let folder = Folder::with_pool().file("p.yaml", &pod("p", "cpu: 100"));
    assert_eq!(folder.plan(&["."]).status, 0);
    let outcome = folder.plan(&[".", "--exit-code"]);
    assert_eq!(outcome.status, 2);
    assert!(outcome.stdout.contains("1 pod not placed"), "the plan is printed all the same: {outcome:?}");
    let folder = Folder::with_pool().file("p.yaml", &pod("p", "cpu: 1"));
    assert_eq!(folder.plan(&[".", "--exit-code"]).status, 0);
}

#[test]
fn yaml_says_the_same_as_json() {
    let folder = Folder::with_pool().file("web.yaml", &deployment("web", "2", "cpu: 1"));
    let without_seconds = |text: &str| text.lines().filter(|l| !l.contains("seconds")).collect::<Vec<_>>().join("\n");
    let json = folder.plan(&[".", "-o", "json"]);
    let yaml = folder.plan(&[".", "-o", "yaml"]);
    let read: serde_json::Value = serde_saphyr::from_str(&without_seconds(&yaml.stdout)).expect("YAML");
    let mut expected = json.json();
    expected.as_object_mut().expect("an object").remove("seconds");
    assert_eq!(read, expected);
}

#[test]
fn standard_input_lists_and_json_are_read() {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        serde_saphyr::from_str::<serde_json::Value>(POOL).expect("YAML"),
        serde_saphyr::from_str::<serde_json::Value>(CLASS).expect("YAML"),
        serde_saphyr::from_str::<serde_json::Value>(&pod("a", "cpu: 1")).expect("YAML"),
    ]});
    let folder = Folder::empty().file("list.json", &list.to_string());
    let input = format!("{}---\n{}", pod("b", "cpu: 1"), pod("c", "cpu: 1"));
    let outcome = folder.plan_with_input(&["list.json", "-", "-o", "json"], &input);
    assert_eq!(outcome.placed(), ["default/a", "default/b", "default/c"]);
}

#[test]
fn pods_that_are_there_are_not_planned_for_twice() {
    let live = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web-x\n  labels: {pod-template-hash: abc}\n  ownerReferences:\n  \
                - {apiVersion: apps/v1, kind: ReplicaSet, name: web-abc, uid: u, controller: true}\nspec:\n  nodeName: n1\n  \
                containers: [{name: main}]\n";
    let folder = Folder::with_pool().file("live.yaml", live).file("web.yaml", &deployment("web", "3", "cpu: 1"));
    let outcome = folder.plan(&[".", "-o", "json"]);
    assert_eq!(outcome.placed(), ["default/web-0", "default/web-1"]);
    assert!(outcome.stderr.contains("added were Deployment default/web 2"), "{}", outcome.stderr);
}

#[test]
fn one_bad_pool_does_not_stop_the_others() {
    let bad = POOL.replace("operator: In", "operator: Near").replace("name: default\nspec", "name: bad\nspec");
    let folder = Folder::with_pool().file("bad.yaml", &bad).file("p.yaml", &pod("p", "cpu: 1"));
    let outcome = folder.plan(&[".", "-o", "json"]);
    assert_eq!(outcome.placed(), ["default/p"]);
    let stderr = &outcome.stderr;
    assert!(stderr.starts_with("warning: ./bad.yaml, document 1 (line 1): NodePool bad: it is not ready"), "{stderr}");
    assert!(stderr.contains("spec.template.spec.requirements[0].operator"), "{stderr}");
}

#[test]
fn a_pool_whose_class_is_bad_is_not_ready_and_one_whose_class_is_elsewhere_is() {
    let bad =
        "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: default}\nspec: {amiFamily: Solaris}\n";
    let pool = POOL.replace("karpenter.kwok.sh", "karpenter.k8s.aws").replace("KWOKNodeClass", "EC2NodeClass");
    let folder = Folder::empty().file("pool.yaml", &pool).file("p.yaml", &pod("p", "cpu: 1"));
    let alone = folder.run(&["plan", ".", "-o", "json"], "");
    assert_eq!(alone.placed(), ["default/p"]);
    assert!(alone.stderr.contains("note: EC2NodeClass default of NodePool default is not among"), "{}", alone.stderr);

    let folder = folder.file("class.yaml", bad);
    let outcome = folder.run(&["plan", ".", "-o", "json"], "");
    assert_eq!(outcome.json()["errors"], json!({"default/p": "there is no NodePool to buy a node from"}));
    let stderr = &outcome.stderr;
    assert!(
        stderr.contains("warning: ./class.yaml, document 1 (line 1): EC2NodeClass default: it is not ready"),
        "{stderr}"
    );
    assert!(stderr.contains("spec.amiFamily"), "{stderr}");
    assert!(stderr.contains("warning: NodePool default is not ready"), "{stderr}");
}

#[test]
fn other_kinds_and_pods_behind_gates_are_noted_once() {
    let others = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n\
                  ---\napiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\n";
    let gated = pod("gated", "cpu: 1") + "  schedulingGates: [{name: wait}]\n";
    let folder =
        Folder::with_pool().file("others.yaml", others).file("gated.yaml", &gated).file("chart/values.yaml", "a: 1\n");
    let outcome = folder.plan(&[".", "-o", "json"]);
    assert_eq!(outcome.placed(), Vec::<String>::new());
    assert_eq!(
        outcome.stderr,
        "note: skipped 2 ConfigMap: plans do not depend on them\n\
         note: skipped 1 CronJob of batch: their pods are planned for when a Job is there\n\
         note: skipped ./chart/values.yaml: it holds no Kubernetes object\n\
         note: 1 pod(s) wait behind scheduling gates: nothing is bought for them before the gates are gone\n"
    );
}

#[test]
fn a_trace_is_planned_with_default_pools_or_with_those_given() {
    let trace = "name,cpu_milli,memory_mib,num_gpu\na,1000,1024,0\nb,4000,1024,1\n";
    let folder = Folder::with_pool().file(".trace.csv", trace);
    let alone = folder.plan(&["--trace", ".trace.csv", "-o", "json"]);
    assert_eq!(alone.placed(), ["default/a", "default/b"]);
    assert!(
        alone.stderr.contains("note: no NodePool was given: nodes are bought from all of the catalogue"),
        "{}",
        alone.stderr
    );
    let given = folder.plan(&["pool.yaml", "--trace", ".trace.csv", "-o", "json"]);
    assert_eq!(given.placed(), ["default/a", "default/b"]);
    assert_eq!(given.stderr, "");

    let ec2 = folder.run(&["plan", "--trace", ".trace.csv", "-o", "json"], "");
    assert_eq!(ec2.placed(), ["default/a", "default/b"]);
    let types = ec2.json()["claims"][0]["instanceTypes"].to_string();
    assert!(types.contains("g4dn."), "the pod with a GPU goes to the default GPU pool: {types}");
}

#[test]
fn a_limit_counts_as_a_request_and_limit_ranges_fill_in_what_pods_do_not_say() {
    let limited = pod("limited", "").replace("requests: {}", "limits: {cpu: 1500m}");
    let range = "apiVersion: v1\nkind: LimitRange\nmetadata: {name: r, namespace: small}\nspec:\n  limits:\n  - {type: Container, \
                 defaultRequest: {cpu: 200m}}\n";
    let silent = pod("silent", "").replace("name: silent", "name: silent\n  namespace: small");
    let folder = Folder::with_pool().file("a.yaml", &limited).file("b.yaml", &format!("{range}---\n{silent}"));
    let answer = folder.plan(&[".", "-o", "json"]).json();
    assert_eq!(answer["claims"][0]["requests"]["cpu"], "1700m");
}

#[test]
fn colours_are_for_terminals_only() {
    let folder = Folder::with_pool().file("p.yaml", &pod("p", "cpu: 100"));
    let plain = folder.plan(&["."]);
    assert!(!plain.stdout.contains('\u{1b}') && !plain.stderr.contains('\u{1b}'), "{plain:?}");
    let forced = folder.variable("CLICOLOR_FORCE", "1");
    assert!(forced.plan(&["."]).stdout.contains('\u{1b}'), "what no terminal is can be told to be one");
    let refused = forced.variable("NO_COLOR", "1");
    assert!(!refused.plan(&["."]).stdout.contains('\u{1b}'), "but not against NO_COLOR");
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_command_quietly() {
    // More than a pipe holds, so that the command is still writing when the reader goes.
    let folder = Folder::with_pool().file("web.yaml", &deployment("web", "8000", "cpu: 1m"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_dovetail"))
        .args(["plan", ".", "--catalog", ".catalogue.json", "-o", "json"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut first = [0];
    let mut reader = child.stdout.take().expect("standard output");
    reader.read_exact(&mut first).expect("the first byte");
    drop(reader);
    let output = child.wait_with_output().expect("the binary ends");
    assert_eq!((first[0], output.status.code()), (b'{', Some(0)));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_limit_that_is_exceeded_by_the_nodes_that_are_there_says_so() {
    let node = "apiVersion: v1\nkind: Node\nmetadata:\n  name: n1\n  labels: {karpenter.sh/nodepool: default}\nstatus:\n  \
                allocatable: {cpu: 8, memory: 8Gi, pods: 0}\n  capacity: {cpu: 8, memory: 8Gi, pods: 0}\n";
    let limited = POOL.replace("spec:\n  template", "spec:\n  limits: {cpu: 2}\n  template");
    let folder = Folder::empty().file("pool.yaml", &format!("{CLASS}---\n{limited}"));
    let answer = folder.file("n.yaml", node).file("p.yaml", &pod("p", "cpu: 1")).plan(&[".", "-o", "json"]).json();
    let why =
        "pool default: every type that fits is larger than what its spec.limits still allow: cpu 0 (exceeded by 6)";
    assert_eq!(answer["errors"], json!({"default/p": why}));
}

#[test]
fn every_policy_answers_and_keeps_the_rules() {
    let folder = Folder::with_pool()
        .file("web.yaml", &deployment("web", "5", "cpu: 900m, memory: 1Gi"))
        .file("gpu.yaml", &pod("gpu", "cpu: 100m, nvidia.com/gpu: 1"));
    let cost = |policy: &str| {
        let answer = folder.plan(&[".", "--policy", policy, "--verify", "-o", "json"]).json();
        assert_eq!(answer["verified"]["violations"], json!([]), "{policy}: {answer}");
        assert_eq!((&answer["policy"], &answer["unplaced"]), (&json!(policy), &json!([])));
        answer["cost"].as_f64().expect("a number")
    };
    // All of them buy one node with a GPU; it has room for all others, and whoever asks it first needs no other.
    let costs = ["karpenter", "ffd", "best-fit", "cheapest-per-resource"].map(cost);
    assert_eq!(costs, [1.5; 4]);
}

#[test]
fn a_term_of_the_search_that_makes_no_sense_is_refused() {
    let folder = Folder::with_pool();
    folder.plan(&[".", "--time-budget", "soon"]).refused(&["--time-budget", "soon", "30s, 1h30m"]);
    folder.plan(&[".", "--flexibility", "some"]).refused(&["--flexibility", "whole number of percents"]);
}

#[test]
fn a_plan_that_is_searched_for_says_how_cheap_it_could_have_been() {
    // First fit puts all three on the large node; two small ones hold them.
    let folder = Folder::with_pool().file("web.yaml", &deployment("web", "3", "cpu: 900m, memory: 1Gi"));
    let answer = folder.plan(&[".", "--policy", "cost", "--verify", "-o", "json"]).json();
    let number = |value: &serde_json::Value| value.as_f64().expect("a number");
    let (cost, certificate) = (number(&answer["cost"]), &answer["certificate"]);
    assert_eq!((cost, number(&certificate["karpenter"])), (0.2, 1.5));
    let bound = number(&certificate["bound"]);
    assert_eq!(number(&answer["bound"]), bound);
    // 2.7 cores are 1.35 of the cheaper node, and no proof is needed that less will not do.
    assert!((0.135..=cost).contains(&bound), "{certificate}");
    assert!((number(&certificate["gap"]) - (cost - bound) / bound).abs() < 1e-9, "{certificate}");
    let table = folder.plan(&[".", "--policy", "cost"]).stdout;
    let last = table.lines().last().expect("a line");
    assert!(last.starts_with("$0.2000/h, ") && last.ends_with("; Karpenter's rule: $1.50/h (+650.0 %)"), "{table}");
    assert!(
        last.contains(if bound < cost { " % above the cheapest possible" } else { ", the cheapest possible" }),
        "{table}"
    );
}

#[test]
fn a_plan_that_is_counted_in_steps_is_the_same_every_time() {
    let folder = Folder::with_pool()
        .file("web.yaml", &deployment("web", "40", "cpu: 900m, memory: 1Gi"))
        .file("api.yaml", &deployment("api", "25", "cpu: 300m, memory: 3Gi"));
    let answer = || {
        let mut answer =
            folder.plan(&[".", "--policy", "cost", "--seed", "7", "--time-budget", "20ms", "-o", "json"]).json();
        answer.as_object_mut().expect("an object").remove("seconds");
        answer
    };
    assert_eq!(answer(), answer());
}
