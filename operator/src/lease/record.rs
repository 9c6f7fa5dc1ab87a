//! The Lease object as the election reads and writes it. Who may write is not known here.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use serde_json::{Value, json};

use super::Attempt;

/// What a lease says. Two records are equal if nobody wrote in between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Who holds it; empty if nobody does.
    pub holder: String,
    /// How long it holds without being renewed.
    pub duration: Option<Duration>,
    /// How often the holder has changed.
    pub transitions: i32,
    /// When it was acquired and renewed by the clock of whoever did. Never compared with another clock.
    pub times: [Option<Timestamp>; 2],
}

/// A lease as the API server holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it says.
    pub record: Record,
    /// Its resource version.
    pub version: String,
}

impl Seen {
    /// Reads a Lease; what is missing is empty, and a negative duration is none.
    #[must_use]
    pub fn of(lease: &Lease) -> Self {
        let spec = lease.spec.clone().unwrap_or_default();
        let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        Self {
            record: Record {
                holder: spec.holder_identity.unwrap_or_default(),
                duration: seconds.map(Duration::from_secs),
                transitions: spec.lease_transitions.unwrap_or_default(),
                times: [spec.acquire_time, spec.renew_time].map(|time| time.map(|MicroTime(time)| time)),
            },
            version: lease.metadata.resource_version.clone().unwrap_or_default(),
        }
    }
}

impl Attempt {
    /// The attempt as a merge patch, or as a new object if there is no lease yet. The version in it makes the API server
    /// refuse the write if somebody else was quicker.
    #[must_use]
    pub fn manifest(&self, name: &str, now: Timestamp) -> Value {
        let now = MicroTime(now);
        let mut spec = json!({
            "holderIdentity": self.holder,
            "leaseDurationSeconds": self.duration_seconds,
            "leaseTransitions": self.transitions,
            "renewTime": now,
        });
        if self.acquires
            && let Some(spec) = spec.as_object_mut()
        {
            spec.insert("acquireTime".into(), json!(now));
        }
        let mut metadata = json!({ "name": name });
        if let (Some(version), Some(metadata)) = (&self.version, metadata.as_object_mut()) {
            metadata.insert("resourceVersion".into(), json!(version));
        }
        json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let attempt = Attempt {
            holder: "a_1".into(),
            duration_seconds: 15,
            transitions: 3,
            acquires: true,
            version: Some("7".into()),
        };
        let now = Timestamp::from_second(1_700_000_000).expect("a moment");
        let lease: Lease = serde_json::from_value(attempt.manifest("x", now)).expect("a Lease");
        let times = [Some(now); 2];
        let record = Record { holder: "a_1".into(), duration: Some(Duration::from_secs(15)), transitions: 3, times };
        assert_eq!(Seen::of(&lease), Seen { record, version: "7".into() });
    }

    #[test]
    fn a_renewal_leaves_the_time_of_acquisition_alone_and_a_new_lease_names_no_version() {
        let attempt =
            Attempt { holder: "a".into(), duration_seconds: 15, transitions: 0, acquires: false, version: None };
        let manifest = attempt.manifest("x", Timestamp::UNIX_EPOCH);
        assert!(manifest.pointer("/spec/acquireTime").is_none());
        assert!(manifest.pointer("/metadata/resourceVersion").is_none());
    }

    #[test]
    fn an_empty_or_odd_lease_is_held_by_nobody() {
        assert_eq!(Seen::of(&Lease::default()).record, Record::default());
        let odd: Lease = serde_json::from_value(json!({"spec": {"leaseDurationSeconds": -5}})).expect("a Lease");
        assert_eq!(Seen::of(&odd).record.duration, None);
    }
}
