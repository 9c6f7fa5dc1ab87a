//! The bed's own kubectl, asked as a program: it speaks TLS and knows every kind, so nothing here has to.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::errors::BedError;
use super::folder::Folder;

/// A kubectl that talks to one bed.
#[derive(Debug, Clone)]
pub(crate) struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Kubectl {
    /// The one of this bed.
    pub(crate) fn of(folder: &Folder) -> Kubectl {
        Kubectl { program: folder.program("kubectl"), kubeconfig: folder.kubeconfig() }
    }

    /// Runs it with these words and `input` as its standard input; answers what it printed.
    ///
    /// # Errors
    /// When it cannot be started or refuses.
    pub(crate) fn run(&self, words: &[&str], input: &str) -> Result<String, BedError> {
        let lost = |source| BedError::Start { program: self.program.display().to_string(), source };
        let mut command = Command::new(&self.program);
        command.args(words).env("KUBECONFIG", &self.kubeconfig);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(lost)?;
        // It reads all before it writes, so neither waits for the other; if it ends early, its answer says why.
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(lost)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(BedError::Refused { command: format!("kubectl {}", words.join(" ")), said })
    }

    /// Creates or changes what the manifests say.
    ///
    /// # Errors
    /// When the API server refuses.
    pub(crate) fn apply(&self, manifests: &str) -> Result<(), BedError> {
        self.run(&["apply", "--server-side", "--force-conflicts", "-f", "-"], manifests).map(drop)
    }
}
