//! The cost policy's reckoning: which nodes hold the pods for the least money, and how little money that could be.
//!
//! First fit gives a plan to begin with. The problem is read as a packing and solved; what comes of it are wishes, and
//! construction along those wishes keeps every rule that the packing does not know. The better of the two plans is given,
//! with a proof of how cheap any plan could be that places the same pods.

mod memory;
mod model;
mod nodes;
mod offers;

use crate::greedy::{self, Terms, Wish, WishedPlace};
use crate::instance_type::Price;
use crate::packing::{self, Effort, Packed, Pattern};
use crate::plan::{Certificate, Plan, Proof};
use crate::policy::Search;
use crate::problem::Problem;
use crate::requirement::Requirement;
use crate::requirements::Requirements;
pub use memory::Memory;
use model::{Compiler, Model, Place, View};

/// Plans a problem for the least money.
pub(crate) fn plan(problem: &Problem, search: &Search<'_>, memory: &mut Memory) -> Plan {
    let terms = Terms::from(search);
    let mut best = greedy::guided(problem, &[], &terms);
    let first_fit = best.cost();
    let mut compiler = Compiler::new(problem);
    let model = compiler.model(&demands(problem, 0..problem.pods.len()), View::ToPlan, search);
    if model.packing.dims > packing::MOST_DIMS {
        return best;
    }
    let expired = || (search.expired)();
    let mut effort = Effort::new(search.steps, &expired);
    let mut rng = fastrand::Rng::with_seed(search.seed);
    let (mut known, recalled) = memory.recall(&model.packing);
    known.extend(patterns_of(&best, problem, &model));
    let solved = packing::solve(&model.packing, known, recalled, &mut rng, &mut effort);
    memory.keep(&model.packing, &solved.patterns, &solved.bound);
    if let Some(packed) = &solved.packed {
        let wished = greedy::guided(problem, &wishes(problem, &model, packed), &terms);
        let rank = |plan: &Plan| (std::cmp::Reverse(plan.placed()), plan.cost(), plan.claims.len());
        if rank(&wished) < rank(&best) {
            best = wished;
        }
    }
    best.certificate = certificate(problem, &best, first_fit, &mut compiler, (&model, &solved), search, &mut effort);
    best
}

/// How many of these pods there are of each class.
fn demands(problem: &Problem, pods: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut demands = vec![0; problem.classes.len()];
    pods.for_each(|pod| demands[problem.pods[pod].class] += 1);
    demands
}

/// How the claims of a plan are filled, where the model can say so.
fn patterns_of(plan: &Plan, problem: &Problem, model: &Model) -> Vec<Pattern> {
    let mut item_of: Vec<Option<u32>> = vec![None; problem.classes.len()];
    for (i, meaning) in (0_u32..).zip(&model.items) {
        if meaning.pin.is_none() {
            item_of[meaning.class] = Some(i);
        }
    }
    let by_weight = model.packing.by_weight();
    let mut seen = rustc_hash::FxHashSet::default();
    let mut out = vec![];
    for claim in &plan.claims {
        let mut counts: std::collections::BTreeMap<u32, u32> = std::collections::BTreeMap::new();
        for pod in &claim.pods {
            if let Some(item) = item_of[problem.pods[*pod].class] {
                *counts.entry(item).or_default() += 1;
            }
        }
        let counts: Vec<(u32, u32)> = counts.into_iter().collect();
        if !counts.is_empty() && seen.insert(counts.clone()) {
            let shape = model.packing.cheapest_for(&counts, &by_weight, &[]);
            out.extend(shape.map(|shape| Pattern { shape, counts }));
        }
    }
    out
}

/// What the bins of a packing mean: which node, with which pods.
fn wishes(problem: &Problem, model: &Model, packed: &Packed) -> Vec<Wish> {
    let mut pods_of: Vec<Vec<usize>> = vec![vec![]; problem.classes.len()];
    for pod in (0..problem.pods.len()).rev() {
        pods_of[problem.pods[pod].class].push(pod);
    }
    let mut nodes_used: Vec<usize> = vec![0; model.shapes.len()];
    let mut out = vec![];
    for (pattern, times) in packed {
        let shape = pattern.shape as usize;
        for _ in 0..*times {
            let mut requirements = Requirements::new();
            let mut pods = vec![];
            for (item, count) in &pattern.counts {
                let meaning = &model.items[*item as usize];
                if let Some((key, value)) = &meaning.pin {
                    requirements.add(key, Requirement::any_of([&**value]));
                }
                let waiting = &mut pods_of[meaning.class];
                pods.extend(waiting.drain(waiting.len().saturating_sub(*count as usize)..));
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

/// The proof of how cheap a plan could be that places the same pods.
fn certificate(
    problem: &Problem,
    plan: &Plan,
    first_fit: Price,
    compiler: &mut Compiler<'_>,
    (model, solved): (&Model, &packing::Solved),
    search: &Search<'_>,
    effort: &mut Effort<'_>,
) -> Option<Certificate> {
    let on_claims = plan.claims.iter().flat_map(|c| &c.pods);
    let placed = on_claims.chain(plan.existing.iter().flat_map(|e| &e.pods)).copied();
    let proven = compiler.model(&demands(problem, placed), View::ToProve, search);
    if proven.packing.dims > packing::MOST_DIMS {
        return None;
    }
    let bound = if proven.packing.fingerprint() == model.packing.fingerprint() {
        solved.bound.for_demands(&proven.packing)
    } else {
        // What the pods are worth in the plan's own view is where to begin.
        let mut worth = vec![f64::INFINITY; problem.classes.len()];
        for (meaning, value) in model.items.iter().zip(&solved.bound.values) {
            worth[meaning.class] = worth[meaning.class].min(*value);
        }
        let start: Vec<f64> =
            proven.items.iter().map(|m| worth[m.class]).map(|w| if w.is_finite() { w } else { 0.0 }).collect();
        let mut rng = fastrand::Rng::with_seed(search.seed);
        packing::prove(&proven.packing, patterns_of(plan, problem, &proven), &start, &mut rng, effort)
    };
    let outward = bound.value * (1.0 - 1e-10);
    let bound_price = Price::from_dollars(outward);
    let proof = if bound.fluid { Proof::Fluid } else { Proof::Columns };
    Some(Certificate { bound: bound_price, proof, left_out: proven.left_out.into_iter().collect(), first_fit })
}
