//! Spread for pods that ask for none: the cluster's default constraints, and which pods each of them counts.
//!
//! kube-scheduler can be configured with such defaults, and whoever buys nodes has to know them. The configuration says how
//! evenly; which pods belong together is deduced for each pod from the Services that select it and from its controller
//! (specification "scheduling" 4.11). Where the configuration comes from is not known here.

use crate::cluster::Snapshot;
use crate::label_selector::{self, Labels};
use crate::membership::Membership;
use crate::peers::PodSets;
use crate::pods;
use dovetail_api::validation::{NameError, qualified_name};
use k8s_openapi::api::core::v1::{Pod, TopologySpreadConstraint};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement, ObjectMeta};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::rc::Rc;

/// The configuration of kube-scheduler as far as it matters here, as written in a file. Fields that are not known are
/// errors, since to overlook a rule of the scheduler is to buy the wrong nodes.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SchedulerConfig {
    /// The arguments of the plugin of that name.
    #[serde(default)]
    pub pod_topology_spread: Option<PodTopologySpread>,
}

/// Arguments of the plugin `PodTopologySpread`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodTopologySpread {
    /// For pods without constraints of their own.
    #[serde(default)]
    pub default_constraints: Option<Vec<DefaultConstraint>>,
}

/// A default constraint as written; fields are those of a pod's `topologySpreadConstraints`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs)] // Kubernetes' own fields
pub struct DefaultConstraint {
    pub max_skew: i32,
    pub topology_key: String,
    pub when_unsatisfiable: String,
    pub min_domains: Option<i32>,
    pub node_affinity_policy: Option<String>,
    pub node_taints_policy: Option<String>,
    pub label_selector: Option<LabelSelector>,
    pub match_label_keys: Option<Vec<String>>,
}

/// What is wrong with one default constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("podTopologySpread.defaultConstraints[{index}].{fault}")]
pub struct ConfigError {
    /// Which of the constraints, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Ways to get a default constraint wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The skew is missing, zero or less.
    #[error("maxSkew: {0} must be greater than 0: say how many more pods a domain may hold than another")]
    MaxSkew(i32),
    /// There is no topology key.
    #[error("topologyKey: is missing: name the label that makes a domain, such as topology.kubernetes.io/zone")]
    NoTopologyKey,
    /// The topology key cannot be a label.
    #[error("topologyKey: {key:?} is no label key: {why}")]
    TopologyKey {
        /// What stands there.
        key: String,
        /// What is wrong with it.
        why: NameError,
    },
    /// It is not said, or not known, what happens when the constraint cannot be kept.
    #[error("whenUnsatisfiable: unknown {0:?}: use DoNotSchedule or ScheduleAnyway")]
    WhenUnsatisfiable(String),
    /// The number of domains is zero or less.
    #[error("minDomains: {0} must be greater than 0")]
    MinDomains(i32),
    /// The number of domains is given for a wish.
    #[error("minDomains: can only be used with whenUnsatisfiable: DoNotSchedule")]
    MinDomainsOfAWish,
    /// A policy that does not exist.
    #[error("{field}: unknown policy {policy:?}: use Honor or Ignore")]
    Policy {
        /// Which of the two policies.
        field: &'static str,
        /// What stands there.
        policy: String,
    },
    /// Which pods are counted is not for the configuration to say.
    #[error("labelSelector: must not be set: it is deduced for each pod from its Services and its controller")]
    LabelSelector,
    /// Neither are the keys.
    #[error("matchLabelKeys: must not be set: which pods are counted is deduced for each pod")]
    MatchLabelKeys,
    /// Another constraint has the same key and the same strictness.
    #[error("topologyKey: {key} with whenUnsatisfiable: {when} stands twice: remove one")]
    Duplicate {
        /// The topology key.
        key: String,
        /// What happens when it cannot be kept.
        when: String,
    },
}

/// Default constraints that make sense; by default there are none.
#[derive(Clone, Debug, Default)]
pub struct DefaultSpread(Vec<TopologySpreadConstraint>);

impl DefaultSpread {
    /// Checks a configuration.
    ///
    /// # Errors
    /// With everything that is wrong with it.
    pub fn of(config: &SchedulerConfig) -> Result<Self, Vec<ConfigError>> {
        let given = config.pod_topology_spread.iter().flat_map(|s| s.default_constraints.iter().flatten());
        let mut seen = BTreeSet::new();
        let mut errors = vec![];
        let mut out = vec![];
        for (index, constraint) in given.enumerate() {
            let mut faults = faults(constraint);
            let (key, when) = (&constraint.topology_key, &constraint.when_unsatisfiable);
            if !seen.insert((key.as_str(), when.as_str())) {
                faults.push(Fault::Duplicate { key: key.clone(), when: when.clone() });
            }
            errors.extend(faults.into_iter().map(|fault| ConfigError { index, fault }));
            out.push(TopologySpreadConstraint {
                max_skew: constraint.max_skew,
                topology_key: key.clone(),
                when_unsatisfiable: when.clone(),
                min_domains: constraint.min_domains,
                node_affinity_policy: constraint.node_affinity_policy.clone(),
                node_taints_policy: constraint.node_taints_policy.clone(),
                label_selector: None,
                match_label_keys: None,
            });
        }
        if errors.is_empty() { Ok(Self(out)) } else { Err(errors) }
    }
}

fn faults(constraint: &DefaultConstraint) -> Vec<Fault> {
    let key = &constraint.topology_key;
    let when = constraint.when_unsatisfiable.as_str();
    let bad_policy = |field, policy: &Option<String>| {
        let policy = policy.clone().filter(|p| p != "Honor" && p != "Ignore");
        policy.map(|policy| Fault::Policy { field, policy })
    };
    let all = [
        (constraint.max_skew <= 0).then_some(Fault::MaxSkew(constraint.max_skew)),
        key.is_empty().then_some(Fault::NoTopologyKey),
        qualified_name(key)
            .into_iter()
            .next()
            .filter(|_| !key.is_empty())
            .map(|why| Fault::TopologyKey { key: key.clone(), why }),
        (when != "DoNotSchedule" && when != "ScheduleAnyway").then(|| Fault::WhenUnsatisfiable(when.to_owned())),
        constraint.min_domains.filter(|n| *n <= 0).map(Fault::MinDomains),
        (constraint.min_domains.is_some() && when == "ScheduleAnyway").then_some(Fault::MinDomainsOfAWish),
        bad_policy("nodeAffinityPolicy", &constraint.node_affinity_policy),
        bad_policy("nodeTaintsPolicy", &constraint.node_taints_policy),
        constraint.label_selector.is_some().then_some(Fault::LabelSelector),
        constraint.match_label_keys.is_some().then_some(Fault::MatchLabelKeys),
    ];
    all.into_iter().flatten().collect()
}

/// The default constraints of each pod in a cluster.
pub(crate) struct Defaults<'o> {
    constraints: &'o [TopologySpreadConstraint],
    /// The Services that select each kind of pod.
    services: Membership<'o>,
    /// What a Service asks for, by the number of the set of pods that it selects.
    asked: Vec<&'o Labels>,
    controllers: FxHashMap<(&'o str, &'static str, &'o str), Controller<'o>>,
    /// By the Services that select a pod and its controller.
    known: FxHashMap<(usize, Option<Owner<'o>>), Rc<[TopologySpreadConstraint]>>,
}

/// Kind and name of a controller.
type Owner<'o> = (&'static str, &'o str);

/// How a controller tells its pods.
#[derive(Clone, Copy)]
enum Controller<'o> {
    /// By labels that overrule those that Services ask for.
    Labels(&'o Labels),
    /// By a selector that holds in addition.
    Selector(&'o LabelSelector),
}

impl<'o> Defaults<'o> {
    /// Prepares to find the defaults of pods among these objects.
    pub(crate) fn of(spread: &'o DefaultSpread, snapshot: &'o Snapshot) -> Self {
        let constraints = spread.0.as_slice();
        let mut sets = PodSets::among(&Snapshot::default());
        let mut asked = vec![];
        let mut controllers = FxHashMap::default();
        if !constraints.is_empty() {
            for service in snapshot.services.values() {
                // A Service without selector has its endpoints from elsewhere.
                let Some(labels) = service.spec.as_ref().and_then(|s| s.selector.as_ref()) else { continue };
                let selector = LabelSelector { match_labels: Some(labels.clone()), match_expressions: None };
                let Ok(conditions) = label_selector::read(&selector) else { continue };
                let set = sets.within(pods::namespace(&service.metadata), conditions);
                if set == asked.len() {
                    asked.push(labels);
                }
            }
            controllers = self::controllers(snapshot);
        }
        Self { constraints, services: Membership::of(&sets), asked, controllers, known: FxHashMap::default() }
    }

    /// The constraints that hold for the pod if it has none of its own.
    pub(crate) fn for_pod(&mut self, pod: &'o Pod) -> Rc<[TopologySpreadConstraint]> {
        let owner = pods::controller(&pod.metadata).and_then(|o| Some((kind(&o.api_version, &o.kind)?, &*o.name)));
        let services = self.services.kind(pod);
        if let Some(known) = self.known.get(&(services, owner)) {
            return Rc::clone(known);
        }
        let controller =
            owner.and_then(|(kind, name)| self.controllers.get(&(pods::namespace(&pod.metadata), kind, name)));
        let stamped: Rc<[_]> = match self.selector(services, controller.copied()) {
            Some(selector) => {
                let selector = Some(selector);
                let stamp = |c: &TopologySpreadConstraint| TopologySpreadConstraint {
                    label_selector: selector.clone(),
                    ..c.clone()
                };
                self.constraints.iter().map(stamp).collect()
            }
            None => Rc::from([]),
        };
        self.known.insert((services, owner), Rc::clone(&stamped));
        stamped
    }

    /// Which pods belong together with those of this kind; `None` if nothing says so.
    fn selector(&self, services: usize, controller: Option<Controller<'o>>) -> Option<LabelSelector> {
        let mut labels = Labels::new();
        for service in self.services.sets(services) {
            labels.extend(self.asked[*service].iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        let mut expressions = vec![];
        match controller {
            Some(Controller::Labels(own)) => labels.extend(own.iter().map(|(k, v)| (k.clone(), v.clone()))),
            Some(Controller::Selector(own)) => {
                // As expressions, for a label that a Service asks for as well must then have both values.
                expressions.extend(own.match_labels.iter().flatten().map(|(key, value)| LabelSelectorRequirement {
                    key: key.clone(),
                    operator: "In".to_owned(),
                    values: Some(vec![value.clone()]),
                }));
                expressions.extend(own.match_expressions.iter().flatten().cloned());
            }
            None => {}
        }
        let says_something = !labels.is_empty() || !expressions.is_empty();
        says_something.then_some(LabelSelector { match_labels: Some(labels), match_expressions: Some(expressions) })
    }
}

/// The kinds of controllers that count, by exact version.
fn kind(api_version: &str, kind: &str) -> Option<&'static str> {
    match (api_version, kind) {
        ("v1", "ReplicationController") => Some("ReplicationController"),
        ("apps/v1", "ReplicaSet") => Some("ReplicaSet"),
        ("apps/v1", "StatefulSet") => Some("StatefulSet"),
        _ => None,
    }
}

/// How every controller tells its pods, by namespace, kind and name; those that cannot be read are as good as gone.
fn controllers(snapshot: &Snapshot) -> FxHashMap<(&str, &'static str, &str), Controller<'_>> {
    fn key<'o>(metadata: &'o ObjectMeta, kind: &'static str) -> (&'o str, &'static str, &'o str) {
        (pods::namespace(metadata), kind, metadata.name.as_deref().unwrap_or_default())
    }
    let replica_sets = snapshot.replica_sets.values();
    let replica_sets = replica_sets.filter_map(|s| Some((key(&s.metadata, "ReplicaSet"), &s.spec.as_ref()?.selector)));
    let stateful_sets = snapshot.stateful_sets.values();
    let stateful_sets =
        stateful_sets.filter_map(|s| Some((key(&s.metadata, "StatefulSet"), &s.spec.as_ref()?.selector)));
    let readable = replica_sets.chain(stateful_sets).filter(|(_, selector)| label_selector::read(selector).is_ok());
    let with_selector = readable.map(|(key, selector)| (key, Controller::Selector(selector)));
    let with_labels = snapshot.replication_controllers.values().filter_map(|c| {
        let labels = c.spec.as_ref()?.selector.as_ref()?;
        Some((key(&c.metadata, "ReplicationController"), Controller::Labels(labels)))
    });
    with_selector.chain(with_labels).collect()
}

#[cfg(test)]
#[path = "default_spread_tests.rs"]
mod tests;
