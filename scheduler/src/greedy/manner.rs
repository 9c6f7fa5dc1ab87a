//! Manners of first fit: which pod comes first, which node it goes to of those that take it, and which type a new node is of.
//!
//! Karpenter has one manner; the simple rules that packers are compared with are others. What is allowed does not depend on
//! the manner: it only chooses among what the rules leave.

use super::order::Rank;
use super::world::World;

/// A manner of first fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// Which pod comes first.
    pub(crate) pods: PodOrder,
    /// Which of the nodes that take a pod gets it. Those that are there come before those that are to be bought.
    pub(crate) nodes: NodeOrder,
    /// Which type a new node is of.
    pub(crate) types: TypeChoice,
}

/// Which pod comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PodOrder {
    /// The one that asks for most CPU, then memory (specification "scheduling" 4.2).
    MostCpu,
    /// The one whose largest share is largest: of any resource, as a share of what the roomiest node has of it.
    LargestShare,
}

/// Which of the nodes that take a pod gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeOrder {
    /// Of new nodes the one with the fewest pods (specification "scheduling" 4.5), of others the first.
    FewestPods,
    /// The first.
    First,
    /// The one that is left fullest, which is the one with the least room.
    Fullest,
}

/// Which type a new node is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeChoice {
    /// That stays open: it may be of any type that holds its pods.
    Open,
    /// The cheapest that holds its first pod.
    Cheapest,
    /// The one of which nodes for everything that is still to come would cost least, if it could be cut up at will; only what
    /// asks for the same resources as the first pod is reckoned with.
    CheapestForTheRest,
}

impl Manner {
    /// Karpenter's.
    pub(crate) const KARPENTER: Self =
        Self { pods: PodOrder::MostCpu, nodes: NodeOrder::FewestPods, types: TypeChoice::Open };
}

/// Millionths of a millionth: how finely shares are told apart.
const WHOLE: i128 = 1_000_000_000_000;

/// For each class, its largest share of what the roomiest node has of a resource. What no node has is all that could be asked.
pub(super) fn largest_shares(world: &World<'_>) -> Vec<i128> {
    let problem = world.problem;
    let mut most = vec![0; world.columns.names().len()];
    for (column, most) in most.iter_mut().enumerate() {
        let sold = world.pools.iter().flat_map(|pool| pool.sellable.iter().map(move |t| pool.room(column)[t]));
        let there = problem.nodes.iter().map(|node| node.available.get(&world.columns.names()[column]));
        *most = sold.chain(there).max().unwrap_or(0);
    }
    let share = |(asked, most): (i64, &i64)| match (asked, *most) {
        (..=0, _) => 0,
        (_, ..=0) => i128::MAX,
        (asked, most) => i128::from(asked) * WHOLE / i128::from(most),
    };
    let largest = |row: Vec<i64>| row.into_iter().zip(&most).map(share).max().unwrap_or(0);
    problem.classes.iter().map(|class| largest(world.columns.row(&class.requests))).collect()
}

/// How nodes rank among those that take a pod.
pub(super) enum Ranking {
    /// As Karpenter ranks them.
    FewestPods,
    /// As they came.
    First,
    /// By their room, in shares of everything that is asked for.
    Fullest(Vec<i64>),
}

impl Ranking {
    pub(super) fn new(order: NodeOrder, world: &World<'_>) -> Self {
        match order {
            NodeOrder::FewestPods => Self::FewestPods,
            NodeOrder::First => Self::First,
            NodeOrder::Fullest => {
                let rows: Vec<Vec<i64>> =
                    world.problem.classes.iter().map(|class| world.columns.row(&class.requests)).collect();
                let mut asked = vec![0_i64; world.columns.names().len()];
                for pod in &world.problem.pods {
                    asked.iter_mut().zip(&rows[pod.class]).for_each(|(sum, n)| *sum = sum.saturating_add(*n));
                }
                Self::Fullest(asked)
            }
        }
    }

    /// The rank of a claim with so many pods that has just taken one; `newest` grows with every pod that any claim takes.
    pub(super) fn rank(&self, claim: usize, pods: usize, newest: i64, free: &[i64]) -> Rank {
        let turn = i64::try_from(claim).unwrap_or(i64::MAX);
        match self {
            Self::FewestPods if pods == 1 => (1, newest),
            Self::FewestPods => (pods, -newest),
            Self::First => (0, turn),
            Self::Fullest(_) => (self.room(free), turn),
        }
    }

    /// How much room this is, all resources together; zero where room does not matter. What holds more of every resource is
    /// never less. A pod takes the same from every node, so the node with the least room before has the least after.
    pub(super) fn room(&self, free: &[i64]) -> usize {
        let Self::Fullest(asked) = self else { return 0 };
        let share = |(free, asked): (&i64, &i64)| match i128::from(*asked) {
            ..=0 => 0,
            asked => i128::from((*free).max(0)) * WHOLE / asked,
        };
        usize::try_from(free.iter().zip(asked).map(share).sum::<i128>()).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
#[path = "manner_tests.rs"]
mod tests;
