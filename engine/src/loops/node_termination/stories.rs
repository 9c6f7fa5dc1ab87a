//! Nodes that go away, in virtual time. Pods are held by a finalizer of the story's own, which stands for their kubelet.

use super::RULE;
use crate::action::{ApiError, Fault, Verb};
use crate::cluster::Kind;
use crate::event::Outcome;
use crate::fact::Fact;
use crate::settings::Settings;
use crate::testing_world::World;
use dovetail_cloudprovider::errors::ProviderError;
use k8s_openapi::jiff::SignedDuration;
use serde_json::{Value, json};

/// A node `n` with its claim `c` and its machine, ready, told to go.
fn world() -> World {
    of(World::new(&[RULE]))
}

fn of(mut world: World) -> World {
    let id = world.buy("c");
    world.put(json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
        "metadata": {"name": "c", "finalizers": ["karpenter.sh/termination"], "labels": {"karpenter.sh/nodepool": "default"}},
        "spec": {
            "requirements": [],
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
        },
        "status": {"providerID": id, "nodeName": "n"},
    }));
    world.put(json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": "n", "finalizers": ["karpenter.sh/termination", "example.com/other"],
            "labels": {"karpenter.sh/nodepool": "default", "topology.kubernetes.io/zone": "zone-a"},
        },
        "spec": {"providerID": id, "taints": [{"key": "team", "effect": "NoExecute"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }));
    world
}

/// A pod on the node with these metadata and spec fields beside the usual ones.
fn pod(world: &mut World, name: &str, metadata: Value, spec: Value) {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "finalizers": ["story/kubelet"]},
        "spec": {"nodeName": "n", "containers": [], "terminationGracePeriodSeconds": 30},
        "status": {"phase": "Running"},
    });
    for (part, fields) in [("metadata", metadata), ("spec", spec)] {
        for (key, value) in fields.as_object().expect("fields") {
            pod[part][key] = value.clone();
        }
    }
    world.put(pod);
}

fn plain(world: &mut World, name: &str) {
    pod(world, name, json!({}), json!({}));
}

/// Pods by name: those of the node that were told to go, by now.
fn leaving(world: &World) -> Vec<String> {
    let told =
        |name: &String| !world.get(Kind::Pod, name).expect("it is there")["metadata"]["deletionTimestamp"].is_null();
    world.names(Kind::Pod).into_iter().filter(told).map(|name| name.replace("default/", "")).collect()
}

fn end(world: &mut World, pod: &str) {
    world.vanish(Kind::Pod, &format!("default/{pod}"));
    world.settle();
}

fn begin(world: &mut World) {
    world.delete(Kind::Node, "n");
    world.settle();
}

fn count(world: &World, verb: &str) -> usize {
    world.done.iter().filter(|line| line.starts_with(verb)).count()
}

/// The deadline of the claim is so many seconds from now.
fn grace(world: &mut World, seconds: i64) {
    let time = (world.now + SignedDuration::from_secs(seconds)).to_string();
    let annotations = json!({"karpenter.sh/nodeclaim-termination-timestamp": time});
    world.edit(Kind::NodeClaim, "c", |claim| claim["metadata"]["annotations"] = annotations);
}

#[test]
fn a_node_is_closed_emptied_in_tiers_and_goes_after_its_machine() {
    // given a node with a pod of each tier, one that stays on purpose and a static one
    let mut world = world();
    let daemon = json!({"ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "d", "controller": true}]});
    let mirror = json!({"ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "uid-n", "controller": true}]});
    let critical = json!({"priorityClassName": "system-cluster-critical"});
    plain(&mut world, "web");
    pod(&mut world, "agent", daemon.clone(), json!({}));
    pod(&mut world, "dns", json!({}), critical.clone());
    pod(&mut world, "cni", daemon, critical);
    pod(&mut world, "static", mirror, json!({}));
    pod(&mut world, "stayer", json!({}), json!({"tolerations": [{"operator": "Exists"}]}));
    // when the node is told to go
    begin(&mut world);
    // then it is closed first, and its claim goes too
    assert_eq!(world.done[..2], ["Delete NodeClaim c", "Patch Node n"]);
    let node = world.get(Kind::Node, "n").expect("it is there");
    assert_eq!(node["metadata"]["labels"]["node.kubernetes.io/exclude-from-external-load-balancers"], "karpenter");
    let taints =
        json!([{"key": "team", "effect": "NoExecute"}, {"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}]);
    assert_eq!(node["spec"]["taints"], taints);
    assert_eq!(world.condition(Kind::NodeClaim, "c", "Drained"), "Unknown/Draining");
    // and each tier waits for the one before it
    for (next, before) in [("web", None), ("agent", Some("web")), ("dns", Some("agent")), ("cni", Some("dns"))] {
        before.into_iter().for_each(|pod| end(&mut world, pod));
        assert_eq!(leaving(&world), [next]);
        world.pass(30);
        assert_eq!(leaving(&world), [next], "however long it takes");
    }
    assert_eq!(count(&world, "Evict"), 4, "each was told once");
    assert_eq!(count(&world, "Terminate"), 0);
    end(&mut world, "cni");
    // then the machine ends, and only then the node goes
    assert_eq!(world.condition(Kind::NodeClaim, "c", "Drained"), "True/Drained");
    assert_eq!(world.condition(Kind::NodeClaim, "c", "VolumesDetached"), "True/VolumesDetached");
    assert_eq!(world.condition(Kind::NodeClaim, "c", "InstanceTerminating"), "True/InstanceTerminating");
    assert_eq!(count(&world, "Terminate"), 1);
    world.pass(4);
    assert_eq!(count(&world, "Terminate"), 1, "it is asked after every five seconds");
    world.pass(1);
    let node = world.get(Kind::Node, "n").expect("somebody else holds it");
    assert_eq!(node["metadata"]["finalizers"], json!(["example.com/other"]));
    assert_eq!(leaving(&world), [""; 0]);
    // and everybody knows
    assert_eq!(world.counted("karpenter_nodes_drained_total"), (1.0, vec![("nodepool", "default".into())]));
    let of_node = vec![("nodepool", "default".into()), ("zone", "zone-a".into())];
    assert_eq!(world.counted("karpenter_nodes_terminated_total"), (1.0, of_node));
    assert_eq!(world.observed("karpenter_nodes_termination_duration_seconds"), [125.0]);
    assert!(world.log().contains(&"tainted node") && world.log().contains(&"deleted node"));
    assert!(world.events(Kind::Pod).iter().all(|reason| *reason == "Evicted"));
}

#[test]
fn an_empty_node_takes_five_seconds_so_that_late_pods_are_seen() {
    let mut world = world();
    begin(&mut world);
    world.pass(4);
    assert_eq!(world.condition(Kind::NodeClaim, "c", "Drained"), "Unknown/Draining");
    plain(&mut world, "late");
    world.pass(1);
    assert_eq!(leaving(&world), ["late"]);
    assert_eq!(count(&world, "Terminate"), 0);
    end(&mut world, "late");
    assert_eq!(count(&world, "Terminate"), 1);
}

#[test]
fn a_disruption_budget_delays_the_drain_and_is_asked_again_at_growing_distances() {
    let mut world = world();
    plain(&mut world, "web");
    for _ in 0..4 {
        world.answer(Verb::Evict, Outcome::Written(Err(ApiError::new(Fault::Throttled, 429, "not now"))));
    }
    begin(&mut world);
    assert_eq!((count(&world, "Evict"), leaving(&world)), (1, vec![]));
    // after 100, 200, 400 and 800 ms
    world.pass(1);
    assert_eq!((count(&world, "Evict"), leaving(&world)), (4, vec![]));
    world.pass(1);
    assert_eq!((count(&world, "Evict"), leaving(&world)), (5, vec!["web".into()]));
    let errors: Vec<String> = world
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Event(notice) if notice.kind.reason == "FailedDraining" => Some(notice.values[0].1.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(errors.iter().filter(|e| *e == "evicting pod violates a PDB (Pod=default/web)").count(), 4);
    assert!(errors.contains(&"1 pods are waiting to be evicted".to_owned()));
    assert_eq!(world.counted("karpenter_pods_eviction_requests_total"), (5.0, vec![("code", "200".into())]));
    assert_eq!(world.counted("karpenter_pods_drained_total"), (1.0, vec![("reason", "Forceful Termination".into())]));
}

#[test]
fn several_budgets_for_one_pod_are_told_apart_from_one() {
    let mut world = world();
    plain(&mut world, "web");
    let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    world.answer(Verb::Evict, Outcome::Written(Err(ApiError::new(Fault::Other, 500, message))));
    begin(&mut world);
    let told = world.facts.iter().any(|fact| match fact {
        Fact::Event(notice) => notice.values[0].1.starts_with("eviction does not support multiple PDBs"),
        _ => false,
    });
    assert!(told);
    world.pass(1);
    assert_eq!(leaving(&world), ["web"]);
}

#[test]
fn a_pod_that_is_gone_before_its_eviction_holds_nothing_up() {
    let mut world = world();
    plain(&mut world, "web");
    world.refuse(Verb::Evict, Fault::NotFound);
    begin(&mut world);
    world.pass(3);
    assert_eq!(count(&world, "Evict"), 1);
    end(&mut world, "web");
    world.pass(10);
    assert_eq!(count(&world, "Terminate"), 2);
}

#[test]
fn a_protected_pod_stalls_the_drain_until_its_protection_ends() {
    let mut world = world();
    let started = world.now.to_string();
    pod(&mut world, "job", json!({"annotations": {"karpenter.sh/do-not-disrupt": "10m"}}), json!({}));
    world.edit(Kind::Pod, "default/job", |pod| pod["status"]["startTime"] = json!(started));
    pod(&mut world, "odd", json!({"annotations": {"karpenter.sh/do-not-disrupt": "soon"}}), json!({}));
    begin(&mut world);
    assert_eq!(leaving(&world), ["odd"], "what cannot be read protects nothing");
    world.pass(599);
    assert_eq!(leaving(&world), ["odd"]);
    world.pass(2);
    assert_eq!(leaving(&world), ["job", "odd"]);
}

#[test]
fn a_deadline_takes_every_pod_in_time_whatever_protects_it() {
    // given a node that must be empty in 100 seconds, with a pod that is protected and takes 60 seconds to end, a critical
    // one that takes 30, and one that took too long already
    let mut world = world();
    grace(&mut world, 100);
    pod(
        &mut world,
        "kept",
        json!({"annotations": {"karpenter.sh/do-not-disrupt": "true"}}),
        json!({"terminationGracePeriodSeconds": 60}),
    );
    pod(&mut world, "dns", json!({}), json!({"priorityClassName": "system-node-critical"}));
    pod(&mut world, "slow", json!({}), json!({"terminationGracePeriodSeconds": 3600}));
    begin(&mut world);
    // then what takes longer than there is time is told at once, with what time there is
    assert_eq!((leaving(&world), count(&world, "Evict")), (vec!["slow".into()], 0));
    let granted: Vec<_> = world
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Event(notice) if notice.kind.reason == "Disrupted" => {
                Some((notice.values[1].1.clone(), notice.values[2].1.clone()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(granted, [("100".into(), "3600".into())]);
    world.pass(40);
    assert_eq!(leaving(&world), ["slow"]);
    world.pass(1);
    assert_eq!(leaving(&world), ["kept", "slow"], "60 seconds before the deadline");
    world.pass(30);
    assert_eq!(leaving(&world), ["dns", "kept", "slow"], "out of turn, since its time is up");
    assert_eq!(count(&world, "Evict"), 0);
    assert!(world.events(Kind::Node).contains(&"TerminationGracePeriodExpiring"));
}

#[test]
fn a_pod_that_was_given_longer_than_the_deadline_is_given_less_once() {
    let mut world = world();
    grace(&mut world, 100);
    plain(&mut world, "web");
    let late = (world.now + SignedDuration::from_secs(500)).to_string();
    world.edit(Kind::Pod, "default/web", |pod| pod["metadata"]["deletionTimestamp"] = json!(late));
    begin(&mut world);
    assert_eq!((count(&world, "Delete Pod"), count(&world, "Evict")), (1, 0));
    let end = (world.now + SignedDuration::from_secs(100)).to_string();
    world.edit(Kind::Pod, "default/web", |pod| pod["metadata"]["deletionTimestamp"] = json!(end));
    world.pass(60);
    assert_eq!(count(&world, "Delete Pod"), 1);
}

#[test]
fn a_pod_whose_kubelet_is_gone_is_not_waited_for() {
    let mut world = world();
    plain(&mut world, "web");
    begin(&mut world);
    assert_eq!(leaving(&world), ["web"]);
    let end = (world.now + SignedDuration::from_secs(30)).to_string();
    world.edit(Kind::Pod, "default/web", |pod| pod["metadata"]["deletionTimestamp"] = json!(end));
    world.pass(90);
    assert_eq!(count(&world, "Terminate"), 0);
    world.pass(1);
    assert_eq!(count(&world, "Terminate"), 1, "a minute after its time was up");
}

#[test]
fn a_node_whose_machine_is_gone_goes_at_once_unless_it_is_ready() {
    for (ready, machine, drains) in [("True", false, true), ("Unknown", false, false), ("Unknown", true, true)] {
        let mut world = world();
        plain(&mut world, "web");
        world.edit(Kind::Node, "n", |node| node["status"]["conditions"][0]["status"] = json!(ready));
        if !machine {
            world.machines.clear();
        }
        begin(&mut world);
        assert_eq!(count(&world, "Evict") == 1, drains, "ready: {ready}, a machine: {machine}");
        let finalizers = &world.get(Kind::Node, "n").expect("it is there")["metadata"]["finalizers"];
        assert_eq!(finalizers == &json!(["example.com/other"]), !drains);
    }
}

#[test]
fn while_nobody_knows_whether_the_machine_is_there_nothing_is_done() {
    let mut world = world();
    plain(&mut world, "web");
    world.edit(Kind::Node, "n", |node| node["status"]["conditions"][0]["status"] = json!("False"));
    world.answer(Verb::Inspect, Outcome::Inspected(Err(ProviderError::other("throttled"))));
    begin(&mut world);
    assert_eq!(world.take_done(), ["Delete NodeClaim c", "Inspect Node n"]);
    world.pass(1);
    assert_eq!(leaving(&world), ["web"]);
    // and it is looked at again from time to time
    world.machines.clear();
    world.pass(10);
    let finalizers = &world.get(Kind::Node, "n").expect("it is there")["metadata"]["finalizers"];
    assert_eq!(finalizers, &json!(["example.com/other"]), "it went while it was drained");
}

/// A volume that is attached to the node, and the claim of it.
fn attached(world: &mut World, name: &str) {
    world.put(json!({"kind": "VolumeAttachment", "metadata": {"name": format!("va-{name}")}, "spec": {
        "attacher": "csi", "nodeName": "n", "source": {"persistentVolumeName": name},
    }, "status": {"attached": true}}));
    world.put(json!({"kind": "PersistentVolumeClaim", "metadata": {"name": format!("claim-{name}"), "namespace": "default"}, "spec": {
        "volumeName": name,
    }}));
}

#[test]
fn volumes_are_detached_first_but_for_those_of_pods_that_stay() {
    let mut world = world();
    attached(&mut world, "data");
    attached(&mut world, "log");
    let spec = json!({
        "tolerations": [{"operator": "Exists"}],
        "volumes": [{"name": "log", "persistentVolumeClaim": {"claimName": "claim-log"}}],
    });
    pod(&mut world, "stayer", json!({}), spec);
    begin(&mut world);
    world.pass(30);
    assert_eq!(world.condition(Kind::NodeClaim, "c", "VolumesDetached"), "Unknown/AwaitingVolumeDetachment");
    let names: Vec<_> = world
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Event(notice) if notice.kind.reason == "AwaitingVolumeDetachment" => Some(notice.values[0].1.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(names[0], "va-data");
    assert_eq!(count(&world, "Terminate"), 0);
    world.vanish(Kind::VolumeAttachment, "va-data");
    world.pass(1);
    assert_eq!(world.condition(Kind::NodeClaim, "c", "VolumesDetached"), "True/VolumesDetached");
    assert_eq!(count(&world, "Terminate"), 1);
}

#[test]
fn a_deadline_ends_the_wait_for_volumes() {
    let mut world = world();
    grace(&mut world, 60);
    attached(&mut world, "data");
    begin(&mut world);
    world.pass(60);
    assert_eq!(count(&world, "Terminate"), 0);
    world.pass(2);
    assert_eq!(world.condition(Kind::NodeClaim, "c", "VolumesDetached"), "False/TerminationGracePeriodElapsed");
    assert_eq!(count(&world, "Terminate"), 1);
}

#[test]
fn another_controller_goes_on_where_one_was_killed() {
    let mut world = world();
    plain(&mut world, "web");
    begin(&mut world);
    world.restart();
    world.settle();
    assert_eq!((count(&world, "Evict"), count(&world, "Delete NodeClaim")), (1, 1), "the pod goes already");
    end(&mut world, "web");
    world.restart();
    world.pass(5);
    assert_eq!(world.condition(Kind::NodeClaim, "c", "InstanceTerminating"), "True/InstanceTerminating");
    world.restart();
    world.pass(5);
    assert!(world.machines.is_empty());
    assert_eq!(
        world.get(Kind::Node, "n").expect("it is there")["metadata"]["finalizers"],
        json!(["example.com/other"])
    );
}

#[test]
fn writes_of_others_are_not_overwritten() {
    let mut world = world();
    world.hold(Verb::Patch);
    begin(&mut world);
    // when somebody else taints the node meanwhile
    world.edit(Kind::Node, "n", |node| node["spec"]["taints"] = json!([{"key": "other", "effect": "NoSchedule"}]));
    world.release();
    world.pass(1);
    let taints =
        json!([{"key": "other", "effect": "NoSchedule"}, {"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}]);
    assert_eq!(world.get(Kind::Node, "n").expect("it is there")["spec"]["taints"], taints);
}

#[test]
fn a_deadline_that_cannot_be_read_is_told_and_nothing_is_done() {
    let mut world = world();
    plain(&mut world, "web");
    let annotations = json!({"karpenter.sh/nodeclaim-termination-timestamp": "tomorrow"});
    world.edit(Kind::NodeClaim, "c", |claim| claim["metadata"]["annotations"] = annotations);
    begin(&mut world);
    assert_eq!(world.take_done(), ["Delete NodeClaim c"]);
    assert_eq!(world.log().len(), 2, "once for the node and once for its claim");
}

#[test]
fn nodes_without_our_finalizer_or_of_other_providers_are_left_alone() {
    let mut world = world();
    world.edit(Kind::Node, "n", |node| node["metadata"]["finalizers"] = json!(["example.com/other"]));
    begin(&mut world);
    world.pass(60);
    assert_eq!(world.done, [""; 0]);
    let settings =
        Settings { node_classes: vec![("karpenter.kwok.sh".into(), "KWOKNodeClass".into())], ..Settings::default() };
    let mut world = of(World::with(&[RULE], settings));
    begin(&mut world);
    world.pass(60);
    assert_eq!(world.done, [""; 0]);
    world.edit(Kind::Node, "n", |node| {
        node["metadata"]["labels"]["karpenter.kwok.sh/kwoknodeclass"] = json!("default");
    });
    world.settle();
    assert_eq!(world.done, ["Delete NodeClaim c", "Patch Node n", "PatchStatus NodeClaim c"]);
}
