//! Whether nodes are what their claims promised: one that has less than nine tenths of a resource that was asked for is told
//! of (the Karpenter specification, disruption 1.7). Told when it turns out so, not every ten minutes.

use super::draft::Draft;
use super::saying::{self, Values};
use super::subjects;
use crate::cluster::Subject;
use crate::requests;
use crate::rule::{Rule, Verdict, View};
use dovetail_api::conditions::node_claim::{
    CONSISTENCY_CHECK_FAILED, CONSISTENCY_CHECK_FAILED_MESSAGE, CONSISTENT_STATE_FOUND, INITIALIZED,
};
use dovetail_api::conditions::{self};
use dovetail_api::events::lifecycle::FAILED_CONSISTENCY_CHECK;
use dovetail_api::node_claim::NodeClaim;
use dovetail_scheduler::resources::{Resources, amount, show};
use k8s_openapi::api::core::v1::Node;

/// How much of what was expected has to be there, in hundredths.
const ENOUGH: i128 = 90;

/// The loop.
pub(super) const RULE: Rule =
    Rule { name: "nodeclaim.consistency", of_cluster: false, concerns: subjects::claims, judge };

fn judge(view: &View<'_>, about: &Subject) -> Verdict {
    let Some(claim) = subjects::claim(view, about).filter(|claim| !claim.is_deleting()) else {
        return Verdict::nothing();
    };
    let status = claim.object.status.as_ref();
    if !status.is_some_and(|s| conditions::is_true(&s.conditions, INITIALIZED)) {
        return Verdict::nothing();
    }
    let Ok(node) = view.snapshot.node_of(claim) else { return Verdict::nothing() };
    let Some(issues) = issues(&claim.object, node) else { return Verdict::nothing() };
    let mut draft = Draft::of(claim, view.now);
    if issues.is_empty() {
        draft.conditions().set_true(CONSISTENT_STATE_FOUND);
    } else {
        let (reason, message) = (CONSISTENCY_CHECK_FAILED, CONSISTENCY_CHECK_FAILED_MESSAGE);
        draft.conditions().set_false(CONSISTENT_STATE_FOUND, reason, message);
    }
    for values in issues {
        draft.then(saying::event(&FAILED_CONSISTENCY_CHECK, claim, values));
    }
    draft.write(about, claim)
}

/// The resources of which the node has too little; nothing if what it has cannot be read.
fn issues(claim: &NodeClaim, node: &Node) -> Option<Vec<Values>> {
    let capacity = node.status.as_ref().and_then(|s| s.capacity.as_ref());
    let found = match capacity {
        Some(capacity) => requests::read("status.capacity", capacity).ok()?,
        None => Resources::new(),
    };
    let expected = claim.status.as_ref().and_then(|s| s.capacity.as_ref());
    let asked = claim.spec.resources.requests.iter().flatten().filter(|(_, n)| !n.is_zero());
    let expected = asked.filter_map(|(name, _)| Some((name, expected?.get(name)?)));
    let issue = |(name, expected): (&String, &dovetail_api::quantity::Quantity)| {
        let (expected, found) = (amount(name, expected), found.get(name));
        if expected == 0 || i128::from(found) * 100 >= i128::from(expected) * ENOUGH {
            return None;
        }
        // Tenths of a percent, rounded to the nearest as printing does.
        let tenths = (i128::from(found) * 2_000 + i128::from(expected)) / (i128::from(expected) * 2);
        Some(vec![
            ("expected", show(name, expected)),
            ("resource", name.clone()),
            ("found", show(name, found)),
            ("percent", format!("{}.{}", tenths / 10, tenths % 10)),
        ])
    };
    Some(expected.filter_map(issue).collect())
}
