//! NodePools: validation, readiness, hash, registration health.

use super::{given_a_node, given_a_pool, set_the_scene};
use crate::cluster::{Kind, Remember};
use crate::loops::{lifecycle, pool_counter, pool_hash, pool_readiness, pool_registration_health, pool_validation};
use crate::testing_world::World;
use dovetail_api::hash;
use dovetail_api::node_pool::NodePool;
use serde_json::{Value, json};

fn condition(world: &World, type_: &str) -> String {
    world.condition(Kind::NodePool, "web", type_)
}

fn edit_pool(world: &mut World, change: impl FnOnce(&mut Value)) {
    world.edit(Kind::NodePool, "web", |pool| {
        change(pool);
        let generation = pool["metadata"]["generation"].as_i64().expect("a generation");
        pool["metadata"]["generation"] = json!(generation + 1);
    });
    world.settle();
}

#[test]
fn a_pool_is_ready_when_it_makes_sense_and_its_class_is_ready() {
    let mut world = given_a_pool(&[pool_validation::RULE, pool_readiness::RULE]);
    world.settle();
    assert_eq!(condition(&world, "ValidationSucceeded"), "True/ValidationSucceeded");
    assert_eq!(condition(&world, "NodeClassReady"), "True/NodeClassReady");
    assert_eq!(condition(&world, "Ready"), "True/Ready");
    world.take_done();
    world.pass(3600);
    assert_eq!(world.done, Vec::<String>::new());
    edit_pool(&mut world, |pool| {
        pool["spec"]["template"]["metadata"]["labels"] = json!({"karpenter.sh/nodepool": "x"})
    });
    assert_eq!(condition(&world, "ValidationSucceeded"), "False/NodePoolValidationFailed");
    assert_eq!(condition(&world, "Ready"), "False/UnhealthyDependents");
    edit_pool(&mut world, |pool| pool["spec"]["template"]["metadata"]["labels"] = json!({}));
    assert_eq!(condition(&world, "Ready"), "True/Ready");
}

#[test]
fn a_pool_follows_its_node_class() {
    let mut world = given_a_pool(&[pool_readiness::RULE]);
    let class_says = |world: &mut World, status: &str| {
        let at = world.now.to_string();
        world.edit(Kind::KWOKNodeClass, "default", |class| {
            class["status"]["conditions"] = json!([{
                "type": "Ready", "status": status, "reason": "Because", "message": "of something", "lastTransitionTime": at,
            }]);
        });
        world.settle();
    };
    class_says(&mut world, "Unknown");
    assert_eq!(condition(&world, "NodeClassReady"), "False/NodeClassReadinessUnknown");
    class_says(&mut world, "False");
    assert_eq!(condition(&world, "NodeClassReady"), "False/Because");
    class_says(&mut world, "True");
    assert_eq!(condition(&world, "NodeClassReady"), "True/NodeClassReady");
    world.edit(Kind::KWOKNodeClass, "default", |class| class["metadata"]["finalizers"] = json!(["x"]));
    world.delete(Kind::KWOKNodeClass, "default");
    world.settle();
    assert_eq!(condition(&world, "NodeClassReady"), "False/NodeClassTerminating");
    world.vanish(Kind::KWOKNodeClass, "default");
    world.settle();
    assert_eq!(condition(&world, "NodeClassReady"), "False/NodeClassNotFound");
}

#[test]
fn an_ec2_class_that_has_not_said_anything_is_not_ready() {
    let mut world = World::new(&[pool_readiness::RULE]);
    set_the_scene(&mut world);
    world.edit(Kind::NodePool, "web", |pool| {
        pool["spec"]["template"]["spec"]["nodeClassRef"] =
            json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"});
    });
    world.put(json!({
        "kind": "EC2NodeClass", "metadata": {"name": "default"},
        "spec": {"amiSelectorTerms": [], "subnetSelectorTerms": [], "securityGroupSelectorTerms": []},
    }));
    world.settle();
    assert_eq!(condition(&world, "NodeClassReady"), "False/NodeClassReadinessUnknown");
}

fn hash_of(world: &World) -> String {
    let pool = world.get(Kind::NodePool, "web").expect("the pool is there").clone();
    let pool: NodePool = serde_json::from_value(pool).expect("a readable pool");
    hash::node_pool(&pool.spec.template)
}

/// Hash and version on an object.
fn stamps(world: &World, kind: Kind, name: &str) -> [String; 2] {
    let annotations = &world.get(kind, name).expect("it is there")["metadata"]["annotations"];
    ["karpenter.sh/nodepool-hash", "karpenter.sh/nodepool-hash-version"]
        .map(|key| annotations[key].as_str().unwrap_or_default().to_owned())
}

#[test]
fn the_hash_of_a_pool_follows_its_template_and_leaves_claims_alone() {
    let mut world = given_a_pool(&[pool_hash::RULE]);
    world.settle();
    let first = hash_of(&world);
    assert_eq!(stamps(&world, Kind::NodePool, "web"), [first.clone(), "v3".into()]);
    given_a_node(&mut world, "a");
    world.edit(Kind::NodeClaim, "a", |claim| {
        claim["metadata"]["annotations"] =
            json!({"karpenter.sh/nodepool-hash": "old", "karpenter.sh/nodepool-hash-version": "v3"});
    });
    edit_pool(&mut world, |pool| pool["spec"]["template"]["metadata"]["labels"] = json!({"team": "a"}));
    assert_ne!(hash_of(&world), first);
    assert_eq!(stamps(&world, Kind::NodePool, "web")[0], hash_of(&world));
    assert_eq!(stamps(&world, Kind::NodeClaim, "a")[0], "old", "whether that is drift is decided elsewhere");
}

#[test]
fn a_new_version_of_the_hash_makes_nothing_drift_and_nothing_that_drifted_come_back() {
    let mut world = given_a_pool(&[pool_hash::RULE]);
    for name in ["a", "b"] {
        given_a_node(&mut world, name);
        world.edit(Kind::NodeClaim, name, |claim| {
            claim["metadata"]["annotations"] =
                json!({"karpenter.sh/nodepool-hash": "by-v2", "karpenter.sh/nodepool-hash-version": "v2"});
        });
    }
    let at = world.now.to_string();
    world.edit(Kind::NodeClaim, "b", |claim| {
        claim["status"]["conditions"].as_array_mut().expect("conditions").push(json!({
            "type": "Drifted", "status": "True", "reason": "NodePoolDrifted", "message": "NodePoolDrifted", "lastTransitionTime": at,
        }));
    });
    world.edit(Kind::NodePool, "web", |pool| {
        pool["metadata"]["annotations"] =
            json!({"karpenter.sh/nodepool-hash": "by-v2", "karpenter.sh/nodepool-hash-version": "v2"});
    });
    world.refuse(crate::action::Verb::Patch, crate::action::Fault::Timeout);
    world.settle();
    assert_eq!(stamps(&world, Kind::NodePool, "web"), ["by-v2", "v2"], "not before every claim has it");
    world.pass(1);
    let hash = hash_of(&world);
    assert_eq!(stamps(&world, Kind::NodePool, "web"), [hash.clone(), "v3".into()]);
    assert_eq!(stamps(&world, Kind::NodeClaim, "a"), [hash, "v3".into()]);
    assert_eq!(stamps(&world, Kind::NodeClaim, "b"), ["by-v2", "v3"]);
}

fn registration(succeeded: bool) -> Remember {
    let because = (!succeeded).then(|| ("LaunchFailed".to_owned(), "throttled".to_owned()));
    Remember::Registration { pool: "uid-web".into(), succeeded, because }
}

/// A rule that does nothing but have the world told how registrations went, by the text of an annotation: `F` and `S`.
const TELLER: crate::rule::Rule = crate::rule::Rule {
    name: "teller",
    of_cluster: false,
    concerns: crate::loops::subjects::pools,
    judge: |view, about| {
        let Some(pool) = crate::loops::subjects::pool(view, about) else { return crate::rule::Verdict::nothing() };
        let told = crate::loops::subjects::annotation(&pool.metadata, "told").unwrap_or_default();
        let known = view.snapshot.memory.registrations.get("uid-web").map_or(0, |r| r.known.len());
        let Some(next) = told.chars().nth(known) else { return crate::rule::Verdict::nothing() };
        crate::rule::Verdict::nothing().remember(registration(next == 'S'))
    },
};

#[test]
fn two_of_the_last_four_registrations_that_failed_are_too_many() {
    for (told, expected) in [
        ("", "Unknown/AwaitingReconciliation"),
        ("S", "True/NodeRegistrationHealthy"),
        ("F", "Unknown/AwaitingReconciliation"),
        ("FF", "False/LaunchFailed"),
        ("FFS", "False/LaunchFailed"),
        ("SF", "True/NodeRegistrationHealthy"),
        ("SFF", "False/LaunchFailed"),
    ] {
        let mut world = given_a_pool(&[pool_registration_health::RULE, TELLER]);
        world.settle();
        assert_eq!(condition(&world, "NodeRegistrationHealthy"), "Unknown/AwaitingReconciliation");
        for n in 1..=told.len() {
            world.edit(Kind::NodePool, "web", |pool| pool["metadata"]["annotations"]["told"] = json!(told[..n]));
            world.settle();
        }
        assert_eq!(condition(&world, "NodeRegistrationHealthy"), expected, "{told}");
    }
}

#[test]
fn what_was_found_before_a_restart_counts_and_a_change_of_the_pool_begins_anew() {
    let mut world = given_a_pool(&[pool_registration_health::RULE]);
    world.settle();
    let at = world.now.to_string();
    world.edit(Kind::NodePool, "web", |pool| {
        pool["status"]["conditions"] = json!([{
            "type": "NodeRegistrationHealthy", "status": "False", "reason": "RegistrationFailed", "message": "x",
            "lastTransitionTime": at, "observedGeneration": 1,
        }]);
    });
    world.restart();
    world.settle();
    let known = |world: &World| {
        world.engine.snapshot().memory.registrations.get("uid-web").map(|r| r.known.clone()).unwrap_or_default()
    };
    assert_eq!(known(&world), [false, false]);
    assert_eq!(condition(&world, "NodeRegistrationHealthy"), "False/RegistrationFailed");
    edit_pool(&mut world, |pool| pool["spec"]["template"]["metadata"]["labels"] = json!({"team": "a"}));
    assert_eq!(condition(&world, "NodeRegistrationHealthy"), "Unknown/AwaitingReconciliation");
    assert_eq!(known(&world), Vec::<bool>::new());
}

#[test]
fn a_node_that_joins_makes_its_pool_healthy() {
    let mut world = given_a_pool(&[pool_registration_health::RULE, lifecycle::RULE]);
    world.put(json!({
        "kind": "NodeClaim",
        "metadata": {
            "name": "a", "labels": {"karpenter.sh/nodepool": "web"},
            "ownerReferences": [{"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "name": "web", "uid": "uid-web"}],
        },
        "spec": {"requirements": [], "nodeClassRef": super::class()},
    }));
    world.settle();
    world.put(json!({"kind": "Node", "metadata": {"name": "node-a"}, "spec": {"providerID": "fake:///uid-a"}}));
    world.settle();
    assert_eq!(condition(&world, "NodeRegistrationHealthy"), "True/NodeRegistrationHealthy");
}

fn counted(world: &World) -> (Value, Value) {
    let status = &world.get(Kind::NodePool, "web").expect("the pool is there")["status"];
    (status["nodes"].clone(), status["resources"].clone())
}

#[test]
fn a_pool_counts_what_it_has_and_what_is_on_its_way_but_not_what_goes() {
    let mut world = given_a_pool(&[pool_counter::RULE]);
    world.settle();
    let nothing = json!({"cpu": "0", "memory": "0", "pods": "0", "ephemeral-storage": "0", "nodes": "0"});
    assert_eq!(counted(&world), (json!(0), nothing.clone()));
    world.pass(10);
    for name in ["a", "b"] {
        given_a_node(&mut world, name);
    }
    world.edit(Kind::Node, "node-a", |node| node["status"]["capacity"]["example.com/gpu"] = json!("1"));
    world.vanish(Kind::Node, "node-b");
    world.pass(1);
    let both = json!({
        "cpu": "4", "memory": "8Gi", "pods": "40", "ephemeral-storage": "0", "nodes": "2", "example.com/gpu": "1",
    });
    assert_eq!(counted(&world), (json!(2), both), "b is a machine on its way");
    world.take_done();
    world.edit(Kind::Node, "node-a", |node| node["status"]["conditions"][0]["lastHeartbeatTime"] = json!(null));
    world.pass(60);
    assert_eq!(world.done, Vec::<String>::new());
    world.delete(Kind::NodeClaim, "a");
    world.delete(Kind::NodeClaim, "b");
    world.pass(1);
    assert_eq!(counted(&world), (json!(0), nothing), "and the resource that is gone with them is not listed");
}
