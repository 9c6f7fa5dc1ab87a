//! Static pools.

use super::{given_a_node, given_a_pod, set_the_scene};
use crate::action::{Fault, Verb};
use crate::cluster::Kind;
use crate::loops::static_capacity::{DEPROVISIONING, PROVISIONING};
use crate::settings::{Gates, Settings};
use crate::testing_world::World;
use serde_json::json;

/// A pool that wants so many nodes, and is ready.
fn given_a_static_pool(replicas: i64) -> World {
    let gates = Gates { static_capacity: true, ..Gates::default() };
    given_with(Settings { gates, ..Settings::default() }, replicas)
}

fn given_with(settings: Settings, replicas: i64) -> World {
    let mut world = World::with(&[PROVISIONING, DEPROVISIONING], settings);
    set_the_scene(&mut world);
    let at = world.now.to_string();
    world.edit(Kind::NodePool, "web", |pool| {
        pool["spec"]["replicas"] = json!(replicas);
        pool["spec"]["template"]["metadata"]["labels"] = json!({"team": "shop"});
        pool["status"]["conditions"] =
            json!([{"type": "Ready", "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": at}]);
    });
    world
}

fn want(world: &mut World, replicas: i64) {
    world.edit(Kind::NodePool, "web", |pool| pool["spec"]["replicas"] = json!(replicas));
    world.settle();
}

/// The claims that stay.
fn staying(world: &World) -> Vec<String> {
    let stays =
        |name: &String| world.get(Kind::NodeClaim, name).is_some_and(|c| c["metadata"]["deletionTimestamp"].is_null());
    world.names(Kind::NodeClaim).into_iter().filter(stays).collect()
}

#[test]
fn as_many_claims_are_made_as_are_wanted_and_lost_ones_made_again() {
    let mut world = given_a_static_pool(3);
    world.settle();
    let first = staying(&world);
    assert_eq!(first.len(), 3);
    let claim = world.get(Kind::NodeClaim, &first[0]).expect("the claim is there");
    assert_eq!(claim["metadata"]["labels"]["karpenter.sh/nodepool"], "web");
    assert_eq!(claim["metadata"]["labels"]["team"], "shop");
    assert_eq!(claim["metadata"]["ownerReferences"][0]["uid"], "uid-web");
    let (times, labels) = world.counted("karpenter_nodeclaims_created_total");
    assert_eq!((times, labels[0].1.as_str()), (3.0, "provisioned"));
    world.vanish(Kind::NodeClaim, &first[0]);
    world.settle();
    let then = staying(&world);
    assert_eq!(then.len(), 3);
    assert!(!then.contains(&first[0]), "no name comes twice");
}

#[test]
fn creations_under_way_are_not_asked_for_twice_and_a_lost_answer_makes_no_claim_too_many() {
    let mut world = given_a_static_pool(4);
    world.hold(Verb::Create);
    world.settle();
    world.edit(Kind::NodePool, "web", |pool| pool["metadata"]["labels"] = json!({"touched": "yes"}));
    world.settle();
    world.release();
    assert_eq!(staying(&world).len(), 4);

    let mut world = given_a_static_pool(4);
    world.refuse(Verb::Create, Fault::Timeout);
    world.pass(120);
    assert_eq!(staying(&world).len(), 4);
    world.restart();
    world.pass(120);
    assert_eq!(staying(&world).len(), 4);
}

#[test]
fn the_limit_of_nodes_holds_for_claims_that_are_going_too() {
    let mut world = given_a_static_pool(3);
    world.edit(Kind::NodePool, "web", |pool| pool["spec"]["limits"] = json!({"nodes": "2"}));
    world.settle();
    assert_eq!(staying(&world).len(), 2);
    assert_eq!(world.log().last(), Some(&"nodepool node limit reached"));
    let first = staying(&world)[0].clone();
    world.edit(Kind::NodeClaim, &first, |claim| claim["metadata"]["finalizers"] = json!(["karpenter.sh/termination"]));
    world.delete(Kind::NodeClaim, &first);
    world.pass(60);
    assert_eq!(staying(&world).len(), 1);
    world.vanish(Kind::NodeClaim, &first);
    world.pass(30);
    assert_eq!(staying(&world).len(), 2);
}

#[test]
fn nothing_is_made_for_a_pool_that_is_not_ready_or_without_the_gate() {
    let mut world = given_a_static_pool(3);
    world.edit(Kind::NodePool, "web", |pool| pool["status"]["conditions"] = json!([]));
    world.pass(600);
    assert_eq!(staying(&world).len(), 0);
    let mut world = given_with(Settings::default(), 3);
    world.pass(600);
    assert_eq!(staying(&world).len(), 0);
}

#[test]
fn those_go_first_that_nobody_misses() {
    let mut world = given_a_static_pool(6);
    for name in ["busy", "busier", "idle", "shielded"] {
        given_a_node(&mut world, name);
    }
    given_a_pod(&mut world, "a", "node-busy");
    given_a_pod(&mut world, "b", "node-busier");
    given_a_pod(&mut world, "c", "node-busier");
    given_a_pod(&mut world, "d", "node-shielded");
    world.edit(Kind::Pod, "default/d", |pod| {
        pod["metadata"]["annotations"] = json!({"karpenter.sh/do-not-disrupt": "true"})
    });
    world.settle();
    assert_eq!(staying(&world).len(), 6, "two more were made, which have no machine");
    want(&mut world, 4);
    assert_eq!(staying(&world), ["busier", "busy", "idle", "shielded"]);
    want(&mut world, 3);
    assert_eq!(staying(&world), ["busier", "busy", "shielded"]);
    want(&mut world, 2);
    assert_eq!(staying(&world), ["busier", "shielded"]);
    want(&mut world, 1);
    assert_eq!(staying(&world), ["shielded"]);
    want(&mut world, 0);
    assert_eq!(staying(&world), Vec::<String>::new());
}

#[test]
fn a_node_whose_time_is_nearly_up_goes_before_one_with_fewer_pods() {
    let mut world = given_a_static_pool(2);
    for name in ["old", "young"] {
        given_a_node(&mut world, name);
        world.edit(Kind::NodeClaim, name, |claim| claim["spec"]["expireAfter"] = json!("100h"));
    }
    world.edit(Kind::NodeClaim, "old", |claim| claim["metadata"]["creationTimestamp"] = json!("2025-12-28T00:00:00Z"));
    given_a_pod(&mut world, "a", "node-young");
    given_a_pod(&mut world, "b", "node-old");
    given_a_pod(&mut world, "c", "node-old");
    want(&mut world, 1);
    assert_eq!(staying(&world), ["young"]);
}
