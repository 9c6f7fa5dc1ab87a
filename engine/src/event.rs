//! What the engine is told: what was seen of the cluster, and how actions ended.

use crate::action::{ActionId, ApiError};
use crate::cluster::{Kind, Object, ObjectKey};
use crate::round::Planned;
use dovetail_api::node_claim::NodeClaim;
use dovetail_cloudprovider::errors::ProviderError;
use dovetail_scheduler::instance_type::InstanceType;
use std::sync::Arc;

/// Something that was seen.
#[derive(Debug)]
pub enum Event {
    /// An object is there, or has changed.
    Applied(Object),
    /// An object is gone.
    Deleted(ObjectKey),
    /// A kind is going to be told from the beginning: at the start, and after a watch has lost its place. [`Event::Applied`]
    /// for every object that there is, and then [`Event::Relisted`].
    Relisting(Kind),
    /// Every object of the kind has been told; what was known and has not been told again is gone.
    Relisted(Kind),
    /// An action has ended. Told once for every action, also for one that was given up.
    Finished {
        /// Which.
        id: ActionId,
        /// How.
        outcome: Outcome,
    },
}

/// How an action ended.
#[derive(Debug)]
pub enum Outcome {
    /// Of a creation, a patch, a deletion or an eviction: the object as the API server left it, if it said so.
    Written(Result<Option<Object>, ApiError>),
    /// Of a launch: the claim with what the machine is like.
    Launched(Result<Box<NodeClaim>, ProviderError>),
    /// Of the ending of a machine: under way. It is gone when the answer is `NodeClaimNotFound`.
    Terminated(Result<(), ProviderError>),
    /// Of a look at a machine.
    Inspected(Result<Box<NodeClaim>, ProviderError>),
    /// Of a look at all machines.
    Machines(Result<Vec<NodeClaim>, ProviderError>),
    /// Of the question what can be bought.
    InstanceTypes(Result<Arc<[Arc<InstanceType>]>, ProviderError>),
    /// Of the question whether a machine has drifted: why, if it has.
    Drift(Result<Option<String>, ProviderError>),
    /// Of a restart.
    Rebooted(Result<(), ProviderError>),
    /// Of a round.
    Planned(Box<Planned>),
    /// Nobody knows; the action was given up, as by a replica that leads no more.
    GivenUp,
}

impl Outcome {
    /// What the API server said no with, if it did.
    pub const fn api_error(&self) -> Option<&ApiError> {
        match self {
            Self::Written(Err(error)) => Some(error),
            _ => None,
        }
    }

    /// What the provider said no with, if it did.
    pub const fn provider_error(&self) -> Option<&ProviderError> {
        match self {
            Self::Launched(Err(error)) | Self::Inspected(Err(error)) => Some(error),
            Self::Terminated(Err(error)) | Self::Rebooted(Err(error)) => Some(error),
            Self::Machines(Err(error)) => Some(error),
            Self::InstanceTypes(Err(error)) => Some(error),
            Self::Drift(Err(error)) => Some(error),
            _ => None,
        }
    }

    /// Whether it went well.
    pub const fn is_ok(&self) -> bool {
        self.api_error().is_none() && self.provider_error().is_none() && !matches!(self, Self::GivenUp)
    }
}
