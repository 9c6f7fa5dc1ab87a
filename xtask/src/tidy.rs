//! The rules of the house, kept by a test. Each rule is a pure function from the tree (or from what cargo says of it)
//! to findings, so that every rule can be shown to fail on a small fixture. This file gathers them and decides nothing
//! itself.

mod docs;
mod manifests;
mod purity;
mod rust;
mod sources;
mod text;
mod tree;

use std::fmt;
use std::path::Path;

pub(crate) use docs::{readme_commands, subcommands_named};
pub(crate) use manifests::packages;
pub(crate) use tree::{Tree, TreeError};

/// One rule of the house: what a finding says beside where it is.
#[derive(Debug, PartialEq, Eq)]
struct Rule {
    name: &'static str,
    why: &'static str,
    instead: &'static str,
}

/// A place that breaks a rule.
#[derive(Debug)]
pub(crate) struct Finding {
    rule: &'static Rule,
    path: String,
    /// Counted from 1; none where the whole file is meant.
    line: Option<usize>,
    what: String,
}

impl Rule {
    fn at(&'static self, path: impl Into<String>, line: usize, what: impl Into<String>) -> Finding {
        Finding { rule: self, path: path.into(), line: Some(line), what: what.into() }
    }

    fn file(&'static self, path: impl Into<String>, what: impl Into<String>) -> Finding {
        Finding { rule: self, path: path.into(), line: None, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        let Rule { name, why, instead } = self.rule;
        write!(f, ": {} [{name}]\n    why:     {why}\n    instead: {instead}", self.what)
    }
}

/// A file on an allow-list, with the reason why it may do what others may not.
#[derive(Debug)]
struct Exception {
    path: &'static str,
    reason: &'static str,
}

/// Checks every rule on the tree at `root`.
///
/// # Errors
/// When the tree cannot be read or cargo cannot describe the workspace: then nothing was checked.
pub(crate) fn check(root: &Path) -> Result<Vec<Finding>, TreeError> {
    let tree = Tree::read(root)?;
    let packages = packages(root)?;
    let mut findings = Vec::new();
    findings.extend(text::check(&tree));
    findings.extend(sources::check(&tree));
    findings.extend(purity::check(&tree));
    findings.extend(manifests::check_tree(&tree));
    findings.extend(manifests::check_direction(&packages));
    findings.extend(manifests::check_closures(root, &packages)?);
    findings.extend(docs::check(&tree));
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_keeps_the_rules_of_the_house() {
        let findings = check(&crate::root()).expect("the tree can be read and cargo describes it");
        let text: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "{} findings:\n\n{}\n", findings.len(), text.join("\n\n"));
    }

    #[test]
    fn a_finding_says_where_what_why_and_what_to_do() {
        static RULE: Rule = Rule { name: "no-clock", why: "plans are replayed", instead: "take the time" };
        let text = RULE.at("a/b.rs", 7, "names `Instant`").to_string();
        assert_eq!(
            text,
            "a/b.rs:7: names `Instant` [no-clock]\n    why:     plans are replayed\n    instead: take the time"
        );
        assert!(RULE.file("a/b.rs", "is long").to_string().starts_with("a/b.rs: is long"));
    }
}
