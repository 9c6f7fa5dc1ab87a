//! Label keys and label values: what Kubernetes takes for one, in its own words. It knows no particular label.

use std::borrow::Cow;

/// The longest name or label value, in bytes.
const NAME_LIMIT: usize = 63;
/// The longest DNS subdomain, in bytes.
const SUBDOMAIN_LIMIT: usize = 253;

/// What is wrong with a label key or value, in the words of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NameError(Cow<'static, str>);

const NOT_A_NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const NOT_A_KEY: &str = "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with \
    an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
const NOT_A_SUBDOMAIN: &str = "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
    '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const NOT_A_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
    start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
    '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// What keeps a text from being a qualified name: a name, with or without a DNS subdomain and `/` before it.
#[must_use]
pub fn qualified_name(text: &str) -> Vec<NameError> {
    let mut errors = Vec::new();
    let mut says = |text: Cow<'static, str>| errors.push(NameError(text));
    let (prefix, name) = match text.split_once('/') {
        None => (None, text),
        Some((_, name)) if name.contains('/') => return vec![NameError(NOT_A_KEY.into())],
        Some((prefix, name)) => (Some(prefix), name),
    };
    match prefix {
        Some("") => says("prefix part must be non-empty".into()),
        Some(prefix) => {
            if prefix.len() > SUBDOMAIN_LIMIT {
                says(format!("prefix part must be no more than {SUBDOMAIN_LIMIT} bytes").into());
            }
            if !is_subdomain(prefix) {
                says(NOT_A_SUBDOMAIN.into());
            }
        }
        None => {}
    }
    if name.is_empty() {
        says("name part must be non-empty".into());
    } else if name.len() > NAME_LIMIT {
        says(format!("name part must be no more than {NAME_LIMIT} bytes").into());
    }
    if !is_name(name) {
        says(NOT_A_NAME.into());
    }
    errors
}

/// What keeps a text from being a label value. An empty one is fine.
#[must_use]
pub fn label_value(text: &str) -> Vec<NameError> {
    let mut errors = Vec::new();
    if text.len() > NAME_LIMIT {
        errors.push(NameError(format!("must be no more than {NAME_LIMIT} bytes").into()));
    }
    if !text.is_empty() && !is_name(text) {
        errors.push(NameError(NOT_A_VALUE.into()));
    }
    errors
}

/// `([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]`
fn is_name(text: &str) -> bool {
    let ends = |text: &str| text.starts_with(is_alphanumeric) && text.ends_with(is_alphanumeric);
    ends(text) && text.chars().all(|c| is_alphanumeric(c) || "-_.".contains(c))
}

/// Labels of lower case letters, digits and inner hyphens, separated by points.
fn is_subdomain(text: &str) -> bool {
    let is_lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.split('.').all(|label| {
        label.starts_with(is_lower) && label.ends_with(is_lower) && label.chars().all(|c| is_lower(c) || c == '-')
    })
}

fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(errors: &[NameError]) -> Vec<&str> {
        errors.iter().map(|error| error.0.as_ref()).collect()
    }

    #[test]
    fn names_are_refused_in_the_words_of_kubernetes() {
        let long_name = "a".repeat(64);
        let long_prefix = format!("{}/b", "a".repeat(254));
        let letters = "é".repeat(32);
        let cases: [(&str, &[&str]); 15] = [
            ("a", &[]),
            ("a_B.c-d", &[]),
            ("a/b", &[]),
            ("example.com/b", &[]),
            ("", &["name part must be non-empty", NOT_A_NAME]),
            ("a/", &["name part must be non-empty", NOT_A_NAME]),
            ("/b", &["prefix part must be non-empty"]),
            ("A/b", &[NOT_A_SUBDOMAIN]),
            ("a..b/c", &[NOT_A_SUBDOMAIN]),
            ("a/b/c", &[NOT_A_KEY]),
            ("-a", &[NOT_A_NAME]),
            ("a-", &[NOT_A_NAME]),
            (&long_name, &["name part must be no more than 63 bytes"]),
            (&long_prefix, &["prefix part must be no more than 253 bytes"]),
            (&letters, &["name part must be no more than 63 bytes", NOT_A_NAME]),
        ];
        for (name, expected) in cases {
            assert_eq!(texts(&qualified_name(name)), expected, "{name}");
        }
    }

    #[test]
    fn values_are_refused_in_the_words_of_kubernetes() {
        let long = "a".repeat(64);
        let cases: [(&str, &[&str]); 6] = [
            ("", &[]),
            ("a_B.c", &[]),
            ("a b", &[NOT_A_VALUE]),
            ("-a", &[NOT_A_VALUE]),
            ("a/b", &[NOT_A_VALUE]),
            (&long, &["must be no more than 63 bytes"]),
        ];
        for (value, expected) in cases {
            assert_eq!(texts(&label_value(value)), expected, "{value}");
        }
    }
}
