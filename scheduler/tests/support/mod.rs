//! Small builders for stories that are told through the public interface: what there is, who comes, and where they end up.

#![allow(dead_code)] // each test file uses some of them

pub(crate) mod chance;
pub(crate) mod exhaustive;

use dovetail_scheduler::cost::Memory;
use dovetail_scheduler::instance_type::{InstanceType, Offering, Price};
use dovetail_scheduler::plan::Plan;
use dovetail_scheduler::policy::{self, Search};
use dovetail_scheduler::problem::{
    Classes, Node, NodePool, Pod, PodClass, PodTerm, PodTerms, Problem, Resident, Spread,
};
use dovetail_scheduler::requirement::{Name, Operator, Requirement};
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::{CPU, MEMORY, PODS, Resources};
use dovetail_scheduler::verify::verify;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const ZONE: &str = "topology.kubernetes.io/zone";
pub(crate) const HOST: &str = "kubernetes.io/hostname";
pub(crate) const REGION: &str = "topology.kubernetes.io/region";
pub(crate) const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
pub(crate) const TYPE: &str = "node.kubernetes.io/instance-type";
pub(crate) const FAMILY: &str = "family";
pub(crate) const GPU: &str = "nvidia.com/gpu";
pub(crate) const ZONES: [&str; 3] = ["a", "b", "c"];

/// A requirement as a manifest writes it.
pub(crate) fn read(operator: &str, values: &[&str]) -> Requirement {
    Requirement::new(Operator::parse(operator).expect("a known operator"), values).expect("readable values")
}

/// A set of one requirement.
pub(crate) fn only(key: &str, operator: &str, values: &[&str]) -> Requirements {
    [(key, read(operator, values))].into_iter().collect()
}

pub(crate) fn offering(zone: &str, capacity_type: &str, dollars: f64) -> Offering {
    Offering {
        requirements: Requirements::from_labels([(ZONE, zone), (CAPACITY_TYPE, capacity_type)]).into(),
        price: Price::from_dollars(dollars),
        available: true,
        reservation_capacity: None,
    }
}

/// A type named `family.size`, of so many cores and GiB, at one price in every zone, on demand.
pub(crate) fn machine(name: &str, cpu: i64, memory: i64, dollars: f64) -> InstanceType {
    let offerings = ZONES.iter().map(|zone| offering(zone, "on-demand", dollars)).collect();
    sold_as(name, cpu, memory, offerings)
}

pub(crate) fn sold_as(name: &str, cpu: i64, memory: i64, offerings: Vec<Offering>) -> InstanceType {
    let family = name.split('.').next().expect("a name has a first part");
    let mut requirements = Requirements::from_labels([(TYPE, name), (FAMILY, family)]);
    for key in [ZONE, CAPACITY_TYPE] {
        let values: Vec<Name> = offerings.iter().filter_map(|o| o.requirements.get(key)?.single().cloned()).collect();
        requirements.add(key, Requirement::any_of(values.iter().map(AsRef::as_ref)));
    }
    InstanceType {
        name: name.into(),
        requirements,
        offerings,
        capacity: Resources::new().with(CPU, cpu * 1000).with(MEMORY, memory << 30).with(PODS, 110),
        ..InstanceType::default()
    }
}

pub(crate) fn pool(name: &str, types: Vec<InstanceType>) -> NodePool {
    NodePool {
        name: name.into(),
        weight: 0,
        requirements: Requirements::from_labels([("karpenter.sh/nodepool", name)]),
        taints: vec![],
        instance_types: types.into_iter().map(Arc::new).collect(),
        remaining: None,
    }
}

/// CPU in thousandths, memory in GiB, and the pod itself.
pub(crate) fn requests(cpu: i64, memory: i64) -> Resources {
    Resources::new().with(CPU, cpu).with(MEMORY, memory << 30).with(PODS, 1)
}

/// A node with room for everything, in a zone.
pub(crate) fn node(name: &str, zone: &str) -> Node {
    Node {
        name: name.into(),
        initialized: true,
        labels: Requirements::from_labels([(ZONE, zone), (HOST, name), (CAPACITY_TYPE, "on-demand")]),
        available: Resources::new().with(CPU, 64_000).with(MEMORY, 256 << 30).with(PODS, 110),
        ..Node::default()
    }
}

/// What a pod is like, a step at a time.
pub(crate) fn wants(cpu: i64, memory: i64) -> PodClass {
    PodClass { requests: requests(cpu, memory), ..PodClass::default() }
}

pub(crate) trait Ask: Sized {
    fn selecting(self, key: &str, operator: &str, values: &[&str]) -> Self;
    fn of(self, set: usize) -> Self;
    fn spread(self, key: &str, set: usize, max_skew: u32) -> Self;
    fn near(self, key: &str, set: usize) -> Self;
    fn away(self, key: &str, set: usize) -> Self;
}

impl Ask for PodClass {
    fn selecting(mut self, key: &str, operator: &str, values: &[&str]) -> Self {
        self.selection.selector = self.selection.selector.and(&only(key, operator, values));
        self
    }

    fn of(mut self, set: usize) -> Self {
        self.member_of.push(set);
        self.member_of.sort_unstable();
        self.member_of.dedup();
        self
    }

    fn spread(mut self, key: &str, peers: usize, max_skew: u32) -> Self {
        self.spread.push(Spread::evenly(key, peers, max_skew));
        self
    }

    fn near(mut self, key: &str, peers: usize) -> Self {
        required(&mut self.affinity, key, peers);
        self
    }

    fn away(mut self, key: &str, peers: usize) -> Self {
        required(&mut self.anti_affinity, key, peers);
        self
    }
}

fn required(terms: &mut PodTerms, key: &str, peers: usize) {
    terms.required.push(PodTerm { key: key.into(), peers });
}

/// A story: what there is, and who comes.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) problem: Problem,
    classes: Classes,
}

impl Story {
    pub(crate) fn new(pools: Vec<NodePool>) -> Self {
        let mut story = Self::default();
        story.problem.well_known =
            [ZONE, HOST, REGION, CAPACITY_TYPE, TYPE, FAMILY].into_iter().map(Name::from).collect();
        story.problem.pools = pools;
        story
    }

    /// A set of pods that rules may speak of.
    pub(crate) fn set(&mut self, name: &str) -> usize {
        self.problem.peers.push(name.into());
        self.problem.peers.len() - 1
    }

    /// A node on which so many pods of a set run.
    pub(crate) fn node_with(&mut self, mut node: Node, set: usize, pods: u32) {
        if pods > 0 {
            self.problem.residents.push(Resident { member_of: vec![set], repels: vec![] });
            node.residents.push((self.problem.residents.len() - 1, pods));
        }
        self.problem.nodes.push(node);
    }

    /// So many pods come, named `name-0`, `name-1` and so on.
    pub(crate) fn come(&mut self, count: usize, name: &str, class: PodClass) {
        let class = self.classes.intern(&mut self.problem, class);
        for n in 0..count {
            let name: Name = format!("{name}-{n}").as_str().into();
            self.problem.pods.push(Pod { uid: name.clone(), name, created: 0, class });
        }
    }

    /// Plans, and checks that the plan keeps the rules.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ending {
        self.problem.sort();
        let plan = plan(&self.problem);
        Ending { problem: self.problem, plan }
    }
}

/// The plan of the first policy, checked.
#[track_caller]
pub(crate) fn plan(problem: &Problem) -> Plan {
    let karpenter = policy::by_name("karpenter").expect("the policy that does as Karpenter does");
    let plan = policy::run(karpenter, problem, &Search::default(), &mut Memory::default());
    if let Err(violations) = verify(problem, &plan) {
        let said: Vec<String> = violations.iter().map(ToString::to_string).collect();
        panic!("the plan is wrong:\n{}", said.join("\n"));
    }
    plan
}

/// How a story ended.
pub(crate) struct Ending {
    pub(crate) problem: Problem,
    pub(crate) plan: Plan,
}

impl Ending {
    /// The pods of each new node, as pool and pods in the order in which they were placed.
    pub(crate) fn claims(&self) -> Vec<(String, Vec<String>)> {
        self.plan.claims.iter().map(|c| (self.problem.pools[c.pool].name.to_string(), self.names(&c.pods))).collect()
    }

    /// The pods that went to each node that was there.
    pub(crate) fn existing(&self) -> BTreeMap<String, Vec<String>> {
        let filled = self.plan.existing.iter();
        filled.map(|e| (self.problem.nodes[e.node].name.to_string(), self.names(&e.pods))).collect()
    }

    /// The pods that have no place.
    pub(crate) fn left(&self) -> Vec<String> {
        self.names(&self.plan.unplaced.iter().map(|(pod, _)| *pod).collect::<Vec<_>>())
    }

    /// Why a pod has no place.
    pub(crate) fn why(&self, name: &str) -> String {
        let told = self.plan.unplaced.iter().find(|(pod, _)| *self.problem.pods[*pod].name == *name);
        let (pod, why) = told.expect("the pod has no place");
        why.explain(&self.problem, self.problem.class_of(*pod))
    }

    /// The same as Karpenter says it in events.
    pub(crate) fn event(&self, name: &str) -> String {
        let told = self.plan.unplaced.iter().find(|(pod, _)| *self.problem.pods[*pod].name == *name);
        let (pod, why) = told.expect("the pod has no place");
        why.event(&self.problem, self.problem.class_of(*pod)).expect("there is an event for it")
    }

    /// The types that a new node may be of.
    pub(crate) fn types(&self, claim: usize) -> Vec<String> {
        self.plan.claims[claim].type_names(&self.problem).map(str::to_owned).collect()
    }

    /// What a new node's label is pinned to.
    pub(crate) fn pinned(&self, claim: usize, key: &str) -> Option<String> {
        self.plan.claims[claim].requirements.get(key)?.single().map(ToString::to_string)
    }

    fn names(&self, pods: &[usize]) -> Vec<String> {
        pods.iter().map(|p| self.problem.pods[*p].name.to_string()).collect()
    }
}
