//! How a reason reads to people: one clause for each pool, in plain words, with the figures that tell what to change.

use super::{BetweenPods, Excluded, Group, NoInstanceType, PodRule, Refusal, Reserved, Rule, TooFewValues, Unplaced};
use crate::problem::{HostPort, PodClass, Problem};
use crate::requirement::{Name, Requirement};
use crate::requirements::Incompatible;
use crate::resources::show;
use dovetail_api::labels::{CAPACITY_TYPE, HOSTNAME, ZONE};
use std::fmt::{self, Write as _};

/// A reason in plain words: what is the matter, and where there is more to it, the particulars one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Words {
    /// What is the matter.
    pub head: String,
    /// The particulars.
    pub details: Vec<String>,
}

impl From<String> for Words {
    fn from(head: String) -> Self {
        Self { head, details: vec![] }
    }
}

/// All in one line: `head: one; the other`.
impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head)?;
        for (i, detail) in self.details.iter().enumerate() {
            write!(f, "{}{detail}", if i == 0 { ": " } else { "; " })?;
        }
        Ok(())
    }
}

impl Unplaced {
    /// One line in plain words.
    pub fn explain(&self, problem: &Problem, class: &PodClass) -> String {
        self.explain_all(problem, class).iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    /// The same in parts: one for each pool that was asked, or a single one where it is not about pools.
    pub fn explain_all(&self, problem: &Problem, class: &PodClass) -> Vec<Words> {
        match self {
            Self::NotYetSupported(rules) => {
                vec![format!("not placed, because this version cannot keep its {} yet", list(rules)).into()]
            }
            Self::NoPools => vec!["there is no NodePool to buy a node from".to_owned().into()],
            Self::Refused(refusals) | Self::Deferred(refusals) => {
                refusals.iter().map(|(pool, refusal)| refusal.explain(problem, *pool, class)).collect()
            }
        }
    }
}

impl Refusal {
    /// What this pool, given by its index in the problem, has against the pod.
    pub fn explain(&self, problem: &Problem, pool: usize, class: &PodClass) -> Words {
        let pool = problem.pools.get(pool).map_or("?", |p| &p.name);
        let (head, details) = match self {
            Self::EmptyPool(excluded) => {
                let all = excluded.types;
                let head =
                    format!("pool {pool}: its own requirements rule out all {all} instance types of its node class");
                (head, groups(&excluded.groups))
            }
            Self::Taints(taints) => {
                let taints = plural("taint", taints.len(), &list(taints));
                (format!("pool {pool}: the pod does not tolerate {taints}"), vec![])
            }
            Self::Selection(why) => (format!("pool {pool}: {}", selection(why, "the pod")), vec![]),
            Self::NodeLimit => (format!("pool {pool}: it may have no more nodes (spec.limits.nodes)"), vec![]),
            Self::Volumes(places) => (
                format!("pool {pool}: it has no node where the volumes of the pod are"),
                places.iter().map(|why| selection(why, "a volume")).collect(),
            ),
            Self::BetweenPods(rule) => (format!("pool {pool}: {}", rule.explain(problem)), vec![]),
            Self::NoCommonDomain(rules) => (
                format!("pool {pool}: the rules about other pods leave no place in common"),
                rules.iter().map(|rule| rule.explain_allowed(problem)).collect(),
            ),
            Self::NoInstanceType(lack) => lack.explain(pool, class),
            Self::Reserved(why) => (format!("pool {pool}: {}", why.explain()), vec![]),
        };
        Words { head, details }
    }
}

impl Reserved {
    fn explain(&self) -> String {
        match self {
            Self::Spoken(names) => format!(
                "waits for the next round, since other pods of this one may need all that is left of capacity {}",
                plural("reservation", names.len(), &list(names))
            ),
            Self::Full(names) => {
                let are = if names.len() == 1 { "is" } else { "are" };
                let reservations = plural("reservation", names.len(), &list(names));
                format!("capacity {reservations} {are} full, and nothing else would do")
            }
        }
    }
}

fn selection(why: &Incompatible, who: &str) -> String {
    match why {
        Incompatible::UndefinedLabel { key, hint } => {
            let mut text = format!("{who} selects by label {key}, which its nodes do not have");
            if let Some(hint) = hint {
                let _ = write!(text, " (did you mean {hint}?)");
            }
            text
        }
        Incompatible::NoCommonValue(clashes) => {
            let clashes: Vec<String> =
                clashes.iter().map(|c| format!("needs {} {}, has {}", c.key, c.asked, c.offered)).collect();
            clashes.join(", ")
        }
    }
}

impl BetweenPods {
    fn explain(&self, problem: &Problem) -> String {
        let key = &self.key;
        let peers = self.peers(problem);
        let counts = self.counts_in_words();
        match self.rule {
            PodRule::Spread { max_skew, min_domains } => {
                let least = min_domains.map_or(String::new(), |n| format!(" over at least {n} domains"));
                format!(
                    "spreading {peers} by {key}{least}, at most {max_skew} more in one than in the emptiest, leaves no \
                     place; there are {counts}"
                )
            }
            PodRule::Affinity => format!("no {key} that it has for the pod holds {peers}; there are {counts}"),
            PodRule::AntiAffinity => {
                format!(
                    "every {key} that it has for the pod may hold {peers}, which the pod keeps away from; there are {counts}"
                )
            }
            PodRule::Repelled => {
                format!("every {key} that it has for the pod may hold pods that keep {peers} away; there are {counts}")
            }
        }
    }

    fn explain_allowed(&self, problem: &Problem) -> String {
        let allowed = if self.allowed.is_empty() { "nowhere".to_owned() } else { list(&self.allowed) };
        let peers = self.peers(problem);
        let rule = match self.rule {
            PodRule::Spread { .. } => format!("spreading {peers}"),
            PodRule::Affinity => format!("nearness to {peers}"),
            PodRule::AntiAffinity => format!("distance from {peers}"),
            PodRule::Repelled => format!("the distance that others keep from {peers}"),
        };
        format!("{rule} allows {} {allowed}", self.key)
    }

    fn peers(&self, problem: &Problem) -> String {
        problem.peers.get(self.peers).map_or_else(|| "other pods".to_owned(), |set| format!("pods ({set})"))
    }

    /// On nodes the domains say little to people, in zones they are what it is about.
    fn counts_in_words(&self) -> String {
        if self.key.as_ref() == HOSTNAME {
            let nodes = self.counts.listed().len() + self.counts.others();
            return format!("{nodes} nodes to look at");
        }
        let mut text: Vec<String> = self.counts.listed().iter().map(|(domain, n)| format!("{n} in {domain}")).collect();
        if self.counts.others() > 0 {
            text.push(format!("and {} more domains", self.counts.others()));
        }
        if text.is_empty() { "none anywhere".to_owned() } else { text.join(", ") }
    }
}

impl NoInstanceType {
    fn explain(&self, pool: &str, class: &PodClass) -> (String, Vec<String>) {
        let Excluded { types, groups: out } = &self.excluded;
        if !self.min_values.is_empty() {
            let few = |few: &TooFewValues| format!("{} of at least {} values of {}", few.left, few.asked, few.key);
            let few = self.min_values.iter().map(few).collect::<Vec<_>>().join(" and ");
            let head = format!("pool {pool}: minValues cannot be kept, the types that fit leave only {few}");
            return (head, groups(out));
        }
        match out.as_slice() {
            [Group { rule: Rule::Resource { .. }, .. }] if self.scarce.iter().len() > 1 => {
                // The type with the most CPU need not be the one with the most memory.
                (format!("pool {pool}: of its {types} types none is large enough"), self.scarce(class, |_| true))
            }
            [only] => (only.rule.explain_alone(pool, *types, class), vec![]),
            several => {
                let told = |name: &str| {
                    let is_told =
                        |group: &Group| matches!(&group.rule, Rule::Resource { resource, .. } if &**resource == name);
                    several.iter().any(is_told)
                };
                let besides = self.scarce(class, |resource| !told(resource)).into_iter();
                let details = groups(several).into_iter().chain(besides.map(|lack| format!("besides, it {lack}")));
                (format!("pool {pool}: none of its {types} types will do"), details.collect())
            }
        }
    }

    /// What all types have too little of, of these resources.
    fn scarce(&self, class: &PodClass, of: impl Fn(&str) -> bool) -> Vec<String> {
        let lack = |(resource, most): (&Name, i64)| {
            let needs = format!("needs {resource} {}", show(resource, class.requests.get(resource)));
            match most {
                ..=0 => format!("{needs}, no type has it"),
                most => format!("{needs}, no type leaves more than {} to pods", show(resource, most)),
            }
        };
        self.scarce.iter().filter(|(resource, _)| of(resource)).map(lack).collect()
    }
}

fn groups(groups: &[Group]) -> Vec<String> {
    groups.iter().map(Group::explain).collect()
}

impl Group {
    /// One clause: which types, and what keeps them out.
    fn explain(&self) -> String {
        let more = self.types.saturating_sub(1);
        let which = if more == 0 { self.example.to_string() } else { format!("{} and {more} more", self.example) };
        let what = match &self.rule {
            Rule::Label { key, asked, has: Some(has) } => {
                let example = if more == 0 { "it".to_owned() } else { self.example.to_string() };
                format!("{key} is to be {asked}, {example} has {has}")
            }
            Rule::Label { key, asked, has: None } => format!("{key} is to be {asked}, there is none"),
            Rule::NotOffered { asked } if asked.is_empty() => "not sold at all".to_owned(),
            Rule::NotOffered { asked } => format!("{} not offered", places(asked)),
            Rule::Unavailable { asked } => format!("not available at the moment{}", of_places(asked)),
            Rule::DaemonSets { resource } => format!("DaemonSets need more {resource} than there is"),
            Rule::Resource { resource, asked, most: ..=0 } => {
                format!("needs {resource} {}, there is none", show(resource, *asked))
            }
            Rule::Resource { resource, asked, most } => {
                format!("needs {resource} {}, at most {} left to pods", show(resource, *asked), show(resource, *most))
            }
            Rule::HostPort(port) => format!("DaemonSets take host port {}", port_text(port)),
            Rule::VolumeLimit { driver, asked, most } => {
                format!("attaches {asked} volumes of {driver}, at most {most} possible")
            }
            Rule::Limit { resource, left } => {
                format!("larger than what spec.limits still allow, {}", still_allowed(resource, *left))
            }
        };
        format!("{which}: {what}")
    }
}

impl Rule {
    /// A sentence for a rule that keeps every type of a pool out.
    fn explain_alone(&self, pool: &str, all: usize, class: &PodClass) -> String {
        match self {
            Self::Label { key, asked, .. } => format!("pool {pool}: none of its {all} types has {key} {asked}"),
            Self::NotOffered { asked } if asked.is_empty() => {
                format!("pool {pool}: none of its {all} types is sold at all")
            }
            Self::NotOffered { asked } => format!("pool {pool}: none of its {all} types is sold{}", of_places(asked)),
            Self::Unavailable { asked } => {
                format!("pool {pool}: none of its {all} types is available at the moment{}", of_places(asked))
            }
            Self::DaemonSets { resource } => {
                format!("pool {pool}: DaemonSets need more {resource} than any of its {all} types has")
            }
            Self::Resource { resource, most, .. } => {
                let needs = format!("needs {resource} {}", show(resource, class.requests.get(resource)));
                if *most > 0 {
                    let most = show(resource, *most);
                    format!("{needs}; pool {pool}: the largest of its {all} types leaves {most} to pods")
                } else {
                    format!("{needs}; pool {pool}: none of its {all} types has it")
                }
            }
            Self::HostPort(port) => {
                format!("pool {pool}: DaemonSets take host port {} on all of its {all} types", port_text(port))
            }
            Self::VolumeLimit { driver, asked, most } => {
                format!(
                    "attaches {asked} volumes of {driver}; pool {pool}: none of its {all} types takes more than {most}"
                )
            }
            Self::Limit { resource, left } => format!(
                "pool {pool}: every type that fits is larger than what its spec.limits still allow: {}",
                still_allowed(resource, *left)
            ),
        }
    }
}

/// What is asked of an offering, as people call it.
fn places(asked: &[(Name, Requirement)]) -> String {
    let place = |(key, requirement): &(Name, Requirement)| {
        let called = match key.as_ref() {
            ZONE => "zone",
            CAPACITY_TYPE => "capacity type",
            _ => return format!("{key} {requirement}"),
        };
        match requirement.listed() {
            Some(values) if values.len() > 0 => format!("{called} {}", any(values)),
            _ => format!("{key} {requirement}"),
        }
    };
    asked.iter().map(place).collect::<Vec<_>>().join(" with ")
}

fn of_places(asked: &[(Name, Requirement)]) -> String {
    if asked.is_empty() { String::new() } else { format!(" in {}", places(asked)) }
}

/// `a`, `a or b`, `a, b or 3 others`.
fn any<'n>(values: impl ExactSizeIterator<Item = &'n Name>) -> String {
    const SHOWN: usize = 5;
    let others = values.len().saturating_sub(SHOWN);
    let mut shown: Vec<String> = values.take(SHOWN).map(ToString::to_string).collect();
    let last = if others > 0 { Some(format!("{others} others")) } else { shown.pop() };
    match (shown.is_empty(), last) {
        (false, Some(last)) => format!("{} or {last}", shown.join(", ")),
        (true, last) => last.unwrap_or_default(),
        (false, None) => shown.join(", "),
    }
}

fn port_text(port: &HostPort) -> String {
    match &port.ip {
        Some(ip) => format!("{ip}:{}/{}", port.port, port.protocol),
        None => format!("{}/{}", port.port, port.protocol),
    }
}

/// What is left of a limit; a limit that was lowered, or forgotten for a while, may be exceeded already.
fn still_allowed(resource: &str, left: i64) -> String {
    if left < 0 {
        format!("{resource} 0 (exceeded by {})", show(resource, left.saturating_neg()))
    } else {
        format!("{resource} {}", show(resource, left))
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn plural(what: &str, n: usize, rest: &str) -> String {
    format!("{what}{} {rest}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
