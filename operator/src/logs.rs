//! Logs as Karpenter writes them: one JSON object a line, with the same keys and levels (the Karpenter specification,
//! disruption 8.5). It decides how a line reads and which are left out; what is worth a line is decided elsewhere.

mod layer;
mod line;
mod sampling;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use dovetail_engine::fact::{Level, Line};
use jiff::Timestamp;
use serde_json::Value;

pub use layer::Tracing;
use sampling::Sampler;

/// The name under which the controller logs.
const LOGGER: &str = "controller";

/// A file for logs that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the log {path} cannot be opened: {source}; name stdout, stderr or a file that can be written")]
pub struct LogError {
    /// The file.
    pub path: String,
    /// Why not.
    #[source]
    pub source: io::Error,
}

/// Writes lines. Copies share their destinations.
#[derive(Clone)]
pub struct Logs(Arc<Inner>);

struct Inner {
    lowest: Level,
    commit: &'static str,
    start: Instant,
    state: Mutex<State>,
}

struct State {
    sampler: Sampler,
    outputs: Vec<Box<dyn Write + Send>>,
    errors: Vec<Box<dyn Write + Send>>,
}

impl Logs {
    /// Logs of `level` and graver to `outputs`; failures to write are told to `errors`. Both name stdout, stderr or files,
    /// which are appended to.
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn open(level: &str, commit: &'static str, outputs: &[String], errors: &[String]) -> Result<Self, LogError> {
        let lowest = match level {
            "debug" => Level::Debug,
            "error" => Level::Error,
            _ => Level::Info,
        };
        let opened = |paths: &[String]| paths.iter().map(|path| open(path)).collect::<Result<_, _>>();
        Ok(Self::to(lowest, commit, opened(outputs)?, opened(errors)?))
    }

    fn to(
        lowest: Level,
        commit: &'static str,
        outputs: Vec<Box<dyn Write + Send>>,
        errors: Vec<Box<dyn Write + Send>>,
    ) -> Self {
        let state = Mutex::new(State { sampler: Sampler::default(), outputs, errors });
        Self(Arc::new(Inner { lowest, commit, start: Instant::now(), state }))
    }

    /// Whether lines of that level are written.
    #[must_use]
    pub fn shows(&self, level: Level) -> bool {
        level >= self.0.lowest
    }

    /// Writes what the engine has to say.
    pub fn write(&self, line: &Line) {
        let fields: Vec<_> = line.fields.iter().map(|(key, text)| (*key, line::value(key, text))).collect();
        self.say(line.level, LOGGER, line.message, &fields);
    }

    fn say(&self, level: Level, logger: &str, message: &str, fields: &[(&str, Value)]) {
        if !self.shows(level) {
            return;
        }
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.sampler.passes(level, message, self.0.start.elapsed()) {
            return;
        }
        let text = line::text(level, Timestamp::now(), logger, message, self.0.commit, fields);
        let State { outputs, errors, .. } = &mut *state;
        for output in outputs {
            if let Err(error) = output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
                for errors in errors.iter_mut() {
                    // There is nobody left to tell.
                    let _ = writeln!(errors, "a line of the log was lost: {error}");
                }
            }
        }
    }
}

fn open(path: &str) -> Result<Box<dyn Write + Send>, LogError> {
    Ok(match path {
        "stdout" => Box::new(io::stdout()),
        "stderr" => Box::new(io::stderr()),
        path => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            Box::new(file.map_err(|source| LogError { path: path.to_owned(), source })?)
        }
    })
}

#[cfg(test)]
mod tests;
