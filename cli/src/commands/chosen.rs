//! Policies by name on the command line.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use dovetail_scheduler::policy::{self, POLICIES, Policy};

/// A policy by name.
#[derive(Clone, Copy)]
pub(crate) struct Chosen(pub(crate) &'static dyn Policy);

impl std::fmt::Debug for Chosen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}

impl ValueEnum for Chosen {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: std::sync::LazyLock<Vec<Chosen>> =
            std::sync::LazyLock::new(|| POLICIES.iter().copied().map(Chosen).collect());
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        policy::by_name(self.0.name()).map(|p| PossibleValue::new(p.name()).help(p.summary()))
    }
}
