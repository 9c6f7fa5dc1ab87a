//! Texts as documents: where one ends and the next begins, and what each says as a value, in YAML as Kubernetes reads it or
//! in JSON. What kind of object a document describes is not known here.
//!
//! Kubernetes reads YAML 1.1: `yes`, `on` and their like are booleans, `0644` is octal, and a plain `1` is a number, which
//! a label cannot be. Reading a value first and the typed object from that keeps it so; a type that asks for a string
//! would otherwise get one. A key that comes twice in a YAML mapping is an error; in JSON the last one wins, as in Go.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::errors::{InputError, Place};
use super::placeholders;

/// One document of a file, not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document<'t> {
    /// Where it stands.
    pub(crate) place: Place,
    /// Its text, without the markers around it.
    pub(crate) text: &'t str,
    /// The line of the file on which the text begins, counted from 1.
    first_line: usize,
}

/// What a document says.
#[derive(Debug, PartialEq)]
pub(crate) enum Content<'t> {
    /// JSON values, one after the other, as their texts.
    Json(Vec<&'t str>),
    /// A YAML value.
    Yaml(Value),
}

/// What an object says about itself first.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Head {
    /// Group and version.
    pub(crate) api_version: Option<String>,
    /// Kind.
    pub(crate) kind: Option<String>,
}

/// The documents of a file that say something.
pub(crate) fn split<'t>(file: &Arc<str>, text: &'t str) -> Vec<Document<'t>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    let mut begin = (0, 1);
    let mut push = |(from, line): (usize, usize), to: usize| {
        let text = &text[from..to];
        if let Some(silent) = text.lines().position(says_something) {
            let place =
                Place { file: Arc::clone(file), document: documents.len() + 1, line: line + silent, item: None };
            documents.push(Document { place, text, first_line: line });
        }
    };
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if let Some(marker) = ["---", "..."].iter().find(|m| is_marker(line, m)) {
            push(begin, at);
            begin = (at + marker.len(), number + 1);
        }
        at += line.len();
    }
    push(begin, text.len());
    documents
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

/// Whether a line is more than blank, a comment or a directive.
fn says_something(line: &str) -> bool {
    let line = line.trim_start();
    !(line.is_empty() || line.starts_with(['#', '%']))
}

impl<'t> Document<'t> {
    /// What the document says.
    ///
    /// # Errors
    /// When it is neither YAML nor JSON.
    pub(crate) fn content(&self) -> Result<Content<'t>, InputError> {
        let json = self.text.trim_start();
        let json_error = if json.starts_with('{') {
            match json_values(json) {
                Ok(values) => return Ok(Content::Json(values)),
                Err(error) => Some(error),
            }
        } else {
            None
        };
        match (yaml(self.text), json_error) {
            (Ok(value), _) => Ok(Content::Yaml(value)),
            // Only JSON puts a quote right behind the brace, as a rule: its error is the one to show then.
            (Err(_), Some(error)) if json[1..].trim_start().starts_with('"') => Err(self.json_error(json, &error)),
            (Err(error), _) => Err(self.yaml_error(&error)),
        }
    }

    fn json_error(&self, json: &str, error: &serde_json::Error) -> InputError {
        let skipped = self.text[..self.text.len() - json.len()].matches('\n').count();
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or(&what);
        self.syntax(skipped + error.line(), format!("this is not JSON: {what}"))
    }

    fn yaml_error(&self, error: &serde_saphyr::Error) -> InputError {
        let line = error.location().map_or(1, |l| usize::try_from(l.line()).unwrap_or(1));
        let what = match error.without_snippet() {
            serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
                format!("the key {key} stands twice in the same mapping: remove one of them")
            }
            other => {
                let text = other.to_string();
                format!("this is not YAML: {}", text.split(" at line ").next().unwrap_or(&text))
            }
        };
        self.syntax(line, what)
    }

    fn syntax(&self, line_within: usize, mut what: String) -> InputError {
        let line = self.text.lines().nth(line_within.saturating_sub(1)).unwrap_or_default();
        if let Some(placeholder) = placeholders::written(line).next() {
            what.push_str(&format!(" ({placeholder} is not set in the environment: export it, or put it in quotes)"));
        }
        InputError::Syntax {
            file: Arc::clone(&self.place.file),
            document: self.place.document,
            line: self.first_line + line_within.saturating_sub(1),
            what,
        }
    }
}

/// The texts of the JSON objects that stand one after the other, as `jq` and `kubectl` write them.
fn json_values(text: &str) -> Result<Vec<&str>, serde_json::Error> {
    let mut values = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    let mut from = 0;
    while let Some(value) = stream.next() {
        value?;
        let to = stream.byte_offset();
        values.push(&text[from..to]);
        from = to;
    }
    Ok(values)
}

/// The value of a text.
///
/// # Errors
/// When it is not YAML.
pub(super) fn yaml(text: &str) -> Result<Value, serde_saphyr::Error> {
    serde_saphyr::from_str_with_options(text, yaml_options())
}

/// YAML as Kubernetes reads it. The usual budget is for texts of unknown origin and is smaller than a cluster; what is
/// limited here is what a small text can blow up into.
fn yaml_options() -> serde_saphyr::Options {
    const EVENTS: usize = 200_000_000;
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: EVENTS,
            max_nodes: EVENTS,
            max_anchors: EVENTS,
            max_aliases: EVENTS,
            max_total_scalar_bytes: usize::MAX,
            max_merge_keys: EVENTS,
            max_depth: 128,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 250_000 },
        legacy_octal_numbers: true,
        with_snippet: false,
        emit_comments: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn documents(text: &str) -> Vec<(usize, usize, &str)> {
        let split = split(&"f.yaml".into(), text);
        split.into_iter().map(|d| (d.place.document, d.place.line, d.text.trim())).collect()
    }

    fn read(text: &str) -> Result<Value, String> {
        let document = split(&"f.yaml".into(), text).into_iter().next().expect("a document");
        match document.content() {
            Ok(Content::Yaml(value)) => Ok(value),
            Ok(Content::Json(texts)) => Ok(json!(texts)),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn documents_are_counted_where_something_is_said() {
        let text = "# Source: chart\n---\na: 1\n--- # next\n---\n%YAML 1.2\n---\nb: 2\n...\nc: 3\n--- {d: 4}\n";
        assert_eq!(documents(text), [(1, 3, "a: 1"), (2, 8, "b: 2"), (3, 10, "c: 3"), (4, 11, "{d: 4}")]);
        assert_eq!(documents("\u{feff}a: 1"), [(1, 1, "a: 1")]);
        assert_eq!(documents(" \n# only a comment\n---\n"), []);
        assert_eq!(documents("text: |\n  ---\n  more\n----\n").len(), 1, "only a bare marker at the margin divides");
        assert_eq!(documents("a: 1\r\n---\r\nb: 2\r\n").len(), 2);
    }

    #[test]
    fn yaml_is_read_as_kubernetes_reads_it() {
        let text = "a: yes\nb: Off\nc: 0644\nd: '1'\ne: 1\nf: 2024-01-01\ng: 1e3\nh: ~\ni: 'no'\nj: 0x10\nk: 1_000\nl: y\nm: nope\n";
        let expected = json!({"a": true, "b": false, "c": 420, "d": "1", "e": 1, "f": "2024-01-01", "g": 1000.0, "h": null,
            "i": "no", "j": 16, "k": 1000, "l": true, "m": "nope"});
        assert_eq!(read(text), Ok(expected));
    }

    #[test]
    fn numbers_stay_exact_as_far_as_they_can() {
        assert_eq!(read("a: 18446744073709551615\nb: -9223372036854775808"), Ok(json!({"a": u64::MAX, "b": i64::MIN})));
        assert_eq!(read("a: 100000000000000000000"), Ok(json!({"a": 1e20})));
    }

    #[test]
    fn anchors_and_merge_keys_are_followed() {
        assert_eq!(
            read("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n"),
            Ok(json!({"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}))
        );
    }

    #[test]
    fn json_values_may_follow_each_other() {
        assert_eq!(read("{\"a\": 1}\n{\"b\": 2}{\"c\": 3}\n"), Ok(json!(["{\"a\": 1}", "\n{\"b\": 2}", "{\"c\": 3}"])));
        assert_eq!(read("{a: b}"), Ok(json!({"a": "b"})), "a flow mapping is YAML");
    }

    #[test]
    fn errors_name_the_line_of_the_file() {
        let error = |text: &str| read(text).expect_err("not readable");
        assert_eq!(
            error("# head\n---\na: 1\nb: 2\na: 3\n"),
            "f.yaml, document 1, line 5: the key a stands twice in the same mapping: remove one of them"
        );
        assert!(error("a:\n  b: 1\n c: 2\n").starts_with("f.yaml, document 1, line 3: this is not YAML: "));
        assert!(error("---\n\n{\"a\": 1,\n \"b\" 2}\n").starts_with("f.yaml, document 1, line 4: this is not JSON: "));
        assert!(
            error("zones: [${ZONE}]\n")
                .contains("${ZONE} is not set in the environment: export it, or put it in quotes")
        );
    }

    #[test]
    fn an_anchor_that_doubles_itself_is_refused_before_it_fills_the_memory() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
            text.push_str(&format!("a{n}: &a{n} [{aliases}]\n"));
        }
        assert!(read(&text).is_err());
    }
}
