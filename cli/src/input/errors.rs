//! What can be wrong with input, each with the place and with what to do about it. Whether it ends the command is decided
//! by whoever gets the error.

use std::fmt;
use std::sync::Arc;

/// Where an object stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file as it was named.
    pub(crate) file: Arc<str>,
    /// Which of its documents, counted from 1.
    pub(crate) document: usize,
    /// The line on which that document begins, counted from 1.
    pub(crate) line: usize,
    /// Which item of a list, counted from 1.
    pub(crate) item: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, document {} (line {})", self.file, self.document, self.line)?;
        match self.item {
            Some(item) => write!(f, ", item {item}"),
            None => Ok(()),
        }
    }
}

/// Why input cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InputError {
    /// The file cannot be read at all.
    #[error("{file}: {why}: check the path and its permissions")]
    Unreadable {
        /// The file.
        file: Arc<str>,
        /// What the system says.
        why: String,
    },
    /// The file is not UTF-8.
    #[error("{file}: byte {at} is not UTF-8: save the file as UTF-8")]
    NotText {
        /// The file.
        file: Arc<str>,
        /// The first byte that is not, counted from 0.
        at: usize,
    },
    /// A folder has nothing to read.
    #[error("{folder}: there is no .yaml, .yml or .json file in it or below: name another folder")]
    EmptyFolder {
        /// The folder.
        folder: Arc<str>,
    },
    /// The text is neither YAML nor JSON.
    #[error("{file}, document {document}, line {line}: {what}")]
    Syntax {
        /// The file.
        file: Arc<str>,
        /// Which of its documents, counted from 1.
        document: usize,
        /// The line of the file, counted from 1.
        line: usize,
        /// What is wrong and what to do.
        what: String,
    },
    /// A document is not an object with kind and apiVersion.
    #[error("{place}: {what}")]
    NotAnObject {
        /// Where.
        place: Place,
        /// What is missing and what to do.
        what: String,
    },
    /// The kind is known, this version of it is not.
    #[error("{place}: {kind} of version {found:?} is not supported: write apiVersion: {expected}")]
    Version {
        /// Where.
        place: Place,
        /// The kind.
        kind: &'static str,
        /// The version that was found.
        found: String,
        /// The one that is understood.
        expected: String,
    },
    /// A field is missing or has a value it cannot have.
    #[error("{place}: {object}: {field}: {what}")]
    Field {
        /// Where.
        place: Place,
        /// Kind and name, as in `Pod web-0`.
        object: String,
        /// The path of the field.
        field: String,
        /// What is wrong.
        what: String,
    },
    /// A placeholder stayed unfilled where the plan depends on it.
    #[error(
        "{place}: {object}: {field}: {placeholder} is not set in the environment, and the plan depends on it: export it, \
             or write the value itself"
    )]
    Placeholder {
        /// Where.
        place: Place,
        /// Kind and name.
        object: String,
        /// The path of the field.
        field: String,
        /// The placeholder as it is written.
        placeholder: String,
    },
    /// The trace cannot be read.
    #[error("{file}, line {line}: {what}")]
    Trace {
        /// The file.
        file: Arc<str>,
        /// The line, counted from 1; the header is line 1.
        line: u64,
        /// What is wrong and what to do.
        what: String,
    },
}
