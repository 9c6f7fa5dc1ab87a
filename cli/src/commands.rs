//! The subcommands, one file each, and what can go wrong in all of them.

use std::io;
use std::path::PathBuf;

use dovetail_operator::settings::SettingsError;

use crate::bench::errors::BenchError;
use crate::input::{InputError, Place};

pub(crate) mod bench;
pub(crate) mod catalog;
mod chosen;
pub(crate) mod cluster;
pub(crate) mod controller;
pub(crate) mod crds;
pub(crate) mod plan;
pub(crate) mod search;

/// Why a command did not do what it was asked. Nothing has been written to standard output then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The input cannot be used.
    #[error("{}", lines(.0))]
    Input(Vec<InputError>),
    /// Objects were read but make no sense.
    #[error("{}", lines(&.0.iter().map(BadObject::to_string).collect::<Vec<_>>()))]
    Objects(Vec<BadObject>),
    /// Nothing was named to plan for.
    #[error("nothing to plan for: name files or folders with manifests, - for standard input, or a trace with --trace")]
    NothingNamed,
    /// A catalogue cannot be read.
    #[error("{}: {why}", .file.display())]
    CatalogueFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The scheduler's configuration cannot be used.
    #[error("{}", lines(&.why.iter().map(|w| format!("{}: {w}", .file.display())).collect::<Vec<_>>()))]
    SchedulerConfig {
        /// The file.
        file: PathBuf,
        /// Everything that is wrong with it.
        why: Vec<String>,
    },
    /// The EC2 catalogue has no answer.
    #[error(transparent)]
    Catalogue(#[from] dovetail_cloudprovider::ec2::CatalogueError),
    /// Nothing can be measured, or what was measured cannot be kept.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// The controller's settings make no sense.
    #[error("{}", lines(.0))]
    Settings(Vec<SettingsError>),
    /// The controller cannot go on.
    #[error(transparent)]
    Controller(#[from] dovetail_operator::controller::ControllerError),
    /// The result cannot be written.
    #[error("the result cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// An object whose manifest has the right shape and makes no sense.
#[derive(Debug)]
pub(crate) struct BadObject {
    /// Where it stands, if that is known.
    pub(crate) place: Option<Place>,
    /// Kind and name.
    pub(crate) title: String,
    /// Field, what is wrong, and what to do.
    pub(crate) why: String,
}

impl std::fmt::Display for BadObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}: {}", self.title, self.why)
    }
}

/// The first of many errors, one on each line; after that they are counted.
fn lines<T: ToString>(errors: &[T]) -> String {
    const SHOWN: usize = 20;
    let mut lines: Vec<String> = errors.iter().take(SHOWN).map(ToString::to_string).collect();
    if errors.len() > SHOWN {
        lines.push(format!("and {} more like these", errors.len() - SHOWN));
    }
    lines.join("\n")
}
