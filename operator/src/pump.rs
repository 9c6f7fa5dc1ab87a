//! What keeps the engine going: everything that was seen goes in, actions go to the executor, facts to those who tell them. It
//! owns the engine and the clock, decides nothing, and waits for nothing but news and the time that the engine names.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dovetail_engine::engine::Engine;
use dovetail_engine::event::Event;
use dovetail_engine::fact::Fact;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time;

use crate::executor::Executor;
use crate::gauges;
use crate::lease::Leadership;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::recorder::Recorder;
use crate::shutdown::Shutdown;

/// How many events are taken in before the rules are asked again. Small enough that a flood of pods does not hold up the end
/// of a node, large enough that the rules are not asked about each pod.
const AT_ONCE_MAX: usize = 1_024;
/// How often the gauges of the cluster are brought up to date.
const GAUGES: Duration = Duration::from_secs(5);
/// The longest sleep: until the gauges are due. The clock on the wall may be set as well, and then the engine must not sleep
/// by the old time for long.
const SLEEP_MAX: Duration = GAUGES;
/// How long actions under way may take to end when the controller does.
pub const FAREWELL: Duration = Duration::from_secs(10);

/// The engine and everyone around it.
pub struct Pump {
    /// The engine.
    pub engine: Engine,
    /// Who performs actions.
    pub executor: Arc<Executor>,
    /// What was seen, and how actions ended.
    pub events: mpsc::Receiver<Event>,
    /// Where those who perform actions tell how they ended.
    pub outcomes: mpsc::Sender<Event>,
    /// Who sends events on objects.
    pub recorder: Recorder,
    /// Who writes logs.
    pub logs: Logs,
    /// Who counts.
    pub metrics: Arc<Metrics>,
    /// Whether this replica acts.
    pub leadership: Leadership,
    /// The labels that nodes are shown with in metrics; none if single objects are not shown.
    pub node_labels: Option<Arc<[String]>>,
    /// When it all ends.
    pub shutdown: Shutdown,
}

impl Pump {
    /// Keeps the engine going until the end is asked for, and lets actions under way end.
    pub async fn run(mut self) {
        let mut clock = Clock::default();
        let mut actions = JoinSet::new();
        let begun = Instant::now();
        let mut gauges: Option<Instant> = None;
        let shown = Arc::new(Mutex::new(BTreeSet::new()));
        while !self.shutdown.is_requested() {
            let leads = self.leadership.holds();
            let now = clock.now(Timestamp::now());
            if leads {
                for action in self.engine.advance(now) {
                    actions.spawn(Arc::clone(&self.executor).perform(action, self.outcomes.clone()));
                }
            }
            self.tell();
            while actions.try_join_next().is_some() {}
            if gauges.is_none_or(|last| last.elapsed() >= GAUGES) {
                gauges = Some(Instant::now());
                self.gauge(begun.elapsed(), now, &shown);
            }
            let sleep = sleep(self.engine.next_wake().filter(|_| leads), now);
            tokio::select! {
                biased;
                () = self.shutdown.requested() => {}
                event = self.events.recv() => match event {
                    Some(event) => self.take_in(event, &mut clock),
                    None => break,
                },
                () = self.leadership.acquired(), if !leads => {}
                () = time::sleep(sleep) => {}
            }
        }
        let rest = async { while actions.join_next().await.is_some() {} };
        // Outcomes are taken and dropped, so that nobody waits to tell them.
        let drain = async { while self.events.recv().await.is_some() {} };
        tokio::select! {
            () = rest => {}
            () = drain => {}
            () = time::sleep(FAREWELL) => tracing::info!("actions that take long are left to the next start"),
        }
    }

    /// Takes in an event, and what waits behind it.
    fn take_in(&mut self, event: Event, clock: &mut Clock) {
        let now = clock.now(Timestamp::now());
        self.engine.observe(event, now);
        for _ in 1..AT_ONCE_MAX {
            let Ok(event) = self.events.try_recv() else { return };
            self.engine.observe(event, now);
        }
    }

    /// Passes on what has become known.
    fn tell(&mut self) {
        for fact in self.engine.take_facts() {
            match fact {
                Fact::Event(notice) => self.recorder.record(notice),
                Fact::Log(line) => self.logs.write(&line),
                Fact::Metric(measure) => {
                    if let Err(error) = self.metrics.record(&measure) {
                        tracing::debug!(%error, "a measure was not taken");
                        self.metrics.count("dovetail_unknown_measures_total", &[], 1.0);
                    }
                }
            }
        }
    }

    fn gauge(&self, since: Duration, now: Timestamp, shown: &Arc<Mutex<BTreeSet<String>>>) {
        let is_synced = self.engine.is_ready();
        self.metrics.set("karpenter_cluster_state_synced", &[], if is_synced { 1.0 } else { 0.0 });
        let unsynced = if is_synced { 0.0 } else { since.as_secs_f64() };
        self.metrics.set("karpenter_cluster_state_unsynced_time_seconds", &[], unsynced);
        let nodes = self.engine.snapshot().nodes.len();
        self.metrics.set("karpenter_cluster_state_node_count", &[], nodes as f64);
        let Some(labels) = self.node_labels.clone().filter(|_| is_synced) else { return };
        let (snapshot, metrics, shown) = (self.engine.snapshot().clone(), Arc::clone(&self.metrics), Arc::clone(shown));
        // With many nodes it takes its time; the engine does not wait for it, and one at a time is enough.
        tokio::task::spawn_blocking(move || {
            if let Ok(mut shown) = shown.try_lock() {
                gauges::show(&metrics, &gauges::of(&snapshot, &labels, now), &mut shown);
            }
        });
    }
}

/// How long to sleep when the engine wants to wake at that time.
fn sleep(wake: Option<Timestamp>, now: Timestamp) -> Duration {
    let until = wake.map_or(SLEEP_MAX, |wake| Duration::try_from(wake.duration_since(now)).unwrap_or(Duration::ZERO));
    // Timers have a millisecond; to wake a moment early is to wake twice.
    until.saturating_add(Duration::from_millis(1)).min(SLEEP_MAX)
}

/// The time as the engine is told it: that of the wall, which never goes back.
#[derive(Debug, Default)]
struct Clock(Option<Timestamp>);

impl Clock {
    fn now(&mut self, wall: Timestamp) -> Timestamp {
        let now = self.0.map_or(wall, |last| last.max(wall));
        self.0 = Some(now);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_back() {
        let at = |second| Timestamp::from_second(second).expect("a moment");
        let mut clock = Clock::default();
        assert_eq!([5, 9, 7, 10].map(|second| clock.now(at(second))), [5, 9, 9, 10].map(at));
    }

    #[test]
    fn it_sleeps_until_it_is_due_and_never_for_long() {
        let at = |second| Timestamp::from_second(second).expect("a moment");
        assert_eq!(sleep(Some(at(12)), at(10)), Duration::from_millis(2001));
        assert_eq!(sleep(Some(Timestamp::MIN), at(10)), Duration::from_millis(1), "what is due is done at once");
        assert_eq!(sleep(Some(Timestamp::MAX), at(10)), SLEEP_MAX);
        assert_eq!(sleep(None, at(10)), SLEEP_MAX);
    }
}
