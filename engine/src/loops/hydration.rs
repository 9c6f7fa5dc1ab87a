//! Labels that older versions did not set: every NodeClaim, and the node that it became, names its node class (the Karpenter
//! specification, disruption 1.7).

use super::subjects::{self, label};
use crate::action::{Effect, Patch};
use crate::cluster::{Kind, Subject};
use crate::rule::{Rule, Verdict, View};
use dovetail_api::conditions::{self, node_claim::REGISTERED};
use dovetail_api::labels::node_class_label;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

/// The loop. Karpenter has one for claims and one for nodes.
pub(super) const RULE: Rule =
    Rule { name: "nodeclaim.hydration", of_cluster: false, concerns: subjects::claims, judge };

fn judge(view: &View<'_>, about: &Subject) -> Verdict {
    let Some(claim) = subjects::claim(view, about).filter(|claim| !claim.is_deleting()) else {
        return Verdict::nothing();
    };
    let class = &claim.object.spec.node_class_ref;
    let key = node_class_label(&class.group, &class.kind);
    let mut verdict = Verdict::nothing();
    let mut hydrate = |about: Subject, metadata: &ObjectMeta| {
        if label(metadata, &key) != Some(&class.name) {
            let body = json!({"metadata": {"labels": {&key: class.name}}});
            verdict = std::mem::take(&mut verdict).act(about, Effect::Patch(Patch::of(metadata, body)));
        }
    };
    hydrate(about.clone(), &claim.object.metadata);
    // A node that is about to register gets all labels of its claim in one write.
    let status = claim.object.status.as_ref();
    if status.is_some_and(|s| conditions::is_true(&s.conditions, REGISTERED))
        && let Ok(node) = view.snapshot.node_of(claim)
    {
        hydrate(Subject::named(Kind::Node, node.metadata.name.as_deref().unwrap_or_default()), &node.metadata);
    }
    verdict
}
