//! Rules for the crates' manifests: dependencies point one way, the decision core stays free of runtimes and clients,
//! and every version is named once. It asks cargo, and knows the order of the crates; it does not know what they do.

use std::path::Path;

use serde_json::Value;

use super::tree::TreeError;
use super::{Finding, Rule, Tree};

static DIRECTION: Rule = Rule {
    name: "direction",
    why: "dependencies point one way, api <- scheduler <- cloudprovider <- engine <- simulator <- cli, so that a lower \
          crate can be understood, tested and built without those above it",
    instead: "move what both need into the lower crate, or pass it in as data or through a trait",
};
static STRANGER: Rule = Rule {
    name: "stranger",
    why: "a crate without a place in the order could depend on anything",
    instead: "give it a place in LAYERS or ASIDE in xtask/src/tidy/manifests.rs and a section in ARCHITECTURE.md",
};
static CLOSURE: Rule = Rule {
    name: "closure",
    why: "the decision core is pure and quick to build, and neither README command builds the AWS SDK",
    instead: "find the edge with `cargo tree -p PACKAGE -e normal -i NAME`, and turn the feature off or move the code up",
};
static ONE_VERSION: Rule = Rule {
    name: "one-version",
    why: "a version or a feature named in two manifests will differ one day",
    instead: "declare the dependency in [workspace.dependencies] of the root manifest and write `NAME.workspace = true`",
};
static LINTS: Rule = Rule {
    name: "lints",
    why: "the workspace's lints hold only in crates that ask for them",
    instead: "add `[lints]` with `workspace = true`",
};

/// From the lowest to the highest; a crate may depend on those before it.
const LAYERS: &[&str] = &[
    "dovetail-api",
    "dovetail-scheduler",
    "dovetail-cloudprovider",
    "dovetail-engine",
    "dovetail-simulator",
    "dovetail",
];

/// Crates beside the order.
const ASIDE: &[Aside] = &[
    Aside { name: "dovetail-benches", may_use: LAYERS, used_by: &[] },
    Aside {
        name: "dovetail-conformance",
        may_use: &["dovetail-api", "dovetail-scheduler", "dovetail-engine", "dovetail", "dovetail-packing"],
        used_by: &[],
    },
    // Beside the order so that the simulator cannot reach it: what is simulated has no effects.
    Aside {
        name: "dovetail-operator",
        may_use: &["dovetail-api", "dovetail-scheduler", "dovetail-cloudprovider", "dovetail-engine"],
        used_by: &["dovetail"],
    },
    Aside { name: "dovetail-packing", may_use: &["dovetail-api", "dovetail-scheduler"], used_by: &["dovetail"] },
    Aside { name: "xtask", may_use: &[], used_by: &[] },
    Aside {
        name: "dovetail-cloudprovider-aws",
        may_use: &["dovetail-api", "dovetail-scheduler", "dovetail-cloudprovider"],
        used_by: &["dovetail"],
    },
];

struct Aside {
    name: &'static str,
    may_use: &'static [&'static str],
    used_by: &'static [&'static str],
}

/// Packages that may not be reached from a crate, with its own default features and without its tests.
const CLOSURES: &[(&str, &[&str])] = &[
    (
        "dovetail-scheduler",
        &["tokio", "async-std", "smol", "hyper", "reqwest", "kube-client", "kube-runtime", "rand", "getrandom"],
    ),
    ("dovetail", &["aws-sdk-ec2", "aws-config", "aws-smithy-runtime"]),
];

/// A crate of the workspace, as cargo describes it.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// What it needs to be built, direct only; dependencies of its tests are left out, they may point anywhere.
    pub(crate) dependencies: Vec<String>,
}

/// The crates of the workspace at `root`.
///
/// # Errors
/// When cargo cannot be started, refuses the workspace, or answers something else than its metadata.
pub(crate) fn packages(root: &Path) -> Result<Vec<Package>, TreeError> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1"];
    read_packages(&ask_cargo(root, &arguments)?)
        .map_err(|reason| TreeError::Cargo { arguments: arguments.join(" "), reason })
}

fn read_packages(metadata: &str) -> Result<Vec<Package>, String> {
    let metadata: Value = serde_json::from_str(metadata).map_err(|error| error.to_string())?;
    let packages = metadata.get("packages").and_then(Value::as_array).ok_or("the answer has no `packages`")?;
    let name_of = |value: &Value| {
        value.get("name").and_then(Value::as_str).map(str::to_owned).ok_or("a package or dependency has no `name`")
    };
    let mut found = Vec::new();
    for package in packages {
        let mut dependencies = Vec::new();
        for dependency in package.get("dependencies").and_then(Value::as_array).into_iter().flatten() {
            if dependency.get("kind").and_then(Value::as_str) != Some("dev") {
                dependencies.push(name_of(dependency)?);
            }
        }
        found.push(Package { name: name_of(package)?, dependencies });
    }
    Ok(found)
}

/// Checks that dependencies between the crates point one way.
pub(crate) fn check_direction(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let own = |name: &&String| packages.iter().any(|other| other.name == **name);
        let Some(allowed) = allowed(&package.name) else {
            findings.push(STRANGER.file(&package.name, "is a crate without a place in the order"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(own) {
            if !allowed.contains(&dependency.as_str()) {
                findings.push(DIRECTION.file(&package.name, format!("depends on `{dependency}`")));
            }
        }
    }
    findings
}

/// The crates that this one may depend on, none if it has no place.
fn allowed(name: &str) -> Option<Vec<&'static str>> {
    if let Some(aside) = ASIDE.iter().find(|aside| aside.name == name) {
        return Some(aside.may_use.to_vec());
    }
    let place = LAYERS.iter().position(|layer| *layer == name)?;
    let below = LAYERS.iter().take(place);
    let guests = ASIDE.iter().filter(|aside| aside.used_by.contains(&name)).map(|aside| aside.name);
    Some(below.copied().chain(guests).collect())
}

/// Checks what the crates reach through others.
///
/// # Errors
/// When cargo cannot resolve a crate's dependencies.
pub(crate) fn check_closures(root: &Path, packages: &[Package]) -> Result<Vec<Finding>, TreeError> {
    let mut findings = Vec::new();
    for (name, banned) in CLOSURES {
        if packages.iter().any(|package| package.name == *name) {
            let arguments = ["tree", "--package", name, "--edges", "normal", "--prefix", "none"];
            findings.extend(reached(name, banned, &ask_cargo(root, &arguments)?));
        }
    }
    Ok(findings)
}

/// Reads `cargo tree --prefix none`: one package a line, its name first.
fn reached(name: &str, banned: &[&str], tree: &str) -> Vec<Finding> {
    let names: std::collections::BTreeSet<&str> =
        tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let bad = banned.iter().filter(|package| names.contains(*package));
    bad.map(|package| CLOSURE.file(name, format!("reaches `{package}`"))).collect()
}

fn ask_cargo(root: &Path, arguments: &[&str]) -> Result<String, TreeError> {
    let failed = |reason: String| TreeError::Cargo { arguments: arguments.join(" "), reason };
    let output =
        crate::cargo().args(arguments).current_dir(root).output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    String::from_utf8(output.stdout).map_err(|error| failed(error.to_string()))
}

/// Checks the text of the manifests: what cargo resolves away before it answers.
pub(crate) fn check_tree(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let mut section = "";
        let mut has_lints = false;
        for (index, line) in file.text.lines().enumerate().map(|(index, line)| (index, line.trim())) {
            if line.starts_with('[') {
                section = line.trim_matches(['[', ']']);
            } else if section == "lints" && line.replace(' ', "") == "workspace=true" {
                has_lints = true;
            } else if section.ends_with("dependencies") && line.contains('=') && !line.starts_with('#') {
                let inherits = line.replace(' ', "").contains("workspace=true");
                if !inherits {
                    findings.push(ONE_VERSION.at(&file.path, index + 1, format!("declares its own `{line}`")));
                }
            }
        }
        if !has_lints {
            findings.push(LINTS.file(&file.path, "does not inherit the workspace's lints"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[&str]) -> Package {
        Package { name: name.into(), dependencies: dependencies.iter().map(|name| (*name).into()).collect() }
    }

    fn house(changed: Package) -> Vec<Package> {
        let mut packages = vec![
            package("dovetail-api", &["serde"]),
            package("dovetail-scheduler", &["dovetail-api"]),
            package("dovetail-engine", &["dovetail-scheduler"]),
            package("dovetail-cloudprovider-aws", &["dovetail-api"]),
            package("dovetail", &["dovetail-engine", "dovetail-cloudprovider-aws"]),
            package("xtask", &["serde"]),
        ];
        packages.retain(|package| package.name != changed.name);
        packages.push(changed);
        packages
    }

    fn names(findings: &[Finding]) -> Vec<(&str, &str)> {
        findings.iter().map(|finding| (finding.rule.name, finding.path.as_str())).collect()
    }

    #[test]
    fn dependencies_that_point_down_are_fine() {
        assert!(check_direction(&house(package("dovetail-benches", &["dovetail-engine", "criterion"]))).is_empty());
    }

    #[test]
    fn dependencies_that_point_up_or_aside_are_found() {
        for (from, to) in [
            ("dovetail-api", "dovetail-scheduler"),
            ("dovetail-scheduler", "dovetail-engine"),
            ("dovetail-engine", "dovetail"),
            ("dovetail-engine", "dovetail-cloudprovider-aws"),
            ("dovetail", "xtask"),
            ("xtask", "dovetail-api"),
        ] {
            assert_eq!(names(&check_direction(&house(package(from, &[to])))), [("direction", from)], "{from} -> {to}");
        }
    }

    #[test]
    fn a_new_crate_needs_a_place() {
        assert_eq!(names(&check_direction(&house(package("dovetail-extra", &[])))), [("stranger", "dovetail-extra")]);
    }

    #[test]
    fn dependencies_of_tests_may_point_anywhere() {
        let metadata = r#"{"packages": [{"name": "dovetail-api", "dependencies": [
            {"name": "serde", "kind": null}, {"name": "cc", "kind": "build"}, {"name": "dovetail", "kind": "dev"}]}]}"#;
        let packages = read_packages(metadata).unwrap();
        assert_eq!(packages.first().unwrap().dependencies, ["serde", "cc"]);
        assert!(read_packages("{}").is_err());
    }

    #[test]
    fn a_banned_package_is_found_however_deep_and_a_similar_name_is_not() {
        let tree = "dovetail-scheduler v0.1.0 (x)\ndovetail-api v0.1.0 (x)\ntokio-util v0.7.0\ntokio v1.0.0 (*)\n";
        let findings = reached("dovetail-scheduler", &["tokio", "rand"], tree);
        assert_eq!(names(&findings), [("closure", "dovetail-scheduler")]);
        assert!(findings.first().unwrap().what.contains("`tokio`"));
    }

    #[test]
    fn the_core_is_watched_for_runtimes_clients_and_chance() {
        let (_, banned) = CLOSURES.iter().find(|(name, _)| *name == "dovetail-scheduler").unwrap();
        for name in ["tokio", "hyper", "kube-client", "kube-runtime", "rand"] {
            assert!(banned.contains(&name), "{name}");
        }
    }

    #[test]
    fn versions_are_named_in_the_root_only_and_lints_are_inherited() {
        let good = "[package]\nname = \"x\"\n[lints]\nworkspace = true\n[dependencies]\na.workspace = true\n\
                    # b = \"1\"\nb = { workspace = true, features = [\"c\"] }\n";
        let bad = "[package]\nversion = \"1\"\n[dev-dependencies]\na = \"1\"\n";
        assert!(check_tree(&Tree::of(&[("api/Cargo.toml", good), ("Cargo.toml", bad)])).is_empty());
        let findings = check_tree(&Tree::of(&[("api/Cargo.toml", bad)]));
        assert_eq!(names(&findings), [("one-version", "api/Cargo.toml"), ("lints", "api/Cargo.toml")]);
    }
}
