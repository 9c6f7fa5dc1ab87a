//! Which files the rules look at: every text file that git tracks or would track; without git, every file outside of
//! build output. It does not know any rule.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Why the tree could not be checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TreeError {
    /// A file or folder could not be read.
    #[error("cannot read {path}: {source}", path = .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Cargo could not be started or refused.
    #[error("`cargo {arguments}` failed: {reason}; run it by hand in the workspace to see the whole message")]
    Cargo {
        /// What cargo was asked.
        arguments: String,
        /// What it answered.
        reason: String,
    },
}

/// A text file of the repository.
#[derive(Debug)]
pub(crate) struct TextFile {
    /// Relative to the root, with `/` on every system.
    pub(crate) path: String,
    /// The whole content.
    pub(crate) text: String,
}

/// The text files of the repository, and the paths of all its files.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Text files, sorted by path.
    pub(crate) files: Vec<TextFile>,
    /// Every path, binary files too, sorted.
    paths: Vec<String>,
}

/// Written by cargo, not by us.
const GENERATED: &[&str] = &["Cargo.lock"];

impl Tree {
    /// Reads the tree at `root`.
    ///
    /// # Errors
    /// When a folder or file cannot be read.
    pub(crate) fn read(root: &Path) -> Result<Tree, TreeError> {
        let mut paths = match listed_by_git(root) {
            Some(paths) => paths,
            None => found_by_walking(root)?,
        };
        paths.sort();
        let mut tree = Tree::default();
        for path in paths {
            let full = root.join(&path);
            // Git also lists what was deleted but not yet committed, and symbolic links to folders.
            if !full.is_file() {
                continue;
            }
            let bytes = std::fs::read(&full).map_err(|source| TreeError::Read { path: full, source })?;
            if !GENERATED.contains(&path.as_str())
                && let Ok(text) = String::from_utf8(bytes)
            {
                tree.files.push(TextFile { path: path.clone(), text });
            }
            tree.paths.push(path);
        }
        Ok(tree)
    }

    /// A tree from paths and contents, for the tests of the rules.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
        let mut files: Vec<TextFile> =
            files.iter().map(|(path, text)| TextFile { path: (*path).into(), text: (*text).into() }).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let paths = files.iter().map(|file| file.path.clone()).collect();
        Tree { files, paths }
    }

    /// The Rust files.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &TextFile> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// The content of one text file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    /// Whether the path is a file of the repository, or a folder that holds one.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.paths.iter().any(|own| {
            own == path || own.strip_prefix(path).is_some_and(|rest| path.is_empty() || rest.starts_with('/'))
        })
    }

    /// Every path, sorted.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }
}

/// What git tracks or would track. None where git is missing or this is no clone: a tarball must pass too.
fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    let output = git.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<String> = text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    (!paths.is_empty()).then_some(paths)
}

fn found_by_walking(root: &Path) -> Result<Vec<String>, TreeError> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let full = root.join(&folder);
        let failed = |source| TreeError::Read { path: full.clone(), source };
        for entry in std::fs::read_dir(&full).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() && name != "target" && name != ".git" {
                folders.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walking_and_git_agree_on_the_sources() {
        let walked = found_by_walking(&crate::root()).expect("the tree can be read");
        for path in ["Cargo.toml", "xtask/src/tidy/tree.rs", ".ci/run"] {
            assert!(walked.iter().any(|own| own == path), "walking misses {path}");
        }
        assert!(!walked.iter().any(|path| path.starts_with("target/") || path.starts_with(".git/")));
        if let Some(listed) = listed_by_git(&crate::root()) {
            assert!(listed.iter().any(|own| own == "xtask/src/tidy/tree.rs"));
        }
    }

    #[test]
    fn a_folder_counts_as_there_when_it_holds_a_file() {
        let tree = Tree::of(&[("deploy/examples/eks/a.yaml", "")]);
        assert!(tree.has("deploy/examples/eks") && tree.has("deploy/") && tree.has("deploy/examples/eks/a.yaml"));
        assert!(!tree.has("deploy/exam") && !tree.has("docs"));
    }
}
