//! Does every host port of a place go to one pod only?
//!
//! The containers of one pod never stand in each other's way here; whoever else wants the same port on the same address
//! does (specification "scheduling" 4.10). DaemonSets count wherever they run, whether their pods have come already or
//! are still to come: on a claim that is type by type, and a type on which one of them has the port may not be listed.

use super::accounting::Group;
use super::daemons::on_node as daemons_on;
use super::violation::{Place, PortHolder, Violation};
use crate::problem::{HostPort, Node, Pod, Problem};
use crate::requirement::Name;
use rustc_hash::{FxHashMap, FxHashSet};

/// Checks the pods of a claim against each other and against the DaemonSets of its types: name and ports of each.
pub(super) fn on_claim<'t>(
    problem: &Problem,
    place: &Place,
    pods: &[usize],
    groups: &[Group<'_>],
    types: impl Iterator<Item = (&'t Name, &'t [(&'t Name, &'t HostPort)])>,
    found: &mut Vec<Violation>,
) {
    let asking = asking(groups);
    if asking.is_empty() {
        return;
    }
    among_pods(problem, place, pods, found);
    for (instance_type, taken) in types {
        for (pod, port) in &asking {
            if let Some((daemon, port)) = taken.iter().find(|(_, taken)| taken.clashes(port)) {
                found.push(Violation::PortOfDaemonSet {
                    place: place.clone(),
                    instance_type: instance_type.clone(),
                    daemon: (*daemon).clone(),
                    port: (*port).clone(),
                    pod: (*pod).clone(),
                });
                break;
            }
        }
    }
}

/// Checks the pods that go to a node against each other, against what is taken there, and against its DaemonSets.
pub(super) fn on_node(
    problem: &Problem,
    place: &Place,
    pods: &[usize],
    groups: &[Group<'_>],
    node: &Node,
    found: &mut Vec<Violation>,
) {
    let asking = asking(groups);
    if asking.is_empty() {
        return;
    }
    among_pods(problem, place, pods, found);
    let daemons = daemons_on(&problem.daemons, node)
        .flat_map(|daemon| daemon.ports.iter().map(|port| (PortHolder::DaemonSet(daemon.name.clone()), port)));
    let taken: Vec<_> = daemons.chain(node.ports.iter().map(|port| (PortHolder::Resident, port))).collect();
    for (pod, port) in asking {
        if let Some((holder, _)) = taken.iter().find(|(_, taken)| taken.clashes(port)) {
            let (pod, port, holder) = (pod.clone(), port.clone(), holder.clone());
            found.push(Violation::PortTaken { place: place.clone(), pod, port, holder });
        }
    }
}

/// The ports that pods of a place ask for, with one of the pods.
fn asking<'p>(groups: &[Group<'p>]) -> Vec<(&'p Name, &'p HostPort)> {
    groups.iter().flat_map(|group| group.class.ports.iter().map(|port| (group.pod, port))).collect()
}

/// No two pods want the same port. Of a class, the first pod that finds a port taken stands for all.
fn among_pods(problem: &Problem, place: &Place, pods: &[usize], found: &mut Vec<Violation>) {
    let mut taken: FxHashMap<(u16, &Name), Vec<(&HostPort, &Pod)>> = FxHashMap::default();
    let mut told = FxHashSet::default();
    for pod in pods.iter().filter_map(|pod| problem.pods.get(*pod)) {
        let Some(class) = problem.classes.get(pod.class) else { continue };
        let mut holder = None;
        for port in &class.ports {
            let others = taken.entry((port.port, &port.protocol)).or_default();
            let another = others.iter().find(|(other, by)| other.clashes(port) && by.name != pod.name);
            holder = holder.or(another.map(|(_, by)| (port, PortHolder::Pod(by.name.clone()))));
            others.push((port, pod));
        }
        if let Some((port, holder)) = holder.filter(|_| told.insert(pod.class)) {
            let (pod, port) = (pod.name.clone(), port.clone());
            found.push(Violation::PortTaken { place: place.clone(), pod, port, holder });
        }
    }
}
