//! Results on standard output and everything else on standard error. What the results say is decided elsewhere.

use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde::Serialize;

pub(crate) mod answer;
pub(crate) mod certificate;
pub(crate) mod columns;
mod fill;
pub(crate) mod progress;
mod reasons;
pub(crate) mod table;
mod unplaced;
pub(crate) mod verdict;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default();

/// How data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Data {
    /// JSON, indented.
    Json,
    /// YAML.
    Yaml,
}

impl Data {
    /// The value as text, ending with a line break.
    ///
    /// # Errors
    /// When the value cannot be written in this form.
    pub(crate) fn text(self, value: &impl Serialize) -> io::Result<String> {
        match self {
            Self::Json => {
                let mut text = serde_json::to_string_pretty(value)?;
                text.push('\n');
                Ok(text)
            }
            Self::Yaml => serde_saphyr::to_string(value).map_err(io::Error::other),
        }
    }
}

/// Writes to standard output, with colours only where they can be seen.
///
/// # Errors
/// When nobody takes the text. A reader that has seen enough is none.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Says on standard error why the command cannot do what it was asked.
pub(crate) fn error(text: &str) {
    say("error", ERROR, text);
}

/// Says on standard error what was left out or will not work.
pub(crate) fn warning(text: &str) {
    say("warning", WARNING, text);
}

/// Says on standard error what is good to know.
pub(crate) fn note(text: &str) {
    say("note", NOTE, text);
}

fn say(what: &str, style: Style, text: &str) {
    // There is nowhere left to report that standard error is closed.
    let _ = writeln!(anstream::stderr().lock(), "{style}{what}{style:#}: {text}");
}
