//! What runs come to: gaps to the best bound that any of them proved, means over seeds and draws, and over all instances.

use crate::run::{Run, Unit};
use crate::statistics::Estimate;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// A run, and how far it is from the best that is known of its instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// The largest bound that any run proved for the same pods, whatever its policy, or the optimum if that is known.
    pub best_bound: Option<f64>,
    /// How much more than that it costs, as a share: 0.01 is 1 %. Not told of a plan that leaves out pods which another plan
    /// places.
    pub gap: Option<f64>,
}

/// What the runs of one policy within one budget come to on one instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The instance.
    pub instance: String,
    /// The policy.
    pub policy: String,
    /// The budget, in milliseconds.
    pub budget: u64,
    /// What costs are counted in.
    pub unit: Unit,
    /// How many runs there were: seeds times draws.
    pub runs: usize,
    /// Over how many draws, or over how many seeds if there was one draw, means and intervals are.
    pub samples: usize,
    /// How many pods there are in a draw.
    pub pods: usize,
    /// How many have a place.
    pub placed: Estimate,
    /// How many nodes are bought.
    pub nodes: Estimate,
    /// What they cost.
    pub cost: Estimate,
    /// The best bound.
    pub bound: Option<Estimate>,
    /// The gap to it, as a share.
    pub gap: Option<Estimate>,
    /// The cost of a cheapest plan, if it is known.
    pub optimum: Option<f64>,
    /// How long deciding took.
    pub seconds: Estimate,
    /// The most memory of any of the runs, in bytes.
    pub peak_memory: Option<u64>,
}

/// What one policy within one budget comes to on all instances.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Total {
    /// The policy.
    pub policy: String,
    /// The budget, in milliseconds; none if instances had different ones.
    pub budget: Option<u64>,
    /// How many instances.
    pub instances: usize,
    /// The sum of their mean costs, if all count them in the same unit.
    pub cost: Option<f64>,
    /// The mean of their gaps, over the instances that have one.
    pub gap: Option<Estimate>,
    /// Of how many instances the optimum is known and reached, and of how many it is known.
    pub optimal: (usize, usize),
    /// How long deciding took on all of them, runs of the same instance as their mean.
    pub seconds: f64,
}

/// Everything that an experiment found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Results {
    /// Every run, in the order of the instances.
    pub runs: Vec<Judged>,
    /// Means by instance, policy and budget.
    pub summaries: Vec<Summary>,
    /// All instances together, by policy and budget.
    pub totals: Vec<Total>,
}

impl Results {
    /// What these runs come to.
    pub fn of(runs: Vec<Run>) -> Self {
        let runs = judge(runs);
        let summaries = summaries(&runs);
        let totals = totals(&summaries);
        Self { runs, summaries, totals }
    }
}

/// Judges runs by the best that any of them knows. They stay in their order.
pub fn judge(runs: Vec<Run>) -> Vec<Judged> {
    let mut most: HashMap<(String, Option<u64>), usize> = HashMap::new();
    let mut best: HashMap<(String, Option<u64>, usize), f64> = HashMap::new();
    for run in &runs {
        let instance = (run.key.instance.clone(), run.key.draw);
        let placed = most.entry(instance.clone()).or_default();
        *placed = run.placed.max(*placed);
        // An optimum is for all pods.
        let known = run.optimum.filter(|_| run.placed == run.pods);
        for bound in run.bound.into_iter().chain(known) {
            let best = best.entry((instance.0.clone(), instance.1, run.placed)).or_insert(bound);
            *best = best.max(bound);
        }
    }
    let judge = |run: Run| {
        let instance = (run.key.instance.clone(), run.key.draw);
        let is_whole = most.get(&instance) == Some(&run.placed);
        let best_bound = best.get(&(instance.0, instance.1, run.placed)).copied();
        let gap = best_bound.filter(|_| is_whole).and_then(|bound| excess(run.cost, bound));
        Judged { run, best_bound, gap }
    };
    runs.into_iter().map(judge).collect()
}

/// How much more than a bound a cost is, as a share of the bound.
fn excess(cost: f64, bound: f64) -> Option<f64> {
    if bound > 0.0 {
        // Costs and bounds are sums of prices; below a millionth of a millionth, the difference is arithmetic.
        let share = cost / bound - 1.0;
        Some(if share.abs() < 1e-12 { 0.0 } else { share })
    } else {
        (cost <= 0.0).then_some(0.0)
    }
}

/// Sums up runs by instance, policy and budget, in the order in which these first come.
///
/// Runs of the same draw from different seeds are not independent, so they are averaged first, and intervals are over
/// draws; where there is one draw only, they are over seeds.
pub fn summaries(runs: &[Judged]) -> Vec<Summary> {
    let mut order: Vec<(&str, &str, u64)> = vec![];
    let mut groups: HashMap<(&str, &str, u64), Vec<&Judged>> = HashMap::new();
    for judged in runs {
        let key = &judged.run.key;
        let group = (key.instance.as_str(), key.policy.as_str(), key.budget);
        let members = groups.entry(group).or_default();
        if members.is_empty() {
            order.push(group);
        }
        members.push(judged);
    }
    order.iter().filter_map(|group| summary(groups.get(group)?)).collect()
}

fn summary(runs: &[&Judged]) -> Option<Summary> {
    let first = &runs.first()?.run;
    let mut draws: BTreeMap<Option<u64>, Vec<&Judged>> = BTreeMap::new();
    runs.iter().for_each(|judged| draws.entry(judged.run.key.draw).or_default().push(judged));
    // One draw: its runs are the samples. Several: each draw is one.
    let samples: Vec<Vec<&Judged>> =
        if draws.len() == 1 { runs.iter().map(|r| vec![*r]).collect() } else { draws.into_values().collect() };
    let estimate = |figure: &dyn Fn(&Judged) -> Option<f64>| {
        let means: Vec<f64> = samples
            .iter()
            .filter_map(|sample| {
                let figures: Vec<f64> = sample.iter().filter_map(|judged| figure(judged)).collect();
                Estimate::of(&figures).map(|e| e.mean)
            })
            .collect();
        Estimate::of(&means)
    };
    Some(Summary {
        instance: first.key.instance.clone(),
        policy: first.key.policy.clone(),
        budget: first.key.budget,
        unit: first.unit,
        runs: runs.len(),
        samples: samples.len(),
        pods: first.pods,
        placed: estimate(&|j| Some(count(j.run.placed)))?,
        nodes: estimate(&|j| Some(count(j.run.nodes)))?,
        cost: estimate(&|j| Some(j.run.cost))?,
        bound: estimate(&|j| j.best_bound),
        gap: estimate(&|j| j.gap),
        optimum: first.optimum,
        seconds: estimate(&|j| Some(j.run.seconds))?,
        peak_memory: runs.iter().filter_map(|j| j.run.peak_memory).max(),
    })
}

#[allow(clippy::cast_precision_loss)] // numbers of pods and nodes
fn count(n: usize) -> f64 {
    n as f64
}

/// Sums up summaries by policy and budget. Budgets are told apart by their place among those of an instance, so that
/// instances of different sizes with their usual budgets come together.
pub fn totals(summaries: &[Summary]) -> Vec<Total> {
    let mut groups: Vec<((&str, usize), Vec<&Summary>)> = vec![];
    let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
    for summary in summaries {
        let place = seen.entry((&summary.instance, &summary.policy)).or_default();
        let group = (summary.policy.as_str(), *place);
        *place += 1;
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, members)) => members.push(summary),
            None => groups.push((group, vec![summary])),
        }
    }
    groups.into_iter().filter_map(|((policy, _), members)| total(policy, &members)).collect()
}

fn total(policy: &str, members: &[&Summary]) -> Option<Total> {
    let first = members.first()?;
    let gaps: Vec<f64> = members.iter().filter_map(|s| Some(s.gap?.mean)).collect();
    let known: Vec<(f64, f64)> = members.iter().filter_map(|s| Some((s.cost.mean, s.optimum?))).collect();
    let reached = known.iter().filter(|(cost, optimum)| *cost <= optimum * (1.0 + 1e-12)).count();
    Some(Total {
        policy: policy.to_owned(),
        budget: members.iter().all(|s| s.budget == first.budget).then_some(first.budget),
        instances: members.len(),
        cost: members.iter().all(|s| s.unit == first.unit).then(|| members.iter().map(|s| s.cost.mean).sum()),
        gap: Estimate::of(&gaps),
        optimal: (reached, known.len()),
        seconds: members.iter().map(|s| s.seconds.mean).sum(),
    })
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
