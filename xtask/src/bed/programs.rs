//! The programs of the bed, built from their sources with Go and kept until what they are made of changes. It knows where
//! the sources are and how long a build takes; it starts none of the programs.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::errors::BedError;
use super::folder::Folder;

/// The version of KWOK; a module of its own builds it as it is.
const KWOK: &str = "sigs.k8s.io/kwok/cmd/kwok@v0.8.0";

/// The names under which the control plane's program is started: its parts, and the client.
const NAMES: [&str; 5] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"];

/// Something that Go builds.
#[derive(Debug)]
struct Recipe {
    /// For people.
    what: String,
    /// The name of the program.
    output: String,
    /// The folder of the Go module to build in, from the root of the repository.
    module: &'static str,
    /// The arguments of `go`; the output is added.
    arguments: Vec<String>,
    /// Variables of the environment.
    environment: Vec<(&'static str, PathBuf)>,
}

/// Builds etcd, Kubernetes and KWOK unless that was done from the same sources before.
///
/// # Errors
/// When there is no Go, or something does not build.
pub(crate) fn control_plane(root: &Path, folder: &Folder) -> Result<(), BedError> {
    let _others_wait = folder.lock_programs()?;
    let manifest = root.join(CLUSTER).join("go.mod");
    let modules = std::fs::read_to_string(&manifest).map_err(BedError::file(&manifest))?;
    let version = version_of(&modules, "k8s.io/kubernetes").ok_or_else(|| BedError::Answer {
        what: manifest.display().to_string(),
        reason: "it requires no version of k8s.io/kubernetes".into(),
    })?;
    build(root, folder, &kubernetes(&version))?;
    for name in NAMES {
        link(Path::new("control-plane"), &folder.program(name))?;
    }
    build(root, folder, &kwok(folder))
}

/// The folder of the control plane's Go module.
const CLUSTER: &str = "tests/cluster";
/// The folder of the Go module that pins Karpenter's suites.
const SUITES: &str = "tests/cluster/suites";

fn kubernetes(version: &str) -> Recipe {
    // A client that reads the server's version cannot make sense of the one that unstamped sources have.
    let stamp = |name: &str, value: &str| format!("-X k8s.io/component-base/version.{name}={value}");
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let stamps = [stamp("gitVersion", version), stamp("gitMajor", major), stamp("gitMinor", minor)].join(" ");
    Recipe {
        what: format!("etcd and Kubernetes {version} (some ten minutes of processor time at first)"),
        output: "control-plane".into(),
        module: CLUSTER,
        arguments: vec!["build".into(), "-trimpath".into(), format!("-ldflags=-s -w {stamps}"), ".".into()],
        environment: Vec::new(),
    }
}

fn kwok(folder: &Folder) -> Recipe {
    Recipe {
        what: "KWOK (two minutes at first)".into(),
        output: "kwok".into(),
        module: CLUSTER,
        arguments: vec!["install".into(), "-trimpath".into(), "-ldflags=-s -w".into(), KWOK.into()],
        environment: vec![("GOBIN", folder.programs())],
    }
}

/// Builds one of Karpenter's own suites, a program that runs it.
///
/// # Errors
/// When there is no Go, or it does not build.
pub(crate) fn suite(root: &Path, folder: &Folder, name: &str) -> Result<PathBuf, BedError> {
    let _others_wait = folder.lock_programs()?;
    let output = format!("{name}.test");
    let package = format!("sigs.k8s.io/karpenter/test/suites/{name}");
    build(
        root,
        folder,
        &Recipe {
            what: format!("Karpenter's {name} suite (a minute or two at first)"),
            output: output.clone(),
            module: SUITES,
            arguments: vec!["test".into(), "-c".into(), "-trimpath".into(), package],
            environment: Vec::new(),
        },
    )?;
    Ok(folder.program(&output))
}

/// Builds Karpenter's own controller with its KWOK provider.
///
/// # Errors
/// When there is no Go, or it does not build.
pub(crate) fn karpenter(root: &Path, folder: &Folder) -> Result<PathBuf, BedError> {
    let _others_wait = folder.lock_programs()?;
    build(
        root,
        folder,
        &Recipe {
            what: "Karpenter's own controller (two minutes at first)".into(),
            output: "karpenter-kwok".into(),
            module: SUITES,
            arguments: vec!["build".into(), "-trimpath".into(), "sigs.k8s.io/karpenter/kwok".into()],
            environment: Vec::new(),
        },
    )?;
    Ok(folder.program("karpenter-kwok"))
}

/// Runs Go, unless the program is there and what it is made of is the same as then.
fn build(root: &Path, folder: &Folder, recipe: &Recipe) -> Result<(), BedError> {
    let go = Command::new("go").arg("version").stderr(Stdio::inherit()).output().map_err(BedError::NoGo)?;
    let sources = sources(&root.join(recipe.module))?;
    let made_of = fingerprint(recipe, &String::from_utf8_lossy(&go.stdout), &sources);
    let (program, note) = (folder.program(&recipe.output), folder.program(&format!("{}.made-of", recipe.output)));
    if program.exists() && std::fs::read_to_string(&note).is_ok_and(|then| then == made_of) {
        return Ok(());
    }
    println!("building {}", recipe.what);
    let mut command = Command::new("go");
    let (verb, rest) = recipe.arguments.split_first().map_or(("build", &[][..]), |(verb, rest)| (verb.as_str(), rest));
    command.arg(verb);
    if !recipe.environment.iter().any(|(name, _)| *name == "GOBIN") {
        command.arg("-o").arg(&program);
    }
    command.args(rest).envs(recipe.environment.iter().map(|(name, value)| (name, value)));
    let status = command.current_dir(root.join(recipe.module)).stdin(Stdio::null()).status().map_err(BedError::NoGo)?;
    if !status.success() {
        return Err(BedError::Build {
            what: recipe.what.clone(),
            command: format!("go {} (in {})", recipe.arguments.join(" "), recipe.module),
            status: status.to_string(),
        });
    }
    std::fs::write(&note, made_of).map_err(BedError::file(&note))
}

/// The Go files and module files of a folder, without those of modules below it.
fn sources(module: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, BedError> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(module).map_err(BedError::file(module))? {
        let path = entry.map_err(BedError::file(module))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".go") || name == "go.mod" || name == "go.sum" {
            let content = std::fs::read(&path).map_err(BedError::file(&path))?;
            found.insert(PathBuf::from(name), content);
        }
    }
    Ok(found)
}

/// Differs if anything differs that a program is made of. Two different ones may look alike once in 2^64 times, and a
/// newer Rust may compute another number, which costs one build.
fn fingerprint(recipe: &Recipe, go: &str, sources: &BTreeMap<PathBuf, Vec<u8>>) -> String {
    let mut hasher = DefaultHasher::new();
    (&recipe.output, &recipe.arguments, go, sources).hash(&mut hasher);
    format!("{:016x}\n", hasher.finish())
}

/// The version that a `go.mod` requires of a module.
fn version_of(modules: &str, name: &str) -> Option<String> {
    let required = modules.lines().map(|line| line.trim().trim_start_matches("require ").trim_start());
    let mut versions = required.filter_map(|line| {
        let (module, version) = line.split_once(' ')?;
        (module == name && version.starts_with('v')).then(|| version.split_whitespace().next())?
    });
    versions.next().map(str::to_owned)
}

/// Makes `name` another name of the program beside it.
fn link(program: &Path, name: &Path) -> Result<(), BedError> {
    if std::fs::read_link(name).is_ok_and(|target| target == program) {
        return Ok(());
    }
    match std::fs::remove_file(name) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(BedError::File { path: name.to_owned(), source: error });
        }
        Ok(()) | Err(_) => {}
    }
    std::os::unix::fs::symlink(program, name).map_err(BedError::file(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULES: &str = "module x\n\nrequire (\n\tgithub.com/a/b v1.0.0\n\tk8s.io/kubernetes v1.36.3\n)\n\
                           replace (\n\tk8s.io/api => k8s.io/api v0.36.3\n)\n";

    #[test]
    fn the_version_is_that_of_the_module_file() {
        assert_eq!(version_of(MODULES, "k8s.io/kubernetes"), Some("v1.36.3".into()));
        assert_eq!(
            version_of("require k8s.io/kubernetes v1.37.0 // indirect", "k8s.io/kubernetes"),
            Some("v1.37.0".into())
        );
        assert_eq!(version_of(MODULES, "k8s.io/api"), None);
        let line = kubernetes("v1.36.3").arguments.join(" ");
        assert!(line.contains("version.gitVersion=v1.36.3 ") && line.contains("version.gitMinor=36"), "{line}");
    }

    #[test]
    fn a_program_is_built_again_if_its_sources_or_go_change_and_only_then() {
        let source = |text: &str| BTreeMap::from([(PathBuf::from("main.go"), text.as_bytes().to_vec())]);
        let recipe = kubernetes("v1.36.3");
        let now = fingerprint(&recipe, "go1.26", &source("package main"));
        assert_eq!(now, fingerprint(&recipe, "go1.26", &source("package main")));
        assert_ne!(now, fingerprint(&recipe, "go1.27", &source("package main")));
        assert_ne!(now, fingerprint(&recipe, "go1.26", &source("package other")));
        assert_ne!(now, fingerprint(&kubernetes("v1.36.4"), "go1.26", &source("package main")));
    }

    #[test]
    fn the_repository_names_one_version_of_kubernetes() {
        let manifest = std::fs::read_to_string(crate::root().join(CLUSTER).join("go.mod")).expect("the module is here");
        let version = version_of(&manifest, "k8s.io/kubernetes").expect("it requires Kubernetes");
        let libraries = version.replacen("v1.", "v0.", 1);
        let replaced = manifest.lines().filter_map(|line| line.split_once(" => ")?.1.split_once(' '));
        let versions: Vec<&str> = replaced.map(|(_, version)| version).collect();
        assert!(!versions.is_empty() && versions.iter().all(|version| *version == libraries), "{versions:?}");
    }
}
