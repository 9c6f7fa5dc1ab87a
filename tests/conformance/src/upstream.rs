//! Karpenter's own scheduler: the Go program in `upstream/`, built and asked. It needs Go, which nothing else here does.

use crate::answer::Answer;
use crate::corpus::{Head, home};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why Karpenter cannot be asked, or does not answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// There is no Go.
    #[error("Karpenter's scheduler is a Go program, and `go` cannot be started ({0}): install Go 1.26 or later")]
    NoGo(io::Error),
    /// The program does not build.
    #[error("Karpenter's scheduler does not build:\n{0}")]
    Build(String),
    /// The program cannot be started.
    #[error("{}: {source}", .program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The program failed.
    #[error("Karpenter gives no answer: {0}")]
    NoAnswer(String),
    /// The answer is not in the form of `upstream/answer.go`.
    #[error("Karpenter's answer cannot be read: {0}")]
    Answer(#[from] serde_json::Error),
}

/// Karpenter's scheduler, ready to be asked.
#[derive(Clone, Debug)]
pub struct Upstream {
    program: PathBuf,
}

/// An answer, also as it was written.
#[derive(Clone, Debug)]
pub struct Told {
    /// The answer.
    pub answer: Answer,
    /// Its JSON.
    pub text: String,
}

impl Upstream {
    /// Builds the program into a folder; the first time takes minutes, later ones a second.
    ///
    /// # Errors
    /// When there is no Go, or the program does not build.
    pub fn build(folder: &Path) -> Result<Self, UpstreamError> {
        let program = folder.join("upstream");
        let mut go = Command::new("go");
        go.arg("build").arg("-o").arg(&program).arg(".").current_dir(home().join("upstream"));
        let output = go.output().map_err(UpstreamError::NoGo)?;
        if output.status.success() {
            Ok(Self { program })
        } else {
            Err(UpstreamError::Build(String::from_utf8_lossy(&output.stderr).into_owned()))
        }
    }

    /// Asks about a scenario; `flags` are those of `upstream/main.go`.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn ask(&self, head: &Head, scenario: &Path, flags: &[&str]) -> Result<Told, UpstreamError> {
        let mut command = Command::new(&self.program);
        command.args(flags).args(&head.settings).arg(&head.catalogue).arg(scenario);
        let output =
            command.output().map_err(|source| UpstreamError::Start { program: self.program.clone(), source })?;
        if !output.status.success() {
            // A panic of Go says why in its first lines, then where every goroutine stands.
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(UpstreamError::NoAnswer(said.lines().take(3).collect::<Vec<_>>().join(" / ")));
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(Told { answer: serde_json::from_str(&text)?, text })
    }
}
