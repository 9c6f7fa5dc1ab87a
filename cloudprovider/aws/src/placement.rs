//! Placement groups: which one a class means, and which partition a claim's machine goes to (spec aws-provider 5.5, 5.10).
//! Which types a group takes in is decided with the instance types.

use dovetail_api::conditions::ec2_node_class::PLACEMENT_GROUP_NOT_FOUND;
use dovetail_api::ec2_node_class::PlacementGroupSelector;
use dovetail_api::labels::aws::PLACEMENT_GROUP_PARTITION;
use dovetail_cloudprovider::ec2::{PlacementGroup, PlacementStrategy};
use dovetail_scheduler::requirements::Requirements;

/// A placement group as EC2 describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundGroup {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `available` if it can be used.
    pub state: String,
    /// `cluster`, `partition` or `spread`.
    pub strategy: String,
    /// How many partitions it has, if it has any.
    pub partitions: Option<u32>,
}

/// Why a class's placement group cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// There is none.
    #[error(
        "spec.placementGroupSelector selects no placement group that is available: correct it, or create the group"
    )]
    NotFound,
    /// It has a strategy that nobody here knows.
    #[error("placement group {id} has the strategy {strategy:?}, which is none of cluster, partition and spread")]
    Strategy {
        /// The group's id.
        id: String,
        /// What EC2 said.
        strategy: String,
    },
    /// It has partitions and does not say how many.
    #[error("placement group {0} is one of partitions and has none")]
    NoPartitions(String),
}

impl GroupError {
    /// The reason of the condition `PlacementGroupReady`.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        PLACEMENT_GROUP_NOT_FOUND
    }
}

/// The group that the selector means, of those that EC2 has.
///
/// # Errors
/// If there is none, or none that can be made use of.
pub fn select(selector: &PlacementGroupSelector, found: &[FoundGroup]) -> Result<PlacementGroup, GroupError> {
    let meant = |group: &&FoundGroup| {
        let by_id = selector.id.as_ref().is_none_or(|id| *id == group.id);
        let by_name = selector.name.as_ref().is_none_or(|name| *name == group.name);
        group.state == "available" && by_id && by_name
    };
    let group = found.iter().find(meant).ok_or(GroupError::NotFound)?;
    let strategy = match (group.strategy.as_str(), group.partitions) {
        ("cluster", _) => PlacementStrategy::Cluster,
        ("spread", _) => PlacementStrategy::Spread,
        ("partition", Some(n)) if n > 0 => PlacementStrategy::Partition(n),
        ("partition", _) => return Err(GroupError::NoPartitions(group.id.clone())),
        (other, _) => return Err(GroupError::Strategy { id: group.id.clone(), strategy: other.to_owned() }),
    };
    Ok(PlacementGroup { id: group.id.clone(), strategy })
}

/// The partition that a machine is put into: the one of the smallest number that the claim allows. None if the claim leaves
/// it open; EC2 then chooses. The launch template and the claim's label both go by it (Karpenter lets them differ, since it
/// sorts `10` before `2` for the one and does not sort for the other).
#[must_use]
pub fn partition(requirements: &Requirements) -> Option<u32> {
    requirements.get(PLACEMENT_GROUP_PARTITION)?.listed()?.filter_map(|value| value.parse().ok()).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::requires;

    fn group(name: &str, state: &str, strategy: &str, partitions: Option<u32>) -> FoundGroup {
        FoundGroup {
            id: format!("pg-{name}"),
            name: name.to_owned(),
            state: state.to_owned(),
            strategy: strategy.to_owned(),
            partitions,
        }
    }

    #[test]
    fn a_group_is_meant_by_name_or_id_if_it_is_there() {
        let found = [group("a", "deleting", "cluster", None), group("b", "available", "partition", Some(7))];
        let by_name = |name: &str| PlacementGroupSelector { name: Some(name.to_owned()), id: None };
        let by_id = PlacementGroupSelector { name: None, id: Some("pg-b".to_owned()) };
        let b = PlacementGroup { id: "pg-b".to_owned(), strategy: PlacementStrategy::Partition(7) };
        assert_eq!(select(&by_name("b"), &found), Ok(b.clone()));
        assert_eq!(select(&by_id, &found), Ok(b));
        assert_eq!(select(&by_name("a"), &found), Err(GroupError::NotFound));
        assert_eq!(GroupError::NotFound.reason(), "PlacementGroupNotFound");
    }

    #[test]
    fn a_group_that_nobody_understands_is_not_used() {
        let found = [group("a", "available", "scatter", None), group("b", "available", "partition", None)];
        let select = |name: &str| select(&PlacementGroupSelector { name: Some(name.to_owned()), id: None }, &found);
        assert!(matches!(select("a"), Err(GroupError::Strategy { .. })));
        assert_eq!(select("b"), Err(GroupError::NoPartitions("pg-b".to_owned())));
    }

    #[test]
    fn partitions_are_numbers() {
        assert_eq!(partition(&requires(&[(PLACEMENT_GROUP_PARTITION, &["10", "2"])])), Some(2));
        assert_eq!(partition(&requires(&[])), None);
    }
}
