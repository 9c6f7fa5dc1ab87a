//! What a control loop is: a rule that looks at the cluster as it is known and says what should happen now, and when to look
//! again. A rule keeps nothing, waits for nothing and performs nothing; it may be asked at any time, any number of times.

use crate::action::{Effect, Verb};
use crate::cluster::{Change, Remember, Snapshot, Subject};
use crate::fact::Fact;
use crate::flights::{Answer, Clearance, Flights};
use crate::settings::Settings;
use k8s_openapi::jiff::Timestamp;

/// A control loop.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name, as Karpenter calls the controller.
    pub name: &'static str,
    /// Whether it is about the cluster as a whole: then it is asked once at the start, about [`Subject::Cluster`].
    pub of_cluster: bool,
    /// Says what the rule must be asked about now that something is different.
    pub concerns: fn(&Snapshot, &Change, &mut dyn FnMut(Subject)),
    /// Says what should happen. It is asked again when something that concerns the subject changes, when an action that it
    /// wanted has ended, and at the time that it names.
    pub judge: fn(&View<'_>, &Subject) -> Verdict,
}

/// What a rule may look at.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The cluster.
    pub snapshot: &'a Snapshot,
    /// What the operator wants.
    pub settings: &'a Settings,
    /// What time it is.
    pub now: Timestamp,
    pub(crate) flights: &'a Flights,
}

impl View<'_> {
    /// How the last action of this kind about the subject ended. Kept until the object is gone or a rule has done with it.
    pub fn answer(&self, about: &Subject, verb: Verb) -> Option<&Answer> {
        self.flights.answer(about, verb)
    }

    /// Whether an action of this kind about the subject is under way.
    pub fn is_under_way(&self, about: &Subject, verb: Verb) -> bool {
        self.flights.is_under_way(about, verb)
    }

    /// Whether an action of this kind about the subject would be done if it were wished for now: none is under way, and none
    /// has failed a moment ago.
    pub fn may_act(&self, about: &Subject, verb: Verb) -> bool {
        self.flights.clearance(about, verb, self.now) == Clearance::Go
    }

    /// Whether any action of this kind is under way.
    pub fn any_under_way(&self, verb: Verb) -> bool {
        self.flights.any_under_way(verb)
    }
}

/// What a rule says.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What should be done. Of what is under way already, or has failed a moment ago, nothing is done twice.
    pub wishes: Vec<Wish>,
    /// What should be remembered.
    pub remember: Vec<Remember>,
    /// What is worth knowing, now.
    pub facts: Vec<Fact>,
    /// Answers that have served.
    pub forget: Vec<(Subject, Verb)>,
    /// When to ask again, if nothing changes before.
    pub again: Option<Timestamp>,
}

/// An action that a rule wants.
#[derive(Debug)]
pub struct Wish {
    /// What it is about.
    pub about: Subject,
    /// What should be done.
    pub effect: Effect,
    /// What is worth knowing once it has been done, and not before.
    pub then: Vec<Fact>,
    /// What should be remembered once it has been done.
    pub then_remember: Vec<Remember>,
}

impl Verdict {
    /// Nothing to do.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Nothing to do before that time.
    pub fn wait(until: Timestamp) -> Self {
        Self { again: Some(until), ..Self::default() }
    }

    /// This should be done.
    #[must_use]
    pub fn act(mut self, about: impl Into<Subject>, effect: Effect) -> Self {
        self.wishes.push(Wish { about: about.into(), effect, then: vec![], then_remember: vec![] });
        self
    }

    /// This is worth knowing once the last action that was wished for has been done.
    #[must_use]
    pub fn then(mut self, fact: Fact) -> Self {
        match self.wishes.last_mut() {
            Some(wish) => wish.then.push(fact),
            None => self.facts.push(fact),
        }
        self
    }

    /// This should be remembered once the last action that was wished for has been done.
    #[must_use]
    pub fn then_remember(mut self, what: Remember) -> Self {
        match self.wishes.last_mut() {
            Some(wish) => wish.then_remember.push(what),
            None => self.remember.push(what),
        }
        self
    }

    /// This is worth knowing.
    #[must_use]
    pub fn fact(mut self, fact: Fact) -> Self {
        self.facts.push(fact);
        self
    }

    /// This should be remembered.
    #[must_use]
    pub fn remember(mut self, what: Remember) -> Self {
        self.remember.push(what);
        self
    }

    /// This answer has served.
    #[must_use]
    pub fn forget(mut self, about: impl Into<Subject>, verb: Verb) -> Self {
        self.forget.push((about.into(), verb));
        self
    }

    /// Ask again at that time at the latest.
    #[must_use]
    pub fn again(mut self, at: Timestamp) -> Self {
        self.again = Some(self.again.map_or(at, |known| known.min(at)));
        self
    }

    /// Both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.wishes.extend(other.wishes);
        self.remember.extend(other.remember);
        self.facts.extend(other.facts);
        self.forget.extend(other.forget);
        match other.again {
            Some(at) => self.again(at),
            None => self,
        }
    }
}
