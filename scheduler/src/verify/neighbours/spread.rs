//! How even are the pods in the end, and does that keep every spread?
//!
//! A site counts in the domain that it is in for certain, if the rule's filter lets it pass; one that may be in several
//! counts in none, and a pod with a spread may be there only if each of them would do. For single nodes the emptiest
//! domain holds nothing, since a new node can always come (specification "scheduling" 4.9).

use super::super::Violation;
use super::super::shops::Shops;
use super::domains::Domains;
use super::rules::{Bound, Rules};
use super::sites::{Placed, Sites};
use crate::problem::Problem;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// One spread with its domains and what is in them.
pub(super) struct Counted {
    /// The domains whose emptiest counts; nothing where that is zero.
    pub(super) universe: Option<BTreeSet<usize>>,
    /// How many pods run in each domain.
    pub(super) residents: FxHashMap<usize, u64>,
    /// How many pods each domain has in the end.
    pub(super) total: FxHashMap<usize, u64>,
    /// The sites with pods of the set that the filter lets pass.
    pub(super) passing: BTreeSet<usize>,
}

impl Counted {
    /// Whether the emptiest domain counts as holding nothing, whatever it holds.
    pub(super) fn counts_from_zero(&self, min_domains: Option<u32>) -> bool {
        self.universe.as_ref().is_none_or(|universe| {
            universe.is_empty()
                || min_domains.is_some_and(|least| u32::try_from(universe.len()).is_ok_and(|have| have < least))
        })
    }

    /// How many pods a domain may hold in the end.
    pub(super) fn limit(&self, bound: &Bound) -> u64 {
        self.least(bound.min_domains).saturating_add(bound.max_skew.into())
    }

    fn least(&self, min_domains: Option<u32>) -> u64 {
        if self.counts_from_zero(min_domains) {
            return 0;
        }
        let holds = |domain: &usize| self.total.get(domain).copied().unwrap_or(0);
        self.universe.iter().flatten().map(holds).min().unwrap_or(0)
    }
}

/// A spread that the final state does not keep.
pub(super) struct Finding {
    pub(super) spreading: usize,
    pub(super) violation: Violation,
}

/// Counts the pods of every spread.
pub(super) fn count<'p>(
    sites: &Sites<'p>,
    rules: &Rules<'p>,
    domains: &mut Domains<'p>,
    shops: &mut Shops<'p>,
) -> Vec<Counted> {
    let mut all = vec![];
    for spreading in &rules.spreads {
        let filter = &rules.filters[spreading.filter];
        let mut counted = Counted {
            universe: domains.universe(spreading.key, (spreading.filter, filter), sites, shops),
            residents: FxHashMap::default(),
            total: FxHashMap::default(),
            passing: BTreeSet::new(),
        };
        for presence in sites.members(spreading.peers) {
            if !domains.passes(spreading.filter, filter, sites, presence.site) {
                continue;
            }
            counted.passing.insert(presence.site);
            if let Some(domain) = domains.reach(presence.site, spreading.key).pinned() {
                *counted.total.entry(domain).or_default() += presence.residents + presence.coming;
                *counted.residents.entry(domain).or_default() += presence.residents;
            }
        }
        all.push(counted);
    }
    all
}

/// Which spreads the final state does not keep: of each class and rule the first site that shows it.
pub(super) fn check(
    problem: &Problem,
    sites: &Sites<'_>,
    rules: &Rules<'_>,
    domains: &Domains<'_>,
    counted: &[Counted],
) -> Vec<Finding> {
    let mut found = vec![];
    for class in 0..problem.classes.len() {
        for bound in &rules.of_class[class].bounds {
            let counted = &counted[bound.spreading];
            let least = counted.least(bound.min_domains);
            let wrong = sites
                .of_class(class)
                .iter()
                .find_map(|placed| askew(sites, rules, domains, (counted, least), bound, placed));
            found.extend(wrong.map(|violation| Finding { spreading: bound.spreading, violation }));
        }
    }
    found
}

fn askew(
    sites: &Sites<'_>,
    rules: &Rules<'_>,
    domains: &Domains<'_>,
    (counted, least): (&Counted, u64),
    bound: &Bound,
    placed: &Placed<'_>,
) -> Option<Violation> {
    let spreading = &rules.spreads[bound.spreading];
    let reach = domains.reach(placed.site, spreading.key);
    let (place, pod) = (|| sites.place(placed.site), || placed.pod.clone());
    let key = || domains.key(spreading.key).clone();
    if reach.absent || reach.anything || reach.known.is_empty() {
        return Some(Violation::NoDomain { place: place(), pod: pod(), key: key() });
    }
    // What is on a site that may be in several domains has been counted in none.
    let open = reach.known.len() > 1 && counted.passing.contains(&placed.site);
    let here = sites.members(spreading.peers).binary_search_by_key(&placed.site, |presence| presence.site);
    let here = here.ok().filter(|_| open).map_or(0, |at| sites.members(spreading.peers)[at].coming);
    reach.known.iter().find_map(|domain| {
        let pods = counted.total.get(domain).copied().unwrap_or(0) + here;
        (pods > least.saturating_add(bound.max_skew.into())).then(|| Violation::Askew {
            place: place(),
            pod: pod(),
            key: key(),
            domain: domains.name(spreading.key, *domain).cloned(),
            peers: sites.peers(spreading.peers),
            pods,
            least,
            max_skew: bound.max_skew,
        })
    })
}
