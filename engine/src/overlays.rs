//! NodeOverlays: which prices and capacities they correct in each pool, and which of them contradict each other (the
//! Karpenter specification, scheduling 6.1, and v1.15 changes 8.9).
//!
//! All overlays are evaluated at once against what every pool is offered, and nothing is stored before all of an overlay is
//! known to be free of conflicts: it applies everywhere or nowhere. A corrected price is for choosing and for
//! consolidation; the provider's own list stays as it is, and it is what machines are launched and paid by. That the feature
//! gate is off is not known here: whoever reads the objects then reads no overlays.

mod adjustment;
mod correction;
mod ledger;
#[cfg(test)]
mod property_tests;
mod shelf;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod testing;

use crate::pools;
use correction::Correction;
use dovetail_api::conditions::node_overlay::{CONFLICT_MESSAGE, RUNTIME_VALIDATION};
use dovetail_api::node_overlay::NodeOverlay;
use dovetail_api::node_pool::NodePool;
use dovetail_api::validation::{self, OverlayProblem};
use dovetail_scheduler::instance_type::InstanceType;
use dovetail_scheduler::requirement::RequirementError;
use dovetail_scheduler::requirements::{Requirements, WellKnown};
use ledger::{Ledger, Workshop};
use shelf::{Shelf, Subject, Vocabulary, Ways};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A pool, as far as overlays look at it.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The pool's name.
    pub pool: String,
    /// The labels that every node of the pool has; what the pool requires beyond them does not count.
    pub labels: Requirements,
    /// What the provider sells for it.
    pub instance_types: Arc<[Arc<InstanceType>]>,
}

impl Offer {
    /// What a pool is offered.
    pub fn new(pool: &NodePool, instance_types: Arc<[Arc<InstanceType>]>) -> Self {
        // Karpenter leaves the label of the node class out here, so that an overlay that names it, which the API server
        // lets through, selects nothing. The nodes do carry it.
        let labels = Requirements::from_labels(pools::template_labels(pool));
        Self { pool: crate::provisioning::name(pool).to_owned(), labels, instance_types }
    }
}

/// What became of all overlays.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// What each pool is offered with the overlays in force, in the order of the offers. Types that no overlay changes are
    /// the same objects as before, and types that come out the same for several pools are one object.
    pub instance_types: Vec<Arc<[Arc<InstanceType>]>>,
    /// Each overlay by name, in the order in which they were heard: the heaviest first, and among equals the last by name.
    pub outcomes: Vec<(String, Outcome)>,
}

/// What became of an overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in force.
    Applied {
        /// How many types it speaks of, counted pool by pool.
        selected: usize,
        /// About how many of them it has the say in a price or an amount; about the others a heavier overlay has.
        changed: usize,
    },
    /// It makes no sense.
    Invalid(Vec<Fault>),
    /// An overlay of the same weight, heard before, says something about the same thing. It makes no difference whether both
    /// say the same.
    Conflict(Conflict),
}

/// Where two overlays contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The weight that they have in common.
    pub weight: i32,
    /// The overlays that were heard before, by name, in order.
    pub with: Vec<String>,
    /// A NodePool where they meet, the first by name.
    pub pool: String,
    /// An instance type of it.
    pub instance_type: String,
    /// What both speak of.
    pub disputed: Disputed,
}

/// What an overlay can say something about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disputed {
    /// The price of an offering.
    Price,
    /// The amount of this resource.
    Capacity(String),
}

/// What is wrong with an overlay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// What Karpenter checks when it reads it.
    #[error(transparent)]
    Validation(validation::Fault<OverlayProblem>),
    /// A requirement cannot be read.
    #[error("spec.requirements[{number}]: {error}")]
    Requirement {
        /// Its place in the list.
        number: usize,
        /// What is wrong with it.
        error: RequirementError,
    },
    /// A price and a change of the price.
    #[error("cannot set both 'price' and 'priceAdjustment': keep one of them")]
    TwoPrices,
    /// A price that is none.
    #[error("spec.price: {text:?} is no price: write dollars per hour, such as 0.25")]
    Price {
        /// What stands there.
        text: String,
    },
    /// A change of the price that is none.
    #[error("spec.priceAdjustment: {text:?} is no change of a price: write for instance +0.5, -0.1, +10% or -15%")]
    Adjustment {
        /// What stands there.
        text: String,
    },
    /// Less than nothing of a resource.
    #[error("spec.capacity[{resource}]: a machine cannot have less than nothing: write zero or more")]
    NegativeCapacity {
        /// The resource.
        resource: String,
    },
}

/// What a person should know of it; for an overlay that changes what it speaks of there is nothing to say.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied { selected: 0, .. } => f.write_str("it selects no instance type of any NodePool"),
            Self::Applied { changed: 0, .. } => {
                f.write_str("it changes nothing: heavier overlays say something about the same types")
            }
            Self::Applied { changed, .. } => write!(f, "applied to {changed} instance type(s)"),
            Self::Invalid(faults) => write!(f, "not applied: {RUNTIME_VALIDATION}: {}", validation::message(faults)),
            Self::Conflict(conflict) => write!(f, "not applied: {conflict}"),
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { weight, with, pool, instance_type, disputed } = self;
        let (has, with) = (if with.len() == 1 { "has" } else { "have" }, with.join(", "));
        write!(f, "{CONFLICT_MESSAGE}: {with} {has} the same weight {weight} and set")?;
        if has == "has" {
            f.write_str("s")?;
        }
        match disputed {
            Disputed::Price => f.write_str(" the price")?,
            Disputed::Capacity(resource) => write!(f, " {resource}")?,
        }
        write!(f, " of {instance_type} in NodePool {pool} too; give one of them another weight")
    }
}

/// Evaluates all overlays against what all pools are offered. The order of the overlays does not matter.
pub fn evaluate(overlays: &[NodeOverlay], offers: &[Offer], well_known: &WellKnown) -> Evaluation {
    if overlays.is_empty() {
        let instance_types = offers.iter().map(|offer| Arc::clone(&offer.instance_types)).collect();
        return Evaluation { instance_types, outcomes: vec![] };
    }
    let mut read: Vec<Read<'_>> = overlays
        .iter()
        .map(|overlay| (overlay.metadata.name.as_deref().unwrap_or_default(), Correction::read(overlay)))
        .collect();
    read.sort_by_key(|(name, correction)| Reverse((correction.as_ref().map_or(0, |c| c.weight), *name)));
    let mut store = Store::new(offers, &read);
    let outcomes: Vec<_> = read
        .iter()
        .enumerate()
        .map(|(number, (name, correction))| {
            let outcome = match correction {
                Ok(correction) => store.hear(number, correction, &read, well_known),
                Err(faults) => Outcome::Invalid(faults.clone()),
            };
            ((*name).to_owned(), outcome)
        })
        .collect();
    store.evaluation(outcomes, &read)
}

/// An overlay by name, read.
type Read<'o> = (&'o str, Result<Correction, Vec<Fault>>);

/// What is offered, and what overlays have said about it.
struct Store<'a> {
    offers: &'a [Offer],
    words: Vocabulary,
    ways: Ways<'a>,
    shelves: Vec<(Shelf<'a>, Ledger)>,
    /// For each offer its shelf: pools that sell the same under the same labels share one.
    shelf_of: Vec<usize>,
}

impl<'a> Store<'a> {
    fn new(offers: &'a [Offer], read: &[Read<'_>]) -> Self {
        let words = Vocabulary::of(read.iter().filter_map(|(_, correction)| correction.as_ref().ok()));
        let mut store = Self { offers, words, ways: Ways::default(), shelves: vec![], shelf_of: vec![] };
        let mut known: Vec<(&Arc<[Arc<InstanceType>]>, Requirements)> = vec![];
        for offer in offers {
            let named = offer.labels.iter().filter(|(key, _)| store.words.keys.contains(*key));
            let labels: Requirements = named.map(|(key, value)| (key.clone(), value.clone())).collect();
            let same = known.iter().position(|(types, l)| Arc::ptr_eq(types, &offer.instance_types) && *l == labels);
            store.shelf_of.push(same.unwrap_or(known.len()));
            if same.is_none() {
                let shelf = Shelf::new(&offer.instance_types, &labels, &store.words, &mut store.ways);
                let ledger = Ledger::new(&shelf);
                store.shelves.push((shelf, ledger));
                known.push((&offer.instance_types, labels));
            }
        }
        store
    }

    /// Hears one overlay after all that come before it.
    fn hear(&mut self, number: usize, correction: &Correction, read: &[Read<'_>], well_known: &WellKnown) -> Outcome {
        let subject = Subject::new(correction, &self.words, &self.ways, well_known);
        let reached: Vec<Vec<usize>> = self.shelves.iter().map(|(shelf, _)| shelf.reached(&subject)).collect();
        if let Some(conflict) = self.conflict(correction.weight, &subject, &reached, read) {
            return Outcome::Conflict(conflict);
        }
        for ((shelf, ledger), types) in self.shelves.iter_mut().zip(&reached) {
            types.iter().for_each(|t| ledger.enter(number, *t, &subject, shelf));
        }
        let selected = self.shelf_of.iter().map(|shelf| reached[*shelf].len()).sum();
        Outcome::Applied { selected, changed: 0 }
    }

    fn conflict(
        &self,
        weight: i32,
        subject: &Subject<'_>,
        reached: &[Vec<usize>],
        read: &[Read<'_>],
    ) -> Option<Conflict> {
        // The heaviest are heard first, so that all of this weight come from here on.
        let equals = read.partition_point(|(_, other)| other.as_ref().map_or(0, |c| c.weight) > weight);
        let mut with: BTreeSet<usize> = BTreeSet::new();
        let mut place: Option<(&str, &str, Disputed)> = None;
        for (number, ((shelf, ledger), types)) in self.shelves.iter().zip(reached).enumerate() {
            for t in types {
                shelf.said(*t, subject).filter(|said| ledger.last(*said).is_some_and(|l| l >= equals)).for_each(
                    |said| {
                        with.extend(ledger.last(said));
                        let here = (self.first_pool(number), &*shelf.types[*t].name, self.disputed(shelf, *t, said));
                        place = Some(place.take().map_or_else(|| here.clone(), |known| known.min(here.clone())));
                    },
                );
            }
        }
        let (pool, instance_type, disputed) = place?;
        let mut with: Vec<String> = with.into_iter().map(|number| read[number].0.to_owned()).collect();
        with.sort();
        Some(Conflict { weight, with, pool: pool.to_owned(), instance_type: instance_type.to_owned(), disputed })
    }

    fn disputed(&self, shelf: &Shelf<'_>, t: usize, number: usize) -> Disputed {
        let (_, amounts) = shelf.numbers(t);
        let resource = number.checked_sub(amounts.start).and_then(|n| self.words.resources.get(n));
        resource.map_or(Disputed::Price, |name| Disputed::Capacity(name.to_string()))
    }

    /// The first pool by name that has this shelf.
    fn first_pool(&self, shelf: usize) -> &'a str {
        let pools = self.offers.iter().zip(&self.shelf_of).filter(|(_, number)| **number == shelf);
        pools.map(|(offer, _)| offer.pool.as_str()).min().unwrap_or_default()
    }

    fn evaluation(&self, mut outcomes: Vec<(String, Outcome)>, read: &[Read<'_>]) -> Evaluation {
        for shelf in &self.shelf_of {
            let (shelf, ledger) = &self.shelves[*shelf];
            for overlay in (0..shelf.types.len()).flat_map(|t| ledger.heard(t, shelf)) {
                if let Some((_, Outcome::Applied { changed, .. })) = outcomes.get_mut(overlay) {
                    *changed += 1;
                }
            }
        }
        let corrections = read.iter().map(|(_, correction)| correction.as_ref().ok()).collect();
        let mut workshop = Workshop::new(&self.words, corrections);
        let made: Vec<_> = self.shelves.iter().map(|(shelf, ledger)| workshop.apply(shelf, ledger)).collect();
        Evaluation { instance_types: self.shelf_of.iter().map(|shelf| Arc::clone(&made[*shelf])).collect(), outcomes }
    }
}
