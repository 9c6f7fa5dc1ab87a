//! Reads the tables that AWS publishes beside its API: prices, spot savings, VPC limits, bandwidth, zones.
//!
//! Each is a list of rows with named columns; further columns are ignored. What the rows mean together is the builder's
//! business.

use dovetail_api::quantity::Quantity;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};
use std::collections::BTreeMap;

/// Zones by instance type by region.
pub type Offerings = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// A price on demand.
#[derive(Clone, Debug, Deserialize)]
pub struct PriceRow {
    /// Such as `us-east-1`.
    pub region: String,
    /// Such as `m5.large`.
    pub instance_type: String,
    /// Billionths of a dollar per hour; the column holds dollars.
    #[serde(rename = "usd_per_hour", deserialize_with = "nanos")]
    pub nanodollars: u64,
}

/// What spot capacity saves.
#[derive(Clone, Debug, Deserialize)]
pub struct SpotRow {
    /// Such as `us-east-1`.
    pub region: String,
    /// Such as `m5.large`.
    pub instance_type: String,
    /// Per cent of the price on demand, at most 100; negative where spot capacity costs more.
    pub savings_percent: i16,
}

/// What the VPC allows a type.
#[derive(Clone, Debug, Deserialize)]
pub struct LimitsRow {
    /// Such as `m5.large`.
    pub instance_type: String,
    /// IPv4 addresses of one interface.
    pub ipv4_per_interface: u32,
    /// Whether interfaces can be given to single pods.
    pub trunking: bool,
    /// How many.
    pub branch_interfaces: u32,
}

/// The baseline network bandwidth of a type.
#[derive(Clone, Debug, Deserialize)]
pub struct BandwidthRow {
    /// Such as `m5.large`.
    pub instance_type: String,
    /// Mbit/s.
    pub megabits: u32,
}

/// Reads a table in CSV with a header line.
///
/// # Errors
/// Says in which line and column what cannot be read.
pub fn rows<T: DeserializeOwned>(csv: &str) -> Result<Vec<T>, String> {
    csv::Reader::from_reader(csv.as_bytes()).into_deserialize().collect::<Result<_, _>>().map_err(|e| e.to_string())
}

/// Reads zones by instance type by region from JSON.
///
/// # Errors
/// Says where what cannot be read.
pub fn offerings(json: &str) -> Result<Offerings, String> {
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(json))
        .map_err(|e| format!("expected {{region: {{type: [zones]}}}}: at {}: {}", e.path(), e.inner()))
}

/// A decimal number without rounding: prices must not depend on how a machine adds.
fn nanos<'de, D: serde::Deserializer<'de>>(column: D) -> Result<u64, D::Error> {
    let text = String::deserialize(column)?;
    let quantity: Quantity = text.trim().parse().map_err(D::Error::custom)?;
    u64::try_from(quantity.nanos())
        .map_err(|_| D::Error::custom(format!("{text:?} is no price: dollars per hour, zero or more")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact() {
        let table =
            "region,instance_type,usd_per_hour\nus-east-1,t4g.nano,0.0042\nus-east-1,u7in-32tb.224xlarge,360.987\n";
        let prices: Vec<u64> = rows::<PriceRow>(table).expect("a table").iter().map(|r| r.nanodollars).collect();
        assert_eq!(prices, [4_200_000, 360_987_000_000]);
    }

    #[test]
    fn a_bad_cell_is_named_by_its_line() {
        for bad in ["cheap", "-1"] {
            let table = format!("region,instance_type,usd_per_hour\nus-east-1,m5.large,{bad}\n");
            let error = rows::<PriceRow>(&table).expect_err("no price");
            assert!(error.contains("line: 2"), "{error}");
        }
        let error = rows::<BandwidthRow>("instance_type\nm5.large\n").expect_err("a column is missing");
        assert!(error.contains("megabits"), "{error}");
    }

    #[test]
    fn a_bad_list_of_zones_is_named_by_its_place() {
        let error = offerings(r#"{"us-east-1": {"m5.large": "us-east-1a"}}"#).expect_err("zones are a list");
        assert!(error.contains("us-east-1.m5\\.large") || error.contains("us-east-1.m5.large"), "{error}");
    }
}
