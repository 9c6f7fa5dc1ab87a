//! Taints and who tolerates them, as Kubernetes compares them.
//!
//! Every effect counts, `PreferNoSchedule` too: a pod comes to such a node only after its preferences have been relaxed
//! by adding a toleration (specification "scheduling" 4.10).

use crate::requirement::Name;
pub use dovetail_api::node_pool::TaintEffect as Effect;
use std::fmt;

/// A mark on a node that keeps pods away.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Taint {
    /// Its key.
    pub key: Name,
    /// Its value, often empty.
    pub value: Name,
    /// What it does.
    pub effect: Effect,
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value.is_empty() {
            write!(f, "{}:{:?}", self.key, self.effect)
        } else {
            write!(f, "{}={}:{:?}", self.key, self.value, self.effect)
        }
    }
}

/// How a toleration compares its value with the taint's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Comparison {
    /// The values are equal.
    Equal,
    /// Any value.
    Exists,
    /// The taint's value is an integer below the toleration's.
    Lt,
    /// The taint's value is an integer above the toleration's.
    Gt,
}

/// What a pod puts up with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Toleration {
    /// The key tolerated; empty means every key.
    pub key: Name,
    /// How values are compared.
    pub comparison: Comparison,
    /// The value compared with.
    pub value: Name,
    /// The effect tolerated; `None` means every effect.
    pub effect: Option<Effect>,
}

impl Toleration {
    /// Tolerates every taint of that effect.
    pub fn of_effect(effect: Effect) -> Self {
        Self { key: Name::from(""), comparison: Comparison::Exists, value: Name::from(""), effect: Some(effect) }
    }

    /// Whether this toleration covers the taint.
    pub fn tolerates(&self, taint: &Taint) -> bool {
        let numbers = || Some((taint.value.parse::<i64>().ok()?, self.value.parse::<i64>().ok()?));
        self.effect.is_none_or(|e| e == taint.effect)
            && (self.key.is_empty() || self.key == taint.key)
            && match self.comparison {
                Comparison::Exists => true,
                Comparison::Equal => self.value == taint.value,
                Comparison::Lt => numbers().is_some_and(|(taint, mine)| taint < mine),
                Comparison::Gt => numbers().is_some_and(|(taint, mine)| taint > mine),
            }
    }
}

/// The taints that none of the tolerations covers.
pub fn untolerated<'a>(taints: &'a [Taint], tolerations: &'a [Toleration]) -> impl Iterator<Item = &'a Taint> {
    taints.iter().filter(|taint| !tolerations.iter().any(|t| t.tolerates(taint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taint(key: &str, value: &str, effect: Effect) -> Taint {
        Taint { key: key.into(), value: value.into(), effect }
    }

    fn toleration(key: &str, comparison: Comparison, value: &str, effect: Option<Effect>) -> Toleration {
        Toleration { key: key.into(), comparison, value: value.into(), effect }
    }

    #[test]
    fn a_toleration_covers_key_value_and_effect() {
        let gpu = taint("gpu", "true", Effect::NoSchedule);
        for (given, covered) in [
            (toleration("gpu", Comparison::Equal, "true", Some(Effect::NoSchedule)), true),
            (toleration("gpu", Comparison::Equal, "true", None), true),
            (toleration("gpu", Comparison::Exists, "", None), true),
            (toleration("", Comparison::Exists, "", None), true),
            (toleration("gpu", Comparison::Equal, "false", None), false),
            (toleration("cpu", Comparison::Exists, "", None), false),
            (toleration("gpu", Comparison::Exists, "", Some(Effect::NoExecute)), false),
        ] {
            assert_eq!(given.tolerates(&gpu), covered, "{given:?}");
        }
    }

    #[test]
    fn comparisons_are_about_the_taints_value() {
        let sla = taint("sla", "950", Effect::NoSchedule);
        assert!(toleration("sla", Comparison::Gt, "900", None).tolerates(&sla));
        assert!(!toleration("sla", Comparison::Gt, "950", None).tolerates(&sla));
        assert!(toleration("sla", Comparison::Lt, "1000", None).tolerates(&sla));
        assert!(!toleration("sla", Comparison::Lt, "high", None).tolerates(&sla));
    }

    #[test]
    fn every_taint_must_be_covered_whatever_its_effect() {
        let taints = [taint("a", "", Effect::NoSchedule), taint("b", "", Effect::PreferNoSchedule)];
        let only_a = [toleration("a", Comparison::Exists, "", None)];
        assert_eq!(untolerated(&taints, &only_a).map(ToString::to_string).collect::<Vec<_>>(), ["b:PreferNoSchedule"]);
        let soft = [only_a[0].clone(), Toleration::of_effect(Effect::PreferNoSchedule)];
        assert_eq!(untolerated(&taints, &soft).count(), 0);
    }
}
