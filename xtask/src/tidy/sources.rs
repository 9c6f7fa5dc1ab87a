//! Rules for every Rust file: it opens with what it decides, it is a room and not a hall, it is finished, and it
//! cannot panic by `unwrap`. It does not know which crate a file belongs to.

use super::purity::{covers, test_files};
use super::rust::Code;
use super::tree::TextFile;
use super::{Exception, Finding, Rule, Tree};

static OPENING: Rule = Rule {
    name: "opening",
    why: "a stranger reads the first lines to learn what a module decides and what it does not know",
    instead: "open the file with a `//!` paragraph that says so",
};
static LENGTH: Rule = Rule {
    name: "length",
    why: "a file is a room with one question; past this length it has become several",
    instead: "split it along its questions, or add it to LONG in xtask/src/tidy/sources.rs with the reason",
};
static STALE: Rule = Rule {
    name: "stale-exception",
    why: "an exception that nothing needs hides the next real one",
    instead: "remove the entry from LONG in xtask/src/tidy/sources.rs",
};
static STUB: Rule = Rule {
    name: "stub",
    why: "a stub is a promise that the compiler takes for a fact",
    instead: "build it, or return a typed error that says it is not supported yet",
};
static UNWRAP: Rule = Rule {
    name: "unwrap",
    why: "bad input must not stop a controller that other nodes depend on",
    instead: "return a typed error, or `expect` with the sentence that proves it cannot fail",
};
static IGNORE: Rule = Rule {
    name: "ignore",
    why: "an ignored test without a reason is never run again",
    instead: "write `#[ignore = \"the reason\"]`, or mend the test",
};
static UNREADABLE: Rule = Rule {
    name: "unreadable",
    why: "no rule can be checked in a file that is not Rust",
    instead: "close what is left open: `cargo check` says where",
};

const LINES_MAX: usize = 600;

/// Fewer words say what a file is called, not what it decides.
const OPENING_WORDS_MIN: usize = 4;

/// Files that may be longer, with the reason.
const LONG: &[Exception] = &[];

/// Checks every Rust file.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = check_length(tree, LONG);
    let tests = test_files(tree);
    for file in tree.rust() {
        let is_test = !file.path.contains("src/") || tests.iter().any(|test| covers(test, &file.path));
        findings.extend(opening(file, is_test));
        match Code::read(&file.text) {
            Ok(code) => findings.extend(unfinished(&file.path, &code, is_test)),
            Err(error) => findings.push(UNREADABLE.at(&file.path, error.span().start().line, "is not Rust")),
        }
    }
    findings
}

fn opening(file: &TextFile, is_test: bool) -> Option<Finding> {
    let said: String = file.text.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let words = said.split_whitespace().count();
    // What is tested is enough for tests.
    let words_min = if is_test { 1 } else { OPENING_WORDS_MIN };
    (words < words_min).then(|| OPENING.at(&file.path, 1, "does not open with a `//!` paragraph"))
}

fn unfinished(path: &str, code: &Code, is_test: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in ["todo", "unimplemented"] {
        findings.extend(code.macros(name).into_iter().map(|line| STUB.at(path, line, format!("calls `{name}!`"))));
    }
    findings.extend(code.bare_attributes("ignore").into_iter().map(|line| IGNORE.at(path, line, "ignores a test")));
    if !is_test {
        findings
            .extend(code.shipped_calls("unwrap").into_iter().map(|line| UNWRAP.at(path, line, "calls `.unwrap()`")));
    }
    findings
}

fn check_length(tree: &Tree, long: &[Exception]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        let lines = file.text.lines().count();
        let excused = long.iter().any(|exception| exception.path == file.path);
        if lines > LINES_MAX && !excused {
            findings.push(LENGTH.file(&file.path, format!("has {lines} lines, more than {LINES_MAX}")));
        }
    }
    for Exception { path, reason } in long {
        let lines = tree.text(path).map_or(0, |text| text.lines().count());
        if lines <= LINES_MAX {
            findings.push(STALE.file(*path, format!("is excused for its length ({reason}) but has {lines} lines")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: &str = "//! Decides one thing; knows nothing else.\n";

    fn rules(path: &str, code: &str) -> Vec<&'static str> {
        check(&Tree::of(&[(path, code)])).iter().map(|finding| finding.rule.name).collect()
    }

    fn body(code: &str) -> Vec<&'static str> {
        rules("api/src/a.rs", &format!("{OPEN}{code}"))
    }

    #[test]
    fn a_file_opens_with_what_it_decides() {
        assert_eq!(body("fn f() {}"), [""; 0]);
        assert_eq!(rules("api/src/a.rs", "fn f() {}"), ["opening"]);
        assert_eq!(rules("api/src/a.rs", "//!\nfn f() {}"), ["opening"]);
        assert_eq!(rules("api/src/a.rs", "//! Placeholder.\nfn f() {}"), ["opening"]);
        assert_eq!(rules("api/src/a.rs", &format!("use x;\n{OPEN}")), ["opening"]);
        assert_eq!(rules("api/tests/a.rs", "//! Bounds.\nfn f() {}"), [""; 0]);
        assert_eq!(rules("api/tests/a.rs", "fn f() {}"), ["opening"]);
    }

    #[test]
    fn stubs_are_found_in_code_and_not_in_comments() {
        assert_eq!(body("fn f() { todo!() }"), ["stub"]);
        assert_eq!(body("fn f() { unimplemented!(\"later\") }"), ["stub"]);
        assert_eq!(body("// never todo!()\nfn f() -> &'static str { \"todo!()\" }"), [""; 0]);
    }

    #[test]
    fn unwrap_is_for_tests_only() {
        assert_eq!(body("fn f() { x.unwrap() }"), ["unwrap"]);
        assert_eq!(body("fn f() { x.unwrap_or_default() }"), [""; 0]);
        assert_eq!(body("#[cfg(test)] mod tests { fn f() { x.unwrap() } }"), [""; 0]);
        assert_eq!(rules("api/tests/a.rs", &format!("{OPEN}fn f() {{ x.unwrap() }}")), [""; 0]);
    }

    #[test]
    fn an_ignored_test_says_why() {
        assert_eq!(body("#[cfg(test)] mod tests { #[test] #[ignore] fn f() {} }"), ["ignore"]);
        assert_eq!(body("#[cfg(test)] mod tests { #[test] #[ignore = \"needs a cluster\"] fn f() {} }"), [""; 0]);
    }

    #[test]
    fn what_is_not_rust_is_reported_and_not_passed_over() {
        assert_eq!(body("fn f() {"), ["unreadable"]);
    }

    #[test]
    fn a_long_file_needs_a_reason_and_a_reason_needs_a_long_file() {
        let long = format!("{OPEN}{}", "// line\n".repeat(LINES_MAX));
        let tree = Tree::of(&[("api/src/long.rs", &long), ("api/src/short.rs", OPEN)]);
        let names = |exceptions: &[Exception]| {
            check_length(&tree, exceptions).iter().map(|finding| finding.rule.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), ["length"]);
        assert_eq!(names(&[Exception { path: "api/src/long.rs", reason: "a table" }]), [""; 0]);
        assert_eq!(names(&[Exception { path: "api/src/short.rs", reason: "was long" }]), ["length", "stale-exception"]);
    }
}
