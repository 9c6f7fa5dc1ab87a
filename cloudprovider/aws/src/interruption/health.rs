//! EC2's own checks of machines: which of them mean that a machine must go, and which only began a moment ago (spec
//! aws-provider 8.4).

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// A check that fails for less long may pass again by itself.
pub const PATIENCE: SignedDuration = SignedDuration::from_secs(120);

/// Events of these kinds end or interrupt a machine.
pub const EVENT_CODES: [&str; 5] =
    ["instance-reboot", "system-reboot", "system-maintenance", "instance-retirement", "instance-stop"];

/// A machine's status as EC2 describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceStatus {
    /// Its id.
    pub instance: String,
    /// Whether the machine itself is impaired, and since when its checks have failed.
    pub instance_check: Check,
    /// Whether the hardware below it is.
    pub system_check: Check,
    /// What is planned.
    pub events: Vec<ScheduledEvent>,
}

/// A set of checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// `ok`, `impaired` ...
    pub status: String,
    /// Of each detail that has the status `failed`, since when it has.
    pub failed_since: Vec<Option<Timestamp>>,
}

/// Something that is planned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduledEvent {
    /// Its kind.
    pub code: String,
    /// A text, which begins with a marker once the event is over.
    pub description: String,
}

/// What is wrong with a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// The machine itself fails its checks.
    InstanceStatus,
    /// The hardware below it does.
    SystemStatus,
    /// Something is planned.
    EventStatus,
}

impl Category {
    /// The value of the label `category`, and the reason for a disruption, in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InstanceStatus => "instance_status",
            Self::SystemStatus => "system_status",
            Self::EventStatus => "event_status",
        }
    }

    /// Whether the machine is not to be drained at leisure.
    #[must_use]
    pub const fn is_forceful(self) -> bool {
        !matches!(self, Self::EventStatus)
    }
}

/// A machine that must go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unhealthy {
    /// Its id.
    pub instance: String,
    /// Why.
    pub category: Category,
}

/// The machines that must go, each with every reason, once. The statuses may come from several queries.
#[must_use]
pub fn unhealthy(statuses: &[InstanceStatus], now: Timestamp) -> Vec<Unhealthy> {
    let lasting = |check: &Check| {
        let old = |since: &Option<Timestamp>| since.is_some_and(|since| now.duration_since(since) >= PATIENCE);
        check.status == "impaired" && check.failed_since.iter().any(old)
    };
    let mut found = BTreeSet::new();
    for status in statuses {
        let reasons = [
            (Category::InstanceStatus, lasting(&status.instance_check)),
            (Category::SystemStatus, lasting(&status.system_check)),
            (Category::EventStatus, status.events.iter().any(is_ahead)),
        ];
        let reasons = reasons.into_iter().filter(|(_, holds)| *holds);
        found.extend(reasons.map(|(category, _)| Unhealthy { instance: status.instance.clone(), category }));
    }
    found.into_iter().collect()
}

/// Whether an event is still to come. EC2 keeps those that are over for a week, with a marker in the text; Karpenter drains
/// nodes for them.
fn is_ahead(event: &ScheduledEvent) -> bool {
    let text = event.description.trim_start().to_ascii_lowercase();
    let over = ["[completed]", "[canceled]", "[cancelled]"].iter().any(|marker| text.starts_with(marker));
    EVENT_CODES.contains(&event.code.as_str()) && !over
}

/// What was found at the last look, so that a metric counts a machine once for as long as it is unhealthy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted(BTreeSet<Unhealthy>);

impl Counted {
    /// Takes note of what was found, and says what is new. What has recovered is forgotten, and will be new again.
    #[must_use]
    pub fn new_ones(&mut self, found: &[Unhealthy]) -> Vec<Unhealthy> {
        let found: BTreeSet<Unhealthy> = found.iter().cloned().collect();
        let new = found.difference(&self.0).cloned().collect();
        self.0 = found;
        new
    }
}
