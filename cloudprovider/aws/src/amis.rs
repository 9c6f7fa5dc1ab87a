//! Machine images: where the images of an alias are named, which of those found are used, and which one a machine of a type
//! boots (spec aws-provider 6.1, 6.2). Asking SSM and EC2 is the caller's business.

mod aliases;
mod selection;

pub use aliases::{AliasError, Parameter, Variant, parameters, resolve};
pub use selection::{FoundImage, select};

use dovetail_api::ec2_node_class::Ami;
use dovetail_scheduler::instance_type::InstanceType;
use dovetail_scheduler::requirement::Requirement;
use dovetail_scheduler::requirements::{Requirements, WellKnown};

/// The image that a machine of the type boots: the first in the status's order that fits (spec aws-provider 6.1).
#[must_use]
pub fn for_type<'a>(amis: &'a [Ami], instance_type: &InstanceType, well_known: &WellKnown) -> Option<&'a Ami> {
    index_for_type(amis, instance_type, well_known).and_then(|place| amis.get(place))
}

/// The place in the list of the image that [`for_type`] finds.
pub(crate) fn index_for_type(amis: &[Ami], instance_type: &InstanceType, well_known: &WellKnown) -> Option<usize> {
    amis.iter().position(|ami| {
        // Requirements that cannot be read fit nothing.
        requirements(ami).is_some_and(|asked| instance_type.requirements.compatible(&asked, well_known).is_ok())
    })
}

fn requirements(ami: &Ami) -> Option<Requirements> {
    let mut out = Requirements::new();
    for item in &ami.requirements {
        out.add(&item.key, Requirement::new(item.operator, &item.values).ok()?);
    }
    Some(out)
}

#[cfg(test)]
#[path = "amis/tests.rs"]
mod tests;
