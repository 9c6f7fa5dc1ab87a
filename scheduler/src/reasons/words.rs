//! How a reason reads to people: one clause for each pool, in plain words, with the figures that tell what to change.

use super::{BetweenPods, Excluded, Group, NoInstanceType, PodRule, Refusal, Reserved, Rule, Unplaced};
use crate::problem::{HostPort, PodClass, Problem};
use crate::requirement::{Name, Requirement};
use crate::requirements::Incompatible;
use crate::resources::show;
use dovetail_api::labels::{CAPACITY_TYPE, HOSTNAME, ZONE};
use std::fmt::Write as _;

impl Unplaced {
    /// One line in plain words.
    pub fn explain(&self, problem: &Problem, class: &PodClass) -> String {
        self.explain_all(problem, class).join("; ")
    }

    /// The same in parts: one for each pool that was asked, or a single one where it is not about pools.
    pub fn explain_all(&self, problem: &Problem, class: &PodClass) -> Vec<String> {
        match self {
            Self::NotYetSupported(rules) => {
                vec![format!("not placed, because this version cannot keep its {} yet", list(rules))]
            }
            Self::NoPools => vec!["there is no NodePool to buy a node from".to_owned()],
            Self::Refused(refusals) | Self::Deferred(refusals) => {
                refusals.iter().map(|(pool, refusal)| refusal.explain(problem, *pool, class)).collect()
            }
        }
    }
}

impl Refusal {
    /// One clause in plain words about this pool, given by its index in the problem.
    pub fn explain(&self, problem: &Problem, pool: usize, class: &PodClass) -> String {
        let pool = problem.pools.get(pool).map_or("?", |p| &p.name);
        match self {
            Self::EmptyPool(excluded) => empty_pool(pool, excluded),
            Self::Taints(taints) => {
                format!("pool {pool}: the pod does not tolerate {}", plural("taint", taints.len(), &list(taints)))
            }
            Self::Selection(why) => format!("pool {pool}: {}", selection(why, "the pod")),
            Self::NodeLimit => format!("pool {pool}: it may have no more nodes (spec.limits.nodes)"),
            Self::Volumes(places) => {
                let places: Vec<String> = places.iter().map(|why| selection(why, "a volume of the pod")).collect();
                format!("pool {pool}: it has no node where the pod's volumes are: {}", places.join("; or "))
            }
            Self::BetweenPods(rule) => format!("pool {pool}: {}", rule.explain(problem)),
            Self::NoCommonDomain(rules) => {
                let rules: Vec<String> = rules.iter().map(|rule| rule.explain_allowed(problem)).collect();
                format!("pool {pool}: its rules about other pods leave no place in common: {}", rules.join("; "))
            }
            Self::NoInstanceType(lack) => lack.explain(pool, class),
            Self::Reserved(Reserved::Spoken(names)) => format!(
                "pool {pool}: waits for the next round, since other pods of this one may need all that is left of capacity \
                 {}",
                plural("reservation", names.len(), &list(names))
            ),
            Self::Reserved(Reserved::Full(names)) => format!(
                "pool {pool}: capacity {} full, and nothing else would do",
                match names.as_slice() {
                    [one] => format!("reservation {one} is"),
                    more => format!("reservations {} are", list(more)),
                }
            ),
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

fn empty_pool(pool: &str, excluded: &Excluded) -> String {
    let all = excluded.types;
    let mut text = format!("pool {pool}: its own requirements rule out all {all} instance types of its node class");
    if !excluded.groups.is_empty() {
        let _ = write!(text, ": {}", groups(&excluded.groups));
    }
    text
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
    fn explain(&self, pool: &str, class: &PodClass) -> String {
        let Excluded { types, groups: out } = &self.excluded;
        if !self.min_values.is_empty() {
            let short: Vec<String> = self
                .min_values
                .iter()
                .map(|few| format!("{} of at least {} values of {}", few.left, few.asked, few.key))
                .collect();
            let mut text =
                format!("pool {pool}: minValues cannot be kept, its fitting types leave only {}", short.join(" and "));
            if !out.is_empty() {
                let _ = write!(text, "; of its {types} types do not fit: {}", groups(out));
            }
            return text;
        }
        match out.as_slice() {
            [Group { rule: Rule::Resource { .. }, .. }] if self.scarce.iter().len() > 1 => {
                // The type with the most CPU need not be the one with the most memory.
                format!("pool {pool}: of its {types} types none is large enough: {}", self.scarce(class, |_| true))
            }
            [only] => only.rule.explain_alone(pool, *types, class),
            several => {
                let told = |resource: &str| {
                    let of_resource =
                        |g: &Group| matches!(&g.rule, Rule::Resource { resource: r, .. } if &**r == resource);
                    several.iter().any(of_resource)
                };
                let besides = self.scarce(class, |resource| !told(resource));
                let besides = if besides.is_empty() { besides } else { format!("; besides, {besides}") };
                format!("pool {pool}: none of its {types} types will do: {}{besides}", groups(several))
            }
        }
    }

    /// What all types have too little of, of these resources.
    fn scarce(&self, class: &PodClass, of: impl Fn(&str) -> bool) -> String {
        let lack = |(resource, most): (&Name, i64)| {
            let needs = format!("needs {resource} {}", show(resource, class.requests.get(resource)));
            match most {
                ..=0 => format!("{needs}, no type has it"),
                most => format!("{needs}, no type leaves more than {} to pods", show(resource, most)),
            }
        };
        self.scarce.iter().filter(|(resource, _)| of(resource)).map(lack).collect::<Vec<_>>().join("; ")
    }
}

fn groups(groups: &[Group]) -> String {
    groups.iter().map(Group::explain).collect::<Vec<_>>().join("; ")
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
            Self::NotOffered { asked } => format!("pool {pool}: none of its {all} types is sold in {}", places(asked)),
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
