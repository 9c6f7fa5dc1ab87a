//! Problems by chance, with everything that the scheduler knows in them.
//!
//! Names and values are few, so that rules meet: three zones, three sets of pods, two reservations, a handful of ports.

use super::testing::{
    CAPACITY_TYPE, FAMILY, GPU, RESERVATION, TEAM, TYPE, ZONE, machine, offering, only, port, read, red, requests,
    well_known,
};
use crate::instance_type::{InstanceType, Offering};
use crate::problem::{
    Classes, DaemonPod, HostPort, MinValuesPolicy, Node, NodePool, NodeSelection, Pod, PodClass, PodTerm, PodTerms,
    PreferencePolicy, Problem, Reservations, Resident, Settings, Spread, Volumes,
};
use crate::requirement::Name;
use crate::requirements::Requirements;
use crate::resources::{CPU, MEMORY, NODES, PODS, Resources};
use crate::taint::{Comparison, Effect, Taint, Toleration};
use dovetail_api::labels::HOSTNAME;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::sync::Arc;

const ZONES: [&str; 3] = ["a", "b", "c"];
/// A label with numbers for values, which some pools define.
const GENERATION: &str = "generation";
/// A label that nothing ever defines.
const GHOST: &str = "ghost";
/// How many sets of pods rules may speak of.
const SETS: usize = 3;

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

/// Mostly nothing, since a pod with every rule goes nowhere.
fn seldom<T: Clone + std::fmt::Debug + 'static>(
    one: impl Strategy<Value = T> + 'static,
    at_most: usize,
) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![3 => Just(vec![]).boxed(), 1 => prop::collection::vec(one, 1..=at_most).boxed()]
}

fn sets() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![1 => Just(vec![]).boxed(), 2 => subsequence((0..SETS).collect::<Vec<_>>(), 1..=2).boxed()]
}

fn topology_key() -> impl Strategy<Value = Name> {
    prop_oneof![5 => Just(ZONE), 4 => Just(HOSTNAME), 2 => Just(CAPACITY_TYPE), 1 => Just(FAMILY)].prop_map(Name::from)
}

fn term() -> impl Strategy<Value = PodTerm> {
    (topology_key(), 0..SETS).prop_map(|(key, peers)| PodTerm { key, peers })
}

fn terms() -> impl Strategy<Value = PodTerms> {
    (seldom(term(), 2), seldom((1..9i32, term()), 2)).prop_map(|(required, preferred)| PodTerms { required, preferred })
}

fn spread() -> impl Strategy<Value = Spread> {
    let counted = (topology_key(), 0..SETS, 1..=3u32, prop::option::weighted(0.2, 1..=4u32));
    (counted, prop::bool::weighted(0.7), prop::bool::weighted(0.7), prop::bool::weighted(0.3)).prop_map(
        |((key, peers, max_skew, min_domains), required, honors_selection, honors_taints)| Spread {
            key,
            peers,
            max_skew,
            min_domains,
            required,
            honors_selection,
            honors_taints,
        },
    )
}

fn host_port() -> impl Strategy<Value = HostPort> {
    select(vec![
        port(None, 80, "TCP"),
        port(Some("10.0.0.1"), 80, "TCP"),
        port(None, 80, "UDP"),
        port(None, 443, "TCP"),
    ])
}

fn volumes() -> impl Strategy<Value = Volumes> {
    let places = seldom(subsequence(ZONES.to_vec(), 1..=2).prop_map(|zones| only(ZONE, "In", &zones)), 2);
    let shared = subsequence(vec!["default/a", "default/b", "default/c"], 0..=2);
    (places, 0..3u32, shared).prop_map(|(places, own, shared)| Volumes {
        places,
        own: if own > 0 { vec![("ebs".into(), own)] } else { vec![] },
        shared: shared.into_iter().map(|claim| ("ebs".into(), claim.into())).collect(),
    })
}

fn class() -> impl Strategy<Value = PodClass> {
    let asked = (0..50i64, 0..12i64, prop_oneof![7 => Just(0i64), 1 => 1..3i64])
        .prop_map(|(cpu, memory, gpu)| requests(cpu * 100, memory).with(GPU, gpu));
    let unsupported = prop_oneof![29 => Just(vec![]), 1 => Just(vec![Name::from(crate::reasons::RESOURCE_CLAIMS)])];
    let plain = (asked, selection(), tolerations(), unsupported);
    let volumes = prop_oneof![3 => Just(Volumes::default()), 1 => volumes()];
    let about_others = (sets(), seldom(spread(), 2), terms(), terms());
    (plain, seldom(host_port(), 2), volumes, about_others).prop_map(
        |((requests, selection, tolerations, unsupported), ports, volumes, (member_of, spread, near, away))| PodClass {
            requests,
            selection,
            tolerations,
            unsupported,
            ports,
            volumes,
            member_of,
            spread,
            affinity: near,
            anti_affinity: away,
        },
    )
}

fn resident() -> impl Strategy<Value = Resident> {
    (sets(), seldom(term(), 2)).prop_map(|(member_of, repels)| Resident { member_of, repels })
}

fn daemon() -> impl Strategy<Value = DaemonPod> {
    (0..20i64, 0..3i64, selection(), tolerations(), seldom(host_port(), 1)).prop_map(
        |(cpu, memory, selection, tolerations, ports)| DaemonPod {
            name: "kube-system/agent".into(),
            requests: requests(cpu * 100, memory),
            selection,
            tolerations,
            ports,
        },
    )
}

fn on_offer() -> impl Strategy<Value = Offering> {
    let reserved = prop::option::weighted(0.2, (select(vec!["r-1", "r-2"]), 0..4u32));
    (select(ZONES.to_vec()), select(vec!["spot", "on-demand"]), 1..9i32, prop::bool::weighted(0.8), reserved).prop_map(
        |(zone, capacity_type, dimes, available, reserved)| {
            let capacity_type = if reserved.is_some() { "reserved" } else { capacity_type };
            let mut requirements = Requirements::from_labels([(ZONE, zone), (CAPACITY_TYPE, capacity_type)]);
            let id = reserved.map_or_else(|| read("DoesNotExist", &[]), |(id, _)| read("In", &[id]));
            requirements.add(RESERVATION, id);
            Offering {
                requirements: requirements.into(),
                available,
                reservation_capacity: reserved.map(|(_, units)| units),
                ..offering(zone, f64::from(dimes) / if reserved.is_some() { 1000.0 } else { 10.0 })
            }
        },
    )
}

fn instance_type() -> impl Strategy<Value = InstanceType> {
    let size = (select(vec!["c", "m", "g"]), select(vec![1i64, 2, 4, 8]), select(vec![2i64, 4, 8]));
    let reserved = (0..30i64, 0..2i64);
    let attached = prop::option::weighted(0.3, 0..6u32);
    (size, reserved, prop::collection::vec(on_offer(), 1..5), attached).prop_map(
        |((family, cpu, per_cpu), (kube_cpu, system_memory), offerings, attached)| {
            let mut it = machine(&format!("{family}-{cpu}x{per_cpu}"), cpu, cpu * per_cpu, 0.0);
            if family == "g" {
                it.capacity.set(GPU, cpu / 2);
            }
            it.overhead.kube_reserved.set(CPU, kube_cpu * 10);
            it.overhead.system_reserved.set(MEMORY, system_memory << 30);
            let values =
                |key: &str| offerings.iter().filter_map(|o| o.requirements.get(key)?.single().cloned()).collect();
            let all: [(&str, Vec<Name>); 3] = [ZONE, CAPACITY_TYPE, RESERVATION].map(|key| (key, values(key)));
            it.volume_limits = attached.map(|limit| ("ebs".into(), limit)).into_iter().collect();
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
    let room = (-5..60i64, 0..16i64, 0..5i64, prop::option::of(0..15i64));
    let residents = prop::collection::vec((0..SETS, 0..3u32), 0..3);
    let attachable = prop::option::weighted(0.3, 0..5u32);
    let more = (residents, seldom(host_port(), 2), attachable, prop::bool::weighted(0.1), any::<bool>());
    (labels, taints(), room, more).prop_map(
        |(labels, taints, (cpu, memory, pods, daemons), (residents, ports, attachable, leaving, initialized))| Node {
            name: "n".into(),
            initialized,
            labels: Requirements::from_labels(labels),
            taints,
            available: Resources::new().with(CPU, cpu * 100).with(MEMORY, memory << 30).with(PODS, pods),
            bound_daemons: daemons.map(|cpu| requests(cpu * 100, 1)).unwrap_or_default(),
            leaving,
            residents,
            ports,
            attachable: attachable.map(|room| ("ebs".into(), room)).into_iter().collect(),
            attached: vec![("ebs".into(), "default/a".into())],
        },
    )
}

/// Rules by capacity type become rules by family.
fn by_family(key: &mut Name) {
    if **key == *CAPACITY_TYPE {
        *key = FAMILY.into();
    }
}

prop_compose! {
    pub(crate) fn problem()(
        pools in (pool("first"), pool("second"), pool("third")),
        number_of_pools in prop_oneof![1 => Just(0usize), 9 => 1..=3usize],
        mut nodes in prop::collection::vec(node(), 0..4),
        daemons in prop_oneof![Just(vec![]).boxed(), prop::collection::vec(daemon(), 1..4).boxed()],
        kinds in prop::collection::vec((class(), 1..6usize), 1..8),
        residents in prop::collection::vec(resident(), SETS),
        reservations in prop::option::of(any::<bool>()),
        ignore in any::<bool>(),
        best_effort in any::<bool>(),
    ) -> Problem {
        for (i, node) in nodes.iter_mut().enumerate() {
            node.name = format!("n{i}").as_str().into();
            node.labels.add(HOSTNAME, read("In", &[&node.name]));
        }
        let preferences = if ignore { PreferencePolicy::Ignore } else { PreferencePolicy::Respect };
        let min_values = if best_effort { MinValuesPolicy::BestEffort } else { MinValuesPolicy::Strict };
        let mut problem = Problem {
            pools: [pools.0, pools.1, pools.2].into_iter().take(number_of_pools).collect(),
            nodes,
            daemons,
            peers: ["app=a", "app=b", "app=c"].map(Name::from).into(),
            residents,
            reservations: reservations.map(|strict| Reservations { label: RESERVATION.into(), strict }),
            well_known: well_known(),
            settings: Settings { preferences, min_values },
            ..Problem::default()
        };
        problem.sort();
        // A claim that holds reservations turns out to be of reserved capacity only when the round ends. Rules by capacity
        // type do not foresee that yet, so the two do not meet here.
        let kept_apart = problem.reservations.is_some();
        if kept_apart {
            problem.residents.iter_mut().flat_map(|r| &mut r.repels).for_each(|term| by_family(&mut term.key));
        }
        let mut classes = Classes::default();
        for (mut class, n) in kinds {
            if kept_apart {
                class.spread.iter_mut().for_each(|spread| by_family(&mut spread.key));
                for terms in [&mut class.affinity, &mut class.anti_affinity] {
                    let all = terms.required.iter_mut().chain(terms.preferred.iter_mut().map(|(_, term)| term));
                    all.for_each(|term| by_family(&mut term.key));
                }
            }
            let class = classes.intern(&mut problem, class);
            for _ in 0..n {
                let name: Name = format!("default/pod-{}", problem.pods.len()).as_str().into();
                problem.pods.push(Pod { uid: name.clone(), name, created: 0, class });
            }
        }
        problem
    }
}
