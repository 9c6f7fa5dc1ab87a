//! A picture of an experiment: on the left how far policies are above the best bound within their time budgets, on the right
//! how far on each workload. Which figures are drawn is decided here; how a line becomes SVG, `svg` knows.
//!
//! It can be read in light and in dark, and without telling colours apart: every policy has a mark and a dash of its own.

mod svg;

use crate::statistics::Estimate;
use crate::summary::Summary;
use std::collections::{BTreeMap, BTreeSet};
use svg::{Anchor, Canvas};

/// The most workloads that have bars of their own; more are grouped by their names.
const MOST_WORKLOADS: usize = 24;
const WIDTH: f64 = 1000.0;
const TOP: f64 = 90.0;
const BOTTOM: f64 = 60.0;
/// The left panel, from its left to its right edge.
const CURVES: (f64, f64) = (70.0, 440.0);
/// The right panel's bars; the names stand left of them, the values right.
const BARS: (f64, f64) = (680.0, 920.0);
const BAR: f64 = 12.0;
const GROUP_GAP: f64 = 10.0;
const CURVES_HEIGHT: f64 = 320.0;
/// Gaps below this share are drawn as this: a logarithm knows no zero.
const FLOOR: f64 = 1e-4;

/// The picture, as an SVG file.
pub fn draw(summaries: &[Summary]) -> String {
    let policies = distinct(summaries.iter().map(|s| s.policy.as_str()));
    let workloads = workloads(summaries, &policies);
    #[allow(clippy::cast_precision_loss)] // a few dozen bars
    let bars_height: f64 = workloads.iter().map(|w| BAR * w.bars.len() as f64 + GROUP_GAP).sum();
    let height = TOP + bars_height.max(CURVES_HEIGHT) + BOTTOM;
    let mut canvas = Canvas::new(WIDTH, height, "Gaps of packing policies to the best proven bound");
    legend(&mut canvas, &policies);
    curves(&mut canvas, summaries, &policies);
    bars(&mut canvas, &workloads, &policies, bars_height);
    canvas.finish()
}

/// Each once, in the order in which they first come.
fn distinct<'s>(names: impl Iterator<Item = &'s str>) -> Vec<&'s str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

fn legend(canvas: &mut Canvas, policies: &[&str]) {
    let mut x = CURVES.0;
    for (series, policy) in policies.iter().enumerate() {
        canvas.line(series, &[(x, 26.0), (x + 30.0, 26.0)]);
        canvas.mark(series, x + 15.0, 26.0, policy);
        canvas.text(x + 38.0, 30.0, Anchor::Start, policy);
        #[allow(clippy::cast_precision_loss)] // the length of a name
        let wide = policy.chars().count() as f64;
        x += 62.0 + 7.5 * wide;
    }
}

/// The instances that were measured within the most budgets: a curve through different instances at different budgets would
/// say nothing.
fn steady(summaries: &[Summary]) -> BTreeSet<&str> {
    let mut budgets: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    summaries.iter().for_each(|s| {
        budgets.entry(&s.instance).or_default().insert(s.budget);
    });
    let most = budgets.values().map(BTreeSet::len).max().unwrap_or(0);
    budgets.into_iter().filter(|(_, b)| b.len() == most).map(|(instance, _)| instance).collect()
}

/// What one policy comes to within each of its budgets: milliseconds, and the gap over these instances. Budgets are told apart
/// by their place among those of an instance: usual ones differ a little with the number of pods.
fn curve(summaries: &[Summary], instances: &BTreeSet<&str>, policy: &str) -> Vec<(u64, Estimate)> {
    let mut places: Vec<Vec<(u64, Option<Estimate>)>> = vec![];
    for instance in instances {
        let own = summaries.iter().filter(|s| s.policy == policy && s.instance == **instance);
        let own: BTreeMap<u64, Option<Estimate>> = own.map(|s| (s.budget, s.gap)).collect();
        for (place, point) in own.into_iter().enumerate() {
            if place == places.len() {
                places.push(vec![]);
            }
            places[place].push(point);
        }
    }
    let point = |at: Vec<(u64, Option<Estimate>)>| {
        let budget = at.iter().map(|(budget, _)| u128::from(*budget)).sum::<u128>() / at.len().max(1) as u128;
        let gaps: Vec<Estimate> = at.into_iter().filter_map(|(_, gap)| gap).collect();
        Some((u64::try_from(budget).ok()?, joined(&gaps)?))
    };
    places.into_iter().filter_map(point).collect()
}

/// The mean of means. A single one keeps its own interval.
fn joined(gaps: &[Estimate]) -> Option<Estimate> {
    if let [only] = gaps {
        return Some(*only);
    }
    Estimate::of(&gaps.iter().map(|g| g.mean).collect::<Vec<_>>())
}

fn curves(canvas: &mut Canvas, summaries: &[Summary], policies: &[&str]) {
    let (left, right) = CURVES;
    let (top, bottom) = (TOP, TOP + CURVES_HEIGHT);
    canvas.title(left, TOP - 18.0, "Cost above the best bound, by time budget");
    let steady = steady(summaries);
    let all: Vec<Vec<(u64, Estimate)>> = policies.iter().map(|p| curve(summaries, &steady, p)).collect();
    let budgets: BTreeSet<u64> = all.iter().flatten().map(|(budget, _)| (*budget).max(1)).collect();
    let (Some(first), Some(last)) = (budgets.first(), budgets.last()) else {
        canvas.text((left + right) / 2.0, (top + bottom) / 2.0, Anchor::Middle, "no bound was proven");
        return;
    };
    let highest = all.iter().flatten().map(|(_, g)| g.mean + g.ci95.unwrap_or(0.0)).fold(0.01, f64::max);
    let decades = (highest / FLOOR).log10().ceil();
    #[allow(clippy::cast_precision_loss)] // milliseconds that somebody waits
    let log = |budget: u64| (budget.max(1) as f64).log10();
    let span = log(*last) - log(*first);
    let x = |budget: u64| {
        if span > 0.0 {
            left + 25.0 + (right - left - 50.0) * (log(budget) - log(*first)) / span
        } else {
            (left + right) / 2.0
        }
    };
    let y = |gap: f64| bottom - (bottom - top) * (gap.max(FLOOR) / FLOOR).log10() / decades;
    let mut decade = 0.0;
    while decade <= decades {
        let gap = FLOOR * 10.0_f64.powf(decade);
        canvas.grid((left, y(gap)), (right, y(gap)));
        let least = if decade == 0.0 { "\u{2264} " } else { "" };
        canvas.text(left - 8.0, y(gap) + 4.0, Anchor::End, &format!("{least}{}", percent(gap)));
        decade += 1.0;
    }
    // Budgets that stand closer than their names are wide share one.
    let mut taken = f64::NEG_INFINITY;
    for budget in &budgets {
        canvas.grid((x(*budget), bottom), (x(*budget), bottom + 5.0));
        if x(*budget) - taken > 45.0 {
            canvas.text(x(*budget), bottom + 20.0, Anchor::Middle, &milliseconds(*budget));
            taken = x(*budget);
        }
    }
    canvas.text((left + right) / 2.0, bottom + 42.0, Anchor::Middle, "time budget");
    for (series, (points, policy)) in all.iter().zip(policies).enumerate() {
        let at: Vec<(f64, f64)> = points.iter().map(|(budget, gap)| (x(*budget), y(gap.mean))).collect();
        canvas.line(series, &at);
        for ((budget, gap), (x, at)) in points.iter().zip(at) {
            if let Some(half) = gap.ci95 {
                canvas.whisker(series, (x, y(gap.mean - half)), (x, y(gap.mean + half)));
            }
            canvas.mark(series, x, at, &format!("{policy}, {}: {}", milliseconds(*budget), told(*gap)));
        }
    }
}

/// A workload with the gap of each policy within its largest budget.
struct Workload {
    name: String,
    bars: Vec<Option<Estimate>>,
}

fn workloads(summaries: &[Summary], policies: &[&str]) -> Vec<Workload> {
    let instances = distinct(summaries.iter().map(|s| s.instance.as_str()));
    let mut names: Vec<String> = instances.iter().map(|i| (*i).to_owned()).collect();
    // Numbers at the end of names tell instances of one family apart: they are given up one after the other.
    while names.iter().collect::<BTreeSet<_>>().len() > MOST_WORKLOADS {
        let shorter: Vec<String> = names.iter().map(|n| without_number(n).to_owned()).collect();
        if shorter == names {
            break;
        }
        names = shorter;
    }
    let families = distinct(names.iter().map(String::as_str));
    let rest = families.len().saturating_sub(MOST_WORKLOADS);
    let mut workloads = vec![];
    for (number, family) in families.iter().enumerate() {
        let shown = rest == 0 || number + 1 < MOST_WORKLOADS;
        let is_member = |name: &str| if shown { name == *family } else { families[number..].contains(&name) };
        let members: Vec<&str> = instances.iter().zip(&names).filter(|(_, n)| is_member(n)).map(|(i, _)| *i).collect();
        let bars = policies.iter().map(|policy| last_gap(summaries, policy, &members)).collect();
        let name = match members.len() {
            _ if !shown => format!("{} others", members.len()),
            1 => members.concat(),
            many => format!("{family} ({many})"),
        };
        workloads.push(Workload { name, bars });
        if !shown {
            break;
        }
    }
    workloads
}

/// A name without the last number in it and what parts that from the rest.
fn without_number(name: &str) -> &str {
    let is_end = |c: char| c.is_ascii_digit() || "-_@.:".contains(c);
    let end = name.trim_end_matches(|c: char| "-_@.:".contains(c));
    let shorter = end.trim_end_matches(|c: char| c.is_ascii_digit());
    let shorter = if shorter.len() < end.len() {
        shorter.trim_end_matches(|c: char| is_end(c) && !c.is_ascii_digit())
    } else {
        end
    };
    if shorter.is_empty() { name } else { shorter }
}

/// The gap of a policy over these instances, each within its largest budget.
fn last_gap(summaries: &[Summary], policy: &str, instances: &[&str]) -> Option<Estimate> {
    let last = |instance: &&str| {
        let own = summaries.iter().filter(|s| s.policy == policy && s.instance == **instance);
        own.max_by_key(|s| s.budget)?.gap
    };
    joined(&instances.iter().filter_map(last).collect::<Vec<_>>())
}

fn bars(canvas: &mut Canvas, workloads: &[Workload], policies: &[&str], height: f64) {
    let (left, right) = BARS;
    canvas.title(left - 180.0, TOP - 18.0, "Gap by workload, largest budget");
    let highest = workloads.iter().flat_map(|w| w.bars.iter().flatten()).map(|g| g.mean).fold(0.0, f64::max);
    let wide = |gap: f64| if highest > 0.0 { (right - left) * (gap / highest).clamp(0.0, 1.0) } else { 0.0 };
    canvas.grid((left, TOP), (left, TOP + height));
    let mut y = TOP + GROUP_GAP / 2.0;
    for workload in workloads {
        #[allow(clippy::cast_precision_loss)] // a few policies
        let middle = y + BAR * workload.bars.len() as f64 / 2.0;
        canvas.text(left - 8.0, middle + 4.0, Anchor::End, &shortened(&workload.name));
        for (series, (gap, policy)) in workload.bars.iter().zip(policies).enumerate() {
            let about = |text: &str| format!("{}, {policy}: {text}", workload.name);
            match gap {
                Some(gap) => {
                    canvas.bar(series, (left, y + 1.5), (wide(gap.mean), BAR - 3.0), &about(&told(*gap)));
                    let mut end = wide(gap.mean);
                    if let Some(half) = gap.ci95 {
                        let (from, to) = (wide(gap.mean - half), wide(gap.mean + half));
                        canvas.whisker(series, (left + from, y + BAR / 2.0), (left + to, y + BAR / 2.0));
                        end = end.max(to);
                    }
                    canvas.small(left + end + 5.0, y + BAR - 2.0, &percent(gap.mean));
                }
                None => canvas.small(left + 5.0, y + BAR - 2.0, "no bound"),
            }
            y += BAR;
        }
        y += GROUP_GAP;
    }
}

/// A name that fits beside the bars: of a long one, the end tells more.
fn shortened(name: &str) -> String {
    const MOST: usize = 28;
    let letters = name.chars().count();
    if letters <= MOST {
        name.to_owned()
    } else {
        format!("\u{2026}{}", name.chars().skip(letters - MOST + 1).collect::<String>())
    }
}

fn told(gap: Estimate) -> String {
    match gap.ci95 {
        Some(half) => format!("{} \u{b1} {}", percent(gap.mean), percent(half)),
        None => percent(gap.mean),
    }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = if percent >= 9.95 { 1 } else { 2 };
    let text = format!("{percent:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

#[allow(clippy::cast_precision_loss)] // milliseconds that somebody waits
fn milliseconds(budget: u64) -> String {
    if budget >= 1000 { format!("{} s", budget as f64 / 1000.0) } else { format!("{budget} ms") }
}

#[cfg(test)]
#[path = "chart_tests.rs"]
mod tests;
