//! Claims that have lived as long as they may are deleted, whatever budgets, annotations or disruption budgets say; how their
//! nodes are then drained is another loop's business (the Karpenter specification, disruption 1.7).

use super::saying::{self, disrupted, pods_disrupted};
use super::subjects::{self, deletion};
use crate::cluster::Subject;
use crate::fact::Level;
use crate::rule::{Rule, Verdict, View};

/// The loop.
pub(super) const RULE: Rule =
    Rule { name: "nodeclaim.expiration", of_cluster: false, concerns: subjects::claims, judge };

fn judge(view: &View<'_>, about: &Subject) -> Verdict {
    let Some(claim) = subjects::claim(view, about).filter(|claim| !claim.is_deleting()) else {
        return Verdict::nothing();
    };
    let metadata = &claim.object.metadata;
    let born = metadata.creation_timestamp.as_ref().map(|at| at.0);
    let lifetime = claim.object.spec.expire_after.duration();
    let (Some(born), Some(lifetime)) = (born, lifetime) else { return Verdict::nothing() };
    // A lifetime beyond the end of time never ends.
    let Ok(end) = born.checked_add(lifetime.to_signed()) else { return Verdict::nothing() };
    if view.now < end {
        return Verdict::wait(end);
    }
    match deletion(view, about, metadata) {
        Err(until) => Verdict::wait(until),
        Ok(delete) => {
            let verdict = Verdict::nothing()
                .act(about.clone(), delete)
                .then(saying::log(Level::Debug, "deleting expired nodeclaim", claim, vec![]))
                .then(disrupted(view, claim, "expired"));
            pods_disrupted(view, claim, "expired").into_iter().fold(verdict, Verdict::then)
        }
    }
}
