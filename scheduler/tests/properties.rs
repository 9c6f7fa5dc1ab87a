//! What holds for every problem, or for all of a kind: the order of the input says nothing, more room is never worse, a plan
//! that is carried out leaves nothing to buy, and the same question has the same answer on every thread.

mod support;

use dovetail_scheduler::plan::Plan;
use dovetail_scheduler::problem::{Node, Problem, Resident};
use dovetail_scheduler::requirements::Requirements;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::{BTreeMap, BTreeSet};
use support::chance::{Kind, Rules, problem};
use support::{HOST, node, plan, requests};

const EVERYTHING: Kind = Kind { rules: Rules::All, limits: true };

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_261_123),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A plan in names, so that plans of problems that are numbered differently can be compared.
#[derive(Debug, PartialEq)]
struct Told {
    claims: Vec<(String, Vec<String>, String, Vec<String>)>,
    existing: BTreeMap<String, Vec<String>>,
    unplaced: BTreeSet<String>,
}

fn told(problem: &Problem, plan: &Plan) -> Told {
    let names = |pods: &[usize]| pods.iter().map(|p| problem.pods[*p].name.to_string()).collect::<Vec<_>>();
    let claims = plan.claims.iter().map(|c| {
        let types = c.type_names(problem).map(str::to_owned).collect();
        (problem.pools[c.pool].name.to_string(), types, format!("{:?} {}", c.requirements, c.price), names(&c.pods))
    });
    Told {
        claims: claims.collect(),
        existing: plan.existing.iter().map(|e| (problem.nodes[e.node].name.to_string(), names(&e.pods))).collect(),
        unplaced: plan.unplaced.iter().map(|(pod, _)| problem.pods[*pod].name.to_string()).collect(),
    }
}

/// The same problem with everything numbered the other way round, sorted where a problem must be sorted.
fn reversed(problem: &Problem) -> Problem {
    let mut other = problem.clone();
    let last = |n: usize| n.saturating_sub(1);
    let (classes, sets, kinds) =
        (last(problem.classes.len()), last(problem.peers.len()), last(problem.residents.len()));
    let flip_sets = |of: &mut Vec<usize>| {
        of.iter_mut().for_each(|set| *set = sets - *set);
        of.reverse(); // ascending again
    };
    other.pods.reverse();
    other.pods.iter_mut().for_each(|pod| pod.class = classes - pod.class);
    other.classes.reverse();
    other.peers.reverse();
    other.residents.reverse();
    other.residents.iter_mut().for_each(|resident| flip_sets(&mut resident.member_of));
    for class in &mut other.classes {
        flip_sets(&mut class.member_of);
        class.spread.iter_mut().for_each(|spread| spread.peers = sets - spread.peers);
        for terms in [&mut class.affinity, &mut class.anti_affinity] {
            terms.required.iter_mut().for_each(|term| term.peers = sets - term.peers);
            terms.preferred.iter_mut().for_each(|(_, term)| term.peers = sets - term.peers);
        }
    }
    other.pools.reverse();
    other.nodes.reverse();
    for node in &mut other.nodes {
        node.residents.iter_mut().for_each(|(kind, _)| *kind = kinds - *kind);
    }
    other.daemons.reverse();
    other.sort();
    other
}

fn placed(problem: &Problem, plan: &Plan) -> BTreeSet<String> {
    let unplaced: BTreeSet<usize> = plan.unplaced.iter().map(|(pod, _)| *pod).collect();
    let pods = problem.pods.iter().enumerate().filter(|(n, _)| !unplaced.contains(n));
    pods.map(|(_, pod)| pod.name.to_string()).collect()
}

/// A problem with one more node, which is tried after all others.
fn with_one_more(problem: &Problem, more: Node) -> Problem {
    let mut other = problem.clone();
    other.nodes.push(more);
    other.sort();
    other
}

/// The problem after its plan was carried out: each claim is a node of its cheapest type, its pods run, and those that have
/// no place are still there.
fn carried_out(problem: &Problem, plan: &Plan) -> Problem {
    let mut after = problem.clone();
    // A kind of resident for each class.
    let first = after.residents.len();
    after.residents.extend(
        problem
            .classes
            .iter()
            .map(|class| Resident { member_of: class.member_of.clone(), repels: class.anti_affinity.required.clone() }),
    );
    let settle = |node: &mut Node, pods: &[usize]| {
        for pod in pods {
            let class = &problem.classes[problem.pods[*pod].class];
            let mut room = std::mem::take(&mut node.available);
            room.subtract_known(&class.requests);
            node.available = room;
            node.residents.push((first + problem.pods[*pod].class, 1));
            node.ports.extend(class.ports.iter().cloned());
        }
    };
    for filled in &plan.existing {
        settle(&mut after.nodes[filled.node], &filled.pods);
    }
    for (n, claim) in plan.claims.iter().enumerate() {
        let pool = &problem.pools[claim.pool];
        let cheapest = &pool.instance_types[claim.types[0]];
        let offering = cheapest.cheapest(&claim.requirements, &problem.well_known).expect("a listed type is on offer");
        let name = format!("new-{n}");
        let mut labels = cheapest.requirements.and(&offering.requirements).and(&pool.requirements);
        labels.add(HOST, dovetail_scheduler::requirement::Requirement::exactly(name.as_str()));
        let mut machine = Node {
            name: name.as_str().into(),
            initialized: true,
            labels: Requirements::from_labels(
                labels.iter().filter_map(|(key, r)| Some((key.clone(), r.single()?.clone()))),
            ),
            taints: pool.taints.clone(),
            available: cheapest.allocatable(),
            ..Node::default()
        };
        settle(&mut machine, &claim.pods);
        after.nodes.push(machine);
    }
    let left: BTreeSet<usize> = plan.unplaced.iter().map(|(pod, _)| *pod).collect();
    after.pods =
        problem.pods.iter().enumerate().filter(|(n, _)| left.contains(n)).map(|(_, pod)| pod.clone()).collect();
    after.sort();
    after
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn the_order_of_the_input_says_nothing(problem in problem(EVERYTHING)) {
        let other = reversed(&problem);
        prop_assert_eq!(told(&problem, &plan(&problem)), told(&other, &plan(&other)));
    }

    /// With limits, a pod that moves to the new node may make room for a larger claim that uses the limits up; with rules
    /// between pods, one that moves may be in the wrong company. Without them, first fit does as before on every node that is
    /// tried before the new one, so nobody loses a place.
    #[test]
    fn a_node_more_makes_nobody_homeless(
        problem in problem(Kind { rules: Rules::Nobody, limits: false }),
        zone in 0..3usize, cpu in 0..80i64, memory in 0..20i64,
    ) {
        let mut more = node("zz-last", support::ZONES[zone]);
        (more.available, more.initialized) = (requests(cpu * 100, memory).with("pods", 20), false);
        let other = with_one_more(&problem, more);
        let (before, after) = (placed(&problem, &plan(&problem)), placed(&other, &plan(&other)));
        prop_assert!(before.is_subset(&after), "lost: {:?}", before.difference(&after).collect::<Vec<_>>());
    }

    /// Wherever the new node is tried, a pod that got a new node to itself or with others before has a place after: as long as
    /// nothing is limited and rules go by host name, a pool that takes a pod on a new node always does.
    #[test]
    fn whom_a_pool_takes_has_a_place_whatever_else_there_is(
        problem in problem(Kind { rules: Rules::ByHost, limits: false }),
        zone in 0..3usize, cpu in 0..80i64,
    ) {
        let first = plan(&problem);
        let on_new: BTreeSet<String> =
            first.claims.iter().flat_map(|c| &c.pods).map(|p| problem.pods[*p].name.to_string()).collect();
        let mut more = node("aa-first", support::ZONES[zone]);
        more.available = requests(cpu * 100, 8).with("pods", 20);
        let other = with_one_more(&problem, more);
        let after = placed(&other, &plan(&other));
        prop_assert!(on_new.is_subset(&after), "lost: {:?}", on_new.difference(&after).collect::<Vec<_>>());
    }

    /// With limits, or a rule by zone, there may be more to buy: a claim takes up the most that it might become, and is in
    /// every zone that it might be in, until it is a node.
    #[test]
    fn a_plan_that_is_carried_out_leaves_nothing_to_buy(
        problem in problem(Kind { rules: Rules::ByHost, limits: false }),
    ) {
        let after = carried_out(&problem, &plan(&problem));
        let again = plan(&after);
        prop_assert!(again.claims.is_empty(), "bought: {:?}", told(&after, &again).claims);
    }

    #[test]
    fn the_same_question_has_the_same_answer_on_every_thread(problem in problem(EVERYTHING)) {
        let first = plan(&problem);
        let others: Vec<Plan> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..4).map(|_| scope.spawn(|| plan(&problem))).collect();
            running.into_iter().map(|thread| thread.join().expect("planning does not panic")).collect()
        });
        for other in others {
            prop_assert_eq!(format!("{first:?}"), format!("{other:?}"));
        }
    }
}

/// The problems that the properties are about are not all trivial.
#[test]
fn problems_by_chance_exercise_the_rules() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::new(config(1));
    let (mut bought, mut reused, mut left, mut shared) = (0, 0, 0, 0);
    for _ in 0..200 {
        let problem = problem(EVERYTHING).new_tree(&mut runner).expect("a problem").current();
        let plan = plan(&problem);
        bought += usize::from(!plan.claims.is_empty());
        reused += usize::from(!plan.existing.is_empty());
        left += usize::from(!plan.unplaced.is_empty());
        shared += usize::from(plan.claims.iter().any(|c| c.pods.len() > 1));
    }
    assert!(bought > 80 && reused > 40 && left > 40 && shared > 40, "{bought} {reused} {left} {shared} of 200");
}
