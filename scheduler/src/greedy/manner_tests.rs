//! The simple policies, told as small stories: where they do the same as Karpenter's rule, and where not.

use super::super::tests::{Story, ZONE, gib, needs, pool};
use crate::cost::Memory;
use crate::plan::{Placement, Plan};
use crate::policy::{self, Search};
use crate::problem::{MinValuesPolicy, NodePool, PodClass, PodTerm, Spread};
use crate::requirement::{Operator, Requirement};
use crate::requirements::Requirements;
use crate::resources::Resources;

const GPU: &str = "nvidia.com/gpu";
const HOSTNAME: &str = "kubernetes.io/hostname";

fn plan(policy: &str, story: &Story) -> Plan {
    let policy = policy::by_name(policy).expect("a policy of that name");
    let plan = policy.plan(&story.problem, &Search::default(), &mut Memory::default());
    story.check(&plan);
    plan
}

fn bought(policy: &str, story: &Story) -> Vec<String> {
    story.bought_by(&plan(policy, story))
}

fn with_gpu(class: PodClass) -> PodClass {
    PodClass { requests: class.requests.with(GPU, 1), ..class }
}

/// A pool whose nodes are of one family.
fn of_family(name: &str, family: &str) -> NodePool {
    let plain = pool(name);
    NodePool { requirements: plain.requirements.and(&Requirements::from_labels([("family", family)])), ..plain }
}

#[test]
fn first_fit_decreasing_begins_with_the_largest_share_of_any_resource() {
    // The GPU is all that a node has of it, so its pod comes before one with more CPU: the web pod finds its node there.
    let story = Story::new(vec![pool("default")]).pods("web", 1, &needs(3500, gib(1))).pods(
        "train",
        1,
        &with_gpu(needs(500, gib(1))),
    );
    assert_eq!(bought("karpenter", &story), ["default: g-gpu (2)"]);
    let claims = plan("ffd", &story).claims;
    assert_eq!(claims[0].pods, [1, 0], "the GPU came first");
}

#[test]
fn first_fit_decreasing_settles_the_type_when_a_node_is_opened() {
    let story = Story::new(vec![pool("default")]).pods("web", 5, &needs(500, gib(1)));
    assert_eq!(bought("karpenter", &story), ["default: m-medium (5)"], "the claim grows with its pods");
    assert_eq!(bought("ffd", &story), ["default: c-small (4)", "default: c-small (1)"]);
    assert!(plan("ffd", &story).claims.iter().all(|claim| claim.types.len() == 1));
}

#[test]
fn first_fit_decreasing_goes_to_the_node_that_was_opened_first() {
    let story = Story::new(vec![pool("default")]).pods("db", 2, &needs(1500, gib(1))).pods("web", 3, &needs(100, 0));
    assert_eq!(bought("ffd", &story), ["default: c-small (4)", "default: c-small (1)"]);
}

#[test]
fn best_fit_goes_to_the_node_that_is_left_fullest() {
    // The first node has 1400m left, the second 500m.
    let story = Story::new(vec![pool("default")])
        .pods("db", 1, &needs(2600, gib(1)))
        .pods("app", 1, &needs(1500, gib(1)))
        .pods("web", 1, &needs(300, 0));
    assert_eq!(bought("ffd", &story), ["default: m-medium (2)", "default: c-small (1)"]);
    assert_eq!(bought("best-fit", &story), ["default: m-medium (1)", "default: c-small (2)"]);
}

#[test]
fn best_fit_fills_nodes_that_are_there_in_the_same_way() {
    let story = Story::new(vec![pool("default")]).node("n1", 3000, gib(8)).node("n2", 1000, gib(8)).pods(
        "web",
        3,
        &needs(400, gib(1)),
    );
    assert_eq!(plan("ffd", &story).existing, [Placement { node: 0, pods: vec![0, 1, 2] }]);
    let expected = [Placement { node: 0, pods: vec![2] }, Placement { node: 1, pods: vec![0, 1] }];
    assert_eq!(plan("best-fit", &story).existing, expected);
}

#[test]
fn best_fit_counts_what_is_scarce_for_more() {
    // By CPU alone the node with the GPU would be the fuller one.
    let mut story = Story::new(vec![pool("default")])
        .node("n1", 1000, gib(4))
        .node("n2", 2000, gib(4))
        .pods("train", 1, &with_gpu(needs(3000, gib(1))))
        .pods("web", 1, &needs(500, gib(1)));
    story.problem.nodes[0].available.set(GPU, 1);
    assert_eq!(plan("best-fit", &story).existing, [Placement { node: 1, pods: vec![1] }]);
}

#[test]
fn a_spread_holds_in_every_manner() {
    // It narrows claims while they fill, so that some lose the zones that others still have.
    let mut class = needs(300, gib(1));
    class.member_of = vec![0];
    class.spread = vec![Spread::evenly(ZONE, 0, 1)];
    let mut story = Story::new(vec![pool("default")]);
    story.problem.peers = vec!["app=web".into()];
    let story = story.pods("db", 2, &needs(1500, gib(1))).pods("web", 4, &class);
    for policy in ["ffd", "best-fit", "cheapest-per-resource"] {
        assert_eq!(plan(policy, &story).placed(), 6, "{policy}");
    }
}

#[test]
fn the_cheapest_per_resource_looks_at_everything_that_is_still_to_come() {
    // Memory is what they need most of: 16 GiB of m-medium cost less than 16 of c-small, and one pod alone does not matter.
    let class = needs(500, gib(3));
    let story = Story::new(vec![pool("default")]).pods("web", 6, &class);
    assert_eq!(bought("ffd", &story).len(), 6, "each on the cheapest node that holds one");
    assert_eq!(bought("cheapest-per-resource", &story), ["default: m-medium (5)", "default: c-small (1)"]);
}

#[test]
fn the_cheapest_per_resource_does_not_reckon_with_pods_that_need_something_else() {
    // For everyone together m-medium would be the cheapest, but the web pod asks for no memory and comes first.
    let story =
        Story::new(vec![pool("default")]).pods("web", 1, &needs(1600, 0)).pods("cache", 12, &needs(100, gib(3)));
    let expected = ["default: c-small (2)", "default: m-medium (5)", "default: m-medium (5)", "default: c-small (1)"];
    assert_eq!(bought("cheapest-per-resource", &story), expected);
}

#[test]
fn the_cheapest_per_resource_does_not_reckon_with_pods_that_fit_nowhere() {
    // For a thousand GiB m-medium would be the cheapest.
    let story =
        Story::new(vec![pool("default")]).pods("huge", 1, &needs(100, gib(1000))).pods("web", 1, &needs(500, gib(1)));
    let plan = plan("cheapest-per-resource", &story);
    assert_eq!((story.bought_by(&plan), plan.unplaced.len()), (vec!["default: c-small (1)".to_owned()], 1));
}

#[test]
fn the_cheapest_per_resource_does_not_buy_again_what_is_still_free() {
    // Each of the first has to be alone among its kind; the second finds so much room bought that its own node may be small.
    let mut lonely = needs(1000, gib(2));
    lonely.member_of = vec![0];
    lonely.anti_affinity.required = vec![PodTerm { key: HOSTNAME.into(), peers: 0 }];
    let mut story = Story::new(vec![pool("default")]);
    story.problem.peers = vec!["app=db".into()];
    let story = story.pods("db", 3, &lonely).pods("web", 10, &needs(10, gib(1)));
    let plan = plan("cheapest-per-resource", &story);
    assert_eq!(plan.placed(), 13);
    assert_eq!(story.bought_by(&plan), ["default: m-medium (11)", "default: c-small (1)", "default: c-small (1)"]);
}

#[test]
fn a_node_that_others_have_to_join_grows_with_them() {
    let mut together = needs(500, gib(1));
    together.member_of = vec![0];
    together.affinity.required = vec![PodTerm { key: HOSTNAME.into(), peers: 0 }];
    let mut story = Story::new(vec![pool("default")]);
    story.problem.peers = vec!["app=web".into()];
    let story = story.pods("web", 7, &together).pods("other", 1, &needs(500, gib(1)));
    for policy in ["ffd", "best-fit", "cheapest-per-resource"] {
        let plan = plan(policy, &story);
        assert_eq!(story.bought_by(&plan), ["default: m-medium (8)"], "{policy}: c-small would hold the first four");
    }
}

#[test]
fn among_pools_of_one_weight_the_best_type_decides_and_otherwise_the_weight() {
    // By name alone z comes first.
    let mut story = Story::new(vec![pool("a"), of_family("z", "m")]).pods("web", 1, &needs(500, gib(1)));
    assert_eq!(bought("karpenter", &story), ["z: m-medium (1)"]);
    for policy in ["ffd", "best-fit", "cheapest-per-resource"] {
        assert_eq!(bought(policy, &story), ["a: c-small (1)"], "{policy}");
    }
    story.problem.pools.iter_mut().filter(|p| &*p.name == "z").for_each(|p| p.weight = 1);
    story.problem.sort();
    for policy in ["ffd", "best-fit", "cheapest-per-resource"] {
        assert_eq!(bought(policy, &story), ["z: m-medium (1)"], "{policy}");
    }
}

#[test]
fn a_minimum_of_values_keeps_as_many_types_as_it_takes() {
    let families = |least| {
        let mut pool = pool("default");
        let any = Requirement::new::<&str>(Operator::Exists, &[]).expect("readable").with_min_values(Some(least));
        pool.requirements.add("family", any);
        pool
    };
    let story = Story::new(vec![families(2)]).pods("web", 5, &needs(500, gib(1)));
    let plan = plan("ffd", &story);
    let types: Vec<Vec<&str>> = plan.claims.iter().map(|c| c.type_names(&story.problem).collect()).collect();
    assert_eq!(types, [["c-small", "m-medium"], ["c-small", "m-medium"]], "all five would fit m-medium alone");

    let mut story = Story::new(vec![families(4)]).pods("web", 1, &needs(500, gib(1)));
    story.problem.settings.min_values = MinValuesPolicy::BestEffort;
    let claims = self::plan("ffd", &story).claims;
    assert_eq!((claims[0].types.len(), claims[0].min_values_relaxed), (4, true), "c, m and g are all there are");
}

#[test]
fn a_limit_is_used_up_by_what_is_bought_and_not_by_what_might_have_been() {
    let limited = NodePool { remaining: Some(Resources::new().with("cpu", 4000)), ..pool("default") };
    let story = Story::new(vec![limited]).pods("web", 8, &needs(500, gib(1)));
    assert_eq!(plan("karpenter", &story).placed(), 8, "on one claim that may become as large as the limit");
    assert_eq!(bought("ffd", &story), ["default: c-small (4)", "default: c-small (4)"]);
}
