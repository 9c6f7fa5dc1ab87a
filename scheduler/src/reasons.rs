//! Why a pod goes nowhere, as data and in words.
//!
//! Every pool that refused a pod has its reason; the text names what was asked, what there is, and where the two part.
//! How a reason is found is the scheduler's business; it is only told here.

use crate::problem::{PodClass, Problem};
use crate::requirement::Name;
use crate::requirements::Incompatible;
use crate::resources::{Resources, show};
use crate::taint::Taint;
use std::fmt::Write as _;

/// Why a pod could not be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unplaced {
    /// It asks for rules that this version does not know how to keep.
    NotYetSupported(Vec<Name>),
    /// There is no pool to buy from.
    NoPools,
    /// Each pool refused it, in the order in which they were asked.
    Refused(Vec<(usize, Refusal)>),
}

/// Why one pool has no node for a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its nodes have taints that the pod does not tolerate.
    Taints(Vec<Taint>),
    /// The pod selects other nodes than the pool makes.
    Selection(Incompatible),
    /// The pool may not have more nodes.
    NodeLimit,
    /// Every type would exceed one of these limits; with each, what is left of it.
    Limits(Resources),
    /// None of its instance types will do.
    NoInstanceType(NoInstanceType),
    /// Too few distinct values would be left: label key, how many are asked for, how many there are.
    MinValues(Vec<(Name, u32, u32)>),
    /// The pool's own requirements leave it no instance type at all.
    EmptyPool {
        /// How many types the provider sells for it.
        sold: usize,
    },
}

/// What the instance types of a pool lack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoInstanceType {
    /// How many types were looked at.
    pub types: usize,
    /// How many of them have the labels that pod and pool ask for.
    pub selected: usize,
    /// How many can be bought where and how pod and pool ask for it.
    pub offered: usize,
    /// How many have room for the pod beside the DaemonSets.
    pub roomy: usize,
    /// Of the types that have the labels and can be bought: the most there is of each resource that is too scarce on all of
    /// them. Empty if each resource is there on some type, but not all on one.
    pub most: Resources,
}

impl Unplaced {
    /// One line in plain words.
    pub fn explain(&self, problem: &Problem, class: &PodClass) -> String {
        match self {
            Self::NotYetSupported(rules) => {
                format!("not placed, because this version cannot keep its {} yet", list(rules))
            }
            Self::NoPools => "there is no NodePool to buy a node from".to_owned(),
            Self::Refused(refusals) => refusals
                .iter()
                .map(|(pool, refusal)| refusal.explain(&problem.pools[*pool].name, class))
                .collect::<Vec<_>>()
                .join("; "),
        }
    }
}

impl Refusal {
    /// One clause in plain words about this pool.
    pub fn explain(&self, pool: &str, class: &PodClass) -> String {
        match self {
            Self::Taints(taints) => {
                format!("pool {pool}: the pod does not tolerate {}", plural("taint", taints.len(), &list(taints)))
            }
            Self::Selection(Incompatible::UndefinedLabel { key, hint }) => {
                let mut text = format!("pool {pool}: the pod selects by label {key}, which its nodes do not have");
                if let Some(hint) = hint {
                    let _ = write!(text, " (did you mean {hint}?)");
                }
                text
            }
            Self::Selection(Incompatible::NoCommonValue(clashes)) => {
                let clashes: Vec<String> =
                    clashes.iter().map(|c| format!("needs {} {}, has {}", c.key, c.asked, c.offered)).collect();
                format!("pool {pool}: {}", clashes.join(", "))
            }
            Self::NodeLimit => format!("pool {pool}: it may have no more nodes (spec.limits.nodes)"),
            Self::Limits(left) => format!(
                "pool {pool}: every type that fits is larger than what its spec.limits still allow: {}",
                left.iter().map(|(resource, left)| still_allowed(resource, left)).collect::<Vec<_>>().join(", ")
            ),
            Self::NoInstanceType(lack) => lack.explain(pool, class),
            Self::MinValues(short) => {
                let short: Vec<String> = short
                    .iter()
                    .map(|(key, asked, have)| format!("{have} of at least {asked} values of {key}"))
                    .collect();
                format!("pool {pool}: minValues cannot be kept, its fitting types leave only {}", short.join(" and "))
            }
            Self::EmptyPool { sold } => {
                format!("pool {pool}: its own requirements rule out all {sold} instance types of its node class")
            }
        }
    }
}

impl NoInstanceType {
    fn explain(&self, pool: &str, class: &PodClass) -> String {
        let all = self.types;
        if self.selected == 0 {
            return format!("pool {pool}: none of its {all} types has all the labels that the pod selects by");
        }
        if self.offered == 0 {
            return format!(
                "pool {pool}: none of its {all} types is sold in the zones and capacity types that pod and pool allow"
            );
        }
        if self.roomy > 0 {
            return format!(
                "pool {pool}: of its {all} types {} have the labels, {} are on offer and {} are large enough, but none is all of that",
                self.selected, self.offered, self.roomy
            );
        }
        if self.most.is_empty() {
            return format!("needs {}; pool {pool}: none of its {all} types has all of that at once", class.requests);
        }
        let lacks: Vec<(String, Option<String>)> = self
            .most
            .iter()
            .map(|(resource, most)| {
                let needs = format!("needs {resource} {}", show(resource, class.requests.get(resource)));
                (needs, (most > 0).then(|| show(resource, most)))
            })
            .collect();
        if let [(needs, most)] = lacks.as_slice() {
            return match most {
                Some(most) => {
                    format!("{needs}; pool {pool}: the largest of its {all} types leaves {most} to pods")
                }
                None => format!("{needs}; pool {pool}: none of its {all} types has it"),
            };
        }
        // The type with the most CPU need not be the one with the most memory.
        let lacks: Vec<String> = lacks
            .into_iter()
            .map(|(needs, most)| match most {
                Some(most) => format!("{needs}, no type leaves more than {most} to pods"),
                None => format!("{needs}, no type has it"),
            })
            .collect();
        format!("pool {pool}: of its {all} types none is large enough: {}", lacks.join("; "))
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
