//! `dovetail crds`: the CustomResourceDefinitions, to be applied to a cluster. Generated from the types; nothing is decided
//! here.

use std::process::ExitCode;

use clap::Args;
use dovetail_api::crd;
use serde_json::json;

use super::CommandError;
use crate::output::{self, Data};

/// Print the CustomResourceDefinitions of the kinds that Dovetail reads and writes
#[derive(Args, Debug)]
pub(crate) struct Crds {
    /// Only this kind; may be given more than once
    #[arg(long = "kind", value_name = "KIND", value_parser = clap::builder::PossibleValuesParser::new(crd::KINDS), ignore_case = true)]
    kinds: Vec<String>,
    /// The form of the definitions
    #[arg(short, long, value_enum, default_value_t = Data::Yaml)]
    output: Data,
}

impl Crds {
    /// Prints them: as YAML documents, or as JSON, several of them in a List.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(crate) fn run(&self) -> Result<ExitCode, CommandError> {
        let wanted = |kind: &str| self.kinds.is_empty() || self.kinds.iter().any(|k| k.eq_ignore_ascii_case(kind));
        let definitions: Vec<_> = crd::KINDS.into_iter().filter(|k| wanted(k)).filter_map(crd::by_kind).collect();
        let text = match (self.output, definitions.as_slice()) {
            (Data::Yaml, all) => {
                let documents: Result<Vec<String>, _> = all.iter().map(|d| Data::Yaml.text(d)).collect();
                documents?.join("---\n")
            }
            (Data::Json, [one]) => Data::Json.text(one)?,
            (Data::Json, all) => Data::Json.text(&json!({"apiVersion": "v1", "kind": "List", "items": all}))?,
        };
        output::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}
