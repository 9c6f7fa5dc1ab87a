//! Instance profiles: their names, what a class's role needs done about its profile, and which profiles nobody uses any more
//! (spec aws-provider 1.9, 1.10). Profiles of a class are told by their path, which carries its UID.

use dovetail_api::ec2_node_class::EC2NodeClassSpec;
use dovetail_api::hash;
use dovetail_api::labels::aws::INSTANCE_PROFILE_PATH_PREFIX;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// A profile that is new, or was in use until now, is not collected for so long: somebody may be launching with it.
pub const PROTECTED_FOR: SignedDuration = SignedDuration::from_hours(1);
const LONGEST_NAME: usize = 128;

/// The path of every profile of the cluster in the region.
#[must_use]
pub fn path_of_cluster(region: &str, cluster: &str) -> String {
    format!("{INSTANCE_PROFILE_PATH_PREFIX}{region}/{cluster}/")
}

/// The path of the profiles of a class.
#[must_use]
pub fn path_of_class(region: &str, cluster: &str, class_uid: &str) -> String {
    format!("{}{class_uid}/", path_of_cluster(region, cluster))
}

/// The name of a new profile for the class; `unique` makes it differ from all before it.
#[must_use]
pub fn new_name(region: &str, cluster: &str, class: &str, unique: &str) -> String {
    format!("{cluster}_{}", hash::text(&format!("{region}{class}{unique}")))
}

/// The name that the class's profile had in old versions, to be deleted with the class; none if IAM takes no such name, so
/// that there cannot be one.
#[must_use]
pub fn legacy_name(region: &str, cluster: &str, class: &str) -> Option<String> {
    let allowed = |c: char| c.is_alphanumeric() || "_+=,.@-".contains(c);
    let name = new_name(region, cluster, class, "");
    (name.len() <= LONGEST_NAME && name.chars().all(allowed)).then_some(name)
}

/// The name of a role without its path: that is what IAM knows it by in a profile.
#[must_use]
pub fn bare_role(role: &str) -> &str {
    role.rsplit('/').next().unwrap_or(role)
}

/// What is known of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileState {
    /// There is none of that name.
    Missing,
    /// It is there, with this role or without any.
    Found {
        /// The role's bare name.
        role: Option<String>,
    },
}

/// What a class's profile needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// This profile is in use; nothing is done in IAM. `superseded` is protected for a while.
    Use {
        /// The profile's name.
        profile: String,
        /// The one that was in use until now.
        superseded: Option<String>,
    },
    /// A new profile has to be made and given the role; both profiles are protected for a while.
    Create {
        /// The role's bare name.
        role: String,
        /// The one that was in use until now.
        superseded: Option<String>,
    },
    /// The class names neither a role nor a profile, which admission refuses.
    Nothing,
}

/// What to do about the class's profile. `current` is the one in its status, with what IAM knows of it.
///
/// A role given with a path is compared without it; Karpenter compares it as it stands, finds it changed every quarter of an
/// hour, and drifts every node.
#[must_use]
pub fn next_step(spec: &EC2NodeClassSpec, current: Option<(&str, &ProfileState)>) -> Step {
    let superseded =
        |profile: Option<&str>| current.map(|(name, _)| name).filter(|name| Some(*name) != profile).map(str::to_owned);
    if let Some(profile) = &spec.instance_profile {
        return Step::Use { superseded: superseded(Some(profile)), profile: profile.clone() };
    }
    let Some(role) = spec.role.as_deref().map(bare_role) else { return Step::Nothing };
    match current {
        Some((name, ProfileState::Found { role: Some(attached) })) if attached == role => {
            Step::Use { profile: name.to_owned(), superseded: None }
        }
        _ => Step::Create { role: role.to_owned(), superseded: superseded(None) },
    }
}

/// Profiles that must not be collected for now.
#[derive(Clone, Debug, Default)]
pub struct Protected(BTreeMap<String, Timestamp>);

impl Protected {
    /// The profile is new, or was in use until now.
    pub fn protect(&mut self, profile: &str, now: Timestamp) {
        self.0.retain(|_, since| now.duration_since(*since) < PROTECTED_FOR);
        self.0.insert(profile.to_owned(), now);
    }

    fn has(&self, profile: &str, now: Timestamp) -> bool {
        self.0.get(profile).is_some_and(|since| now.duration_since(*since) < PROTECTED_FOR)
    }
}

/// Of the profiles that IAM listed by name and path, those that can be deleted: below the cluster's path, in no class's
/// status, on no claim, and not protected.
#[must_use]
pub fn unused<'a>(
    listed: &'a [(String, String)],
    cluster_path: &str,
    in_use: &BTreeSet<String>,
    protected: &Protected,
    now: Timestamp,
) -> Vec<&'a str> {
    let ours = listed.iter().filter(|(_, path)| path.starts_with(cluster_path)).map(|(name, _)| name.as_str());
    ours.filter(|name| !in_use.contains(*name) && !protected.has(name, now)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::class;
    use serde_json::json;

    fn spec(role: &str) -> EC2NodeClassSpec {
        class(&json!({"role": role}), &json!({})).spec
    }

    fn with_role(role: &str) -> ProfileState {
        ProfileState::Found { role: Some(role.to_owned()) }
    }

    #[test]
    fn a_profile_is_told_by_its_path() {
        assert_eq!(path_of_class("us-west-2", "demo", "uid"), "/karpenter/us-west-2/demo/uid/");
        let name = new_name("us-west-2", "demo", "default", "1");
        assert!(name.starts_with("demo_") && name != new_name("us-west-2", "demo", "default", "2"), "{name}");
        assert_eq!(
            legacy_name("us-west-2", "demo", "default").as_deref(),
            Some(&*new_name("us-west-2", "demo", "default", ""))
        );
        assert_eq!(legacy_name("us-west-2", &"x".repeat(120), "default"), None);
    }

    #[test]
    fn a_profile_with_the_role_is_kept_and_any_other_is_replaced() {
        let keep = Step::Use { profile: "p".to_owned(), superseded: None };
        assert_eq!(next_step(&spec("node"), Some(("p", &with_role("node")))), keep);
        assert_eq!(next_step(&spec("team/a/node"), Some(("p", &with_role("node")))), keep, "a path is no change");
        let create = |superseded: Option<&str>| Step::Create {
            role: "node".to_owned(),
            superseded: superseded.map(str::to_owned),
        };
        assert_eq!(next_step(&spec("node"), None), create(None));
        for state in [with_role("other"), ProfileState::Missing, ProfileState::Found { role: None }] {
            assert_eq!(next_step(&spec("node"), Some(("p", &state))), create(Some("p")), "{state:?}");
        }
    }

    #[test]
    fn a_profile_of_the_user_s_is_used_as_it_is() {
        let mut spec = spec("node");
        (spec.role, spec.instance_profile) = (None, Some("mine".to_owned()));
        let used = |superseded: Option<&str>| Step::Use {
            profile: "mine".to_owned(),
            superseded: superseded.map(str::to_owned),
        };
        assert_eq!(next_step(&spec, Some(("p", &with_role("node")))), used(Some("p")));
        assert_eq!(next_step(&spec, Some(("mine", &ProfileState::Missing))), used(None));
        spec.instance_profile = None;
        assert_eq!(next_step(&spec, None), Step::Nothing);
    }

    #[test]
    fn only_profiles_that_nobody_needs_are_collected() {
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        let listed = ["old", "status", "new"].map(|name| (name.to_owned(), "/karpenter/r/demo/uid/".to_owned()));
        let foreign = ("foreign".to_owned(), "/karpenter/r/demo2/uid/".to_owned());
        let listed = [listed.to_vec(), vec![foreign]].concat();
        let mut protected = Protected::default();
        protected.protect("new", at(0));
        let in_use = BTreeSet::from(["status".to_owned()]);
        let unused = |now| unused(&listed, &path_of_cluster("r", "demo"), &in_use, &protected, at(now));
        assert_eq!(unused(59), ["old"]);
        assert_eq!(unused(60), ["old", "new"]);
    }
}
