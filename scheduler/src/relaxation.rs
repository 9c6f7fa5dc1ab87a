//! Giving up preferences: the readings of what a pod asks for, from the strictest to the most forgiving.
//!
//! A pod is tried with all its wishes; each failure drops one, in a fixed order (specification "scheduling" 4.12):
//! required terms from the front down to the last, then preferred node affinity from the heaviest, then taints that only
//! prefer pods to stay away. Preferences between pods are part of the topology rules and join here with them.

use crate::problem::{NodeSelection, PodClass, PreferencePolicy};
use crate::requirements::Requirements;
use crate::taint::{Effect, Toleration};

/// One reading of what a pod asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) requirements: Requirements,
    pub(crate) tolerations: Vec<Toleration>,
}

/// The readings of a class in the order in which they are tried.
///
/// Karpenter gives up required terms for good while it drops preferences, so that a pod whose last term cannot be met is
/// lost although its first could be, without the preference. Here every term gets a last chance without preferences.
pub(crate) fn readings(class: &PodClass, policy: PreferencePolicy, soft_taints: bool) -> Vec<Reading> {
    let terms = class.selection.strict();
    let last = terms.len() - 1; // a selection without terms has one reading: the node selector
    let preferred = heaviest_first(&class.selection, policy);

    let mut steps: Vec<(usize, Option<usize>, bool)> = vec![];
    steps.extend((0..=last).map(|term| (term, first(&preferred), false)));
    steps.extend((1..=preferred.len()).map(|p| (last, (p < preferred.len()).then_some(p), false)));
    let softened = soft_taints && !class.tolerations.iter().any(tolerates_all_soft_taints);
    if softened {
        steps.push((last, None, true));
    }
    if !preferred.is_empty() || softened {
        steps.extend((0..last).map(|term| (term, None, softened)));
    }

    let mut out: Vec<Reading> = vec![];
    for (term, preference, soft) in steps {
        let mut requirements = terms[term].clone();
        if let Some(p) = preference {
            requirements.add_all(preferred[p]);
        }
        let mut tolerations = class.tolerations.clone();
        if soft {
            tolerations.push(Toleration::of_effect(Effect::PreferNoSchedule));
        }
        let reading = Reading { requirements, tolerations };
        if !out.contains(&reading) {
            out.push(reading);
        }
    }
    out
}

fn first(preferred: &[&Requirements]) -> Option<usize> {
    (!preferred.is_empty()).then_some(0)
}

fn heaviest_first(selection: &NodeSelection, policy: PreferencePolicy) -> Vec<&Requirements> {
    if policy == PreferencePolicy::Ignore {
        return vec![];
    }
    let mut preferred: Vec<&(i32, Requirements)> = selection.preferred.iter().collect();
    preferred.sort_by_key(|(weight, _)| -i64::from(*weight)); // stable: equals stay in the manifest's order
    preferred.into_iter().map(|(_, term)| term).collect()
}

fn tolerates_all_soft_taints(toleration: &Toleration) -> bool {
    *toleration == Toleration::of_effect(Effect::PreferNoSchedule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requirement::Requirement;

    fn zone(z: &str) -> Requirements {
        [("topology.kubernetes.io/zone", Requirement::any_of([z]))].into_iter().collect()
    }

    fn family(f: &str) -> Requirements {
        [("family", Requirement::any_of([f]))].into_iter().collect()
    }

    fn class(required: Vec<Requirements>, preferred: Vec<(i32, Requirements)>) -> PodClass {
        PodClass { selection: NodeSelection { required, preferred, ..Default::default() }, ..Default::default() }
    }

    fn asked(readings: &[Reading]) -> Vec<String> {
        readings.iter().map(|r| r.requirements.to_string()).collect()
    }

    #[test]
    fn a_pod_without_wishes_has_one_reading() {
        let readings = readings(&PodClass::default(), PreferencePolicy::Respect, false);
        assert_eq!(asked(&readings), [""]);
    }

    #[test]
    fn required_terms_go_first_then_preferences_from_the_heaviest_then_soft_taints() {
        let pod = class(vec![zone("a"), zone("b")], vec![(1, family("light")), (9, family("heavy"))]);
        let readings = readings(&pod, PreferencePolicy::Respect, true);
        assert_eq!(
            asked(&readings),
            [
                "family In [heavy], topology.kubernetes.io/zone In [a]",
                "family In [heavy], topology.kubernetes.io/zone In [b]",
                "family In [light], topology.kubernetes.io/zone In [b]",
                "topology.kubernetes.io/zone In [b]",
                "topology.kubernetes.io/zone In [b]",
                "topology.kubernetes.io/zone In [a]",
            ]
        );
        let softened: Vec<bool> = readings.iter().map(|r| !r.tolerations.is_empty()).collect();
        assert_eq!(softened, [false, false, false, false, true, true]);
    }

    #[test]
    fn ignored_preferences_are_never_tried() {
        let pod = class(vec![], vec![(1, zone("a"))]);
        assert_eq!(asked(&readings(&pod, PreferencePolicy::Ignore, false)), [""]);
    }
}
