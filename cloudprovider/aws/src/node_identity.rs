//! Labels and taints that a node registers itself with. Which it should have in the end is the NodeClaim's; here it is
//! decided what of that the kubelet may and must say itself (spec aws-provider 6.4).

use dovetail_api::ec2_node_class::AmiFamily;
use dovetail_api::labels::taints::UNREGISTERED_TAINT;
use dovetail_api::labels::{CAPACITY_TYPE, DO_NOT_SYNC_TAINTS, domain};
use dovetail_api::node_claim::NodeClaim;
use dovetail_api::node_pool::{Taint, TaintEffect};
use std::collections::BTreeMap;

/// Domains whose labels a kubelet may not give itself.
const RESERVED_DOMAINS: [&str; 2] = ["kubernetes.io", "k8s.io"];

/// The labels that the node registers with: the claim's and its capacity type, without those of Kubernetes' own domains,
/// which the kubelet would be refused.
#[must_use]
pub fn labels(claim: &NodeClaim, capacity_type: &str, family: AmiFamily) -> BTreeMap<String, String> {
    let mut labels = claim.metadata.labels.clone().unwrap_or_default();
    labels.insert(CAPACITY_TYPE.to_owned(), capacity_type.to_owned());
    if family != AmiFamily::Custom {
        // The taints are in the user data, so that nobody has to add them once the node is there.
        labels.insert(DO_NOT_SYNC_TAINTS.to_owned(), "true".to_owned());
    }
    labels.retain(|key, _| !is_reserved(domain(key)));
    labels
}

fn is_reserved(domain: &str) -> bool {
    let within =
        |reserved: &&str| domain.strip_suffix(*reserved).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    RESERVED_DOMAINS.iter().any(within)
}

/// The taints that the node registers with: the claim's own, those that something else will remove, and the one that keeps
/// pods away until the node is registered.
#[must_use]
pub fn taints(claim: &NodeClaim) -> Vec<Taint> {
    let own = claim.spec.taints.iter().chain(&claim.spec.startup_taints).flatten();
    let mut taints: Vec<Taint> = own.cloned().collect();
    let unregistered = Taint { key: UNREGISTERED_TAINT.to_owned(), effect: TaintEffect::NoExecute, ..Taint::default() };
    if !taints.iter().any(|taint| taint.key == unregistered.key && taint.effect == unregistered.effect) {
        taints.push(unregistered);
    }
    taints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{claim, taint};

    #[test]
    fn a_node_names_no_label_that_kubernetes_would_refuse_it() {
        let mut claim = claim("default-1");
        claim.metadata.labels = Some(
            [
                "team",
                "example.com/a",
                "notk8s.io/b",
                "node-restriction.kubernetes.io/c",
                "kubernetes.io/d",
                "x.k8s.io/e",
            ]
            .map(|key| (key.to_owned(), "v".to_owned()))
            .into(),
        );
        let keys = |family| labels(&claim, "spot", family).into_keys().collect::<Vec<_>>();
        let named =
            ["example.com/a", "karpenter.sh/capacity-type", "karpenter.sh/do-not-sync-taints", "notk8s.io/b", "team"];
        assert_eq!(keys(AmiFamily::AL2023), named);
        assert!(!keys(AmiFamily::Custom).contains(&"karpenter.sh/do-not-sync-taints".to_owned()));
        assert_eq!(labels(&claim, "spot", AmiFamily::AL2)[CAPACITY_TYPE], "spot");
    }

    #[test]
    fn a_node_keeps_pods_away_until_it_is_registered_and_says_so_once() {
        let mut claim = claim("default-1");
        claim.spec.taints = Some(vec![taint("team", Some("a"), TaintEffect::NoSchedule)]);
        claim.spec.startup_taints = Some(vec![taint("cni", None, TaintEffect::NoExecute)]);
        let keys: Vec<_> = taints(&claim).into_iter().map(|taint| taint.key).collect();
        assert_eq!(keys, ["team", "cni", "karpenter.sh/unregistered"]);
        claim.spec.startup_taints = Some(vec![taint("karpenter.sh/unregistered", None, TaintEffect::NoExecute)]);
        assert_eq!(taints(&claim).len(), 2);
    }
}
