//! The drift hash of a node class, version 6, on the objects that carry it: what a class and its claims are annotated with,
//! and how claims of an older version are brought along without drifting (spec aws-provider 1.8).

use dovetail_api::conditions;
use dovetail_api::conditions::node_claim::DRIFTED;
use dovetail_api::ec2_node_class::EC2NodeClass;
use dovetail_api::hash::{self, EC2_NODE_CLASS_VERSION};
use dovetail_api::labels::aws::{EC2_NODE_CLASS_HASH, EC2_NODE_CLASS_HASH_VERSION, INSTANCE_PROFILE_NAME};
use dovetail_api::node_claim::NodeClaim;
use std::collections::BTreeMap;

/// Annotations by key.
pub type Annotations = BTreeMap<String, String>;

/// What the class itself should be annotated with. `ca_bundle` is the cluster's, in base64.
#[must_use]
pub fn for_class(class: &EC2NodeClass, ca_bundle: Option<&str>) -> Annotations {
    let hash = hash::ec2_node_class(&class.spec, ca_bundle);
    let pairs = [(EC2_NODE_CLASS_HASH, hash), (EC2_NODE_CLASS_HASH_VERSION, EC2_NODE_CLASS_VERSION.to_owned())];
    pairs.map(|(key, value)| (key.to_owned(), value)).into()
}

/// What a claim is annotated with when its machine is launched.
#[must_use]
pub fn for_new_claim(class: &EC2NodeClass, ca_bundle: Option<&str>) -> Annotations {
    let mut annotations = for_class(class, ca_bundle);
    if let Some(profile) = class.status.as_ref().and_then(|status| status.instance_profile.clone()) {
        annotations.insert(INSTANCE_PROFILE_NAME.to_owned(), profile);
    }
    annotations
}

/// Whether the class carries the hash of another version, so that its claims must be looked through before it is annotated
/// anew.
#[must_use]
pub fn is_of_other_version(class: &EC2NodeClass) -> bool {
    let version = class.metadata.annotations.as_ref().and_then(|a| a.get(EC2_NODE_CLASS_HASH_VERSION));
    version.is_none_or(|version| version != EC2_NODE_CLASS_VERSION)
}

/// What a claim of the class must be annotated with so that it does not drift for the version's sake; none if nothing. A
/// claim that has drifted already keeps its hash, and stays drifted.
#[must_use]
pub fn migrated(claim: &NodeClaim, class: &EC2NodeClass, ca_bundle: Option<&str>) -> Option<Annotations> {
    let own = claim.metadata.annotations.as_ref().and_then(|a| a.get(EC2_NODE_CLASS_HASH_VERSION));
    if own.is_some_and(|version| version == EC2_NODE_CLASS_VERSION) {
        return None;
    }
    let mut annotations = for_class(class, ca_bundle);
    let conditions = claim.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    if conditions::find(conditions, DRIFTED).is_some() {
        annotations.remove(EC2_NODE_CLASS_HASH);
    }
    Some(annotations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{claim, class};
    use serde_json::json;

    #[test]
    fn a_claim_of_an_older_version_is_brought_along() {
        let class = class(&json!({}), &json!({"instanceProfile": "p"}));
        assert!(is_of_other_version(&class));
        let mut claim = claim("a");
        let patch = migrated(&claim, &class, None).expect("it has no version");
        assert_eq!(patch, for_class(&class, None));
        claim.metadata.annotations = Some(patch);
        assert_eq!(migrated(&claim, &class, None), None);
        let old = [(EC2_NODE_CLASS_HASH_VERSION.to_owned(), "v5".to_owned())];
        claim.metadata.annotations = Some(old.into());
        claim.status = serde_json::from_value(json!({"conditions": [{
            "type": "Drifted", "status": "True", "reason": "x", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"
        }]}))
        .ok();
        let keys: Vec<_> = migrated(&claim, &class, None).expect("an old version").into_keys().collect();
        assert_eq!(keys, [EC2_NODE_CLASS_HASH_VERSION], "what has drifted stays drifted");
    }

    #[test]
    fn a_new_claim_names_its_profile() {
        let class = class(&json!({}), &json!({"instanceProfile": "p"}));
        assert_eq!(for_new_claim(&class, None)[INSTANCE_PROFILE_NAME], "p");
        assert_eq!(for_new_claim(&class, None)[EC2_NODE_CLASS_HASH_VERSION], "v6");
        assert_ne!(for_class(&class, None), for_class(&class, Some("ca")), "another authority, another node");
    }
}
