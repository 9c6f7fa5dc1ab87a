//! NodePools. One that fails is not ready, and nothing is provisioned from it; the others go on.

use super::names::{NameError, label_value, qualified_name};
use super::requirements::{RequirementError, requirement, unknown_values};
use super::taints::{TaintProblem, taints};
use super::{Fault, message, outcome};
use crate::labels::{self, RestrictedLabel};
use crate::node_pool::NodePool;

const TEMPLATE: &str = "spec.template.spec";

/// What is wrong with a NodePool, in Karpenter's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolProblem {
    /// A label that names the NodePool.
    #[error("invalid key name {0:?} in labels, restricted")]
    NodePoolLabel(String),
    /// A label whose key is none.
    #[error("invalid key name {key:?} in labels, {:?}", .problem.to_string())]
    LabelKey {
        /// The key.
        key: String,
        /// What is wrong with it.
        problem: NameError,
    },
    /// A label whose value is none.
    #[error("invalid value: {value} for label[{key}], {problem}")]
    LabelValue {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What is wrong with it.
        problem: NameError,
    },
    /// A label that is the provisioner's own.
    #[error("invalid key name {key:?} in labels, {0}", key = .0.key)]
    RestrictedLabel(RestrictedLabel),
    /// A taint.
    #[error(transparent)]
    Taint(#[from] TaintProblem),
    /// A requirement.
    #[error("invalid value: {} in requirements, restricted", message(.0))]
    Requirement(Vec<RequirementError>),
    /// A requirement that names the NodePool.
    #[error("invalid key: {0:?} in requirements, restricted")]
    NodePoolRequirement(String),
}

/// Runs every check that Karpenter runs on a NodePool (spec scheduling 1.2).
///
/// # Errors
/// All faults, in the order labels, taints, requirements. Their [`message()`] is that of the condition
/// `ValidationSucceeded`.
pub fn node_pool(pool: &NodePool) -> Result<(), Vec<Fault<PoolProblem>>> {
    let template = &pool.spec.template;
    let mut faults = Vec::new();
    for (key, value) in template.metadata.labels.iter().flatten() {
        let path = format!("spec.template.metadata.labels[{key}]");
        faults.extend(label_problems(key, value).into_iter().map(|problem| Fault { path: path.clone(), problem }));
    }
    let lists = [&template.spec.taints, &template.spec.startup_taints].map(|list| list.as_deref().unwrap_or_default());
    let [taint_list, startup_taint_list] = lists;
    let taint_faults = taints(TEMPLATE, taint_list, startup_taint_list).into_iter();
    faults.extend(taint_faults.map(|Fault { path, problem }| Fault { path, problem: problem.into() }));
    let requirements = template.spec.requirements.iter().enumerate();
    for (i, item) in requirements.clone() {
        let errors = requirement(item);
        if !errors.is_empty() {
            faults.push(Fault { path: requirement_path(i), problem: PoolProblem::Requirement(errors) });
        }
    }
    for (i, item) in requirements.filter(|(_, item)| item.key == labels::NODEPOOL) {
        let problem = PoolProblem::NodePoolRequirement(item.key.clone());
        faults.push(Fault { path: requirement_path(i), problem });
    }
    outcome(faults)
}

/// What is odd about a NodePool without being wrong: values that a label can never have, beside others that it can.
#[must_use]
pub fn node_pool_warnings(pool: &NodePool) -> Vec<String> {
    let requirements = pool.spec.template.spec.requirements.iter().enumerate();
    let odd = requirements.map(|(i, item)| (i, item, unknown_values(item)));
    odd.filter(|(_, item, unknown)| !unknown.is_empty() && unknown.len() < item.values.len())
        .map(|(i, item, unknown)| {
            let known = labels::known_values(labels::normalize(&item.key)).unwrap_or_default();
            format!(
                "{}: the label {} never has the value {}, which is ignored; its values are {}",
                requirement_path(i),
                item.key,
                unknown.join(" or "),
                known.join(", ")
            )
        })
        .collect()
}

fn requirement_path(i: usize) -> String {
    format!("{TEMPLATE}.requirements[{i}]")
}

fn label_problems(key: &str, value: &str) -> Vec<PoolProblem> {
    let mut problems = Vec::new();
    if key == labels::NODEPOOL {
        problems.push(PoolProblem::NodePoolLabel(key.to_owned()));
    }
    let bad_key = |problem| PoolProblem::LabelKey { key: key.to_owned(), problem };
    problems.extend(qualified_name(key).into_iter().map(bad_key));
    let bad_value = |problem| PoolProblem::LabelValue { key: key.to_owned(), value: value.to_owned(), problem };
    problems.extend(label_value(value).into_iter().map(bad_value));
    problems.extend(labels::is_restricted(key).err().map(PoolProblem::RestrictedLabel));
    problems
}
