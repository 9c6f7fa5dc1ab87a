//! The worked examples of the Karpenter specification (section 11) that are about deciding, each by its number. Where we
//! depart from Karpenter on purpose, the example states our answer and why.

mod support;

use dovetail_scheduler::problem::{MinValuesPolicy, NodePool};
use dovetail_scheduler::requirement::{Operator, Requirement};
use dovetail_scheduler::resources::{CPU, MEMORY, NODES, Resources};
use support::*;

fn sizes() -> Vec<dovetail_scheduler::instance_type::InstanceType> {
    vec![machine("m.2", 2, 8, 0.2), machine("m.4", 4, 16, 0.4), machine("m.16", 16, 64, 1.6)]
}

/// Karpenter counts attempts; what can be seen of that is that deciding ends, and that a success gives those who failed
/// before it another try.
#[test]
fn example_1_the_queue_stops_when_nobody_gets_further_and_not_before() {
    // A and B want to be near C, which is smaller and so comes after them.
    let mut story = Story::new(vec![pool("default", sizes())]);
    let c = story.set("app=c");
    story.come(2, "large", wants(1500, 1).near(ZONE, c));
    story.come(1, "c", wants(100, 1).of(c).selecting(ZONE, "In", &["a"]));
    let with_c = story.end();
    assert!(with_c.left().is_empty(), "C's success gives the others another try");

    let mut story = Story::new(vec![pool("default", sizes())]);
    let c = story.set("app=c");
    story.come(3, "large", wants(1500, 1).near(ZONE, c));
    assert_eq!(story.end().left().len(), 3, "without C all fail, and it ends");
}

#[test]
fn example_2_most_cpu_first_then_most_memory() {
    let mut big = machine("m.64", 64, 256, 6.4);
    big.capacity.set(GPU, 8);
    let mut story = Story::new(vec![pool("default", vec![big])]);
    let mut gpus = wants(100, 1);
    gpus.requests.set(GPU, 8);
    story.come(1, "gpus", gpus);
    story.come(1, "1cpu-8gi", wants(1000, 8));
    story.come(1, "2cpu-1gi", wants(2000, 1));
    story.come(1, "1cpu-9gi", wants(1000, 9));
    let (_, order) = story.end().claims().remove(0);
    assert_eq!(order, ["2cpu-1gi-0", "1cpu-9gi-0", "1cpu-8gi-0", "gpus-0"]);
}

#[test]
fn example_3_pools_by_weight_and_then_by_name_last_first() {
    let weighing = |name: &str, weight: i32| NodePool { weight, ..pool(name, sizes()) };
    let tried = |team: Option<&str>| {
        let pools = ["a", "b", "c"].map(|name| {
            let mut pool = weighing(name, if name == "b" { 0 } else { 10 });
            pool.requirements.add("team", Requirement::exactly(name));
            pool
        });
        let mut story = Story::new(pools.into());
        let pod = wants(100, 1);
        story.come(1, "pod", if let Some(not) = team { pod.selecting("team", "NotIn", &[not]) } else { pod });
        story.end().claims().remove(0).0
    };
    assert_eq!(tried(None), "c");
    assert_eq!(tried(Some("c")), "a", "the next one where c will not do");
    let mut story = Story::new(vec![weighing("a", 10), weighing("b", 0), weighing("c", 10)]);
    story.problem.sort();
    let order: Vec<&str> = story.problem.pools.iter().map(|p| &*p.name).collect();
    assert_eq!(order, ["c", "a", "b"]);
}

/// Karpenter writes the first as `Gte 6` and loses that 7 is excluded; we say it as well, or 7 would be let in.
#[test]
fn example_4_bounds_meet_lists() {
    let bounded = read("Gt", &["5"]).intersection(&read("NotIn", &["7", "x"]));
    let written: Vec<(Operator, Vec<String>)> = bounded
        .entries()
        .into_iter()
        .map(|(operator, values)| (operator, values.iter().map(ToString::to_string).collect()))
        .collect();
    assert_eq!(written, [(Operator::Gte, vec!["6".to_owned()]), (Operator::NotIn, vec!["7".to_owned()])]);
    let listed = read("In", &["3", "7", "x"]).intersection(&read("Gte", &["6"]));
    assert_eq!(listed, read("In", &["7"]));
}

/// Karpenter takes "no value is left" for "must be absent", and so lets the pod onto a node without the label; nothing could
/// ever run it there. We do not.
#[test]
fn example_5_a_pod_that_contradicts_itself_goes_nowhere() {
    let contradicting = || wants(100, 1).selecting(ZONE, "In", &["a"]).selecting(ZONE, "In", &["b"]);
    let mut story = Story::new(vec![pool("default", sizes())]);
    let mut bare = node("bare", "a");
    bare.labels.remove(ZONE);
    story.problem.nodes.push(bare);
    story.problem.nodes.push(node("zoned", "a"));
    story.come(1, "pod", contradicting());
    let end = story.end();
    assert_eq!(end.left(), ["pod-0"]);
    assert!(end.why("pod-0").contains(ZONE), "{}", end.why("pod-0"));
}

#[test]
fn example_6_labels_that_nobody_defines() {
    let placed = |class| {
        let mut story = Story::new(vec![pool("default", sizes())]);
        story.come(1, "pod", class);
        story.end()
    };
    let refused = placed(wants(100, 1).selecting("team", "Exists", &[]));
    assert!(refused.event("pod-0").contains("label \"team\" does not have known values"), "{}", refused.event("pod-0"));
    for pod in [
        wants(100, 1).selecting("team", "NotIn", &["red"]),
        wants(100, 1).selecting("team", "DoesNotExist", &[]),
        wants(100, 1).selecting(REGION, "Exists", &[]), // well known, so a new node may have it
    ] {
        assert!(placed(pod).left().is_empty());
    }
    // A node that is there has the labels that it has.
    let mut story = Story::new(vec![]);
    story.problem.nodes.push(node("n", "a"));
    story.come(1, "pod", wants(100, 1).selecting(REGION, "Exists", &[]));
    assert_eq!(story.end().left(), ["pod-0"]);
}

/// Three nodes in three zones, on which so many pods of a set run.
fn zones_with(counts: [u32; 3]) -> (Story, usize) {
    let mut story = Story::new(vec![pool("default", sizes())]);
    let web = story.set("app=web");
    for (zone, pods) in ZONES.into_iter().zip(counts) {
        story.node_with(node(zone, zone), web, pods);
    }
    (story, web)
}

#[test]
fn example_7_a_zone_that_has_more_than_the_emptiest_and_the_skew_is_full() {
    let (mut story, web) = zones_with([2, 1, 1]);
    story.come(1, "web", wants(100, 1).of(web).spread(ZONE, web, 1));
    let went: Vec<String> = story.end().existing().into_keys().collect();
    assert!(went == ["b"] || went == ["c"], "{went:?}");

    let (mut story, web) = zones_with([2, 1, 1]);
    story.come(1, "web", wants(100, 1).of(web).spread(ZONE, web, 1).selecting(ZONE, "In", &["a"]));
    let end = story.end();
    assert_eq!(end.existing().into_keys().collect::<Vec<_>>(), ["a"], "the emptiest that it may use is a itself");
}

#[test]
fn example_8_fewer_domains_than_there_must_be() {
    let (mut story, web) = zones_with([1, 1, 1]);
    let mut four = wants(100, 1).of(web).spread(ZONE, web, 1);
    four.spread[0].min_domains = Some(4);
    story.come(1, "web", four);
    assert_eq!(story.end().left(), ["web-0"]);

    let (mut story, web) = zones_with([1, 1, 1]);
    let mut three = wants(100, 1).of(web).spread(ZONE, web, 1);
    three.spread[0].min_domains = Some(3);
    story.come(1, "web", three);
    assert!(story.end().left().is_empty());
}

#[test]
fn example_9_a_new_host_is_always_the_emptiest() {
    let mut story = Story::new(vec![pool("default", sizes())]);
    let web = story.set("app=web");
    story.come(5, "web", wants(100, 1).of(web).spread(HOST, web, 2));
    let mut sizes: Vec<usize> = story.end().claims().iter().map(|(_, pods)| pods.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 2, 2]);
}

#[test]
fn example_10_limits_count_the_largest_type_that_a_node_might_be_of() {
    let mut story =
        Story::new(vec![NodePool { remaining: Some(Resources::new().with(CPU, 20_000)), ..pool("default", sizes()) }]);
    // Each on a host of its own, so that each needs a node.
    let web = story.set("app=web");
    story.come(2, "web", wants(1000, 1).of(web).away(HOST, web));
    let end = story.end();
    assert_eq!(end.types(0), ["m.2", "m.4", "m.16"]);
    assert_eq!(end.types(1), ["m.2", "m.4"], "16 of 20 cores may be gone");

    // What is known later does not free anything within the round.
    let mut story =
        Story::new(vec![NodePool { remaining: Some(Resources::new().with(CPU, 20_000)), ..pool("default", sizes()) }]);
    let web = story.set("app=web");
    story.come(2, "web", wants(1000, 1).of(web).away(HOST, web));
    story.come(1, "small", wants(500, 1).selecting(TYPE, "In", &["m.2"]));
    let end = story.end();
    assert_eq!((end.types(0), end.types(1)), (vec!["m.2".to_owned()], vec!["m.2".to_owned(), "m.4".to_owned()]));
}

/// Karpenter counts nodes only between rounds, and so makes three; we count them within the round too, since a limit is a
/// promise.
#[test]
fn example_11_a_limit_on_nodes_holds_within_a_round() {
    let mut story =
        Story::new(vec![NodePool { remaining: Some(Resources::new().with(NODES, 2)), ..pool("default", sizes()) }]);
    let web = story.set("app=web");
    story.come(3, "web", wants(100, 1).of(web).away(HOST, web));
    let end = story.end();
    assert_eq!((end.claims().len(), end.left().len()), (2, 1));
}

#[test]
fn example_12_a_minimum_of_families() {
    let pool_of = |names: &[&str]| {
        let types = names.iter().enumerate().map(|(n, name)| machine(name, 4, 16, 0.1 * (n as f64 + 1.0)));
        let mut pool = pool("default", types.collect());
        pool.requirements.add(FAMILY, read("Exists", &[]).with_min_values(Some(3)));
        pool
    };
    let end = |names: &[&str], policy| {
        let mut story = Story::new(vec![pool_of(names)]);
        story.problem.settings.min_values = policy;
        story.come(1, "pod", wants(100, 1));
        story.end()
    };
    let all = end(&["c5.a", "c5.b", "m5.a", "r5.a"], MinValuesPolicy::Strict);
    assert_eq!(all.types(0), ["c5.a", "c5.b", "m5.a", "r5.a"], "the third family is the fourth type");
    let two = &["c5.a", "c5.b", "m5.a"];
    assert_eq!(end(two, MinValuesPolicy::Strict).left(), ["pod-0"]);
    let lowered = end(two, MinValuesPolicy::BestEffort);
    assert!(lowered.plan.claims[0].min_values_relaxed);
    let asked = lowered.plan.claims[0].requirements.get(FAMILY).and_then(Requirement::min_values);
    assert_eq!(asked, Some(2));
}

#[test]
fn example_13_the_cheapest_offering_that_is_left_orders_the_types() {
    let types = || {
        vec![
            sold_as("x.1", 4, 16, vec![offering("a", "spot", 0.10), offering("a", "on-demand", 1.00)]),
            sold_as("y.1", 4, 16, vec![offering("a", "spot", 0.12), offering("a", "on-demand", 0.20)]),
        ]
    };
    let order = |class| {
        let mut story = Story::new(vec![pool("default", types())]);
        story.come(1, "pod", class);
        story.end().types(0)
    };
    assert_eq!(order(wants(100, 1)), ["x.1", "y.1"]);
    assert_eq!(order(wants(100, 1).selecting(CAPACITY_TYPE, "In", &["on-demand"])), ["y.1", "x.1"]);
}

/// Example 2 once more, where it decides who gets the room.
#[test]
fn the_largest_pod_gets_the_only_room() {
    let mut story = Story::new(vec![]);
    let mut one = node("n", "a");
    one.available = Resources::new().with(CPU, 2000).with(MEMORY, 8 << 30).with("pods", 10);
    story.problem.nodes.push(one);
    story.come(1, "small", wants(1000, 1));
    story.come(1, "large", wants(2000, 1));
    let end = story.end();
    assert_eq!((end.existing()["n"].clone(), end.left()), (vec!["large-0".to_owned()], vec!["small-0".to_owned()]));
}

#[test]
fn a_pod_that_follows_others_does_not_found_its_own_group_elsewhere() {
    // pod-0 may be on either machine. pod-1 must be in its zone, so it comes later, and in the capacity type of all "b", of
    // which pod-0 is one. It does not fit beside it, and the one who keeps away from it may not decide for both.
    let common = sold_as("c.8", 8, 16, vec![offering("c", "on-demand", 1.0)]);
    let spot = sold_as("g.8", 8, 32, vec![offering("c", "spot", 1.0)]);
    let mut story = Story::new(vec![pool("default", vec![common, spot])]);
    let [a, b, c] = ["app=a", "app=b", "app=c"].map(|set| story.set(set));
    story.come(1, "first", wants(4100, 2).of(a).of(b));
    story.come(1, "second", wants(4000, 0).of(b).of(c).near(ZONE, a).near(CAPACITY_TYPE, b));
    story.come(1, "third", wants(0, 0).away(CAPACITY_TYPE, c));
    // The checker looks at every plan; what can be placed now is, and the rest knows why it is not.
    let ending = story.end();
    assert!(ending.claims().iter().any(|(_, pods)| pods.iter().any(|pod| pod.contains("first"))));
    assert!(ending.left().is_empty() || !ending.why(&ending.left()[0]).is_empty());
}
