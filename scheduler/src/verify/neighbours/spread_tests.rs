//! Spread: plans that are right, and plans that are nearly so.

use super::super::testing::{TEAM, ZONE, read, red};
use super::super::town::{DB, HOST, Town, WEB, in_zones, team, with};
use crate::problem::Spread;
use crate::requirements::Requirements;
use crate::taint::Effect;

/// Pods of the web, spread so, in such numbers over the zones a, b and c.
fn spread_out(spread: Spread, zones: [usize; 3]) -> Town {
    let mut town = Town::new();
    let web = town.class("web", &[WEB], |class| class.spread = vec![spread]);
    for (zone, pods) in ["a", "b", "c"].into_iter().zip(zones).filter(|(_, pods)| *pods > 0) {
        town.claim(&[zone], &[(web, pods)]);
    }
    town
}

fn askew(zone: &str, pods: u64, least: u64, max_skew: u32) -> String {
    format!(
        "spreads app=web in default by topology.kubernetes.io/zone with a skew of at most {max_skew}; in {zone} there are \
         {pods} of them, in the emptiest domain {least}"
    )
}

#[test]
fn no_zone_holds_more_than_the_emptiest_and_the_skew() {
    spread_out(Spread::evenly(ZONE, WEB, 1), [2, 1, 1]).is_right();
    spread_out(Spread::evenly(ZONE, WEB, 1), [1, 0, 0]).is_right();
    let too_many = format!("claim 0 (pool default) takes pod web-0, which {}", askew("a", 3, 1, 1));
    spread_out(Spread::evenly(ZONE, WEB, 1), [3, 1, 1]).is_wrong(&[&too_many]);
    spread_out(Spread::evenly(ZONE, WEB, 2), [3, 1, 1]).is_right();
}

#[test]
fn a_zone_that_nothing_was_bought_in_is_the_emptiest() {
    let too_many = format!("claim 0 (pool default) takes pod web-0, which {}", askew("a", 2, 0, 1));
    spread_out(Spread::evenly(ZONE, WEB, 1), [2, 1, 0]).is_wrong(&[&too_many]);
    // Unless nothing can be bought there, or the pod does not want it.
    let mut town = spread_out(Spread::evenly(ZONE, WEB, 1), [2, 1, 0]);
    town.problem.pools[0].change_type(0, |big| big.offerings[2].available = false);
    town.is_right();
    let mut town = spread_out(Spread::evenly(ZONE, WEB, 1), [2, 1, 0]);
    town.problem.classes[0].selection.selector = in_zones(&["a", "b"]);
    town.is_right();
    town.problem.classes[0].spread[0].honors_selection = false;
    town.is_wrong(&[&too_many]);
}

#[test]
fn too_few_domains_count_as_one_that_is_empty() {
    let at_least = |n| Spread { min_domains: Some(n), ..Spread::evenly(ZONE, WEB, 1) };
    spread_out(at_least(3), [2, 2, 2]).is_right();
    let too_many = format!("claim 0 (pool default) takes pod web-0, which {}", askew("a", 2, 0, 1));
    spread_out(at_least(4), [2, 2, 2]).is_wrong(&[&too_many]);
    spread_out(at_least(4), [1, 1, 1]).is_right();
}

#[test]
fn a_pool_with_a_taint_has_domains_unless_taints_are_honoured() {
    let mut town = spread_out(Spread::evenly(ZONE, WEB, 1), [2, 2, 2]);
    town.pool("tainted", &["d"]).taints = vec![red(Effect::NoSchedule)];
    let too_many = format!("claim 0 (pool default) takes pod web-0, which {}", askew("a", 2, 0, 1));
    town.is_wrong(&[&too_many]);
    town.problem.classes[0].spread[0].honors_taints = true;
    town.is_right();
}

#[test]
fn pods_that_run_count_where_the_filter_lets_their_node_pass() {
    let mut town = spread_out(Spread::evenly(ZONE, WEB, 1), [0, 2, 2]);
    let old = town.resident(&[WEB], &[]);
    town.node("a", &[(old, 3)], &[]);
    town.is_right();
    town.problem.nodes[0].residents = vec![(old, 4)];
    // The zone is fuller than it should be, but no pod was put there; the others are as even as they can be.
    town.is_right();
    town.problem.nodes[0].residents = vec![(old, 0)];
    let too_many = format!("claim 0 (pool default) takes pod web-0, which {}", askew("b", 2, 0, 1));
    town.is_wrong(&[&too_many]);
    town.problem.nodes[0].residents = vec![(old, 1)];
    town.is_right();
    // The pods of a node that is going away count still; those on a node that the pod does not select never.
    town.problem.nodes[0].leaving = true;
    town.is_right();
    town.problem.nodes[0].taints = vec![red(Effect::NoExecute)];
    town.problem.classes[0].spread[0].honors_taints = true;
    town.is_wrong(&[&too_many]);
}

#[test]
fn every_node_is_a_domain_of_its_own_by_host_name() {
    let mut town = Town::new();
    let web = town.class("web", &[WEB], |class| class.spread = vec![Spread::evenly(HOST, WEB, 2)]);
    town.claim(&["a"], &[(web, 2)]);
    town.claim(&["a"], &[(web, 1)]);
    town.is_right();
    town.claim(&["a"], &[(web, 3)]);
    town.is_wrong(&[
        "claim 2 (pool default) takes pod web-3, which spreads app=web in default by kubernetes.io/hostname with a skew \
         of at most 2; at that place there are 3 of them, in the emptiest domain 0",
    ]);
}

#[test]
fn pods_that_have_no_spread_may_come_later_and_make_it_uneven() {
    let crowd = |web_in_a: usize, in_c: usize| {
        let mut town = Town::new();
        let web = town.class("web", &[WEB], |class| class.spread = vec![Spread::evenly(ZONE, WEB, 1)]);
        let batch = town.class("batch", &[WEB], |_| {});
        town.claim(&["a"], &[(web, web_in_a), (batch, 5)]);
        town.claim(&["b"], &[(web, 1)]);
        if in_c > 0 {
            town.claim(&["c"], &[(web, in_c)]);
        }
        town
    };
    crowd(2, 1).is_right();
    crowd(1, 0).is_right();
    // The second of the web comes to a before anything is in c, whatever the order.
    let too_many = format!("claim 0 (pool default) takes pod web-0, which {}", askew("a", 7, 0, 1));
    crowd(2, 0).is_wrong(&[&too_many]);
}

#[test]
fn the_strict_come_before_the_patient() {
    let mixed = |strict_in_a: usize| {
        let mut town = Town::new();
        let strict = town.class("strict", &[WEB], |class| class.spread = vec![Spread::evenly(ZONE, WEB, 1)]);
        let patient = town.class("patient", &[WEB], |class| class.spread = vec![Spread::evenly(ZONE, WEB, 3)]);
        town.claim(&["a"], &[(patient, 2), (strict, strict_in_a)]);
        town.claim(&["b"], &[(strict, 1)]);
        town
    };
    mixed(1).is_right();
    let too_many = format!("claim 0 (pool default) takes pod strict-0, which {}", askew("a", 4, 0, 1));
    assert_eq!(mixed(2).complaints()[0], too_many);
}

#[test]
fn a_pod_may_spread_others_than_its_own_kind() {
    let mut town = Town::new();
    let web = town.class("web", &[WEB], |class| class.spread = vec![Spread::evenly(ZONE, DB, 1)]);
    let db = town.class("db", &[DB], |_| {});
    town.claim(&["a"], &[(db, 1), (web, 9)]);
    town.is_right();
}

#[test]
fn the_label_of_a_spread_is_certain_or_every_value_would_do() {
    let mut town = Town::new();
    let web = town.class("web", &[WEB], |class| class.spread = vec![Spread::evenly(ZONE, WEB, 1)]);
    town.claim(&["a", "b"], &[(web, 1)]);
    town.is_right();
    let old = town.resident(&[WEB], &[]);
    town.node("b", &[(old, 1)], &[]);
    let too_many = format!("claim 0 (pool default) takes pod web-0, which {}", askew("b", 2, 0, 1));
    town.is_wrong(&[&too_many]);

    let no_team = "claim 0 (pool default) takes pod web-0, which has a rule by team; what that label will be there is not certain";
    for (pool, certain) in [(vec!["red"], true), (vec![], false)] {
        let mut town = Town::new();
        let web = town.class("web", &[WEB], |class| class.spread = vec![Spread::evenly(TEAM, WEB, 1)]);
        if !pool.is_empty() {
            town.problem.pools[0].requirements.add_all(&team("In", &pool));
        }
        town.claim(&["a"], &[(web, 1)]);
        if certain { town.is_right() } else { town.is_wrong(&[no_team]) }
    }
}

#[test]
fn what_is_left_of_the_types_decides_where_an_open_claim_is() {
    let mut town = Town::new();
    let web = town.class("web", &[WEB], |class| class.spread = vec![Spread::evenly(ZONE, WEB, 1)]);
    let batch = town.class("batch", &[WEB], |_| {});
    town.problem.pools[0].change_type(0, |big| {
        big.offerings.truncate(1);
        big.requirements.replace(ZONE.into(), read("In", &["a"]));
    });
    town.pool("elsewhere", &["b"]);
    // Nothing is said of the zone, yet the node can only be in a.
    town.claim_with(Requirements::new(), &[(batch, 1), (web, 1)]);
    town.is_right();
    town.problem.classes[web].affinity.required = vec![with(HOST, WEB)];
    // The web must find company on its node, so that the others were there first.
    town.problem.classes[web].member_of = vec![WEB];
    town.is_right();
}
