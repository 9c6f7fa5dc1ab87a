//! The life of launch templates: which are known to exist, which nobody has used for a while and can be deleted, and which
//! go with their class (spec aws-provider 5.5, 1.9). Every deletion rests on the template's own tags, not on a filter.

use super::LaunchTemplate;
use crate::tags::{Tags, prove_launch_template};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// A template that nothing was launched with for so long is deleted. Karpenter waits one minute; then a cluster at rest
/// makes the same template again and again, and a deletion meets a launch that has just looked the template up.
pub const UNUSED_FOR: SignedDuration = SignedDuration::from_mins(10);

/// A launch template as EC2 lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundTemplate {
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Tags,
}

/// The cluster's templates that are known to exist, and when each was last needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shelf {
    used: BTreeMap<String, Timestamp>,
}

impl Shelf {
    /// Those that were found when the provider began to lead: orphans of a predecessor among them grow old from now on.
    #[must_use]
    pub fn found(listed: &[FoundTemplate], cluster: &str, now: Timestamp) -> Self {
        let ours = listed.iter().filter(|found| prove_launch_template(&found.name, &found.tags, cluster, None));
        Self { used: ours.map(|found| (found.name.clone(), now)).collect() }
    }

    /// Notes that a launch needs the template, and says whether it is known to exist. If not, it has to be looked up or
    /// created, and told to [`Shelf::exists`].
    #[must_use]
    pub fn needs(&mut self, template: &LaunchTemplate, now: Timestamp) -> bool {
        let Some(used) = self.used.get_mut(&template.name) else { return false };
        *used = now.max(*used);
        true
    }

    /// Notes that the template is there.
    pub fn exists(&mut self, name: &str, now: Timestamp) {
        self.used.insert(name.to_owned(), now);
    }

    /// Forgets templates that EC2 says do not exist (`InvalidLaunchTemplateName.NotFoundException`), so that the launch can
    /// be tried once more with new ones. Nothing is deleted.
    pub fn gone<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            self.used.remove(name);
        }
    }

    /// Takes the templates that have not been needed for long off the shelf, to be deleted. Whoever needs one from here on
    /// will look it up in EC2 first.
    #[must_use]
    pub fn take_unused(&mut self, now: Timestamp) -> Vec<String> {
        let unused = |used: &Timestamp| now.duration_since(*used) >= UNUSED_FOR;
        let taken: Vec<String> =
            self.used.iter().filter(|(_, used)| unused(used)).map(|(name, _)| name.clone()).collect();
        self.gone(taken.iter().map(String::as_str));
        taken
    }

    /// When the next template will be old enough to be deleted.
    #[must_use]
    pub fn next_look(&self) -> Option<Timestamp> {
        self.used.values().min().and_then(|used| used.checked_add(UNUSED_FOR).ok())
    }
}

/// Of the templates that EC2 lists, those that must be gone before the class may go.
#[must_use]
pub fn of_class<'a>(listed: &'a [FoundTemplate], cluster: &str, class: &str) -> Vec<&'a str> {
    let ours = listed.iter().filter(|found| prove_launch_template(&found.name, &found.tags, cluster, Some(class)));
    ours.map(|found| found.name.as_str()).collect()
}
