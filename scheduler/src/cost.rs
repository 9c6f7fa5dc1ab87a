//! The cost policy's reckoning: which nodes hold the pods for the least money, and how little money that could be.
//!
//! First fit gives a plan to begin with. The problem is read as a packing and solved; what comes of it are wishes, and
//! construction along those wishes keeps every rule that the packing does not know. The better of the two plans is given,
//! with a proof of how cheap any plan could be that places the same pods.

mod company;
mod drafts;
mod memory;
mod model;
mod nodes;
mod offers;

use crate::greedy::{self, Terms, Wish, WishedPlace};
use crate::instance_type::Price;
use crate::market::Market;
use crate::packing::{self, Bound, Effort, Packed, Pattern};
use crate::plan::{Certificate, Placement, Plan, Proof};
use crate::policy::Search;
use crate::problem::Problem;
use crate::requirement::Requirement;
use crate::requirements::Requirements;
pub use memory::Memory;
use model::{Compiler, Model, Place, View};
use rustc_hash::FxHashSet;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Plans a problem for the least money.
pub(crate) fn plan(problem: &Problem, search: &Search<'_>, memory: &mut Memory) -> Plan {
    let terms = Terms::from(search);
    let market = Market::of(problem);
    let mut best = greedy::guided(problem, market.clone(), &[], &terms);
    let first_fit = best.cost();
    let mut compiler = Compiler::new(problem, market.clone());
    let all = demands(problem, 0..problem.pods.len());
    let mut model = compiler.model(&all, View::ToPlan, search);
    // Room that is there and not in the model is used first, as first fit does.
    let settled = if model.without_nodes { best.existing.clone() } else { vec![] };
    if model.without_nodes {
        let mut is_settled = vec![false; problem.pods.len()];
        settled.iter().flat_map(|placement| &placement.pods).for_each(|pod| is_settled[*pod] = true);
        let rest = (0..problem.pods.len()).filter(|pod| !is_settled[*pod]);
        model = compiler.model(&demands(problem, rest), View::ToPlan, search);
    }
    let mut proven = compiler.model(&all, View::ToProve, search);
    if model.packing.dims.max(proven.packing.dims) > packing::MOST_DIMS {
        return best;
    }
    let alike = proven.packing.is_alike(&model.packing);
    let mut effort = Effort::new(search.steps, search.spent);
    let mut rng = fastrand::Rng::with_seed(search.seed);
    let (mut known, recalled) = memory.recall(&model.packing);
    known.extend(patterns_of(&best, problem, &model));
    let mut planning = effort.part(if alike { 1.0 } else { 0.7 });
    let solved = packing::solve(&model.packing, known, recalled, &mut rng, &mut planning);
    effort.back(planning);
    memory.keep(&model.packing, &solved.patterns, &solved.bound);
    if let Some(packed) = &solved.packed {
        let wished = greedy::guided(problem, market, &wishes(problem, &model, packed, &settled), &terms);
        if is_better(problem, &wished, &best) {
            best = wished;
        }
    }
    proven.ask_for(&demands(problem, placed(&best)));
    let bound = if alike {
        solved.bound.for_demands(&proven.packing)
    } else {
        let start = worth_of_classes(problem, &model, &solved.bound);
        let start: Vec<f64> = proven.items.iter().map(|m| start[m.class]).collect();
        packing::prove(&proven.packing, patterns_of(&best, problem, &proven), &start, &mut rng, &mut effort)
    };
    best.certificate = Some(Certificate {
        // Outward: sums of thousands of numbers may be off by a few units in the last place.
        bound: Price::from_dollars(bound.value * (1.0 - 1e-10)),
        proof: if bound.fluid { Proof::Fluid } else { Proof::Columns },
        left_out: proven.left_out.into_iter().collect(),
        first_fit,
    });
    best
}

/// Whether a plan places every pod that another one does, and costs less, or is as cheap with fewer nodes, or places more.
fn is_better(problem: &Problem, plan: &Plan, than: &Plan) -> bool {
    let mut has_place = vec![false; problem.pods.len()];
    placed(plan).for_each(|pod| has_place[pod] = true);
    if !placed(than).all(|pod| has_place[pod]) {
        return false;
    }
    let rank = |plan: &Plan| (Reverse(plan.placed()), plan.cost(), plan.claims.len());
    rank(plan) < rank(than)
}

/// The pods that have a place.
fn placed(plan: &Plan) -> impl Iterator<Item = usize> {
    let on_claims = plan.claims.iter().flat_map(|claim| &claim.pods);
    on_claims.chain(plan.existing.iter().flat_map(|placement| &placement.pods)).copied()
}

/// What a pod of each class is worth at least, as the plan's own view of the problem has it: where a proof may begin.
fn worth_of_classes(problem: &Problem, model: &Model, bound: &Bound) -> Vec<f64> {
    let mut worth = vec![f64::INFINITY; problem.classes.len()];
    for (meaning, value) in model.items.iter().zip(&bound.values) {
        worth[meaning.class] = worth[meaning.class].min(*value / f64::from(meaning.bundle));
    }
    worth.into_iter().map(|w| if w.is_finite() { w } else { 0.0 }).collect()
}

/// How many of these pods there are of each class.
fn demands(problem: &Problem, pods: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut demands = vec![0; problem.classes.len()];
    pods.for_each(|pod| demands[problem.pods[pod].class] += 1);
    demands
}

/// How the claims of a plan are filled, where the model can say so.
fn patterns_of(plan: &Plan, problem: &Problem, model: &Model) -> Vec<Pattern> {
    // A class that is several items, each with its domain, is passed over: nobody knows which of them a pod was.
    let mut items_of: Vec<Vec<u32>> = vec![vec![]; problem.classes.len()];
    for (i, meaning) in (0_u32..).zip(&model.items) {
        items_of[meaning.class].push(i);
    }
    let by_weight = model.packing.by_weight();
    let mut seen = FxHashSet::default();
    let mut out = vec![];
    for claim in &plan.claims {
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        for pod in &claim.pods {
            if let [item] = items_of[problem.pods[*pod].class][..] {
                *counts.entry(item).or_default() += 1;
            }
        }
        let whole = |(item, pods): (u32, u32)| (item, pods / model.items[item as usize].bundle);
        let counts: Vec<(u32, u32)> = counts.into_iter().map(whole).filter(|(_, count)| *count > 0).collect();
        if !counts.is_empty() && seen.insert(counts.clone()) {
            let shape = model.packing.cheapest_for(&counts, &by_weight, &[]);
            out.extend(shape.map(|shape| Pattern { shape, counts }));
        }
    }
    out
}

/// What the bins of a packing mean: which node, with which pods; what is settled already comes first.
fn wishes(problem: &Problem, model: &Model, packed: &Packed, settled: &[Placement]) -> Vec<Wish> {
    let mut out: Vec<Wish> = settled
        .iter()
        .map(|Placement { node, pods }| Wish { place: WishedPlace::Existing(*node), pods: pods.clone() })
        .collect();
    let mut is_settled = vec![false; problem.pods.len()];
    out.iter().flat_map(|wish| &wish.pods).for_each(|pod| is_settled[*pod] = true);
    let mut pods_of: Vec<Vec<usize>> = vec![vec![]; problem.classes.len()];
    for pod in (0..problem.pods.len()).rev().filter(|pod| !is_settled[*pod]) {
        pods_of[problem.pods[pod].class].push(pod);
    }
    let mut nodes_used: Vec<usize> = vec![0; model.shapes.len()];
    for (pattern, times) in packed {
        let shape = pattern.shape as usize;
        for _ in 0..*times {
            let mut requirements = Requirements::new();
            let mut pods = vec![];
            for (item, count) in &pattern.counts {
                let meaning = &model.items[*item as usize];
                for (key, value) in &meaning.pins {
                    requirements.add(key, Requirement::any_of([&**value]));
                }
                let waiting = &mut pods_of[meaning.class];
                let many = *count as usize * meaning.bundle as usize;
                pods.extend(waiting.drain(waiting.len().saturating_sub(many)..));
            }
            let place = match &model.shapes[shape] {
                Place::New { pool, types } => WishedPlace::New { pool: *pool, types: types.clone(), requirements },
                Place::Existing(numbers) => {
                    let Some(number) = numbers.get(nodes_used[shape]) else { continue };
                    nodes_used[shape] += 1;
                    WishedPlace::Existing(*number)
                }
            };
            out.push(Wish { place, pods });
        }
    }
    out
}
