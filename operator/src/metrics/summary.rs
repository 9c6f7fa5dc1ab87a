//! A summary: quantiles of what was seen in the last ten minutes, as Karpenter's client shows them; the library for metrics
//! has none. The quantiles are right to one percent of their value. It is told the time and knows no metric by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType, Quantile, Summary as Shown};
use sketches_ddsketch::{Config, DDSketch};

/// The quantiles that are shown.
const QUANTILES: [f64; 5] = [0.0, 0.5, 0.9, 0.99, 1.0];
/// Into how many parts the ten minutes are cut; the oldest is dropped as a whole.
const PARTS: usize = 5;
/// How long one part is.
const PART: Duration = Duration::from_secs(120);

/// A summary with labels.
#[derive(Clone)]
pub(crate) struct Summary {
    desc: Desc,
    labels: Arc<[String]>,
    series: Arc<Mutex<BTreeMap<Vec<String>, Window>>>,
    start: Instant,
}

/// What was seen with one set of label values.
#[derive(Default)]
struct Window {
    /// The parts of the last ten minutes by their number since the start.
    parts: BTreeMap<u64, DDSketch>,
    count: u64,
    sum: f64,
}

impl Summary {
    /// A summary that has seen nothing.
    pub(crate) fn new(name: &str, help: &str, labels: Vec<String>) -> prometheus::Result<Self> {
        let desc = Desc::new(name.to_owned(), help.to_owned(), labels.clone(), std::collections::HashMap::new())?;
        Ok(Self { desc, labels: labels.into(), series: Arc::default(), start: Instant::now() })
    }

    /// Sees a value.
    pub(crate) fn observe(&self, values: &[&str], value: f64) {
        let part = part(self.start.elapsed());
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        self.locked(|series| series.entry(values).or_default().see(part, value));
    }

    fn locked<T>(&self, change: impl FnOnce(&mut BTreeMap<Vec<String>, Window>) -> T) -> T {
        // A panic of another thread leaves numbers, which are whole at any time.
        change(&mut self.series.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn part(since: Duration) -> u64 {
    since.as_secs() / PART.as_secs()
}

impl Window {
    fn see(&mut self, part: u64, value: f64) {
        self.forget(part);
        self.count += 1;
        self.sum += value;
        self.parts.entry(part).or_insert_with(|| DDSketch::new(Config::defaults())).add(value);
    }

    fn forget(&mut self, part: u64) {
        self.parts.retain(|number, _| number + PARTS as u64 > part);
    }

    fn quantile(&self, quantile: f64) -> f64 {
        let mut all = DDSketch::new(Config::defaults());
        for part in self.parts.values() {
            // All have the same configuration, which is the only thing that could be wrong.
            let _ = all.merge(part);
        }
        all.quantile(quantile).ok().flatten().unwrap_or(f64::NAN)
    }
}

impl Collector for Summary {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let now = part(self.start.elapsed());
        let metrics = self.locked(|series| {
            let metric = |(values, window): (&Vec<String>, &mut Window)| {
                window.forget(now);
                let mut shown = Shown::default();
                shown.set_sample_count(window.count);
                shown.set_sample_sum(window.sum);
                let quantiles = QUANTILES.map(|quantile| {
                    let mut shown = Quantile::default();
                    shown.set_quantile(quantile);
                    shown.set_value(window.quantile(quantile));
                    shown
                });
                shown.set_quantile(quantiles.to_vec());
                let mut metric = Metric::default();
                metric.set_label(pairs(&self.labels, values));
                metric.set_summary(shown);
                metric
            };
            series.iter_mut().map(metric).collect::<Vec<_>>()
        });
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(MetricType::SUMMARY);
        family.set_metric(metrics);
        vec![family]
    }
}

fn pairs(labels: &[String], values: &[String]) -> Vec<LabelPair> {
    let pair = |(label, value): (&String, &String)| {
        let mut pair = LabelPair::default();
        pair.set_name(label.clone());
        pair.set_value(value.clone());
        pair
    };
    labels.iter().zip(values).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_seen() {
        let mut window = Window::default();
        for value in 1..=1000 {
            window.see(0, f64::from(value));
        }
        for (quantile, value) in [(0.0, 1.0), (0.5, 500.0), (0.9, 900.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = window.quantile(quantile);
            assert!((found - value).abs() <= value * 0.02, "{quantile}: {found}");
        }
        assert_eq!((window.count, window.sum), (1000, 500_500.0));
    }

    #[test]
    fn what_is_older_than_ten_minutes_counts_in_the_sum_alone() {
        let mut window = Window::default();
        window.see(part(Duration::ZERO), 100.0);
        window.see(part(Duration::from_secs(500)), 1.0);
        assert!(window.quantile(1.0) > 98.0);
        window.see(part(Duration::from_secs(601)), 1.0);
        assert!(window.quantile(1.0) < 1.1);
        assert_eq!((window.count, window.sum), (3, 102.0));
        window.forget(part(Duration::from_secs(5000)));
        assert!(window.quantile(0.5).is_nan(), "as Karpenter's client shows it when nothing was seen for long");
    }
}
