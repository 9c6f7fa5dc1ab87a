//! What can go wrong in an experiment. A bad input is told and left out; the others go on.

use std::path::PathBuf;

use dovetail_packing::journal::JournalError;
use dovetail_packing::planted::PlantError;
use dovetail_packing::vector::read::FormatError;
use dovetail_packing::wish::WishError;

use crate::commands::CommandError;

/// Why an input is left out, or an experiment ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// A file cannot be read at all.
    #[error("{}: {why}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
    /// A file of packing is bad.
    #[error("{}, {why}", .file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// What is wrong, with the line.
        why: FormatError,
    },
    /// A file of no known kind.
    #[error("{}: its name ends in none of .csv, .vbp, .mvp, .yaml, .yml and .json, gzipped or not: rename it", .file.display())]
    UnknownKind {
        /// The file.
        file: PathBuf,
    },
    /// A folder without instances.
    #[error("{}: there is no .csv, .vbp, .mvp, .yaml or .yml file in it or below: name another folder", .folder.display())]
    EmptyFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// A generated instance that makes no sense.
    #[error("{text}: {why}")]
    Wish {
        /// As it was asked for.
        text: String,
        /// What is wrong.
        why: WishError,
    },
    /// Nothing can be planted.
    #[error("{text}: {why}")]
    Plant {
        /// As it was asked for.
        text: String,
        /// What is wrong.
        why: PlantError,
    },
    /// Objects that cannot be planned for.
    #[error("{0}")]
    Objects(Box<CommandError>),
    /// A file to go on from is none.
    #[error("{}, {why}", .file.display())]
    Journal {
        /// The file.
        file: PathBuf,
        /// What is wrong, with the line.
        why: JournalError,
    },
    /// A file cannot be written.
    #[error("{}: {why}: check the folder and its permissions", .file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// No input is left.
    #[error("there is nothing to measure: name files, folders, or instances to generate, such as planted:500@1")]
    NothingToMeasure,
}

impl From<CommandError> for BenchError {
    fn from(error: CommandError) -> Self {
        Self::Objects(Box::new(error))
    }
}
