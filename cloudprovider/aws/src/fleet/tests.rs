//! What a fleet is asked for, and what its answers mean.

use super::answer::{Effect, FleetAnswer, FleetError, Launched, read, whole_call_failed};
use super::*;
use crate::faults::Fault;
use crate::launch_template::{LaunchInput, plan};
use crate::testing::{claim, class, cluster, kind, offering, requires, reserved, reserved_as};
use crate::unavailable::{OfferingKey, Scope};
use dovetail_cloudprovider::ec2::{PlacementGroup, PlacementStrategy, well_known};
use dovetail_cloudprovider::errors::ProviderError;
use dovetail_scheduler::requirement::Requirement;
use serde_json::json;
use std::sync::Arc;

/// A launch in the zones a and b, which have a subnet each.
struct Launch {
    types: Vec<Arc<InstanceType>>,
    requirements: Requirements,
    claim: NodeClaim,
    capacity_type: CapacityType,
    group: Option<PlacementGroup>,
}

fn launch(capacity_type: CapacityType, types: Vec<Arc<InstanceType>>) -> Launch {
    Launch { types, requirements: requires(&[]), claim: claim("default-1"), capacity_type, group: None }
}

impl Launch {
    fn try_request(&self) -> Result<FleetRequest, NoOfferings> {
        let amis = json!([{"id": "ami-1", "requirements": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}]}]);
        let class = class(&json!({"context": "ctx"}), &json!({"instanceProfile": "p", "amis": amis}));
        let tags = Tags::from([("team".to_owned(), "a".to_owned())]);
        let planned = plan(&LaunchInput {
            cluster: &cluster(),
            class: &class,
            claim: &self.claim,
            requirements: &self.requirements,
            types: &self.types,
            capacity_type: self.capacity_type,
            tags: &tags,
            placement_group: self.group.as_ref(),
            reserved_capacity: true,
            well_known: &well_known(),
        })
        .expect("templates");
        let subnet = |zone: &str| Subnet { id: format!("subnet-{zone}"), zone: zone.to_owned(), zone_id: None };
        let (a, b) = (subnet("a"), subnet("b"));
        request(&FleetInput {
            planned: &planned,
            requirements: &self.requirements,
            claim: &self.claim,
            capacity_type: self.capacity_type,
            subnets: &[("a", &a), ("b", &b)].into(),
            context: class.spec.context.as_deref(),
            tags: &tags,
            well_known: &well_known(),
        })
    }

    fn request(&self) -> FleetRequest {
        self.try_request().expect("a request")
    }
}

fn places(request: &FleetRequest) -> Vec<String> {
    request.overrides().map(|(_, one)| format!("{} {} {}", one.instance_type, one.zone, one.subnet)).collect()
}

fn spot() -> Launch {
    launch(
        CapacityType::Spot,
        vec![
            kind(
                "m5.large",
                vec![offering("spot", "a", 0.05), offering("spot", "b", 0.03), offering("on-demand", "a", 0.1)],
            ),
            kind("c5.large", vec![offering("spot", "a", 0.04), offering("spot", "c", 0.01)]),
        ],
    )
}

fn on_demand() -> Launch {
    launch(CapacityType::OnDemand, vec![kind("m5.large", vec![offering("on-demand", "a", 0.1)])])
}

fn refused(code: &str, instance_type: &str, zone: &str) -> FleetError {
    FleetError {
        fault: Fault::new(code, "no"),
        instance_type: Some(instance_type.to_owned()),
        zone: Some(zone.to_owned()),
        ..FleetError::default()
    }
}

fn failed(errors: Vec<FleetError>) -> FleetAnswer {
    FleetAnswer { errors, request_id: "r-1".to_owned(), ..FleetAnswer::default() }
}

fn marked(capacity_type: CapacityType, instance_type: &str, zone: &str, scope: Scope) -> Effect {
    let (instance_type, zone) = (instance_type.to_owned(), zone.to_owned());
    Effect::MarkOffering(OfferingKey { capacity_type, instance_type, zone, scope })
}

#[test]
fn a_fleet_may_choose_among_types_and_zones_with_a_subnet() {
    let request = spot().request();
    assert_eq!(places(&request), ["m5.large b subnet-b", "c5.large a subnet-a", "m5.large a subnet-a"]);
    assert_eq!((request.strategy.as_str(), request.default_target()), ("price-capacity-optimized", "spot"));
    assert_eq!((request.context.as_deref(), request.subnets()), (Some("ctx"), vec!["subnet-a", "subnet-b"]));
}

#[test]
fn what_has_been_sold_out_since_is_not_asked_for() {
    let mut launch = spot();
    Arc::make_mut(&mut launch.types[0]).offerings[1].available = false;
    launch.requirements = requires(&[("topology.kubernetes.io/zone", &["a", "b"])]);
    assert_eq!(places(&launch.request()), ["c5.large a subnet-a", "m5.large a subnet-a"]);
    launch.requirements = requires(&[("topology.kubernetes.io/zone", &["c"])]);
    assert_eq!(launch.try_request(), Err(NoOfferings), "zone c has no subnet");
}

#[test]
fn prices_that_an_overlay_made_up_become_priorities() {
    let annotate = |launch: &mut Launch, key: &str| {
        launch.claim.metadata.annotations = Some([(key.to_owned(), "true".to_owned())].into());
    };
    let (mut spot, mut listed) = (spot(), on_demand());
    assert_eq!(listed.request().strategy.as_str(), "lowest-price");
    annotate(&mut spot, PRICE_OVERLAY_APPLIED);
    annotate(&mut listed, PRICE_OVERLAY_APPLIED);
    assert_eq!(spot.request().strategy.as_str(), "capacity-optimized-prioritized");
    assert_eq!(listed.request().strategy.as_str(), "prioritized");
    annotate(&mut spot, MIN_VALUES_RELAXED);
    assert_eq!(spot.request().context, None);
}

#[test]
fn reserved_capacity_is_asked_for_reservation_by_reservation() {
    let target =
        |offering| launch(CapacityType::Reserved, vec![kind("m5.large", vec![offering])]).request().default_target();
    assert_eq!(target(reserved("cr-1", "a", 1)), "on-demand");
    assert_eq!(target(reserved_as("cr-1", "a", 1, "capacity-block", false)), "capacity-block");
    assert_eq!(target(reserved_as("cr-1", "a", 1, "default", true)), "reserved-capacity");
    let two = launch(
        CapacityType::Reserved,
        vec![kind("m5.large", vec![reserved("cr-1", "a", 1), reserved("cr-2", "b", 1)])],
    );
    let configs: Vec<_> = two.request().configs.into_iter().map(|c| (c.reservation, c.overrides.len())).collect();
    assert_eq!(configs, [(Some("cr-1".to_owned()), 1), (Some("cr-2".to_owned()), 1)]);
}

#[test]
fn ec2_is_not_asked_for_more_than_it_takes() {
    let both = |n: u32| vec![offering("spot", "a", f64::from(n)), offering("spot", "b", f64::from(n) + 0.5)];
    let mut types: Vec<_> = (1..=200).map(|n| kind(&format!("m5.{n}"), both(n))).collect();
    Arc::make_mut(&mut types[0]).capacity.set("pods", 99);
    let request = launch(CapacityType::Spot, types).request();
    assert_eq!(request.overrides().count(), MOST_OVERRIDES);
    let dearest = request.overrides().map(|(_, one)| one.price).max();
    assert_eq!(dearest, Some(Price::from_dollars(150.5)), "the cheapest stay, whatever their template");
}

#[test]
fn a_partition_group_doubles_no_place() {
    let in_partition = |n: &str| {
        let mut offering = offering("spot", "a", 0.05);
        let key = "karpenter.k8s.aws/placement-group-partition";
        Arc::make_mut(&mut offering.requirements).replace(key.into(), Requirement::exactly(n));
        offering
    };
    let mut launch = launch(CapacityType::Spot, vec![kind("m5.large", vec![in_partition("1"), in_partition("2")])]);
    launch.group = Some(PlacementGroup { id: "pg-1".to_owned(), strategy: PlacementStrategy::Partition(2) });
    let request = launch.request();
    assert_eq!(places(&request), ["m5.large a subnet-a"]);
    assert_eq!(request.placement, Some(("pg-1".to_owned(), None)));
}

#[test]
fn addresses_are_set_aside_for_the_smallest_machine() {
    let mut launch = spot();
    Arc::make_mut(&mut launch.types[0]).capacity.set("pods", 58);
    let needed = addresses_needed(&launch.request(), &launch.types);
    assert_eq!(needed, BTreeMap::from([("subnet-a".to_owned(), 10), ("subnet-b".to_owned(), 58)]));
}

#[test]
fn machines_are_dealt_in_order_and_the_rest_learns_why() {
    let request = spot().request();
    let launched = |ids: &[&str], zone: &str| Launched {
        ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        template: request.configs[0].template.clone(),
        instance_type: "m5.large".to_owned(),
        subnet: format!("subnet-{zone}"),
        ..Launched::default()
    };
    let answer = FleetAnswer {
        launched: vec![launched(&["i-1", "i-2"], "a"), launched(&["i-3"], "b")],
        errors: vec![refused("InsufficientInstanceCapacity", "m5.large", "b")],
        request_id: "r-1".to_owned(),
    };
    let reading = read(&request, &answer, 5);
    let dealt: Vec<_> = reading
        .dealt
        .iter()
        .map(|one| one.as_ref().map(|m| (m.id.as_str(), m.zone.as_str(), m.image.as_str())).ok())
        .collect();
    assert_eq!(
        dealt,
        [Some(("i-1", "a", "ami-1")), Some(("i-2", "a", "ami-1")), Some(("i-3", "b", "ami-1")), None, None]
    );
    let refusal = reading.dealt[4].as_ref().expect_err("there were three");
    assert_eq!(refusal.to_string(), "insufficient capacity, InsufficientInstanceCapacity: no");
    assert_eq!(reading.effects, [marked(CapacityType::Spot, "m5.large", "b", Scope::All)], "errors count all the same");
    assert_eq!(reading.failures, [(CapacityType::Spot, Some("b".to_owned()), "LaunchFailed")]);
}

#[test]
fn a_lack_of_capacity_gives_the_claim_up_and_anything_else_is_tried_again() {
    let request = spot().request();
    let told = |codes: &[&str]| {
        let errors = codes.iter().map(|code| refused(code, "m5.large", "a")).collect();
        read(&request, &failed(errors), 1).dealt.remove(0).expect_err("nothing was launched")
    };
    assert!(told(&["InsufficientInstanceCapacity", "SpotMaxPriceTooLow"]).discards_claim());
    assert!(told(&["AuthFailure.ServiceLinkedRoleCreationNotPermitted"]).discards_claim());
    assert!(told(&[]).discards_claim(), "EC2 may be silent");
    let mixed = told(&["InsufficientInstanceCapacity", "RequestLimitExceeded"]);
    assert_eq!(mixed.launch_reason(), "RequestLimitExceeded");
    let many = told(&["InsufficientInstanceCapacity"; 3]);
    assert_eq!(many.to_string(), "insufficient capacity, InsufficientInstanceCapacity: no (3 times)");
}

#[test]
fn a_full_subnet_is_remembered_beside_the_offering() {
    let request = spot().request();
    let answer = failed(vec![refused("InsufficientFreeAddressesInSubnet", "m5.large", "a")]);
    let expected = [marked(CapacityType::Spot, "m5.large", "a", Scope::All), Effect::MarkSubnet("subnet-a".to_owned())];
    assert_eq!(read(&request, &answer, 1).effects, expected);
}

#[test]
fn without_its_role_spot_is_out_of_reach_altogether() {
    let answer = failed(vec![refused("AuthFailure.ServiceLinkedRoleCreationNotPermitted", "m5.large", "a")]);
    let expected = [Effect::MarkCapacityType(CapacityType::Spot), Effect::WarnAboutSpotRole];
    assert_eq!(read(&spot().request(), &answer, 1).effects, expected);
}

#[test]
fn a_full_reservation_is_full_and_another_failure_concerns_it_alone() {
    let request = launch(
        CapacityType::Reserved,
        vec![kind("m5.large", vec![reserved("cr-1", "a", 1), reserved("cr-2", "a", 1)])],
    )
    .request();
    let of_second = |code: &str| FleetError {
        template: Some(request.configs[1].template.clone()),
        ..refused(code, "m5.large", "a")
    };
    let effects = |code: &str| read(&request, &failed(vec![of_second(code)]), 1).effects;
    assert_eq!(effects("ReservationCapacityExceeded"), [Effect::ReservationFull("cr-2".to_owned())]);
    let marked = marked(CapacityType::Reserved, "m5.large", "a", Scope::Reservation("cr-2".to_owned()));
    assert_eq!(effects("InvalidCapacityReservationState.Unavailable"), [marked]);
    assert_eq!(effects("RequestLimitExceeded"), []);
}

#[test]
fn a_machine_in_a_reservation_takes_a_place_of_it() {
    let request = launch(CapacityType::Reserved, vec![kind("m5.large", vec![reserved("cr-1", "a", 1)])]).request();
    let launched = Launched {
        ids: vec!["i-1".to_owned()],
        template: request.configs[0].template.clone(),
        instance_type: "m5.large".to_owned(),
        ..Launched::default()
    };
    let reading = read(&request, &FleetAnswer { launched: vec![launched], ..FleetAnswer::default() }, 1);
    assert_eq!(reading.effects, [Effect::ReservationTaken("cr-1".to_owned())]);
    assert_eq!(reading.dealt[0].as_ref().expect("a machine").reservation.as_deref(), Some("cr-1"));
}

#[test]
fn a_full_placement_group_is_full_for_every_type_of_the_zone() {
    let mut launch = spot();
    launch.group = Some(PlacementGroup { id: "pg-1".to_owned(), strategy: PlacementStrategy::Spread });
    let mut error = refused("InsufficientInstanceCapacity", "m5.large", "a");
    let group = || Scope::Group { id: "pg-1".to_owned(), partition: None };
    let effects = |error: &FleetError| read(&launch.request(), &failed(vec![error.clone()]), 1).effects;
    assert_eq!(effects(&error), [marked(CapacityType::Spot, "m5.large", "a", group())]);
    error.fault = Fault::new("MaxInstances", "You have reached the limit of instances in this spread placement group");
    let both = ["c5.large", "m5.large"].map(|name| marked(CapacityType::Spot, name, "a", group()));
    assert_eq!(effects(&error), both);
}

#[test]
fn an_error_without_a_place_marks_none() {
    let answer = failed(vec![FleetError { fault: Fault::new("UnfulfillableCapacity", "no"), ..FleetError::default() }]);
    let reading = read(&spot().request(), &answer, 1);
    assert_eq!(reading.effects, []);
    assert!(reading.dealt[0].as_ref().expect_err("nothing").discards_claim());
    let vague = FleetError { zone: None, ..refused("InsufficientInstanceCapacity", "m5.large", "") };
    assert_eq!(read(&spot().request(), &failed(vec![vague]), 1).effects, [], "it could be about zone a or b");
}

#[test]
fn a_template_that_went_away_is_made_again_once() {
    let request = spot().request();
    let reading =
        read(&request, &failed(vec![refused("InvalidLaunchTemplateName.NotFoundException", "m5.large", "a")]), 1);
    assert!(reading.try_again);
    assert_eq!(reading.effects, [Effect::ForgetTemplate(request.configs[0].template.clone())]);
    assert!(whole_call_failed(&Fault::new("InvalidLaunchTemplateName.NotFoundException", "")).is_none());
}

#[test]
fn a_call_that_failed_as_a_whole_is_told_as_what_it_was() {
    let told = |code: &str| whole_call_failed(&Fault::new(code, "no")).expect("an error");
    assert!(told("UnfulfillableCapacity").discards_claim());
    assert!(
        told("IdempotentParameterMismatch").discards_claim(),
        "the claim's token belongs to a launch that was lost"
    );
    assert!(matches!(told("UnauthorizedOperation"), ProviderError::Create { reason, .. } if reason == "Unauthorized"));
}
