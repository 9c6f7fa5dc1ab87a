//! Whether classes are valid, and how long that counts.

use super::*;
use crate::testing::class;
use serde_json::{Value, json};

const ALL_KNOWN: Known = Known { service_cidr: true, expressions_enabled: false, dra_nvidia_gpu: false };

fn conditions(amis: &str, subnets: &str) -> Value {
    let one = |name: &str, status: &str| json!({"type": name, "status": status, "reason": "x", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let all = [
        one("AMIsReady", amis),
        one("SubnetsReady", subnets),
        one("SecurityGroupsReady", "True"),
        one("InstanceProfileReady", "True"),
    ];
    json!({ "conditions": all })
}

fn reason(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Invalid { reason, .. } => reason,
        Verdict::NotYet { failed: true } => "failed",
        Verdict::NotYet { failed: false } => "unknown",
        Verdict::GoOn => "ok",
    }
}

fn check(spec: Value, status: &Value, known: Known) -> &'static str {
    reason(before_dry_runs(&class(&spec, status), known))
}

#[test]
fn a_class_waits_for_what_it_rests_on() {
    assert_eq!(check(json!({}), &conditions("True", "True"), ALL_KNOWN), "ok");
    assert_eq!(check(json!({}), &conditions("False", "Unknown"), ALL_KNOWN), "failed");
    assert_eq!(check(json!({}), &conditions("True", "Unknown"), ALL_KNOWN), "unknown");
    assert_eq!(check(json!({}), &json!({}), ALL_KNOWN), "unknown");
}

#[test]
fn mistakes_are_told_in_karpenter_s_order() {
    let ready = conditions("True", "True");
    let waiting = conditions("False", "True");
    let bad_kubelet = json!({"kubelet": {"maxPods": -1}, "tags": {"karpenter.sh/nodepool": "x"}});
    let bad_tag = json!({"tags": {"karpenter.sh/nodepool": "x"}});
    assert_eq!(check(bad_kubelet, &waiting, ALL_KNOWN), "InvalidKubeletConfiguration");
    assert_eq!(check(bad_tag.clone(), &waiting, ALL_KNOWN), "failed", "tags come after what the class rests on");
    assert_eq!(check(bad_tag, &ready, ALL_KNOWN), "TagValidationFailed");
    let no_cidr = Known { service_cidr: false, ..ALL_KNOWN };
    assert_eq!(check(json!({}), &ready, no_cidr), "ClusterCIDRResolutionFailed");
    let bottlerocket = json!({"amiSelectorTerms": [{"alias": "bottlerocket@latest"}]});
    assert_eq!(check(bottlerocket, &ready, no_cidr), "ok", "only AL2023 needs it");
}

#[test]
fn how_gpus_are_shared_must_be_understood_and_allowed() {
    let share = |value: &str, gate: bool| {
        let mut class = class(&json!({}), &conditions("True", "True"));
        class.metadata.annotations = Some([(NVIDIA_CONSUMABLE_CAPACITY.to_owned(), value.to_owned())].into());
        reason(before_dry_runs(&class, Known { dra_nvidia_gpu: gate, ..ALL_KNOWN }))
    };
    for value in ["memory", "unlimited", "4"] {
        assert_eq!((share(value, true), share(value, false)), ("ok", "DRADisabled"), "{value}");
    }
    assert_eq!((share("", false), share("disabled", false)), ("ok", "ok"));
    assert_eq!(
        (share("0", true), share("much", false)),
        ("NVIDIAConsumableCapacityInvalid", "NVIDIAConsumableCapacityInvalid")
    );
}

fn trial(trial: Trial, code: &str, message: &str) -> TrialVerdict {
    read_trial(trial, Err(&Fault::new(code, message)), false, false)
}

#[test]
fn a_dry_run_that_would_have_gone_through_has_passed() {
    assert_eq!(trial(Trial::CreateFleet, "DryRunOperation", ""), TrialVerdict::Passed);
    assert_eq!(read_trial(Trial::CreateLaunchTemplate, Ok(()), false, false), TrialVerdict::Passed);
}

#[test]
fn every_call_that_is_not_allowed_has_a_reason_of_its_own() {
    for (call, expected) in [
        (Trial::CreateLaunchTemplate, "CreateLaunchTemplateAuthCheckFailed"),
        (Trial::CreateFleet, "CreateFleetAuthCheckFailed"),
        (Trial::RunInstances, "RunInstancesAuthCheckFailed"),
    ] {
        let verdict = trial(call, "UnauthorizedOperation", "no");
        assert!(
            matches!(verdict, TrialVerdict::Invalid { reason, remember: true, .. } if reason == expected),
            "{expected}"
        );
    }
}

#[test]
fn a_busy_aws_says_nothing_about_the_class() {
    assert_eq!(trial(Trial::RunInstances, "RequestLimitExceeded", ""), TrialVerdict::TryAgain);
    let internal = Fault::new("InternalError", "");
    assert_eq!(read_trial(Trial::RunInstances, Err(&internal), true, false), TrialVerdict::TryAgain);
    assert!(matches!(trial(Trial::RunInstances, "InvalidParameter", ""), TrialVerdict::Failed(_)));
}

#[test]
fn a_profile_that_ec2_does_not_know_may_be_too_new_or_not_there() {
    let fault = Fault::new(
        "InvalidParameterValue",
        "Value (p) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
    );
    assert_eq!(read_trial(Trial::RunInstances, Err(&fault), false, false), TrialVerdict::TryAgain);
    let users = read_trial(Trial::RunInstances, Err(&fault), false, true);
    assert!(matches!(users, TrialVerdict::Invalid { reason: "InstanceProfileNotFound", remember: false, .. }));
}

#[test]
fn user_data_that_is_too_long_is_told_by_ec2() {
    let verdict =
        trial(Trial::CreateLaunchTemplate, "InvalidUserData.Malformed", "User data is limited to 16384 bytes");
    assert!(matches!(verdict, TrialVerdict::Invalid { reason: "UserDataSizeLimitExceeded", .. }));
}

#[test]
fn an_outcome_counts_until_something_changes_or_time_passes() {
    let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
    let mut class = class(&json!({}), &conditions("True", "True"));
    let key = cache_key(&class, &BTreeMap::new());
    let mut outcomes = Outcomes::new(300);
    outcomes.remember(&key, &TrialVerdict::Passed, at(0));
    assert_eq!(outcomes.get(&key, at(29)), Some(&TrialVerdict::Passed));
    assert_eq!(outcomes.get(&key, at(30)), None);
    class.metadata.annotations = Some([("try".to_owned(), "again".to_owned())].into());
    assert_eq!(
        outcomes.get(&cache_key(&class, &BTreeMap::new()), at(1)),
        None,
        "an annotation makes it be tried again"
    );
    let refused = trial(Trial::CreateFleet, "UnauthorizedOperation", "no");
    outcomes.remember(&key, &refused, at(40));
    assert_eq!((outcomes.get(&key, at(44)), outcomes.get(&key, at(45))), (Some(&refused), None));
    outcomes.remember(&key, &TrialVerdict::TryAgain, at(50));
    assert_eq!(outcomes.get(&key, at(50)), None);
    outcomes.remember(&key, &TrialVerdict::Passed, at(60));
    outcomes.forget_class("default");
    assert_eq!(outcomes.get(&key, at(60)), None);
}

#[test]
fn good_outcomes_count_half_an_hour_give_or_take() {
    for seed in [0, 1, 600, 601, u64::MAX] {
        let minutes = success_ttl(seed).as_secs() / 60;
        assert!((25..=35).contains(&minutes), "{seed}: {minutes}");
    }
}
