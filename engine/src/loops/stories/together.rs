//! All loops at once: that none undoes what another has done, and that a controller killed after any effect of the whole life
//! of a pool leaves nothing behind that the next one does not see to.

use super::set_the_scene;
use crate::cluster::Kind;
use crate::loops::ALL;
use crate::settings::{Gates, Settings};
use crate::testing_world::World;
use serde_json::json;

/// A static pool that wants two nodes, under all loops.
fn given_everything() -> World {
    let gates = Gates { static_capacity: true, ..Gates::default() };
    let mut world = World::with(ALL, Settings { gates, ..Settings::default() });
    set_the_scene(&mut world);
    want(&mut world, 2);
    world
}

fn want(world: &mut World, replicas: i64) {
    world.edit(Kind::NodePool, "web", |pool| pool["spec"]["replicas"] = json!(replicas));
}

/// The kubelets of all machines that have no node yet join, and are up.
fn the_nodes_come_up(world: &mut World) {
    let ids: Vec<_> = world.machines.keys().cloned().collect();
    for (n, id) in ids.into_iter().enumerate() {
        let name = format!("node-{n}");
        if world.get(Kind::Node, &name).is_some() {
            continue;
        }
        let resources = json!({"cpu": "2", "memory": "4Gi", "pods": "20"});
        world.put(json!({
            "kind": "Node", "metadata": {"name": name},
            "spec": {"providerID": id, "taints": [{"key": "karpenter.sh/unregistered", "effect": "NoExecute"}]},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}], "capacity": resources, "allocatable": resources,
            },
        }));
    }
}

/// Conditions of all claims, in one text.
fn readiness(world: &World) -> Vec<String> {
    world.names(Kind::NodeClaim).iter().map(|name| world.condition(Kind::NodeClaim, name, "Ready")).collect()
}

/// From nothing to two nodes, to one, to none.
fn a_life(world: &mut World) {
    world.pass(30);
    the_nodes_come_up(world);
    world.pass(30);
    assert_eq!(readiness(world), ["True/Ready", "True/Ready"]);
    assert_eq!(world.get(Kind::NodePool, "web").expect("the pool is there")["status"]["nodes"], 2);
    assert_eq!(world.condition(Kind::NodePool, "web", "NodeRegistrationHealthy"), "True/NodeRegistrationHealthy");
    want(world, 1);
    world.pass(60);
    assert_eq!((readiness(world), world.names(Kind::Node).len()), (vec!["True/Ready".to_owned()], 1));
    assert_eq!(world.get(Kind::NodePool, "web").expect("the pool is there")["status"]["nodes"], 1);
    want(world, 0);
    world.pass(300);
    assert_eq!((world.names(Kind::NodeClaim).len(), world.names(Kind::Node).len()), (0, 0));
    assert!(world.machines.is_empty(), "no machine is left: {:?}", world.machines.keys());
}

#[test]
fn a_cluster_in_which_nothing_happens_is_left_in_peace() {
    let mut world = given_everything();
    world.pass(30);
    the_nodes_come_up(&mut world);
    world.pass(30);
    world.take_done();
    world.pass(3600);
    let idle = ["ListMachines", "CheckDrift", "InstanceTypes"];
    world.done.retain(|done| !idle.iter().any(|verb| done.starts_with(verb)));
    assert_eq!(world.done, Vec::<String>::new());
}

#[test]
fn a_controller_killed_after_any_effect_is_taken_over_without_a_trace() {
    let mut world = given_everything();
    a_life(&mut world);
    let effects = world.done.len();
    assert!(effects > 40, "a life has many effects: {effects}");
    for effect in 0..effects {
        let mut world = given_everything();
        world.crash_after(effect);
        a_life(&mut world);
    }
}
