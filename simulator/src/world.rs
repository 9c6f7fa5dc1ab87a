//! The world: a cluster, a cloud and a controller in virtual time. It lets things happen one after the other, has the
//! controller told of them over watches that are late and break, carries out what it asks for, and kills it now and then.
//!
//! It decides nothing that the controller is there to decide, and knows the engine by its three entry points alone.

mod requests;

use crate::api_server::{ApiServer, News, node_name};
use crate::cloud::Cloud;
use crate::faults::{Chance, Faults};
use crate::invariants::{self, Violation, Watchman};
use crate::kube_scheduler::{Placement, Rooms};
use crate::timeline::Timeline;
use crate::{kubelets, workloads};
use dovetail_cloudprovider::kwok::KwokCatalogue;
use dovetail_engine::action::{Action, ActionId};
use dovetail_engine::cluster::{Kind, Object, ObjectKey};
use dovetail_engine::engine::Engine;
use dovetail_engine::event::{Event, Outcome};
use dovetail_engine::fact::{Fact, Movement};
use dovetail_engine::settings::Settings;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// When every world begins: 2026-01-01.
const BEGINNING: i64 = 1_767_225_600;

/// Something that happens.
#[derive(Debug)]
enum Happening {
    /// The controller hears of something.
    Tell { kind: Kind, event: Event },
    /// The controller's request arrives where it was sent.
    Perform(Box<Action>),
    /// The controller learns how a request ended.
    Finish(ActionId, Box<Outcome>),
    /// The controller looks at the clock.
    Wake,
    /// The controller lists a kind from the beginning.
    List(Kind),
    /// A controller starts.
    Start,
    /// kube-scheduler looks for places.
    Schedule,
    /// The workload controller counts pods.
    Count,
    /// The containers of a pod run. Pods are meant by UID.
    PodStarts(ObjectKey, String),
    /// A pod has ended.
    PodEnds(ObjectKey, String),
    /// A machine joins the cluster.
    Joins(String),
    /// A node takes pods.
    NodeReady(ObjectKey),
    /// A machine is gone.
    MachineEnds(String),
    /// The Node of a machine that is gone is tidied away.
    NodeTidied(ObjectKey),
    /// Something that the story says.
    Deed(Deed),
}

/// Something that a story has happen at a time.
#[derive(Clone, Debug)]
pub enum Deed {
    /// An object is created.
    Create(Box<Object>),
    /// A workload wants so many pods.
    Scale {
        /// `namespace/name` of the ReplicaSet.
        workload: String,
        /// How many.
        replicas: i32,
    },
    /// Somebody deletes an object.
    Delete(ObjectKey),
    /// Things go wrong differently from now on.
    Faults(Faults),
}

/// A cluster, a cloud and a controller.
#[derive(Debug)]
pub struct World {
    /// What time it is.
    pub now: Timestamp,
    /// The cluster.
    pub server: ApiServer,
    /// The cloud.
    pub cloud: Cloud,
    seed: u64,
    chance: Chance,
    faults: Faults,
    settings: Settings,
    /// None while no controller runs.
    engine: Option<Engine>,
    timeline: Timeline<Happening>,
    /// When the controller looks at the clock next.
    wake: Option<Timestamp>,
    /// When the last news of a kind arrive; kinds whose watch is broken have none.
    watches: BTreeMap<Kind, Timestamp>,
    /// Pods without a node.
    pending: BTreeSet<ObjectKey>,
    schedules: bool,
    counts: bool,
    /// Pods that were ever created for workloads.
    created: u64,
    watchman: Watchman,
    violation: Option<String>,
    /// What the controller said: event reasons and counters, and how often.
    pub said: BTreeMap<String, u64>,
    /// What was done and seen, line by line, if it is kept.
    pub journal: Vec<String>,
    /// Whether the journal is kept.
    pub keeps_journal: bool,
    /// How many things have happened.
    pub steps: u64,
    /// How often the controller was killed.
    pub crashes: u64,
}

impl World {
    /// A world with an empty cluster and a controller that starts now.
    pub fn new(seed: u64, faults: Faults, catalogue: KwokCatalogue, settings: Settings) -> Self {
        let mut world = Self {
            now: Timestamp::from_second(BEGINNING).unwrap_or(Timestamp::UNIX_EPOCH),
            server: ApiServer::default(),
            cloud: Cloud::new(catalogue),
            seed,
            chance: Chance::new(seed),
            faults,
            settings,
            engine: None,
            timeline: Timeline::default(),
            wake: None,
            watches: BTreeMap::new(),
            pending: BTreeSet::new(),
            schedules: false,
            counts: false,
            created: 0,
            watchman: Watchman::default(),
            violation: None,
            said: BTreeMap::new(),
            journal: vec![],
            keeps_journal: false,
            steps: 0,
            crashes: 0,
        };
        world.timeline.at(world.now, Happening::Start);
        world
    }

    /// The controller, unless it was killed a moment ago.
    pub const fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    /// A deed happens so long from now.
    pub fn after(&mut self, wait: SignedDuration, deed: Deed) {
        self.timeline.at(self.now + wait, Happening::Deed(deed));
    }

    /// An object of a manifest is created now.
    ///
    /// # Errors
    /// If it is not one of the kinds that controllers read, or cannot be read.
    pub fn create(&mut self, manifest: Value) -> Result<(), String> {
        let kind = Kind::ALL.iter().copied().find(|kind| manifest["kind"] == kind.text());
        let kind = kind.ok_or_else(|| format!("kind {} is not simulated", manifest["kind"]))?;
        let object = Object::from_json(kind, manifest).map_err(|error| format!("{kind}: {error}"))?;
        self.after(SignedDuration::ZERO, Deed::Create(Box::new(object)));
        Ok(())
    }

    /// Lets everything happen that happens in this time.
    ///
    /// # Errors
    /// With the first thing that must not be.
    pub fn run(&mut self, time: SignedDuration) -> Result<(), Violation> {
        let until = self.now + time;
        while let Some((at, what)) = self.timeline.next(until) {
            self.now = self.now.max(at);
            self.steps += 1;
            let moves_things = self.happen(what);
            if self.hear_of_news() || moves_things {
                let seen = self.watchman.look(&self.server, &self.cloud, self.now);
                self.violation = self.violation.take().or(seen);
            }
            if let Some(what) = self.violation.take() {
                return Err(self.violation(what));
            }
        }
        self.now = until;
        Ok(())
    }

    /// Whether the world has come to rest as it should: every pod runs, and nothing is left over.
    ///
    /// # Errors
    /// With what is not as it should be.
    pub fn is_at_rest(&self) -> Result<(), Violation> {
        invariants::at_rest(&self.server, &self.cloud).map_or(Ok(()), |what| Err(self.violation(what)))
    }

    fn violation(&self, what: String) -> Violation {
        Violation { seed: self.seed, at: self.now, what }
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if self.keeps_journal {
            let line = line();
            self.journal.push(format!("{} {line}", self.now));
        }
    }

    fn soon(&mut self, least: i64, most: i64, what: Happening) {
        let at = self.now + self.chance.between(least, most);
        self.timeline.at(at, what);
    }

    /// Something happens. Says whether machines came or went by it.
    fn happen(&mut self, what: Happening) -> bool {
        match what {
            Happening::Tell { event, .. } => self.tell(event),
            Happening::Perform(action) => {
                self.perform(*action);
                return true;
            }
            Happening::Finish(id, outcome) => self.tell(Event::Finished { id, outcome: *outcome }),
            Happening::Wake => {
                self.wake = None;
                self.drive();
            }
            Happening::List(kind) => self.list(kind),
            Happening::Start => self.start(),
            Happening::Schedule => self.schedule(),
            Happening::Count => {
                self.counts = false;
                workloads::reconcile(&mut self.server, &mut self.created, self.now);
            }
            Happening::PodStarts(key, uid) => self.on_pod(&key, &uid, kubelets::start),
            Happening::PodEnds(key, uid) => {
                if self.server.get(&key).is_some_and(|pod| pod.metadata().uid.as_deref() == Some(&uid)) {
                    self.server.remove(&key, self.now);
                }
            }
            Happening::Joins(id) => {
                let node = self.cloud.machine(&id).filter(|machine| machine.ends.is_none()).map(|m| m.node.clone());
                if let Some(node) = node {
                    // One that was created already is as good.
                    drop(self.server.create(Object::from(node), self.now));
                }
            }
            Happening::NodeReady(key) => self.on_node(&key, "True"),
            Happening::MachineEnds(id) => {
                if let Some(machine) = self.cloud.remove(&id) {
                    let key = ObjectKey::of(Kind::Node, &machine.node.metadata);
                    self.on_node(&key, "Unknown");
                    self.soon(20_000, 40_000, Happening::NodeTidied(key));
                }
                return true;
            }
            Happening::NodeTidied(key) => drop(self.server.delete(&key, &Default::default(), self.now)),
            Happening::Deed(deed) => self.do_deed(deed),
        }
        false
    }

    fn do_deed(&mut self, deed: Deed) {
        match deed {
            Deed::Create(object) => {
                let key = object.key();
                if let Err(error) = self.server.create(*object, self.now) {
                    self.violation = Some(format!("the story cannot create {key}: {error}"));
                }
            }
            Deed::Scale { workload, replicas } => {
                self.server.update(&ObjectKey::named(Kind::ReplicaSet, workload), |object| {
                    if let Object::ReplicaSet(set) = object {
                        set.spec.get_or_insert_default().replicas = Some(replicas);
                    }
                });
            }
            Deed::Delete(key) => drop(self.server.delete(&key, &Default::default(), self.now)),
            Deed::Faults(faults) => self.faults = faults,
        }
    }

    fn on_pod(&mut self, key: &ObjectKey, uid: &str, change: impl FnOnce(&mut Pod, Timestamp)) {
        let now = self.now;
        let Some(Object::Pod(pod)) = self.server.get(key) else { return };
        if pod.metadata.uid.as_deref() == Some(uid) && pod.metadata.deletion_timestamp.is_none() {
            self.server.update(key, |object| {
                if let Object::Pod(pod) = object {
                    change(pod, now);
                }
            });
        }
    }

    fn on_node(&mut self, key: &ObjectKey, ready: &str) {
        let now = self.now;
        self.server.update(key, |object| {
            if let Object::Node(node) = object {
                kubelets::set_ready(node, ready, now);
            }
        });
    }

    // The cluster: what follows from a change, and who hears of it.

    /// Has everybody hear of what has changed. Says whether anything has.
    fn hear_of_news(&mut self) -> bool {
        let news = self.server.take_news();
        let any = !news.is_empty();
        for news in news {
            self.follow(&news);
            let (key, event) = match news {
                News::Applied(object) => (object.key(), Event::Applied(object)),
                News::Gone(object) => (object.key(), Event::Deleted(object.key())),
            };
            self.watch(key.kind, event);
        }
        any
    }

    /// What follows from a change in the cluster itself.
    fn follow(&mut self, news: &News) {
        match news {
            News::Applied(Object::Pod(pod)) => self.follow_pod(pod),
            News::Gone(Object::Pod(pod)) => {
                self.pending.remove(&ObjectKey::of(Kind::Pod, &pod.metadata));
                self.call_workloads();
                self.call_scheduler();
            }
            News::Applied(Object::ReplicaSet(_)) => self.call_workloads(),
            News::Applied(Object::Node(node)) => {
                if node.status.as_ref().is_none_or(|status| status.conditions.is_none()) {
                    let key = ObjectKey::of(Kind::Node, &node.metadata);
                    self.soon(500, 2_000, Happening::NodeReady(key));
                }
                self.call_scheduler();
            }
            News::Gone(Object::Node(node)) => {
                self.violation = self.violation.take().or_else(|| invariants::node_gone(node, &self.cloud));
                let name = node.metadata.name.as_deref().unwrap_or_default();
                let left = self.server.pods().filter(|pod| node_name(pod) == Some(name));
                for (key, uid) in left.map(identity).collect::<Vec<_>>() {
                    self.soon(500, 2_000, Happening::PodEnds(key, uid));
                }
            }
            News::Gone(Object::NodeClaim(claim)) => {
                self.violation = self.violation.take().or_else(|| invariants::claim_gone(claim, &self.cloud));
            }
            _ => {}
        }
    }

    fn follow_pod(&mut self, pod: &Pod) {
        let (key, uid) = identity(pod);
        let is_bound = node_name(pod).is_some();
        if let Some(end) = &pod.metadata.deletion_timestamp {
            self.pending.remove(&key);
            self.call_workloads();
            let ends = (self.now + self.chance.between(200, 3_000)).min(end.0.max(self.now));
            self.timeline.at(ends, Happening::PodEnds(key, uid));
        } else if is_bound && pod.status.as_ref().is_none_or(|status| status.start_time.is_none()) {
            self.pending.remove(&key);
            self.soon(500, 3_000, Happening::PodStarts(key, uid));
        } else if !is_bound && self.pending.insert(key) {
            self.call_scheduler();
        }
    }

    fn call_workloads(&mut self) {
        if !std::mem::replace(&mut self.counts, true) {
            self.soon(10, 100, Happening::Count);
        }
    }

    fn call_scheduler(&mut self) {
        if !self.pending.is_empty() && !std::mem::replace(&mut self.schedules, true) {
            self.soon(10, 100, Happening::Schedule);
        }
    }

    fn schedule(&mut self) {
        self.schedules = false;
        let now = self.now;
        let mut rooms = Rooms::of(&self.server);
        for key in self.pending.clone() {
            let Some(Object::Pod(pod)) = self.server.get(&key) else { continue };
            match rooms.place(pod) {
                Placement::Node(node) => {
                    self.pending.remove(&key);
                    self.note(|| format!("bound {key} to {node}"));
                    self.server.update(&key, |object| {
                        if let Object::Pod(pod) = object {
                            kubelets::bind(pod, &node, now);
                        }
                    });
                }
                Placement::Nowhere if kubelets::has_no_place(pod) => {}
                Placement::Nowhere => self.server.update(&key, |object| {
                    if let Object::Pod(pod) = object {
                        kubelets::find_no_place(pod, now);
                    }
                }),
            }
        }
    }

    // The controller: watches, requests, and its end.

    /// News of a kind are on their way to the controller, unless the watch breaks.
    fn watch(&mut self, kind: Kind, event: Event) {
        let Some(last) = self.watches.get(&kind).copied() else { return };
        if self.chance.happens(self.faults.watch) {
            self.note(|| format!("the watch of {kind} breaks"));
            self.watches.remove(&kind);
            self.timeline.retain(|what| !matches!(what, Happening::Tell { kind: of, .. } if *of == kind));
            self.soon(100, 5_000, Happening::List(kind));
            return;
        }
        // Of one kind news arrive in order; those of different kinds overtake each other.
        let at = last.max(self.now + self.chance.between(1, 60));
        self.watches.insert(kind, at);
        self.timeline.at(at, Happening::Tell { kind, event });
    }

    fn list(&mut self, kind: Kind) {
        let objects: Vec<Object> = self.server.list(kind).map(|(_, object)| object.clone()).collect();
        self.watches.insert(kind, self.now);
        let Some(engine) = &mut self.engine else { return };
        engine.observe(Event::Relisting(kind), self.now);
        objects.into_iter().for_each(|object| engine.observe(Event::Applied(object), self.now));
        engine.observe(Event::Relisted(kind), self.now);
        self.drive();
    }

    fn start(&mut self) {
        let settings = Settings { seed: self.chance.number(), ..self.settings.clone() };
        self.engine = Some(Engine::new(settings));
        for kind in Kind::ALL {
            self.soon(1, 200, Happening::List(*kind));
        }
    }

    fn crash(&mut self) {
        self.note(|| "the controller is killed".to_owned());
        self.crashes += 1;
        self.engine = None;
        self.wake = None;
        self.watches.clear();
        // What has left the controller may arrive all the same; nobody hears of it.
        let mut sent = vec![];
        let coming = std::mem::take(&mut self.timeline);
        let mut coming = coming;
        while let Some((at, what)) = coming.next(Timestamp::MAX) {
            match what {
                Happening::Tell { .. } | Happening::Finish(..) | Happening::Wake | Happening::List(_) => {}
                Happening::Perform(action) => sent.push(action),
                other => self.timeline.at(at, other),
            }
        }
        for action in sent {
            if self.chance.happens(500) {
                drop(self.carry_out(*action));
            }
        }
        self.soon(500, 10_000, Happening::Start);
    }

    fn tell(&mut self, event: Event) {
        let Some(engine) = &mut self.engine else { return };
        engine.observe(event, self.now);
        self.drive();
    }

    /// Has the controller do what is due.
    fn drive(&mut self) {
        let Some(engine) = &mut self.engine else { return };
        let actions = engine.advance(self.now);
        let facts = engine.take_facts();
        let wake = engine.next_wake().map(|wake| wake.max(self.now));
        facts.into_iter().for_each(|fact| self.hear(fact));
        for action in actions {
            let (least, most) = self.latency(&action.effect);
            self.soon(least, most, Happening::Perform(Box::new(action)));
        }
        if let Some(wake) = wake
            && self.wake.is_none_or(|known| wake < known)
        {
            self.wake = Some(wake);
            self.timeline.at(wake, Happening::Wake);
        }
    }

    fn hear(&mut self, fact: Fact) {
        let what = match fact {
            Fact::Event(notice) => notice.kind.reason.to_owned(),
            Fact::Log(line) => line.message.to_owned(),
            Fact::Metric(measure) if matches!(measure.change, Movement::Add(_)) => measure.name.to_owned(),
            Fact::Metric(_) => return,
        };
        *self.said.entry(what).or_default() += 1;
    }

    fn perform(&mut self, action: Action) {
        let id = action.id;
        let outcome = self.carry_out(action);
        self.soon(2, 30, Happening::Finish(id, Box::new(outcome)));
        if self.chance.happens(self.faults.crash) {
            self.crash();
        }
    }
}

fn identity(pod: &Pod) -> (ObjectKey, String) {
    (ObjectKey::of(Kind::Pod, &pod.metadata), pod.metadata.uid.clone().unwrap_or_default())
}

#[cfg(test)]
#[path = "stories.rs"]
mod tests;
