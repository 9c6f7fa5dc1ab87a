//! The numbers that dashboards read: a registry with every metric of the table, fed with measures as the engine gives them.
//! It decides what is shown under which name; it does not know what happens in the cluster.

pub mod status;
mod summary;
pub mod table;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use dovetail_engine::fact::{Measure, Movement};
use prometheus::core::Collector;
use prometheus::{CounterVec, Encoder, GaugeVec, HistogramOpts, HistogramVec, Opts, Registry, TextEncoder};

use status::StatusKind;
use summary::Summary;
use table::{Metric, Type};

/// What is shown, beside what always is.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// The well-known labels of the provider that nodes are shown with, such as `karpenter.sh/nodepool`.
    pub node_labels: Vec<String>,
    /// Labels that NodeClaims' conditions are shown with: those of the node classes.
    pub claim_labels: Vec<String>,
    /// Leave out metrics of single objects.
    pub no_objects: bool,
    /// Show CapacityBuffers.
    pub buffers: bool,
}

/// Every metric, and its values.
pub struct Metrics {
    registry: Registry,
    families: BTreeMap<String, Family>,
    /// The series that [`Metrics::replace`] set last, by whose they are.
    stores: Mutex<BTreeMap<String, Vec<SeriesKey>>>,
}

/// A series: the name of its metric and the values of its labels.
type SeriesKey = (String, Vec<String>);

/// A gauge to be set: the name, labels with their values, and the value.
pub type Shown<'a> = (&'a str, Vec<(&'a str, &'a str)>, f64);

struct Family {
    labels: Vec<String>,
    series: Series,
}

enum Series {
    Counter(CounterVec),
    Gauge(GaugeVec),
    Histogram(HistogramVec),
    Summary(Summary),
}

/// Why a measure was not taken. The controller goes on without.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeasureError {
    /// There is no such metric.
    #[error("there is no metric {0}: add it to the table of metrics")]
    Name(String),
    /// The metric has no such label.
    #[error("metric {name} has no label {label}: its labels are {}", .labels.join(", "))]
    Label {
        /// The metric.
        name: String,
        /// The label.
        label: String,
        /// The labels that it has.
        labels: Vec<String>,
    },
    /// The metric is of another type, or does not take such a value.
    #[error("metric {0} is of another type")]
    Type(String),
}

impl Metrics {
    /// A registry in which nothing has happened.
    ///
    /// # Errors
    /// If the provider's labels cannot be labels of metrics.
    pub fn new(shape: &Shape) -> Result<Self, prometheus::Error> {
        let mut metrics = Self { registry: Registry::new(), families: BTreeMap::new(), stores: Mutex::default() };
        let node_labels = node_labels(shape);
        for metric in table::all().filter(|metric| !(shape.no_objects && metric.of_objects)) {
            let extra = if metric.per_node { node_labels.as_slice() } else { &[] };
            let labels = metric.labels.iter().map(|label| (*label).to_owned()).chain(extra.iter().cloned()).collect();
            metrics.add(metric.name, metric.kind, labels, metric.help)?;
        }
        if !shape.no_objects {
            for kind in status::KINDS.iter().filter(|kind| shape.buffers || !kind.of_buffers) {
                metrics.add_status(kind, &shape.claim_labels)?;
            }
            metrics.add_deprecated_status()?;
        }
        #[cfg(target_os = "linux")]
        metrics.registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        for kind in ["multi", "single"] {
            metrics.count(
                "karpenter_voluntary_disruption_consolidation_timeouts_total",
                &[("consolidation_type", kind)],
                0.0,
            );
        }
        Ok(metrics)
    }

    fn add_status(&mut self, kind: &StatusKind, claim_labels: &[String]) -> Result<(), prometheus::Error> {
        let of_claims = if kind.name == "nodeclaim" { claim_labels } else { &[] };
        for (tail, shape, labels, help) in status::SHAPES {
            let labels = labels.iter().chain(kind.labels).map(|label| (*label).to_owned());
            let labels = labels.chain(of_claims.iter().map(|label| prometheus_name(label))).collect();
            self.add(&format!("operator_{}_{tail}", kind.name), status_type(*shape), labels, help)?;
        }
        Ok(())
    }

    /// The older names, which tell the kind by a label.
    fn add_deprecated_status(&mut self) -> Result<(), prometheus::Error> {
        for (tail, shape, labels, help) in status::SHAPES {
            let labels = ["group", "kind"].iter().chain(*labels).map(|label| (*label).to_owned()).collect();
            self.add(&format!("operator_{tail}"), status_type(*shape), labels, help)?;
        }
        Ok(())
    }

    fn add(&mut self, name: &str, kind: Type, labels: Vec<String>, help: &str) -> Result<(), prometheus::Error> {
        let names: Vec<&str> = labels.iter().map(String::as_str).collect();
        let (series, collector): (_, Box<dyn Collector>) = match kind {
            Type::Counter => {
                let counter = CounterVec::new(Opts::new(name, help), &names)?;
                (Series::Counter(counter.clone()), Box::new(counter))
            }
            Type::Gauge => {
                let gauge = GaugeVec::new(Opts::new(name, help), &names)?;
                (Series::Gauge(gauge.clone()), Box::new(gauge))
            }
            Type::Histogram(bounds) => {
                let histogram = HistogramVec::new(HistogramOpts::new(name, help).buckets(bounds.to_vec()), &names)?;
                (Series::Histogram(histogram.clone()), Box::new(histogram))
            }
            Type::Summary => {
                let summary = Summary::new(name, help, labels.clone())?;
                (Series::Summary(summary.clone()), Box::new(summary))
            }
        };
        self.registry.register(collector)?;
        self.families.insert(name.to_owned(), Family { labels, series });
        Ok(())
    }

    /// Takes a measure. Labels that it does not name are empty. A metric that is left out by the settings takes none.
    ///
    /// # Errors
    /// If no metric has that name, those labels or that type.
    pub fn record(&self, measure: &Measure) -> Result<(), MeasureError> {
        let labels: Vec<(&str, &str)> = measure.labels.iter().map(|(label, value)| (*label, value.as_str())).collect();
        self.change(measure.name, &labels, measure.change).map(|_| ())
    }

    /// Moves a gauge up or down; what makes no sense is counted.
    pub fn shift(&self, name: &str, labels: &[(&str, &str)], by: f64) {
        self.note(self.change(name, labels, Movement::Add(by)));
    }

    /// Counts; what makes no sense is itself counted.
    pub fn count(&self, name: &str, labels: &[(&str, &str)], by: f64) {
        self.note(self.change(name, labels, Movement::Add(by)));
    }

    /// Sets a gauge; what makes no sense is counted.
    pub fn set(&self, name: &str, labels: &[(&str, &str)], to: f64) {
        self.note(self.change(name, labels, Movement::Set(to)));
    }

    /// Shows a value to a histogram or summary; what makes no sense is counted.
    pub fn observe(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.note(self.change(name, labels, Movement::Observe(value)));
    }

    /// Sets all gauges of one owner, such as a node: those that it set before and does not set now are gone.
    pub fn replace(&self, owner: &str, series: &[Shown<'_>]) {
        let mut set = Vec::new();
        for (name, labels, value) in series {
            match self.change(name, labels, Movement::Set(*value)) {
                Ok(Some(values)) => set.push(((*name).to_owned(), values)),
                Ok(None) => {}
                Err(error) => self.note(Err(error)),
            }
        }
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let before = if set.is_empty() { stores.remove(owner) } else { stores.insert(owner.to_owned(), set.clone()) };
        for (name, values) in before.into_iter().flatten().filter(|series| !set.contains(series)) {
            if let Some(Family { series: Series::Gauge(gauge), .. }) = self.families.get(&name) {
                // It was set before; that it is gone already is what is wanted.
                let _ = gauge.remove_label_values(&values.iter().map(String::as_str).collect::<Vec<_>>());
            }
        }
    }

    /// All values in Prometheus' text format.
    ///
    /// # Errors
    /// If they cannot be written, which says that a metric is malformed.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }

    fn note(&self, result: Result<Option<Vec<String>>, MeasureError>) {
        if let Err(error) = result {
            tracing::debug!(%error, "a measure was not taken");
            if let Some(Family { series: Series::Counter(unknown), .. }) =
                self.families.get("dovetail_unknown_measures_total")
                && let Ok(unknown) = unknown.get_metric_with_label_values::<&str>(&[])
            {
                unknown.inc();
            }
        }
    }

    /// Changes one series and says which, by its label values.
    fn change(
        &self,
        name: &str,
        labels: &[(&str, &str)],
        change: Movement,
    ) -> Result<Option<Vec<String>>, MeasureError> {
        let Some(family) = self.families.get(name) else {
            let left_out = table::all().any(|metric| metric.of_objects && metric.name == name)
                || (name.starts_with("operator_") && status::SHAPES.iter().any(|(tail, ..)| name.ends_with(tail)));
            return if left_out { Ok(None) } else { Err(MeasureError::Name(name.to_owned())) };
        };
        if let Some((label, _)) = labels.iter().find(|(label, _)| !family.labels.iter().any(|own| own == label)) {
            return Err(MeasureError::Label {
                name: name.to_owned(),
                label: (*label).to_owned(),
                labels: family.labels.clone(),
            });
        }
        let value_of = |own: &String| labels.iter().find(|(label, _)| label == own).map_or("", |(_, value)| *value);
        let values: Vec<&str> = family.labels.iter().map(value_of).collect();
        let wrong = || MeasureError::Type(name.to_owned());
        match (&family.series, change) {
            (Series::Counter(counter), Movement::Add(by)) if by >= 0.0 => {
                counter.get_metric_with_label_values(&values).map_err(|_| wrong())?.inc_by(by);
            }
            (Series::Gauge(gauge), Movement::Set(to)) => {
                gauge.get_metric_with_label_values(&values).map_err(|_| wrong())?.set(to);
            }
            (Series::Gauge(gauge), Movement::Add(by)) => {
                gauge.get_metric_with_label_values(&values).map_err(|_| wrong())?.add(by);
            }
            (Series::Gauge(gauge), Movement::Clear) => {
                // That there is no such series is what is wanted.
                let _ = gauge.remove_label_values(&values);
            }
            (Series::Histogram(histogram), Movement::Observe(value)) => {
                histogram.get_metric_with_label_values(&values).map_err(|_| wrong())?.observe(value);
            }
            (Series::Summary(summary), Movement::Observe(value)) => summary.observe(&values, value),
            _ => return Err(wrong()),
        }
        Ok(Some(values.into_iter().map(str::to_owned).collect()))
    }
}

const fn status_type(shape: char) -> Type {
    match shape {
        'c' => Type::Counter,
        'h' => Type::Histogram(status::TRANSITIONS),
        _ => Type::Gauge,
    }
}

/// The labels of every metric of a node: what stands behind the slash of each well-known label, and three more.
fn node_labels(shape: &Shape) -> Vec<String> {
    let mut labels: Vec<String> = shape
        .node_labels
        .iter()
        .filter_map(|label| label.split_once('/'))
        .map(|(_, name)| node_label(name))
        .chain(["node_name", "phase", "managed"].map(str::to_owned))
        .collect();
    labels.sort();
    labels.dedup();
    labels
}

/// How a metric calls the label of a node with this name: `instance-type` is `instance_type`.
#[must_use]
pub fn node_label(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).replace(['-', '.'], "_").to_lowercase()
}

fn prometheus_name(label: &str) -> String {
    label.replace(['/', '-', '.'], "_").to_lowercase()
}

/// The tables as the documentation shows them, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let kind = |kind: Type| match kind {
        Type::Counter => "counter",
        Type::Gauge => "gauge",
        Type::Histogram(_) => "histogram",
        Type::Summary => "summary",
    };
    let labels = |metric: &Metric| {
        let own = metric.labels.iter().map(|label| format!("`{label}`"));
        own.chain(metric.per_node.then(|| "those of the node".to_owned())).collect::<Vec<_>>().join(", ")
    };
    let mut text = String::new();
    for (heading, metrics) in [
        ("Karpenter's", table::KARPENTER),
        ("Those of Karpenter's libraries", table::LIBRARIES),
        ("Dovetail's own", table::DOVETAIL),
    ] {
        text.push_str(&format!("\n### {heading}\n\n| name | type | labels | meaning |\n|---|---|---|---|\n"));
        for metric in metrics {
            let mark = if metric.of_objects { " \u{2020}" } else { "" };
            let (kind, labels) = (kind(metric.kind), labels(metric));
            text.push_str(&format!("| `{}`{mark} | {kind} | {labels} | {} |\n", metric.name, metric.help));
        }
    }
    text.push_str("\n### Conditions\n\n| name | type | labels | meaning |\n|---|---|---|---|\n");
    for (tail, shape, labels, help) in status::SHAPES {
        let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        let name = format!("`operator_<kind>_{tail}` \u{2020}");
        text.push_str(&format!("| {name} | {} | {labels} | {help} |\n", kind(status_type(*shape))));
    }
    text
}

#[cfg(test)]
mod tests;
