//! A small world for stories in virtual time: an API server, a cloud, and an engine that acts on both. What is asked for
//! happens at once unless the story says otherwise; there is no kubelet and no kube-scheduler, stories play them.
//!
//! It knows as little of Kubernetes as the loops need: resource versions, UIDs, finalizers, merge patches, preconditions.

use crate::action::{Action, ApiError, Delete, Effect, Fault, Patch, Verb};
use crate::cluster::{Kind, Object, ObjectKey};
use crate::engine::Engine;
use crate::event::{Event, Outcome};
use crate::fact::{Fact, Movement};
use crate::rule::Rule;
use crate::settings::Settings;
use dovetail_api::labels;
use dovetail_api::node_claim::{NodeClaim, NodeClaimSpec};
use dovetail_cloudprovider::errors::ProviderError;
use dovetail_scheduler::instance_type::InstanceType;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// When stories begin.
const BEGINNING: i64 = 1_767_225_600;

/// A machine that was bought.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// As the provider tells of it.
    pub(crate) claim: NodeClaim,
    /// How often it still says that its end is under way.
    ending: Option<u32>,
}

/// The world.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) now: Timestamp,
    rules: &'static [Rule],
    settings: Settings,
    objects: BTreeMap<ObjectKey, Value>,
    version: u64,
    /// Machines by provider ID.
    pub(crate) machines: BTreeMap<String, Machine>,
    /// What the provider sells, for every pool.
    pub(crate) offers: Arc<[Arc<InstanceType>]>,
    /// Whether the provider says that machines have drifted, and why.
    pub(crate) drift: Option<String>,
    /// How often a machine says that its end is under way before it is gone.
    pub(crate) slow_ends: u32,
    answers: BTreeMap<Verb, VecDeque<Outcome>>,
    held_back: Vec<Verb>,
    held: Vec<Action>,
    /// After how many more effects the controller is killed.
    fuse: Option<usize>,
    /// What was done, in order: `Launch NodeClaim a`.
    pub(crate) done: Vec<String>,
    /// What became known, in order.
    pub(crate) facts: Vec<Fact>,
}

macro_rules! objects {
    ($($kind:ident)*) => {
        fn read(kind: Kind, value: Value) -> Object {
            match kind {
                $(Kind::$kind => Object::$kind(Box::new(serde_json::from_value(value).expect("a readable object"))),)*
                other => panic!("no story has a {other}"),
            }
        }

        fn write(object: &Object) -> Value {
            match object {
                $(Object::$kind(object) => serde_json::to_value(object).expect("objects are JSON"),)*
                other => panic!("no story has a {}", other.kind()),
            }
        }
    };
}

objects! {
    Namespace Node NodeClaim NodePool EC2NodeClass KWOKNodeClass Pod DaemonSet PodDisruptionBudget VolumeAttachment
    PersistentVolume PersistentVolumeClaim PriorityClass CSINode StorageClass
}

impl World {
    /// An empty cluster under these rules.
    pub(crate) fn new(rules: &'static [Rule]) -> Self {
        Self::with(rules, Settings::default())
    }

    /// An empty cluster under these rules, with settings.
    pub(crate) fn with(rules: &'static [Rule], settings: Settings) -> Self {
        let mut world = Self {
            engine: Engine::with_rules(settings.clone(), rules),
            now: Timestamp::from_second(BEGINNING).expect("a time in range"),
            rules,
            settings,
            objects: BTreeMap::new(),
            version: 0,
            machines: BTreeMap::new(),
            offers: Arc::from(vec![]),
            drift: None,
            slow_ends: 1,
            answers: BTreeMap::new(),
            held_back: vec![],
            held: vec![],
            fuse: None,
            done: vec![],
            facts: vec![],
        };
        world.relist();
        world
    }

    /// The controller is killed, and another one finds what is there. What was under way may or may not have happened:
    /// here it has not.
    pub(crate) fn restart(&mut self) {
        self.engine = Engine::with_rules(self.settings.clone(), self.rules);
        self.held.clear();
        self.relist();
    }

    /// The controller is killed after so many more effects, before it hears of the last.
    pub(crate) fn crash_after(&mut self, effects: usize) {
        self.fuse = Some(effects);
    }

    fn relist(&mut self) {
        for kind in Kind::ALL {
            self.engine.observe(Event::Relisting(*kind), self.now);
            let all: Vec<_> = self.objects.iter().filter(|(key, _)| key.kind == *kind).collect();
            for (key, value) in all {
                self.engine.observe(Event::Applied(read(key.kind, value.clone())), self.now);
            }
            self.engine.observe(Event::Relisted(*kind), self.now);
        }
    }

    /// Puts an object there, or in the place of what was there.
    pub(crate) fn put(&mut self, mut object: Value) -> ObjectKey {
        let kind = Kind::ALL.iter().copied().find(|k| object["kind"] == k.text()).expect("a known kind");
        let now = self.now.to_string();
        let meta = object["metadata"].as_object_mut().expect("metadata");
        let name = meta["name"].as_str().expect("a name").to_owned();
        meta.entry("uid").or_insert_with(|| json!(format!("uid-{name}")));
        meta.entry("creationTimestamp").or_insert_with(|| json!(now));
        meta.entry("generation").or_insert_with(|| json!(1));
        let key = read(kind, object.clone()).key();
        self.store(&key, object);
        key
    }

    /// Changes an object behind the engine's back; the watch tells of it.
    pub(crate) fn edit(&mut self, kind: Kind, name: &str, change: impl FnOnce(&mut Value)) {
        let key = ObjectKey::named(kind, name);
        let mut object = self.objects.get(&key).unwrap_or_else(|| panic!("{key} is there")).clone();
        change(&mut object);
        self.store(&key, object);
    }

    /// Somebody deletes an object, if it is there: it goes when nobody holds on to it.
    pub(crate) fn delete(&mut self, kind: Kind, name: &str) {
        let key = ObjectKey::named(kind, name);
        drop(self.end(&key, &Delete::default()));
    }

    /// An object is gone, whoever holds on to it.
    pub(crate) fn vanish(&mut self, kind: Kind, name: &str) {
        let key = ObjectKey::named(kind, name);
        self.objects.remove(&key);
        self.engine.observe(Event::Deleted(key), self.now);
    }

    /// The object as the API server has it.
    pub(crate) fn get(&self, kind: Kind, name: &str) -> Option<&Value> {
        self.objects.get(&ObjectKey::named(kind, name))
    }

    /// Full names of all objects of a kind.
    pub(crate) fn names(&self, kind: Kind) -> Vec<String> {
        self.objects.keys().filter(|key| key.kind == kind).map(|key| key.name.to_string()).collect()
    }

    /// Status and reason of a condition: `True/Launched`, nothing if it is not there.
    pub(crate) fn condition(&self, kind: Kind, name: &str, type_: &str) -> String {
        let list = self.get(kind, name).and_then(|o| o["status"]["conditions"].as_array());
        let condition = list.into_iter().flatten().find(|c| c["type"] == type_);
        let text = |c: &Value, field: &str| c[field].as_str().unwrap_or_default().to_owned();
        condition.map(|c| format!("{}/{}", text(c, "status"), text(c, "reason"))).unwrap_or_default()
    }

    /// The next action of this kind ends so, whatever it asks for.
    pub(crate) fn answer(&mut self, verb: Verb, outcome: Outcome) {
        self.answers.entry(verb).or_default().push_back(outcome);
    }

    /// The API server refuses the next action of this kind.
    pub(crate) fn refuse(&mut self, verb: Verb, fault: Fault) {
        self.answer(verb, Outcome::Written(Err(ApiError::new(fault, 0, "no"))));
    }

    /// The next launch fails.
    pub(crate) fn fail_launch(&mut self, error: ProviderError) {
        self.answer(Verb::Launch, Outcome::Launched(Err(error)));
    }

    /// Actions of this kind take their time from now on.
    pub(crate) fn hold(&mut self, verb: Verb) {
        self.held_back.push(verb);
    }

    /// A machine was bought for a claim of this name, before the story begins. Its provider ID.
    pub(crate) fn buy(&mut self, claim: &str) -> String {
        let mut bought = NodeClaim::new(claim, NodeClaimSpec::default());
        bought.metadata.uid = Some(format!("uid-{claim}"));
        self.launch(bought).status.and_then(|s| s.provider_id).expect("a machine has an ID")
    }

    /// What took its time happens.
    pub(crate) fn release(&mut self) {
        self.held_back.clear();
        for action in std::mem::take(&mut self.held) {
            self.perform(action);
        }
        self.settle();
    }

    /// Everything that is due happens.
    pub(crate) fn settle(&mut self) {
        for _ in 0..1_000 {
            let actions = self.engine.advance(self.now);
            self.facts.extend(self.engine.take_facts());
            if actions.is_empty() {
                return;
            }
            for action in actions {
                if self.held_back.contains(&action.effect.verb()) {
                    self.held.push(action);
                } else if self.perform(action) {
                    break;
                }
            }
            self.facts.extend(self.engine.take_facts());
        }
        panic!("the loops do not come to rest: {:?}", self.done.iter().rev().take(10).collect::<Vec<_>>());
    }

    /// Time goes by, in seconds.
    pub(crate) fn pass(&mut self, seconds: i64) {
        self.settle();
        let until = self.now + SignedDuration::from_secs(seconds);
        while let Some(wake) = self.engine.next_wake().filter(|wake| *wake <= until) {
            self.now = self.now.max(wake);
            self.settle();
        }
        self.now = until;
        self.settle();
    }

    /// The reasons of the events on objects of a kind, in order.
    pub(crate) fn events(&self, kind: Kind) -> Vec<&'static str> {
        let reason = |fact: &Fact| match fact {
            Fact::Event(notice) if notice.on.kind == kind => Some(notice.kind.reason),
            _ => None,
        };
        self.facts.iter().filter_map(reason).collect()
    }

    /// How far a counter has gone up, over all its labels, and with which labels last.
    pub(crate) fn counted(&self, name: &str) -> (f64, Vec<(&'static str, String)>) {
        let mut out = (0.0, vec![]);
        for fact in &self.facts {
            if let Fact::Metric(measure) = fact
                && measure.name == name
                && let Movement::Add(n) = measure.change
            {
                out = (out.0 + n, measure.labels.clone());
            }
        }
        out
    }

    /// What a histogram or summary has seen.
    pub(crate) fn observed(&self, name: &str) -> Vec<f64> {
        let seen = |fact: &Fact| match fact {
            Fact::Metric(measure) if measure.name == name => match measure.change {
                Movement::Observe(value) => Some(value),
                _ => None,
            },
            _ => None,
        };
        self.facts.iter().filter_map(seen).collect()
    }

    /// The lines of the log, in order.
    pub(crate) fn log(&self) -> Vec<&'static str> {
        let line = |fact: &Fact| match fact {
            Fact::Log(line) => Some(line.message),
            _ => None,
        };
        self.facts.iter().filter_map(line).collect()
    }

    /// What was done since this was asked last.
    pub(crate) fn take_done(&mut self) -> Vec<String> {
        std::mem::take(&mut self.done)
    }

    /// Performs an action. Says whether the controller was killed before it heard of it.
    fn perform(&mut self, action: Action) -> bool {
        let Action { id, about, effect } = action;
        let verb = effect.verb();
        self.done.push(format!("{verb:?} {about}"));
        let scripted = self.answers.get_mut(&verb).and_then(VecDeque::pop_front);
        let outcome = scripted.unwrap_or_else(|| self.happen(about.object(), effect));
        let left = self.fuse.take();
        if left == Some(0) {
            self.restart();
            return true;
        }
        self.fuse = left.map(|left| left - 1);
        self.engine.observe(Event::Finished { id, outcome }, self.now);
        false
    }

    fn happen(&mut self, about: Option<&ObjectKey>, effect: Effect) -> Outcome {
        match effect {
            Effect::Create(object) => Outcome::Written(self.create(&object).map(Some)),
            Effect::Patch(patch) => Outcome::Written(self.patch(about.expect("an object"), &patch)),
            Effect::Delete(delete) => Outcome::Written(self.end(about.expect("an object"), &delete)),
            Effect::Evict(eviction) => {
                let uid = Some(eviction.uid).filter(|uid| !uid.is_empty());
                let grace_period_seconds = eviction.grace_period_seconds;
                let delete = Delete { uid, grace_period_seconds, ..Delete::default() };
                Outcome::Written(self.end(about.expect("a pod"), &delete))
            }
            Effect::Launch(claim) => Outcome::Launched(Ok(Box::new(self.launch(*claim)))),
            Effect::Terminate(claim) => {
                let id = claim.status.and_then(|s| s.provider_id).unwrap_or_default();
                Outcome::Terminated(self.terminate(&id))
            }
            Effect::Inspect { provider_id } => Outcome::Inspected(match self.machines.get(&provider_id) {
                Some(machine) => Ok(Box::new(machine.claim.clone())),
                None => Err(ProviderError::NodeClaimNotFound(provider_id)),
            }),
            Effect::ListMachines => Outcome::Machines(Ok(self.machines.values().map(|m| m.claim.clone()).collect())),
            Effect::InstanceTypes(_) => Outcome::InstanceTypes(Ok(Arc::clone(&self.offers))),
            Effect::CheckDrift(_) => Outcome::Drift(Ok(self.drift.clone())),
            Effect::Plan(ask) => Outcome::Planned(Box::new(ask.work_out(&|| Duration::ZERO))),
            Effect::Reboot { .. } => Outcome::Rebooted(Err(ProviderError::NodeRebootNotImplemented)),
        }
    }

    fn launch(&mut self, mut claim: NodeClaim) -> NodeClaim {
        let uid = claim.metadata.uid.clone().unwrap_or_default();
        let id = format!("fake:///{uid}");
        if let Some(machine) = self.machines.get(&id) {
            return machine.claim.clone();
        }
        let own = claim.metadata.labels.get_or_insert_default();
        for (key, value) in [
            (labels::INSTANCE_TYPE, "small"),
            (labels::ZONE, "zone-a"),
            (labels::CAPACITY_TYPE, labels::CAPACITY_TYPE_ON_DEMAND),
        ] {
            own.insert(key.to_owned(), value.to_owned());
        }
        let resources = json!({"cpu": "2", "memory": "4Gi", "pods": "20"});
        let status = claim.status.get_or_insert_default();
        status.provider_id = Some(id.clone());
        status.image_id = Some("image-1".to_owned());
        status.capacity = serde_json::from_value(resources.clone()).expect("quantities");
        status.allocatable = serde_json::from_value(resources).expect("quantities");
        self.machines.insert(id, Machine { claim: claim.clone(), ending: None });
        claim
    }

    fn terminate(&mut self, id: &str) -> Result<(), ProviderError> {
        let left = match self.machines.get_mut(id) {
            None => return Err(ProviderError::NodeClaimNotFound(id.to_owned())),
            Some(machine) => machine.ending.get_or_insert(self.slow_ends),
        };
        if *left == 0 {
            self.machines.remove(id);
            return Err(ProviderError::NodeClaimNotFound(id.to_owned()));
        }
        *left -= 1;
        Ok(())
    }

    fn create(&mut self, object: &Object) -> Result<Object, ApiError> {
        let key = object.key();
        if self.objects.contains_key(&key) {
            return Err(ApiError::new(Fault::Exists, 409, "it is there already"));
        }
        let mut value = write(object);
        value["kind"] = json!(key.kind.text());
        self.put(value);
        self.found(&key)
    }

    fn found(&self, key: &ObjectKey) -> Result<Object, ApiError> {
        let object = self.objects.get(key).ok_or_else(|| ApiError::new(Fault::NotFound, 404, "there is none"))?;
        Ok(read(key.kind, object.clone()))
    }

    fn patch(&mut self, key: &ObjectKey, patch: &Patch) -> Result<Option<Object>, ApiError> {
        let mut object = write(&self.found(key)?);
        let mut body = patch.body.clone();
        let wanted = |field: &str| patch.body["metadata"][field].as_str();
        if wanted("uid").is_some_and(|uid| object["metadata"]["uid"] != uid) {
            return Err(ApiError::new(Fault::NotFound, 409, "another object has its name"));
        }
        if wanted("resourceVersion").is_some_and(|version| object["metadata"]["resourceVersion"] != version) {
            return Err(ApiError::new(Fault::Conflict, 409, "it has changed"));
        }
        let parts = body.as_object_mut().expect("a patch is an object");
        parts.retain(|part, _| (part == "status") == patch.status);
        object["kind"] = json!(key.kind.text());
        merge(&mut object, &body);
        self.store(key, object);
        // Gone, if that took the last hold off an object that is to go.
        Ok(self.found(key).ok())
    }

    fn end(&mut self, key: &ObjectKey, delete: &Delete) -> Result<Option<Object>, ApiError> {
        let meta = write(&self.found(key)?)["metadata"].clone();
        if delete.uid.as_ref().is_some_and(|uid| meta["uid"] != **uid) {
            return Err(ApiError::new(Fault::NotFound, 409, "another object has its name"));
        }
        if delete.resource_version.as_ref().is_some_and(|version| meta["resourceVersion"] != **version) {
            return Err(ApiError::new(Fault::Conflict, 409, "it has changed"));
        }
        let held = meta["finalizers"].as_array().is_some_and(|f| !f.is_empty());
        if !held {
            self.vanish(key.kind, &key.name);
            return Ok(None);
        }
        if meta["deletionTimestamp"].is_null() {
            let now = self.now.to_string();
            self.edit(key.kind, &key.name, |o| o["metadata"]["deletionTimestamp"] = json!(now));
        }
        self.found(key).map(Some)
    }

    /// The API server writes an object, and the watch tells of it.
    fn store(&mut self, key: &ObjectKey, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let held = object["metadata"]["finalizers"].as_array().is_some_and(|f| !f.is_empty());
        let goes = key.kind != Kind::Pod && !object["metadata"]["deletionTimestamp"].is_null() && !held;
        if goes {
            self.vanish(key.kind, &key.name);
            return;
        }
        self.objects.insert(key.clone(), object.clone());
        self.engine.observe(Event::Applied(read(key.kind, object)), self.now);
    }
}

/// A JSON merge patch.
fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    let into = into.as_object_mut().expect("made so a line before");
    for (key, value) in patch {
        if value.is_null() {
            into.remove(key);
        } else {
            merge(into.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}
