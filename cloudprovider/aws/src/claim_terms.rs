//! What a NodeClaim asks of a machine, in the scheduler's terms. Which machine meets it is decided elsewhere.

use dovetail_api::labels::annotations::REQUESTED_DRA_DRIVERS;
use dovetail_api::labels::aws::{INSTANCE_TENANCY, TENANCY_DEDICATED, TENANCY_DEFAULT};
use dovetail_api::labels::resources::EFA;
use dovetail_api::node_claim::NodeClaim;
use dovetail_scheduler::requirement::{Requirement, RequirementError};
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::Resources;

/// The DRA driver of EFA devices.
const EFA_DRIVER: &str = "dra.net";

/// The requirements of a claim.
///
/// # Errors
/// If a comparison comes without its integer, which admission refuses.
pub fn requirements(claim: &NodeClaim) -> Result<Requirements, RequirementError> {
    let mut out = Requirements::new();
    for item in &claim.spec.requirements {
        let least = item.min_values.and_then(|n| u32::try_from(n).ok());
        out.add(&item.key, Requirement::new(item.operator, &item.values)?.with_min_values(least));
    }
    Ok(out)
}

/// What the claim's pods request together.
#[must_use]
pub fn requests(claim: &NodeClaim) -> Resources {
    Resources::from_quantities(claim.spec.resources.requests.iter().flatten())
}

/// Whether the claim wants Elastic Fabric Adapters: its pods request them, or name their DRA driver (v1.15 changes 10.4).
#[must_use]
pub fn wants_efa(claim: &NodeClaim) -> bool {
    let drivers = claim.metadata.annotations.as_ref().and_then(|a| a.get(REQUESTED_DRA_DRIVERS));
    requests(claim).get(EFA) > 0 || drivers.is_some_and(|list| list.split(',').any(|one| one.trim() == EFA_DRIVER))
}

/// The tenancy of the claim's machine: shared hardware wherever that is allowed (spec aws-provider 5.3).
#[must_use]
pub fn tenancy(requirements: &Requirements) -> &'static str {
    match requirements.get(INSTANCE_TENANCY) {
        Some(asked) if !asked.contains(TENANCY_DEFAULT) && asked.contains(TENANCY_DEDICATED) => TENANCY_DEDICATED,
        _ => TENANCY_DEFAULT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{claim, requires};

    #[test]
    fn hardware_is_shared_unless_the_claim_rules_it_out() {
        assert_eq!(tenancy(&requires(&[])), "default");
        assert_eq!(tenancy(&requires(&[(INSTANCE_TENANCY, &["default", "dedicated"])])), "default");
        assert_eq!(tenancy(&requires(&[(INSTANCE_TENANCY, &["dedicated"])])), "dedicated");
    }

    #[test]
    fn fabric_adapters_are_wanted_by_resource_or_by_driver() {
        let mut claim = claim("a");
        assert!(!wants_efa(&claim));
        let name = |drivers: &str| Some([(REQUESTED_DRA_DRIVERS.to_owned(), drivers.to_owned())].into());
        claim.metadata.annotations = name("gpu.nvidia.com, dra.net");
        assert!(wants_efa(&claim));
        claim.metadata.annotations = name("dra.network");
        assert!(!wants_efa(&claim));
        claim.spec.resources.requests = Some([(EFA.to_owned(), "1".parse().expect("a quantity"))].into());
        assert!(wants_efa(&claim));
    }
}
