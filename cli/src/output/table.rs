//! A plan as text for people: what to buy, what it costs, what goes to nodes that are there, and why the rest goes nowhere.
//! Words may change; programs read the JSON.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use anstyle::Style;
use dovetail_api::labels;
use dovetail_engine::objects::Objects;
use dovetail_engine::provisioning::Round;
use dovetail_scheduler::instance_type::{InstanceType, Price};
use dovetail_scheduler::plan::{Plan, PlannedClaim};
use dovetail_scheduler::resources::{CPU, MEMORY, Resources};

use super::columns::{left, plain_table, right, write_table};
use super::{fill, unplaced};

/// Hours in a month, as AWS counts them.
const HOURS_PER_MONTH: f64 = 730.0;

const BOLD: Style = Style::new().bold();

/// The whole report, with colours as escape sequences. The objects tell which pods belong together.
pub(crate) fn report(objects: &Objects, round: &Round, plan: &Plan) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_purchases(&mut out, round, plan);
    let _ = write_existing(&mut out, round, plan);
    let _ = unplaced::write(&mut out, objects, round, plan);
    out
}

/// Nodes of one kind: of one pool, of the same type at best, bought in the same place and way.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Sort<'p> {
    pool: usize,
    first_type: &'p str,
    zones: String,
    capacity: String,
    each: Price,
}

/// What the nodes of one kind amount to.
struct Lot {
    nodes: usize,
    pods: usize,
    /// The least and the most other types that will do.
    others: (usize, usize),
    requests: Resources,
    room: Resources,
}

fn write_purchases(out: &mut String, round: &Round, plan: &Plan) -> fmt::Result {
    if plan.claims.is_empty() {
        return writeln!(out, "{BOLD}Nothing to buy.{BOLD:#}");
    }
    let mut lots: BTreeMap<Sort<'_>, Lot> = BTreeMap::new();
    for claim in &plan.claims {
        let Some((sort, room)) = sort_of(round, claim) else { continue };
        let others = claim.types.len().saturating_sub(1);
        let lot = lots.entry(sort).or_insert_with(|| Lot {
            nodes: 0,
            pods: 0,
            others: (others, others),
            requests: Resources::new(),
            room: Resources::new(),
        });
        lot.nodes += 1;
        lot.pods += claim.pods.len();
        lot.others = (lot.others.0.min(others), lot.others.1.max(others));
        lot.requests.add(&claim.requests);
        lot.room.add(&room);
    }
    let mut lots: Vec<_> = lots.into_iter().collect();
    let pool_name = |pool: usize| &round.problem.pools[pool].name;
    lots.sort_by_key(|(sort, lot)| (pool_name(sort.pool), Reverse(sort.each.times(lot.nodes))));

    let rows: Vec<_> = lots.iter().map(|(_, lot)| (&lot.requests, &lot.room)).collect();
    let other = fill::column(&rows);
    let mut header = vec![
        left("NODEPOOL"),
        left("INSTANCE TYPE"),
        left("ZONE"),
        left("CAPACITY"),
        right("NODES"),
        right("PODS"),
        right("CPU"),
        right("MEMORY"),
    ];
    header.extend(
        other.as_ref().map(|column| if column.is_number { right(&column.header) } else { left(&column.header) }),
    );
    header.extend([right("$/H EACH"), right("$/H")]);
    let mut table = plain_table(header);
    for (number, (sort, lot)) in lots.iter().enumerate() {
        let mut row = vec![
            left(pool_name(sort.pool)),
            left(format!("{}{}", sort.first_type, or_others(lot.others))),
            left(&sort.zones),
            left(&sort.capacity),
            right(lot.nodes),
            right(lot.pods),
            right(fill::percent(CPU, &lot.requests, &lot.room)),
            right(fill::percent(MEMORY, &lot.requests, &lot.room)),
        ];
        row.extend(other.as_ref().and_then(|column| {
            let cell = column.cells.get(number)?;
            Some(if column.is_number { right(cell) } else { left(cell) })
        }));
        row.push(right(format!("{:.4}", sort.each.dollars())));
        row.push(right(format!("{:.4}", sort.each.times(lot.nodes).dollars())));
        table.add_row(row);
    }
    write_table(out, &table)?;
    let (nodes, pods) = (plan.claims.len(), plan.claims.iter().map(|c| c.pods.len()).sum::<usize>());
    let hourly = plan.cost().dollars();
    writeln!(
        out,
        "\n{BOLD}{} for {}: ${hourly:.4} an hour, ${} a month{BOLD:#} (730 hours)",
        counted(nodes, "node"),
        counted(pods, "pod"),
        with_commas(hourly * HOURS_PER_MONTH)
    )
}

/// Which kind of node a claim buys, and the room it has.
fn sort_of<'p>(round: &'p Round, claim: &PlannedClaim) -> Option<(Sort<'p>, Resources)> {
    let types = &round.problem.pools.get(claim.pool)?.instance_types;
    let first = types.get(*claim.types.first()?)?;
    let (zones, capacity) = bought_where(round, claim, first);
    let sort = Sort { pool: claim.pool, first_type: &first.name, zones, capacity, each: claim.price };
    Some((sort, first.allocatable()))
}

/// Zones and capacity types in which the claim's first type can be bought, the cheapest capacity type first.
fn bought_where(round: &Round, claim: &PlannedClaim, first: &InstanceType) -> (String, String) {
    let mut offers: Vec<_> = first
        .offerings
        .iter()
        .filter(|o| o.launchable() && claim.requirements.compatible(&o.requirements, &round.problem.well_known).is_ok())
        .collect();
    offers.sort_by_key(|o| o.price);
    let distinct = |key: &str| {
        let mut values: Vec<&str> = Vec::new();
        for value in offers.iter().filter_map(|o| o.requirements.get(key)?.single()) {
            if !values.contains(&&**value) {
                values.push(value);
            }
        }
        values
    };
    let zones = match distinct(labels::ZONE).as_slice() {
        [] => "any".to_owned(),
        [one] => (*one).to_owned(),
        more => format!("{} zones", more.len()),
    };
    let capacity = distinct(labels::CAPACITY_TYPE);
    (zones, if capacity.is_empty() { "any".to_owned() } else { capacity.join(", ") })
}

fn write_existing(out: &mut String, round: &Round, plan: &Plan) -> fmt::Result {
    if plan.existing.is_empty() {
        return Ok(());
    }
    let pods: usize = plan.existing.iter().map(|e| e.pods.len()).sum();
    let nodes = plan.existing.len();
    writeln!(out, "\n{BOLD}{} on {} already there{BOLD:#}", counted(pods, "pod"), counted(nodes, "node"))?;
    let mut table = plain_table(vec![left("NODE"), right("PODS")]);
    for placement in &plan.existing {
        table.add_row([left(&round.problem.nodes[placement.node].name), right(placement.pods.len())]);
    }
    write_table(out, &table)
}

/// ` or 59 others`, with the least and the most where the nodes differ.
fn or_others((least, most): (usize, usize)) -> String {
    match (least, most) {
        (0, 0) => String::new(),
        (1, 1) => " or 1 other".to_owned(),
        (least, most) if least == most => format!(" or {most} others"),
        (least, most) => format!(" or {least}-{most} others"),
    }
}

pub(super) fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Dollars and cents, thousands apart.
pub(super) fn with_commas(dollars: f64) -> String {
    let text = format!("{dollars:.2}");
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{out}.{cents}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_sums_can_be_read() {
        let shown = [0.0, 999.0, 1000.5, 5_978_510.2].map(with_commas);
        assert_eq!(shown, ["0.00", "999.00", "1,000.50", "5,978,510.20"]);
    }

    #[test]
    fn other_types_are_counted() {
        let shown = [(0, 0), (1, 1), (5, 5), (0, 12)].map(or_others);
        assert_eq!(shown, ["", " or 1 other", " or 5 others", " or 0-12 others"]);
    }
}
