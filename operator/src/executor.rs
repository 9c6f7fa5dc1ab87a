//! Performs what the engine wants, each action once, and tells how it ended. It decides how fast and how long, never what:
//! writes to the API server have a pace and a deadline, the lease is checked before each of them, and whatever happens the
//! engine is told exactly one outcome. To try again is the engine's decision.

mod kubernetes;
mod machines;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dovetail_cloudprovider::provider::CloudProvider;
use dovetail_engine::action::{Action, ApiError, Effect, Fault, Verb};
use dovetail_engine::cluster::Object;
use dovetail_engine::event::{Event, Outcome};
use dovetail_engine::round::Ask;
use kube::Client;
use tokio::sync::mpsc;
use tokio::time;

use crate::lease::Leadership;
use crate::metrics::Metrics;
use crate::pace::Pace;

/// How long a call of the provider may take. A launch that takes longer may have happened: it is asked for again with the
/// same token.
const PROVIDER_PATIENCE: Duration = Duration::from_secs(120);

/// Performs actions.
pub struct Executor {
    /// Its client is its own: watches do not wait for writes.
    pub client: Client,
    /// Where machines come from.
    pub provider: Arc<dyn CloudProvider>,
    /// Whether this replica may write.
    pub leadership: Leadership,
    /// How many writes a second; none for any number.
    pub pace: Option<Mutex<Pace>>,
    /// How long a write may take: it has ended before another replica may lead.
    pub write_patience: Duration,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
    /// The moment from which the pace counts.
    pub start: Instant,
}

impl Executor {
    /// Performs an action and tells how it ended.
    pub async fn perform(self: Arc<Self>, action: Action, outcomes: mpsc::Sender<Event>) {
        let (id, verb) = (action.id, action.effect.verb());
        let name = verb_name(verb);
        self.metrics.shift("dovetail_actions_under_way", &[("action", name)], 1.0);
        let begun = Instant::now();
        let work = Arc::clone(&self);
        // On a task of its own, so that a panic in a provider ends this action and not the controller.
        let outcome = tokio::spawn(async move { work.outcome(action).await }).await.unwrap_or_else(|error| {
            tracing::error!(%error, action = name, "an action broke off");
            Outcome::GivenUp
        });
        self.metrics.shift("dovetail_actions_under_way", &[("action", name)], -1.0);
        self.metrics.observe("dovetail_action_duration_seconds", &[("action", name)], begun.elapsed().as_secs_f64());
        let told = [("action", name), ("outcome", outcome_name(&outcome))];
        self.metrics.count("dovetail_actions_total", &told, 1.0);
        // Nobody listens any more when the controller ends.
        let _ = outcomes.send(Event::Finished { id, outcome }).await;
    }

    async fn outcome(&self, action: Action) -> Outcome {
        let is_write = action.effect.is_write();
        if is_kubernetes(&action.effect) {
            self.wait_for_pace().await;
        }
        // After the waiting: it may have taken long.
        if is_write && !self.leadership.holds() {
            return Outcome::GivenUp;
        }
        let Action { about, effect, .. } = action;
        match effect {
            Effect::Create(_) | Effect::Patch(_) | Effect::Delete(_) | Effect::Evict(_) => {
                Outcome::Written(match kubernetes::request(&about, &effect) {
                    Ok(request) => self.write(request).await,
                    Err(error) => Err(error),
                })
            }
            Effect::Plan(ask) => plan(*ask).await,
            effect => machines::ask(self.provider.as_ref(), &self.metrics, effect, PROVIDER_PATIENCE).await,
        }
    }

    async fn wait_for_pace(&self) {
        let Some(pace) = &self.pace else { return };
        let wait = pace.lock().unwrap_or_else(PoisonError::into_inner).wait(self.start.elapsed());
        if !wait.is_zero() {
            time::sleep(wait).await;
        }
    }

    async fn write(&self, request: kubernetes::Request) -> Result<Option<Object>, ApiError> {
        let labels = request.labels;
        let is_creation = request.verb == "POST" && request.subresource.is_empty();
        let (verb, subresource) = (request.verb, request.subresource);
        let begun = Instant::now();
        let answer = time::timeout(self.write_patience, (request.send)(self.client.clone())).await;
        let answer = match answer {
            Ok(answer) => answer.map_err(|error| kubernetes::api_error(&error, is_creation)),
            Err(_) => Err(kubernetes::timed_out(self.write_patience)),
        };
        let code = match &answer {
            Ok(_) if is_creation => "201".to_owned(),
            Ok(_) => "200".to_owned(),
            Err(error) if error.code == 0 => "<error>".to_owned(),
            Err(error) => error.code.to_string(),
        };
        self.metrics.count("client_go_request_total", &[("code", &code), ("method", verb)], 1.0);
        let labels = [
            ("verb", verb),
            ("group", labels.group),
            ("version", labels.version),
            ("kind", labels.kind),
            ("subresource", subresource),
        ];
        self.metrics.observe("client_go_request_duration_seconds", &labels, begun.elapsed().as_secs_f64());
        answer
    }
}

/// Works out a plan where it keeps nobody waiting. The search looks at this clock, and ends when its time is up.
async fn plan(ask: Ask) -> Outcome {
    let begun = Instant::now();
    let planned = tokio::task::spawn_blocking(move || ask.work_out(&|| begun.elapsed())).await;
    planned.map_or_else(
        |error| {
            tracing::error!(%error, "a plan broke off");
            Outcome::GivenUp
        },
        |planned| Outcome::Planned(Box::new(planned)),
    )
}

const fn is_kubernetes(effect: &Effect) -> bool {
    matches!(effect, Effect::Create(_) | Effect::Patch(_) | Effect::Delete(_) | Effect::Evict(_))
}

/// How metrics call a kind of action.
const fn verb_name(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "create",
        Verb::Patch => "patch",
        Verb::PatchStatus => "patch-status",
        Verb::Delete => "delete",
        Verb::Evict => "evict",
        Verb::Launch => "launch",
        Verb::Terminate => "terminate",
        Verb::Inspect => "inspect",
        Verb::ListMachines => "list-machines",
        Verb::InstanceTypes => "instance-types",
        Verb::CheckDrift => "check-drift",
        Verb::Reboot => "reboot",
        Verb::Plan => "plan",
    }
}

/// How metrics call an outcome.
const fn outcome_name(outcome: &Outcome) -> &'static str {
    if let Some(error) = outcome.api_error() {
        return match error.fault {
            Fault::NotFound => "not-found",
            Fault::Conflict => "conflict",
            Fault::Exists => "exists",
            Fault::Throttled => "throttled",
            Fault::Timeout => "timeout",
            Fault::Invalid => "invalid",
            Fault::Forbidden => "forbidden",
            Fault::Other => "error",
        };
    }
    match outcome {
        Outcome::GivenUp => "given-up",
        _ if outcome.provider_error().is_some() => "provider-error",
        _ => "ok",
    }
}

#[cfg(test)]
mod tests;
