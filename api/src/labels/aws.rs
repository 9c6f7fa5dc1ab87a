//! The names of the AWS provider: labels of instance types and nodes, annotations, the finalizer, and the tags of EC2
//! resources (spec aws-provider 2 and Appendix B).

use super::REGION;

/// API group of EC2NodeClass, and the domain of the provider's labels.
pub const GROUP: &str = "karpenter.k8s.aws";
/// Finalizer of EC2NodeClasses.
pub const TERMINATION_FINALIZER: &str = "karpenter.k8s.aws/termination";

/// The EC2NodeClass of a node.
pub const EC2_NODE_CLASS: &str = "karpenter.k8s.aws/ec2nodeclass";
/// Id of a zone, such as `use1-az1`: the same physical zone in every account.
pub const ZONE_ID: &str = "topology.k8s.aws/zone-id";
/// Zone as the EBS CSI driver writes it: an alias of `topology.kubernetes.io/zone`.
pub const EBS_CSI_ZONE: &str = "topology.ebs.csi.aws.com/zone";

/// Category: the letters that an instance type starts with, `c`, `m`, `r`, `g` ...
pub const INSTANCE_CATEGORY: &str = "karpenter.k8s.aws/instance-category";
/// Family: what stands before the dot, `c7g`.
pub const INSTANCE_FAMILY: &str = "karpenter.k8s.aws/instance-family";
/// Generation: the number in the family.
pub const INSTANCE_GENERATION: &str = "karpenter.k8s.aws/instance-generation";
/// Size: what stands behind the dot, `4xlarge`.
pub const INSTANCE_SIZE: &str = "karpenter.k8s.aws/instance-size";
/// Whether it is a flex type: `true` or `false`.
pub const INSTANCE_CAPABILITY_FLEX: &str = "karpenter.k8s.aws/instance-capability-flex";
/// Hypervisor: `nitro`, `xen`, or empty for metal.
pub const INSTANCE_HYPERVISOR: &str = "karpenter.k8s.aws/instance-hypervisor";
/// Whether traffic between instances is encrypted: `true` or `false`.
pub const INSTANCE_ENCRYPTION_IN_TRANSIT: &str = "karpenter.k8s.aws/instance-encryption-in-transit-supported";
/// Number of vCPUs.
pub const INSTANCE_CPU: &str = "karpenter.k8s.aws/instance-cpu";
/// Maker of the CPU: `aws`, `amd`, `intel`.
pub const INSTANCE_CPU_MANUFACTURER: &str = "karpenter.k8s.aws/instance-cpu-manufacturer";
/// Sustained clock speed in MHz.
pub const INSTANCE_CPU_CLOCK_SPEED: &str = "karpenter.k8s.aws/instance-cpu-sustained-clock-speed-mhz";
/// Memory in MiB, before overhead.
pub const INSTANCE_MEMORY: &str = "karpenter.k8s.aws/instance-memory";
/// Maximum EBS bandwidth in Mbps.
pub const INSTANCE_EBS_BANDWIDTH: &str = "karpenter.k8s.aws/instance-ebs-bandwidth";
/// Baseline network bandwidth in Mbps.
pub const INSTANCE_NETWORK_BANDWIDTH: &str = "karpenter.k8s.aws/instance-network-bandwidth";
/// Model of the GPU, such as `t4`.
pub const INSTANCE_GPU_NAME: &str = "karpenter.k8s.aws/instance-gpu-name";
/// Maker of the GPU, such as `nvidia`.
pub const INSTANCE_GPU_MANUFACTURER: &str = "karpenter.k8s.aws/instance-gpu-manufacturer";
/// Number of GPUs.
pub const INSTANCE_GPU_COUNT: &str = "karpenter.k8s.aws/instance-gpu-count";
/// Memory of each GPU in MiB.
pub const INSTANCE_GPU_MEMORY: &str = "karpenter.k8s.aws/instance-gpu-memory";
/// Model of the accelerator, such as `inferentia`.
pub const INSTANCE_ACCELERATOR_NAME: &str = "karpenter.k8s.aws/instance-accelerator-name";
/// Maker of the accelerator, such as `aws`.
pub const INSTANCE_ACCELERATOR_MANUFACTURER: &str = "karpenter.k8s.aws/instance-accelerator-manufacturer";
/// Number of accelerators.
pub const INSTANCE_ACCELERATOR_COUNT: &str = "karpenter.k8s.aws/instance-accelerator-count";
/// Local NVMe storage in GB.
pub const INSTANCE_LOCAL_NVME: &str = "karpenter.k8s.aws/instance-local-nvme";
/// Whether the hardware is shared with other customers: one of [`TENANCIES`].
pub const INSTANCE_TENANCY: &str = "karpenter.k8s.aws/instance-tenancy";

/// Id of a capacity reservation, `cr-...`. It identifies a reserved offering.
pub const CAPACITY_RESERVATION_ID: &str = "karpenter.k8s.aws/capacity-reservation-id";
/// Kind of the capacity reservation: `default` or `capacity-block`.
pub const CAPACITY_RESERVATION_TYPE: &str = "karpenter.k8s.aws/capacity-reservation-type";
/// Whether the owner may take the reserved capacity back: `true` or `false`.
pub const CAPACITY_RESERVATION_INTERRUPTIBLE: &str = "karpenter.k8s.aws/capacity-reservation-interruptible";
/// Id of a placement group, `pg-...`.
pub const PLACEMENT_GROUP_ID: &str = "karpenter.k8s.aws/placement-group-id";
/// Partition of a placement group, from `1`.
pub const PLACEMENT_GROUP_PARTITION: &str = "karpenter.k8s.aws/placement-group-partition";

/// Hardware of one's own.
pub const TENANCY_DEDICATED: &str = "dedicated";
/// Hardware that is shared.
pub const TENANCY_DEFAULT: &str = "default";
/// The values of [`INSTANCE_TENANCY`], in alphabetical order.
pub const TENANCIES: &[&str] = &[TENANCY_DEDICATED, TENANCY_DEFAULT];

/// The labels that the provider adds to the well-known ones.
pub const WELL_KNOWN: &[&str] = &[
    CAPACITY_RESERVATION_ID,
    CAPACITY_RESERVATION_INTERRUPTIBLE,
    CAPACITY_RESERVATION_TYPE,
    EC2_NODE_CLASS,
    INSTANCE_ACCELERATOR_COUNT,
    INSTANCE_ACCELERATOR_MANUFACTURER,
    INSTANCE_ACCELERATOR_NAME,
    INSTANCE_CAPABILITY_FLEX,
    INSTANCE_CATEGORY,
    INSTANCE_CPU,
    INSTANCE_CPU_CLOCK_SPEED,
    INSTANCE_CPU_MANUFACTURER,
    INSTANCE_EBS_BANDWIDTH,
    INSTANCE_ENCRYPTION_IN_TRANSIT,
    INSTANCE_FAMILY,
    INSTANCE_GENERATION,
    INSTANCE_GPU_COUNT,
    INSTANCE_GPU_MANUFACTURER,
    INSTANCE_GPU_MEMORY,
    INSTANCE_GPU_NAME,
    INSTANCE_HYPERVISOR,
    INSTANCE_LOCAL_NVME,
    INSTANCE_MEMORY,
    INSTANCE_NETWORK_BANDWIDTH,
    INSTANCE_SIZE,
    INSTANCE_TENANCY,
    PLACEMENT_GROUP_ID,
    PLACEMENT_GROUP_PARTITION,
    ZONE_ID,
];

/// EC2NodeClass, NodeClaim: the hash of the EC2NodeClass.
pub const EC2_NODE_CLASS_HASH: &str = "karpenter.k8s.aws/ec2nodeclass-hash";
/// EC2NodeClass, NodeClaim: how [`EC2_NODE_CLASS_HASH`] was computed.
pub const EC2_NODE_CLASS_HASH_VERSION: &str = "karpenter.k8s.aws/ec2nodeclass-hash-version";
/// NodeClaim: the instance profile that its instance was launched with.
pub const INSTANCE_PROFILE_NAME: &str = "karpenter.k8s.aws/instance-profile-name";
/// NodeClaim: `true` once its instance carries its name tags.
pub const TAGGED: &str = "karpenter.k8s.aws/tagged";
/// NodeClaim: `true` once its instance carries the tag of the cluster's name.
pub const CLUSTER_NAME_TAGGED: &str = "compatibility.karpenter.k8s.aws/cluster-name-tagged";
/// EC2NodeClass: how GPUs are shared under DRA: `disabled`, `memory`, `unlimited`, or a number of shares.
pub const NVIDIA_CONSUMABLE_CAPACITY: &str = "karpenter.k8s.aws/nvidia-consumable-capacity";

/// Tag: the name of the EKS cluster.
pub const TAG_CLUSTER_NAME: &str = "eks:eks-cluster-name";
/// Tag: the NodePool.
pub const TAG_NODEPOOL: &str = super::NODEPOOL;
/// Tag: the NodeClaim.
pub const TAG_NODECLAIM: &str = "karpenter.sh/nodeclaim";
/// Tag: the EC2NodeClass.
pub const TAG_EC2_NODE_CLASS: &str = EC2_NODE_CLASS;
/// Tag: the name that the EC2 console shows. A user may set it.
pub const TAG_NAME: &str = "Name";
/// Tag of instance profiles: the region.
pub const TAG_REGION: &str = REGION;
/// The cluster tag is this, followed by the cluster's name; its value is `owned`.
pub const TAG_CLUSTER_PREFIX: &str = "kubernetes.io/cluster/";
/// Value of the cluster tag.
pub const TAG_CLUSTER_OWNED: &str = "owned";
/// Names of launch templates start like this.
pub const LAUNCH_TEMPLATE_PREFIX: &str = "karpenter.k8s.aws/";
/// The path of instance profiles starts like this; region, cluster and the UID of the node class follow.
pub const INSTANCE_PROFILE_PATH_PREFIX: &str = "/karpenter/";
