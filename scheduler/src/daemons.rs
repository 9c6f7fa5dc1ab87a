//! What DaemonSets take of each node before the first ordinary pod comes.
//!
//! A DaemonSet counts for an instance type if a node of the pool could be one it runs on: its tolerations cover the
//! pool's taints and one of its ways of selecting nodes goes with pool and type. Which of several ways is taken depends
//! on nothing but the three, unlike in Karpenter, where the answer depends on which type was asked before
//! (specification "scheduling" 4.6).

use crate::instance_type::InstanceType;
use crate::problem::{DaemonPod, Node, NodePool};
use crate::requirements::{Requirements, WellKnown};
use crate::resources::Resources;
use crate::taint::{Effect, Taint, untolerated};

/// The DaemonSets that may run on a pool's nodes, with the ways in which each selects them.
pub(crate) fn on_pool<'p>(
    daemons: &'p [DaemonPod],
    pool: &NodePool,
    well_known: &WellKnown,
) -> Vec<(&'p DaemonPod, Vec<Requirements>)> {
    daemons
        .iter()
        .filter(|d| gets_past(&pool.taints, d))
        .filter_map(|d| {
            let ways: Vec<_> = d
                .selection
                .strict()
                .into_iter()
                .filter(|way| pool.requirements.compatible(way, well_known).is_ok())
                .map(|way| pool.requirements.and(&way))
                .collect();
            (!ways.is_empty()).then_some((d, ways))
        })
        .collect()
}

/// What they take of a node of this type, all together.
pub(crate) fn overhead(on_pool: &[(&DaemonPod, Vec<Requirements>)], instance_type: &InstanceType) -> Resources {
    let mut sum = Resources::new();
    for (daemon, _) in on_pool.iter().filter(|(_, ways)| runs_on(ways, instance_type)) {
        sum.add(&daemon.requests);
    }
    sum
}

/// Whether a DaemonSet that selects its nodes in these ways runs on nodes of this type.
pub(crate) fn runs_on(ways: &[Requirements], instance_type: &InstanceType) -> bool {
    ways.iter().any(|way| instance_type.requirements.intersects(way))
}

/// The DaemonSets that run on a node that is there.
pub(crate) fn on_node<'d>(daemons: &'d [DaemonPod], node: &Node) -> impl Iterator<Item = &'d DaemonPod> {
    let nothing_undefined = WellKnown::new();
    daemons.iter().filter(move |daemon| {
        let selected = |way: &Requirements| node.labels.compatible(way, &nothing_undefined).is_ok();
        gets_past(&node.taints, daemon) && daemon.selection.strict().iter().any(selected)
    })
}

/// What is still to come onto a node that is there: what selects it, less what is bound to it already.
pub(crate) fn still_to_come(daemons: &[DaemonPod], node: &Node) -> Resources {
    let mut sum = Resources::new();
    on_node(daemons, node).for_each(|daemon| sum.add(&daemon.requests));
    sum.iter().map(|(k, v)| (k.clone(), (v - node.bound_daemons.get(k)).max(0))).collect()
}

/// Whether the taints let a DaemonSet's pod in. A taint that only prefers pods to stay away does: the DaemonSet wants just
/// this node, there is no other that it could prefer.
fn gets_past(taints: &[Taint], daemon: &DaemonPod) -> bool {
    untolerated(taints, &daemon.tolerations).all(|taint| taint.effect == Effect::PreferNoSchedule)
}
