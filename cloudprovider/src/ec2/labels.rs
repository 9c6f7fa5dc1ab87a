//! What labels a node of each type will have, as requirements (the Karpenter specification, aws-provider 2).
//!
//! Every well-known label is defined: one that a type does not have is required to be absent, or a pod asking for it would
//! be let through. Left open are only the pool, the node class and, unless the class's subnets name them, zone IDs: those
//! are not the type's to decide.

use crate::ec2::family::FamilyRules;
use crate::ec2::offerings::Market;
use crate::ec2::record::{Architecture, TypeRecord};
use crate::ec2::request::{Ec2Request, PlacementGroup, PlacementStrategy, Reservation};
use dovetail_api::labels::{self, aws};
use dovetail_scheduler::requirement::{Name, Requirement};
use dovetail_scheduler::requirements::{Requirements, WellKnown};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The label keys that new EC2 nodes may have although nothing defines them yet.
pub fn well_known() -> WellKnown {
    labels::WELL_KNOWN_CORE.iter().chain(aws::WELL_KNOWN).map(|key| Name::from(*key)).collect()
}

/// Keys that others define: the pool's template, and subnets.
const NOT_THE_TYPES: [&str; 3] = [labels::NODEPOOL, aws::EC2_NODE_CLASS, aws::ZONE_ID];

type Value<'t> = Option<Cow<'t, str>>;

/// A label's key and its value; `None` where the type does not have the label.
type Label = (&'static str, fn(&TypeRecord) -> Value<'_>);

/// The labels that follow from the type alone.
const OF_THE_TYPE: &[Label] = &[
    (labels::INSTANCE_TYPE, |t| text(&t.name)),
    (labels::ARCH, |t| text(t.architecture.as_str())),
    (aws::INSTANCE_CATEGORY, |t| text(scheme(&t.name)?.0)),
    (aws::INSTANCE_GENERATION, |t| text(scheme(&t.name)?.1)),
    (aws::INSTANCE_FAMILY, |t| text(family_and_size(&t.name)?.0)),
    (aws::INSTANCE_SIZE, |t| text(family_and_size(&t.name)?.1)),
    (aws::INSTANCE_CAPABILITY_FLEX, |t| flag(t.name.split('.').next().is_some_and(|family| family.contains("-flex")))),
    (aws::INSTANCE_CPU, |t| number(t.vcpus)),
    (aws::INSTANCE_CPU_MANUFACTURER, |t| kebab(t.cpu_manufacturer.as_deref()?)),
    (aws::INSTANCE_CPU_CLOCK_SPEED, |t| number(t.clock_mhz?)),
    (aws::INSTANCE_MEMORY, |t| number(t.memory_mib)),
    (aws::INSTANCE_EBS_BANDWIDTH, |t| number(t.ebs_bandwidth_mbps?)),
    (aws::INSTANCE_NETWORK_BANDWIDTH, |t| number(t.network_bandwidth_mbps?)),
    (aws::INSTANCE_GPU_NAME, |t| kebab(&only(&t.gpus)?.name)),
    (aws::INSTANCE_GPU_MANUFACTURER, |t| kebab(&only(&t.gpus)?.manufacturer)),
    (aws::INSTANCE_GPU_COUNT, |t| number(only(&t.gpus)?.count)),
    (aws::INSTANCE_GPU_MEMORY, |t| number(only(&t.gpus)?.memory_mib)),
    (aws::INSTANCE_ACCELERATOR_NAME, |t| kebab(accelerator(t)?.name)),
    (aws::INSTANCE_ACCELERATOR_MANUFACTURER, |t| kebab(accelerator(t)?.manufacturer)),
    (aws::INSTANCE_ACCELERATOR_COUNT, |t| number(accelerator(t)?.count)),
    (aws::INSTANCE_LOCAL_NVME, |t| number(t.disks.filter(|d| d.nvme)?.total_gb)),
    // Metal has no hypervisor, and says so with an empty value.
    (aws::INSTANCE_HYPERVISOR, |t| text(t.hypervisor.as_deref().unwrap_or(""))),
    (aws::INSTANCE_ENCRYPTION_IN_TRANSIT, |t| flag(t.network.encryption_in_transit)),
];

fn text(value: &str) -> Value<'_> {
    Some(Cow::Borrowed(value))
}

#[allow(clippy::unnecessary_wraps)] // so that the table reads alike
fn number(n: impl ToString) -> Value<'static> {
    Some(Cow::Owned(n.to_string()))
}

fn flag(yes: bool) -> Value<'static> {
    text(truth(yes))
}

/// `Radeon Pro V520` as `radeon-pro-v520`.
#[allow(clippy::unnecessary_wraps)] // so that the table reads alike
fn kebab(name: &str) -> Value<'static> {
    Some(Cow::Owned(name.replace(' ', "-").to_lowercase()))
}

fn only<T>(items: &[T]) -> Option<&T> {
    if let [one] = items { Some(one) } else { None }
}

struct OnlyAccelerator<'t> {
    name: &'t str,
    manufacturer: &'t str,
    count: u32,
}

/// The accelerator that labels speak of: AWS lists Neuron devices as inference accelerators too, so those count only where
/// there is no Neuron device.
fn accelerator(t: &TypeRecord) -> Option<OnlyAccelerator<'_>> {
    if t.neurons.is_empty() {
        only(&t.inference).map(|a| OnlyAccelerator { name: &a.name, manufacturer: &a.manufacturer, count: a.count })
    } else {
        only(&t.neurons).map(|n| OnlyAccelerator { name: &n.name, manufacturer: "aws", count: n.count })
    }
}

/// Category and generation: the letters that the name begins with, and the number behind them or behind a size in TB, as in
/// `u-6tb1.metal`.
fn scheme(name: &str) -> Option<(&str, &str)> {
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let letters = name.bytes().take_while(u8::is_ascii_lowercase).count();
    let (category, rest) = name.split_at_checked(letters).filter(|(category, _)| !category.is_empty())?;
    let behind_size = rest.strip_prefix('-').and_then(|r| {
        let n = digits(r);
        r.get(n..).filter(|_| n > 0)?.strip_prefix("tb")
    });
    let rest = behind_size.unwrap_or(rest);
    let (generation, rest) = rest.split_at_checked(digits(rest)).filter(|(generation, _)| !generation.is_empty())?;
    rest.contains('.').then_some((category, generation))
}

fn family_and_size(name: &str) -> Option<(&str, &str)> {
    name.split_once('.').filter(|(_, size)| !size.contains('.'))
}

/// Makes the requirements of types for one request. Keys and values are shared between types.
pub(crate) struct Labeller<'r> {
    request: &'r Ec2Request,
    /// Every key with what most types have; what differs is replaced type by type.
    base: Requirements,
    keys: Vec<Name>,
    os: Requirement,
    no_os: Requirement,
    values: FxHashMap<String, Name>,
}

impl<'r> Labeller<'r> {
    pub(crate) fn new(request: &'r Ec2Request, rules: &FamilyRules) -> Self {
        let mut base = Requirements::new();
        for key in well_known().into_iter().filter(|key| !NOT_THE_TYPES.contains(&&**key)) {
            base.replace(key, Requirement::absent());
        }
        let mut fixed = |key: &str, requirement| base.replace(Name::from(key), requirement);
        fixed(labels::REGION, Requirement::exactly(request.region.as_str()));
        fixed(aws::INSTANCE_TENANCY, Requirement::any_of(aws::TENANCIES.iter().copied()));
        if let Some(build) = rules.windows_build {
            fixed(labels::WINDOWS_BUILD, Requirement::exactly(build));
        }
        if let Some(PlacementGroup { id, strategy }) = &request.placement_group {
            fixed(aws::PLACEMENT_GROUP_ID, Requirement::exactly(id.as_str()));
            if let PlacementStrategy::Partition(n) = strategy {
                let partitions: Vec<String> = (1..=*n).map(|p| p.to_string()).collect();
                fixed(aws::PLACEMENT_GROUP_PARTITION, Requirement::any_of(partitions.iter().map(String::as_str)));
            }
        }
        let windows = rules.windows_build.is_some();
        let os = Requirement::exactly(if windows { labels::OS_WINDOWS } else { labels::OS_LINUX });
        // Windows runs on x86 only.
        let no_os = if windows { Requirement::absent() } else { os.clone() };
        let keys = OF_THE_TYPE.iter().map(|(key, _)| Name::from(*key)).collect();
        Self { request, base, keys, os, no_os, values: FxHashMap::default() }
    }

    /// The labels of a node of the type.
    pub(crate) fn label(&mut self, number: usize, record: &TypeRecord, market: &Market<'_>) -> Requirements {
        let mut out = self.base.clone();
        for (key, (_, value)) in self.keys.iter().zip(OF_THE_TYPE) {
            if let Some(value) = value(record) {
                out.replace(key.clone(), Requirement::exactly(intern(&mut self.values, &value)));
            }
        }
        let os = if record.architecture == Architecture::Amd64 { &self.os } else { &self.no_os };
        out.replace(intern(&mut self.values, labels::OS), os.clone());
        let zones: BTreeSet<&str> = market.open_zones(number).collect();
        let ids: BTreeSet<&str> = self.zone_ids(&zones).collect();
        let mut list = |key: &str, values: &BTreeSet<&str>| {
            out.replace(intern(&mut self.values, key), Requirement::any_of(values.iter().copied()));
        };
        list(labels::ZONE, &zones);
        if !ids.is_empty() {
            list(aws::ZONE_ID, &ids);
        }
        let reservations: Vec<&Reservation> =
            self.request.reservations.iter().filter(|r| r.instance_type == record.name).collect();
        let mut ways: BTreeSet<&str> = BTreeSet::new();
        ways.extend(record.on_demand.then_some(labels::CAPACITY_TYPE_ON_DEMAND));
        ways.extend(record.spot.then_some(labels::CAPACITY_TYPE_SPOT));
        if !reservations.is_empty() {
            ways.insert(labels::CAPACITY_TYPE_RESERVED);
            list(aws::CAPACITY_RESERVATION_ID, &reservations.iter().map(|r| r.id.as_str()).collect());
            list(aws::CAPACITY_RESERVATION_TYPE, &reservations.iter().map(|r| r.kind.as_str()).collect());
            list(
                aws::CAPACITY_RESERVATION_INTERRUPTIBLE,
                &reservations.iter().map(|r| truth(r.interruptible)).collect(),
            );
        }
        list(labels::CAPACITY_TYPE, &ways);
        out
    }

    fn zone_ids<'z>(&self, zones: &'z BTreeSet<&str>) -> impl Iterator<Item = &'r str> + use<'z, 'r> {
        let named = self.request.zones.iter().flatten();
        named.filter(|z| zones.contains(z.name.as_str())).filter_map(|z| z.id.as_deref())
    }
}

/// A truth value as labels write it.
pub(crate) const fn truth(yes: bool) -> &'static str {
    if yes { "true" } else { "false" }
}

fn intern(values: &mut FxHashMap<String, Name>, value: &str) -> Name {
    if let Some(known) = values.get(value) {
        return known.clone();
    }
    let name = Name::from(value);
    values.insert(value.to_owned(), name.clone());
    name
}

#[cfg(test)]
#[path = "labels_tests.rs"]
mod tests;
