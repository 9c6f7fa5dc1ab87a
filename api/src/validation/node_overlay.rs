//! NodeOverlays. One that fails is not applied.

use super::requirements::{RequirementError, requirement};
use super::{Fault, message, outcome};
use crate::labels::resources;
use crate::node_overlay::NodeOverlay;
use crate::requirement::{Operator, Requirement};

/// What is wrong with a NodeOverlay, in Karpenter's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverlayProblem {
    /// A requirement.
    #[error("invalid value: {} in requirements, restricted", message(.0))]
    Requirement(Vec<RequirementError>),
    /// `NotIn` without a value.
    #[error(transparent)]
    NoValue(RequirementError),
    /// A resource whose amount is the provider's business.
    #[error("invalid capacity: {0} in resource, restricted")]
    Resource(String),
}

/// Runs every check that Karpenter runs on a NodeOverlay (spec scheduling 1.4).
///
/// # Errors
/// All faults. Their [`message()`] is that of the condition `ValidationSucceeded`.
pub fn node_overlay(overlay: &NodeOverlay) -> Result<(), Vec<Fault<OverlayProblem>>> {
    let mut faults = Vec::new();
    for (i, item) in overlay.spec.requirements.iter().enumerate() {
        let mut fault = |problem| faults.push(Fault { path: format!("spec.requirements[{i}]"), problem });
        let errors = requirement(&Requirement::from(item.clone()));
        if !errors.is_empty() {
            fault(OverlayProblem::Requirement(errors));
        }
        if item.operator == Operator::NotIn && item.values.is_empty() {
            let error = RequirementError::NoValue { key: item.key.clone(), operator: item.operator };
            fault(OverlayProblem::NoValue(error));
        }
    }
    let capacity = overlay.spec.capacity.iter().flatten().map(|(name, _)| name);
    for name in capacity.filter(|name| resources::WELL_KNOWN.contains(&name.as_str())) {
        faults.push(Fault { path: format!("spec.capacity[{name}]"), problem: OverlayProblem::Resource(name.clone()) });
    }
    outcome(faults)
}
