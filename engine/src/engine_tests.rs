//! The engine with a few small rules: who is asked when, what is done twice and what is not.

use super::*;
use crate::action::{ActionId, ApiError, Effect, Fault, Patch};
use crate::cluster::{Kind, Object, ObjectKey};
use crate::fact::Fact;
use dovetail_cloudprovider::errors::ProviderError;
use k8s_openapi::jiff::SignedDuration;
use serde_json::json;

fn second(n: i64) -> Timestamp {
    Timestamp::from_second(n).expect("a time in range")
}

fn namespace(version: u64, mark: Option<&str>) -> Object {
    let labels = mark.map_or_else(|| json!({}), |mark| json!({"mark": mark}));
    let metadata = json!({"name": "shop", "uid": "uid-shop", "resourceVersion": version.to_string(), "labels": labels});
    Object::Namespace(serde_json::from_value(json!({"metadata": metadata})).expect("a readable namespace"))
}

fn shop() -> Subject {
    Subject::named(Kind::Namespace, "shop")
}

/// Wants a mark on every namespace, and counts the marks it has made.
const MARKER: Rule = Rule {
    name: "marker",
    of_cluster: false,
    concerns: |_, change, tell| {
        if let Subject::Object(key) = change.about()
            && key.kind == Kind::Namespace
        {
            tell(key.into());
        }
    },
    judge: |view, about| {
        let namespace = about.object().and_then(|key| view.snapshot.namespaces.get(&key.name));
        let Some(namespace) = namespace else { return Verdict::nothing() };
        if namespace.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key("mark")) {
            return Verdict::nothing();
        }
        let patch = Patch::of(&namespace.metadata, json!({"metadata": {"labels": {"mark": "yes"}}}));
        let patch = Effect::Patch(patch.unless_changed(&namespace.metadata));
        Verdict::nothing().act(about.clone(), patch).then(Fact::count("marks_total", vec![]))
    },
};

/// Looks at all machines every ten seconds.
const WATCHMAN: Rule = Rule {
    name: "watchman",
    of_cluster: true,
    concerns: |_, _, _| {},
    judge: |view, _| match view.answer(&Subject::Cluster, Verb::ListMachines) {
        Some(answer) if view.now < answer.at + SignedDuration::from_secs(10) && answer.outcome.is_ok() => {
            Verdict::wait(answer.at + SignedDuration::from_secs(10))
        }
        _ => Verdict::nothing().act(Subject::Cluster, Effect::ListMachines),
    },
};

struct Story {
    engine: Engine,
    now: i64,
}

impl Story {
    /// An engine with a rule that has listed nothing yet.
    fn of(rules: &'static [Rule]) -> Self {
        let settings = Settings { watched: vec![Kind::Namespace, Kind::Node], ..Settings::default() };
        Self { engine: Engine::with_rules(settings, rules), now: 0 }
    }

    /// An engine that knows an empty cluster.
    fn ready(rules: &'static [Rule]) -> Self {
        let mut story = Self::of(rules);
        story.see(Event::Relisted(Kind::Namespace));
        story.see(Event::Relisted(Kind::Node));
        story
    }

    fn see(&mut self, event: Event) {
        self.engine.observe(event, second(self.now));
    }

    fn finish(&mut self, id: ActionId, outcome: Outcome) {
        self.see(Event::Finished { id, outcome });
    }

    fn advance(&mut self) -> Vec<(ActionId, Verb)> {
        let actions = self.engine.advance(second(self.now));
        actions.into_iter().map(|action| (action.id, action.effect.verb())).collect()
    }

    fn only(&mut self) -> ActionId {
        let actions = self.advance();
        assert_eq!(actions.len(), 1, "one action, not {actions:?}");
        actions[0].0
    }
}

fn refused(fault: Fault) -> Outcome {
    Outcome::Written(Err(ApiError::new(fault, 0, "no")))
}

#[test]
fn nothing_is_done_before_everything_has_been_listed() {
    let mut story = Story::of(&[MARKER, WATCHMAN]);
    story.see(Event::Applied(namespace(1, None)));
    story.see(Event::Relisted(Kind::Namespace));
    assert_eq!((story.advance(), story.engine.next_wake()), (vec![], None));
    story.see(Event::Relisted(Kind::Node));
    let verbs: Vec<_> = story.advance().into_iter().map(|(_, verb)| verb).collect();
    assert_eq!(verbs, [Verb::Patch, Verb::ListMachines]);
}

#[test]
fn what_is_under_way_is_not_done_twice_and_facts_wait_for_its_end() {
    let mut story = Story::ready(&[MARKER]);
    story.see(Event::Applied(namespace(1, None)));
    let id = story.only();
    story.see(Event::Applied(namespace(2, None)));
    assert_eq!(story.advance(), [], "the namespace changed, but its patch is under way");
    assert_eq!(story.engine.take_facts(), []);
    story.finish(id, Outcome::Written(Ok(Some(namespace(3, Some("yes"))))));
    assert_eq!(story.advance(), [], "its own write is known at once, before any watch tells of it");
    assert_eq!(story.engine.take_facts(), [Fact::count("marks_total", vec![])]);
    story.see(Event::Applied(namespace(2, None)));
    assert_eq!(story.advance(), [], "what comes late is not believed");
}

#[test]
fn what_failed_is_tried_again_after_a_while_that_doubles() {
    let mut story = Story::ready(&[WATCHMAN]);
    let mut waits = vec![];
    for _ in 0..6 {
        let id = story.only();
        story.finish(id, Outcome::Machines(Err(ProviderError::other("throttled"))));
        assert_eq!(story.advance(), [], "not at once");
        let wake = story.engine.next_wake().expect("it is tried again");
        waits.push(wake.as_second() - story.now);
        story.now = wake.as_second();
    }
    assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
    let id = story.only();
    story.finish(id, Outcome::Machines(Ok(vec![])));
    assert_eq!(story.advance(), []);
    assert_eq!(story.engine.next_wake(), Some(second(story.now + 10)), "and then in its own time");
}

#[test]
fn a_conflict_is_over_as_soon_as_the_change_behind_it_is_known() {
    let mut story = Story::ready(&[MARKER]);
    story.see(Event::Applied(namespace(1, None)));
    let id = story.only();
    story.finish(id, refused(Fault::Conflict));
    assert_eq!(story.advance(), []);
    story.see(Event::Applied(namespace(2, None)));
    let id = story.only();
    story.finish(id, refused(Fault::Timeout));
    story.see(Event::Applied(namespace(3, None)));
    assert_eq!(story.advance(), [], "any other failure has to be waited out");
}

#[test]
fn an_object_that_is_gone_takes_its_answers_along() {
    let mut story = Story::ready(&[MARKER]);
    story.see(Event::Applied(namespace(1, None)));
    let id = story.only();
    story.finish(id, refused(Fault::Other));
    story.see(Event::Deleted(ObjectKey::named(Kind::Namespace, "shop")));
    assert_eq!(story.advance(), []);
    assert!(story.engine.flights.answer(&shop(), Verb::Patch).is_none());
    story.see(Event::Applied(namespace(9, None)));
    story.only();
}

#[test]
fn an_end_that_is_told_twice_counts_once() {
    let mut story = Story::ready(&[MARKER]);
    story.see(Event::Applied(namespace(1, None)));
    let id = story.only();
    story.finish(id, Outcome::Written(Ok(None)));
    story.finish(id, Outcome::Written(Ok(None)));
    assert_eq!(story.engine.take_facts().len(), 1);
    assert_eq!(story.engine.under_way(Verb::Patch), 0);
}

#[test]
fn a_new_engine_goes_on_from_the_objects_alone() {
    let mut first = Story::ready(&[MARKER]);
    first.see(Event::Applied(namespace(1, None)));
    first.only();
    let mut second = Story::ready(&[MARKER]);
    second.see(Event::Applied(namespace(2, Some("yes"))));
    assert_eq!(second.advance(), [], "the write of the first has arrived");
    let mut third = Story::ready(&[MARKER]);
    third.see(Event::Applied(namespace(1, None)));
    third.only();
}
