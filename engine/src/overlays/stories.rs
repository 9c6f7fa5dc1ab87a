//! The specification's evaluation of NodeOverlays, sentence by sentence, as stories.

use super::testing::*;
use super::*;
use dovetail_scheduler::instance_type::{Offering, Overlaid, Price};
use dovetail_scheduler::requirement::Requirement;
use dovetail_scheduler::resources::{CPU, MEMORY};

const UNCHANGED: [i64; 4] = [40, 100, 40, 100];

// Matching.

#[test]
fn the_types_of_a_family_get_another_price_and_the_others_stay_the_same_objects() {
    let offer = pool("default", &[]);
    let made = evaluated(&[overlay("dear").only(FAMILY, "In", &["m"]).change("+50%")], std::slice::from_ref(&offer));
    assert_eq!(made.cents("m1"), [60, 150, 60, 150]);
    assert_eq!(made.cents("m2"), [60, 150, 60, 150]);
    assert_eq!(made.cents("g1"), UNCHANGED);
    assert!(Arc::ptr_eq(&made.instance_types[0][2], &offer.instance_types[2]));
    assert_eq!(*made.outcome("dear"), Outcome::Applied { selected: 2, changed: 2 });
    assert_eq!(machine("m1").offerings[0].price, Price::from_dollars(0.4), "the provider's list is as it was");
}

#[test]
fn without_overlays_a_pool_keeps_its_list() {
    let offer = pool("default", &[]);
    let made = evaluated(&[], std::slice::from_ref(&offer));
    assert!(Arc::ptr_eq(&made.instance_types[0], &offer.instance_types));
    let made = evaluated(&[overlay("nobody").only(TYPE, "In", &["z9"]).price("1")], std::slice::from_ref(&offer));
    assert!(Arc::ptr_eq(&made.instance_types[0], &offer.instance_types));
    assert_eq!(made.outcome("nobody").to_string(), "it selects no instance type of any NodePool");
}

#[test]
fn only_the_offerings_that_fit_get_the_price() {
    let made = alone(&[overlay("spot").only(CAPACITY_TYPE, "In", &["spot"]).price("0.2")]);
    assert_eq!(made.cents("m1"), [20, 100, 20, 100]);
    let made = alone(&[overlay("zone").only(ZONE, "NotIn", &["a"]).change("+1")]);
    assert_eq!(made.cents("m1"), [40, 100, 140, 200]);
    let both = overlay("both").only(ZONE, "In", &["b"]).only(CAPACITY_TYPE, "In", &["on-demand"]);
    assert_eq!(alone(&[both.change("-0.25")]).cents("g1"), [40, 100, 40, 75]);
}

#[test]
fn what_no_offering_fits_is_not_selected() {
    let made = alone(&[overlay("moon").only(ZONE, "In", &["moon"]).price("1").gives("example.com/dongle", "1")]);
    assert_eq!(*made.outcome("moon"), Outcome::Applied { selected: 0, changed: 0 });
    assert_eq!(made.find(0, "m1").overlaid, Overlaid::default());
}

#[test]
fn an_offering_that_is_sold_out_is_corrected_too() {
    let mut sold_out = InstanceType::clone(&machine("m1"));
    sold_out.offerings.iter_mut().for_each(|o| o.available = false);
    let offer = pool_of("default", &[], &Arc::from([Arc::new(sold_out)]));
    let made = evaluated(&[overlay("any").price("2")], &[offer]);
    assert_eq!(made.cents("m1"), [200; 4]);
    assert!(made.find(0, "m1").offerings.iter().all(|o| !o.available), "and stays sold out");
}

#[test]
fn what_has_no_price_goes_on_sale_when_an_overlay_names_the_type_and_its_price() {
    let mut unpriced = InstanceType::clone(&machine("m1"));
    unpriced.offerings.iter_mut().for_each(|o| o.price = Price::MAX);
    let types = Arc::from([Arc::new(unpriced)]);
    let on_sale = |o: Overlay| {
        let made = evaluated(&[o], &[pool_of("default", &[], &types)]);
        made.find(0, "m1").offerings.iter().all(Offering::launchable)
    };
    let named = || overlay("o").only(TYPE, "In", &["m1", "m2"]);
    assert!(on_sale(named().price("2")));
    assert!(!on_sale(named().change("-50%")), "half of nobody knows what");
    assert!(!on_sale(named().gives("example.com/dongle", "1")));
    assert!(!on_sale(overlay("o").price("2")), "not in passing");
    assert!(!on_sale(overlay("o").only(FAMILY, "In", &["m"]).price("2")));
    assert!(!on_sale(named().only(ZONE, "In", &["a", "b"]).price("2")));
    assert!(!on_sale(overlay("o").only(TYPE, "NotIn", &["g1"]).price("2")));
}

#[test]
fn a_label_that_neither_pool_nor_type_defines_cannot_be_asked_for() {
    let asks = |operator: &str, values: &[&str]| {
        let made = alone(&[overlay("o").only("example.com/team", operator, values).price("2")]);
        made.cents("m1") != UNCHANGED
    };
    assert!(!asks("In", &["a"]));
    assert!(!asks("Exists", &[]));
    assert!(!asks("Gt", &["1"]));
    assert!(asks("NotIn", &["a"]), "absence will do");
    assert!(asks("DoesNotExist", &[]));
}

#[test]
fn a_well_known_label_that_nothing_defines_cannot_be_asked_for_either() {
    // The pool requires the region, but requirements of a pool are not looked at.
    let made = alone(&[overlay("o").only(REGION, "In", &["here"]).price("2")]);
    assert_eq!(made.cents("m1"), UNCHANGED);
}

#[test]
fn the_name_and_the_labels_of_a_pool_count_as_labels_of_its_types() {
    let offers = [pool("blue", &[("example.com/team", "web")]), pool("green", &[])];
    for selects_blue in [
        overlay("o").only(POOL, "In", &["blue"]),
        overlay("o").only("example.com/team", "In", &["web"]),
        overlay("o").only("example.com/team", "Exists", &[]),
    ] {
        let made = evaluated(&[selects_blue.price("2")], &offers);
        assert_eq!(made.cents("m1"), [200; 4]);
        assert!(Arc::ptr_eq(&made.instance_types[1], &offers[1].instance_types), "green is left alone");
    }
    let made = evaluated(&[overlay("o").only("example.com/team", "DoesNotExist", &[]).price("2")], &offers);
    assert_eq!(made.cents("m1"), UNCHANGED);
    assert_eq!(made.find(1, "m1").offerings[0].price, Price::from_dollars(2.0));
}

#[test]
fn a_label_of_the_pool_narrows_what_a_type_can_be() {
    // Every node of the pool is in zone a, so that what is said of zone b does not concern it.
    let offers = [pool("default", &[(ZONE, "a")])];
    let made = evaluated(&[overlay("b").only(ZONE, "In", &["b"]).price("2")], &offers);
    assert_eq!(*made.outcome("b"), Outcome::Applied { selected: 0, changed: 0 });
    let made = evaluated(&[overlay("ab").only(ZONE, "In", &["a", "b"]).price("2")], &offers);
    assert_eq!(made.cents("m1"), [200; 4]);
    // A label that contradicts the type's own leaves nothing to fit.
    let made = evaluated(&[overlay("m").only(FAMILY, "Exists", &[]).price("2")], &[pool("odd", &[(FAMILY, "x")])]);
    assert_eq!(*made.outcome("m"), Outcome::Applied { selected: 0, changed: 0 });
}

#[test]
fn the_label_of_the_node_class_can_be_asked_for() {
    let class = overlay("o").only("karpenter.k8s.aws/ec2nodeclass", "In", &["plain"]);
    assert_eq!(alone(&[class.price("2")]).cents("m1"), [200; 4]);
}

#[test]
fn an_overlay_for_everything_needs_no_requirement() {
    let made = alone(&[overlay("all").change("-50%")]);
    assert!(["m1", "m2", "g1"].iter().all(|name| made.cents(name) == [20, 50, 20, 50]));
}

#[test]
fn all_requirements_must_hold_and_comparisons_are_understood() {
    let types: Arc<[Arc<InstanceType>]> = ["m1", "m2"]
        .into_iter()
        .zip(["8", "16"])
        .map(|(name, cores)| {
            let mut t = InstanceType::clone(&machine(name));
            t.requirements.add("example.com/cores", Requirement::exactly(cores));
            Arc::new(t)
        })
        .collect();
    let cents = |o: Overlay| {
        let made = evaluated(&[o.price("2")], &[pool_of("default", &[], &types)]);
        ["m1", "m2"].map(|name| made.cents(name)[0])
    };
    assert_eq!(cents(overlay("o").only("example.com/cores", "Gt", &["8"])), [40, 200]);
    assert_eq!(cents(overlay("o").only("example.com/cores", "Lte", &["8"])), [200, 40]);
    let contradiction = overlay("o").only("example.com/cores", "Gt", &["8"]).only(TYPE, "In", &["m1"]);
    assert_eq!(cents(contradiction), [40, 40]);
    let same_key_twice = overlay("o").only(TYPE, "In", &["m1", "m2"]).only(TYPE, "NotIn", &["m1"]);
    assert_eq!(cents(same_key_twice), [40, 200]);
}

// Capacity.

#[test]
fn capacity_is_added_to_that_of_the_whole_type_if_one_offering_fits() {
    let made =
        alone(&[overlay("o").only(TYPE, "In", &["m1"]).only(ZONE, "In", &["b"]).gives("example.com/dongle", "3")]);
    let m1 = made.find(0, "m1");
    assert_eq!(m1.capacity.get("example.com/dongle"), 3);
    assert_eq!(m1.allocatable().get("example.com/dongle"), 3);
    assert_eq!((m1.capacity.get(CPU), made.cents("m1").as_slice()), (4000, UNCHANGED.as_slice()));
    assert_eq!(m1.overlaid, Overlaid { price: false, capacity: true });
    assert!(!made.find(0, "m2").capacity.has("example.com/dongle"));
}

#[test]
fn capacity_that_is_there_is_replaced() {
    let mut gpu = InstanceType::clone(&machine("g1"));
    gpu.capacity.set("nvidia.com/gpu", 1);
    let offer = pool_of("default", &[], &Arc::from([Arc::new(gpu)]));
    let made = evaluated(&[overlay("slices").gives("nvidia.com/gpu", "10")], &[offer]);
    assert_eq!(made.find(0, "g1").capacity.get("nvidia.com/gpu"), 10);
}

#[test]
fn huge_pages_take_memory_from_pods() {
    let made = alone(&[overlay("huge").gives("hugepages-2Mi", "4Gi")]);
    let room = made.find(0, "m1").allocatable();
    assert_eq!((room.get("hugepages-2Mi"), room.get(MEMORY)), (4 << 30, 12 << 30));
    assert_eq!(made.find(0, "m1").capacity.get(MEMORY), 16 << 30, "limits count the whole machine");
}

#[test]
fn what_an_overlay_does_not_speak_of_stays() {
    let made = alone(&[overlay("o").price("2").gives("example.com/dongle", "1")]);
    let (before, after) = (machine("m1"), made.find(0, "m1"));
    assert_eq!(after.volume_limits, before.volume_limits);
    assert_eq!(after.requirements, before.requirements);
    assert_eq!(after.overlaid, Overlaid { price: true, capacity: true });
}

#[test]
fn a_price_that_comes_out_the_same_is_an_overlays_price_all_the_same() {
    let made = alone(&[overlay("o").change("+0%")]);
    assert_eq!(made.find(0, "m1").overlaid, Overlaid { price: true, capacity: false });
}

// Weights.

#[test]
fn the_heavier_overlay_has_the_say_and_the_lighter_one_fills_the_gaps() {
    let heavy = overlay("heavy").weight(10).only(ZONE, "In", &["a"]).price("0.2").gives("example.com/dongle", "1");
    let light =
        overlay("light").weight(5).price("0.3").gives("example.com/dongle", "2").gives("example.com/badge", "3");
    let made = alone(&[light, heavy]);
    assert_eq!(made.cents("m1"), [20, 20, 30, 30]);
    let capacity = &made.find(0, "m1").capacity;
    assert_eq!((capacity.get("example.com/dongle"), capacity.get("example.com/badge")), (1, 3));
}

#[test]
fn changes_are_made_to_the_providers_price_not_to_another_overlays() {
    let made = alone(&[overlay("base").weight(10).price("5").only(ZONE, "In", &["a"]), overlay("more").change("+1")]);
    assert_eq!(made.cents("m1"), [500, 500, 140, 200]);
}

#[test]
fn no_weight_is_the_least() {
    let made = alone(&[overlay("z-none").price("3"), overlay("a-one").weight(1).price("2")]);
    assert_eq!(made.cents("m1"), [200; 4]);
    assert_eq!(made.outcomes.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a-one", "z-none"]);
    assert_eq!(
        made.outcome("z-none").to_string(),
        "it changes nothing: heavier overlays say something about the same types"
    );
}

// Conflicts.

#[test]
fn of_two_of_one_weight_the_last_by_name_is_heard_and_the_other_is_in_conflict() {
    let made = alone(&[overlay("a").weight(7).price("2"), overlay("b").weight(7).price("3").only(TYPE, "In", &["m2"])]);
    assert!(made.is_applied("b"));
    assert_eq!(made.cents("m2"), [300; 4]);
    assert_eq!(made.cents("m1"), UNCHANGED, "a is rejected as a whole, also where b says nothing");
    assert_eq!(
        made.outcome("a").to_string(),
        "not applied: conflict with another overlay: b has the same weight 7 and sets the price of m2 in NodePool default \
         too; give one of them another weight"
    );
}

#[test]
fn one_that_is_in_conflict_in_one_pool_applies_in_none() {
    let offers = [pool("blue", &[]), pool("green", &[])];
    let wide = overlay("a").price("2").gives("example.com/dongle", "1");
    let made = evaluated(&[wide, overlay("b").price("3").only(POOL, "In", &["green"])], &offers);
    let conflict = made.conflict("a");
    assert_eq!((conflict.pool.as_str(), conflict.disputed.clone()), ("green", Disputed::Price));
    assert!(Arc::ptr_eq(&made.instance_types[0], &offers[0].instance_types), "nothing of it was stored");
    assert!(!made.find(1, "m1").capacity.has("example.com/dongle"));
}

#[test]
fn saying_the_same_is_a_conflict_all_the_same() {
    let made = alone(&[overlay("a").price("2"), overlay("b").price("2")]);
    assert_eq!(made.conflict("a").with, ["b"]);
    let made = alone(&[overlay("a").gives("example.com/dongle", "1"), overlay("b").gives("example.com/dongle", "1")]);
    assert_eq!(made.conflict("a").disputed, Disputed::Capacity("example.com/dongle".to_owned()));
    assert!(made.outcome("a").to_string().contains("b has the same weight 0 and sets example.com/dongle of g1"));
}

#[test]
fn overlays_of_one_weight_that_do_not_meet_live_together() {
    let made = alone(&[
        overlay("zone-a").only(ZONE, "In", &["a"]).price("2"),
        overlay("zone-b").only(ZONE, "In", &["b"]).price("3"),
        overlay("dongle").gives("example.com/dongle", "1"),
        overlay("badge").gives("example.com/badge", "1"),
    ]);
    assert!(made.outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Applied { selected: 3, changed: 3 }));
    assert_eq!(made.cents("m1"), [200, 200, 300, 300]);
}

#[test]
fn a_price_and_an_amount_of_the_same_type_are_no_conflict() {
    let made = alone(&[overlay("a").price("2"), overlay("b").gives("example.com/dongle", "1")]);
    assert!(made.is_applied("a") && made.is_applied("b"));
}

#[test]
fn two_that_came_too_late_to_be_heard_are_in_conflict_too() {
    let made = alone(&[
        overlay("top").weight(9).price("2"),
        overlay("x").weight(3).price("3"),
        overlay("w").weight(3).price("4"),
    ]);
    assert_eq!(*made.outcome("x"), Outcome::Applied { selected: 3, changed: 0 });
    assert_eq!(made.conflict("w").with, ["x"], "although neither changes a price");
    let made = alone(&[
        overlay("top").weight(9).price("2"),
        overlay("x").weight(3).price("3"),
        overlay("w").weight(9).price("4"),
    ]);
    assert_eq!(made.conflict("top").with, ["w"]);
    assert!(made.is_applied("x"), "the weight of an overlay that is in conflict does not count");
}

#[test]
fn one_that_is_in_conflict_stands_in_nobodys_way() {
    // c and b meet in zone a, so b is rejected; a meets only b.
    let made = alone(&[
        overlay("c").only(ZONE, "In", &["a"]).price("2"),
        overlay("b").price("3"),
        overlay("a").only(ZONE, "In", &["b"]).price("4"),
    ]);
    assert!(made.is_applied("c") && made.is_applied("a"));
    assert_eq!(made.conflict("b").with, ["c"]);
    assert_eq!(made.cents("m1"), [200, 200, 400, 400]);
}

#[test]
fn all_that_an_overlay_meets_are_named() {
    let made = alone(&[
        overlay("a").price("2").gives("example.com/dongle", "1"),
        overlay("z").only(TYPE, "In", &["m2"]).price("2"),
        overlay("x").only(TYPE, "In", &["m1"]).gives("example.com/dongle", "2"),
    ]);
    assert_eq!(made.conflict("a").with, ["x", "z"]);
    let text = made.outcome("a").to_string();
    assert!(
        text.contains("x, z have the same weight 0 and set example.com/dongle of m1 in NodePool default too"),
        "{text}"
    );
}

#[test]
fn offerings_with_equal_requirements_are_one_wherever_they_are_written() {
    // Every offering of these machines has its own copy of its requirements.
    let made = alone(&[overlay("o").only(CAPACITY_TYPE, "In", &["spot"]).price("0.2")]);
    assert!(["m1", "m2", "g1"].iter().all(|name| made.cents(name) == [20, 100, 20, 100]));
}

// What makes no sense.

#[test]
fn an_overlay_that_makes_no_sense_is_skipped_and_the_others_apply() {
    let made = alone(&[
        overlay("cpu").gives("cpu", "4").price("3"),
        overlay("efa").gives("vpc.amazonaws.com/efa", "1"),
        overlay("empty").only(ZONE, "NotIn", &[]).price("1"),
        overlay("number").only(ZONE, "Gt", &["many"]).price("1"),
        overlay("both").price("1").change("+1"),
        overlay("words").price("cheap"),
        overlay("sign").price("+1"),
        overlay("unsigned").change("10%"),
        overlay("less").gives("example.com/dongle", "-1"),
        overlay("fine").price("2"),
    ]);
    assert_eq!(made.cents("m1"), [200; 4]);
    let why = |name: &str| made.outcome(name).to_string();
    assert_eq!(why("cpu"), "not applied: RuntimeValidation: invalid capacity: cpu in resource, restricted");
    assert_eq!(
        why("efa"),
        "not applied: RuntimeValidation: invalid capacity: vpc.amazonaws.com/efa in resource, restricted"
    );
    assert!(why("empty").contains("with operator NotIn must have a value defined"), "{}", why("empty"));
    assert!(why("number").contains("must have a single positive integer value"), "{}", why("number"));
    assert!(why("both").contains("cannot set both 'price' and 'priceAdjustment'"));
    for (name, text) in [("words", "spec.price: \"cheap\" is no price"), ("sign", "spec.price: \"+1\" is no price")] {
        assert!(why(name).contains(text), "{}", why(name));
    }
    assert!(why("unsigned").contains("spec.priceAdjustment: \"10%\" is no change of a price"));
    assert!(why("less").contains("spec.capacity[example.com/dongle]: a machine cannot have less than nothing"));
}

// Sharing.

#[test]
fn pools_that_see_the_same_share_what_is_made() {
    let types = machines();
    let offers = ["x", "y", "z"].map(|name| pool_of(name, &[], &types));
    let made = evaluated(&[overlay("o").only(FAMILY, "In", &["m"]).price("2")], &offers);
    assert!(Arc::ptr_eq(&made.instance_types[0], &made.instance_types[2]));
    assert_eq!(*made.outcome("o"), Outcome::Applied { selected: 6, changed: 6 });
    let made = evaluated(&[overlay("o").only(POOL, "In", &["x", "z"]).price("2")], &offers);
    assert!(Arc::ptr_eq(&made.instance_types[1], &types));
    assert_eq!(made.find(2, "g1").offerings[0].price, Price::from_dollars(2.0));
    let (x, z) = (&made.instance_types[0], &made.instance_types[2]);
    assert!(x.iter().zip(z.iter()).all(|(one, other)| Arc::ptr_eq(one, other)), "made once, though asked for twice");
}
