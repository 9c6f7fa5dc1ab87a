//! One NodeOverlay, read: what it selects and what it says about it. Whether it gets its way is not known here.

use super::Fault;
use super::adjustment::Adjustment;
use dovetail_api::labels;
use dovetail_api::node_overlay::NodeOverlay;
use dovetail_api::validation;
use dovetail_scheduler::instance_type::Price;
use dovetail_scheduler::requirement::Requirement;
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::Resources;

/// A NodeOverlay that makes sense.
#[derive(Debug)]
pub(super) struct Correction {
    pub(super) weight: i32,
    /// Which types and offerings it speaks of.
    pub(super) requirements: Requirements,
    pub(super) price: Option<Adjustment>,
    /// The resources whose amounts it sets.
    pub(super) capacity: Resources,
}

impl Correction {
    /// Reads an overlay.
    ///
    /// # Errors
    /// With everything that is wrong with it, first what Karpenter's own check finds.
    pub(super) fn read(overlay: &NodeOverlay) -> Result<Self, Vec<Fault>> {
        let mut faults: Vec<Fault> =
            validation::node_overlay(overlay).err().into_iter().flatten().map(Fault::Validation).collect();
        let spec = &overlay.spec;
        let mut requirements = Requirements::new();
        for (number, item) in spec.requirements.iter().enumerate() {
            match Requirement::new(item.operator, &item.values) {
                Ok(requirement) => requirements.add(&item.key, requirement),
                // Named already, in Karpenter's words, if it is a fault that Karpenter knows.
                Err(_) if !faults.is_empty() => {}
                Err(error) => faults.push(Fault::Requirement { number, error }),
            }
        }
        let price = price(overlay).unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        let capacity = Resources::from_quantities(spec.capacity.iter().flatten());
        let negative = capacity.iter().filter(|(_, amount)| *amount < 0);
        faults.extend(negative.map(|(resource, _)| Fault::NegativeCapacity { resource: resource.to_string() }));
        if faults.is_empty() {
            Ok(Self { weight: spec.weight.unwrap_or(0), requirements, price, capacity })
        } else {
            Err(faults)
        }
    }

    /// What becomes of the price of an offering. One that nobody knows is taken only from an overlay that names the types it
    /// means and nothing else: putting something on sale is not to happen in passing (specification aws-provider 4.1).
    pub(super) fn corrected(&self, price: Price) -> Price {
        match self.price {
            Some(adjustment) if price != Price::MAX || self.names_types() => adjustment.apply(price),
            _ => price,
        }
    }

    fn names_types(&self) -> bool {
        let types = self.requirements.get(labels::INSTANCE_TYPE).and_then(Requirement::listed);
        self.requirements.iter().len() == 1 && types.is_some_and(|list| list.len() > 0)
    }
}

fn price(overlay: &NodeOverlay) -> Result<Option<Adjustment>, Fault> {
    match (&overlay.spec.price, &overlay.spec.price_adjustment) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Fault::TwoPrices),
        (Some(text), None) => match Adjustment::price(text) {
            Some(price) => Ok(Some(price)),
            None => Err(Fault::Price { text: text.clone() }),
        },
        (None, Some(text)) => match Adjustment::change(text) {
            Some(change) => Ok(Some(change)),
            None => Err(Fault::Adjustment { text: text.clone() }),
        },
    }
}
