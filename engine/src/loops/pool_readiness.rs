//! Whether a NodePool's node class can be used, as the pool's condition `NodeClassReady` (the Karpenter specification,
//! disruption 7).

use super::pool_draft::PoolDraft;
use super::subjects;
use crate::cluster::{Change, Snapshot, Subject};
use crate::rule::{Rule, Verdict, View};
use dovetail_api::conditions::node_pool as reasons;
use dovetail_api::conditions::{self, FALSE, READY, TRUE};
use dovetail_cloudprovider::source::NodeClass;

/// The loop.
pub(super) const RULE: Rule = Rule { name: "nodepool.readiness", of_cluster: false, concerns, judge };

fn concerns(snapshot: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    subjects::pools(snapshot, change, tell);
    subjects::pools_of_class(snapshot, change, tell);
}

fn judge(view: &View<'_>, about: &Subject) -> Verdict {
    let Some(pool) = subjects::pool(view, about) else { return Verdict::nothing() };
    let class = &pool.spec.template.spec.node_class_ref;
    let mut draft = PoolDraft::of(pool, view.now);
    match obstacle(view.snapshot.node_class(&class.kind, &class.name)) {
        Some((reason, message)) => draft.conditions().set_false(reasons::NODE_CLASS_READY, &reason, &message),
        None => draft.conditions().set_true(reasons::NODE_CLASS_READY),
    };
    draft.write(about)
}

/// Why a node class cannot be used, if it cannot: reason and message.
fn obstacle(class: Option<NodeClass<'_>>) -> Option<(String, String)> {
    let because = |reason: &str, message: &str| Some((reason.to_owned(), message.to_owned()));
    let Some(class) = class else {
        return because(reasons::NODE_CLASS_NOT_FOUND, reasons::NODE_CLASS_NOT_FOUND_MESSAGE);
    };
    let (metadata, given) = match class {
        NodeClass::Ec2(class) => (&class.metadata, class.status.as_ref().map(|s| &s.conditions)),
        NodeClass::Kwok(class) => (&class.metadata, class.status.as_ref().map(|s| &s.conditions)),
    };
    if metadata.deletion_timestamp.is_some() {
        return because(reasons::NODE_CLASS_TERMINATING, reasons::NODE_CLASS_TERMINATING_MESSAGE);
    }
    match given.and_then(|list| conditions::find(list, READY)) {
        Some(ready) if ready.status == TRUE => None,
        Some(ready) if ready.status == FALSE => because(&ready.reason, &ready.message),
        // Nobody has anything to find out about a KWOKNodeClass: it rests on no other condition.
        None if matches!(class, NodeClass::Kwok(_)) => None,
        _ => because(reasons::NODE_CLASS_READINESS_UNKNOWN, reasons::NODE_CLASS_READINESS_UNKNOWN_MESSAGE),
    }
}
