//! NodePools in the scheduler's terms: what their nodes are like, and whether they may be used.
//!
//! A pool that cannot be used does not stop the others: it comes back with the condition that the controller would set on
//! it, reason and message (specification "scheduling" 1.1, 1.2, 4.1).

use dovetail_api::conditions;
use dovetail_api::conditions::node_pool::{
    NODE_CLASS_TERMINATING, NODE_CLASS_TERMINATING_MESSAGE, NODE_POOL_VALIDATION_FAILED,
};
use dovetail_api::labels;
use dovetail_api::node_pool::{self as api, NodePool};
use dovetail_cloudprovider::source::NodeClass;
use dovetail_scheduler::requirement::{Requirement, RequirementError};
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::Resources;
use dovetail_scheduler::taint::Taint;

/// Why a pool takes no part in a round.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// Its spec does not make sense.
    #[error("{NODE_POOL_VALIDATION_FAILED}: {0}")]
    Invalid(String),
    /// It is being deleted.
    #[error("it is being deleted")]
    Deleting,
    /// The API server's copy says so.
    #[error("{reason}: {message}")]
    Condition {
        /// The reason of its Ready condition.
        reason: String,
        /// The message of its Ready condition.
        message: String,
    },
    /// Its node class is not ready.
    #[error("{reason}: {message}")]
    NodeClass {
        /// The reason that the pool's condition would have.
        reason: String,
        /// The message that the pool's condition would have.
        message: String,
    },
    /// The provider has nothing to sell for it.
    #[error("{0}")]
    Provider(String),
}

/// Checks the pool by itself: spec, deletion, the condition it came with. `must_say_so` where there is somebody who would
/// have said that it is ready.
///
/// # Errors
/// With the reason why it may not be used.
pub fn check(pool: &NodePool, must_say_so: bool) -> Result<(), NotReady> {
    if pool.metadata.deletion_timestamp.is_some() {
        return Err(NotReady::Deleting);
    }
    dovetail_api::validation::node_pool(pool)
        .map_err(|faults| NotReady::Invalid(dovetail_api::validation::message(&faults)))?;
    match pool.status.as_ref().and_then(|s| conditions::find(&s.conditions, conditions::READY)) {
        Some(c) if c.status == conditions::FALSE => {
            Err(NotReady::Condition { reason: c.reason.clone(), message: c.message.clone() })
        }
        Some(c) if c.status == conditions::TRUE => Ok(()),
        given if must_say_so => {
            let (reason, message) = given.map_or_else(Default::default, |c| (c.reason.clone(), c.message.clone()));
            Err(NotReady::Condition { reason, message })
        }
        _ => Ok(()),
    }
}

/// Why a node class may not be used, if it says so itself.
pub fn class_not_ready(class: NodeClass<'_>) -> Option<NotReady> {
    let (metadata, given) = match class {
        NodeClass::Ec2(class) => (&class.metadata, class.status.as_ref().map(|s| &s.conditions)),
        NodeClass::Kwok(class) => (&class.metadata, class.status.as_ref().map(|s| &s.conditions)),
    };
    if metadata.deletion_timestamp.is_some() {
        return Some(NotReady::NodeClass {
            reason: NODE_CLASS_TERMINATING.to_owned(),
            message: NODE_CLASS_TERMINATING_MESSAGE.to_owned(),
        });
    }
    let ready = given.and_then(|list| conditions::find(list, conditions::READY))?;
    (ready.status == conditions::FALSE)
        .then(|| NotReady::NodeClass { reason: ready.reason.clone(), message: ready.message.clone() })
}

/// The labels that every node of the pool will have: those of the template, the pool's own and the node class's.
pub fn template_labels(pool: &NodePool) -> impl Iterator<Item = (String, String)> + '_ {
    let class = &pool.spec.template.spec.node_class_ref;
    let own = [
        (labels::NODEPOOL.to_owned(), pool.metadata.name.clone().unwrap_or_default()),
        (labels::node_class_label(&class.group, &class.kind), class.name.clone()),
    ];
    let given = pool.spec.template.metadata.labels.iter().flatten().map(|(k, v)| (k.clone(), v.clone()));
    given.chain(own)
}

/// What the pool's nodes are like.
///
/// # Errors
/// When a requirement cannot be read.
pub fn requirements(pool: &NodePool) -> Result<Requirements, RequirementError> {
    let mut out = Requirements::from_labels(template_labels(pool));
    for r in &pool.spec.template.spec.requirements {
        let min_values = r.min_values.and_then(|n| u32::try_from(n).ok());
        out.add(&r.key, Requirement::new(r.operator, &r.values)?.with_min_values(min_values));
    }
    Ok(out)
}

/// A taint in the scheduler's terms.
pub fn taint(taint: &api::Taint) -> Taint {
    Taint {
        key: taint.key.as_str().into(),
        value: taint.value.as_deref().unwrap_or_default().into(),
        effect: taint.effect,
    }
}

/// The taints of the pool's nodes, once they have started.
pub fn taints(pool: &NodePool) -> Vec<Taint> {
    pool.spec.template.spec.taints.iter().flatten().map(taint).collect()
}

/// The pool's limits, if it has any.
pub fn limits(pool: &NodePool) -> Option<Resources> {
    pool.spec.limits.as_ref().filter(|l| !l.is_empty()).map(Resources::from_quantities)
}
