//! Stories of claims, from the wish for a node to its end.

use super::RULE;
use crate::action::{Fault, Verb};
use crate::cluster::Kind;
use crate::testing_world::World;
use dovetail_cloudprovider::errors::ProviderError;
use serde_json::{Value, json};

/// A world with a pool and a claim of it that wants a node.
fn given_a_claim() -> World {
    given_a_claim_with(&[])
}

/// The same, with some fields of its spec set.
fn given_a_claim_with(spec: &[(&str, Value)]) -> World {
    let mut world = World::new(&[RULE]);
    let class = json!({"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"});
    world.put(json!({
        "kind": "NodePool", "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"requirements": [], "nodeClassRef": class}}},
    }));
    let mut claim = json!({
        "kind": "NodeClaim",
        "metadata": {
            "name": "web-1", "labels": {"karpenter.sh/nodepool": "web", "team": "shop"}, "annotations": {"note": "ours"},
            "ownerReferences": [{"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "name": "web", "uid": "uid-web"}],
        },
        "spec": {
            "requirements": [], "nodeClassRef": class,
            "taints": [{"key": "dedicated", "value": "shop", "effect": "NoSchedule"}],
            "startupTaints": [{"key": "boot", "effect": "NoExecute"}],
            "resources": {"requests": {"cpu": "1", "pods": "3"}},
        },
    });
    for (field, value) in spec {
        claim["spec"][field] = value.clone();
    }
    world.put(claim);
    world
}

/// The kubelet of the claim's machine joins the cluster.
fn the_node_joins(world: &mut World) {
    world.put(json!({
        "kind": "Node",
        "metadata": {"name": "node-1", "labels": {"team": "nobody", "kubernetes.io/hostname": "node-1"}},
        "spec": {
            "providerID": "fake:///uid-web-1",
            "taints": [
                {"key": "karpenter.sh/unregistered", "effect": "NoExecute"},
                {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"},
            ],
        },
        "status": {"conditions": [{"type": "Ready", "status": "False"}]},
    }));
    world.settle();
}

/// The kubelet is up, and offers this much.
fn the_node_is_ready(world: &mut World, allocatable: Value) {
    world.edit(Kind::Node, "node-1", |node| {
        node["status"] = json!({
            "conditions": [{"type": "Ready", "status": "True"}], "capacity": allocatable, "allocatable": allocatable,
        });
        node["spec"]["taints"].as_array_mut().expect("taints").retain(|t| t["key"] == "dedicated");
    });
    world.settle();
}

fn claim(world: &World) -> &Value {
    world.get(Kind::NodeClaim, "web-1").expect("the claim is there")
}

fn node(world: &World) -> &Value {
    world.get(Kind::Node, "node-1").expect("the node is there")
}

fn condition(world: &World, type_: &str) -> String {
    world.condition(Kind::NodeClaim, "web-1", type_)
}

/// The keys of the taints on the node.
fn taints(world: &World) -> Vec<&str> {
    let taints = node(world)["spec"]["taints"].as_array();
    taints.into_iter().flatten().filter_map(|t| t["key"].as_str()).collect()
}

#[test]
fn a_claim_is_held_then_launched_and_gets_what_the_machine_is_like() {
    let mut world = given_a_claim();
    world.settle();
    let claim = claim(&world);
    assert_eq!(claim["metadata"]["finalizers"], json!(["karpenter.sh/termination"]));
    assert_eq!(claim["metadata"]["labels"]["node.kubernetes.io/instance-type"], "small");
    assert_eq!(claim["status"]["providerID"], "fake:///uid-web-1");
    assert_eq!(claim["status"]["capacity"]["cpu"], "2");
    assert_eq!(condition(&world, "Launched"), "True/Launched");
    assert_eq!(condition(&world, "Registered"), "Unknown/NodeNotFound");
    assert_eq!(condition(&world, "Ready"), "Unknown/ReconcilingDependents");
    assert_eq!(world.log(), ["launched nodeclaim"]);
    let writes = ["Patch", "Launch", "Patch", "PatchStatus"].map(|verb| format!("{verb} NodeClaim web-1"));
    assert_eq!(world.done, writes, "held before it is launched, and written twice");
}

#[test]
fn its_own_labels_win_over_the_providers() {
    let mut world = given_a_claim();
    world.edit(Kind::NodeClaim, "web-1", |c| c["metadata"]["labels"]["topology.kubernetes.io/zone"] = json!("mine"));
    world.settle();
    assert_eq!(claim(&world)["metadata"]["labels"]["topology.kubernetes.io/zone"], "mine");
}

#[test]
fn a_status_that_cannot_be_written_buys_nothing_twice() {
    let mut world = given_a_claim();
    world.refuse(Verb::PatchStatus, Fault::Conflict);
    world.pass(1);
    assert_eq!(condition(&world, "Launched"), "True/Launched");
    assert_eq!(world.done.iter().filter(|d| d.starts_with("Launch ")).count(), 1);
}

#[test]
fn a_controller_killed_after_the_launch_finds_the_same_machine() {
    let mut world = given_a_claim();
    world.hold(Verb::PatchStatus);
    world.settle();
    assert_eq!(world.machines.len(), 1);
    world.restart();
    world.release();
    assert_eq!((world.machines.len(), condition(&world, "Launched")), (1, "True/Launched".to_owned()));
}

#[test]
fn a_lack_of_capacity_throws_the_claim_away_and_tells_its_pods() {
    let mut world = given_a_claim();
    world.fail_launch(ProviderError::InsufficientCapacity("all sold out".into()));
    world.settle();
    assert!(world.get(Kind::NodeClaim, "web-1").is_none());
    assert_eq!(world.events(Kind::NodeClaim), ["InsufficientCapacityError"]);
    let (times, labels) = world.counted("karpenter_nodeclaims_disrupted_total");
    assert_eq!(times, 1.0);
    assert!(labels.contains(&("reason", "insufficient_capacity".into())), "{labels:?}");
    assert!(labels.contains(&("termination_mode", "graceful".into())), "{labels:?}");
    assert!(labels.contains(&("consolidation_policy", "WhenEmptyOrUnderutilized".into())), "{labels:?}");
    assert_eq!(world.done.iter().filter(|d| d.starts_with("Launch ")).count(), 1);
}

#[test]
fn a_node_class_that_is_not_ready_throws_the_claim_away_without_an_event() {
    let mut world = given_a_claim();
    world.fail_launch(ProviderError::NodeClassNotReady("no subnets".into()));
    world.settle();
    assert!(world.get(Kind::NodeClaim, "web-1").is_none());
    assert_eq!(world.events(Kind::NodeClaim), Vec::<&str>::new());
    let (_, labels) = world.counted("karpenter_nodeclaims_disrupted_total");
    assert!(labels.contains(&("reason", "nodeclass_not_ready".into())), "{labels:?}");
}

#[test]
fn any_other_failure_is_shown_and_tried_again() {
    let mut world = given_a_claim();
    world.fail_launch(ProviderError::Create { reason: "AMINotFound".into(), message: "no image".into() });
    world.fail_launch(ProviderError::other("x".repeat(400)));
    world.settle();
    assert_eq!(condition(&world, "Launched"), "Unknown/AMINotFound");
    world.pass(1);
    assert_eq!(condition(&world, "Launched"), "Unknown/LaunchFailed");
    let conditions = claim(&world)["status"]["conditions"].as_array().expect("conditions");
    let launched = conditions.iter().find(|c| c["type"] == "Launched").expect("the condition");
    assert_eq!(launched["message"].as_str().map(str::len), Some(303), "cut off, and dots");
    world.pass(2);
    assert_eq!(condition(&world, "Launched"), "True/Launched");
}

#[test]
fn a_node_gets_everything_from_its_claim_once() {
    let mut world = given_a_claim();
    world.settle();
    the_node_joins(&mut world);
    let meta = &node(&world)["metadata"];
    assert_eq!(meta["finalizers"], json!(["karpenter.sh/termination"]));
    assert_eq!((&meta["labels"]["team"], &meta["labels"]["karpenter.sh/registered"]), (&json!("shop"), &json!("true")));
    assert_eq!(meta["annotations"]["note"], "ours");
    assert_eq!(meta["ownerReferences"][0]["uid"], "uid-web-1");
    assert_eq!(taints(&world), ["node.kubernetes.io/not-ready", "dedicated", "boot"]);
    assert_eq!(
        (condition(&world, "Registered"), &claim(&world)["status"]["nodeName"]),
        ("True/Registered".into(), &json!("node-1"))
    );
    assert_eq!(condition(&world, "Initialized"), "Unknown/NodeNotReady");
    let (times, labels) = world.counted("karpenter_nodes_created_total");
    assert_eq!((times, labels), (1.0, vec![("nodepool", "web".into()), ("zone", "zone-a".into())]));
    assert_eq!(world.events(Kind::NodeClaim), Vec::<&str>::new());
    world.edit(Kind::Node, "node-1", |node| node["spec"]["taints"] = json!([]));
    world.settle();
    assert_eq!(taints(&world), Vec::<&str>::new(), "a startup taint that is gone does not come back");
}

#[test]
fn a_startup_taint_removed_while_the_controller_was_away_does_not_come_back() {
    let mut world = given_a_claim();
    world.settle();
    world.hold(Verb::PatchStatus);
    the_node_joins(&mut world);
    world.edit(Kind::Node, "node-1", |node| node["spec"]["taints"] = json!([]));
    world.restart();
    world.release();
    assert_eq!(condition(&world, "Registered"), "True/Registered");
    assert_eq!(taints(&world), Vec::<&str>::new());
}

#[test]
fn a_node_may_keep_its_taints_to_itself_and_one_without_the_first_taint_is_told_of() {
    let mut world = given_a_claim();
    world.settle();
    world.put(json!({
        "kind": "Node", "metadata": {"name": "node-1", "labels": {"karpenter.sh/do-not-sync-taints": "true"}},
        "spec": {"providerID": "fake:///uid-web-1"},
    }));
    world.settle();
    assert_eq!(taints(&world), Vec::<&str>::new());
    assert_eq!(condition(&world, "Registered"), "True/Registered");
    assert_eq!(world.events(Kind::NodeClaim), ["UnregisteredTaintMissing"]);
}

#[test]
fn a_label_that_was_there_from_the_start_does_not_pass_for_a_registration() {
    let mut world = given_a_claim();
    world.settle();
    world.put(json!({
        "kind": "Node", "metadata": {"name": "node-1", "labels": {"karpenter.sh/registered": "true"}},
        "spec": {"providerID": "fake:///uid-web-1"},
    }));
    world.settle();
    assert_eq!(taints(&world), ["dedicated", "boot"]);
    assert_eq!(node(&world)["metadata"]["finalizers"], json!(["karpenter.sh/termination"]));
}

#[test]
fn two_nodes_that_say_they_are_one_machine_are_a_mistake_that_time_ends() {
    let mut world = given_a_claim();
    world.settle();
    for name in ["node-1", "node-2"] {
        world.put(json!({"kind": "Node", "metadata": {"name": name}, "spec": {"providerID": "fake:///uid-web-1"}}));
    }
    world.settle();
    assert_eq!(condition(&world, "Registered"), "False/MultipleNodesFound");
    assert_eq!(condition(&world, "Ready"), "False/UnhealthyDependents");
    world.pass(16 * 60);
    assert!(world.get(Kind::NodeClaim, "web-1").is_none());
}

#[test]
fn a_node_is_initialized_when_nothing_stands_in_the_way_any_more() {
    let mut world = given_a_claim();
    world.settle();
    the_node_joins(&mut world);
    let set_taints = |world: &mut World, taints: Value| {
        world.edit(Kind::Node, "node-1", |node| node["spec"]["taints"] = taints);
        world.settle();
    };
    world.edit(Kind::Node, "node-1", |node| node["status"]["conditions"][0]["status"] = json!("True"));
    world.settle();
    assert_eq!(condition(&world, "Initialized"), "Unknown/StartupTaintsExist");
    set_taints(&mut world, json!([{"key": "readiness.k8s.io/cni", "effect": "NoSchedule"}]));
    assert_eq!(condition(&world, "Initialized"), "Unknown/KnownEphemeralTaintsExist");
    set_taints(&mut world, json!([{"key": "dedicated", "effect": "NoSchedule"}]));
    assert_eq!(condition(&world, "Initialized"), "Unknown/ResourceNotRegistered");
    the_node_is_ready(&mut world, json!({"cpu": "2", "pods": "0"}));
    assert_eq!(condition(&world, "Initialized"), "Unknown/ResourceNotRegistered");
    the_node_is_ready(&mut world, json!({"cpu": "2", "pods": "20"}));
    assert_eq!(node(&world)["metadata"]["labels"]["karpenter.sh/initialized"], "true");
    assert_eq!(condition(&world, "Initialized"), "True/Initialized");
    assert_eq!(condition(&world, "Ready"), "True/Ready");
    assert_eq!(world.log(), ["launched nodeclaim", "registered nodeclaim", "initialized nodeclaim"]);
    world.take_done();
    world.pass(3600);
    assert_eq!(world.done, Vec::<String>::new(), "and then there is nothing to do");
    assert_eq!(world.engine.next_wake(), None);
}

#[test]
fn a_claim_that_cannot_be_launched_is_given_up_after_five_minutes() {
    let mut world = given_a_claim();
    for _ in 0..40 {
        world.fail_launch(ProviderError::other("throttled"));
    }
    world.pass(299);
    assert_eq!(condition(&world, "Launched"), "Unknown/LaunchFailed");
    world.pass(1);
    assert!(world.get(Kind::NodeClaim, "web-1").is_none());
    let (times, labels) = world.counted("karpenter_nodeclaims_disrupted_total");
    assert_eq!((times, labels[0].1.as_str()), (1.0, "launch_timeout"));
    let pool = world.engine.snapshot().memory.registrations.get("uid-web").expect("the pool remembers");
    assert_eq!((&*pool.known, pool.because.as_ref().map(|b| b.0.as_str())), (&[false][..], Some("LaunchFailed")));
}

#[test]
fn after_a_long_absence_a_launch_is_tried_before_it_is_given_up() {
    let mut world = given_a_claim();
    world.now += k8s_openapi::jiff::SignedDuration::from_mins(10);
    world.settle();
    assert_eq!(condition(&world, "Launched"), "True/Launched");
}

#[test]
fn a_node_that_does_not_register_is_given_up_after_fifteen_minutes_with_its_machine() {
    let mut world = given_a_claim();
    world.pass(15 * 60 - 1);
    assert_eq!(world.machines.len(), 1);
    world.pass(10);
    assert!(world.get(Kind::NodeClaim, "web-1").is_none() && world.machines.is_empty());
    let (times, labels) = world.counted("karpenter_nodeclaims_disrupted_total");
    assert_eq!((times, labels[0].1.as_str()), (1.0, "registration_timeout"));
    let pool = world.engine.snapshot().memory.registrations.get("uid-web").expect("the pool remembers");
    assert_eq!(pool.because.as_ref().map(|b| b.0.as_str()), Some("RegistrationFailed"));
}

#[test]
fn the_end_of_a_claim_is_node_then_machine_then_claim() {
    let mut world = given_a_claim_with(&[("terminationGracePeriod", json!("10m"))]);
    world.settle();
    the_node_joins(&mut world);
    world.take_done();
    world.delete(Kind::NodeClaim, "web-1");
    world.settle();
    assert!(!node(&world)["metadata"]["deletionTimestamp"].is_null());
    assert_eq!(
        claim(&world)["metadata"]["annotations"]["karpenter.sh/nodeclaim-termination-timestamp"],
        "2026-01-01T00:10:00Z"
    );
    assert_eq!(world.events(Kind::NodeClaim), ["TerminationGracePeriodExpiring"]);
    world.pass(60);
    assert_eq!(world.machines.len(), 1, "the node is being drained");
    world.vanish(Kind::Node, "node-1");
    world.settle();
    assert_eq!(condition(&world, "InstanceTerminating"), "True/InstanceTerminating");
    world.pass(5);
    assert!(world.get(Kind::NodeClaim, "web-1").is_none() && world.machines.is_empty());
    assert_eq!(world.observed("karpenter_nodeclaims_instance_termination_duration_seconds"), [5.0]);
    assert_eq!(world.observed("karpenter_nodeclaims_termination_duration_seconds"), [65.0]);
    let (_, labels) = world.counted("karpenter_nodeclaims_terminated_total");
    assert_eq!(labels, [("nodepool", "web".into()), ("capacity_type", "on-demand".into()), ("zone", "zone-a".into())]);
    assert_eq!(world.counted("karpenter_nodeclaims_disrupted_total").0, 0.0, "that was not our doing");
}

#[test]
fn a_deadline_that_is_written_down_is_kept() {
    let mut world = given_a_claim_with(&[("terminationGracePeriod", json!("10m"))]);
    world.settle();
    let key = "karpenter.sh/nodeclaim-termination-timestamp";
    world.edit(Kind::NodeClaim, "web-1", |c| c["metadata"]["annotations"][key] = json!("2026-01-01T00:00:09Z"));
    world.slow_ends = 3;
    world.delete(Kind::NodeClaim, "web-1");
    world.settle();
    assert_eq!(claim(&world)["metadata"]["annotations"][key], "2026-01-01T00:00:09Z");
    world.pass(14);
    assert_eq!(world.machines.len(), 1);
    world.pass(1);
    assert!(world.machines.is_empty(), "asked every five seconds until it was gone");
}

#[test]
fn a_node_that_never_registered_is_not_deleted_with_its_claim() {
    let mut world = given_a_claim();
    world.settle();
    world.hold(Verb::Patch);
    the_node_joins(&mut world);
    world.delete(Kind::NodeClaim, "web-1");
    world.restart();
    world.release();
    world.pass(10);
    assert!(world.get(Kind::NodeClaim, "web-1").is_none() && world.machines.is_empty());
    assert!(node(&world)["metadata"]["deletionTimestamp"].is_null());
}

#[test]
fn a_machine_whose_launch_was_under_way_when_its_claim_was_deleted_is_ended_too() {
    let mut world = given_a_claim();
    world.hold(Verb::Launch);
    world.settle();
    world.delete(Kind::NodeClaim, "web-1");
    world.pass(60);
    assert!(world.get(Kind::NodeClaim, "web-1").is_some(), "the answer is waited for");
    world.release();
    world.pass(5);
    assert!(world.get(Kind::NodeClaim, "web-1").is_none() && world.machines.is_empty());
}

#[test]
fn claims_of_other_providers_and_claims_let_go_are_left_alone() {
    let mut world = given_a_claim();
    world.edit(Kind::NodeClaim, "web-1", |c| c["spec"]["nodeClassRef"]["kind"] = json!("OtherNodeClass"));
    let settings = crate::settings::Settings {
        node_classes: vec![("karpenter.kwok.sh".into(), "KWOKNodeClass".into())],
        ..crate::settings::Settings::default()
    };
    let other = claim(&world).clone();
    let mut world = World::with(&[RULE], settings);
    world.put(other);
    world.pass(3600);
    assert_eq!(world.done, Vec::<String>::new());
}

#[test]
fn an_end_that_the_provider_fails_is_asked_for_again() {
    let mut world = given_a_claim();
    world.settle();
    world.answer(Verb::Terminate, crate::event::Outcome::Terminated(Err(ProviderError::other("throttled"))));
    world.delete(Kind::NodeClaim, "web-1");
    world.pass(10);
    assert!(world.get(Kind::NodeClaim, "web-1").is_none() && world.machines.is_empty());
}
