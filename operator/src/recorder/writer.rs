//! Sends events to the API server. One that is repeated within ten minutes raises the count of the first, as client-go does,
//! so that a cluster does not fill with copies. Which are sent at all is decided before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dovetail_engine::fact::Notice;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time;

use super::{Filter, Verdict};
use crate::metrics::Metrics;

/// Events that wait to be sent at most. They are for people: when there are more, the newest are dropped and counted.
const WAITING_MAX: usize = 1_000;
/// How long one event may take to be sent.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a repeated event raises the count of an earlier one.
const SERIES: Duration = Duration::from_secs(600);
/// As many series as client-go remembers.
const SERIES_MAX: usize = 4_096;
/// The name that events come from, Karpenter's, since tools look for it.
const COMPONENT: &str = "karpenter";

/// Takes events, never waits.
pub struct Recorder {
    filter: Filter,
    start: Instant,
    sender: mpsc::Sender<Notice>,
    metrics: Arc<Metrics>,
}

impl Recorder {
    /// A recorder, and what it has for [`write()`].
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> (Self, mpsc::Receiver<Notice>) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Self { filter: Filter::default(), start: Instant::now(), sender, metrics }, receiver)
    }

    /// Sends an event, if it is to be sent.
    pub fn record(&mut self, notice: Notice) {
        let reason = notice.kind.reason;
        let is_dropped = match self.filter.judge(&notice, self.start.elapsed()) {
            Verdict::Same => false,
            Verdict::TooMany => true,
            Verdict::Send => self.sender.try_send(notice).is_err(),
        };
        if is_dropped {
            self.metrics.count("dovetail_events_dropped_total", &[("reason", reason)], 1.0);
        }
    }
}

/// Writes events until there are no more to come.
pub async fn write(client: Client, mut notices: mpsc::Receiver<Notice>) {
    let mut writer = Writer { client, series: BTreeMap::new() };
    while let Some(notice) = notices.recv().await {
        match time::timeout(PATIENCE, writer.send(&notice)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, reason = notice.kind.reason, "an event was not written"),
            Err(_) => tracing::debug!(reason = notice.kind.reason, "an event was not written in time"),
        }
    }
}

struct Writer {
    client: Client,
    series: BTreeMap<(String, &'static str, String), Series>,
}

/// An event that was sent and may be repeated.
#[derive(Clone)]
struct Series {
    name: String,
    count: i32,
    last: Instant,
}

impl Writer {
    async fn send(&mut self, notice: &Notice) -> Result<(), kube::Error> {
        let now = Timestamp::now();
        let values: Vec<_> = notice.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let message = notice.kind.message(&values);
        let namespace = notice.on.namespace().unwrap_or("default");
        let api: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        self.series.retain(|_, series| series.last.elapsed() < SERIES);
        let key = (notice.uid.clone(), notice.kind.reason, message.clone());
        if let Some(series) = self.series.get_mut(&key) {
            series.count = series.count.saturating_add(1);
            series.last = Instant::now();
            let patch = json!({ "count": series.count, "lastTimestamp": Time(now) });
            match api.patch(&series.name, &PatchParams::default(), &Patch::Merge(patch)).await {
                // The event is kept for an hour as a rule; somebody may have deleted it before.
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                result => return result.map(|_| ()),
            }
        }
        let event = event(notice, message, namespace, now);
        let name = event.metadata.name.clone().unwrap_or_default();
        api.create(&PostParams::default(), &event).await?;
        if self.series.len() < SERIES_MAX {
            self.series.insert(key, Series { name, count: 1, last: Instant::now() });
        }
        Ok(())
    }
}

/// The event as an object. Its name is the object's with the time, as client-go names events.
fn event(notice: &Notice, message: String, namespace: &str, now: Timestamp) -> Event {
    let kind = notice.on.kind;
    let name = notice.on.short_name();
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{name}.{:x}", now.as_nanosecond())),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some(kind.api_version().to_owned()),
            kind: Some(kind.text().to_owned()),
            name: Some(name.to_owned()),
            namespace: notice.on.namespace().map(str::to_owned),
            uid: Some(notice.uid.clone()),
            ..ObjectReference::default()
        },
        reason: Some(notice.kind.reason.to_owned()),
        message: Some(message),
        type_: Some(notice.kind.severity.as_str().to_owned()),
        count: Some(1),
        first_timestamp: Some(Time(now)),
        last_timestamp: Some(Time(now)),
        source: Some(EventSource { component: Some(COMPONENT.to_owned()), host: None }),
        reporting_component: Some(COMPONENT.to_owned()),
        ..Event::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dovetail_api::events::scheduling;
    use dovetail_engine::cluster::{Kind, ObjectKey};

    #[test]
    fn an_event_names_its_object_and_reads_as_karpenter_s() {
        let notice = Notice {
            kind: &scheduling::FAILED_SCHEDULING,
            on: ObjectKey::named(Kind::Pod, "web/api-0"),
            uid: "u1".into(),
            values: vec![("error", "no instance type".into())],
        };
        let message = "Failed to schedule pod, no instance type".to_owned();
        let now = Timestamp::from_second(1_700_000_000).expect("a moment");
        let event = event(&notice, message.clone(), "web", now);
        assert_eq!(event.metadata.name.as_deref(), Some("api-0.17979cfe362a0000"));
        let object = &event.involved_object;
        assert_eq!((object.kind.as_deref(), object.api_version.as_deref()), (Some("Pod"), Some("v1")));
        assert_eq!((object.namespace.as_deref(), object.uid.as_deref()), (Some("web"), Some("u1")));
        assert_eq!((event.type_.as_deref(), event.message), (Some("Warning"), Some(message)));
        assert_eq!(event.source.and_then(|source| source.component).as_deref(), Some("karpenter"));
    }
}
