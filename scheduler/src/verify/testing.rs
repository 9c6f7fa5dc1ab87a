//! Small builders for the tests of the checker: machines, pods, and a scene with a plan that is right.

use super::{Violation, verify};
use crate::instance_type::{InstanceType, Offering, Price};
use crate::plan::{Placement, Plan, PlannedClaim};
use crate::problem::{DaemonPod, HostPort, Node, NodePool, NodeSelection, Pod, PodClass, Problem};
use crate::reasons::Unplaced;
use crate::requirement::{Name, Operator, Requirement};
use crate::requirements::{Requirements, WellKnown};
use crate::resources::{CPU, MEMORY, PODS, Resources};
use crate::taint::{Effect, Taint};
use std::sync::Arc;

pub(super) const ZONE: &str = "topology.kubernetes.io/zone";
pub(super) const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
pub(super) const TYPE: &str = "node.kubernetes.io/instance-type";
/// A well-known label that names a capacity reservation.
pub(super) const RESERVATION: &str = "reservation";
pub(super) const GPU: &str = "nvidia.com/gpu";
/// A well-known label that types have one of.
pub(super) const FAMILY: &str = "family";
/// A label that only pools define.
pub(super) const TEAM: &str = "team";

/// The labels that need not be defined by a pool.
pub(super) fn well_known() -> WellKnown {
    [ZONE, CAPACITY_TYPE, TYPE, FAMILY, RESERVATION].into_iter().map(Name::from).collect()
}

/// A requirement as a manifest writes it.
pub(super) fn read(operator: &str, values: &[&str]) -> Requirement {
    Requirement::new(Operator::parse(operator).expect("a known operator"), values).expect("readable values")
}

/// A set of one requirement.
pub(super) fn only(key: &str, operator: &str, values: &[&str]) -> Requirements {
    [(key, read(operator, values))].into_iter().collect()
}

/// CPU in thousandths, memory in GiB, and the pod itself.
pub(super) fn requests(cpu: i64, memory: i64) -> Resources {
    Resources::new().with(CPU, cpu).with(MEMORY, memory << 30).with(PODS, 1)
}

/// A host port, on one address or on all.
pub(super) fn port(ip: Option<&str>, port: u16, protocol: &str) -> HostPort {
    HostPort { ip: ip.map(Name::from), port, protocol: protocol.into() }
}

/// A taint of the key and value `team=red`.
pub(super) fn red(effect: Effect) -> Taint {
    Taint { key: TEAM.into(), value: "red".into(), effect }
}

/// An offering in a zone, on demand.
pub(super) fn offering(zone: &str, dollars: f64) -> Offering {
    Offering {
        requirements: Requirements::from_labels([(ZONE, zone), (CAPACITY_TYPE, "on-demand")]).into(),
        price: Price::from_dollars(dollars),
        available: true,
        reservation_capacity: None,
    }
}

/// A type of so many cores and GiB, named family first, at one price in zones a and b.
pub(super) fn machine(name: &str, cpu: i64, memory: i64, dollars: f64) -> InstanceType {
    let mut requirements = Requirements::from_labels([(TYPE, name), (FAMILY, &name[..1])]);
    requirements.add(ZONE, read("In", &["a", "b"]));
    requirements.add(CAPACITY_TYPE, read("In", &["on-demand"]));
    InstanceType {
        name: name.into(),
        requirements,
        offerings: vec![offering("a", dollars), offering("b", dollars)],
        capacity: Resources::new().with(CPU, cpu * 1000).with(MEMORY, memory << 30).with(PODS, 10),
        ..InstanceType::default()
    }
}

/// A problem with a plan for it.
pub(super) struct Scene {
    pub(super) problem: Problem,
    pub(super) plan: Plan,
}

/// The types of the scene's pool by index.
pub(super) const SMALL: usize = 0;
pub(super) const MEDIUM: usize = 1;
pub(super) const LARGE: usize = 2;
/// Of a family that the pool does not want.
pub(super) const FOREIGN: usize = 3;

impl Scene {
    /// Three web pods that want zone a, two of them on a new node and one on a node that is there, each beside an agent;
    /// and a pod for which there is no GPU.
    pub(super) fn right() -> Self {
        let mut pool = NodePool {
            name: "default".into(),
            weight: 0,
            requirements: Requirements::from_labels([("karpenter.sh/nodepool", "default")]),
            taints: vec![],
            instance_types: Arc::from(vec![]),
            remaining: None,
        };
        pool.requirements.add(FAMILY, read("In", &["c", "m"]));
        let types = [
            machine("c-small", 2, 4, 0.1),
            machine("m-medium", 4, 16, 0.25),
            machine("c-large", 16, 32, 0.8),
            machine("x-foreign", 8, 32, 0.9),
        ];
        pool.instance_types = types.into_iter().map(Arc::new).collect();
        let selection = NodeSelection { selector: only(ZONE, "In", &["a"]), ..NodeSelection::default() };
        let web = PodClass { requests: requests(900, 1), selection, ..PodClass::default() };
        let render = PodClass { requests: requests(900, 1).with(GPU, 1), ..PodClass::default() };
        let pod = |name: &str, class| Pod { name: name.into(), uid: name.into(), created: 0, class };
        let agent = DaemonPod { name: "kube-system/agent".into(), requests: requests(100, 0), ..DaemonPod::default() };
        let node = Node {
            name: "n1".into(),
            initialized: true,
            labels: Requirements::from_labels([(ZONE, "a"), ("kubernetes.io/hostname", "n1")]),
            taints: vec![],
            available: Resources::new().with(CPU, 1000).with(MEMORY, 4 << 30).with(PODS, 9),
            bound_daemons: agent.requests.clone(),
            ..Node::default()
        };
        let requirements = pool.requirements.and(&only(ZONE, "In", &["a"]));
        let claim = PlannedClaim {
            pool: 0,
            types: vec![SMALL, MEDIUM, LARGE],
            requirements,
            requests: Resources::new().with(CPU, 1900).with(MEMORY, 2 << 30).with(PODS, 3),
            price: Price::from_dollars(0.1),
            pods: vec![0, 1],
            ..PlannedClaim::default()
        };
        Self {
            problem: Problem {
                pods: vec![pod("web-0", 0), pod("web-1", 0), pod("web-2", 0), pod("render-0", 1)],
                classes: vec![web, render],
                pools: vec![pool],
                nodes: vec![node],
                daemons: vec![agent],
                well_known: well_known(),
                ..Problem::default()
            },
            plan: Plan {
                claims: vec![claim],
                existing: vec![Placement { node: 0, pods: vec![2] }],
                unplaced: vec![(3, Arc::new(Unplaced::NoPools))],
                certificate: None,
            },
        }
    }

    /// The scene with something changed.
    pub(super) fn but(change: impl FnOnce(&mut Problem, &mut Plan)) -> Self {
        let mut scene = Self::right();
        change(&mut scene.problem, &mut scene.plan);
        scene
    }

    /// What is found to be wrong.
    pub(super) fn found(&self) -> Vec<Violation> {
        verify(&self.problem, &self.plan).err().unwrap_or_default()
    }

    /// The same in words.
    pub(super) fn complaints(&self) -> Vec<String> {
        self.found().iter().map(ToString::to_string).collect()
    }
}

impl NodePool {
    /// Changes one of the types of the pool.
    pub(super) fn change_type(&mut self, t: usize, change: impl FnOnce(&mut InstanceType)) {
        let mut types = self.instance_types.to_vec();
        let mut changed = (*types[t]).clone();
        change(&mut changed);
        types[t] = Arc::new(changed);
        self.instance_types = types.into();
    }
}

/// The scene, changed, draws these complaints and no others.
#[track_caller]
pub(super) fn broken(change: impl FnOnce(&mut Problem, &mut Plan), complaints: &[&str]) {
    assert_eq!(Scene::but(change).complaints(), complaints);
}

/// The scene, changed, is still right.
#[track_caller]
pub(super) fn right(change: impl FnOnce(&mut Problem, &mut Plan)) {
    broken(change, &[]);
}

/// A reason for a pod to be left out.
pub(super) fn nowhere() -> Arc<Unplaced> {
    Arc::new(Unplaced::NoPools)
}

/// A second node for the second pod, like the first.
pub(super) fn split(_: &mut Problem, plan: &mut Plan) {
    let requests = Resources::new().with(CPU, 1000).with(MEMORY, 1 << 30).with(PODS, 2);
    let one = PlannedClaim { requests, pods: vec![0], ..plan.claims[0].clone() };
    plan.claims = vec![one.clone(), PlannedClaim { pods: vec![1], ..one }];
}
