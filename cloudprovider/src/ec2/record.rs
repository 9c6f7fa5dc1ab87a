//! The facts about instance types and regions, as the catalogue keeps them: what AWS publishes, boiled down to what labels,
//! capacity, compatibility and prices are computed from. The rules of those computations are not known here.
//!
//! Everything is an integer, so that the same facts always encode to the same bytes and give the same figures.

use serde::{Deserialize, Serialize};

/// The architecture that a node of a type reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Architecture {
    /// AWS calls it x86_64.
    Amd64,
    /// AWS calls it the same.
    Arm64,
}

impl Architecture {
    /// The value of the label `kubernetes.io/arch`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

/// One instance type. Names of manufacturers and devices are written as AWS writes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeRecord {
    /// Such as `m5.large`.
    pub name: String,
    /// The architecture of its nodes.
    pub architecture: Architecture,
    /// Default number of vCPUs.
    pub vcpus: u32,
    /// Memory in MiB, all of it.
    pub memory_mib: u64,
    /// Manufacturer of the processor, such as `Intel`.
    pub cpu_manufacturer: Option<String>,
    /// Sustained clock speed in MHz, rounded.
    pub clock_mhz: Option<u32>,
    /// `nitro` or `xen`; none on bare metal.
    pub hypervisor: Option<String>,
    /// Whether it is sold on demand.
    pub on_demand: bool,
    /// Whether it is sold as spot capacity.
    pub spot: bool,
    /// Most EBS bandwidth in Mbit/s, where EBS optimisation is on by default.
    pub ebs_bandwidth_mbps: Option<u32>,
    /// Baseline network bandwidth in Mbit/s, where AWS publishes one.
    pub network_bandwidth_mbps: Option<u32>,
    /// Its own disks.
    pub disks: Option<Disks>,
    /// Graphics processors, by kind.
    pub gpus: Vec<Accelerator>,
    /// Neuron devices (Inferentia, Trainium), by kind.
    pub neurons: Vec<Neuron>,
    /// Inference accelerators, by kind. AWS lists Neuron devices here as well.
    pub inference: Vec<Accelerator>,
    /// What its network is like.
    pub network: Network,
    /// Whether it can run Nitro enclaves.
    pub enclaves: bool,
    /// Whether its nodes can run virtual machines themselves.
    pub nested_virtualization: bool,
    /// The placement strategies it supports.
    pub placement: Placement,
}

/// The disks of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disks {
    /// Size of all of them together, in GB (powers of ten).
    pub total_gb: u64,
    /// Whether they are NVMe disks.
    pub nvme: bool,
}

/// Devices of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accelerator {
    /// Such as `NVIDIA`.
    pub manufacturer: String,
    /// Such as `T4`.
    pub name: String,
    /// How many whole devices; zero where a machine gets only a share of one.
    pub count: u32,
    /// Memory of one device, in MiB.
    pub memory_mib: u64,
}

/// Neuron devices of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neuron {
    /// Such as `Trainium`.
    pub name: String,
    /// How many devices.
    pub count: u32,
    /// Cores of one device.
    pub cores: u32,
}

/// The network of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Whether traffic between machines is encrypted.
    pub encryption_in_transit: bool,
    /// Whether it has Elastic Network Adapters.
    pub ena: bool,
    /// The network card that pods' addresses come from.
    pub default_card: u32,
    /// The most interfaces of each network card, with the card's index.
    pub cards: Vec<Card>,
    /// IPv4 addresses of one interface, its own included.
    pub ipv4_per_interface: u32,
    /// Most EFA interfaces; none where there is no EFA.
    pub efa_interfaces: Option<u32>,
    /// Interfaces that can be given to single pods; zero where trunking does not work.
    pub branch_interfaces: u32,
    /// IPv4 addresses of one interface by the VPC limits table, which Windows nodes go by; zero if the table lacks the type.
    pub windows_ipv4_per_interface: u32,
}

/// A network card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its index.
    pub index: u32,
    /// The most interfaces it takes.
    pub interfaces: u32,
}

/// The placement strategies that a type supports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // named as EC2 names the strategies
pub struct Placement {
    pub cluster: bool,
    pub partition: bool,
    pub spread: bool,
}

/// What is sold in one region. The lists go along with the catalogue's list of types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionRecord {
    /// Such as `us-east-1`.
    pub name: String,
    /// Its zones, in order.
    pub zones: Vec<String>,
    /// For each type the zones that have it, as bits in the order of `zones`; zero where the region does not have it.
    pub offered: Vec<u64>,
    /// For each type its price on demand in billionths of a dollar per hour. Empty where no price list of the region is
    /// known.
    pub on_demand: Vec<Option<u64>>,
    /// For each type what spot capacity saves, in per cent of the price on demand, where that is known. Negative where spot
    /// capacity is so short that it costs more.
    pub spot_savings: Vec<Option<i16>>,
}

/// The most zones that a region can have here: one bit each.
pub const ZONES_MAX: usize = u64::BITS as usize;
