//! The catalogue: facts about every EC2 instance type, and the instance types that come of them for a request.
//!
//! It puts together what labels, capacity, overhead, compatibility and offerings each compute; which of the types are worth
//! buying is the scheduler's business.

use crate::ec2::capacity::capacity;
use crate::ec2::compatibility::compatible;
use crate::ec2::family;
use crate::ec2::format::{self, Facts, FormatError};
use crate::ec2::labels::Labeller;
use crate::ec2::offerings::{HOME, Market, on_demand_price};
use crate::ec2::overhead::overhead;
use crate::ec2::record::{RegionRecord, TypeRecord};
use crate::ec2::request::Ec2Request;
use dovetail_scheduler::instance_type::{InstanceType, Overlaid};
use dovetail_scheduler::requirement::Name;
use std::sync::Arc;

/// Facts about instance types and where they are sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    facts: Facts,
}

/// Why a catalogue cannot be had or has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// Nothing is known of the region.
    #[error("the EC2 catalogue does not know the region {region:?}: use one of {}, or build a catalogue with it", .known.join(", "))]
    UnknownRegion {
        /// The region asked for.
        region: String,
        /// The regions that are known.
        known: Vec<String>,
    },
    /// A catalogue file cannot be read or written.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// What a catalogue was to be made of cannot be used.
    #[error("{from}: {what}")]
    Input {
        /// The file or table.
        from: String,
        /// What is wrong with it and where.
        what: String,
    },
}

static EMBEDDED: &[u8] = include_bytes!("../../data/ec2.catalogue");

impl Catalogue {
    /// The catalogue that comes with the program.
    ///
    /// # Errors
    /// If it is damaged, which tests rule out.
    pub fn embedded() -> Result<Self, CatalogueError> {
        Self::decode(EMBEDDED)
    }

    /// Reads a catalogue file.
    ///
    /// # Errors
    /// If the bytes are no catalogue, or not of this version.
    pub fn decode(bytes: &[u8]) -> Result<Self, CatalogueError> {
        Ok(Self { facts: format::decode(bytes)? })
    }

    /// The catalogue as a file.
    ///
    /// # Errors
    /// If it is too large for the format.
    pub fn encode(&self) -> Result<Vec<u8>, CatalogueError> {
        Ok(format::encode(&self.facts)?)
    }

    pub(crate) const fn from_facts(facts: Facts) -> Self {
        Self { facts }
    }

    /// The facts about every type, in the order of the names.
    pub fn types(&self) -> &[TypeRecord] {
        &self.facts.types
    }

    /// The names of the regions, in order.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.facts.regions.iter().map(|r| r.name.as_str())
    }

    /// What is sold in a region.
    ///
    /// # Errors
    /// If nothing is known of the region; the error names those that are known.
    pub fn region(&self, name: &str) -> Result<&RegionRecord, CatalogueError> {
        self.facts.regions.iter().find(|r| r.name == name).ok_or_else(|| CatalogueError::UnknownRegion {
            region: name.to_owned(),
            known: self.regions().map(str::to_owned).collect(),
        })
    }

    /// The types that some region offers at a price that nobody knows.
    pub(crate) fn unpriced(&self) -> impl Iterator<Item = &str> {
        let home = self.home();
        let unpriced = move |number: usize| {
            let offered = |r: &&RegionRecord| r.offered.get(number).is_some_and(|zones| *zones != 0);
            self.facts.regions.iter().filter(offered).any(|r| on_demand_price(r, home, number).is_none())
        };
        self.facts.types.iter().enumerate().filter(move |(i, _)| unpriced(*i)).map(|(_, t)| t.name.as_str())
    }

    fn home(&self) -> Option<&RegionRecord> {
        self.facts.regions.iter().find(|r| r.name == HOME)
    }

    /// The instance types of the region as the request makes them, in the order of their names: those too that cannot be
    /// bought as the request wants them, with no available offering.
    ///
    /// # Errors
    /// If nothing is known of the region.
    pub fn instance_types(&self, request: &Ec2Request) -> Result<Vec<Arc<InstanceType>>, CatalogueError> {
        let region = self.region(&request.region)?;
        let rules = family::rules(request.family);
        let market = Market::new(region, self.home(), request);
        let mut labeller = Labeller::new(request, &rules);
        let sold = |(number, _): &(usize, &TypeRecord)| region.offered.get(*number).is_some_and(|zones| *zones != 0);
        let types = self.facts.types.iter().enumerate().filter(sold);
        Ok(types
            .map(|(number, record)| {
                Arc::new(InstanceType {
                    name: Name::from(record.name.as_str()),
                    requirements: labeller.label(number, record, &market),
                    offerings: market.offerings(number, record, compatible(record, request)),
                    capacity: capacity(record, request, &rules),
                    overhead: overhead(record, request, &rules),
                    volume_limits: vec![], // EC2 says nothing reliable before the CSI driver has registered
                    overlaid: Overlaid::default(),
                })
            })
            .collect())
    }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
