//! Random subsets of an instance's pods, for figures that hold for a workload and not just for one list of pods.

use crate::instance::Instance;
use dovetail_scheduler::problem::{Classes, Problem};
use fastrand::Rng;

/// The same instance with so many of its pods, chosen by chance without repetition; with all if it has no more. Classes of
/// which no pod is left are dropped. What the cheapest plan for the subset costs is not known.
pub fn subset(instance: &Instance, pods: usize, draw: u64) -> Instance {
    let whole = &instance.problem;
    let mut chosen: Vec<usize> = Rng::with_seed(draw).choose_multiple(0..whole.pods.len(), pods);
    chosen.sort_unstable();
    let mut problem = Problem { pods: Vec::with_capacity(chosen.len()), classes: vec![], ..whole.clone() };
    let mut classes = Classes::default();
    let mut known: Vec<Option<usize>> = vec![None; whole.classes.len()];
    for pod in chosen {
        let mut pod = whole.pods[pod].clone();
        let class = match known[pod.class] {
            Some(class) => class,
            None => classes.intern(&mut problem, whole.classes[pod.class].clone()),
        };
        known[pod.class] = Some(class);
        pod.class = class;
        problem.pods.push(pod);
    }
    Instance { name: instance.name.clone(), problem, kind: instance.kind, optimum: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triplets::{Family, Triplets};
    use std::collections::BTreeSet;

    fn whole() -> Instance {
        Triplets { items: 60, dimensions: 2, family: Family::Mommessin, seed: 1 }.instance()
    }

    fn names(instance: &Instance) -> Vec<&str> {
        instance.problem.pods.iter().map(|p| &*p.name).collect()
    }

    #[test]
    fn a_subset_has_pods_of_the_whole_each_once_and_as_they_were() {
        let whole = whole();
        let some = subset(&whole, 20, 7);
        assert_eq!(names(&some).iter().collect::<BTreeSet<_>>().len(), 20);
        assert_eq!(some.optimum, None);
        for pod in 0..20 {
            let name = &some.problem.pods[pod].name;
            let before = (0..60).find(|p| whole.problem.pods[*p].name == *name).expect("a pod of the whole");
            assert_eq!(some.problem.class_of(pod), whole.problem.class_of(before));
        }
        let used: BTreeSet<usize> = some.problem.pods.iter().map(|p| p.class).collect();
        assert_eq!(used.len(), some.problem.classes.len(), "no class is without pods");
    }

    #[test]
    fn the_same_draw_is_the_same_and_others_differ() {
        let whole = whole();
        assert_eq!(names(&subset(&whole, 20, 7)), names(&subset(&whole, 20, 7)));
        assert_ne!(names(&subset(&whole, 20, 7)), names(&subset(&whole, 20, 8)));
        assert_eq!(names(&subset(&whole, 99, 1)), names(&whole), "there are no more");
    }
}
