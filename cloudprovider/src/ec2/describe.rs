//! Reads what the EC2 API says of instance types (`DescribeInstanceTypes`) and keeps of it what the catalogue needs.
//!
//! Types that no Kubernetes node can run on (Mac machines, machines without hardware virtualisation) are told apart here,
//! as Karpenter does with the filters of its API call (the Karpenter specification, aws-provider 3.5). What the other
//! tables add (prices, limits, bandwidth) is not known.

use crate::ec2::record::{Accelerator, Architecture, Card, Disks, Network, Neuron, Placement, TypeRecord};
use serde::Deserialize;

/// One record of `DescribeInstanceTypes`, as far as it is read. Fields are named as in the EC2 API.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)] // the EC2 API documents them
pub struct InstanceTypeInfo {
    pub instance_type: String,
    pub v_cpu_info: VCpuInfo,
    pub memory_info: MemoryInfo,
    pub processor_info: ProcessorInfo,
    pub network_info: NetworkInfo,
    #[serde(default)]
    pub hypervisor: Option<String>,
    #[serde(default)]
    pub supported_usage_classes: Vec<String>,
    #[serde(default)]
    pub supported_virtualization_types: Vec<String>,
    #[serde(default)]
    pub ebs_info: Option<EbsInfo>,
    #[serde(default)]
    pub instance_storage_info: Option<InstanceStorageInfo>,
    #[serde(default)]
    pub gpu_info: Option<GpuInfo>,
    #[serde(default)]
    pub neuron_info: Option<NeuronInfo>,
    #[serde(default)]
    pub inference_accelerator_info: Option<InferenceAcceleratorInfo>,
    #[serde(default)]
    pub nitro_enclaves_support: Option<String>,
    #[serde(default)]
    pub placement_group_info: Option<PlacementGroupInfo>,
}

/// The answer of the API as the AWS CLI prints it, or just the list in it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    List(Vec<serde_json::Value>),
    Page {
        #[serde(rename = "InstanceTypes")]
        instance_types: Vec<serde_json::Value>,
    },
}

macro_rules! api_types {
    ($($name:ident { $($field:ident : $type:ty),* $(,)? })*) => {$(
        /// Named and shaped as in the EC2 API.
        #[derive(Clone, Debug, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        #[allow(missing_docs)] // the EC2 API documents them
        pub struct $name {
            $(#[serde(default)] pub $field: $type,)*
        }
    )*};
}

api_types! {
    ProcessorInfo {
        manufacturer: Option<String>,
        supported_architectures: Vec<String>,
        supported_features: Vec<String>,
        sustained_clock_speed_in_ghz: Option<f64>,
    }
    EbsInfo { ebs_optimized_support: Option<String>, ebs_optimized_info: Option<EbsOptimizedInfo> }
    EbsOptimizedInfo { maximum_bandwidth_in_mbps: Option<u32> }
    NetworkInfo {
        default_network_card_index: u32,
        network_cards: Vec<NetworkCardInfo>,
        maximum_network_interfaces: u32,
        ipv4_addresses_per_interface: u32,
        encryption_in_transit_supported: bool,
        ena_support: Option<String>,
        efa_info: Option<EfaInfo>,
    }
    NetworkCardInfo { network_card_index: u32, maximum_network_interfaces: u32 }
    EfaInfo { maximum_efa_interfaces: Option<u32> }
    GpuInfo { gpus: Vec<Device> }
    InferenceAcceleratorInfo { accelerators: Vec<Device> }
    Device { manufacturer: String, name: String, count: u32, memory_info: Option<MemoryInfo> }
    NeuronInfo { neuron_devices: Vec<NeuronDevice> }
    NeuronDevice { name: String, count: u32, core_info: Option<NeuronCoreInfo> }
    NeuronCoreInfo { count: u32 }
    PlacementGroupInfo { supported_strategies: Vec<String> }
}

/// Named and shaped as in the EC2 API.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // the EC2 API documents them
pub struct VCpuInfo {
    #[serde(rename = "DefaultVCpus")]
    pub default_vcpus: u32,
}

/// Named and shaped as in the EC2 API.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // the EC2 API documents them
pub struct MemoryInfo {
    #[serde(rename = "SizeInMiB")]
    pub size_in_mib: u64,
}

/// Named and shaped as in the EC2 API.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)] // the EC2 API documents them
pub struct InstanceStorageInfo {
    #[serde(rename = "TotalSizeInGB", default)]
    pub total_size_in_gb: Option<u64>,
    #[serde(rename = "NvmeSupport", default)]
    pub nvme_support: Option<String>,
}

/// Reads the records of a `DescribeInstanceTypes` answer: the list, or an object that has it as `InstanceTypes`.
///
/// # Errors
/// Says which record and which field cannot be read.
pub(crate) fn read(json: &str) -> Result<Vec<InstanceTypeInfo>, String> {
    let answer: Answer = serde_json::from_str(json)
        .map_err(|e| format!("neither a list of instance types nor an object with `InstanceTypes`: {e}"))?;
    let (Answer::List(records) | Answer::Page { instance_types: records }) = answer;
    let one = |(i, record): (usize, serde_json::Value)| {
        let name =
            record.get("InstanceType").and_then(|n| n.as_str()).map_or_else(|| format!("record {i}"), str::to_owned);
        serde_path_to_error::deserialize(record).map_err(|e| format!("{name}: field {}: {}", e.path(), e.inner()))
    };
    records.into_iter().enumerate().map(one).collect()
}

/// Boils a record down; or says why no node can run on the type.
///
/// # Errors
/// With the reason, such as its architecture.
pub(crate) fn record(info: InstanceTypeInfo) -> Result<TypeRecord, String> {
    let virtualization = &info.supported_virtualization_types;
    if !virtualization.is_empty() && !virtualization.iter().any(|v| v == "hvm") {
        return Err(format!("its virtualization is {}, not hvm", virtualization.join(", ")));
    }
    let architectures = &info.processor_info.supported_architectures;
    let architecture = architectures
        .iter()
        .find_map(|a| match a.as_str() {
            "x86_64" => Some(Architecture::Amd64),
            "arm64" => Some(Architecture::Arm64),
            _ => None,
        })
        .ok_or_else(|| format!("its architecture is {}, neither x86_64 nor arm64", architectures.join(", ")))?;
    let sold = |class: &str| info.supported_usage_classes.iter().any(|c| c == class);
    let (on_demand, spot) = (sold("on-demand"), sold("spot"));
    let places = info.placement_group_info.map(|p| p.supported_strategies).unwrap_or_default();
    let placed = |strategy: &str| places.iter().any(|s| s == strategy);
    Ok(TypeRecord {
        on_demand,
        spot,
        architecture,
        vcpus: info.v_cpu_info.default_vcpus,
        memory_mib: info.memory_info.size_in_mib,
        clock_mhz: info.processor_info.sustained_clock_speed_in_ghz.map(megahertz),
        cpu_manufacturer: info.processor_info.manufacturer,
        hypervisor: info.hypervisor,
        ebs_bandwidth_mbps: info
            .ebs_info
            .filter(|e| e.ebs_optimized_support.as_deref() == Some("default"))
            .and_then(|e| e.ebs_optimized_info?.maximum_bandwidth_in_mbps),
        network_bandwidth_mbps: None,
        disks: info.instance_storage_info.and_then(|s| {
            let nvme = s.nvme_support.as_deref() != Some("unsupported");
            Some(Disks { total_gb: s.total_size_in_gb?, nvme })
        }),
        gpus: info.gpu_info.map(|g| g.gpus.into_iter().map(accelerator).collect()).unwrap_or_default(),
        neurons: info.neuron_info.map(|n| n.neuron_devices.into_iter().map(neuron).collect()).unwrap_or_default(),
        inference: info
            .inference_accelerator_info
            .map(|i| i.accelerators.into_iter().map(accelerator).collect())
            .unwrap_or_default(),
        network: network(info.network_info),
        enclaves: info.nitro_enclaves_support.as_deref() == Some("supported"),
        nested_virtualization: info.processor_info.supported_features.iter().any(|f| f == "nested-virtualization"),
        placement: Placement { cluster: placed("cluster"), partition: placed("partition"), spread: placed("spread") },
        name: info.instance_type,
    })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates; clock speeds are a few thousand
fn megahertz(gigahertz: f64) -> u32 {
    (gigahertz * 1000.0).round() as u32
}

fn accelerator(device: Device) -> Accelerator {
    Accelerator {
        manufacturer: device.manufacturer,
        name: device.name,
        count: device.count,
        memory_mib: device.memory_info.map_or(0, |m| m.size_in_mib),
    }
}

fn neuron(device: NeuronDevice) -> Neuron {
    Neuron { name: device.name, count: device.count, cores: device.core_info.map_or(0, |c| c.count) }
}

fn network(info: NetworkInfo) -> Network {
    let cards = if info.network_cards.is_empty() {
        vec![Card { index: info.default_network_card_index, interfaces: info.maximum_network_interfaces }]
    } else {
        info.network_cards
            .iter()
            .map(|c| Card { index: c.network_card_index, interfaces: c.maximum_network_interfaces })
            .collect()
    };
    Network {
        encryption_in_transit: info.encryption_in_transit_supported,
        ena: info.ena_support.as_deref() != Some("unsupported"),
        default_card: info.default_network_card_index,
        cards,
        ipv4_per_interface: info.ipv4_addresses_per_interface,
        efa_interfaces: info.efa_info.and_then(|e| e.maximum_efa_interfaces),
        branch_interfaces: 0,
        windows_ipv4_per_interface: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T3: &str = r#"{"InstanceType": "t3.large", "VCpuInfo": {"DefaultVCpus": 2}, "MemoryInfo": {"SizeInMiB": 8192},
        "ProcessorInfo": {"Manufacturer": "Intel", "SupportedArchitectures": ["i386", "x86_64"], "SustainedClockSpeedInGhz": 2.5},
        "NetworkInfo": {"Ipv4AddressesPerInterface": 12, "MaximumNetworkInterfaces": 3},
        "EbsInfo": {"EbsOptimizedSupport": "supported", "EbsOptimizedInfo": {"MaximumBandwidthInMbps": 2085}},
        "SupportedUsageClasses": ["on-demand", "spot", "capacity-block"], "SomethingNew": 1}"#;

    fn t3() -> InstanceTypeInfo {
        serde_json::from_str(T3).expect("a record")
    }

    #[test]
    fn the_first_architecture_that_kubernetes_knows_counts() {
        let record = record(t3()).expect("nodes can run on it");
        assert_eq!(record.architecture, Architecture::Amd64);
        assert_eq!((record.vcpus, record.memory_mib, record.clock_mhz), (2, 8192, Some(2500)));
        assert!(record.on_demand && record.spot);
    }

    #[test]
    fn ebs_bandwidth_counts_only_where_optimisation_is_on_by_default() {
        assert_eq!(record(t3()).expect("fine").ebs_bandwidth_mbps, None);
        let mut by_default = t3();
        by_default.ebs_info.as_mut().expect("there").ebs_optimized_support = Some("default".into());
        assert_eq!(record(by_default).expect("fine").ebs_bandwidth_mbps, Some(2085));
    }

    #[test]
    fn mac_and_paravirtual_machines_run_no_nodes() {
        let mut mac = t3();
        mac.processor_info.supported_architectures = vec!["arm64_mac".into()];
        assert_eq!(record(mac), Err("its architecture is arm64_mac, neither x86_64 nor arm64".into()));
        let mut old = t3();
        old.supported_virtualization_types = vec!["paravirtual".into()];
        assert!(record(old).expect_err("too old").contains("not hvm"));
    }

    #[test]
    fn both_shapes_of_the_answer_are_read_and_a_bad_field_is_named() {
        let list = format!("[{T3}]");
        let page = format!("{{\"InstanceTypes\": [{T3}]}}");
        assert_eq!(read(&list).expect("a list").len(), 1);
        assert_eq!(read(&page).expect("a page").len(), 1);
        let bad = list.replace("8192", "\"much\"");
        let error = read(&bad).expect_err("memory is a number");
        assert!(error.starts_with("t3.large: field MemoryInfo.SizeInMiB: "), "{error}");
        assert!(read("17").expect_err("no list").contains("InstanceTypes"));
    }
}
