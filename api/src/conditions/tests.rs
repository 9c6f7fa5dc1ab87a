//! How condition sets behave, told on NodeClaims and NodePools.

use proptest::prelude::*;

use super::*;

const CREATED: &str = "2026-01-01T00:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn meta(generation: i64) -> ObjectMeta {
    ObjectMeta { generation: Some(generation), creation_timestamp: Some(Time(at(CREATED))), ..ObjectMeta::default() }
}

/// The conditions of a NodeClaim of the first generation, `seconds` after midnight.
fn claim(conditions: &mut Vec<Condition>, seconds: i64) -> ConditionSet<'_> {
    let now = Timestamp::from_second(at(CREATED).as_second() + seconds).expect("in range");
    ConditionSet::new(node_claim::TYPES, &meta(1), conditions, now)
}

fn types(conditions: &[Condition]) -> Vec<&str> {
    conditions.iter().map(|condition| condition.type_.as_str()).collect()
}

fn summary(condition: &Condition) -> (&str, &str, &str) {
    (&condition.status, &condition.reason, &condition.message)
}

fn root(conditions: &[Condition]) -> (&str, &str, &str) {
    summary(find(conditions, READY).expect("there is always a root"))
}

#[test]
fn reading_fills_in_what_is_missing_as_of_the_objects_creation() {
    // given a NodeClaim without conditions, an hour old
    let mut conditions = Vec::new();
    // when they are read
    claim(&mut conditions, 3600);
    // then all that readiness rests on is there, unknown since the creation, the root last
    assert_eq!(types(&conditions), ["Launched", "Registered", "Initialized", "Ready"]);
    for condition in &conditions {
        assert_eq!(condition.last_transition_time.0, at(CREATED), "{}", condition.type_);
        assert_eq!(condition.observed_generation, Some(1));
    }
    assert_eq!(summary(&conditions[0]), (UNKNOWN, "AwaitingReconciliation", "object is awaiting reconciliation"));
    let message = "Launched=Unknown, Registered=Unknown, Initialized=Unknown";
    assert_eq!(root(&conditions), (UNKNOWN, "ReconcilingDependents", message));
}

#[test]
fn the_root_follows_its_dependents() {
    let mut conditions = Vec::new();
    // when launched, and registration has failed
    claim(&mut conditions, 10).set_true(node_claim::LAUNCHED);
    claim(&mut conditions, 20).set_false(node_claim::REGISTERED, "MultipleNodesFound", "");
    // then the root is False, and lists the newest first
    assert_eq!(root(&conditions), (FALSE, "UnhealthyDependents", "Registered=False, Initialized=Unknown"));
    // when the rest comes true
    claim(&mut conditions, 30).set_true(node_claim::REGISTERED);
    claim(&mut conditions, 40).set_true(node_claim::INITIALIZED);
    // then so does the root, at that time
    assert_eq!(root(&conditions), (TRUE, "Ready", ""));
    assert_eq!(find(&conditions, READY).map(|root| root.last_transition_time.0), Some(at("2026-01-01T00:00:40Z")));
    assert_eq!(types(&conditions), ["Launched", "Registered", "Initialized", "Ready"]);
    assert!(claim(&mut conditions, 50).is_true(&[node_claim::LAUNCHED, READY]));
}

#[test]
fn the_transition_time_moves_with_the_status_only() {
    let mut conditions = Vec::new();
    claim(&mut conditions, 10).set_unknown_because(node_claim::LAUNCHED, "LaunchFailed", "no capacity");
    claim(&mut conditions, 20).set_unknown_because(node_claim::LAUNCHED, "LaunchFailed", "still none");
    let launched = find(&conditions, node_claim::LAUNCHED).expect("set");
    assert_eq!((launched.message.as_str(), launched.last_transition_time.0), ("still none", at(CREATED)));
    claim(&mut conditions, 30).set_true(node_claim::LAUNCHED);
    let launched = find(&conditions, node_claim::LAUNCHED).expect("set");
    assert_eq!(launched.last_transition_time.0, at("2026-01-01T00:00:30Z"));
}

#[test]
fn setting_what_is_set_changes_nothing() {
    let mut conditions = Vec::new();
    assert!(claim(&mut conditions, 10).set_true(node_claim::LAUNCHED));
    let before = conditions.clone();
    assert!(!claim(&mut conditions, 99).set_true(node_claim::LAUNCHED));
    assert_eq!(conditions, before);
}

#[test]
fn fractions_of_a_second_are_dropped_as_the_api_server_drops_them() {
    let mut conditions = Vec::new();
    let now = at("2026-01-01T00:00:10.999Z");
    ConditionSet::new(node_claim::TYPES, &meta(1), &mut conditions, now).set_true(node_claim::LAUNCHED);
    let launched = find(&conditions, node_claim::LAUNCHED).expect("set");
    assert_eq!(launched.last_transition_time.0, at("2026-01-01T00:00:10Z"));
}

#[test]
fn conditions_that_stand_for_themselves_start_now_and_leave_the_root_alone() {
    let mut conditions = Vec::new();
    claim(&mut conditions, 10).set_true_because(node_claim::DRIFTED, "NodePoolDrifted", "NodePoolDrifted");
    let drifted = find(&conditions, node_claim::DRIFTED).expect("set");
    assert_eq!(drifted.last_transition_time.0, at("2026-01-01T00:00:10Z"));
    assert_eq!(root(&conditions).1, "ReconcilingDependents");
    assert_eq!(types(&conditions), ["Launched", "Registered", "Initialized", "Drifted", "Ready"]);
}

#[test]
fn only_conditions_that_stand_for_themselves_can_be_cleared() {
    let mut conditions = Vec::new();
    claim(&mut conditions, 10).set_true(node_claim::DRIFTED);
    assert_eq!(claim(&mut conditions, 20).clear(node_claim::DRIFTED), Ok(true));
    assert_eq!(claim(&mut conditions, 20).clear(node_claim::DRIFTED), Ok(false));
    for vital in [READY, node_claim::LAUNCHED] {
        assert_eq!(claim(&mut conditions, 20).clear(vital), Err(CannotClear(vital.to_owned())));
    }
    assert_eq!(types(&conditions), ["Launched", "Registered", "Initialized", "Ready"]);
}

#[test]
fn what_was_said_of_an_earlier_generation_no_longer_counts() {
    // given a NodePool that is ready
    let mut conditions = Vec::new();
    let mut first = ConditionSet::new(node_pool::TYPES, &meta(1), &mut conditions, at(CREATED));
    first.set_true(node_pool::VALIDATION_SUCCEEDED);
    first.set_true(node_pool::NODE_CLASS_READY);
    assert_eq!(root(&conditions).0, TRUE);
    // when its spec changes and one of two controllers has looked at it
    let mut second = ConditionSet::new(node_pool::TYPES, &meta(2), &mut conditions, at("2026-01-01T01:00:00Z"));
    second.set_true(node_pool::NODE_CLASS_READY);
    // then its readiness is unknown until the other has
    assert_eq!(root(&conditions), (UNKNOWN, "ReconcilingDependents", "ValidationSucceeded=True"));
    let mut second = ConditionSet::new(node_pool::TYPES, &meta(2), &mut conditions, at("2026-01-01T02:00:00Z"));
    second.set_true(node_pool::VALIDATION_SUCCEEDED);
    assert_eq!(root(&conditions).0, TRUE);
}

#[test]
fn a_failure_of_an_earlier_generation_makes_nothing_false() {
    let mut conditions = Vec::new();
    ConditionSet::new(node_pool::TYPES, &meta(1), &mut conditions, at(CREATED)).set_false(
        node_pool::VALIDATION_SUCCEEDED,
        node_pool::NODE_POOL_VALIDATION_FAILED,
        "no",
    );
    ConditionSet::new(node_pool::TYPES, &meta(2), &mut conditions, at(CREATED)).set_true(node_pool::NODE_CLASS_READY);
    assert_eq!(root(&conditions), (UNKNOWN, "ReconcilingDependents", "ValidationSucceeded=False"));
}

#[test]
fn an_object_that_is_going_counts_as_observed() {
    let mut conditions = Vec::new();
    claim(&mut conditions, 10).set_true(node_claim::LAUNCHED);
    let deleting = ObjectMeta { deletion_timestamp: Some(Time(at(CREATED))), ..meta(2) };
    ConditionSet::new(node_claim::TYPES, &deleting, &mut conditions, at(CREATED))
        .set_true(node_claim::INSTANCE_TERMINATING);
    assert!(conditions.iter().all(|condition| condition.observed_generation == Some(2)), "{conditions:?}");
}

#[test]
fn a_kind_without_dependents_has_a_root_of_its_own() {
    let mut conditions = Vec::new();
    let mut set = ConditionSet::new(KWOK_NODE_CLASS, &meta(1), &mut conditions, at(CREATED));
    assert_eq!(set.root().map(|root| root.status.as_str()), Some(UNKNOWN));
    set.set_true(READY);
    assert_eq!(root(&conditions), (TRUE, "Ready", ""));
}

proptest! {
    #[test]
    fn the_root_is_last_and_sums_up_the_rest(steps in prop::collection::vec((0usize..5, 0usize..3, 1i64..1000), 0..30)) {
        let mut conditions = Vec::new();
        let mut now = 0;
        for (condition, status, later) in steps {
            now += later;
            let all = [node_claim::LAUNCHED, node_claim::REGISTERED, node_claim::INITIALIZED, node_claim::DRIFTED, node_claim::DRAINED];
            let mut set = claim(&mut conditions, now);
            match status {
                0 => set.set_true(all[condition]),
                1 => set.set_false(all[condition], "Reason", ""),
                _ => set.set_unknown(all[condition]),
            };
        }
        claim(&mut conditions, now);
        let (last, others) = conditions.split_last().expect("there is always a root");
        prop_assert_eq!(last.type_.as_str(), READY);
        prop_assert!(others.is_sorted_by_key(|condition| condition.last_transition_time.0));
        let dependents: Vec<_> = node_claim::TYPES.dependents.iter().map(|type_| {
            find(&conditions, type_).map(|condition| condition.status.as_str())
        }).collect();
        let expected = if dependents.iter().all(|&status| status == Some(TRUE)) {
            TRUE
        } else if dependents.contains(&Some(FALSE)) {
            FALSE
        } else {
            UNKNOWN
        };
        prop_assert_eq!(last.status.as_str(), expected);
    }
}
