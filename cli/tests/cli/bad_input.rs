//! Bad input: every message names the place and what to do, nothing is on standard output, and the status is 1.

use crate::support::{Folder, POOL, deployment, pod};

/// What becomes of a folder with a pool and this file.
fn plan(text: &str) -> crate::support::Outcome {
    Folder::with_pool().file("bad.yaml", text).plan(&["."])
}

#[test]
fn text_that_is_no_yaml_is_named_with_file_and_line() {
    plan("apiVersion: v1\nkind: Pod\n metadata: {}\n").refused(&["./bad.yaml, document 1, line 3: this is not YAML"]);
    let twice = pod("p", "cpu: 1") + "  hostNetwork: true\n  hostNetwork: false\n";
    plan(&twice).refused(&["./bad.yaml, document 1, line 11: the key hostNetwork stands twice"]);
}

#[test]
fn a_field_of_the_wrong_shape_is_named_with_its_path() {
    plan(&(pod("p", "cpu: 1") + "  nodeSelector: {disk: yes}\n")).refused(&[
        "./bad.yaml, document 1 (line 1): Pod p: spec.nodeSelector.disk",
        "expected a string: put it in quotes",
    ]);
    let second = format!("{}---\n{}", pod("p", "cpu: 1"), deployment("web", "many", "cpu: 1"));
    plan(&second).refused(&["./bad.yaml, document 2 (line 11): Deployment web: spec.replicas"]);
}

#[test]
fn a_quantity_that_is_none_is_named_with_file_and_field() {
    plan(&pod("p", "cpu: lots")).refused(&[
        "./bad.yaml, document 1 (line 1): Pod default/p: spec.containers[main].resources.requests.cpu",
        "\"lots\" is not a quantity",
    ]);
    let daemon =
        deployment("agent", "1", "cpu: lots").replace("Deployment", "DaemonSet").replace("  replicas: 1\n", "");
    plan(&daemon).refused(&[
        "./bad.yaml, document 1 (line 1): DaemonSet default/agent: spec.template.spec.containers[main].resources.requests.cpu",
    ]);
}

#[test]
fn a_workload_is_named_once_however_many_pods_it_has() {
    let web = deployment("web", "30", "memory: 1GiB");
    let second = deployment("api", "30", "cpu: 1, memory: 1GiB");
    let outcome = plan(&format!("{web}---\n{second}"));
    outcome.refused(&["./bad.yaml, document 1 (line 1): Deployment default/web: spec.template.spec.containers[main]"]);
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(
        lines.iter().find(|line| line.contains("api")).copied(),
        Some(
            "error: ./bad.yaml, document 2 (line 14): Deployment default/api: \
             spec.template.spec.containers[main].resources.requests.memory: \"1GiB\" is not a quantity: write for instance \
             500m, 2 or 1Gi"
        )
    );
}

#[test]
fn all_errors_are_told_at_once_up_to_a_point() {
    let bad: Vec<String> = (0..30).map(|n| pod(&format!("p{n}"), "cpu: [1]")).collect();
    let outcome = plan(&bad.join("---\n"));
    outcome.refused(&["Pod p0:", "Pod p19:", "error: and 10 more like these"]);
    assert!(outcome.stderr.lines().all(|line| line.starts_with("error: ")), "{}", outcome.stderr);
}

#[test]
fn files_that_are_not_there_and_commands_that_are_not_are_refused_with_status_1() {
    Folder::empty().plan(&["missing.yaml"]).refused(&["missing.yaml", "check the path"]);
    Folder::empty()
        .file("empty/notes.txt", "")
        .plan(&["empty"])
        .refused(&["empty: there is no .yaml, .yml or .json file"]);
    Folder::empty().plan(&[]).refused(&["nothing to plan for"]);
    Folder::empty().plan(&["--policy", "random", "."]).refused(&["random", "karpenter"]);
    Folder::empty().run(&["plan", ".", "--catalog", "missing.json"], "").refused(&["no .yaml"]);
    Folder::with_pool().run(&["plan", ".", "--catalog", "missing.json"], "").refused(&["missing.json", "or ec2"]);
    Folder::with_pool().run(&["plan", ".", "--region", "moon-1"], "").refused(&["moon-1", "us-east-1"]);
    Folder::with_pool().variable("AWS_REGION", "moon-2").run(&["plan", "."], "").refused(&["moon-2"]);
    let folder = Folder::with_pool().file(".t.csv", "name,cpu_milli,memory_mib,num_gpu\na,1,1,-1\n");
    folder.plan(&["--trace", ".t.csv"]).refused(&[".t.csv, line 2: num_gpu: \"-1\""]);
}

#[test]
fn a_named_file_must_hold_manifests() {
    let folder = Folder::with_pool().file("values.yaml", "replicas: 3\n");
    folder.plan(&["values.yaml"]).refused(&["values.yaml, document 1 (line 1): apiVersion and kind are missing"]);
    assert_eq!(folder.plan(&["."]).status, 0, "in a folder it is passed over");
}

#[test]
fn placeholders_are_filled_wherever_they_stand() {
    let web = deployment("${NAME}", "${COUNT}", "${RESOURCE}: $AMOUNT");
    let folder = Folder::with_pool().file("web.yaml", &web);
    let folder =
        folder.variable("NAME", "shop").variable("COUNT", "2").variable("RESOURCE", "cpu").variable("AMOUNT", "500m");
    assert_eq!(folder.plan(&[".", "-o", "json"]).placed(), ["default/shop-0", "default/shop-1"]);
}

#[test]
fn an_unfilled_placeholder_is_an_error_where_the_plan_depends_on_it() {
    plan(&deployment("web", "${COUNT}", "cpu: 1")).refused(&[
        "./bad.yaml, document 1 (line 1): Deployment web: spec.replicas: ${COUNT} is not set in the environment",
        "export it, or write the value itself",
    ]);
    plan(&POOL.replace("[on-demand]", "[\"${BUY}\"]"))
        .refused(&["NodePool default: spec.template.spec.requirements[0].values[0]: ${BUY} is not set"]);
    plan(&POOL.replace("[on-demand]", "[${BUY}]"))
        .refused(&["line 10: this is not YAML", "${BUY} is not set in the environment"]);
}

#[test]
fn an_unfilled_placeholder_is_a_note_where_the_plan_does_not_depend_on_it() {
    let class = "apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata:
  name: default
spec:
  amiFamily: AL2
  role: \"KarpenterNodeRole-${CLUSTER_NAME}\"
  subnetSelectorTerms:
  - tags: {karpenter.sh/discovery: \"${CLUSTER_NAME}\"}
  securityGroupSelectorTerms:
  - tags:
      kubernetes.io/cluster/${CLUSTER_NAME}: \"owned\"
  amiSelectorTerms:
  - id: \"${AMI}\"
";
    let pool = POOL.replace("karpenter.kwok.sh", "karpenter.k8s.aws").replace("KWOKNodeClass", "EC2NodeClass");
    let web = deployment("web", "1", "cpu: 1").replace("image: app", "image: \"app:${TAG}\", args: [\"echo ${HOME}\"]");
    let folder = Folder::empty().file("class.yaml", class).file("pool.yaml", &pool).file("web.yaml", &web);
    let outcome = folder.run(&["plan", ".", "-o", "json"], "");
    assert_eq!(outcome.placed(), ["default/web-0"]);
    assert_eq!(
        outcome.stderr,
        "note: ./class.yaml: not set in the environment, and not needed to plan: ${AMI}, ${CLUSTER_NAME}\n\
         note: ./web.yaml: not set in the environment, and not needed to plan: ${TAG}\n"
    );
    let filled = folder.variable("CLUSTER_NAME", "demo").variable("AMI", "ami-1").variable("TAG", "1");
    assert_eq!(filled.run(&["plan", ".", "-o", "json"], "").stderr, "");
}

#[test]
fn a_misspelt_field_is_warned_of_once_for_each_object() {
    let pool =
        POOL.replace("spec:\n  template", "spec:\n  wieght: 10\n  template").replace("default\nspec", "other\nspec");
    let web =
        deployment("web", "30", "cpu: 1").replace("      containers", "      nodeSelecter: {a: b}\n      containers");
    let live = "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"live\", \"resourceVersion\": \"7\"}, \
                \"spec\": {\"containers\": [{\"name\": \"main\", \"fromTheFuture\": 1}]}, \"status\": {\"new\": 1}}";
    let lives = [live.to_owned(), live.replace("\"live\"", "\"live-2\"")].join("\n");
    let folder =
        Folder::with_pool().file("live.json", &lives).file("web.yaml", &(web + "  paused: true\n  replica: 3\n"));
    let outcome = folder.file("other.yaml", &pool).plan(&["."]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert_eq!(
        outcome.stderr,
        "warning: ./other.yaml, document 1 (line 1): NodePool other: unknown field \"spec.wieght\" has no effect: check its \
         spelling and indentation\n\
         warning: ./web.yaml, document 1 (line 1): Deployment default/web: unknown fields \"spec.replica\", \
         \"spec.template.spec.nodeSelecter\" have no effect: check their spelling and indentation\n\
         note: 2 Pod object(s) of a cluster have fields that are not known here and not used: \
         spec.containers[0].fromTheFuture is the first\n"
    );
}

#[test]
fn numbers_below_zero_are_refused_where_the_api_server_refuses_them() {
    plan(&deployment("web", "9", "cpu: -1, memory: 1Gi"))
        .refused(&["error: ./bad.yaml, document 1 (line 1): Deployment default/web: \
         spec.template.spec.containers[main].resources.requests.cpu: -1 is negative: write 0 or more\n"]);
    let job = deployment("batch", "1", "cpu: 1")
        .replace("apps/v1", "batch/v1")
        .replace("Deployment", "Job")
        .replace("replicas: 1", "completions: -1");
    plan(&job).refused(&["Job default/batch: spec.completions: -1 is negative"]);
    assert_eq!(plan(&pod("p", "cpu: \"-0\"")).status, 0, "zero is zero");
}

#[test]
fn an_object_that_stands_twice_counts_as_it_stands_last_and_both_places_are_named() {
    let folder = Folder::with_pool()
        .file("a.yaml", &deployment("web", "2", "cpu: 1"))
        .file("b.yaml", &deployment("web", "1", "cpu: 1"));
    let outcome = folder.plan(&[".", "-o", "json"]);
    assert_eq!(outcome.placed(), ["default/web-0"]);
    assert_eq!(
        outcome.stderr,
        "warning: Deployment default/web stands twice, in ./a.yaml, document 1 (line 1), and in ./b.yaml, document 1 \
         (line 1): the last one counts, as if both were applied in turn\n"
    );
}

#[test]
fn a_kind_in_the_wrong_group_a_list_that_is_none_and_an_empty_file_are_told() {
    plan(&deployment("web", "1", "cpu: 1").replace("apps/v1", "v1")).refused(&["write apiVersion: apps/v1"]);
    plan("apiVersion: v1\nkind: List\nitems: {a: b}\n").refused(&["items of this List is no list"]);
    assert_eq!(plan("apiVersion: v1\nkind: List\n").stderr, "");
    let folder = Folder::with_pool().file("empty.yaml", "# nothing\n");
    assert_eq!(folder.plan(&["pool.yaml", "empty.yaml"]).stderr, "note: empty.yaml: there is nothing in it\n");
}

#[test]
fn files_of_other_systems_are_read_and_those_that_are_no_text_are_named() {
    let windows = format!("\u{feff}{}", pod("p", "cpu: 1")).replace('\n', "\r\n");
    let folder =
        Folder::with_pool().file("p.yaml", &windows).file(".t.csv", "name,cpu_milli,memory_mib,num_gpu\r\nt,1,1,0\r\n");
    assert_eq!(folder.plan(&[".", "--trace", ".t.csv", "-o", "json"]).placed(), ["default/p", "default/t"]);
    plan("apiVersion: v1\nkind: Pod\n\tmetadata: {}\n").refused(&["./bad.yaml, document 1, line 2", "found a tab"]);
    plan("a\u{0}b: 1\n").refused(&["./bad.yaml, document 1, line 1: this is not YAML"]);
}
