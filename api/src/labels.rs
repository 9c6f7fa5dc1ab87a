//! The names that other programs see: labels, annotations, taints, finalizers, resources and tags, spelt exactly as
//! Karpenter and its AWS provider spell them (spec scheduling 1.7, aws-provider 2, 3.1 and Appendix B, v1.15 changes 1 and
//! 4). It decides which label keys are aliases of others, which ones are well known, and which ones a user may not touch.
//! It does not know which labels an instance type or a node carries.

pub mod annotations;
pub mod aws;
pub mod kwok;
pub mod resources;
pub mod taints;

pub use annotations::*;
pub use taints::*;

/// API group of NodePool, NodeClaim and NodeOverlay, and the domain of Karpenter's own labels.
pub const GROUP: &str = "karpenter.sh";
/// API group of CapacityBuffer.
pub const CAPACITY_BUFFER_GROUP: &str = "autoscaling.x-k8s.io";
/// Domain of what Dovetail adds on its own account.
pub const DOVETAIL_DOMAIN: &str = "dovetail.sh";

/// Finalizer of NodeClaims and Nodes.
pub const TERMINATION_FINALIZER: &str = "karpenter.sh/termination";

/// The NodePool that a node or NodeClaim belongs to.
pub const NODEPOOL: &str = "karpenter.sh/nodepool";
/// `true` once the node is ready, without startup taints, and offers the resources asked for.
pub const INITIALIZED: &str = "karpenter.sh/initialized";
/// `true` once the node has joined the cluster and carries what its NodeClaim says.
pub const REGISTERED: &str = "karpenter.sh/registered";
/// `true` on a node whose taints are not to be made like its NodeClaim's.
pub const DO_NOT_SYNC_TAINTS: &str = "karpenter.sh/do-not-sync-taints";
/// How the capacity was bought: one of [`CAPACITY_TYPES`].
pub const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";

/// Zone of a node.
pub const ZONE: &str = "topology.kubernetes.io/zone";
/// Region of a node.
pub const REGION: &str = "topology.kubernetes.io/region";
/// Instance type of a node.
pub const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";
/// CPU architecture: `amd64` or `arm64`.
pub const ARCH: &str = "kubernetes.io/arch";
/// Operating system: `linux` or `windows`.
pub const OS: &str = "kubernetes.io/os";
/// Name of the host.
pub const HOSTNAME: &str = "kubernetes.io/hostname";
/// Build of Windows, such as `10.0.20348`.
pub const WINDOWS_BUILD: &str = "node.kubernetes.io/windows-build";
/// Set on a node that is being taken away, so that load balancers stop sending it traffic; the value is
/// [`EXCLUDE_FROM_LOAD_BALANCERS_VALUE`].
pub const EXCLUDE_FROM_LOAD_BALANCERS: &str = "node.kubernetes.io/exclude-from-external-load-balancers";
/// Value of [`EXCLUDE_FROM_LOAD_BALANCERS`].
pub const EXCLUDE_FROM_LOAD_BALANCERS_VALUE: &str = "karpenter";

/// Capacity that can be interrupted at short notice.
pub const CAPACITY_TYPE_SPOT: &str = "spot";
/// Capacity at list price.
pub const CAPACITY_TYPE_ON_DEMAND: &str = "on-demand";
/// Capacity that is paid for already.
pub const CAPACITY_TYPE_RESERVED: &str = "reserved";
/// The values of [`CAPACITY_TYPE`], in alphabetical order.
pub const CAPACITY_TYPES: &[&str] = &[CAPACITY_TYPE_ON_DEMAND, CAPACITY_TYPE_RESERVED, CAPACITY_TYPE_SPOT];

/// 64-bit x86.
pub const ARCH_AMD64: &str = "amd64";
/// 64-bit ARM.
pub const ARCH_ARM64: &str = "arm64";
/// Linux.
pub const OS_LINUX: &str = "linux";
/// Windows.
pub const OS_WINDOWS: &str = "windows";

/// Labels that Karpenter itself understands: pods may ask for them without the NodePool naming them.
pub const WELL_KNOWN_CORE: &[&str] = &[CAPACITY_TYPE, NODEPOOL, ARCH, OS, INSTANCE_TYPE, WINDOWS_BUILD, REGION, ZONE];

/// Well-known labels in which the offerings of an instance type differ.
pub const WELL_KNOWN_FOR_OFFERINGS: &[&str] = &[ZONE, CAPACITY_TYPE];

/// Domains that users may not use, nor any subdomain of them, apart from well-known labels.
pub const RESTRICTED_DOMAINS: &[&str] = &[aws::GROUP, kwok::GROUP, GROUP];

/// Single labels that users may not use.
pub const RESTRICTED_LABELS: &[&str] = &[HOSTNAME];

/// Keys that mean the same as another key, and that key (spec scheduling 3.6, aws-provider 2).
const ALIASES: &[(&str, &str)] = &[
    ("beta.kubernetes.io/arch", ARCH),
    ("beta.kubernetes.io/instance-type", INSTANCE_TYPE),
    ("beta.kubernetes.io/os", OS),
    ("failure-domain.beta.kubernetes.io/region", REGION),
    ("failure-domain.beta.kubernetes.io/zone", ZONE),
    (aws::EBS_CSI_ZONE, ZONE),
];

/// A label key that may not be used, in Karpenter's words (spec scheduling 2.6 and 3.7).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "using label {key} is not allowed as it might interfere with the internal provisioning logic; specify a well known \
     label: [{}], or a custom label that does not use a restricted domain: [{}]",
    .well_known.join(" "),
    RESTRICTED_DOMAINS.join(" ")
)]
pub struct RestrictedLabel {
    /// The key that may not be used.
    pub key: String,
    /// The keys that may, sorted.
    well_known: Vec<&'static str>,
}

/// The key that `key` is an alias of, or `key` itself.
#[must_use]
pub fn normalize(key: &str) -> &str {
    ALIASES.iter().find_map(|&(alias, normal)| (alias == key).then_some(normal)).unwrap_or(key)
}

/// The well-known labels of Karpenter and of every provider, in no particular order.
pub fn well_known() -> impl Iterator<Item = &'static str> {
    WELL_KNOWN_CORE.iter().chain(aws::WELL_KNOWN).chain(kwok::WELL_KNOWN).copied()
}

/// Whether pods and NodePools may name the label although its domain is restricted, and pods even where no NodePool
/// names it.
#[must_use]
pub fn is_well_known(key: &str) -> bool {
    well_known().any(|known| known == key)
}

/// The domain of a key: what stands before its first `/`, or nothing.
#[must_use]
pub fn domain(key: &str) -> &str {
    key.split_once('/').map_or("", |(domain, _)| domain)
}

/// Whether a user may constrain or set the label.
///
/// # Errors
/// [`RestrictedLabel`] where the label is not well known and its domain, or the label itself, is reserved.
pub fn is_restricted(key: &str) -> Result<(), RestrictedLabel> {
    if is_well_known(key) {
        return Ok(());
    }
    let domain = domain(key);
    let within =
        |reserved: &&str| domain.strip_suffix(*reserved).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if RESTRICTED_DOMAINS.iter().any(within) || RESTRICTED_LABELS.contains(&key) {
        let mut well_known: Vec<_> = well_known().collect();
        well_known.sort_unstable();
        return Err(RestrictedLabel { key: key.to_owned(), well_known });
    }
    Ok(())
}

/// The values that a label can have at all, in alphabetical order, where that is a closed set.
#[must_use]
pub fn known_values(key: &str) -> Option<&'static [&'static str]> {
    match key {
        CAPACITY_TYPE => Some(CAPACITY_TYPES),
        aws::INSTANCE_TENANCY => Some(aws::TENANCIES),
        _ => None,
    }
}

/// The label that names the node class of a node: its group and its kind in lower case, such as
/// `karpenter.k8s.aws/ec2nodeclass`.
#[must_use]
pub fn node_class_label(group: &str, kind: &str) -> String {
    format!("{group}/{}", kind.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_mean_the_stable_key_and_other_keys_themselves() {
        for (alias, key) in [
            ("failure-domain.beta.kubernetes.io/zone", ZONE),
            ("failure-domain.beta.kubernetes.io/region", REGION),
            ("beta.kubernetes.io/arch", ARCH),
            ("beta.kubernetes.io/os", OS),
            ("beta.kubernetes.io/instance-type", INSTANCE_TYPE),
            ("topology.ebs.csi.aws.com/zone", ZONE),
            (ZONE, ZONE),
            ("team", "team"),
        ] {
            assert_eq!(normalize(alias), key);
        }
    }

    #[test]
    fn well_known_labels_may_be_used_although_their_domain_is_restricted() {
        for key in well_known() {
            assert_eq!(is_restricted(key), Ok(()), "{key}");
        }
        assert!(is_well_known(CAPACITY_TYPE) && is_well_known(aws::INSTANCE_CATEGORY));
        assert!(!is_well_known(HOSTNAME) && !is_well_known(REGISTERED));
    }

    #[test]
    fn reserved_domains_and_their_subdomains_are_refused() {
        for key in [
            "karpenter.sh/custom",
            "karpenter.sh/initialized",
            "foo.karpenter.sh/custom",
            "karpenter.k8s.aws/instance-pods",
            "karpenter.k8s.aws/nitro-sandbox",
            "a.b.karpenter.k8s.aws/x",
            "karpenter.kwok.sh/x",
            HOSTNAME,
        ] {
            assert!(is_restricted(key).is_err(), "{key}");
        }
        for key in [
            "team",
            "kubernetes.io/custom",
            "k8s.io/custom",
            "xkarpenter.sh/y",
            "karpenter.sh.example.com/y",
            "node-restriction.kubernetes.io/y",
        ] {
            assert_eq!(is_restricted(key), Ok(()), "{key}");
        }
    }

    #[test]
    fn a_refusal_lists_what_may_be_used_instead() {
        let message = is_restricted("karpenter.sh/custom").expect_err("restricted").to_string();
        assert!(
            message.starts_with(
                "using label karpenter.sh/custom is not allowed as it might interfere with the internal provisioning logic; \
                 specify a well known label: [karpenter.k8s.aws/capacity-reservation-id "
            ),
            "{message}"
        );
        assert!(
            message.ends_with(
                " topology.kubernetes.io/zone], or a custom label that does not use a restricted domain: \
                 [karpenter.k8s.aws karpenter.kwok.sh karpenter.sh]"
            ),
            "{message}"
        );
    }

    #[test]
    fn closed_sets_of_values() {
        assert_eq!(known_values(CAPACITY_TYPE), Some(["on-demand", "reserved", "spot"].as_slice()));
        assert_eq!(known_values(aws::INSTANCE_TENANCY), Some(["dedicated", "default"].as_slice()));
        assert_eq!(known_values(ZONE), None);
    }

    #[test]
    fn node_class_labels_are_lower_case() {
        assert_eq!(node_class_label("karpenter.k8s.aws", "EC2NodeClass"), aws::EC2_NODE_CLASS);
    }
}
