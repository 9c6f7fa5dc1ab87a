//! Whatever a policy makes of problems by chance is right.

use super::random_problems::problem;
use super::verify;
use crate::cost::Memory;
use crate::policy::{POLICIES, Search};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};

/// The seed that the environment asks for, or always the same.
fn seed() -> RngSeed {
    match ProptestConfig::default().rng_seed {
        RngSeed::Random => RngSeed::Fixed(20),
        asked => asked,
    }
}

proptest! {
    // A bad case may need several pools, classes and DaemonSets of a certain kind at once.
    // The same cases every time; another seed finds others: PROPTEST_RNG_SEED=1 cargo test.
    #![proptest_config(ProptestConfig { rng_seed: seed(), failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn every_policy_makes_plans_that_are_right(problem in problem()) {
        for policy in POLICIES {
            let plan = policy.plan(&problem, &Search::default(), &mut Memory::default());
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
            let plan = policy.plan(&problem, &Search::default(), &mut Memory::default());
            claims += plan.claims.len();
            let class = |pod: &usize| problem.pods[*pod].class;
            mixed += plan.claims.iter().filter(|c| c.pods.iter().any(|pod| class(pod) != class(&c.pods[0]))).count();
        }
    }
    let expected = 300 * POLICIES.len();
    assert!(claims > expected && mixed > expected / 5, "{claims} claims, {mixed} of them for several classes");
}
