//! Provisioning in virtual time: pods come, rounds are made, claims are asked for and come to something or nothing.

use crate::action::{Fault, Verb};
use crate::cluster::Kind;
use crate::loops::{nominations, offers, provisioning};
use crate::rule::Rule;
use crate::settings::Settings;
use crate::testing;
use crate::testing_world::World;
use dovetail_api::node_pool::NodePool;
use dovetail_cloudprovider::source::InstanceTypeSource as _;
use k8s_openapi::jiff::SignedDuration;
use serde_json::{Value, json};

const RULES: &[Rule] =
    &[offers::RULE, provisioning::NODE_TRIGGER, provisioning::RULE, nominations::POD, nominations::CLAIM];

/// Rounds begin after two quiet seconds, and after six in any case.
fn settings() -> Settings {
    Settings {
        batch_idle: SignedDuration::from_secs(2),
        batch_max: SignedDuration::from_secs(6),
        early_start: false,
        policy: "karpenter".to_owned(),
        ..Settings::default()
    }
}

/// A pool that is ready and sells nodes of 2 and of 8 cores.
fn ready_pool(changes: &[(&str, Value)]) -> Value {
    let mut pool = testing::pool("default", changes);
    pool["status"]["conditions"] = json!([{"type": "Ready", "status": "True", "reason": "Ready", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
    pool
}

fn world_with(settings: Settings, pool_changes: &[(&str, Value)]) -> World {
    let mut world = World::with(RULES, settings);
    let pool = ready_pool(pool_changes);
    let typed: NodePool = serde_json::from_value(pool.clone()).expect("a readable pool");
    world.offers = testing::catalogue(&["zone-a"]).instance_types(&typed, None).expect("the catalogue sells");
    world.put(pool);
    world.settle();
    world
}

fn world() -> World {
    world_with(settings(), &[])
}

/// A pod that kube-scheduler has found no node for.
fn pending(world: &mut World, name: &str, cpu: &str) {
    let mut pod = testing::pod(name, &testing::needs(cpu));
    let condition = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable"});
    pod["status"] = json!({"phase": "Pending", "conditions": [condition]});
    world.put(pod);
}

fn bind(world: &mut World, name: &str, node: &str) {
    world.edit(Kind::Pod, &format!("default/{name}"), |pod| {
        pod["spec"]["nodeName"] = json!(node);
        pod["status"] = json!({"phase": "Running"});
    });
}

fn claims(world: &World) -> Vec<String> {
    world.names(Kind::NodeClaim)
}

/// Plays the cloud: the claim becomes a machine of so many cores.
fn launched(world: &mut World, claim: &str, cpu: &str) {
    world.edit(Kind::NodeClaim, claim, |object| {
        let resources = json!({"cpu": cpu, "memory": "16Gi", "pods": "20"});
        object["status"] = json!({"providerID": format!("fake:///{claim}"), "capacity": resources,
            "allocatable": resources, "conditions": []});
        object["metadata"]["labels"]["topology.kubernetes.io/zone"] = json!("zone-a");
    });
}

/// Plays the kubelet: the machine is a node, ready or not.
fn joined(world: &mut World, claim: &str, cpu: &str, ready: bool) {
    let mut node = testing::node(
        claim,
        cpu,
        json!({"karpenter.sh/nodepool": "default",
        "karpenter.sh/registered": "true", "topology.kubernetes.io/zone": "zone-a"}),
    );
    node["spec"]["providerID"] = json!(format!("fake:///{claim}"));
    if ready {
        node["metadata"]["labels"]["karpenter.sh/initialized"] = json!("true");
    }
    world.put(node);
}

#[test]
fn pods_that_come_together_are_placed_together_once_it_is_quiet() {
    let mut world = world();
    pending(&mut world, "a", "1");
    world.pass(1);
    pending(&mut world, "b", "1");
    world.pass(1);
    assert_eq!(claims(&world).len(), 0, "it has been quiet for a second only");
    world.pass(1);
    assert_eq!(claims(&world).len(), 1, "both fit on one node");
    assert_eq!(world.counted("karpenter_nodeclaims_created_total").0, 1.0);
    assert_eq!(world.events(Kind::Pod), ["Nominated", "Nominated"]);
    assert_eq!(world.observed("karpenter_pods_scheduling_decision_duration_seconds"), [3.0, 2.0]);
    let said = ["found provisionable pod(s)", "computed new nodeclaim(s) to fit pod(s)", "created nodeclaim"];
    assert_eq!(world.log(), said);
}

#[test]
fn a_stream_that_does_not_end_is_cut_off() {
    let mut world = world();
    for second in 0..6 {
        pending(&mut world, &format!("p{second}"), "1");
        world.pass(1);
    }
    assert_eq!(claims(&world).len(), 1, "after six seconds, although pods still come");
    let asked = world.get(Kind::NodeClaim, &claims(&world)[0]).map(|c| c["spec"]["resources"]["requests"].clone());
    assert_eq!(asked, Some(json!({"cpu": "6", "pods": "6"})));
}

#[test]
fn a_backlog_that_has_stopped_growing_is_not_waited_for_any_longer() {
    let mut world = world_with(Settings { early_start: true, ..settings() }, &[]);
    let after = |world: &mut World, milliseconds: i64| {
        world.now += SignedDuration::from_millis(milliseconds);
        world.settle();
    };
    pending(&mut world, "a", "1");
    after(&mut world, 50);
    pending(&mut world, "b", "1");
    after(&mut world, 499);
    assert_eq!(claims(&world).len(), 0);
    after(&mut world, 1);
    assert_eq!(claims(&world).len(), 1, "a quarter of the time is quiet enough for pods that came at once");
    pending(&mut world, "c", "1");
    after(&mut world, 400);
    pending(&mut world, "d", "1");
    after(&mut world, 1_599);
    assert_eq!(claims(&world).len(), 1, "but not for pods that come slowly");
    after(&mut world, 1);
    assert_eq!(claims(&world).len(), 2);
}

#[test]
fn a_slow_launch_holds_up_nobody_and_its_pods_are_not_bought_for_again() {
    let mut world = world();
    pending(&mut world, "a", "1");
    world.pass(3);
    let first = claims(&world);
    pending(&mut world, "late", "2");
    world.pass(3);
    assert_eq!((first.len(), claims(&world).len()), (1, 2), "the late one gets its own, the first one no other");
    world.pass(60);
    assert_eq!(claims(&world).len(), 2);
}

#[test]
fn room_that_is_left_on_what_is_on_its_way_is_used() {
    let mut world = world();
    pending(&mut world, "a", "1");
    world.pass(3);
    let claim = claims(&world).remove(0);
    launched(&mut world, &claim, "2");
    pending(&mut world, "fits", "900m");
    world.pass(3);
    assert_eq!(claims(&world).len(), 1);
    assert!(world.engine.snapshot().memory.nominated.contains(&claim), "and it is not taken away meanwhile");
    pending(&mut world, "does-not", "900m");
    world.pass(3);
    assert_eq!(claims(&world).len(), 2, "the room of the first pod is kept for it");
}

#[test]
fn a_claim_that_cannot_be_created_gives_its_pods_back() {
    let mut world = world();
    world.refuse(Verb::Create, Fault::Timeout);
    pending(&mut world, "a", "1");
    world.pass(2);
    assert_eq!(claims(&world).len(), 0);
    assert!(world.log().contains(&"could not create nodeclaim"));
    world.pass(2);
    assert_eq!(claims(&world).len(), 1, "the next round asks for another");
    assert_eq!(world.engine.snapshot().memory.charges.len(), 1);
}

#[test]
fn a_claim_that_goes_before_it_came_gives_its_pods_back() {
    let mut world = world();
    pending(&mut world, "a", "1");
    world.pass(3);
    let first = claims(&world).remove(0);
    world.vanish(Kind::NodeClaim, &first);
    world.pass(2);
    assert_eq!(claims(&world).len(), 1);
    assert_ne!(claims(&world)[0], first);
}

#[test]
fn a_controller_that_was_killed_does_not_buy_twice() {
    let mut world = world();
    pending(&mut world, "a", "1");
    pending(&mut world, "b", "1");
    world.pass(3);
    world.restart();
    world.pass(30);
    assert_eq!(claims(&world).len(), 1, "what has not been launched counts by what it asks for");
    let claim = claims(&world).remove(0);
    launched(&mut world, &claim, "2");
    world.restart();
    world.pass(30);
    assert_eq!(claims(&world).len(), 1, "what has been launched counts by what it is");
}

#[test]
fn limits_hold_for_what_is_on_its_way() {
    let mut world = world_with(settings(), &[("/spec/limits", json!({"cpu": "10"}))]);
    pending(&mut world, "a", "6");
    world.pass(3);
    pending(&mut world, "b", "6");
    world.pass(3);
    assert_eq!(claims(&world).len(), 1, "eight cores are on their way, two are left");
    assert!(world.events(Kind::Pod).contains(&"FailedScheduling"));
    pending(&mut world, "c", "1");
    world.pass(20);
    assert_eq!(claims(&world).len(), 2, "what fits into the two is bought");
}

#[test]
fn what_found_no_place_is_asked_about_again_every_ten_seconds() {
    let mut world = world();
    pending(&mut world, "huge", "64");
    world.pass(3);
    let rounds = |world: &World| world.observed("karpenter_scheduler_scheduling_duration_seconds").len();
    assert_eq!(rounds(&world), 1);
    world.pass(25);
    assert_eq!((rounds(&world), claims(&world).len()), (3, 0));
    world.vanish(Kind::Pod, "default/huge");
    world.pass(60);
    assert_eq!(rounds(&world), 3, "and no more once it is gone");
    assert_eq!(world.engine.next_wake().map(|wake| wake > world.now), Some(true));
}

#[test]
fn a_plan_is_carried_out_for_those_who_are_still_there() {
    let mut world = world();
    world.hold(Verb::Plan);
    pending(&mut world, "a", "1");
    pending(&mut world, "b", "6");
    world.pass(3);
    world.vanish(Kind::Pod, "default/b");
    pending(&mut world, "c", "1");
    world.release();
    let asked: Vec<_> = claims(&world)
        .iter()
        .filter_map(|c| world.get(Kind::NodeClaim, c))
        .map(|c| c["spec"]["resources"].clone())
        .collect();
    assert_eq!(asked, [json!({"requests": {"cpu": "7", "pods": "2"}})], "the node that both were planned for");
    let expected = |world: &World| world.engine.snapshot().memory.expected.iter().map(|(p, _)| p.to_string()).collect();
    let expected: Vec<String> = expected(&world);
    assert_eq!(expected, ["default/a"]);
    world.pass(3);
    assert_eq!(claims(&world).len(), 1, "who came meanwhile takes the place of the one that has gone");
}

#[test]
fn a_claim_says_what_pool_and_pods_ask_for() {
    let template = json!({"labels": {"team": "shop"}, "annotations": {"note": "kept"}});
    let mut world = world_with(settings(), &[("/spec/template/metadata", template)]);
    let spec = testing::and(testing::needs("1"), "nodeSelector", json!({"topology.kubernetes.io/zone": "zone-a"}));
    let mut pod = testing::pod("a", &spec);
    let condition = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable"});
    pod["status"] = json!({"phase": "Pending", "conditions": [condition]});
    world.put(pod);
    world.pass(3);
    let name = claims(&world).remove(0);
    let claim = world.get(Kind::NodeClaim, &name).expect("it was created").clone();
    assert!(name.starts_with("default-") && name.len() == "default-".len() + 5, "{name}");
    let labels = &claim["metadata"]["labels"];
    assert_eq!((&labels["team"], &labels["karpenter.sh/nodepool"]), (&json!("shop"), &json!("default")));
    assert_eq!(labels["karpenter.kwok.sh/kwoknodeclass"], "default");
    let annotations = &claim["metadata"]["annotations"];
    assert_eq!(
        (&annotations["note"], &annotations["karpenter.sh/nodepool-hash-version"]),
        (&json!("kept"), &json!("v3"))
    );
    assert_eq!(annotations["karpenter.sh/nodeclaim-min-values-relaxed"], "false");
    let owner = &claim["metadata"]["ownerReferences"][0];
    assert_eq!((&owner["kind"], &owner["uid"]), (&json!("NodePool"), &json!("uid-default")));
    assert_eq!(owner["blockOwnerDeletion"], true);
    let asked = |key: &str| {
        let list = claim["spec"]["requirements"].as_array().expect("a list");
        list.iter().find(|r| r["key"] == key).map(|r| r["values"].clone())
    };
    assert_eq!(asked("topology.kubernetes.io/zone"), Some(json!(["zone-a"])));
    assert_eq!(asked("node.kubernetes.io/instance-type"), Some(json!(["large", "small"])));
    assert_eq!(asked("karpenter.sh/capacity-type"), Some(json!(["on-demand"])));
    assert_eq!((asked("kubernetes.io/hostname"), asked("karpenter.sh/registered")), (None, None));
    assert_eq!(claim["spec"]["resources"]["requests"], json!({"cpu": "1", "pods": "1"}));
}

#[test]
fn pods_are_told_their_node_as_soon_as_it_has_a_name_and_told_otherwise_when_it_goes() {
    let mut world = world_with(Settings { nominate_pods: true, ..settings() }, &[]);
    let told = |world: &World| world.get(Kind::Pod, "default/a").map(|p| p["status"]["nominatedNodeName"].clone());
    pending(&mut world, "a", "1");
    world.pass(3);
    let claim = claims(&world).remove(0);
    launched(&mut world, &claim, "2");
    world.pass(1);
    assert_eq!(told(&world), Some(Value::Null), "nobody knows the name yet");
    world.edit(Kind::NodeClaim, &claim, |c| c["status"]["nodeName"] = json!("node-1"));
    world.pass(1);
    assert_eq!(told(&world), Some(json!("node-1")));
    world.restart();
    world.pass(30);
    assert_eq!(claims(&world).len(), 1, "the name is all that is left of the plan, and enough");
    world.vanish(Kind::NodeClaim, &claim);
    world.pass(1);
    assert_eq!(told(&world), Some(Value::Null));
    world.pass(5);
    assert_eq!(claims(&world).len(), 1, "it is in the next round");
    assert_ne!(claims(&world)[0], claim);
}

#[test]
fn a_server_that_takes_the_name_away_again_is_not_argued_with() {
    let mut world = world_with(Settings { nominate_pods: true, ..settings() }, &[]);
    pending(&mut world, "a", "1");
    world.pass(3);
    let claim = claims(&world).remove(0);
    launched(&mut world, &claim, "2");
    world.edit(Kind::NodeClaim, &claim, |c| c["status"]["nodeName"] = json!("node-1"));
    world.pass(1);
    world.take_done();
    world.edit(Kind::Pod, "default/a", |pod| pod["status"]["nominatedNodeName"] = Value::Null);
    world.pass(3);
    assert_eq!(world.take_done(), [] as [&str; 0]);
}

#[test]
fn a_pod_that_does_not_come_although_its_node_is_ready_is_let_go() {
    let mut world = world();
    pending(&mut world, "a", "1");
    pending(&mut world, "b", "1");
    world.pass(3);
    let claim = claims(&world).remove(0);
    launched(&mut world, &claim, "2");
    joined(&mut world, &claim, "2", false);
    world.pass(300);
    assert_eq!(world.engine.snapshot().memory.expected.len(), 2, "a slow start is no reason");
    joined(&mut world, &claim, "2", true);
    let now = world.now.to_string();
    world.edit(Kind::NodeClaim, &claim, |claim| {
        claim["status"]["conditions"] = json!([{"type": "Initialized", "status": "True", "reason": "Initialized",
            "message": "", "lastTransitionTime": now}]);
    });
    bind(&mut world, "a", &claim);
    world.pass(1);
    assert_eq!(world.engine.snapshot().memory.expected.len(), 1, "one has come");
    world.edit(Kind::Node, &claim, |node| node["spec"]["unschedulable"] = json!(true));
    world.pass(30);
    assert_eq!(claims(&world).len(), 2, "the other one cannot, and is bought for again");
}

#[test]
fn pods_of_a_node_on_its_way_out_are_bought_for_once() {
    let mut world = world();
    pending(&mut world, "a", "1");
    world.pass(3);
    let old = claims(&world).remove(0);
    launched(&mut world, &old, "2");
    joined(&mut world, &old, "2", true);
    bind(&mut world, "a", &old);
    world.edit(Kind::NodeClaim, &old, |claim| {
        claim["metadata"]["finalizers"] = json!(["karpenter.sh/termination"]);
        claim["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:10Z");
    });
    world.edit(Kind::Node, &old, |node| {
        node["spec"]["taints"] = json!([{"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}]);
    });
    world.pass(60);
    assert_eq!(claims(&world).len(), 2);
    // The workload makes another pod in its place; it goes where the first was to go.
    let new = claims(&world).into_iter().find(|claim| *claim != old).expect("another claim");
    launched(&mut world, &new, "2");
    world.vanish(Kind::Pod, "default/a");
    pending(&mut world, "a-again", "1");
    world.pass(30);
    assert_eq!(claims(&world).len(), 2);
}

#[test]
fn a_pool_that_does_not_say_it_is_ready_is_left_alone() {
    let mut world = World::with(RULES, settings());
    world.put(testing::pool("default", &[]));
    pending(&mut world, "a", "1");
    world.pass(30);
    assert_eq!(claims(&world).len(), 0);
}
