//! Prices as AWS says them: how its price list and its spot history are read, what is kept where they say nothing, and the
//! catalogue's offerings at these prices (spec aws-provider 4.1, 4.2, 4.5). Whether an offering is available is decided
//! elsewhere.

use crate::capacity_type::CapacityType;
use dovetail_api::labels::ZONE;
use dovetail_scheduler::instance_type::{InstanceType, Offering, Price};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reserved capacity is paid for; it is priced so that it goes before all else, and dear types still cost more than cheap ones.
const RESERVED_DIVISOR: i64 = 10_000_000;

/// Why a price list was not taken. The old prices stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// It has no prices.
    #[error("the price list of {0} has no price: the prices of before are kept")]
    Empty(&'static str),
    /// It has no prices of spot capacity.
    #[error("the history of spot prices has no record: the prices of before are kept")]
    NoSpot,
}

/// The region whose endpoint of the Pricing API answers for a region.
#[must_use]
pub fn endpoint_region(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("ap") => "ap-south-1",
        Some("cn") => "cn-northwest-1",
        Some("eu") => "eu-central-1",
        _ => "us-east-1",
    }
}

/// Whether prices on demand are asked for at all: the API cannot be reached from an isolated VPC, and knows nothing of GovCloud.
#[must_use]
pub fn asks_on_demand(region: &str, isolated_vpc: bool) -> bool {
    !isolated_vpc && !region.starts_with("us-gov-")
}

/// The filters (all of them exact) of one of the two queries for prices on demand: of shared hardware, or of bare metal.
#[must_use]
pub fn filters(region: &str, metal: bool) -> Vec<(&'static str, String)> {
    let (tenancy, family) =
        if metal { ("Dedicated", "Compute Instance (bare metal)") } else { ("Shared", "Compute Instance") };
    [
        ("regionCode", region),
        ("serviceCode", "AmazonEC2"),
        ("preInstalledSw", "NA"),
        ("operatingSystem", "Linux"),
        ("capacitystatus", "Used"),
        ("marketoption", "OnDemand"),
        ("tenancy", tenancy),
        ("productFamily", family),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

#[derive(Deserialize)]
struct Item {
    product: Product,
    terms: Terms,
}

#[derive(Deserialize)]
struct Product {
    attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    instance_type: String,
}

#[derive(Deserialize)]
struct Terms {
    #[serde(rename = "OnDemand", default)]
    on_demand: BTreeMap<String, Term>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    price_dimensions: BTreeMap<String, Dimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dimension {
    price_per_unit: BTreeMap<String, String>,
}

/// Prices on demand by type, out of the items of both queries, each a JSON document. What cannot be read, and what is free,
/// is left out.
///
/// # Errors
/// If either query has no price: half a price list would make the other half look as dear as before.
pub fn on_demand(region: &str, shared: &[&str], metal: &[&str]) -> Result<BTreeMap<String, Price>, PriceError> {
    let currency = if region.starts_with("cn-") { "CNY" } else { "USD" };
    let read = |items: &[&str], name| {
        let prices: BTreeMap<String, Price> = items.iter().filter_map(|item| price_of(item, currency)).collect();
        if prices.is_empty() { Err(PriceError::Empty(name)) } else { Ok(prices) }
    };
    let mut prices = read(shared, "shared hardware")?;
    prices.extend(read(metal, "bare metal")?);
    Ok(prices)
}

fn price_of(item: &str, currency: &str) -> Option<(String, Price)> {
    let item: Item = serde_json::from_str(item).ok()?;
    let dimensions = item.terms.on_demand.into_values().flat_map(|term| term.price_dimensions.into_values());
    let price = dimensions.filter_map(|d| dollars(d.price_per_unit.get(currency)?)).max()?;
    Some((item.product.attributes.instance_type, price))
}

/// A price above zero.
fn dollars(text: &str) -> Option<Price> {
    let dollars: f64 = text.parse().ok()?;
    (dollars.is_finite() && dollars > 0.0).then(|| Price::from_dollars(dollars))
}

/// A record of the history of spot prices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpotRecord {
    /// The instance type.
    pub instance_type: String,
    /// The zone.
    pub zone: String,
    /// The price, in dollars per hour.
    pub price: String,
    /// Since when it holds; a record without that is ignored.
    pub since: Option<Timestamp>,
}

/// Prices that AWS has said. What it has not said yet is as in the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    on_demand: BTreeMap<String, Price>,
    /// None until the history was read once.
    spot: Option<BTreeMap<String, BTreeMap<String, Price>>>,
}

impl Prices {
    /// Takes over prices on demand. Types that they do not name keep theirs.
    pub fn read_on_demand(&mut self, prices: BTreeMap<String, Price>) {
        self.on_demand.extend(prices);
    }

    /// Takes over spot prices: of each type and zone the record that holds since the latest time. Others keep theirs.
    ///
    /// # Errors
    /// If there is no record that can be read.
    pub fn read_spot(&mut self, records: &[SpotRecord]) -> Result<(), PriceError> {
        let mut latest: BTreeMap<(&str, &str), (Timestamp, Price)> = BTreeMap::new();
        for record in records {
            let (Some(since), Some(price)) = (record.since, dollars(&record.price)) else { continue };
            let known = latest.entry((&record.instance_type, &record.zone)).or_insert((since, price));
            if since >= known.0 {
                *known = (since, price);
            }
        }
        if latest.is_empty() {
            return Err(PriceError::NoSpot);
        }
        let spot = self.spot.get_or_insert_default();
        for ((instance_type, zone), (_, price)) in latest {
            spot.entry(instance_type.to_owned()).or_default().insert(zone.to_owned(), price);
        }
        Ok(())
    }

    /// The types at these prices. Once the history of spot prices is known, spot capacity that it does not name has no price,
    /// and so is not on sale. A type of which no price changes is shared.
    #[must_use]
    pub fn apply(&self, types: &[Arc<InstanceType>]) -> Vec<Arc<InstanceType>> {
        let one = |t: &Arc<InstanceType>| {
            let prices: Vec<Price> = t.offerings.iter().map(|offering| self.price(&t.name, offering)).collect();
            if t.offerings.iter().zip(&prices).all(|(offering, price)| offering.price == *price) {
                return Arc::clone(t);
            }
            let mut changed = (**t).clone();
            changed.offerings.iter_mut().zip(prices).for_each(|(offering, price)| offering.price = price);
            Arc::new(changed)
        };
        types.iter().map(one).collect()
    }

    fn price(&self, name: &str, offering: &Offering) -> Price {
        let listed = self.on_demand.get(name).copied();
        match CapacityType::of(offering) {
            Some(CapacityType::OnDemand) => listed.unwrap_or(offering.price),
            Some(CapacityType::Reserved) => {
                let share = |listed: Price| Price::from_picodollars(listed.picodollars() / RESERVED_DIVISOR);
                listed.map_or(offering.price, share)
            }
            Some(CapacityType::Spot) => self.spot.as_ref().map_or(offering.price, |spot| {
                let zone = offering.requirements.get(ZONE).and_then(|zone| zone.single());
                zone.and_then(|zone| spot.get(name)?.get(&**zone).copied()).unwrap_or(Price::MAX)
            }),
            None => offering.price,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{kind, offering, reserved};
    use jiff::SignedDuration;

    fn item(instance_type: &str, currency: &str, price: &str) -> String {
        format!(
            r#"{{"product":{{"attributes":{{"instanceType":"{instance_type}"}}}},
                "terms":{{"OnDemand":{{"x":{{"priceDimensions":{{"y":{{"pricePerUnit":{{"{currency}":"{price}"}}}}}}}}}}}}}}"#
        )
    }

    fn listed(region: &str, shared: &[String], metal: &[String]) -> Result<BTreeMap<String, Price>, PriceError> {
        let shared: Vec<&str> = shared.iter().map(String::as_str).collect();
        let metal: Vec<&str> = metal.iter().map(String::as_str).collect();
        on_demand(region, &shared, &metal)
    }

    fn record(zone: &str, price: &str, second: Option<i64>) -> SpotRecord {
        SpotRecord {
            instance_type: "m5.large".to_owned(),
            zone: zone.to_owned(),
            price: price.to_owned(),
            since: second.map(|s| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(s)),
        }
    }

    fn dollars_of(prices: &Prices, types: &[Arc<InstanceType>]) -> Vec<f64> {
        prices.apply(types)[0].offerings.iter().map(|o| o.price.dollars()).collect()
    }

    #[test]
    fn a_price_list_is_read_as_far_as_it_makes_sense() {
        let shared =
            [item("m5.large", "USD", "0.096"), item("free", "USD", "0.0"), item("odd", "USD", "?"), "{}".to_owned()];
        let metal = [item("m5.metal", "USD", "4.608")];
        let prices = listed("us-west-2", &shared, &metal).expect("prices");
        let expected = [("m5.large", 0.096), ("m5.metal", 4.608)].map(|(t, p)| (t.to_owned(), Price::from_dollars(p)));
        assert_eq!(prices, expected.into());
        assert_eq!(listed("us-west-2", &shared, &[]), Err(PriceError::Empty("bare metal")));
        assert_eq!(listed("us-west-2", &[], &metal), Err(PriceError::Empty("shared hardware")));
        let china = [item("m5.large", "CNY", "0.7")];
        assert!(listed("cn-north-1", &china, &china).is_ok() && listed("us-west-2", &china, &china).is_err());
    }

    #[test]
    fn the_pricing_api_answers_in_a_few_regions() {
        for (region, endpoint) in [
            ("us-west-2", "us-east-1"),
            ("ap-northeast-1", "ap-south-1"),
            ("cn-north-1", "cn-northwest-1"),
            ("eu-west-3", "eu-central-1"),
            ("sa-east-1", "us-east-1"),
        ] {
            assert_eq!(endpoint_region(region), endpoint);
        }
        assert!(asks_on_demand("us-west-2", false));
        assert!(!asks_on_demand("us-west-2", true) && !asks_on_demand("us-gov-west-1", false));
        let metal = filters("us-west-2", true);
        assert!(metal.contains(&("tenancy", "Dedicated".to_owned())) && metal.len() == 8);
    }

    #[test]
    fn what_aws_says_replaces_the_catalogue_s_prices_and_the_rest_stays() {
        let types = [kind(
            "m5.large",
            vec![offering("on-demand", "a", 1.0), offering("spot", "a", 0.5), reserved("cr-1", "a", 1)],
        )];
        let mut prices = Prices::default();
        assert!(Arc::ptr_eq(&prices.apply(&types)[0], &types[0]), "nothing has been said");
        prices.read_on_demand([("m5.large".to_owned(), Price::from_dollars(2.0))].into());
        assert_eq!(dollars_of(&prices, &types), [2.0, 0.5, 0.000_000_2]);
        prices.read_on_demand([("c5.large".to_owned(), Price::from_dollars(9.0))].into());
        assert_eq!(dollars_of(&prices, &types)[0], 2.0, "what is not named keeps its price");
    }

    #[test]
    fn spot_capacity_that_the_history_does_not_name_has_no_price() {
        let types = [kind("m5.large", vec![offering("spot", "a", 0.5), offering("spot", "b", 0.5)])];
        let mut prices = Prices::default();
        assert_eq!(prices.read_spot(&[record("a", "0.1", None)]), Err(PriceError::NoSpot));
        assert_eq!(dollars_of(&prices, &types), [0.5, 0.5]);
        let history = [record("a", "0.2", Some(5)), record("a", "0.1", Some(1)), record("a", "free", Some(9))];
        prices.read_spot(&history).expect("a record");
        assert_eq!(dollars_of(&prices, &types)[0], 0.2, "the latest that can be read");
        assert!(!prices.apply(&types)[0].offerings[1].on_sale());
        prices.read_spot(&[record("b", "0.3", Some(6))]).expect("a record");
        assert_eq!(dollars_of(&prices, &types), [0.2, 0.3]);
    }
}
