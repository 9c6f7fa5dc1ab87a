//! The pods of a round and the pod sets that matter to it.
//!
//! Rules between pods close a circle: which class a pod belongs to depends on the sets it is in, and which sets there are
//! depends on the rules of all the pods. So all pods are heard first, and classes are made when the last has been heard.
//! A set that no pod of the round has to do with is dropped then, and with it whatever in the labels of pods it alone would
//! tell apart. What a pod needs by itself is decided elsewhere.

use crate::between_pods::{self, RuleError};
use crate::cluster::{PodRecord, Shape, Snapshot};
use crate::default_spread::{DefaultSpread, Defaults};
use crate::membership::Membership;
use crate::peers::PodSets;
use dovetail_scheduler::problem::{self, PodClass, PodTerm, PodTerms, Problem};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The pods that have been heard so far.
pub(crate) struct Batch<'o> {
    /// The sets that rules speak of, those of running pods included.
    pub(crate) sets: PodSets,
    defaults: Defaults<'o>,
    /// Classes but for the sets that their pods belong to.
    drafts: Vec<PodClass>,
    index: FxHashMap<PodClass, usize>,
    pods: Vec<(&'o PodRecord, usize)>,
    /// By shape, and whether its pods move: the draft of those that nothing tells apart from others of the shape.
    by_shape: FxHashMap<(*const Shape, bool), usize>,
}

impl<'o> Batch<'o> {
    /// A batch without pods.
    pub(crate) fn of(snapshot: &'o Snapshot, default_spread: &'o DefaultSpread) -> Self {
        Self {
            sets: PodSets::among(snapshot),
            defaults: Defaults::of(default_spread, snapshot),
            drafts: vec![],
            index: FxHashMap::default(),
            pods: vec![],
            by_shape: FxHashMap::default(),
        }
    }

    /// Hears a pod like one that has been heard already, if there was one; `moves` tells those that leave a node from those
    /// that have none.
    pub(crate) fn add_like(&mut self, pod: &'o PodRecord, moves: bool) -> bool {
        let known = self.by_shape.get(&(Arc::as_ptr(&pod.shape), moves)).copied();
        let like = known.filter(|_| pod.is_like_its_shape());
        self.pods.extend(like.map(|draft| (pod, draft)));
        like.is_some()
    }

    /// Hears a pod; the class says what it needs by itself.
    ///
    /// # Errors
    /// When one of its rules makes no sense: the pod is not part of the batch then.
    pub(crate) fn add(&mut self, pod: &'o PodRecord, moves: bool, class: PodClass) -> Result<(), RuleError> {
        let defaults = self.defaults.for_pod(&pod.shape.pod);
        let rules = between_pods::of_pod(&pod.shape.pod, &defaults, &mut self.sets)?;
        let draft =
            PodClass { spread: rules.spread, affinity: rules.affinity, anti_affinity: rules.anti_affinity, ..class };
        let draft = match self.index.get(&draft) {
            Some(known) => *known,
            None => {
                self.drafts.push(draft.clone());
                self.index.insert(draft, self.drafts.len() - 1);
                self.drafts.len() - 1
            }
        };
        if pod.is_like_its_shape() {
            self.by_shape.insert((Arc::as_ptr(&pod.shape), moves), draft);
        }
        self.pods.push((pod, draft));
        Ok(())
    }

    /// Puts pods and classes into the problem, and says which sets matter. `repelled` are the sets that running pods keep
    /// away from themselves.
    pub(crate) fn close(self, repelled: impl IntoIterator<Item = usize>, problem: &mut Problem) -> Sets<'o> {
        let mut sets = Sets::of(&self, repelled);
        problem.peers = (0..self.sets.sets().len())
            .filter(|set| sets.numbers[*set].is_some())
            .map(|set| self.sets.text(set))
            .collect();
        let mut classes: FxHashMap<(usize, Vec<usize>), usize> = FxHashMap::default();
        for (pod, draft) in &self.pods {
            let member_of = sets.of_pod(pod);
            let class = *classes.entry((*draft, member_of)).or_insert_with_key(|(draft, member_of)| {
                problem.classes.push(sets.class(&self.drafts[*draft], member_of));
                problem.classes.len() - 1
            });
            problem.pods.push(problem::Pod {
                name: Arc::clone(&pod.name),
                uid: Arc::clone(&pod.uid),
                created: pod.created.map_or(0, |t| t.as_second()),
                class,
            });
        }
        sets
    }
}

/// The pod sets that matter to a problem, and who belongs to them.
pub(crate) struct Sets<'o> {
    membership: Membership<'o>,
    /// What membership says of the pods of each shape.
    kinds: FxHashMap<*const Shape, usize>,
    /// By set: its number in the problem, if it matters there.
    numbers: Vec<Option<usize>>,
    /// By set: whether a pod of the round wants to know who is in it.
    counted: Vec<bool>,
}

impl<'o> Sets<'o> {
    /// A set matters if a pod to place speaks of it, or if running pods repel it and a pod to place is in it.
    fn of(batch: &Batch<'o>, repelled: impl IntoIterator<Item = usize>) -> Self {
        let mut membership = Membership::of(&batch.sets);
        let mut kinds = FxHashMap::default();
        let mut counted = vec![false; batch.sets.sets().len()];
        for draft in &batch.drafts {
            for set in spoken_of(draft) {
                counted[set] = true;
            }
        }
        let mut joined = vec![false; counted.len()];
        for (pod, _) in &batch.pods {
            let kind = *kinds.entry(Arc::as_ptr(&pod.shape)).or_insert_with(|| membership.kind(&pod.shape.pod));
            for set in membership.sets(kind) {
                joined[*set] = true;
            }
        }
        let mut matters = counted.clone();
        for set in repelled {
            matters[set] |= joined[set];
        }
        let mut next = 0;
        let number = |matters: bool| {
            matters.then(|| {
                next += 1;
                next - 1
            })
        };
        Self { membership, kinds, numbers: matters.into_iter().map(number).collect(), counted }
    }

    /// The sets of the problem that a pod to place belongs to.
    fn of_pod(&mut self, pod: &'o PodRecord) -> Vec<usize> {
        let kind = self.kind(pod);
        self.membership.sets(kind).iter().filter_map(|set| self.numbers[*set]).collect()
    }

    /// The kind of a running pod: pods of the same kind belong to the same sets.
    pub(crate) fn kind(&mut self, pod: &'o PodRecord) -> usize {
        *self.kinds.entry(Arc::as_ptr(&pod.shape)).or_insert_with(|| self.membership.kind(&pod.shape.pod))
    }

    /// The sets of the problem that running pods of a kind are counted in.
    pub(crate) fn of_running(&self, kind: usize) -> Vec<usize> {
        let counted = self.membership.sets(kind).iter().filter(|set| self.counted[**set]);
        counted.filter_map(|set| self.numbers[*set]).collect()
    }

    /// A term in the numbers of the problem, if its set matters there.
    pub(crate) fn term(&self, term: &PodTerm) -> Option<PodTerm> {
        Some(PodTerm { key: term.key.clone(), peers: self.numbers[term.peers]? })
    }

    fn class(&self, draft: &PodClass, member_of: &[usize]) -> PodClass {
        let number = |set: usize| self.numbers[set].expect("a set that a pod to place speaks of matters");
        let mut class = PodClass { member_of: member_of.to_vec(), ..draft.clone() };
        for spread in &mut class.spread {
            spread.peers = number(spread.peers);
        }
        for terms in [&mut class.affinity, &mut class.anti_affinity] {
            let wishes = terms.preferred.iter_mut().map(|(_, term)| term);
            for term in terms.required.iter_mut().chain(wishes) {
                term.peers = number(term.peers);
            }
        }
        class
    }
}

/// The sets that the rules of a class speak of.
fn spoken_of(class: &PodClass) -> impl Iterator<Item = usize> {
    fn terms(terms: &PodTerms) -> impl Iterator<Item = usize> {
        terms.required.iter().chain(terms.preferred.iter().map(|(_, term)| term)).map(|term| term.peers)
    }
    let spread = class.spread.iter().map(|s| s.peers);
    spread.chain(terms(&class.affinity)).chain(terms(&class.anti_affinity))
}

#[cfg(test)]
#[path = "batch_stories.rs"]
mod stories;
