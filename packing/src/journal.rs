//! The journal of an experiment: a run on each line, as JSON, so that an experiment that was stopped goes on where it was.
//! Who writes it, and when, is not known here.

use crate::run::{Key, Run};
use std::collections::BTreeMap;

/// What a journal holds.
#[derive(Debug, Default)]
pub struct Journal {
    /// Every finished run; of runs that stand twice the last.
    pub runs: BTreeMap<Key, Run>,
    /// How many bytes of the text are whole lines. What comes after was cut off while it was written, and is to be
    /// overwritten.
    pub whole: usize,
}

/// A line that is no run, with lines after it: this is no journal.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: this is not a run ({why}): name a file that an earlier run has written, or a new one")]
pub struct JournalError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: serde_json::Error,
}

impl Journal {
    /// Reads a journal. A last line without its line break was not finished, and does not count.
    ///
    /// # Errors
    /// When any other line is not a run.
    pub fn read(text: &str) -> Result<Self, JournalError> {
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        let mut runs = BTreeMap::new();
        for (line, text) in text[..whole].lines().enumerate().filter(|(_, t)| !t.trim().is_empty()) {
            let run: Run = serde_json::from_str(text).map_err(|why| JournalError { line: line + 1, why })?;
            runs.insert(run.key.clone(), run);
        }
        Ok(Self { runs, whole })
    }
}

/// A run as its line, with the line break.
///
/// # Errors
/// When a figure is no number.
pub fn line(run: &Run) -> Result<String, serde_json::Error> {
    serde_json::to_string(run).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::run;

    #[test]
    fn what_is_written_is_read() {
        let (a, b) = (run("x", "karpenter", 100, 3.5, None), run("x", "cost", 100, 3.0, Some(2.9)));
        let text = line(&a).expect("a line") + &line(&b).expect("a line");
        let journal = Journal::read(&text).expect("a journal");
        assert_eq!(journal.whole, text.len());
        assert_eq!(journal.runs.get(&a.key), Some(&a));
        assert_eq!(journal.runs.get(&b.key), Some(&b));
    }

    #[test]
    fn a_line_that_was_cut_off_does_not_count_and_is_to_be_overwritten() {
        let a = line(&run("x", "karpenter", 100, 3.5, None)).expect("a line");
        let journal = Journal::read(&(a.clone() + &a[..20])).expect("a journal");
        assert_eq!((journal.runs.len(), journal.whole), (1, a.len()));
        assert_eq!(Journal::read(&a[..20]).expect("nothing yet").whole, 0);
    }

    #[test]
    fn the_last_of_equal_runs_counts() {
        let (old, new) = (run("x", "cost", 100, 3.5, None), run("x", "cost", 100, 3.0, None));
        let journal = Journal::read(&(line(&old).expect("a line") + &line(&new).expect("a line"))).expect("a journal");
        assert_eq!(journal.runs.values().map(|r| r.cost).collect::<Vec<_>>(), [3.0]);
    }

    #[test]
    fn another_file_is_refused_with_the_line() {
        let a = line(&run("x", "karpenter", 100, 3.5, None)).expect("a line");
        let error = Journal::read(&(a + "\nname,cpu\n")).expect_err("not a journal").to_string();
        assert!(error.starts_with("line 3: this is not a run (expected"), "{error}");
    }
}
