//! One reading of a class of pods, looking for places: what it asks, and whom it has asked already.

use super::claims::Scan;
use super::nodes::Cursors;
use super::order::Progress;
use super::world::World;
use crate::bitset::Bits;
use crate::market::{PoolIndex, SetId};
use crate::problem::{PodClass, Problem};
use crate::relaxation::Reading;
use crate::requirements::Incompatible;
use crate::taint::{Taint, untolerated};
use crate::topology::Rules;

/// One reading of a class, looking for places.
pub(super) struct Seeker {
    pub(super) class: usize,
    pub(super) requirements: SetId,
    pub(super) requests: Vec<i64>,
    /// Where its volumes can be used; empty means anywhere.
    pub(super) places: Vec<SetId>,
    pub(super) rules: Rules,
    /// For each pool, why its nodes would never take the pod, if so.
    pub(super) refused: Vec<Option<Never>>,
    /// For each pool, the types on which no DaemonSet has its ports; `None` if none could.
    pub(super) unclashed: Vec<Option<Bits>>,
    pub(super) nodes: Cursors,
    pub(super) claims: Progress,
    pub(super) scan: Scan,
    pub(super) reading: Reading,
}

/// Why no node of a pool can ever take a pod.
pub(super) enum Never {
    Taints(Vec<Taint>),
    Selection(Incompatible),
}

impl Seeker {
    pub(super) fn new(world: &mut World<'_>, class_number: usize, reading: Reading) -> Self {
        let problem = world.problem;
        let class = &problem.classes[class_number];
        let rules = world.topology.rules(problem, class, &reading, &mut world.pools, &mut world.sets);
        Self {
            class: class_number,
            requirements: world.sets.intern(reading.requirements.clone()),
            requests: world.columns.row(&class.requests),
            places: class.volumes.places.iter().map(|place| world.sets.intern(place.clone())).collect(),
            rules,
            refused: world.pools.iter().map(|pool| never(problem, pool, &reading)).collect(),
            unclashed: world.pools.iter().map(|pool| unclashed(pool, class)).collect(),
            nodes: Cursors::default(),
            claims: Progress::default(),
            scan: Scan::default(),
            reading,
        }
    }
}

/// Why no node of a pool can ever take a pod of this reading, if so.
fn never(problem: &Problem, pool: &PoolIndex<'_>, reading: &Reading) -> Option<Never> {
    let taints: Vec<Taint> = untolerated(&pool.pool.taints, &reading.tolerations).cloned().collect();
    if !taints.is_empty() {
        return Some(Never::Taints(taints));
    }
    pool.pool.requirements.compatible(&reading.requirements, &problem.well_known).err().map(Never::Selection)
}

/// The types on which no DaemonSet takes a port that the class wants.
fn unclashed(pool: &PoolIndex<'_>, class: &PodClass) -> Option<Bits> {
    let clashing = pool.daemon_ports.iter().filter(|(port, _)| class.ports.iter().any(|p| p.clashes(port)));
    let mut out: Option<Bits> = None;
    for (_, types) in clashing {
        let out = out.get_or_insert_with(|| Bits::all(pool.pool.instance_types.len()));
        types.iter().for_each(|t| out.remove(t));
    }
    out
}
