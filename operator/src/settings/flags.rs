//! The settings on a command line: one flag for each row of the table. What a value means, and what holds when a flag is
//! not given, is decided where all sources come together.

use std::collections::BTreeMap;

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::environment;
use super::table::{Kind, SETTINGS, Setting};

/// The flags that were given, each with a value that its kind allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags(BTreeMap<&'static str, String>);

impl Flags {
    /// What was written for that setting.
    pub(crate) fn get(&self, setting: &Setting) -> Option<&str> {
        self.0.get(setting.flag).map(String::as_str)
    }
}

/// A value that a flag does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum BadValue {
    #[error("{0:?} is not a valid value, must be true or false")]
    Switch(String),
    #[error("{0:?} is not a whole number")]
    Whole(String),
    #[error(transparent)]
    Duration(#[from] dovetail_api::duration::DurationError),
}

fn arg(setting: &'static Setting) -> Arg {
    let help = format!("{} [variable: {}]", setting.meaning, setting.variable);
    // The value of a variable may be a secret path of the machine; help shows only what holds without any.
    let default = if setting.default.is_empty() { String::new() } else { format!(" [default: {}]", setting.default) };
    let arg = Arg::new(setting.flag)
        .long(setting.flag)
        .help(help + &default)
        .help_heading(setting.origin.heading())
        .allow_hyphen_values(true)
        .overrides_with(setting.flag);
    match setting.kind {
        Kind::Text | Kind::Gates => arg.value_name("TEXT"),
        Kind::Whole => arg.value_name("N").value_parser(|text: &str| match environment::whole(text) {
            Some(_) => Ok(text.to_owned()),
            None => Err(BadValue::Whole(text.to_owned())),
        }),
        // As Go has it: the flag alone means true, and a value is joined to it by `=`.
        Kind::Switch => arg
            .value_name("true|false")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_parser(|text: &str| match text {
                "true" | "false" => Ok(text.to_owned()),
                _ => Err(BadValue::Switch(text.to_owned())),
            }),
        Kind::Duration => arg.value_name("TIME").value_parser(|text: &str| {
            Ok::<_, BadValue>(text.parse::<dovetail_api::duration::Duration>()?.to_string())
        }),
        Kind::OneOf(words) => arg.value_name("WORD").value_parser(PossibleValuesParser::new(words)),
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        SETTINGS.iter().map(arg).fold(command, Command::arg)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for setting in SETTINGS {
            let given = matches
                .try_get_one::<String>(setting.flag)
                .map_err(|error| clap::Error::raw(ErrorKind::UnknownArgument, error.to_string()))?;
            if let Some(text) = given {
                self.0.insert(setting.flag, text.clone());
            }
        }
        Ok(())
    }
}
