//! Which types are left to choose from.

use super::*;
use crate::testing::{kind, offering, requires, reserved, reserved_as};
use dovetail_cloudprovider::ec2::well_known;
use dovetail_scheduler::requirement::Requirement;

fn ask(types: &[Arc<InstanceType>], requirements: &Requirements, strict: bool) -> Result<Types, NothingLeft> {
    let wanted = Wanted {
        requirements,
        requests: &Resources::new().with("cpu", 1000).with("pods", 3),
        well_known: &well_known(),
        strict_min_values: strict,
    };
    launch_list(types, &wanted)
}

/// What is left, as `type[capacity type zone, ...]`.
fn left(types: &[Arc<InstanceType>], requirements: &Requirements) -> Vec<String> {
    let of = |o: &Offering, key: &str| {
        o.requirements.get(key).and_then(|r| r.single()).map_or("-".into(), ToString::to_string)
    };
    let place = |o: &Offering| match o.requirements.get(aws::CAPACITY_RESERVATION_ID).and_then(|r| r.single()) {
        Some(id) => id.to_string(),
        None => format!("{} {}", of(o, CAPACITY_TYPE), of(o, ZONE)),
    };
    let show =
        |t: &Arc<InstanceType>| format!("{}[{}]", t.name, t.offerings.iter().map(place).collect::<Vec<_>>().join(", "));
    ask(types, requirements, true).map(|list| list.iter().map(show).collect()).unwrap_or_default()
}

fn anything() -> Requirements {
    requires(&[])
}

fn on_demand(name: &str, dollars: f64) -> Arc<InstanceType> {
    kind(name, vec![offering("on-demand", "a", dollars)])
}

#[test]
fn the_cheapest_type_comes_first_and_the_sixty_first_not_at_all() {
    let types: Vec<_> = (0..70).map(|n| on_demand(&format!("m5.{n:02}"), 1.0 - f64::from(n) / 100.0)).collect();
    let list = ask(&types, &anything(), true).expect("types");
    assert_eq!((list.len(), &*list[0].name, &*list[59].name), (60, "m5.69", "m5.10"));
}

#[test]
fn a_type_that_is_too_small_elsewhere_or_sold_out_is_left_out() {
    let mut small = on_demand("m5.small", 0.1);
    Arc::make_mut(&mut small).capacity.set("cpu", 500);
    let mut sold_out = on_demand("m5.gone", 0.1);
    Arc::make_mut(&mut sold_out).offerings[0].available = false;
    let types = [small, sold_out, on_demand("m5.large", 0.1)];
    assert_eq!(left(&types, &anything()), ["m5.large[on-demand a]"]);
    assert_eq!(ask(&types, &requires(&[(ZONE, &["b"])]), true), Err(NothingLeft::Filtered));
    assert_eq!(left(&types, &requires(&[("kubernetes.io/arch", &["arm64"])])), Vec::<String>::new());
}

#[test]
fn a_full_reservation_is_no_way_to_launch() {
    let types = [kind("m5.large", vec![reserved("cr-1", "a", 0)])];
    assert_eq!(ask(&types, &anything(), true), Err(NothingLeft::Filtered));
}

#[test]
fn capacity_that_is_paid_for_goes_before_everything_else() {
    let types = [
        kind("m5.large", vec![reserved("cr-1", "a", 1), offering("spot", "a", 0.01), offering("on-demand", "a", 0.1)]),
        on_demand("m5.xlarge", 0.05),
    ];
    assert_eq!(left(&types, &anything()), ["m5.large[cr-1]"]);
    let paid = requires(&[(CAPACITY_TYPE, &["spot", "on-demand"])]);
    assert_eq!(left(&types, &paid).len(), 2, "the reservation is not allowed");
}

#[test]
fn a_launch_goes_into_one_kind_of_reservation() {
    let dear = |mut offering: Offering| {
        offering.price = Price::from_picodollars(5000);
        offering
    };
    let default = || kind("m5.large", vec![reserved("cr-default", "a", 1)]);
    let block = || kind("p5.48xlarge", vec![reserved_as("cr-block", "a", 1, "capacity-block", false)]);
    let interruptible = || kind("c5.large", vec![reserved_as("cr-lent", "a", 1, "default", true)]);
    assert_eq!(left(&[interruptible(), block(), default()], &anything()), ["m5.large[cr-default]"], "equal prices");
    assert_eq!(left(&[interruptible(), block()], &anything()), ["p5.48xlarge[cr-block]"]);
    let dear_default = kind("m5.large", vec![dear(reserved("cr-default", "a", 1))]);
    assert_eq!(left(&[interruptible(), dear_default], &anything()), ["c5.large[cr-lent]"], "the cheaper kind");
    let mixed =
        kind("m5.large", vec![reserved("cr-default", "a", 1), dear(reserved_as("cr-lent", "b", 1, "default", true))]);
    assert_eq!(left(&[mixed], &anything()), ["m5.large[cr-default]"], "kinds are not mixed within a type either");
}

#[test]
fn a_block_is_launched_into_alone() {
    let block = |name: &str, ids: &[(&str, i64)]| {
        let offerings = ids.iter().map(|(id, price)| {
            let offering = reserved_as(id, "a", 1, "capacity-block", false);
            Offering { price: Price::from_picodollars(*price), ..offering }
        });
        kind(name, offerings.collect())
    };
    let types = [block("p5.48xlarge", &[("cr-1", 30), ("cr-2", 20)]), block("p4d.24xlarge", &[("cr-3", 25)])];
    assert_eq!(left(&types, &anything()), ["p5.48xlarge[cr-2]"]);
}

#[test]
fn a_full_block_does_not_stop_the_launch() {
    let types = [
        kind(
            "p5.48xlarge",
            vec![reserved_as("cr-1", "a", 0, "capacity-block", false), offering("on-demand", "a", 50.0)],
        ),
        on_demand("m5.large", 0.1),
    ];
    assert_eq!(left(&types, &anything()), ["m5.large[on-demand a]", "p5.48xlarge[cr-1, on-demand a]"]);
}

#[test]
fn of_the_reservations_of_a_zone_the_roomiest_stays() {
    let types = [kind("m5.large", vec![reserved("cr-1", "a", 2), reserved("cr-2", "a", 9), reserved("cr-3", "b", 1)])];
    assert_eq!(left(&types, &anything()), ["m5.large[cr-2, cr-3]"]);
}

#[test]
fn bare_metal_and_accelerators_are_for_those_who_need_them() {
    let mut gpu = on_demand("g5.xlarge", 0.01);
    Arc::make_mut(&mut gpu).capacity.set("nvidia.com/gpu", 1);
    let mut part_of_a_gpu = on_demand("g6f.large", 0.01);
    let labels = &mut Arc::make_mut(&mut part_of_a_gpu).requirements;
    labels.replace("karpenter.k8s.aws/instance-gpu-count".into(), Requirement::exactly("0"));
    let exotic = [on_demand("m5.metal", 0.02), on_demand("m7i.metal-24xl", 0.03), gpu, part_of_a_gpu];
    let mut types = exotic.to_vec();
    assert_eq!(left(&types, &anything()).len(), 4, "nothing else is there");
    types.push(on_demand("m5.large", 0.1));
    assert_eq!(left(&types, &anything()), ["m5.large[on-demand a]"]);
    let mut at_least_two = anything();
    at_least_two.add("node.kubernetes.io/instance-type", Requirement::exists().with_min_values(Some(2)));
    assert_eq!(left(&types, &at_least_two).len(), 5, "whoever asks for many values gets them");
}

#[test]
fn spot_that_costs_more_than_the_listed_price_is_pointless() {
    let types = [
        kind(
            "m5.large",
            vec![offering("spot", "a", 0.05), offering("spot", "b", 0.3), offering("on-demand", "a", 0.2)],
        ),
        kind("m5.xlarge", vec![offering("spot", "a", 0.25)]),
        kind("m5.2xlarge", vec![offering("spot", "a", 0.2)]),
    ];
    assert_eq!(left(&types, &anything()), ["m5.large[spot a, on-demand a]", "m5.2xlarge[spot a]"]);
    let spot_only = requires(&[(CAPACITY_TYPE, &["spot"])]);
    assert_eq!(left(&types, &spot_only).len(), 3, "there is nothing to compare with");
    let mut many = anything();
    many.add("node.kubernetes.io/instance-type", Requirement::exists().with_min_values(Some(1)));
    assert_eq!(left(&types, &many).len(), 3, "whoever asks for many values gets them");
}

#[test]
fn too_few_values_give_a_claim_up_only_if_that_is_the_policy() {
    let types = [on_demand("m5.large", 0.1), on_demand("m5.xlarge", 0.2)];
    let mut three = anything();
    three.add("node.kubernetes.io/instance-type", Requirement::exists().with_min_values(Some(3)));
    let lack = NothingLeft::TooFewValues { key: "node.kubernetes.io/instance-type".to_owned(), left: 2, asked: 3 };
    assert_eq!(ask(&types, &three, true), Err(lack));
    assert_eq!(ask(&types, &three, false).map(|list| list.len()), Ok(2));
}

#[test]
fn the_types_of_others_are_not_changed() {
    let types = [kind("m5.large", vec![reserved("cr-1", "a", 1), offering("on-demand", "a", 0.1)])];
    let list = ask(&types, &anything(), true).expect("types");
    assert_eq!((list[0].offerings.len(), types[0].offerings.len()), (1, 2));
}
