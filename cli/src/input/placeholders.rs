//! `$NAME` and `${NAME}` in manifests, filled from the environment as `envsubst` does: everywhere in the text, before it is
//! read as YAML, so that a placeholder can stand for a number or a key as well. Unlike `envsubst`, which empties them, a
//! placeholder without a value is left as it is, so that it can be reported. Which fields matter is not known here.

use std::borrow::Cow;

/// A placeholder in a text.
struct Found<'t> {
    /// Where it begins.
    start: usize,
    /// As it is written, as in `${NAME}`.
    written: &'t str,
    /// The name in it.
    name: &'t str,
}

/// The text with every placeholder that has a value replaced by it.
pub(crate) fn fill<'t>(text: &'t str, value_of: &dyn Fn(&str) -> Option<String>) -> Cow<'t, str> {
    let mut filled = String::new();
    let mut copied = 0;
    for found in all(text) {
        if let Some(value) = value_of(found.name) {
            filled.push_str(&text[copied..found.start]);
            filled.push_str(&value);
            copied = found.start + found.written.len();
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    filled.push_str(&text[copied..]);
    Cow::Owned(filled)
}

/// The placeholders in a text, as they are written.
pub(crate) fn written(text: &str) -> impl Iterator<Item = &str> {
    all(text).map(|found| found.written)
}

/// The text with every placeholder replaced by one letter, which is as good as any where only the form is judged.
pub(crate) fn stood_in(text: &str) -> String {
    let mut out = String::new();
    let mut copied = 0;
    for found in all(text) {
        out.push_str(&text[copied..found.start]);
        out.push('x');
        copied = found.start + found.written.len();
    }
    out.push_str(&text[copied..]);
    out
}

fn all(text: &str) -> impl Iterator<Item = Found<'_>> {
    text.match_indices('$').filter_map(|(start, _)| {
        let rest = &text[start + 1..];
        let (name, braces) = match rest.strip_prefix('{') {
            Some(inner) => (name_at(inner), 2),
            None => (name_at(rest), 0),
        };
        let closed = braces == 0 || rest[1 + name.len()..].starts_with('}');
        (!name.is_empty() && closed).then(|| Found {
            start,
            written: &text[start..start + 1 + braces + name.len()],
            name,
        })
    })
}

/// The longest name that the text begins with, as shells see names.
fn name_at(text: &str) -> &str {
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_alphabetic() || *c == '_' || (*at > 0 && c.is_ascii_digit())))
        .map_or(text.len(), |(at, _)| at);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let environment = |name: &str| match name {
            "ZONE" => Some("us-east-1a".to_owned()),
            "N_1" => Some("3".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        fill(text, &environment).into_owned()
    }

    #[test]
    fn both_forms_are_filled_wherever_they_stand() {
        assert_eq!(filled("replicas: $N_1"), "replicas: 3");
        assert_eq!(filled("${N_1}${ZONE}/x: a-${ZONE}-b"), "3us-east-1a/x: a-us-east-1a-b");
        assert_eq!(filled("zones: [${EMPTY}]"), "zones: []");
        assert_eq!(filled("# in a comment too: $ZONE."), "# in a comment too: us-east-1a.");
    }

    #[test]
    fn what_has_no_value_or_is_no_placeholder_stays() {
        for text in
            ["${OTHER}", "$OTHER", "$(ZONE)", "${ZONE", "$1", "${}", "$", "${ZONE:-x}", "cost: 5$", "${é}", "$ ZONE"]
        {
            assert_eq!(filled(text), text);
        }
    }

    #[test]
    fn a_value_that_looks_like_a_placeholder_is_not_filled_again() {
        let environment = |name: &str| (name == "A").then(|| "$A".to_owned());
        assert_eq!(fill("$A-$A", &environment), "$A-$A");
    }

    #[test]
    fn unfilled_ones_are_listed_as_they_are_written() {
        assert_eq!(written("a-${ONE}-$TWO-$(THREE)").collect::<Vec<_>>(), ["${ONE}", "$TWO"]);
        assert_eq!(stood_in("kubernetes.io/cluster/${CLUSTER_NAME}"), "kubernetes.io/cluster/x");
    }
}
