//! Taints, as NodePools and NodeClaims put them on nodes (spec scheduling 1.2).

use std::collections::BTreeSet;

use super::Fault;
use super::names::{NameError, qualified_name};
use crate::node_pool::Taint;

/// What is wrong with a taint, in Karpenter's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaintProblem {
    /// The key is none, or the value, which follows the same rules, so that it may have a prefix.
    #[error("invalid value: {problem} in {list}")]
    Name {
        /// `taints` or `startupTaints`.
        list: &'static str,
        /// What is wrong with it.
        problem: NameError,
    },
    /// Another taint has the same key and effect.
    #[error("duplicate taint Key/Effect pair {key}={effect}")]
    Duplicate {
        /// The key.
        key: String,
        /// The effect.
        effect: &'static str,
    },
}

/// Everything that is wrong with the taints of a node and those that it starts with. No two of either kind may share both
/// key and effect. That the effect is one of the three is known from its type. `parent` is the path of the two lists.
pub fn taints(parent: &str, taints: &[Taint], startup_taints: &[Taint]) -> Vec<Fault<TaintProblem>> {
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for (list, taints) in [("taints", taints), ("startupTaints", startup_taints)] {
        for (i, taint) in taints.iter().enumerate() {
            let path = format!("{parent}.{list}[{i}]");
            let value = taint.value.as_deref().filter(|value| !value.is_empty());
            for (field, name) in [("key", Some(taint.key.as_str())), ("value", value)] {
                let fault =
                    |problem| Fault { path: format!("{path}.{field}"), problem: TaintProblem::Name { list, problem } };
                faults.extend(name.into_iter().flat_map(qualified_name).map(fault));
            }
            if !seen.insert((&taint.key, taint.effect)) {
                let problem = TaintProblem::Duplicate { key: taint.key.clone(), effect: taint.effect.as_str() };
                faults.push(Fault { path, problem });
            }
        }
    }
    faults
}
