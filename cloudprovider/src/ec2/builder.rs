//! Makes a catalogue of what AWS publishes: `DescribeInstanceTypes`, the zones of each type, price lists, the spot advisor,
//! VPC limits and network bandwidth.
//!
//! It decides which types and regions the catalogue has, and notes what one table says and another does not know. Reading
//! files is the only effect here, and only in [`build_from_files`].

use crate::ec2::catalogue::{Catalogue, CatalogueError};
use crate::ec2::describe::{self, InstanceTypeInfo};
use crate::ec2::format::Facts;
use crate::ec2::record::{RegionRecord, TypeRecord, ZONES_MAX};
use crate::ec2::tables::{self, BandwidthRow, LimitsRow, Offerings, PriceRow, SpotRow};
use flate2::read::MultiGzDecoder;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a catalogue is made of.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The records of `DescribeInstanceTypes`, of all regions together.
    pub instance_types: Vec<InstanceTypeInfo>,
    /// Zones by type by region (`DescribeInstanceTypeOfferings`).
    pub offerings: Offerings,
    /// Linux prices on demand. Regions without any use those of us-east-1.
    pub prices: Vec<PriceRow>,
    /// Savings of spot capacity.
    pub spot: Vec<SpotRow>,
    /// VPC limits.
    pub limits: Vec<LimitsRow>,
    /// Baseline network bandwidth.
    pub bandwidth: Vec<BandwidthRow>,
}

/// The files that hold the inputs, plain or packed by gzip.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // named as the fields of `Inputs`
pub struct Paths {
    pub instance_types: PathBuf,
    pub offerings: PathBuf,
    pub prices: PathBuf,
    pub spot: PathBuf,
    pub limits: PathBuf,
    pub bandwidth: PathBuf,
}

/// Something about the inputs that the catalogue was made in spite of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// No node can run on the type; with the reason.
    NoNodes(String, String),
    /// No region offers the type, so the catalogue leaves it out.
    NotOffered(String),
    /// The type is offered somewhere but nobody described it.
    NotDescribed(String),
    /// No price is known, so the type cannot be bought.
    NoPrice(String),
    /// The VPC limits lack the type, so its pods get no interfaces of their own.
    NoLimits(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNodes(name, why) => write!(f, "{name}: left out, {why}"),
            Self::NotOffered(name) => write!(f, "{name}: left out, no region offers it"),
            Self::NotDescribed(name) => write!(f, "{name}: left out, it is offered but not described"),
            Self::NoPrice(name) => write!(f, "{name}: cannot be bought, its price is not known"),
            Self::NoLimits(name) => write!(f, "{name}: no VPC limits, so no interfaces for single pods"),
        }
    }
}

/// Makes a catalogue and notes what is odd about the inputs. The same inputs, in any order, give the same catalogue.
///
/// # Errors
/// If the inputs contradict each other: a type described or priced twice and differently, no offerings at all, a region
/// with more zones than the format has bits for, savings of more than 100 per cent.
pub fn build(inputs: Inputs) -> Result<(Catalogue, Vec<Note>), CatalogueError> {
    let mut notes = BTreeSet::new();
    let types = describe_types(&inputs, &mut notes)?;
    let index: BTreeMap<&str, usize> = types.iter().enumerate().map(|(i, t)| (t.name.as_str(), i)).collect();
    for name in inputs.offerings.values().flat_map(BTreeMap::keys) {
        let described =
            index.contains_key(name.as_str()) || inputs.instance_types.iter().any(|t| t.instance_type == *name);
        if !described {
            notes.insert(Note::NotDescribed(name.clone()));
        }
    }
    let prices = prices(&inputs.prices)?;
    let savings = savings(&inputs.spot)?;
    let regions = inputs
        .offerings
        .iter()
        .map(|(name, offered)| region(name, offered, &types, &index, &prices, &savings))
        .collect::<Result<Vec<_>, _>>()?;
    if regions.is_empty() {
        return Err(contradiction("offerings", "there is no region in it".to_owned()));
    }
    let catalogue = Catalogue::from_facts(Facts { types, regions });
    notes.extend(catalogue.unpriced().map(|name| Note::NoPrice(name.to_owned())));
    Ok((catalogue, notes.into_iter().collect()))
}

/// Reads the files and makes a catalogue of them.
///
/// # Errors
/// As [`build`]; and if a file cannot be read, with its path and what is wrong where in it.
pub fn build_from_files(paths: &Paths) -> Result<(Catalogue, Vec<Note>), CatalogueError> {
    build(Inputs {
        instance_types: read(&paths.instance_types, describe::read)?,
        offerings: read(&paths.offerings, tables::offerings)?,
        prices: read(&paths.prices, tables::rows)?,
        spot: read(&paths.spot, tables::rows)?,
        limits: read(&paths.limits, tables::rows)?,
        bandwidth: read(&paths.bandwidth, tables::rows)?,
    })
}

fn read<T>(path: &Path, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, CatalogueError> {
    let fail = |what: String| CatalogueError::Input { from: path.display().to_string(), what };
    let bytes = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
    let mut text = String::new();
    if bytes.starts_with(&GZIP) {
        MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).map_err(|e| fail(e.to_string()))?;
    } else {
        text = String::from_utf8(bytes).map_err(|e| fail(e.to_string()))?;
    }
    parse(&text).map_err(fail)
}

/// How a file packed by gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

fn contradiction(table: &str, what: String) -> CatalogueError {
    CatalogueError::Input { from: table.to_owned(), what }
}

fn describe_types(inputs: &Inputs, notes: &mut BTreeSet<Note>) -> Result<Vec<TypeRecord>, CatalogueError> {
    let limits: BTreeMap<&str, &LimitsRow> = inputs.limits.iter().map(|r| (r.instance_type.as_str(), r)).collect();
    let bandwidth: BTreeMap<&str, u32> =
        inputs.bandwidth.iter().map(|r| (r.instance_type.as_str(), r.megabits)).collect();
    let offered: BTreeSet<&str> = inputs
        .offerings
        .values()
        .flatten()
        .filter(|(_, zones)| !zones.is_empty())
        .map(|(name, _)| name.as_str())
        .collect();
    let mut types: BTreeMap<String, TypeRecord> = BTreeMap::new();
    for info in &inputs.instance_types {
        let name = info.instance_type.clone();
        let mut record = match describe::record(info.clone()) {
            Ok(record) => record,
            Err(why) => {
                notes.insert(Note::NoNodes(name, why));
                continue;
            }
        };
        if !offered.contains(name.as_str()) {
            notes.insert(Note::NotOffered(name));
            continue;
        }
        match limits.get(name.as_str()) {
            Some(row) => {
                record.network.branch_interfaces = if row.trunking { row.branch_interfaces } else { 0 };
                record.network.windows_ipv4_per_interface = row.ipv4_per_interface;
            }
            None => {
                notes.insert(Note::NoLimits(name.clone()));
            }
        }
        record.network_bandwidth_mbps = bandwidth.get(name.as_str()).copied();
        match types.get(&name) {
            Some(known) if *known != record => {
                return Err(contradiction("instance types", format!("{name} is described twice and differently")));
            }
            _ => {
                types.insert(name, record);
            }
        }
    }
    Ok(types.into_values().collect())
}

type ByRegion<T> = BTreeMap<String, BTreeMap<String, T>>;

fn by_region<T: PartialEq + Copy>(
    table: &str,
    rows: impl Iterator<Item = (String, String, T)>,
) -> Result<ByRegion<T>, CatalogueError> {
    let mut out: ByRegion<T> = BTreeMap::new();
    for (region, name, value) in rows {
        let known = out.entry(region.clone()).or_default().insert(name.clone(), value);
        if known.is_some_and(|known| known != value) {
            return Err(contradiction(table, format!("{name} in {region} is there twice and differs")));
        }
    }
    Ok(out)
}

fn prices(rows: &[PriceRow]) -> Result<ByRegion<u64>, CatalogueError> {
    // A price of zero is no price: AWS lists it for what cannot be bought on its own (the specification, aws-provider 4.5).
    let rows = rows.iter().filter(|r| r.nanodollars > 0);
    by_region("prices", rows.map(|r| (r.region.clone(), r.instance_type.clone(), r.nanodollars)))
}

fn savings(rows: &[SpotRow]) -> Result<ByRegion<i16>, CatalogueError> {
    if let Some(row) = rows.iter().find(|r| r.savings_percent > 100) {
        let what = format!("{} in {} saves {} %", row.instance_type, row.region, row.savings_percent);
        return Err(contradiction("spot savings", what));
    }
    by_region("spot savings", rows.iter().map(|r| (r.region.clone(), r.instance_type.clone(), r.savings_percent)))
}

fn region(
    name: &str,
    offered: &BTreeMap<String, Vec<String>>,
    types: &[TypeRecord],
    index: &BTreeMap<&str, usize>,
    prices: &ByRegion<u64>,
    savings: &ByRegion<i16>,
) -> Result<RegionRecord, CatalogueError> {
    let zones: Vec<String> = offered.values().flatten().collect::<BTreeSet<_>>().into_iter().cloned().collect();
    if zones.len() > ZONES_MAX {
        return Err(contradiction("offerings", format!("{name} has {} zones, the most is {ZONES_MAX}", zones.len())));
    }
    let mut masks = vec![0_u64; types.len()];
    for (type_name, places) in offered {
        let Some(mask) = index.get(type_name.as_str()).and_then(|i| masks.get_mut(*i)) else { continue };
        *mask = places.iter().filter_map(|p| zones.binary_search(p).ok()).fold(0, |m, bit| m | 1 << bit);
    }
    let column = |table: &BTreeMap<String, _>| types.iter().map(|t| table.get(&t.name).copied()).collect::<Vec<_>>();
    Ok(RegionRecord {
        name: name.to_owned(),
        zones,
        offered: masks,
        on_demand: prices.get(name).map(column).unwrap_or_default(),
        spot_savings: types.iter().map(|t| savings.get(name)?.get(&t.name).copied()).collect(),
    })
}

#[cfg(test)]
#[path = "builder_tests.rs"]
mod tests;
