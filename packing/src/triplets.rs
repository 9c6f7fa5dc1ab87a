//! Equal-cost vector packing with a known optimum: three items fill a bin in every dimension, exactly, so that no packing
//! needs fewer bins than a third of the items, and one needs no more. The three families of sizes are those of the
//! literature: Falkenauer (1996), Caprara and Toth (2001), Mommessin et al. (2024).

use crate::instance::Instance;
use crate::vector::{BinKind, Item, VectorPacking};
use fastrand::Rng;
use std::ops::RangeInclusive;

/// How the sizes of three items that fill a bin are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// All three larger than a quarter of the bin, so that no bin holds four: the hardest to pack without waste.
    #[default]
    Falkenauer,
    /// Two from a quarter to a half of the bin, the third what they leave.
    Caprara,
    /// Two of any size up to a half, the third what they leave.
    Mommessin,
}

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triplets {
    /// How many items, a multiple of three.
    pub items: usize,
    /// How many dimensions.
    pub dimensions: usize,
    /// The sizes.
    pub family: Family,
    /// Where chance begins.
    pub seed: u64,
}

/// The capacity of a bin in every dimension.
const CAPACITY: i64 = 100;

impl Triplets {
    /// The instance, always the same for the same wish. Items come in an order by chance.
    pub fn instance(self) -> Instance {
        let mut rng = Rng::with_seed(self.seed);
        let mut items = Vec::with_capacity(self.items);
        for _ in 0..self.items / 3 {
            let sizes: Vec<[i64; 3]> = (0..self.dimensions).map(|_| self.family.sizes(&mut rng)).collect();
            let item = |which: usize| Item { weights: sizes.iter().map(|s| s[which]).collect(), demand: 1 };
            items.extend((0..3).map(item));
        }
        rng.shuffle(&mut items);
        let kinds = vec![BinKind { capacity: vec![CAPACITY; self.dimensions], cost: 1, stock: None }];
        let optimum = i64::try_from(self.items / 3).ok();
        VectorPacking { kinds, items, optimum }.into_instance(self.name())
    }

    /// What it is called: as it was asked for.
    fn name(self) -> String {
        let Self { items, dimensions, seed, .. } = self;
        match self.family {
            Family::Falkenauer => format!("triplets:{items}x{dimensions}@{seed}"),
            Family::Caprara => format!("triplets:{items}x{dimensions}:caprara@{seed}"),
            Family::Mommessin => format!("triplets:{items}x{dimensions}:mommessin@{seed}"),
        }
    }
}

impl Family {
    /// The sizes of three items in one dimension: they add up to the capacity.
    fn sizes(self, rng: &mut Rng) -> [i64; 3] {
        let mut draw = |range: RangeInclusive<i64>| rng.i64(range);
        let (first, second) = match self {
            Self::Falkenauer => {
                let first = draw(38..=49);
                (first, draw(25..=(CAPACITY - first) / 2))
            }
            Self::Caprara => (draw(25..=50), draw(25..=50)),
            Self::Mommessin => (draw(1..=50), draw(1..=50)),
        };
        [first, second, CAPACITY - first - second]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dovetail_scheduler::cost::Memory;
    use dovetail_scheduler::policy::{POLICIES, Search};
    use dovetail_scheduler::verify::verify;

    const FAMILIES: [Family; 3] = [Family::Falkenauer, Family::Caprara, Family::Mommessin];

    fn triplets(family: Family, seed: u64) -> Instance {
        Triplets { items: 60, dimensions: 4, family, seed }.instance()
    }

    #[test]
    fn the_volume_of_all_items_is_that_of_a_third_as_many_bins() {
        for family in FAMILIES {
            let instance = triplets(family, 7);
            assert_eq!(instance.problem.pods.len(), 60);
            assert_eq!((instance.volume(), instance.optimum), (Some(20), Some(20.0)), "{family:?}");
        }
    }

    #[test]
    fn the_same_wish_makes_the_same_instance_and_another_seed_another() {
        let sizes = |i: &Instance| i.problem.classes.iter().map(|c| c.requests.clone()).collect::<Vec<_>>();
        let (once, again, other) =
            (triplets(Family::Caprara, 1), triplets(Family::Caprara, 1), triplets(Family::Caprara, 2));
        assert_eq!(sizes(&once), sizes(&again));
        assert_ne!(sizes(&once), sizes(&other));
        assert_eq!(once.name, "triplets:60x4:caprara@1");
    }

    #[test]
    fn no_policy_beats_the_optimum_and_each_keeps_the_rules() {
        for policy in POLICIES {
            for family in FAMILIES {
                let instance = triplets(family, 3);
                let plan = policy.plan(&instance.problem, &Search::default(), &mut Memory::default());
                assert_eq!(verify(&instance.problem, &plan).err(), None, "{}", policy.name());
                assert!(instance.cost(plan.cost()) >= 20.0, "{}", policy.name());
            }
        }
    }
}
