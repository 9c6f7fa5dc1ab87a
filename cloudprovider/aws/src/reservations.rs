//! Capacity reservations: how a class's status lists them, how many machines each still takes, and what becomes of nodes
//! whose reservation ends or lets them go (spec aws-provider 1.6, 4.2, 9; v1.15 changes 6.4).

use dovetail_api::ec2_node_class::{
    CapacityReservation, CapacityReservationState, CapacityReservationType, InstanceMatchCriteria,
};
use dovetail_api::labels::{CAPACITY_TYPE, CAPACITY_TYPE_ON_DEMAND, CAPACITY_TYPE_RESERVED, aws};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use std::collections::BTreeMap;

/// A block of capacity is left so long before it ends; EC2 begins to take its machines back half an hour before.
pub const LEAVE_BEFORE_END: SignedDuration = SignedDuration::from_mins(40);
/// That a machine's place was given back is remembered for so long, since its end may be reported more than once.
const REMEMBER_ENDED: SignedDuration = SignedDuration::from_mins(15);

/// A reservation as EC2 describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundReservation {
    /// Its id.
    pub id: String,
    /// The type of its machines.
    pub instance_type: String,
    /// Their zone.
    pub zone: String,
    /// The account that owns it.
    pub owner: String,
    /// `open` or `targeted`.
    pub match_criteria: String,
    /// `default` or `capacity-block`.
    pub kind: String,
    /// Whether its owner may take machines back.
    pub interruptible: bool,
    /// When it ends, if it does.
    pub end: Option<Timestamp>,
    /// How many more machines it takes.
    pub available: u32,
}

/// What a class's status says of its reservations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// The reservations, by id, each once. Those that have ended are not among them.
    pub reservations: Vec<CapacityReservation>,
    /// What was left out because it could not be understood.
    pub skipped: Vec<String>,
    /// When the list will change by itself, if it will.
    pub next_change: Option<Timestamp>,
}

/// The reservations as the status lists them.
#[must_use]
pub fn for_status(found: &[FoundReservation], now: Timestamp) -> Listed {
    let mut listed = Listed::default();
    let by_id: BTreeMap<&str, &FoundReservation> = found.iter().map(|one| (one.id.as_str(), one)).collect();
    for one in by_id.into_values().filter(|one| one.end.is_none_or(|end| now < end)) {
        let criteria = match one.match_criteria.as_str() {
            "open" => Some(InstanceMatchCriteria::Open),
            "targeted" => Some(InstanceMatchCriteria::Targeted),
            _ => None,
        };
        let kinds = [CapacityReservationType::Default, CapacityReservationType::CapacityBlock];
        let kind = kinds.into_iter().find(|kind| kind.as_str() == one.kind);
        let (Some(criteria), Some(kind)) = (criteria, kind) else {
            let (criteria, kind) = (&one.match_criteria, &one.kind);
            let why = format!("capacity reservation {} has match criteria {criteria:?} and type {kind:?}", one.id);
            listed.skipped.push(why);
            continue;
        };
        let leave = one.end.filter(|_| kind == CapacityReservationType::CapacityBlock);
        let leave = leave.and_then(|end| end.checked_sub(LEAVE_BEFORE_END).ok());
        let changes = [leave, one.end].into_iter().flatten().filter(|at| now < *at);
        listed.next_change = listed.next_change.into_iter().chain(changes).min();
        listed.reservations.push(CapacityReservation {
            availability_zone: one.zone.clone(),
            end_time: one.end.map(Time),
            id: one.id.clone(),
            instance_match_criteria: criteria,
            instance_type: one.instance_type.clone(),
            owner_id: one.owner.clone(),
            reservation_type: kind,
            interruptible: one.interruptible,
            state: match leave.is_some_and(|leave| leave < now) {
                true => CapacityReservationState::Expiring,
                false => CapacityReservationState::Active,
            },
        });
    }
    listed
}

/// How many machines each reservation still takes: as EC2 last said, less those launched since.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    counts: BTreeMap<String, Count>,
    ended: BTreeMap<(String, String), Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    free: u32,
    read: Timestamp,
}

impl Counts {
    /// EC2 said, at that time, how many machines reservations take.
    pub fn read<'a>(&mut self, found: impl IntoIterator<Item = &'a FoundReservation>, now: Timestamp) {
        for one in found {
            self.counts.insert(one.id.clone(), Count { free: one.available, read: now });
        }
    }

    /// How many machines the reservation takes; none if nothing is known of it.
    #[must_use]
    pub fn free(&self, reservation: &str) -> u32 {
        self.counts.get(reservation).map_or(0, |count| count.free)
    }

    /// All of them, by reservation, as the catalogue of instance types takes them.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, u32> {
        self.counts.iter().map(|(id, count)| (id.clone(), count.free)).collect()
    }

    /// A machine was launched into the reservation at that time. What EC2 said later counts it already.
    pub fn launched(&mut self, reservation: &str, at: Timestamp) {
        if let Some(count) = self.counts.get_mut(reservation).filter(|count| count.read <= at) {
            count.free = count.free.saturating_sub(1);
        }
    }

    /// EC2 refused a launch, since the reservation is full.
    pub fn full(&mut self, reservation: &str) {
        if let Some(count) = self.counts.get_mut(reservation) {
            count.free = 0;
        }
    }

    /// A machine of the reservation has ended; its place is free again, once.
    pub fn ended(&mut self, reservation: &str, instance: &str, now: Timestamp) {
        self.ended.retain(|_, at| now.duration_since(*at) < REMEMBER_ENDED);
        let first = self.ended.insert((reservation.to_owned(), instance.to_owned()), now).is_none();
        if let Some(count) = self.counts.get_mut(reservation).filter(|_| first) {
            count.free = count.free.saturating_add(1);
        }
    }
}

/// What to do with the labels of a claim or node that says it is reserved, when its machine says that it is not (any more):
/// the labels to set and those to remove. None if nothing has to change; a machine is never promoted.
///
/// Karpenter forgets to remove the label that says whether the reservation may be taken back.
#[must_use]
pub fn demote(labels: &BTreeMap<String, String>, machine_is_on_demand: bool) -> Option<Demotion> {
    let reserved = labels.get(CAPACITY_TYPE).is_some_and(|value| value == CAPACITY_TYPE_RESERVED);
    (reserved && machine_is_on_demand).then_some(Demotion)
}

/// The change of labels when a machine has left its reservation and runs on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demotion;

impl Demotion {
    /// The label to set and its value.
    pub const SET: (&'static str, &'static str) = (CAPACITY_TYPE, CAPACITY_TYPE_ON_DEMAND);
    /// The labels to remove.
    pub const REMOVE: [&'static str; 3] =
        [aws::CAPACITY_RESERVATION_ID, aws::CAPACITY_RESERVATION_TYPE, aws::CAPACITY_RESERVATION_INTERRUPTIBLE];
}

/// Whether a node must leave because its block of capacity is about to end.
#[must_use]
pub fn must_leave(labels: &BTreeMap<String, String>, reservations: &[CapacityReservation]) -> bool {
    let id = labels.get(aws::CAPACITY_RESERVATION_ID);
    reservations.iter().any(|one| {
        Some(&one.id) == id
            && one.reservation_type == CapacityReservationType::CapacityBlock
            && one.state == CapacityReservationState::Expiring
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn found(id: &str, kind: &str, end: Option<i64>) -> FoundReservation {
        FoundReservation {
            id: id.to_owned(),
            instance_type: "p5.48xlarge".to_owned(),
            zone: "a".to_owned(),
            owner: "123456789012".to_owned(),
            match_criteria: "targeted".to_owned(),
            kind: kind.to_owned(),
            interruptible: false,
            end: end.map(at),
            available: 2,
        }
    }

    fn states(found: &[FoundReservation], now: i64) -> Vec<(String, CapacityReservationState)> {
        for_status(found, at(now)).reservations.into_iter().map(|one| (one.id, one.state)).collect()
    }

    #[test]
    fn a_block_is_left_forty_minutes_before_its_end() {
        let found = [found("cr-2", "capacity-block", Some(100)), found("cr-1", "default", Some(100))];
        let active = |id: &str| (id.to_owned(), CapacityReservationState::Active);
        assert_eq!(states(&found, 60), [active("cr-1"), active("cr-2")], "exactly forty minutes are enough");
        assert_eq!(states(&found, 61), [active("cr-1"), ("cr-2".to_owned(), CapacityReservationState::Expiring)]);
        assert_eq!(states(&found, 100), [], "what has ended is not listed");
        assert_eq!(for_status(&found, at(0)).next_change, Some(at(60)));
        assert_eq!(for_status(&found, at(61)).next_change, Some(at(100)));
    }

    #[test]
    fn what_nobody_understands_is_left_out_and_told() {
        let odd = FoundReservation { match_criteria: "moon-phase".to_owned(), ..found("cr-9", "default", None) };
        let listed = for_status(&[odd, found("cr-8", "timeshare", None), found("cr-1", "default", None)], at(0));
        assert_eq!((listed.reservations.len(), listed.skipped.len(), listed.next_change), (1, 2, None));
        assert!(listed.skipped[1].contains("moon-phase"), "{:?}", listed.skipped);
    }

    #[test]
    fn machines_launched_since_ec2_spoke_are_counted() {
        let mut counts = Counts::default();
        assert_eq!(counts.free("cr-1"), 0);
        counts.read(&[found("cr-1", "default", None)], at(10));
        counts.launched("cr-1", at(11));
        assert_eq!(counts.free("cr-1"), 1);
        counts.launched("cr-1", at(9));
        assert_eq!(counts.free("cr-1"), 1, "EC2 has spoken since that launch");
        counts.launched("cr-1", at(12));
        counts.launched("cr-1", at(12));
        assert_eq!(counts.free("cr-1"), 0, "never below nothing");
        counts.read(&[found("cr-1", "default", None)], at(20));
        counts.full("cr-1");
        assert_eq!(counts.all(), BTreeMap::from([("cr-1".to_owned(), 0)]));
    }

    #[test]
    fn a_machine_gives_its_place_back_once() {
        let mut counts = Counts::default();
        counts.read(&[found("cr-1", "default", None)], at(0));
        counts.full("cr-1");
        counts.ended("cr-1", "i-1", at(1));
        counts.ended("cr-1", "i-1", at(10));
        assert_eq!(counts.free("cr-1"), 1, "its end was reported twice");
        counts.ended("cr-1", "i-2", at(11));
        assert_eq!(counts.free("cr-1"), 2);
    }

    #[test]
    fn a_machine_that_has_left_its_reservation_is_told_so_and_never_the_reverse() {
        let labels = |capacity_type: &str| BTreeMap::from([(CAPACITY_TYPE.to_owned(), capacity_type.to_owned())]);
        assert_eq!(demote(&labels("reserved"), true), Some(Demotion));
        assert_eq!(demote(&labels("reserved"), false), None);
        assert_eq!(demote(&labels("on-demand"), false), None);
        assert_eq!(Demotion::REMOVE.len(), 3);
    }

    #[test]
    fn nodes_of_a_block_that_ends_must_leave() {
        let listed = for_status(&[found("cr-1", "capacity-block", Some(10))], at(0)).reservations;
        let of = |id: &str| BTreeMap::from([(aws::CAPACITY_RESERVATION_ID.to_owned(), id.to_owned())]);
        assert!(must_leave(&of("cr-1"), &listed));
        assert!(!must_leave(&of("cr-2"), &listed) && !must_leave(&BTreeMap::new(), &listed));
    }
}
