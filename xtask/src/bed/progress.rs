//! What a running suite has done so far, from what it writes. It reads a file that grows, and knows how Ginkgo marks the end
//! of a spec; whether a run is good is decided from Ginkgo's report alone.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// A log and how far it has been read.
#[derive(Debug)]
pub(crate) struct Progress {
    log: PathBuf,
    read: u64,
    rest: Vec<u8>,
    reader: Reader,
}

impl Progress {
    /// Starts at the beginning of the log.
    pub(crate) fn of(log: &Path) -> Progress {
        Progress { log: log.to_owned(), read: 0, rest: Vec::new(), reader: Reader::default() }
    }

    /// The specs that have ended since the last time, one a line. A log that cannot be read has no news.
    pub(crate) fn news(&mut self) -> Vec<String> {
        let mut more = Vec::new();
        let read = File::open(&self.log)
            .and_then(|mut file| file.seek(SeekFrom::Start(self.read)).and_then(|_| file.read_to_end(&mut more)));
        self.read += read.map_or(0, |count| u64::try_from(count).unwrap_or(0));
        self.rest.extend(more);
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        String::from_utf8_lossy(&lines).lines().filter_map(|line| self.reader.line(line)).collect()
    }
}

/// Ginkgo writes a line of dashes, the name of the spec, what the spec says, and in the end `• [1.2 seconds]`, with a word
/// in brackets before the time if it did not pass.
#[derive(Debug, Default)]
struct Reader {
    after_dashes: bool,
    name: String,
}

impl Reader {
    fn line(&mut self, line: &str) -> Option<String> {
        // Karpenter's suites write dashes too, but never as many.
        if line.len() == 30 && line.chars().all(|letter| letter == '-') {
            self.after_dashes = true;
            return None;
        }
        if let Some(end) = line.strip_prefix("• ") {
            self.after_dashes = false;
            // Whatever stands before the time is a way of not passing: failed, panicked, interrupted.
            let passed = end.trim_start_matches('[').starts_with(|first: char| first.is_ascii_digit());
            let time = end.rsplit_once('[').map_or("", |(_, time)| time).trim_end_matches([']', ' ']);
            return Some(format!("{} {} ({time})", if passed { "passed" } else { "FAILED" }, self.name));
        }
        // What is in brackets was written meanwhile, by somebody who watches the cluster.
        if self.after_dashes && !line.starts_with('[') {
            self.after_dashes = false;
            self.name = line.trim().to_owned();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "Running Suite: Regression\n\
        ------------------------------\nNodeClaim should create a standard NodeClaim\n/x/nodeclaim_test.go:56\n\
        some log\n• [2.019 seconds]\n\
        ------------------------------\n[DELETED] NODE x\nDrift should drift\n/x/drift_test.go:5\n\
        ---------------------------\n{}\n• [FAILED] [901.250 seconds]\n\
        ------------------------------\nDrift should stop\n• [INTERRUPTED] [3.000 seconds]\n";

    #[test]
    fn each_spec_is_told_when_it_ends() {
        let mut reader = Reader::default();
        let told: Vec<String> = LOG.lines().filter_map(|line| reader.line(line)).collect();
        assert_eq!(
            told,
            [
                "passed NodeClaim should create a standard NodeClaim (2.019 seconds)",
                "FAILED Drift should drift (901.250 seconds)",
                "FAILED Drift should stop (3.000 seconds)"
            ]
        );
    }

    #[test]
    fn a_line_that_is_half_written_waits_for_its_end() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let log = folder.path().join("log");
        let mut progress = Progress::of(&log);
        assert!(progress.news().is_empty());
        let (before, after) = LOG.split_at(LOG.find("seconds]").expect("a spec has ended"));
        std::fs::write(&log, before).expect("the file can be written");
        assert!(progress.news().is_empty());
        std::fs::write(&log, format!("{before}{after}")).expect("the file can be written");
        assert_eq!(progress.news().len(), 3);
        assert!(progress.news().is_empty());
    }
}
