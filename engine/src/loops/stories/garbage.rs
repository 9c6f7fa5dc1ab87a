//! Garbage collection: claims without machines and machines without claims.

use super::{given_a_node, given_a_pod, given_a_pool};
use crate::action::Verb;
use crate::cluster::Kind;
use crate::event::Outcome;
use crate::loops::{garbage_collection, lifecycle};
use crate::rule::Rule;
use crate::testing_world::World;
use dovetail_cloudprovider::errors::ProviderError;
use serde_json::json;

const RULES: &[Rule] = &[garbage_collection::RULE];

/// A node `a` whose machine is gone and whose kubelet has fallen silent.
fn given_a_lost_machine() -> World {
    let mut world = given_a_pool(RULES);
    given_a_node(&mut world, "a");
    world.edit(Kind::Node, "node-a", |node| node["status"]["conditions"][0]["status"] = json!("Unknown"));
    world.settle();
    world.machines.clear();
    world.take_done();
    world
}

fn is_deleting(world: &World, name: &str) -> bool {
    world.get(Kind::NodeClaim, name).is_some_and(|claim| !claim["metadata"]["deletionTimestamp"].is_null())
}

#[test]
fn a_claim_whose_machine_is_missing_twice_goes() {
    let mut world = given_a_lost_machine();
    given_a_pod(&mut world, "shop-1", "node-a");
    world.pass(120);
    assert!(!is_deleting(&world, "a"), "one list is not enough");
    world.pass(15);
    assert!(is_deleting(&world, "a"));
    let (times, labels) = world.counted("karpenter_nodeclaims_disrupted_total");
    assert_eq!((times, labels[0].1.as_str()), (1.0, "garbage_collected"));
    assert_eq!(world.counted("karpenter_pods_disruption_initiated_total").0, 1.0);
    world.take_done();
    world.pass(300);
    assert_eq!(world.done.iter().filter(|d| !d.starts_with("ListMachines")).count(), 0, "{:?}", world.done);
}

#[test]
fn a_list_that_was_wrong_once_destroys_nothing() {
    let mut world = given_a_pool(RULES);
    given_a_node(&mut world, "a");
    world.edit(Kind::Node, "node-a", |node| node["status"]["conditions"][0]["status"] = json!("False"));
    for _ in 0..3 {
        world.answer(Verb::ListMachines, Outcome::Machines(Ok(vec![])));
        world.pass(1);
        world.answer(Verb::ListMachines, Outcome::Machines(Err(ProviderError::other("throttled"))));
        world.pass(20);
        world.pass(120);
    }
    assert_eq!(world.done.iter().filter(|d| !d.starts_with("ListMachines")).count(), 0, "{:?}", world.done);
}

#[test]
fn a_node_that_is_up_is_believed_rather_than_the_list() {
    let mut world = given_a_lost_machine();
    world.edit(Kind::Node, "node-a", |node| node["status"]["conditions"][0]["status"] = json!("True"));
    world.pass(600);
    assert!(!is_deleting(&world, "a"));
}

#[test]
fn a_claim_that_has_not_registered_is_left_to_time() {
    let mut world = given_a_lost_machine();
    world.edit(Kind::NodeClaim, "a", |claim| {
        claim["status"]["conditions"].as_array_mut().expect("conditions").retain(|c| c["type"] != "Registered");
    });
    world.pass(600);
    assert!(!is_deleting(&world, "a"));
}

#[test]
fn a_machine_that_no_claim_knows_of_twice_is_ended() {
    let mut world = given_a_pool(RULES);
    given_a_node(&mut world, "a");
    world.buy("ghost");
    world.settle();
    assert_eq!(world.machines.len(), 2, "one list is not enough");
    world.pass(15);
    assert_eq!(world.take_done().iter().filter(|d| d.starts_with("Terminate")).count(), 1);
    world.pass(60);
    assert_eq!(world.machines.keys().collect::<Vec<_>>(), ["fake:///uid-a"]);
    world.take_done();
    world.pass(240);
    assert_eq!(world.done, ["ListMachines the cluster"; 2], "and back to the usual pace");
}

#[test]
fn a_machine_whose_claim_does_not_name_it_yet_is_that_claims() {
    let mut world = given_a_pool(RULES);
    world.buy("young");
    world.put(json!({
        "kind": "NodeClaim", "metadata": {"name": "young"}, "spec": {"requirements": [], "nodeClassRef": super::class()},
    }));
    world.pass(600);
    assert_eq!(world.machines.len(), 1);
}

#[test]
fn a_launch_that_was_forgotten_in_a_crash_leaves_no_machine_behind() {
    let mut world = given_a_pool(&[lifecycle::RULE, garbage_collection::RULE]);
    world.put(json!({
        "kind": "NodeClaim", "metadata": {"name": "a"}, "spec": {"requirements": [], "nodeClassRef": super::class()},
    }));
    world.hold(Verb::PatchStatus);
    world.hold(Verb::Patch);
    world.settle();
    world.release();
    world.hold(Verb::PatchStatus);
    world.edit(Kind::NodeClaim, "a", |claim| claim["status"] = json!({}));
    world.delete(Kind::NodeClaim, "a");
    world.restart();
    world.release();
    world.pass(1);
    assert!(world.get(Kind::NodeClaim, "a").is_none(), "nothing is known of a machine");
    assert_eq!(world.machines.len(), 1);
    world.pass(180);
    assert!(world.machines.is_empty());
}
