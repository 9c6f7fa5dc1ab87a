//! Tags of what is made in AWS, and what they prove: a resource is the cluster's own only if its tags say so, whatever
//! filter a list was asked for with (spec aws-provider 1.3, Appendix B).

use dovetail_api::ec2_node_class::EC2NodeClass;
use dovetail_api::labels::NODEPOOL;
use dovetail_api::labels::aws;
use dovetail_api::node_claim::NodeClaim;
use dovetail_api::validation::is_forbidden_tag;
use std::collections::BTreeMap;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// A tag of the class that only the provisioner may set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("spec.tags of EC2NodeClass {class} sets {key:?}, which only the provisioner may set: remove it")]
pub struct ForbiddenTag {
    /// The class's name.
    pub class: String,
    /// The tag's key.
    pub key: String,
}

/// The tags of everything that is launched for the claim: the class's own, and over them those that say whose it is.
///
/// # Errors
/// If the class sets a tag that only the provisioner may set.
pub fn for_launch(class: &EC2NodeClass, claim: &NodeClaim, cluster: &str) -> Result<Tags, ForbiddenTag> {
    let pool = claim.metadata.labels.as_ref().and_then(|labels| labels.get(NODEPOOL)).cloned().unwrap_or_default();
    let mut tags = for_class(class, cluster)?;
    tags.insert(aws::TAG_NODEPOOL.to_owned(), pool);
    Ok(tags)
}

/// The tags of the class's instance profile (spec aws-provider 1.10).
///
/// # Errors
/// If the class sets a tag that only the provisioner may set.
pub fn for_instance_profile(class: &EC2NodeClass, cluster: &str, region: &str) -> Result<Tags, ForbiddenTag> {
    let mut tags = for_class(class, cluster)?;
    tags.insert(aws::TAG_REGION.to_owned(), region.to_owned());
    Ok(tags)
}

fn for_class(class: &EC2NodeClass, cluster: &str) -> Result<Tags, ForbiddenTag> {
    let name = class.metadata.name.clone().unwrap_or_default();
    let mut tags = class.spec.tags.clone().unwrap_or_default();
    if let Some(key) = tags.keys().find(|key| is_forbidden_tag(key)) {
        return Err(ForbiddenTag { key: key.clone(), class: name });
    }
    tags.insert(cluster_tag(cluster), aws::TAG_CLUSTER_OWNED.to_owned());
    tags.insert(aws::TAG_CLUSTER_NAME.to_owned(), cluster.to_owned());
    tags.insert(aws::TAG_EC2_NODE_CLASS.to_owned(), name);
    Ok(tags)
}

fn cluster_tag(cluster: &str) -> String {
    format!("{}{cluster}", aws::TAG_CLUSTER_PREFIX)
}

/// Whether a machine was launched for this cluster by a provisioner: only such is looked at, and only such is ended. The tag
/// with the cluster's name in EKS came later than the others, so that an old machine may still lack it.
#[must_use]
pub fn prove_instance(tags: &Tags, cluster: &str) -> bool {
    let is = |key: &str, value: &str| tags.get(key).is_some_and(|found| found == value);
    let named = |key: &str| tags.get(key).is_some_and(|found| !found.is_empty());
    is(&cluster_tag(cluster), aws::TAG_CLUSTER_OWNED)
        && tags.get(aws::TAG_CLUSTER_NAME).is_none_or(|name| name == cluster)
        && named(aws::TAG_NODEPOOL)
        && named(aws::TAG_EC2_NODE_CLASS)
}

/// Whether a launch template is this cluster's; with `class`, whether it is that class's too.
#[must_use]
pub fn prove_launch_template(name: &str, tags: &Tags, cluster: &str, class: Option<&str>) -> bool {
    let is = |key: &str, value: &str| tags.get(key).is_some_and(|found| found == value);
    name.starts_with(aws::LAUNCH_TEMPLATE_PREFIX)
        && is(aws::TAG_CLUSTER_NAME, cluster)
        && class.is_none_or(|class| is(aws::TAG_EC2_NODE_CLASS, class))
}

/// The tags that a registered node's machine still lacks: its name, its claim, its cluster. A key that is there keeps its
/// value, so that a `Name` of the user's survives (spec aws-provider 9). None if the claim is not at that point, or done.
#[must_use]
pub fn to_add(claim: &NodeClaim, existing: &Tags, cluster: &str) -> Option<Tags> {
    let node = claim.status.as_ref()?.node_name.as_deref().filter(|node| !node.is_empty())?;
    let name = claim.metadata.name.as_deref()?;
    let done = |key: &str| claim.metadata.annotations.as_ref().and_then(|a| a.get(key)).is_some_and(|v| v == "true");
    if claim.metadata.deletion_timestamp.is_some() || (done(aws::TAGGED) && done(aws::CLUSTER_NAME_TAGGED)) {
        return None;
    }
    let wanted = [(aws::TAG_NAME, node), (aws::TAG_NODECLAIM, name), (aws::TAG_CLUSTER_NAME, cluster)];
    let missing = wanted.into_iter().filter(|(key, _)| !existing.contains_key(*key));
    Some(missing.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{claim, class};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use serde_json::json;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_machine_says_whose_it_is_over_whatever_the_class_says() {
        let class = class(&json!({"tags": {"team": "a", "Name": "mine"}}), &json!({}));
        let all = for_launch(&class, &claim("default-1"), "demo").expect("tags that are allowed");
        assert_eq!(
            all,
            tags(&[
                ("Name", "mine"),
                ("eks:eks-cluster-name", "demo"),
                ("karpenter.k8s.aws/ec2nodeclass", "default"),
                ("karpenter.sh/nodepool", "default"),
                ("kubernetes.io/cluster/demo", "owned"),
                ("team", "a"),
            ])
        );
        assert!(prove_instance(&all, "demo"));
        assert!(!prove_instance(&all, "other"), "another cluster's machine is not looked at");
    }

    #[test]
    fn a_class_may_not_claim_to_be_somebody_else_s() {
        for key in [
            "karpenter.sh/nodepool",
            "karpenter.sh/nodeclaim",
            "karpenter.k8s.aws/ec2nodeclass",
            "eks:eks-cluster-name",
            "kubernetes.io/cluster/other",
        ] {
            let class = class(&json!({"tags": {key: "x"}}), &json!({}));
            let error = for_launch(&class, &claim("default-1"), "demo").expect_err(key);
            assert_eq!(error, ForbiddenTag { class: "default".to_owned(), key: key.to_owned() });
        }
    }

    #[test]
    fn half_of_the_proof_proves_nothing() {
        let class = class(&json!({}), &json!({}));
        let all = for_launch(&class, &claim("default-1"), "demo").expect("tags that are allowed");
        for key in all.keys() {
            let mut lacking = all.clone();
            lacking.remove(key);
            assert_eq!(prove_instance(&lacking, "demo"), key == "eks:eks-cluster-name", "without {key}");
        }
        let mut foreign = all;
        foreign.insert("eks:eks-cluster-name".to_owned(), "other".to_owned());
        assert!(!prove_instance(&foreign, "demo"));
    }

    #[test]
    fn a_template_of_another_name_cluster_or_class_is_not_ours() {
        let ours = tags(&[("eks:eks-cluster-name", "demo"), ("karpenter.k8s.aws/ec2nodeclass", "default")]);
        assert!(prove_launch_template("karpenter.k8s.aws/1", &ours, "demo", None));
        assert!(prove_launch_template("karpenter.k8s.aws/1", &ours, "demo", Some("default")));
        assert!(!prove_launch_template("karpenter.k8s.aws/1", &ours, "demo", Some("gpu")));
        assert!(!prove_launch_template("karpenter.k8s.aws/1", &ours, "other", None));
        assert!(!prove_launch_template("web-servers", &ours, "demo", None), "tags can be copied by accident");
    }

    #[test]
    fn a_registered_machine_gets_its_name_once_and_keeps_one_of_the_user_s() {
        let mut claim = claim("default-1");
        assert_eq!(to_add(&claim, &Tags::new(), "demo"), None, "it has no node yet");
        claim.status = Some(serde_json::from_value(json!({"nodeName": "ip-10-0-0-1"})).expect("a status"));
        let all =
            tags(&[("Name", "ip-10-0-0-1"), ("eks:eks-cluster-name", "demo"), ("karpenter.sh/nodeclaim", "default-1")]);
        assert_eq!(to_add(&claim, &Tags::new(), "demo"), Some(all));
        let named = tags(&[("Name", "mine"), ("eks:eks-cluster-name", "demo")]);
        assert_eq!(to_add(&claim, &named, "demo"), Some(tags(&[("karpenter.sh/nodeclaim", "default-1")])));
        claim.metadata.annotations = Some(tags(&[(aws::TAGGED, "true")]));
        assert!(to_add(&claim, &named, "demo").is_some(), "the cluster's name may still be missing");
        claim.metadata.annotations = Some(tags(&[(aws::TAGGED, "true"), (aws::CLUSTER_NAME_TAGGED, "true")]));
        assert_eq!(to_add(&claim, &Tags::new(), "demo"), None);
        claim.metadata.annotations = None;
        claim.metadata.deletion_timestamp = Some(Time("2026-01-01T00:00:00Z".parse().expect("a time")));
        assert_eq!(to_add(&claim, &Tags::new(), "demo"), None);
    }
}
