//! Affinity and anti-affinity: plans that are right, and plans that are nearly so.

use super::super::testing::{TEAM, ZONE};
use super::super::town::{DB, HOST, Town, WEB, in_zones, team, with};
use crate::problem::{PodClass, Spread};

const LONELY: &str = "there is no order in which one of them comes before it";

fn near(key: &'static str, peers: usize) -> impl FnOnce(&mut PodClass) {
    move |class| class.affinity.required = vec![with(key, peers)]
}

fn away(key: &'static str, peers: usize) -> impl FnOnce(&mut PodClass) {
    move |class| class.anti_affinity.required = vec![with(key, peers)]
}

#[test]
fn a_pod_that_wants_company_finds_it_in_its_zone() {
    let apart = |zone: &str| {
        let mut town = Town::new();
        let web = town.class("web", &[WEB], near(ZONE, DB));
        let db = town.class("db", &[DB], |_| {});
        town.claim(&["a"], &[(web, 2)]);
        town.claim(&[zone], &[(db, 1)]);
        town
    };
    apart("a").is_right();
    apart("b").is_wrong(&[&format!(
        "claim 0 (pool default) takes pod web-0, which must share topology.kubernetes.io/zone with app=db in default; {LONELY}"
    )]);
}

#[test]
fn pods_that_run_are_company_even_where_nothing_more_may_come() {
    let mut town = Town::new();
    let web = town.class("web", &[WEB], near(ZONE, DB));
    let old = town.resident(&[DB], &[]);
    town.node("a", &[(old, 1)], &[]).leaving = true;
    town.claim(&["a"], &[(web, 1)]);
    town.is_right();
    town.claim(&["b"], &[(web, 1)]);
    assert_eq!(town.complaints().len(), 1);
}

#[test]
fn the_first_of_its_kind_goes_anywhere_and_the_others_follow() {
    let town = |zones: &[&str]| {
        let mut town = Town::new();
        let web = town.class("web", &[WEB], near(ZONE, WEB));
        zones.iter().for_each(|zone| {
            town.claim(&[zone], &[(web, 2)]);
        });
        town
    };
    town(&["b"]).is_right();
    town(&["b", "b"]).is_right();
    assert_eq!(town(&["a", "b"]).complaints().len(), 1);
}

#[test]
fn the_first_comes_before_those_who_need_no_company() {
    let mut town = Town::new();
    let web = town.class("web", &[WEB], near(ZONE, WEB));
    let batch = town.class("batch", &[WEB], |_| {});
    town.claim(&["b"], &[(batch, 3), (web, 1)]);
    // The batch is company in b, but if it came first nobody could open a.
    town.claim(&["a"], &[(web, 2)]);
    town.is_right();
    town.claim(&["c"], &[(web, 1)]);
    assert_eq!(town.complaints().len(), 1);
}

#[test]
fn company_out_of_reach_does_not_keep_the_first_from_opening() {
    let mut town = Town::new();
    let old = town.resident(&[WEB], &[]);
    town.node("a", &[(old, 1)], &[]);
    let web = town.class("web", &[WEB], near(ZONE, WEB));
    town.claim(&["b"], &[(web, 1)]);
    assert_eq!(town.complaints().len(), 1);
    town.problem.classes[web].selection.selector = in_zones(&["b", "c"]);
    town.is_right();
}

#[test]
fn pods_that_wait_for_each_other_wait_for_ever() {
    let mut town = Town::new();
    let web = town.class("web", &[WEB], near(ZONE, DB));
    let db = town.class("db", &[DB], near(ZONE, WEB));
    town.claim(&["a"], &[(web, 1), (db, 1)]);
    assert_eq!(town.complaints().len(), 2);
    // One of them that needs nobody breaks the spell.
    let free = town.class("free", &[DB], |_| {});
    town.claim(&["a"], &[(free, 1)]);
    town.is_right();
}

#[test]
fn who_opens_a_domain_knows_which() {
    let mut town = Town::new();
    let web = town.class("web", &[WEB], near(ZONE, WEB));
    town.claim(&["a", "b"], &[(web, 1)]);
    town.is_wrong(&[
        "claim 0 (pool default) takes pod web-0, which has a rule by topology.kubernetes.io/zone; what that label will be \
         there is not certain",
    ]);
    // With company in every zone that is left it need not know.
    let batch = town.class("batch", &[WEB], |_| {});
    town.claim(&["a"], &[(batch, 1)]);
    assert_eq!(town.complaints().len(), 1);
    town.claim(&["b"], &[(batch, 1)]);
    town.is_right();
}

#[test]
fn company_on_the_same_node_is_company_wherever_the_node_will_be() {
    let mut town = Town::new();
    let web = town.class("web", &[WEB], near(ZONE, DB));
    let db = town.class("db", &[DB], |_| {});
    town.claim(&["a", "b"], &[(db, 1), (web, 1)]);
    town.is_right();
}

#[test]
fn affinity_and_spread_need_one_order_for_both() {
    let town = |in_b: usize| {
        let mut town = Town::new();
        let web = town.class("web", &[WEB], |class| {
            class.spread = vec![Spread::evenly(ZONE, WEB, 1)];
            class.selection.selector = in_zones(&["a", "b"]);
        });
        let batch = town.class("batch", &[WEB], near(ZONE, WEB));
        town.claim(&["a"], &[(batch, 4), (web, 1)]);
        town.claim(&["b"], &[(web, in_b)]);
        town
    };
    town(1).is_right();
    town(2).is_right();
    assert_eq!(town(7).complaints().len(), 1);
}

#[test]
fn pods_keep_their_distance_whoever_came_first() {
    let town = |zones: [&str; 2]| {
        let mut town = Town::new();
        let web = town.class("web", &[WEB], away(ZONE, DB));
        let db = town.class("db", &[DB], |_| {});
        town.claim(&[zones[0]], &[(web, 2)]);
        town.claim(&[zones[1]], &[(db, 3)]);
        town
    };
    town(["a", "b"]).is_right();
    town(["a", "a"]).is_wrong(&[
        "claim 0 (pool default) takes pod web-0, which must not share topology.kubernetes.io/zone with app=db in default; \
         in a there are 3 of them",
    ]);
}

#[test]
fn pods_that_avoid_their_own_kind_do_not_count_themselves() {
    let town = |places: &[usize]| {
        let mut town = Town::new();
        let web = town.class("web", &[WEB], away(HOST, WEB));
        places.iter().for_each(|pods| {
            town.claim(&["a"], &[(web, *pods)]);
        });
        town
    };
    town(&[1, 1, 1]).is_right();
    town(&[1, 2]).is_wrong(&[
        "claim 1 (pool default) takes pod web-1, which must not share kubernetes.io/hostname with app=web in default; at \
         that place there are 1 of them",
    ]);
}

#[test]
fn a_claim_that_may_be_in_several_zones_is_in_all_of_them() {
    let town = |first: &[&str], second: &[&str]| {
        let mut town = Town::new();
        let web = town.class("web", &[WEB], away(ZONE, WEB));
        town.claim(first, &[(web, 1)]);
        town.claim(second, &[(web, 1)]);
        town
    };
    town(&["a", "b"], &["c"]).is_right();
    assert_eq!(town(&["a", "b"], &["b"]).complaints().len(), 2);
    // Zones in which nothing can be launched do not count.
    let mut town = town(&["a", "b"], &["b"]);
    town.problem.pools[0].change_type(0, |big| big.offerings[1].available = false);
    let distant = town.complaints();
    assert!(distant.iter().all(|complaint| !complaint.contains("must not share")), "{distant:?}");
}

#[test]
fn running_pods_keep_others_away_and_are_avoided() {
    let town = |zone: &str| {
        let mut town = Town::new();
        let guard = town.resident(&[], &[with(ZONE, WEB)]);
        town.node("a", &[(guard, 1)], &[]);
        let web = town.class("web", &[WEB], |_| {});
        town.claim(&[zone], &[(web, 2)]);
        town
    };
    town("b").is_right();
    town("a").is_wrong(&[
        "claim 0 (pool default) takes pod web-0, one of app=web in default; a pod that runs in a must not share \
         topology.kubernetes.io/zone with them",
    ]);
    let mut town = Town::new();
    let old = town.resident(&[WEB], &[with(HOST, WEB)]);
    let web = town.class("web", &[WEB], away(HOST, WEB));
    // What runs together already is not the plan's doing.
    town.node("a", &[(old, 2)], &[]);
    town.claim(&["a"], &[(web, 1)]);
    town.is_right();
    town.node("a", &[(old, 1)], &[(web, 1)]);
    assert_eq!(town.complaints().len(), 2, "it avoids them and they avoid it");
}

#[test]
fn a_label_of_any_value_is_shared_on_one_node() {
    let town = |pool: Option<(&str, &[&str])>| {
        let mut town = Town::new();
        let web = town.class("web", &[WEB], away(TEAM, WEB));
        if let Some((operator, values)) = pool {
            town.problem.pools[0].requirements.add_all(&team(operator, values));
        }
        town.claim(&["a"], &[(web, 2)]);
        town
    };
    // The label is not there at all.
    town(None).is_right();
    for pool in [("Exists", &[][..]), ("NotIn", &["red"]), ("In", &["red"])] {
        assert_eq!(town(Some(pool)).complaints().len(), 1, "{pool:?}");
    }
}

#[test]
fn preferences_are_no_rules() {
    let mut town = Town::new();
    let web = town.class("web", &[WEB], |class| {
        class.affinity.preferred = vec![(1, with(ZONE, DB))];
        class.anti_affinity.preferred = vec![(1, with(HOST, WEB))];
        class.spread = vec![Spread { required: false, ..Spread::evenly(ZONE, WEB, 1) }];
    });
    town.claim(&["a"], &[(web, 5)]);
    town.is_right();
}

#[test]
fn an_old_name_of_a_label_is_the_label() {
    let mut town = Town::new();
    let web = town.class("web", &[WEB], away("failure-domain.beta.kubernetes.io/zone", WEB));
    town.claim(&["a"], &[(web, 1)]);
    town.claim(&["a"], &[(web, 1)]);
    assert_eq!(town.complaints().len(), 2);
}

#[test]
fn rules_about_pods_that_the_problem_does_not_name_are_found() {
    let mut town = Town::new();
    let web = town.class("web", &[WEB, 7], |_| {});
    town.claim(&["a"], &[(web, 1)]);
    let old = town.resident(&[WEB], &[with(ZONE, 8)]);
    town.node("a", &[(old, 1), (4, 1)], &[]);
    town.is_wrong(&[
        "pod class 0 refers to number 7 of the sets of pods, but the problem has only 2 of them",
        "kind 0 of running pods refers to number 8 of the sets of pods, but the problem has only 2 of them",
        "node n0 refers to number 4 of the kinds of running pods, but the problem has only 1 of them",
    ]);
}
