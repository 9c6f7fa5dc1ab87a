//! Where the bed keeps its things: below cargo's target folder, so that `cargo clean` takes all of it away. It names
//! places and makes them; what lies there is decided elsewhere.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::errors::BedError;

/// The places of one bed. Beds of different names run side by side and share the programs.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    shared: PathBuf,
    own: PathBuf,
    name: String,
}

impl Folder {
    /// The folder of the bed `name` below cargo's target folder.
    ///
    /// # Errors
    /// When cargo does not say where that is, or the folder cannot be made.
    pub(crate) fn of(root: &Path, name: &str) -> Result<Folder, BedError> {
        let good = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        if name.is_empty() || !name.chars().all(good) {
            return Err(BedError::Usage(format!(
                "`{name}` is no name for a bed: take lower-case letters, digits and -"
            )));
        }
        let folder = Folder::below(&target(root)?, name);
        for made in [folder.programs(), folder.own.clone()] {
            std::fs::create_dir_all(&made).map_err(BedError::file(&made))?;
        }
        Ok(folder)
    }

    /// The same without making it, for a target folder that is known.
    pub(crate) fn below(target: &Path, name: &str) -> Folder {
        let shared = target.join("bed");
        Folder { own: shared.join("beds").join(name), shared, name: name.to_owned() }
    }

    /// Cargo's target folder.
    pub(crate) fn target(&self) -> &Path {
        self.shared.parent().unwrap_or(&self.shared)
    }

    /// What the bed is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// This bed's own folder, which is also how its processes are told from all others.
    pub(crate) fn own(&self) -> &Path {
        &self.own
    }

    /// Where the programs are, for all beds.
    pub(crate) fn programs(&self) -> PathBuf {
        self.shared.join("bin")
    }

    /// One of the programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs().join(name)
    }

    /// What etcd and the API server keep. Made anew each time the bed starts.
    pub(crate) fn data(&self) -> PathBuf {
        self.own.join("data")
    }

    /// One of the files that are written before the bed starts.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.own.join(name)
    }

    /// The certificates that the API server makes for itself.
    pub(crate) fn certificates(&self) -> PathBuf {
        self.data().join("certificates")
    }

    /// How to reach the API server, with every right.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.own.join("kubeconfig")
    }

    /// What a part writes.
    pub(crate) fn log(&self, part: &str) -> PathBuf {
        self.own.join("logs").join(format!("{part}.log"))
    }

    /// Waits until no other chore works on this bed and keeps others away while the answer lives.
    ///
    /// # Errors
    /// When the file cannot be made or locked.
    pub(crate) fn lock(&self) -> Result<File, BedError> {
        lock(&self.own.join("lock"))
    }

    /// The same for the programs, which all beds share.
    ///
    /// # Errors
    /// When the file cannot be made or locked.
    pub(crate) fn lock_programs(&self) -> Result<File, BedError> {
        lock(&self.shared.join("lock"))
    }

    /// Takes away what an earlier run left and makes the folders again. Programs stay.
    ///
    /// # Errors
    /// When something cannot be removed or made.
    pub(crate) fn clear(&self) -> Result<(), BedError> {
        for old in [self.data(), self.own.join("logs")] {
            match std::fs::remove_dir_all(&old) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(BedError::File { path: old, source: error });
                }
                Ok(()) | Err(_) => std::fs::create_dir_all(&old).map_err(BedError::file(&old))?,
            }
        }
        Ok(())
    }
}

fn lock(path: &Path) -> Result<File, BedError> {
    let file = File::create(path).map_err(BedError::file(path))?;
    file.lock().map_err(BedError::file(path))?;
    Ok(file)
}

/// Cargo's target folder, wherever the environment and the configuration put it.
fn target(root: &Path) -> Result<PathBuf, BedError> {
    let command = "cargo metadata --no-deps --format-version 1";
    let output = crate::cargo().args(command.split(' ').skip(1)).current_dir(root).output();
    let output = output.map_err(|source| BedError::Start { program: "cargo".into(), source })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(BedError::Refused { command: command.into(), said });
    }
    let unclear = |reason: String| BedError::Answer { what: format!("the answer of `{command}`"), reason };
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| unclear(error.to_string()))?;
    let folder = metadata.get("target_directory").and_then(Value::as_str);
    folder.map(PathBuf::from).ok_or_else(|| unclear("it has no `target_directory`".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beds_of_two_names_share_programs_and_nothing_else() {
        let one = Folder::below(Path::new("target"), "one");
        let two = Folder::below(Path::new("target"), "two");
        assert_eq!(one.program("etcd"), two.program("etcd"));
        assert_ne!(one.own(), two.own());
        assert!(one.kubeconfig().starts_with(one.own()) && one.data().starts_with(one.own()));
    }

    #[test]
    fn a_name_that_could_leave_the_folder_is_refused() {
        for name in ["", "..", "a/b", "A"] {
            let refused = Folder::of(&crate::root(), name);
            assert!(matches!(refused, Err(BedError::Usage(_))), "{name}");
        }
    }
}
