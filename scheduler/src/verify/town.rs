//! A small town for tests of rules between pods: one type of machine in the zones a, b and c, with room for everyone, so
//! that nothing but the rules can be broken.

use super::testing::{TEAM, TYPE, ZONE, machine, offering, only, read, requests, well_known};
use super::verify;
use crate::instance_type::Price;
use crate::plan::{Placement, Plan, PlannedClaim};
use crate::problem::{Node, NodePool, Pod, PodClass, PodTerm, Problem, Resident};
use crate::requirements::Requirements;
use crate::resources::{PODS, Resources};
use std::sync::Arc;

/// The sets of pods that rules speak of.
pub(super) const WEB: usize = 0;
pub(super) const DB: usize = 1;

pub(super) const HOST: &str = "kubernetes.io/hostname";

/// Near, or not near, the pods of a set.
pub(super) fn with(key: &str, peers: usize) -> PodTerm {
    PodTerm { key: key.into(), peers }
}

#[derive(Default)]
pub(super) struct Town {
    pub(super) problem: Problem,
    pub(super) plan: Plan,
    names: Vec<&'static str>,
}

impl Town {
    pub(super) fn new() -> Self {
        let mut town = Self::default();
        town.problem.peers = ["app=web in default", "app=db in default"].map(Into::into).into();
        town.problem.well_known = well_known();
        town.pool("default", &["a", "b", "c"]);
        town
    }

    /// One more pool, which sells in these zones.
    pub(super) fn pool(&mut self, name: &'static str, zones: &[&str]) -> &mut NodePool {
        let mut big = machine("c-big", 64, 64, 1.0);
        big.requirements.replace(ZONE.into(), read("In", zones));
        big.offerings = zones.iter().map(|zone| offering(zone, 1.0)).collect();
        big.capacity.set(PODS, 1000);
        self.problem.pools.push(NodePool {
            name: name.into(),
            weight: 0,
            requirements: Requirements::from_labels([("karpenter.sh/nodepool", name)]),
            taints: vec![],
            instance_types: Arc::from(vec![Arc::new(big)]),
            remaining: None,
        });
        self.problem.pools.last_mut().expect("it has just been pushed")
    }

    /// A kind of pods that belong to these sets.
    pub(super) fn class(
        &mut self,
        name: &'static str,
        member_of: &[usize],
        change: impl FnOnce(&mut PodClass),
    ) -> usize {
        let mut class = PodClass { requests: requests(0, 0), member_of: member_of.to_vec(), ..PodClass::default() };
        change(&mut class);
        self.problem.classes.push(class);
        self.names.push(name);
        self.problem.classes.len() - 1
    }

    fn pods(&mut self, groups: &[(usize, usize)]) -> Vec<usize> {
        let mut numbers = vec![];
        for (class, pods) in groups {
            for _ in 0..*pods {
                let so_far = self.problem.pods.iter().filter(|pod| pod.class == *class).count();
                let name = format!("{}-{so_far}", self.names[*class]);
                numbers.push(self.problem.pods.len());
                let (uid, name) = (name.as_str().into(), name.as_str().into());
                self.problem.pods.push(Pod { name, uid, created: 0, class: *class });
            }
        }
        numbers
    }

    /// A node to buy in one of these zones, with pods by class in this order.
    pub(super) fn claim(&mut self, zones: &[&str], groups: &[(usize, usize)]) -> &mut PlannedClaim {
        self.claim_with(only(ZONE, "In", zones), groups)
    }

    /// A node to buy with such labels.
    pub(super) fn claim_with(&mut self, labels: Requirements, groups: &[(usize, usize)]) -> &mut PlannedClaim {
        let pods = self.pods(groups);
        self.plan.claims.push(PlannedClaim {
            pool: 0,
            types: vec![0],
            requirements: self.problem.pools[0].requirements.and(&labels),
            requests: Resources::new().with(PODS, i64::try_from(pods.len()).expect("a few")),
            price: Price::from_dollars(1.0),
            pods,
            ..PlannedClaim::default()
        });
        self.plan.claims.last_mut().expect("it has just been pushed")
    }

    /// A kind of pods that run already.
    pub(super) fn resident(&mut self, member_of: &[usize], repels: &[PodTerm]) -> usize {
        self.problem.residents.push(Resident { member_of: member_of.to_vec(), repels: repels.to_vec() });
        self.problem.residents.len() - 1
    }

    /// A node in a zone with pods that run there, which takes more by class in this order.
    pub(super) fn node(&mut self, zone: &str, residents: &[(usize, u32)], groups: &[(usize, usize)]) -> &mut Node {
        let number = self.problem.nodes.len();
        let name = format!("n{number}");
        self.problem.nodes.push(Node {
            name: name.as_str().into(),
            initialized: true,
            labels: Requirements::from_labels([(ZONE, zone), (HOST, &name), (TYPE, "c-big")]),
            available: Resources::new().with(PODS, 1000),
            residents: residents.to_vec(),
            ..Node::default()
        });
        let pods = self.pods(groups);
        if !pods.is_empty() {
            self.plan.existing.push(Placement { node: number, pods });
        }
        &mut self.problem.nodes[number]
    }

    /// What is found to be wrong, in words.
    pub(super) fn complaints(&self) -> Vec<String> {
        verify(&self.problem, &self.plan).err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    pub(super) fn is_right(&self) {
        assert_eq!(self.complaints(), [""; 0]);
    }

    #[track_caller]
    pub(super) fn is_wrong(&self, complaints: &[&str]) {
        assert_eq!(self.complaints(), complaints);
    }
}

/// The selection of pods that want these zones.
pub(super) fn in_zones(zones: &[&str]) -> Requirements {
    only(ZONE, "In", zones)
}

/// A label of a team.
pub(super) fn team(operator: &str, values: &[&str]) -> Requirements {
    only(TEAM, operator, values)
}
