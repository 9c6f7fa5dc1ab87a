//! How a reason reads to programs: the words of Karpenter's `FailedScheduling` events and error logs, which alerts and
//! dashboards look for. The words are a contract and not ours; what they cannot say, [`Unplaced::explain`] says.
//!
//! Three things differ from Karpenter's on purpose: lists that it prints in random order are sorted; a rule that this
//! version cannot keep, which Karpenter has no words for, is told in our own; and a pool that both refuses the pod and has
//! reached its limits is told of by the refusal, which more money would not mend.

use super::{BetweenPods, DaemonRange, DomainCounts, Met, NoInstanceType, PodRule, Refusal, Reserved, Unplaced};
use crate::problem::{NodePool, PodClass, Problem};
use crate::requirement::{Name, Requirement};
use crate::requirements::{Incompatible, Requirements};
use crate::resources::{CPU, Resources, show};
use crate::taint::Taint;
use dovetail_api::events::scheduling::FAILED_SCHEDULING;
use dovetail_api::labels::{HOSTNAME, INITIALIZED, REGISTERED};

/// How an engine names claims for devices in [`PodClass::unsupported`]: the one such rule that Karpenter has words for.
pub const RESOURCE_CLAIMS: &str = "resource claims";

/// A million cores, in thousandths: whoever asks for so many probably meant thousandths.
const SURELY_A_TYPING_ERROR: i64 = 1_000_000 * 1000;

impl Unplaced {
    /// The message of the `FailedScheduling` event (specification "scheduling" 4.16), cut to the length that Kubernetes
    /// takes. None where Karpenter says nothing: without pools, and while the pod waits for reserved capacity.
    pub fn event(&self, problem: &Problem, class: &PodClass) -> Option<String> {
        let error = self.error(problem, class)?;
        Some(FAILED_SCHEDULING.message(&[("error", &error)]))
    }

    /// The error inside the event, in full, as Karpenter logs it.
    pub fn error(&self, problem: &Problem, class: &PodClass) -> Option<String> {
        match self {
            Self::NoPools | Self::Deferred(_) => None,
            Self::NotYetSupported(rules) if rules.iter().any(|rule| rule.as_ref() == RESOURCE_CLAIMS) => Some(
                "pod has Dynamic Resource Allocation requirements that are not yet supported by Karpenter".to_owned(),
            ),
            Self::NotYetSupported(_) => Some(self.explain(problem, class)),
            Self::Refused(refusals) => {
                let errors: Vec<String> = refusals
                    .iter()
                    .filter_map(|(pool, refusal)| refusal.error(problem.pools.get(*pool)?, class))
                    .collect();
                // A pool without types is not asked, so it has no error of its own.
                let none_asked = || "nodepool requirements filtered out all available instance types".to_owned();
                Some(if errors.is_empty() { none_asked() } else { errors.join("; ") })
            }
        }
    }
}

impl Refusal {
    fn error(&self, pool: &NodePool, class: &PodClass) -> Option<String> {
        Some(match self {
            Self::EmptyPool(_) => return None,
            Self::Taints(taints) => taints.iter().map(taint).collect::<Vec<_>>().join("; "),
            Self::Selection(why) => format!("incompatible requirements, {}", incompatible(why)),
            Self::NodeLimit => format!("node limits have been exhausted for nodepool (NodePool={})", pool.name),
            // One after the other is tried, and the error of the last is kept.
            Self::Volumes(places) => {
                format!("incompatible volume requirements, {}", places.last().map(incompatible).unwrap_or_default())
            }
            Self::BetweenPods(rule) => rule.error(),
            Self::NoCommonDomain(rules) => rules.first().map(BetweenPods::in_common).unwrap_or_default(),
            Self::NoInstanceType(lack) => lack.error(pool, class),
            Self::Reserved(Reserved::Spoken(_)) => "one or more instance types with compatible reserved offerings are \
                available, but could not be reserved"
                .to_owned(),
            Self::Reserved(Reserved::Full(_)) => {
                "all compatible reserved offerings are full and no on-demand or spot fallback is available".to_owned()
            }
        })
    }
}

fn taint(taint: &Taint) -> String {
    format!("did not tolerate taint (taint={taint})")
}

/// The text of the algebra is Karpenter's already.
fn incompatible(why: &Incompatible) -> String {
    why.to_string()
}

impl BetweenPods {
    fn error(&self) -> String {
        let rule = match self.rule {
            PodRule::Spread { .. } => "topology spread",
            PodRule::Affinity => "pod affinity",
            PodRule::AntiAffinity | PodRule::Repelled => "pod anti-affinity",
        };
        let key = &self.key;
        // No parenthesis closes the one that opens: so it is, and so it is looked for.
        format!(
            "unsatisfiable topology constraint for {rule}, key={key} (counts = {}, podDomains = {key} {}, nodeDomains = \
             {key} {}",
            counts(&self.counts),
            self.asked,
            self.offered
        )
    }

    /// When several rules leave nothing in common, the label has to be absent.
    fn in_common(&self) -> String {
        let key = &self.key;
        format!("key {key}, {key} {} not in {key} {}", Requirement::absent(), self.offered)
    }
}

fn counts(counts: &DomainCounts) -> String {
    let listed: Vec<String> = counts.listed().iter().map(|(domain, n)| format!("{domain}: {n}")).collect();
    let mut text = listed.join(", ");
    if counts.others() > 0 {
        text += &format!(" and {} other(s)", counts.others());
    }
    text
}

impl NoInstanceType {
    fn error(&self, pool: &NodePool, class: &PodClass) -> String {
        if !self.met.limits {
            return format!("all available instance types exceed limits for nodepool (NodePool={})", pool.name);
        }
        let suffix =
            format!(", requirements={}, resources={}", asked(pool, &self.asked), self.daemons.with(&class.requests));
        if !self.min_values.is_empty() {
            let keys: Vec<&str> = self.min_values.iter().map(|few| few.key.as_ref()).collect();
            return format!("minValues requirement is not met for label(s) (label(s)=[{}]){suffix}", keys.join(" "));
        }
        let text = self.met.error() + &suffix;
        if self.met.only_resources_are_short() && class.requests.get(CPU) >= SURELY_A_TYPING_ERROR {
            return text + " (CPU request >= 1 Million, m vs M typo?)";
        }
        text
    }
}

impl Met {
    const fn only_resources_are_short(self) -> bool {
        self.labels && self.offering && !self.resources
    }

    /// The text for the criteria that no type met (specification "scheduling" 4.7).
    fn error(self) -> String {
        let text = match (self.labels, self.resources, self.offering) {
            (false, false, false) => {
                "no instance type met the scheduling requirements or had enough resources or had a required offering"
            }
            (false, false, true) => "no instance type met the scheduling requirements or had enough resources",
            (false, true, false) => "no instance type met the scheduling requirements or had a required offering",
            (true, false, false) => "no instance type had enough resources or had a required offering",
            (false, true, true) => "no instance type met all requirements",
            (true, false, true) => "no instance type has enough resources",
            (true, true, false) => "no instance type has the required offering",
            // Each criterion was met by some type. One that was large enough had an offering as well, for Karpenter counts
            // it so; if it had had the labels, it would do. So of the texts about two criteria it is always this one.
            (true, true, true) => {
                "no instance type which had enough resources and the required offering met the scheduling requirements"
            }
        };
        text.to_owned()
    }
}

/// What a claim would be like: the pool's requirements and the pod's, without the host name.
fn asked(pool: &NodePool, pod: &Requirements) -> String {
    let mut all = pool.requirements.and(pod);
    // Karpenter's simulated nodes have them from the start.
    for label in [REGISTERED, INITIALIZED] {
        all.add(label, Requirement::exactly("true"));
    }
    let mut lines: Vec<String> = all
        .iter()
        .filter(|(key, _)| key.as_ref() != HOSTNAME)
        .map(|(key, requirement)| format!("{key} {requirement}"))
        .collect();
    lines.sort_unstable();
    lines.join(", ")
}

impl DaemonRange {
    /// What a node has to hold for a pod, DaemonSets included.
    fn with(&self, requests: &Resources) -> String {
        let total = |daemons: &Resources| {
            let mut sum = requests.clone();
            sum.add(daemons);
            as_json(&sum)
        };
        let (least, most) = (total(&self.least), total(&self.most));
        if least == most { least } else { format!("min={least}, max={most}") }
    }
}

/// Resource names and quantities are plain ASCII without quotes, so that nothing has to be escaped.
fn as_json(resources: &Resources) -> String {
    let entry = |(name, amount): (&Name, i64)| format!("\"{name}\":\"{}\"", show(name, amount));
    format!("{{{}}}", resources.iter().map(entry).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
