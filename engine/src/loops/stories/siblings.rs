//! Expiration, hydration, pod events, consistency.

use super::{given_a_node, given_a_pod, given_a_pool, last_pod_event};
use crate::action::{Fault, Verb};
use crate::cluster::Kind;
use crate::loops::{consistency, expiration, hydration, pod_events};
use crate::testing_world::World;
use serde_json::json;

fn given(rules: &'static [crate::rule::Rule]) -> World {
    let mut world = given_a_pool(rules);
    given_a_node(&mut world, "a");
    world
}

#[test]
fn a_claim_is_deleted_when_its_time_is_up_and_not_before() {
    let mut world = given(&[expiration::RULE]);
    given_a_pod(&mut world, "shop-1", "node-a");
    given_a_pod(&mut world, "shop-2", "node-a");
    world.edit(Kind::NodeClaim, "a", |claim| claim["spec"]["expireAfter"] = json!("24h"));
    world.pass(24 * 3600 - 1);
    assert_eq!(world.done, Vec::<String>::new());
    world.refuse(Verb::Delete, Fault::Timeout);
    world.pass(2);
    assert!(!world.get(Kind::NodeClaim, "a").expect("it is held")["metadata"]["deletionTimestamp"].is_null());
    let (times, labels) = world.counted("karpenter_nodeclaims_disrupted_total");
    assert_eq!((times, labels[0].1.as_str()), (1.0, "expired"), "what failed at first is counted once");
    assert_eq!(world.counted("karpenter_pods_disruption_initiated_total").0, 2.0);
    world.take_done();
    world.pass(3600);
    assert_eq!(world.done, Vec::<String>::new());
}

#[test]
fn a_claim_that_never_expires_wakes_nobody() {
    let mut world = given(&[expiration::RULE]);
    world.settle();
    assert_eq!(world.engine.next_wake(), None);
}

#[test]
fn claims_and_nodes_of_older_versions_learn_their_node_class() {
    let mut world = given(&[hydration::RULE]);
    let key = "karpenter.kwok.sh/kwoknodeclass";
    let forget = |object: &mut serde_json::Value| {
        drop(object["metadata"]["labels"].as_object_mut().expect("labels").remove(key))
    };
    world.edit(Kind::NodeClaim, "a", forget);
    world.edit(Kind::Node, "node-a", forget);
    world.settle();
    for (kind, name) in [(Kind::NodeClaim, "a"), (Kind::Node, "node-a")] {
        assert_eq!(world.get(kind, name).expect("it is there")["metadata"]["labels"][key], "default");
    }
    assert_eq!(world.done.len(), 2);
}

#[test]
fn pods_that_come_end_and_go_are_written_down_at_most_every_ten_seconds() {
    let mut world = given(&[pod_events::RULE]);
    world.settle();
    assert_eq!(last_pod_event(&world, "a"), "");
    given_a_pod(&mut world, "shop-1", "node-a");
    world.settle();
    assert_eq!(last_pod_event(&world, "a"), "2026-01-01T00:00:00Z");
    world.pass(9);
    given_a_pod(&mut world, "shop-2", "node-a");
    world.settle();
    assert_eq!(last_pod_event(&world, "a"), "2026-01-01T00:00:00Z", "too soon");
    world.pass(11);
    world.edit(Kind::Pod, "default/shop-1", |pod| pod["status"]["phase"] = json!("Succeeded"));
    world.settle();
    assert_eq!(last_pod_event(&world, "a"), "2026-01-01T00:00:20Z", "one has come to its end");
    world.pass(10);
    world.edit(Kind::Pod, "default/shop-2", |pod| pod["metadata"]["labels"] = json!({"x": "y"}));
    world.vanish(Kind::Pod, "default/shop-1");
    world.settle();
    assert_eq!(last_pod_event(&world, "a"), "2026-01-01T00:00:20Z", "neither is news");
    world.vanish(Kind::Pod, "default/shop-2");
    world.settle();
    assert_eq!(last_pod_event(&world, "a"), "2026-01-01T00:00:30Z");
}

#[test]
fn pods_of_daemon_sets_are_no_events() {
    let mut world = given(&[pod_events::RULE]);
    world.put(json!({
        "kind": "Pod",
        "metadata": {
            "name": "agent-1", "namespace": "default",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "1", "controller": true}],
        },
        "spec": {"nodeName": "node-a", "containers": [{"name": "main"}]},
    }));
    world.settle();
    assert_eq!(world.done, Vec::<String>::new());
}

#[test]
fn a_restart_makes_no_node_look_busy_but_sees_what_happened_meanwhile() {
    let mut world = given(&[pod_events::RULE]);
    let bound_at = |world: &mut World, name: &str, at: &str| {
        world.put(json!({
            "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
            "spec": {"nodeName": "node-a", "containers": [{"name": "main"}]},
            "status": {"conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": at}]},
        }));
    };
    bound_at(&mut world, "shop-1", "2026-01-01T00:00:00Z");
    world.pass(3600);
    world.restart();
    world.settle();
    assert_eq!(last_pod_event(&world, "a"), "2026-01-01T00:00:00Z");
    bound_at(&mut world, "shop-2", "2026-01-01T00:30:00Z");
    world.restart();
    world.settle();
    assert_eq!(last_pod_event(&world, "a"), "2026-01-01T00:30:00Z");
}

#[test]
fn a_node_with_less_than_it_was_bought_for_is_told_of() {
    let mut world = given(&[consistency::RULE]);
    world.settle();
    assert_eq!(world.condition(Kind::NodeClaim, "a", "ConsistentStateFound"), "True/ConsistentStateFound");
    let capacity = |world: &mut World, cpu: &str, memory: &str| {
        let capacity = json!({"cpu": cpu, "memory": memory, "pods": "20"});
        world.edit(Kind::Node, "node-a", |node| node["status"]["capacity"] = capacity);
        world.settle();
    };
    capacity(&mut world, "1800m", "1Gi");
    assert_eq!(
        world.condition(Kind::NodeClaim, "a", "ConsistentStateFound"),
        "True/ConsistentStateFound",
        "nine tenths are enough, and nobody asked for memory"
    );
    capacity(&mut world, "1799m", "4Gi");
    assert_eq!(world.condition(Kind::NodeClaim, "a", "ConsistentStateFound"), "False/ConsistencyCheckFailed");
    let message = world.facts.iter().find_map(|fact| match fact {
        crate::fact::Fact::Event(notice) => {
            let values: Vec<_> = notice.values.iter().map(|(key, value)| (*key, value.as_str())).collect();
            Some(notice.kind.message(&values))
        }
        _ => None,
    });
    // 1.799 of 2 cores are 89.95 %, which prints as the nearest tenth.
    assert_eq!(message.as_deref(), Some("expected 2 of resource cpu, but found 1799m (90.0% of expected)"));
    world.take_done();
    world.pass(3600);
    assert_eq!(world.done, Vec::<String>::new(), "told once");
    capacity(&mut world, "2", "4Gi");
    assert_eq!(world.condition(Kind::NodeClaim, "a", "ConsistentStateFound"), "True/ConsistentStateFound");
}
