//! Random overlays: the order of what is given does not matter, and the quick way gives what the specification's words give.

use super::testing::*;
use super::*;
use dovetail_scheduler::instance_type::{Offering, Price};
use dovetail_scheduler::resources::Resources;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// An overlay out of few words, so that several meet.
fn any_overlay(name: usize) -> impl Strategy<Value = Overlay> {
    let requirement = prop_oneof![
        Just(None),
        prop::sample::subsequence(vec!["m1", "m2", "g1"], 1..3).prop_map(|names| Some((TYPE, names))),
        prop::sample::subsequence(vec!["a", "b"], 1..2).prop_map(|zones| Some((ZONE, zones))),
        prop::sample::subsequence(vec!["blue", "green"], 1..2).prop_map(|pools| Some((POOL, pools))),
    ];
    let words = (prop::collection::vec(requirement, 0..3), 0..4_i32, 0..4_u8, 0..3_u8, 1..50_u32);
    words.prop_map(move |(requirements, weight, price, capacity, amount)| {
        let mut o = overlay(&format!("overlay-{name}"));
        for (key, values) in requirements.into_iter().flatten() {
            o = o.only(key, "In", &values);
        }
        if weight > 0 {
            o = o.weight(weight);
        }
        o = match price {
            0 => o,
            1 => o.price(&format!("0.{amount}")),
            2 => o.change(&format!("-{amount}%")),
            _ => o.change(&format!("+{amount}.5")),
        };
        match capacity {
            0 => o,
            1 => o.gives("example.com/dongle", &amount.to_string()),
            _ => o.gives("example.com/dongle", "1").gives("example.com/badge", &amount.to_string()),
        }
    })
}

fn any_overlays() -> impl Strategy<Value = Vec<Overlay>> {
    (any_overlay(0), any_overlay(1), any_overlay(2), any_overlay(3), any_overlay(4), any_overlay(5))
        .prop_map(|(a, b, c, d, e, f)| vec![a, b, c, d, e, f])
}

fn two_pools() -> [Offer; 2] {
    let types = machines();
    [pool_of("blue", &[], &types), pool_of("green", &[(ZONE, "a")], &types)]
}

/// The prices of a type's offerings, and its capacity.
type Figures = (Vec<Price>, Resources);

/// The same question answered the slow way: every overlay, pool, type and offering for itself, straight from the words of the
/// specification. Names of the overlays that are in conflict, and all prices and capacities.
fn naively(overlays: &[Overlay], offers: &[Offer]) -> (Vec<String>, Vec<Vec<Figures>>) {
    let well_known = well_known();
    let mut objects: Vec<_> = overlays.iter().map(Overlay::object).collect();
    objects.sort_by_key(|o| Reverse((o.spec.weight.unwrap_or(0), o.metadata.name.clone())));
    let fresh = |offer: &Offer| {
        let one = |t: &Arc<InstanceType>| (t.offerings.iter().map(|o| o.price).collect(), t.capacity.clone());
        offer.instance_types.iter().map(one).collect::<Vec<Figures>>()
    };
    let mut result: Vec<_> = offers.iter().map(fresh).collect();
    // By pool, type, and place of the offering or name of the resource: the lowest weight that came.
    let mut seen: BTreeMap<(usize, usize, String), i32> = BTreeMap::new();
    let mut rejected = vec![];
    for o in &objects {
        let correction = Correction::read(o).expect("an overlay that makes sense");
        let mut wants = vec![];
        for (p, offer) in offers.iter().enumerate() {
            for (t, machine) in offer.instance_types.iter().enumerate() {
                let node = offer.labels.and(&machine.requirements);
                let fits = |o: &Offering| correction.requirements.compatible(&o.requirements, &well_known).is_ok();
                let places: Vec<usize> = (0..WAYS.len()).filter(|i| fits(&machine.offerings[*i])).collect();
                if node.compatible(&correction.requirements, &WellKnown::new()).is_err() || places.is_empty() {
                    continue;
                }
                let priced = places.iter().filter(|_| correction.price.is_some());
                wants.extend(priced.map(|place| (p, t, place.to_string())));
                wants.extend(correction.capacity.iter().map(|(name, _)| (p, t, name.to_string())));
            }
        }
        if wants.iter().any(|want| seen.get(want) == Some(&correction.weight)) {
            rejected.push(o.metadata.name.clone().expect("a name"));
            continue;
        }
        for want in wants {
            if seen.insert(want.clone(), correction.weight).is_some() {
                continue;
            }
            let (prices, capacity) = &mut result[want.0][want.1];
            match want.2.parse::<usize>() {
                Ok(place) => prices[place] = correction.corrected(prices[place]),
                Err(_) => capacity.set(want.2.as_str(), correction.capacity.get(&want.2)),
            }
        }
    }
    (rejected, result)
}

proptest! {
    #[test]
    fn the_order_of_the_overlays_does_not_matter(
        (overlays, shuffled) in any_overlays().prop_flat_map(|list| {
            let objects: Vec<NodeOverlay> = list.iter().map(Overlay::object).collect();
            (Just(objects.clone()), Just(objects).prop_shuffle())
        })
    ) {
        let (one, other) = (evaluate(&overlays, &two_pools(), &well_known()), evaluate(&shuffled, &two_pools(), &well_known()));
        prop_assert_eq!(&one.outcomes, &other.outcomes);
        prop_assert_eq!(&one.instance_types, &other.instance_types);
    }

    #[test]
    fn the_order_of_the_pools_does_not_matter(overlays in any_overlays()) {
        let [blue, green] = two_pools();
        let one = evaluated(&overlays, &[blue.clone(), green.clone()]);
        let other = evaluated(&overlays, &[green, blue]);
        prop_assert_eq!(&one.outcomes, &other.outcomes);
        prop_assert_eq!(&one.instance_types[0], &other.instance_types[1]);
    }

    #[test]
    fn thinking_in_classes_gives_what_the_words_of_the_specification_give(overlays in any_overlays()) {
        let offers = two_pools();
        let quick = evaluated(&overlays, &offers);
        let (rejected, slow) = naively(&overlays, &offers);
        let in_conflict = quick.outcomes.iter().filter(|(_, o)| matches!(o, Outcome::Conflict(_)));
        prop_assert_eq!(in_conflict.map(|(name, _)| name.clone()).collect::<Vec<_>>(), rejected);
        for (types, expected) in quick.instance_types.iter().zip(&slow) {
            for (t, (prices, capacity)) in types.iter().zip(expected) {
                prop_assert_eq!(&t.offerings.iter().map(|o| o.price).collect::<Vec<_>>(), prices);
                prop_assert_eq!(&t.capacity, capacity);
            }
        }
    }
}
