//! Who is where: claims and nodes as sites, with the pods that the plan puts there and those that run there.
//!
//! Claims come first, in the order of the plan, then all nodes in the order of the problem. What the sites are like is not
//! known here.

use super::super::Place;
use super::super::accounting::by_class;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::requirement::Name;

/// What a site is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// The claim of that number.
    Claim(usize),
    /// The node of that number.
    Node(usize),
}

/// Pods of a class that the plan puts on a site.
pub(super) struct Placed<'p> {
    pub(super) site: usize,
    pub(super) pods: u64,
    /// The first of them.
    pub(super) pod: &'p Name,
    /// How many pods of other classes were put there before the first.
    pub(super) after: usize,
}

/// How many pods of a set are on a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Presence {
    pub(super) site: usize,
    /// Those that run there.
    pub(super) residents: u64,
    /// Those that the plan puts there.
    pub(super) coming: u64,
}

/// All sites.
pub(super) struct Sites<'p> {
    pub(super) all: Vec<Site>,
    /// By class, where its pods are put, in the order of the sites.
    placed: Vec<Vec<Placed<'p>>>,
    /// By set of pods, where they are, in the order of the sites.
    members: Vec<Vec<Presence>>,
    problem: &'p Problem,
    plan: &'p Plan,
}

impl<'p> Sites<'p> {
    pub(super) fn of(problem: &'p Problem, plan: &'p Plan) -> Self {
        let claims = plan.claims.len();
        let mut sites = Self {
            all: (0..claims).map(Site::Claim).chain((0..problem.nodes.len()).map(Site::Node)).collect(),
            placed: problem.classes.iter().map(|_| vec![]).collect(),
            members: problem.peers.iter().map(|_| vec![]).collect(),
            problem,
            plan,
        };
        for (site, claim) in plan.claims.iter().enumerate() {
            sites.put(site, &claim.pods);
        }
        let mut by_node: Vec<&[usize]> = vec![&[]; problem.nodes.len()];
        for placement in &plan.existing {
            if let Some(pods) = by_node.get_mut(placement.node) {
                *pods = &placement.pods;
            }
        }
        for (number, (node, pods)) in problem.nodes.iter().zip(by_node).enumerate() {
            let site = claims + number;
            for (kind, how_many) in &node.residents {
                let member_of = problem.residents.get(*kind).map_or(&[][..], |kind| &kind.member_of);
                sites.count(site, member_of, |presence| presence.residents += u64::from(*how_many));
            }
            sites.put(site, pods);
        }
        sites
    }

    fn put(&mut self, site: usize, pods: &[usize]) {
        for group in by_class(self.problem, pods) {
            let coming = u64::try_from(group.pods).unwrap_or(0);
            let of_class = |pod: &usize| self.problem.pods.get(*pod).is_some_and(|pod| pod.class == group.number);
            let after = pods.iter().position(of_class).unwrap_or(0);
            self.placed[group.number].push(Placed { site, pods: coming, pod: group.pod, after });
            self.count(site, &group.class.member_of, |presence| presence.coming += coming);
        }
    }

    fn count(&mut self, site: usize, member_of: &[usize], add: impl Fn(&mut Presence)) {
        for peers in member_of {
            let Some(members) = self.members.get_mut(*peers) else { continue };
            if members.last().is_none_or(|last| last.site != site) {
                members.push(Presence { site, residents: 0, coming: 0 });
            }
            members.last_mut().into_iter().for_each(&add);
        }
    }

    /// Where the pods of a class are put.
    pub(super) fn of_class(&self, class: usize) -> &[Placed<'p>] {
        self.placed.get(class).map_or(&[], |placed| placed)
    }

    /// Where the pods of a set are.
    pub(super) fn members(&self, peers: usize) -> &[Presence] {
        self.members.get(peers).map_or(&[], |members| members)
    }

    /// What the text calls a set of pods.
    pub(super) fn peers(&self, peers: usize) -> Name {
        self.problem.peers.get(peers).cloned().unwrap_or_else(|| "pods that the problem does not name".into())
    }

    /// What violations call a site.
    pub(super) fn place(&self, site: usize) -> Place {
        match self.all[site] {
            Site::Node(node) => Place::Node(self.problem.nodes[node].name.clone()),
            Site::Claim(index) => {
                let pool = self.problem.pools.get(self.plan.claims[index].pool);
                Place::Claim { index, pool: pool.map_or_else(|| "?".into(), |pool| pool.name.clone()) }
            }
        }
    }
}
