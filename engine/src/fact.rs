//! What people and dashboards should know: events on objects, lines of the log, and changes of metrics, as data. Loops return
//! them; who prints, publishes and counts is at the edge, and so is what is left out because it was said a moment ago.

use crate::cluster::ObjectKey;
use dovetail_api::events::EventKind;

/// Something worth knowing.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// An event on an object.
    Event(Notice),
    /// A line of the log.
    Log(Line),
    /// A metric is different now.
    Metric(Measure),
}

/// An event on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The kind of event: reason, severity, wording, and how often it is repeated.
    pub kind: &'static EventKind,
    /// The object.
    pub on: ObjectKey,
    /// Its UID.
    pub uid: String,
    /// What stands for the placeholders of the wording, and what tells equal events apart.
    pub values: Vec<(&'static str, String)>,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How grave it is.
    pub level: Level,
    /// The message, always the same for the same thing, since people search for it.
    pub message: &'static str,
    /// What differs.
    pub fields: Vec<(&'static str, String)>,
}

/// How grave a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // known by their names
pub enum Level {
    Debug,
    Info,
    Error,
}

/// A change of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// The whole name, such as `karpenter_nodeclaims_created_total`.
    pub name: &'static str,
    /// Its labels.
    pub labels: Vec<(&'static str, String)>,
    /// What happens to it.
    pub change: Movement,
}

/// What happens to a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Movement {
    /// A counter goes up.
    Add(f64),
    /// A histogram or summary sees a value.
    Observe(f64),
    /// A gauge is set.
    Set(f64),
    /// A gauge of these labels is not there any more.
    Clear,
}

impl Fact {
    /// An event on an object.
    pub fn event(
        kind: &'static EventKind,
        on: ObjectKey,
        uid: impl Into<String>,
        values: Vec<(&'static str, String)>,
    ) -> Self {
        Self::Event(Notice { kind, on, uid: uid.into(), values })
    }

    /// A line of the log.
    pub fn log(level: Level, message: &'static str, fields: Vec<(&'static str, String)>) -> Self {
        Self::Log(Line { level, message, fields })
    }

    /// A counter goes up by one.
    pub fn count(name: &'static str, labels: Vec<(&'static str, String)>) -> Self {
        Self::Metric(Measure { name, labels, change: Movement::Add(1.0) })
    }

    /// A histogram or summary sees a value, in seconds where it is a time.
    pub fn observe(name: &'static str, labels: Vec<(&'static str, String)>, value: f64) -> Self {
        Self::Metric(Measure { name, labels, change: Movement::Observe(value) })
    }

    /// A gauge is set.
    pub fn set(name: &'static str, labels: Vec<(&'static str, String)>, value: f64) -> Self {
        Self::Metric(Measure { name, labels, change: Movement::Set(value) })
    }
}
