//! What messages and checks say, and what they make happen.

use super::health::{Category, Check, Counted, InstanceStatus, ScheduledEvent, Unhealthy, unhealthy};
use super::message::{BadMessage, Kind, Message, read};
use super::response::{Effect, Target, Targets, to_findings, to_messages};
use crate::capacity_type::CapacityType;
use crate::unavailable::{OfferingKey, Scope};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

fn event(source: &str, detail_type: &str, detail: &Value) -> Value {
    json!({
        "version": "0", "id": "1", "account": "123456789012", "region": "us-west-2", "resources": [],
        "time": "2026-01-01T00:00:00Z", "source": source, "detail-type": detail_type, "detail": detail,
    })
}

fn spot_warning(instance: &str) -> Value {
    let detail = json!({"instance-id": instance, "instance-action": "terminate"});
    event("aws.ec2", "EC2 Spot Instance Interruption Warning", &detail)
}

fn state_change(state: &str) -> Value {
    event("aws.ec2", "EC2 Instance State-change Notification", &json!({"instance-id": "i-1", "state": state}))
}

fn health_event(change: &[(&str, Value)]) -> Value {
    let mut detail = json!({
        "service": "EC2", "eventTypeCategory": "scheduledChange", "eventTypeCode": "AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED",
        "affectedEntities": [{"entityValue": "i-1"}, {"entityValue": "i-2"}],
    });
    change.iter().for_each(|(key, value)| detail[*key] = value.clone());
    event("aws.health", "AWS Health Event", &detail)
}

fn said(body: &Value) -> (Kind, Vec<String>) {
    let message = read(&body.to_string()).expect("a message");
    (message.kind, message.instances)
}

fn one(kind: Kind) -> (Kind, Vec<String>) {
    (kind, vec!["i-1".to_owned()])
}

const NOTHING: (Kind, Vec<String>) = (Kind::NoOp, Vec::new());

#[test]
fn every_kind_of_event_is_understood() {
    let of_ec2 = |detail_type: &str| said(&event("aws.ec2", detail_type, &json!({"instance-id": "i-1"})));
    assert_eq!(said(&spot_warning("i-1")), one(Kind::SpotInterrupted));
    assert_eq!(of_ec2("EC2 Instance Rebalance Recommendation"), one(Kind::RebalanceRecommendation));
    let taken_back = of_ec2("EC2 Capacity Reservation Instance Interruption Warning");
    assert_eq!(taken_back, one(Kind::CapacityReservationInterrupted));
    let both = vec!["i-1".to_owned(), "i-2".to_owned()];
    assert_eq!(said(&health_event(&[])), (Kind::ScheduledChange, both));
    let time = read(&spot_warning("i-1").to_string()).expect("a message").time;
    assert_eq!(time, "2026-01-01T00:00:00Z".parse().ok());
}

#[test]
fn states_are_read_in_any_case_and_most_say_nothing() {
    for state in ["stopping", "stopped", "STOPPED", "Stopping"] {
        assert_eq!(said(&state_change(state)), one(Kind::InstanceStopped), "{state}");
    }
    for state in ["shutting-down", "terminated", "Shutting-Down", "TERMINATED"] {
        assert_eq!(said(&state_change(state)), one(Kind::InstanceTerminated), "{state}");
    }
    for state in ["pending", "running", "dreaming"] {
        assert_eq!(said(&state_change(state)), NOTHING, "{state}");
    }
}

#[test]
fn what_nobody_waits_for_says_nothing() {
    let mut newer = spot_warning("i-1");
    newer["version"] = json!("1");
    assert_eq!(said(&newer), NOTHING);
    assert_eq!(said(&event("aws.ec2", "EC2 Fleet Instance Change", &json!({}))), NOTHING);
    assert_eq!(
        said(&event("aws.s3", "EC2 Spot Instance Interruption Warning", &json!({"instance-id": "i-1"}))),
        NOTHING
    );
    assert_eq!(said(&json!({})), NOTHING);
    assert_eq!(said(&health_event(&[("service", json!("RDS"))])), NOTHING);
    assert_eq!(said(&health_event(&[("eventTypeCategory", json!("issue"))])), NOTHING);
    assert_eq!(said(&health_event(&[("statusCode", json!("closed"))])), NOTHING, "it is over");
    assert_eq!(said(&health_event(&[("affectedEntities", json!([]))])), (Kind::ScheduledChange, vec![]));
}

#[test]
fn what_cannot_be_read_is_an_error() {
    for body in ["", "hello", "[]", "null", "3", "{\"version\": 0}", "{\"version\": \"0\""] {
        assert!(matches!(read(body), Err(BadMessage::NoEvent(_))), "{body}");
    }
    let lacking = read(&event("aws.ec2", "EC2 Spot Instance Interruption Warning", &json!({})).to_string());
    let text = "the event \"EC2 Spot Instance Interruption Warning\" of aws.ec2 has no instance-id";
    assert_eq!(lacking.expect_err("no instance").to_string(), text);
}

fn target(claim: &str) -> Target {
    let labels = [
        ("node.kubernetes.io/instance-type", "m5.large"),
        ("topology.kubernetes.io/zone", "a"),
        ("karpenter.sh/capacity-type", "spot"),
        ("karpenter.sh/nodepool", "default"),
        ("karpenter.k8s.aws/capacity-reservation-id", "cr-1"),
    ];
    Target {
        claim: claim.to_owned(),
        node: Some(format!("node-of-{claim}")),
        labels: labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        ..Target::default()
    }
}

fn targets() -> Targets {
    [("i-1", target("a")), ("i-2", target("b"))].map(|(id, target)| (id.to_owned(), target)).into()
}

fn message(kind: Kind, instances: &[&str]) -> Message {
    Message { kind, instances: instances.iter().map(|id| (*id).to_owned()).collect(), time: None }
}

/// Effects in a few words.
fn show(effects: &[Effect]) -> Vec<String> {
    let words = |effect: &Effect| match effect {
        Effect::Publish { event, kind, name } => format!("{} on {kind} {name}", event.reason),
        Effect::MarkOffering(key) => format!("mark {} {} {}", key.capacity_type, key.instance_type, key.zone),
        Effect::EndNow { claim, .. } => format!("end {claim} now"),
        Effect::Delete { claim } => format!("delete {claim}"),
        Effect::Count { reason, nodepool, capacity_type, .. } => format!("count {reason} {nodepool} {capacity_type}"),
    };
    effects.iter().map(words).collect()
}

#[test]
fn a_spot_warning_ends_the_claim_and_its_offering_is_not_tried_again() {
    let effects = to_messages(&[message(Kind::SpotInterrupted, &["i-1"])], &targets());
    assert_eq!(
        show(&effects),
        [
            "SpotInterrupted on NodeClaim a",
            "SpotInterrupted on Node node-of-a",
            "mark spot m5.large a",
            "delete a",
            "TerminatingOnInterruption on NodeClaim a",
            "TerminatingOnInterruption on Node node-of-a",
            "count spot_interrupted default spot",
        ]
    );
}

#[test]
fn a_recommendation_is_told_and_nothing_else() {
    let effects = to_messages(&[message(Kind::RebalanceRecommendation, &["i-1"])], &targets());
    let told = ["SpotRebalanceRecommendation on NodeClaim a", "SpotRebalanceRecommendation on Node node-of-a"];
    assert_eq!(show(&effects), told);
}

#[test]
fn reserved_capacity_that_is_taken_back_is_not_tried_again_in_that_reservation() {
    let effects = to_messages(&[message(Kind::CapacityReservationInterrupted, &["i-1"])], &targets());
    let key = OfferingKey {
        capacity_type: CapacityType::Reserved,
        instance_type: "m5.large".to_owned(),
        zone: "a".to_owned(),
        scope: Scope::Reservation("cr-1".to_owned()),
    };
    assert!(effects.contains(&Effect::MarkOffering(key)));
    assert!(effects.contains(&Effect::Delete { claim: "a".to_owned() }));
}

#[test]
fn each_kind_has_an_event_of_its_own() {
    for (kind, event) in [
        (Kind::ScheduledChange, "InstanceUnhealthy"),
        (Kind::InstanceStopped, "InstanceStopping"),
        (Kind::InstanceTerminated, "InstanceTerminating"),
        (Kind::CapacityReservationInterrupted, "CapacityReservationInstanceInterrupted"),
    ] {
        let effects = show(&to_messages(&[message(kind, &["i-1"])], &targets()));
        assert_eq!(effects[0], format!("{event} on NodeClaim a"));
        assert!(effects.contains(&"delete a".to_owned()), "{kind:?}");
    }
    assert_eq!(to_messages(&[message(Kind::NoOp, &["i-1"])], &targets()), []);
}

#[test]
fn machines_of_others_are_none_of_our_business() {
    assert_eq!(to_messages(&[message(Kind::SpotInterrupted, &["i-9"])], &targets()), []);
}

#[test]
fn a_claim_is_ended_once_however_often_it_is_announced() {
    let burst = [
        message(Kind::SpotInterrupted, &["i-1"]),
        message(Kind::InstanceTerminated, &["i-1"]),
        message(Kind::SpotInterrupted, &["i-1"]),
    ];
    let deletions = |effects: &[Effect]| show(effects).iter().filter(|e| *e == "delete a").count();
    assert_eq!(deletions(&to_messages(&burst, &targets())), 1);
    let mut leaving = targets();
    leaving.get_mut("i-1").expect("a target").deleting = true;
    let effects = to_messages(&burst, &leaving);
    assert_eq!(deletions(&effects), 0);
    assert!(show(&effects).iter().all(|e| !e.starts_with("TerminatingOnInterruption") && !e.starts_with("count")));
}

#[test]
fn a_claim_without_a_node_or_labels_is_ended_all_the_same() {
    let bare = Target { claim: "a".to_owned(), ..Target::default() };
    let effects = to_messages(&[message(Kind::SpotInterrupted, &["i-1"])], &[("i-1".to_owned(), bare)].into());
    let expected = [
        "SpotInterrupted on NodeClaim a",
        "delete a",
        "TerminatingOnInterruption on NodeClaim a",
        "count spot_interrupted  ",
    ];
    assert_eq!(show(&effects), expected);
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn failing(since: i64) -> Check {
    Check { status: "impaired".to_owned(), failed_since: vec![Some(at(since))] }
}

fn status(instance: &str) -> InstanceStatus {
    InstanceStatus { instance: instance.to_owned(), ..InstanceStatus::default() }
}

fn found(statuses: &[InstanceStatus], now: i64) -> Vec<(String, &'static str)> {
    unhealthy(statuses, at(now)).into_iter().map(|one| (one.instance, one.category.as_str())).collect()
}

#[test]
fn a_check_that_has_just_failed_may_pass_again() {
    let ill = InstanceStatus { instance_check: failing(0), ..status("i-1") };
    assert_eq!(found(std::slice::from_ref(&ill), 119), []);
    assert_eq!(found(&[ill.clone(), ill], 120), [("i-1".to_owned(), "instance_status")], "two queries, one machine");
    let system = InstanceStatus { system_check: failing(0), ..status("i-2") };
    assert_eq!(found(&[system], 120), [("i-2".to_owned(), "system_status")]);
    let undated = Check { failed_since: vec![None], ..failing(0) };
    assert_eq!(found(&[InstanceStatus { instance_check: undated, ..status("i-3") }], 999), []);
    let recovered = Check { status: "ok".to_owned(), ..failing(0) };
    assert_eq!(found(&[InstanceStatus { instance_check: recovered, ..status("i-4") }], 999), []);
}

#[test]
fn what_is_planned_counts_until_it_is_over() {
    let planned = |code: &str, description: &str| {
        let event = ScheduledEvent { code: code.to_owned(), description: description.to_owned() };
        found(&[InstanceStatus { events: vec![event], ..status("i-1") }], 0).len()
    };
    assert_eq!(planned("instance-retirement", "The instance is running on degraded hardware"), 1);
    assert_eq!(planned("system-reboot", "[Completed] scheduled reboot"), 0);
    assert_eq!(planned("system-reboot", "[Canceled] scheduled reboot"), 0);
    assert_eq!(planned("volume-check", ""), 0);
}

#[test]
fn a_machine_that_fails_its_checks_is_not_drained_at_leisure() {
    let finding = |category| [Unhealthy { instance: "i-1".to_owned(), category }];
    let effects = show(&to_findings(&finding(Category::SystemStatus), &targets()));
    assert_eq!(effects[2..4], ["end a now", "delete a"]);
    let effects = show(&to_findings(&finding(Category::EventStatus), &targets()));
    assert_eq!(effects[2], "delete a");
    let mut due = targets();
    due.get_mut("i-1").expect("a target").must_end_by = true;
    let effects = show(&to_findings(&finding(Category::InstanceStatus), &due));
    assert!(!effects.contains(&"end a now".to_owned()), "the time was set once and stays");
}

#[test]
fn a_machine_is_counted_again_once_it_has_been_well() {
    let ill = unhealthy(&[InstanceStatus { instance_check: failing(0), ..status("i-1") }], at(200));
    let mut counted = Counted::default();
    assert_eq!(counted.new_ones(&ill).len(), 1);
    assert_eq!(counted.new_ones(&ill).len(), 0);
    assert_eq!(counted.new_ones(&[]).len(), 0);
    assert_eq!(counted.new_ones(&ill).len(), 1);
}

/// Any JSON value, a few levels deep.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z-]{0,12}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Nothing that can stand on the queue stops anybody who reads it.
    #[test]
    fn no_text_is_fatal(body in "\\PC{0,200}") {
        let _ = read(&body);
    }

    /// An event with any of its fields replaced by anything is understood, says nothing, or is an error; and whatever is
    /// understood names instances only that are in it.
    #[test]
    fn no_event_is_fatal(which in 0_usize..4, field in 0_usize..6, inside in any::<bool>(), value in json_value()) {
        let mut events = [spot_warning("i-1"), state_change("stopped"), health_event(&[]), spot_warning("i-2")];
        let event = &mut events[which];
        let place = if inside { &mut event["detail"] } else { &mut *event };
        let keys = match inside {
            true => ["instance-id", "state", "service", "eventTypeCategory", "affectedEntities", "statusCode"],
            false => ["version", "source", "detail-type", "time", "detail", "id"],
        };
        place[keys[field]] = value;
        let body = event.to_string();
        if let Ok(message) = read(&body) {
            for instance in &message.instances {
                prop_assert!(body.contains(&json!(instance).to_string()));
            }
            prop_assert!(message.kind != Kind::NoOp || message.instances.is_empty());
        }
    }
}
