//! The file that says how the cluster's scheduler is configured, as far as plans depend on it. What it means is the
//! engine's business.

use std::path::Path;

use dovetail_engine::default_spread::{DefaultSpread, SchedulerConfig};
use serde_json::Value;

use super::documents::yaml;

/// Reads such a file, YAML or JSON. An empty one configures nothing.
///
/// # Errors
/// Everything that is wrong with it, one by one.
pub(crate) fn read(file: &Path) -> Result<DefaultSpread, Vec<String>> {
    let text = std::fs::read_to_string(file).map_err(|e| vec![e.to_string()])?;
    parse(&text)
}

fn parse(text: &str) -> Result<DefaultSpread, Vec<String>> {
    let config = match yaml(text).map_err(|e| vec![format!("this is not YAML: {e}")])? {
        Value::Null => SchedulerConfig::default(),
        value => serde_path_to_error::deserialize(&value).map_err(|e| vec![unreadable(&e)])?,
    };
    DefaultSpread::of(&config).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let field = error.path().to_string();
    let why = error.inner();
    let what = "write podTopologySpread.defaultConstraints, a list of maxSkew, topologyKey and whenUnsatisfiable";
    if field == "." { format!("{why}: {what}") } else { format!("{field}: {why}: {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_are_read_and_an_empty_file_says_nothing() {
        let list = "podTopologySpread:\n  defaultConstraints:\n  - maxSkew: 1\n    topologyKey: kubernetes.io/hostname\n    \
                    whenUnsatisfiable: DoNotSchedule\n";
        assert!(parse(list).is_ok());
        assert!(parse(r#"{"podTopologySpread": {"defaultConstraints": []}}"#).is_ok());
        assert!(parse("").is_ok());
        assert!(parse("# nothing yet\n").is_ok());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let errors = |text: &str| parse(text).expect_err("not a configuration");
        let unknown = errors("podTopologySpread:\n  defaultingType: List\n");
        assert!(unknown[0].starts_with("podTopologySpread.defaultingType: unknown field"), "{unknown:?}");
        assert!(errors("profiles: []\n")[0].contains("write podTopologySpread.defaultConstraints"));
        assert!(errors("a: [\n")[0].starts_with("this is not YAML: "));
        let two = errors("podTopologySpread:\n  defaultConstraints:\n  - topologyKey: zone\n");
        assert_eq!(two.len(), 2, "no skew, and no word on what happens otherwise: {two:?}");
    }
}
