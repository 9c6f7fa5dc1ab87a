//! Calls of the provider: each with a deadline, and counted as Karpenter counts them. What the answers mean is the engine's
//! business.

use std::future::Future;
use std::time::{Duration, Instant};

use dovetail_api::labels::NODEPOOL;
use dovetail_api::node_claim::NodeClaim;
use dovetail_cloudprovider::errors::ProviderError;
use dovetail_cloudprovider::provider::CloudProvider;
use dovetail_engine::action::Effect;
use dovetail_engine::event::Outcome;
use tokio::time;

use crate::metrics::Metrics;

/// Asks the provider what the effect says.
pub(super) async fn ask(
    provider: &dyn CloudProvider,
    metrics: &Metrics,
    effect: Effect,
    patience: Duration,
) -> Outcome {
    let call =
        |controller, method, pool| Call { provider: provider.name(), metrics, patience, controller, method, pool };
    match effect {
        Effect::Launch(claim) => Outcome::Launched(
            call("nodeclaim.lifecycle", "Create", pool_of(&claim)).timed(provider.create(&claim)).await.map(Box::new),
        ),
        Effect::Terminate(claim) => Outcome::Terminated(
            call("nodeclaim.lifecycle", "Delete", pool_of(&claim)).timed(provider.delete(&claim)).await,
        ),
        Effect::Inspect { provider_id } => Outcome::Inspected(
            call("node.termination", "Get", String::new()).timed(provider.get(&provider_id)).await.map(Box::new),
        ),
        Effect::ListMachines => {
            Outcome::Machines(call("nodeclaim.garbagecollection", "List", String::new()).timed(provider.list()).await)
        }
        Effect::InstanceTypes(pool) => {
            let name = pool.metadata.name.clone().unwrap_or_default();
            Outcome::InstanceTypes(
                call("provisioner", "GetInstanceTypes", name).timed(provider.instance_types(&pool)).await,
            )
        }
        Effect::CheckDrift(claim) => Outcome::Drift(
            call("nodeclaim.disruption", "IsDrifted", pool_of(&claim)).timed(provider.is_drifted(&claim)).await,
        ),
        Effect::Reboot { claim, operation } => Outcome::Rebooted(
            call("nodeclaim.reboot", "Reboot", pool_of(&claim)).timed(provider.reboot(&claim, &operation)).await,
        ),
        // Nothing of a provider's.
        Effect::Create(_) | Effect::Patch(_) | Effect::Delete(_) | Effect::Evict(_) | Effect::Plan(_) => {
            Outcome::GivenUp
        }
    }
}

fn pool_of(claim: &NodeClaim) -> String {
    claim.metadata.labels.as_ref().and_then(|labels| labels.get(NODEPOOL)).cloned().unwrap_or_default()
}

/// A call, as metrics show it.
struct Call<'m> {
    provider: &'static str,
    metrics: &'m Metrics,
    patience: Duration,
    controller: &'static str,
    method: &'static str,
    pool: String,
}

impl Call<'_> {
    async fn timed<T>(self, answer: impl Future<Output = Result<T, ProviderError>>) -> Result<T, ProviderError> {
        let begun = Instant::now();
        let answer = time::timeout(self.patience, answer).await.unwrap_or_else(|_| {
            Err(ProviderError::other(format!(
                "{} of {} took longer than {:?}",
                self.method, self.provider, self.patience
            )))
        });
        let labels = [("controller", self.controller), ("method", self.method), ("provider", self.provider)];
        self.metrics.observe("karpenter_cloudprovider_duration_seconds", &labels, begun.elapsed().as_secs_f64());
        if let Err(error) = &answer {
            let mut labels = labels.to_vec();
            labels.extend([("error", error.metric_label()), ("nodepool", self.pool.as_str())]);
            self.metrics.count("karpenter_cloudprovider_errors_total", &labels, 1.0);
        }
        answer
    }
}
