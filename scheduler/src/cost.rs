//! The cost policy's reckoning: which nodes hold the pods for the least money, and how little money that could be.

mod memory;
mod model;
mod offers;

use crate::greedy;
use crate::packing::{self, Effort};
use crate::plan::Plan;
use crate::policy::Search;
use crate::problem::Problem;
pub use memory::Memory;
use model::{Compiler, View};

/// Plans a problem for the least money.
pub(crate) fn plan(problem: &Problem, search: &Search<'_>, _: &mut Memory) -> Plan {
    let mut compiler = Compiler::new(problem);
    let mut demands = vec![0_u32; problem.classes.len()];
    problem.pods.iter().for_each(|p| demands[p.class] += 1);
    let model = compiler.model(&demands, View::ToPlan, search);
    let expired = || (search.expired)();
    let mut effort = Effort::new(search.steps, &expired);
    let mut rng = fastrand::Rng::with_seed(search.seed);
    let solved = packing::solve(&model.packing, vec![], &mut rng, &mut effort);
    let price: f64 =
        solved.packed.iter().flatten().map(|(p, n)| model.packing.shapes[p.shape as usize].price * f64::from(*n)).sum();
    let nodes: u32 = solved.packed.iter().flatten().map(|(_, n)| n).sum();
    eprintln!(
        "items {} shapes {} dims {} outside {} packed {:.4} nodes {} bound {:.4} gap {:.4}% steps left {}",
        model.packing.items.len(),
        model.packing.shapes.len(),
        model.packing.dims,
        model.outside.len(),
        price,
        nodes,
        solved.bound.value,
        (price / solved.bound.value - 1.0) * 100.0,
        effort.left()
    );
    greedy::plan(problem)
}
