//! `dovetail bench pack` from the command line to its results: what it reads, what it prints, and what it does not do twice.

use std::io::Write as _;

use crate::support::{CLASS, Folder, POOL, deployment};
use serde_json::Value;

/// Two bins hold five items: two heavy ones and three light ones.
const BINS: &str = "# optimum 2\n2\n10 10\n2\n5 1 2\n3 4 2\n";
/// Kinds of bins of which the cheap one runs out.
const KINDS: &str = "1\n2\n10 3 1\n10 5 -1\n1\n1 4\n5\n";
/// An item that is either long or wide.
const CHOICE: &str = "2\n1\n10 10 1 -1\n1\n2 1\n5 2\n2 5\n";
const TRACE: &str = "name,cpu_milli,memory_mib,num_gpu\na,900,1024,0\nb,900,1024,0\nc,8000,1024,1\nd,100,64,0\n";

/// Runs `dovetail bench pack` with the folder's catalogue.
fn pack(folder: &Folder, arguments: &[&str]) -> crate::support::Outcome {
    let mut all = vec!["bench", "pack", "--catalog", ".catalogue.json", "--deterministic"];
    all.extend(arguments);
    folder.run(&all, "")
}

#[test]
fn bins_of_equal_cost_are_told_as_a_list_with_exactly_four_fields() {
    let folder = Folder::empty().file("small.vbp", BINS);
    let json = pack(&folder, &["small.vbp", "-o", "json"]).json();
    let list = json.as_array().expect("a list");
    assert_eq!(list.len(), 1);
    let object = list[0].as_object().expect("an object");
    assert_eq!(object.keys().map(String::as_str).collect::<Vec<_>>(), ["bins", "bound", "instance", "seconds"]);
    assert_eq!((&object["instance"], &object["bins"], &object["bound"]), (&"small".into(), &2.into(), &2.into()));
    assert!(object["seconds"].as_f64().is_some_and(|s| s < 5.0));
}

#[test]
fn what_tells_several_runs_apart_is_added() {
    let folder = Folder::empty().file("a.vbp", BINS).file("b.vbp", BINS);
    let json =
        pack(&folder, &[".", "-o", "json", "--policy", "karpenter", "--seeds", "2", "--budget", "5ms,9ms"]).json();
    let told: Vec<(&str, u64, u64)> = json
        .as_array()
        .expect("a list")
        .iter()
        .map(|o| {
            (
                o["instance"].as_str().expect("a name"),
                o["seed"].as_u64().expect("a seed"),
                o["budget"].as_u64().expect("ms"),
            )
        })
        .collect();
    assert_eq!(told.len(), 8);
    assert!(told.contains(&("a", 1, 5)) && told.contains(&("b", 0, 9)), "{told:?}");
    assert!(json[0].get("policy").is_none(), "there is one policy only");
}

#[test]
fn a_file_that_cannot_be_expressed_is_named_and_the_others_are_measured() {
    let folder = Folder::empty()
        .file("bad/choice.mvp", CHOICE)
        .file("bad/broken.vbp", "1\n10\n1\nx 1\n")
        .file("kinds.mvp", KINDS);
    let outcome = pack(&folder, &["kinds.mvp", "bad", "--policy", "karpenter", "-o", "csv", "--each"]);
    assert_eq!(outcome.status, 1, "{outcome:?}");
    for expected in
        ["error: bad/choice.mvp, line 7: item 1 has 2 shapes", "error: bad/broken.vbp, line 4: \"x\" stands where"]
    {
        assert!(outcome.stderr.contains(expected), "{expected}: {}", outcome.stderr);
    }
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert!(lines[0].starts_with("instance,draw,policy,seed,budget_ms,unit,pods,placed,nodes,cost,bound,"));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].starts_with("kinds,,karpenter,0,100,cost,4,4,2,8,"), "one cheap bin and a dear one: {}", lines[1]);
}

#[test]
fn traces_scenarios_and_wishes_stand_beside_each_other() {
    let folder = Folder::with_pool()
        .file("trace.csv", TRACE)
        .file("shop.yaml", &format!("{CLASS}---\n{POOL}---\n{}", deployment("web", "3", "cpu: 900m, memory: 1Gi")));
    let inputs = ["trace.csv", "shop.yaml", "planted:30@1-2", "triplets:30x3@4", "--policy", "karpenter", "-o", "json"];
    let json = pack(&folder, &inputs).json();
    let names: Vec<&str> = runs(&json).iter().map(|r| r["instance"].as_str().expect("a name")).collect();
    assert_eq!(names, ["trace", "shop", "planted:30@1", "planted:30@2", "triplets:30x3@4"]);
    let pods: Vec<u64> = runs(&json).iter().map(|r| r["pods"].as_u64().expect("pods")).collect();
    assert_eq!(pods, [4, 3, 30, 30, 30]);
    for run in &runs(&json)[2..] {
        let (cost, optimum) = (run["cost"].as_f64().expect("a cost"), run["optimum"].as_f64().expect("an optimum"));
        assert!(cost >= optimum && run["gap"].as_f64().is_some_and(|g| g >= 0.0), "{run}");
    }
    assert_eq!(json["totals"][0]["instances"], 5);
}

fn runs(json: &Value) -> &[Value] {
    json["runs"].as_array().expect("runs")
}

#[test]
fn gzipped_files_read_the_same() {
    let shop = format!("{CLASS}---\n{POOL}---\n{}", deployment("web", "3", "cpu: 900m, memory: 1Gi"));
    let folder = Folder::empty();
    for (name, text) in [("trace.csv.gz", TRACE), ("small.vbp.gz", BINS), ("shop.yaml.gz", &shop)] {
        let file = std::fs::File::create(folder.path().join(name)).expect("a file");
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        packed.write_all(text.as_bytes()).and_then(|()| packed.try_finish()).expect("written");
    }
    let json = pack(&folder, &[".", "--policy", "karpenter", "-o", "json"]).json();
    let read: Vec<_> = runs(&json).iter().map(|r| (r["instance"].as_str().expect("a name"), &r["placed"])).collect();
    assert_eq!(read, [("shop", &3.into()), ("small", &4.into()), ("trace", &4.into())]);
}

#[test]
fn pods_of_a_trace_buy_from_the_pools_that_are_given() {
    let folder = Folder::with_pool().file("trace.csv", TRACE);
    let spot = POOL.replace("on-demand", "spot");
    let folder = folder.file("spot/pool.yaml", &format!("{CLASS}---\n{spot}"));
    let cost = |pools: &str| {
        let outcome = pack(&folder, &["trace.csv", "--pools", pools, "--policy", "karpenter", "-o", "json"]);
        runs(&outcome.json())[0]["cost"].as_f64().expect("a cost")
    };
    assert_eq!(cost("spot/pool.yaml"), 0.04, "one small node on spot; nothing there has a GPU");
    assert_eq!(cost("pool.yaml"), 1.5, "all fit beside the GPU");
}

#[test]
fn draws_have_means_with_intervals() {
    let folder = Folder::with_pool().file("trace.csv", TRACE);
    let arguments = ["trace.csv", "--draw", "2", "--draws", "8", "--policy", "karpenter", "-o", "json"];
    let json = pack(&folder, &arguments).json();
    assert_eq!(runs(&json).len(), 8);
    let summary = &json["summaries"][0];
    assert_eq!((&summary["runs"], &summary["samples"], &summary["pods"]), (&8.into(), &8.into(), &2.into()));
    let costs: Vec<f64> = runs(&json).iter().map(|r| r["cost"].as_f64().expect("a cost")).collect();
    let mean = costs.iter().sum::<f64>() / 8.0;
    let variance = costs.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / 7.0;
    let half = 2.3646 * (variance / 8.0).sqrt();
    assert!((summary["cost"]["mean"].as_f64().expect("a mean") - mean).abs() < 1e-9);
    assert!((summary["cost"]["ci95"].as_f64().expect("an interval") - half).abs() < 1e-9 && half > 0.0);
    let again = pack(&folder, &arguments).json();
    let costs_again: Vec<f64> = runs(&again).iter().map(|r| r["cost"].as_f64().expect("a cost")).collect();
    assert_eq!(costs_again, costs, "the same draws");
}

#[test]
fn a_second_start_does_only_what_is_missing() {
    let folder = Folder::empty().file("a.vbp", BINS);
    let first = pack(&folder, &["a.vbp", "--policy", "karpenter", "--resume", "runs.jsonl", "-o", "json"]).json();
    let journal = || std::fs::read_to_string(folder.path().join("runs.jsonl")).expect("a journal");
    assert_eq!(journal().lines().count(), 1);
    // Given a run that took ages, and one that was cut off while it was written.
    let seconds = first[0]["seconds"].as_f64().expect("seconds");
    let text = journal().replace(&format!("\"seconds\":{seconds}"), "\"seconds\":12345.5") + "{\"instance\":\"a\",\"po";
    std::fs::write(folder.path().join("runs.jsonl"), text).expect("written");
    let arguments = ["a.vbp", "--policy", "karpenter", "--seeds", "2", "--resume", "runs.jsonl", "-o", "json"];
    let second = pack(&folder, &arguments).json();
    let seconds: Vec<f64> =
        second.as_array().expect("a list").iter().map(|r| r["seconds"].as_f64().expect("s")).collect();
    assert_eq!(seconds[0], 12345.5, "taken from the journal");
    assert!(seconds[1] < 5.0, "done now");
    assert_eq!(journal().lines().count(), 2);
    assert!(journal().lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{}", journal());
}

#[test]
fn a_run_on_other_content_or_other_terms_is_another_run() {
    let folder = Folder::empty().file("a.vbp", BINS);
    let lines = |folder: &Folder, more: &[&str]| {
        let mut arguments = vec!["a.vbp", "--policy", "karpenter", "--resume", "runs.jsonl"];
        arguments.extend(more);
        assert_eq!(pack(folder, &arguments).status, 0);
        std::fs::read_to_string(folder.path().join("runs.jsonl")).expect("a journal").lines().count()
    };
    assert_eq!((lines(&folder, &[]), lines(&folder, &[])), (1, 1));
    assert_eq!(lines(&folder, &["--flexibility", "all"]), 2);
    let folder = folder.file("a.vbp", &BINS.replace("3 4 2", "3 4 3"));
    assert_eq!(lines(&folder, &[]), 3);
}

#[test]
fn what_is_no_journal_is_left_as_it_is() {
    let folder = Folder::empty().file("a.vbp", BINS).file("precious.txt", "dear diary\ntoday\n");
    let outcome = pack(&folder, &["a.vbp", "--resume", "precious.txt"]);
    outcome.refused(&["precious.txt, line 1: this is not a run", "name a file that an earlier run has written"]);
    let left = std::fs::read_to_string(folder.path().join("precious.txt")).expect("still there");
    assert_eq!(left, "dear diary\ntoday\n");
}

#[test]
fn the_plot_is_a_picture_with_every_policy_and_instance() {
    let folder = Folder::empty().file("a.vbp", BINS);
    let arguments = ["a.vbp", "triplets:30x3@1", "--policy", "all", "--budget", "5ms,50ms", "--plot", "plot.svg"];
    let outcome = pack(&folder, &arguments);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let svg = std::fs::read_to_string(folder.path().join("plot.svg")).expect("a plot");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    for word in ["karpenter", ">a<", ">triplets:30x3@1<", "5 ms", "50 ms"] {
        assert!(svg.contains(word), "{word}");
    }
}

#[test]
fn the_table_has_a_line_for_each_instance_and_policy_and_one_for_all() {
    let folder = Folder::empty().file("a.vbp", BINS).file("b/a.vbp", BINS);
    let outcome = pack(&folder, &["a.vbp", "b", "--policy", "karpenter"]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert!(
        lines[0].starts_with("INSTANCE  POLICY     BUDGET  PODS  PLACED  NODES  BINS  BOUND     GAP  OPTIMUM"),
        "{}",
        lines[0]
    );
    assert!(lines[1].starts_with("a         karpenter  100 ms     4       4      2     2      2  0.00 %        2"));
    assert!(lines[2].starts_with("b/a       karpenter"), "files of one name are told apart: {}", lines[2]);
    assert!(lines[4].starts_with("karpenter within 100 ms: 2 instances, 4 bins, mean gap 0.00 %, optimal 2 of 2, "));
}

#[test]
fn nothing_to_measure_is_an_error_that_says_what_to_name() {
    let folder = Folder::empty().file("notes.txt", "hello").file("empty/.hidden.vbp", BINS);
    let refused = |inputs: &[&str], words: &[&str]| pack(&folder, inputs).refused(words);
    refused(&["notes.txt"], &["notes.txt: its name ends in none of", "there is nothing to measure"]);
    refused(&["empty"], &["empty: there is no .csv, .vbp"]);
    refused(&["gone.vbp"], &["gone.vbp: "]);
    refused(&["planted:none@1"], &["planted:none@1: none is not a number of pods"]);
    refused(&["triplets:31x2@1"], &["31 is not a multiple of three"]);
}
