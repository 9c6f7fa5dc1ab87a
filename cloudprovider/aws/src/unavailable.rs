//! What EC2 has just refused, and is therefore not offered for a while: offerings, whole capacity types, and subnets without
//! addresses (spec aws-provider 4.4; v1.15 changes 6.4). It is told the time, and knows nothing of launches.

use crate::capacity_type::CapacityType;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// How long something that was refused is not offered again.
pub const TTL: SignedDuration = SignedDuration::from_mins(3);

/// A place and way of buying a type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OfferingKey {
    /// How it is paid for.
    pub capacity_type: CapacityType,
    /// The instance type.
    pub instance_type: String,
    /// The zone.
    pub zone: String,
    /// For which launches it holds.
    pub scope: Scope,
}

/// For which launches an offering was refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// For all.
    All,
    /// For those into a placement group, or into one partition of it.
    Group {
        /// The group's id.
        id: String,
        /// The partition, if it was one of several.
        partition: Option<u32>,
    },
    /// For those into a capacity reservation, by id. Another reservation of the same type and zone is not touched.
    Reservation(String),
}

/// What is asked about an offering.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// How it is paid for.
    pub capacity_type: CapacityType,
    /// The instance type.
    pub instance_type: &'a str,
    /// The zone.
    pub zone: &'a str,
    /// The placement group of the class, by id.
    pub group: Option<&'a str>,
    /// The partition of the offering.
    pub partition: Option<u32>,
    /// The capacity reservation of the offering, by id.
    pub reservation: Option<&'a str>,
    /// The class's subnets in the zone, by id.
    pub subnets: &'a [&'a str],
}

/// What was refused, and until when that is remembered.
#[derive(Clone, Debug, Default)]
pub struct Unavailable {
    offerings: BTreeMap<OfferingKey, Timestamp>,
    capacity_types: BTreeMap<CapacityType, Timestamp>,
    subnets: BTreeMap<String, Timestamp>,
    /// How often something about a type changed.
    changes: BTreeMap<String, u64>,
    /// How often something changed that concerns every type.
    changes_of_all: u64,
}

impl Unavailable {
    /// The offering was refused. To be refused again is to be refused for longer.
    pub fn mark_offering(&mut self, key: OfferingKey, now: Timestamp) {
        *self.changes.entry(key.instance_type.clone()).or_default() += 1;
        self.offerings.insert(key, until(now));
    }

    /// Nothing of the capacity type can be had.
    pub fn mark_capacity_type(&mut self, capacity_type: CapacityType, now: Timestamp) {
        self.changes_of_all += 1;
        self.capacity_types.insert(capacity_type, until(now));
    }

    /// The subnet has no address left.
    pub fn mark_subnet(&mut self, subnet: &str, now: Timestamp) {
        self.changes_of_all += 1;
        self.subnets.insert(subnet.to_owned(), until(now));
    }

    /// Whether the offering should not be tried. A zone is out when all of its subnets are.
    ///
    /// A mark on one partition of a placement group counts for that partition. Karpenter writes such marks and never finds
    /// them again.
    #[must_use]
    pub fn has(&self, question: &Question<'_>, now: Timestamp) -> bool {
        let fresh = |until: Option<&Timestamp>| until.is_some_and(|until| now < *until);
        let marked = |scope: Scope| {
            fresh(self.offerings.get(&OfferingKey {
                capacity_type: question.capacity_type,
                instance_type: question.instance_type.to_owned(),
                zone: question.zone.to_owned(),
                scope,
            }))
        };
        let in_group = |partition: Option<u32>| {
            question.group.is_some_and(|id| marked(Scope::Group { id: id.to_owned(), partition }))
        };
        fresh(self.capacity_types.get(&question.capacity_type))
            || marked(Scope::All)
            || in_group(None)
            || question.partition.is_some_and(|partition| in_group(Some(partition)))
            || question.reservation.is_some_and(|id| marked(Scope::Reservation(id.to_owned())))
            || (!question.subnets.is_empty() && question.subnets.iter().all(|id| fresh(self.subnets.get(*id))))
    }

    /// A number that changes whenever the answer to some question about the type may have changed: whoever keeps offerings
    /// keeps it beside them. Ends of marks count once [`Unavailable::sweep`] has noticed them.
    #[must_use]
    pub fn sequence(&self, instance_type: &str) -> u64 {
        self.changes.get(instance_type).copied().unwrap_or_default() + self.changes_of_all
    }

    /// Forgets what is over. To be called every few seconds; ten will do.
    pub fn sweep(&mut self, now: Timestamp) {
        let Self { offerings, capacity_types, subnets, changes, changes_of_all } = self;
        offerings.retain(|key, until| {
            let stays = now < *until;
            if !stays {
                *changes.entry(key.instance_type.clone()).or_default() += 1;
            }
            stays
        });
        let before = capacity_types.len() + subnets.len();
        capacity_types.retain(|_, until| now < *until);
        subnets.retain(|_, until| now < *until);
        let gone = before - capacity_types.len() - subnets.len();
        *changes_of_all += u64::try_from(gone).unwrap_or(u64::MAX);
    }
}

fn until(now: Timestamp) -> Timestamp {
    now.checked_add(TTL).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[path = "unavailable/tests.rs"]
mod tests;
