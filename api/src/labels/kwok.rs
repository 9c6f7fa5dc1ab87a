//! The names of the KWOK provider, whose nodes exist only in the API server.

/// API group of KWOKNodeClass, and the domain of the provider's labels.
pub const GROUP: &str = "karpenter.kwok.sh";

/// Instance type.
pub const INSTANCE_TYPE: &str = "karpenter.kwok.sh/instance-type";
/// Size of the instance type.
pub const INSTANCE_SIZE: &str = "karpenter.kwok.sh/instance-size";
/// Family of the instance type.
pub const INSTANCE_FAMILY: &str = "karpenter.kwok.sh/instance-family";
/// Number of CPUs.
pub const INSTANCE_CPU: &str = "karpenter.kwok.sh/instance-cpu";
/// Memory in bytes.
pub const INSTANCE_MEMORY: &str = "karpenter.kwok.sh/instance-memory";

/// The labels that the provider adds to the well-known ones.
pub const WELL_KNOWN: &[&str] = &[INSTANCE_CPU, INSTANCE_FAMILY, INSTANCE_MEMORY, INSTANCE_SIZE, INSTANCE_TYPE];

/// Label and annotation by which KWOK takes charge of a node; the value is [`NODE_VALUE`].
pub const NODE: &str = "kwok.x-k8s.io/node";
/// Value of [`NODE`].
pub const NODE_VALUE: &str = "fake";
/// Label: the stage of its simulated life that a node is in.
pub const STAGE: &str = "kwok.x-k8s.io/stage";
/// Value of [`STAGE`] at which KWOK leaves a node's conditions alone, so that a test can make it unhealthy.
pub const STAGE_UNHEALTHY: &str = "unhealthy";
/// The partition that a simulated node belongs to.
pub const PARTITION: &str = "kwok-partition";
/// Value of [`PARTITION`]: there is one.
pub const PARTITION_VALUE: &str = "a";
/// What a node costs in dollars per hour, with six digits, for viewers.
pub const PRICE: &str = "eks-node-viewer/instance-price";
