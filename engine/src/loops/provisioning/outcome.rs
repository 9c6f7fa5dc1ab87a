//! What becomes of a round: claims to create, nodes that must stay, and what people are told (specification "scheduling" 2.5,
//! 4.16, 5.4). Meanwhile the cluster has gone on: what the plan was made for and is not there any more is passed over.

use crate::action::{Effect, Verb};
use crate::cluster::{Charge, Kind, Object, ObjectKey, PodRecord, Remember, Subject};
use crate::fact::{Fact, Level};
use crate::new_claims;
use crate::nodes;
use crate::pods::PodError;
use crate::provisioning::{is_expected, usage};
use crate::round::Planned;
use crate::rule::{Verdict, View};
use crate::selection::SelectionError;
use dovetail_api::events::scheduling::{FAILED_SCHEDULING, NOMINATED};
use dovetail_scheduler::plan::PlannedClaim;
use dovetail_scheduler::reasons::Unplaced;
use dovetail_scheduler::resources::Resources;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// So many things are named in a line of the log.
const NAMED: usize = 5;

/// Carries out a plan.
pub(super) fn settle(view: &View<'_>, planned: &Planned) -> Verdict {
    let mut verdict = Verdict::nothing().remember(Remember::Solver(Arc::new(planned.memory.clone())));
    verdict.facts.extend(measures(planned));
    verdict.facts.extend(lines_about_the_round(view, planned));
    verdict.facts.extend(refusals(view, planned));
    let mut placed = vec![];
    let states = nodes::join(view.snapshot);
    let used = usage(view.snapshot, &states, |_, _| {});
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut pods_on_claims = 0;
    let mut unready = (0, 0);
    for (number, claim) in planned.plan.claims.iter().enumerate() {
        let pods = still_there(view, planned, &claim.pods);
        if pods.is_empty() {
            continue;
        }
        let Some(wish) = Wanted::of(view, planned, claim, number, &used, &taken) else { continue };
        taken.insert(wish.name.to_string());
        pods_on_claims += pods.len();
        placed.extend(pods.iter().map(|pod| Arc::clone(&pod.uid)));
        verdict = wish.create(verdict, &pods);
    }
    for existing in &planned.plan.existing {
        let Some(node) = planned.round.problem.nodes.get(existing.node) else { continue };
        let pods = still_there(view, planned, &existing.pods);
        if pods.is_empty() {
            continue;
        }
        placed.extend(pods.iter().map(|pod| Arc::clone(&pod.uid)));
        if !node.initialized {
            unready.0 += 1;
            unready.1 += pods.len();
        }
        let until = view.now.checked_add(view.settings.nomination_window());
        let until = until.unwrap_or(view.now);
        let target = target(view, &node.name);
        verdict = verdict.remember(Remember::Nominated { node: Arc::clone(&node.name), until });
        verdict.facts.extend(pods.iter().map(|pod| nominated(pod, target.clone())));
    }
    if pods_on_claims > 0 {
        let counts = |things, n: usize, pods: usize| vec![(things, n.to_string()), ("pods", pods.to_string())];
        let new = counts("nodeclaims", taken.len(), pods_on_claims);
        verdict = verdict.fact(Fact::log(Level::Info, "computed new nodeclaim(s) to fit pod(s)", new));
        if unready.0 > 0 {
            let unready = counts("nodes", unready.0, unready.1);
            verdict = verdict.fact(Fact::log(Level::Info, "computed unready node(s) will fit pod(s)", unready));
        }
    }
    let unplaced = planned.plan.unplaced.iter().filter_map(|(pod, _)| planned.round.problem.pods.get(*pod));
    let unplaced: Vec<Arc<str>> = unplaced.map(|pod| Arc::clone(&pod.uid)).collect();
    verdict.facts.extend(first_decisions(view, placed.iter().chain(&unplaced)));
    verdict
        .remember(Remember::Decided { pods: placed, schedulable: true })
        .remember(Remember::Decided { pods: unplaced, schedulable: false })
}

/// Whether pods are left that have no place for certain: those that found none, and those that were sent to a node that may
/// never come. Only who has a claim made for it is sure to be given back when that fails.
pub(super) fn leaves_pods_waiting(view: &View<'_>, planned: &Planned) -> bool {
    let unplaced = planned.plan.unplaced.iter().map(|(pod, _)| pod);
    let sent = planned.plan.existing.iter().flat_map(|existing| &existing.pods);
    let pods = unplaced.chain(sent).filter_map(|pod| planned.round.problem.pods.get(*pod));
    let rejected = planned.round.rejected.iter().map(|(pod, _)| pod.as_str());
    pods.map(|pod| &*pod.name).chain(rejected).any(|pod| view.snapshot.pods.contains(pod))
}

/// Claims whose creation failed: nobody is expected there any more.
pub(super) fn failed_creations(view: &View<'_>) -> Verdict {
    let mut verdict = Verdict::nothing();
    for (claim, _) in view.snapshot.memory.charges.iter() {
        let about = Subject::named(Kind::NodeClaim, Arc::clone(claim));
        if view.snapshot.node_claims.contains(claim) || view.is_under_way(&about, Verb::Create) {
            continue;
        }
        let Some(answer) = view.answer(&about, Verb::Create) else { continue };
        let error = answer.outcome.api_error().map_or_else(|| "given up".to_owned(), ToString::to_string);
        let fields = vec![("NodeClaim", claim.to_string()), ("error", format!("creating node claim, {error}"))];
        verdict = verdict
            .fact(Fact::log(Level::Error, "could not create nodeclaim", fields))
            .remember(Remember::Failed { claim: Arc::clone(claim) })
            .forget(about, Verb::Create);
    }
    verdict
}

/// The pods of a plan that still want what it gives them.
fn still_there<'v>(view: &View<'v>, planned: &Planned, pods: &[usize]) -> Vec<&'v Arc<PodRecord>> {
    let pods = pods.iter().filter_map(|pod| planned.round.problem.pods.get(*pod));
    let known = pods.filter_map(|pod| view.snapshot.pods.get(&pod.name).filter(|known| known.uid == pod.uid));
    let wants = |pod: &&Arc<PodRecord>| pod.is_reschedulable() && !is_expected(view.snapshot, pod);
    // One with a node is in the plan because that node goes away; whether it still does makes no difference to it.
    known.filter(wants).filter(|pod| pod.node.is_none() || pod.is_replaced()).collect()
}

/// A claim that is about to be asked for.
struct Wanted {
    name: Arc<str>,
    pool: Arc<str>,
    object: Object,
    charge: Charge,
    relaxed: bool,
    types: Vec<String>,
}

impl Wanted {
    /// Nothing if the pool is gone or has reached its limits meanwhile.
    fn of(
        view: &View<'_>,
        planned: &Planned,
        claim: &PlannedClaim,
        number: usize,
        used: &BTreeMap<&str, Resources>,
        taken: &BTreeSet<String>,
    ) -> Option<Self> {
        let problem = &planned.round.problem;
        let sold = problem.pools.get(claim.pool)?;
        let pool = view.snapshot.node_pools.get(&sold.name)?;
        if pool.metadata.deletion_timestamp.is_some() || exceeds(pool, used.get(&*sold.name)) {
            return None;
        }
        let salt = view.now.as_nanosecond().unsigned_abs();
        let salt = u64::try_from(salt & u128::from(u64::MAX)).unwrap_or_default().wrapping_add(number as u64);
        let is_taken = |name: &str| view.snapshot.node_claims.contains(name) || taken.contains(name);
        let name = new_claims::name(&sold.name, view.settings.seed, salt, is_taken);
        let object = new_claims::of_plan(pool, name.clone(), problem, claim);
        let mut types: Vec<String> = claim.type_names(problem).take(NAMED).map(ToOwned::to_owned).collect();
        if claim.types.len() > NAMED {
            types.push(format!("and {} other(s)", claim.types.len() - NAMED));
        }
        Some(Self {
            name: name.into(),
            pool: Arc::clone(&sold.name),
            object: object.into(),
            charge: Charge { pool: Arc::clone(&sold.name), most: new_claims::most(problem, claim) },
            relaxed: claim.min_values_relaxed,
            types,
        })
    }

    fn create(self, verdict: Verdict, pods: &[&Arc<PodRecord>]) -> Verdict {
        let Self { name, pool, object, charge, relaxed, types } = self;
        let expected = pods.iter().map(|pod| (Arc::clone(&pod.name), Arc::clone(&pod.uid))).collect();
        let fields =
            vec![("NodePool", pool.to_string()), ("NodeClaim", name.to_string()), ("instance-types", types.join(", "))];
        let labels = vec![
            ("reason", "provisioned".to_owned()),
            ("nodepool", pool.to_string()),
            ("min_values_relaxed", relaxed.to_string()),
        ];
        let target = format!("nodeclaim/{name}");
        let verdict = verdict
            // At once and not when it is there: the next round may begin before.
            .remember(Remember::Expected { claim: Arc::clone(&name), pods: expected, charge })
            .act(Subject::named(Kind::NodeClaim, name), Effect::Create(object))
            .then(Fact::log(Level::Info, "created nodeclaim", fields))
            .then(Fact::count("karpenter_nodeclaims_created_total", labels));
        pods.iter().fold(verdict, |verdict, pod| verdict.then(nominated(pod, target.clone())))
    }
}

/// Whether a pool has more of something than its limits allow.
fn exceeds(pool: &dovetail_api::node_pool::NodePool, used: Option<&Resources>) -> bool {
    let (Some(limits), Some(used)) = (crate::pools::limits(pool), used) else { return false };
    limits.iter().any(|(resource, limit)| used.get(resource) > limit)
}

/// What the event calls a node of the problem: a node, a claim, or both.
fn target(view: &View<'_>, name: &str) -> String {
    let Some(node) = view.snapshot.nodes.get(name) else { return format!("nodeclaim/{name}") };
    match view.snapshot.claim_of(node) {
        Ok(claim) => format!("nodeclaim/{}, node/{name}", claim.name()),
        Err(_) => format!("node/{name}"),
    }
}

fn nominated(pod: &PodRecord, target: String) -> Fact {
    Fact::event(&NOMINATED, ObjectKey::named(Kind::Pod, Arc::clone(&pod.name)), &*pod.uid, vec![("target", target)])
}

/// What the log says of a round, whatever came of it: which pods it was about, and which pools it did without.
fn lines_about_the_round(view: &View<'_>, planned: &Planned) -> Vec<Fact> {
    let mut out = vec![];
    let pods = &planned.round.problem.pods;
    if !pods.is_empty() {
        let mut named: Vec<String> = pods.iter().take(NAMED).map(|pod| pod.name.to_string()).collect();
        if pods.len() > NAMED {
            named.push(format!("and {} other(s)", pods.len() - NAMED));
        }
        let fields = vec![("Pods", named.join(", ")), ("duration", format!("{:?}", planned.took))];
        out.push(Fact::log(Level::Info, "found provisionable pod(s)", fields));
    }
    for (pool, why) in &planned.round.not_ready {
        let class = view.snapshot.node_pools.get(pool).map(|pool| &pool.spec.template.spec.node_class_ref);
        if class.is_some_and(|class| view.settings.manages(&class.group, &class.kind)) {
            let fields = vec![("NodePool", pool.clone()), ("error", why.to_string())];
            out.push(Fact::log(Level::Error, "ignoring nodepool, not ready", fields));
        }
    }
    out
}

/// What people are told about pods without a place.
fn refusals(view: &View<'_>, planned: &Planned) -> Vec<Fact> {
    let problem = &planned.round.problem;
    let mut out = vec![];
    let mut tell = |pod: &str, error: String| {
        let Some(known) = view.snapshot.pods.get(pod) else { return };
        let fields = vec![("Pod", pod.to_owned()), ("error", error.clone())];
        out.push(Fact::log(Level::Error, "could not schedule pod", fields));
        let on = ObjectKey::named(Kind::Pod, Arc::clone(&known.name));
        out.push(Fact::event(&FAILED_SCHEDULING, on, &*known.uid, vec![("error", error)]));
    };
    for (pod, why) in &planned.plan.unplaced {
        let Some(known) = problem.pods.get(*pod) else { continue };
        if let Some(error) = why.error(problem, problem.class_of(*pod)) {
            tell(&known.name, error);
        }
    }
    for (pod, error) in &planned.round.rejected {
        // One that wants none of our nodes is none of our business, and its owner knows.
        if !matches!(error, PodError::Selection(SelectionError::NotForPools)) {
            tell(pod, error.to_string());
        }
    }
    out
}

/// What the round looks like from a dashboard.
fn measures(planned: &Planned) -> Vec<Fact> {
    let of_provisioner = || vec![("controller", "provisioner".to_owned())];
    let count = |n: usize| u32::try_from(n).map_or(f64::INFINITY, f64::from);
    let is_deferred = |why: &Unplaced| matches!(why, Unplaced::Deferred(_));
    let unplaced = planned.plan.unplaced.iter().filter(|(_, why)| !is_deferred(why)).count();
    vec![
        Fact::observe("karpenter_scheduler_scheduling_duration_seconds", of_provisioner(), planned.took.as_secs_f64()),
        Fact::set("karpenter_scheduler_unschedulable_pods_count", of_provisioner(), count(unplaced)),
        Fact::set("karpenter_scheduler_ignored_pods_count", vec![], count(planned.round.rejected.len())),
    ]
}

/// How long pods waited that are decided on for the first time.
fn first_decisions<'p>(view: &View<'_>, pods: impl Iterator<Item = &'p Arc<str>>) -> Vec<Fact> {
    let waited = pods.filter_map(|uid| {
        let times = view.snapshot.memory.pod_times.get(uid)?;
        times.acknowledged.filter(|_| times.decided.is_none())
    });
    let seconds = waited.map(|since| view.now.duration_since(since).as_secs_f64());
    seconds.map(|s| Fact::observe("karpenter_pods_scheduling_decision_duration_seconds", vec![], s)).collect()
}
