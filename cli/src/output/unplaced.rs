//! Which pods go nowhere, and why, as text for people: pods with the same reasons together, and among them the pods of a
//! workload as one. The reasons themselves are found and worded elsewhere.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Style};
use dovetail_engine::objects::Objects;
use dovetail_engine::pods;
use dovetail_engine::provisioning::Round;
use dovetail_scheduler::plan::Plan;

use super::table::counted;

/// How many pods that belong to no workload are named, of those with the same reasons.
const PODS_NAMED: usize = 3;
/// How many workloads are named, of those with the same reasons.
const WORKLOADS_NAMED: usize = 10;

const ALARM: Style = AnsiColor::Red.on_default().bold();

/// Writes the paragraph; nothing if every pod has a place.
pub(super) fn write(out: &mut String, objects: &Objects, round: &Round, plan: &Plan) -> fmt::Result {
    let problem = &round.problem;
    let unplaced = plan
        .unplaced
        .iter()
        .map(|(pod, why)| (&*problem.pods[*pod].name, why.explain_all(problem, problem.class_of(*pod))));
    let rejected = round.rejected.iter().map(|(pod, why)| (pod.as_str(), vec![why.to_string()]));
    // In the order of the first pod of each group.
    let mut groups: Vec<(Vec<String>, Vec<&str>)> = Vec::new();
    let mut known: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for (pod, why) in unplaced.chain(rejected) {
        let group = *known.entry(why.clone()).or_insert_with(|| {
            groups.push((why, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(pod);
    }
    if groups.is_empty() {
        return Ok(());
    }
    let workloads = workloads(objects, groups.iter().flat_map(|(_, pods)| pods.iter().copied()).collect());
    let pods = groups.iter().map(|(_, pods)| pods.len()).sum();
    writeln!(out, "\n{ALARM}{} not placed{ALARM:#}", counted(pods, "pod"))?;
    for (why, pods) in &groups {
        for line in named(pods, &workloads) {
            writeln!(out, "  {line}")?;
        }
        for reason in why {
            writeln!(out, "    {reason}")?;
        }
    }
    Ok(())
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
