//! Which pods go nowhere, and why, as text for people: pods with the same reasons together, and among them the pods of a
//! workload as one. Reasons are the same if they differ in amounts at most: a thousand pods that are all too large are one
//! thing to know, not a thousand. The reasons themselves are found and worded elsewhere.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write as _};
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use dovetail_engine::objects::Objects;
use dovetail_engine::pods;
use dovetail_engine::provisioning::Round;
use dovetail_scheduler::plan::Plan;
use dovetail_scheduler::problem::{PodClass, Problem};
use dovetail_scheduler::reasons::{PodRule, Refusal, Rule, Unplaced, Words};

use super::table::counted;

/// How many pods that belong to no workload are named, of those with the same reasons.
const PODS_NAMED: usize = 3;
/// How many workloads are named, of those with the same reasons.
const WORKLOADS_NAMED: usize = 10;
/// How many different reasons are told in full.
const REASONS_TOLD: usize = 20;

const ALARM: Style = AnsiColor::Red.on_default().bold();

/// Pods with the same reasons.
struct Group<'p> {
    /// The reasons of the first.
    why: Vec<Words>,
    /// Whether those of another differ in amounts.
    others_differ: bool,
    pods: Vec<&'p str>,
}

/// Writes the paragraph; nothing if every pod has a place.
pub(super) fn write(out: &mut String, objects: &Objects, round: &Round, plan: &Plan) -> fmt::Result {
    let groups = groups(round, plan);
    if groups.is_empty() {
        return Ok(());
    }
    let workloads = workloads(objects, groups.iter().flat_map(|group| group.pods.iter().copied()).collect());
    let pods = groups.iter().map(|group| group.pods.len()).sum();
    writeln!(out, "\n{ALARM}{} not placed{ALARM:#}", counted(pods, "pod"))?;
    for Group { why, others_differ, pods } in groups.iter().take(REASONS_TOLD) {
        for line in named(pods, &workloads) {
            writeln!(out, "  {line}")?;
        }
        for Words { head, details } in why {
            match details.as_slice() {
                [] => writeln!(out, "    {head}")?,
                [only] => writeln!(out, "    {head}: {only}")?,
                several => {
                    writeln!(out, "    {head}")?;
                    several.iter().try_for_each(|detail| writeln!(out, "      {detail}"))?;
                }
            }
        }
        if *others_differ {
            writeln!(out, "    (figures as for {}; those of others differ)", pods[0])?;
        }
    }
    if let Some(rest) = groups.get(REASONS_TOLD..).filter(|rest| !rest.is_empty()) {
        let pods = rest.iter().map(|group| group.pods.len()).sum();
        let reasons = counted(rest.len(), "further reason");
        writeln!(out, "  and {} for {reasons}, which -o json tells", counted(pods, "pod"))?;
    }
    Ok(())
}

/// The pods by their reasons, in the order of the first pod of each group.
fn groups<'p>(round: &'p Round, plan: &'p Plan) -> Vec<Group<'p>> {
    let problem = &round.problem;
    let mut groups: Vec<Group<'p>> = vec![];
    let mut alike: HashMap<Vec<String>, usize> = HashMap::new();
    let mut join = |groups: &mut Vec<Group<'p>>, alike_in: Vec<String>, why: Vec<Words>| {
        let group = *alike.entry(alike_in).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(known) => known.others_differ |= known.why != why,
            None => groups.push(Group { why, others_differ: false, pods: vec![] }),
        }
        group
    };
    // The pods of a class have their reasons in common.
    let mut known: HashMap<(*const Unplaced, usize), usize> = HashMap::new();
    for (pod, why) in &plan.unplaced {
        let pod = &problem.pods[*pod];
        let group = *known.entry((Arc::as_ptr(why), pod.class)).or_insert_with(|| {
            join(&mut groups, likeness(problem, why), why.explain_all(problem, &problem.classes[pod.class]))
        });
        groups[group].pods.push(&pod.name);
    }
    for (pod, why) in &round.rejected {
        let why = why.to_string();
        let group = join(&mut groups, vec![why.clone()], vec![why.into()]);
        groups[group].pods.push(pod);
    }
    groups
}

/// What reasons have in common that differ in figures only, in no words that anybody reads.
fn likeness(problem: &Problem, why: &Unplaced) -> Vec<String> {
    let of_refusal = |(pool, refusal): &(usize, Refusal)| match refusal {
        Refusal::NoInstanceType(lack) => {
            let rules: Vec<String> = lack.excluded.groups.iter().map(|group| likeness_of_rule(&group.rule)).collect();
            let few: Vec<&str> = lack.min_values.iter().map(|few| few.key.as_ref()).collect();
            format!("{pool} {rules:?} {few:?}")
        }
        Refusal::BetweenPods(rule) => format!("{pool} {} {}", likeness_of_pod_rule(rule.rule), rule.key),
        // What is to be said of any other refusal is said without figures.
        plain => format!("{pool} {}", plain.explain(problem, *pool, &PodClass::default())),
    };
    match why {
        Unplaced::NotYetSupported(rules) => vec![format!("{rules:?}")],
        Unplaced::NoPools => vec![String::new()],
        Unplaced::Refused(refusals) => refusals.iter().map(of_refusal).collect(),
        Unplaced::Deferred(refusals) => {
            std::iter::once("later".to_owned()).chain(refusals.iter().map(of_refusal)).collect()
        }
    }
}

fn likeness_of_rule(rule: &Rule) -> String {
    match rule {
        Rule::Label { key, asked, .. } => format!("label {key} {asked}"),
        Rule::NotOffered { asked } => format!("not offered {asked:?}"),
        Rule::Unavailable { asked } => format!("unavailable {asked:?}"),
        Rule::DaemonSets { resource } => format!("daemons {resource}"),
        Rule::Resource { resource, most, .. } => format!("resource {resource} {}", *most > 0),
        Rule::HostPort(port) => format!("port {port:?}"),
        Rule::VolumeLimit { driver, .. } => format!("volumes {driver}"),
        Rule::Limit { resource, .. } => format!("limit {resource}"),
    }
}

const fn likeness_of_pod_rule(rule: PodRule) -> &'static str {
    match rule {
        PodRule::Spread { .. } => "spread",
        PodRule::Affinity => "affinity",
        PodRule::AntiAffinity => "anti-affinity",
        PodRule::Repelled => "repelled",
    }
}

/// Namespace, kind and name of the controller of each of these pods that has one, by namespace and name of the pod.
fn workloads<'o>(objects: &'o Objects, wanted: HashSet<&str>) -> HashMap<String, (&'o str, &'o str, &'o str)> {
    let with_controller = objects.pods.iter().filter_map(|pod| {
        let owner = pods::controller(&pod.metadata)?;
        let namespace = pods::namespace(&pod.metadata);
        Some((pods::name(pod), (namespace, owner.kind.as_str(), owner.name.as_str())))
    });
    with_controller.filter(|(name, _)| wanted.contains(name.as_str())).collect()
}

/// The pods, in lines: one for each workload, and one for those that have none.
fn named<W: Copy + Eq + std::hash::Hash>(pods: &[&str], workloads: &HashMap<String, W>) -> Vec<String> {
    let mut lone: Vec<&str> = Vec::new();
    let mut grouped: Vec<(&str, usize)> = Vec::new();
    let mut known: HashMap<W, usize> = HashMap::new();
    for pod in pods {
        let Some(workload) = workloads.get(*pod) else {
            lone.push(pod);
            continue;
        };
        let at = *known.entry(*workload).or_insert_with(|| {
            grouped.push((pod, 0));
            grouped.len() - 1
        });
        grouped[at].1 += 1;
    }
    let mut lines: Vec<String> = grouped
        .iter()
        .take(WORKLOADS_NAMED)
        .map(|(first, pods)| match pods {
            1 => (*first).to_owned(),
            more => format!("{first} and {}", counted(more - 1, "other")),
        })
        .collect();
    if let Some(rest) = grouped.get(WORKLOADS_NAMED..).filter(|rest| !rest.is_empty()) {
        let pods = rest.iter().map(|(_, pods)| pods).sum();
        lines.push(format!("and {} of {}", counted(pods, "pod"), counted(rest.len(), "more workload")));
    }
    if !lone.is_empty() {
        let first = lone.iter().take(PODS_NAMED).copied().collect::<Vec<_>>().join(", ");
        lines.push(match lone.len().saturating_sub(PODS_NAMED) {
            0 => first,
            more => format!("{first} and {more} more"),
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pods, and the workload of each: what stands before the last dash, unless that is `lone`.
    fn shown(pods: &[String]) -> Vec<String> {
        let workload = |pod: &String| pod.rsplit_once('-').map(|(workload, _)| workload.to_owned());
        let owned: Vec<(String, String)> =
            pods.iter().filter_map(|p| Some((p.clone(), workload(p).filter(|w| w != "lone")?))).collect();
        let workloads = owned.iter().map(|(pod, workload)| (pod.clone(), workload.as_str())).collect();
        let names: Vec<&str> = pods.iter().map(String::as_str).collect();
        named(&names, &workloads)
    }

    fn pods(workload: &str, n: usize) -> Vec<String> {
        (0..n).map(|i| format!("{workload}-{i}")).collect()
    }

    #[test]
    fn a_workload_is_one_line_and_lone_pods_share_one() {
        let all = [pods("web", 30), pods("lone", 5), pods("api", 2), pods("one", 1)].concat();
        let expected = ["web-0 and 29 others", "api-0 and 1 other", "one-0", "lone-0, lone-1, lone-2 and 2 more"];
        assert_eq!(shown(&all), expected);
        assert_eq!(shown(&pods("lone", 2)), ["lone-0, lone-1"]);
    }

    #[test]
    fn of_very_many_workloads_the_first_are_named() {
        let all: Vec<String> = (0..12).flat_map(|n| pods(&format!("app{n}"), 2)).collect();
        let lines = shown(&all);
        assert_eq!(lines.len(), WORKLOADS_NAMED + 1);
        assert_eq!(lines.last().map(String::as_str), Some("and 4 pods of 2 more workloads"));
    }
}
