//! The conditions `Consolidatable` and `Drifted`.

use super::{given_a_node, given_a_pool};
use crate::action::Verb;
use crate::cluster::Kind;
use crate::event::Outcome;
use crate::loops::disruption_conditions::RULE;
use crate::testing_world::World;
use dovetail_cloudprovider::errors::ProviderError;
use serde_json::{Value, json};

fn given() -> World {
    let mut world = given_a_pool(&[RULE]);
    given_a_node(&mut world, "a");
    world
}

fn condition(world: &World, type_: &str) -> String {
    world.condition(Kind::NodeClaim, "a", type_)
}

fn edit(world: &mut World, kind: Kind, name: &str, change: impl FnOnce(&mut Value)) {
    world.edit(kind, name, change);
    world.settle();
}

fn consolidate_after(world: &mut World, text: &str) {
    edit(world, Kind::NodePool, "web", |pool| {
        pool["spec"]["disruption"] = json!({"consolidateAfter": text, "budgets": []})
    });
}

#[test]
fn a_node_may_be_consolidated_once_pods_have_left_it_alone_for_long_enough() {
    let mut world = given();
    world.settle();
    assert_eq!(condition(&world, "Consolidatable"), "True/Consolidatable", "at once, by default");
    consolidate_after(&mut world, "30s");
    assert_eq!(condition(&world, "Consolidatable"), "", "counted from its initialization");
    world.pass(29);
    assert_eq!(condition(&world, "Consolidatable"), "");
    world.pass(1);
    assert_eq!(condition(&world, "Consolidatable"), "True/Consolidatable");
    let now = world.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    edit(&mut world, Kind::NodeClaim, "a", |claim| claim["status"]["lastPodEventTime"] = json!(now));
    assert_eq!(condition(&world, "Consolidatable"), "");
    world.pass(30);
    assert_eq!(condition(&world, "Consolidatable"), "True/Consolidatable");
    consolidate_after(&mut world, "Never");
    assert_eq!(condition(&world, "Consolidatable"), "");
}

#[test]
fn a_node_that_is_not_initialized_is_not_consolidated_and_one_of_a_static_pool_is_not_judged() {
    let mut world = given();
    world.edit(Kind::NodeClaim, "a", |claim| {
        claim["status"]["conditions"].as_array_mut().expect("conditions").retain(|c| c["type"] != "Initialized");
    });
    world.pass(60);
    assert_eq!(condition(&world, "Consolidatable"), "");
    let mut world = given();
    world.settle();
    edit(&mut world, Kind::NodePool, "web", |pool| pool["spec"]["replicas"] = json!(1));
    consolidate_after(&mut world, "Never");
    assert_eq!(condition(&world, "Consolidatable"), "True/Consolidatable", "neither set nor removed");
}

fn stamp(world: &mut World, kind: Kind, name: &str, hash: &str, version: &str) {
    edit(world, kind, name, |object| {
        object["metadata"]["annotations"] =
            json!({"karpenter.sh/nodepool-hash": hash, "karpenter.sh/nodepool-hash-version": version});
    });
}

#[test]
fn another_template_is_drift_if_the_hashes_can_be_compared() {
    let mut world = given();
    stamp(&mut world, Kind::NodePool, "web", "1", "v3");
    assert_eq!(condition(&world, "Drifted"), "", "the claim has none");
    stamp(&mut world, Kind::NodeClaim, "a", "2", "v2");
    assert_eq!(condition(&world, "Drifted"), "", "another version");
    stamp(&mut world, Kind::NodeClaim, "a", "2", "v3");
    assert_eq!(condition(&world, "Drifted"), "True/NodePoolDrifted");
    stamp(&mut world, Kind::NodePool, "web", "2", "v3");
    assert_eq!(condition(&world, "Drifted"), "");
}

#[test]
fn requirements_that_the_labels_no_longer_meet_are_drift() {
    let mut world = given();
    let mut require = |requirement: Value| {
        edit(&mut world, Kind::NodePool, "web", |pool| {
            pool["spec"]["template"]["spec"]["requirements"] = json!([requirement]);
        });
        condition(&world, "Drifted")
    };
    let zone = "topology.kubernetes.io/zone";
    assert_eq!(require(json!({"key": zone, "operator": "In", "values": ["zone-a", "zone-b"]})), "");
    assert_eq!(require(json!({"key": zone, "operator": "In", "values": ["zone-b"]})), "True/RequirementsDrifted");
    assert_eq!(require(json!({"key": zone, "operator": "NotIn", "values": ["zone-b"]})), "");
    assert_eq!(require(json!({"key": "team", "operator": "NotIn", "values": ["x"]})), "");
    assert_eq!(
        require(json!({"key": "kubernetes.io/arch", "operator": "Exists"})),
        "True/RequirementsDrifted",
        "no label is taken for granted"
    );
}

#[test]
fn the_provider_is_asked_every_five_minutes_and_when_the_class_changes() {
    let mut world = given();
    world.settle();
    assert_eq!(world.take_done(), ["CheckDrift NodeClaim a", "PatchStatus NodeClaim a"]);
    world.drift = Some("AMIDrift".to_owned());
    world.pass(299);
    assert_eq!(world.done, Vec::<String>::new());
    world.pass(1);
    assert_eq!(condition(&world, "Drifted"), "True/AMIDrift");
    world.drift = None;
    world.pass(1);
    edit(&mut world, Kind::KWOKNodeClass, "default", |class| class["spec"]["nodeRegistrationDelay"] = json!("1s"));
    assert_eq!(condition(&world, "Drifted"), "");
}

#[test]
fn a_provider_that_cannot_tell_changes_nothing() {
    let mut world = given();
    world.drift = Some("AMIDrift".to_owned());
    world.settle();
    for _ in 0..8 {
        world.answer(Verb::CheckDrift, Outcome::Drift(Err(ProviderError::other("throttled"))));
    }
    world.pass(310);
    assert_eq!(condition(&world, "Drifted"), "True/AMIDrift");
    world.drift = None;
    world.pass(300);
    assert_eq!(condition(&world, "Drifted"), "");
}

#[test]
fn a_claim_that_is_not_launched_has_not_drifted_and_one_whose_pool_is_gone_is_left_as_it_is() {
    let mut world = given();
    world.drift = Some("AMIDrift".to_owned());
    world.settle();
    world.vanish(Kind::NodePool, "web");
    world.drift = None;
    world.pass(600);
    assert_eq!(condition(&world, "Drifted"), "True/AMIDrift");
    let mut world = given();
    world.drift = Some("AMIDrift".to_owned());
    world.edit(Kind::NodeClaim, "a", |claim| claim["status"]["conditions"] = json!([]));
    world.pass(600);
    assert_eq!(condition(&world, "Drifted"), "");
}

#[test]
fn a_type_that_is_not_sold_any_more_is_drift_after_an_hour_but_an_empty_list_is_not_believed() {
    let mut world = given_a_pool(&[RULE, crate::loops::offers::RULE]);
    given_a_node(&mut world, "a");
    world.pass(3 * 3600);
    assert_eq!(condition(&world, "Drifted"), "");
    let sells = |type_: &str| {
        let machine = json!([{
            "name": type_, "architecture": "amd64", "operatingSystems": ["linux"],
            "resources": {"cpu": "2", "memory": "4Gi", "pods": "20"}, "overhead": {"cpu": "0", "memory": "0"},
            "offerings": [{"Price": 0.1, "Available": false, "Requirements": [
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
                {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-a"]},
            ]}],
        }]);
        let catalogue = dovetail_cloudprovider::kwok::read(&machine.to_string()).expect("a readable catalogue");
        let pool = serde_json::from_value(json!({
            "metadata": {"name": "web"},
            "spec": {"template": {"spec": {"requirements": [], "nodeClassRef": super::class()}}},
        }));
        let pool = pool.expect("a readable pool");
        dovetail_cloudprovider::source::InstanceTypeSource::instance_types(&catalogue, &pool, None).expect("a list")
    };
    world.offers = sells("small");
    world.pass(3700);
    assert_eq!(condition(&world, "Drifted"), "", "sold out is not gone");
    world.offers = sells("large");
    world.pass(4000);
    assert_eq!(condition(&world, "Drifted"), "True/InstanceTypeNotFound");
}
