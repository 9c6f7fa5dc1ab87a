//! A plan as text for people: what to buy, what it costs, what goes to nodes that are there, and why the rest goes nowhere.
//! Words may change; programs read the JSON.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, Table, presets};
use dovetail_api::labels;
use dovetail_engine::provisioning::Round;
use dovetail_scheduler::instance_type::{InstanceType, Price};
use dovetail_scheduler::plan::{Plan, PlannedClaim};
use dovetail_scheduler::problem::{PodClass, Problem};
use dovetail_scheduler::reasons::Unplaced;
use dovetail_scheduler::resources::{CPU, MEMORY, Resources};

/// Hours in a month, as AWS counts them.
const HOURS_PER_MONTH: f64 = 730.0;
/// How many pods of a group are named.
const PODS_NAMED: usize = 3;

const BOLD: Style = Style::new().bold();
const ALARM: Style = AnsiColor::Red.on_default().bold();

/// The whole report, with colours as escape sequences.
pub(crate) fn report(round: &Round, plan: &Plan) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_purchases(&mut out, round, plan);
    let _ = write_existing(&mut out, round, plan);
    let _ = write_unplaced(&mut out, round, plan);
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

    let mut table = plain_table([
        "NODEPOOL",
        "INSTANCE TYPE",
        "ZONE",
        "CAPACITY",
        "NODES",
        "PODS",
        "CPU",
        "MEMORY",
        "$/H EACH",
        "$/H",
    ]);
    for (sort, lot) in &lots {
        table.add_row([
            Cell::new(pool_name(sort.pool)),
            Cell::new(format!("{}{}", sort.first_type, or_others(lot.others))),
            Cell::new(&sort.zones),
            Cell::new(&sort.capacity),
            right(lot.nodes),
            right(lot.pods),
            right(filled(CPU, &lot.requests, &lot.room)),
            right(filled(MEMORY, &lot.requests, &lot.room)),
            right(format!("{:.4}", sort.each.dollars())),
            right(format!("{:.4}", sort.each.times(lot.nodes).dollars())),
        ]);
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
    let mut table = plain_table(["NODE", "PODS"]);
    for placement in &plan.existing {
        table.add_row([Cell::new(&round.problem.nodes[placement.node].name), right(placement.pods.len())]);
    }
    write_table(out, &table)
}

fn write_unplaced(out: &mut String, round: &Round, plan: &Plan) -> fmt::Result {
    let problem = &round.problem;
    // Pods with the same reasons together, in the order of the first pod of each group.
    let mut groups: Vec<(Vec<String>, Vec<&str>)> = Vec::new();
    let mut known: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let unplaced = plan
        .unplaced
        .iter()
        .map(|(pod, why)| (&*problem.pods[*pod].name, reasons(problem, why, problem.class_of(*pod))));
    let rejected = round.rejected.iter().map(|(pod, why)| (pod.as_str(), vec![why.to_string()]));
    for (pod, why) in unplaced.chain(rejected) {
        let group = *known.entry(why.clone()).or_insert_with(|| {
            groups.push((why, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(pod);
    }
    if groups.is_empty() {
        return Ok(());
    }
    let pods = groups.iter().map(|(_, pods)| pods.len()).sum();
    writeln!(out, "\n{ALARM}{} not placed{ALARM:#}", counted(pods, "pod"))?;
    for (why, pods) in &groups {
        let named = pods.iter().take(PODS_NAMED).copied().collect::<Vec<_>>().join(", ");
        match pods.len().saturating_sub(PODS_NAMED) {
            0 => writeln!(out, "  {named}")?,
            more => writeln!(out, "  {named} and {more} more")?,
        }
        for reason in why {
            writeln!(out, "    {reason}")?;
        }
    }
    Ok(())
}

/// Why a pod goes nowhere, with a line for each pool where they have been asked.
fn reasons(problem: &Problem, why: &Unplaced, class: &PodClass) -> Vec<String> {
    match why {
        Unplaced::Refused(refusals) => {
            refusals.iter().map(|(pool, refusal)| refusal.explain(&problem.pools[*pool].name, class)).collect()
        }
        other => vec![other.explain(problem, class)],
    }
}

fn plain_table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.map(|name| {
        let cell = Cell::new(name);
        let is_number = matches!(name, "NODES" | "PODS" | "CPU" | "MEMORY" | "$/H EACH" | "$/H");
        if is_number { cell.set_alignment(CellAlignment::Right) } else { cell }
    }));
    table
}

fn write_table(out: &mut String, table: &Table) -> fmt::Result {
    for (number, line) in table.lines().enumerate() {
        // The library pads each cell on both sides; the left margin and the right one say nothing.
        let line = line.strip_prefix(' ').unwrap_or(&line).trim_end();
        if number == 0 {
            writeln!(out, "{BOLD}{line}{BOLD:#}")?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

fn right(value: impl ToString) -> Cell {
    Cell::new(value.to_string()).set_alignment(CellAlignment::Right)
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

/// How much of the room is asked for, in per cent.
#[allow(clippy::cast_precision_loss)] // whole per cents do not need more
fn filled(resource: &str, requests: &Resources, room: &Resources) -> String {
    match room.get(resource) {
        room if room > 0 => format!("{:.0}%", requests.get(resource) as f64 / room as f64 * 100.0),
        _ => "-".to_owned(),
    }
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Dollars and cents, thousands apart.
fn with_commas(dollars: f64) -> String {
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
