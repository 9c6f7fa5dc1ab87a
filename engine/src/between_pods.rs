//! What a pod asks for with regard to other pods: even spread, nearness and distance.
//!
//! Selectors become numbers of pod sets here; from here on nobody reads a selector. Wishes are read like demands and told
//! apart by their place, since what a wish is worth is the scheduler's business (specification "scheduling" 4.9).

use crate::label_selector::SelectorError;
use crate::peers::PodSets;
use dovetail_api::labels;
use dovetail_scheduler::problem::{PodTerm, PodTerms, Spread};
use k8s_openapi::api::core::v1::{
    Pod, PodAffinityTerm, PodAntiAffinity, TopologySpreadConstraint, WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// A rule between pods that makes no sense. An API server would not have let it in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A label selector cannot be read.
    #[error("{rule}: {selector}")]
    Selector {
        /// The rule, as in `topologySpreadConstraints[0]`.
        rule: String,
        /// What is wrong with its selector.
        selector: SelectorError,
    },
    /// Another field of it cannot be used.
    #[error("{rule}.{field}: {problem}")]
    Field {
        /// The rule, as in `topologySpreadConstraints[0]`.
        rule: String,
        /// The field.
        field: &'static str,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
}

/// The rules of a pod between it and others. The sets in it are numbered by the [`PodSets`] that they were read with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// How evenly it is to be spread.
    pub(crate) spread: Vec<Spread>,
    /// Pods it wants to be near.
    pub(crate) affinity: PodTerms,
    /// Pods it wants to be away from.
    pub(crate) anti_affinity: PodTerms,
}

/// Reads the rules of a pod; `defaults` stand in for constraints of spread if it has none of its own.
///
/// # Errors
/// With the first rule that makes no sense.
pub(crate) fn of_pod(pod: &Pod, defaults: &[TopologySpreadConstraint], sets: &mut PodSets) -> Result<Rules, RuleError> {
    let Some(spec) = &pod.spec else { return Ok(Rules::default()) };
    let own = spec.topology_spread_constraints.as_deref().unwrap_or_default();
    let constraints = if own.is_empty() { defaults } else { own };
    let spread = constraints
        .iter()
        .enumerate()
        .map(|(i, constraint)| spread(&pod.metadata, constraint, &format!("topologySpreadConstraints[{i}]"), sets));
    let spread = spread.collect::<Result<_, _>>()?;
    let affinity = spec.affinity.as_ref();
    let near = affinity.and_then(|a| a.pod_affinity.as_ref());
    let far = affinity.and_then(|a| a.pod_anti_affinity.as_ref());
    let mut reader = Terms { pod: &pod.metadata, sets };
    Ok(Rules {
        spread,
        affinity: PodTerms {
            required: reader.required(
                "affinity.podAffinity",
                near.and_then(|a| a.required_during_scheduling_ignored_during_execution.as_deref()),
            )?,
            preferred: reader.preferred(
                "affinity.podAffinity",
                near.and_then(|a| a.preferred_during_scheduling_ignored_during_execution.as_deref()),
            )?,
        },
        anti_affinity: PodTerms {
            required: reader.required("affinity.podAntiAffinity", far.and_then(required))?,
            preferred: reader.preferred(
                "affinity.podAntiAffinity",
                far.and_then(|a| a.preferred_during_scheduling_ignored_during_execution.as_deref()),
            )?,
        },
    })
}

/// Whom a pod keeps away from where it runs: its required anti-affinity, with what cannot be read of it.
pub(crate) fn repelled_by(pod: &Pod, sets: &mut PodSets) -> (Vec<PodTerm>, Vec<RuleError>) {
    let affinity = pod.spec.as_ref().and_then(|s| s.affinity.as_ref());
    let terms = affinity.and_then(|a| a.pod_anti_affinity.as_ref()).and_then(required);
    let mut reader = Terms { pod: &pod.metadata, sets };
    let (mut out, mut errors) = (vec![], vec![]);
    for (i, term) in terms.into_iter().flatten().enumerate() {
        match reader.term(term, || path("affinity.podAntiAffinity", REQUIRED, i)) {
            Ok(term) => out.push(term),
            Err(error) => errors.push(error),
        }
    }
    out.sort();
    out.dedup();
    (out, errors)
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn path(affinity: &str, list: &str, i: usize) -> String {
    format!("{affinity}.{list}[{i}]")
}

fn required(anti_affinity: &PodAntiAffinity) -> Option<&[PodAffinityTerm]> {
    anti_affinity.required_during_scheduling_ignored_during_execution.as_deref()
}

/// A reader of the terms of one pod.
struct Terms<'a> {
    pod: &'a ObjectMeta,
    sets: &'a mut PodSets,
}

impl Terms<'_> {
    fn required(&mut self, affinity: &str, terms: Option<&[PodAffinityTerm]>) -> Result<Vec<PodTerm>, RuleError> {
        let terms = terms.unwrap_or_default().iter().enumerate();
        terms.map(|(i, term)| self.term(term, || path(affinity, REQUIRED, i))).collect()
    }

    fn preferred(
        &mut self,
        affinity: &str,
        terms: Option<&[WeightedPodAffinityTerm]>,
    ) -> Result<Vec<(i32, PodTerm)>, RuleError> {
        let terms = terms.unwrap_or_default().iter().enumerate();
        let mut read = |i, wish: &WeightedPodAffinityTerm| {
            let term = self.term(&wish.pod_affinity_term, || path(affinity, PREFERRED, i) + ".podAffinityTerm")?;
            Ok((wish.weight, term))
        };
        terms.map(|(i, wish)| read(i, wish)).collect()
    }

    fn term(&mut self, term: &PodAffinityTerm, rule: impl Fn() -> String) -> Result<PodTerm, RuleError> {
        let key = topology_key(&term.topology_key, &rule)?;
        let peers = self.sets.of_term(self.pod, term);
        let peers = peers.map_err(|selector| RuleError::Selector { rule: rule(), selector })?;
        Ok(PodTerm { key: key.into(), peers })
    }
}

/// The label that makes the domains, whichever of its names it goes by.
fn topology_key(key: &str, rule: impl Fn() -> String) -> Result<&str, RuleError> {
    if key.is_empty() {
        let problem = "is missing: name the label that makes a domain, such as topology.kubernetes.io/zone".to_owned();
        return Err(RuleError::Field { rule: rule(), field: "topologyKey", problem });
    }
    Ok(labels::normalize(key))
}

fn spread(
    pod: &ObjectMeta,
    constraint: &TopologySpreadConstraint,
    rule: &str,
    sets: &mut PodSets,
) -> Result<Spread, RuleError> {
    let bad = |field, problem: String| RuleError::Field { rule: rule.to_owned(), field, problem };
    let positive = |field, number: i32| {
        let number = u32::try_from(number).ok().filter(|n| *n > 0);
        number.ok_or_else(|| bad(field, "must be greater than 0".to_owned()))
    };
    let key = topology_key(&constraint.topology_key, || rule.to_owned())?;
    let required = match constraint.when_unsatisfiable.as_str() {
        "DoNotSchedule" => true,
        "ScheduleAnyway" => false,
        other => {
            return Err(bad("whenUnsatisfiable", format!("unknown {other:?}: use DoNotSchedule or ScheduleAnyway")));
        }
    };
    let honors = |field, policy: Option<&str>, by_default| match policy {
        None | Some("") => Ok(by_default),
        Some("Honor") => Ok(true),
        Some("Ignore") => Ok(false),
        Some(other) => Err(bad(field, format!("unknown policy {other:?}: use Honor or Ignore"))),
    };
    let min_domains = match constraint.min_domains {
        Some(_) if !required => {
            return Err(bad("minDomains", "can only be used with whenUnsatisfiable: DoNotSchedule".to_owned()));
        }
        Some(number) => Some(positive("minDomains", number)?),
        None => None,
    };
    let peers = sets.of_spread(pod, constraint);
    Ok(Spread {
        key: key.into(),
        peers: peers.map_err(|selector| RuleError::Selector { rule: rule.to_owned(), selector })?,
        max_skew: positive("maxSkew", constraint.max_skew)?,
        min_domains,
        required,
        honors_selection: honors("nodeAffinityPolicy", constraint.node_affinity_policy.as_deref(), true)?,
        honors_taints: honors("nodeTaintsPolicy", constraint.node_taints_policy.as_deref(), false)?,
    })
}

#[cfg(test)]
#[path = "between_pods_tests.rs"]
mod tests;
