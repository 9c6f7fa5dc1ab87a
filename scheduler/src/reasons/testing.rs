//! Builders for tests of words: a problem with named pools, a pod, and refusals of it.

use super::{Excluded, Group, Met, NoInstanceType, Refusal, Rule, Unplaced};
use crate::problem::{NodePool, PodClass, Problem};
use crate::requirement::Requirement;
use crate::requirements::Requirements;
use crate::resources::{CPU, MEMORY, PODS, Resources};
use dovetail_api::labels::{CAPACITY_TYPE, NODEPOOL};

pub(super) const GIB: i64 = 1 << 30;

/// A problem with pools of these names, each of which buys on demand, and one set of pods.
pub(super) fn problem(pools: &[&str]) -> Problem {
    let pool = |name: &&str| NodePool {
        name: (*name).into(),
        weight: 0,
        requirements: Requirements::from_labels([(NODEPOOL, *name), (CAPACITY_TYPE, "on-demand")]),
        taints: vec![],
        instance_types: [].into(),
        remaining: None,
    };
    Problem { pools: pools.iter().map(pool).collect(), peers: vec!["app=web in default".into()], ..Problem::default() }
}

/// A pod of 100m CPU and 2Gi of memory.
pub(super) fn pod() -> PodClass {
    let requests = Resources::new().with(CPU, 100).with(MEMORY, 2 * GIB).with(PODS, 1);
    PodClass { requests, ..PodClass::default() }
}

/// Refused by the first pools, one after the other, for these reasons.
pub(super) fn refused(refusals: Vec<Refusal>) -> Unplaced {
    Unplaced::Refused(refusals.into_iter().enumerate().collect())
}

/// So many types of `types` are out for each rule; `m5.large` is one of them.
pub(super) fn out(types: usize, rules: Vec<(usize, Rule)>) -> NoInstanceType {
    let groups = rules.into_iter().map(|(types, rule)| Group { rule, types, example: "m5.large".into() }).collect();
    let met = Met { limits: true, ..Met::default() };
    NoInstanceType { excluded: Excluded { types, groups }, met, ..NoInstanceType::default() }
}

pub(super) fn any_of(values: &[&str]) -> Requirement {
    Requirement::any_of(values.iter().copied())
}
