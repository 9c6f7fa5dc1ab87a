//! The corpus, a test for each theme: whatever Karpenter's scheduler was asked, we keep the rules, place what it places, and
//! cost no more.

use dovetail_conformance::corpus::{self, Workshop};
use dovetail_conformance::judge::{self, Verdict};
use std::sync::OnceLock;

/// Scenarios, and themes with such scenarios, that are known to fail, and why. What passes all the same must leave the list.
const EXPECTED: &[(&str, &str)] =
    &[("reserved-004", "a pod waits for reserved capacity that Karpenter lets join a node")];

/// Faults shown for each scenario.
const SHOWN: usize = 4;

const THEMES: [&str; 14] = [
    "affinity",
    "daemonsets",
    "existing",
    "large",
    "mixed",
    "plain",
    "pools",
    "ports",
    "preferences",
    "reserved",
    "selectors",
    "spread",
    "taints",
    "volumes",
];

/// The verdicts of a theme by scenario, made once however many tests ask for them.
fn verdicts(theme: &str) -> &'static [(String, Verdict)] {
    static MADE: [OnceLock<Vec<(String, Verdict)>>; THEMES.len()] = [const { OnceLock::new() }; THEMES.len()];
    let place = THEMES.iter().position(|t| *t == theme).expect("the theme is one of the list");
    MADE[place].get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workshop = Workshop::open(folder.path()).expect("the catalogues can be unpacked");
        let names = corpus::names().expect("the corpus can be listed");
        let names = names.into_iter().filter(|name| corpus::theme(name) == theme);
        names.map(|name| (name.clone(), verdict(&workshop, &name))).collect()
    })
}

fn verdict(workshop: &Workshop, name: &str) -> Verdict {
    let file = workshop.unpack(name).expect("the scenario can be unpacked");
    let head = workshop.head(&file).expect("the scenario names its catalogue");
    let answer = corpus::answer(name).expect("the scenario has an answer");
    judge::judge_known(&head, &file, &answer)
}

fn report(name: &str, verdict: &Verdict) -> String {
    let mut lines = vec![format!("{name}: (cargo xtask conformance --show {name})")];
    lines.extend(verdict.faults.iter().take(SHOWN).map(|fault| format!("    {fault}")));
    if verdict.faults.len() > SHOWN {
        lines.push(format!("    and {} more", verdict.faults.len() - SHOWN));
    }
    lines.join("\n")
}

fn expected(name: &str) -> Option<&'static (&'static str, &'static str)> {
    EXPECTED.iter().find(|(known, _)| *known == name)
}

fn check(theme: &str) {
    let verdicts = verdicts(theme);
    assert_eq!(verdicts.len(), 10, "scenarios of theme {theme}");
    let mut bad = vec![];
    if let Some((_, why)) = expected(theme) {
        let passes = verdicts.iter().all(|(_, verdict)| verdict.faults.is_empty());
        assert!(!passes, "all of {theme} passes: take it off the list ({why})");
        return;
    }
    for (name, verdict) in verdicts {
        let expected = expected(name);
        match (verdict.faults.is_empty(), expected) {
            (false, None) => bad.push(report(name, verdict)),
            (true, Some((_, why))) => bad.push(format!("{name} passes: take it off the list ({why})")),
            _ => {}
        }
    }
    assert!(bad.is_empty(), "{} of {} scenarios\n{}", bad.len(), verdicts.len(), bad.join("\n"));
}

/// A test for each theme.
macro_rules! themes {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*

        #[test]
        fn every_theme_of_the_corpus_has_a_test() {
            let mut themes: Vec<String> =
                corpus::names().expect("the corpus can be listed").iter().map(|n| corpus::theme(n).to_owned()).collect();
            themes.dedup();
            assert_eq!(themes, [$(stringify!($name)),*]);
            assert_eq!(themes, THEMES);
        }
    };
}

themes!(affinity daemonsets existing large mixed plain pools ports preferences reserved selectors spread taints volumes);

#[test]
fn all_in_all_we_are_not_dearer_than_karpenters_mean() {
    let all = THEMES.iter().flat_map(|theme| verdicts(theme));
    let costs: Vec<(f64, f64)> = all.filter_map(|(_, verdict)| verdict.costs).collect();
    let ours: f64 = costs.iter().map(|(ours, _)| ours).sum();
    let theirs: f64 = costs.iter().map(|(_, theirs)| theirs).sum();
    println!("{} scenarios with as many pods placed: ours ${ours:.4}/h, Karpenter's mean ${theirs:.4}/h", costs.len());
    match expected("total") {
        Some((_, why)) => assert!(ours > theirs, "it is not: take it off the list ({why})"),
        None => assert!(ours <= theirs, "ours ${ours:.4}/h, Karpenter's mean ${theirs:.4}/h"),
    }
    assert!(ours <= 0.75 * theirs, "a quarter is saved by default: ours ${ours:.4}/h, theirs ${theirs:.4}/h");
}
