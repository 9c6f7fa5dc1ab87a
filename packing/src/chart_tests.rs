//! Whether pictures are XML, and whether everything that was measured is in them.

use super::*;
use crate::run::testing::run;
use crate::summary::{judge, summaries};
use roxmltree::Document;

/// The texts in a picture, and what is shown to whoever points at something.
fn words(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).expect("well-formed XML");
    let texts = document.descendants().filter(|n| n.is_text()).filter_map(|n| n.text());
    texts.map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()
}

fn experiment(instances: &[&str]) -> Vec<Summary> {
    let mut runs = vec![];
    for instance in instances {
        for (budget, cost) in [(50, 10.8), (1000, 10.0)] {
            runs.push(run(instance, "karpenter", budget, 12.5, None));
            runs.push(run(instance, "cost", budget, cost, Some(10.0)));
        }
    }
    summaries(&judge(runs))
}

#[test]
fn every_policy_is_in_the_legend_on_the_curves_and_has_a_bar_for_each_workload() {
    let words = words(&draw(&experiment(&["openb", "small <pods> & \"more\""])));
    let has = |text: &str| words.iter().any(|w| w == text);
    for policy in ["karpenter", "cost"] {
        assert!(has(policy), "the legend: {words:?}");
    }
    for point in ["karpenter, 50 ms: 25 % \u{b1} 0 %", "cost, 50 ms: 8 % \u{b1} 0 %", "cost, 1 s: 0 % \u{b1} 0 %"] {
        assert!(has(point), "{point}: {words:?}");
    }
    for bar in ["openb, karpenter: 25 %", "openb, cost: 0 %", "small <pods> & \"more\", karpenter: 25 %"] {
        assert!(has(bar), "{bar}: {words:?}");
    }
}

#[test]
fn nothing_is_drawn_outside_of_the_picture() {
    let svg = draw(&experiment(&["a", "b", "c"]));
    let document = Document::parse(&svg).expect("well-formed XML");
    let root = document.root_element();
    let number = |n: &roxmltree::Node<'_, '_>, name: &str| n.attribute(name).and_then(|v| v.parse::<f64>().ok());
    let (width, height) = (number(&root, "width").expect("a width"), number(&root, "height").expect("a height"));
    let placed: Vec<(f64, f64)> =
        document.descendants().filter_map(|n| Some((number(&n, "x")?, number(&n, "y")?))).collect();
    assert!(placed.len() > 20);
    for (x, y) in placed {
        assert!((0.0..=width).contains(&x) && (0.0..=height).contains(&y), "({x}, {y})");
    }
    for line in document.descendants().filter_map(|n| n.attribute("points")) {
        let numbers = line.split([' ', ',']).map(|n| n.parse::<f64>().expect("a number"));
        assert!(numbers.into_iter().all(|n| (0.0..=width).contains(&n)), "{line}");
    }
}

#[test]
fn without_a_bound_there_is_a_picture_that_says_so() {
    let summaries = summaries(&judge(vec![run("a", "karpenter", 100, 12.5, None)]));
    let words = words(&draw(&summaries));
    assert!(words.contains(&"no bound was proven".to_owned()) && words.contains(&"no bound".to_owned()), "{words:?}");
    assert!(!words.iter().any(|w| w.contains("NaN")));
    roxmltree::Document::parse(&draw(&[])).expect("an empty picture is one too");
}

#[test]
fn one_budget_is_a_point_in_the_middle() {
    let summaries = summaries(&judge(vec![run("a", "cost", 100, 12.5, Some(10.0))]));
    let svg = draw(&summaries);
    assert!(words(&svg).contains(&"cost, 100 ms: 25 %".to_owned()));
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}

#[test]
fn curves_go_through_the_same_instances_at_every_budget() {
    let mut runs = vec![run("odd", "cost", 50, 100.0, Some(10.0))];
    for (budget, cost) in [(50, 12.0), (1000, 11.0)] {
        runs.push(run("a", "cost", budget, cost, Some(10.0)));
    }
    let words = words(&draw(&summaries(&judge(runs))));
    assert!(words.contains(&"cost, 50 ms: 20 %".to_owned()), "without the instance of one budget: {words:?}");
    assert!(words.contains(&"odd, cost: 900 %".to_owned()), "which has a bar nonetheless");
}

#[test]
fn budgets_that_are_usual_for_instances_of_different_size_are_one_point() {
    let runs = vec![run("a", "cost", 100, 12.0, Some(10.0)), run("b", "cost", 110, 11.0, Some(10.0))];
    let words = words(&draw(&summaries(&judge(runs))));
    assert!(words.iter().any(|w| w.starts_with("cost, 105 ms: 15 %")), "{words:?}");
}

#[test]
fn many_instances_are_grouped_by_what_their_names_have_in_common() {
    let names: Vec<String> =
        (0..40).flat_map(|n| [format!("class1_60_3_{n}"), format!("class2_60_3_{n}"), format!("odd-{n}")]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let policies = ["karpenter", "cost"];
    let groups = workloads(&experiment(&names), &policies);
    let told: Vec<&str> = groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(told, ["class1_60_3 (40)", "class2_60_3 (40)", "odd (40)"]);
    let unlike: Vec<String> = (0..30).map(|n| format!("{}x", char::from(b'A' + n))).collect();
    let unlike: Vec<&str> = unlike.iter().map(String::as_str).collect();
    let groups = workloads(&experiment(&unlike), &policies);
    assert_eq!((groups.len(), groups.last().map(|g| g.name.as_str())), (24, Some("7 others")));
    assert!((groups[23].bars[0].expect("a gap").mean - 0.25).abs() < 1e-9);
}

#[test]
fn numbers_are_given_up_from_the_end() {
    assert_eq!(without_number("class2_60_3_7"), "class2_60_3");
    assert_eq!(without_number("triplets:60x3@12"), "triplets:60x3");
    assert_eq!(without_number("triplets:60x3"), "triplets:60x");
    assert_eq!(without_number("17"), "17", "something must be left");
    assert_eq!(without_number("openb"), "openb");
}

#[test]
fn figures_are_as_long_as_they_need_to_be() {
    assert_eq!([0.0, 0.0004, 0.012, 0.25, 1.0].map(percent), ["0 %", "0.04 %", "1.2 %", "25 %", "100 %"]);
    assert_eq!([50, 1000, 1500].map(milliseconds), ["50 ms", "1 s", "1.5 s"]);
}
