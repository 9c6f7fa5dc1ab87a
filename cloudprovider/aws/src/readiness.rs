//! A node class's status and conditions, from what was found for it (spec aws-provider 1.6, 1.7). A question that AWS did not
//! answer changes nothing: the last good answer stands.

use crate::amis::AliasError;
use crate::placement::GroupError;
use crate::reservations::Listed;
use dovetail_api::conditions::ConditionSet;
use dovetail_api::conditions::ec2_node_class as names;
use dovetail_api::ec2_node_class::{Ami, EC2NodeClass, EC2NodeClassStatus, SecurityGroup, Subnet};
use jiff::{SignedDuration, Timestamp};

/// What was found for a class. `Err` is a question that could not be asked, with a text for the condition where it has a
/// place for one.
#[derive(Debug)]
pub struct Findings {
    /// The images, in the status's order.
    pub amis: Result<Vec<Ami>, AmiProblem>,
    /// The subnets, in the status's order.
    pub subnets: Result<Vec<Subnet>, String>,
    /// The security groups, in the status's order.
    pub security_groups: Result<Vec<SecurityGroup>, String>,
    /// The capacity reservations; none if the gate ReservedCapacity is off.
    pub reservations: Option<Result<Listed, String>>,
    /// Whether there is no placement group to be found, or it was.
    pub placement_group: Result<Result<(), GroupError>, String>,
    /// The instance profile.
    pub instance_profile: Result<String, String>,
}

/// Why a class's images are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmiProblem {
    /// Of its alias.
    #[error(transparent)]
    Alias(#[from] AliasError),
    /// EC2 could not be asked.
    #[error("{0}")]
    Unasked(String),
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Writes what was found into the class's status, and says in how long to look again. `ValidationSucceeded` is set by
/// [`crate::validation`].
pub fn apply(class: &mut EC2NodeClass, findings: Findings, now: Timestamp) -> SignedDuration {
    let meta = class.metadata.clone();
    let status = class.status.get_or_insert_with(EC2NodeClassStatus::default);
    let types = match findings.reservations {
        Some(_) => names::TYPES,
        None => names::TYPES_WITHOUT_RESERVED_CAPACITY,
    };
    let EC2NodeClassStatus { subnets, security_groups, capacity_reservations, amis, instance_profile, conditions } =
        status;
    let mut set = ConditionSet::new(types, &meta, conditions, now);
    // Subnets are looked at every minute, and so is everything else with them.
    let mut again = MINUTE;

    match findings.amis {
        Ok(found) if found.is_empty() => {
            amis.clear();
            set.set_false(names::AMIS_READY, names::AMI_NOT_FOUND, "AMISelector did not match any AMIs");
        }
        Ok(found) => {
            *amis = found;
            set.set_true(names::AMIS_READY);
        }
        Err(AmiProblem::Alias(problem @ (AliasError::Unsupported { .. } | AliasError::Unknown(_)))) => {
            set.set_false(names::AMIS_READY, names::UNSUPPORTED_ALIAS, &problem.to_string());
        }
        Err(_) => {}
    }
    if let Some(reservations) = findings.reservations
        && let Ok(listed) = reservations
    {
        let until = listed.next_change.map(|at| at.duration_since(now)).filter(|wait| !wait.is_negative());
        again = until.map_or(again, |wait| again.min(wait));
        *capacity_reservations = listed.reservations;
        set.set_true(names::CAPACITY_RESERVATIONS_READY);
    }
    match findings.placement_group {
        Ok(Ok(())) => set.set_true(names::PLACEMENT_GROUP_READY),
        Ok(Err(problem)) => set.set_false(names::PLACEMENT_GROUP_READY, problem.reason(), &problem.to_string()),
        Err(text) => set.set_false(names::PLACEMENT_GROUP_READY, names::PLACEMENT_GROUP_RESOLUTION_FAILED, &text),
    };
    if let Ok(found) = findings.subnets {
        match found.is_empty() {
            true => set.set_false(
                names::SUBNETS_READY,
                names::SUBNETS_NOT_FOUND,
                "SubnetSelector did not match any Subnets",
            ),
            false => set.set_true(names::SUBNETS_READY),
        };
        *subnets = found;
    }
    if let Ok(found) = findings.security_groups {
        match found.is_empty() {
            true => set.set_false(
                names::SECURITY_GROUPS_READY,
                names::SECURITY_GROUPS_NOT_FOUND,
                "SecurityGroupSelector did not match any SecurityGroups",
            ),
            false => set.set_true(names::SECURITY_GROUPS_READY),
        };
        *security_groups = found;
    }
    match findings.instance_profile {
        Ok(profile) => {
            *instance_profile = Some(profile);
            set.set_true(names::INSTANCE_PROFILE_READY);
        }
        // Never False; but where it is Unknown anyway it may say why, which Karpenter tells its logs alone.
        Err(text) if !set.is_true(&[names::INSTANCE_PROFILE_READY]) => {
            set.set_unknown_because(names::INSTANCE_PROFILE_READY, "InstanceProfileNotResolved", &text);
        }
        Err(_) => {}
    }
    again
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reservations::{FoundReservation, for_status};
    use crate::testing::class;
    use dovetail_api::conditions::find;
    use serde_json::json;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn everything() -> Findings {
        Findings {
            amis: Ok(vec![Ami { id: "ami-1".to_owned(), deprecated: false, name: None, requirements: vec![] }]),
            subnets: Ok(vec![Subnet { id: "subnet-1".to_owned(), zone: "a".to_owned(), zone_id: None }]),
            security_groups: Ok(vec![SecurityGroup { id: "sg-1".to_owned(), name: None }]),
            reservations: Some(Ok(Listed::default())),
            placement_group: Ok(Ok(())),
            instance_profile: Ok("p".to_owned()),
        }
    }

    /// Status and reason of a condition.
    fn says(class: &EC2NodeClass, condition: &str) -> (String, String) {
        let conditions = &class.status.as_ref().expect("a status").conditions;
        let condition = find(conditions, condition).expect("a condition");
        (condition.status.clone(), condition.reason.clone())
    }

    fn is(status: &str, reason: &str) -> (String, String) {
        (status.to_owned(), reason.to_owned())
    }

    #[test]
    fn a_class_for_which_everything_was_found_waits_for_its_validation_alone() {
        let mut class = class(&json!({}), &json!({}));
        assert_eq!(apply(&mut class, everything(), at(0)), MINUTE);
        assert_eq!(says(&class, "Ready").0, "Unknown");
        let mut status = class.status.take().expect("a status");
        ConditionSet::new(names::TYPES, &class.metadata, &mut status.conditions, at(0))
            .set_true(names::VALIDATION_SUCCEEDED);
        class.status = Some(status);
        assert_eq!(says(&class, "Ready").0, "True");
    }

    #[test]
    fn what_is_not_there_is_said_and_no_longer_listed() {
        let mut class = class(&json!({}), &json!({}));
        apply(&mut class, everything(), at(0));
        let nothing = Findings {
            amis: Ok(vec![]),
            subnets: Ok(vec![]),
            security_groups: Ok(vec![]),
            placement_group: Ok(Err(GroupError::NotFound)),
            ..everything()
        };
        apply(&mut class, nothing, at(1));
        assert_eq!(says(&class, "AMIsReady"), is("False", "AMINotFound"));
        assert_eq!(says(&class, "SubnetsReady"), is("False", "SubnetsNotFound"));
        assert_eq!(says(&class, "SecurityGroupsReady"), is("False", "SecurityGroupsNotFound"));
        assert_eq!(says(&class, "PlacementGroupReady"), is("False", "PlacementGroupNotFound"));
        assert_eq!(says(&class, "Ready").0, "False");
        let status = class.status.expect("a status");
        assert!(status.amis.is_empty() && status.subnets.is_empty() && status.security_groups.is_empty());
    }

    #[test]
    fn a_question_that_aws_did_not_answer_changes_nothing() {
        let mut class = class(&json!({}), &json!({}));
        apply(&mut class, everything(), at(0));
        let before = class.status.clone();
        let failed = || "throttled".to_owned();
        let findings = Findings {
            amis: Err(AmiProblem::Unasked(failed())),
            subnets: Err(failed()),
            security_groups: Err(failed()),
            reservations: Some(Err(failed())),
            placement_group: Ok(Ok(())),
            instance_profile: Err(failed()),
        };
        apply(&mut class, findings, at(1));
        assert_eq!(class.status, before);
    }

    #[test]
    fn a_profile_is_never_bad_only_unknown_and_says_why() {
        let mut class = class(&json!({}), &json!({}));
        apply(&mut class, Findings { instance_profile: Err("no such role".to_owned()), ..everything() }, at(0));
        assert_eq!(says(&class, "InstanceProfileReady"), is("Unknown", "InstanceProfileNotResolved"));
    }

    #[test]
    fn an_alias_of_the_wrong_time_is_named() {
        let mut class = class(&json!({}), &json!({}));
        let problem = crate::amis::parameters("al2@latest", "1.33").expect_err("it has ended");
        apply(&mut class, Findings { amis: Err(problem.into()), ..everything() }, at(0));
        assert_eq!(says(&class, "AMIsReady"), is("False", "UnsupportedAlias"));
    }

    #[test]
    fn a_placement_group_that_cannot_be_looked_up_is_not_ready() {
        let mut class = class(&json!({}), &json!({}));
        apply(&mut class, Findings { placement_group: Err("throttled".to_owned()), ..everything() }, at(0));
        assert_eq!(says(&class, "PlacementGroupReady"), is("False", "PlacementGroupResolutionFailed"));
    }

    #[test]
    fn the_class_is_looked_at_again_when_a_block_begins_to_end() {
        let mut class = class(&json!({}), &json!({}));
        let block = FoundReservation {
            id: "cr-1".to_owned(),
            match_criteria: "targeted".to_owned(),
            kind: "capacity-block".to_owned(),
            end: Some(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(40 * 60 + 10)),
            ..FoundReservation::default()
        };
        let findings = Findings { reservations: Some(Ok(for_status(&[block], at(0)))), ..everything() };
        assert_eq!(apply(&mut class, findings, at(0)), SignedDuration::from_secs(10));
    }

    #[test]
    fn without_the_gate_reservations_do_not_count() {
        let mut class = class(&json!({}), &json!({}));
        apply(&mut class, Findings { reservations: None, ..everything() }, at(0));
        let conditions = class.status.expect("a status").conditions;
        assert!(find(&conditions, "CapacityReservationsReady").is_none());
    }
}
