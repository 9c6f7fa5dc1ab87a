//! What can go wrong with the test bed. Each text says what is missing and what to do; what is decided elsewhere.

use std::path::{Path, PathBuf};

/// Why the bed does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BedError {
    /// The words after the chore make no sense.
    #[error("{0}")]
    Usage(String),
    /// There is no Go.
    #[error(
        "the test bed is built from Kubernetes' sources with Go, and `go` cannot be started ({0}): install Go 1.26 or \
         later, see that `go version` works, and try again; but for comparisons with Karpenter \
         nothing else here needs it"
    )]
    NoGo(std::io::Error),
    /// A program did not build.
    #[error("{what} does not build: `{command}` ended with {status}; what it said stands above")]
    Build {
        /// What it is, for people.
        what: String,
        /// The command, to be run by hand.
        command: String,
        /// How it ended.
        status: String,
    },
    /// A program could not be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file or folder could not be read or written.
    #[error("{path}: {source}", path = .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A program ended while the bed needed it.
    #[error("{part} ended by itself; its last words, from {log}:\n{words}", log = .log.display())]
    Ended {
        /// Which one.
        part: String,
        /// Where it writes.
        log: PathBuf,
        /// The end of that file.
        words: String,
    },
    /// Something did not happen in time.
    #[error("{what} within {seconds} s; {hint}")]
    Late {
        /// What did not happen.
        what: String,
        /// How long it was waited for.
        seconds: u64,
        /// What to look at.
        hint: String,
    },
    /// Ports are not free.
    #[error("port {0} of the loopback interface is taken: give another with --port, or none to have free ones chosen")]
    Taken(u16),
    /// Too few ports are free.
    #[error("the system gives no free ports on the loopback interface: {0}")]
    NoPorts(std::io::Error),
    /// The API server, or something else that was asked, refused.
    #[error("`{command}` failed: {said}")]
    Refused {
        /// What was run.
        command: String,
        /// What it said.
        said: String,
    },
    /// What a program wrote is not what it should be.
    #[error("{what} cannot be understood: {reason}")]
    Answer {
        /// Which file or answer.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A process could not be stopped.
    #[error("process {pid} ({part}) cannot be stopped: {reason}")]
    Stubborn {
        /// The process.
        pid: u32,
        /// What it is in the bed.
        part: String,
        /// What the system says.
        reason: String,
    },
}

impl BedError {
    /// For `map_err` on what reads or writes `path`.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> BedError {
        let path = path.to_owned();
        move |source| BedError::File { path, source }
    }
}
