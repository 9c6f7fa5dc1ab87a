//! Rules between pods one by one: what each allows by itself, for telling why together they allow nothing. Whether that is
//! so, and for whom, is found elsewhere.

use super::{Keyed, Rules, Topology};
use crate::bitset::Bits;
use crate::reasons::PodRule;
use crate::requirement::Name;
use crate::topology::counter::Counted;

/// What one rule allows.
pub(crate) struct Verdict {
    pub(crate) rule: PodRule,
    /// The set of pods that it speaks of.
    pub(crate) peers: usize,
    /// Its counter, to be asked how many there are of them where.
    pub(crate) counter: usize,
    /// The domains that it allows, of those that the pod selects.
    pub(crate) allowed: Bits,
}

impl Topology {
    /// What each rule about a key allows: spread, affinity, anti-affinity, and that of other pods.
    pub(crate) fn verdicts(&self, keyed: &Keyed) -> Vec<Verdict> {
        let mut out = vec![];
        for even in &keyed.spread {
            let rule = PodRule::Spread { max_skew: even.max_skew, min_domains: even.min_domains };
            out.push(self.verdict(rule, even.counter, keyed, self.evenly(even)));
        }
        for near in keyed.near.iter().filter(|near| !self.may_be_first(keyed, near)) {
            let counter = &self.counters[near.counter];
            out.push(self.verdict(PodRule::Affinity, near.counter, keyed, |d| counter.in_domain(d) > 0));
        }
        for away in &keyed.away {
            let counter = &self.counters[*away];
            let repelled = matches!(counter.counted, Counted::Owners { .. });
            let rule = if repelled { PodRule::Repelled } else { PodRule::AntiAffinity };
            out.push(self.verdict(rule, *away, keyed, |d| counter.in_domain(d) == 0));
        }
        out
    }

    fn verdict(&self, rule: PodRule, counter: usize, keyed: &Keyed, allows: impl Fn(usize) -> bool) -> Verdict {
        let mut allowed = Bits::none(self.keys.values(keyed.key).len());
        keyed.selected.iter().filter(|d| allows(*d)).for_each(|d| allowed.insert(d));
        Verdict { rule, peers: self.peers_of(counter), counter, allowed }
    }

    /// The counter of the pods that a pod has to join on their node, and the set of these pods, if it has to join any.
    pub(crate) fn company_wanted(&self, rules: &Rules) -> Option<(usize, usize)> {
        let fewest = |counter: &usize| self.counters[*counter].inhabited.len();
        let counter = self.binding_company(rules).map(|near| near.counter).min_by_key(fewest)?;
        Some((counter, self.peers_of(counter)))
    }

    fn peers_of(&self, counter: usize) -> usize {
        match self.counters[counter].counted {
            Counted::Certain { peers, .. } | Counted::Possible { peers } => peers,
            Counted::Wished { peers } | Counted::Owners { peers } => peers,
        }
    }

    /// How many pods each domain of a key holds.
    pub(crate) fn counts(&self, key: usize, counter: usize) -> impl Iterator<Item = (Name, u32)> {
        let counter = &self.counters[counter];
        self.keys.values(key).iter().enumerate().map(|(domain, name)| (name.clone(), counter.in_domain(domain)))
    }

    /// How many pods a node holds.
    pub(crate) fn count_on_host(&self, counter: usize, host: usize) -> u32 {
        self.counters[counter].on_host(host)
    }
}
