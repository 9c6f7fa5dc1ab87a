//! What nodes have attached already, and how much more they can.
//!
//! The kubelet publishes the limit of each driver in the CSINode; until it has, the limit of the instance type stands in.
//! A driver without a number has no limit (specification "v1.15 changes" 8.1, 8.2).

use super::{VolumeIndex, claim_names, class_of, full_name};
use crate::cluster::PodRecord;
use crate::nodes::NodeState;
use dovetail_scheduler::problem::{Node, NodePool};
use dovetail_scheduler::requirement::Name;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// The attach limits of the instance types that have any, by pool and name.
#[derive(Debug, Default)]
pub struct TypeLimits(FxHashMap<Name, FxHashMap<Name, Vec<(Name, u32)>>>);

impl TypeLimits {
    /// The limits of what the pools sell.
    pub fn of(pools: &[NodePool]) -> Self {
        let limited = |pool: &NodePool| {
            let types = pool.instance_types.iter().filter(|t| !t.volume_limits.is_empty());
            let limits: FxHashMap<_, _> = types.map(|t| (t.name.clone(), t.volume_limits.clone())).collect();
            (!limits.is_empty()).then(|| (pool.name.clone(), limits))
        };
        Self(pools.iter().filter_map(limited).collect())
    }

    fn of_node(&self, state: &NodeState<'_>) -> &[(Name, u32)] {
        let of_pool = state.pool().and_then(|pool| self.0.get(pool));
        let limits = of_pool.and_then(|types| types.get(state.instance_type()?));
        limits.map_or(&[], Vec::as_slice)
    }
}

impl VolumeIndex<'_> {
    /// Tells the node what is attached to it and what more can be.
    pub fn attach(&self, state: &NodeState<'_>, types: &TypeLimits, node: &mut Node) {
        let mut used: BTreeSet<(&str, String)> = BTreeSet::new();
        let mut shared: BTreeSet<(&str, String)> = BTreeSet::new();
        for pod in state.pods.iter().filter(|pod| pod.shape.has_claims) {
            for (driver, claim, users) in self.claims_of(pod) {
                if users > 1 {
                    shared.insert((driver, claim.clone()));
                }
                used.insert((driver, claim));
            }
        }
        let mut room = self.limits(state, types);
        for (driver, _) in &used {
            if let Some(room) = room.get_mut(driver) {
                *room = room.saturating_sub(1);
            }
        }
        node.attachable = room.into_iter().map(|(driver, n)| (driver.into(), n)).collect();
        node.attached = shared.into_iter().map(|(driver, claim)| (driver.into(), claim.into())).collect();
    }

    /// Driver, name and number of users of the claims of a pod that runs. A claim or a volume that is gone is not counted.
    fn claims_of(&self, pod: &PodRecord) -> impl Iterator<Item = (&str, String, usize)> {
        let here = self.claims.get(pod.namespace());
        claim_names(pod).into_iter().filter_map(move |claim| {
            let claim = here?.get(&*claim)?;
            let driver = self.driver(claim.object.spec.as_ref()?, class_of(claim.object))?;
            Some((driver, full_name(&claim.object.metadata), claim.users))
        })
    }

    fn limits<'s>(&'s self, state: &NodeState<'_>, types: &'s TypeLimits) -> BTreeMap<&'s str, u32> {
        let mut limits: BTreeMap<&str, u32> = types.of_node(state).iter().map(|(driver, n)| (&**driver, *n)).collect();
        let published = self.nodes.get(state.name()).filter(|_| state.node.is_some());
        for driver in published.into_iter().flat_map(|n| &n.spec.drivers) {
            match driver.allocatable.as_ref().and_then(|a| a.count) {
                Some(count) => limits.insert(&driver.name, u32::try_from(count).unwrap_or(0)),
                None => limits.remove(&*driver.name),
            };
        }
        limits
    }
}
