//! Which code may not touch what: the crates that decide touch no clock, environment, files, network, output, sleep or
//! chance order, and the checker of plans touches nothing of those who make them. It knows those crates by their folders and looks at names only, so an alias made elsewhere
//! escapes it.

use std::collections::BTreeSet;

use super::rust::{Code, TestModule};
use super::{Exception, Finding, Rule, Tree};

/// Names that a pure crate may not use.
struct Ban {
    rule: Rule,
    /// Runs of path segments: `["std", "env"]` bans `std::env` and all below it.
    paths: &'static [&'static [&'static str]],
    macros: &'static [&'static str],
}

static BANS: [Ban; 4] = [
    Ban {
        rule: Rule {
            name: "pure-no-clock",
            why: "a decision is replayed and simulated: the same input must give the same plan at any time",
            instead: "take the time as a parameter; the edge that calls the decision reads the clock",
        },
        paths: &[&["SystemTime"], &["Instant"], &["Timestamp", "now"], &["Zoned", "now"], &["chrono", "Utc"]],
        macros: &[],
    },
    Ban {
        rule: Rule {
            name: "pure-no-world",
            why: "a decision reads its input and nothing else, or it could not be tested, replayed or explained",
            instead: "take the value or the text as a parameter; read and print it in `cli` or in a named edge module",
        },
        paths: &[
            &["std", "env"],
            &["std", "fs"],
            &["std", "net"],
            &["std", "process"],
            &["io", "stdin"],
            &["io", "stdout"],
            &["io", "stderr"],
        ],
        macros: &["print", "println", "eprint", "eprintln"],
    },
    Ban {
        rule: Rule {
            name: "pure-no-sleep",
            why: "a decision never waits: the loop that runs it owns the time",
            instead: "return when to look again, and let the caller wait",
        },
        paths: &[&["thread", "sleep"], &["tokio", "time"]],
        macros: &[],
    },
    Ban {
        rule: Rule {
            name: "pure-no-chance-order",
            why: "std's HashMap and HashSet are seeded at random: iterating one makes two runs differ",
            instead: "use BTreeMap or BTreeSet, or rustc_hash's FxHashMap where only look-ups matter",
        },
        paths: &[&["collections", "HashMap"], &["collections", "HashSet"], &["RandomState"]],
        macros: &[],
    },
];

/// What the checker of plans may not use: the code that makes them.
static INDEPENDENT: Ban = Ban {
    rule: Rule {
        name: "independent-verify",
        why: "a checker that shares code with what it checks shares its mistakes",
        instead: "derive it anew from the Problem; only the algebra of requirements, resources and taints is shared",
    },
    paths: &[
        &["crate", "greedy"],
        &["crate", "market"],
        &["crate", "daemons"],
        &["crate", "relaxation"],
        &["crate", "policy"],
        &["crate", "solver"],
    ],
    macros: &[],
};

/// Where the checker lives.
const CHECKER: [&str; 2] = ["scheduler/src/verify.rs", "scheduler/src/verify/"];

/// The folders whose code decides.
const PURE: &[&str] = &["api/src/", "scheduler/src/", "engine/src/"];

/// Modules of `engine` that stand at the edge, where effects belong: the executor, the watches, the clock. A path that
/// ends in `/` is a folder. None is built yet.
const EDGES: &[Exception] = &[];

/// Checks that the deciding crates touch nothing but their input.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    check_with(tree, EDGES)
}

fn check_with(tree: &Tree, edges: &[Exception]) -> Vec<Finding> {
    let tests = test_files(tree);
    let mut findings = Vec::new();
    for file in tree.rust() {
        let pure = PURE.iter().any(|folder| file.path.starts_with(folder));
        let is_test = tests.iter().any(|test| covers(test, &file.path));
        if !pure || is_test || edges.iter().any(|edge| covers(edge.path, &file.path)) {
            continue;
        }
        // What cannot be read as tokens is reported by `sources`.
        let Ok(code) = Code::read(&file.text) else { continue };
        let paths = code.shipped_paths();
        let checks = CHECKER.iter().any(|home| covers(home, &file.path));
        for ban in BANS.iter().chain(checks.then_some(&INDEPENDENT)) {
            for path in &paths {
                if ban.paths.iter().any(|banned| contains(&path.segments, banned)) {
                    findings.push(ban.rule.at(&file.path, path.line, format!("uses `{}`", path.segments.join("::"))));
                }
            }
            for name in ban.macros {
                let lines = code.shipped_macros(name).into_iter();
                findings.extend(lines.map(|line| ban.rule.at(&file.path, line, format!("calls `{name}!`"))));
            }
        }
    }
    findings
}

/// Files and folders (ending in `/`) that hold only tests because their parent declares them `#[cfg(test)]`.
pub(crate) fn test_files(tree: &Tree) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for file in tree.rust() {
        let Ok(code) = Code::read(&file.text) else { continue };
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let home = match name {
            "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
            _ => file.path.trim_end_matches(".rs").to_owned(),
        };
        for module in &code.test_modules {
            match module {
                TestModule::At(beside) => tests.extend([format!("{folder}/{beside}")]),
                TestModule::Named(name) => tests.extend([format!("{home}/{name}.rs"), format!("{home}/{name}/")]),
            }
        }
    }
    tests
}

/// Whether the entry is this file, or a folder around it.
pub(crate) fn covers(entry: &str, path: &str) -> bool {
    entry == path || (entry.ends_with('/') && path.starts_with(entry))
}

fn contains(segments: &[String], banned: &[&str]) -> bool {
    segments.windows(banned.len()).any(|run| run.iter().zip(banned).all(|(own, name)| own == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        check(&Tree::of(&[(path, text)])).iter().map(|finding| finding.rule.name).collect()
    }

    #[test]
    fn the_clock_is_banned_in_every_deciding_crate() {
        for text in [
            "use std::time::Instant;",
            "use std::time::{Duration, SystemTime};",
            "fn f() { let now = std::time::Instant::now(); }",
            "fn f() { jiff::Timestamp::now(); }",
            "use jiff::Zoned; fn f() { Zoned::now(); }",
        ] {
            for path in ["scheduler/src/a.rs", "api/src/a.rs", "engine/src/a/b.rs"] {
                assert_eq!(rules(path, text), ["pure-no-clock"], "{path}: {text}");
            }
        }
    }

    #[test]
    fn environment_files_network_and_output_are_banned() {
        for text in [
            "fn f() { std::env::var(\"X\"); }",
            "use std::{fs, collections::BTreeMap};",
            "use std::net::IpAddr;",
            "fn f() { println!(\"x\"); }",
            "use std::io; fn f() { io::stdout(); }",
        ] {
            assert_eq!(rules("scheduler/src/a.rs", text), ["pure-no-world"], "{text}");
        }
    }

    #[test]
    fn sleeping_and_chance_order_are_banned() {
        assert_eq!(rules("engine/src/a.rs", "fn f() { std::thread::sleep(d); }"), ["pure-no-sleep"]);
        assert_eq!(rules("scheduler/src/a.rs", "use std::collections::HashMap;"), ["pure-no-chance-order"]);
    }

    #[test]
    fn the_checker_uses_nothing_of_those_who_make_plans() {
        for path in ["scheduler/src/verify.rs", "scheduler/src/verify/claims.rs"] {
            assert_eq!(rules(path, "use crate::{plan::Plan, greedy::Claims};"), ["independent-verify"], "{path}");
            assert_eq!(rules(path, "use crate::plan::Plan; use crate::taint::Taint;"), [""; 0], "{path}");
        }
        assert_eq!(rules("scheduler/src/policy/karpenter.rs", "use crate::greedy::plan;"), [""; 0]);
    }

    #[test]
    fn times_as_values_and_ordered_maps_are_fine() {
        let text = "use std::time::Duration; use jiff::Timestamp; use std::collections::BTreeMap;\n\
                    use rustc_hash::FxHashMap; fn f(now: Timestamp) -> Timestamp { now }";
        assert_eq!(rules("scheduler/src/a.rs", text), [""; 0]);
    }

    #[test]
    fn crates_at_the_edge_and_tests_may_touch_the_world() {
        let text = "use std::env;";
        assert_eq!(rules("cli/src/a.rs", text), [""; 0]);
        assert_eq!(rules("scheduler/tests/a.rs", text), [""; 0]);
        assert_eq!(rules("scheduler/src/a.rs", "#[cfg(test)] mod tests { use std::env; }"), [""; 0]);
    }

    #[test]
    fn a_test_module_in_its_own_file_may_touch_the_world_but_its_neighbour_may_not() {
        let tree = Tree::of(&[
            (
                "scheduler/src/greedy.rs",
                "#[cfg(test)]\nmod tests;\n#[cfg(test)]\n#[path = \"cases.rs\"]\nmod c;\nmod order;",
            ),
            ("scheduler/src/greedy/tests.rs", "use std::env;"),
            ("scheduler/src/greedy/tests/given.rs", "use std::env;"),
            ("scheduler/src/cases.rs", "use std::env;"),
            ("scheduler/src/greedy/order.rs", "use std::env;"),
        ]);
        let findings = check(&tree);
        assert_eq!(
            findings.iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(),
            ["scheduler/src/greedy/order.rs"]
        );
    }

    #[test]
    fn a_named_edge_module_may_touch_the_world() {
        let tree = Tree::of(&[("engine/src/executor/launch.rs", "use std::time::Instant;")]);
        let edge = [Exception { path: "engine/src/executor/", reason: "performs actions" }];
        assert!(check_with(&tree, &edge).is_empty());
        assert_eq!(check_with(&tree, &[]).len(), 1);
    }

    #[test]
    fn every_edge_module_has_its_reason() {
        assert!(EDGES.iter().all(|edge| edge.path.starts_with("engine/src/") && edge.reason.len() > 20));
    }
}
