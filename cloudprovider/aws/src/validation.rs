//! Whether a node class can be used, as its condition `ValidationSucceeded` says: what can be checked without AWS, what must be
//! there before AWS is asked, and what the answers to dry runs mean (spec aws-provider 1.4, 1.11; v1.15 changes 10.4, 10.6).

use crate::faults::Fault;
use dovetail_api::conditions::ec2_node_class as names;
use dovetail_api::conditions::{self, FALSE, TRUE};
use dovetail_api::ec2_node_class::{AmiFamily, EC2NodeClass};
use dovetail_api::hash;
use dovetail_api::labels::aws::NVIDIA_CONSUMABLE_CAPACITY;
use dovetail_api::validation;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// A failed validation is looked at again after so long. Karpenter keeps it as long as a good one, so that somebody who has
/// put his permissions right waits half an hour, or finds out that an annotation helps.
pub const FAILURE_TTL: SignedDuration = SignedDuration::from_mins(5);
/// A class that waits for its dependencies is looked at again after so long.
pub const REQUEUE: SignedDuration = SignedDuration::from_mins(10);

/// How a validation goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The condition becomes False.
    Invalid {
        /// Its reason.
        reason: &'static str,
        /// Its message.
        message: String,
    },
    /// The condition becomes False or Unknown (`failed` says which), since what the class rests on is not there.
    NotYet {
        /// Whether something failed, rather than nobody having looked.
        failed: bool,
    },
    /// So far there is nothing wrong.
    GoOn,
}

/// What is known beside the class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Whether the cluster's service addresses are known, which AL2023 needs.
    pub service_cidr: bool,
    /// The AWS gate NodeClassCEL.
    pub expressions_enabled: bool,
    /// The gate DRANVIDIAGPU.
    pub dra_nvidia_gpu: bool,
}

/// Everything that is decided without asking EC2.
#[must_use]
pub fn before_dry_runs(class: &EC2NodeClass, known: Known) -> Verdict {
    let invalid = |reason, message: &str| Verdict::Invalid { reason, message: message.to_owned() };
    if class.spec.effective_ami_family() == AmiFamily::AL2023 && !known.service_cidr {
        return invalid(
            names::CLUSTER_CIDR_RESOLUTION_FAILED,
            "Failed to detect the cluster CIDR: EKS did not name the addresses of Services",
        );
    }
    let findings = validation::ec2_node_class(&class.spec, known.expressions_enabled);
    let fault = |fault: &validation::NodeClassFault| invalid(fault.reason, &fault.to_string());
    // Forbidden tags are told last, as Karpenter does.
    if let Some(found) = findings.fault.as_ref().filter(|found| found.reason != names::TAG_VALIDATION_FAILED) {
        return fault(found);
    }
    if let Some(verdict) = shared_gpus(class, known) {
        return verdict;
    }
    let status = class.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let rests_on =
        [names::AMIS_READY, names::INSTANCE_PROFILE_READY, names::SECURITY_GROUPS_READY, names::SUBNETS_READY];
    let is = |name: &str, wanted: &str| conditions::find(status, name).is_some_and(|c| c.status == wanted);
    if rests_on.iter().any(|name| is(name, FALSE)) {
        return Verdict::NotYet { failed: true };
    }
    if !rests_on.iter().all(|name| is(name, TRUE)) {
        return Verdict::NotYet { failed: false };
    }
    findings.fault.as_ref().map_or(Verdict::GoOn, fault)
}

fn shared_gpus(class: &EC2NodeClass, known: Known) -> Option<Verdict> {
    let value = class.metadata.annotations.as_ref()?.get(NVIDIA_CONSUMABLE_CAPACITY)?;
    let shares = |text: &str| text.parse::<u32>().is_ok_and(|n| n > 0);
    match value.as_str() {
        "" | "disabled" => None,
        text if text != "memory" && text != "unlimited" && !shares(text) => Some(Verdict::Invalid {
            reason: names::NVIDIA_CONSUMABLE_CAPACITY_INVALID,
            message: format!(
                "annotation {NVIDIA_CONSUMABLE_CAPACITY} is {text:?}: write disabled, memory, unlimited, or a number of shares"
            ),
        }),
        _ if !known.dra_nvidia_gpu => Some(Verdict::Invalid {
            reason: names::DRA_DISABLED,
            message: format!("annotation {NVIDIA_CONSUMABLE_CAPACITY} needs the feature gate DRANVIDIAGPU"),
        }),
        _ => None,
    }
}

/// A call that is tried before a class is called valid. All but the first are dry runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// A launch template is really made.
    CreateLaunchTemplate,
    /// A fleet.
    CreateFleet,
    /// An instance.
    RunInstances,
}

/// What a trial's answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrialVerdict {
    /// The class passes it.
    Passed,
    /// The condition becomes False.
    Invalid {
        /// Its reason.
        reason: &'static str,
        /// Its message.
        message: String,
        /// Whether to remember that; otherwise it is tried again soon.
        remember: bool,
    },
    /// AWS was busy, or does not know a new profile yet: it has to be tried again soon, and says nothing about the class.
    TryAgain,
    /// Something else went wrong; the condition stays.
    Failed(Fault),
}

/// Reads a trial's answer: `Ok` if the call went through. `server_error` says that AWS blames itself, and
/// `profile_is_users` that the class names its instance profile.
#[must_use]
pub fn read_trial(
    trial: Trial,
    answer: Result<(), &Fault>,
    server_error: bool,
    profile_is_users: bool,
) -> TrialVerdict {
    let Err(fault) = answer else { return TrialVerdict::Passed };
    let invalid = |reason, text: &str| TrialVerdict::Invalid {
        reason,
        message: format!("{text}: {fault}"),
        remember: reason != names::INSTANCE_PROFILE_NOT_FOUND,
    };
    if fault.is_dry_run_passed() {
        return TrialVerdict::Passed;
    }
    if fault.is_throttled() || server_error {
        return TrialVerdict::TryAgain;
    }
    match trial {
        Trial::CreateLaunchTemplate if fault.is_user_data_too_long() => {
            invalid(names::USER_DATA_SIZE_LIMIT_EXCEEDED, "User data is too long with what the node needs to join")
        }
        _ if fault.is_unauthorized() => {
            let (reason, call) = match trial {
                Trial::CreateLaunchTemplate => {
                    (names::CREATE_LAUNCH_TEMPLATE_AUTH_CHECK_FAILED, "ec2:CreateLaunchTemplate")
                }
                Trial::CreateFleet => (names::CREATE_FLEET_AUTH_CHECK_FAILED, "ec2:CreateFleet"),
                Trial::RunInstances => (names::RUN_INSTANCES_AUTH_CHECK_FAILED, "ec2:RunInstances"),
            };
            invalid(reason, &format!("Controller isn't authorized to call {call}"))
        }
        _ if fault.is_profile_unknown() && profile_is_users => {
            invalid(names::INSTANCE_PROFILE_NOT_FOUND, "spec.instanceProfile does not exist")
        }
        _ if fault.is_profile_unknown() => TrialVerdict::TryAgain,
        _ => TrialVerdict::Failed(fault.clone()),
    }
}

/// Stands for everything that a validation's outcome depends on: equal keys, equal outcomes. Annotations are among it, so
/// that adding any makes the class be tried again.
#[must_use]
pub fn cache_key(class: &EC2NodeClass, tags: &BTreeMap<String, String>) -> String {
    let status = class.status.as_ref();
    let found = status.map(|s| (&s.subnets, &s.security_groups, &s.amis, &s.instance_profile));
    let all = serde_json::to_string(&(found, &class.spec, &class.metadata.annotations, tags)).unwrap_or_default();
    format!("{}:{}", class.metadata.name.as_deref().unwrap_or_default(), hash::text(&all))
}

/// How long a good outcome counts: 25 to 35 minutes, the same all the time for one process, so that the replicas of many
/// clusters do not all ask at once. `seed` is any number of the process.
#[must_use]
pub fn success_ttl(seed: u64) -> SignedDuration {
    let seconds = i64::try_from(seed % 601).unwrap_or_default();
    SignedDuration::from_mins(25) + SignedDuration::from_secs(seconds)
}

/// Outcomes that still count.
#[derive(Clone, Debug)]
pub struct Outcomes {
    success_ttl: SignedDuration,
    known: BTreeMap<String, (TrialVerdict, Timestamp)>,
}

impl Outcomes {
    /// Nothing has been tried; `seed` as for [`success_ttl`].
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { success_ttl: success_ttl(seed), known: BTreeMap::new() }
    }

    /// What is known of a class in this state, if that still counts.
    #[must_use]
    pub fn get(&self, key: &str, now: Timestamp) -> Option<&TrialVerdict> {
        self.known.get(key).filter(|(_, until)| now < *until).map(|(verdict, _)| verdict)
    }

    /// Remembers an outcome, unless it says nothing about the class.
    pub fn remember(&mut self, key: &str, verdict: &TrialVerdict, now: Timestamp) {
        self.known.retain(|_, (_, until)| now < *until);
        let ttl = match verdict {
            TrialVerdict::Passed => self.success_ttl,
            TrialVerdict::Invalid { remember: true, .. } => FAILURE_TTL,
            _ => return,
        };
        self.known.insert(key.to_owned(), (verdict.clone(), now.checked_add(ttl).unwrap_or(Timestamp::MAX)));
    }

    /// The class is gone.
    pub fn forget_class(&mut self, class: &str) {
        self.known.retain(|key, _| key.rsplit_once(':').is_none_or(|(name, _)| name != class));
    }
}

#[cfg(test)]
#[path = "validation_tests.rs"]
mod tests;
