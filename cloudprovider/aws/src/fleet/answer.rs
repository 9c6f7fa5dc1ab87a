//! What a fleet's answer means: who gets which machine, what is not offered for a while, and what a claim without a machine
//! is told (spec aws-provider 5.6 to 5.8; v1.15 changes 6.4, 10.5). Errors count even where machines came with them.

use super::FleetRequest;
use crate::capacity_type::CapacityType;
use crate::faults::Fault;
use crate::unavailable::{OfferingKey, Scope};
use dovetail_cloudprovider::errors::ProviderError;
use std::collections::{BTreeMap, BTreeSet};

/// The answer to a fleet request, as EC2 gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetAnswer {
    /// Id of the request, for the logs.
    pub request_id: String,
    /// The machines, in groups that were launched alike.
    pub launched: Vec<Launched>,
    /// What could not be launched.
    pub errors: Vec<FleetError>,
}

/// Machines that were launched alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launched {
    /// Their ids.
    pub ids: Vec<String>,
    /// Name of the launch template.
    pub template: String,
    /// Their type.
    pub instance_type: String,
    /// Their zone.
    pub zone: String,
    /// Their subnet, by id.
    pub subnet: String,
    /// Their image.
    pub image: String,
}

/// What could not be launched, and why. EC2 leaves out what it does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetError {
    /// Why.
    pub fault: Fault,
    /// Name of the launch template.
    pub template: Option<String>,
    /// The instance type.
    pub instance_type: Option<String>,
    /// The zone.
    pub zone: Option<String>,
    /// The subnet, by id.
    pub subnet: Option<String>,
}

/// A machine for a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bought {
    /// Its id.
    pub id: String,
    /// Its type.
    pub instance_type: String,
    /// Its zone.
    pub zone: String,
    /// Its subnet, by id.
    pub subnet: String,
    /// Its image.
    pub image: String,
    /// How it is paid for.
    pub capacity_type: CapacityType,
    /// The capacity reservation that it was launched into, by id.
    pub reservation: Option<String>,
}

/// What is to be remembered after an answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The offering is not offered for a while.
    MarkOffering(OfferingKey),
    /// The capacity type is not offered for a while.
    MarkCapacityType(CapacityType),
    /// The subnet is not used for a while, and has no address left.
    MarkSubnet(String),
    /// The reservation, by id, takes no more in. It stays on offer, as full.
    ReservationFull(String),
    /// A machine went into the reservation, by id.
    ReservationTaken(String),
    /// These launch templates do not exist (any more).
    ForgetTemplate(String),
    /// The claim gets a warning that spot capacity is out of reach for the account.
    WarnAboutSpotRole,
}

/// What an answer comes to.
#[derive(Debug)]
pub struct Reading {
    /// For each caller, in order, its machine or why it has none.
    pub dealt: Vec<Result<Bought, ProviderError>>,
    /// What is to be remembered, each once.
    pub effects: Vec<Effect>,
    /// For the metric of failures: capacity type and zone, where known, and reason of each error.
    pub failures: Vec<(CapacityType, Option<String>, &'static str)>,
    /// Whether nothing was launched because launch templates had gone: the launch may be tried once more with new ones.
    pub try_again: bool,
}

/// Reads the answer to a request that was made for so many callers at once.
#[must_use]
pub fn read(request: &FleetRequest, answer: &FleetAnswer, callers: usize) -> Reading {
    let mut effects: BTreeSet<Effect> = answer.errors.iter().flat_map(|error| effects(request, error)).collect();
    let machines: Vec<Bought> = answer.launched.iter().flat_map(|launched| bought(request, launched)).collect();
    effects.extend(machines.iter().filter_map(|machine| machine.reservation.clone()).map(Effect::ReservationTaken));
    let try_again = machines.is_empty() && answer.errors.iter().any(|error| error.fault.is_template_gone());
    let failure = |error: &FleetError| (request.capacity_type, error.zone.clone(), error.fault.launch_reason());
    let mut machines = machines.into_iter();
    let dealt = (0..callers).map(|_| machines.next().ok_or_else(|| refusal(answer))).collect();
    Reading {
        dealt,
        effects: effects.into_iter().collect(),
        failures: answer.errors.iter().map(failure).collect(),
        try_again,
    }
}

/// What every caller is told if the whole call failed. `None` if a launch with new templates may be tried first.
#[must_use]
pub fn whole_call_failed(fault: &Fault) -> Option<ProviderError> {
    if fault.is_template_gone() {
        return None;
    }
    if fault.is_unfulfillable() || fault.is_token_reused() {
        // A token that was used for something else belongs to a launch whose answer was lost. With a new claim comes a new
        // token, and the machine of the old one is collected as nobody's.
        return Some(ProviderError::InsufficientCapacity(fault.to_string()));
    }
    Some(ProviderError::Create { reason: fault.launch_reason().to_owned(), message: fault.to_string() })
}

fn bought<'a>(request: &'a FleetRequest, launched: &'a Launched) -> impl Iterator<Item = Bought> + 'a {
    let config = request.configs.iter().find(|config| config.template == launched.template);
    let capacity_type = request.capacity_type;
    let reservation = config.filter(|_| capacity_type == CapacityType::Reserved).and_then(|c| c.reservation.clone());
    // EC2 does not always repeat what it was asked for.
    let asked = config.and_then(|config| {
        let alike = |one: &&super::Override| {
            one.instance_type == launched.instance_type && (launched.subnet.is_empty() || one.subnet == launched.subnet)
        };
        config.overrides.iter().find(alike)
    });
    let or = |said: &str, asked: Option<&String>| match said {
        "" => asked.cloned().unwrap_or_default(),
        said => said.to_owned(),
    };
    let machine = Bought {
        id: String::new(),
        instance_type: launched.instance_type.clone(),
        zone: or(&launched.zone, asked.map(|one| &one.zone)),
        subnet: or(&launched.subnet, asked.map(|one| &one.subnet)),
        image: or(&launched.image, asked.map(|one| &one.image)),
        capacity_type,
        reservation,
    };
    launched.ids.iter().map(move |id| Bought { id: id.clone(), ..machine.clone() })
}

fn effects(request: &FleetRequest, error: &FleetError) -> Vec<Effect> {
    let fault = &error.fault;
    let mut effects = Vec::new();
    if fault.is_template_gone() {
        let all = || request.configs.iter().map(|config| &config.template);
        let named: Vec<&String> = error.template.as_ref().map_or_else(|| all().collect(), |one| vec![one]);
        effects.extend(named.into_iter().cloned().map(Effect::ForgetTemplate));
    }
    if fault.is_spot_role_missing() {
        effects.extend([Effect::MarkCapacityType(CapacityType::Spot), Effect::WarnAboutSpotRole]);
    }
    let place = place(request, error);
    if fault.is_subnet_full() {
        effects.extend(place.as_ref().map(|place| Effect::MarkSubnet(place.subnet.clone())));
    }
    if let (true, Some((group, partition))) = (fault.is_spread_limit(), &request.placement) {
        // The group is full in the zone, whatever the type. That holds for reserved capacity too: Karpenter marks nothing
        // there, and the next claim runs into the same wall.
        let scope = Scope::Group { id: group.clone(), partition: *partition };
        let zone = error.zone.clone().or(place.map(|place| place.zone));
        let in_zone = request.overrides().map(|(_, one)| one).filter(|one| Some(&one.zone) == zone.as_ref());
        effects.extend(in_zone.map(|one| mark(request, &one.instance_type, &one.zone, scope.clone())));
        return effects;
    }
    let Some(place) = place.filter(|_| fault.is_unfulfillable()) else { return effects };
    match (request.capacity_type, place.reservation) {
        (CapacityType::Reserved, Some(id)) if fault.is_reservation_full() => effects.push(Effect::ReservationFull(id)),
        (CapacityType::Reserved, Some(id)) => {
            effects.push(mark(request, &place.instance_type, &place.zone, Scope::Reservation(id)));
        }
        _ => {
            let scope = match &request.placement {
                Some((group, partition)) => Scope::Group { id: group.clone(), partition: *partition },
                None => Scope::All,
            };
            effects.push(mark(request, &place.instance_type, &place.zone, scope));
        }
    }
    effects
}

fn mark(request: &FleetRequest, instance_type: &str, zone: &str, scope: Scope) -> Effect {
    Effect::MarkOffering(OfferingKey {
        capacity_type: request.capacity_type,
        instance_type: instance_type.to_owned(),
        zone: zone.to_owned(),
        scope,
    })
}

struct Place {
    instance_type: String,
    zone: String,
    subnet: String,
    reservation: Option<String>,
}

/// Where the error happened: the override that fits what EC2 says of it. None if EC2 says too little.
fn place(request: &FleetRequest, error: &FleetError) -> Option<Place> {
    let agrees =
        |said: &Option<String>, asked: &str| said.as_deref().is_none_or(|said| said.is_empty() || said == asked);
    let instance_type = error.instance_type.as_deref()?;
    let mut places = request.overrides().filter(|(config, one)| {
        one.instance_type == instance_type
            && agrees(&error.template, &config.template)
            && agrees(&error.zone, &one.zone)
            && agrees(&error.subnet, &one.subnet)
    });
    let (config, one) = places.next()?;
    // Without a zone the error could be about several places; then it says nothing about any of them.
    let sure = places.all(|(_, other)| other.zone == one.zone);
    sure.then(|| Place {
        instance_type: one.instance_type.clone(),
        zone: one.zone.clone(),
        subnet: one.subnet.clone(),
        reservation: config.reservation.clone(),
    })
}

/// Why there is no machine: a lack of capacity if every error is one, or else the first error that is none.
fn refusal(answer: &FleetAnswer) -> ProviderError {
    let capacity = |fault: &Fault| fault.is_unfulfillable() || fault.is_spot_role_missing() || fault.is_spread_limit();
    let text = summary(answer);
    match answer.errors.iter().map(|error| &error.fault).find(|fault| !capacity(fault)) {
        Some(fault) => ProviderError::Create { reason: fault.launch_reason().to_owned(), message: text },
        None => ProviderError::InsufficientCapacity(text),
    }
}

/// Each error once, with the number of its occurrences: a fleet of sixty types fails in two hundred places for one reason.
fn summary(answer: &FleetAnswer) -> String {
    let mut counts: BTreeMap<&Fault, usize> = BTreeMap::new();
    answer.errors.iter().for_each(|error| *counts.entry(&error.fault).or_default() += 1);
    if counts.is_empty() {
        return format!(
            "EC2 launched fewer instances than were asked for and gave no reason (request {})",
            answer.request_id
        );
    }
    let texts =
        counts.into_iter().map(|(fault, n)| if n > 1 { format!("{fault} ({n} times)") } else { fault.to_string() });
    texts.collect::<Vec<_>>().join("; ")
}
