//! Worlds from beginning to end: what a cluster lives through when all goes well, and when nothing does.

use super::*;
use dovetail_api::node_claim::NodeClaim;
use dovetail_cloudprovider::kwok;
use dovetail_engine::action::Patch;
use serde_json::json;

/// Small and large machines in two zones, as spot and on demand.
fn catalogue() -> KwokCatalogue {
    let machine = |name: &str, cpu: u32, memory: &str, price: f64| {
        let offering = |zone: &str, capacity: &str, part: f64| {
            json!({"Price": price * part, "Available": true, "Requirements": [
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": [capacity]},
                {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]},
            ]})
        };
        json!({
            "name": name, "architecture": "amd64", "operatingSystems": ["linux"],
            "resources": {"cpu": cpu.to_string(), "memory": memory, "pods": "30"},
            "offerings": [
                offering("zone-a", "on-demand", 1.0), offering("zone-b", "on-demand", 1.0),
                offering("zone-a", "spot", 0.3), offering("zone-b", "spot", 0.4),
            ],
        })
    };
    let types = [machine("c-2x", 2, "4Gi", 0.1), machine("c-4x", 4, "8Gi", 0.19), machine("c-8x", 8, "16Gi", 0.37)];
    kwok::read(&json!(types).to_string()).expect("a catalogue")
}

fn pool(limit: Option<&str>) -> Value {
    let mut pool = json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "default"},
        "spec": {
            "template": {"spec": {
                "requirements": [],
                "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
            }},
        },
    });
    if let Some(limit) = limit {
        pool["spec"]["limits"] = json!({"cpu": limit});
    }
    pool
}

fn class() -> Value {
    json!({
        "apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass", "metadata": {"name": "default"}, "spec": {},
        "status": {"conditions": [{
            "type": "Ready", "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]},
    })
}

fn workload(name: &str, replicas: i32, cpu: &str) -> Value {
    let labels = json!({"app": name});
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {
                "terminationGracePeriodSeconds": 30,
                "containers": [{"name": "main", "image": "app", "resources": {"requests": {"cpu": cpu, "memory": "256Mi"}}}],
            },
        }},
    })
}

fn budget(name: &str, least: Value) -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name, "namespace": "default"},
        "spec": {"minAvailable": least, "selector": {"matchLabels": {"app": name}}},
    })
}

fn minutes(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

/// A world with a pool and its class.
fn world(seed: u64, faults: Faults, limit: Option<&str>) -> World {
    let settings = Settings { policy: "karpenter".to_owned(), ..Settings::default() };
    let mut world = World::new(seed, faults, catalogue(), settings);
    for manifest in [class(), pool(limit)] {
        world.create(manifest).expect("a readable manifest");
    }
    world
}

fn put(world: &mut World, manifest: Value) {
    world.create(manifest).expect("a readable manifest");
}

fn scale(workload: &str, replicas: i32) -> Deed {
    Deed::Scale { workload: format!("default/{workload}"), replicas }
}

fn count(world: &World, kind: Kind) -> usize {
    world.server.list(kind).count()
}

fn names(world: &World, kind: Kind) -> Vec<ObjectKey> {
    world.server.list(kind).map(|(key, _)| key.clone()).collect()
}

fn running(world: &World) -> usize {
    world.server.pods().filter(|pod| kubelets::is_running(pod)).count()
}

fn run(world: &mut World, time: SignedDuration) {
    world.run(time).unwrap_or_else(|violation| panic!("{violation}"));
}

fn rest(world: &World) {
    world.is_at_rest().unwrap_or_else(|violation| panic!("{violation}"));
}

#[test]
fn fifty_pods_arrive_nodes_come_pods_run_and_everything_goes() {
    // given a cluster without nodes
    let mut world = world(1, Faults::NONE, None);
    run(&mut world, minutes(1));
    assert_eq!((count(&world, Kind::Node), world.cloud.launched), (0, 0));
    // when fifty pods come
    put(&mut world, workload("web", 50, "500m"));
    run(&mut world, minutes(5));
    // then they run, on as many machines as that takes and no more
    assert_eq!(running(&world), 50);
    rest(&world);
    let bought: f64 = world.cloud.machines().map(|(_, m)| cpu(m)).sum();
    assert!((25.0..=32.0).contains(&bought), "{bought} CPUs for 25");
    // when they go, and the pool goes
    world.after(SignedDuration::ZERO, scale("web", 0));
    world.after(minutes(5), Deed::Delete(ObjectKey::named(Kind::NodePool, "default")));
    run(&mut world, minutes(10));
    // then nothing is left
    assert_eq!((count(&world, Kind::Pod), count(&world, Kind::Node), count(&world, Kind::NodeClaim)), (0, 0, 0));
    assert_eq!(world.cloud.machines().count(), 0);
}

fn cpu(machine: &crate::cloud::Machine) -> f64 {
    let capacity = machine.claim.status.as_ref().and_then(|status| status.capacity.as_ref());
    capacity.and_then(|capacity| capacity["cpu"].to_canonical().parse().ok()).unwrap_or(0.0)
}

#[test]
fn a_claim_that_is_deleted_gives_its_pods_time_to_move_within_their_budget() {
    // given twelve pods of which ten must be there at any time
    let mut world = world(2, Faults::NONE, None);
    put(&mut world, workload("web", 12, "1"));
    put(&mut world, budget("web", json!(10)));
    run(&mut world, minutes(5));
    rest(&world);
    let before = names(&world, Kind::NodeClaim);
    // when every node is to go at once
    for claim in &before {
        world.after(SignedDuration::ZERO, Deed::Delete(claim.clone()));
    }
    let mut least = usize::MAX;
    for _ in 0..20 * 60 {
        run(&mut world, SignedDuration::from_secs(1));
        least = least.min(running(&world));
    }
    // then others take their place, and ten pods run at any time
    rest(&world);
    assert!(names(&world, Kind::NodeClaim).iter().all(|claim| !before.contains(claim)));
    assert!(least >= 10, "only {least} ran at a time");
    assert!(world.said.get("FailedDraining").is_some_and(|n| *n > 0), "the budget was in the way");
}

#[test]
fn the_same_seed_is_the_same_history() {
    let history = |seed| {
        let mut world = world(seed, Faults::BAD_DAY, None);
        world.keeps_journal = true;
        put(&mut world, workload("web", 20, "700m"));
        world.after(minutes(5), scale("web", 60));
        world.after(minutes(10), Deed::Delete(ObjectKey::named(Kind::NodePool, "default")));
        run(&mut world, minutes(20));
        world.journal
    };
    let first = history(7);
    assert!(first.len() > 100);
    assert_eq!(first, history(7));
    assert_ne!(first, history(8));
}

#[test]
fn a_machine_that_nobody_claims_is_found_and_ended() {
    let mut world = world(3, Faults::NONE, None);
    let stray = json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "metadata": {"name": "lost", "uid": "lost"},
        "spec": {"requirements": [], "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}},
    });
    let stray: NodeClaim = serde_json::from_value(stray).expect("a claim");
    world.cloud.launch(&stray, world.now).expect("a machine");
    run(&mut world, minutes(14));
    assert_eq!(world.cloud.machines().count(), 0);
}

/// What the world says is wrong once somebody has done this to the first object of the kind.
fn wrong(kind: Kind, body: &Value, time: SignedDuration) -> String {
    let mut world = world(4, Faults::NONE, Some("100"));
    put(&mut world, workload("web", 4, "500m"));
    run(&mut world, minutes(5));
    rest(&world);
    let key = names(&world, kind).remove(0);
    world.server.patch(&key, &Patch { status: false, body: body.clone() }).expect("a change");
    if kind != Kind::NodePool {
        drop(world.server.delete(&key, &Default::default(), world.now));
    }
    world.run(time).err().map_or_else(String::new, |violation| violation.what)
}

#[test]
fn what_must_not_be_is_noticed() {
    let free = json!({"metadata": {"finalizers": null}});
    let claim = wrong(Kind::NodeClaim, &free, minutes(1));
    assert!(claim.starts_with("claim default-") && claim.contains("is gone before its machine"), "{claim}");
    let node = wrong(Kind::Node, &free, minutes(1));
    assert!(node.starts_with("node kwok-default-") && node.ends_with("is gone before its machine"), "{node}");
    let limit = wrong(Kind::NodePool, &json!({"spec": {"limits": {"cpu": "1"}}}), minutes(1));
    assert!(limit.starts_with("pool default may have 1000 of cpu and has "), "{limit}");
    // and a cluster without a controller keeps nothing
    let mut world = world(5, Faults::NONE, None);
    put(&mut world, workload("web", 4, "500m"));
    run(&mut world, minutes(5));
    world.after(SignedDuration::ZERO, scale("web", 40));
    run(&mut world, SignedDuration::from_secs(1));
    let violation = world.is_at_rest().expect_err("the pods have no place yet");
    assert!(violation.what.starts_with("workload web wants 40 pods"), "{violation}");
}

#[test]
fn pods_that_were_to_go_onto_a_machine_that_never_joins_get_another() {
    // given a machine that was launched for one pod, with room for more, and never joins
    let mut world = world(6, Faults { never_joins: 1000, ..Faults::NONE }, None);
    put(&mut world, workload("first", 1, "1500m"));
    run(&mut world, minutes(1));
    world.after(SignedDuration::ZERO, Deed::Faults(Faults::NONE));
    // when another pod comes that fits there too
    put(&mut world, workload("second", 1, "200m"));
    run(&mut world, minutes(10));
    assert_eq!((world.cloud.launched, running(&world)), (1, 0), "it is waited for");
    // then both have their place once nobody waits for that machine any more
    run(&mut world, minutes(12));
    assert_eq!(running(&world), 2);
    rest(&world);
}

/// How many bad days are lived through.
const SEEDS: u64 = 48;

/// Half an hour in which everything goes wrong, and what a cluster has come to an hour later.
fn bad_day(seed: u64) -> World {
    let mut world = world(seed, Faults::BAD_DAY, Some("60"));
    let mut chance = Chance::new(seed);
    put(&mut world, workload("web", 10, "900m"));
    put(&mut world, workload("job", 4, "2500m"));
    put(&mut world, budget("web", json!("50%")));
    for minute in 1..30 {
        let some = i32::try_from(chance.number() % 14).unwrap_or(0);
        let deed = match chance.number() % 4 {
            0 => scale("job", some / 2),
            // Of a single pod the budget would not spare half: its node could never go.
            1 => scale("web", some.max(2)),
            _ => continue,
        };
        world.after(minutes(minute), deed);
    }
    for _ in 0..15 {
        run(&mut world, minutes(2));
        if let Some(claim) = names(&world, Kind::NodeClaim).into_iter().next().filter(|_| chance.happens(200)) {
            world.after(SignedDuration::ZERO, Deed::Delete(claim));
        }
    }
    world.after(SignedDuration::ZERO, Deed::Faults(Faults::NONE));
    run(&mut world, minutes(60));
    rest(&world);
    world
}

#[test]
fn nothing_is_lost_on_a_bad_day() {
    let worlds: Vec<World> = (0..SEEDS).map(bad_day).collect();
    // and it was one: else this says nothing
    let crashes: u64 = worlds.iter().map(|world| world.crashes).sum();
    let launched: usize = worlds.iter().map(|world| world.cloud.launched).sum();
    assert!(crashes > SEEDS * 4 && launched > 48 * 5, "{crashes} crashes, {launched} launches");
}
