//! The actions that are under way, how those before them ended, and how long to wait after a failure.

use crate::action::{ActionId, Fault, Verb};
use crate::cluster::{Remember, Subject};
use crate::event::Outcome;
use crate::fact::Fact;
use dovetail_cloudprovider::errors::ProviderError;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// An action under way.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) about: Subject,
    pub(crate) verb: Verb,
    /// The rule that wanted it and what it was asked about.
    pub(crate) task: (usize, Subject),
    pub(crate) then: Vec<Fact>,
    pub(crate) then_remember: Vec<Remember>,
}

/// How an action ended.
#[derive(Debug)]
pub struct Answer {
    /// When it ended.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
}

/// What went wrong lately.
#[derive(Clone, Copy, Debug)]
struct Failure {
    attempts: u32,
    not_before: Timestamp,
    /// Whether it failed because the object had changed: then it is worth trying as soon as that change is known.
    conflict: bool,
}

/// Actions by what they are about.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    next: u64,
    under_way: BTreeMap<ActionId, Flight>,
    ids: BTreeMap<(Subject, Verb), ActionId>,
    by_verb: BTreeMap<Verb, usize>,
    answers: BTreeMap<(Subject, Verb), Answer>,
    failures: BTreeMap<(Subject, Verb), Failure>,
}

/// Whether an action may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clearance {
    /// It may.
    Go,
    /// Its like is under way.
    UnderWay,
    /// Its like has failed a moment ago.
    NotBefore(Timestamp),
}

impl Flights {
    pub(crate) fn clearance(&self, about: &Subject, verb: Verb, now: Timestamp) -> Clearance {
        let key = (about.clone(), verb);
        if self.ids.contains_key(&key) {
            return Clearance::UnderWay;
        }
        match self.failures.get(&key) {
            Some(failure) if failure.not_before > now => Clearance::NotBefore(failure.not_before),
            _ => Clearance::Go,
        }
    }

    pub(crate) fn begin(&mut self, flight: Flight) -> ActionId {
        self.next += 1;
        let id = ActionId(self.next);
        self.ids.insert((flight.about.clone(), flight.verb), id);
        *self.by_verb.entry(flight.verb).or_default() += 1;
        self.under_way.insert(id, flight);
        id
    }

    /// An action has ended. Nothing if it is not known.
    pub(crate) fn end(&mut self, id: ActionId, outcome: Outcome, now: Timestamp) -> Option<Flight> {
        let flight = self.under_way.remove(&id)?;
        let key = (flight.about.clone(), flight.verb);
        self.ids.remove(&key);
        if let Some(count) = self.by_verb.get_mut(&flight.verb) {
            *count = count.saturating_sub(1);
        }
        if has_failed(flight.verb, &outcome) {
            let attempts = self.failures.get(&key).map_or(0, |f| f.attempts);
            let (first, most) = flight.verb.backoff_ms();
            let wait = first.saturating_mul(1_i64 << attempts.min(20)).min(most);
            let not_before = now.checked_add(SignedDuration::from_millis(wait)).unwrap_or(Timestamp::MAX);
            let conflict = outcome.api_error().is_some_and(|e| e.fault == Fault::Conflict);
            self.failures.insert(key.clone(), Failure { attempts: attempts + 1, not_before, conflict });
        } else {
            self.failures.remove(&key);
        }
        self.answers.insert(key, Answer { at: now, outcome });
        Some(flight)
    }

    /// The object is not as it was: who failed because of that may try again at once.
    pub(crate) fn changed(&mut self, about: &Subject) {
        for verb in [Verb::Patch, Verb::PatchStatus] {
            let key = (about.clone(), verb);
            if self.failures.get(&key).is_some_and(|f| f.conflict) {
                self.failures.remove(&key);
            }
        }
    }

    /// The object is gone, and with it what was answered about it.
    pub(crate) fn gone(&mut self, about: &Subject) {
        let range = (about.clone(), Verb::FIRST)..=(about.clone(), Verb::LAST);
        for key in self.answers.range(range.clone()).map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.answers.remove(&key);
        }
        for key in self.failures.range(range).map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.failures.remove(&key);
        }
    }

    pub(crate) fn forget(&mut self, about: Subject, verb: Verb) {
        let key = (about, verb);
        self.answers.remove(&key);
        // A name that was to be created and was not is not used again.
        if verb == Verb::Create {
            self.failures.remove(&key);
        }
    }

    pub(crate) fn answer(&self, about: &Subject, verb: Verb) -> Option<&Answer> {
        self.answers.get(&(about.clone(), verb))
    }

    pub(crate) fn is_under_way(&self, about: &Subject, verb: Verb) -> bool {
        self.ids.contains_key(&(about.clone(), verb))
    }

    pub(crate) fn any_under_way(&self, verb: Verb) -> bool {
        self.count(verb) > 0
    }

    pub(crate) fn count(&self, verb: Verb) -> usize {
        self.by_verb.get(&verb).copied().unwrap_or(0)
    }

    /// The kind of an action under way.
    pub(crate) fn verb(&self, id: ActionId) -> Option<Verb> {
        self.under_way.get(&id).map(|flight| flight.verb)
    }
}

/// Whether an action came to nothing, so that it is worth waiting a while before the next attempt. That what was to go is
/// gone already, and that a launch can never be, are answers like any other.
pub(crate) fn has_failed(verb: Verb, outcome: &Outcome) -> bool {
    if let Some(error) = outcome.api_error() {
        return !(error.fault == Fault::NotFound && matches!(verb, Verb::Delete | Verb::Evict));
    }
    match outcome.provider_error() {
        Some(ProviderError::NodeClaimNotFound(_)) => false,
        Some(error) => !(verb == Verb::Launch && error.discards_claim()),
        None => matches!(outcome, Outcome::GivenUp),
    }
}
