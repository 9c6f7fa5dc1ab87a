//! Which rules between pods a plan has to keep: those that the pods placed by it require, and those of the pods that run.
//!
//! The same rule of many pods is kept once, so that its pods are counted once. Where pods are is not known here.

use super::sites::Sites;
use crate::problem::{NodeSelection, PodClass, PodTerm, Problem, Spread};
use crate::requirement::Name;
use crate::requirements::Requirements;
use crate::taint::Toleration;
use dovetail_api::labels::{HOSTNAME, normalize};
use rustc_hash::FxHashMap;

/// Pods of a set, counted by domain on nodes that a filter lets pass.
pub(super) struct Spreading {
    pub(super) key: usize,
    pub(super) peers: usize,
    pub(super) filter: usize,
}

/// Pods of a set, which others want to join or to avoid by domain.
pub(super) struct Term {
    pub(super) key: usize,
    pub(super) peers: usize,
}

/// A spread that a class requires.
pub(super) struct Bound {
    /// Which of [`Rules::spreads`].
    pub(super) spreading: usize,
    pub(super) max_skew: u32,
    pub(super) min_domains: Option<u32>,
    /// Whether its pods are among those that are counted.
    pub(super) itself: bool,
}

/// An affinity that a class requires.
pub(super) struct Near {
    /// Which of [`Rules::near`].
    pub(super) term: usize,
    /// Whether its pods are among those that are wanted.
    pub(super) itself: bool,
}

/// What a class requires.
#[derive(Default)]
pub(super) struct OfClass {
    pub(super) bounds: Vec<Bound>,
    pub(super) near: Vec<Near>,
    /// Which of [`Rules::apart`].
    pub(super) apart: Vec<usize>,
}

/// Which nodes count for a spread: those that the selection and the tolerations go with, if there are any.
#[derive(Clone, Copy)]
pub(super) struct Filter<'p> {
    pub(super) selection: Option<&'p NodeSelection>,
    pub(super) tolerations: Option<&'p [Toleration]>,
}

/// The required part of a selection, and tolerations: what tells filters apart.
type FilterKey<'p> = (Option<(&'p Requirements, &'p [Requirements])>, Option<&'p [Toleration]>);

/// All rules in force.
#[derive(Default)]
pub(super) struct Rules<'p> {
    /// The labels that make domains, and those that filters look at.
    pub(super) keys: Vec<Name>,
    pub(super) filters: Vec<Filter<'p>>,
    pub(super) spreads: Vec<Spreading>,
    pub(super) near: Vec<Term>,
    pub(super) apart: Vec<Term>,
    /// By class, what its pods require; nothing for classes that are not placed.
    pub(super) of_class: Vec<OfClass>,
    /// By kind of resident, which of [`Rules::apart`] it insists on.
    pub(super) of_resident: Vec<Vec<usize>>,
}

impl<'p> Rules<'p> {
    pub(super) fn of(problem: &'p Problem, sites: &Sites<'p>) -> Self {
        let mut notes = Notes::default();
        let mut rules = Self::default();
        for (number, class) in problem.classes.iter().enumerate() {
            let placed = !sites.of_class(number).is_empty();
            let own = if placed { notes.class(&mut rules, class) } else { OfClass::default() };
            rules.of_class.push(own);
        }
        for resident in &problem.residents {
            let repels = resident.repels.iter().map(|term| notes.apart(&mut rules, term)).collect();
            rules.of_resident.push(repels);
        }
        rules
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// What has been noted already, by what it says.
#[derive(Default)]
struct Notes<'p> {
    keys: FxHashMap<&'p str, usize>,
    filters: FxHashMap<FilterKey<'p>, usize>,
    spreads: FxHashMap<(usize, usize, usize), usize>,
    near: FxHashMap<(usize, usize), usize>,
    apart: FxHashMap<(usize, usize), usize>,
}

impl<'p> Notes<'p> {
    fn class(&mut self, rules: &mut Rules<'p>, class: &'p PodClass) -> OfClass {
        let itself = |peers: usize| class.member_of.contains(&peers);
        let mut own = OfClass::default();
        for spread in class.spread.iter().filter(|spread| spread.required) {
            own.bounds.push(Bound {
                spreading: self.spread(rules, class, spread),
                max_skew: spread.max_skew,
                min_domains: spread.min_domains,
                itself: itself(spread.peers),
            });
        }
        for term in &class.affinity.required {
            let key = self.key(rules, &term.key);
            let number = number(&mut self.near, (key, term.peers), || {
                rules.near.push(Term { key, peers: term.peers });
            });
            own.near.push(Near { term: number, itself: itself(term.peers) });
        }
        own.apart = class.anti_affinity.required.iter().map(|term| self.apart(rules, term)).collect();
        own
    }

    fn spread(&mut self, rules: &mut Rules<'p>, class: &'p PodClass, spread: &'p Spread) -> usize {
        let key = self.key(rules, &spread.key);
        let selection = Some(&class.selection).filter(|_| spread.honors_selection);
        let tolerations = Some(&class.tolerations[..]).filter(|_| spread.honors_taints);
        let said = selection.map(|s| (&s.selector, &s.required[..]));
        // Which nodes count is asked of their labels, so these are followed as well.
        for (asked, _) in selection.iter().flat_map(|s| s.required.iter().chain([&s.selector])).flat_map(|r| r.iter()) {
            if **asked != *HOSTNAME {
                self.key(rules, asked);
            }
        }
        let filter = number(&mut self.filters, (said, tolerations), || {
            rules.filters.push(Filter { selection, tolerations });
        });
        number(&mut self.spreads, (key, spread.peers, filter), || {
            rules.spreads.push(Spreading { key, peers: spread.peers, filter });
        })
    }

    fn apart(&mut self, rules: &mut Rules<'p>, term: &'p PodTerm) -> usize {
        let key = self.key(rules, &term.key);
        number(&mut self.apart, (key, term.peers), || rules.apart.push(Term { key, peers: term.peers }))
    }

    fn key(&mut self, rules: &mut Rules<'p>, key: &'p Name) -> usize {
        let key = normalize(key);
        number(&mut self.keys, key, || rules.keys.push(key.into()))
    }
}

/// The number under which something is known; what is new is told and gets the next one.
fn number<K: std::hash::Hash + Eq>(known: &mut FxHashMap<K, usize>, what: K, is_new: impl FnOnce()) -> usize {
    let next = known.len();
    *known.entry(what).or_insert_with(|| {
        is_new();
        next
    })
}
