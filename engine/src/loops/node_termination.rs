//! Node termination: a node that was deleted is closed to pods, emptied, rid of its volumes, its machine is ended, and only
//! then it may go (the Karpenter specification, disruption 5.1). It does not decide which nodes go, and leaves nodes alone
//! that others manage.
//!
//! Every pass starts from what the objects say: the taint, the conditions of the claim, the pods that are left. A controller
//! that takes over in the middle goes on where the other one stopped.

mod detachment;
mod drain;
mod eviction;
#[cfg(test)]
mod stories;

use crate::action::{Delete, Effect, Patch, Verb};
use crate::cluster::{Change, ClaimRecord, Kind, ObjectKey, Snapshot, Subject, provider_id};
use crate::event::Outcome;
use crate::fact::{Fact, Level};
use crate::rule::{Rule, Verdict, View};
use dovetail_api::conditions::{self, ConditionSet, node_claim};
use dovetail_api::events::lifecycle;
use dovetail_api::labels;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How long a drain takes at least, so that pods are seen that were bound just before the node was closed.
const LEAST_DRAIN: SignedDuration = SignedDuration::from_secs(5);
/// How often a machine that is being ended is asked after.
const MACHINE_POLL: SignedDuration = SignedDuration::from_secs(5);
/// How often the machine of a node that is not ready is looked at.
const INSPECTION: SignedDuration = SignedDuration::from_secs(10);
/// How often attached volumes are looked at.
const VOLUME_POLL: SignedDuration = SignedDuration::from_secs(1);
/// How often it is said that a node still waits for pods.
const REMINDER: SignedDuration = SignedDuration::from_secs(120);
/// How many volumes an event names.
const NAMED_VOLUMES: usize = 5;

/// The loop.
pub(super) const RULE: Rule = Rule { name: "node.termination", of_cluster: false, concerns, judge };

fn concerns(snapshot: &Snapshot, change: &Change, tell: &mut dyn FnMut(Subject)) {
    let mut tell_of = |name: &str| {
        if snapshot.nodes.get(name).is_some_and(|node| is_leaving(node)) {
            tell(Subject::named(Kind::Node, name));
        }
    };
    let mut tell_nodes_of = |claim: &ClaimRecord| {
        let machine = claim.provider_id().map_or(&[][..], |id| snapshot.nodes_of_machine(id));
        machine.iter().for_each(|name| tell_of(name));
    };
    match change {
        Change::NodeClaim { before, after } => before.iter().chain(after).for_each(|claim| tell_nodes_of(claim)),
        Change::Answered(Subject::Object(key)) if key.kind == Kind::NodeClaim => {
            snapshot.node_claims.get(&key.name).into_iter().for_each(|claim| tell_nodes_of(claim));
        }
        Change::Node { after: Some(node), .. } => node.metadata.name.iter().for_each(|name| tell_of(name)),
        Change::Pod { before, after } => {
            before.iter().chain(after).filter_map(|pod| pod.node.as_deref()).for_each(tell_of);
        }
        _ => {}
    }
}

/// Whether the node was deleted and waits for us.
fn is_leaving(node: &Node) -> bool {
    let held = node.metadata.finalizers.iter().flatten().any(|f| f == labels::TERMINATION_FINALIZER);
    held && node.metadata.deletion_timestamp.is_some()
}

/// Whether the node is one that our provider is responsible for.
fn is_managed(view: &View<'_>, node: &Node) -> bool {
    let classes = &view.settings.node_classes;
    let labels = node.metadata.labels.as_ref();
    let carries = |(group, kind): &(String, String)| {
        labels.is_some_and(|known| known.contains_key(&labels::node_class_label(group, kind)))
    };
    classes.is_empty() || classes.iter().any(carries)
}

fn judge(view: &View<'_>, about: &Subject) -> Verdict {
    let node = about.object().and_then(|key| view.snapshot.nodes.get(&key.name));
    let Some(node) = node.filter(|node| is_leaving(node) && is_managed(view, node)) else { return Verdict::nothing() };
    // Without a machine of its own a claim has nothing to do with the node, whatever it says.
    let claim = view.snapshot.claim_of(node).ok().filter(|claim| claim.provider_id().is_some());
    Leaving::new(view, node, claim.map(|claim| &**claim)).judge()
}

/// A node that goes away.
struct Leaving<'a> {
    view: &'a View<'a>,
    node: &'a Node,
    claim: Option<&'a ClaimRecord>,
    /// The conditions of the claim as they should be.
    conditions: Vec<Condition>,
    /// What is worth knowing once they are.
    then: Vec<Fact>,
    verdict: Verdict,
}

impl<'a> Leaving<'a> {
    fn new(view: &'a View<'a>, node: &'a Node, claim: Option<&'a ClaimRecord>) -> Self {
        let conditions = claim.map_or_else(Vec::new, |claim| known_conditions(claim).to_vec());
        Self { view, node, claim, conditions, then: vec![], verdict: Verdict::nothing() }
    }

    fn judge(mut self) -> Verdict {
        if let Some(claim) = self.claim.filter(|claim| !claim.is_deleting()) {
            self.act(claim_subject(claim), Effect::Delete(Delete::of(&claim.object.metadata)));
        }
        match self.machine() {
            Machine::Gone => return self.release(),
            Machine::Unknown => return self.verdict,
            Machine::There => {}
        }
        let deadline = match self.claim.and_then(termination_time).map(|text| (text, text.parse::<Timestamp>())) {
            None => None,
            Some((text, Ok(time))) => {
                self.notice(&lifecycle::TERMINATION_GRACE_PERIOD_EXPIRING, vec![("time", text.to_owned())]);
                Some(time)
            }
            Some((text, Err(error))) => {
                let fields =
                    vec![("Node", self.name().to_owned()), ("time", text.to_owned()), ("error", error.to_string())];
                let what =
                    "the termination time of the nodeclaim is no RFC 3339 time; correct or remove its annotation";
                self.fact(Fact::log(Level::Error, what, fields));
                return self.verdict;
            }
        };
        if let Some((patch, facts)) = closing(self.node) {
            self.act(self.subject(), Effect::Patch(patch));
            facts.into_iter().for_each(|fact| self.on_success(fact));
            return self.verdict;
        }
        let is_done = self.is_empty(deadline) && self.is_detached(deadline) && self.is_ended();
        self.save_conditions();
        if is_done { self.release() } else { self.verdict }
    }

    /// Whether there is a machine behind a node that is not ready. A ready node is drained in any case.
    fn machine(&mut self) -> Machine {
        let Some(provider_id) = provider_id(self.node).filter(|_| !is_ready(self.node)) else { return Machine::There };
        let answer = self.view.answer(&self.subject(), Verb::Inspect).map(|answer| (answer.at, &answer.outcome));
        let known = match answer {
            Some((_, Outcome::Inspected(Err(error)))) if error.is_node_claim_not_found() => return Machine::Gone,
            Some((at, Outcome::Inspected(Ok(_)))) => Some(at + INSPECTION),
            _ => None,
        };
        match known {
            Some(next) if self.view.now < next => self.again(next),
            _ => {
                let effect = Effect::Inspect { provider_id: provider_id.to_owned() };
                self.act(self.subject(), effect);
            }
        }
        if known.is_some() { Machine::There } else { Machine::Unknown }
    }

    /// Whether no pod is left that is waited for. Those that are left are told to go.
    fn is_empty(&mut self, deadline: Option<Timestamp>) -> bool {
        if conditions::find(&self.conditions, node_claim::DRAINED).is_none() {
            self.set(|set| set.set_unknown_because(node_claim::DRAINED, node_claim::DRAINING, node_claim::DRAINING));
        }
        let snapshot = self.view.snapshot;
        let name = self.name();
        let drain = drain::drain(snapshot.pods_on(name), deadline, self.view.now);
        if drain.waiting > 0 {
            let mut verdict = Verdict::nothing();
            for pod in &drain.evictable {
                verdict = verdict.and(eviction::evict(self, pod));
            }
            for (pod, deadline) in drain.overdue.iter().zip(deadline.into_iter().cycle()) {
                verdict = verdict.and(eviction::delete(self, pod, deadline));
            }
            verdict = verdict.fact(self.failed_draining(format!("{} pods are waiting to be evicted", drain.waiting)));
            self.verdict = std::mem::take(&mut self.verdict).and(verdict);
            self.again(self.view.now + REMINDER);
            drain.again.into_iter().for_each(|at| self.again(at));
            return false;
        }
        let drained = conditions::find(&self.conditions, node_claim::DRAINED);
        let Some(drained) = drained.filter(|c| c.status != conditions::TRUE) else { return true };
        let earliest = drained.last_transition_time.0 + LEAST_DRAIN;
        if drained.status == conditions::UNKNOWN && self.view.now < earliest {
            self.again(earliest);
            return false;
        }
        self.set(|set| set.set_true(node_claim::DRAINED));
        self.then.push(Fact::count("karpenter_nodes_drained_total", vec![("nodepool", self.label(labels::NODEPOOL))]));
        true
    }

    /// Whether no volume is attached that is waited for.
    fn is_detached(&mut self, deadline: Option<Timestamp>) -> bool {
        let awaited = detachment::awaited(self.view.snapshot, self.name(), self.view.now);
        if awaited.is_empty() {
            self.set(|set| set.set_true(node_claim::VOLUMES_DETACHED));
            return true;
        }
        let reason = node_claim::TERMINATION_GRACE_PERIOD_ELAPSED;
        if deadline.is_some_and(|deadline| self.view.now > deadline) {
            self.set(|set| set.set_false(node_claim::VOLUMES_DETACHED, reason, reason));
            return true;
        }
        let reason = node_claim::AWAITING_VOLUME_DETACHMENT;
        self.set(|set| set.set_unknown_because(node_claim::VOLUMES_DETACHED, reason, reason));
        let first: Vec<&str> = awaited.iter().take(NAMED_VOLUMES).copied().collect();
        let more = awaited.len().saturating_sub(NAMED_VOLUMES);
        let names = first.join(", ") + &if more > 0 { format!(" and {more} other(s)") } else { String::new() };
        self.notice(&lifecycle::AWAITING_VOLUME_DETACHMENT, vec![("names", names)]);
        self.again(self.view.now + VOLUME_POLL);
        false
    }

    /// Whether the machine is gone. If not, it is told to go.
    fn is_ended(&mut self) -> bool {
        let Some(claim) = self.claim else { return true };
        let about = claim_subject(claim);
        let answer = self.view.answer(&about, Verb::Terminate).map(|answer| (answer.at, &answer.outcome));
        let next = match answer {
            Some((_, Outcome::Terminated(Err(error)))) if error.is_node_claim_not_found() => {
                self.set(|set| set.set_true(node_claim::INSTANCE_TERMINATING));
                return true;
            }
            Some((at, Outcome::Terminated(Ok(())))) => {
                self.set(|set| set.set_true(node_claim::INSTANCE_TERMINATING));
                Some(at + MACHINE_POLL)
            }
            _ => None,
        };
        match next {
            Some(next) if self.view.now < next => self.again(next),
            _ => self.act(about, Effect::Terminate(Box::new(claim.full()))),
        }
        false
    }

    /// Writes the conditions of the claim if they should be different.
    fn save_conditions(&mut self) {
        let Some(claim) = self.claim.filter(|claim| known_conditions(claim) != self.conditions) else { return };
        let status = json!({"conditions": self.conditions});
        let patch = Patch::of_status(&claim.object.metadata, status).unless_changed(&claim.object.metadata);
        self.act(claim_subject(claim), Effect::Patch(patch));
        std::mem::take(&mut self.then).into_iter().for_each(|fact| self.on_success(fact));
    }

    /// Lets the node go.
    fn release(mut self) -> Verdict {
        let metadata = &self.node.metadata;
        let others = metadata.finalizers.iter().flatten().filter(|f| *f != labels::TERMINATION_FINALIZER);
        let body = json!({"metadata": {"finalizers": others.collect::<Vec<_>>()}});
        self.act(self.subject(), Effect::Patch(Patch::of(metadata, body).unless_changed(metadata)));
        self.on_success(Fact::log(Level::Info, "deleted node", vec![("Node", self.name().to_owned())]));
        let (pool, zone) = (self.label(labels::NODEPOOL), self.label(labels::ZONE));
        let of_pool = || vec![("nodepool", pool.clone())];
        let of_zone = vec![("nodepool", pool.clone()), ("zone", zone)];
        self.on_success(Fact::count("karpenter_nodes_terminated_total", of_zone));
        let since = |time: &Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>| {
            time.as_ref().map(|time| self.view.now.duration_since(time.0).as_secs_f64())
        };
        let (leaving, age) = (since(&metadata.deletion_timestamp), since(&metadata.creation_timestamp));
        for (name, seconds) in [
            ("karpenter_nodes_termination_duration_seconds", leaving),
            ("karpenter_nodes_lifetime_duration_seconds", age),
        ] {
            seconds.into_iter().for_each(|seconds| self.on_success(Fact::observe(name, of_pool(), seconds)));
        }
        self.verdict
    }

    fn set(&mut self, change: impl FnOnce(&mut ConditionSet<'_>) -> bool) {
        let Some(claim) = self.claim else { return };
        let types = node_claim::TYPES;
        change(&mut ConditionSet::new(types, &claim.object.metadata, &mut self.conditions, self.view.now));
    }

    /// Why the node goes, as far as its claim says.
    fn reason(&self) -> String {
        let Some(claim) = self.claim else { return String::new() };
        let reason = conditions::find(known_conditions(claim), node_claim::DISRUPTION_REASON);
        let reason = reason.filter(|c| c.status == conditions::TRUE);
        reason.map_or("Forceful Termination", |c| &c.reason).to_owned()
    }

    fn failed_draining(&self, error: String) -> Fact {
        self.event(&lifecycle::FAILED_DRAINING, vec![("error", error)])
    }

    fn event(&self, kind: &'static dovetail_api::events::EventKind, values: Vec<(&'static str, String)>) -> Fact {
        let uid = self.node.metadata.uid.clone().unwrap_or_default();
        Fact::event(kind, ObjectKey::named(Kind::Node, self.name()), uid, values)
    }

    fn notice(&mut self, kind: &'static dovetail_api::events::EventKind, values: Vec<(&'static str, String)>) {
        let event = self.event(kind, values);
        self.fact(event);
    }

    fn name(&self) -> &'a str {
        self.node.metadata.name.as_deref().unwrap_or_default()
    }

    fn subject(&self) -> Subject {
        Subject::named(Kind::Node, self.name())
    }

    fn label(&self, key: &str) -> String {
        self.node.metadata.labels.as_ref().and_then(|labels| labels.get(key)).cloned().unwrap_or_default()
    }

    fn act(&mut self, about: Subject, effect: Effect) {
        self.verdict = std::mem::take(&mut self.verdict).act(about, effect);
    }

    fn on_success(&mut self, fact: Fact) {
        self.verdict = std::mem::take(&mut self.verdict).then(fact);
    }

    fn fact(&mut self, fact: Fact) {
        self.verdict.facts.push(fact);
    }

    fn again(&mut self, at: Timestamp) {
        self.verdict = std::mem::take(&mut self.verdict).again(at);
    }
}

/// What is known of the machine of a node.
enum Machine {
    /// It is there, or the node says so.
    There,
    /// It is gone, and the node is left over.
    Gone,
    /// Nobody has said yet.
    Unknown,
}

fn claim_subject(claim: &ClaimRecord) -> Subject {
    Subject::named(Kind::NodeClaim, claim.name())
}

fn known_conditions(claim: &ClaimRecord) -> &[Condition] {
    claim.object.status.as_ref().map_or(&[], |status| &status.conditions)
}

/// When all pods of the claim's node must be gone, as its annotation says.
fn termination_time(claim: &ClaimRecord) -> Option<&str> {
    let annotations = claim.object.metadata.annotations.as_ref()?;
    annotations.get(labels::TERMINATION_TIMESTAMP).map(String::as_str)
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|c| c.type_ == conditions::READY && c.status == conditions::TRUE)
}

/// What closes the node to pods and load balancers, if it is not closed yet.
fn closing(node: &Node) -> Option<(Patch, Vec<Fact>)> {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    let is_tainted = taints.iter().any(|t| t.key == labels::DISRUPTED_TAINT && t.effect == labels::NO_SCHEDULE);
    let label = node.metadata.labels.as_ref().and_then(|known| known.get(labels::EXCLUDE_FROM_LOAD_BALANCERS));
    if is_tainted && label.is_some_and(|value| value == labels::EXCLUDE_FROM_LOAD_BALANCERS_VALUE) {
        return None;
    }
    let mut body = json!({"metadata": {"labels": {
        labels::EXCLUDE_FROM_LOAD_BALANCERS: labels::EXCLUDE_FROM_LOAD_BALANCERS_VALUE,
    }}});
    if !is_tainted {
        let others = taints.iter().filter(|t| t.key != labels::DISRUPTED_TAINT).map(|t| json!(t));
        let ours = json!({"key": labels::DISRUPTED_TAINT, "effect": labels::NO_SCHEDULE});
        body["spec"]["taints"] = Value::Array(others.chain([ours]).collect());
    }
    let fields = vec![
        ("Node", node.metadata.name.clone().unwrap_or_default()),
        ("taint.Key", labels::DISRUPTED_TAINT.to_owned()),
        ("taint.Value", String::new()),
        ("taint.Effect", labels::NO_SCHEDULE.to_owned()),
    ];
    let patch = Patch::of(&node.metadata, body).unless_changed(&node.metadata);
    Some((patch, vec![Fact::log(Level::Info, "tainted node", fields)]))
}
