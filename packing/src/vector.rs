//! Vector packing: items with a weight in each dimension, bins of some kinds with a capacity in each, a cost and perhaps a
//! stock. It becomes a problem for the policies: an item is a pod, a kind of bin an instance type, a dimension a resource.
//! How such packings stand in files, `read` knows.

pub mod read;
mod words;

use crate::instance::{Instance, Kind};
use dovetail_scheduler::instance_type::{InstanceType, Offering, Price};
use dovetail_scheduler::problem::{Classes, NodePool, Pod, PodClass, Problem};
use dovetail_scheduler::requirement::Name;
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::{CPU, MEMORY, NODES, Resources};
use std::sync::Arc;

/// A kind of bin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinKind {
    /// How much it holds in each dimension, 0 or more.
    pub capacity: Vec<i64>,
    /// What one costs, 0 or more.
    pub cost: i64,
    /// How many there are; `None` for as many as anybody wants.
    pub stock: Option<u32>,
}

/// Items that are all alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What one weighs in each dimension, 0 or more.
    pub weights: Vec<i64>,
    /// How many there are.
    pub demand: usize,
}

/// Items to be packed, bins to pack them into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VectorPacking {
    /// The kinds of bins, in the order of the file.
    pub kinds: Vec<BinKind>,
    /// The items, in the order of the file.
    pub items: Vec<Item>,
    /// The least possible cost, if somebody knows it; the number of bins if all cost the same.
    pub optimum: Option<i64>,
}

/// No sum of prices in a plan may come near the largest price there is.
const ROOM: i128 = i64::MAX as i128 / 4;
/// What a cost of 1 is as a price unless sums get too large: $1/h, a size that tolerances of solvers are made for.
const DOLLAR: i64 = 1_000_000_000_000;

impl VectorPacking {
    /// The number of all items.
    pub fn count(&self) -> usize {
        self.items.iter().map(|i| i.demand).sum()
    }

    /// The cost that all kinds of bins share, if they do and it is not zero.
    fn equal_cost(&self) -> Option<i64> {
        let mut kinds = self.kinds.iter().filter(|k| k.stock != Some(0));
        let first = kinds.next()?.cost;
        (first > 0 && kinds.all(|k| k.cost == first)).then_some(first)
    }

    /// The packing as a problem.
    ///
    /// The first two dimensions are called `cpu` and `memory`, since policies that order pods look at those; the others are
    /// `dim-2` and so on. Kinds of bins that are never out of stock make one NodePool. Each other kind has its own, with a
    /// limit of as many nodes: limits are on pools. Whoever tries pools one after the other finds what is scarce first, the
    /// most room for its cost before the rest. Bins have no overhead, and a weight of zero is no request.
    pub fn into_instance(self, name: impl Into<String>) -> Instance {
        let equal = self.equal_cost();
        let unit = self.unit();
        let kind = match equal {
            Some(cost) => Kind::Equal { each: Price::from_picodollars(unit.saturating_mul(cost)) },
            None => Kind::Priced { unit: Price::from_picodollars(unit) },
        };
        #[allow(clippy::cast_precision_loss)] // costs of whole plans stay far below 2^53
        let optimum = self.optimum.map(|o| o as f64);
        Instance { name: name.into(), problem: self.problem(unit), kind, optimum }
    }

    /// The price of a cost of 1, in millionths of a millionth of a dollar: the largest power of ten, at most a dollar, with
    /// which no plan's cost leaves the range of prices. A plan has at most one bin for every item.
    fn unit(&self) -> i64 {
        let dearest = self.kinds.iter().map(|k| k.cost).max().unwrap_or(0).max(1);
        let most = i128::from(dearest) * i128::try_from(self.count().max(1)).unwrap_or(i128::MAX >> 64);
        let mut unit = DOLLAR;
        while unit > 1 && most.saturating_mul(i128::from(unit)) > ROOM {
            unit /= 10;
        }
        unit
    }

    fn problem(&self, unit: i64) -> Problem {
        let dimensions: Vec<Name> = (0..self.dimensions()).map(dimension).collect();
        let amounts = |of: &[i64]| -> Resources { dimensions.iter().cloned().zip(of.iter().copied()).collect() };
        let mut problem = Problem::default();
        let mut endless = vec![];
        let mut scarce = vec![];
        for (number, kind) in self.kinds.iter().enumerate() {
            let bin = Arc::new(bin(number, amounts(&kind.capacity), kind.cost.saturating_mul(unit)));
            match kind.stock {
                None => endless.push(bin),
                Some(0) => {}
                Some(stock) => scarce.push((self.room_for_cost(kind), bin, stock)),
            }
        }
        // Among pools of one weight the last by name comes first, and `stock` comes after `bins`.
        scarce.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (rank, (_, bin, stock)) in scarce.into_iter().enumerate() {
            problem.pools.push(pool(&format!("stock-{rank:07}"), vec![bin], Some(stock)));
        }
        if !endless.is_empty() {
            problem.pools.push(pool("bins", endless, None));
        }
        problem.sort();
        let mut classes = Classes::default();
        for (number, item) in self.items.iter().enumerate().filter(|(_, i)| i.demand > 0) {
            let mut requests = amounts(&item.weights);
            requests.drop_zeros();
            let class = classes.intern(&mut problem, PodClass { requests, ..PodClass::default() });
            for copy in 0..item.demand {
                // Among pods of one size the UID decides who comes first: as in the file.
                let uid = format!("{:09}", problem.pods.len()).into();
                let name = format!("items/{number}-{copy}").into();
                problem.pods.push(Pod { name, uid, created: 0, class });
            }
        }
        problem
    }

    /// What a kind of bin holds, as shares of the largest in each dimension, for what it costs.
    #[allow(clippy::cast_precision_loss)] // an order to try bins in
    fn room_for_cost(&self, kind: &BinKind) -> f64 {
        let largest = |d: usize| self.kinds.iter().filter_map(|k| k.capacity.get(d)).max().copied().unwrap_or(0).max(1);
        let room: f64 = kind.capacity.iter().enumerate().map(|(d, c)| *c as f64 / largest(d) as f64).sum();
        room / kind.cost.max(1) as f64
    }

    fn dimensions(&self) -> usize {
        self.kinds.first().map_or(0, |k| k.capacity.len())
    }
}

/// The resource that a dimension is.
fn dimension(number: usize) -> Name {
    match number {
        0 => CPU.into(),
        1 => MEMORY.into(),
        _ => format!("dim-{number}").into(),
    }
}

fn bin(number: usize, capacity: Resources, picodollars: i64) -> InstanceType {
    let price = Price::from_picodollars(picodollars);
    let offering = Offering { requirements: Arc::default(), price, available: true, reservation_capacity: None };
    let name = format!("bin-{number}");
    InstanceType { name: name.into(), offerings: vec![offering], capacity, ..InstanceType::default() }
}

fn pool(name: &str, types: Vec<Arc<InstanceType>>, stock: Option<u32>) -> NodePool {
    NodePool {
        name: name.into(),
        weight: 0,
        requirements: Requirements::default(),
        taints: vec![],
        instance_types: types.into(),
        remaining: stock.map(|n| Resources::new().with(NODES, i64::from(n))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dovetail_scheduler::cost::Memory;
    use dovetail_scheduler::plan::Plan;
    use dovetail_scheduler::policy::{POLICIES, Policy, Search, by_name};
    use dovetail_scheduler::verify::verify;
    use proptest::prelude::*;

    fn kind(capacity: &[i64], cost: i64, stock: Option<u32>) -> BinKind {
        BinKind { capacity: capacity.to_vec(), cost, stock }
    }

    fn items(of: &[(&[i64], usize)]) -> Vec<Item> {
        of.iter().map(|(weights, demand)| Item { weights: weights.to_vec(), demand: *demand }).collect()
    }

    fn solve(policy: &dyn Policy, instance: &Instance) -> Plan {
        let search = Search { node_cost: Price::ZERO, ..Search::default() };
        let plan = policy.plan(&instance.problem, &search, &mut Memory::default());
        assert_eq!(verify(&instance.problem, &plan).err(), None, "{}", policy.name());
        plan
    }

    fn karpenter(instance: &Instance) -> Plan {
        solve(by_name("karpenter").expect("a policy that is always there"), instance)
    }

    #[test]
    fn pods_are_items_and_nodes_are_bins() {
        let kinds = vec![kind(&[10, 10, 10], 1, None)];
        let items = items(&[(&[5, 0, 6], 2), (&[5, 10, 4], 2)]);
        let instance = VectorPacking { kinds, items, optimum: Some(2) }.into_instance("pairs");
        assert_eq!((instance.problem.pods.len(), instance.problem.classes.len()), (4, 2));
        let plan = karpenter(&instance);
        assert_eq!((plan.claims.len(), plan.placed()), (2, 4));
        assert_eq!(instance.cost(plan.cost()), 2.0);
        assert_eq!(instance.bound(&plan), Some(2.0), "by volume of the second and the third dimension");
    }

    #[test]
    fn items_of_one_size_are_one_class_wherever_they_stand() {
        let items = items(&[(&[5], 1), (&[3], 1), (&[5], 1), (&[4], 0)]);
        let packing = VectorPacking { kinds: vec![kind(&[10], 1, None)], items, optimum: None };
        let problem = packing.into_instance("x").problem;
        assert_eq!(problem.pods.iter().map(|p| p.class).collect::<Vec<_>>(), [0, 1, 0]);
    }

    #[test]
    fn a_stock_is_never_exceeded_and_what_is_too_much_for_it_stays_out() {
        let kinds = vec![kind(&[10], 1, Some(1)), kind(&[6], 5, Some(2)), kind(&[20], 1, Some(0))];
        let instance = VectorPacking { kinds, items: items(&[(&[6], 4)]), optimum: None }.into_instance("scarce");
        for policy in POLICIES {
            let plan = solve(*policy, &instance);
            assert_eq!((plan.placed(), plan.unplaced.len()), (3, 1), "{}", policy.name());
            assert_eq!(instance.cost(plan.cost()), 11.0, "{}", policy.name());
        }
    }

    #[test]
    fn bins_of_equal_cost_are_counted_whatever_one_costs() {
        let kinds = vec![kind(&[10], 7, None), kind(&[9], 7, None)];
        let instance = VectorPacking { kinds, items: items(&[(&[9], 3)]), optimum: None }.into_instance("sevens");
        let plan = karpenter(&instance);
        assert_eq!(instance.cost(plan.cost()), 3.0);
        assert_eq!(instance.bound(&plan), Some(3.0));
    }

    #[test]
    fn huge_costs_are_scaled_so_that_sums_stay_exact() {
        let kinds = vec![kind(&[1], 1_000_000_000_000, None), kind(&[1], 1_000_000_000_001, None)];
        let instance = VectorPacking { kinds, items: items(&[(&[1], 100)]), optimum: None }.into_instance("dear");
        assert_eq!(instance.kind, Kind::Priced { unit: Price::from_picodollars(10_000) });
        assert_eq!(instance.cost(karpenter(&instance).cost()), 1e14);
    }

    #[test]
    fn a_volume_that_no_bin_has_proves_nothing() {
        let kinds = vec![kind(&[10, 0], 1, None)];
        let instance = VectorPacking { kinds, items: items(&[(&[1, 1], 1)]), optimum: None }.into_instance("x");
        assert_eq!(instance.volume(), None);
    }

    proptest! {
        #[test]
        fn the_volume_is_never_above_what_a_plan_takes(
            capacity in proptest::collection::vec(1_i64..50, 1..4),
            sizes in proptest::collection::vec((proptest::collection::vec(0.0..1.0_f64, 4), 1_usize..4), 1..20),
        ) {
            let items = sizes.into_iter().map(|(shares, demand)| {
                #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // numbers below 50
                let weights = capacity.iter().zip(shares).map(|(c, s)| (*c as f64 * s) as i64).collect();
                Item { weights, demand }
            });
            let items: Vec<Item> = items.collect();
            let kinds = vec![BinKind { capacity, cost: 1, stock: None }];
            let instance = VectorPacking { kinds, items, optimum: None }.into_instance("any");
            let plan = karpenter(&instance);
            prop_assert_eq!(plan.unplaced.len(), 0);
            prop_assert!(instance.volume().expect("bins are large") <= plan.claims.len() as u64);
        }
    }
}
