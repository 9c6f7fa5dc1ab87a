//! Feature gates: which there are, what they are by default, and how a list of them is read. What a gate opens is not known
//! here.

use super::environment;
use super::table::GATES_DEFAULT;

/// Which features are on (the Karpenter specification, v1.15 changes 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each field is the gate that it is named after
#[allow(clippy::struct_excessive_bools)] // they are switches of their own, read by different loops
pub struct FeatureGates {
    pub node_repair: bool,
    pub reserved_capacity: bool,
    pub spot_to_spot_consolidation: bool,
    pub node_overlay: bool,
    pub static_capacity: bool,
    pub capacity_buffer: bool,
    pub terminate_first_drift: bool,
    pub terminate_first_repair: bool,
    pub pod_deletion_cost_management: bool,
}

/// What is wrong with a list of gates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// An entry without a value.
    #[error("parsing feature gates, malformed pair, expect string=bool: {0:?}; write Name=true or Name=false")]
    NoValue(String),
    /// A value that is neither.
    #[error("parsing feature gates, invalid value of {gate}: {value:?}; write true or false")]
    Value {
        /// The gate.
        gate: String,
        /// What stands there.
        value: String,
    },
}

impl Default for FeatureGates {
    fn default() -> Self {
        Self {
            node_repair: false,
            reserved_capacity: true,
            spot_to_spot_consolidation: false,
            node_overlay: false,
            static_capacity: false,
            capacity_buffer: false,
            terminate_first_drift: false,
            terminate_first_repair: false,
            pod_deletion_cost_management: false,
        }
    }
}

impl FeatureGates {
    /// Reads a list such as `NodeRepair=true,StaticCapacity=false`; gates that it does not name keep their defaults. The
    /// second part of the answer is the names that no gate has, which Karpenter ignores and so do we, but not in silence.
    ///
    /// # Errors
    /// For an entry that is no pair, or whose value is neither true nor false.
    pub fn parse(list: &str) -> Result<(Self, Vec<String>), GateError> {
        let mut gates = Self::default();
        let mut unknown = Vec::new();
        for pair in list.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| GateError::NoValue(pair.to_owned()))?;
            let (name, value) = (name.trim(), value.trim());
            let on = environment::switch(value)
                .ok_or_else(|| GateError::Value { gate: name.to_owned(), value: value.to_owned() })?;
            match gates.named(name) {
                Some(gate) => *gate = on,
                None => unknown.push(name.to_owned()),
            }
        }
        Ok((gates, unknown))
    }

    fn named(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "NodeRepair" => &mut self.node_repair,
            "ReservedCapacity" => &mut self.reserved_capacity,
            "SpotToSpotConsolidation" => &mut self.spot_to_spot_consolidation,
            "NodeOverlay" => &mut self.node_overlay,
            "StaticCapacity" => &mut self.static_capacity,
            "CapacityBuffer" => &mut self.capacity_buffer,
            "TerminateFirstDrift" => &mut self.terminate_first_drift,
            "TerminateFirstRepair" => &mut self.terminate_first_repair,
            "PodDeletionCostManagement" => &mut self.pod_deletion_cost_management,
            _ => return None,
        })
    }
}

/// The names of all gates, in the order of Karpenter's help.
pub fn names() -> impl Iterator<Item = &'static str> {
    GATES_DEFAULT.split(',').filter_map(|pair| Some(pair.split_once('=')?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_that_the_table_shows_and_every_gate_can_be_turned() {
        assert_eq!(FeatureGates::parse(GATES_DEFAULT), Ok((FeatureGates::default(), vec![])));
        for name in names() {
            let of = |value: bool| FeatureGates::parse(&format!("{name}={value}")).expect("a pair");
            assert_ne!(of(true), of(false), "{name} does something");
            assert!(of(true).1.is_empty(), "{name} is known");
        }
        assert_eq!(names().count(), 9);
    }

    #[test]
    fn a_list_that_names_some_gates_leaves_the_others_alone() {
        let (gates, unknown) = FeatureGates::parse(" StaticCapacity=true , NodeRepair = 1,,Drift=true").expect("pairs");
        assert_eq!(gates, FeatureGates { static_capacity: true, node_repair: true, ..FeatureGates::default() });
        assert_eq!(unknown, ["Drift"], "a gate of an older Karpenter is named, not refused");
    }

    #[test]
    fn what_is_no_gate_list_is_refused_with_what_to_write() {
        let error = |list: &str| FeatureGates::parse(list).expect_err("no list").to_string();
        assert!(error("NodeRepair").contains("malformed pair") && error("NodeRepair").contains("Name=true"));
        assert!(error("NodeRepair=yes").contains("invalid value of NodeRepair"));
    }
}
