//! What becomes of the controller's requests: the API server and the cloud carry them out, late, twice, not at all, or as
//! asked. What the controller asks for is its own business.

use super::{Happening, World};
use crate::api_server::seconds;
use crate::invariants;
use dovetail_api::node_claim::NodeClaim;
use dovetail_cloudprovider::errors::ProviderError;
use dovetail_engine::action::{Action, ApiError, Effect, Fault, Patch};
use dovetail_engine::cluster::{Object, ObjectKey};
use dovetail_engine::event::Outcome;
use k8s_openapi::jiff::Timestamp;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

impl World {
    /// How long a request takes to have its effect, in milliseconds.
    pub(super) fn latency(&mut self, effect: &Effect) -> (i64, i64) {
        match effect {
            Effect::Launch(_) if self.chance.happens(self.faults.slow_launch) => (60_000, 240_000),
            Effect::Launch(_) => (1_000, 4_000),
            Effect::Plan(_) => (10, 500),
            Effect::Terminate(_) | Effect::Inspect { .. } | Effect::ListMachines | Effect::InstanceTypes(_) => {
                (50, 500)
            }
            _ => (2, 30),
        }
    }

    /// Carries out what the controller asks for, as far as nothing goes wrong.
    pub(super) fn carry_out(&mut self, action: Action) -> Outcome {
        let about = action.about;
        let verb = action.effect.verb();
        self.note(|| format!("{verb:?} {about}"));
        let key = about.object();
        let written = match action.effect {
            Effect::Plan(ask) => return Outcome::Planned(Box::new(ask.work_out(&|| Duration::ZERO))),
            Effect::Launch(claim) => return Outcome::Launched(self.launch(&claim).map(Box::new)),
            Effect::Terminate(claim) => return Outcome::Terminated(self.terminate(&claim)),
            Effect::Inspect { provider_id } => return Outcome::Inspected(self.inspect(&provider_id).map(Box::new)),
            Effect::ListMachines => return Outcome::Machines(self.machines()),
            Effect::InstanceTypes(_) => {
                let types = self.cloud_answers().map(|()| Arc::clone(&self.cloud.catalogue.types));
                return Outcome::InstanceTypes(types);
            }
            Effect::CheckDrift(_) => return Outcome::Drift(Ok(None)),
            Effect::Reboot { .. } => return Outcome::Rebooted(Err(ProviderError::NodeRebootNotImplemented)),
            write => write,
        };
        if self.chance.happens(self.faults.throttled) {
            return Outcome::Written(Err(ApiError::new(Fault::Throttled, 429, "too many requests")));
        }
        let is_late = self.chance.happens(self.faults.timeout);
        if is_late && self.chance.happens(500) {
            return Outcome::Written(Err(ApiError::new(Fault::Timeout, 0, "no answer in time")));
        }
        let result = self.write(key, written);
        if is_late {
            return Outcome::Written(Err(ApiError::new(Fault::Timeout, 0, "no answer in time")));
        }
        Outcome::Written(result)
    }

    fn write(&mut self, key: Option<&ObjectKey>, effect: Effect) -> Result<Option<Object>, ApiError> {
        let now = self.now;
        if let Effect::Create(object) = effect {
            return self.server.create(object, now).map(Some);
        }
        let Some(key) = key else {
            return Err(ApiError::new(Fault::Invalid, 400, "the request does not say which object it is about"));
        };
        match effect {
            Effect::Patch(patch) => {
                if self.chance.happens(self.faults.meddler) {
                    let number = self.chance.number().to_string();
                    let touch = json!({"metadata": {"annotations": {"example.com/touched": number}}});
                    // Nothing to meddle with is no matter.
                    drop(self.server.patch(key, &Patch { status: false, body: touch }));
                }
                self.server.patch(key, &patch)
            }
            Effect::Delete(delete) => self.server.delete(key, &delete, now),
            Effect::Evict(eviction) => self.server.evict(key, &eviction, now),
            _ => Err(ApiError::new(Fault::Invalid, 400, "this is no write")),
        }
    }

    // The cloud.

    fn cloud_answers(&mut self) -> Result<(), ProviderError> {
        if self.chance.happens(self.faults.cloud) {
            Err(ProviderError::other("request limit exceeded"))
        } else {
            Ok(())
        }
    }

    fn launch(&mut self, claim: &NodeClaim) -> Result<NodeClaim, ProviderError> {
        self.cloud_answers()?;
        if self.chance.happens(self.faults.sold_out) {
            return Err(ProviderError::InsufficientCapacity("all sold out".to_owned()));
        }
        let (told, is_new) = self.cloud.launch(claim, self.now)?;
        let id = told.status.as_ref().and_then(|status| status.provider_id.clone()).unwrap_or_default();
        if is_new && !self.chance.happens(self.faults.never_joins) {
            self.soon(5_000, 60_000, Happening::Joins(id));
        }
        Ok(told)
    }

    fn terminate(&mut self, claim: &NodeClaim) -> Result<(), ProviderError> {
        self.cloud_answers()?;
        let id = claim.status.as_ref().and_then(|status| status.provider_id.as_deref()).unwrap_or_default();
        let gone = || ProviderError::NodeClaimNotFound(format!("there is no machine {id:?}"));
        let machine = self.cloud.machine(id).ok_or_else(gone)?;
        if machine.ends.is_none() {
            let node = machine.node.metadata.name.as_deref().unwrap_or_default();
            self.violation = self.violation.take().or_else(|| invariants::machine_ends(node, &self.server));
            let ends = self.now + self.chance.between(1_000, 30_000);
            self.cloud.terminate(id, ends);
            self.timeline.at(ends, Happening::MachineEnds(id.to_owned()));
        }
        Ok(())
    }

    fn inspect(&mut self, provider_id: &str) -> Result<NodeClaim, ProviderError> {
        self.cloud_answers()?;
        let machine = self.cloud.machine(provider_id);
        let machine = machine.ok_or_else(|| ProviderError::NodeClaimNotFound(provider_id.to_owned()))?;
        Ok(told(&machine.claim, machine.launched, machine.ends))
    }

    fn machines(&mut self) -> Result<Vec<NodeClaim>, ProviderError> {
        self.cloud_answers()?;
        Ok(self.cloud.machines().map(|(_, machine)| told(&machine.claim, machine.launched, machine.ends)).collect())
    }
}

/// A machine as the provider tells of it now.
fn told(claim: &NodeClaim, launched: Timestamp, ends: Option<Timestamp>) -> NodeClaim {
    let mut claim = claim.clone();
    claim.metadata.creation_timestamp = Some(seconds(launched));
    claim.metadata.deletion_timestamp = ends.map(seconds);
    claim
}
