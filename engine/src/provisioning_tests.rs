//! Making problems of clusters, told as small stories and planned with Karpenter's rule.

use super::*;
use crate::testing::{Cluster, REGISTERED, and, claim, needs, node, pod, pool};
use dovetail_cloudprovider::ec2::{Catalogue, Ec2Settings};
use dovetail_cloudprovider::kwok::{self, KwokCatalogue};
use dovetail_cloudprovider::source::Ec2Source;
use dovetail_scheduler::cost::Memory;
use dovetail_scheduler::instance_type::Price;
use dovetail_scheduler::policy::{self, Search};
use serde_json::{Value, json};

#[test]
fn pods_are_packed_into_the_pools_that_are_ready() {
    let cluster = Cluster::default().with(pool("default", &[])).pods("web", 3, &needs("500m"));
    assert_eq!(cluster.outcome(), ["buy small: web-0 web-1 web-2"]);
}

#[test]
fn a_pool_that_makes_no_sense_does_not_stop_the_others() {
    let reserved = json!({"karpenter.sh/nodepool": "mine"});
    let cluster = Cluster::default()
        .with(pool("good", &[]))
        .with(pool("bad", &[("/spec/template/metadata", json!({"labels": reserved}))]))
        .pods("web", 1, &needs("500m"));
    assert_eq!(cluster.outcome(), ["buy small: web-0"]);
    let not_ready = cluster.round().not_ready;
    assert_eq!(not_ready.len(), 1);
    assert_eq!(not_ready[0].0, "bad");
    assert!(not_ready[0].1.to_string().starts_with("NodePoolValidationFailed: "), "{}", not_ready[0].1);
}

#[test]
fn a_pool_of_another_providers_class_is_not_bought_from() {
    let catalogue = Catalogue::embedded().expect("the catalogue inside");
    let source = Ec2Source::new(catalogue, "us-east-1", Ec2Settings::default()).expect("a known region");
    let foreign = Cluster::default().with(pool("foreign", &[])).pods("web", 1, &needs("500m"));
    let round = assemble(&foreign.objects.snapshot(), &source, &Options::default());
    assert!(round.problem.pools.is_empty());
    assert_eq!(
        round.not_ready.iter().map(|(pool, why)| format!("{pool}: {why}")).collect::<Vec<_>>(),
        [
            "foreign: a KWOKNodeClass cannot be used with the EC2 catalogue: refer to an EC2NodeClass, or plan with a catalogue file"
        ]
    );
}

#[test]
fn static_and_deleted_pools_are_not_bought_from() {
    let leaving = json!("2026-01-01T00:00:00Z");
    let cluster = Cluster::default()
        .with(pool("fixed", &[("/spec/replicas", json!(3))]))
        .with(pool("leaving", &[("/metadata/deletionTimestamp", leaving)]))
        .pods("web", 1, &needs("500m"));
    assert_eq!(cluster.outcome(), ["web-0: there is no NodePool to buy a node from"]);
}

fn overlay(name: &str, types: &[&str], changes: &[(&str, Value)]) -> Value {
    let requirements = json!([{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": types}]);
    let mut overlay = json!({
        "apiVersion": "karpenter.sh/v1alpha1", "kind": "NodeOverlay", "metadata": {"name": name},
        "spec": {"requirements": requirements},
    });
    for (field, value) in changes {
        overlay["spec"][field] = value.clone();
    }
    overlay
}

#[test]
fn overlays_decide_what_is_cheaper_and_what_a_machine_has() {
    let cluster = |overlay| Cluster::default().with(pool("default", &[])).with(overlay).pods("web", 1, &needs("500m"));
    let dear = overlay("dear", &["small"], &[("priceAdjustment", json!("+1"))]);
    assert_eq!(cluster(dear.clone()).outcome(), ["buy large: web-0"]);
    assert!(cluster(dear).round().notes.contains(&"NodeOverlay dear: applied to 1 instance type(s)".to_owned()));
    let dongles = overlay("dongles", &["large"], &[("capacity", json!({"example.com/dongle": "2"}))]);
    let asks = json!({"containers": [{"name": "main", "image": "app", "resources": {
        "requests": {"cpu": "1", "example.com/dongle": "1"}, "limits": {"example.com/dongle": "1"},
    }}]});
    let cluster = Cluster::default().with(pool("default", &[])).with(dongles).pods("web", 2, &asks);
    assert_eq!(cluster.outcome(), ["buy large: web-0 web-1"]);
}

#[test]
fn overlays_that_are_not_in_force_are_noted_and_the_rest_is_planned() {
    let cluster = Cluster::default()
        .with(pool("default", &[]))
        .with(pool(
            "fixed",
            &[("/spec/replicas", json!(3)), ("/spec/template/metadata", json!({"labels": {"team": "x"}}))],
        ))
        .with(overlay("bad", &["small"], &[("capacity", json!({"cpu": "9"}))]))
        .with(overlay("a", &["small"], &[("price", json!("9"))]))
        .with(overlay(
            "b",
            &[],
            &[("price", json!("8")), ("requirements", json!([{"key": "team", "operator": "Exists"}]))],
        ))
        .pods("web", 1, &needs("500m"));
    assert_eq!(cluster.outcome(), ["buy small: web-0"]);
    let notes = cluster.round().notes;
    let about = |name: &str| notes.iter().find(|n| n.starts_with(&format!("NodeOverlay {name}: "))).expect("a note");
    assert!(about("bad").contains("not applied: RuntimeValidation: invalid capacity: cpu"), "{}", about("bad"));
    assert!(about("b").ends_with("applied to 2 instance type(s)"), "{}", about("b"));
    // They meet in a pool that nothing is bought from for pods; a conflict anywhere is a conflict everywhere.
    assert!(about("a").contains("conflict with another overlay: b has the same weight 0"), "{}", about("a"));
    assert!(about("a").contains("in NodePool fixed"), "{}", about("a"));
}

#[test]
fn limits_count_what_the_pool_has_already() {
    let limited = pool("default", &[("/spec/limits", json!({"cpu": "10"}))]);
    let own = json!({"karpenter.sh/nodepool": "default", REGISTERED: "true", "karpenter.sh/initialized": "true"});
    let cluster = Cluster::default()
        .with(limited)
        .with(node("n1", "8", own))
        .with(claim("c1", "n1", "8"))
        .pods("web", 1, &needs("9"))
        .pods("big", 1, &needs("8"))
        .pods("more", 1, &needs("2"));
    let outcome = cluster.outcome();
    assert_eq!(outcome[0], "buy small: more-0");
    assert_eq!(outcome[1], "use n1: big-0");
}

#[test]
fn running_pods_and_daemon_sets_take_their_share_of_a_node() {
    let set = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent", "namespace": "kube-system", "uid": "d"},
        "spec": {"selector": {}, "template": {"spec": needs("500m")}},
    });
    let bound = |name: &str, cpu: &str| pod(name, &and(needs(cpu), "nodeName", json!("n1")));
    let cluster = || Cluster::default().with(set.clone()).with(node("n1", "4", json!({}))).with(bound("old", "1"));
    // 4 cores, less 1 for the running pod and 0.5 for the agent that is still to come.
    assert_eq!(cluster().pods("web", 1, &needs("2500m")).outcome(), ["use n1: web-0"]);
    assert_eq!(cluster().pods("web", 1, &needs("2600m")).outcome(), ["web-0: there is no NodePool to buy a node from"]);
    let mut agent = bound("agent-x", "500m");
    agent["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "d", "controller": true}]);
    assert_eq!(
        cluster().with(agent).pods("web", 1, &needs("2500m")).outcome(),
        ["use n1: web-0"],
        "it is there already"
    );
}

#[test]
fn a_finished_pod_takes_nothing_and_wants_nothing() {
    let mut done = pod("done", &and(needs("4"), "nodeName", json!("n1")));
    done["status"] = json!({"phase": "Succeeded"});
    let cluster = Cluster::default().with(node("n1", "4", json!({}))).with(done).pods("web", 1, &needs("4"));
    assert_eq!(cluster.outcome(), ["use n1: web-0"]);
}

#[test]
fn a_claim_on_its_way_takes_pods_before_its_node_is_there() {
    let cluster =
        Cluster::default().with(pool("default", &[])).with(claim("c1", "n1", "8")).pods("web", 2, &needs("3"));
    assert_eq!(cluster.outcome(), ["use c1: web-0 web-1"]);
}

#[test]
fn a_claim_that_was_not_launched_takes_nothing() {
    let mut unlaunched = claim("c1", "n1", "8");
    unlaunched["status"] = json!({});
    let cluster = Cluster::default().with(pool("default", &[])).with(unlaunched).pods("web", 1, &needs("1"));
    assert_eq!(cluster.outcome(), ["buy small: web-0"]);
    assert!(cluster.round().notes.iter().any(|n| n.contains("c1 has not been launched")));
}

#[test]
fn taints_that_pass_do_not_count_until_the_node_is_initialized() {
    let passing = json!([
        {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"},
        {"key": "boot", "effect": "NoExecute"},
    ]);
    let tainted = |labels: Value| {
        let mut node = node("n1", "8", labels);
        node["spec"]["taints"] = passing.clone();
        node
    };
    let cluster =
        |labels| Cluster::default().with(tainted(labels)).with(claim("c1", "n1", "8")).pods("web", 1, &needs("1"));
    assert_eq!(cluster(json!({REGISTERED: "true"})).outcome(), ["use n1: web-0"]);
    let initialized = json!({REGISTERED: "true", "karpenter.sh/initialized": "true"});
    assert_eq!(cluster(initialized).outcome(), ["web-0: there is no NodePool to buy a node from"]);
    let unmanaged = Cluster::default().with(tainted(json!({}))).pods("web", 1, &needs("1"));
    assert_eq!(unmanaged.outcome(), ["web-0: there is no NodePool to buy a node from"], "nobody will take them away");
}

#[test]
fn pods_of_a_node_that_goes_away_need_another_place() {
    let mut leaving = claim("c1", "n1", "8");
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let own = json!({"karpenter.sh/nodepool": "default", REGISTERED: "true", "karpenter.sh/initialized": "true"});
    let stays = and(needs("1"), "nodeName", json!("n1"));
    let cluster = Cluster::default()
        .with(pool("default", &[]))
        .with(node("n1", "8", own))
        .with(leaving)
        .with(pod("mover", &stays))
        .pods("web", 1, &needs("500m"));
    assert_eq!(cluster.outcome(), ["buy small: mover-0 web-0".replace("mover-0", "mover")]);
}

#[test]
fn pods_that_are_not_ours_to_place_are_left_out() {
    let gated = and(needs("1"), "schedulingGates", json!([{"name": "wait"}]));
    let mut nominated = pod("nominated", &needs("1"));
    nominated["status"] = json!({"nominatedNodeName": "elsewhere"});
    let cluster = Cluster::default().with(pool("default", &[])).with(pod("gated", &gated)).with(nominated);
    assert_eq!(cluster.outcome(), Vec::<String>::new());
}

#[test]
fn a_pod_that_shuns_pools_is_rejected_with_the_words_users_know() {
    let shuns = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"}]}
    ]}}});
    let cluster = Cluster::default().with(pool("default", &[])).pods("web", 1, &and(needs("1"), "affinity", shuns));
    assert!(cluster.outcome()[0].starts_with("web-0: configured to not run on a Karpenter provisioned node"));
}

#[test]
fn what_the_scheduler_cannot_give_is_reported_by_name() {
    let device = and(needs("1"), "resourceClaims", json!([{"name": "gpu", "resourceClaimTemplateName": "gpu"}]));
    let cluster = Cluster::default().with(pool("default", &[])).pods("web", 1, &device);
    assert_eq!(cluster.outcome(), ["web-0: not placed, because this version cannot keep its resource claims yet"]);
}

#[test]
fn a_cordoned_node_takes_nothing_whether_or_not_it_bears_the_taint() {
    let mut cordoned = node("n1", "8", json!({}));
    cordoned["spec"]["unschedulable"] = json!(true);
    let cluster = Cluster::default().with(cordoned);
    let refused = cluster.clone().pods("web", 1, &needs("1"));
    assert_eq!(refused.outcome(), ["web-0: there is no NodePool to buy a node from"]);
    let tolerant = and(needs("1"), "tolerations", json!([{"operator": "Exists"}]));
    assert_eq!(cluster.pods("all", 1, &tolerant).outcome(), ["use n1: all-0"]);
}

#[test]
fn what_cannot_be_read_is_named() {
    let cluster = Cluster::default().with(pool("default", &[])).pods("web", 1, &needs("lots"));
    let expected =
        "containers[main].resources.requests.cpu: \"lots\" is not a quantity: write for instance 500m, 2 or 1Gi";
    assert_eq!(cluster.round().bad_input, [("Pod default/web-0".to_owned(), expected.to_owned())]);
}

/// One type of 2 cores: out of the reservation cr-1 with room for so many, or on demand.
fn reserved(room: u32) -> KwokCatalogue {
    let offering = |capacity_type: &str, price: f64, id: Option<&str>| {
        let mut requirements = vec![
            json!({"key": "karpenter.sh/capacity-type", "operator": "In", "values": [capacity_type]}),
            json!({"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-a"]}),
        ];
        requirements.extend(
            id.map(|id| json!({"key": "karpenter.k8s.aws/capacity-reservation-id", "operator": "In", "values": [id]})),
        );
        json!({"Price": price, "Requirements": requirements, "ReservationCapacity": id.map(|_| room)})
    };
    let machine = json!({
        "name": "small", "architecture": "amd64", "operatingSystems": ["linux"],
        "resources": {"cpu": "2", "memory": "4Gi", "pods": "20"}, "overhead": {"cpu": "0", "memory": "0"},
        "offerings": [offering("reserved", 0.0, Some("cr-1")), offering("on-demand", 0.1, None)],
    });
    kwok::read(&json!([machine]).to_string()).expect("a readable catalogue")
}

#[test]
fn reservations_are_kept_account_of_unless_that_is_switched_off() {
    let cluster = Cluster::default().with(pool("default", &[])).pods("web", 3, &needs("2"));
    let bought = |room: u32, options: &Options| {
        let round = assemble(&cluster.objects.snapshot(), &reserved(room), options);
        assert_eq!(round.rejected.len() + round.bad_input.len(), 0);
        let plan = policy::run(
            policy::by_name("karpenter").expect("the baseline"),
            &round.problem,
            &Search::default(),
            &mut Memory::default(),
        );
        let held: Vec<usize> = plan.claims.iter().map(|claim| claim.reservations.len()).collect();
        (held, plan.unplaced.len(), plan.cost())
    };
    let (nothing, each) = (Price::ZERO, Price::from_dollars(0.1));
    let accounted = Options::default();
    assert_eq!(bought(3, &accounted), (vec![1, 1, 1], 0, nothing));
    assert_eq!(bought(2, &accounted), (vec![1, 1], 1, nothing), "the third waits for what the others may leave");
    assert_eq!(bought(0, &accounted), (vec![0, 0, 0], 0, each.times(3)), "what is full is nothing to wait for");
    let unaccounted = Options { reserved_capacity_off: true, ..Options::default() };
    assert_eq!(bought(2, &unaccounted), (vec![0, 0, 0], 0, nothing));
}
