//! Whether what is planted can be harvested: a plan of that cost exists, and none is cheaper.

use super::*;
use dovetail_scheduler::instance_type::{InstanceType, Offering};
use dovetail_scheduler::plan::{Plan, PlannedClaim};
use dovetail_scheduler::policy::{POLICIES, Search};
use dovetail_scheduler::problem::NodePool;
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::verify::verify;
use proptest::prelude::*;
use std::sync::Arc;

const GIB: i64 = 1 << 30;

/// A type with cores, GiB and a price; its overhead makes small machines a little worse.
fn machine(cores: i64, gib: i64, dollars: f64) -> Arc<InstanceType> {
    let offering = Offering {
        requirements: Arc::default(),
        price: Price::from_dollars(dollars),
        available: true,
        reservation_capacity: None,
    };
    let mut machine = InstanceType {
        name: format!("{cores}x{gib}").into(),
        offerings: vec![offering],
        capacity: Resources::new().with(CPU, cores * 1000).with(MEMORY, gib * GIB).with(PODS, 58),
        ..InstanceType::default()
    };
    machine.overhead.kube_reserved = Resources::new().with(CPU, 80).with(MEMORY, GIB / 2);
    Arc::new(machine)
}

fn market(types: Vec<Arc<InstanceType>>) -> Problem {
    let pool = NodePool {
        name: "default".into(),
        weight: 0,
        requirements: Requirements::default(),
        taints: vec![],
        instance_types: types.into(),
        remaining: None,
    };
    Problem { pools: vec![pool], ..Problem::default() }
}

/// Three families in four sizes, priced as clouds do: nearly in proportion to size.
fn cloud() -> Problem {
    let families = [(2, 0.085), (4, 0.096), (8, 0.126)];
    let sizes = [4, 8, 16, 48];
    let types = sizes.iter().flat_map(|cores| {
        let price = |per: f64| (f64::from(*cores) / 2.0 * per * 1e4).round() / 1e4;
        families.map(|(gib, per)| machine(i64::from(*cores), i64::from(*cores) * gib, price(per)))
    });
    market(types.collect())
}

/// The planted nodes as a plan.
fn harvest(planted: &Planted) -> Plan {
    let problem = &planted.instance.problem;
    let claims = planted.nodes.iter().map(|node| {
        let mut requests = Resources::new();
        node.pods.iter().for_each(|pod| requests.add(&problem.class_of(*pod).requests));
        PlannedClaim {
            pool: node.pool,
            types: vec![node.instance_type],
            requests,
            price: node.price,
            pods: node.pods.clone(),
            ..PlannedClaim::default()
        }
    });
    Plan { claims: claims.collect(), ..Plan::default() }
}

/// What the pods are worth at prices for CPU and memory at which no type is worth more than it costs, as a share of what
/// the planted nodes cost: 1 if no plan can be cheaper. Prices are tried along every edge of what is on sale.
fn proven_share(planted: &Planted) -> f64 {
    let points = points(&planted.instance.problem);
    let corners = corners(&points);
    let total = |resource: &str| {
        let problem = &planted.instance.problem;
        problem.pods.iter().map(|p| problem.classes[p.class].requests.get(resource) as f64).sum::<f64>()
    };
    let (cpu, memory) = (total(CPU), total(MEMORY));
    let cost = planted.nodes.iter().map(|n| n.price).sum::<Price>().picodollars() as f64;
    let worth = |y: (f64, f64)| {
        let dearest = points.iter().map(|p| (y.0 * p.cpu as f64 + y.1 * p.memory as f64) / p.price as f64);
        (y.0 * cpu + y.1 * memory) / dearest.fold(0.0, f64::max)
    };
    let edges = corners.windows(2).map(|ab| {
        let (a, b) = (&ab[0], &ab[1]);
        let det = a.cpu as f64 * b.memory as f64 - a.memory as f64 * b.cpu as f64;
        let y = (
            (a.price as f64 * b.memory as f64 - a.memory as f64 * b.price as f64) / det,
            (a.cpu as f64 * b.price as f64 - a.price as f64 * b.cpu as f64) / det,
        );
        worth(y)
    });
    edges.chain([worth((1.0, 0.0)), worth((0.0, 1.0))]).fold(0.0, f64::max) / cost
}

#[test]
fn a_plan_of_that_cost_exists_and_keeps_every_rule() {
    for seed in 0..30 {
        let planted = Wish { pods: 100, seed }.plant(&cloud()).expect("something is on sale");
        assert_eq!(planted.instance.problem.pods.len(), 100);
        let plan = harvest(&planted);
        assert_eq!(verify(&planted.instance.problem, &plan).err(), None, "seed {seed}");
        assert_eq!(planted.instance.optimum, Some(plan.cost().dollars()));
    }
}

#[test]
fn no_plan_is_cheaper() {
    for seed in 0..30 {
        let planted = Wish { pods: 100, seed }.plant(&cloud()).expect("something is on sale");
        let share = proven_share(&planted);
        assert!((share - 1.0).abs() < 1e-9, "seed {seed}: the pods are worth {share} of what they cost");
        for policy in POLICIES {
            let plan = policy.plan(&planted.instance.problem, &Search::default(), &mut Default::default());
            assert_eq!(verify(&planted.instance.problem, &plan).err(), None, "{}", policy.name());
            let cost = plan.cost().dollars();
            let optimum = planted.instance.optimum.expect("known");
            assert!(plan.unplaced.is_empty() && cost >= optimum - 1e-6, "{} pays {cost}", policy.name());
        }
    }
}

#[test]
fn every_planted_node_is_full() {
    let planted = Wish { pods: 50, seed: 5 }.plant(&cloud()).expect("something is on sale");
    let problem = &planted.instance.problem;
    for node in &planted.nodes {
        let room = problem.pools[node.pool].instance_types[node.instance_type].allocatable();
        for resource in [CPU, MEMORY] {
            let used: i64 = node.pods.iter().map(|p| problem.class_of(*p).requests.get(resource)).sum();
            assert_eq!(used, room.get(resource), "{resource}");
        }
    }
}

#[test]
fn the_same_wish_makes_the_same_instance() {
    let plant = |seed| Wish { pods: 40, seed }.plant(&cloud()).expect("something is on sale");
    let classes = |p: &Planted| p.instance.problem.classes.clone();
    assert_eq!((plant(3).nodes, classes(&plant(3))), (plant(3).nodes, classes(&plant(3))));
    assert_ne!(classes(&plant(3)), classes(&plant(4)));
    assert_eq!(plant(3).instance.name, "planted:40@3");
}

#[test]
fn a_catalogue_of_one_type_is_planted_with_it() {
    let planted = Wish { pods: 10, seed: 1 }.plant(&market(vec![machine(128, 64, 3.0)])).expect("one is enough");
    assert!(planted.nodes.iter().all(|n| n.instance_type == 0));
    assert_eq!(verify(&planted.instance.problem, &harvest(&planted)).err(), None);
}

#[test]
fn nothing_can_be_planted_where_nothing_is_sold_or_something_grows() {
    let wish = Wish { pods: 10, seed: 1 };
    assert_eq!(wish.plant(&market(vec![])).err(), Some(PlantError::NothingOnSale));
    let mut occupied = cloud();
    occupied.nodes.push(dovetail_scheduler::problem::Node::default());
    assert_eq!(wish.plant(&occupied).err(), Some(PlantError::Occupied));
}

proptest! {
    #[test]
    fn the_corners_of_the_front_are_above_all_else(
        types in proptest::collection::vec((1_i64..200, 1_i64..400, 1_u32..100), 1..40),
    ) {
        let machines = types.into_iter().map(|(cores, gib, cents)| machine(cores, gib, f64::from(cents) / 100.0));
        let points = points(&market(machines.collect()));
        let corners = corners(&points);
        prop_assert!(!corners.is_empty());
        for edge in corners.windows(2) {
            prop_assert!(by_cpu(&edge[0], &edge[1]).is_lt() && by_memory(&edge[0], &edge[1]).is_gt());
            for point in &points {
                prop_assert!(side(&edge[0], &edge[1], point).is_le());
            }
        }
    }

    #[test]
    fn parts_add_up_and_none_is_empty(total in 1_000_i64..10_000_000, parts in 1_usize..17, seed in 0_u64..99) {
        let sizes = split(total, parts, 50, &mut fastrand::Rng::with_seed(seed));
        prop_assert_eq!(sizes.len(), parts);
        prop_assert_eq!(sizes.iter().sum::<i64>(), total);
        prop_assert!(sizes.iter().all(|s| *s > 0));
    }
}
