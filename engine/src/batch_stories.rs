//! From manifests to a problem with rules between pods, told as small stories: who is counted, who repels whom, what counts
//! as the same.

use crate::default_spread::{DefaultSpread, SchedulerConfig};
use crate::testing::{Cluster, and, claim, needs, node, pod, pool};
use dovetail_scheduler::problem::Problem;
use proptest::prelude::*;
use serde_json::{Value, json};

const ZONE: &str = "topology.kubernetes.io/zone";
const HOSTNAME: &str = "kubernetes.io/hostname";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn web() -> Value {
    json!({"matchLabels": {"app": "web"}})
}

fn spread(spec: Value, key: &str) -> Value {
    let constraint =
        json!({"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": web()});
    and(spec, "topologySpreadConstraints", json!([constraint]))
}

fn far_from_web(spec: Value, key: &str) -> Value {
    and(spec, "affinity", json!({"podAntiAffinity": {REQUIRED: [{"topologyKey": key, "labelSelector": web()}]}}))
}

fn labelled(mut object: Value, key: &str, value: &str) -> Value {
    object["metadata"]["labels"][key] = json!(value);
    object
}

/// A pod of the application `web`.
fn of_web(name: &str, spec: &Value) -> Value {
    labelled(pod(name, spec), "app", "web")
}

/// A pod that has been told to end.
fn ending(mut pod: Value) -> Value {
    pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    pod
}

fn on(node: &str, spec: Value) -> Value {
    and(spec, "nodeName", json!(node))
}

/// Nodes `n-a` and `n-b` with 4 cores, one in each of two zones.
fn two_zones() -> Cluster {
    let cluster = Cluster::default().with(pool("default", &[])).and_in("zone-b");
    cluster.with(node("n-a", "4", json!({ZONE: "zone-a"}))).with(node("n-b", "4", json!({ZONE: "zone-b"})))
}

/// The claim and the node of a machine in zone a that is going away.
fn with_leaving(cluster: Cluster) -> Cluster {
    let own = json!({ZONE: "zone-a", "karpenter.sh/nodepool": "default",
        "karpenter.sh/registered": "true", "karpenter.sh/initialized": "true"});
    let mut gone = claim("c1", "n-old", "4");
    gone["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    cluster.with(node("n-old", "4", own)).with(gone)
}

fn owned_by(mut pod: Value, kind: &str, name: &str) -> Value {
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": true}]);
    pod
}

/// How many residents of each node belong to the set of that name.
fn counted(problem: &Problem, set: &str) -> Vec<(String, u32)> {
    let set = problem.peers.iter().position(|p| &**p == set);
    let members = |node: &dovetail_scheduler::problem::Node| -> u32 {
        let belongs = |r: usize| set.is_some_and(|set| problem.residents[r].member_of.contains(&set));
        node.residents.iter().filter(|(r, _)| belongs(*r)).map(|(_, n)| n).sum()
    };
    let all = problem.nodes.iter().map(|node| (node.name.to_string(), members(node)));
    all.filter(|(_, members)| *members > 0).collect()
}

fn on_web(cluster: &Cluster) -> Vec<(String, u32)> {
    counted(&cluster.round().problem, "app=web in default")
}

fn nodes(list: &[(&str, u32)]) -> Vec<(String, u32)> {
    list.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
}

#[test]
fn running_pods_count_where_they_are() {
    let spreads = spread(needs("1"), ZONE);
    let cluster = two_zones()
        .with(of_web("new", &spreads))
        .with(of_web("r1", &on("n-a", needs("1"))))
        .with(of_web("r2", &on("n-a", spreads)))
        .with(labelled(pod("other", &on("n-b", needs("1"))), "app", "db"));
    assert_eq!(on_web(&cluster), nodes(&[("n-a", 2)]));
    assert_eq!(cluster.outcome(), ["use n-b: new"]);
}

#[test]
fn pods_at_their_end_and_pods_of_nodes_that_are_gone_do_not_count() {
    let mut done = of_web("done", &on("n-a", needs("1")));
    done["status"] = json!({"phase": "Succeeded"});
    let cluster = two_zones()
        .with(of_web("new", &spread(needs("1"), ZONE)))
        .with(done)
        .with(ending(of_web("ending", &on("n-a", needs("1")))))
        .with(of_web("lost", &on("n-gone", needs("1"))));
    assert_eq!(on_web(&cluster), nodes(&[]));
}

#[test]
fn pods_that_leave_their_node_are_placed_anew_and_pods_that_stay_there_count() {
    let mut tied = of_web("tied", &on("n-old", needs("500m")));
    tied["metadata"]["annotations"] = json!({"karpenter.sh/do-not-disrupt": "true"});
    let cluster = with_leaving(two_zones())
        .with(of_web("mover", &on("n-old", spread(needs("1"), ZONE))))
        .with(owned_by(of_web("agent", &on("n-old", needs("500m"))), "DaemonSet", "agent"))
        .with(tied)
        .with(owned_by(ending(of_web("stateful", &on("n-old", needs("1")))), "StatefulSet", "db"));
    let problem = cluster.round().problem;
    assert_eq!(counted(&problem, "app=web in default"), nodes(&[("n-old", 2)]), "agent and tied");
    assert_eq!(problem.pods.iter().map(|p| &*p.name).collect::<Vec<_>>(), ["default/mover", "default/stateful"]);
    let old = problem.nodes.iter().find(|n| &*n.name == "n-old").expect("listed for what stays on it");
    assert!(old.leaving);
    assert!(old.available.iter().all(|(_, amount)| amount <= 0), "no room is offered");
}

#[test]
fn a_node_that_goes_away_is_never_offered_room() {
    let small = needs("100m");
    let cluster = with_leaving(Cluster::default())
        .with(owned_by(of_web("agent", &on("n-old", needs("500m"))), "DaemonSet", "agent"))
        .with(of_web("new", &spread(small, ZONE)));
    assert_eq!(cluster.outcome(), ["new: there is no NodePool to buy a node from"]);
}

#[test]
fn a_node_that_goes_away_with_nothing_that_counts_is_left_out() {
    let cluster = with_leaving(two_zones())
        .with(owned_by(pod("agent", &on("n-old", needs("500m"))), "DaemonSet", "agent"))
        .with(of_web("new", &spread(needs("1"), ZONE)));
    assert!(cluster.round().problem.nodes.iter().all(|n| !n.leaving));
}

#[test]
fn running_pods_keep_others_away_even_at_their_end() {
    let wish = json!({"weight": 1, "podAffinityTerm": {"topologyKey": ZONE, "labelSelector": web()}});
    let wishful = and(needs("1"), "affinity", json!({"podAntiAffinity": {PREFERRED: [wish]}}));
    let keeps_away = || ending(pod("loner", &on("n-a", far_from_web(needs("1"), ZONE))));
    let alone = two_zones().with(keeps_away()).with(of_web("new", &needs("1")));
    assert_eq!(alone.outcome(), ["use n-b: new"]);
    let none = two_zones().with(pod("wishful", &on("n-a", wishful))).with(of_web("new", &needs("1")));
    assert!(none.round().problem.residents.is_empty(), "wishes of running pods bind nobody");
}

#[test]
fn a_pod_that_stays_on_a_leaving_node_keeps_others_out_of_its_zone() {
    let loner = pod("loner", &on("n-old", far_from_web(needs("1"), ZONE)));
    let cluster =
        with_leaving(two_zones()).with(owned_by(loner, "DaemonSet", "loner")).with(of_web("new", &needs("1")));
    assert_eq!(cluster.outcome(), ["use n-b: new"]);
}

#[test]
fn a_node_that_its_claim_has_not_found_yet_goes_by_its_own_host_name() {
    let cluster = Cluster::default().with(node("n-1", "4", json!({HOSTNAME: "host-1"}))).with(claim("c1", "n-1", "4"));
    let problem = cluster.round().problem;
    assert_eq!(problem.nodes[0].labels.get(HOSTNAME).map(ToString::to_string).as_deref(), Some("In [host-1]"));
}

#[test]
fn what_no_pod_of_the_round_has_to_do_with_is_dropped() {
    let loner = pod("loner", &on("n-a", far_from_web(needs("1"), ZONE)));
    let cluster = two_zones().with(loner.clone()).with(of_web("r", &on("n-a", needs("1")))).pods("new", 3, &needs("1"));
    let problem = cluster.round().problem;
    assert!(problem.peers.is_empty() && problem.residents.is_empty(), "nobody new is of web");
    let problem = cluster.with(of_web("victim", &needs("1"))).round().problem;
    assert_eq!(problem.peers, ["app=web in default".into()]);
    assert_eq!(problem.residents.len(), 1, "the loner; the others of web count for nobody");
}

#[test]
fn labels_that_nobody_asks_for_do_not_make_classes() {
    let many = |cluster: Cluster, n: usize| {
        (0..n).fold(cluster, |c, i| c.with(labelled(of_web(&format!("w-{i}"), &needs("1")), "index", &i.to_string())))
    };
    assert_eq!(many(Cluster::default(), 50).round().problem.classes.len(), 1);
    let picky = many(Cluster::default(), 50).with(pod("picky", &far_from_web(needs("1"), ZONE)));
    let problem = picky.round().problem;
    assert_eq!(problem.classes.len(), 2);
    assert_eq!(problem.class_of(1).member_of, [0], "w-0 is of web");
    assert!(problem.class_of(0).member_of.is_empty(), "picky is not");
}

#[test]
fn pods_of_one_spec_in_and_out_of_a_set_are_two_classes() {
    let spec = far_from_web(needs("1"), HOSTNAME);
    let cluster = two_zones().with(of_web("in", &spec)).with(pod("out", &spec));
    assert_eq!(cluster.round().problem.classes.len(), 2);
}

#[test]
fn wishes_are_part_of_a_class_and_no_reason_for_a_note() {
    let wish = json!({"weight": 7, "podAffinityTerm": {"topologyKey": ZONE, "labelSelector": web()}});
    let near = and(needs("1"), "affinity", json!({"podAffinity": {PREFERRED: [wish]}}));
    let mut soft = spread(near, ZONE);
    soft["topologySpreadConstraints"][0]["whenUnsatisfiable"] = json!("ScheduleAnyway");
    let round = two_zones().with(of_web("new", &soft)).round();
    let class = round.problem.class_of(0);
    assert_eq!((class.affinity.preferred.len(), class.affinity.preferred[0].0), (1, 7));
    assert_eq!(class.spread.iter().map(|s| s.required).collect::<Vec<_>>(), [false]);
    assert!(round.notes.iter().all(|n| !n.contains("pod")), "{:?}", round.notes);
}

#[test]
fn ports_of_running_pods_are_taken_and_those_of_daemon_sets_will_be() {
    let listening = |spec: Value, port: u16| {
        let mut spec = spec;
        spec["containers"][0]["ports"] = json!([{"containerPort": 80, "hostPort": port}]);
        spec
    };
    let cluster = || two_zones().with(ending(pod("old", &on("n-a", listening(needs("1"), 8080)))));
    assert_eq!(cluster().with(pod("new", &listening(needs("1"), 8080))).outcome(), ["use n-b: new"]);
    assert_eq!(cluster().with(pod("new", &listening(needs("1"), 8081))).outcome(), ["use n-a: new"]);
    let mut agent = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent", "namespace": "default", "uid": "d"},
        "spec": {"selector": {}, "template": {"spec": listening(needs("100m"), 9100)}},
    });
    agent["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
    let round = cluster().with(agent).round();
    assert_eq!(round.problem.daemons[0].ports.iter().map(|p| p.port).collect::<Vec<_>>(), [9100]);
}

#[test]
fn selectors_that_make_no_sense_are_errors_of_new_pods_and_notes_of_running_ones() {
    let mut odd = far_from_web(needs("1"), ZONE);
    odd["affinity"]["podAntiAffinity"][REQUIRED][0]["labelSelector"] =
        json!({"matchExpressions": [{"key": "app", "operator": "Is", "values": ["web"]}]});
    let round = two_zones()
        .with(pod("new", &odd))
        .with(pod("r1", &on("n-a", odd.clone())))
        .with(pod("r2", &on("n-b", odd)))
        .round();
    let rule = "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]";
    let what = format!("{rule}: key app: unknown operator \"Is\": use In, NotIn, Exists or DoesNotExist");
    assert_eq!(round.bad_input, [("Pod default/new".to_owned(), what.clone())]);
    let note = format!("running pod default/r1 and 1 other(s) keeps nobody away by a rule that cannot be read: {what}");
    assert!(round.notes.contains(&note), "{:?}", round.notes);
}

#[test]
fn a_set_reaches_over_namespaces_as_its_term_says() {
    let namespace = |name: &str, team: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": team}}});
    let mut near = far_from_web(needs("1"), ZONE);
    near["affinity"]["podAntiAffinity"][REQUIRED][0]["namespaceSelector"] = json!({"matchLabels": {"team": "a"}});
    let in_namespace = |mut pod: Value, namespace: &str| {
        pod["metadata"]["namespace"] = json!(namespace);
        pod
    };
    let cluster = two_zones()
        .with(namespace("shop", "a"))
        .with(namespace("bank", "b"))
        .with(pod("new", &near))
        .with(in_namespace(of_web("r1", &on("n-a", needs("1"))), "shop"))
        .with(in_namespace(of_web("r2", &on("n-b", needs("1"))), "bank"));
    assert_eq!(counted(&cluster.round().problem, "app=web in shop"), nodes(&[("n-a", 1)]));
    assert_eq!(cluster.outcome(), ["use n-b: new"]);
}

/// Spread over zones by default, as a demand.
fn spread_by_default(cluster: Cluster) -> Cluster {
    let config: SchedulerConfig = serde_json::from_value(json!({"podTopologySpread": {"defaultConstraints": [
        {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule"}
    ]}}))
    .expect("a readable configuration");
    let mut cluster = cluster;
    cluster.options.default_spread = DefaultSpread::of(&config).expect("a valid configuration");
    cluster
}

#[test]
fn pods_of_a_service_are_spread_by_default_and_pods_of_none_are_not() {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"app": "web"}}});
    let cluster = spread_by_default(two_zones()).with(service).with(of_web("r", &on("n-a", needs("1"))));
    assert_eq!(cluster.clone().with(of_web("new", &needs("1"))).outcome(), ["use n-b: new"]);
    assert_eq!(cluster.with(pod("new", &needs("1"))).outcome(), ["use n-a: new"]);
}

#[test]
fn pods_of_a_replica_set_are_spread_by_default_unless_they_say_otherwise() {
    let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": web()}});
    let cluster = spread_by_default(two_zones()).with(set).with(of_web("r", &on("n-a", needs("1"))));
    let of_set = |spec: &Value| owned_by(of_web("new", spec), "ReplicaSet", "web");
    assert_eq!(cluster.clone().with(of_set(&needs("1"))).outcome(), ["use n-b: new"]);
    let own = spread(needs("1"), HOSTNAME);
    let problem = cluster.with(of_set(&own)).round().problem;
    assert_eq!(problem.class_of(0).spread.iter().map(|s| &*s.key).collect::<Vec<_>>(), [HOSTNAME]);
}

/// A cluster with something of everything that rules between pods are made of.
fn everything() -> Cluster {
    let daemons = |name: &str| {
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name, "namespace": "default", "uid": name},
            "spec": {"selector": {}, "template": {"spec": needs("100m")}}})
    };
    let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": "a"}}});
    let mut cluster = with_leaving(two_zones())
        .with(pool("other", &[]))
        .with(claim("c2", "n-new", "4"))
        .with(daemons("agent"))
        .with(daemons("logs"))
        .with(namespace("default"))
        .with(namespace("shop"))
        .with(of_web("mover", &on("n-old", spread(needs("1"), ZONE))));
    let apps = ["web", "db", "cache"];
    for i in 0..12 {
        let app = apps[i % 3];
        let mut spec = [needs("1"), spread(needs("1"), ZONE), far_from_web(needs("1"), HOSTNAME)][i % 4 % 3].clone();
        if i % 4 == 2 {
            spec["affinity"]["podAntiAffinity"][REQUIRED][0]["namespaceSelector"] =
                json!({"matchLabels": {"team": "a"}});
        }
        let running = on(["n-a", "n-b", "n-old"][i % 3], spec.clone());
        cluster = cluster.with(labelled(pod(&format!("p{i}"), &spec), "app", app)).with(labelled(
            pod(&format!("r{i}"), &running),
            "app",
            app,
        ));
    }
    cluster
}

/// The problem, in words.
fn told(cluster: &Cluster) -> String {
    format!("{:#?}", cluster.round().problem)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_order_of_objects_makes_no_difference(
        order in Just((0..25).collect::<Vec<usize>>()).prop_shuffle(),
        turn in any::<bool>(),
    ) {
        let sorted = everything();
        let mut shuffled = sorted.clone();
        let objects = &mut shuffled.objects;
        objects.pods = order.iter().map(|i| sorted.objects.pods[*i].clone()).collect();
        if turn {
            objects.nodes.reverse();
            objects.node_claims.reverse();
            objects.node_pools.reverse();
            objects.daemon_sets.reverse();
            objects.namespaces.reverse();
        }
        prop_assert_eq!(told(&shuffled), told(&sorted));
    }
}
