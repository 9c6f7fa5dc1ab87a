//! Problems by chance, with everything that the scheduler knows in them: whatever first fit makes of them is right.

use super::testing::{
    CAPACITY_TYPE, FAMILY, GPU, TEAM, TYPE, ZONE, machine, offering, only, read, red, requests, well_known,
};
use super::verify;
use crate::instance_type::{InstanceType, Offering};
use crate::policy::POLICIES;
use crate::problem::{
    Classes, DaemonPod, MinValuesPolicy, Node, NodePool, NodeSelection, Pod, PodClass, PreferencePolicy, Problem,
    Settings,
};
use crate::requirement::Name;
use crate::requirements::Requirements;
use crate::resources::{CPU, MEMORY, NODES, PODS, Resources};
use crate::taint::{Comparison, Effect, Taint, Toleration};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::sync::Arc;

const ZONES: [&str; 3] = ["a", "b", "c"];
/// A label with numbers for values, which some pools define.
const GENERATION: &str = "generation";
/// A label that nothing ever defines.
const GHOST: &str = "ghost";

/// What a pod may ask of a label, or a pool have.
fn expression() -> impl Strategy<Value = Requirements> {
    let text = |key: &'static str, values: Vec<&'static str>| {
        let values = subsequence(values, 1..=2);
        (select(vec!["In", "In", "NotIn", "Exists", "DoesNotExist"]), values).prop_map(move |(operator, values)| {
            only(key, operator, if operator.ends_with("In") { &values } else { &[] })
        })
    };
    prop_oneof![
        4 => text(ZONE, ZONES.to_vec()),
        2 => text(CAPACITY_TYPE, vec!["spot", "on-demand"]),
        2 => text(FAMILY, vec!["c", "m", "g", "x"]),
        4 => text(TEAM, vec!["red", "blue", "green"]),
        1 => text(GHOST, vec!["y", "z"]),
        2 => (select(vec!["Gt", "Lt", "Gte", "Lte", "In", "NotIn"]), select(vec!["2", "3", "4"]))
            .prop_map(|(operator, n)| only(GENERATION, operator, &[n])),
    ]
}

fn expressions(at_most: usize) -> impl Strategy<Value = Requirements> {
    prop::collection::vec(expression(), 0..=at_most)
        .prop_map(|all| all.iter().fold(Requirements::new(), |so_far, one| so_far.and(one)))
}

fn selection() -> impl Strategy<Value = NodeSelection> {
    let label = select(vec![(ZONE, "a"), (ZONE, "b"), (TEAM, "red"), (TEAM, "blue"), (GENERATION, "3"), (GHOST, "y")]);
    let selector = prop::option::weighted(0.3, label).prop_map(Requirements::from_labels);
    let required = prop::collection::vec(expressions(2), 0..=2);
    let preferred = prop::collection::vec((1..9i32, expressions(2)), 0..=2);
    (selector, prop_oneof![2 => Just(vec![]), 1 => required], prop_oneof![2 => Just(vec![]), 1 => preferred])
        .prop_map(|(selector, required, preferred)| NodeSelection { selector, required, preferred })
}

fn effect() -> impl Strategy<Value = Effect> {
    select(vec![Effect::NoSchedule, Effect::NoExecute, Effect::PreferNoSchedule])
}

fn taints() -> impl Strategy<Value = Vec<Taint>> {
    prop_oneof![3 => Just(vec![]), 1 => prop::collection::vec(effect().prop_map(red), 1..=2)]
}

fn tolerations() -> impl Strategy<Value = Vec<Toleration>> {
    let one = (select(vec!["red", "blue"]), prop::option::of(effect())).prop_map(|(value, effect)| Toleration {
        key: TEAM.into(),
        comparison: Comparison::Equal,
        value: value.into(),
        effect,
    });
    prop::collection::vec(one, 0..=2)
}

fn class() -> impl Strategy<Value = PodClass> {
    let asked = (0..50i64, 0..12i64, prop_oneof![7 => Just(0i64), 1 => 1..3i64])
        .prop_map(|(cpu, memory, gpu)| requests(cpu * 100, memory).with(GPU, gpu));
    let unsupported = prop_oneof![29 => Just(vec![]), 1 => Just(vec![Name::from("host ports")])];
    (asked, selection(), tolerations(), unsupported).prop_map(|(requests, selection, tolerations, unsupported)| {
        PodClass { requests, selection, tolerations, unsupported, ..PodClass::default() }
    })
}

fn daemon() -> impl Strategy<Value = DaemonPod> {
    (0..20i64, 0..3i64, selection(), tolerations()).prop_map(|(cpu, memory, selection, tolerations)| DaemonPod {
        name: "kube-system/agent".into(),
        requests: requests(cpu * 100, memory),
        selection,
        tolerations,
        ..DaemonPod::default()
    })
}

fn on_offer() -> impl Strategy<Value = Offering> {
    let reserved = prop_oneof![9 => Just(None), 1 => (0..3u32).prop_map(Some)];
    (select(ZONES.to_vec()), select(vec!["spot", "on-demand"]), 1..9i32, prop::bool::weighted(0.8), reserved).prop_map(
        |(zone, capacity_type, dimes, available, reservation_capacity)| Offering {
            requirements: Requirements::from_labels([(ZONE, zone), (CAPACITY_TYPE, capacity_type)]).into(),
            available,
            reservation_capacity,
            ..offering(zone, f64::from(dimes) / 10.0)
        },
    )
}

fn instance_type() -> impl Strategy<Value = InstanceType> {
    let size = (select(vec!["c", "m", "g"]), select(vec![1i64, 2, 4, 8]), select(vec![2i64, 4, 8]));
    let reserved = (0..30i64, 0..2i64);
    (size, reserved, prop::collection::vec(on_offer(), 1..5)).prop_map(
        |((family, cpu, per_cpu), (kube_cpu, system_memory), offerings)| {
            let mut it = machine(&format!("{family}-{cpu}x{per_cpu}"), cpu, cpu * per_cpu, 0.0);
            if family == "g" {
                it.capacity.set(GPU, cpu / 2);
            }
            it.overhead.kube_reserved.set(CPU, kube_cpu * 10);
            it.overhead.system_reserved.set(MEMORY, system_memory << 30);
            let values =
                |key: &str| offerings.iter().filter_map(|o| o.requirements.get(key)?.single().cloned()).collect();
            let all: [(&str, Vec<Name>); 2] = [(ZONE, values(ZONE)), (CAPACITY_TYPE, values(CAPACITY_TYPE))];
            for (key, values) in all {
                let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
                it.requirements.replace(key.into(), read("In", &values));
            }
            it.offerings = offerings;
            it
        },
    )
}

fn pool(name: &'static str) -> impl Strategy<Value = NodePool> {
    let types = prop::collection::vec(instance_type(), 1..9);
    let requirements = (expressions(2), prop::option::weighted(0.3, (select(vec![FAMILY, ZONE, TYPE]), 1..4u32)));
    let limit = (select(vec![CPU, MEMORY, GPU, NODES]), -1..20i64).prop_map(|(resource, n)| {
        let unit = if resource == CPU {
            1000
        } else if resource == MEMORY {
            1 << 30
        } else {
            1
        };
        (resource, n * unit)
    });
    let limits = prop::option::weighted(0.4, prop::collection::vec(limit, 1..3));
    (0..3i32, types, requirements, taints(), limits).prop_map(
        move |(weight, mut types, (mut requirements, minimum), taints, limits)| {
            // Names tell types apart.
            types.sort_by(|a, b| a.name.cmp(&b.name));
            types.dedup_by(|a, b| a.name == b.name);
            requirements.add("karpenter.sh/nodepool", read("In", &[name]));
            if let Some((key, n)) = minimum {
                requirements.add(key, read("Exists", &[]).with_min_values(Some(n)));
            }
            NodePool {
                name: name.into(),
                weight,
                requirements,
                taints,
                instance_types: types.into_iter().map(Arc::new).collect(),
                remaining: limits.map(|limits| limits.into_iter().collect::<Resources>()),
            }
        },
    )
}

fn node() -> impl Strategy<Value = Node> {
    let values = (select(ZONES.to_vec()), select(vec!["red", "blue"]), select(vec!["2", "3", "4"]));
    let labels = values.prop_flat_map(|(zone, team, generation)| {
        subsequence(vec![(ZONE, zone), (TEAM, team), (GENERATION, generation)], 0..=3)
    });
    (labels, taints(), -5..60i64, 0..16i64, 0..5i64, prop::option::of(0..15i64), any::<bool>()).prop_map(
        |(labels, taints, cpu, memory, pods, daemons, initialized)| Node {
            name: "n".into(),
            initialized,
            labels: Requirements::from_labels(labels),
            taints,
            available: Resources::new().with(CPU, cpu * 100).with(MEMORY, memory << 30).with(PODS, pods),
            bound_daemons: daemons.map(|cpu| requests(cpu * 100, 1)).unwrap_or_default(),
            ..Node::default()
        },
    )
}

prop_compose! {
    fn problem()(
        pools in (pool("first"), pool("second"), pool("third")),
        number_of_pools in prop_oneof![1 => Just(0usize), 9 => 1..=3usize],
        mut nodes in prop::collection::vec(node(), 0..4),
        daemons in prop_oneof![Just(vec![]).boxed(), prop::collection::vec(daemon(), 1..4).boxed()],
        kinds in prop::collection::vec((class(), 1..6usize), 1..8),
        ignore in any::<bool>(),
        best_effort in any::<bool>(),
    ) -> Problem {
        nodes.iter_mut().enumerate().for_each(|(i, node)| node.name = format!("n{i}").as_str().into());
        let preferences = if ignore { PreferencePolicy::Ignore } else { PreferencePolicy::Respect };
        let min_values = if best_effort { MinValuesPolicy::BestEffort } else { MinValuesPolicy::Strict };
        let mut problem = Problem {
            pools: [pools.0, pools.1, pools.2].into_iter().take(number_of_pools).collect(),
            nodes,
            daemons,
            well_known: well_known(),
            settings: Settings { preferences, min_values },
            ..Problem::default()
        };
        problem.sort();
        let mut classes = Classes::default();
        for (class, n) in kinds {
            let class = classes.intern(&mut problem, class);
            for _ in 0..n {
                let name: Name = format!("default/pod-{}", problem.pods.len()).as_str().into();
                problem.pods.push(Pod { uid: name.clone(), name, created: 0, class });
            }
        }
        problem
    }
}

proptest! {
    // A bad case may need several pools, classes and DaemonSets of a certain kind at once.
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_policy_makes_plans_that_are_right(problem in problem()) {
        for policy in POLICIES {
            let plan = policy.plan(&problem);
            if let Err(violations) = verify(&problem, &plan) {
                let said: Vec<String> = violations.iter().map(ToString::to_string).collect();
                prop_assert!(false, "{}: {}\n{plan:#?}", policy.name(), said.join("\n"));
            }
        }
    }
}

/// Otherwise the test above would prove nothing.
#[test]
fn problems_by_chance_have_plans_worth_checking() {
    let mut runner = TestRunner::deterministic();
    let (mut claims, mut mixed) = (0, 0);
    for _ in 0..300 {
        let problem = problem().new_tree(&mut runner).expect("nothing is filtered out").current();
        for policy in POLICIES {
            let plan = policy.plan(&problem);
            claims += plan.claims.len();
            let class = |pod: &usize| problem.pods[*pod].class;
            mixed += plan.claims.iter().filter(|c| c.pods.iter().any(|pod| class(pod) != class(&c.pods[0]))).count();
        }
    }
    let expected = 300 * POLICIES.len();
    assert!(claims > expected && mixed > expected / 5, "{claims} claims, {mixed} of them for several classes");
}
