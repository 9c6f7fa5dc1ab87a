//! What is asked of the catalogue: the settings of a node class, and of the controller, that labels, capacity and offerings
//! depend on.
//!
//! Two classes that come to the same request get the same answer. Reading a class's kubelet configuration is lenient about
//! what does not matter here; whether it is valid as a whole is decided elsewhere. With the gate NodeClassCEL off, as it is
//! by default, an expression counts as not set (the Karpenter specification, aws-provider 1.5).

use dovetail_api::ec2_node_class::{
    AmiFamily, CapacityReservationState, EC2NodeClass, EC2NodeClassSpec, EC2NodeClassStatus, InstanceStorePolicy,
    InterfaceType, Toggle,
};
use dovetail_api::quantity::Quantity;
use dovetail_scheduler::resources::{Resources, amount};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// Everything that the answer depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ec2Request {
    /// The region to buy in.
    pub region: String,
    /// The zones that the class has subnets in, without repetition; `None` for every zone of the region.
    pub zones: Option<Vec<Zone>>,
    /// The family of the machine images.
    pub family: AmiFamily,
    /// The kubelet's settings.
    pub kubelet: Kubelet,
    /// The volumes that the class names, in its order.
    pub block_devices: Vec<BlockDevice>,
    /// Whether the machine's own disks become the node's ephemeral storage.
    pub raid0: bool,
    /// The network interfaces that the class names; `None` if it leaves them to the provider.
    pub network_interfaces: Option<Vec<Interface>>,
    /// How many IPv4 prefixes each interface gets.
    pub ip_prefix_count: u32,
    /// Whether machines must run Nitro enclaves.
    pub enclaves: bool,
    /// Whether machines must run virtual machines themselves.
    pub nested_virtualization: bool,
    /// Whether the class sets time-outs of connection tracking.
    pub connection_tracking: bool,
    /// The placement group, once it is known.
    pub placement_group: Option<PlacementGroup>,
    /// The capacity reservations of the class.
    pub reservations: Vec<Reservation>,
    /// The share of memory that the hypervisor takes.
    pub vm_memory_overhead: MemoryShare,
    /// Network interfaces that are not for pods.
    pub reserved_enis: u32,
}

/// A zone with subnets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Zone {
    /// Such as `us-east-1a`.
    pub name: String,
    /// Such as `use1-az1`, if it is known.
    pub id: Option<String>,
}

/// The settings of the kubelet that count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kubelet {
    /// The most pods; `None` leaves it to the AMI family.
    pub max_pods: Option<u32>,
    /// The most pods per vCPU; zero is no limit.
    pub pods_per_core: u32,
    /// What replaces the defaults of the reservation for the kubelet.
    pub kube_reserved: Resources,
    /// The reservation for the operating system.
    pub system_reserved: Resources,
    /// Below how much available memory pods are evicted; `None` for the default.
    pub memory_available: Option<Threshold>,
    /// Below how much free disk pods are evicted; `None` for the default.
    pub nodefs_available: Option<Threshold>,
}

/// Below what pods are evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Threshold {
    /// Bytes.
    Bytes(i64),
    /// Billionths of a per cent of the capacity.
    Percent(i128),
}

/// A volume of the class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BlockDevice {
    /// Such as `/dev/xvda`.
    pub name: Option<String>,
    /// Whether the class calls it the root volume.
    pub root: bool,
    /// Bytes, if the class says.
    pub bytes: Option<i64>,
}

/// A network interface of the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interface {
    /// The index of its card.
    pub card: u32,
    /// Its place on the card.
    pub device: u32,
    /// Whether it carries nothing but EFA traffic.
    pub efa_only: bool,
}

/// A placement group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlacementGroup {
    /// Such as `pg-0123456789abcdef0`.
    pub id: String,
    /// What it does.
    pub strategy: PlacementStrategy,
}

/// What a placement group does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlacementStrategy {
    /// Machines close together.
    Cluster,
    /// Machines in that many groups that share no hardware.
    Partition(u32),
    /// Machines on hardware of their own.
    Spread,
}

/// A capacity reservation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reservation {
    /// Such as `cr-0123456789abcdef0`.
    pub id: String,
    /// The instance type.
    pub instance_type: String,
    /// The zone.
    pub zone: String,
    /// `default` or `capacity-block`.
    pub kind: String,
    /// Whether its owner can take it back.
    pub interruptible: bool,
    /// Whether it ends so soon that nothing should be started in it.
    pub expiring: bool,
    /// How many more instances it takes.
    pub remaining: u32,
}

/// Settings of the controller that capacity depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ec2Settings {
    /// The share of memory that the hypervisor takes (`VM_MEMORY_OVERHEAD_PERCENT`).
    pub vm_memory_overhead: MemoryShare,
    /// Network interfaces that are not for pods (`RESERVED_ENIS`).
    pub reserved_enis: u32,
    /// How many more instances each capacity reservation takes, by its ID; one that is not there takes none.
    pub reservations: BTreeMap<String, u32>,
}

/// A share of the memory, exact to a billionth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemoryShare(u64);

impl MemoryShare {
    /// Of one: 0.075.
    pub const DEFAULT: Self = Self(75_000_000);

    /// `mib` times the share, rounded up.
    pub(crate) fn of_mib(self, mib: i64) -> i64 {
        let billionths = i128::from(mib) * i128::from(self.0);
        let whole = billionths.div_euclid(1_000_000_000) + i128::from(billionths.rem_euclid(1_000_000_000) > 0);
        i64::try_from(whole).unwrap_or(i64::MAX)
    }
}

impl Default for MemoryShare {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A text that is no share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no share of memory: a decimal number of zero or more, such as 0.075 for seven and a half per cent")]
pub struct NoShare(String);

impl FromStr for MemoryShare {
    type Err = NoShare;

    fn from_str(text: &str) -> Result<Self, NoShare> {
        let fail = || NoShare(text.to_owned());
        let quantity: Quantity = text.parse().map_err(|_| fail())?;
        u64::try_from(quantity.nanos()).map(Self).map_err(|_| fail())
    }
}

/// A field of a node class that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("EC2NodeClass {class}: spec.{field}: {what}")]
pub struct RequestError {
    /// The class's name.
    pub class: String,
    /// The field, as a path below `spec`.
    pub field: String,
    /// What is wrong with it and what would be right.
    pub what: String,
}

impl Ec2Request {
    /// What a pool asks for whose node class is not known: Amazon Linux 2023 with all its defaults, in every zone.
    pub fn new(region: &str, settings: &Ec2Settings) -> Self {
        Self {
            region: region.to_owned(),
            zones: None,
            family: AmiFamily::AL2023,
            kubelet: Kubelet::default(),
            block_devices: vec![],
            raid0: false,
            network_interfaces: None,
            ip_prefix_count: 0,
            enclaves: false,
            nested_virtualization: false,
            connection_tracking: false,
            placement_group: None,
            reservations: vec![],
            vm_memory_overhead: settings.vm_memory_overhead,
            reserved_enis: settings.reserved_enis,
        }
    }

    /// What a node class asks for. Zones and reservations are those that its status names; a status without subnets, as
    /// of a manifest that no controller has seen yet, leaves every zone open. The placement group stays open, since only
    /// EC2 knows it.
    ///
    /// # Errors
    /// If a field that capacity depends on cannot be read.
    pub fn for_node_class(class: &EC2NodeClass, region: &str, settings: &Ec2Settings) -> Result<Self, RequestError> {
        let spec = &class.spec;
        let name = class.metadata.name.as_deref().unwrap_or_default();
        let fail = |field: String, what: String| RequestError { class: name.to_owned(), field, what };
        let kubelet = match &spec.kubelet {
            None => Kubelet::default(),
            Some(fields) => kubelet(fields).map_err(|(field, what)| fail(format!("kubelet.{field}"), what))?,
        };
        let nothing = EC2NodeClassStatus::default();
        let status = class.status.as_ref().unwrap_or(&nothing);
        Ok(Self {
            zones: zones(status),
            family: spec.effective_ami_family(),
            kubelet,
            block_devices: block_devices(spec),
            raid0: spec.instance_store_policy == Some(InstanceStorePolicy::RAID0),
            network_interfaces: interfaces(spec).map_err(|(field, what)| fail(field, what))?,
            ip_prefix_count: index("ipPrefixCount", spec.ip_prefix_count.unwrap_or(0)).map_err(|(f, w)| fail(f, w))?,
            enclaves: spec.enclave_options.as_ref().is_some_and(|e| e.enabled),
            nested_virtualization: spec.cpu_options.as_ref().and_then(|c| c.nested_virtualization)
                == Some(Toggle::Enabled),
            connection_tracking: spec.connection_tracking.is_some(),
            reservations: reservations(status, settings),
            ..Self::new(region, settings)
        })
    }
}

fn zones(status: &EC2NodeClassStatus) -> Option<Vec<Zone>> {
    if status.subnets.is_empty() {
        return None;
    }
    // Subnets of one zone agree on its ID, but one written by an older controller may lack it.
    let mut ids: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for subnet in &status.subnets {
        let id = ids.entry(&subnet.zone).or_default();
        *id = id.or(subnet.zone_id.as_deref().filter(|id| !id.is_empty()));
    }
    Some(ids.into_iter().map(|(name, id)| Zone { name: name.to_owned(), id: id.map(str::to_owned) }).collect())
}

fn block_devices(spec: &EC2NodeClassSpec) -> Vec<BlockDevice> {
    let mappings = spec.block_device_mappings.iter().flatten();
    mappings
        .map(|m| BlockDevice {
            name: m.device_name.clone(),
            root: m.root_volume,
            bytes: m.ebs.as_ref().and_then(|e| e.volume_size.as_ref()).map(Quantity::value),
        })
        .collect()
}

/// A field and what is wrong with it.
type Fault = (String, String);

fn interfaces(spec: &EC2NodeClassSpec) -> Result<Option<Vec<Interface>>, Fault> {
    let Some(interfaces) = &spec.network_interfaces else { return Ok(None) };
    let one = |(i, n): (usize, &dovetail_api::ec2_node_class::NetworkInterface)| {
        Ok(Interface {
            card: index(&format!("networkInterfaces[{i}].networkCardIndex"), n.network_card_index)?,
            device: index(&format!("networkInterfaces[{i}].deviceIndex"), n.device_index)?,
            efa_only: n.interface_type == InterfaceType::EfaOnly,
        })
    };
    interfaces.iter().enumerate().map(one).collect::<Result<_, _>>().map(Some)
}

fn index(field: &str, value: i32) -> Result<u32, Fault> {
    u32::try_from(value).map_err(|_| (field.to_owned(), format!("{value} is negative: it counts from zero")))
}

fn reservations(status: &EC2NodeClassStatus, settings: &Ec2Settings) -> Vec<Reservation> {
    let all: BTreeSet<Reservation> = status
        .capacity_reservations
        .iter()
        .map(|r| Reservation {
            id: r.id.clone(),
            instance_type: r.instance_type.clone(),
            zone: r.availability_zone.clone(),
            kind: r.reservation_type.as_str().to_owned(),
            interruptible: r.interruptible,
            expiring: r.state == CapacityReservationState::Expiring,
            remaining: settings.reservations.get(&r.id).copied().unwrap_or(0),
        })
        .collect();
    all.into_iter().collect()
}

fn kubelet(fields: &Map<String, Value>) -> Result<Kubelet, Fault> {
    let eviction = |signal: &str| match fields.get("evictionHard") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(signals)) => threshold(signals, signal),
        Some(other) => Err(("evictionHard".to_owned(), format!("{other} is no map of signals to amounts"))),
    };
    Ok(Kubelet {
        max_pods: match fields.get("maxPods") {
            Some(Value::String(_)) => None,
            _ => count(fields, "maxPods")?,
        },
        pods_per_core: count(fields, "podsPerCore")?.unwrap_or(0),
        kube_reserved: reserved(fields, "kubeReserved")?,
        system_reserved: reserved(fields, "systemReserved")?,
        memory_available: eviction("memory.available")?,
        nodefs_available: eviction("nodefs.available")?,
    })
}

fn count(fields: &Map<String, Value>, field: &str) -> Result<Option<u32>, Fault> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64().and_then(|n| i32::try_from(n).ok()).and_then(|n| u32::try_from(n).ok()) {
            Some(n) => Ok(Some(n)),
            None => {
                Err((field.to_owned(), format!("{value} is no number of pods: a whole number from 0 to {}", i32::MAX)))
            }
        },
    }
}

fn reserved(fields: &Map<String, Value>, field: &str) -> Result<Resources, Fault> {
    let map = match fields.get(field) {
        None | Some(Value::Null) => return Ok(Resources::new()),
        Some(Value::Object(map)) => map,
        Some(other) => return Err((field.to_owned(), format!("{other} is no map of resources to amounts"))),
    };
    let mut out = Resources::new();
    for (resource, value) in map {
        let fault =
            || (format!("{field}.{resource}"), format!("{value} is no amount to reserve: write for instance \"100m\""));
        let text = value.as_str().ok_or_else(fault)?;
        if text.starts_with('-') {
            return Err(fault());
        }
        // What is no quantity is an expression, and not evaluated.
        if let Ok(quantity) = text.parse::<Quantity>() {
            out.set(resource.as_str(), amount(resource, &quantity));
        }
    }
    Ok(out)
}

fn threshold(signals: &Map<String, Value>, signal: &str) -> Result<Option<Threshold>, Fault> {
    let Some(value) = signals.get(signal) else { return Ok(None) };
    let fault = || {
        let what =
            format!("{value} is no threshold: an amount such as \"100Mi\", or a percentage from \"0%\" to \"100%\"");
        (format!("evictionHard[{signal}]"), what)
    };
    let text = value.as_str().ok_or_else(fault)?;
    let (number, percent) = text.strip_suffix('%').map_or((text, false), |number| (number, true));
    let quantity: Quantity = number.parse().map_err(|_| fault())?;
    if quantity.sign() < 0 || (percent && quantity.nanos() > HUNDRED_PERCENT) {
        return Err(fault());
    }
    Ok(Some(match (percent, quantity.nanos()) {
        (false, _) => Threshold::Bytes(quantity.value()),
        // The kubelet takes a hundred per cent to mean that the signal is not watched.
        (true, HUNDRED_PERCENT) => Threshold::Percent(0),
        (true, nanos) => Threshold::Percent(nanos),
    }))
}

/// In billionths of a per cent.
const HUNDRED_PERCENT: i128 = 100_000_000_000;

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
