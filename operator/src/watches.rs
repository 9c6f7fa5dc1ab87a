//! What is heard of the cluster: one watch for each kind, all into one bounded channel that the engine is fed from. It decides
//! which kinds are watched and how a watch begins anew; what the objects mean is not known here.
//!
//! Objects are stripped of what nobody decides by before they wait in the channel. A watch that has lost its place lists
//! everything again, and says so first: the engine then forgets what is not told again.

use std::future::Future;
use std::time::{Duration, Instant};

use dovetail_engine::cluster::{Kind, ObjectKey};
use dovetail_engine::event::Event;
use futures::StreamExt;
use kube::api::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watcher};
use kube::{Client, ResourceExt};
use std::sync::Arc;
use tokio::sync::mpsc;

use crate::kinds::{Typed, with_type};
use crate::metrics::Metrics;
use crate::settings::Settings;

/// How many objects may wait for the engine. One of them is 15 KiB at worst, so that this is 15 MB; a watch that finds the
/// channel full waits, and the API server with it.
pub const WAITING_MAX: usize = 1_024;
/// How many objects a list asks for at a time: 500 pods with all their managed fields are some 25 MB for a moment.
const PAGE: u32 = 500;
/// After how many seconds the server ends a watch that nothing happens on. A dead connection is noticed five seconds later
/// at the latest.
const TIMEOUT_SECONDS: u32 = 45;
/// How often a watch that goes on failing is complained about.
const COMPLAINT: Duration = Duration::from_secs(30);

/// The kinds that the engine must be told of under these settings, in the order in which they are best listed.
#[must_use]
pub fn kinds(settings: &Settings) -> Vec<Kind> {
    let is_wanted = |kind: &Kind| match kind {
        Kind::NodeOverlay => settings.gates.node_overlay,
        Kind::CapacityBuffer | Kind::Deployment | Kind::PodTemplate => settings.gates.capacity_buffer,
        Kind::KWOKNodeClass => settings.provider == "kwok",
        Kind::EC2NodeClass => settings.provider == "aws",
        _ => true,
    };
    Kind::ALL.iter().copied().filter(is_wanted).collect()
}

/// Watches a kind until nobody listens any more.
pub async fn watch(client: Client, kind: Kind, events: mpsc::Sender<Event>, metrics: Arc<Metrics>) {
    with_type!(kind, K => follow::<K>(client, kind, events, metrics).await);
}

async fn follow<K: Typed>(client: Client, kind: Kind, events: mpsc::Sender<Event>, metrics: Arc<Metrics>) {
    let config = watcher::Config::default().timeout(TIMEOUT_SECONDS).page_size(PAGE);
    let mut stream = std::pin::pin!(watcher(Api::<K>::all(client), config).default_backoff());
    let mut complaint = Complaint::default();
    let mut has_listed = false;
    while let Some(seen) = stream.next().await {
        let event = match seen {
            Ok(seen) => {
                complaint = Complaint::default();
                if matches!(seen, watcher::Event::Init) && std::mem::replace(&mut has_listed, true) {
                    metrics.count("dovetail_watch_restarts_total", &[("kind", kind.text())], 1.0);
                }
                translate(kind, seen)
            }
            Err(error) => {
                if complaint.is_due(Instant::now()) {
                    tracing::error!(kind = kind.text(), error = %error, "a watch failed, it is tried again");
                }
                continue;
            }
        };
        if matches!(event, Event::Applied(_) | Event::Deleted(_)) {
            metrics.count("dovetail_observations_total", &[("kind", kind.text())], 1.0);
        }
        if events.send(event).await.is_err() {
            return;
        }
    }
}

fn translate<K: Typed>(kind: Kind, seen: watcher::Event<K>) -> Event {
    match seen {
        watcher::Event::Init => Event::Relisting(kind),
        watcher::Event::InitDone => Event::Relisted(kind),
        watcher::Event::InitApply(mut object) | watcher::Event::Apply(mut object) => {
            object.managed_fields_mut().clear();
            Event::Applied(object.into())
        }
        watcher::Event::Delete(object) => Event::Deleted(ObjectKey::of(kind, object.meta())),
    }
}

/// When a failure was complained about last.
#[derive(Debug, Default)]
struct Complaint(Option<Instant>);

impl Complaint {
    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.0.is_none_or(|last| now.saturating_duration_since(last) >= COMPLAINT);
        if is_due {
            self.0 = Some(now);
        }
        is_due
    }
}

/// Watches all of the kinds; ends when nobody listens any more.
pub fn watch_all(
    client: &Client,
    kinds: &[Kind],
    events: &mpsc::Sender<Event>,
    metrics: &Arc<Metrics>,
) -> Vec<impl Future<Output = ()> + Send + use<>> {
    kinds.iter().map(|kind| watch(client.clone(), *kind, events.clone(), Arc::clone(metrics))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::{Node, Pod};
    use crate::settings::Flags;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};

    fn settings(gates: &str) -> Settings {
        let variable = |name: &str| (name == "FEATURE_GATES").then(|| gates.to_owned());
        Settings::read(&Flags::default(), variable).expect("the settings make sense").settings
    }

    #[test]
    fn kinds_behind_a_gate_or_of_another_cloud_are_not_watched() {
        let usual = kinds(&settings(""));
        assert!(usual.contains(&Kind::Pod) && usual.contains(&Kind::NodeClaim) && usual.contains(&Kind::KWOKNodeClass));
        for kind in [Kind::NodeOverlay, Kind::CapacityBuffer, Kind::EC2NodeClass] {
            assert!(!usual.contains(&kind), "{kind}");
        }
        let gated = kinds(&settings("NodeOverlay=true,CapacityBuffer=true"));
        assert!(gated.contains(&Kind::NodeOverlay) && gated.contains(&Kind::CapacityBuffer));
    }

    #[test]
    fn a_list_is_told_as_a_list_and_objects_without_what_nobody_needs() {
        let pod = Pod {
            metadata: ObjectMeta {
                name: Some("a".into()),
                namespace: Some("web".into()),
                managed_fields: Some(vec![ManagedFieldsEntry::default()]),
                ..ObjectMeta::default()
            },
            ..Pod::default()
        };
        assert!(matches!(translate::<Pod>(Kind::Pod, watcher::Event::Init), Event::Relisting(Kind::Pod)));
        assert!(matches!(translate::<Pod>(Kind::Pod, watcher::Event::InitDone), Event::Relisted(Kind::Pod)));
        for seen in [watcher::Event::InitApply(pod.clone()), watcher::Event::Apply(pod.clone())] {
            let Event::Applied(object) = translate(Kind::Pod, seen) else { panic!("it is there") };
            assert!(object.metadata().managed_fields.as_ref().is_none_or(Vec::is_empty));
        }
        let gone = translate(Kind::Pod, watcher::Event::Delete(pod));
        assert!(matches!(gone, Event::Deleted(key) if &*key.name == "web/a"));
        let node = Node { metadata: ObjectMeta { name: Some("n".into()), ..ObjectMeta::default() }, ..Node::default() };
        assert!(
            matches!(translate(Kind::Node, watcher::Event::Delete(node)), Event::Deleted(key) if &*key.name == "n")
        );
    }

    #[test]
    fn a_failure_that_goes_on_is_complained_about_twice_a_minute() {
        let start = Instant::now();
        let mut complaint = Complaint::default();
        let due: Vec<_> = (0..90).filter(|second| complaint.is_due(start + Duration::from_secs(*second))).collect();
        assert_eq!(due, [0, 30, 60]);
    }
}
