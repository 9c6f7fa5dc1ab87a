//! The events that are published on Kubernetes objects: reason, severity, wording, and how often the same one may be
//! repeated, as data (spec disruption 8.4, scheduling 4.16, aws-provider Appendix B, v1.15 changes 9.3). It decides how an
//! event reads and which two are the same. It does not know when one is due, nor does it send any.

pub mod aws;
pub mod disruption;
pub mod lifecycle;
pub mod scheduling;

use std::borrow::Cow;

/// The longest message, in bytes, that Kubernetes takes.
pub const MESSAGE_LIMIT: usize = 1024;
/// How long two equal events are one, in seconds, unless a kind says otherwise.
pub const DEFAULT_WINDOW_SECONDS: u32 = 120;

/// How grave an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Things take their course.
    Normal,
    /// Somebody should look.
    Warning,
}

impl Severity {
    /// The type of an event, as Kubernetes spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// How many events of a kind are sent at most, over all objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Events per second in the long run.
    pub per_second: u32,
    /// Events at once.
    pub burst: u32,
}

/// One kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventKind {
    /// The event's reason.
    pub reason: &'static str,
    /// The event's type.
    pub severity: Severity,
    /// Kinds of the objects that it is published on.
    pub on: &'static [&'static str],
    /// The message, with `{placeholders}` for what differs from one to the next.
    pub template: &'static str,
    /// Two events of this kind are the same if they agree in these: `uid` and `name` of the object, or values.
    pub same_by: &'static [&'static str],
    /// How long the same event is not sent again, in seconds.
    pub window_seconds: u32,
    /// How many are sent at most.
    pub limit: Option<RateLimit>,
}

impl EventKind {
    const fn new(
        reason: &'static str,
        severity: Severity,
        on: &'static [&'static str],
        template: &'static str,
    ) -> Self {
        Self { reason, severity, on, template, same_by: &["uid"], window_seconds: DEFAULT_WINDOW_SECONDS, limit: None }
    }

    const fn same_by(self, same_by: &'static [&'static str]) -> Self {
        Self { same_by, ..self }
    }

    const fn window_seconds(self, window_seconds: u32) -> Self {
        Self { window_seconds, ..self }
    }

    const fn limit(self, per_second: u32, burst: u32) -> Self {
        Self { limit: Some(RateLimit { per_second, burst }), ..self }
    }

    /// The names of the placeholders, in the order of the template.
    pub fn placeholders(&self) -> impl Iterator<Item = &'static str> {
        pieces(self.template).filter_map(|piece| match piece {
            Piece::Placeholder(name) => Some(name),
            Piece::Text(_) => None,
        })
    }

    /// The message with `values` for the placeholders, cut off at [`MESSAGE_LIMIT`]. A placeholder without a value
    /// vanishes.
    #[must_use]
    pub fn message(&self, values: &[(&str, &str)]) -> String {
        let value_of = |name| values.iter().find(|(key, _)| *key == name).map_or("", |&(_, value)| value);
        let message = pieces(self.template).fold(String::new(), |message, piece| {
            message
                + match piece {
                    Piece::Text(text) => text,
                    Piece::Placeholder(name) => value_of(name),
                }
        });
        truncate(&message, MESSAGE_LIMIT).into_owned()
    }

    /// What makes two events the same: reason, the object's identity and the values that count.
    #[must_use]
    pub fn key(&self, uid: &str, name: &str, values: &[(&str, &str)]) -> String {
        let part = |by: &&str| match *by {
            "uid" => uid.to_owned(),
            "name" => name.to_owned(),
            by => values.iter().find(|(key, _)| *key == by).map_or_else(String::new, |&(_, value)| value.to_owned()),
        };
        let parts: Vec<_> = std::iter::once(self.reason.to_lowercase()).chain(self.same_by.iter().map(part)).collect();
        parts.join("\u{0}")
    }
}

/// Cuts a text off so that it takes at most `limit` bytes, the `...` at its end included.
#[must_use]
pub fn truncate(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(limit.saturating_sub(3));
    Cow::Owned(format!("{}...", text.get(..end).unwrap_or_default()))
}

/// Every kind of event.
pub fn all() -> impl Iterator<Item = &'static EventKind> {
    [scheduling::ALL, lifecycle::ALL, disruption::ALL, aws::ALL].into_iter().flatten().copied()
}

enum Piece {
    Text(&'static str),
    Placeholder(&'static str),
}

fn pieces(template: &'static str) -> impl Iterator<Item = Piece> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, tail)) = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            rest = tail;
            return Some(Piece::Placeholder(name));
        }
        // At least one character, so that a lone brace is text and the loop ends.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest.get(first..).and_then(|tail| tail.find('{')).map_or(rest.len(), |at| at + first);
        let (text, tail) = rest.split_at(end);
        rest = tail;
        Some(Piece::Text(text))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn messages_read_as_karpenters_do() {
        type Case<'a> = (&'a EventKind, &'a [(&'a str, &'a str)], &'a str);
        let cases: [Case<'_>; 6] = [
            (&scheduling::FAILED_SCHEDULING, &[("error", "no capacity")], "Failed to schedule pod, no capacity"),
            (
                &scheduling::NOMINATED,
                &[("target", "nodeclaim/default-1, node/ip-10-0-0-1")],
                "Pod should schedule on: nodeclaim/default-1, node/ip-10-0-0-1",
            ),
            (
                &lifecycle::FAILED_CONSISTENCY_CHECK,
                &[("expected", "4"), ("resource", "cpu"), ("found", "2"), ("percent", "50.0")],
                "expected 4 of resource cpu, but found 2 (50.0% of expected)",
            ),
            (
                &disruption::NODE_REPAIR_BLOCKED,
                &[("nodepool", "default")],
                "more than 20% of nodes in nodepool \"default\" are unhealthy",
            ),
            (
                &disruption::CONSOLIDATION_CANDIDATE,
                &[("command", "delete: [a]"), ("savings", "0.10")],
                "Consolidation candidate: delete: [a] (savings: $0.10)",
            ),
            (&disruption::WAITING_READINESS, &[], "Waiting on readiness to continue disruption"),
        ];
        for (kind, values, message) in cases {
            assert_eq!(kind.message(values), message);
        }
    }

    #[test]
    fn values_are_not_templates() {
        let message = scheduling::FAILED_SCHEDULING.message(&[("error", "{error} {target}")]);
        assert_eq!(message, "Failed to schedule pod, {error} {target}");
    }

    #[test]
    fn a_message_is_cut_off_where_kubernetes_would_refuse_it() {
        // given an error of many two-byte letters
        let error = "é".repeat(MESSAGE_LIMIT);
        let message = lifecycle::INSUFFICIENT_CAPACITY_OF_POD.message(&[("nodeclaim", "x"), ("error", &error)]);
        // then it ends in dots, within the limit, between letters
        assert!(message.len() <= MESSAGE_LIMIT && message.len() > MESSAGE_LIMIT - 4, "{}", message.len());
        assert!(message.ends_with("é..."));
        assert_eq!(truncate("short", 5), "short");
        assert_eq!(truncate("longer", 5), "lo...");
    }

    #[test]
    fn events_are_the_same_if_they_agree_in_what_counts() {
        let blocked = |uid, reason| disruption::BLOCKED.key(uid, "node-1", &[("reason", reason)]);
        assert_eq!(blocked("1", "Pdb"), blocked("1", "Node isn't initialized"), "only the object counts");
        assert_ne!(blocked("1", "Pdb"), blocked("2", "Pdb"));
        let launching = |reason| disruption::LAUNCHING.key("1", "claim-1", &[("reason", reason)]);
        assert_ne!(launching("Drifted"), launching("Empty"));
        let evicted = |uid| lifecycle::EVICTED.key(uid, "web-1", &[]);
        assert_ne!(evicted("1"), evicted("2"));
    }

    #[test]
    fn windows_and_limits_are_karpenters() {
        assert_eq!(scheduling::FAILED_SCHEDULING.window_seconds, 300);
        assert_eq!(scheduling::NOMINATED.limit, Some(RateLimit { per_second: 5, burst: 10 }));
        assert_eq!(disruption::UNCONSOLIDATABLE.window_seconds, 900);
        assert_eq!(disruption::BLOCKED.window_seconds, 120);
        assert_eq!(disruption::BLOCKED_BY_BUDGET.window_seconds, 60);
    }

    #[test]
    fn the_table_is_sound() {
        let objects =
            BTreeSet::from(["CapacityBuffer", "EC2NodeClass", "Node", "NodeClaim", "NodeOverlay", "NodePool", "Pod"]);
        for kind in all() {
            assert!(!kind.on.is_empty() && kind.on.iter().all(|on| objects.contains(on)), "{}", kind.reason);
            assert!(kind.reason.is_empty() || kind.reason.starts_with(char::is_uppercase), "{}", kind.reason);
            let placeholders: BTreeSet<_> = kind.placeholders().collect();
            for by in kind.same_by {
                let known = ["uid", "name", lifecycle::REQUESTED].contains(by) || placeholders.contains(by);
                assert!(known, "{} is told apart by {by}, which it does not have", kind.reason);
            }
            assert!(kind.window_seconds >= 60, "{}", kind.reason);
        }
    }
}
