//! The journal of an experiment on disk: what an earlier start has finished, and a line for every run that is finished now.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use dovetail_packing::journal;
use dovetail_packing::run::{Key, Run};

use super::errors::BenchError;

/// A journal that is open for writing.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    finished: BTreeMap<Key, Run>,
}

impl Journal {
    /// Opens a journal, or begins one. What was cut off at its end is overwritten.
    ///
    /// # Errors
    /// When the file cannot be read and written, or is something else than a journal; it is left as it is then.
    pub(crate) fn open(path: &Path) -> Result<Self, BenchError> {
        let failed = |why: io::Error| BenchError::Unwritable { file: path.to_owned(), why };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let known = journal::Journal::read(&text).map_err(|why| BenchError::Journal { file: path.to_owned(), why })?;
        let whole = u64::try_from(known.whole).unwrap_or(u64::MAX);
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::Start(whole))).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, finished: known.runs })
    }

    /// The run with this key, if it was finished before.
    pub(crate) fn finished(&self, key: &Key) -> Option<&Run> {
        self.finished.get(key)
    }

    /// Writes a run down, at once: whoever is stopped later will not do it again.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(crate) fn add(&mut self, run: &Run) -> Result<(), BenchError> {
        let line = journal::line(run).map_err(io::Error::from);
        line.and_then(|line| self.file.write_all(line.as_bytes()).and_then(|()| self.file.flush()))
            .map_err(|why| BenchError::Unwritable { file: self.path.clone(), why })
    }
}
