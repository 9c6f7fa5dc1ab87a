//! Why pods go nowhere, as data for programs: the kind of each refusal, what it is about, and how many instance types each
//! rule keeps out. Names and shapes are a contract; beside the data stands the text that people read, whose words may
//! change, and the message of Karpenter's event, whose words do not. What the reasons are is decided elsewhere.

use std::sync::Arc;

use dovetail_engine::provisioning::Round;
use dovetail_scheduler::plan::Plan;
use dovetail_scheduler::problem::{HostPort, PodClass, Problem};
use dovetail_scheduler::reasons::{self, BetweenPods, Excluded, PodRule, Refusal, Reserved, Rule, TooFewValues};
use dovetail_scheduler::requirement::{Name, Requirement};
use dovetail_scheduler::requirements::Incompatible;
use dovetail_scheduler::resources::show;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Pods without a place that have the same reasons.
#[derive(Debug, Serialize)]
pub(super) struct Unplaced<'p> {
    /// Namespaces and names, in order.
    pods: Vec<&'p str>,
    /// `rejected`, `notYetSupported`, `noPools`, `refused`, or `deferred` to the next round.
    kind: &'static str,
    /// In plain words.
    text: String,
    /// The message of Karpenter's `FailedScheduling` event; null where it would publish none.
    event: Option<String>,
    /// What each pool that was asked has against them, in the order in which they were asked.
    refusals: Vec<PoolRefusal<'p>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PoolRefusal<'p> {
    node_pool: &'p str,
    text: String,
    #[serde(flatten)]
    why: Why<'p>,
}

/// Why a pool has no node for a pod.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Why<'p> {
    EmptyPool { types: usize, groups: Vec<Group<'p>> },
    Taints { taints: Vec<String> },
    Labels { labels: Vec<Label<'p>> },
    NodeLimit,
    Volumes { places: Vec<Vec<Label<'p>>> },
    BetweenPods(Between<'p>),
    NoCommonDomain { rules: Vec<Between<'p>> },
    NoInstanceType { types: usize, groups: Vec<Group<'p>>, min_values: Vec<Few<'p>> },
    ReservationsSpokenFor { reservations: Vec<&'p str> },
    ReservationsFull { reservations: Vec<&'p str> },
}

/// A label that a pod asks for and a node does not have.
#[derive(Debug, Serialize)]
struct Label<'p> {
    key: &'p str,
    /// As in `In [a b]`; null for a label that nothing defines, whatever is asked of it.
    asked: Option<String>,
    /// The same of what there is; null for a label that nothing defines.
    has: Option<String>,
}

/// A rule between pods that cannot be kept.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Between<'p> {
    /// `topologySpread`, `podAffinity`, `podAntiAffinity`, or `podAntiAffinityOfOthers`.
    rule: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_skew: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_domains: Option<u32>,
    topology_key: &'p str,
    /// The pods that are counted, in words.
    peers: &'p str,
    /// Of the first domains by name, how many of these pods each holds.
    counts: BTreeMap<&'p str, u32>,
    /// How many more domains there are.
    more_domains: usize,
    asked: String,
    offered: String,
    /// The domains that this rule alone would allow.
    allowed: Vec<&'p str>,
}

/// Instance types that the same rule keeps out.
#[derive(Debug, Serialize)]
struct Group<'p> {
    types: usize,
    /// The first of them by name.
    example: &'p str,
    #[serde(flatten)]
    rule: GroupRule<'p>,
}

/// The first rule that keeps an instance type out. Amounts are quantities as Kubernetes writes them.
#[derive(Debug, Serialize)]
#[serde(tag = "rule", rename_all = "camelCase")]
enum GroupRule<'p> {
    Label(Label<'p>),
    NotOffered { asked: BTreeMap<&'p str, String> },
    Unavailable { asked: BTreeMap<&'p str, String> },
    DaemonSets { resource: &'p str },
    Resource { resource: &'p str, asked: String, most: String },
    HostPort { ip: Option<&'p str>, port: u16, protocol: &'p str },
    VolumeLimit { driver: &'p str, asked: u32, most: u32 },
    Limit { resource: &'p str, left: String },
}

/// A key of which too few distinct values are left.
#[derive(Debug, Serialize)]
struct Few<'p> {
    key: &'p str,
    asked: u32,
    left: u32,
}

/// Everything that has no place, in the order of the first pod of each reason.
pub(super) fn all<'p>(round: &'p Round, plan: &'p Plan) -> Vec<Unplaced<'p>> {
    let problem = &round.problem;
    let mut out: Vec<Unplaced<'p>> = vec![];
    // The pods of a class have their reasons in common, and the text of a reason tells what the class asks for.
    let mut known: HashMap<(*const reasons::Unplaced, usize), usize> = HashMap::new();
    for (pod, why) in &plan.unplaced {
        let pod = &problem.pods[*pod];
        let entry = *known.entry((Arc::as_ptr(why), pod.class)).or_insert_with(|| {
            out.push(told(problem, why, &problem.classes[pod.class]));
            out.len() - 1
        });
        out[entry].pods.push(&pod.name);
    }
    let mut rejected: HashMap<String, usize> = HashMap::new();
    for (pod, why) in &round.rejected {
        let text = why.to_string();
        let entry = *rejected.entry(text.clone()).or_insert_with(|| {
            out.push(Unplaced { pods: vec![], kind: "rejected", text, event: None, refusals: vec![] });
            out.len() - 1
        });
        out[entry].pods.push(pod);
    }
    out.iter_mut().for_each(|unplaced| unplaced.pods.sort_unstable());
    out
}

fn told<'p>(problem: &'p Problem, why: &'p reasons::Unplaced, class: &PodClass) -> Unplaced<'p> {
    let (kind, refusals): (_, &[(usize, Refusal)]) = match why {
        reasons::Unplaced::NotYetSupported(_) => ("notYetSupported", &[]),
        reasons::Unplaced::NoPools => ("noPools", &[]),
        reasons::Unplaced::Refused(refusals) => ("refused", refusals),
        reasons::Unplaced::Deferred(refusals) => ("deferred", refusals),
    };
    let refusals = refusals.iter().map(|(pool, refusal)| PoolRefusal {
        node_pool: &problem.pools[*pool].name,
        text: refusal.explain(problem, *pool, class).to_string(),
        why: Why::of(problem, refusal),
    });
    Unplaced {
        pods: vec![],
        kind,
        text: why.explain(problem, class),
        event: why.event(problem, class),
        refusals: refusals.collect(),
    }
}

impl<'p> Why<'p> {
    fn of(problem: &'p Problem, refusal: &'p Refusal) -> Self {
        let between = |rule: &'p BetweenPods| Between::of(problem, rule);
        match refusal {
            Refusal::EmptyPool(Excluded { types, groups }) => {
                Self::EmptyPool { types: *types, groups: groups.iter().map(Group::of).collect() }
            }
            Refusal::Taints(taints) => Self::Taints { taints: taints.iter().map(ToString::to_string).collect() },
            Refusal::Selection(why) => Self::Labels { labels: labels(why) },
            Refusal::NodeLimit => Self::NodeLimit,
            Refusal::Volumes(places) => Self::Volumes { places: places.iter().map(labels).collect() },
            Refusal::BetweenPods(rule) => Self::BetweenPods(between(rule)),
            Refusal::NoCommonDomain(rules) => Self::NoCommonDomain { rules: rules.iter().map(between).collect() },
            Refusal::NoInstanceType(lack) => {
                let few = |TooFewValues { key, asked, left }: &'p TooFewValues| Few { key, asked: *asked, left: *left };
                Self::NoInstanceType {
                    types: lack.excluded.types,
                    groups: lack.excluded.groups.iter().map(Group::of).collect(),
                    min_values: lack.min_values.iter().map(few).collect(),
                }
            }
            Refusal::Reserved(Reserved::Spoken(names)) => Self::ReservationsSpokenFor { reservations: plain(names) },
            Refusal::Reserved(Reserved::Full(names)) => Self::ReservationsFull { reservations: plain(names) },
        }
    }
}

fn plain(names: &[Name]) -> Vec<&str> {
    names.iter().map(AsRef::as_ref).collect()
}

fn labels(why: &Incompatible) -> Vec<Label<'_>> {
    match why {
        Incompatible::UndefinedLabel { key, .. } => vec![Label { key, asked: None, has: None }],
        Incompatible::NoCommonValue(clashes) => {
            let shown = |requirement: &Requirement| Some(requirement.to_string());
            clashes.iter().map(|c| Label { key: &c.key, asked: shown(&c.asked), has: shown(&c.offered) }).collect()
        }
    }
}

impl<'p> Between<'p> {
    fn of(problem: &'p Problem, rule: &'p BetweenPods) -> Self {
        let (name, max_skew, min_domains) = match rule.rule {
            PodRule::Spread { max_skew, min_domains } => ("topologySpread", Some(max_skew), min_domains),
            PodRule::Affinity => ("podAffinity", None, None),
            PodRule::AntiAffinity => ("podAntiAffinity", None, None),
            PodRule::Repelled => ("podAntiAffinityOfOthers", None, None),
        };
        Self {
            rule: name,
            max_skew,
            min_domains,
            topology_key: &rule.key,
            peers: problem.peers.get(rule.peers).map_or("", |set| set),
            counts: rule.counts.listed().iter().map(|(domain, n)| (domain.as_ref(), *n)).collect(),
            more_domains: rule.counts.others(),
            asked: rule.asked.to_string(),
            offered: rule.offered.to_string(),
            allowed: plain(&rule.allowed),
        }
    }
}

impl<'p> Group<'p> {
    fn of(group: &'p reasons::Group) -> Self {
        let asked_of = |asked: &'p [(Name, Requirement)]| -> BTreeMap<&'p str, String> {
            asked.iter().map(|(key, requirement)| (key.as_ref(), requirement.to_string())).collect()
        };
        let rule = match &group.rule {
            Rule::Label { key, asked, has } => GroupRule::Label(Label {
                key,
                asked: Some(asked.to_string()),
                has: has.as_ref().map(ToString::to_string),
            }),
            Rule::NotOffered { asked } => GroupRule::NotOffered { asked: asked_of(asked) },
            Rule::Unavailable { asked } => GroupRule::Unavailable { asked: asked_of(asked) },
            Rule::DaemonSets { resource } => GroupRule::DaemonSets { resource },
            Rule::Resource { resource, asked, most } => {
                GroupRule::Resource { resource, asked: show(resource, *asked), most: show(resource, *most) }
            }
            Rule::HostPort(HostPort { ip, port, protocol }) => {
                GroupRule::HostPort { ip: ip.as_deref(), port: *port, protocol }
            }
            Rule::VolumeLimit { driver, asked, most } => GroupRule::VolumeLimit { driver, asked: *asked, most: *most },
            Rule::Limit { resource, left } => GroupRule::Limit { resource, left: show(resource, *left) },
        };
        Self { types: group.types, example: &group.example, rule }
    }
}
