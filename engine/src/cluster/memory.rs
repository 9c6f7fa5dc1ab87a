//! What only this process remembers: intentions that no object tells yet, and since when things are known. All of it may be
//! lost in a crash; then it is found out again, later and at the price of a decision made twice.
//!
//! Rules do not write here. They say what to remember, and the engine does it.

use super::shelf::Shelf;
use dovetail_scheduler::cost::Memory as Solver;
use dovetail_scheduler::instance_type::InstanceType;
use dovetail_scheduler::resources::Resources;
use k8s_openapi::jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What no object tells.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// By node, or by claim as long as there was no node: until when it must not be taken away, since pods are on their way
    /// to it. Whoever asks has to ask for both names.
    pub nominated: Shelf<Timestamp>,
    /// Claims that are about to be deleted, although the API server has not been told.
    pub leaving: Shelf<Timestamp>,
    /// By pod UID: when its way through provisioning began and what came of it.
    pub pod_times: Shelf<PodTimes>,
    /// By full name of the pod: the claim that was made for it.
    pub expected: Shelf<Expected>,
    /// By claim: the pods that it was made for and that are not bound yet, by full name.
    pub expecting: Shelf<Vec<Arc<str>>>,
    /// By claim: what it may come to have, which counts against its pool's limits until it is launched.
    pub charges: Shelf<Charge>,
    /// By pool: what the provider sells for it.
    pub offers: Shelf<PoolOffer>,
    /// By UID of the pool: how its last registrations went.
    pub registrations: Shelf<Registrations>,
    /// By node: when a pod last came to it, came to its end there, or was told to end or taken away.
    pub pod_events: Shelf<Timestamp>,
    /// By node class, as its kind and name: when it last changed.
    pub class_changes: Shelf<Timestamp>,
    /// By provider ID: when it was first seen that there is a machine without a claim, or a claim without a machine.
    pub suspects: Arc<BTreeMap<Arc<str>, Timestamp>>,
    /// By static pool: how many claims have been made for it since the controller began, so that no name comes twice.
    pub static_claims: Shelf<u64>,
    /// Pods that wait for a round.
    pub backlog: Backlog,
    /// What the solver remembers of earlier rounds.
    pub solver: Arc<Solver>,
}

/// What a claim may come to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// The pool whose limits it counts against.
    pub pool: Arc<str>,
    /// Of every resource as much as any of its types has.
    pub most: Resources,
}

/// When a pod was seen and decided on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodTimes {
    /// When it was first seen to want a node.
    pub acknowledged: Option<Timestamp>,
    /// When it was first decided on, whatever came of it.
    pub decided: Option<Timestamp>,
    /// When a place was first found for it.
    pub schedulable: Option<Timestamp>,
}

/// A pod that a claim was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The claim.
    pub claim: Arc<str>,
    /// The UID of the pod; another pod of its name is not meant.
    pub uid: Arc<str>,
    /// Since when.
    pub since: Timestamp,
}

/// How the last registrations of a pool's nodes went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registrations {
    /// Whether they went well, the latest last; at most four.
    pub known: Vec<bool>,
    /// Reason and message of the last that did not.
    pub because: Option<(String, String)>,
}

/// What a provider sells for a pool.
#[derive(Clone, Debug)]
pub struct PoolOffer {
    /// The types, those without an available offering included.
    pub types: Arc<[Arc<InstanceType>]>,
    /// When the provider said so.
    pub at: Timestamp,
}

/// The pods that have come since the last round was made, as far as it decides when the next is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// When the first came.
    pub first: Option<Timestamp>,
    /// When the last came.
    pub last: Option<Timestamp>,
    /// The longest time between two that came one after the other, in milliseconds.
    pub gap_ms: i64,
    /// How many came.
    pub arrivals: usize,
    /// When those that found no place are asked about again.
    pub again: Option<Timestamp>,
}

impl Backlog {
    /// One more pod, or another reason to make a round.
    pub(crate) fn arrive(&mut self, now: Timestamp) {
        if let Some(last) = self.last {
            self.gap_ms = self.gap_ms.max(now.duration_since(last).as_millis().try_into().unwrap_or(i64::MAX));
        }
        self.first = self.first.or(Some(now));
        self.last = Some(now);
        self.arrivals += 1;
    }

    /// A round takes what has come so far.
    pub(crate) fn take(&mut self) {
        *self = Self::default();
    }
}

/// Something that a rule wants to be remembered.
#[derive(Clone, Debug)]
pub enum Remember {
    /// Pods are on their way to this node, or claim without one: it must stay until then.
    Nominated {
        /// The node, or the claim.
        node: Arc<str>,
        /// Until when.
        until: Timestamp,
    },
    /// This claim will be deleted: its pods need another place, and it takes none.
    Leaving {
        /// The claim.
        claim: Arc<str>,
    },
    /// This claim will not be deleted after all.
    Staying {
        /// The claim.
        claim: Arc<str>,
    },
    /// Pods that a claim was made for.
    Expected {
        /// The claim.
        claim: Arc<str>,
        /// The pods: full name and UID.
        pods: Vec<(Arc<str>, Arc<str>)>,
        /// What the claim may come to have.
        charge: Charge,
    },
    /// Pods that are on their own again: full names.
    Unexpected(Vec<Arc<str>>),
    /// What a round found out about pods: their UIDs, and whether a place was found.
    Decided {
        /// The pods, by UID.
        pods: Vec<Arc<str>>,
        /// Whether a place was found for them.
        schedulable: bool,
    },
    /// What a provider sells for a pool.
    Offer {
        /// The pool.
        pool: Arc<str>,
        /// The types.
        types: Arc<[Arc<InstanceType>]>,
    },
    /// How a registration went.
    Registration {
        /// UID of the pool.
        pool: Arc<str>,
        /// Whether it went well.
        succeeded: bool,
        /// Reason and message, if it did not.
        because: Option<(String, String)>,
    },
    /// Forget how registrations went, and begin with these.
    Registrations {
        /// UID of the pool.
        pool: Arc<str>,
        /// What is known instead.
        known: Vec<bool>,
    },
    /// Claims without a machine and machines without a claim, since when each: all that are known of now.
    Suspects(BTreeMap<Arc<str>, Timestamp>),
    /// A claim was made for a static pool, the one after so many.
    StaticClaim {
        /// The pool.
        pool: Arc<str>,
        /// How many were made before.
        number: u64,
    },
    /// What the solver remembers.
    Solver(Arc<Solver>),
    /// A claim came to nothing: nobody is expected there, and its pool is not charged for it.
    Failed {
        /// The claim.
        claim: Arc<str>,
    },
    /// Something else than a pod asks for a round.
    Arrival,
    /// A round begins: it takes what has come so far.
    RoundBegins,
    /// The round has ended; those left over are asked about again at that time.
    RoundEnds {
        /// When, if any are left over.
        again: Option<Timestamp>,
    },
}

/// How many registrations of a pool are remembered.
const REGISTRATIONS: usize = 4;

impl Memory {
    /// Remembers.
    pub(crate) fn remember(&mut self, what: Remember, now: Timestamp) {
        match what {
            Remember::Nominated { node, until } => {
                let until = self.nominated.get(&node).map_or(until, |known| until.max(**known));
                self.nominated.insert(node, Arc::new(until));
            }
            Remember::Leaving { claim } => drop(self.leaving.insert(claim, Arc::new(now))),
            Remember::Staying { claim } => drop(self.leaving.remove(&claim)),
            Remember::Expected { claim, pods, charge } => self.expect(claim, pods, charge, now),
            Remember::Unexpected(pods) => pods.iter().for_each(|pod| drop(self.unexpect(pod))),
            Remember::Decided { pods, schedulable } => {
                for pod in pods {
                    let times = Arc::make_mut(self.pod_times.entry(&pod));
                    times.decided = times.decided.or(Some(now));
                    times.schedulable = times.schedulable.or(schedulable.then_some(now));
                }
            }
            Remember::Offer { pool, types } => {
                drop(self.offers.insert(pool, Arc::new(PoolOffer { types, at: now })));
            }
            Remember::Registration { pool, succeeded, because } => {
                let of_pool = Arc::make_mut(self.registrations.entry(&pool));
                of_pool.known.push(succeeded);
                if of_pool.known.len() > REGISTRATIONS {
                    of_pool.known.remove(0);
                }
                of_pool.because = because.or(of_pool.because.take());
            }
            Remember::Registrations { pool, known } => {
                drop(self.registrations.insert(pool, Arc::new(Registrations { known, because: None })));
            }
            Remember::Suspects(suspects) => self.suspects = Arc::new(suspects),
            Remember::StaticClaim { pool, number } => {
                let made = Arc::make_mut(self.static_claims.entry(&pool));
                *made = (*made).max(number + 1);
            }
            Remember::Solver(memory) => self.solver = memory,
            Remember::Failed { claim } => drop(self.forget_claim(&claim)),
            Remember::Arrival => self.backlog.arrive(now),
            Remember::RoundBegins => self.backlog.take(),
            Remember::RoundEnds { again } => self.backlog.again = again,
        }
    }

    fn expect(&mut self, claim: Arc<str>, pods: Vec<(Arc<str>, Arc<str>)>, charge: Charge, now: Timestamp) {
        let mut names = vec![];
        for (pod, uid) in pods {
            self.unexpect(&pod);
            names.push(Arc::clone(&pod));
            self.expected.insert(pod, Arc::new(Expected { claim: Arc::clone(&claim), uid, since: now }));
        }
        self.expecting.insert(Arc::clone(&claim), Arc::new(names));
        self.charges.insert(claim, Arc::new(charge));
    }

    /// No claim is made for this pod any more. Says which one was.
    pub(crate) fn unexpect(&mut self, pod: &Arc<str>) -> Option<Arc<str>> {
        let expected = self.expected.remove(pod)?;
        if let Some(names) = self.expecting.get(&expected.claim) {
            let left: Vec<_> = names.iter().filter(|name| *name != pod).map(Arc::clone).collect();
            self.expecting.insert(Arc::clone(&expected.claim), Arc::new(left));
        }
        Some(Arc::clone(&expected.claim))
    }

    /// A claim is gone: what was remembered of it goes too. Gives back the pods that it was made for.
    pub(crate) fn forget_claim(&mut self, claim: &Arc<str>) -> Vec<Arc<str>> {
        self.leaving.remove(claim);
        self.charges.remove(claim);
        self.nominated.remove(claim);
        let pods = self.expecting.remove(claim).map_or_else(Vec::new, |pods| pods.to_vec());
        for pod in &pods {
            self.expected.remove(pod);
        }
        pods
    }

    /// A pod came to a node, or came to its end there, at that time.
    pub(crate) fn pod_event(&mut self, node: &Arc<str>, at: Timestamp) {
        let latest = self.pod_events.get(node).map_or(at, |known| at.max(**known));
        self.pod_events.insert(Arc::clone(node), Arc::new(latest));
    }

    /// A pod is gone.
    pub(crate) fn forget_pod(&mut self, name: &Arc<str>, uid: &Arc<str>) {
        self.pod_times.remove(uid);
        if self.expected.get(name).is_some_and(|e| e.uid == *uid) {
            self.unexpect(name);
        }
    }
}
