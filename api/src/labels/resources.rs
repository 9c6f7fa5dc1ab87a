//! The names of resources: Kubernetes' own, and the extended ones that EC2 instances offer (spec aws-provider 3.1). How
//! much of each an instance has is computed elsewhere.

/// CPU, in cores.
pub const CPU: &str = "cpu";
/// Memory, in bytes.
pub const MEMORY: &str = "memory";
/// Disk for images, containers' writable layers and `emptyDir`, in bytes.
pub const EPHEMERAL_STORAGE: &str = "ephemeral-storage";
/// Number of pods.
pub const PODS: &str = "pods";
/// Number of nodes: understood in the limits and the status of a NodePool only.
pub const NODES: &str = "nodes";
/// Number of process ids: understood in a kubelet's reservations only.
pub const PID: &str = "pid";

/// NVIDIA GPUs.
pub const NVIDIA_GPU: &str = "nvidia.com/gpu";
/// AMD GPUs.
pub const AMD_GPU: &str = "amd.com/gpu";
/// Habana Gaudi accelerators.
pub const HABANA_GAUDI: &str = "habana.ai/gaudi";
/// AWS Neuron devices.
pub const AWS_NEURON: &str = "aws.amazon.com/neuron";
/// Cores of AWS Neuron devices.
pub const AWS_NEURON_CORE: &str = "aws.amazon.com/neuroncore";
/// Elastic fabric adapters.
pub const EFA: &str = "vpc.amazonaws.com/efa";
/// Branch network interfaces, for pods with security groups of their own.
pub const POD_ENI: &str = "vpc.amazonaws.com/pod-eni";
/// Addresses for Windows pods.
pub const PRIVATE_IPV4_ADDRESS: &str = "vpc.amazonaws.com/PrivateIPv4Address";

/// Resources whose amount is the provider's business: a NodeOverlay may not set them (spec scheduling 1.4). NVIDIA and
/// AMD GPUs are not among them.
pub const WELL_KNOWN: &[&str] =
    &[CPU, MEMORY, EPHEMERAL_STORAGE, PODS, POD_ENI, AWS_NEURON, AWS_NEURON_CORE, HABANA_GAUDI, EFA];
