//! The annotations of Karpenter, by the object that carries them. What they make happen is decided elsewhere.

/// Node, NodeClaim or Pod: `true` keeps it from being disrupted; on a pod also a duration counted from its start.
pub const DO_NOT_DISRUPT: &str = "karpenter.sh/do-not-disrupt";
/// Node, NodeClaim: `true` keeps it from being repaired.
pub const DO_NOT_REPAIR: &str = "karpenter.sh/do-not-repair";
/// Pod: what moving it costs, an `int32`; replaces `controller.kubernetes.io/pod-deletion-cost`.
pub const DISRUPTION_COST: &str = "karpenter.sh/disruption-cost";
/// Pod: Kubernetes' own cost of deleting it, an `int32`.
pub const POD_DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
/// PersistentVolumeClaim: set once its binding is complete.
pub const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";

/// NodePool, NodeClaim: the hash of the NodePool's template.
pub const NODEPOOL_HASH: &str = "karpenter.sh/nodepool-hash";
/// NodePool, NodeClaim: how [`NODEPOOL_HASH`] was computed.
pub const NODEPOOL_HASH_VERSION: &str = "karpenter.sh/nodepool-hash-version";
/// NodeClaim: when its pods are deleted at the latest, RFC 3339 in seconds.
pub const TERMINATION_TIMESTAMP: &str = "karpenter.sh/nodeclaim-termination-timestamp";
/// NodeClaim: `true` if the `minValues` of a requirement could not be kept.
pub const MIN_VALUES_RELAXED: &str = "karpenter.sh/nodeclaim-min-values-relaxed";
/// NodeClaim: the DRA drivers that its pods need, sorted, separated by commas.
pub const REQUESTED_DRA_DRIVERS: &str = "karpenter.sh/requested-dra-drivers";
/// NodeClaim: `true` if a NodeOverlay changed the price of one of its instance types.
pub const PRICE_OVERLAY_APPLIED: &str = "karpenter.sh/price-overlay-applied";
/// NodeClaim: `true` if a NodeOverlay changed the capacity of one of its instance types.
pub const CAPACITY_OVERLAY_APPLIED: &str = "karpenter.sh/capacity-overlay-applied";

/// NodeClaim: the boot id that its node had before it was told to reboot.
pub const REBOOT_PRE_BOOT_ID: &str = "karpenter.sh/reboot-pre-boot-id";
/// NodeClaim: how long the drain before a reboot may take, a Go duration.
pub const REBOOT_TERMINATION_GRACE_PERIOD: &str = "karpenter.sh/reboot-termination-grace-period";

/// Pod: `true` on one that stands for a CapacityBuffer's reserve and exists only in memory.
pub const CAPACITY_BUFFER_FAKE_POD: &str = "karpenter.sh/capacity-buffer-fake-pod";
/// Pod: the CapacityBuffer that it stands for.
pub const CAPACITY_BUFFER_NAME: &str = "karpenter.sh/capacity-buffer-name";
/// Pod: the namespace of the CapacityBuffer that it stands for.
pub const CAPACITY_BUFFER_NAMESPACE: &str = "karpenter.sh/capacity-buffer-namespace";
