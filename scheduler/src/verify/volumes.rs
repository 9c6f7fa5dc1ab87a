//! Can the volumes of the pods be used at their place, and attached together?
//!
//! Where volumes can be used must follow from what is known of the node, like what a pod selects. How many can be attached
//! is counted by CSI driver: what a pod has for itself once per pod, what pods share once, and not at all where it is
//! attached already (specification "scheduling" 4.8, "v1.15 changes" 8.1 and 8.2).

use super::accounting::Group;
use super::selection::Labels;
use super::{Place, Violation};
use crate::instance_type::InstanceType;
use crate::problem::Node;
use crate::requirement::Name;
use std::collections::{BTreeMap, BTreeSet};

/// What keeps the volumes of a group's pods from being used at a place of these labels.
pub(super) fn out_of_reach(group: &Group<'_>, place: &Place, labels: &Labels<'_>) -> Option<Violation> {
    let places = &group.class.volumes.places;
    let usable = places.is_empty() || places.iter().any(|asked| labels.assure_all(asked).is_ok());
    (!usable).then(|| Violation::VolumesElsewhere {
        place: place.clone(),
        pod: group.pod.clone(),
        usable: places.clone(),
    })
}

/// Checks that every type of a claim can attach the volumes of all its pods.
pub(super) fn on_claim<'t>(
    place: &Place,
    groups: &[Group<'_>],
    types: impl Iterator<Item = &'t InstanceType>,
    found: &mut Vec<Violation>,
) {
    let needed = needed(groups, &[]);
    if needed.is_empty() {
        return;
    }
    for instance_type in types {
        for (driver, limit) in &instance_type.volume_limits {
            let needed = needed.get(driver).copied().unwrap_or(0);
            if needed > u64::from(*limit) {
                found.push(Violation::VolumesOfType {
                    place: place.clone(),
                    instance_type: instance_type.name.clone(),
                    driver: driver.clone(),
                    limit: *limit,
                    needed,
                });
            }
        }
    }
}

/// Checks that a node that is there can attach the volumes of the pods that go there.
pub(super) fn on_node(place: &Place, groups: &[Group<'_>], node: &Node, found: &mut Vec<Violation>) {
    let needed = needed(groups, &node.attached);
    for (driver, room) in &node.attachable {
        let needed = needed.get(driver).copied().unwrap_or(0);
        if needed > u64::from(*room) {
            let (place, driver) = (place.clone(), driver.clone());
            found.push(Violation::VolumesOfNode { place, driver, room: *room, needed });
        }
    }
}

/// By CSI driver, how many volumes the pods attach besides those that are attached.
fn needed<'p>(groups: &[Group<'p>], attached: &[(Name, Name)]) -> BTreeMap<&'p Name, u64> {
    let mut needed: BTreeMap<&Name, u64> = BTreeMap::new();
    let mut seen: BTreeSet<&(Name, Name)> = attached.iter().collect();
    for group in groups {
        for (driver, each) in &group.class.volumes.own {
            let all = u64::from(*each).saturating_mul(u64::try_from(group.pods).unwrap_or(0));
            let sum = needed.entry(driver).or_default();
            *sum = sum.saturating_add(all);
        }
        for shared in &group.class.volumes.shared {
            if seen.insert(shared) {
                *needed.entry(&shared.0).or_default() += 1;
            }
        }
    }
    needed
}
