//! The conditions of Nodes by which their health is judged. Kubelets and monitoring agents write them; nothing here does
//! (spec v1.15 changes 8.12 and 10.1).

/// The kubelet takes pods; False or Unknown otherwise.
pub const READY: &str = super::READY;
/// GPUs and other accelerators work.
pub const ACCELERATED_HARDWARE_READY: &str = "AcceleratedHardwareReady";
/// Disks and file systems work.
pub const STORAGE_READY: &str = "StorageReady";
/// The network works.
pub const NETWORKING_READY: &str = "NetworkingReady";
/// The kernel works.
pub const KERNEL_READY: &str = "KernelReady";
/// The container runtime works.
pub const CONTAINER_RUNTIME_READY: &str = "ContainerRuntimeReady";

/// A simulated node is to be replaced. Holds when there is something wrong, unlike those above.
pub const KWOK_UNHEALTHY: &str = "KWOKUnhealthy";
/// A simulated node is to be rebooted. Holds when there is something wrong.
pub const KWOK_REBOOT_REQUIRED: &str = "KWOKRebootRequired";
