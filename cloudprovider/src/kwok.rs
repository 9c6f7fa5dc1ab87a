//! Catalogue files: instance types as the KWOK provider lists them in JSON, for machines that nobody has to pay for.
//!
//! Three things may be said beyond what the KWOK provider reads: `labels` of a type, its `overhead`, and per offering
//! `Available` and `ReservationCapacity`. This module turns a file into instance types and says which keys are well known
//! among them; it does not know where the file lies.

use dovetail_api::labels::{self, aws, resources as names};
use dovetail_api::quantity::Quantity;
use dovetail_scheduler::instance_type::{InstanceType, Offering, Overhead, Overlaid, Price};
use dovetail_scheduler::requirement::{Name, Operator, Requirement};
use dovetail_scheduler::requirements::{Requirements, WellKnown};
use dovetail_scheduler::resources::Resources;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub mod generic;
pub mod machine;
mod own_labels;
pub mod provider;

/// A catalogue file, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KwokCatalogue {
    /// The types in the order of their names.
    pub types: Arc<[Arc<InstanceType>]>,
    /// The keys that new nodes may have although nothing defines them yet: Karpenter's own, the AWS and KWOK providers', and
    /// those that the file uses.
    pub well_known: WellKnown,
    /// The label that names the reservations of reserved offerings, if there are any.
    pub reservation_label: Option<Name>,
}

/// Why a catalogue file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KwokError {
    /// It is not JSON, or not a list.
    #[error("the catalogue is no list of instance types in JSON: {0}")]
    NotAList(String),
    /// A type cannot be used.
    #[error("instance type {type_name}: field {field}: {what}")]
    Type {
        /// The type's name, or its place in the list if it has none.
        type_name: String,
        /// The field, as a path within the type.
        field: String,
        /// What is wrong with it.
        what: String,
    },
    /// Two types have one name.
    #[error("instance type {0} is listed twice: give each type a name of its own")]
    Duplicate(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeJson {
    name: String,
    architecture: String,
    operating_systems: Vec<String>,
    resources: BTreeMap<String, Quantity>,
    offerings: Vec<OfferingJson>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    overhead: Option<BTreeMap<String, Quantity>>,
}

/// Upper case as the KWOK provider writes it; its reader takes either.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfferingJson {
    #[serde(alias = "price")]
    price: f64,
    #[serde(default = "yes", alias = "available")]
    available: bool,
    #[serde(default, alias = "reservationCapacity")]
    reservation_capacity: Option<u32>,
    #[serde(alias = "requirements")]
    requirements: Vec<RequirementJson>,
}

impl OfferingJson {
    fn is_reserved(&self) -> bool {
        let is_reserved = |value: &String| value == labels::CAPACITY_TYPE_RESERVED;
        self.requirements.iter().any(|r| r.key == labels::CAPACITY_TYPE && r.values.iter().any(is_reserved))
    }
}

#[derive(Deserialize)]
struct RequirementJson {
    key: String,
    operator: Operator,
    #[serde(default)]
    values: Vec<String>,
}

const fn yes() -> bool {
    true
}

/// Reads a catalogue file.
///
/// # Errors
/// If it is no list in JSON, a field is missing or has no sensible value, or a name is there twice.
pub fn read(json: &str) -> Result<KwokCatalogue, KwokError> {
    // Reading straight through is several times as fast; who reads with paths only does so to say what is wrong.
    let list = match serde_json::from_str::<Vec<TypeJson>>(json) {
        Ok(list) => list,
        Err(error) => return Err(fault(json).unwrap_or_else(|| KwokError::NotAList(error.to_string()))),
    };
    let mut types: BTreeMap<String, TypeJson> = BTreeMap::new();
    for t in list {
        if let Some(known) = types.insert(t.name.clone(), t) {
            return Err(KwokError::Duplicate(known.name));
        }
    }
    let own = own_labels::of_all(types.values().map(|t| (t.name.as_str(), &t.resources)));
    let keys = Keys::of(types.values());
    let types = types
        .into_values()
        .map(|t| {
            let own = own.get(&t.name).cloned().unwrap_or_default();
            instance_type(t, own, &keys).map(Arc::new)
        })
        .collect::<Result<_, _>>()?;
    Ok(KwokCatalogue { types, well_known: keys.well_known, reservation_label: keys.reservation })
}

/// The first type of a file that cannot be read, and the field at fault.
fn fault(json: &str) -> Option<KwokError> {
    let list: Vec<serde_json::Value> = serde_json::from_str(json).ok()?;
    list.into_iter().enumerate().find_map(|(i, value)| {
        let type_name = value.get("name").and_then(|n| n.as_str()).map_or_else(|| format!("number {i}"), str::to_owned);
        let error = serde_path_to_error::deserialize::<_, TypeJson>(value).err()?;
        Some(KwokError::Type { type_name, field: error.path().to_string(), what: error.inner().to_string() })
    })
}

/// The label keys of a whole file.
struct Keys {
    well_known: WellKnown,
    /// Those that a type which does not carry them does not have. The rest is free as long as the file is silent on it.
    exclusive: BTreeSet<Name>,
    /// The one that names capacity reservations.
    reservation: Option<Name>,
}

/// How a label ends that names capacity reservations, whichever provider's it is.
const RESERVATION_SUFFIX: &str = "/capacity-reservation-id";

/// Keys that the types of a file leave free if none of them carries them: the pool's template decides on them, or nobody.
const FREE: [&str; 4] = [labels::NODEPOOL, aws::EC2_NODE_CLASS, labels::REGION, labels::WINDOWS_BUILD];

impl Keys {
    fn of<'t>(types: impl Iterator<Item = &'t TypeJson> + Clone) -> Self {
        let reserved = types.clone().flat_map(|t| &t.offerings).filter(|o| o.is_reserved());
        let names = reserved.flat_map(|o| &o.requirements).map(|r| r.key.as_str());
        let reservation = names.filter(|key| key.ends_with(RESERVATION_SUFFIX)).min().map(Name::from);
        let carried: BTreeSet<Name> = types
            .flat_map(|t| {
                let offered = t.offerings.iter().flat_map(|o| &o.requirements).map(|r| r.key.as_str());
                t.labels.keys().map(String::as_str).chain(offered)
            })
            .map(|key| Name::from(labels::normalize(key)))
            .collect();
        let well_known: WellKnown = labels::well_known().map(Name::from).chain(carried.iter().cloned()).collect();
        let free = |key: &Name| FREE.contains(&&**key) && !carried.contains(key);
        let exclusive = well_known.iter().filter(|key| !free(key)).cloned().collect();
        Self { well_known, exclusive, reservation }
    }
}

fn instance_type(t: TypeJson, own: own_labels::Labels, keys: &Keys) -> Result<InstanceType, KwokError> {
    let fail = |field: String, what: String| KwokError::Type { type_name: t.name.clone(), field, what };
    let mut offerings = Vec::with_capacity(t.offerings.len());
    for (i, o) in t.offerings.iter().enumerate() {
        offerings.push(offering(o, keys).map_err(|(field, what)| fail(format!("offerings[{i}].{field}"), what))?);
    }
    let mut requirements: Requirements = [
        (labels::INSTANCE_TYPE, Requirement::exactly(t.name.as_str())),
        (labels::ARCH, Requirement::exactly(t.architecture.as_str())),
        (labels::OS, Requirement::any_of(t.operating_systems.iter().map(String::as_str))),
        (labels::ZONE, offered(&offerings, labels::ZONE)),
        (labels::CAPACITY_TYPE, offered(&offerings, labels::CAPACITY_TYPE)),
    ]
    .into_iter()
    .collect();
    requirements.add_all(&Requirements::from_labels(&t.labels));
    for key in &keys.exclusive {
        if requirements.get(key).is_none() {
            // What tells offerings apart, such as a reservation, is the type's to have in any of its offerings.
            let own = own.iter().find(|(k, _)| *k == &**key).map(|(_, value)| Requirement::exactly(value.as_str()));
            requirements.replace(key.clone(), own.unwrap_or_else(|| offered(&offerings, key)));
        }
    }
    let mut capacity = Resources::from_quantities(&t.resources);
    if !capacity.has(names::PODS) {
        capacity.set(names::PODS, DEFAULT_PODS);
    }
    if let Some((resource, _)) = capacity.iter().find(|(_, amount)| *amount < 0) {
        return Err(fail(format!("resources.{resource}"), "a machine cannot have less than nothing".to_owned()));
    }
    let kube_reserved = t.overhead.as_ref().map_or_else(default_overhead, Resources::from_quantities);
    Ok(InstanceType {
        name: Name::from(t.name.as_str()),
        requirements,
        offerings,
        capacity,
        overhead: Overhead { kube_reserved, ..Overhead::default() },
        volume_limits: vec![],
        overlaid: Overlaid::default(),
    })
}

/// Pods of a node of which the file does not say how many it takes.
const DEFAULT_PODS: i64 = 110;

fn default_overhead() -> Resources {
    Resources::new().with(names::CPU, 100).with(names::MEMORY, 10 << 20)
}

/// All values that the available offerings have for a key.
fn offered(offerings: &[Offering], key: &str) -> Requirement {
    let available = offerings.iter().filter(|o| o.available).filter_map(|o| o.requirements.get(key)?.listed());
    let values: BTreeSet<&Name> = available.flatten().collect();
    Requirement::any_of(values.into_iter().map(|v| &**v))
}

fn offering(o: &OfferingJson, keys: &Keys) -> Result<Offering, (String, String)> {
    if !(o.price.is_finite() && o.price >= 0.0) {
        return Err(("Price".to_owned(), format!("{} is no price: dollars per hour, zero or more", o.price)));
    }
    let mut requirements = Requirements::new();
    for (i, r) in o.requirements.iter().enumerate() {
        let requirement =
            Requirement::new(r.operator, &r.values).map_err(|e| (format!("Requirements[{i}]"), e.to_string()))?;
        requirements.add(&r.key, requirement);
    }
    for key in labels::WELL_KNOWN_FOR_OFFERINGS {
        if requirements.get(key).and_then(Requirement::single).is_none() {
            return Err(("Requirements".to_owned(), format!("{key} must be In exactly one value")));
        }
    }
    let reserved = requirements.get(labels::CAPACITY_TYPE).is_some_and(|c| c.contains(labels::CAPACITY_TYPE_RESERVED));
    let label = keys.reservation.as_deref().unwrap_or(aws::CAPACITY_RESERVATION_ID);
    if reserved && requirements.get(label).and_then(Requirement::single).is_none() {
        let what = format!("a reserved offering needs the requirement {label} In exactly one value");
        return Err(("Requirements".to_owned(), what));
    }
    Ok(Offering {
        requirements: Arc::new(requirements),
        price: Price::from_dollars(o.price),
        available: o.available,
        // Only what is reserved can run out.
        reservation_capacity: reserved.then(|| o.reservation_capacity.unwrap_or(0)),
    })
}

#[cfg(test)]
#[path = "kwok_tests.rs"]
mod tests;
