//! First fit, told as small stories.

use super::*;
use crate::instance_type::{InstanceType, Offering, Price};
use crate::problem::{
    Classes, DaemonPod, MinValuesPolicy, Node, NodePool, NodeSelection, Pod, PodClass, PreferencePolicy,
};
use crate::requirement::{Name, Operator, Requirement};
use crate::requirements::Requirements;
use crate::resources::{NODES, PODS, Resources};
use crate::taint::{Comparison, Toleration};
use crate::taint::{Effect, Taint};
use crate::verify::verify;
use proptest::prelude::*;

pub(super) const ZONE: &str = "topology.kubernetes.io/zone";
const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
const TYPE: &str = "node.kubernetes.io/instance-type";

pub(super) fn gib(n: i64) -> i64 {
    n << 30
}

/// A story: what there is, and who comes.
#[derive(Default)]
pub(super) struct Story {
    pub(super) problem: Problem,
    classes: Classes,
}

pub(super) fn machine(name: &str, cpu: i64, memory: i64, dollars: f64, extra: &[(&str, i64)]) -> Arc<InstanceType> {
    let mut capacity = Resources::new().with(CPU, cpu * 1000).with(MEMORY, gib(memory)).with(PODS, 110);
    extra.iter().for_each(|(k, v)| capacity.set(*k, *v));
    let offering = |zone: &str| Offering {
        requirements: Arc::new(Requirements::from_labels([(ZONE, zone), (CAPACITY_TYPE, "on-demand")])),
        price: Price::from_dollars(dollars),
        available: true,
        reservation_capacity: None,
    };
    let mut requirements = Requirements::from_labels([(TYPE, name), ("family", &name[..1])]);
    requirements.add(ZONE, Requirement::any_of(["a", "b"]));
    requirements.add(CAPACITY_TYPE, Requirement::any_of(["on-demand"]));
    Arc::new(InstanceType {
        name: name.into(),
        requirements,
        offerings: vec![offering("a"), offering("b")],
        capacity,
        ..InstanceType::default()
    })
}

/// c: 2 and 16 cores; m: 4 cores with more memory; g: a GPU.
fn machines() -> Arc<[Arc<InstanceType>]> {
    [
        machine("c-small", 2, 4, 0.1, &[]),
        machine("m-medium", 4, 16, 0.25, &[]),
        machine("c-large", 16, 32, 0.8, &[]),
        machine("g-gpu", 4, 16, 1.0, &[("nvidia.com/gpu", 1)]),
    ]
    .into()
}

pub(super) fn pool(name: &str) -> NodePool {
    NodePool {
        name: name.into(),
        weight: 0,
        requirements: Requirements::from_labels([("karpenter.sh/nodepool", name)]),
        taints: vec![],
        instance_types: machines(),
        remaining: None,
    }
}

pub(super) fn needs(cpu: i64, memory: i64) -> PodClass {
    let requests = Resources::new().with(CPU, cpu).with(MEMORY, memory).with(PODS, 1);
    PodClass { requests, ..PodClass::default() }
}

pub(super) fn selecting(class: PodClass, key: &str, value: &str) -> PodClass {
    let selector = class.selection.selector.and(&Requirements::from_labels([(key, value)]));
    PodClass { selection: NodeSelection { selector, ..class.selection }, ..class }
}

impl Story {
    pub(super) fn new(pools: Vec<NodePool>) -> Self {
        let well_known = [ZONE, CAPACITY_TYPE, TYPE, "family"].into_iter().map(Name::from).collect();
        let mut problem = Problem { pools, well_known, ..Problem::default() };
        problem.sort();
        Self { problem, ..Self::default() }
    }

    pub(super) fn pods(mut self, name: &str, n: usize, class: &PodClass) -> Self {
        let class = self.classes.intern(&mut self.problem, class.clone());
        for i in 0..n {
            let name: Name = format!("default/{name}-{i}").as_str().into();
            let uid = format!("{:04}", self.problem.pods.len()).as_str().into();
            self.problem.pods.push(Pod { name, uid, created: 0, class });
        }
        self
    }

    pub(super) fn node(mut self, name: &str, cpu: i64, memory: i64) -> Self {
        self.problem.nodes.push(Node {
            name: name.into(),
            initialized: true,
            labels: Requirements::from_labels([(ZONE, "a"), ("kubernetes.io/hostname", name)]),
            taints: vec![],
            available: Resources::new().with(CPU, cpu).with(MEMORY, memory).with(PODS, 10),
            ..Node::default()
        });
        self
    }

    fn daemon(mut self, name: &str, class: PodClass) -> Self {
        self.problem.daemons.push(DaemonPod {
            name: name.into(),
            requests: class.requests,
            selection: class.selection,
            tolerations: class.tolerations,
            ports: class.ports,
        });
        self
    }

    fn plan(&self) -> Plan {
        let plan = plan(&self.problem);
        self.check(&plan);
        plan
    }

    /// What every plan must keep, whatever the story.
    pub(super) fn check(&self, plan: &Plan) {
        if let Err(violations) = verify(&self.problem, plan) {
            let said: Vec<String> = violations.iter().map(ToString::to_string).collect();
            panic!("the plan breaks rules:\n{}", said.join("\n"));
        }
    }

    /// Each claim as `pool: cheapest type (pods)`.
    fn bought(&self) -> Vec<String> {
        self.bought_by(&self.plan())
    }

    pub(super) fn bought_by(&self, plan: &Plan) -> Vec<String> {
        let name = |c: &crate::plan::PlannedClaim| c.type_names(&self.problem).next().unwrap_or("none").to_owned();
        plan.claims
            .iter()
            .map(|c| format!("{}: {} ({})", self.problem.pools[c.pool].name, name(c), c.pods.len()))
            .collect()
    }

    fn why(&self) -> Vec<String> {
        let plan = self.plan();
        let mut out: Vec<String> =
            plan.unplaced.iter().map(|(p, why)| why.explain(&self.problem, self.problem.class_of(*p))).collect();
        out.dedup();
        out
    }
}

#[test]
fn pods_share_a_claim_as_long_as_some_type_holds_them() {
    let story = Story::new(vec![pool("default")]).pods("web", 4, &needs(500, gib(1)));
    assert_eq!(story.bought(), ["default: c-small (4)"]);
    let story = story.pods("more", 1, &needs(100, 0));
    assert_eq!(story.bought(), ["default: m-medium (5)"], "the claim grows to the next type");
}

#[test]
fn the_largest_pods_are_placed_first_by_cpu_and_then_memory() {
    let story = Story::new(vec![pool("default")])
        .pods(
            "gpu",
            1,
            &PodClass { requests: needs(100, gib(1)).requests.with("nvidia.com/gpu", 1), ..PodClass::default() },
        )
        .pods("flat", 1, &needs(1000, gib(8)))
        .pods("wide", 1, &needs(2000, gib(1)))
        .pods("tall", 1, &needs(1000, gib(9)));
    let placed: Vec<&str> =
        in_order(&story.problem, vec![0, 1, 2, 3]).into_iter().map(|p| &*story.problem.pods[p].name).collect();
    assert_eq!(placed, ["default/wide-0", "default/tall-0", "default/flat-0", "default/gpu-0"]);
}

#[test]
fn room_on_nodes_that_are_there_is_used_first() {
    let story = Story::new(vec![pool("default")]).node("n1", 1000, gib(4)).pods("web", 3, &needs(500, gib(1)));
    let plan = story.plan();
    assert_eq!(plan.existing, [Placement { node: 0, pods: vec![0, 1] }]);
    assert_eq!(story.bought(), ["default: c-small (1)"]);
}

#[test]
fn a_label_that_a_node_lacks_cannot_be_had_there() {
    let picky = selecting(needs(100, gib(1)), "family", "m");
    let story = Story::new(vec![pool("default")]).node("n1", 4000, gib(4)).pods("web", 1, &picky);
    assert_eq!(story.bought(), ["default: m-medium (1)"]);
}

#[test]
fn an_overfull_node_takes_nothing() {
    let story = Story::new(vec![pool("default")]).node("n1", -100, gib(4)).pods("web", 1, &needs(0, gib(1)));
    assert!(story.plan().existing.is_empty());
}

#[test]
fn pools_are_tried_by_weight_and_then_by_name_from_the_end() {
    let weighted = |name: &str, weight| NodePool { weight, ..pool(name) };
    let story = Story::new(vec![weighted("a", 10), weighted("b", 0), weighted("c", 10)]);
    let names: Vec<&str> = story.problem.pools.iter().map(|p| &*p.name).collect();
    assert_eq!(names, ["c", "a", "b"]);
    assert_eq!(story.pods("web", 1, &needs(100, 0)).bought(), ["c: c-small (1)"]);
}

#[test]
fn taints_keep_out_who_does_not_tolerate_them() {
    let red = Taint { key: "team".into(), value: "red".into(), effect: Effect::NoSchedule };
    let tainted = || NodePool { taints: vec![red.clone()], ..pool("red") };
    let story = Story::new(vec![tainted()]).pods("web", 2, &needs(100, 0));
    assert_eq!(story.why(), ["pool red: the pod does not tolerate taint team=red:NoSchedule"]);
    let tolerant = PodClass {
        tolerations: vec![Toleration {
            key: "team".into(),
            comparison: Comparison::Equal,
            value: "red".into(),
            effect: None,
        }],
        ..needs(100, 0)
    };
    assert_eq!(Story::new(vec![tainted()]).pods("web", 2, &tolerant).bought(), ["red: c-small (2)"]);
}

#[test]
fn a_taint_that_only_prefers_is_given_up_last() {
    let soft = Taint { key: "soft".into(), value: "".into(), effect: Effect::PreferNoSchedule };
    let only = NodePool { taints: vec![soft], ..pool("soft") };
    assert_eq!(Story::new(vec![only.clone()]).pods("web", 1, &needs(100, 0)).bought(), ["soft: c-small (1)"]);
    let story = Story::new(vec![NodePool { weight: 9, ..only }, pool("plain")]).pods("web", 1, &needs(100, 0));
    assert_eq!(story.bought(), ["plain: c-small (1)"], "whatever the weights");
}

#[test]
fn required_terms_are_alternatives_and_preferences_are_given_up() {
    let term = |key: &str, value: &str| Requirements::from_labels([(key, value)]);
    let mut picky = needs(100, 0);
    picky.selection.required = vec![term("family", "x"), term("family", "m")];
    picky.selection.preferred = vec![(1, term(ZONE, "nowhere"))];
    let story = Story::new(vec![pool("default")]).pods("web", 1, &picky);
    assert_eq!(story.bought(), ["default: m-medium (1)"]);

    let mut wishful = needs(100, 0);
    wishful.selection.preferred = vec![(1, term(ZONE, "b"))];
    let mut story = Story::new(vec![pool("default")]).pods("web", 1, &wishful);
    let zone = |story: &Story| story.plan().claims[0].requirements.get(ZONE).map(ToString::to_string);
    assert_eq!(zone(&story), Some("In [b]".to_owned()));
    story.problem.settings.preferences = PreferencePolicy::Ignore;
    assert_eq!(zone(&story), None);
}

#[test]
fn limits_are_booked_at_the_largest_type_a_claim_may_become() {
    let limited = NodePool { remaining: Some(Resources::new().with(CPU, 20_000)), ..pool("default") };
    let apart = |zone: &str| selecting(needs(1500, gib(1)), ZONE, zone);
    let story = Story::new(vec![limited]).pods("a", 1, &apart("a")).pods("b", 1, &apart("b"));
    let plan = story.plan();
    let types: Vec<Vec<&str>> = plan.claims.iter().map(|c| c.type_names(&story.problem).collect()).collect();
    assert_eq!(types[0], ["c-small", "m-medium", "c-large", "g-gpu"], "the first may still become the 16-core type");
    assert_eq!(types[1], ["c-small", "m-medium", "g-gpu"], "4 cores are left for the second");
}

#[test]
fn limits_say_what_is_left_of_them() {
    let limited = NodePool { remaining: Some(Resources::new().with(CPU, 1000)), ..pool("default") };
    let story = Story::new(vec![limited]).pods("web", 1, &needs(100, 0));
    assert_eq!(
        story.why(),
        ["pool default: every type that fits is larger than what its spec.limits still allow: cpu 1"]
    );
}

#[test]
fn a_limit_that_is_exceeded_already_says_by_how_much() {
    let left = Resources::new().with(CPU, -1500).with(MEMORY, gib(1));
    let story = Story::new(vec![NodePool { remaining: Some(left), ..pool("default") }]).pods("web", 1, &needs(100, 0));
    let why =
        "pool default: every type that fits is larger than what its spec.limits still allow: cpu 0 (exceeded by 1500m)";
    assert_eq!(story.why(), [why]);
}

#[test]
fn the_limit_of_nodes_holds_within_a_round() {
    let limited = NodePool { remaining: Some(Resources::new().with(NODES, 2)), ..pool("default") };
    let story = Story::new(vec![limited]).pods("web", 3, &needs(15_000, gib(20)));
    assert_eq!(story.bought().len(), 2);
    assert_eq!(story.why(), ["pool default: it may have no more nodes (spec.limits.nodes)"]);
}

#[test]
fn daemon_sets_take_their_share_of_the_types_they_run_on() {
    let everywhere = needs(500, gib(1));
    let story =
        Story::new(vec![pool("default")]).daemon("kube-system/agent", everywhere).pods("web", 4, &needs(500, 0));
    assert_eq!(story.bought(), ["default: m-medium (4)"], "the small type has room for three beside the agent");
    let only_small = selecting(needs(1900, gib(1)), TYPE, "c-small");
    let story = Story::new(vec![pool("default")]).daemon("kube-system/big", only_small).pods("web", 1, &needs(500, 0));
    assert_eq!(story.bought(), ["default: m-medium (1)"]);
    let requests = story.plan().claims[0].requests.clone();
    assert_eq!(requests.get(CPU), 500, "no type that is left carries the DaemonSet");
}

#[test]
fn minimum_values_are_kept_or_lowered_as_the_policy_says() {
    let mut varied = pool("default");
    varied.requirements.add("family", Requirement::any_of(["c", "m", "g"]).with_min_values(Some(3)));
    let story = Story::new(vec![varied.clone()]).pods("web", 1, &needs(500, gib(1)));
    assert_eq!(story.bought(), ["default: c-small (1)"]);
    let big = needs(8000, gib(1));
    let mut story = Story::new(vec![varied]).pods("big", 1, &big);
    assert_eq!(
        story.why(),
        ["pool default: minValues cannot be kept, the types that fit leave only 1 of at least 3 values of family: \
             c-small and 2 more: needs cpu 8, at most 4 left to pods"]
    );
    story.problem.settings.min_values = MinValuesPolicy::BestEffort;
    assert_eq!(story.bought(), ["default: c-large (1)"]);
    assert!(story.plan().claims[0].min_values_relaxed);
}

#[test]
fn a_type_nobody_sells_where_the_pod_must_run_is_not_bought() {
    let mut sold_out: Vec<Arc<InstanceType>> = machines().to_vec();
    for instance_type in &mut sold_out {
        let mut changed = (**instance_type).clone();
        changed.offerings[1].available = false;
        *instance_type = Arc::new(changed);
    }
    let story = Story::new(vec![NodePool { instance_types: sold_out.into(), ..pool("default") }]).pods(
        "web",
        1,
        &selecting(needs(100, 0), ZONE, "b"),
    );
    assert_eq!(story.why(), ["pool default: none of its 4 types is available at the moment in zone b"]);
}

#[test]
fn what_is_missing_is_said_in_plain_words() {
    let gpus = PodClass { requests: needs(100, 0).requests.with("nvidia.com/gpu", 2), ..PodClass::default() };
    let tpu = PodClass { requests: needs(100, 0).requests.with("google.com/tpu", 1), ..PodClass::default() };
    let lost = selecting(needs(100, 0), "team", "a");
    let why = |class: &PodClass| Story::new(vec![pool("default")]).pods("web", 1, class).why();
    assert_eq!(why(&gpus), ["needs nvidia.com/gpu 2; pool default: the largest of its 4 types leaves 1 to pods"]);
    assert_eq!(why(&tpu), ["needs google.com/tpu 1; pool default: none of its 4 types has it"]);
    assert_eq!(why(&lost), ["pool default: the pod selects by label team, which its nodes do not have"]);
    assert_eq!(why(&needs(100_000, 0)), ["needs cpu 100; pool default: the largest of its 4 types leaves 16 to pods"]);
    let huge =
        PodClass { requests: needs(100_000, gib(1000)).requests.with("google.com/tpu", 1), ..PodClass::default() };
    assert_eq!(
        why(&huge),
        ["pool default: of its 4 types none is large enough: needs cpu 100, no type leaves more than 16 to pods; \
          needs google.com/tpu 1, no type has it; needs memory 1000Gi, no type leaves more than 32Gi to pods"]
    );
    assert_eq!(Story::new(vec![]).pods("web", 1, &gpus).why(), ["there is no NodePool to buy a node from"]);
}

#[test]
fn a_label_does_not_come_to_exist_because_another_pod_shunned_it() {
    let mut shunning = needs(600, 0);
    shunning.selection.required =
        vec![[("team", Requirement::new(Operator::NotIn, &["x"]).expect("readable"))].into_iter().collect()];
    let asking = selecting(needs(100, 0), "team", "y");
    let story = Story::new(vec![pool("default")]).pods("a", 1, &shunning).pods("b", 1, &asking);
    assert_eq!(story.why(), ["pool default: the pod selects by label team, which its nodes do not have"]);
}

#[test]
fn a_pod_that_contradicts_itself_goes_nowhere() {
    let red = selecting(needs(100, 0), "team", "red");
    let mut torn = red.clone();
    torn.selection.required = vec![Requirements::from_labels([("team", "blue")])];
    let mut wishful = red;
    wishful.selection.preferred = vec![(1, Requirements::from_labels([("team", "blue")]))];
    for class in [torn, wishful] {
        let story = Story::new(vec![pool("default")]).node("n1", 4000, gib(4)).pods("web", 1, &class);
        assert_eq!(story.plan().placed(), 0, "not even where there is no such label");
    }
}

#[test]
fn a_pod_that_needs_a_label_and_one_that_shuns_it_are_kept_apart() {
    let asks = |operator: Operator| {
        let mut class = needs(600, 0);
        let any: [&str; 0] = [];
        class.selection.selector.add("team", Requirement::new(operator, &any).expect("readable"));
        class
    };
    let mut open = pool("default");
    open.requirements.add("team", Requirement::none_of(["green"]));
    let story = Story::new(vec![open]).pods("with", 1, &asks(Operator::Exists));
    let story = story.pods("without", 1, &asks(Operator::DoesNotExist));
    assert_eq!(story.bought(), ["default: c-small (1)", "default: c-small (1)"]);
}

#[test]
fn a_pod_with_a_rule_that_is_not_kept_yet_is_reported_and_not_placed() {
    let spread = PodClass { unsupported: vec!["topology spread".into()], ..needs(100, 0) };
    let story = Story::new(vec![pool("default")]).pods("web", 1, &spread);
    assert_eq!(story.why(), ["not placed, because this version cannot keep its topology spread yet"]);
}

fn random_class() -> impl Strategy<Value = PodClass> {
    let zone = prop::option::of(prop::sample::select(vec!["a", "b"]));
    (1..60i64, 0..12i64, 0..2i64, zone).prop_map(|(cpu, memory, gpu, zone)| {
        let mut class = needs(cpu * 100, gib(memory));
        if gpu > 0 {
            class.requests.set("nvidia.com/gpu", gpu);
        }
        match zone {
            Some(zone) => selecting(class, ZONE, zone),
            None => class,
        }
    })
}

proptest! {
    #[test]
    fn every_plan_is_valid_and_the_order_of_the_input_does_not_matter(
        classes in prop::collection::vec((random_class(), 1..8usize), 1..8),
        swap in any::<prop::sample::Index>(),
    ) {
        let mut story = Story::new(vec![pool("default"), pool("other")]).node("n1", 3000, gib(8));
        for (i, (class, n)) in classes.iter().enumerate() {
            story = story.pods(&format!("app{i}"), *n, class);
        }
        let names = |story: &Story, plan: &Plan| -> Vec<Vec<Name>> {
            plan.claims.iter().map(|c| c.pods.iter().map(|p| story.problem.pods[*p].name.clone()).collect()).collect()
        };
        let before = names(&story, &story.plan());
        let at = swap.index(story.problem.pods.len());
        story.problem.pods.rotate_left(at);
        prop_assert_eq!(before, names(&story, &story.plan()));
    }

    #[test]
    fn planning_again_with_the_nodes_in_place_buys_nothing(
        classes in prop::collection::vec((random_class(), 1..8usize), 1..6),
    ) {
        let mut story = Story::new(vec![pool("default")]);
        for (i, (class, n)) in classes.iter().enumerate() {
            story = story.pods(&format!("app{i}"), *n, class);
        }
        let plan = story.plan();
        let mut again = Problem { nodes: vec![], ..story.problem.clone() };
        for (n, claim) in plan.claims.iter().enumerate() {
            let instance_type = &story.problem.pools[claim.pool].instance_types[claim.types[0]];
            let zone = claim.requirements.get(ZONE).and_then(Requirement::single).map_or("a", |z| z);
            let mut left = instance_type.allocatable();
            let mut used = Resources::new();
            claim.pods.iter().for_each(|p| used.add(&story.problem.class_of(*p).requests));
            left.subtract_known(&used);
            again.nodes.push(Node {
                name: format!("n{n}").as_str().into(), initialized: true,
                labels: Requirements::from_labels([(ZONE, zone), (TYPE, &instance_type.name)]),
                available: left, ..Node::default()
            });
        }
        again.pods = plan.unplaced.iter().map(|(p, _)| story.problem.pods[*p].clone()).collect();
        let second = super::plan(&again);
        prop_assert!(second.claims.is_empty());
        prop_assert_eq!(second.unplaced.len(), plan.unplaced.len());
    }
}
