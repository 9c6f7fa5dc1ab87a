//! Whether rules between pods leave a new node of a pool any place, and if not, which of them stands in the way.
//!
//! It takes the way that placing takes: key by key, each narrowing what the node may be. Where placing tries one domain after
//! the other, all that are allowed are kept here, since a type that fits in any of them is no type that is out.

use super::super::Round;
use super::super::seeker::Seeker;
use crate::market::SetId;
use crate::reasons::{BetweenPods, DomainCounts, PodRule, Refusal};
use crate::requirement::{Name, Requirement};
use crate::topology::{Keyed, Verdict};
use dovetail_api::labels::HOSTNAME;
use std::sync::Arc;

impl Round<'_> {
    /// What is asked of a new node, narrowed to the domains that rules between pods allow.
    pub(super) fn domains(&mut self, p: usize, mut set: SetId, seeker: &Seeker) -> Result<SetId, Refusal> {
        let world = &mut self.world;
        if world.pools[p].view(set, &world.sets, &world.problem.well_known).types.is_empty() {
            return Ok(set); // the labels have left no type, so that there is no place to ask about
        }
        if let Some((counter, peers)) = world.topology.company_wanted(&seeker.rules) {
            return Err(Refusal::BetweenPods(Box::new(self.company(counter, peers, seeker))));
        }
        let allowed = world.topology.allowed(&seeker.rules);
        for (keyed, allowed) in seeker.rules.keyed.iter().zip(&allowed) {
            let world = &mut self.world;
            let pins = world.topology.claim_pins(p, &mut world.pools, set, &world.sets, world.problem);
            let open = pins[keyed.key].domains();
            if open.is_empty() && allowed.missing {
                continue;
            }
            let choices: Vec<usize> = open.iter().filter(|d| allowed.set.contains(**d)).copied().collect();
            if choices.len() < open.len() || open.is_empty() {
                let narrowed = world.in_domains(set, keyed.key, &choices);
                set = match narrowed {
                    Ok(narrowed) if !choices.is_empty() => narrowed,
                    _ => return Err(self.no_domain(set, keyed, open, seeker)),
                };
            }
        }
        Ok(set)
    }

    /// The same, narrowed to a single domain of each key of which a pod takes one: in the order in which they are tried.
    pub(super) fn single_domains(&mut self, p: usize, set: SetId, seeker: &Seeker) -> Vec<SetId> {
        let mut out = vec![set];
        for allowed in self.world.topology.allowed(&seeker.rules).iter().filter(|allowed| allowed.one) {
            let world = &mut self.world;
            let mut narrowed = vec![];
            for set in out {
                let pins = world.topology.claim_pins(p, &mut world.pools, set, &world.sets, world.problem);
                let open = pins[allowed.key].domains();
                for domain in allowed.domains.iter().filter(|d| open.contains(d)) {
                    narrowed.extend(world.in_domains(set, allowed.key, &[*domain]).ok());
                }
            }
            out = narrowed;
        }
        out
    }

    /// The first rule that leaves none of the domains that are open, or all of them if they do so only together.
    fn no_domain(&self, set: SetId, keyed: &Keyed, open: &[usize], seeker: &Seeker) -> Refusal {
        let mut rules: Vec<BetweenPods> = vec![];
        for verdict in self.world.topology.verdicts(keyed) {
            let is_alone = !open.iter().any(|d| verdict.allowed.contains(*d));
            let rule = self.told(set, keyed, open, &verdict, seeker);
            if is_alone {
                return Refusal::BetweenPods(Box::new(rule));
            }
            rules.push(rule);
        }
        Refusal::NoCommonDomain(rules)
    }

    fn told(&self, set: SetId, keyed: &Keyed, open: &[usize], verdict: &Verdict, seeker: &Seeker) -> BetweenPods {
        let topology = &self.world.topology;
        let key = topology.keys.name(keyed.key);
        let or_any = |requirement: Option<&Requirement>| requirement.cloned().unwrap_or_else(Requirement::exists);
        let allowed = open.iter().filter(|d| verdict.allowed.contains(**d));
        BetweenPods {
            rule: verdict.rule,
            key: key.clone(),
            peers: verdict.peers,
            counts: DomainCounts::of(topology.counts(keyed.key, verdict.counter)),
            asked: or_any(seeker.reading.requirements.get(key)),
            offered: or_any(self.world.sets.get(set).get(key)),
            allowed: allowed.map(|d| topology.keys.values(keyed.key)[*d].clone()).collect(),
        }
    }

    /// The pod has to join others on their node, and none of these takes it: a new node is in nobody's company.
    fn company(&mut self, counter: usize, peers: usize, seeker: &Seeker) -> BetweenPods {
        let key: Name = HOSTNAME.into();
        let counts = self.counts_on_hosts(counter);
        let next = placeholder(self.claims.len() + 1);
        let asked = seeker.reading.requirements.get(&key).cloned().unwrap_or_else(Requirement::exists);
        BetweenPods {
            rule: PodRule::Affinity,
            key,
            peers,
            counts: DomainCounts::clone(&counts),
            asked,
            offered: Requirement::any_of([next.as_str()]),
            allowed: vec![],
        }
    }

    /// How many pods each node holds, those that are to be bought included. Many classes ask about the same pods, and there
    /// are as many nodes as there are.
    fn counts_on_hosts(&mut self, counter: usize) -> Arc<DomainCounts> {
        if let Some(known) = self.diagnosis.on_hosts.get(&counter) {
            return Arc::clone(known);
        }
        let nodes = &self.world.problem.nodes;
        let bought = (0..self.claims.len()).map(|claim| Name::from(placeholder(claim + 1)));
        let names = nodes.iter().map(|node| node.name.clone()).chain(bought);
        let count = |(host, name)| (name, self.world.topology.count_on_host(counter, host));
        let counts = Arc::new(DomainCounts::of(names.enumerate().map(count)));
        self.diagnosis.on_hosts.insert(counter, Arc::clone(&counts));
        counts
    }
}

/// How Karpenter calls a node that is yet to be bought, counted from one.
fn placeholder(claim: usize) -> String {
    format!("hostname-placeholder-{claim:04}")
}
