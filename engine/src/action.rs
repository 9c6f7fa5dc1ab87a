//! What the engine wants done: writes to the API server, calls of the provider, and computations that take their time.
//!
//! The engine performs nothing. Whoever drives it performs every action once, in any order and as many at a time as it
//! likes, and tells how each ended ([`crate::event::Event::Finished`]), be it by giving up. Of actions of one
//! [`Verb`] about one object at most one is under way; one that failed is asked for again after a while if it is still
//! wanted. Every action may be performed twice with the effect of one, since an answer may be lost: launches carry the UID
//! of their claim, creations a name that was chosen here, everything else says which UID it means, and what must not
//! overwrite a change of somebody else also says which resource version.

use crate::cluster::{Object, Subject};
use crate::round::Ask;
use dovetail_api::node_claim::NodeClaim;
use dovetail_api::node_pool::NodePool;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};
use std::fmt;

/// The number of an action; none is used twice by one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub u64);

/// Something to be done.
#[derive(Debug)]
pub struct Action {
    /// What its outcome is told by.
    pub id: ActionId,
    /// What it is about.
    pub about: Subject,
    /// What is to be done.
    pub effect: Effect,
}

/// What is to be done.
#[derive(Debug)]
pub enum Effect {
    /// Creates the object. That there is one of its name already is an error ([`Fault::Exists`]).
    Create(Object),
    /// Changes an object by a JSON merge patch.
    Patch(Patch),
    /// Deletes an object, in the background.
    Delete(Delete),
    /// Evicts a pod, as far as disruption budgets allow.
    Evict(Eviction),
    /// Buys a machine for the claim.
    Launch(Box<NodeClaim>),
    /// Ends the machine of the claim; asked for until it is gone.
    Terminate(Box<NodeClaim>),
    /// Looks at the machine of a claim.
    Inspect {
        /// Its provider ID.
        provider_id: String,
    },
    /// Looks at every machine that was bought for this cluster.
    ListMachines,
    /// Asks what can be bought for the pool.
    InstanceTypes(Box<NodePool>),
    /// Asks whether the machine of the claim is still what its node class wants.
    CheckDrift(Box<NodeClaim>),
    /// Restarts the machine of the claim.
    Reboot {
        /// The claim.
        claim: Box<NodeClaim>,
        /// The same for every attempt at one reboot.
        operation: String,
    },
    /// Works out a round of provisioning: [`Ask::work_out`], on any thread.
    Plan(Box<Ask>),
}

/// The kind of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // each is the kind of the effect it is named after
pub enum Verb {
    Create,
    Patch,
    PatchStatus,
    Delete,
    Evict,
    Launch,
    Terminate,
    Inspect,
    ListMachines,
    InstanceTypes,
    CheckDrift,
    Reboot,
    Plan,
}

impl Effect {
    /// Its kind.
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Create(_) => Verb::Create,
            Self::Patch(Patch { status: false, .. }) => Verb::Patch,
            Self::Patch(Patch { status: true, .. }) => Verb::PatchStatus,
            Self::Delete(_) => Verb::Delete,
            Self::Evict(_) => Verb::Evict,
            Self::Launch(_) => Verb::Launch,
            Self::Terminate(_) => Verb::Terminate,
            Self::Inspect { .. } => Verb::Inspect,
            Self::ListMachines => Verb::ListMachines,
            Self::InstanceTypes(_) => Verb::InstanceTypes,
            Self::CheckDrift(_) => Verb::CheckDrift,
            Self::Reboot { .. } => Verb::Reboot,
            Self::Plan(_) => Verb::Plan,
        }
    }

    /// Whether only the leader may do it; what is no write harms nobody.
    pub const fn is_write(&self) -> bool {
        !matches!(
            self,
            Self::Inspect { .. } | Self::ListMachines | Self::InstanceTypes(_) | Self::CheckDrift(_) | Self::Plan(_)
        )
    }
}

impl Verb {
    /// The least in order.
    pub(crate) const FIRST: Self = Self::Create;
    /// The greatest in order.
    pub(crate) const LAST: Self = Self::Plan;

    /// How long after a failure it is tried again, in milliseconds: at first, and at most. It doubles each time.
    pub const fn backoff_ms(self) -> (i64, i64) {
        match self {
            Self::Launch | Self::Create | Self::CheckDrift | Self::Reboot => (1_000, 60_000),
            Self::Terminate | Self::Inspect | Self::ListMachines | Self::InstanceTypes | Self::Plan => (1_000, 10_000),
            Self::Evict => (100, 10_000),
            Self::Patch | Self::PatchStatus | Self::Delete => (100, 10_000),
        }
    }
}

/// A change of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// Whether its status is changed rather than the rest.
    pub status: bool,
    /// The JSON merge patch. It names the UID, and the resource version if nobody else may have changed the object since.
    pub body: Value,
}

impl Patch {
    /// Changes the rest of an object.
    pub fn of(metadata: &ObjectMeta, body: Value) -> Self {
        Self { status: false, body }.meaning(metadata.uid.as_deref())
    }

    /// Changes the status of an object.
    pub fn of_status(metadata: &ObjectMeta, status: Value) -> Self {
        Self { status: true, body: json!({"status": status}) }.meaning(metadata.uid.as_deref())
    }

    /// Changes the status of the object with this UID.
    pub fn of_status_by_uid(uid: &str, status: Value) -> Self {
        Self { status: true, body: json!({"status": status}) }.meaning(Some(uid))
    }

    /// Only if nobody has changed the object since it was read. Lists can be replaced as a whole then.
    #[must_use]
    pub fn unless_changed(mut self, metadata: &ObjectMeta) -> Self {
        if let Some(version) = &metadata.resource_version {
            self.body["metadata"]["resourceVersion"] = json!(version);
        }
        self
    }

    /// The API server refuses a patch that would change the UID: another object of that name is not touched.
    fn meaning(mut self, uid: Option<&str>) -> Self {
        if let Some(uid) = uid.filter(|uid| !uid.is_empty()) {
            self.body["metadata"]["uid"] = json!(uid);
        }
        self
    }
}

/// The end of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delete {
    /// The object with this UID and no other.
    pub uid: Option<String>,
    /// Only if it is at this version.
    pub resource_version: Option<String>,
    /// How long a pod may take to end, in seconds, instead of what it says itself.
    pub grace_period_seconds: Option<i64>,
}

impl Delete {
    /// The end of this very object.
    pub fn of(metadata: &ObjectMeta) -> Self {
        Self { uid: metadata.uid.clone(), ..Self::default() }
    }
}

/// The eviction of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Eviction {
    /// The pod with this UID and no other.
    pub uid: String,
    /// How long it may take to end, in seconds, instead of what it says itself.
    pub grace_period_seconds: Option<i64>,
}

/// What the API server said no with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// What kind of no it is.
    pub fault: Fault,
    /// The HTTP code, 0 if there was no answer.
    pub code: u16,
    /// The words.
    pub message: String,
}

/// Why a write did not come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// There is no such object (404), or a condition on its UID does not hold.
    NotFound,
    /// It has changed since it was read (409).
    Conflict,
    /// There is one of that name already (409 on creation).
    Exists,
    /// Too many requests; for an eviction: a disruption budget is in the way (429).
    Throttled,
    /// No answer in time. It may have happened all the same.
    Timeout,
    /// The object would not be valid, or the request makes no sense (400, 422).
    Invalid,
    /// We may not (401, 403), or are not the leader any more.
    Forbidden,
    /// Anything else.
    Other,
}

impl ApiError {
    /// A no of that kind.
    pub fn new(fault: Fault, code: u16, message: impl fmt::Display) -> Self {
        Self { fault, code, message: message.to_string() }
    }
}
