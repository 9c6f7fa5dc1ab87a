//! The engine: a machine that is told what was seen and says what to do. It performs nothing, waits for nothing and has no
//! clock: the controller drives it with watches and the real time, the simulator with a cluster and a time of its own.
//!
//! [`Engine::observe`] folds what was seen, [`Engine::advance`] asks the rules that it concerns and returns actions,
//! [`Engine::next_wake`] says when to come back without news. What the rules decide is in [`crate::loops`]; here is only
//! who is asked when, and that nothing is done twice at a time. A new engine that is told of the same objects goes on where
//! another one ended.

use crate::action::{Action, Verb};
use crate::agenda::Agenda;
use crate::cluster::{Change, Cluster, Snapshot, Subject};
use crate::event::{Event, Outcome};
use crate::fact::Fact;
use crate::flights::{Clearance, Flight, Flights, has_failed};
use crate::loops;
use crate::rule::{Rule, Verdict, View, Wish};
use crate::settings::Settings;
use k8s_openapi::jiff::Timestamp;

/// A rule by its place in the table, and what it is to be asked about.
type Task = (usize, Subject);

/// The engine.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    rules: &'static [Rule],
    cluster: Cluster,
    agenda: Agenda<Task>,
    flights: Flights,
    facts: Vec<Fact>,
    /// Whether every kind has been listed once.
    is_ready: bool,
}

impl Engine {
    /// An engine that has seen nothing yet, with all control loops.
    pub fn new(settings: Settings) -> Self {
        Self::with_rules(settings, loops::ALL)
    }

    /// An engine with these control loops only.
    pub fn with_rules(settings: Settings, rules: &'static [Rule]) -> Self {
        Self {
            settings,
            rules,
            cluster: Cluster::default(),
            agenda: Agenda::default(),
            flights: Flights::default(),
            facts: vec![],
            is_ready: false,
        }
    }

    /// The cluster as it is known now.
    pub fn snapshot(&self) -> &Snapshot {
        self.cluster.snapshot()
    }

    /// What the operator wants.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether every kind that is watched has been listed once: before that nothing is done.
    pub fn is_ready(&self) -> bool {
        self.cluster.has_listed(&self.settings.watched)
    }

    /// Takes in something that was seen. Times must not go backwards.
    pub fn observe(&mut self, event: Event, now: Timestamp) {
        match event {
            Event::Applied(object) => {
                let change = self.cluster.apply(object, now);
                self.changed(change);
            }
            Event::Deleted(key) => {
                let change = self.cluster.delete(&key, now);
                self.changed(change);
            }
            Event::Relisting(kind) => self.cluster.list_begins(kind),
            Event::Relisted(kind) => {
                let changes = self.cluster.list_ends(kind, now);
                self.changed(changes);
            }
            Event::Finished { id, mut outcome } => {
                let left = match &mut outcome {
                    Outcome::Written(Ok(object)) => object.take(),
                    _ => None,
                };
                let failed = |verb| has_failed(verb, &outcome);
                let Some(failed) = self.flights.verb(id).map(failed) else { return };
                let Some(flight) = self.flights.end(id, outcome, now) else { return };
                if !failed {
                    self.facts.extend(flight.then);
                    let anything = !flight.then_remember.is_empty();
                    flight.then_remember.into_iter().for_each(|what| self.cluster.remember(what, now));
                    self.changed(anything.then_some(Change::Memory));
                }
                let change = left.and_then(|object| self.cluster.apply_answer(object, now));
                self.changed(change);
                self.agenda.now(flight.task);
                self.changed([Change::Answered(flight.about)]);
            }
        }
    }

    /// Asks the rules that are due. What they want done is returned; each action must be finished by an event.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Action> {
        let mut actions = vec![];
        if !self.is_ready {
            if !self.is_ready() {
                return actions;
            }
            self.is_ready = true;
            for (rule, _) in self.rules.iter().enumerate().filter(|(_, rule)| rule.of_cluster) {
                self.agenda.now((rule, Subject::Cluster));
            }
        }
        while let Some(task) = self.agenda.next(now) {
            let Some(rule) = self.rules.get(task.0) else { continue };
            let view =
                View { snapshot: self.cluster.snapshot(), settings: &self.settings, now, flights: &self.flights };
            let verdict = (rule.judge)(&view, &task.1);
            self.follow(&task, verdict, now, &mut actions);
        }
        actions
    }

    /// When to advance although nothing was seen; nothing if that makes no difference.
    pub fn next_wake(&self) -> Option<Timestamp> {
        if !self.is_ready {
            return None;
        }
        if self.agenda.is_dirty() { Some(Timestamp::MIN) } else { self.agenda.next_time() }
    }

    /// What has become known since this was asked last, in order.
    pub fn take_facts(&mut self) -> Vec<Fact> {
        std::mem::take(&mut self.facts)
    }

    /// Asks every rule what it has to do with some changes.
    fn changed(&mut self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            let about = change.about();
            let is_gone = match &change {
                Change::Pod { after, .. } => after.is_none(),
                Change::Node { after, .. } => after.is_none(),
                Change::NodeClaim { after, .. } => after.is_none(),
                Change::Other { deleted, .. } => *deleted,
                Change::Answered(_) | Change::Memory => false,
            };
            if is_gone {
                self.flights.gone(&about);
            } else if !matches!(change, Change::Answered(_) | Change::Memory) {
                self.flights.changed(&about);
            }
            for (number, rule) in self.rules.iter().enumerate() {
                let agenda = &mut self.agenda;
                (rule.concerns)(self.cluster.snapshot(), &change, &mut |subject| agenda.now((number, subject)));
            }
        }
    }

    /// Does what a rule says.
    fn follow(&mut self, task: &Task, verdict: Verdict, now: Timestamp, actions: &mut Vec<Action>) {
        self.agenda.at(task.clone(), verdict.again);
        self.facts.extend(verdict.facts);
        for (about, verb) in verdict.forget {
            self.flights.forget(about, verb);
        }
        if !verdict.remember.is_empty() {
            verdict.remember.into_iter().for_each(|what| self.cluster.remember(what, now));
            self.changed([Change::Memory]);
        }
        for Wish { about, effect, then, then_remember } in verdict.wishes {
            let verb = effect.verb();
            match self.flights.clearance(&about, verb, now) {
                Clearance::Go => {
                    let flight = Flight { about: about.clone(), verb, task: task.clone(), then, then_remember };
                    actions.push(Action { id: self.flights.begin(flight), about, effect });
                }
                // Its end has the rule asked again.
                Clearance::UnderWay => {}
                Clearance::NotBefore(time) => self.agenda.by(task.clone(), time),
            }
        }
    }

    /// How many actions of a kind are under way.
    pub fn under_way(&self, verb: Verb) -> usize {
        self.flights.count(verb)
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
