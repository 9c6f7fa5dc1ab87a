//! `dovetail crds` and `dovetail catalog`.

use crate::support::Folder;
use serde_json::Value;

fn documents(text: &str) -> Vec<Value> {
    text.split("\n---\n").map(|d| serde_saphyr::from_str(d).expect("YAML")).collect()
}

fn kinds(definitions: &[Value]) -> Vec<&str> {
    definitions.iter().map(|d| d["spec"]["names"]["kind"].as_str().expect("a kind")).collect()
}

#[test]
fn all_definitions_are_printed_and_they_are_the_types_own() {
    let outcome = Folder::empty().run(&["crds"], "");
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    let printed = documents(&outcome.stdout);
    assert_eq!(kinds(&printed), dovetail_api::crd::KINDS);
    for (printed, own) in printed.iter().zip(dovetail_api::crd::all()) {
        assert_eq!(*printed, serde_json::to_value(own).expect("JSON"), "nothing is lost on the way through YAML");
    }
}

#[test]
fn kinds_can_be_chosen_and_json_holds_one_or_a_list() {
    let folder = Folder::empty();
    let two = folder.run(&["crds", "--kind", "EC2NodeClass", "--kind", "nodepool"], "");
    assert_eq!(kinds(&documents(&two.stdout)), ["NodePool", "EC2NodeClass"]);
    let one = folder.run(&["crds", "--kind", "NodeClaim", "-o", "json"], "").json();
    assert_eq!(
        (&one["kind"], &one["spec"]["names"]["plural"]),
        (&"CustomResourceDefinition".into(), &"nodeclaims".into())
    );
    let all = folder.run(&["crds", "-o", "json"], "").json();
    assert_eq!((&all["kind"], all["items"].as_array().map(Vec::len)), (&"List".into(), Some(6)));
    folder.run(&["crds", "--kind", "Pod"], "").refused(&["Pod", "NodePool"]);
}

#[test]
fn a_catalogue_is_built_from_lists_and_shown() {
    let bandwidth = "instance_type,baseline_mbps\n";
    let folder = Folder::empty().file("bandwidth.csv", bandwidth).file("broken.json", "{");
    let lists = |types: &'static str| {
        [
            "catalog",
            "build",
            "--instance-types",
            types,
            "--offerings",
            "broken.json",
            "--prices",
            "p.csv",
            "--spot",
            "s.csv",
            "--vpc-limits",
            "v.csv",
            "--bandwidth",
            "bandwidth.csv",
            "-o",
            "out",
        ]
    };
    folder.run(&lists("missing.json"), "").refused(&["missing.json"]);
    folder.run(&lists("broken.json"), "").refused(&["broken.json"]);
    assert!(!folder.path().join("out").exists(), "nothing is written when something is wrong");

    let shown = folder.run(&["catalog", "show"], "");
    assert_eq!(shown.status, 0);
    assert!(shown.stdout.contains("us-east-1"), "{}", shown.stdout);
    folder.run(&["catalog", "show", "bandwidth.csv"], "").refused(&["bandwidth.csv"]);
}

#[test]
fn help_and_version_are_answers_and_not_errors() {
    let folder = Folder::empty();
    for arguments in [&["--help"][..], &["--version"], &["plan", "--help"], &["catalog", "build", "--help"]] {
        let outcome = folder.run(arguments, "");
        assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(!outcome.stdout.is_empty(), "{arguments:?}");
    }
    folder.run(&["plna"], "").refused(&["plan"]);
}
