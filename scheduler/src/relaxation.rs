//! Giving up preferences: the readings of what a pod asks for, from the strictest to the most forgiving.
//!
//! A pod is tried with all its wishes; each failure drops one, in a fixed order (specification "scheduling" 4.12):
//! required terms from the front down to the last, then preferred pod affinity, preferred pod anti-affinity and preferred
//! node affinity, each from the heaviest, then spreading that is only wished for, then taints that only prefer pods to
//! stay away. Where other pods are is not known here.

use crate::problem::{PodClass, PodTerm, PreferencePolicy, Spread};
use crate::requirements::Requirements;
use crate::taint::{Effect, Toleration};

/// One reading of what a pod asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) requirements: Requirements,
    pub(crate) tolerations: Vec<Toleration>,
    pub(crate) spread: Vec<Spread>,
    /// The pods to be near, what is required first.
    pub(crate) near: Vec<PodTerm>,
    /// The pods to be away from, what is required first.
    pub(crate) away: Vec<PodTerm>,
}

/// How much has been given up.
#[derive(Clone)]
struct Step {
    term: usize,
    near: usize,
    away: usize,
    preferred: usize,
    spread: Vec<usize>,
    soft: bool,
}

/// The readings of a class in the order in which they are tried.
///
/// Karpenter gives up required terms for good while it drops preferences, so that a pod whose last term cannot be met is
/// lost although its first could be, without the preference. Here every term gets a last chance without preferences.
pub(crate) fn readings(class: &PodClass, policy: PreferencePolicy, soft_taints: bool) -> Vec<Reading> {
    let terms = class.selection.strict();
    let last = terms.len() - 1; // a selection without terms has one reading: the node selector
    let respect = policy == PreferencePolicy::Respect;
    let preferred = heaviest_first(&class.selection.preferred, respect);
    let near = heaviest_first(&class.affinity.preferred, respect);
    let away = heaviest_first(&class.anti_affinity.preferred, respect);
    let wanted = |s: &Spread| s.required || respect;
    let spread: Vec<usize> = (0..class.spread.len()).filter(|s| wanted(&class.spread[*s])).collect();

    let mut at = Step { term: 0, near: 0, away: 0, preferred: 0, spread, soft: false };
    let mut steps = vec![at.clone()];
    for term in 1..=last {
        at.term = term;
        steps.push(at.clone());
    }
    for dropped in 1..=near.len() {
        at.near = dropped;
        steps.push(at.clone());
    }
    for dropped in 1..=away.len() {
        at.away = dropped;
        steps.push(at.clone());
    }
    for dropped in 1..=preferred.len() {
        at.preferred = dropped;
        steps.push(at.clone());
    }
    while let Some(wish) = at.spread.iter().position(|s| !class.spread[*s].required) {
        at.spread.swap_remove(wish);
        steps.push(at.clone());
    }
    if soft_taints && !class.tolerations.iter().any(tolerates_all_soft_taints) {
        at.soft = true;
        steps.push(at.clone());
    }
    if steps.len() > last + 1 {
        steps.extend((0..last).map(|term| Step { term, ..at.clone() }));
    }

    let mut out: Vec<Reading> = vec![];
    for step in steps {
        let mut requirements = terms[step.term].clone();
        if let Some(heaviest) = preferred.get(step.preferred) {
            requirements.add_all(heaviest);
        }
        let mut tolerations = class.tolerations.clone();
        if step.soft {
            tolerations.push(Toleration::of_effect(Effect::PreferNoSchedule));
        }
        let with = |required: &[PodTerm], wishes: &[&PodTerm]| -> Vec<PodTerm> {
            required.iter().chain(wishes.iter().copied()).cloned().collect()
        };
        let reading = Reading {
            requirements,
            tolerations,
            spread: step.spread.iter().map(|s| class.spread[*s].clone()).collect(),
            near: with(&class.affinity.required, &near[step.near..]),
            away: with(&class.anti_affinity.required, &away[step.away..]),
        };
        if !out.contains(&reading) {
            out.push(reading);
        }
    }
    out
}

fn heaviest_first<T>(wishes: &[(i32, T)], respect: bool) -> Vec<&T> {
    if !respect {
        return vec![];
    }
    let mut wishes: Vec<&(i32, T)> = wishes.iter().collect();
    wishes.sort_by_key(|(weight, _)| -i64::from(*weight)); // stable: equals stay in the manifest's order
    wishes.into_iter().map(|(_, wish)| wish).collect()
}

fn tolerates_all_soft_taints(toleration: &Toleration) -> bool {
    *toleration == Toleration::of_effect(Effect::PreferNoSchedule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{NodeSelection, PodTerms};
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

    #[test]
    fn wishes_about_pods_go_before_those_about_nodes_and_spreading_goes_last() {
        let peers = |peers| PodTerm { key: "zone".into(), peers };
        let even = |key: &str, required| Spread { required, ..Spread::evenly(key, 0, 1) };
        let pod = PodClass {
            affinity: PodTerms { required: vec![peers(0)], preferred: vec![(1, peers(1)), (2, peers(2))] },
            anti_affinity: PodTerms { required: vec![], preferred: vec![(1, peers(3))] },
            spread: vec![even("wish", false), even("must", true), even("other wish", false)],
            ..class(vec![], vec![(1, zone("a"))])
        };
        let told: Vec<String> = readings(&pod, PreferencePolicy::Respect, false)
            .iter()
            .map(|r| {
                let sets = |terms: &[PodTerm]| terms.iter().map(|t| t.peers.to_string()).collect::<Vec<_>>().join("");
                let spread: Vec<&str> = r.spread.iter().map(|s| &*s.key).collect();
                format!("{}/{}/{}/{}", sets(&r.near), sets(&r.away), r.requirements.iter().count(), spread.join(","))
            })
            .collect();
        assert_eq!(
            told,
            [
                "021/3/1/wish,must,other wish",
                "01/3/1/wish,must,other wish",
                "0/3/1/wish,must,other wish",
                "0//1/wish,must,other wish",
                "0//0/wish,must,other wish",
                "0//0/other wish,must",
                "0//0/must",
            ]
        );
    }
}
