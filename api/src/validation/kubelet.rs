//! `spec.kubelet` of an EC2NodeClass: an open map that no schema guards (spec aws-provider 1.4). It decides whether the map is
//! a kubelet's configuration and makes sense, and where it holds expressions. It does not compile these, and does not know
//! what an AMI family can apply.

use serde_json::{Map, Value};

use super::kubelet_schema::{FIELDS, Shape};
use crate::duration::Duration;
use crate::labels::resources;
use crate::quantity::Quantity;

/// The configuration as it stands in the manifest.
type Kubelet = Map<String, Value>;

/// The signals that a kubelet evicts pods on.
const SIGNALS: [&str; 6] = [
    "memory.available",
    "nodefs.available",
    "nodefs.inodesFree",
    "imagefs.available",
    "imagefs.inodesFree",
    "pid.available",
];
/// The resources that can be kept from pods.
const RESERVABLE: [&str; 4] = [resources::CPU, resources::MEMORY, resources::EPHEMERAL_STORAGE, resources::PID];

/// Something that is wrong with `spec.kubelet`, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("spec.kubelet{path} {problem}")]
pub struct KubeletError {
    /// The place below `spec.kubelet`: `.maxPods`, `.evictionHard[memory.available]`.
    pub path: String,
    /// What is wrong there.
    pub problem: KubeletProblem,
}

/// What is wrong with a field of `spec.kubelet`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KubeletProblem {
    /// A value of another type.
    #[error("must be {expected}, not {found}")]
    Type {
        /// What the kubelet expects.
        expected: String,
        /// The value, as JSON.
        found: String,
    },
    /// The taints of a node come from its NodePool.
    #[error("cannot be set: the taints of a node are those of its NodePool; set spec.template.spec.taints there")]
    Owned,
    /// A key that is no eviction signal.
    #[error("is no eviction signal; the signals are {}", SIGNALS.join(", "))]
    Signal,
    /// A key that is no resource that can be reserved.
    #[error("is no resource that can be reserved; these are {}", RESERVABLE.join(", "))]
    Resource,
    /// An eviction threshold that is none.
    #[error("must be a percentage from 0% to 100%, or a quantity of at least 0, not {0:?}")]
    Threshold(String),
    /// A grace period that is none.
    #[error("must be a duration of at least 0s, such as 1m30s, not {0:?}")]
    GracePeriod(String),
    /// A reservation below nothing.
    #[error("must not be negative, but is {0:?}")]
    NegativeReservation(String),
    /// A soft threshold that the kubelet would ignore.
    #[error("has no counterpart in evictionSoftGracePeriod")]
    NoGracePeriod,
    /// A grace period that the kubelet would ignore.
    #[error("has no counterpart in evictionSoft")]
    NoThreshold,
    /// A number that is too small.
    #[error("must be at least 0, but is {0}")]
    Negative(i64),
    /// A percentage that is none.
    #[error("must be a percentage from 0 to 100, but is {0}")]
    Percentage(i64),
    /// Image collection would never start, or never stop.
    #[error("must be greater than imageGCLowThresholdPercent, but is {high} against {low}")]
    Thresholds {
        /// The threshold at which collection starts.
        high: i64,
        /// The threshold at which collection stops.
        low: i64,
    },
}

/// Everything that is wrong with the configuration, and the fields that no kubelet known here has. A value of the wrong
/// type makes further checks pointless: then only such are reported.
///
/// Upstream refuses an unknown field; here it is passed on with a warning, since a newer kubelet may know it.
pub(super) fn structural(kubelet: &Kubelet) -> (Vec<KubeletError>, Vec<String>) {
    let mut checker = Checker::default();
    for (name, value) in kubelet {
        // An expression stands where the kubelet expects a number.
        if !(name == "maxPods" && value.is_string()) {
            checker.field("", name, value, FIELDS);
        }
    }
    if checker.errors.is_empty() {
        checker.meaning(kubelet);
    }
    (checker.errors, checker.unknown)
}

/// Where the configuration holds expressions, which depend on the instance type: a text for `maxPods`, and what is no
/// quantity in `kubeReserved` and `systemReserved`. Paths are below `spec.kubelet`.
#[must_use]
pub fn expressions(kubelet: &Kubelet) -> Vec<(String, String)> {
    let max_pods = kubelet.get("maxPods").and_then(Value::as_str).map(|text| (".maxPods".to_owned(), text.to_owned()));
    let reserved = ["kubeReserved", "systemReserved"].into_iter().flat_map(|field| {
        texts(kubelet, field)
            .filter(|(_, value)| value.parse::<Quantity>().is_err())
            .map(move |(key, value)| (format!(".{field}[{key}]"), value.to_owned()))
    });
    max_pods.into_iter().chain(reserved).collect()
}

/// The entries of a map of texts.
fn texts<'a>(kubelet: &'a Kubelet, field: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let entries = kubelet.get(field).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

#[derive(Default)]
struct Checker {
    errors: Vec<KubeletError>,
    unknown: Vec<String>,
}

impl Checker {
    fn report(&mut self, path: String, problem: KubeletProblem) {
        self.errors.push(KubeletError { path, problem });
    }

    fn field(&mut self, parent: &str, name: &str, value: &Value, fields: &[(&str, Shape)]) {
        let path = format!("{parent}.{name}");
        match fields.iter().find(|(known, _)| *known == name) {
            Some((_, shape)) => self.shape(path, value, *shape),
            None => self.unknown.push(format!(
                "spec.kubelet{path} is no field of a kubelet known here; it is passed on, and the kubelet may not start"
            )),
        }
    }

    fn shape(&mut self, path: String, value: &Value, shape: Shape) {
        let expected = match (shape, value) {
            (_, Value::Null) | (Shape::Boolean, Value::Bool(_)) | (Shape::Number, Value::Number(_)) => return,
            (Shape::Text | Shape::Time, Value::String(_)) => return,
            (Shape::Integer(min, max), Value::Number(number))
                if number.as_i64().is_some_and(|number| (min..=max).contains(&number)) =>
            {
                return;
            }
            (Shape::Duration | Shape::DurationOrNanos, Value::String(text)) if text.parse::<Duration>().is_ok() => {
                return;
            }
            (Shape::DurationOrNanos, Value::Number(number)) if number.is_i64() => return,
            (Shape::Quantity, Value::String(_) | Value::Number(_))
                if serde_json::from_value::<Quantity>(value.clone()).is_ok() =>
            {
                return;
            }
            (Shape::List(of), Value::Array(elements)) => {
                for (i, element) in elements.iter().enumerate() {
                    self.shape(format!("{path}[{i}]"), element, *of);
                }
                return;
            }
            (Shape::Map(of), Value::Object(entries)) => {
                for (key, entry) in entries {
                    self.shape(format!("{path}[{key}]"), entry, *of);
                }
                return;
            }
            (Shape::Object(fields), Value::Object(entries)) => {
                for (name, entry) in entries {
                    self.field(&path, name, entry, fields);
                }
                return;
            }
            (Shape::Boolean, _) => "true or false".to_owned(),
            (Shape::Integer(min, max), _) => format!("a whole number from {min} to {max}"),
            (Shape::Number, _) => "a number".to_owned(),
            (Shape::Text, _) => "text".to_owned(),
            (Shape::Time, _) => "a time in RFC 3339".to_owned(),
            (Shape::Duration | Shape::DurationOrNanos, _) => "a duration such as 1m30s".to_owned(),
            (Shape::Quantity, _) => "a quantity such as 100Mi".to_owned(),
            (Shape::List(_), _) => "a list".to_owned(),
            (Shape::Map(_) | Shape::Object(_), _) => "a map".to_owned(),
        };
        self.report(path, KubeletProblem::Type { expected, found: value.to_string() });
    }

    /// What the types do not say.
    fn meaning(&mut self, kubelet: &Kubelet) {
        if kubelet.get("registerWithTaints").is_some_and(|taints| !taints.is_null()) {
            self.report(".registerWithTaints".to_owned(), KubeletProblem::Owned);
        }
        for field in ["evictionHard", "evictionSoft", "evictionMinimumReclaim"] {
            self.signals(kubelet, field, |value| {
                (!is_threshold(value)).then(|| KubeletProblem::Threshold(value.to_owned()))
            });
        }
        self.signals(kubelet, "evictionSoftGracePeriod", |value| {
            let is_one = value.parse::<Duration>().is_ok_and(|duration| duration >= Duration::ZERO);
            (!is_one).then(|| KubeletProblem::GracePeriod(value.to_owned()))
        });
        self.counterparts(kubelet, "evictionSoft", "evictionSoftGracePeriod", KubeletProblem::NoGracePeriod);
        self.counterparts(kubelet, "evictionSoftGracePeriod", "evictionSoft", KubeletProblem::NoThreshold);
        for field in ["kubeReserved", "systemReserved"] {
            for (key, value) in texts(kubelet, field) {
                let path = format!(".{field}[{key}]");
                if !RESERVABLE.contains(&key) {
                    self.report(path.clone(), KubeletProblem::Resource);
                }
                if value.starts_with('-') {
                    self.report(path, KubeletProblem::NegativeReservation(value.to_owned()));
                }
            }
        }
        let number = |field| kubelet.get(field).and_then(Value::as_i64);
        let (high, low) = ("imageGCHighThresholdPercent", "imageGCLowThresholdPercent");
        for field in [high, low] {
            if let Some(percentage) = number(field).filter(|percentage| !(0..=100).contains(percentage)) {
                self.report(format!(".{field}"), KubeletProblem::Percentage(percentage));
            }
        }
        if let (Some(high_value), Some(low)) = (number(high), number(low))
            && high_value <= low
        {
            self.report(format!(".{high}"), KubeletProblem::Thresholds { high: high_value, low });
        }
        for field in ["maxPods", "podsPerCore", "evictionMaxPodGracePeriod"] {
            if let Some(negative) = number(field).filter(|number| *number < 0) {
                self.report(format!(".{field}"), KubeletProblem::Negative(negative));
            }
        }
    }

    fn signals(&mut self, kubelet: &Kubelet, field: &str, problem: impl Fn(&str) -> Option<KubeletProblem>) {
        for (key, value) in texts(kubelet, field) {
            let path = format!(".{field}[{key}]");
            if !SIGNALS.contains(&key) {
                self.report(path.clone(), KubeletProblem::Signal);
            }
            if let Some(problem) = problem(value) {
                self.report(path, problem);
            }
        }
    }

    /// Every key of `field` must be one of `other` too.
    fn counterparts(&mut self, kubelet: &Kubelet, field: &str, other: &str, problem: KubeletProblem) {
        for (key, _) in texts(kubelet, field) {
            if texts(kubelet, other).all(|(other, _)| other != key) {
                self.report(format!(".{field}[{key}]"), problem.clone());
            }
        }
    }
}

fn is_threshold(text: &str) -> bool {
    match text.strip_suffix('%') {
        Some(percentage) => percentage.parse::<f64>().is_ok_and(|percentage| (0.0..=100.0).contains(&percentage)),
        None => text.parse::<Quantity>().is_ok_and(|quantity| quantity.sign() >= 0),
    }
}
